"""Every threshold of the rules, with its source."""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Every threshold of the rules; each has a source or is a proposal.

    Attributes:
        unknown_accuracy_m: Disc of a fix that does not tell its accuracy; proposal.
        good_accuracy_m: Up to this a fix proves a position alone; proposal after NIJ 1004.00's 30 m indoors.
        max_speed_m_s: Faster between two fixes is a jump: 250 km/h (field/monitoring.md kind 17, proposal).
        confirm_fixes: Doubtful fixes that make a breach, of the last `confirm_window` (kind 6: 2 of 3).
        leave_band_part, leave_band_min_m, leave_band_max_m: Beyond the edge by this much counts as leaving:
            10 % of the radius, at least 20 m, at most 50 m (field/geofencing.md section 6).
        leave_fixes, leave_s: And for at least 2 fixes and 60 s of fix time (same source).
        segment_max_s: A straight line between two fixes is believed up to this gap; proposal.
        partner_stale_s: The other party's fix older than this is doubtful: 5 min (kind 20).
        repeat_s: A lasting breach is told again after this; proposal.
        late_s: Older than this on arrival is late data: 2 min (kind 26).
        future_s: A device clock may be ahead by this; proposal, GNSS clocks are exact to less than 1 s.
        ancient_s: Older than this is a broken clock, not a backlog: 31 days, proposal.
        silence_s: Nothing heard from a device for this long: 10 min (kind 14, "far" default).
        near_silence_s: The same while he can have come near meanwhile: 2 min (kind 14, "near" default).
        reach_speed_m_s: How fast he is taken to come nearer while his device is silent, as the crow flies:
            72 km/h, the knee of the curve of noise against time unseen. Proposal, decision 0010.
        horizon_speed_m_s: The same where a device is told to report more rarely, which costs no noise, and
            where a sighting is held against it: 130 km/h, the motorway limit in France, Italy and Poland.
            Proposal.
        overdue_s: Beyond the interval a device was told to report at, this much is allowed: proposal.
        pairing_s: The tracker speaks, its ankle monitor is not heard: 2 missed heartbeats of 60 s (kind 13).
        motion_no_fix_s, motion_window_s: 10 min of motion without a fix in any 60 min (kind 15).
        frozen_s: The very same position for this long: 30 min (kind 16, proposal).
        battery_low_pct, battery_critical_pct: 25 % (kind 19); 10 % stands for the 30 min that are left.
        battery_rearm_pct: So much above a stage it is over, so that a value on the line tells it once.
        closing_eta_s: He reaches the alert distance within this at his present speed: 5 min (kind 5).
        closing_min_m_s: Slower approach is a walk, which the warning radius sees in time: 18 km/h, proposal.
        still_m_s: Slower than this is standing: the error of two fixes makes as much; proposal.
        traffic_m_s: From this speed somebody is in a vehicle: 29 km/h, no runner's; proposal.
        passing_s: Two in traffic may be near each other for this long before it is no passing: 2 min, as
            Spain tolerates a pass-by (section 1, testimony).
        loiter_count, loiter_window_s: So many contacts with an edge in this time: 3 in 60 min (kind 9).
        longest_interval_s: Her device may be told to report as rarely as this while he is far; 0 tells it
            nothing (rules/horizon.py).
        wearer_longest_interval_s: The same for his. 0 unless the court accepts that he can tell from it
            how far she is; never used where a zone of the order is concealed.
        border_m: This near to the edge of the country: 30 km (kind 24).
        intake_lag_s: What devices say reaches us later than this for half of them: 30 s (section 8c).
        system_silence_s: Our own worker quiet for this long is an outage: 30 s (section 8c).
    """

    unknown_accuracy_m: float = 100.0
    good_accuracy_m: float = 50.0
    max_speed_m_s: float = 70.0
    confirm_fixes: int = 2
    confirm_window: int = 3
    leave_band_part: float = 0.1
    leave_band_min_m: float = 20.0
    leave_band_max_m: float = 50.0
    leave_fixes: int = 2
    leave_s: float = 60.0
    segment_max_s: float = 300.0
    partner_stale_s: float = 300.0
    repeat_s: float = 60.0
    late_s: float = 120.0
    future_s: float = 10.0
    ancient_s: float = 31 * 86400.0
    silence_s: float = 600.0
    near_silence_s: float = 120.0
    reach_speed_m_s: float = 20.0
    horizon_speed_m_s: float = 36.1
    overdue_s: float = 60.0
    pairing_s: float = 120.0
    motion_no_fix_s: float = 600.0
    motion_window_s: float = 3600.0
    frozen_s: float = 1800.0
    battery_low_pct: int = 25
    battery_critical_pct: int = 10
    battery_rearm_pct: int = 5
    closing_eta_s: float = 300.0
    closing_min_m_s: float = 5.0
    still_m_s: float = 0.5
    traffic_m_s: float = 8.0
    passing_s: float = 120.0
    loiter_count: int = 3
    loiter_window_s: float = 3600.0
    border_m: float = 30_000.0
    longest_interval_s: float = 0.0
    wearer_longest_interval_s: float = 0.0
    intake_lag_s: float = 30.0
    system_silence_s: float = 30.0

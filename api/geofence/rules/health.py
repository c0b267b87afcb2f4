"""Whether a device can still be relied on: battery, position, ankle monitor, receiver.

Every trouble is told once while it lasts, and its end once. What a device says late may begin a trouble
and end none: of now it says nothing. Evidence that is older than what is known is not asked at all.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from api.alerts.model import Doubt, EventKind
from api.geofence.geometry.earth import Xyz, chord_m
from api.geofence.model import STATUS, WELL, DeviceReport, Fix, FixSource, Gnss, Health, Limits
from api.geofence.rules.quality import Seen, Timing
from api.orders.model import Party

MOVE_GAP_S = 300.0
"""Between two reports of moving without a fix so much counts as moving at most; proposal."""
MOVES_KEPT = 60
"""One for each minute of the hour: a device that reports faster has its oldest moves joined."""
MOVING_FROZEN_PART = 3.0
"""Who moves cannot stay at one place: a third of `frozen_s` is enough (proposal)."""
IMPLAUSIBLE_REPEAT_S = 3600.0
"""A position that stays wrong is told again after an hour; proposal."""
SHIELDED_S = 300.0
"""So long before a silence a lost signal belongs to it; proposal, the age at which a position is stale."""
LEAST_EXCESS_M = 1000.0
"""Beyond what can be covered, so much more is no reflection: those come to some hundred metres; proposal."""
RADIO_APART_M = 2000.0
"""Her device hears his ankle monitor over less than 100 m; 20 times that is no error of a map (proposal)."""

_LOCAL = frozenset({FixSource.WIFI, FixSource.CELL, FixSource.RF})
"""These give the place of a transmitter: always the same one, and no word of the satellites."""


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A trouble of a device that began, or, with `is_end`, is over; `reason` as in `Event`."""

    kind: EventKind
    reason: str = ""
    is_end: bool = False


NOTHING: tuple[Finding, ...] = ()
Told = tuple[Health, tuple[Finding, ...]]


def next_health(
    health: Health,
    now: Seen,
    before: Seen | None,
    strap_heard_at: datetime | None,
    spoke_at: datetime | None,
    timing: Timing,
    limits: Limits,
) -> Told:
    """Return a device's health after a fix, the very same object when nothing changed, and what is told.

    Args:
        health: As of before.
        now: The device's newest fix, LIVE or LATE.
        before: The one before it.
        strap_heard_at: When any message before said something of the strap.
        spoke_at: When a position or status of the device came before.
        timing: Never PAST.
        limits: Thresholds.
    """
    fix = now.fix
    battery_pct = fix.battery_pct
    if (
        health is WELL
        and (battery_pct is None or battery_pct > limits.battery_low_pct)
        and (before is None or (fix.point != before.fix.point and Doubt.JUMP not in before.doubts))
        and (strap_heard_at is None or fix.strap_closed is not None)
        and not fix.mocked
    ):
        return health, NOTHING
    told: list[Finding] = []
    is_live = timing is Timing.LIVE
    if battery_pct is not None:
        health = _battery(health, battery_pct, limits, told, is_live=is_live)
    if before is not None:
        health = _frozen(health, fix, before.fix, limits, told)
    if fix.mocked:
        health = next_implausible(health, fix.fixed_at, "mock", told)
    elif before is not None and is_jump_confirmed(before, now, limits):
        health = next_implausible(health, fix.fixed_at, "speed", told)
    elif is_live:
        health = _plausible(health, fix.fixed_at, told)
    is_heard = fix.strap_closed is not None
    health = _pairing(health, strap_heard_at, spoke_at, fix.received_at, limits, told, is_heard=is_heard)
    if health.powered_off_at is not None and fix.fixed_at > health.powered_off_at:
        health = _powered_on(health, told)
    if is_live:
        health = _found(health, fix, told)
    return (WELL if health == WELL else health), tuple(told)


def next_health_by_report(
    health: Health,
    report: DeviceReport,
    strap_heard_at: datetime | None,
    spoke_at: datetime | None,
    limits: Limits,
) -> Told:
    """Return a device's health after news without a position, and what is told; arguments as of a fix.

    A report has no time of its own: it counts as of its arrival. What is no status is the broker's word
    (a last will) or says nothing of the device, so only its battery counts.
    """
    told: list[Finding] = []
    at = report.received_at
    if report.battery_pct is not None:
        health = _battery(health, report.battery_pct, limits, told, is_live=True)
    if report.kind != STATUS:
        return (WELL if health == WELL else health), tuple(told)
    if report.mocked:
        health = next_implausible(health, at, "mock", told)
    is_heard = report.strap_closed is not None
    health = _pairing(health, strap_heard_at, spoke_at, at, limits, told, is_heard=is_heard)
    off_at = health.powered_off_at
    if off_at is not None and (at - off_at).total_seconds() > limits.future_s:
        health = _powered_on(health, told)  # what was under way when it went off is no sign of life
    health = _moved_without_fix(health, report, limits, told)
    health = _receiver(health, report.gnss, at, told)
    # Denied and not told, or granted and told to be denied: either is news.
    if report.permission is not None and report.permission is health.permission_told:
        told.append(Finding(EventKind.PROTECTED_DEVICE_DEGRADED, is_end=report.permission))
        health = replace(health, permission_told=not report.permission)
    return (WELL if health == WELL else health), tuple(told)


def next_implausible(health: Health, at: datetime, reason: str, told: list[Finding]) -> Health:
    """Add to `told` that the position is wrong, unless that was told within the hour."""
    last = health.implausible_at
    if last is not None and (at - last).total_seconds() < IMPLAUSIBLE_REPEAT_S:
        return health
    told.append(Finding(EventKind.IMPLAUSIBLE_POSITION, reason))
    return replace(health, implausible_at=at)


def is_jump_confirmed(before: Seen, now: Seen, limits: Limits) -> bool:
    """Say whether a second fix agrees with a jump: the device is where it cannot have come to.

    A single outlier that the next fix refutes is multipath: the device is where it can have come to from
    the last place that was believed.
    """
    if Doubt.JUMP not in before.doubts or Doubt.JUMP in now.doubts:
        return False
    reach_m = now.disc_m + limits.max_speed_m_s * (now.at_s - before.anchor_s) + before.anchor_disc_m
    return chord_m(now.xyz, before.anchor_xyz) > reach_m + LEAST_EXCESS_M


def contradicts_radio(
    his: Seen, her_xyz: Xyz, her_disc_m: float, her_age_s: float, at_s: float, limits: Limits
) -> bool:
    """Say whether his position cannot be true, because her device hears his ankle monitor.

    Args:
        his: His newest fix; an old one contradicts nothing.
        her_xyz: Where her device is, Earth-centred metres.
        her_disc_m: How far that can be believed, > 0.
        her_age_s: How old that is, >= 0.
        at_s: When it heard him, Unix seconds.
        limits: Thresholds.
    """
    his_age_s = at_s - his.at_s
    if his_age_s > limits.partner_stale_s:
        return False
    way_m = limits.max_speed_m_s * (max(his_age_s, 0.0) + her_age_s)
    return chord_m(his.xyz, her_xyz) > RADIO_APART_M + his.disc_m + her_disc_m + way_m


def is_shielded(health: Health, silent_since: datetime) -> bool:
    """Say whether a silence follows upon a receiver that heard no satellites any more: both are screened."""
    lost_at = health.gnss_lost_at
    return lost_at is not None and (silent_since - lost_at).total_seconds() <= SHIELDED_S


_OF_HERS = {
    EventKind.BATTERY_LOW: "battery_low",
    EventKind.BATTERY_CRITICAL: "battery_critical",
    EventKind.POWER_OFF: "power_off",
    EventKind.NO_FIX_MOTION: "no_fix",
    EventKind.POSITION_FROZEN: "frozen",
    EventKind.IMPLAUSIBLE_POSITION: "implausible",
    EventKind.PROTECTED_DEVICE_DEGRADED: "permission_denied",
}
_ENDING = frozenset(
    {EventKind.BATTERY_LOW, EventKind.NO_FIX_MOTION, EventKind.POSITION_FROZEN, EventKind.PAIRING_LOST}
)
"""What of his is told the end of. Tampering has none: that it is over does not undo it."""


def told_as(finding: Finding, party: Party) -> tuple[EventKind, str] | None:
    """Return the kind and reason under which a finding is told; None when it means nothing on this side.

    A trouble of her device is no fault of hers: it has a kind of its own. A jammer beside her stays one,
    and may be his.
    """
    kind = finding.kind
    if party is Party.PROTECTED:
        if kind is EventKind.PAIRING_LOST:
            return None  # she wears none
        what = _OF_HERS.get(kind)
        if what is None:
            return kind, finding.reason
        if finding.is_end:
            return EventKind.CONDITION_ENDED, f"{EventKind.PROTECTED_DEVICE_DEGRADED}:{what}"
        return EventKind.PROTECTED_DEVICE_DEGRADED, what
    if kind is EventKind.PROTECTED_DEVICE_DEGRADED or (finding.is_end and kind not in _ENDING):
        return None
    return (EventKind.CONDITION_ENDED, kind.value) if finding.is_end else (kind, finding.reason)


def _battery(
    health: Health, battery_pct: int, limits: Limits, told: list[Finding], *, is_live: bool
) -> Health:
    low, critical, stage = limits.battery_low_pct, limits.battery_critical_pct, health.battery_stage
    reached = 2 if battery_pct <= critical else 1 if battery_pct <= low else 0
    if reached > stage:
        told.append(Finding(EventKind.BATTERY_CRITICAL if reached == 2 else EventKind.BATTERY_LOW))
        return replace(health, battery_stage=reached)
    if stage == 0 or not is_live:
        return health
    if battery_pct > low + limits.battery_rearm_pct:
        told.append(Finding(EventKind.BATTERY_LOW, is_end=True))
        return replace(health, battery_stage=0)
    if stage == 2 and battery_pct > critical + limits.battery_rearm_pct:
        return replace(health, battery_stage=1)
    return health


def _frozen(health: Health, fix: Fix, before: Fix, limits: Limits, told: list[Finding]) -> Health:
    """Judge a position that repeats itself to the last digit, which a living satellite receiver never does.

    Phones repeat a kept place while they lie still, so that one that says it does is believed. One that
    says it moves cannot be where it was: it need not do so for long.
    """
    if fix.point != before.point:
        if health.frozen_told:
            told.append(Finding(EventKind.POSITION_FROZEN, is_end=True))
        elif health.unchanged_since is None:
            return health
        return replace(health, unchanged_since=None, frozen_told=False)
    if health.frozen_told or fix.fixed_at <= before.fixed_at or fix.source in _LOCAL:
        return health
    since = health.unchanged_since
    if fix.moving is False:
        return health if since is None else replace(health, unchanged_since=None)
    if since is None:
        return replace(health, unchanged_since=before.fixed_at)
    enough_s = limits.frozen_s / MOVING_FROZEN_PART if fix.moving else limits.frozen_s
    if (fix.fixed_at - since).total_seconds() < enough_s:
        return health
    told.append(Finding(EventKind.POSITION_FROZEN))
    return replace(health, frozen_told=True)


def _plausible(health: Health, at: datetime, told: list[Finding]) -> Health:
    last = health.implausible_at
    if last is None or (at - last).total_seconds() < IMPLAUSIBLE_REPEAT_S:
        return health
    told.append(Finding(EventKind.IMPLAUSIBLE_POSITION, is_end=True))
    return replace(health, implausible_at=None)


def _pairing(
    health: Health,
    strap_heard_at: datetime | None,
    spoke_at: datetime | None,
    at: datetime,
    limits: Limits,
    told: list[Finding],
    *,
    is_heard: bool,
) -> Health:
    """Follow how long a tracker speaks without its ankle monitor.

    Between two words a heartbeat counts at most: how long nobody heard anything says nothing of the ankle
    monitor, and the first word after a silence need not carry the strap. So a device that rarely speaks is
    caught at its second word without it.
    """
    since = health.unpaired_since
    if strap_heard_at is None or (is_heard and since is None):
        return health
    # A strap may have been heard of in what is no word of the device itself (a last will).
    last_at = strap_heard_at if spoke_at is None else max(spoke_at, strap_heard_at)
    silent_s = max((at - last_at).total_seconds() - limits.pairing_s / 2, 0.0)
    begin = (since or strap_heard_at) + timedelta(seconds=silent_s)
    is_lost = (at - begin).total_seconds() >= limits.pairing_s
    if is_heard:
        if is_lost or health.pairing_told:  # the watchdog may have told it
            told.append(Finding(EventKind.PAIRING_LOST, is_end=True))
        return replace(health, unpaired_since=None, pairing_told=False)
    if health.pairing_told:
        return health
    if is_lost:
        told.append(Finding(EventKind.PAIRING_LOST))
        return replace(health, unpaired_since=begin, pairing_told=True)
    return health if begin == since else replace(health, unpaired_since=begin)


def _powered_on(health: Health, told: list[Finding]) -> Health:
    told.append(Finding(EventKind.POWER_OFF, is_end=True))
    return replace(health, powered_off_at=None)


def _found(health: Health, fix: Fix, told: list[Finding]) -> Health:
    """End what a position ends: any for moving without one, one by satellites for a lost receiver."""
    if health.no_fix_told:
        told.append(Finding(EventKind.NO_FIX_MOTION, is_end=True))
    if health.no_fix_told or health.moves_s or health.moving_s is not None:
        health = replace(health, no_fix_told=False, moves_s=(), moving_s=None)
    if fix.source in _LOCAL or (health.gnss_lost_at is None and not health.jam_told):
        return health
    return replace(health, gnss_lost_at=None, jam_told=False)


def _moved_without_fix(health: Health, report: DeviceReport, limits: Limits, told: list[Finding]) -> Health:
    """Add up the time between reports that all say: I move and find no position."""
    if report.has_fix is None or health.no_fix_told:
        return health
    if report.has_fix or report.moving is not True:
        return health if health.moving_s is None else replace(health, moving_s=None)
    at_s, last_s, moves = report.received_at.timestamp(), health.moving_s, health.moves_s
    if last_s is None:
        return replace(health, moving_s=at_s)
    if at_s <= last_s:
        return health
    begin_s = max(last_s, at_s - MOVE_GAP_S)
    if moves and moves[-1][1] == begin_s:
        begin_s, moves = moves[-1][0], moves[:-1]
    since_s = at_s - limits.motion_window_s
    moves = (*(move for move in moves if move[1] > since_s), (begin_s, at_s))
    if len(moves) > MOVES_KEPT:
        moves = ((moves[0][0], moves[1][1]), *moves[2:])
    if sum(end_s - max(begin_s, since_s) for begin_s, end_s in moves) < limits.motion_no_fix_s:
        return replace(health, moves_s=moves, moving_s=at_s)
    told.append(Finding(EventKind.NO_FIX_MOTION))
    return replace(health, moves_s=(), moving_s=None, no_fix_told=True)


def _receiver(health: Health, gnss: Gnss | None, at: datetime, told: list[Finding]) -> Health:
    if gnss is None:
        return health
    if gnss is Gnss.OK:
        return replace(health, gnss_lost_at=None, jam_told=False)
    if gnss is Gnss.JAMMED and not health.jam_told:
        told.append(Finding(EventKind.JAM_SHIELD, "gnss_jammed"))
        return replace(health, gnss_lost_at=at, jam_told=True)
    return replace(health, gnss_lost_at=at)

"""Codes in plain words, for somebody who has never seen the system."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from api.alerts.model import Doubt, EventKind, Mover, ResolveReason

KINDS: Mapping[EventKind, str] = {
    EventKind.ZONE_BREACH: "He was inside a zone that he must not enter",
    EventKind.ZONE_BUFFER: "He was in the warning ring round a zone",
    EventKind.ZONE_TRANSIT: "The straight line between two of his positions crosses a zone",
    EventKind.ZONE_LEFT: "He had left the zone",
    EventKind.PROXIMITY_BREACH: "The two were closer than the court allows",
    EventKind.PROXIMITY_WARNING: "The two were closer than the warning distance",
    EventKind.PROXIMITY_LEFT: "The two were apart again",
    EventKind.LATE_DATA_BREACH: "A position that arrived late shows a breach in the past",
    EventKind.CLOSING_FAST: "He was coming nearer fast",
    EventKind.PROTECTED_APPROACHES: "The distance shrank because she moved",
    EventKind.BOUNDARY_LOITER: "He came to the edge again and again",
    EventKind.EXTERNAL_SIGHTING: "Somebody, or a camera, saw what no device said",
    EventKind.INCLUSION_BREACH: "He was not where he has to be",
    EventKind.BORDER_APPROACH: "He was near the edge of the territory",
    EventKind.SOS: "The protected person called for help",
    EventKind.STRAP_TAMPER: "The strap of the ankle monitor was open",
    EventKind.CASE_OPEN: "The case of the device was open",
    EventKind.SEPARATION: "The ankle monitor was not near its tracker",
    EventKind.PAIRING_LOST: "The tracker did not hear the ankle monitor",
    EventKind.PROXIMITY_RF: "Her device heard his ankle monitor by radio",
    EventKind.JAM_SHIELD: "Reception was jammed or shielded",
    EventKind.IMPLAUSIBLE_POSITION: "A position cannot be true",
    EventKind.POWER_OFF: "The device said that it was being switched off",
    EventKind.DEVICE_ALARM: "The device gave an alarm of a kind that is not known",
    EventKind.LOST_CONTACT: "Nothing was heard from the device",
    EventKind.CONTACT_RESTORED: "The device was heard again",
    EventKind.NO_FIX_MOTION: "The device moved and found no position",
    EventKind.POSITION_FROZEN: "The device showed the very same place all the time",
    EventKind.BATTERY_LOW: "The battery was low",
    EventKind.BATTERY_CRITICAL: "The battery was almost empty",
    EventKind.PROTECTED_DEVICE_DEGRADED: "The protected person's device was not able to do its work",
    EventKind.STATUS_CONFLICT: "Register and devices contradicted each other",
    EventKind.CONDITION_ENDED: "What had been told was over",
    EventKind.SYSTEM_DEGRADED: "A part of the system itself did not work",
    EventKind.DRILL: "An exercise of the control room",
    EventKind.SYSTEM_RESTORED: "The system worked again",
}
DOUBTS: Mapping[Doubt, str] = {
    Doubt.NO_ACCURACY: "the device did not say how accurate the position is",
    Doubt.COARSE: "the position is too coarse to prove anything alone",
    Doubt.JUMP: "to get there he would have had to be faster than is possible",
    Doubt.PARTNER_STALE: "the other party's position was old",
    Doubt.PARTNER_DOUBTFUL: "the other party's position was doubtful itself",
    Doubt.DISC_ONLY: "only the circle of accuracy touches it, not the position",
    Doubt.BETWEEN_FIXES: "no position lies there, only the line between two",
}
MOVERS: Mapping[Mover, str] = {
    Mover.WEARER: "he moved towards her",
    Mover.PROTECTED: "she moved towards him",
    Mover.BOTH: "both moved",
    Mover.NEITHER: "neither moved",
    Mover.TRAFFIC: "both were in traffic and may only have passed",
}
RESOLVED: Mapping[ResolveReason, str] = {
    ResolveReason.POLICE_ATTENDED: "the police attended",
    ResolveReason.WEARER_LEFT: "the wearer left",
    ResolveReason.AGREED_CONTACT: "the contact was agreed",
    ResolveReason.TECHNICAL_FAULT: "it was a technical fault",
    ResolveReason.FALSE_ALARM: "it was a false alarm",
    ResolveReason.EXERCISE_ENDED: "the exercise ended",
}
CHANNELS: Mapping[str, str] = {
    "police_webhook": "message to the police",
    "person_stream": "message to the protected person's app",
    "web_push": "push message to the protected person",
    "device": "command to a device",
    "sms": "text message to staff",
}
RULES: Mapping[EventKind, str] = {
    EventKind.ZONE_BREACH: (
        "Inside a zone: one position of {good_accuracy_m} m accuracy or better inside the zone is a breach "
        "for certain; a coarser one is told as doubtful, and confirmed by {confirm_fixes} of the last "
        "{confirm_window}. The edge counts as inside. He has left after {leave_fixes} positions over at "
        "least {leave_s} s that are beyond the edge by a margin."
    ),
    EventKind.ZONE_BUFFER: "Warning ring: a position, or its circle of accuracy, in the ring round a zone.",
    EventKind.ZONE_TRANSIT: "Crossing: a line between two positions at most {segment_max_s} s apart.",
    EventKind.PROXIMITY_BREACH: (
        "Too close: the distance between his position and hers is the alert distance or less; both are held "
        "against each other at the moment at which they were nearest. A position of hers that is older than "
        "{partner_stale_s} s is called old, and the finding doubtful."
    ),
    EventKind.PROXIMITY_WARNING: "Warning: closer than the warning distance, doubt counted against him.",
    EventKind.CLOSING_FAST: (
        "Coming nearer: at his own speed of at least {closing_min_m_s} m/s he would reach the alert distance "
        "within {closing_eta_s} s."
    ),
    EventKind.PROTECTED_APPROACHES: (
        "Who moved: where the distance shrank by her own movement (slower than {still_m_s} m/s is standing) "
        "it is told as hers and is no breach of his."
    ),
    EventKind.LATE_DATA_BREACH: "Late: what arrives more than {late_s} s after it was fixed is told as late.",
    EventKind.LOST_CONTACT: (
        "Silence: nothing heard for {silence_s} s, or {near_silence_s} s while he could have come near at "
        "{reach_speed_m_s} m/s."
    ),
    EventKind.IMPLAUSIBLE_POSITION: "Impossible: faster than {max_speed_m_s} m/s between two positions.",
    EventKind.POSITION_FROZEN: "Frozen: the very same position for {frozen_s} s.",
    EventKind.BOUNDARY_LOITER: "Edge: {loiter_count} contacts with an edge within {loiter_window_s} s.",
    EventKind.BATTERY_LOW: "Battery: {battery_low_pct} % is low, {battery_critical_pct} % almost empty.",
    EventKind.PAIRING_LOST: "Pairing: the tracker speaks and has not heard the monitor for {pairing_s} s.",
    EventKind.BORDER_APPROACH: "Edge of the territory: nearer than {border_m} m.",
}
"""How those kinds are decided that a number decides; the numbers are the limits of the case."""


def kind_words(kind: str) -> str:
    """Return what an event of this kind means; a kind that is not known is named."""
    return KINDS[EventKind(kind)] if kind in set(EventKind) else kind.replace("_", " ")


def doubt_words(doubts: list[str]) -> list[str]:
    """Return what each doubt means."""
    return [DOUBTS[Doubt(one)] if one in set(Doubt) else one.replace("_", " ") for one in doubts]


def metres(value: float) -> str:
    """Return a distance as people say it."""
    return f"{value / 1000:.1f} km" if abs(value) >= 10_000 else f"{value:,.0f} m"


def seconds(value: float) -> str:
    """Return a time as people say it."""
    if value < 120:
        return f"{value:.0f} s"
    if value < 7200:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def clock_time(at: datetime) -> str:
    """Return the time of day in UTC, to the second."""
    return f"{at.astimezone(UTC):%H:%M:%S}"


def numbers(event: Mapping[str, Any]) -> str:
    """Return what the numbers of an event say, in one line."""
    said = []
    distance = event.get("distance_m")
    if distance is not None and event.get("zone_id"):
        where = "inside the edge" if distance < 0 else "outside the edge"
        said.append(f"{metres(abs(distance))} {where}")
    elif distance is not None:
        said.append(f"{metres(distance)} apart")
    if (age := event.get("protected_age_s")) is not None:
        said.append(f"other position {seconds(age)} old")
    if mover := event.get("mover"):
        said.append(MOVERS[Mover(mover)])
    if (closing := event.get("closing_m_s")) is not None and closing > 0:
        said.append(f"coming together at {closing * 3.6:.0f} km/h")
    if (eta := event.get("eta_s")) is not None:
        said.append(f"{seconds(eta)} from the alert distance")
    if event.get("live") is False:
        said.append("told late")
    if event.get("repeat"):
        said.append("still so")
    return ", ".join(said)

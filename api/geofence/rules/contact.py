"""Silence and old positions, judged by the server's own time: where somebody may be by now is not known.

UNKNOWN is not safe: a position grows old at the speed at which he can travel. While the disc that he can
have reached touches neither her nor a zone, silence is a matter for the room; once it does, he may be there.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from api.alerts.model import Event, EventKind, Sighting
from api.alerts.rules.joining import REACHES
from api.geofence.model import Limits
from api.orders.model import Party


class Missing(StrEnum):
    """What is missing of a device; REACHES: and he can have come to her or to a zone meanwhile."""

    SILENT = "silent"
    NO_POSITION = "no_position"
    REACHES = REACHES


class Contact(msgspec.Struct, frozen=True):
    """What is known of a device as of now.

    Attributes:
        party: Whose it is.
        heard_at: Last sign of life; None before the first.
        placed_at: Time of its newest position by its own clock; None before the first.
        watched_since: When we began to listen for this order.
        outage_until: End of our own last outage; before that nobody could be heard.
        gap_m: From the disc of that position to the nearest zone or alert distance, >= 0; None when one
            of the positions it needs is not known.
        interval_s: How often it was told to report; 0 when it was told nothing.
    """

    party: Party
    heard_at: datetime | None
    placed_at: datetime | None
    watched_since: datetime
    outage_until: datetime | None
    gap_m: float | None
    interval_s: float = 0.0


def silence_limit_s(contact: Contact, limits: Limits) -> float:
    """Return how long the device may be missed: `near_silence_s` to `silence_s`, the nearer the shorter.

    It is the time in which the gap can be covered. A device that was told to report more rarely is given
    that time; the service tells so only where nobody can cover the distance meanwhile. Hers is given
    `partner_stale_s` at least (kind 20): a phone that sleeps for two minutes is no danger.
    """
    near_s = limits.near_silence_s if contact.party is Party.WEARER else limits.partner_stale_s
    reach_s = limits.silence_s if contact.gap_m is None else contact.gap_m / limits.reach_speed_m_s
    limit_s = min(max(reach_s, near_s), max(limits.silence_s, near_s))
    if contact.interval_s:
        limit_s = max(limit_s, contact.interval_s + limits.overdue_s)
    return limit_s


def judge_contact(contact: Contact, now: datetime, limits: Limits) -> Missing | None:
    """Return what is missing of a device, None while it is heard and its position is young enough."""
    limit_s = silence_limit_s(contact, limits)
    silent_s = _since_s(contact.heard_at, contact, now)
    unplaced_s = max(silent_s, _since_s(contact.placed_at, contact, now))
    if unplaced_s <= limit_s:
        return None
    if contact.party is Party.WEARER and reach_m(contact, now, limits) >= _gap_m(contact):
        return Missing.REACHES
    return Missing.SILENT if silent_s > limit_s else Missing.NO_POSITION


def next_due(contact: Contact, told: Missing | None, now: datetime, limits: Limits) -> datetime | None:
    """Return the first moment at which something may have to be told, if nothing arrives; None if never.

    It may be past: then it is due now. Only what he can have reached changes after a silence was told.
    """
    if told is Missing.REACHES or (told is not None and contact.party is not Party.WEARER):
        return None
    limit_s = silence_limit_s(contact, limits)
    unplaced_s = max(_since_s(contact.heard_at, contact, now), _since_s(contact.placed_at, contact, now))
    if told is None:
        return now + timedelta(seconds=limit_s - unplaced_s)
    if contact.gap_m is None or contact.placed_at is None:
        return None
    return contact.placed_at + timedelta(seconds=contact.gap_m / limits.reach_speed_m_s)


def is_back(contact: Contact, now: datetime, limits: Limits) -> bool:
    """Say whether a device that was missed is heard and placed again; our own outage proves nothing."""
    limit = timedelta(seconds=silence_limit_s(contact, limits))
    moments = (contact.heard_at, contact.placed_at)
    return all(moment is not None and now - moment <= limit for moment in moments)


def reach_m(contact: Contact, now: datetime, limits: Limits) -> float:
    """Return how far somebody can have come since the last position, >= 0."""
    if contact.placed_at is None:
        return 0.0
    return max(0.0, (now - contact.placed_at).total_seconds()) * limits.reach_speed_m_s


def is_worse(told: Missing | None, found: Missing) -> bool:
    """Say whether what is found has to be told, `told` having been told before."""
    return told is None or (found is Missing.REACHES and told is not Missing.REACHES)


def lost_contact(
    order_id: UUID,
    device_id: UUID,
    person_id: UUID | None,
    missing: Missing,
    contact: Contact,
    sighting: Sighting | None,
    now: datetime,
    limits: Limits,
    *,
    concealed: bool = False,
    exercise: bool,
) -> Event:
    """Return the event that a device is missed; `person_id` is None for the wearer's."""
    kind = EventKind.LOST_CONTACT if person_id is None else EventKind.PROTECTED_DEVICE_DEGRADED
    last_at = contact.placed_at or contact.heard_at or contact.watched_since
    return Event(
        kind=kind,
        occurred_at=now,
        order_id=order_id,
        device_id=device_id,
        person_id=person_id,
        wearer=sighting if person_id is None else None,
        protected=None if person_id is None else sighting,
        distance_m=contact.gap_m if person_id is None else None,
        protected_age_s=None if person_id is None else (now - last_at).total_seconds(),
        reach_m=reach_m(contact, now, limits) if person_id is None and contact.placed_at else None,
        concealed=concealed,
        exercise=exercise,
        reason=missing.value,
    )


def contact_restored(
    order_id: UUID, device_id: UUID, person_id: UUID | None, told: str, now: datetime, *, exercise: bool
) -> Event:
    """Return the event that a device which was told as missed is there again."""
    kind, reason = EventKind.CONTACT_RESTORED, ""
    if person_id is not None:
        kind, reason = EventKind.CONDITION_ENDED, f"{EventKind.PROTECTED_DEVICE_DEGRADED}:{told}"
    return Event(
        kind=kind,
        occurred_at=now,
        order_id=order_id,
        device_id=device_id,
        person_id=person_id,
        exercise=exercise,
        reason=reason,
    )


def _gap_m(contact: Contact) -> float:
    return float("inf") if contact.gap_m is None else contact.gap_m


def _since_s(last: datetime | None, contact: Contact, now: datetime) -> float:
    begins = [contact.watched_since, last, contact.outage_until]
    return (now - max(moment for moment in begins if moment is not None)).total_seconds()

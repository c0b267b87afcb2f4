"""Silence of a device, judged by the server's own time."""

from datetime import datetime
from uuid import UUID

from api.alerts.model import Event, EventKind
from api.geofence.model import Limits


def judge_silence(
    last_heard_at: datetime | None,
    watched_since: datetime,
    our_outage_until: datetime | None,
    now: datetime,
    limits: Limits,
) -> bool:
    """Return whether a device has been silent for longer than `silence_s`, our own outage not counted."""
    begins = [watched_since, last_heard_at, our_outage_until]
    since = max(moment for moment in begins if moment is not None)
    return (now - since).total_seconds() > limits.silence_s


def lost_contact(
    order_id: UUID,
    device_id: UUID,
    person_id: UUID | None,
    silent_since: datetime,
    now: datetime,
    *,
    exercise: bool,
) -> Event:
    """Return the event that a device went silent; `person_id` is None for the wearer's."""
    return Event(
        kind=EventKind.LOST_CONTACT,
        occurred_at=now,
        order_id=order_id,
        device_id=device_id,
        person_id=person_id,
        protected_age_s=None if person_id is None else (now - silent_since).total_seconds(),
        exercise=exercise,
    )


def contact_restored(
    order_id: UUID, device_id: UUID, person_id: UUID | None, now: datetime, *, exercise: bool
) -> Event:
    """Return the event that a silent device was heard again."""
    return Event(
        kind=EventKind.CONTACT_RESTORED,
        occurred_at=now,
        order_id=order_id,
        device_id=device_id,
        person_id=person_id,
        exercise=exercise,
    )

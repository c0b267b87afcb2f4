"""A message of any channel in the outbox, and what became of it."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from api.alerts import service
from api.alerts.model import Channel, Notification
from api.alerts.rules.retries import expires_at
from api.alerts.store import alerts as alert_store
from api.alerts.store import attempts, outbox
from api.kernel import clock
from api.kernel.db import reading, transaction


def add_message(engine: Engine, channel: Channel, payload: dict[str, Any], **more: Any) -> UUID:
    """Put one message of no alert into the outbox, due now; returns its id."""
    now = clock.now()
    values: dict[str, Any] = {
        "id": uuid4(),
        "alert_id": None,
        "channel": channel,
        "person_id": None,
        "device_id": None,
        "payload": payload,
        "priority": 1,
        "created_at": now,
        "expires_at": expires_at(channel, now),
    }
    new = outbox.NewNotification(**(values | more))
    with transaction(engine) as session:
        alert_store.lock_log(session)
        outbox.add_notifications(session, [new])
    return new.id


def message(engine: Engine, message_id: UUID) -> Notification:
    """The message as it is now."""
    with reading(engine) as session:
        (one,) = [one for one in service.born_after(session, 0) if one.id == message_id]
    return one


def outcomes_of(engine: Engine, message_id: UUID) -> list[str]:
    """What its tries and receipts brought, oldest first."""
    with reading(engine) as session:
        return [attempt.outcome for attempt in attempts.list_attempts(session, [message_id])]

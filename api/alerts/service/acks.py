"""Receipts that come by themselves, later: of the police's desk for what it was sent."""

import uuid
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Attempt, Channel, EntryKind, Notification, NotificationState
from api.alerts.model.playbooks import Answer
from api.alerts.service.escalating import answer, answer_run
from api.alerts.store import acks as ack_store
from api.alerts.store import alerts as alert_store
from api.alerts.store import attempts as attempt_store
from api.alerts.store import outbox
from api.alerts.store.alerts import NewEntry
from api.alerts.wire.acks import AckType, PoliceAck
from api.kernel import audit
from api.kernel.errors import Conflict, NotFound


class ReferenceNotFound(NotFound):
    """No message of ours to the police has this id."""


class AckReused(Conflict):
    """The id of the acknowledgement belongs to one of another message."""


def take_police_ack(session: Session, ack: PoliceAck, now: datetime) -> UUID | None:
    """Note that the police have taken a message, or that their machine could not; return its alert.

    The same acknowledgement again changes nothing and is answered alike. An `Error` makes nothing received.

    Raises:
        ReferenceNotFound: One of the references is no message to the police.
        AckReused: Another acknowledgement has come with this id.
    """
    ack_store.lock_acks(session)  # before any message: whoever records a try locks in the same order
    locked = outbox.lock_notifications(session, ack.references)
    messages = [_police_message(locked, reference) for reference in ack.references]
    newest = max(messages, key=lambda message: message.seq)
    known = ack_store.find_ack(session, ack.id)
    if known is None:
        ack_store.add_ack(session, ack.id, newest.id, ack.type.value, ack.who, ack.sent, now)
        _take(session, ack, messages, now)
    elif known != newest.id:
        raise AckReused("An acknowledgement of another message came with this id: give each its own.")
    return newest.alert_id


def _police_message(locked: dict[UUID, Notification], message_id: UUID) -> Notification:
    message = locked.get(message_id)
    if message is None or message.channel != Channel.POLICE_WEBHOOK:
        raise ReferenceNotFound("No message to the police has this id: refer to the id of the message.")
    return message


def _take(session: Session, ack: PoliceAck, messages: list[Notification], now: datetime) -> None:
    is_ack = ack.type is AckType.ACK
    code = "police_ack" if is_ack else "police_error"
    attempt_store.add_attempts(
        session, [Attempt(uuid.uuid4(), message.id, now, is_ack, code) for message in messages]
    )
    for message in messages:
        if is_ack and message.state != NotificationState.RECEIVED:
            outbox.save_progress(
                session, message.id, NotificationState.RECEIVED, message.attempts, message.next_attempt_at
            )
        audit.record(session, now, None, f"alerts.{code}", message.id)
        if is_ack:
            answer_run(session, message.run_id, now)
    newest: dict[UUID, datetime] = {}
    for message in messages:
        if message.alert_id is not None:
            newest[message.alert_id] = max(
                message.created_at, newest.get(message.alert_id, message.created_at)
            )
    for alert_id, until in newest.items() if is_ack else ():
        _note(session, alert_id, ack, until, now)


def _note(session: Session, alert_id: UUID, ack: PoliceAck, until: datetime, now: datetime) -> None:
    """Say in the alert's log that the police have it, up to the newest message that they acknowledged."""
    alert_store.lock_log(session)
    alert = alert_store.get_alert(session, alert_id).alert
    detail = {"who": ack.who}
    entry = NewEntry(alert_id, now, EntryKind.POLICE_ACKNOWLEDGED, alert.severity, None, detail=detail)
    alert_store.add_entries(session, [entry])
    answer(session, alert_id, {Answer.POLICE_ACK}, now, until)

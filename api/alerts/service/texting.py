"""SMS to staff: the number is looked up when it is sent, and the gateway says later what became of it."""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Attempt, Channel, Notification, NotificationState
from api.alerts.service.escalating import answer_run
from api.alerts.service.failing import call_for_failed
from api.alerts.service.sending import MessageNotFound
from api.alerts.store import attempts as attempt_store
from api.alerts.store import outbox
from api.kernel import audit

PhonesOf = Callable[[Session, Collection[UUID]], Mapping[UUID, str]]
"""From people to their telephone numbers (E.164); who is not known is missing."""


def look_up_numbers(
    session: Session, messages: Sequence[Notification], phones_of: PhonesOf, now: datetime
) -> dict[UUID, str]:
    """Return the number of each message's recipient, by the message's id; each reading is an audit row."""
    recipients = {one.id: UUID(one.payload["recipient_id"]) for one in messages}
    phones = phones_of(session, set(recipients.values()))
    known = {message_id: person_id for message_id, person_id in recipients.items() if person_id in phones}
    for message_id, person_id in known.items():
        audit.record(session, now, None, "alerts.sms_number", person_id, str(message_id))
    return {message_id: phones[person_id] for message_id, person_id in known.items()}


def take_sms_receipt(session: Session, message_id: UUID, now: datetime, *, is_delivered: bool) -> None:
    """Note what the gateway says of an SMS; the same again changes nothing.

    Raises:
        MessageNotFound: No SMS of ours has this id.
    """
    sent = outbox.lock_notification(session, message_id)
    if sent is None or sent.channel != Channel.SMS:
        raise MessageNotFound("No SMS of ours has this id: send back the id that it came with.")
    if sent.state not in {NotificationState.PENDING, NotificationState.SENT}:
        return
    state = NotificationState.RECEIVED if is_delivered else NotificationState.FAILED
    outbox.save_progress(session, sent.id, state, sent.attempts, sent.next_attempt_at)
    code = "sms_delivered" if is_delivered else "sms_undelivered"
    attempt_store.add_attempts(session, [Attempt(uuid.uuid4(), sent.id, now, is_delivered, code)])
    if is_delivered:
        answer_run(session, sent.run_id, now)
    else:
        call_for_failed(session, [(sent, code)], now)

"""The outbox: what is due, what became of it, and the alarm when a way out is closed."""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import (
    Attempt,
    Channel,
    Event,
    EventKind,
    Notification,
    NotificationState,
)
from api.alerts.rules.joining import LEAST_SEVERE, join_key
from api.alerts.rules.retries import (
    FAILING_ATTEMPTS,
    LAST_RETRY_S,
    expires_at,
    is_failing,
    next_attempt_at,
)
from api.alerts.rules.telling import Action, Wording
from api.alerts.service.escalating import answer_run
from api.alerts.service.failing import call_for_failed
from api.alerts.service.opening import open_alerts
from api.alerts.store import alerts as alert_store
from api.alerts.store import attempts as attempt_store
from api.alerts.store import outbox, waiting
from api.alerts.store import push as push_store
from api.alerts.store.outbox import Wanted
from api.kernel.errors import NotFound

LEASE = timedelta(seconds=30)
"""Longer than anything claimed takes: 5 s over HTTP, 8 commands of 2 s for devices. What is claimed is by
more than `LAST_RETRY_S` farther in the future than what only waits, until it must have ended:
`note_channel` tells the two apart by that."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one try to send brought.

    Attributes:
        code: `200`, `timeout`, `broker_away`, …; never a text that somebody else wrote.
        is_received: The receiver confirmed this very message, not only that it took something.
        is_final: Trying again cannot help (the device is retired, no receiver is configured).
        is_channel: The failure tells of the channel, not of this message: it counts for the breaker.
    """

    succeeded: bool
    code: str
    is_received: bool = False
    is_final: bool = False
    is_channel: bool = True


@dataclass(frozen=True, slots=True)
class Tried:
    """A try that has ended; `at` is when it began: that it waited to be recorded changes nothing of it."""

    message_id: UUID
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """Messages of one channel that wait to be sent."""

    count: int
    oldest_at: datetime


class MessageNotFound(NotFound):
    """There is no such message for this person; the sentence is read on the neutral host."""


class ChannelNews(StrEnum):
    """What a lane has found out about its channel with the tries that it records."""

    NONE = "none"
    DOWN = "down"
    BACK = "back"


def has_due(session: Session, now: datetime, channel: Channel, wanted: Wanted = Wanted.ANY) -> bool:
    """Say whether a claim would bring something."""
    return outbox.has_due(session, now, channel, wanted)


def claim_due(
    session: Session, now: datetime, channel: Channel, limit: int, wanted: Wanted = Wanted.ANY
) -> list[Notification]:
    """Take due messages for `LEASE`, worst first; a claim that is never recorded comes back."""
    return outbox.claim_due(session, now, channel, limit, now + LEASE, wanted)


def claim_fresh(
    session: Session, now: datetime, channel: Channel, limit: int, wanted: Wanted = Wanted.ANY
) -> list[Notification]:
    """Take due messages as `claim_due`, of equally bad ones the least tried first.

    For a probe: one message that the receiver always fails at must not stand before the others for ever.
    """
    return outbox.claim_due(session, now, channel, limit, now + LEASE, wanted, fresh_first=True)


def record_attempt(
    session: Session, notification_id: UUID, outcome: Outcome, now: datetime, jitter: float
) -> None:
    """Store what one try brought; see `record_attempts`."""
    record_attempts(session, [Tried(notification_id, outcome, now)], now, lambda: jitter)


def record_attempts(
    session: Session, tries: Sequence[Tried], now: datetime, chance: Callable[[], float]
) -> None:
    """Store what tries brought: done, again later, or given up; a dead channel becomes an alert.

    `chance` gives 0..1 at random, so that messages that failed together are not tried again together. All
    are locked before anything else is: see `outbox.lock_notifications`.
    """
    if not tries:
        return
    locked = outbox.lock_notifications(session, {tried.message_id for tried in tries})
    known = [(locked[tried.message_id], tried) for tried in tries if tried.message_id in locked]
    attempt_store.add_attempts(
        session,
        [
            _attempt(sent.id, tried.at, tried.outcome.code, succeeded=tried.outcome.succeeded)
            for sent, tried in known
        ],
    )
    ended = [(sent, tried.outcome) for sent, tried in known]
    progress = [_progress(sent, outcome, now, chance) for sent, outcome in ended]
    outbox.save_all_progress(session, progress)
    gone = [sent.payload["subscription_id"] for sent, outcome in ended if _is_gone(sent, outcome)]
    if gone:
        push_store.mark_gone(session, [UUID(one) for one in gone], now)
    for sent, outcome in ended:
        if outcome.is_received:
            answer_run(session, sent.run_id, now)
    lost = [
        (sent, outcome.code)
        for (sent, outcome), (_id, state, _attempts, _later) in zip(ended, progress, strict=True)
        if state == NotificationState.FAILED and sent.state != NotificationState.FAILED
    ]
    call_for_failed(session, lost, now)
    _tell_channels(session, ended, now)


def _tell_channels(session: Session, ended: Sequence[tuple[Notification, Outcome]], now: datetime) -> None:
    """Tell staff of channels that fail, and of those whose last failing message has got through."""
    failing = {sent.channel for sent, outcome in ended if _shows_failing(sent, outcome)}
    for channel in sorted(failing):
        _tell_failing(session, channel, now)
    for channel in sorted({sent.channel for sent, outcome in ended if outcome.succeeded} - failing):
        _tell_restored(session, channel, now)


def note_channel(session: Session, channel: Channel, news: ChannelNews, now: datetime) -> None:
    """Tell staff that a channel is down; once it is back, everything that waits in it becomes due at once."""
    if news is ChannelNews.DOWN:
        _tell_failing(session, channel, now)
    elif news is ChannelNews.BACK:
        outbox.make_due(session, channel, now, now + timedelta(seconds=LAST_RETRY_S))


def _progress(
    sent: Notification, outcome: Outcome, now: datetime, chance: Callable[[], float]
) -> tuple[UUID, NotificationState, int, datetime]:
    attempts = sent.attempts + 1
    later = sent.next_attempt_at
    state = sent.state
    if sent.state == NotificationState.PENDING or outcome.is_received:
        state = _state_after(outcome)
    if state == NotificationState.PENDING:
        later = next_attempt_at(attempts, now, chance())
    return sent.id, state, attempts, later


def _is_gone(sent: Notification, outcome: Outcome) -> bool:
    return sent.channel == Channel.WEB_PUSH and outcome.code == "gone"


def _shows_failing(sent: Notification, outcome: Outcome) -> bool:
    """Say whether staff must hear of it: also when the receiver only refuses this one message.

    A browser that is never reached is one woman's, and no way out of the house: of Web Push only
    `note_channel` tells, when several people's fail.
    """
    if sent.channel == Channel.WEB_PUSH:
        return False
    return not outcome.succeeded and not outcome.is_final and is_failing(sent.attempts + 1)


def _state_after(outcome: Outcome) -> NotificationState:
    if outcome.is_received:
        return NotificationState.RECEIVED
    if outcome.succeeded:
        return NotificationState.SENT
    return NotificationState.FAILED if outcome.is_final else NotificationState.PENDING


def _attempt(notification_id: UUID, now: datetime, code: str, *, succeeded: bool) -> Attempt:
    return Attempt(uuid.uuid4(), notification_id, now, succeeded, code)


def _tell_failing(session: Session, channel: Channel, now: datetime) -> None:
    """Alert staff that this way out is closed: they must reach the police or her by other means."""
    event = Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=now, reason=f"{channel.value}:failing")
    if not is_ongoing(session, event):
        open_alerts(session, [event], now)


def _tell_restored(session: Session, channel: Channel, now: datetime) -> None:
    """Say that a channel works again once no message of it keeps failing: not at every other message."""
    event = Event(kind=EventKind.SYSTEM_RESTORED, occurred_at=now, reason=f"{channel.value}:back")
    if is_ongoing(session, event) and not waiting.has_failing(session, channel, FAILING_ATTEMPTS, now):
        open_alerts(session, [event], now)


def tell_interval(session: Session, device_id: UUID, interval_s: int, now: datetime) -> None:
    """Put the command into the outbox that tells a device how often to report, in seconds."""
    alert_store.lock_log(session)
    payload = {"action": Action.SET_INTERVAL, "wording": Wording.NONE, "interval_s": interval_s}
    command = outbox.NewNotification(
        id=uuid.uuid4(),
        alert_id=None,
        channel=Channel.DEVICE,
        person_id=None,
        device_id=device_id,
        payload=payload,
        priority=LEAST_SEVERE,
        created_at=now,
        expires_at=expires_at(Channel.DEVICE, now),
    )
    outbox.add_notifications(session, [command])


def is_ongoing(session: Session, event: Event) -> bool:
    """Say whether the unresolved alert that `event` would join says that its matter still holds."""
    known = alert_store.find_unresolved(session, {join_key(event)})
    return any(kept.alert.ongoing for kept in known.values())


def has_expired(session: Session, now: datetime) -> bool:
    """Say whether `expire_pending` would give anything up."""
    return outbox.has_expired(session, now)


def expire_pending(session: Session, now: datetime, limit: int) -> int:
    """Give up messages that are no longer worth sending, and have staff call instead; return how many."""
    expired = outbox.expire_pending(session, now, limit)
    call_for_failed(session, [(sent, "expired") for sent in expired], now)
    return len(expired)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A device's answer to a command; `outcome` is its own word."""

    device_id: UUID
    command_id: UUID
    outcome: str
    at: datetime


def receive_receipts(session: Session, receipts: Sequence[Receipt]) -> list[bool]:
    """Note devices' answers to commands, in their order; False for one that never got such a command.

    An answer may overtake our record that the command was sent, and may come twice. All commands are locked
    before anything else is (`outbox.lock_notifications`).
    """
    locked = outbox.lock_notifications(session, {receipt.command_id for receipt in receipts})
    return [_receive(session, locked, receipt) for receipt in receipts]


def receive_receipt(session: Session, device_id: UUID, command_id: UUID, outcome: str, now: datetime) -> bool:
    """Note one answer; see `receive_receipts`."""
    return receive_receipts(session, [Receipt(device_id, command_id, outcome, now)])[0]


def _receive(session: Session, locked: dict[UUID, Notification], receipt: Receipt) -> bool:
    sent = locked.get(receipt.command_id)
    if sent is None or sent.channel != Channel.DEVICE or sent.device_id != receipt.device_id:
        return False
    if sent.state in {NotificationState.PENDING, NotificationState.SENT}:
        is_done = receipt.outcome == "done"
        state = NotificationState.RECEIVED if is_done else NotificationState.FAILED
        outbox.save_progress(session, sent.id, state, sent.attempts, sent.next_attempt_at)
        locked[sent.id] = replace(sent, state=state)  # the same answer may come twice together
        is_known = receipt.outcome in RECEIPT_OUTCOMES
        code = f"receipt_{receipt.outcome}" if is_known else "receipt_unknown"
        attempt_store.add_attempts(session, [_attempt(sent.id, receipt.at, code, succeeded=is_done)])
        if is_done:
            answer_run(session, sent.run_id, receipt.at)
    return True


_HERS = frozenset({Channel.PERSON_STREAM, Channel.WEB_PUSH})
RECEIPT_OUTCOMES = frozenset({"done", "refused", "expired", "unsupported"})


def receive_message_receipt(session: Session, person_id: UUID, message_id: UUID, now: datetime) -> None:
    """Note that her app has shown the message; somebody else's message is not there."""
    sent = outbox.lock_notification(session, message_id)
    if sent is None or sent.channel not in _HERS or sent.person_id != person_id:
        raise MessageNotFound("Not found.")
    if sent.state != NotificationState.RECEIVED:
        outbox.save_progress(
            session, sent.id, NotificationState.RECEIVED, sent.attempts, sent.next_attempt_at
        )
        attempt_store.add_attempts(session, [_attempt(sent.id, now, "receipt", succeeded=True)])
        answer_run(session, sent.run_id, now)


def mark_shown(session: Session, message_id: UUID, now: datetime) -> None:
    """Note that a message was written to a stream of hers; only her receipt says that it arrived."""
    record_attempt(session, message_id, Outcome(succeeded=True, code="written"), now, jitter=0.0)


def messages_after(
    session: Session, person_ids: Collection[UUID] | None, seq: int, now: datetime, limit: int
) -> list[Notification]:
    """Return stream messages after a cursor, of these people or (None) of all, oldest first."""
    return outbox.list_messages_after(session, person_ids, seq, now, limit)


def born_after(session: Session, seq: int) -> list[Notification]:
    """Return every message of the outbox after a cursor, oldest first, whatever became of it."""
    return outbox.list_after(session, seq)


def unseen_messages(session: Session, person_id: UUID, until: int, now: datetime) -> list[Notification]:
    """Return what waits for her when she opens a stream without a cursor."""
    return outbox.list_unseen_messages(session, person_id, until, now)


def last_message_seq(session: Session) -> int:
    """Return the cursor of the present moment of the outbox."""
    return outbox.last_seq(session)


def count_pending(session: Session) -> dict[Channel, Pending]:
    """Return what waits to be sent, for the health page."""
    counted = waiting.count_pending(session)
    return {channel: Pending(count, oldest_at) for channel, (count, oldest_at) in counted.items()}

"""Table `notification`, the outbox, and its queries."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    Text,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.alerts.model import Attempt, Channel, Notification, NotificationState
from api.alerts.store.alerts import Sequence64
from api.alerts.store.attempts import add_attempts
from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime

_PENDING = NotificationState.PENDING.value
_PENDING_WORD: ColumnElement[str] = literal_column("'pending'")
"""Written out in queries: a database uses a partial index only when it sees the same word there."""


class _NotificationRow(Base):
    __tablename__ = "notification"
    __table_args__ = (
        # What is due, worst first; sent ones, nearly all of them, are not in it.
        Index(
            "ix_notification_due",
            "channel",
            "priority",
            "seq",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_notification_person_seq", "person_id", "channel", "seq"),
        # How far it is on its way is told by its attempts, which are linked themselves.
        {"sqlite_autoincrement": True, **ledger.chained("state", "attempts", "next_attempt_at")},
    )

    seq: Mapped[int] = mapped_column(Sequence64, primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    alert_id: Mapped[UUID | None] = mapped_column(ForeignKey("alert.id"), index=True)
    channel: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID | None]
    device_id: Mapped[UUID | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    run_id: Mapped[UUID | None]


class Wanted(StrEnum):
    """Which of the due messages; URGENT are those of priority 1, UNTRIED of these the ones never tried."""

    ANY = "any"
    URGENT = "urgent"
    UNTRIED = "untried"
    OTHERS = "others"


_WANTED: dict[Wanted, tuple[ColumnElement[bool], ...]] = {
    Wanted.ANY: (),
    Wanted.URGENT: (_NotificationRow.priority == 1,),
    Wanted.UNTRIED: (_NotificationRow.priority == 1, _NotificationRow.attempts == 0),
    Wanted.OTHERS: (_NotificationRow.priority > 1,),
}


@dataclass(frozen=True, slots=True)
class NewNotification:
    """A message before it has its number; `priority` 1 leaves first."""

    id: UUID
    alert_id: UUID | None
    channel: Channel
    person_id: UUID | None
    device_id: UUID | None
    payload: dict[str, Any]
    priority: int
    created_at: datetime
    expires_at: datetime
    run_id: UUID | None = None


def add_notifications(session: Session, notifications: Sequence[NewNotification]) -> None:
    """Put messages into the outbox, due at once; needs `alerts.lock_log` before (seq is a cursor)."""
    if not notifications:
        return
    statement = insert(_NotificationRow).returning(_NotificationRow.seq)
    seqs = session.scalars(
        statement,
        [
            {
                "id": new.id,
                "alert_id": new.alert_id,
                "channel": new.channel.value,
                "person_id": new.person_id,
                "device_id": new.device_id,
                "payload": new.payload,
                "priority": new.priority,
                "state": _PENDING,
                "attempts": 0,
                "created_at": new.created_at,
                "expires_at": new.expires_at,
                "next_attempt_at": new.created_at,
                "run_id": new.run_id,
            }
            for new in notifications
        ],
    )
    ledger.note(session, _NotificationRow, list(seqs))


def has_due(session: Session, now: datetime, channel: Channel, wanted: Wanted) -> bool:
    """Say whether something is due: a read, so that an idle dispatcher never takes the write lock."""
    return bool(session.scalar(select(exists().where(*_due(now, channel, wanted)))))


def claim_due(
    session: Session,
    now: datetime,
    channel: Channel,
    limit: int,
    leased_until: datetime,
    wanted: Wanted,
    *,
    fresh_first: bool = False,
) -> list[Notification]:
    """Take due messages, worst first: nobody else gets them before `leased_until`.

    A dispatcher that dies without recording an attempt gives them back by dying.
    PostgreSQL skips what another one is just claiming; SQLite has one writer.
    `fresh_first`: of one priority the least tried first.
    """
    tries = [_NotificationRow.attempts] if fresh_first else []
    rows = list(
        session.scalars(
            select(_NotificationRow)
            .where(*_due(now, channel, wanted))
            .order_by(_NotificationRow.priority, *tries, _NotificationRow.seq)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    for row in rows:
        row.next_attempt_at = leased_until
    session.flush()
    return [_notification_of(row) for row in rows]


def _due(now: datetime, channel: Channel, wanted: Wanted) -> tuple[ColumnElement[bool], ...]:
    return (
        _NotificationRow.channel == channel.value,
        _NotificationRow.state == _PENDING_WORD,
        _NotificationRow.next_attempt_at <= now,
        _NotificationRow.expires_at > now,
        *_WANTED[wanted],
    )


def make_due(session: Session, channel: Channel, now: datetime, until: datetime) -> None:
    """Let everything of a channel that waits to be tried again, until `until` at most, be due now.

    What somebody else is just changing is left as it is: see `lock_notifications`.
    """
    waiting = (
        select(_NotificationRow.seq)
        .where(
            _NotificationRow.channel == channel.value,
            _NotificationRow.state == _PENDING_WORD,
            _NotificationRow.next_attempt_at > now,
            _NotificationRow.next_attempt_at <= until,
        )
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(_NotificationRow).where(_NotificationRow.seq.in_(waiting)).values(next_attempt_at=now),
        execution_options={"synchronize_session": False},
    )


def lock_notification(session: Session, notification_id: UUID) -> Notification | None:
    """Return one message and keep others from changing it until the transaction ends."""
    return lock_notifications(session, {notification_id}).get(notification_id)


def lock_notifications(session: Session, notification_ids: Collection[UUID]) -> dict[UUID, Notification]:
    """Return messages and keep others from changing them until the transaction ends; locked by number.

    The one order of locks in this room, so that no two wait for each other: first every notification of
    the transaction, in one statement; then `alerts.lock_log`; then alerts, runs and tasks. Whoever holds the
    log adds notifications but waits for none: claims, `make_due`, `expire_pending` skip what is locked.
    """
    rows = session.scalars(
        select(_NotificationRow)
        .where(_NotificationRow.id.in_(notification_ids))
        .order_by(_NotificationRow.seq)
        .with_for_update(),
        execution_options={"populate_existing": True},
    )
    return {row.id: _notification_of(row) for row in rows}


def save_progress(
    session: Session,
    notification_id: UUID,
    state: NotificationState,
    attempts: int,
    next_attempt_at: datetime,
) -> None:
    """Store where a message is on its way."""
    save_all_progress(session, [(notification_id, state, attempts, next_attempt_at)])


def save_all_progress(
    session: Session, progress: Sequence[tuple[UUID, NotificationState, int, datetime]]
) -> None:
    """Store where messages are on their way: id, state, attempts, when to try again."""
    if not progress:
        return
    statement = update(_NotificationRow.__table__).where(  # type: ignore[arg-type]  # the table behind the class
        _NotificationRow.id == bindparam("message_id")
    )
    session.connection().execute(
        statement,
        [
            {"message_id": one, "state": state.value, "attempts": attempts, "next_attempt_at": later}
            for one, state, attempts, later in progress
        ],
    )


def has_expired(session: Session, now: datetime) -> bool:
    """Say whether something waits that is no longer worth sending: a read, so that a look takes no lock."""
    return session.scalars(_expired(now, 1)).first() is not None


def expire_pending(session: Session, now: datetime, limit: int) -> list[Notification]:
    """Give up unsent messages that are no longer worth sending, and return them."""
    rows = list(session.scalars(_expired(now, limit).with_for_update(skip_locked=True)))
    for row in rows:
        row.state = NotificationState.FAILED.value
    session.flush()
    given_up = [Attempt(uuid.uuid4(), row.id, now, succeeded=False, outcome="expired") for row in rows]
    add_attempts(session, given_up)
    return [_notification_of(row) for row in rows]


def _expired(now: datetime, limit: int) -> Select[_NotificationRow]:
    """In the order of `ix_notification_due`: in any other, SQLite reads the whole table instead of it."""
    return (
        select(_NotificationRow)
        .where(_NotificationRow.state == _PENDING_WORD, _NotificationRow.expires_at <= now)
        .order_by(_NotificationRow.channel, _NotificationRow.priority, _NotificationRow.seq)
        .limit(limit)
    )


def list_told_police(session: Session, alert_ids: Collection[UUID]) -> dict[UUID, list[dict[str, str]]]:
    """Return the messages that the police have, or are about to get, of these alerts: `id` and `sent`."""
    if not alert_ids:
        return {}
    statement = (
        select(_NotificationRow.alert_id, _NotificationRow.id, _NotificationRow.created_at)
        .where(
            _NotificationRow.alert_id.in_(alert_ids),
            _NotificationRow.channel == Channel.POLICE_WEBHOOK.value,
        )
        .order_by(_NotificationRow.seq)
    )
    told: dict[UUID, list[dict[str, str]]] = {}
    for alert_id, message_id, created_at in session.execute(statement):
        sent = created_at.isoformat(timespec="milliseconds")
        if alert_id is not None:
            told.setdefault(alert_id, []).append({"id": str(message_id), "sent": sent})
    return told


def list_of_alerts(session: Session, alert_ids: Collection[UUID]) -> list[Notification]:
    """Return the messages of these alerts, oldest first."""
    rows = session.scalars(
        select(_NotificationRow)
        .where(_NotificationRow.alert_id.in_(alert_ids))
        .order_by(_NotificationRow.seq)
    )
    return [_notification_of(row) for row in rows]


def list_commands(
    session: Session, device_ids: Collection[UUID], since: datetime, until: datetime
) -> list[Notification]:
    """Return the commands to these devices that no alert caused, born from `since` to `until`."""
    rows = session.scalars(
        select(_NotificationRow)
        .where(
            _NotificationRow.alert_id.is_(None),
            _NotificationRow.device_id.in_(device_ids),
            _NotificationRow.created_at >= since,
            _NotificationRow.created_at <= until,
        )
        .order_by(_NotificationRow.seq)
    )
    return [_notification_of(row) for row in rows]


def list_messages_after(
    session: Session, person_ids: Collection[UUID] | None, seq: int, now: datetime, limit: int
) -> list[Notification]:
    """Return stream messages after the cursor that are still worth showing; None is everybody's."""
    statement = select(_NotificationRow).where(
        _NotificationRow.channel == Channel.PERSON_STREAM.value,
        _NotificationRow.state != NotificationState.MOVED.value,
        _NotificationRow.seq > seq,
        _NotificationRow.expires_at > now,
    )
    if person_ids is not None:
        statement = statement.where(_NotificationRow.person_id.in_(person_ids))
    rows = session.scalars(statement.order_by(_NotificationRow.seq).limit(limit))
    return [_notification_of(row) for row in rows]


def list_after(session: Session, seq: int) -> list[Notification]:
    """Return every message after the cursor, whatever became of it, oldest first."""
    rows = session.scalars(
        select(_NotificationRow).where(_NotificationRow.seq > seq).order_by(_NotificationRow.seq)
    )
    return [_notification_of(row) for row in rows]


def list_unseen_messages(session: Session, person_id: UUID, until: int, now: datetime) -> list[Notification]:
    """Return her stream messages up to `until` that no stream of hers has been given yet."""
    rows = session.scalars(
        select(_NotificationRow)
        .where(
            _NotificationRow.person_id == person_id,
            _NotificationRow.channel == Channel.PERSON_STREAM.value,
            _NotificationRow.state == _PENDING_WORD,
            _NotificationRow.seq <= until,
            _NotificationRow.expires_at > now,
        )
        .order_by(_NotificationRow.seq)
    )
    return [_notification_of(row) for row in rows]


def last_seq(session: Session) -> int:
    """Return the number of the outbox's last message, 0 when it is empty."""
    return session.scalar(select(func.max(_NotificationRow.seq))) or 0


def _notification_of(row: _NotificationRow) -> Notification:
    return Notification(
        seq=row.seq,
        id=row.id,
        alert_id=row.alert_id,
        channel=Channel(row.channel),
        person_id=row.person_id,
        device_id=row.device_id,
        payload=row.payload,
        state=NotificationState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        run_id=row.run_id,
    )

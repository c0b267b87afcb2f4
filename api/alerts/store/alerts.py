"""Tables `alert` and `alert_entry`, and their queries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Text,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.alerts.model import (
    Alert,
    AlertEntry,
    AlertNotFound,
    AlertState,
    EntryKind,
    Family,
    ResolveReason,
)
from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime, serialise

_FRESH = {"populate_existing": True}
"""`save_alerts` writes past the session's memory, so every read takes what the database says."""
_RESOLVED_WORD: ColumnElement[str] = literal_column("'resolved'")
"""Written out in queries: a database uses a partial index only when it sees the same word there."""
Sequence64 = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts by itself only in a column of its own type INTEGER, which holds 64 bits."""


class _AlertRow(Base):
    __tablename__ = "alert"
    __table_args__ = (
        # Even two processes at the same moment cannot open a second alert for one approach.
        Index(
            "uq_alert_join_key_unresolved",
            "join_key",
            unique=True,
            sqlite_where=text("state <> 'resolved'"),
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index("ix_alert_state_severity", "state", "severity", "opened_at"),
        ledger.chained(),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    join_key: Mapped[str] = mapped_column(Text)
    holding: Mapped[list[str]] = mapped_column(JSON)
    order_id: Mapped[UUID | None] = mapped_column(index=True)
    device_id: Mapped[UUID | None]
    family: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    severity: Mapped[int]
    state: Mapped[str] = mapped_column(Text)
    ongoing: Mapped[bool]
    exercise: Mapped[bool]
    concealed: Mapped[bool]
    person_ids: Mapped[list[str]] = mapped_column(JSON)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_event_at: Mapped[datetime] = mapped_column(UtcDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[UUID | None]
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_by: Mapped[UUID | None]
    resolve_reason: Mapped[str | None] = mapped_column(Text)
    resolution_note: Mapped[str] = mapped_column(Text)


class _EntryRow(Base):
    __tablename__ = "alert_entry"
    # A number is never used twice: it is a cursor.
    __table_args__ = ({"sqlite_autoincrement": True, **ledger.chained()},)

    seq: Mapped[int] = mapped_column(Sequence64, primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(Text)
    severity: Mapped[int]
    author_id: Mapped[UUID | None]
    event: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A line of the log before it has its number."""

    alert_id: UUID
    at: datetime
    kind: EntryKind
    severity: int
    author_id: UUID | None
    event: dict[str, Any] | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert and what keeps it ongoing (`rules.joining.holding_after`)."""

    alert: Alert
    holding: frozenset[str]


def lock_log(session: Session) -> None:
    """Let one transaction at a time change alerts, so that readers of the log by cursor miss nothing.

    Taken after notifications that were there before (`outbox.lock_notifications`) and before any other row of
    this room.
    """
    serialise(session, "alert_log")


def find_unresolved(session: Session, join_keys: Collection[str]) -> dict[str, KeptAlert]:
    """Return the unresolved alerts by their key; keys without one are left out."""
    rows = session.scalars(
        select(_AlertRow).where(_AlertRow.join_key.in_(join_keys), _AlertRow.state != _RESOLVED_WORD),
        execution_options=_FRESH,
    )
    return {row.join_key: KeptAlert(_alert_of(row), frozenset(row.holding)) for row in rows}


def add_alerts(session: Session, alerts: Mapping[str, KeptAlert]) -> None:
    """Store new alerts by their key."""
    if alerts:
        session.execute(
            insert(_AlertRow), [{"join_key": key, **_columns_of(kept)} for key, kept in alerts.items()]
        )
        ledger.note(session, _AlertRow, [kept.alert.id for kept in alerts.values()])


def save_alerts(session: Session, alerts: Collection[KeptAlert]) -> None:
    """Overwrite alerts by id, in one statement."""
    if not alerts:
        return
    columns = [_columns_of(kept) for kept in alerts]
    names = columns[0].keys() - {"id"}
    table = _AlertRow.__table__
    session.connection().execute(
        update(_AlertRow)
        .where(table.c.id == bindparam("row_id"))
        .values({name: bindparam(f"new_{name}") for name in names}),
        [{"row_id": row["id"], **{f"new_{name}": row[name] for name in names}} for row in columns],
    )
    ledger.note(session, _AlertRow, [kept.alert.id for kept in alerts])


def add_entries(session: Session, entries: Sequence[NewEntry]) -> list[int]:
    """Append lines to the log and return their numbers in the same order; needs `lock_log` before."""
    if not entries:
        return []
    statement = insert(_EntryRow).returning(_EntryRow.seq, sort_by_parameter_order=True)
    rows = [
        {
            "alert_id": entry.alert_id,
            "at": entry.at,
            "kind": entry.kind.value,
            "severity": entry.severity,
            "author_id": entry.author_id,
            "event": entry.event,
            "detail": entry.detail,
        }
        for entry in entries
    ]
    seqs = list(session.scalars(statement, rows))
    ledger.note(session, _EntryRow, seqs)
    return seqs


def get_alert(session: Session, alert_id: UUID) -> KeptAlert:
    """Return one alert; raises AlertNotFound."""
    row = session.get(_AlertRow, alert_id, populate_existing=True)
    if row is None:
        raise AlertNotFound("There is no such alert.")
    return KeptAlert(_alert_of(row), frozenset(row.holding))


def list_by_ids(session: Session, alert_ids: Collection[UUID]) -> dict[UUID, Alert]:
    """Return alerts by id."""
    rows = session.scalars(select(_AlertRow).where(_AlertRow.id.in_(alert_ids)), execution_options=_FRESH)
    return {row.id: _alert_of(row) for row in rows}


def list_by_states(session: Session, states: Collection[AlertState], limit: int) -> list[Alert]:
    """Return the worst, then oldest alerts in these states, at most `limit`."""
    rows = session.scalars(
        select(_AlertRow)
        .where(_AlertRow.state.in_([state.value for state in states]))
        .order_by(_AlertRow.severity, _AlertRow.opened_at, _AlertRow.id)
        .limit(limit),
        execution_options=_FRESH,
    )
    return [_alert_of(row) for row in rows]


def list_latest_resolved(session: Session, limit: int) -> list[Alert]:
    """Return the alerts resolved last, latest first, at most `limit`."""
    rows = session.scalars(
        select(_AlertRow)
        .where(_AlertRow.state == AlertState.RESOLVED.value)
        .order_by(_AlertRow.resolved_at.desc(), _AlertRow.id)
        .limit(limit),
        execution_options=_FRESH,
    )
    return [_alert_of(row) for row in rows]


def list_unresolved_of(session: Session, family: Family) -> list[KeptAlert]:
    """Return every unresolved alert of a family."""
    statement = select(_AlertRow).where(_AlertRow.state != _RESOLVED_WORD, _AlertRow.family == family.value)
    rows = session.scalars(statement, execution_options=_FRESH)
    return [KeptAlert(_alert_of(row), frozenset(row.holding)) for row in rows]


def list_unresolved_orders(session: Session) -> list[UUID]:
    """Return the orders that have an unresolved alert."""
    statement = (
        select(_AlertRow.order_id)
        .where(_AlertRow.state != _RESOLVED_WORD, _AlertRow.order_id.is_not(None))
        .distinct()
    )
    return [order_id for order_id in session.scalars(statement) if order_id is not None]


def list_entries(session: Session, alert_id: UUID) -> list[AlertEntry]:
    """Return the log of one alert, oldest first."""
    rows = session.scalars(select(_EntryRow).where(_EntryRow.alert_id == alert_id).order_by(_EntryRow.seq))
    return [_entry_of(row) for row in rows]


def list_last_events(session: Session, alert_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return the newest event of each alert's log as JSON types; an alert without one is missing."""
    newest = (
        select(func.max(_EntryRow.seq))
        .where(_EntryRow.alert_id.in_(alert_ids), _EntryRow.event.is_not(None))
        .group_by(_EntryRow.alert_id)
    )
    rows = session.scalars(select(_EntryRow).where(_EntryRow.seq.in_(newest)))
    return {row.alert_id: row.event for row in rows if row.event is not None}


def list_entries_of(session: Session, alert_ids: Collection[UUID]) -> list[AlertEntry]:
    """Return the logs of a few alerts, oldest line first."""
    rows = session.scalars(select(_EntryRow).where(_EntryRow.alert_id.in_(alert_ids)).order_by(_EntryRow.seq))
    return [_entry_of(row) for row in rows]


def list_latest_of_orders(session: Session, order_ids: Collection[UUID], limit: int) -> list[Alert]:
    """Return the alerts of a few orders that were opened last, latest first, at most `limit`."""
    rows = session.scalars(
        select(_AlertRow)
        .where(_AlertRow.order_id.in_(order_ids))
        .order_by(_AlertRow.opened_at.desc(), _AlertRow.id)
        .limit(limit),
        execution_options=_FRESH,
    )
    return [_alert_of(row) for row in rows]


def list_entries_beside(session: Session, alert: Alert) -> list[tuple[AlertEntry, Alert]]:
    """Return the log of all alerts of the order of this one, or (without an order) of its device."""
    mine = _AlertRow.order_id == alert.order_id
    if alert.order_id is None:
        mine = and_(_AlertRow.order_id.is_(None), _AlertRow.device_id == alert.device_id)
    rows = session.execute(
        select(_EntryRow, _AlertRow)
        .join(_AlertRow, _AlertRow.id == _EntryRow.alert_id)
        .where(mine)
        .order_by(_EntryRow.seq)
    )
    return [(_entry_of(entry), _alert_of(row)) for entry, row in rows]


def list_entries_after(session: Session, seq: int, limit: int) -> list[AlertEntry]:
    """Return the lines of all alerts after the cursor, oldest first, at most `limit`."""
    rows = session.scalars(select(_EntryRow).where(_EntryRow.seq > seq).order_by(_EntryRow.seq).limit(limit))
    return [_entry_of(row) for row in rows]


def last_seq(session: Session) -> int:
    """Return the number of the log's last line, 0 when it is empty."""
    return session.scalar(select(func.max(_EntryRow.seq))) or 0


def _columns_of(kept: KeptAlert) -> dict[str, Any]:
    alert = kept.alert
    return {
        "id": alert.id,
        "holding": sorted(kept.holding),
        "order_id": alert.order_id,
        "device_id": alert.device_id,
        "family": alert.family.value,
        "kind": alert.kind,
        "severity": alert.severity,
        "state": alert.state.value,
        "ongoing": alert.ongoing,
        "exercise": alert.exercise,
        "concealed": alert.concealed,
        "person_ids": [str(person_id) for person_id in alert.person_ids],
        "opened_at": alert.opened_at,
        "last_event_at": alert.last_event_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_by,
        "resolved_at": alert.resolved_at,
        "resolved_by": alert.resolved_by,
        "resolve_reason": alert.resolve_reason.value if alert.resolve_reason else None,
        "resolution_note": alert.resolution_note,
    }


def _alert_of(row: _AlertRow) -> Alert:
    return Alert(
        id=row.id,
        order_id=row.order_id,
        device_id=row.device_id,
        family=Family(row.family),
        kind=row.kind,
        severity=row.severity,
        state=AlertState(row.state),
        ongoing=row.ongoing,
        exercise=row.exercise,
        concealed=row.concealed,
        person_ids=tuple(UUID(person_id) for person_id in row.person_ids),
        opened_at=row.opened_at,
        last_event_at=row.last_event_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        resolve_reason=ResolveReason(row.resolve_reason) if row.resolve_reason else None,
        resolution_note=row.resolution_note,
    )


def _entry_of(row: _EntryRow) -> AlertEntry:
    return AlertEntry(
        seq=row.seq,
        alert_id=row.alert_id,
        at=row.at,
        kind=EntryKind(row.kind),
        severity=row.severity,
        author_id=row.author_id,
        event=row.event,
        detail=row.detail,
    )

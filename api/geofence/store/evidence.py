"""What a decision rests on beside fixes and alarms: batches, and messages that were contact alone.

Fixes and alarms name their batch and their place in it; with the reports kept here every message that
moved a state can be put back into the order in which it was judged.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    null,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.geofence.store.alarms import _AlarmRow
from api.geofence.store.fixes import _FixRow
from api.kernel.db import Base, UtcDateTime

KEPT_BYTES = 4096
"""A longer report is kept without its text: no status is as long, and a list of waypoints says nothing that
is judged. Proposal."""
KEPT_PER_DEVICE = 50_000
"""Newest reports of one device: a month at one a minute is 44,640. Proposal."""
UNREADABLE_ALARM = "unreadable_alarm"
"""Kind of a message on the alarm lane that was kept aside, and rang all the same."""
AGAIN = "again"
"""Kind of a fix or alarm that was delivered before: contact, nothing more."""


class Judge(StrEnum):
    """Who decided; STAFF: what somebody entered was judged."""

    WORKER = "worker"
    WATCHDOG = "watchdog"
    STAFF = "staff"


class Batch(msgspec.Struct, frozen=True):
    """Messages, or timers, that were judged together.

    Attributes:
        number: Rises with each batch.
        judged_at: The present moment of the judging.
        revision: Of the register that it was judged by.
        restored_at: When the worker last read everything from the database; None for timers.
    """

    number: int
    judge: Judge
    judged_at: datetime
    revision: int
    restored_at: datetime | None
    rule_version: str


class Report(msgspec.Struct, frozen=True):
    """A message that was contact alone; `place` is its place in its batch."""

    device_id: UUID
    received_at: datetime
    place: int
    kind: str
    payload: bytes


class Judged(msgspec.Struct, frozen=True):
    """A message that moved a state, as it is kept.

    Attributes:
        kind: Of a report; None for a fix or an alarm.
        payload: As the device sent it; None when its text was too long to be kept.
    """

    batch: int
    place: int
    device_id: UUID
    received_at: datetime
    kind: str | None
    payload: bytes | None


class _BatchRow(Base):
    __tablename__ = "judged_batch"
    __table_args__ = (Index(None, "judged_at"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    judge: Mapped[str] = mapped_column(Text)
    judged_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revision: Mapped[int] = mapped_column(BigInteger)
    restored_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rule_version: Mapped[str] = mapped_column(Text)


class _ReportRow(Base):
    __tablename__ = "device_report"

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    batch: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)


_BATCH, _REPORT = cast("Table", _BatchRow.__table__), cast("Table", _ReportRow.__table__)
_FIX, _ALARM = cast("Table", _FixRow.__table__), cast("Table", _AlarmRow.__table__)
_ADD_BATCH = insert(_BATCH).returning(_BATCH.c.number)
_other = _REPORT.alias()
_LAST = select(func.max(_other.c.number)).where(_other.c.device_id == bindparam("of")).scalar_subquery()
_ADD_REPORT = insert(_REPORT).values(
    {
        "device_id": bindparam("of"),
        "number": func.coalesce(_LAST, 0) + 1,
        **{name: bindparam(f"new_{name}") for name in ("received_at", "batch", "place", "kind", "payload")},
    }
)
_DROP_OLDEST = delete(_REPORT).where(
    _REPORT.c.device_id == bindparam("of"), _REPORT.c.number <= _LAST - bindparam("most", type_=BigInteger)
)
_PER_QUERY = 5000
"""SQLite takes 32,766 values in one statement."""


def add_batch(
    session: Session,
    judge: Judge,
    judged_at: datetime,
    revision: int,
    restored_at: datetime | None,
    rule_version: str,
) -> int:
    """Note that something is judged together; returns the batch's number."""
    values = {
        "judge": judge.value,
        "judged_at": judged_at,
        "revision": revision,
        "restored_at": restored_at,
        "rule_version": rule_version,
    }
    return int(session.connection().execute(_ADD_BATCH, values).scalar_one())


def save_reports(
    session: Session, batch: int, reports: Sequence[Report], *, most: int = KEPT_PER_DEVICE
) -> None:
    """Keep messages that were contact, of each device the `most` newest; two statements, however many."""
    if not reports:
        return
    rows = [
        {
            "of": report.device_id,
            "new_received_at": report.received_at,
            "new_batch": batch,
            "new_place": report.place,
            "new_kind": report.kind,
            "new_payload": report.payload if len(report.payload) <= KEPT_BYTES else None,
        }
        for report in reports
    ]
    session.connection().execute(_ADD_REPORT, rows)
    devices = {report.device_id for report in reports}
    session.connection().execute(
        _DROP_OLDEST, [{"of": device_id, "most": most} for device_id in sorted(devices)]
    )


def list_judged(session: Session, device_ids: Collection[UUID], until_batch: int) -> list[Judged]:
    """Return everything of these devices that was judged up to and with a batch, in that order."""
    mine = sorted(device_ids)
    found: list[Judged] = []
    for table in (_FIX, _ALARM, _REPORT):
        kind = table.c.kind if table is _REPORT else null()
        columns = (table.c.batch, table.c.place, table.c.device_id, table.c.received_at, kind)
        for start in range(0, len(mine), _PER_QUERY):
            part = mine[start : start + _PER_QUERY]
            query = select(*columns, table.c.payload)
            query = query.where(table.c.device_id.in_(part), table.c.batch <= until_batch)
            found += [Judged(*row) for row in session.execute(query)]
    return sorted(found, key=lambda message: (message.batch, message.place))


def list_received(
    session: Session, device_ids: Collection[UUID], since: datetime, until: datetime
) -> list[Judged]:
    """Return everything judged of a few devices that arrived from `since` to `until`, in that order."""
    found: list[Judged] = []
    for table in (_FIX, _ALARM, _REPORT):
        kind = table.c.kind if table is _REPORT else null()
        columns = (table.c.batch, table.c.place, table.c.device_id, table.c.received_at, kind)
        query = select(*columns, table.c.payload).where(table.c.device_id.in_(device_ids))
        query = query.where(table.c.received_at >= since, table.c.received_at <= until)
        found += [Judged(*row) for row in session.execute(query)]
    return sorted(found, key=lambda message: (message.batch, message.place))


def count_dropped(session: Session, device_ids: Collection[UUID]) -> int:
    """Return how many reports of these devices are kept no more."""
    query = select(func.min(_REPORT.c.number)).group_by(_REPORT.c.device_id)
    return sum(least - 1 for (least,) in session.execute(query.where(_REPORT.c.device_id.in_(device_ids))))


def list_batches(session: Session, numbers: Collection[int]) -> dict[int, Batch]:
    """Return these batches by their number."""
    wanted, found = sorted(numbers), list[Batch]()
    for start in range(0, len(wanted), _PER_QUERY):
        part = wanted[start : start + _PER_QUERY]
        found += [_batch(row) for row in session.execute(select(_BATCH).where(_BATCH.c.number.in_(part)))]
    return {batch.number: batch for batch in found}


def list_batches_at(session: Session, moments: Collection[datetime]) -> list[Batch]:
    """Return the batches that were judged at one of these moments, in their order."""
    wanted, found = sorted(moments), list[Batch]()
    for start in range(0, len(wanted), _PER_QUERY):
        part = wanted[start : start + _PER_QUERY]
        found += [_batch(row) for row in session.execute(select(_BATCH).where(_BATCH.c.judged_at.in_(part)))]
    return sorted(found, key=lambda batch: batch.number)


def _batch(row: Row[Any]) -> Batch:
    return Batch(row.number, Judge(row.judge), row.judged_at, row.revision, row.restored_at, row.rule_version)

"""Signs of life of our own processes, and the outages that we know of."""

import uuid
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Text, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base, UtcDateTime, serialise


class Heartbeat(msgspec.Struct, frozen=True):
    """The last sign of life of one process.

    Attributes:
        able: False while it lives and cannot do its work.
        holder: Which of several processes of this name does the work; None where that does not matter.
    """

    process: str
    at: datetime
    able: bool
    holder: UUID | None = None


class _HeartbeatRow(Base):
    __tablename__ = "heartbeat"

    process: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    able: Mapped[bool]
    holder: Mapped[UUID | None]


class _OutageRow(Base):
    __tablename__ = "outage"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    process: Mapped[str] = mapped_column(Text)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


def beat(session: Session, process: str, now: datetime, *, able: bool) -> None:
    """Say that `process` lives, and whether it can do its work."""
    _put(session, process, {"at": now, "able": able}, {})


def list_heartbeats(session: Session) -> dict[str, Heartbeat]:
    """Return the last sign of life of every process that ever gave one."""
    return {
        row.process: Heartbeat(row.process, row.at, row.able, row.holder)
        for row in session.scalars(select(_HeartbeatRow))
    }


def claim(session: Session, process: str, holder: UUID, now: datetime) -> None:
    """Make `holder` the one that does this process's work; whoever held it finds out by `holder_of`."""
    _put(session, process, {"holder": holder}, {"at": now, "able": False})


def _put(session: Session, process: str, values: dict[str, Any], at_first: dict[str, Any]) -> None:
    """Change a process's row, or make it; two that begin at the same moment make it once."""
    change = update(_HeartbeatRow).where(_HeartbeatRow.process == process).values(values)
    if session.connection().execute(change).rowcount:
        return
    serialise(session, "heartbeat")
    if not session.connection().execute(change).rowcount:
        session.execute(insert(_HeartbeatRow).values(process=process, **at_first, **values))


def holder_of(session: Session, process: str) -> UUID | None:
    """Return who does this process's work; while a writing transaction lasts, nobody else can claim it."""
    query = select(_HeartbeatRow.holder).where(_HeartbeatRow.process == process)
    return session.scalar(query.with_for_update(read=True))


def add_outage(session: Session, process: str, began_at: datetime, ended_at: datetime) -> None:
    """Remember that `process` did not work for a while: silence of devices then proves nothing."""
    session.execute(
        insert(_OutageRow).values(id=uuid.uuid4(), process=process, began_at=began_at, ended_at=ended_at)
    )


def last_outage_end(session: Session, process: str) -> datetime | None:
    """Return when `process` last came back."""
    return session.scalar(select(func.max(_OutageRow.ended_at)).where(_OutageRow.process == process))


def list_outages(session: Session, process: str) -> list[tuple[datetime, datetime]]:
    """Return when `process` did not work, from and until, oldest first."""
    query = select(_OutageRow.began_at, _OutageRow.ended_at).where(_OutageRow.process == process)
    return [
        (began_at, ended_at) for began_at, ended_at in session.execute(query.order_by(_OutageRow.ended_at))
    ]

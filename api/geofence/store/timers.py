"""What the timers have told and still holds: per order and device, so that a restart calls nobody twice."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Text, delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base, UtcDateTime


class TimerKey(msgspec.Struct, frozen=True):
    """One timer: `condition` is what it waits for, e.g. `contact`."""

    order_id: UUID
    device_id: UUID
    condition: str


class TimerState(msgspec.Struct, frozen=True):
    """What was told last, a code, and when."""

    key: TimerKey
    told: str
    since: datetime


class _TimerRow(Base):
    __tablename__ = "timer_state"

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    condition: Mapped[str] = mapped_column(Text, primary_key=True)
    told: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


def list_timers(session: Session) -> dict[TimerKey, TimerState]:
    """Return everything that was told and still holds."""
    states = [
        TimerState(TimerKey(row.order_id, row.device_id, row.condition), row.told, row.since)
        for row in session.scalars(select(_TimerRow))
    ]
    return {state.key: state for state in states}


def save_timers(session: Session, told: Collection[TimerState], ended: Collection[TimerKey]) -> None:
    """Write what was told now, over what stood there, and take away what is over; both are few."""
    for key in [*ended, *(state.key for state in told)]:
        session.execute(
            delete(_TimerRow).where(
                _TimerRow.order_id == key.order_id,
                _TimerRow.device_id == key.device_id,
                _TimerRow.condition == key.condition,
            )
        )
    rows = [msgspec.structs.asdict(state.key) | {"told": state.told, "since": state.since} for state in told]
    if rows:
        session.execute(insert(_TimerRow), rows)

"""Alarms as devices sent them: one row each, so that a message delivered twice rings once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary, Text, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.geofence.model import DeviceAlarm
from api.kernel.db import Base, UtcDateTime


class _AlarmRow(Base):
    __tablename__ = "device_alarm"

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    kind_said: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(Text)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    judged_at: Mapped[datetime] = mapped_column(UtcDateTime)
    batch: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[int]


NO_SEQ = -1
"""Stands for an alarm without a counter: part of a key cannot be NULL."""


def is_stored(session: Session, alarm: DeviceAlarm) -> bool:
    """Say whether this very alarm was delivered before.

    One statement an alarm: they are rare, and each one's answer matters.
    """
    known = session.scalar(
        select(_AlarmRow.seq).where(
            _AlarmRow.device_id == alarm.device_id,
            _AlarmRow.occurred_at == alarm.occurred_at,
            _AlarmRow.kind_said == alarm.kind_said,
            _AlarmRow.seq == _seq(alarm),
        )
    )
    return known is not None


def save_alarm(
    session: Session, alarm: DeviceAlarm, payload: bytes, judged_at: datetime, batch: int, place: int
) -> None:
    """Store an alarm that is not stored yet, with its batch and its place in it."""
    session.execute(
        insert(_AlarmRow).values(
            device_id=alarm.device_id,
            occurred_at=alarm.occurred_at,
            kind_said=alarm.kind_said,
            seq=_seq(alarm),
            received_at=alarm.received_at,
            kind=alarm.kind.value,
            lat=alarm.point.lat if alarm.point else None,
            lon=alarm.point.lon if alarm.point else None,
            accuracy_m=alarm.accuracy_m,
            payload=payload,
            judged_at=judged_at,
            batch=batch,
            place=place,
        )
    )


def _seq(alarm: DeviceAlarm) -> int:
    return NO_SEQ if alarm.seq is None else alarm.seq

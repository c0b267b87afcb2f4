"""Messages kept aside instead of being judged: counted always, kept whole up to a bound per device."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import LargeBinary, Text, delete, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base, UtcDateTime

KEPT_BYTES = 4096
"""Of a message kept aside, this much is stored; its length is stored too. Proposal."""
KEPT_PER_DEVICE = 200
"""Only so many of the newest per device name: a broken or hostile device must not fill the disk. Proposal."""


class Rejected(msgspec.Struct, frozen=True):
    """One message that was not judged, and why.

    Attributes:
        device: The device's name in the topic as sent, at most 64 characters; may be nobody's.
        reason: A `RejectReason` value.
        detail: Which field, what is allowed; for a fault of ours the traceback's places.
    """

    topic: str
    device: str
    received_at: datetime
    reason: str
    detail: str
    payload: bytes


class _RejectedRow(Base):
    __tablename__ = "rejected_message"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(Text, index=True)
    topic: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    payload_bytes: Mapped[int]


class _RejectedCountRow(Base):
    __tablename__ = "rejected_count"

    reason: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int]


def keep_rejected(session: Session, messages: Sequence[Rejected]) -> None:
    """Count every message and keep each device's newest ones."""
    if not messages:
        return
    by_reason: dict[str, int] = {}
    for message in messages:
        by_reason[message.reason] = by_reason.get(message.reason, 0) + 1
    for reason, count in sorted(by_reason.items()):
        changed = session.connection().execute(
            update(_RejectedCountRow)
            .where(_RejectedCountRow.reason == reason)
            .values(count=_RejectedCountRow.count + count)
        )
        if not changed.rowcount:
            session.execute(insert(_RejectedCountRow).values(reason=reason, count=count))
    newest: dict[str, list[Rejected]] = {}
    for message in messages:
        newest.setdefault(message.device, []).append(message)
    rows = [_values(message) for kept in newest.values() for message in kept[-KEPT_PER_DEVICE:]]
    session.execute(insert(_RejectedRow), rows)
    for device in newest:
        beyond = (
            select(_RejectedRow.id)
            .where(_RejectedRow.device == device)
            .order_by(_RejectedRow.received_at.desc(), _RejectedRow.id)
            .offset(KEPT_PER_DEVICE)
        )
        session.execute(delete(_RejectedRow).where(_RejectedRow.id.in_(beyond)))


def _values(message: Rejected) -> dict[str, object]:
    return {
        "id": uuid.uuid4(),
        "device": message.device,
        "topic": message.topic,
        "received_at": message.received_at,
        "reason": message.reason,
        "detail": message.detail,
        "payload": message.payload[:KEPT_BYTES],
        "payload_bytes": len(message.payload),
    }


def count_rejected(session: Session) -> dict[str, int]:
    """Return how many messages were kept aside, per reason, since the beginning."""
    return {row.reason: row.count for row in session.scalars(select(_RejectedCountRow))}


def list_devices_rejected(session: Session, reasons: Collection[str], since: datetime) -> set[UUID]:
    """Return the devices of which a message was kept aside for one of these reasons since a moment.

    Only reasons that are found after the device was: before that, a device's name may be nobody's.
    """
    chosen = (_RejectedRow.reason.in_(reasons), _RejectedRow.received_at >= since)
    return {UUID(name) for name in session.scalars(select(_RejectedRow.device).where(*chosen).distinct())}


def list_received(
    session: Session, device_ids: Collection[UUID], since: datetime, until: datetime
) -> list[Rejected]:
    """Return what was kept aside of these devices from `since` to `until`, oldest first."""
    names = [device_id.hex for device_id in device_ids]
    query = select(_RejectedRow).where(
        _RejectedRow.device.in_(names), _RejectedRow.received_at >= since, _RejectedRow.received_at <= until
    )
    rows = session.scalars(query.order_by(_RejectedRow.received_at, _RejectedRow.id))
    return [
        Rejected(row.topic, row.device, row.received_at, row.reason, row.detail, row.payload) for row in rows
    ]


def list_rejected(session: Session, limit: int) -> list[Rejected]:
    """Return the newest messages kept aside, newest first."""
    rows = session.scalars(select(_RejectedRow).order_by(_RejectedRow.received_at.desc()).limit(limit))
    return [
        Rejected(row.topic, row.device, row.received_at, row.reason, row.detail, row.payload) for row in rows
    ]

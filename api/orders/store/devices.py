"""Tables and queries of devices and of who carried which, when; sealing keys are encrypted."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, Text, func, insert, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key
from api.orders.model import Assignment, Device, DeviceKind, DeviceNotFound
from api.orders.store import batches


class _DeviceRow(Base):
    __tablename__ = "device"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    shard: Mapped[int]
    secret_hash: Mapped[str] = mapped_column(Text)
    sealing_key_sealed: Mapped[bytes | None]
    require_sealed: Mapped[bool]
    simulated: Mapped[bool]
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class _AssignmentRow(Base):
    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("(wearer_id IS NULL) <> (protected_person_id IS NULL)", name="one_holder"),
        Index(
            "uq_assignment_current",
            "device_id",
            unique=True,
            sqlite_where=text("unassigned_at IS NULL"),
            postgresql_where=text("unassigned_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), index=True)
    wearer_id: Mapped[UUID | None] = mapped_column(ForeignKey("wearer.id"), index=True)
    protected_person_id: Mapped[UUID | None] = mapped_column(ForeignKey("protected_person.id"), index=True)
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    unassigned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)


_ASSIGNMENT = _AssignmentRow.__table__


def add_device(session: Session, device: Device, now: datetime) -> None:
    """Keep a new device."""
    key = device.sealing_key
    session.execute(
        insert(_DeviceRow).values(
            id=device.id,
            kind=device.kind.value,
            label=device.label,
            shard=device.shard,
            secret_hash=device.secret_hash,
            sealing_key_sealed=None if key is None else _cipher(session).seal(device.id, key),
            require_sealed=device.require_sealed,
            simulated=device.simulated,
            retired_at=device.retired_at,
            created_at=now,
        )
    )


def save_secret(session: Session, device_id: UUID, secret_hash: str) -> None:
    """Give a device another broker password."""
    session.execute(update(_DeviceRow).where(_DeviceRow.id == device_id).values(secret_hash=secret_hash))


def save_retired(session: Session, device_id: UUID, retired_at: datetime) -> None:
    """Take a device out of use."""
    session.execute(update(_DeviceRow).where(_DeviceRow.id == device_id).values(retired_at=retired_at))


def get_device(session: Session, device_id: UUID) -> Device:
    """Return one device; raises DeviceNotFound."""
    devices = list_devices(session, [device_id])
    if not devices:
        raise DeviceNotFound("There is no such device.")
    return devices[0]


def list_devices(session: Session, device_ids: Collection[UUID] | None = None) -> list[Device]:
    """Return every device, or those of these ids that exist, in no particular order."""
    query = select(_DeviceRow.__table__)
    if device_ids is None:
        return _devices(session, query)
    devices: list[Device] = []
    for batch in batches(device_ids):
        devices += _devices(session, query.where(_DeviceRow.id.in_(batch)))
    return devices


def list_created(session: Session, device_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return when each of these devices joined the register."""
    query = select(_DeviceRow.id, _DeviceRow.created_at)
    return {
        device_id: created_at
        for batch in batches(device_ids)
        for device_id, created_at in session.execute(query.where(_DeviceRow.id.in_(batch)))
    }


def count_devices(session: Session) -> int:
    """Return how many devices there are, retired ones included."""
    return session.scalar(select(func.count()).select_from(_DeviceRow)) or 0


def page_devices(session: Session, first: int, limit: int) -> list[Device]:
    """Return part of all devices, newest first, from the `first`-th (0 = first)."""
    newest_first = (_DeviceRow.created_at.desc(), _DeviceRow.id)
    query = select(_DeviceRow.__table__).order_by(*newest_first)
    return _devices(session, query.offset(first).limit(limit))


def add_assignment(session: Session, assignment: Assignment) -> None:
    """Keep a new assignment; the database refuses a second current one for the same device."""
    session.execute(
        insert(_AssignmentRow).values(
            id=assignment.id,
            device_id=assignment.device_id,
            wearer_id=assignment.wearer_id,
            protected_person_id=assignment.protected_person_id,
            assigned_at=assignment.assigned_at,
            unassigned_at=assignment.unassigned_at,
            entered_at=assignment.entered_at,
        )
    )


def end_assignment(session: Session, assignment_id: UUID, unassigned_at: datetime) -> None:
    """Write down when a device was handed back."""
    query = update(_AssignmentRow).where(_AssignmentRow.id == assignment_id)
    session.execute(query.values(unassigned_at=unassigned_at))


def find_current_assignment(session: Session, device_id: UUID) -> Assignment | None:
    """Return who carries a device now."""
    query = _current().where(_ASSIGNMENT.c.device_id == device_id)
    return next(iter(_assignments(session, query)), None)


def list_assignments(session: Session, device_id: UUID) -> list[Assignment]:
    """Return who carried a device, oldest first."""
    return _assignments(session, _in_order().where(_ASSIGNMENT.c.device_id == device_id))


def list_current_assignments(
    session: Session, device_ids: Collection[UUID] | None = None
) -> list[Assignment]:
    """Return who carries what now, of all devices or of these; earliest assignment first."""
    if device_ids is None:
        return _assignments(session, _current())
    return [
        found
        for batch in batches(device_ids)
        for found in _assignments(session, _current().where(_ASSIGNMENT.c.device_id.in_(batch)))
    ]


def list_current_assignments_of(
    session: Session, wearer_ids: Collection[UUID], person_ids: Collection[UUID]
) -> list[Assignment]:
    """Return what these people carry now; per person, earliest assignment first."""
    found: list[Assignment] = []
    for column, ids in (
        (_ASSIGNMENT.c.wearer_id, wearer_ids),
        (_ASSIGNMENT.c.protected_person_id, person_ids),
    ):
        for batch in batches(ids):
            found += _assignments(session, _current().where(column.in_(batch)))
    return found


def list_assignments_ever(
    session: Session,
    wearer_ids: Collection[UUID] = (),
    person_ids: Collection[UUID] = (),
    device_ids: Collection[UUID] = (),
) -> list[Assignment]:
    """Return every assignment, ended or not, of these people or devices; each once, oldest first."""
    found: dict[UUID, Assignment] = {}
    for column, ids in (
        (_ASSIGNMENT.c.wearer_id, wearer_ids),
        (_ASSIGNMENT.c.protected_person_id, person_ids),
        (_ASSIGNMENT.c.device_id, device_ids),
    ):
        for batch in batches(ids):
            found |= {one.id: one for one in _assignments(session, _in_order().where(column.in_(batch)))}
    return sorted(found.values(), key=lambda one: (one.assigned_at, str(one.id)))


def _in_order() -> Select[Any]:
    return select(_ASSIGNMENT).order_by(_ASSIGNMENT.c.assigned_at, _ASSIGNMENT.c.id)


def _current() -> Select[Any]:
    return _in_order().where(_ASSIGNMENT.c.unassigned_at.is_(None))


def _assignments(session: Session, query: Select[Any]) -> list[Assignment]:
    return [
        Assignment(
            row.id,
            row.device_id,
            row.wearer_id,
            row.protected_person_id,
            row.assigned_at,
            row.unassigned_at,
            row.entered_at,
        )
        for row in session.execute(query)
    ]


def _devices(session: Session, query: Select[Any]) -> list[Device]:
    cipher = _cipher(session)
    return [
        Device(
            row.id,
            DeviceKind(row.kind),
            row.label,
            row.shard,
            row.secret_hash,
            None if row.sealing_key_sealed is None else cipher.unseal(row.id, row.sealing_key_sealed),
            row.require_sealed,
            row.simulated,
            row.retired_at,
        )
        for row in session.execute(query)
    ]


def _cipher(session: Session) -> ColumnCipher:
    return ColumnCipher(server_key(session), "device.sealing_key")

"""Table and queries of officers, whose names and numbers are encrypted, and of their absences."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ForeignKey, Row, Select, Table, Text, func, insert, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key
from api.policing.model import Absence, AbsenceKind, AbsenceNotFound, Officer, OfficerNotFound


class _OfficerRow(Base):
    __tablename__ = "police_officer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign key: a station has many rows, one for each version.
    station_id: Mapped[UUID] = mapped_column(index=True)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    name_sealed: Mapped[bytes]
    phone_sealed: Mapped[bytes | None]
    phone_end: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID | None]
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class _AbsenceRow(Base):
    __tablename__ = "police_absence"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    officer_id: Mapped[UUID] = mapped_column(ForeignKey("police_officer.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[UUID | None]


_OFFICER = cast("Table", _OfficerRow.__table__)
_ABSENCE = cast("Table", _AbsenceRow.__table__)


def add_officer(session: Session, officer: Officer, phone: str | None, now: datetime) -> None:
    """Keep a new officer."""
    values = _columns(session, officer) | {"id": officer.id, "created_at": now}
    session.execute(insert(_OFFICER).values(values | {"phone_sealed": _sealed(session, officer, phone)}))


def save_officer(session: Session, officer: Officer, phone: str | None) -> None:
    """Write down what an officer is now; without a `phone` the number stays."""
    values = _columns(session, officer)
    if phone is not None:
        values["phone_sealed"] = _sealed(session, officer, phone)
    session.execute(update(_OFFICER).where(_OFFICER.c.id == officer.id).values(values))


def get_officer(session: Session, officer_id: UUID) -> Officer:
    """Return one officer, with the name; raises OfficerNotFound."""
    row = session.execute(select(_OFFICER).where(_OFFICER.c.id == officer_id)).one_or_none()
    if row is None:
        raise OfficerNotFound("There is no such officer.")
    return _officer(session, row)


def find_officer_id(session: Session, reference: str) -> UUID | None:
    """Return whose reference this is."""
    return session.scalar(select(_OFFICER.c.id).where(_OFFICER.c.reference == reference))


def list_working(session: Session, officer_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these ids that are officers and have not left; at most a roster's number of ids."""
    query = select(_OFFICER.c.id).where(_OFFICER.c.id.in_(officer_ids), _OFFICER.c.retired_at.is_(None))
    return set(session.scalars(query))


def get_reference(session: Session, officer_id: UUID) -> str:
    """Return an officer's reference, without opening the name; raises OfficerNotFound."""
    reference = session.scalar(select(_OFFICER.c.reference).where(_OFFICER.c.id == officer_id))
    if reference is None:
        raise OfficerNotFound("There is no such officer.")
    return cast("str", reference)


def count_officers(session: Session) -> int:
    """Return how many officers there are, those who have left included."""
    return session.scalar(select(func.count()).select_from(_OFFICER)) or 0


def page_officers(session: Session, first: int, limit: int) -> list[Officer]:
    """Return part of all officers by reference, with names, from the `first`-th (0 = first)."""
    query = select(_OFFICER).order_by(_OFFICER.c.reference).offset(first).limit(limit)
    return [_officer(session, row) for row in session.execute(query)]


def list_phones(session: Session, officer_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the numbers of those ids that are officers who work and have one."""
    query = select(_OFFICER.c.id, _OFFICER.c.phone_sealed).where(
        _OFFICER.c.id.in_(officer_ids),
        _OFFICER.c.retired_at.is_(None),
        _OFFICER.c.phone_sealed.is_not(None),
    )
    cipher = _cipher(session, "phone")
    return {row.id: cipher.unseal(row.id, row.phone_sealed).decode() for row in session.execute(query)}


def add_absence(session: Session, absence: Absence, created_by: UUID | None) -> None:
    """Keep a new absence."""
    session.execute(
        insert(_ABSENCE).values(
            id=absence.id,
            officer_id=absence.officer_id,
            kind=absence.kind.value,
            starts_at=absence.since,
            ends_at=absence.until,
            created_at=absence.created_at,
            created_by=created_by,
            ended_at=absence.ended_at,
            ended_by=None,
        )
    )


def save_end(session: Session, absence_id: UUID, ended_at: datetime, ended_by: UUID | None) -> None:
    """Write down that an absence ended early, and who said so."""
    query = update(_ABSENCE).where(_ABSENCE.c.id == absence_id)
    session.execute(query.values(ended_at=ended_at, ended_by=ended_by))


def get_absence(session: Session, officer_id: UUID, absence_id: UUID) -> Absence:
    """Return one absence of an officer; raises AbsenceNotFound."""
    query = select(_ABSENCE).where(_ABSENCE.c.id == absence_id, _ABSENCE.c.officer_id == officer_id)
    found = _absences(session, query)
    if not found:
        raise AbsenceNotFound("There is no such absence of this officer.")
    return found[0]


def count_absences(session: Session, officer_id: UUID, at: datetime) -> int:
    """Return how many absences of an officer are not over at this moment."""
    query = select(func.count()).select_from(_ABSENCE).where(_ABSENCE.c.officer_id == officer_id)
    return session.scalar(query.where(_ABSENCE.c.ends_at > at, _ABSENCE.c.ended_at.is_(None))) or 0


def page_absences(session: Session, officer_id: UUID, limit: int) -> list[Absence]:
    """Return an officer's absences, the latest first."""
    query = select(_ABSENCE).where(_ABSENCE.c.officer_id == officer_id)
    return _absences(session, query.order_by(_ABSENCE.c.starts_at.desc(), _ABSENCE.c.id).limit(limit))


def list_absences(session: Session, since: datetime, until: datetime) -> list[Absence]:
    """Return everybody's absences that may have counted between these moments."""
    query = select(_ABSENCE).where(
        _ABSENCE.c.ends_at > since,
        _ABSENCE.c.starts_at < until,
        or_(_ABSENCE.c.ended_at.is_(None), _ABSENCE.c.ended_at > since),
    )
    return _absences(session, query)


def _absences(session: Session, query: Select[Any]) -> list[Absence]:
    return [
        Absence(
            row.id,
            row.officer_id,
            AbsenceKind(row.kind),
            row.starts_at,
            row.ends_at,
            row.created_at,
            row.ended_at,
        )
        for row in session.execute(query)
    ]


def _columns(session: Session, officer: Officer) -> dict[str, object]:
    return {
        "station_id": officer.station_id,
        "reference": officer.reference,
        "name_sealed": _cipher(session, "name").seal(officer.id, officer.name.encode()),
        "phone_end": officer.phone_end,
        "account_id": officer.account_id,
        "retired_at": officer.retired_at,
    }


def _sealed(session: Session, officer: Officer, phone: str | None) -> bytes | None:
    return _cipher(session, "phone").seal(officer.id, phone.encode()) if phone else None


def _officer(session: Session, row: Row[Any]) -> Officer:
    return Officer(
        row.id,
        row.station_id,
        row.reference,
        _cipher(session, "name").unseal(row.id, row.name_sealed).decode(),
        row.phone_end,
        row.account_id,
        row.retired_at,
    )


def _cipher(session: Session, column: str) -> ColumnCipher:
    return ColumnCipher(server_key(session), f"police_officer.{column}")

"""Tables and queries of wearers and protected persons; their names are encrypted."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key
from api.orders.model import PersonNotFound, ProtectedPerson, Wearer, WearerNotFound
from api.orders.store import batches


class _PersonColumns:
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    name_sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class _WearerRow(_PersonColumns, Base):
    __tablename__ = "wearer"


class _PersonRow(_PersonColumns, Base):
    __tablename__ = "protected_person"


_Table = type[_WearerRow] | type[_PersonRow]


def add_wearer(session: Session, wearer: Wearer, now: datetime) -> None:
    """Keep a new wearer."""
    _add(session, _WearerRow, wearer, now)


def add_person(session: Session, person: ProtectedPerson, now: datetime) -> None:
    """Keep a new protected person."""
    _add(session, _PersonRow, person, now)


def get_wearer(session: Session, wearer_id: UUID) -> Wearer:
    """Return one wearer; raises WearerNotFound."""
    row = session.get(_WearerRow, wearer_id)
    if row is None:
        raise WearerNotFound("There is no such wearer.")
    return Wearer(row.id, row.reference, _name(session, row))


def get_person(session: Session, person_id: UUID) -> ProtectedPerson:
    """Return one protected person; raises PersonNotFound."""
    row = session.get(_PersonRow, person_id)
    if row is None:
        raise PersonNotFound("There is no such protected person.")
    return ProtectedPerson(row.id, row.reference, _name(session, row))


def count_wearers(session: Session) -> int:
    """Return how many wearers there are."""
    return _count(session, _WearerRow)


def count_persons(session: Session) -> int:
    """Return how many protected persons there are."""
    return _count(session, _PersonRow)


def page_wearers(session: Session, first: int, limit: int) -> list[Wearer]:
    """Return part of all wearers by reference, from the `first`-th (0 = first)."""
    query = select(_WearerRow).order_by(_WearerRow.reference).offset(first).limit(limit)
    return [Wearer(row.id, row.reference, _name(session, row)) for row in session.scalars(query)]


def page_persons(session: Session, first: int, limit: int) -> list[ProtectedPerson]:
    """Return part of all protected persons by reference, from the `first`-th (0 = first)."""
    query = select(_PersonRow).order_by(_PersonRow.reference).offset(first).limit(limit)
    return [ProtectedPerson(row.id, row.reference, _name(session, row)) for row in session.scalars(query)]


def is_wearer_reference(session: Session, reference: str) -> bool:
    """Say whether a wearer has this reference."""
    return session.scalar(select(_WearerRow.id).where(_WearerRow.reference == reference)) is not None


def is_person_reference(session: Session, reference: str) -> bool:
    """Say whether a protected person has this reference."""
    return session.scalar(select(_PersonRow.id).where(_PersonRow.reference == reference)) is not None


def list_wearer_references(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the references of those ids that are wearers."""
    return _references(session, _WearerRow, ids)


def list_person_references(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the references of those ids that are protected persons."""
    return _references(session, _PersonRow, ids)


def _add(session: Session, table: _Table, person: Wearer | ProtectedPerson, now: datetime) -> None:
    sealed = _cipher(session, table).seal(person.id, person.name.encode())
    values = {"id": person.id, "reference": person.reference, "name_sealed": sealed, "created_at": now}
    session.execute(insert(table).values(**values))


def _cipher(session: Session, table: _Table) -> ColumnCipher:
    return ColumnCipher(server_key(session), f"{table.__tablename__}.name")


def _name(session: Session, row: _WearerRow | _PersonRow) -> str:
    return _cipher(session, type(row)).unseal(row.id, row.name_sealed).decode()


def _count(session: Session, table: _Table) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def _references(session: Session, table: _Table, ids: Collection[UUID]) -> dict[UUID, str]:
    found: dict[UUID, str] = {}
    for batch in batches(ids):
        rows = session.execute(select(table.id, table.reference).where(table.id.in_(batch)))
        found.update(dict(rows.all()))
    return found

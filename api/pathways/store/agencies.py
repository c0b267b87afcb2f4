"""Tables and queries of agencies, their people (names encrypted) and their duty times."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Row, Select, Table, Text, delete, func, insert, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key
from api.pathways.model.agencies import (
    DAYS_A_WEEK,
    Agency,
    AgencyKind,
    AgencyNotFound,
    DutySlot,
    Member,
    MemberNotFound,
    MemberRole,
)


class _AgencyRow(Base):
    __tablename__ = "agency"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text)
    public_key: Mapped[bytes | None]
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class _MemberRow(Base):
    __tablename__ = "agency_member"
    __table_args__ = (
        Index(
            "uq_agency_member_working",
            "agency_id",
            "account_id",
            unique=True,
            sqlite_where=text("left_at IS NULL"),
            postgresql_where=text("left_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"))
    # No foreign key: an account may be removed, and what its owner did here stays.
    account_id: Mapped[UUID] = mapped_column(index=True)
    role: Mapped[str] = mapped_column(Text)
    name_sealed: Mapped[bytes]
    away_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class _DutyRow(Base):
    __tablename__ = "agency_duty"

    agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("agency_member.id"))
    days: Mapped[int]  # bit 0 is Monday
    from_minute: Mapped[int]
    until_minute: Mapped[int]
    stand_in_order: Mapped[int]


AGENCY = cast("Table", _AgencyRow.__table__)
_MEMBER = cast("Table", _MemberRow.__table__)
_DUTY = cast("Table", _DutyRow.__table__)


def add_agency(session: Session, agency: Agency, now: datetime) -> None:
    """Keep a new agency."""
    session.execute(insert(AGENCY).values(_agency_columns(agency) | {"id": agency.id, "created_at": now}))


def save_agency(session: Session, agency: Agency) -> None:
    """Write down what an agency is now."""
    session.execute(update(AGENCY).where(AGENCY.c.id == agency.id).values(_agency_columns(agency)))


def get_agency(session: Session, agency_id: UUID) -> Agency:
    """Return one agency; raises AgencyNotFound."""
    row = session.execute(select(AGENCY).where(AGENCY.c.id == agency_id)).one_or_none()
    if row is None:
        raise AgencyNotFound("There is no such agency.")
    return _agency(row)


def count_agencies(session: Session) -> int:
    """Return how many agencies there are, closed ones included."""
    return session.scalar(select(func.count()).select_from(AGENCY)) or 0


def page_agencies(session: Session, first: int, limit: int) -> list[Agency]:
    """Return part of all agencies by name, from the `first`-th (0 = first)."""
    query = select(AGENCY).order_by(AGENCY.c.name, AGENCY.c.id).offset(first).limit(limit)
    return [_agency(row) for row in session.execute(query)]


def list_agencies(session: Session, agency_ids: Collection[UUID]) -> dict[UUID, Agency]:
    """Return these agencies."""
    query = select(AGENCY).where(AGENCY.c.id.in_(agency_ids))
    return {row.id: _agency(row) for row in session.execute(query)}


def add_member(session: Session, member: Member, now: datetime) -> None:
    """Keep somebody who works at an agency."""
    values = _member_columns(session, member) | {"id": member.id, "created_at": now}
    session.execute(insert(_MEMBER).values(values))


def save_member(session: Session, member: Member) -> None:
    """Write down what is so of somebody now."""
    query = update(_MEMBER).where(_MEMBER.c.id == member.id)
    session.execute(query.values(_member_columns(session, member)))


def get_member(session: Session, agency_id: UUID, member_id: UUID) -> Member:
    """Return somebody of this agency; raises MemberNotFound."""
    query = select(_MEMBER).where(_MEMBER.c.id == member_id, _MEMBER.c.agency_id == agency_id)
    found = _members(session, query)
    if not found:
        raise MemberNotFound("Nobody of this id works at this agency.")
    return found[0]


def list_members(session: Session, agency_id: UUID) -> list[Member]:
    """Return who works at an agency, in the order in which they came."""
    return _members(session, _working().where(_MEMBER.c.agency_id == agency_id))


def list_memberships(session: Session, account_id: UUID) -> list[Member]:
    """Return where an account works."""
    return _members(session, _working().where(_MEMBER.c.account_id == account_id))


def list_memberships_ever(session: Session, account_ids: Collection[UUID]) -> list[Member]:
    """Return where these accounts work or have worked; a name that somebody had once counts too."""
    return _members(session, select(_MEMBER).where(_MEMBER.c.account_id.in_(account_ids)))


def replace_duties(session: Session, agency_id: UUID, slots: Sequence[DutySlot]) -> None:
    """Put duty times in the place of those there were."""
    session.execute(delete(_DUTY).where(_DUTY.c.agency_id == agency_id))
    if slots:
        session.execute(
            insert(_DUTY), [_duty_columns(agency_id, place, slot) for place, slot in enumerate(slots)]
        )


def list_duties(session: Session, agency_id: UUID) -> list[DutySlot]:
    """Return an agency's duty times in their own order."""
    query = select(_DUTY).where(_DUTY.c.agency_id == agency_id).order_by(_DUTY.c.position)
    return [
        DutySlot(
            row.member_id,
            tuple(day for day in range(DAYS_A_WEEK) if row.days >> day & 1),
            row.from_minute,
            row.until_minute,
            row.stand_in_order,
        )
        for row in session.execute(query)
    ]


def _duty_columns(agency_id: UUID, place: int, slot: DutySlot) -> dict[str, object]:
    return {
        "agency_id": agency_id,
        "position": place,
        "member_id": slot.member_id,
        "days": sum(1 << day for day in slot.days),
        "from_minute": slot.from_minute,
        "until_minute": slot.until_minute,
        "stand_in_order": slot.order,
    }


def _agency_columns(agency: Agency) -> dict[str, object]:
    return {
        "name": agency.name,
        "kind": agency.kind.value,
        "region": agency.region,
        "time_zone": agency.time_zone,
        "public_key": agency.public_key,
        "retired_at": agency.retired_at,
    }


def _agency(row: Row[Any]) -> Agency:
    return Agency(
        row.id, row.name, AgencyKind(row.kind), row.region, row.time_zone, row.public_key, row.retired_at
    )


def _working() -> Select[Any]:
    query = select(_MEMBER).where(_MEMBER.c.left_at.is_(None))
    return query.order_by(_MEMBER.c.created_at, _MEMBER.c.id)


def _member_columns(session: Session, member: Member) -> dict[str, object]:
    return {
        "agency_id": member.agency_id,
        "account_id": member.account_id,
        "role": member.role.value,
        "name_sealed": _cipher(session).seal(member.id, member.name.encode()),
        "away_until": member.away_until,
        "left_at": member.left_at,
    }


def _members(session: Session, query: Select[Any]) -> list[Member]:
    cipher = _cipher(session)
    return [
        Member(
            row.id,
            row.agency_id,
            row.account_id,
            MemberRole(row.role),
            cipher.unseal(row.id, row.name_sealed).decode(),
            row.away_until,
            row.left_at,
        )
        for row in session.execute(query)
    ]


def _cipher(session: Session) -> ColumnCipher:
    return ColumnCipher(server_key(session), "agency_member.name")

"""Tables and queries of pathways, whom she excluded, and what happened."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Row, Select, Table, Text, func, insert, or_, select, union, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key
from api.pathways.model.pathways import (
    CloseReason,
    EventKind,
    Pathway,
    PathwayEvent,
    PathwayNotFound,
    Urgency,
)
from api.pathways.store.steps import HANDOFF, STEP


class _PathwayRow(Base):
    __tablename__ = "pathway"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    # No foreign keys: accounts may be removed, and what was done here stays.
    account_id: Mapped[UUID | None] = mapped_column(index=True)
    urgency: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    contact_id: Mapped[UUID | None]
    deputy_id: Mapped[UUID | None]
    next_contact_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    content_version: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    close_reason: Mapped[str | None] = mapped_column(Text)


class _EventRow(Base):
    __tablename__ = "pathway_event"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pathway_id: Mapped[UUID] = mapped_column(ForeignKey("pathway.id"), index=True)
    position: Mapped[int]
    number: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    note_sealed: Mapped[bytes | None]


class _ExclusionRow(Base):
    __tablename__ = "pathway_exclusion"

    pathway_id: Mapped[UUID] = mapped_column(ForeignKey("pathway.id"), primary_key=True)
    name_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID | None]


_PATHWAY = cast("Table", _PathwayRow.__table__)
_EVENT = cast("Table", _EventRow.__table__)
_EXCLUSION = cast("Table", _ExclusionRow.__table__)


def add_pathway(session: Session, pathway: Pathway, opened_by: UUID | None) -> None:
    """Keep a new pathway."""
    values = _columns(pathway) | {"id": pathway.id, "opened_by": opened_by}
    session.execute(insert(_PATHWAY).values(values))


def save_pathway(session: Session, pathway: Pathway) -> None:
    """Write down what a pathway is now."""
    session.execute(update(_PATHWAY).where(_PATHWAY.c.id == pathway.id).values(_columns(pathway)))


def get_pathway(session: Session, pathway_id: UUID) -> Pathway:
    """Return one pathway; raises PathwayNotFound."""
    row = session.execute(select(_PATHWAY).where(_PATHWAY.c.id == pathway_id)).one_or_none()
    if row is None:
        raise PathwayNotFound
    return _pathway(row)


def is_reference(session: Session, reference: str) -> bool:
    """Say whether a pathway has this code."""
    query = select(_PATHWAY.c.id).where(_PATHWAY.c.reference == reference)
    return session.scalar(query) is not None


def find_of_account(session: Session, account_id: UUID) -> Pathway | None:
    """Return the open pathway of the person with this account."""
    query = select(_PATHWAY).where(_PATHWAY.c.account_id == account_id, _PATHWAY.c.closed_at.is_(None))
    row = session.execute(query.order_by(_PATHWAY.c.opened_at.desc())).first()
    return None if row is None else _pathway(row)


def ids_of_account(session: Session, account_id: UUID) -> list[UUID]:
    """Return every pathway that the person with this account ever had, closed ones too."""
    return list(session.scalars(select(_PATHWAY.c.id).where(_PATHWAY.c.account_id == account_id)))


def list_of_agencies(session: Session, agency_ids: Collection[UUID]) -> list[Pathway]:
    """Return the open pathways whose fixed contact works at one of these, or of which they have a step."""
    with_step = union(
        select(STEP.c.pathway_id).where(STEP.c.agency_id.in_(agency_ids)),
        select(HANDOFF.c.pathway_id).where(
            HANDOFF.c.to_agency_id.in_(agency_ids), HANDOFF.c.state == "waiting"
        ),
    )
    query = select(_PATHWAY).where(
        _PATHWAY.c.closed_at.is_(None),
        or_(_PATHWAY.c.agency_id.in_(agency_ids), _PATHWAY.c.id.in_(with_step)),
    )
    return [_pathway(row) for row in session.execute(query.order_by(_PATHWAY.c.opened_at, _PATHWAY.c.id))]


def has_step(session: Session, pathway_id: UUID, agency_ids: Collection[UUID]) -> bool:
    """Say whether one of these agencies owns a step of the pathway or is asked to take one over."""
    owned = select(STEP.c.pathway_id).where(STEP.c.pathway_id == pathway_id, STEP.c.agency_id.in_(agency_ids))
    asked = select(HANDOFF.c.id).where(
        HANDOFF.c.pathway_id == pathway_id,
        HANDOFF.c.to_agency_id.in_(agency_ids),
        HANDOFF.c.state == "waiting",
    )
    return any(session.execute(query.limit(1)).first() is not None for query in (owned, asked))


def add_exclusion(session: Session, pathway_id: UUID, name_hash: str, by: UUID | None, now: datetime) -> None:
    """Keep that somebody may not see a pathway; doing it again changes nothing."""
    if name_hash not in list_exclusions(session, [pathway_id]).get(pathway_id, set()):
        values = {"pathway_id": pathway_id, "name_hash": name_hash, "created_at": now, "created_by": by}
        session.execute(insert(_EXCLUSION).values(values))


def list_exclusions(session: Session, pathway_ids: Collection[UUID]) -> dict[UUID, set[str]]:
    """Return per pathway the hashes of whom she excluded; those without any are left out."""
    found: dict[UUID, set[str]] = {}
    query = select(_EXCLUSION).where(_EXCLUSION.c.pathway_id.in_(pathway_ids))
    for row in session.execute(query):
        found.setdefault(row.pathway_id, set()).add(row.name_hash)
    return found


def add_event(
    session: Session,
    pathway_id: UUID,
    number: int | None,
    kind: EventKind,
    by: UUID | None,
    now: datetime,
    detail: dict[str, Any] | None = None,
    note: str = "",
) -> None:
    """Append a line to a pathway's history; `detail` holds ids, kinds and moments only.

    The caller holds the pathway's lock: lines of one moment keep their order.
    """
    event_id = uuid.uuid4()
    last = session.scalar(select(func.max(_EVENT.c.position)).where(_EVENT.c.pathway_id == pathway_id))
    session.execute(
        insert(_EVENT).values(
            id=event_id,
            pathway_id=pathway_id,
            position=(last or 0) + 1,
            number=number,
            at=now,
            by=by,
            kind=kind.value,
            detail=detail or {},
            note_sealed=_cipher(session).seal(event_id, note.encode()) if note else None,
        )
    )


def list_events(session: Session, pathway_id: UUID, limit: int) -> list[PathwayEvent]:
    """Return the last lines of a pathway's history, the latest first."""
    query = select(_EVENT).where(_EVENT.c.pathway_id == pathway_id)
    cipher = _cipher(session)
    return [
        PathwayEvent(
            row.id,
            row.pathway_id,
            row.number,
            row.at,
            row.by,
            EventKind(row.kind),
            row.detail,
            "" if row.note_sealed is None else cipher.unseal(row.id, row.note_sealed).decode(),
        )
        for row in session.execute(_latest(query).limit(limit))
    ]


def _latest(query: Select[Any]) -> Select[Any]:
    return query.order_by(_EVENT.c.position.desc(), _EVENT.c.id)


def _cipher(session: Session) -> ColumnCipher:
    return ColumnCipher(server_key(session), "pathway_event.note")


def _columns(pathway: Pathway) -> dict[str, object]:
    return {
        "reference": pathway.reference,
        "account_id": pathway.account_id,
        "urgency": pathway.urgency.value,
        "language": pathway.language,
        "agency_id": pathway.agency_id,
        "contact_id": pathway.contact_id,
        "deputy_id": pathway.deputy_id,
        "next_contact_at": pathway.next_contact_at,
        "content_version": pathway.content_version,
        "opened_at": pathway.opened_at,
        "closed_at": pathway.closed_at,
        "close_reason": pathway.close_reason and pathway.close_reason.value,
    }


def _pathway(row: Row[Any]) -> Pathway:
    return Pathway(
        id=row.id,
        reference=row.reference,
        account_id=row.account_id,
        urgency=Urgency(row.urgency),
        language=row.language,
        agency_id=row.agency_id,
        contact_id=row.contact_id,
        deputy_id=row.deputy_id,
        next_contact_at=row.next_contact_at,
        content_version=row.content_version,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        close_reason=None if row.close_reason is None else CloseReason(row.close_reason),
    )

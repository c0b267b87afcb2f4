"""Tables of the consent ledger, the sealed copies, who looked, and what was passed on without her."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Date, ForeignKey, Text, exists, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel import ledger
from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key
from api.pathways.model.consents import Consent, Ground, Override, Reading


class _ConsentRow(Base):
    __tablename__ = "consent"
    # What she once gave stays as it was given; the copy goes when it is over.
    __table_args__ = ledger.chained("revoked_at", "copy")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(index=True)
    agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    parts: Mapped[list[str]] = mapped_column(JSON)
    purpose_sealed: Mapped[bytes]
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    copy: Mapped[bytes | None]


class _ReadingRow(Base):
    __tablename__ = "consent_reading"
    __table_args__ = ledger.chained()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    consent_id: Mapped[UUID] = mapped_column(ForeignKey("consent.id"), index=True)
    agency_id: Mapped[UUID]
    account_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason_sealed: Mapped[bytes]


class _OverrideRow(Base):
    __tablename__ = "consent_override"
    __table_args__ = ledger.chained("confirmed_by", "confirmed_at", "informed_at")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pathway_id: Mapped[UUID] = mapped_column(ForeignKey("pathway.id"), index=True)
    agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"))
    ground: Mapped[str] = mapped_column(Text)
    what_sealed: Mapped[bytes]
    reason_sealed: Mapped[bytes]
    inform_on: Mapped[date] = mapped_column(Date)
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_by: Mapped[UUID | None]
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    informed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class _AgencyKeyRow(Base):
    __tablename__ = "agency_key"

    agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    private_sealed: Mapped[bytes]


def add_consent(session: Session, consent: Consent, copy: bytes) -> None:
    """Keep a line of the ledger with the copy that is sealed to the agency's key."""
    values = {
        "id": consent.id,
        "account_id": consent.account_id,
        "agency_id": consent.agency_id,
        "parts": list(consent.parts),
        "purpose_sealed": _cipher(session, "consent.purpose").seal(consent.id, consent.purpose.encode()),
        "given_at": consent.given_at,
        "until": consent.until,
        "revoked_at": None,
        "copy": copy,
    }
    session.execute(insert(_ConsentRow).values(**values))
    ledger.note(session, _ConsentRow, [consent.id])


def find_consent(session: Session, consent_id: UUID) -> tuple[Consent, bytes | None] | None:
    """Return a line and its copy; locked until the transaction ends."""
    row = session.scalar(select(_ConsentRow).where(_ConsentRow.id == consent_id).with_for_update())
    return None if row is None else (_consent(session, row), row.copy)


def revoke(session: Session, consent_id: UUID, now: datetime) -> None:
    """Note that a consent was revoked, and delete the copy."""
    query = update(_ConsentRow).where(_ConsentRow.id == consent_id)
    session.execute(query.values(revoked_at=now, copy=None))


def has_old_copies(session: Session, now: datetime) -> bool:
    """Say whether `delete_old_copies` would delete any: a read, which takes no turn to write."""
    old = (_ConsentRow.until <= now) & _ConsentRow.copy.is_not(None)
    return bool(session.scalar(select(exists().where(old))))


def delete_old_copies(session: Session, now: datetime) -> int:
    """Delete the copies of consents that have ended; returns how many."""
    query = update(_ConsentRow).where(_ConsentRow.until <= now, _ConsentRow.copy.is_not(None))
    ended = session.scalars(query.values(copy=None).returning(_ConsentRow.id))
    return len(ended.all())


def list_of_person(session: Session, account_id: UUID) -> list[Consent]:
    """Return everything that she ever gave, the latest first."""
    return _list(session, select(_ConsentRow).where(_ConsentRow.account_id == account_id))


def list_of_agencies(session: Session, agency_ids: Collection[UUID]) -> list[Consent]:
    """Return everything that these agencies were ever given, the latest first."""
    return _list(session, select(_ConsentRow).where(_ConsentRow.agency_id.in_(agency_ids)))


def add_reading(session: Session, reading_id: UUID, reading: Reading) -> None:
    """Keep that somebody looked."""
    sealed = _cipher(session, "consent_reading.reason").seal(reading_id, reading.reason.encode())
    values = {
        "id": reading_id,
        "consent_id": reading.consent_id,
        "agency_id": reading.agency_id,
        "account_id": reading.account_id,
        "at": reading.at,
        "reason_sealed": sealed,
    }
    session.execute(insert(_ReadingRow).values(**values))
    ledger.note(session, _ReadingRow, [reading_id])


def list_readings(session: Session, account_id: UUID) -> list[Reading]:
    """Return who looked at what she gave, the latest first."""
    query = (
        select(_ReadingRow)
        .join(_ConsentRow, _ConsentRow.id == _ReadingRow.consent_id)
        .where(_ConsentRow.account_id == account_id)
        .order_by(_ReadingRow.at.desc(), _ReadingRow.id)
    )
    cipher = _cipher(session, "consent_reading.reason")
    return [
        Reading(
            row.consent_id,
            row.agency_id,
            row.account_id,
            row.at,
            cipher.unseal(row.id, row.reason_sealed).decode(),
        )
        for row in session.scalars(query)
    ]


def add_override(session: Session, override: Override) -> None:
    """Keep what is to be passed on without her."""
    values = {
        "id": override.id,
        "pathway_id": override.pathway_id,
        "agency_id": override.agency_id,
        "ground": override.ground.value,
        "what_sealed": _cipher(session, "consent_override.what").seal(override.id, override.what.encode()),
        "reason_sealed": _cipher(session, "consent_override.reason").seal(
            override.id, override.reason.encode()
        ),
        "inform_on": override.inform_on,
        "asked_by": override.asked_by,
        "asked_at": override.asked_at,
        "confirmed_by": None,
        "confirmed_at": None,
        "informed_at": None,
    }
    session.execute(insert(_OverrideRow).values(**values))
    ledger.note(session, _OverrideRow, [override.id])


def find_override(session: Session, override_id: UUID) -> Override | None:
    """Return one; locked until the transaction ends."""
    row = session.scalar(select(_OverrideRow).where(_OverrideRow.id == override_id).with_for_update())
    return None if row is None else _override(session, row)


def save_override(session: Session, override: Override) -> None:
    """Keep that it was confirmed, or that she was told."""
    query = update(_OverrideRow).where(_OverrideRow.id == override.id)
    session.execute(
        query.values(
            confirmed_by=override.confirmed_by,
            confirmed_at=override.confirmed_at,
            informed_at=override.informed_at,
        )
    )


def list_overrides(session: Session, pathway_ids: Collection[UUID]) -> list[Override]:
    """Return what was passed on of these pathways, the latest first."""
    query = select(_OverrideRow).where(_OverrideRow.pathway_id.in_(pathway_ids))
    rows = session.scalars(query.order_by(_OverrideRow.asked_at.desc(), _OverrideRow.id))
    return [_override(session, row) for row in rows]


def add_key(session: Session, agency_id: UUID, private: bytes) -> None:
    """Keep an agency's private key, encrypted."""
    sealed = _cipher(session, "agency_key.private").seal(agency_id, private)
    session.execute(insert(_AgencyKeyRow).values(agency_id=agency_id, private_sealed=sealed))


def find_key(session: Session, agency_id: UUID) -> bytes | None:
    """Return an agency's private key."""
    sealed = session.scalar(select(_AgencyKeyRow.private_sealed).where(_AgencyKeyRow.agency_id == agency_id))
    return None if sealed is None else _cipher(session, "agency_key.private").unseal(agency_id, sealed)


def _list(session: Session, query: Any) -> list[Consent]:  # noqa: ANN401 - a select of this file
    rows = session.scalars(query.order_by(_ConsentRow.given_at.desc(), _ConsentRow.id))
    return [_consent(session, row) for row in rows]


def _consent(session: Session, row: _ConsentRow) -> Consent:
    purpose = _cipher(session, "consent.purpose").unseal(row.id, row.purpose_sealed).decode()
    return Consent(
        row.id,
        row.account_id,
        row.agency_id,
        tuple(row.parts),
        purpose,
        row.given_at,
        row.until,
        row.revoked_at,
    )


def _override(session: Session, row: Any) -> Override:  # noqa: ANN401 - a row of this file
    return Override(
        row.id,
        row.pathway_id,
        row.agency_id,
        Ground(row.ground),
        _cipher(session, "consent_override.what").unseal(row.id, row.what_sealed).decode(),
        _cipher(session, "consent_override.reason").unseal(row.id, row.reason_sealed).decode(),
        row.inform_on,
        row.asked_by,
        row.asked_at,
        row.confirmed_by,
        row.confirmed_at,
        row.informed_at,
    )


def _cipher(session: Session, column: str) -> ColumnCipher:
    return ColumnCipher(server_key(session), column)

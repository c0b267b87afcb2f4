"""Tables and queries of how she may be reached, who has read it, and each try to speak with her."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Row, Table, Text, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key
from api.pathways.model.contacts import (
    Attempt,
    AttemptNotFound,
    AttemptOutcome,
    ContactChannel,
    Hours,
    SafeContact,
    Seen,
)


class _SafeContactRow(Base):
    __tablename__ = "safe_contact"

    pathway_id: Mapped[UUID] = mapped_column(ForeignKey("pathway.id"), primary_key=True)
    version: Mapped[int]
    channels: Mapped[list[str]] = mapped_column(JSON)
    hours: Mapped[list[Any]] = mapped_column(JSON)
    time_zone: Mapped[str] = mapped_column(Text)
    words_sealed: Mapped[bytes]
    code_word_sealed: Mapped[bytes]
    sign_sealed: Mapped[bytes]
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
    set_by: Mapped[UUID]
    not_safe_since: Mapped[datetime | None] = mapped_column(UtcDateTime)


class _SeenRow(Base):
    __tablename__ = "safe_contact_seen"

    pathway_id: Mapped[UUID] = mapped_column(ForeignKey("pathway.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int]


class _AttemptRow(Base):
    __tablename__ = "contact_attempt"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pathway_id: Mapped[UUID] = mapped_column(ForeignKey("pathway.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[UUID]
    channel: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(Text)
    outcome_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


_SAFE = cast("Table", _SafeContactRow.__table__)
_SEEN = cast("Table", _SeenRow.__table__)
_ATTEMPT = cast("Table", _AttemptRow.__table__)
_SEALED = ("words", "code_word", "sign")


def put_safe_contact(session: Session, safe: SafeContact) -> None:
    """Keep how she may be reached, in the place of what was known."""
    where = _SAFE.c.pathway_id == safe.pathway_id
    values = _columns(session, safe)
    if session.execute(update(_SAFE).where(where).values(values)).rowcount == 0:  # type: ignore[attr-defined]  # a cursor's
        session.execute(insert(_SAFE).values(values | {"pathway_id": safe.pathway_id}))


def save_sign(session: Session, pathway_id: UUID, not_safe_since: datetime | None) -> None:
    """Write down since when she cannot be spoken to, or that she can again."""
    query = update(_SAFE).where(_SAFE.c.pathway_id == pathway_id)
    session.execute(query.values(not_safe_since=not_safe_since))


def find_safe_contact(session: Session, pathway_id: UUID) -> SafeContact | None:
    """Return how she may be reached, with her words opened."""
    row = session.execute(select(_SAFE).where(_SAFE.c.pathway_id == pathway_id)).one_or_none()
    return None if row is None else _safe(session, row)


def list_signs(session: Session, pathway_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return of these pathways since when she cannot be spoken to; the others are left out."""
    query = select(_SAFE.c.pathway_id, _SAFE.c.not_safe_since).where(
        _SAFE.c.pathway_id.in_(pathway_ids), _SAFE.c.not_safe_since.is_not(None)
    )
    return {row.pathway_id: row.not_safe_since for row in session.execute(query)}


def put_seen(session: Session, pathway_id: UUID, account_id: UUID, seen: Seen) -> None:
    """Keep when an account last read which version."""
    where = (_SEEN.c.pathway_id == pathway_id, _SEEN.c.account_id == account_id)
    values = {"at": seen.at, "version": seen.version}
    if session.execute(update(_SEEN).where(*where).values(values)).rowcount == 0:  # type: ignore[attr-defined]  # a cursor's
        session.execute(insert(_SEEN).values(pathway_id=pathway_id, account_id=account_id, **values))


def find_seen(session: Session, pathway_id: UUID, account_id: UUID) -> Seen | None:
    """Return when an account last read which version."""
    where = (_SEEN.c.pathway_id == pathway_id, _SEEN.c.account_id == account_id)
    row = session.execute(select(_SEEN).where(*where)).one_or_none()
    return None if row is None else Seen(row.at, row.version)


def add_attempt(session: Session, attempt: Attempt) -> None:
    """Keep a try that begins."""
    values = {"id": attempt.id, "pathway_id": attempt.pathway_id, "at": attempt.at, "by": attempt.by}
    more = {"channel": attempt.channel.value, "outcome": None, "outcome_at": None}
    session.execute(insert(_ATTEMPT).values(values | more))


def save_outcome(session: Session, attempt_id: UUID, outcome: AttemptOutcome, now: datetime) -> None:
    """Write down what came of a try."""
    query = update(_ATTEMPT).where(_ATTEMPT.c.id == attempt_id)
    session.execute(query.values(outcome=outcome.value, outcome_at=now))


def get_attempt(session: Session, pathway_id: UUID, attempt_id: UUID) -> Attempt:
    """Return one try of a pathway; raises AttemptNotFound."""
    query = select(_ATTEMPT).where(_ATTEMPT.c.id == attempt_id, _ATTEMPT.c.pathway_id == pathway_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise AttemptNotFound("There is no such try.")
    return _attempt(row)


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        row.id,
        row.pathway_id,
        row.at,
        row.by,
        ContactChannel(row.channel),
        None if row.outcome is None else AttemptOutcome(row.outcome),
        row.outcome_at,
    )


def _columns(session: Session, safe: SafeContact) -> dict[str, object]:
    values: dict[str, object] = {
        "version": safe.version,
        "channels": [channel.value for channel in safe.channels],
        "hours": [[list(one.days), one.from_minute, one.until_minute] for one in safe.hours],
        "time_zone": safe.time_zone,
        "set_at": safe.set_at,
        "set_by": safe.set_by,
        "not_safe_since": safe.not_safe_since,
    }
    for name in _SEALED:
        sealed = _cipher(session, name).seal(safe.pathway_id, getattr(safe, name).encode())
        values[f"{name}_sealed"] = sealed
    return values


def _safe(session: Session, row: Row[Any]) -> SafeContact:
    words, code_word, sign = (
        _cipher(session, name).unseal(row.pathway_id, getattr(row, f"{name}_sealed")).decode()
        for name in _SEALED
    )
    return SafeContact(
        pathway_id=row.pathway_id,
        version=row.version,
        channels=tuple(ContactChannel(channel) for channel in row.channels),
        hours=tuple(Hours(tuple(days), begin, until) for days, begin, until in row.hours),
        time_zone=row.time_zone,
        words=words,
        code_word=code_word,
        sign=sign,
        set_at=row.set_at,
        set_by=row.set_by,
        not_safe_since=row.not_safe_since,
    )


def _cipher(session: Session, name: str) -> ColumnCipher:
    return ColumnCipher(server_key(session), f"safe_contact.{name}")

"""Table and queries of machines' keys."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Text, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.accounts.model.keys import ApiKey, Scope
from api.kernel.db import Base, UtcDateTime


class _KeyRow(Base):
    __tablename__ = "api_key"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    key_hash: Mapped[str] = mapped_column(Text, unique=True)
    scopes: Mapped[list[Any]] = mapped_column(JSON)
    # No foreign key: an account that is gone must not take the keys of its time with it.
    made_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_on: Mapped[date | None]
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def to_key(self) -> ApiKey:
        # A scope that a later version knew opens nothing in this one.
        known = frozenset(Scope(one) for one in self.scopes if one in set(Scope))
        return ApiKey(
            self.id,
            self.name,
            self.prefix,
            known,
            self.made_by,
            self.created_at,
            self.expires_at,
            self.used_on,
            self.revoked_at,
        )


def add_key(session: Session, key: ApiKey, key_hash: str) -> None:
    """Keep a new key under the hash of its text."""
    session.execute(
        insert(_KeyRow).values(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            key_hash=key_hash,
            scopes=sorted(key.scopes),
            made_by=key.made_by,
            created_at=key.created_at,
            expires_at=key.expires_at,
            used_on=key.used_on,
            revoked_at=key.revoked_at,
        )
    )


def find_key(session: Session, key_hash: str) -> ApiKey | None:
    """Return the key with this hash, revoked and expired ones too."""
    row = session.scalar(select(_KeyRow).where(_KeyRow.key_hash == key_hash))
    return None if row is None else row.to_key()


def find_key_by_id(session: Session, key_id: UUID) -> ApiKey | None:
    """Return one key."""
    row = session.get(_KeyRow, key_id, populate_existing=True)
    return None if row is None else row.to_key()


def list_keys(session: Session, first: int, limit: int) -> list[ApiKey]:
    """Return keys, the newest first, from the `first`-th (0 is the first) on."""
    query = select(_KeyRow).order_by(_KeyRow.created_at.desc(), _KeyRow.id).offset(first).limit(limit)
    return [row.to_key() for row in session.scalars(query)]


def count_keys(session: Session) -> int:
    """Return how many keys there are, revoked and expired ones too."""
    return session.scalar(select(func.count()).select_from(_KeyRow)) or 0


def count_good_keys(session: Session, now: datetime) -> int:
    """Return how many keys open something now."""
    query = select(func.count()).select_from(_KeyRow)
    return session.scalar(query.where(_KeyRow.revoked_at.is_(None), _KeyRow.expires_at > now)) or 0


def save_used(session: Session, key_id: UUID, day: date) -> None:
    """Remember the last day on which a key was used."""
    session.execute(update(_KeyRow).where(_KeyRow.id == key_id).values(used_on=day))


def save_revoked(session: Session, key_id: UUID, now: datetime) -> None:
    """Let a key open nothing any more."""
    session.execute(update(_KeyRow).where(_KeyRow.id == key_id).values(revoked_at=now))

"""Tables of what a protected person's PIN opens: slots, their halves, what is open now, codes.

No column and no row tells whether she has set a second PIN, which side was opened, or when.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text, delete, exists, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.accounts.model.entry import EntryCode, Slots
from api.kernel.crypto import ColumnCipher, Undecipherable
from api.kernel.db import Base, UtcDateTime, server_key

_NEVER = "never"
_STAMP_BYTES = 40


class _SlotsRow(Base):
    __tablename__ = "pin_slots"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    salt: Mapped[bytes]
    first: Mapped[bytes]
    second: Mapped[bytes]
    hidden_until: Mapped[bytes]


class _HalvesRow(Base):
    """Left out of every backup: see ops/docs/vault.md."""

    __tablename__ = "pin_half"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    first: Mapped[bytes]
    second: Mapped[bytes]


class _EntryRow(Base):
    __tablename__ = "entry"

    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    # No foreign key: a try at a number that nobody has leaves the same row.
    account_id: Mapped[UUID] = mapped_column(index=True)
    box: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class _NumberRow(Base):
    """What a session needs of her number to try a PIN, sealed under the session's token."""

    __tablename__ = "session_number"

    token_hash: Mapped[str] = mapped_column(
        ForeignKey("session.token_hash", ondelete="CASCADE"), primary_key=True
    )
    box: Mapped[bytes]


class _CodeRow(Base):
    __tablename__ = "entry_code"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(Text, unique=True)
    person_id: Mapped[UUID]
    for_id: Mapped[UUID | None]
    made_by: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def save_slots(session: Session, slots: Slots, *, is_new: bool = False) -> None:
    """Keep an account's slots; the same statements whatever has changed in them."""
    boxes = _cipher(session, "box")
    sealed = [boxes.seal(_row_id(slots.account_id, index), box) for index, box in enumerate(slots.boxes)]
    until = (slots.hidden_until.isoformat() if slots.hidden_until else _NEVER).encode().ljust(_STAMP_BYTES)
    values = {
        "salt": slots.salt,
        "first": sealed[0],
        "second": sealed[1],
        "hidden_until": _cipher(session, "hidden_until").seal(slots.account_id, until),
    }
    halves = {"first": slots.halves[0], "second": slots.halves[1]}
    for row, columns in ((_SlotsRow, values), (_HalvesRow, halves)):
        if is_new:
            session.execute(delete(row).where(row.account_id == slots.account_id))
            session.execute(insert(row).values(account_id=slots.account_id, **columns))
        else:
            session.execute(update(row).where(row.account_id == slots.account_id).values(**columns))


def find_slots(session: Session, account_id: UUID, *, locked: bool = False) -> Slots | None:
    """Return an account's slots; `locked` keeps others from changing them until the transaction ends."""
    query = select(_SlotsRow).where(_SlotsRow.account_id == account_id)
    row = session.scalar(query.with_for_update() if locked else query)
    half = session.scalar(select(_HalvesRow).where(_HalvesRow.account_id == account_id))
    if row is None or half is None:
        return None
    boxes = _cipher(session, "box")
    until = _cipher(session, "hidden_until").unseal(account_id, row.hidden_until).decode().strip()
    return Slots(
        account_id,
        row.salt,
        (
            boxes.unseal(_row_id(account_id, 0), row.first),
            boxes.unseal(_row_id(account_id, 1), row.second),
        ),
        (half.first, half.second),
        None if until == _NEVER else datetime.fromisoformat(until),
    )


def add_number(session: Session, token_hash: str, box: bytes) -> None:
    """Keep what a session needs of her number."""
    session.execute(insert(_NumberRow).values(token_hash=token_hash, box=box))


def find_number(session: Session, token_hash: str) -> bytes | None:
    """Return what a session needs of her number, sealed under the session's token."""
    return session.scalar(select(_NumberRow.box).where(_NumberRow.token_hash == token_hash))


def add_entry(session: Session, token_hash: str, account_id: UUID, box: bytes, expires_at: datetime) -> None:
    """Keep what a token opens, sealed under that token."""
    values = {"token_hash": token_hash, "account_id": account_id, "box": box, "expires_at": expires_at}
    session.execute(insert(_EntryRow).values(**values))


def find_entry(session: Session, token_hash: str, account_id: UUID, now: datetime) -> bytes | None:
    """Return the box of a token that belongs to this account and has not expired."""
    return session.scalar(
        select(_EntryRow.box).where(
            _EntryRow.token_hash == token_hash,
            _EntryRow.account_id == account_id,
            _EntryRow.expires_at > now,
        )
    )


def delete_entry(session: Session, token_hash: str) -> None:
    """Close what a token opens."""
    session.execute(delete(_EntryRow).where(_EntryRow.token_hash == token_hash))


def delete_entries_of(session: Session, account_id: UUID) -> None:
    """Close everything that is open of an account."""
    session.execute(delete(_EntryRow).where(_EntryRow.account_id == account_id))


def delete_expired_entries(session: Session, now: datetime) -> None:
    """Forget what has expired, whosever it is."""
    session.execute(delete(_EntryRow).where(_EntryRow.expires_at <= now))


def add_code(session: Session, code: EntryCode, code_hash: str, made_by: UUID) -> None:
    """Keep a code under its hash."""
    session.execute(
        insert(_CodeRow).values(
            id=code.id,
            code_hash=code_hash,
            person_id=code.person_id,
            for_id=code.for_id,
            made_by=made_by,
            expires_at=code.expires_at,
            used_at=None,
        )
    )


def is_code(session: Session, code_hash: str, now: datetime) -> bool:
    """Say whether a code is still good."""
    good = (_CodeRow.code_hash == code_hash) & _CodeRow.used_at.is_(None) & (_CodeRow.expires_at > now)
    return bool(session.scalar(select(exists().where(good))))


def void_codes(session: Session, person_id: UUID | None, for_id: UUID | None, now: datetime) -> None:
    """Let no earlier code for this person, or for what an account is for, be used any more."""
    same = _CodeRow.person_id == person_id if for_id is None else _CodeRow.for_id == for_id
    session.execute(update(_CodeRow).where(same, _CodeRow.used_at.is_(None)).values(used_at=now))


def use_code(session: Session, code_hash: str, now: datetime) -> EntryCode | None:
    """Take a code that is still good: of two who use it at once one gets it."""
    taken = session.execute(
        update(_CodeRow)
        .where(_CodeRow.code_hash == code_hash, _CodeRow.used_at.is_(None), _CodeRow.expires_at > now)
        .values(used_at=now)
        .returning(_CodeRow.id, _CodeRow.person_id, _CodeRow.expires_at, _CodeRow.for_id)
    ).one_or_none()
    return None if taken is None else EntryCode(*taken)


def reseal_slots(session: Session, old_key: bytes, limit: int, after: UUID | None) -> tuple[UUID | None, int]:
    """Seal the next `limit` accounts' slots under the present key; returns where to go on, and how many.

    Rows that are sealed under the present key already are left: a rotation that broke off can be repeated.
    """
    query = select(_SlotsRow).order_by(_SlotsRow.account_id).limit(limit)
    rows = list(session.scalars(query if after is None else query.where(_SlotsRow.account_id > after)))
    for row in rows:
        row.first = _resealed(session, old_key, "box", _row_id(row.account_id, 0), row.first)
        row.second = _resealed(session, old_key, "box", _row_id(row.account_id, 1), row.second)
        row.hidden_until = _resealed(session, old_key, "hidden_until", row.account_id, row.hidden_until)
    session.flush()
    return rows[-1].account_id if rows else None, len(rows)


def _resealed(session: Session, old_key: bytes, column: str, row_id: UUID, sealed: bytes) -> bytes:
    present = _cipher(session, column)
    try:
        present.unseal(row_id, sealed)
    except Undecipherable:
        return present.seal(row_id, ColumnCipher(old_key, f"pin_slots.{column}").unseal(row_id, sealed))
    return sealed


def _cipher(session: Session, column: str) -> ColumnCipher:
    return ColumnCipher(server_key(session), f"pin_slots.{column}")


def _row_id(account_id: UUID, index: int) -> UUID:
    """Return an id of its own for each of the two boxes, so that they cannot be exchanged."""
    return UUID(int=account_id.int ^ (index + 1))

"""Tables and queries of accounts and sessions."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text, delete, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.accounts.model import Account, Role
from api.accounts.model.staff import OpenSession, Purpose
from api.kernel.db import Base, UtcDateTime


class _AccountRow(Base):
    __tablename__ = "account"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(Text, unique=True)
    role: Mapped[str] = mapped_column(Text)
    # No foreign key: people belong to the room above, which asks for accounts only for people it has.
    person_id: Mapped[UUID | None] = mapped_column(unique=True)
    secret_hash: Mapped[str] = mapped_column(Text)
    failures: Mapped[int]
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def to_account(self) -> Account:
        return Account(
            self.id,
            self.login,
            Role(self.role),
            self.person_id,
            self.secret_hash,
            self.failures,
            self.locked_until,
            self.disabled_at,
        )


class _SessionRow(Base):
    __tablename__ = "session"

    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    id: Mapped[UUID] = mapped_column(index=True, unique=True)
    purpose: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def to_session(self) -> OpenSession:
        return OpenSession(
            self.id, self.account_id, Purpose(self.purpose), self.created_at, self.seen_at, self.expires_at
        )


def add_account(session: Session, account: Account, now: datetime) -> None:
    """Keep a new account; the caller has checked that its login is free."""
    session.execute(
        insert(_AccountRow).values(
            id=account.id,
            login=account.login,
            role=account.role.value,
            person_id=account.person_id,
            secret_hash=account.secret_hash,
            failures=account.failures,
            locked_until=account.locked_until,
            created_at=now,
        )
    )


def find_account(session: Session, login: str) -> Account | None:
    """Return the account with this login."""
    row = session.scalar(select(_AccountRow).where(_AccountRow.login == login))
    return None if row is None else row.to_account()


def find_person_account(session: Session, person_id: UUID) -> Account | None:
    """Return the account of this protected person."""
    row = session.scalar(select(_AccountRow).where(_AccountRow.person_id == person_id))
    return None if row is None else row.to_account()


def list_logins(session: Session, account_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the log-ins of those ids that are accounts."""
    query = select(_AccountRow.id, _AccountRow.login).where(_AccountRow.id.in_(account_ids))
    return {row.id: row.login for row in session.execute(query)}


def get_account_locked(session: Session, account_id: UUID) -> Account | None:
    """Return the account as it is now and keep others from changing it until the transaction ends."""
    query = select(_AccountRow).where(_AccountRow.id == account_id).with_for_update()
    row = session.scalar(query.execution_options(populate_existing=True))
    return None if row is None else row.to_account()


def save_failures(session: Session, account_id: UUID, failures: int, locked_until: datetime | None) -> None:
    """Remember what the last try meant."""
    values = {"failures": failures, "locked_until": locked_until}
    session.execute(update(_AccountRow).where(_AccountRow.id == account_id).values(**values))


def save_credentials(session: Session, account: Account) -> None:
    """Give an account another login and secret; old failures count no longer."""
    session.execute(
        update(_AccountRow)
        .where(_AccountRow.id == account.id)
        .values(login=account.login, secret_hash=account.secret_hash, failures=0, locked_until=None)
    )


def add_session(session: Session, token_hash: str, opened: OpenSession) -> None:
    """Keep a session under the hash of its token."""
    session.execute(
        insert(_SessionRow).values(
            token_hash=token_hash,
            account_id=opened.account_id,
            created_at=opened.created_at,
            expires_at=opened.expires_at,
            id=opened.id,
            purpose=opened.purpose.value,
            seen_at=opened.seen_at,
        )
    )


def find_session(session: Session, token_hash: str) -> tuple[Account, OpenSession] | None:
    """Return whose session this is and what it may; the caller judges whether it is still alive."""
    query = select(_AccountRow, _SessionRow).join(_SessionRow).where(_SessionRow.token_hash == token_hash)
    row = session.execute(query).first()
    return None if row is None else (row[0].to_account(), row[1].to_session())


def list_sessions_of(session: Session, account_id: UUID) -> list[OpenSession]:
    """Return every session of an account, the newest first; those that are over too, until forgotten."""
    query = select(_SessionRow).where(_SessionRow.account_id == account_id)
    return [row.to_session() for row in session.scalars(query.order_by(_SessionRow.created_at.desc()))]


def save_seen(session: Session, session_id: UUID, now: datetime) -> None:
    """Remember that a session was used."""
    session.execute(update(_SessionRow).where(_SessionRow.id == session_id).values(seen_at=now))


def delete_sessions(session: Session, session_ids: list[UUID]) -> None:
    """End these sessions."""
    session.execute(delete(_SessionRow).where(_SessionRow.id.in_(session_ids)))


def delete_session(session: Session, token_hash: str) -> None:
    """End one session."""
    session.execute(delete(_SessionRow).where(_SessionRow.token_hash == token_hash))


def delete_other_sessions(session: Session, account_id: UUID, token_hash: str) -> None:
    """End every session of an account but this one."""
    others = (_SessionRow.account_id == account_id) & (_SessionRow.token_hash != token_hash)
    session.execute(delete(_SessionRow).where(others))


def move_account(session: Session, account_id: UUID, person_id: UUID) -> None:
    """Let an account belong to another person from now on."""
    session.execute(update(_AccountRow).where(_AccountRow.id == account_id).values(person_id=person_id))


def delete_sessions_of(session: Session, account_id: UUID) -> None:
    """End every session of an account."""
    session.execute(delete(_SessionRow).where(_SessionRow.account_id == account_id))


def delete_expired_sessions(session: Session, now: datetime) -> None:
    """Forget the sessions that have expired, whosever they are."""
    session.execute(delete(_SessionRow).where(_SessionRow.expires_at <= now))

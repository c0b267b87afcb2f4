"""Tables and queries of staff's second factor and of the administration of staff accounts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Select, Text, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.accounts.model import STAFF, Account, Role
from api.accounts.model.staff import StaffAccount, Totp
from api.accounts.store import _AccountRow
from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key

_STAFF = sorted(role.value for role in STAFF)


class _TotpRow(Base):
    __tablename__ = "totp"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    secret_sealed: Mapped[bytes]
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_step: Mapped[int] = mapped_column(BigInteger)


class _RecoveryRow(Base):
    __tablename__ = "recovery_code"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(Text, primary_key=True)


class _OidcRow(Base):
    __tablename__ = "oidc_identity"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    identity_hash: Mapped[str] = mapped_column(Text, unique=True)


def find_totp(session: Session, account_id: UUID) -> Totp | None:
    """Return the second factor of an account, confirmed or not."""
    row = session.get(_TotpRow, account_id, populate_existing=True)
    if row is None:
        return None
    secret = _cipher(session).unseal(row.account_id, row.secret_sealed).decode()
    return Totp(row.account_id, secret, row.confirmed_at, row.last_step)


def save_totp(session: Session, totp: Totp) -> None:
    """Put this second factor in the place of any other."""
    session.execute(delete(_TotpRow).where(_TotpRow.account_id == totp.account_id))
    session.execute(
        insert(_TotpRow).values(
            account_id=totp.account_id,
            secret_sealed=_cipher(session).seal(totp.account_id, totp.secret.encode()),
            confirmed_at=totp.confirmed_at,
            last_step=totp.last_step,
        )
    )


def save_totp_step(session: Session, account_id: UUID, step: int) -> None:
    """Remember the newest step whose code was taken."""
    session.execute(update(_TotpRow).where(_TotpRow.account_id == account_id).values(last_step=step))


def replace_recovery_codes(session: Session, account_id: UUID, hashes: list[str]) -> None:
    """Keep these codes and forget all earlier ones."""
    session.execute(delete(_RecoveryRow).where(_RecoveryRow.account_id == account_id))
    session.execute(insert(_RecoveryRow), [{"account_id": account_id, "code_hash": one} for one in hashes])


def has_recovery_code(session: Session, account_id: UUID, code_hash: str) -> bool:
    """Say whether this code is one of the account's and has not been used."""
    return session.get(_RecoveryRow, (account_id, code_hash)) is not None


def delete_recovery_code(session: Session, account_id: UUID, code_hash: str) -> None:
    """A recovery code counts once."""
    mine = (_RecoveryRow.account_id == account_id) & (_RecoveryRow.code_hash == code_hash)
    session.execute(delete(_RecoveryRow).where(mine))


def count_recovery_codes(session: Session, account_id: UUID) -> int:
    """Return how many are left."""
    query = select(func.count()).select_from(_RecoveryRow).where(_RecoveryRow.account_id == account_id)
    return session.scalar(query) or 0


def delete_factors(session: Session, account_id: UUID) -> None:
    """Take the second factor and its recovery codes away."""
    session.execute(delete(_TotpRow).where(_TotpRow.account_id == account_id))
    session.execute(delete(_RecoveryRow).where(_RecoveryRow.account_id == account_id))


def count_staff(session: Session) -> int:
    """Return how many staff accounts there are, disabled ones too."""
    query = select(func.count()).select_from(_AccountRow).where(_AccountRow.role.in_(_STAFF))
    return session.scalar(query) or 0


def page_staff(session: Session, first: int, limit: int) -> list[StaffAccount]:
    """Return staff accounts by login, from the `first`-th (0 is the first) on."""
    query = _staff().order_by(_AccountRow.login).offset(first).limit(limit)
    return [_to_staff(account, has_totp, has_oidc) for account, has_totp, has_oidc in session.execute(query)]


def find_staff(session: Session, account_id: UUID) -> StaffAccount | None:
    """Return a staff account; None for a protected person's as well."""
    row = session.execute(_staff().where(_AccountRow.id == account_id)).first()
    return None if row is None else _to_staff(row[0], row[1], row[2])


def save_role(session: Session, account_id: UUID, role: Role) -> None:
    """Give an account another role."""
    session.execute(update(_AccountRow).where(_AccountRow.id == account_id).values(role=role.value))


def save_disabled(session: Session, account_id: UUID, disabled_at: datetime | None) -> None:
    """Close an account, or open it again."""
    session.execute(update(_AccountRow).where(_AccountRow.id == account_id).values(disabled_at=disabled_at))


def save_secret(session: Session, account_id: UUID, secret_hash: str) -> None:
    """Give an account another password; its failures go on counting."""
    session.execute(update(_AccountRow).where(_AccountRow.id == account_id).values(secret_hash=secret_hash))


def save_identity(session: Session, account_id: UUID, identity_hash: str | None) -> None:
    """Let this identity at the provider sign in with the account, or none."""
    session.execute(delete(_OidcRow).where(_OidcRow.account_id == account_id))
    if identity_hash is not None:
        session.execute(insert(_OidcRow).values(account_id=account_id, identity_hash=identity_hash))


def find_identity_account(session: Session, identity_hash: str) -> Account | None:
    """Return the account that this identity at the provider signs in with."""
    query = select(_AccountRow).join(_OidcRow, _OidcRow.account_id == _AccountRow.id)
    row = session.scalar(query.where(_OidcRow.identity_hash == identity_hash))
    return None if row is None else row.to_account()


def _staff() -> Select[_AccountRow, bool, bool]:
    has_totp = select(_TotpRow.account_id).where(
        _TotpRow.account_id == _AccountRow.id, _TotpRow.confirmed_at.is_not(None)
    )
    has_oidc = select(_OidcRow.account_id).where(_OidcRow.account_id == _AccountRow.id)
    return select(_AccountRow, has_totp.exists(), has_oidc.exists()).where(_AccountRow.role.in_(_STAFF))


def _to_staff(row: _AccountRow, has_totp: bool, has_oidc: bool) -> StaffAccount:  # noqa: FBT001 - columns
    return StaffAccount(row.id, row.login, row.role, row.created_at, row.disabled_at, has_totp, has_oidc)


def _cipher(session: Session) -> ColumnCipher:
    return ColumnCipher(server_key(session), "totp.secret")

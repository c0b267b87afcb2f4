"""Use cases of a supervisor: staff's accounts. A protected person's account is none of these."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import service, store
from api.accounts.model import STAFF, Role
from api.accounts.model.staff import AccountNotFound, NotSupervisor, OwnAccount, StaffAccount
from api.accounts.store import staff
from api.kernel import audit, crypto
from api.kernel.db import serialise

_ADMINISTRATION = "accounts.administration"
_SECRET_BYTES_IN_TEXT = 16
"""96 random bits in base64: short enough to be read out, beyond guessing."""


def new_secret() -> tuple[str, str]:
    """Return a random password and its hash; outside of any transaction, for the hash takes its time."""
    secret = crypto.new_token()[:_SECRET_BYTES_IN_TEXT]
    return secret, crypto.hash_password(secret)


def add_staff(
    session: Session, login: str, role: Role, secret_hash: str, actor_id: UUID | None, now: datetime
) -> StaffAccount:
    """Make an account for a colleague; `actor_id` None is the command line. Raises LoginTaken."""
    _check_actor(session, actor_id)
    if role not in STAFF:
        raise ValueError("a protected person's account is made for a person, not by name")
    account = service.add_hashed_account(session, login, secret_hash, role, None, actor_id, now)
    return get_staff(session, account.id)


def count_staff(session: Session) -> int:
    """Return how many staff accounts there are."""
    return staff.count_staff(session)


def page_staff(session: Session, first: int, limit: int) -> list[StaffAccount]:
    """Return staff accounts by login."""
    return staff.page_staff(session, first, limit)


def get_staff(session: Session, account_id: UUID) -> StaffAccount:
    """Return one staff account; raises AccountNotFound, for a protected person's as well."""
    found = staff.find_staff(session, account_id)
    if found is None:
        raise AccountNotFound("There is no such staff account.")
    return found


def find_staff_named(session: Session, login: str) -> StaffAccount:
    """Return the staff account with this login; raises AccountNotFound."""
    account = service.find_account(session, login, STAFF)
    if account is None:
        raise AccountNotFound("There is no staff account with this login.")
    return get_staff(session, account.id)


def give_role(session: Session, account_id: UUID, role: Role, actor_id: UUID, now: datetime) -> StaffAccount:
    """Give a colleague another role; her sessions end, so that no page shows what she may no longer see."""
    check(session, account_id, actor_id)
    staff.save_role(session, account_id, role)
    return done(session, account_id, "accounts.give_role", actor_id, now, role.value)


def disable(session: Session, account_id: UUID, actor_id: UUID, now: datetime) -> StaffAccount:
    """Close a colleague's account; its sessions end. Doing it again keeps the first moment."""
    before = check(session, account_id, actor_id)
    if before.disabled_at is not None:
        return before
    staff.save_disabled(session, account_id, now)
    return done(session, account_id, "accounts.disable", actor_id, now)


def enable(session: Session, account_id: UUID, actor_id: UUID, now: datetime) -> StaffAccount:
    """Open a colleague's account again."""
    check(session, account_id, actor_id)
    staff.save_disabled(session, account_id, None)
    return done(session, account_id, "accounts.enable", actor_id, now)


def reset_totp(session: Session, account_id: UUID, actor_id: UUID | None, now: datetime) -> StaffAccount:
    """Take a colleague's second factor away: the next sign-in sets up another. Her sessions end.

    It opens nothing that is sealed by a protected person's own secret: staff's factors unlock no vault.
    """
    check(session, account_id, actor_id)
    staff.delete_factors(session, account_id)
    return done(session, account_id, "accounts.reset_totp", actor_id, now)


def reset_secret(
    session: Session, account_id: UUID, secret_hash: str, actor_id: UUID, now: datetime
) -> StaffAccount:
    """Give a colleague's account another password; her sessions end, the second factor stays."""
    check(session, account_id, actor_id)
    staff.save_secret(session, account_id, secret_hash)
    return done(session, account_id, "accounts.reset_secret", actor_id, now)


def check(session: Session, account_id: UUID, actor_id: UUID | None) -> StaffAccount:
    """Lock the account; raises AccountNotFound, OwnAccount, NotSupervisor.

    Nobody can close her own account or take her own role, so there is always a supervisor left.
    """
    _check_actor(session, actor_id)
    if account_id == actor_id:
        raise OwnAccount("This is your own account: another supervisor must do it.")
    store.get_account_locked(session, account_id)
    return get_staff(session, account_id)


def _check_actor(session: Session, actor_id: UUID | None) -> None:
    """Two supervisors who close each other's account at once: the second one no longer is one."""
    serialise(session, _ADMINISTRATION)
    if actor_id is None:
        return
    actor = store.get_account_locked(session, actor_id)
    if actor is None or actor.role is not Role.SUPERVISOR or actor.disabled_at is not None:
        raise NotSupervisor("You are no longer a supervisor.")


def done(
    session: Session, account_id: UUID, act: str, actor_id: UUID | None, now: datetime, reason: str = ""
) -> StaffAccount:
    """End an account's sessions after a change, write the change down, and return the account."""
    store.delete_sessions_of(session, account_id)
    audit.record(session, now, actor_id, act, account_id, reason)
    return get_staff(session, account_id)

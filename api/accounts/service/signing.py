"""Use cases of a member of staff's own sign-in: second factor, own sessions, own password."""

import secrets
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy.orm import Session

from api.accounts import service, store
from api.accounts.model import Account, Refused, SignedIn
from api.accounts.model.staff import (
    RECOVERY_CHARACTERS,
    RECOVERY_CODES,
    AlreadyEnrolled,
    NoEnrolment,
    OpenSession,
    Purpose,
    Totp,
)
from api.accounts.rules import sessions, totp
from api.accounts.store import staff
from api.kernel import audit, crypto
from api.kernel.db import server_key


def sign_in(
    session: Session,
    account: Account | None,
    is_right: bool,  # noqa: FBT001 - a fact
    code: str,
    now: datetime,
    *,
    is_demanded: bool,
) -> SignedIn | Refused:
    """Open a session for staff, or count the failure: step 3 of signing in.

    Args:
        session: The transaction; the account's row is locked in it, so that a code is taken once.
        account: What `find_account` found.
        is_right: What `is_secret_of` said of the password.
        code: Six digits of the app, or a recovery code; empty when none was given.
        now: The present moment.
        is_demanded: Whether the house demands a second factor: an account without one then gets a session
            that may do nothing but set one up.

    Wrong password, wrong code and a code that was used look and count the same: nobody learns that a
    password was right.
    """
    factor = None if account is None else _locked_factor(session, account)
    is_enrolled = factor is not None and factor.confirmed_at is not None
    # The code is taken only from whoever has the password and is let in; else it stays good for its owner.
    is_good = is_right and (not is_enrolled or _is_code(session, factor, code, now))
    current = service.admit(session, account, is_good, now, "sign_in")
    if current is None:
        return Refused()
    if is_enrolled and factor is not None:
        _use_code(session, factor, code, now)
    purpose = Purpose.FULL if is_enrolled or not is_demanded else Purpose.ENROLMENT
    token = service.open_session(session, current, now, purpose)
    return SignedIn(current, token, is_enrolling=purpose is Purpose.ENROLMENT)


def begin_enrolment(session: Session, account: Account, now: datetime) -> tuple[str, str]:
    """Make a secret for an authenticator app; returns it in base32 and as the address in the picture.

    Asking again makes another; it protects nothing until `confirm_enrolment`. Raises AlreadyEnrolled.
    """
    factor = _locked_factor(session, account)
    if factor is not None and factor.confirmed_at is not None:
        raise AlreadyEnrolled("This account has a second factor: a supervisor can take it away.")
    secret = pyotp.random_base32()
    staff.save_totp(session, Totp(account.id, secret, None, -1))
    audit.record(session, now, account.id, "accounts.begin_totp", account.id)
    return secret, totp.uri_of(secret, account.login)


def confirm_enrolment(session: Session, account: Account, code: str, now: datetime) -> list[str] | Refused:
    """Set the second factor up with a first code; returns the recovery codes, shown this once.

    A wrong code counts as a wrong sign-in does. All other sessions of the account end, those for
    enrolment too; the caller opens a new one. Raises NoEnrolment and AlreadyEnrolled.
    """
    factor = _locked_factor(session, account)
    if factor is None:
        raise NoEnrolment("Ask for a secret first.")
    if factor.confirmed_at is not None:
        raise AlreadyEnrolled("This account has a second factor: a supervisor can take it away.")
    step = totp.matching_step(factor, code, now)
    if service.admit(session, account, step is not None, now, "confirm_totp") is None or step is None:
        return Refused()
    staff.save_totp(session, replace(factor, confirmed_at=now, last_step=step))
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    hashes = [_hash_of(session, account.id, one) for one in codes]
    staff.replace_recovery_codes(session, account.id, hashes)
    store.delete_sessions_of(session, account.id)
    return [totp.written_code(one) for one in codes]


def factor_state(session: Session, account_id: UUID) -> tuple[bool, int]:
    """Say whether the account has a second factor, and how many recovery codes are left."""
    factor = staff.find_totp(session, account_id)
    is_enrolled = factor is not None and factor.confirmed_at is not None
    return is_enrolled, staff.count_recovery_codes(session, account_id)


def list_sessions(session: Session, account: Account, now: datetime) -> list[OpenSession]:
    """Return the sessions of one's own account that are still good, the newest first."""
    mine = store.list_sessions_of(session, account.id)
    return [opened for opened in mine if sessions.is_alive(account, opened, now)]


def end_sessions(session: Session, account: Account, chosen: UUID | None, own: UUID, now: datetime) -> int:
    """End one session of one's own, or, with `chosen` None, all but `own`; returns how many ended.

    A session that is not there, or is a colleague's, is none that ends.
    """
    mine = [opened.id for opened in store.list_sessions_of(session, account.id)]
    ended = [one for one in mine if one == chosen or (chosen is None and one != own)]
    if ended:
        store.delete_sessions(session, ended)
        audit.record(session, now, account.id, "accounts.end_sessions", account.id, f"{len(ended)}")
    return len(ended)


def hash_secret(secret: str) -> str:
    """Return the hash of a new password, outside of any transaction; raises WeakSecret."""
    service.check_secret(secret)
    return crypto.hash_password(secret)


def change_secret(
    session: Session,
    account: Account,
    is_right: bool,  # noqa: FBT001 - a fact
    secret_hash: str,
    own: UUID,
    now: datetime,
) -> bool:
    """Give one's own account another password and end all sessions but `own`; False when the old is wrong.

    A wrong one counts as a wrong sign-in does.
    """
    current = service.admit(session, account, is_right, now, "change_secret")
    if current is None:
        return False
    staff.save_secret(session, current.id, secret_hash)
    store.delete_sessions(session, [o.id for o in store.list_sessions_of(session, current.id) if o.id != own])
    return True


def _locked_factor(session: Session, account: Account) -> Totp | None:
    """Return the second factor as it is now; the account stays locked, so no code is taken twice at once."""
    store.get_account_locked(session, account.id)
    return staff.find_totp(session, account.id)


def _is_code(session: Session, factor: Totp | None, code: str, now: datetime) -> bool:
    if factor is None:
        return False
    if totp.is_totp_code(code):
        return totp.matching_step(factor, code, now) is not None
    plain = totp.plain_code(code)
    if not totp.is_recovery_code(plain):
        return False
    return staff.has_recovery_code(session, factor.account_id, _hash_of(session, factor.account_id, plain))


def _use_code(session: Session, factor: Totp, code: str, now: datetime) -> None:
    step = totp.matching_step(factor, code, now) if totp.is_totp_code(code) else None
    if step is not None:
        staff.save_totp_step(session, factor.account_id, step)
        return
    hashed = _hash_of(session, factor.account_id, totp.plain_code(code))
    staff.delete_recovery_code(session, factor.account_id, hashed)
    left = staff.count_recovery_codes(session, factor.account_id)
    audit.record(
        session, now, factor.account_id, "accounts.use_recovery_code", factor.account_id, f"{left} left"
    )


def _hash_of(session: Session, account_id: UUID, plain: str) -> str:
    """Return what is stored of a recovery code: nothing that a stolen database alone can try guesses at."""
    return crypto.sign(
        crypto.derive(server_key(session), "accounts.recovery"), account_id.bytes + plain.encode()
    )


def _new_recovery_code() -> str:
    return "".join(secrets.choice(totp.RECOVERY_ALPHABET) for _ in range(RECOVERY_CHARACTERS))

"""Use cases of signing in: of staff here, of protected persons in `entry` and `codes`.

Staff's signing in has three steps, because checking a secret takes Argon2 some 50 ms on purpose, and a
database with one writer must not wait for it: `find_account` reads, `is_secret_of` computes outside of any
transaction, `sign_in` writes down what came of it.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import rules, store
from api.accounts.model import (
    MIN_SECRET_LENGTH,
    STAFF,
    Account,
    LoginTaken,
    Refused,
    Role,
    SignedIn,
    WeakSecret,
)
from api.accounts.service.codes import make_code, start
from api.accounts.service.entry import (
    add_person_account,
    change_pin,
    close,
    enter,
    find_opened,
    forget,
    hold,
    keys_of,
    number_key_of,
    prepare_person,
    remember_number,
    save_slots,
    set_second,
    try_pin,
)
from api.accounts.store.slots import reseal_slots
from api.kernel import audit, crypto
from api.kernel.db import serialise

__all__ = [
    "add_account",
    "add_person_account",
    "change_pin",
    "close",
    "enter",
    "find_account",
    "find_opened",
    "forget",
    "hold",
    "identify",
    "is_secret_of",
    "is_staff_account",
    "keys_of",
    "make_code",
    "number_key_of",
    "open_session",
    "prepare_person",
    "remember_number",
    "reseal_slots",
    "save_slots",
    "set_second",
    "sign_in",
    "sign_out",
    "start",
    "try_pin",
]
_LOGINS = "accounts.login"


def add_account(
    session: Session, login: str, secret: str, role: Role, person_id: UUID | None, now: datetime
) -> Account:
    """Make an account; raises LoginTaken, or WeakSecret for staff's password under MIN_SECRET_LENGTH."""
    if role is not Role.PROTECTED_PERSON and len(secret) < MIN_SECRET_LENGTH:
        message = f"A password needs at least {MIN_SECRET_LENGTH} characters."
        raise WeakSecret(message, {"secret": [message]})
    serialise(session, _LOGINS)
    if store.find_account(session, login) is not None:
        raise LoginTaken("Another account has this login.")
    account = Account(uuid.uuid4(), login, role, person_id, crypto.hash_password(secret), 0, None)
    store.add_account(session, account, now)
    audit.record(session, now, None, "accounts.add", account.id, role.value)
    return account


def find_account(session: Session, login: str, roles: Collection[Role]) -> Account | None:
    """Return the account with this login if it has one of these roles: step 1 of signing in."""
    account = store.find_account(session, login)
    return account if account is not None and account.role in roles else None


def is_secret_of(account: Account | None, secret: str) -> bool:
    """Say whether the secret belongs to the account: step 2, outside of any transaction.

    An unknown login costs the same time, so that nobody learns which logins exist.
    """
    if account is None:
        crypto.is_password(_hash_of_nobody(), secret)
        return False
    return crypto.is_password(account.secret_hash, secret)


def sign_in(session: Session, account: Account | None, is_right: bool, now: datetime) -> SignedIn | Refused:  # noqa: FBT001 - a fact
    """Open a session, or count the failure: step 3 of signing in.

    The account is judged as it is now: of many guesses sent at once only the first few are heard.
    """
    current = _admitted(session, account, is_right, now)
    return Refused() if current is None else SignedIn(current, open_session(session, current, now))


def _admitted(
    session: Session,
    account: Account | None,
    is_right: bool,  # noqa: FBT001 - a fact
    now: datetime,
) -> Account | None:
    """Judge one try by the account as it is now, and write down what came of it; None when refused."""
    current = None if account is None else store.get_account_locked(session, account.id)
    if account is None or current is None:
        audit.record(session, now, None, "accounts.sign_in_refused", None, "unknown login")
        return None
    is_same = current.secret_hash == account.secret_hash  # the secret may have been renewed since step 1
    verdict = rules.judge_login(current, is_right and is_same, now)
    store.save_failures(session, current.id, verdict.failures, verdict.locked_until)
    if not verdict.admitted:
        audit.record(session, now, None, "accounts.sign_in_refused", current.id, "wrong secret or resting")
        return None
    audit.record(session, now, current.id, "accounts.sign_in", current.id)
    return current


def open_session(session: Session, account: Account, now: datetime) -> str:
    """Return the token of a new session; whoever holds it is this account until it expires."""
    token = crypto.new_token()
    store.delete_expired_sessions(session, now)
    expires_at = now + rules.session_life(account.role)
    store.add_session(session, crypto.hash_token(token), account.id, now, expires_at)
    return token


def identify(session: Session, token: str, now: datetime) -> Account | None:
    """Return whose session this is; None when there is none or it has expired."""
    return store.find_session_account(session, crypto.hash_token(token), now)


def is_staff_account(session: Session, account_id: UUID) -> bool:
    """Say whether this is the account of somebody who may sign in at the control host."""
    account = store.get_account_locked(session, account_id)
    return account is not None and account.role in STAFF


def list_logins(session: Session, account_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the log-ins of those ids that are accounts."""
    return store.list_logins(session, account_ids)


def sign_out(session: Session, token: str) -> None:
    """End the session of this token, if there is one."""
    store.delete_session(session, crypto.hash_token(token))


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return crypto.hash_password(crypto.new_token())

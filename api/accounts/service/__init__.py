"""Use cases of signing in: of staff here and in `signing`, of protected persons in `entry` and `codes`.

Staff's signing in has three steps, because checking a secret takes Argon2 some 50 ms on purpose, and a
database with one writer must not wait for it: `find_account` reads, `is_secret_of` computes outside of any
transaction, `signing.sign_in` writes down what came of it.
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
    Role,
    WeakSecret,
)
from api.accounts.model.staff import OpenSession, Purpose
from api.accounts.rules import sessions
from api.accounts.service.codes import find_code, make_code, start
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
    shown,
    try_pin,
)
from api.accounts.store.slots import reseal_slots
from api.kernel import audit, crypto
from api.kernel.db import serialise

__all__ = [
    "add_account",
    "add_hashed_account",
    "add_person_account",
    "admit",
    "change_pin",
    "check_secret",
    "close",
    "enter",
    "find_account",
    "find_code",
    "find_opened",
    "find_session",
    "forget",
    "hold",
    "identify",
    "is_secret_of",
    "is_staff_account",
    "keys_of",
    "make_code",
    "note_seen",
    "number_key_of",
    "open_session",
    "prepare_person",
    "remember_number",
    "reseal_slots",
    "save_slots",
    "set_second",
    "shown",
    "sign_out",
    "start",
    "try_pin",
]
_LOGINS = "accounts.login"


def add_account(
    session: Session, login: str, secret: str, role: Role, person_id: UUID | None, now: datetime
) -> Account:
    """Make an account; raises LoginTaken, or WeakSecret for staff's password under MIN_SECRET_LENGTH."""
    if role is not Role.PROTECTED_PERSON:
        check_secret(secret)
    return add_hashed_account(session, login, crypto.hash_password(secret), role, person_id, None, now)


def add_hashed_account(
    session: Session,
    login: str,
    secret_hash: str,
    role: Role,
    person_id: UUID | None,
    actor_id: UUID | None,
    now: datetime,
) -> Account:
    """Make an account whose secret was hashed outside of the transaction; raises LoginTaken."""
    serialise(session, _LOGINS)
    if store.find_account(session, login) is not None:
        raise LoginTaken("Another account has this login.")
    account = Account(uuid.uuid4(), login, role, person_id, secret_hash, 0, None)
    store.add_account(session, account, now)
    audit.record(session, now, actor_id, "accounts.add", account.id, role.value)
    return account


def check_secret(secret: str) -> None:
    """Raise WeakSecret for a password of staff's that is under MIN_SECRET_LENGTH."""
    if len(secret) < MIN_SECRET_LENGTH:
        message = f"A password needs at least {MIN_SECRET_LENGTH} characters."
        raise WeakSecret(message, {"secret": [message]})


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


def admit(
    session: Session,
    account: Account | None,
    is_right: bool,  # noqa: FBT001 - a fact
    now: datetime,
    act: str,
) -> Account | None:
    """Judge one try by the account as it is now, and write down what came of it; None when refused.

    Args:
        session: The transaction; the account's row stays locked in it.
        account: As `find_account` found it; None for an unknown login.
        is_right: What was given belongs to the account, all of it.
        now: The present moment.
        act: `<act>` or `<act>_refused` becomes a row of the audit trail.
    """
    current = None if account is None else store.get_account_locked(session, account.id)
    if account is None or current is None:
        audit.record(session, now, None, f"accounts.{act}_refused", None, "unknown login")
        return None
    is_same = current.secret_hash == account.secret_hash  # the secret may have been renewed since step 1
    verdict = rules.judge_login(current, is_right and is_same, now)
    store.save_failures(session, current.id, verdict.failures, verdict.locked_until)
    if not verdict.admitted:
        audit.record(session, now, None, f"accounts.{act}_refused", current.id, "wrong secret or resting")
        return None
    audit.record(session, now, current.id, f"accounts.{act}", current.id)
    return current


def open_session(session: Session, account: Account, now: datetime, purpose: Purpose = Purpose.FULL) -> str:
    """Return the token of a new session; whoever holds it is this account until it expires."""
    token = crypto.new_token()
    store.delete_expired_sessions(session, now)
    expires_at = now + sessions.life_of(account, purpose)
    opened = OpenSession(uuid.uuid4(), account.id, purpose, now, now, expires_at)
    store.add_session(session, crypto.hash_token(token), opened)
    return token


def find_session(session: Session, token: str, now: datetime) -> tuple[Account, OpenSession] | None:
    """Return whose session this is and what it may be used for; None when it is over, idle or none."""
    found = store.find_session(session, crypto.hash_token(token))
    return found if found is not None and sessions.is_alive(*found, now) else None


def identify(session: Session, token: str, now: datetime) -> Account | None:
    """Return who may do with this session whatever the account may; None for one of enrolment too."""
    found = find_session(session, token, now)
    return found[0] if found is not None and found[1].purpose is Purpose.FULL else None


def note_seen(session: Session, opened: OpenSession, now: datetime) -> None:
    """Write down that a session is in use, which keeps it from ending as an idle one."""
    store.save_seen(session, opened.id, now)


def is_staff_account(session: Session, account_id: UUID) -> bool:
    """Say whether this is the account of somebody who may sign in at the control host."""
    account = store.get_account_locked(session, account_id)
    return account is not None and account.role in STAFF


def sign_out(session: Session, token: str) -> None:
    """End the session of this token, if there is one."""
    store.delete_session(session, crypto.hash_token(token))


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return crypto.hash_password(crypto.new_token())


def list_logins(session: Session, account_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the log-ins of those ids that are accounts."""
    return store.list_logins(session, account_ids)

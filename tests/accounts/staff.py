"""Staff who sign in with a code, and the app on their phone."""

from datetime import datetime

from sqlalchemy import Engine

from api.accounts import service
from api.accounts.model import STAFF, Account, Refused, Role, SignedIn
from api.accounts.rules import totp
from api.accounts.service import signing
from api.kernel.db import reading, transaction

SECRET = "correct horse"


def add(engine: Engine, login: str, role: Role, now: datetime) -> Account:
    with transaction(engine) as session:
        return service.add_account(session, login, SECRET, role, None, now)


def enrol(engine: Engine, account: Account, now: datetime) -> tuple[str, list[str]]:
    """Set a second factor up; returns its secret and the recovery codes."""
    with transaction(engine) as session:
        secret, _uri = signing.begin_enrolment(session, account, now)
    with transaction(engine) as session:
        codes = signing.confirm_enrolment(session, account, code_of(secret, now), now)
    assert isinstance(codes, list)
    return secret, codes


def code_of(secret: str, now: datetime) -> str:
    """What the phone shows."""
    return totp.code_at(secret, totp.step_of(now))


def try_in(
    engine: Engine,
    login: str,
    code: str,
    now: datetime,
    *,
    secret: str = SECRET,
    is_demanded: bool = True,
) -> SignedIn | Refused:
    """Sign in as the control host does."""
    with reading(engine) as session:
        account = service.find_account(session, login, STAFF)
    is_right = service.is_secret_of(account, secret)
    with transaction(engine) as session:
        return signing.sign_in(session, account, is_right, code, now, is_demanded=is_demanded)


def is_in(engine: Engine, outcome: SignedIn | Refused, now: datetime) -> bool:
    """Whether the sign-in gave a session that opens what the account may."""
    if not isinstance(outcome, SignedIn):
        return False
    with reading(engine) as session:
        return service.identify(session, outcome.token, now) is not None


def acts(engine: Engine) -> list[str]:
    """What the trail tells, oldest first."""
    from sqlalchemy import text

    with reading(engine) as session:
        return list(session.execute(text("SELECT act FROM audit ORDER BY at, act")).scalars())

"""Nouns of signing in: accounts, roles, sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Conflict, Forbidden, Invalid

SESSION_LIFE = timedelta(hours=12)
"""Staff: one shift in a control room; proposal."""
PERSON_SESSION_LIFE = timedelta(days=30)
"""Protected person: her stream ends with the session, and she would not notice; proposal."""
LOCK_AFTER_FAILURES = 5
"""Wrong secrets in a row until an account rests; proposal after NIST SP 800-63B section 5.2.2 (<= 100)."""
LOCK_FOR = timedelta(seconds=30)
"""Short: the partner could otherwise keep her out by guessing on purpose; proposal."""
LOCK_AT_MOST = timedelta(minutes=15)
"""Each further failure doubles the rest up to this: 96 guesses a day, of a million PINs; proposal."""
MIN_SECRET_LENGTH = 8
"""Of staff's passwords: NIST SP 800-63B section 5.1.1.1."""
NUMBER_DIGITS = 16
PIN_DIGITS = 6


class Role(StrEnum):
    """What an account may be used for."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    CASE_WORKER = "case_worker"
    OFFICER = "officer"
    AUDITOR = "auditor"
    PROTECTED_PERSON = "protected_person"


STAFF = frozenset(Role) - {Role.PROTECTED_PERSON}
"""Who may sign in at the control host; nobody else may."""
MONITORING = frozenset({Role.OPERATOR, Role.SUPERVISOR})
"""Who works in the control room: positions, alerts, devices are theirs to see."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in.

    Attributes:
        login: Staff: a name. Protected person: 16 digits, made by us.
        person_id: The protected person whose account this is; None for staff.
        failures: Wrong secrets since the last right one.
        locked_until: While the account rests no secret is right; None when it never rested.
        disabled_at: From then on nobody signs in with it; None while it may be used.
    """

    id: UUID
    login: str
    role: Role
    person_id: UUID | None
    secret_hash: str
    failures: int
    locked_until: datetime | None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that worked; `token` is the cookie's value and is stored nowhere.

    Attributes:
        is_enrolling: The session may do nothing but set up a second factor.
    """

    account: Account
    token: str
    is_enrolling: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A sign-in that did not work.

    It is a value and no exception: the failure must be counted in a transaction that commits.
    """


class WrongSecret(Forbidden):
    """Login and secret do not belong together, or the account rests; it does not say which."""


class LoginTaken(Conflict):
    """Another account has this login."""


class WeakSecret(Invalid):
    """The password is too short."""

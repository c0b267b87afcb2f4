"""Nouns of staff's second factor, of sessions, and of who administers whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.accounts.model import Account
from api.kernel.errors import Conflict, Forbidden, NotFound

ENROLLING = "enrolling"
"""The role of somebody who has given the password and has no second factor yet; no account has it."""
TOTP_STEP_S = 30
"""RFC 6238 section 5.2 recommends it, and it is the only one that every authenticator app knows."""
TOTP_DIGITS = 6
TOTP_STEPS_OFF = 1
"""How far a phone's clock may be off, in steps either way: RFC 6238 section 5.2 ("at most one")."""
RECOVERY_CODES = 10
RECOVERY_CHARACTERS = 16
"""Of 32 letters and digits: 80 bits, beyond guessing with a stolen database as well."""
ENROLMENT_LIFE = timedelta(minutes=15)
"""Long enough to install an app; such a session may do nothing but enrol. Proposal."""
IDLE_LIFE = timedelta(minutes=30)
"""A staff session of which nothing was heard ends: OWASP's upper bound for low-risk applications, NIST SP
800-63B section 4.2.3 for AAL2. An open control room asks by itself and so stays: it must not go dark."""
SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is known when a session was last used: a write per request would slow the alerts' writer."""


class Purpose(StrEnum):
    """What a session may be used for."""

    FULL = "full"
    ENROLMENT = "enrolment"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One session of an account; its token is stored nowhere.

    Attributes:
        seen_at: When it was last used, within SEEN_EVERY; staff only.
    """

    id: UUID
    account_id: UUID
    purpose: Purpose
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Whoever holds a session for enrolment: an actor of the role ENROLLING, whatever the account's is."""

    account: Account

    @property
    def id(self) -> UUID:
        """The account's id."""
        return self.account.id

    @property
    def role(self) -> str:
        """No account has this role, so no route but those of enrolment lets it in."""
        return ENROLLING


@dataclass(frozen=True, slots=True)
class Totp:
    """The second factor of one account.

    Attributes:
        secret: Base32, as authenticator apps take it.
        confirmed_at: When a first code was right; until then it protects nothing. None: not yet.
        last_step: The newest 30-second step whose code was taken; a code counts once.
    """

    account_id: UUID
    secret: str
    confirmed_at: datetime | None
    last_step: int


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """What a supervisor sees of a colleague's account."""

    id: UUID
    login: str
    role: str
    created_at: datetime
    disabled_at: datetime | None
    has_totp: bool
    has_oidc: bool


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An account with the password that was made for it; it is shown once and stored nowhere."""

    account: StaffAccount
    secret: str


class AccountNotFound(NotFound):
    """There is no such staff account; a protected person's is none."""


class OwnAccount(Conflict):
    """A supervisor tried this with her own account: a colleague must do it."""


class NotSupervisor(Forbidden):
    """The one who acts has lost the right to it in the meantime."""


class AlreadyEnrolled(Conflict):
    """The account has a second factor; only a supervisor can take it away."""


class NoEnrolment(Conflict):
    """A code was given before a second factor was begun."""


class WrongCode(Forbidden):
    """The code does not belong to the secret that was shown, or the account rests."""


class AlreadyVerifying(Conflict):
    """Somebody else has the hash chain looked through at this moment."""

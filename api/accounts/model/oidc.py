"""Nouns of signing in by an organisation's own provider (OpenID Connect)."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from api.accounts.model import Role
from api.kernel.errors import Conflict

JOURNEY_LIFE = timedelta(minutes=10)
"""How long somebody may take at the provider; proposal."""


class Refusal(StrEnum):
    """Why a sign-in by the provider did not work; the page has a sentence for each."""

    AWAY = "provider-away"
    BROKEN = "provider-broken"
    UNKNOWN = "provider-unknown"
    NO_ROLE = "provider-no-role"
    NO_MFA = "provider-no-mfa"


@dataclass(frozen=True, slots=True)
class Journey:
    """One way to the provider and back, kept sealed in the browser's cookie.

    Attributes:
        state: Comes back in the address: the answer belongs to this browser's question (RFC 6749, 10.12).
        nonce: Comes back in the token: the token was made for this question (OpenID Connect Core, 3.1.2.1).
        verifier: Proves that who exchanges the code is who asked for it (PKCE, RFC 7636).
        began_s: Unix seconds.
    """

    state: str
    nonce: str
    verifier: str
    began_s: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, in the provider's word.

    Attributes:
        subject: The provider's own id of the person, never given to another.
        name: How the person is called there; a login for an account that is made.
        roles: What the claim maps to, at least one.
    """

    subject: str
    name: str
    roles: frozenset[Role]


class ProviderAway(Exception):
    """The provider does not answer, or answers what is no answer."""


class BadToken(Exception):
    """What came back proves nothing: signature, issuer, audience, nonce, time or the code is wrong."""


class NoProvider(Conflict):
    """This house has no provider set up."""


class IdentityTaken(Conflict):
    """Another account signs in with this identity."""

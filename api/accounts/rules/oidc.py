"""Decisions about what a provider says of a person."""

from collections.abc import Mapping
from typing import Any

from api.accounts.model import STAFF, Role
from api.accounts.model.oidc import Identity, Refusal

NO_MFA_DEMANDED = "none"
_NAMES = ("preferred_username", "email", "name")
_LONGEST_NAME = 80


def judge_claims(
    claims: Mapping[str, Any], role_claim: str, roles: Mapping[str, str], mfa: frozenset[str]
) -> Identity | Refusal:
    """Return who this is, or why such a person is not let in.

    Args:
        claims: Of a token whose signature, issuer, audience, nonce and times have been found right.
        role_claim: The claim that says what somebody may: a text or a list of texts.
        roles: From that claim's texts to our roles.
        mfa: What `amr` (RFC 8176) or `acr` must hold one of; NO_MFA_DEMANDED asks for none.
    """
    if NO_MFA_DEMANDED not in mfa and not mfa & (_texts(claims.get("amr")) | _texts(claims.get("acr"))):
        return Refusal.NO_MFA
    found = frozenset(Role(roles[one]) for one in _texts(claims.get(role_claim)) if one in roles) & STAFF
    if not found:
        return Refusal.NO_ROLE
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        return Refusal.BROKEN
    name = next((_name(claims[key]) for key in _NAMES if _name(claims.get(key))), "staff")
    return Identity(subject, name, found)


def _texts(value: Any) -> frozenset[str]:  # noqa: ANN401 - whatever a claim holds
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list) else frozenset()


def _name(value: Any) -> str:  # noqa: ANN401 - as above
    """Return a claim as one line that can be a login: a number would look like a protected person's."""
    if not isinstance(value, str):
        return ""
    name = "".join(one for one in value if one.isprintable())[:_LONGEST_NAME].strip()
    return "" if name.replace(" ", "").isdigit() else name

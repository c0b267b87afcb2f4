"""What a provider's claims mean, and settings of a provider that cannot be."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts.model import STAFF, Role
from api.accounts.model.oidc import Identity, Refusal
from api.accounts.rules.oidc import judge_claims
from api.kernel.config import STAFF_ROLES, SettingError, Settings

ROLES = {"room": "operator", "chiefs": "supervisor", "hers": "protected_person"}
MFA = frozenset({"mfa"})
CLAIMS: dict[str, Any] = {"sub": "1", "roles": ["room"], "amr": ["mfa"]}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["room", "mfa"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


def judge(**more: Any) -> Identity | Refusal:
    return judge_claims(CLAIMS | more, "roles", ROLES, MFA)


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_whatever_a_claim_holds_nobody_gets_in_without_factor_role_and_subject(
    amr: Any, acr: Any, roles: Any, subject: Any
) -> None:
    found = judge(amr=amr, acr=acr, roles=roles, sub=subject)
    if isinstance(found, Identity):
        assert "mfa" in (amr, acr) or any(isinstance(one, list) and "mfa" in one for one in (amr, acr))
        assert roles == "room" or "room" in roles
        assert found.subject == subject
        assert found.roles == {Role.OPERATOR}


def test_roles_are_a_text_or_a_list_and_never_a_protected_persons() -> None:
    both = judge(roles=["room", "chiefs", "unknown"])
    assert isinstance(both, Identity)
    assert both.roles == {Role.OPERATOR, Role.SUPERVISOR}
    assert judge(roles="hers") is Refusal.NO_ROLE
    assert judge(roles="room") == Identity("1", "staff", frozenset({Role.OPERATOR}))


@pytest.mark.parametrize("subject", [None, "", 7, ["1"]])
def test_without_a_subject_it_is_nobody(subject: Any) -> None:
    assert judge(sub=subject) is Refusal.BROKEN


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "m.devries", "email": "m@x.nl"}, "m.devries"),
        ({"preferred_username": 7, "email": "m@x.nl"}, "m@x.nl"),
        ({"preferred_username": "0031 612 345678", "name": "Maria"}, "Maria"),
        ({"preferred_username": "a\x00b\n\ud800"}, "ab"),
        ({"preferred_username": "x" * 100}, "x" * 80),
        ({"preferred_username": " "}, "staff"),
        ({}, "staff"),
    ],
)
def test_a_name_becomes_a_login_that_looks_like_no_persons_number(claims: dict[str, Any], name: str) -> None:
    found = judge(**claims)
    assert isinstance(found, Identity)
    assert found.name == name


def test_the_roles_of_the_settings_are_those_of_staff() -> None:
    assert set(STAFF_ROLES) == {role.value for role in STAFF}


GOOD = {
    "BAKEN_SERVER_KEY": "0" * 64,
    "BAKEN_OIDC_ISSUER": "https://login.example/realms/police",
    "BAKEN_OIDC_CLIENT_ID": "baken",
    "BAKEN_OIDC_SECRET": "shared",
    "BAKEN_OIDC_RETURN": "https://control.example/api/session/oidc/return",
    "BAKEN_OIDC_ROLES": "cn=room=operator, chiefs=supervisor",
}


def test_a_provider_is_read_from_the_settings(tmp_path: Path) -> None:
    found = Settings.from_env(GOOD | {"BAKEN_HOME": str(tmp_path), "BAKEN_OIDC_MFA": "mfa,hwk"}).oidc
    assert found is not None
    assert found.roles == {"cn=room": "operator", "chiefs": "supervisor"}
    assert (found.role_claim, found.may_create, found.mfa) == ("roles", False, frozenset({"mfa", "hwk"}))
    assert Settings.from_env(GOOD | {"BAKEN_OIDC_ISSUER": ""}).oidc is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BAKEN_OIDC_ISSUER", "http://login.example"),
        ("BAKEN_OIDC_ISSUER", "https://user@login.example"),
        ("BAKEN_OIDC_ISSUER", "login.example"),
        ("BAKEN_OIDC_ISSUER", "http://127.0.0.1.evil.example"),
        ("BAKEN_OIDC_RETURN", ""),
        ("BAKEN_OIDC_RETURN", "http://control.example/api/session/oidc/return"),
        ("BAKEN_OIDC_CLIENT_ID", ""),
        ("BAKEN_OIDC_SECRET", ""),
        ("BAKEN_OIDC_SECRET", "two words"),
        ("BAKEN_OIDC_ROLES", ""),
        ("BAKEN_OIDC_ROLES", "room"),
        ("BAKEN_OIDC_ROLES", "=operator"),
        ("BAKEN_OIDC_ROLES", "room=chief"),
        ("BAKEN_OIDC_ROLES", "hers=protected_person"),
        ("BAKEN_OIDC_CREATE", "perhaps"),
        ("BAKEN_STAFF_TOTP", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_names_itself(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.from_env(GOOD | {name: text})

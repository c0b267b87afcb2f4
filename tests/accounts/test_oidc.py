"""Signing in by a real provider, which runs as a process of its own on this machine."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.accounts import routes
from api.accounts.model import Role
from api.accounts.routes import administration, oidc, own
from api.kernel import clock
from api.kernel.db import reading
from tests.accounts.hosts import make_host, signed_in
from tests.accounts.staff import SECRET, add
from tests.house import free_ports, is_listening, wait_until

GROUPS = "room=operator,chiefs=supervisor,court=auditor"
RETURN = "http://127.0.0.1:8460/api/session/oidc/return"
WHO = {"roles": ["room"], "amr": ["pwd", "mfa"], "preferred_username": "m.devries"}


@contextmanager
def provider(folder: Path, *words: str) -> Iterator[str]:
    """A provider's process; gives its address."""
    (port,) = free_ports(1)
    log = folder / f"provider-{port}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "oidc_provider_mock", "-p", str(port), *words],
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
        )
    try:
        wait_until(lambda: is_listening(port) or process.poll() is not None, 30)
        assert process.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with provider(tmp_path_factory.mktemp("provider")) as address:
        yield address


def settings_of(issuer: str, **more: str) -> dict[str, str]:
    return {
        "BAKEN_OIDC_ISSUER": issuer,
        "BAKEN_OIDC_CLIENT_ID": "baken",
        "BAKEN_OIDC_SECRET": "shared",
        "BAKEN_OIDC_RETURN": RETURN,
        "BAKEN_OIDC_ROLES": GROUPS,
        "BAKEN_STAFF_TOTP": "required",
        **more,
    }


House = Callable[..., Flask]


@pytest.fixture
def house(sqlite_engine: Engine, issuer: str) -> House:
    """Makes the control host with this provider; arguments are settings."""

    def make(**more: str) -> Flask:
        rooms = (routes, own, administration, oidc)
        blueprints = [one for room in rooms for one in room.control_blueprints]
        return make_host(sqlite_engine, blueprints, routes.identify_staff, **settings_of(issuer, **more))

    return make


def be(issuer: str, subject: str, **claims: Any) -> None:
    """Let the provider say this of somebody."""
    body = {name: value for name, value in (WHO | claims).items() if value is not None}
    httpx.put(f"{issuer}/users/{subject}", json=body).raise_for_status()


def depart(client: FlaskClient) -> str:
    """Begin a sign-in; returns the address at the provider."""
    answer = client.get("/api/session/oidc")
    assert answer.status_code == 302
    return answer.headers["Location"]


def come_back(client: FlaskClient, address: str, subject: str) -> str:
    """Sign in at the provider and take its answer home; returns where one ends."""
    answer = httpx.post(address, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == RETURN
    return client.get(f"/api/session/oidc/return?{back.query}").headers["Location"]


def sign_in(app: Flask, subject: str) -> tuple[FlaskClient, str]:
    client = app.test_client()
    return client, come_back(client, depart(client), subject)


def link(app: Flask, login: str, subject: str | None) -> Any:
    """Let a supervisor say who a colleague is at the provider."""
    chief: Any = signed_in(app, Role.SUPERVISOR, f"chief-{clock.monotonic_s()}")
    (whose,) = [one for one in chief.get("/api/staff-accounts").json if one["login"] == login]
    return chief.put(f"/api/staff-accounts/{whose['id']}/identity", json={"subject": subject})


def test_a_colleague_whom_a_supervisor_has_linked_signs_in(
    house: House, issuer: str, sqlite_engine: Engine
) -> None:
    app = house()
    add(sqlite_engine, "olga", Role.OPERATOR, clock.now())
    be(issuer, "sub-olga")
    assert link(app, "olga", "sub-olga").json["has_oidc"] is True
    client, end = sign_in(app, "sub-olga")
    assert end == "/"
    assert client.get("/api/session").json == {"login": "olga", "role": "operator"}
    with reading(sqlite_engine) as session:
        assert "sub-olga" not in str(session.execute(text("SELECT * FROM oidc_identity")).all())
    assert link(app, "olga", None).json["has_oidc"] is False
    assert sign_in(app, "sub-olga")[1] == "/#provider-unknown"


def test_what_the_browser_is_sent_with_and_what_it_keeps(house: House) -> None:
    client = house().test_client()
    answer = client.get("/api/session/oidc")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [RETURN]
    assert len({query[name][0] for name in ("state", "nonce", "code_challenge")}) == 3
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/api/session/oidc", "Max-Age=600"} <= set(cookie.split("; "))
    assert query["state"][0] not in cookie


def test_the_session_is_as_strict_as_any_other_and_the_journeys_cookie_is_gone(
    house: House, issuer: str
) -> None:
    app = house(BAKEN_OIDC_CREATE="yes")
    be(issuer, "sub-new")
    client = app.test_client()
    back = urlsplit(httpx.post(depart(client), data={"sub": "sub-new"}).headers["Location"])
    answer = client.get(f"/api/session/oidc/return?{back.query}")
    cookies = answer.headers.getlist("Set-Cookie")
    (strict,) = [one for one in cookies if one.startswith("session=")]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(strict.split("; "))
    assert client.get_cookie(oidc.JOURNEY_COOKIE, path="/api/session/oidc") is None


def test_somebody_unknown_gets_in_only_where_accounts_are_made_and_with_the_mapped_role(
    house: House, issuer: str, sqlite_engine: Engine
) -> None:
    be(issuer, "sub-anna")
    assert sign_in(house(), "sub-anna")[1] == "/#provider-unknown"
    app = house(BAKEN_OIDC_CREATE="yes")
    client, end = sign_in(app, "sub-anna")
    assert end == "/"
    assert client.get("/api/session").json == {"login": "m.devries", "role": "operator"}
    again, _end = sign_in(app, "sub-anna")
    assert again.get("/api/session").json == {"login": "m.devries", "role": "operator"}
    be(issuer, "sub-other")
    other, _end = sign_in(app, "sub-other")  # the same name is another login
    told: Any = other.get("/api/session").json
    assert told["login"].startswith("m.devries-")
    with reading(sqlite_engine) as session:
        acts = list(session.execute(text("SELECT act FROM audit ORDER BY at")).scalars())
    assert acts.count("accounts.sign_in_by_provider") == 3
    assert acts.count("accounts.sign_in_by_provider_refused") == 1


def test_several_groups_make_an_account_with_the_least_of_their_roles(house: House, issuer: str) -> None:
    be(issuer, "sub-both", roles=["chiefs", "court", "unknown"])
    client, _end = sign_in(house(BAKEN_OIDC_CREATE="yes"), "sub-both")
    told: Any = client.get("/api/session").json
    assert told["role"] == "auditor"


def test_who_was_taken_out_of_the_group_gets_in_no_more(
    house: House, issuer: str, sqlite_engine: Engine
) -> None:
    app = house()
    add(sqlite_engine, "olga", Role.OPERATOR, clock.now())
    be(issuer, "sub-left")
    link(app, "olga", "sub-left")
    assert sign_in(app, "sub-left")[1] == "/"
    for roles in (["court"], [], None, "other", [7], {"room": 1}):
        be(issuer, "sub-left", roles=roles)
        assert sign_in(app, "sub-left")[1] == "/#provider-no-role"


def test_a_closed_account_is_closed_for_the_provider_too(
    house: House, issuer: str, sqlite_engine: Engine
) -> None:
    app = house()
    account = add(sqlite_engine, "olga", Role.OPERATOR, clock.now())
    be(issuer, "sub-shut")
    link(app, "olga", "sub-shut")
    chief = signed_in(app, Role.SUPERVISOR, "chief")
    chief.post(f"/api/staff-accounts/{account.id}/disabling")
    assert sign_in(app, "sub-shut")[1] == "/#provider-unknown"


def test_an_identity_is_one_accounts(house: House, sqlite_engine: Engine) -> None:
    app = house()
    for login in ("olga", "omar"):
        add(sqlite_engine, login, Role.OPERATOR, clock.now())
    assert link(app, "olga", "sub-one").status_code == 200
    assert link(app, "olga", "sub-one").status_code == 200
    assert link(app, "omar", "sub-one").status_code == 409
    assert link(app, "omar", "").status_code == 422


@pytest.mark.parametrize(
    ("claims", "mfa", "end"),
    [
        ({"amr": None}, "mfa", "/#provider-no-mfa"),
        ({"amr": ["pwd"]}, "mfa", "/#provider-no-mfa"),
        ({"amr": ["pwd"], "acr": "silver"}, "gold,mfa", "/#provider-no-mfa"),
        ({"amr": None, "acr": "gold"}, "gold,mfa", "/"),
        ({"amr": ["otp"]}, "otp,hwk", "/"),
        ({"amr": None}, "none", "/"),
    ],
)
def test_a_second_factor_at_the_provider_is_demanded_as_the_house_says(
    house: House, issuer: str, claims: dict[str, Any], mfa: str, end: str
) -> None:
    be(issuer, "sub-mfa", **claims)
    assert sign_in(house(BAKEN_OIDC_CREATE="yes", BAKEN_OIDC_MFA=mfa), "sub-mfa")[1] == end


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ["baken", "another"]},
        {"azp": "another"},
        {"iss": "https://another.example"},
        {"exp": 1_000_000_000},
        {"exp": "never"},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"at_hash": "another"},
        {"amr": "mfa"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_proves_nothing(
    house: House, issuer: str, claims: dict[str, Any]
) -> None:
    app = house(BAKEN_OIDC_CREATE="yes")
    be(issuer, "sub-bad", **claims)
    client, end = sign_in(app, "sub-bad")
    assert end == "/#provider-broken"
    assert client.get("/api/session").status_code == 401


def test_a_token_that_the_provider_lets_expire_at_once_proves_nothing(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    user = json.dumps({"sub": "sub-late"} | WHO)
    with provider(tmp_path, "--token-max-age", "-3600", "--user-claims", user) as late:
        values = settings_of(late, BAKEN_OIDC_CREATE="yes")
        app = make_host(
            sqlite_engine,
            [*routes.control_blueprints, *oidc.control_blueprints],
            routes.identify_staff,
            **values,
        )
        assert sign_in(app, "sub-late")[1] == "/#provider-broken"


def test_a_nonce_that_somebody_put_in_on_the_way_is_seen(house: House, issuer: str) -> None:
    be(issuer, "sub-nonce")
    client = house(BAKEN_OIDC_CREATE="yes").test_client()
    address = urlsplit(depart(client))
    query = {name: values[0] for name, values in parse_qs(address.query).items()} | {"nonce": "mine"}
    changed = address._replace(query=urlencode(query)).geturl()
    assert come_back(client, changed, "sub-nonce") == "/#provider-broken"


def test_an_answer_to_somebody_elses_question_is_refused(house: House, issuer: str) -> None:
    """A stranger's answer slipped to a member of staff would sign her in as the stranger."""
    app = house(BAKEN_OIDC_CREATE="yes")
    be(issuer, "sub-stranger")
    stranger, member = app.test_client(), app.test_client()
    strangers, _members = depart(stranger), depart(member)
    back = urlsplit(httpx.post(strangers, data={"sub": "sub-stranger"}).headers["Location"])
    for client in (member, app.test_client()):
        assert client.get(f"/api/session/oidc/return?{back.query}").headers["Location"] == "/#provider-broken"
    assert stranger.get(f"/api/session/oidc/return?{back.query}").headers["Location"] == "/"


@pytest.mark.parametrize(
    "query", ["", "code=x", "state=x", "error=access_denied", "code=x&state=\ud7ff", "state=" + "x" * 3000]
)
def test_an_answer_that_is_none_leads_back_to_the_sign_in(house: House, query: str) -> None:
    client = house().test_client()
    depart(client)
    assert client.get(f"/api/session/oidc/return?{query}").headers["Location"] == "/#provider-broken"


def test_a_code_that_the_provider_never_gave_is_refused(house: House) -> None:
    client = house().test_client()
    state = parse_qs(urlsplit(depart(client)).query)["state"][0]
    end = client.get(f"/api/session/oidc/return?code=made-up&state={state}").headers["Location"]
    assert end == "/#provider-broken"


def test_who_takes_too_long_at_the_provider_begins_anew(
    house: House, issuer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(issuer, "sub-slow")
    client = house(BAKEN_OIDC_CREATE="yes").test_client()
    address = depart(client)
    late = datetime.now(UTC) + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: late)
    assert come_back(client, address, "sub-slow") == "/#provider-broken"


@pytest.mark.parametrize("cookie", ["", "x", "AAAA", "ä", "a" * 4000])
def test_a_made_up_journey_is_none(house: House, cookie: str) -> None:
    client = house().test_client()
    client.set_cookie(oidc.JOURNEY_COOKIE, cookie, path="/api/session/oidc")
    assert client.get("/api/session/oidc/return?code=x&state=").headers["Location"] == "/#provider-broken"


def test_with_the_provider_away_the_page_says_so_and_the_password_works(sqlite_engine: Engine) -> None:
    (port,) = free_ports(1)
    add(sqlite_engine, "olga", Role.OPERATOR, clock.now())
    blueprints = [*routes.control_blueprints, *own.control_blueprints, *oidc.control_blueprints]
    values = settings_of(f"http://127.0.0.1:{port}", BAKEN_STAFF_TOTP="optional")
    app = make_host(sqlite_engine, blueprints, routes.identify_staff, **values)
    client = app.test_client()
    for _ in range(2):  # the second one is not kept waiting
        assert client.get("/api/session/oidc").headers["Location"] == "/#provider-away"
    body = {"login": "olga", "secret": SECRET}
    assert client.post("/api/session", json=body).json == {"login": "olga", "role": "operator"}


def test_a_provider_that_goes_away_half_way_is_told_as_well(sqlite_engine: Engine, tmp_path: Path) -> None:
    with provider(tmp_path) as address:
        values = settings_of(address, BAKEN_OIDC_CREATE="yes")
        app = make_host(
            sqlite_engine,
            [*routes.control_blueprints, *oidc.control_blueprints],
            routes.identify_staff,
            **values,
        )
        client = app.test_client()
        back = urlsplit(httpx.post(depart(client), data={"sub": "x"}).headers["Location"])
    end = client.get(f"/api/session/oidc/return?{back.query}").headers["Location"]
    assert end == "/#provider-away"


def test_an_address_that_is_no_provider_is_told_as_one_that_is_away(
    sqlite_engine: Engine, issuer: str
) -> None:
    values = settings_of(f"{issuer}/nowhere")
    app = make_host(sqlite_engine, [*oidc.control_blueprints], routes.identify_staff, **values)
    assert app.test_client().get("/api/session/oidc").headers["Location"] == "/#provider-away"


def test_without_a_provider_the_page_offers_none(sqlite_engine: Engine) -> None:
    app = make_host(sqlite_engine, [*oidc.control_blueprints])
    client = app.test_client()
    assert client.get("/api/session/ways").json == {"provider": False, "code_is_demanded": False}
    assert client.get("/api/session/oidc").status_code == 409
    assert client.get("/api/session/oidc/return").status_code == 409


def test_the_page_is_told_that_there_is_one(house: House) -> None:
    client = house().test_client()
    assert client.get("/api/session/ways").json == {"provider": True, "code_is_demanded": True}

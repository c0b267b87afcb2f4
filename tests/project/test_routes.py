"""Who may call what: the whole matrix, so that a change of it is seen in review, and the guard keeping it."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import routes as accounts
from api.accounts import service
from api.accounts.model import STAFF, Role
from api.accounts.model.keys import BURST, KeyDraft, Scope
from api.accounts.model.staff import ENROLLING, Purpose
from api.accounts.service.keys import add_key
from api.app import Audience, create_app
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import transaction
from api.launch.matrix import ACTORS, EVERYBODY, SIGNER, Entry, entries_of, matrix_of
from tests.project.sources import ROOT

SNAPSHOT = ROOT / "ops/contracts/routes.txt"
COOKIES = {Audience.CONTROL: accounts.STAFF_COOKIE, Audience.APP: accounts.PERSON_COOKIE}


@pytest.fixture
def settings(server_key: bytes) -> Settings:
    return Settings.from_env({"BAKEN_HOME": "nowhere", "BAKEN_SERVER_KEY": server_key.hex()})


@pytest.fixture(params=list(Audience))
def audience(request: pytest.FixtureRequest) -> Audience:
    given: Audience = request.param
    return given


@pytest.fixture
def app(sqlite_engine: Engine, settings: Settings, audience: Audience) -> Flask:
    return create_app(settings, sqlite_engine, audience)


@pytest.fixture
def entries(app: Flask, audience: Audience) -> list[Entry]:
    return list(entries_of(app, audience))


@pytest.fixture
def tokens(sqlite_engine: Engine) -> Callable[[str], str]:
    """Give a new session of an account of this role, or of one that sets up its second factor."""
    found = {}
    with transaction(sqlite_engine) as session:
        for actor in ACTORS:
            role = Role.SUPERVISOR if actor == ENROLLING else Role(actor)
            found[actor] = service.add_account(session, actor, "correct horse", role, None, clock.now())

    def token(actor: str) -> str:
        purpose = Purpose.ENROLMENT if actor == ENROLLING else Purpose.FULL
        with transaction(sqlite_engine) as session:
            return service.open_session(session, found[actor], clock.now(), purpose)

    return token


def key_of(engine: Engine, scopes: frozenset[Scope]) -> dict[str, str]:
    """The header of a new key with these scopes."""
    now = clock.now()
    with transaction(engine) as session:
        draft = KeyDraft("test", scopes, now + timedelta(days=1))
        return {"Authorization": f"Bearer {add_key(session, draft, uuid.uuid4(), now).text}"}


def client_of(app: Flask, audience: Audience, token: str | None) -> FlaskClient:
    client = app.test_client()
    if token is not None:
        client.set_cookie(COOKIES[audience], token)
    return client


def call(client: FlaskClient, entry: Entry, headers: dict[str, str] | None = None) -> Any:
    """Call with an id that belongs to nothing; the answer is not read: a stream would not end."""
    filled = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=0)), entry.address)
    filled = re.sub(r"<(\w+:)?\w+>", "x", filled)
    body: dict[str, Any] | None = None if entry.method in {"GET", "DELETE"} else {}
    response = client.open(filled, method=entry.method, json=body, headers=headers)
    response.close()
    return response


@pytest.fixture
def passed(app: Flask) -> list[str | None]:
    """The endpoints of requests that got past the guard."""
    seen: list[str | None] = []
    app.before_request(lambda: seen.append(request.endpoint))  # runs when the guard has not answered
    return seen


def test_the_matrix_is_the_one_that_was_agreed_upon(settings: Settings) -> None:
    """A change of it is seen in review: `python -m api routes > ops/contracts/routes.txt`."""
    assert matrix_of(settings) == SNAPSHOT.read_text(encoding="utf-8")


def test_every_route_says_who_may_call_it(entries: list[Entry]) -> None:
    assert [entry for entry in entries if not entry.allowed] == []
    known = {*ACTORS, EVERYBODY, SIGNER}
    assert {role for entry in entries for role in entry.allowed or ()} <= known
    assert {entry.scope for entry in entries if entry.scope} <= {scope.value for scope in Scope}


def test_a_key_gets_in_only_beside_people_and_never_where_everybody_may(entries: list[Entry]) -> None:
    for entry in entries:
        if entry.scope is not None:
            assert not {EVERYBODY, SIGNER, ENROLLING, Role.PROTECTED_PERSON} & (entry.allowed or frozenset())


def test_who_has_not_signed_in_gets_nothing_but_what_is_public(
    app: Flask, audience: Audience, entries: list[Entry], passed: list[str | None]
) -> None:
    client = client_of(app, audience, None)
    for entry in entries:
        status = call(client, entry).status_code
        is_public = EVERYBODY in (entry.allowed or ())
        assert bool(passed) is is_public, entry
        assert is_public or status == 401, entry
        passed.clear()


@pytest.mark.parametrize("actor", ACTORS)
def test_each_role_gets_exactly_what_the_matrix_says(
    app: Flask,
    audience: Audience,
    entries: list[Entry],
    tokens: Callable[[str], str],
    passed: list[str | None],
    actor: str,
) -> None:
    client = client_of(app, audience, tokens(actor))
    for entry in entries:
        status = call(client, entry).status_code
        assert passed == ([entry.endpoint] if entry.admits(actor) else []), entry
        assert status < 500
        if entry.admits(actor):  # signing out, or ending one's sessions, is one of these
            client = client_of(app, audience, tokens(actor))
        else:
            assert status == (401 if SIGNER in (entry.allowed or ()) else 404), entry
        passed.clear()


def test_a_key_with_every_scope_gets_in_where_its_scope_is_named_and_nowhere_else(
    app: Flask, audience: Audience, entries: list[Entry], sqlite_engine: Engine, passed: list[str | None]
) -> None:
    client, headers = client_of(app, audience, None), key_of(sqlite_engine, frozenset(Scope))
    for place, entry in enumerate(entries, start=1):
        if place % BURST == 0:  # more than a key may call at once
            headers = key_of(sqlite_engine, frozenset(Scope))
        status = call(client, entry, headers).status_code
        is_let_in = entry.scope is not None or EVERYBODY in (entry.allowed or ())
        assert bool(passed) is is_let_in, entry
        assert status < 500
        if not is_let_in:
            is_signer = SIGNER in (entry.allowed or ())
            assert status == (401 if is_signer or audience is Audience.APP else 404), entry
        passed.clear()


def test_a_key_without_the_scope_cannot_tell_that_a_route_exists(
    app: Flask, audience: Audience, entries: list[Entry], sqlite_engine: Engine
) -> None:
    client = client_of(app, audience, None)
    for scope in Scope:
        headers = key_of(sqlite_engine, frozenset(Scope) - {scope})
        for entry in entries:
            if entry.scope == scope:
                assert call(client, entry, headers).status_code == 404, entry


def test_a_session_beside_a_key_counts_for_nothing(
    app: Flask,
    audience: Audience,
    entries: list[Entry],
    sqlite_engine: Engine,
    tokens: Callable[[str], str],
) -> None:
    if audience is Audience.APP:
        return  # no key is known there: the header means nothing, the session does
    client = client_of(app, audience, tokens(Role.SUPERVISOR))
    wrong = {"Authorization": "Bearer bk_wrong"}
    none = key_of(sqlite_engine, frozenset({Scope.HEALTH_READ}))
    for place, entry in enumerate(entries, start=1):
        if place % BURST == 0:  # more than a key may call at once
            none = key_of(sqlite_engine, frozenset({Scope.HEALTH_READ}))
        if not {EVERYBODY, SIGNER} & (entry.allowed or frozenset()):
            assert call(client, entry, wrong).status_code == 401, entry
            if entry.scope != Scope.HEALTH_READ:
                assert call(client, entry, none).status_code == 404, entry


def test_a_session_of_one_host_opens_nothing_at_the_other(
    app: Flask, audience: Audience, entries: list[Entry], tokens: Callable[[str], str]
) -> None:
    strangers = {Audience.CONTROL: [Role.PROTECTED_PERSON], Audience.APP: sorted(STAFF)}
    for role in strangers[audience]:
        token = tokens(role)
        for cookie in COOKIES.values():
            client = app.test_client()
            client.set_cookie(cookie, token)
            for entry in entries:
                if EVERYBODY not in (entry.allowed or ()):
                    assert call(client, entry).status_code in {401, 404}


def test_the_hosts_share_no_address_but_their_front_page(sqlite_engine: Engine, settings: Settings) -> None:
    control, neutral = (
        {entry.address for entry in entries_of(create_app(settings, sqlite_engine, audience), audience)}
        for audience in Audience
    )
    assert control & neutral == {"/"}

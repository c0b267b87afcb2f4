"""One's own second factor, sessions and password over HTTP."""

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import routes
from api.accounts.model import LOCK_AFTER_FAILURES, Role
from api.accounts.routes import own
from api.kernel import clock
from tests.accounts.hosts import make_host
from tests.accounts.staff import SECRET, add, code_of


@pytest.fixture
def house(sqlite_engine: Engine) -> Flask:
    """A house that demands a second factor, and an operator without one."""
    add(sqlite_engine, "olga", Role.OPERATOR, clock.now())
    blueprints = (*routes.control_blueprints, *own.control_blueprints)
    return make_host(sqlite_engine, blueprints, BAKEN_STAFF_TOTP="required")


def sign_in(client: FlaskClient, code: str = "", secret: str = SECRET) -> Any:
    return client.post("/api/session", json={"login": "olga", "secret": secret, "code": code})


def enrol(client: FlaskClient) -> tuple[str, list[str]]:
    secret = client.post("/api/session/totp").json["secret"]  # type: ignore[index]  # an answer has a body
    answer = client.post("/api/session/totp/confirmation", json={"code": code_of(secret, clock.now())})
    assert answer.status_code == 200
    return secret, answer.json["recovery_codes"]  # type: ignore[index]  # as above


def test_the_first_sign_in_leads_to_enrolment_only_and_enrolment_signs_in(house: Flask) -> None:
    client = house.test_client()
    assert sign_in(client).json == {"login": "olga", "role": "enrolling"}
    assert client.get("/api/session").json == {"login": "olga", "role": "enrolling"}
    assert client.get("/api/session/all").status_code == 404
    assert client.put("/api/session/secret", json={}).status_code == 404
    assert client.get("/api/session/totp").json == {"is_set_up": False, "recovery_codes_left": 0}
    enrol(client)
    assert client.get("/api/session").json == {"login": "olga", "role": "operator"}
    assert client.get("/api/session/totp").json == {"is_set_up": True, "recovery_codes_left": 10}
    assert client.get("/api/session/all").status_code == 200
    assert client.post("/api/session/totp").status_code == 409


def test_the_cookie_of_enrolment_lasts_a_quarter_of_an_hour(house: Flask) -> None:
    assert "Max-Age=900" in sign_in(house.test_client()).headers["Set-Cookie"]


def test_the_picture_is_one_of_ours_and_says_the_address(house: Flask) -> None:
    client = house.test_client()
    sign_in(client)
    answer = client.post("/api/session/totp").json
    assert answer is not None
    kind, _, data = answer["picture"].partition(",")
    assert kind.startswith("data:image/svg+xml")
    picture = base64.b64decode(data).decode() if "base64" in kind else unquote(data)
    assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314 - our own
    assert answer["secret"] in answer["uri"]


def test_a_wrong_first_code_is_refused_and_signs_nobody_in(house: Flask) -> None:
    client = house.test_client()
    sign_in(client)
    assert client.post("/api/session/totp/confirmation", json={"code": "000000"}).status_code == 409
    client.post("/api/session/totp")
    assert client.post("/api/session/totp/confirmation", json={"code": "000000"}).status_code == 403
    assert client.get("/api/session/all").status_code == 404


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "12345٣", "123456\n", 123456, None])
def test_a_code_that_cannot_be_is_422(house: Flask, code: Any) -> None:
    client = house.test_client()
    sign_in(client)
    client.post("/api/session/totp")
    answer = client.post("/api/session/totp/confirmation", json={"code": code})
    assert answer.status_code == 422
    assert "code" in answer.json["errors"]["json"]  # type: ignore[index]  # as above


def test_with_a_second_factor_every_wrong_try_looks_the_same(
    house: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = house.test_client()
    sign_in(client)
    secret, codes = enrol(client)
    monkeypatch.setattr(clock, "now", lambda: datetime(2030, 1, 1, tzinfo=UTC))
    wrong = [
        sign_in(house.test_client()),
        sign_in(house.test_client(), code_of(secret, clock.now()), "wrong"),
        sign_in(house.test_client(), "000000"),
        sign_in(house.test_client(), codes[0][:-1]),
    ]
    assert {answer.status_code for answer in wrong} == {403}
    assert len({answer.data for answer in wrong}) == 1
    assert sign_in(house.test_client(), code_of(secret, clock.now())).status_code == 200
    assert sign_in(house.test_client(), code_of(secret, clock.now())).status_code == 403
    assert sign_in(house.test_client(), codes[0]).json == {"login": "olga", "role": "operator"}


@pytest.mark.parametrize("code", ["x" * 41, "\ud800", "\x00", 123456, None])
def test_a_sign_in_whose_code_cannot_be_is_422(house: Flask, code: Any) -> None:
    assert sign_in(house.test_client(), code).status_code == 422


def test_own_sessions_are_listed_with_this_one_marked_and_others_end(house: Flask) -> None:
    first = house.test_client()
    sign_in(first)
    _secret, codes = enrol(first)
    second, third = house.test_client(), house.test_client()
    sign_in(second, codes[0])
    sign_in(third, codes[1])
    listed = first.get("/api/session/all").json
    assert listed is not None
    assert sum(one["is_this"] for one in listed) == 1
    assert len(listed) == 3
    newest = listed[0]["id"]
    assert first.delete(f"/api/session/all/{newest}").status_code == 204
    assert first.delete(f"/api/session/all/{newest}").status_code == 204
    assert third.get("/api/session").status_code == 401
    assert second.get("/api/session").status_code == 200
    assert first.delete("/api/session/all").status_code == 204
    assert second.get("/api/session").status_code == 401
    assert first.get("/api/session").status_code == 200


def test_one_changes_ones_password_and_guessing_at_it_makes_the_account_rest(house: Flask) -> None:
    client = house.test_client()
    sign_in(client)
    _secret, codes = enrol(client)
    body = {"secret": SECRET, "new_secret": "a new horse"}
    assert client.put("/api/session/secret", json=body | {"new_secret": "short"}).status_code == 422
    assert client.put("/api/session/secret", json=body | {"secret": "wrong"}).status_code == 403
    assert client.put("/api/session/secret", json=body).status_code == 204
    assert client.get("/api/session").status_code == 200
    assert sign_in(house.test_client(), codes[0]).status_code == 403
    assert sign_in(house.test_client(), codes[0], "a new horse").status_code == 200
    for _ in range(LOCK_AFTER_FAILURES):
        client.put("/api/session/secret", json=body)
    assert client.put("/api/session/secret", json=body | {"secret": "a new horse"}).status_code == 403


def test_a_session_of_which_nothing_is_heard_ends_and_one_in_use_goes_on(
    house: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, idle = house.test_client(), house.test_client()
    sign_in(client)
    _secret, codes = enrol(client)
    sign_in(idle, codes[0])
    began = clock.now()
    for minute in range(0, 12 * 60, 20):
        monkeypatch.setattr(clock, "now", lambda minute=minute: began.replace() + minute * _MINUTE)
        assert client.get("/api/session").status_code == 200, minute
    assert idle.get("/api/session").status_code == 401
    monkeypatch.setattr(clock, "now", lambda: began + 12 * 60 * _MINUTE)
    assert client.get("/api/session").status_code == 401


_MINUTE = datetime(2026, 1, 1, 0, 1, tzinfo=UTC) - datetime(2026, 1, 1, tzinfo=UTC)

"""Signing in over HTTP at both hosts."""

import threading
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import routes, service
from api.accounts.model import LOCK_AFTER_FAILURES, Role
from api.kernel import clock, crypto
from api.kernel.db import transaction
from tests.accounts.hosts import make_host, signed_in
from tests.accounts.persons import add_person

WRONG: list[dict[str, Any]] = [
    {"login": "olga", "secret": "wrong"},
    {"login": "nobody", "secret": "correct horse"},
    {"login": "OLGA", "secret": "correct horse"},
    {"login": "' OR 1=1 --", "secret": "x"},
]


@pytest.fixture
def control(sqlite_engine: Engine) -> Flask:
    with transaction(sqlite_engine) as session:
        service.add_account(session, "olga", "correct horse", Role.OPERATOR, None, clock.now())
    return make_host(sqlite_engine, routes.control_blueprints)


@pytest.fixture
def neutral(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, routes.app_blueprints, routes.identify_person)


@pytest.fixture
def credentials(sqlite_engine: Engine) -> dict[str, str]:
    with transaction(sqlite_engine) as session:
        number, pin = add_person(session, uuid.uuid4(), clock.now())
    return {"number": number, "pin": pin}


def sign_in(client: FlaskClient, **body: Any) -> Any:
    return client.post("/api/session", json=body)


def test_staff_sign_in_are_named_and_sign_out(control: Flask) -> None:
    client = control.test_client()
    assert client.get("/api/session").status_code == 401
    answer = sign_in(client, login="olga", secret="correct horse")
    assert (answer.status_code, answer.json) == (200, {"login": "olga", "role": "operator"})
    assert client.get("/api/session").json == {"login": "olga", "role": "operator"}
    assert client.delete("/api/session").status_code == 204
    assert client.get("/api/session").status_code == 401


def test_signing_out_ends_the_session_itself_and_not_only_the_cookie(control: Flask) -> None:
    client = control.test_client()
    sign_in(client, login="olga", secret="correct horse")
    cookie = client.get_cookie("session")
    assert cookie is not None
    client.delete("/api/session")
    client.set_cookie("session", cookie.value)
    assert client.get("/api/session").status_code == 401


def test_no_script_reads_the_cookie_and_no_other_site_sends_it(control: Flask) -> None:
    header = sign_in(control.test_client(), login="olga", secret="correct horse").headers["Set-Cookie"]
    parts = {part.strip() for part in header.split(";")}
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= parts
    assert "Secure" not in parts


def test_behind_https_the_cookie_is_secure(sqlite_engine: Engine, credentials: dict[str, str]) -> None:
    app = make_host(sqlite_engine, routes.app_blueprints, routes.identify_person, BAKEN_TLS="yes")
    answer = app.test_client().post("/session", json=credentials)
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers


@pytest.mark.parametrize("body", WRONG)
def test_whatever_is_wrong_the_answer_is_the_same(control: Flask, body: dict[str, str]) -> None:
    answer = sign_in(control.test_client(), **body)
    assert answer.status_code == 403
    assert answer.json["code"] == 403
    assert "Set-Cookie" not in answer.headers
    assert answer.data == sign_in(control.test_client(), **WRONG[0]).data


def test_failures_count_although_each_is_answered_403(control: Flask) -> None:
    client = control.test_client()
    for _ in range(LOCK_AFTER_FAILURES):
        assert sign_in(client, login="olga", secret="wrong").status_code == 403
    assert sign_in(client, login="olga", secret="correct horse").status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"login": "olga"}, "secret"),
        ({"secret": "x"}, "login"),
        ({"login": "", "secret": "x"}, "login"),
        ({"login": 7, "secret": "x"}, "login"),
        ({"login": "olga", "secret": None}, "secret"),
        ({"login": "olga", "secret": "x" * 257}, "secret"),
        ({"login": "ol\ud800ga", "secret": "x"}, "login"),
        ({"login": "olga", "secret": "\udfff"}, "secret"),
        ({"login": "ol\x00ga", "secret": "x"}, "login"),
        ({"login": "olga", "secret": "x", "remember": True}, "remember"),
    ],
)
def test_a_body_that_cannot_be_is_422_and_names_the_field(
    control: Flask, body: dict[str, Any], field: str
) -> None:
    answer = sign_in(control.test_client(), **body)
    assert answer.status_code == 422
    assert field in answer.json["errors"]["json"]


@pytest.mark.parametrize("body", ["", "{", "[]", '"x"', "null", "NaN"])
def test_what_is_not_an_object_is_refused_and_breaks_nothing(control: Flask, body: str) -> None:
    answer = control.test_client().post("/api/session", data=body, content_type="application/json")
    assert answer.status_code in {400, 422}


def test_she_signs_in_with_spaces_in_her_number(neutral: Flask, credentials: dict[str, str]) -> None:
    number = credentials["number"]
    client = neutral.test_client()
    spaced = " ".join(number[i : i + 4] for i in range(0, 16, 4))
    answer = client.post("/session", json={"number": spaced, "pin": credentials["pin"]})
    assert (answer.status_code, answer.json) == (200, {})
    assert client.delete("/session").status_code == 204
    assert client.delete("/session").status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "12"}, "number"),
        ({"number": "0" * 15 + "٣"}, "number"),
        ({"number": "0" * 15 + "\ud800"}, "number"),
        ({"pin": "12345"}, "pin"),
        ({"pin": "12345\n"}, "pin"),
        ({"pin": "12345٣"}, "pin"),
        ({"pin": 123456}, "pin"),
    ],
)
def test_digits_that_cannot_be_are_422(
    neutral: Flask, credentials: dict[str, str], change: dict[str, Any], field: str
) -> None:
    answer = neutral.test_client().post("/session", json=credentials | change)
    assert answer.status_code == 422
    assert field in answer.json["errors"]["json"]  # type: ignore[index]  # an error has a body


def test_the_neutral_host_names_no_purpose(neutral: Flask, credentials: dict[str, str]) -> None:
    client = neutral.test_client()
    wrong = "295071" if credentials["pin"] != "295071" else "295072"
    said = client.post("/session", json=credentials | {"pin": wrong}).get_data(as_text=True)
    said += client.post("/session", json={}).get_data(as_text=True)
    said += client.delete("/session").get_data(as_text=True)
    for word in ("protect", "person", "account", "secret", "alert", "order", "police", "wearer", "lock"):
        assert word not in said.lower()


def test_a_session_of_one_host_is_nothing_at_the_other(control: Flask, neutral: Flask) -> None:
    person = signed_in(neutral, Role.PROTECTED_PERSON)
    token = person.get_cookie(routes.PERSON_COOKIE)
    assert token is not None
    at_control = control.test_client()
    at_control.set_cookie(routes.STAFF_COOKIE, token.value)
    assert at_control.get("/api/session").status_code == 404
    staff = signed_in(control, Role.SUPERVISOR)
    token = staff.get_cookie(routes.STAFF_COOKIE)
    assert token is not None
    at_neutral = neutral.test_client()
    at_neutral.set_cookie(routes.PERSON_COOKIE, token.value)
    assert at_neutral.delete("/session").status_code == 404


def test_both_hosts_on_one_machine_do_not_sign_each_other_out(
    control: Flask, neutral: Flask, credentials: dict[str, str]
) -> None:
    """Cookies ignore ports: one name for both would make the demo's two pages fight."""
    staff = sign_in(control.test_client(), login="olga", secret="correct horse").headers["Set-Cookie"]
    hers = neutral.test_client().post("/session", json=credentials).headers["Set-Cookie"]
    assert staff.split("=")[0] != hers.split("=")[0]


@pytest.mark.parametrize("token", ["", "x", "\ufffd", "a" * 4000])
def test_a_made_up_cookie_is_nobody(control: Flask, token: str) -> None:
    client = control.test_client()
    client.set_cookie("session", token)
    assert client.get("/api/session").status_code == 401


def test_who_floods_the_sign_in_is_turned_away_and_stops_nothing_else(
    neutral: Flask, credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = threading.BoundedSemaphore(1)
    full.acquire()
    monkeypatch.setattr(crypto, "_WAITING", full)
    client = neutral.test_client()
    answer = client.post("/session", json=credentials)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    full.release()
    assert client.post("/session", json=credentials).status_code == 200

"""Limits over HTTP: who reads them, who changes them, and what is refused."""

import uuid
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts.model import Role
from api.geofence.model import Limits
from api.geofence.routes import limits
from api.geofence.rules.limits import BOUNDS
from api.kernel.db import transaction
from tests.accounts.hosts import make_host, signed_in
from tests.orders import register

BODY: dict[str, Any] = {"limits": {"silence_s": 300}, "reason": "he has moved next door"}


@pytest.fixture
def client(sqlite_engine: Engine) -> FlaskClient:
    return signed_in(make_host(sqlite_engine, (limits.blueprint,)), Role.SUPERVISOR)


@pytest.fixture
def address(sqlite_engine: Engine) -> str:
    with transaction(sqlite_engine) as session:
        order_id: UUID = register.add_order(session).id
    return f"/api/orders/{order_id}/limits"


def read_tag(client: FlaskClient, address: str) -> dict[str, str]:
    return {"If-Match": client.get(address).headers["ETag"]}


def test_the_house_s_limits_are_shown_with_what_is_allowed(client: FlaskClient) -> None:
    shown = client.get("/api/limits").get_json()
    assert [one["name"] for one in shown] == list(BOUNDS)
    (silence,) = (one for one in shown if one["name"] == "silence_s")
    assert silence == {
        "name": "silence_s",
        "value": 600.0,
        "default": 600.0,
        "low": 60.0,
        "high": 14_400.0,
        "unit": "s",
        "scope": "order",
    }


def test_the_limits_of_this_house_are_those_that_it_was_started_with(client: FlaskClient) -> None:
    client.application.extensions["baken.limits"] = Limits(silence_s=900.0)
    (silence,) = (one for one in client.get("/api/limits").get_json() if one["name"] == "silence_s")
    assert (silence["value"], silence["default"]) == (900.0, 600.0)


def test_an_order_s_limits_are_changed_by_who_has_read_them(client: FlaskClient, address: str) -> None:
    before = client.get(address).get_json()
    assert (before["version"], before["overrides"], before["versions"]) == (0, {}, [])
    assert before["effective"] == before["house"]
    changed = client.put(address, json=BODY, headers=read_tag(client, address))
    assert changed.status_code == 200
    shown = changed.get_json()
    assert shown == client.get(address).get_json()
    assert (shown["version"], shown["overrides"], shown["usable"]) == (1, {"silence_s": 300.0}, True)
    assert shown["effective"] == before["house"] | {"silence_s": 300.0}
    (version,) = shown["versions"]
    assert version["reason"] == BODY["reason"]
    assert version["author_id"]


def test_a_change_without_having_read_is_refused(client: FlaskClient, address: str) -> None:
    stale = read_tag(client, address)
    assert client.put(address, json=BODY).status_code == 428
    assert client.put(address, json=BODY, headers=stale).status_code == 200
    assert client.put(address, json=BODY, headers=stale).status_code == 412
    assert client.get(address).get_json()["version"] == 1


@pytest.mark.parametrize(
    ("limits_said", "field"),
    [
        ({"silence_s": 5}, "silence_s"),
        ({"silence_s": "300"}, "silence_s"),
        ({"silence_s": None}, "silence_s"),
        ({"silence_s": True}, "silence_s"),
        ({"silence_s": {"value": 300}}, "silence_s"),
        ({"late_s": 60}, "late_s"),
        ({"sílence_s": 300}, "sílence_s"),
        ({"confirm_fixes": 5}, "confirm_fixes"),
    ],
)
def test_a_limit_that_cannot_be_is_named(
    client: FlaskClient, address: str, limits_said: dict[str, Any], field: str
) -> None:
    answer = client.put(
        address, json={"limits": limits_said, "reason": "x"}, headers=read_tag(client, address)
    )
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]["json"]) == [field]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"limits": {}}, "reason"),
        ({"limits": {}, "reason": ""}, "reason"),
        ({"limits": {}, "reason": " \n"}, "reason"),
        ({"limits": {}, "reason": "a\x00"}, "reason"),
        ({"limits": {}, "reason": "a\ud800"}, "reason"),
        ({"limits": {}, "reason": "x" * 501}, "reason"),
        ({"reason": "x"}, "limits"),
        ({"limits": [], "reason": "x"}, "limits"),
        ({"limits": {str(n): n for n in range(len(BOUNDS) + 1)}, "reason": "x"}, "limits"),
        ({"limits": {}, "reason": "x", "silence_s": 300}, "silence_s"),
    ],
)
def test_a_body_that_cannot_be_is_refused(
    client: FlaskClient, address: str, body: dict[str, Any], field: str
) -> None:
    answer = client.put(address, json=body, headers=read_tag(client, address))
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]["json"]) == [field]


def test_an_order_that_is_not_there_is_404(client: FlaskClient) -> None:
    address = f"/api/orders/{uuid.uuid4()}/limits"
    assert client.get(address).status_code == 404
    assert client.put(address, json=BODY, headers={"If-Match": '"x"'}).status_code == 404


def test_an_operator_reads_and_does_not_change(sqlite_engine: Engine, address: str) -> None:
    operator = signed_in(make_host(sqlite_engine, (limits.blueprint,)), Role.OPERATOR)
    tag = read_tag(operator, address)
    assert operator.put(address, json=BODY, headers=tag).status_code == 404
    assert operator.get("/api/limits").status_code == 200

"""Exemptions over HTTP: who may agree to one, what is refused, what is shown."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from api.accounts import routes as account_routes
from api.accounts.model import Role
from api.kernel.db import transaction
from api.orders.routes import control_blueprints
from tests.accounts.hosts import make_host, signed_in
from tests.orders.register import add_order

Json = dict[str, Any]
UNKNOWN = str(uuid.UUID(int=7))


@pytest.fixture
def host(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, [*account_routes.control_blueprints, *control_blueprints])


@pytest.fixture
def supervisor(host: Flask) -> Any:
    return signed_in(host, Role.SUPERVISOR)


@pytest.fixture
def path(sqlite_engine: Engine) -> str:
    with transaction(sqlite_engine) as session:
        return f"/api/orders/{add_order(session).id}/exemptions"


@pytest.fixture
def body() -> Json:
    begin = datetime.now(UTC).replace(microsecond=0)
    return {
        "kind": "agreed_handover",
        "reason": "Overdracht van de kinderen, afspraak met de gezinsvoogd",
        "person_ids": [],
        "zone_ids": [UNKNOWN],
        "place": {"lat": 51.9225, "lon": 4.4792, "radius_m": 200.0},
        "valid_from": begin.isoformat(),
        "valid_until": (begin + timedelta(hours=2)).isoformat(),
    }


def test_a_supervisor_agrees_and_every_role_of_staff_reads(
    host: Flask, supervisor: Any, path: str, body: Json
) -> None:
    answer = supervisor.post(path, json=body)
    assert answer.status_code == 201
    made = answer.json
    assert made == made | body | {"order_id": path.split("/")[3], "ended_at": None, "ended_by": None}
    assert made["created_by"] is not None
    operator: Any = signed_in(host, Role.OPERATOR)
    assert operator.get(path).json == [made]
    for url in (path, f"{path}/{made['id']}/end"):
        assert operator.post(url, json=body).status_code == 404
    assert operator.get(path).json == [made]
    assert host.test_client().get(path).status_code == 401


def test_what_is_not_said_is_everybody_everywhere(supervisor: Any, path: str, body: Json) -> None:
    for field in ("person_ids", "zone_ids", "place"):
        del body[field]
    made = supervisor.post(path, json=body).json
    assert (made["person_ids"], made["zone_ids"], made["place"]) == ([], [], None)


def test_an_end_may_be_asked_for_twice(supervisor: Any, path: str, body: Json) -> None:
    url = f"{path}/{supervisor.post(path, json=body).json['id']}/end"
    ended = supervisor.post(url)
    assert ended.status_code == 200
    assert ended.json["ended_at"] is not None
    assert supervisor.post(url).json == ended.json
    assert supervisor.get(path).json == [ended.json]


def test_what_is_not_there_is_not_found(supervisor: Any, path: str, body: Json) -> None:
    nowhere = f"/api/orders/{UNKNOWN}/exemptions"
    assert supervisor.get(nowhere).status_code == 404
    assert supervisor.post(nowhere, json=body).status_code == 404
    assert supervisor.post(f"{path}/{UNKNOWN}/end").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "holiday"}, "kind"),
        ({"kind": None}, "kind"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
        ({"person_ids": [UNKNOWN]}, "person_ids"),
        ({"person_ids": None}, "person_ids"),
        ({"zone_ids": ["home"]}, "zone_ids"),
        ({"zone_ids": [UNKNOWN, UNKNOWN]}, "zone_ids"),
        ({"place": {"lat": 91, "lon": 4, "radius_m": 200}}, "place"),
        ({"place": {"lat": 51, "lon": 4, "radius_m": 10}}, "place"),
        ({"place": {"lat": 51, "lon": 4}}, "place"),
        ({"place": {"lat": 51, "radius_m": 200}}, "place"),
        ({"place": []}, "place"),
        ({"valid_until": None}, "valid_until"),
        ({"valid_until": "2200-01-01T00:00:00Z"}, "valid_until"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "valid_until"),
        ({"valid_from": "2020-01-01T00:00:00"}, "valid_from"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
    ],
)
def test_an_exemption_that_cannot_be_is_422_and_names_the_field(
    supervisor: Any, path: str, body: Json, change: Json, field: str
) -> None:
    answer = supervisor.post(path, json=body | change)
    assert answer.status_code == 422, answer.data
    assert field in answer.json["errors"]["json"]
    assert supervisor.get(path).json == []


@pytest.mark.parametrize("field", ["kind", "reason", "valid_from", "valid_until"])
def test_an_exemption_has_a_reason_and_an_end(supervisor: Any, path: str, body: Json, field: str) -> None:
    del body[field]
    answer = supervisor.post(path, json=body)
    assert (answer.status_code, list(answer.json["errors"]["json"])) == (422, [field])

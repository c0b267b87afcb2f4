"""Administration over HTTP: what it takes, what it refuses and what it never tells."""

import json
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.accounts import routes as account_routes
from api.accounts.model import Role
from api.kernel.db import reading
from api.orders.routes import control_blueprints
from tests.accounts.hosts import make_host, signed_in

Json = dict[str, Any]


@pytest.fixture
def host(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, [*account_routes.control_blueprints, *control_blueprints])


@pytest.fixture
def supervisor(host: Flask) -> FlaskClient:
    return signed_in(host, Role.SUPERVISOR)


@pytest.fixture
def operator(host: Flask) -> FlaskClient:
    return signed_in(host, Role.OPERATOR)


def post(client: Any, path: str, body: Json | None = None, status: int = 201) -> Any:
    answer = client.post(path, json=body) if body is not None else client.post(path)
    assert answer.status_code == status, answer.data
    return answer.json


def make_people(client: Any) -> tuple[str, str]:
    wearer = post(client, "/api/wearers", {"reference": "W-1", "name": "Jan Jansen"})
    person = post(client, "/api/protected-persons", {"reference": "P-1", "name": "Anna de Vries"})
    return wearer["id"], person["id"]


@pytest.fixture
def order_body(supervisor: Any) -> Json:
    wearer_id, person_id = make_people(supervisor)
    return {
        "reference": "C-1",
        "court": "Rechtbank Rotterdam",
        "wearer_id": wearer_id,
        "protected_person_ids": [person_id],
        "valid_from": "2026-11-23T12:00:00+01:00",
        "valid_until": None,
        "alert_radius_m": 500,
        "warning_radius_m": 1000,
        "exercise": True,
    }


DEVICE: Json = {"kind": "ankle_monitor", "label": "nr. 7", "sealed": True, "simulated": True}


def test_people_are_registered_shown_and_listed(supervisor: Any) -> None:
    for path in ("/api/wearers", "/api/protected-persons"):
        made = post(supervisor, path, {"reference": "R-1", "name": "Jan Łukasz"})
        assert made == {"id": made["id"], "reference": "R-1", "name": "Jan Łukasz"}
        assert supervisor.get(f"{path}/{made['id']}").json == made
        assert supervisor.get(path).json == [made]
        assert post(supervisor, path, {"reference": "R-1", "name": "Piet"}, 409)["errors"]["json"].keys() == {
            "reference"
        }


def test_an_order_is_registered_in_utc_shown_and_listed(supervisor: Any, order_body: Json) -> None:
    made = post(supervisor, "/api/orders", order_body)
    assert made == order_body | {
        "id": made["id"],
        "valid_from": "2026-11-23T11:00:00+00:00",
        "revoked_at": None,
        "alert_radius_m": 500.0,
        "warning_radius_m": 1000.0,
    }
    assert supervisor.get(f"/api/orders/{made['id']}").json == made
    assert supervisor.get("/api/orders").json == [made]


def test_an_order_is_real_unless_said_otherwise(supervisor: Any, order_body: Json) -> None:
    del order_body["exercise"]
    assert post(supervisor, "/api/orders", order_body)["exercise"] is False


def test_a_change_needs_the_etag_of_what_was_seen(supervisor: Any, order_body: Json) -> None:
    answer = supervisor.post("/api/orders", json=order_body)
    path, made_etag = f"/api/orders/{answer.json['id']}", answer.headers["ETag"]
    etag = supervisor.get(path).headers["ETag"]
    assert etag == made_etag
    change = order_body | {"court": "Rechtbank Utrecht"}
    assert supervisor.put(path, json=change).status_code == 428
    assert supervisor.put(path, json=change, headers={"If-Match": '"other"'}).status_code == 412
    changed = supervisor.put(path, json=change, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.json["court"] == "Rechtbank Utrecht"
    assert supervisor.put(path, json=order_body, headers={"If-Match": etag}).status_code == 412
    assert changed.headers["ETag"] == supervisor.get(path).headers["ETag"] != etag


def test_a_change_without_exercise_keeps_it_and_with_another_is_refused(
    supervisor: Any, order_body: Json
) -> None:
    answer = supervisor.post("/api/orders", json=order_body)
    path, headers = f"/api/orders/{answer.json['id']}", {"If-Match": answer.headers["ETag"]}
    refused = supervisor.put(path, json=order_body | {"exercise": False}, headers=headers)
    assert refused.status_code == 422
    assert "exercise" in refused.json["errors"]["json"]
    del order_body["exercise"]
    kept = supervisor.put(path, json=order_body, headers=headers)
    assert (kept.status_code, kept.json["exercise"]) == (200, True)


def test_what_has_not_changed_is_not_sent_again(supervisor: Any, order_body: Json) -> None:
    answer = supervisor.post("/api/orders", json=order_body)
    path = f"/api/orders/{answer.json['id']}"
    again = supervisor.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_revoked_order_is_shown_as_such_and_cannot_be_changed(supervisor: Any, order_body: Json) -> None:
    path = f"/api/orders/{post(supervisor, '/api/orders', order_body)['id']}"
    revoked = post(supervisor, f"{path}/revocation", status=200)
    assert revoked["revoked_at"] is not None
    assert post(supervisor, f"{path}/revocation", status=200) == revoked
    etag = supervisor.get(path).headers["ETag"]
    assert supervisor.put(path, json=order_body, headers={"If-Match": etag}).status_code == 409


UNKNOWN = str(uuid.UUID(int=7))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reference": ""}, "reference"),
        ({"reference": "   "}, "reference"),
        ({"reference": None}, "reference"),
        ({"reference": "x" * 101}, "reference"),
        ({"reference": "a\x00b"}, "reference"),
        ({"reference": "a\nb"}, "reference"),
        ({"court": "\ud800"}, "court"),
        ({"court": 7}, "court"),
        ({"wearer_id": "7"}, "wearer_id"),
        ({"wearer_id": 7}, "wearer_id"),
        ({"wearer_id": UNKNOWN}, "wearer_id"),
        ({"protected_person_ids": []}, "protected_person_ids"),
        ({"protected_person_ids": [UNKNOWN]}, "protected_person_ids"),
        ({"protected_person_ids": UNKNOWN}, "protected_person_ids"),
        ({"protected_person_ids": [None]}, "protected_person_ids"),
        ({"valid_from": "2026-11-23T12:00:00"}, "valid_from"),
        ({"valid_from": "23/11/2026"}, "valid_from"),
        ({"valid_from": 1790000000}, "valid_from"),
        ({"valid_from": "0001-01-01T00:00:00+14:00"}, "valid_from"),
        ({"valid_until": "9999-12-31T23:59:59-14:00"}, "valid_until"),
        ({"valid_until": "20266-01-01T00:00:00Z"}, "valid_until"),
        ({"valid_until": "2026-11-23T11:00:00Z"}, "valid_until"),
        ({"valid_until": False}, "valid_until"),
        ({"alert_radius_m": 49}, "alert_radius_m"),
        ({"alert_radius_m": "far"}, "alert_radius_m"),
        ({"alert_radius_m": True}, "alert_radius_m"),
        ({"alert_radius_m": float("nan")}, "alert_radius_m"),
        ({"alert_radius_m": 10**400}, "alert_radius_m"),
        ({"warning_radius_m": float("inf")}, "warning_radius_m"),
        ({"warning_radius_m": 499}, "warning_radius_m"),
        ({"warning_radius_m": 50_001}, "warning_radius_m"),
        ({"exercise": "no"}, "exercise"),
        ({"exercise": None}, "exercise"),
        ({"id": UNKNOWN}, "id"),
        ({"revoked_at": None}, "revoked_at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_order_that_cannot_be_is_422_and_names_the_field(
    supervisor: Any, order_body: Json, change: Json, field: str
) -> None:
    answer = supervisor.post("/api/orders", json=order_body | change)
    assert answer.status_code == 422
    assert field in answer.json["errors"]["json"]
    assert answer.json.keys() == {"code", "message", "errors"}
    assert supervisor.get("/api/orders").json == []


@pytest.mark.parametrize("field", ["reference", "court", "wearer_id", "protected_person_ids", "valid_from"])
def test_a_missing_field_is_named(supervisor: Any, order_body: Json, field: str) -> None:
    del order_body[field]
    assert field in post(supervisor, "/api/orders", order_body, 422)["errors"]["json"]


def test_a_naive_moment_is_refused_with_what_to_do(supervisor: Any, order_body: Json) -> None:
    answer = post(supervisor, "/api/orders", order_body | {"valid_from": "2026-11-23T12:00:00"}, 422)
    assert "UTC offset" in answer["errors"]["json"]["valid_from"][0]


def test_a_device_shows_its_secrets_once(supervisor: Any) -> None:
    made = post(supervisor, "/api/devices", DEVICE)
    hexes = uuid.UUID(made["id"]).hex
    assert made["username"] == hexes
    assert made["topic"] == f"em/v1/{made['shard']}/{hexes}"
    assert len(bytes.fromhex(made["sealing_key"])) == 32
    path = f"/api/devices/{made['id']}"
    renewed = post(supervisor, f"{path}/secret", status=200)
    assert renewed.keys() == {"id", "username", "secret"}
    assert renewed["secret"] != made["secret"]
    shown = {name: value for name, value in made.items() if name not in {"secret", "sealing_key"}}
    assert supervisor.get(path).json == shown | {"sealed": True, "retired_at": None}


def test_a_device_without_sealing_has_no_key(supervisor: Any) -> None:
    made = post(supervisor, "/api/devices", {"kind": "phone", "label": "x"})
    assert (made["sealing_key"], made["sealed"], made["require_sealed"]) == (None, False, False)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "drone"}, "kind"),
        ({"kind": None}, "kind"),
        ({"label": ""}, "label"),
        ({"sealed": "yes"}, "sealed"),
        ({"sealed": False, "require_sealed": True}, "require_sealed"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_a_device_that_cannot_be_is_422_and_names_the_field(
    supervisor: Any, change: Json, field: str
) -> None:
    assert field in post(supervisor, "/api/devices", DEVICE | change, 422)["errors"]["json"]


def test_a_device_changes_hands_and_keeps_its_history(supervisor: Any) -> None:
    wearer_id, person_id = make_people(supervisor)
    path = f"/api/devices/{post(supervisor, '/api/devices', DEVICE)['id']}"
    first = post(supervisor, f"{path}/assignment", {"wearer_id": wearer_id})
    assert (first["wearer_id"], first["protected_person_id"]) == (wearer_id, None)
    assert post(supervisor, f"{path}/assignment", {"protected_person_id": person_id}, 409)["code"] == 409
    assert post(supervisor, f"{path}/retirement", status=409)["code"] == 409
    assert supervisor.delete(f"{path}/assignment").status_code == 204
    assert supervisor.delete(f"{path}/assignment").status_code == 404
    second = post(supervisor, f"{path}/assignment", {"protected_person_id": person_id})
    told = supervisor.get(f"{path}/assignments").json
    assert [entry["id"] for entry in told] == [first["id"], second["id"]]
    assert told[0]["unassigned_at"] is not None
    assert told[1]["unassigned_at"] is None
    supervisor.delete(f"{path}/assignment")
    assert post(supervisor, f"{path}/retirement", status=200)["retired_at"] is not None
    assert post(supervisor, f"{path}/assignment", {"wearer_id": wearer_id}, 409)["code"] == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "wearer_id"),
        ({"wearer_id": UNKNOWN}, "wearer_id"),
        ({"protected_person_id": UNKNOWN}, "protected_person_id"),
        ({"wearer_id": UNKNOWN, "protected_person_id": UNKNOWN}, "protected_person_id"),
        ({"wearer_id": "x"}, "wearer_id"),
    ],
)
def test_a_holder_who_cannot_be_is_422_and_named(supervisor: Any, body: Json, field: str) -> None:
    path = f"/api/devices/{post(supervisor, '/api/devices', DEVICE)['id']}/assignment"
    assert field in post(supervisor, path, body, 422)["errors"]["json"]


def test_a_simulated_device_never_joins_a_real_order(supervisor: Any, order_body: Json) -> None:
    post(supervisor, "/api/orders", order_body | {"exercise": False})
    path = f"/api/devices/{post(supervisor, '/api/devices', DEVICE)['id']}/assignment"
    post(supervisor, path, {"wearer_id": order_body["wearer_id"]}, 409)


def test_a_number_and_a_pin_are_shown_once(supervisor: Any) -> None:
    _, person_id = make_people(supervisor)
    path = f"/api/protected-persons/{person_id}"
    given = post(supervisor, f"{path}/account")
    assert given.keys() == {"number", "pin"}
    assert given["number"] not in supervisor.get(path).get_data(as_text=True)
    assert supervisor.get(f"{path}/account").status_code == 405
    post(supervisor, f"/api/protected-persons/{UNKNOWN}/account", status=404)


def test_no_secret_is_in_any_get(supervisor: Any, sqlite_engine: Engine, order_body: Json) -> None:
    device = post(supervisor, "/api/devices", DEVICE)
    order = post(supervisor, "/api/orders", order_body)
    given = post(supervisor, f"/api/protected-persons/{order_body['protected_person_ids'][0]}/account")
    post(supervisor, f"/api/devices/{device['id']}/assignment", {"wearer_id": order_body["wearer_id"]})
    with reading(sqlite_engine) as session:
        hashes = list(session.scalars(text("SELECT secret_hash FROM device")))
        hashes += list(session.scalars(text("SELECT secret_hash FROM account")))
    told = ""
    for path in (
        "/api/wearers",
        f"/api/wearers/{order_body['wearer_id']}",
        "/api/protected-persons",
        f"/api/protected-persons/{order_body['protected_person_ids'][0]}",
        "/api/orders",
        f"/api/orders/{order['id']}",
        "/api/devices",
        f"/api/devices/{device['id']}",
        f"/api/devices/{device['id']}/assignments",
        "/api/session",
    ):
        answer = supervisor.get(path)
        assert answer.status_code == 200
        told += answer.get_data(as_text=True)
    for secret in (
        device["secret"],
        device["sealing_key"],
        given["number"],
        given["pin"],
        *filter(None, hashes),
    ):
        assert json.dumps(secret) not in told
        assert secret not in told or secret == given["pin"]  # six digits may be part of some id


def test_operators_read_and_do_not_write(host: Flask, operator: Any) -> None:
    for rule in host.url_map.iter_rules():
        if not rule.rule.startswith("/api/") or rule.rule == "/api/session":
            continue
        path = rule.rule
        for argument in rule.arguments:
            path = path.replace(f"<uuid:{argument}>", UNKNOWN)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = operator.open(path, method=method, json={})
            if method == "GET":
                assert answer.status_code in {200, 404}
            else:
                assert (answer.status_code, answer.json["message"]) == (404, "Not found."), rule.rule


def test_nobody_reads_without_signing_in(host: Flask) -> None:
    for path in ("/api/wearers", "/api/protected-persons", "/api/orders", "/api/devices"):
        assert host.test_client().get(path).status_code == 401


def test_lists_come_in_pages_of_500_at_most(supervisor: Any) -> None:
    for n in range(3):
        post(supervisor, "/api/wearers", {"reference": f"W-{n}", "name": "Jan"})
    answer = supervisor.get("/api/wearers?page=2&page_size=2")
    assert [wearer["reference"] for wearer in answer.json] == ["W-2"]
    assert json.loads(answer.headers["X-Pagination"])["total"] == 3
    assert supervisor.get("/api/wearers?page_size=500").status_code == 200
    for query in ("page_size=501", "page_size=0", "page=0", "page=-1", "page=x"):
        assert supervisor.get(f"/api/wearers?{query}").status_code == 422


@pytest.mark.parametrize("path", ["wearers", "protected-persons", "orders", "devices"])
def test_a_page_far_beyond_the_end_is_empty(supervisor: Any, path: str) -> None:
    answer = supervisor.get(f"/api/{path}?page={10**30}")
    assert (answer.status_code, answer.json) == (200, [])


@pytest.mark.parametrize("path", ["wearers", "protected-persons", "orders", "devices"])
def test_ids_that_are_none_are_not_found(supervisor: Any, path: str) -> None:
    for wrong in ("7", "null", UNKNOWN, "%00", "../session"):
        assert supervisor.get(f"/api/{path}/{wrong}").status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"reference": "\\ud800", "name": "x"}']
)
def test_a_body_that_is_no_person_breaks_nothing(supervisor: Any, body: bytes) -> None:
    answer = supervisor.post("/api/wearers", data=body, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert supervisor.get("/api/wearers").json == []


def test_every_call_is_described(host: Flask) -> None:
    spec: Any = host.test_client().get("/openapi.json").json
    for path, methods in spec["paths"].items():
        for method, described in methods.items():
            if method in {"get", "post", "put", "delete"}:
                assert described.get("summary"), (method, path)
    order = spec["components"]["schemas"]["Order"]["properties"]
    assert order["valid_from"]["format"] == "date-time"
    assert order["alert_radius_m"]["minimum"] == 50

"""Sightings over HTTP."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts.model import Role
from api.geofence.routes import sightings
from api.kernel import clock
from tests.accounts.hosts import make_host, signed_in
from tests.geofence.desk import Desk
from tests.scene import HOME, Scene, make_scene


@pytest.fixture
def scene(sqlite_engine: Engine) -> Scene:
    return make_scene(sqlite_engine, clock.now())


@pytest.fixture(params=[Role.OPERATOR, Role.SUPERVISOR])
def client(request: pytest.FixtureRequest, sqlite_engine: Engine) -> FlaskClient:
    return signed_in(make_host(sqlite_engine, (sightings.blueprint,)), request.param)


def body(**more: Any) -> dict[str, Any]:
    return {
        "seen_at": (clock.now() - timedelta(seconds=30)).isoformat(),
        "point": {"lat": HOME.lat, "lon": HOME.lon},
        "accuracy_m": 20,
        "source": "camera",
    } | more


def test_a_sighting_is_entered_listed_and_alerts(
    client: FlaskClient, scene: Scene, sqlite_engine: Engine
) -> None:
    address = f"/api/orders/{scene.order_id}/sightings"
    answer = client.post(address, json=body(note="two lines\nof words"))
    assert answer.status_code == 201
    entered = answer.get_json()
    assert client.get(address).get_json() == [entered]
    assert entered["point"] == {"lat": HOME.lat, "lon": HOME.lon}
    assert (entered["party"], entered["person_id"], entered["source"]) == ("wearer", None, "camera")
    assert entered["note"] == "two lines\nof words"
    assert entered["author_id"]
    assert [alert.kind for alert in Desk(sqlite_engine).alerts()] == ["external_sighting"]


def test_the_list_comes_in_pages(client: FlaskClient, scene: Scene) -> None:
    address = f"/api/orders/{scene.order_id}/sightings"
    ids = [client.post(address, json=body()).get_json()["id"] for _ in range(3)]
    pages = [client.get(f"{address}?page_size=2&page={page}").get_json() for page in (1, 2, 99)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert {one["id"] for page in pages for one in page} == set(ids)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seen_at", None),
        ("seen_at", "2026-11-23T12:00:00"),
        ("seen_at", "2199-01-01T00:00:00Z"),
        ("point", None),
        ("point", {"lat": 91, "lon": 0}),
        ("point", {"lat": 0, "lon": 181}),
        ("point", {"lat": 0}),
        ("point", {"lat": float("nan"), "lon": 0}),
        ("accuracy_m", 0.9),
        ("accuracy_m", 5001),
        ("accuracy_m", None),
        ("source", "hearsay"),
        ("party", "neighbour"),
        ("person_id", "nobody"),
        ("person_id", str(uuid.UUID(int=99))),
        ("note", "x" * 501),
        ("note", "a\x00"),
        ("note", None),
        ("speed", 3),
    ],
)
def test_what_is_wrong_with_a_sighting_is_said_of_its_field(
    client: FlaskClient, scene: Scene, field: str, value: Any
) -> None:
    address = f"/api/orders/{scene.order_id}/sightings"
    answer = client.post(address, json=body(**{field: value}))
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]["json"]) == [field]
    assert client.get(address).get_json() == []


@pytest.mark.parametrize("field", ["seen_at", "point", "accuracy_m", "source"])
def test_what_a_sighting_must_say(client: FlaskClient, scene: Scene, field: str) -> None:
    said = body()
    del said[field]
    answer = client.post(f"/api/orders/{scene.order_id}/sightings", json=said)
    assert (answer.status_code, list(answer.get_json()["errors"]["json"])) == (422, [field])


def test_an_order_that_is_not_there_is_404(client: FlaskClient) -> None:
    address = f"/api/orders/{uuid.uuid4()}/sightings"
    assert client.get(address).status_code == 404
    assert client.post(address, json=body()).status_code == 404

"""The control room's map, tracks and health over HTTP."""

import uuid
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts.model import Role
from api.alerts import service as alerts
from api.alerts.model import AlertState
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.routes import positions_json, watching
from api.geofence.service.judging import process_messages
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.heartbeats import beat
from tests.accounts.hosts import make_host, signed_in
from tests.scene import FAR, HOME, Scene, make_scene, position, received

ADDRESSES = ("/api/map", "/api/health", f"/api/alerts/{uuid.UUID(int=9)}/tracks")


@pytest.fixture
def app(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, (watching.blueprint,))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return signed_in(app, Role.OPERATOR)


def now() -> datetime:
    return clock.now().replace(microsecond=0)


@pytest.fixture
def scene(sqlite_engine: Engine) -> Scene:
    """A wearer in the zone, his victim's phone somewhere else without an accuracy, and a broken message."""
    scene = make_scene(sqlite_engine, now())
    memory = Memory(Limits())
    with transaction(sqlite_engine) as session:
        memory.restore(session, now())
        messages = [
            position(scene.ankle, HOME, now()),
            position(scene.phone, FAR, now(), acc=None),
            received(scene.phone, b"{", now()),
        ]
        process_messages(session, memory, messages, now())
    return scene


def alert_id(engine: Engine) -> uuid.UUID:
    with reading(engine) as session:
        (view,) = alerts.list_alerts(session, {AlertState.OPEN})
    return view.alert.id


def test_the_map_shows_zones_and_last_positions_under_an_alert(client: FlaskClient, scene: Scene) -> None:
    (order,) = client.get("/api/map").get_json()["orders"]
    assert order["order_id"] == str(scene.order_id)
    assert (order["alert_radius_m"], order["warning_radius_m"]) == (500.0, 1000.0)
    assert (order["unknown_after_s"], order["reach_speed_m_s"]) == (120.0, 20.0)
    assert order["reference"].startswith("C-")
    (zone,) = order["zones"]
    assert zone["id"] == str(scene.zone_id)
    assert zone["shape"] == {"type": "Circle", "center": [HOME.lon, HOME.lat], "radius_m": 500.0}
    his, hers = order["positions"]
    assert (his["lat"], his["lon"], his["accuracy_m"], his["doubts"]) == (HOME.lat, HOME.lon, 8.0, [])
    assert (his["party"], his["person_id"], his["device_id"]) == ("wearer", None, str(scene.ankle.id))
    assert (hers["party"], hers["person_id"]) == ("protected", str(scene.person_id))
    assert (hers["accuracy_m"], hers["doubts"]) == (None, ["no_accuracy"])
    assert datetime.fromisoformat(his["received_at"]) - datetime.fromisoformat(his["fixed_at"]) == timedelta(
        seconds=1
    )


def test_the_map_is_empty_when_nothing_is_the_matter(client: FlaskClient) -> None:
    assert client.get("/api/map").get_json() == {"orders": []}


def test_the_stream_shows_the_same_positions_as_the_map(
    client: FlaskClient, scene: Scene, sqlite_engine: Engine
) -> None:
    (order,) = client.get("/api/map").get_json()["orders"]
    with reading(sqlite_engine) as session:
        streamed = positions_json(session, [scene.order_id])
        assert positions_json(session, []) == []
    assert streamed == order["positions"]


def test_the_tracks_of_an_alert_are_points_of_each_party(
    client: FlaskClient, scene: Scene, sqlite_engine: Engine
) -> None:
    address = f"/api/alerts/{alert_id(sqlite_engine)}/tracks"
    his, hers = client.get(address).get_json()["tracks"]
    assert (his["device_id"], his["party"], his["person_id"]) == (str(scene.ankle.id), "wearer", None)
    assert [sorted(point) for point in his["points"]] == [
        ["accuracy_m", "fixed_at", "lat", "lon", "received_at"]
    ]
    assert (hers["party"], hers["person_id"]) == ("protected", str(scene.person_id))
    assert client.get(f"{address}?minutes=0").status_code == 200
    assert client.get(f"{address}?minutes=1440").get_json()["tracks"] == [his, hers]


@pytest.mark.parametrize("query", ["minutes=-1", "minutes=1441", "minutes=x", "minutes="])
def test_a_question_for_tracks_that_makes_no_sense_names_its_field(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/alerts/{uuid.uuid4()}/tracks?{query}")
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]["query"]) == [query.partition("=")[0]]


def test_the_tracks_of_an_alert_that_is_not_there_are_404(client: FlaskClient) -> None:
    assert client.get(f"/api/alerts/{uuid.uuid4()}/tracks").status_code == 404
    assert client.get("/api/alerts/nonsense/tracks").status_code == 404


@pytest.mark.usefixtures("scene")
def test_health_tells_who_lives_and_what_waits(client: FlaskClient, sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as session:
        beat(session, "dispatcher", now(), able=True)
    said = client.get("/api/health").get_json()
    assert said["processes"]["worker"] == {"heartbeat_age_s": None, "ok": False}
    assert said["processes"]["dispatcher"]["ok"]
    assert 0 <= said["processes"]["dispatcher"]["heartbeat_age_s"] < 15
    assert (said["fixes_stored"], said["rejected"]) == (2, {"malformed": 1})
    assert said["pending_notifications"]["police_webhook"] == 1


def test_only_staff_see_where_people_are_and_no_browser_keeps_it(app: Flask) -> None:
    clients = {role: signed_in(app, role) for role in Role}
    for address in ADDRESSES:
        assert app.test_client().get(address).status_code == 401
        answers = {role: client.get(address) for role, client in clients.items()}
        found = 404 if "alerts" in address else 200  # this alert is not there
        assert {role: answer.status_code for role, answer in answers.items()} == {
            Role.OPERATOR: found,
            Role.SUPERVISOR: found,
            **dict.fromkeys((Role.CASE_WORKER, Role.OFFICER, Role.AUDITOR), 404),
            Role.PROTECTED_PERSON: 401,
        }
        assert {answer.headers["Cache-Control"] for answer in answers.values()} == {"no-store"}

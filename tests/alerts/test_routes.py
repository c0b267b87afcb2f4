import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.accounts import routes as accounts
from api.alerts import routes, streams
from api.alerts.model import Channel, EventKind, NotificationState
from api.alerts.streams import make_streams
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.http import guard, make_api
from tests.alerts.stage import Stage, breach, make_person_session, make_staff, make_stage
from tests.house import wait_until


def make_app(engine: Engine, *, is_control: bool) -> Flask:
    app = Flask("alerts-test", static_folder=None)
    app.extensions["baken.engine"] = engine
    app.extensions["baken.settings"] = Settings.from_env({"BAKEN_SERVER_KEY": "5e" * 32})
    app.extensions["baken.streams"] = make_streams(engine, lambda _session, _orders: [])
    blueprint = routes.control_blueprint if is_control else routes.app_blueprint
    make_api(app, "Test", [blueprint])
    guard(app, accounts.identify_staff if is_control else accounts.identify_person)
    return app


@pytest.fixture
def stage(sqlite_engine: Engine) -> Stage:
    return make_stage(sqlite_engine, people=2)


@pytest.fixture
def staff(sqlite_engine: Engine) -> Iterator[FlaskClient]:
    app = make_app(sqlite_engine, is_control=True)
    client = app.test_client()
    client.set_cookie(accounts.STAFF_COOKIE, make_staff(sqlite_engine, clock.now())[1])
    yield client
    wait_until(lambda: app.extensions["baken.streams"]._thread is None)


@pytest.fixture
def hers(sqlite_engine: Engine, stage: Stage) -> Iterator[FlaskClient]:
    app = make_app(sqlite_engine, is_control=False)
    client = app.test_client()
    client.set_cookie(
        accounts.PERSON_COOKIE, make_person_session(sqlite_engine, stage.people[0], clock.now())
    )
    yield client
    wait_until(lambda: app.extensions["baken.streams"]._thread is None)


def tell(stage: Stage, kind: EventKind = EventKind.ZONE_BREACH, **more: Any) -> str:
    now = clock.now()
    (alert,) = stage.tell(breach(stage, kind, occurred_at=now, **more), now=now)
    return str(alert.id)


def test_the_queue_shows_unresolved_alerts_unless_asked_otherwise(stage: Stage, staff: FlaskClient) -> None:
    alert_id = tell(stage)
    (shown,) = staff.get("/api/alerts").json or []
    assert shown["id"] == alert_id
    assert shown["state"] == "open"
    assert shown["person_references"][0].startswith("P-")
    assert shown["opened_at"].endswith("+00:00")
    assert staff.get("/api/alerts?state=open").json == [shown]
    assert staff.get("/api/alerts?state=resolved").json == []
    assert staff.get("/api/alerts?state=eaten").status_code == 422


def test_an_alert_goes_from_open_over_acknowledged_to_resolved(stage: Stage, staff: FlaskClient) -> None:
    alert_id = tell(stage)
    taken = staff.post(f"/api/alerts/{alert_id}/acknowledgement").json or {}
    assert taken["state"] == "acknowledged"
    body = {"reason": "police_attended", "note": "Patrol spoke to both."}
    closed = staff.post(f"/api/alerts/{alert_id}/resolution", json=body)
    assert closed.status_code == 200
    assert (closed.json or {})["resolve_reason"] == "police_attended"
    assert staff.post(f"/api/alerts/{alert_id}/resolution", json=body).status_code == 409
    assert staff.post(f"/api/alerts/{alert_id}/acknowledgement").status_code == 409
    assert [one["id"] for one in staff.get("/api/alerts?state=resolved").json or []] == [alert_id]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": "bored"},
        {"reason": "false_alarm", "note": "x" * 2001},
        {"reason": "false_alarm", "by": 1},
    ],
)
def test_closing_needs_a_known_reason(stage: Stage, staff: FlaskClient, body: dict[str, Any]) -> None:
    alert_id = tell(stage)
    assert staff.post(f"/api/alerts/{alert_id}/resolution", json=body).status_code == 422


def test_the_detail_has_log_and_messages_and_leaves_an_audit_row(
    stage: Stage, staff: FlaskClient, sqlite_engine: Engine
) -> None:
    alert_id = tell(stage)
    shown = staff.get(f"/api/alerts/{alert_id}").json or {}
    assert [entry["kind"] for entry in shown["entries"]] == ["opened"]
    assert shown["order_reference"].startswith("C-")
    channels = sorted({one["channel"] for one in shown["notifications"]})
    assert channels == ["device", "person_stream", "police_webhook"]
    assert shown["notifications"][0]["attempts"] == []
    assert "payload" not in shown["notifications"][0]
    with sqlite_engine.connect() as connection:
        rows = connection.execute(text("SELECT act FROM audit WHERE act = 'alerts.read'")).all()
    assert len(rows) == 1


def test_an_unknown_alert_is_404(staff: FlaskClient, stage: Stage) -> None:  # noqa: ARG001 - tables with an order
    assert staff.get(f"/api/alerts/{uuid4()}").status_code == 404
    assert staff.post(f"/api/alerts/{uuid4()}/acknowledgement").status_code == 404


@pytest.mark.parametrize(
    "path", ["/api/alerts", "/api/stream", "/api/alerts/00000000-0000-4000-8000-000000000000"]
)
def test_nobody_looks_without_signing_in(sqlite_engine: Engine, path: str) -> None:
    client = make_app(sqlite_engine, is_control=True).test_client()
    assert client.get(path).status_code == 401


def read(client: FlaskClient, path: str, frames: int, **headers: str) -> list[str]:
    with client.get(path, headers=headers, buffered=False) as response:
        assert response.status_code == 200
        assert response.mimetype == "text/event-stream"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert response.headers["Cache-Control"] == "no-store"
        chunks = response.iter_encoded()
        return [next(chunks).decode() for _ in range(frames)]


def test_the_stream_resumes_by_header_before_query(stage: Stage, staff: FlaskClient) -> None:
    for _ in range(3):
        tell(stage, repeat=True)
    hello, *news = read(staff, "/api/stream?after=0", 4)
    assert "event: hello" in hello
    assert [json.loads(one.split("data: ")[1])["seq"] for one in news] == [1, 2, 3]
    header = {"Last-Event-ID": "2"}
    assert "id: 3\nevent: alert" in read(staff, "/api/stream?after=0", 2, **header)[1]
    for nonsense in ("abc", "-1", "9" * 30, "²"):
        assert "id: 1\n" in read(staff, "/api/stream?after=0", 2, **{"Last-Event-ID": nonsense})[1]
    assert staff.get("/api/stream?after=-1").status_code == 422


def test_opening_the_stream_is_an_audit_row(stage: Stage, staff: FlaskClient, sqlite_engine: Engine) -> None:
    tell(stage)
    read(staff, "/api/stream", 1)
    with sqlite_engine.connect() as connection:
        assert connection.execute(text("SELECT 1 FROM audit WHERE act = 'alerts.watch'")).all()


def test_one_stream_too_many_is_told_to_come_again(
    staff: FlaskClient,
    stage: Stage,  # noqa: ARG001 - tables with an order
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 0)
    refused = staff.get("/api/stream")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"


def test_her_stream_is_neutral_and_her_receipt_is_kept(stage: Stage, hers: FlaskClient) -> None:
    tell(stage, EventKind.PROXIMITY_BREACH)
    _heartbeat, frame = read(hers, "/stream", 2)
    message = json.loads(frame.split("data: ")[1])
    assert message["text"] == "Your timer has finished."
    assert hers.post(f"/messages/{message['id']}/receipt").status_code == 204
    (kept,) = [one for one in stage.outbox() if one.channel == Channel.PERSON_STREAM]
    assert kept.state == NotificationState.RECEIVED


def test_a_message_of_somebody_else_is_not_there(stage: Stage, hers: FlaskClient) -> None:
    tell(stage, EventKind.PROXIMITY_BREACH, person_id=stage.people[1])
    (foreign,) = [one for one in stage.outbox() if one.channel == Channel.PERSON_STREAM]
    refused = hers.post(f"/messages/{foreign.id}/receipt")
    assert refused.status_code == 404
    assert refused.json == hers.post(f"/messages/{uuid4()}/receipt").json
    assert len(read(hers, "/stream", 1)) == 1


def test_a_session_that_ends_ends_its_stream(
    stage: Stage, hers: FlaskClient, sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    with hers.get("/stream", buffered=False) as response:
        chunks = response.iter_encoded()
        assert next(chunks)
        assert next(chunks)
        make_person_session(sqlite_engine, stage.people[0], clock.now())  # replaces her account
        assert len(list(chunks)) <= 1

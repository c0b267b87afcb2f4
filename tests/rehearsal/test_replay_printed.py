"""What a replay prints and the status with which it ends."""

import io
import json
from uuid import UUID

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import Event, EventKind, Family
from api.geofence.model import Limits
from api.kernel.db import make_engine, transaction
from api.rehearsal import replay as replaying
from tests.factories import NOW
from tests.rehearsal.house import House, alter, visit
from tests.scene import make_scene


def printed(engine: Engine, alert: object, *, as_json: bool = False) -> tuple[int, str]:
    out = io.StringIO()
    status = replaying.run(engine, Limits(), str(alert), out, as_json=as_json)
    return status, out.getvalue()


def test_lines_and_json_say_the_same(sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine)
    house = House(sqlite_engine)
    house.take(*visit(scene))
    alert = house.alerts()[Family.APPROACH][0]
    status, said = printed(sqlite_engine, alert)
    assert (status, said.splitlines()[-1]) == (0, "identical")
    status, said = printed(sqlite_engine, alert, as_json=True)
    document = json.loads(said)
    assert (status, document["is_identical"], document["alert"]) == (0, True, str(alert))
    alter(sqlite_engine, "UPDATE exclusion_zone SET buffer_m = 200")
    status, said = printed(sqlite_engine, alert)
    assert (status, said.splitlines()[-1]) == (1, "NOT identical")
    assert "stored" in said


@pytest.mark.parametrize("alert", [UUID(int=99), "no-id"])
def test_an_unknown_alert_is_said_to_be_unknown(sqlite_engine: Engine, alert: object) -> None:
    status, said = printed(sqlite_engine, alert)
    assert status == 2
    assert "identical" not in said
    assert "There is no alert" in printed(sqlite_engine, alert, as_json=True)[1]


def test_an_alert_about_our_own_system_rests_on_no_message(sqlite_engine: Engine) -> None:
    event = Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=NOW, reason="worker:silent")
    with transaction(sqlite_engine) as session:
        (alert,) = alerts.open_alerts(session, [event], NOW)
    status, said = printed(sqlite_engine, alert.id)
    assert status == 2
    assert "our own system" in said


def test_a_test_run_was_started_by_a_person_and_is_not_compared(sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine)
    with transaction(sqlite_engine) as session:
        report = alerts.start_drill(session, scene.order_id, None, lambda _session, _ids: {}, NOW)
    status, said = printed(sqlite_engine, report.drill.alert_id)
    assert status == 2
    assert said == (
        "This alert cannot be judged again. It is a test run: it was started by a person, and there is "
        "nothing to compute.\n"
    )


def test_the_wrong_server_key_is_said(sqlite_url: str, sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine, sealed=True)
    del scene
    house = House(sqlite_engine)
    house.sweep(5000)
    other = make_engine(sqlite_url, bytes(32))
    alert = house.alerts()[Family.CONTACT][0]
    assert "server key" in printed(other, alert)[1]
    other.dispose()

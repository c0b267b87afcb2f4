"""Alarms of devices against both databases: heard whatever is the matter with them, told once."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from api.kernel.db import transaction
from api.orders import service as orders
from tests.factories import NOW
from tests.geofence.desk import Desk, alarm, at
from tests.scene import FAR, HOME, Scene, make_scene, position, received


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return make_scene(engine)


@pytest.fixture
def desk(engine: Engine, scene: Scene) -> Desk:  # noqa: ARG001 - the scene must be there before the restore
    return Desk(engine)


def test_her_sos_is_an_alert_at_once_and_only_once(desk: Desk, scene: Scene) -> None:
    message = received(scene.phone, alarm("sos", lat=HOME.lat, lon=HOME.lon), NOW, "alarm")
    desk.take(message)
    desk.restarted()
    desk.take(message)
    assert desk.kinds() == ["sos"]
    (alert,) = desk.alerts()
    assert (alert.severity, alert.order_id) == (1, scene.order_id)


def test_an_alarm_that_cannot_be_read_is_still_an_alarm(desk: Desk, scene: Scene) -> None:
    desk.take(received(scene.phone, b"{SOS!!", NOW, "alarm"))
    assert desk.kinds() == ["device_alarm"]
    assert desk.rejected() == {"malformed": 1}


def test_an_sos_rings_even_when_no_order_is_in_force(engine: Engine) -> None:
    scene = make_scene(engine, valid_until=NOW - timedelta(hours=1), valid_from=NOW - timedelta(days=2))
    desk = Desk(engine)
    desk.take(received(scene.phone, alarm("sos"), NOW, "alarm"))
    (alert,) = desk.alerts()
    assert (alert.kind, alert.order_id, alert.device_id) == ("sos", None, scene.phone.id)


def test_a_cut_strap_is_told_once_by_alarm_and_positions_together(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.ankle, FAR, at(0), strap="closed"))
    desk.take(received(scene.ankle, alarm("strap_cut", tst=int(at(10).timestamp())), at(11), "alarm"))
    desk.take(
        position(scene.ankle, FAR, at(12), strap="open"), position(scene.ankle, FAR, at(27), strap="open")
    )
    assert desk.kinds() == ["strap_tamper"]
    desk.take(
        position(scene.ankle, FAR, at(60), strap="closed"), position(scene.ankle, FAR, at(90), strap="open")
    )
    assert desk.kinds() == ["strap_tamper", "strap_tamper"]


def test_a_strap_that_opens_is_told_once(desk: Desk, scene: Scene) -> None:
    for i, strap in enumerate(["closed", "open", "open"]):
        desk.take(position(scene.ankle, FAR, at(30 * i), strap=strap))
    assert desk.kinds() == ["strap_tamper"]


@pytest.mark.parametrize("tst", [0, 253_402_300_799])  # 1970, and the last second of the year 9999
def test_an_alarm_from_a_broken_clock_keeps_its_order_and_its_people(
    desk: Desk, scene: Scene, tst: int
) -> None:
    desk.take(received(scene.phone, alarm("sos", tst=tst), at(5), "alarm"))
    (told,) = desk.alerts()
    assert (told.kind, told.order_id, told.person_ids) == ("sos", scene.order_id, (scene.person_id,))
    assert told.last_event_at == at(5)


def test_an_alarm_of_a_simulated_device_without_an_order_is_an_exercise(engine: Engine) -> None:
    scene = make_scene(engine)
    with transaction(engine) as session:
        orders.unassign_device(session, scene.phone.id, None, NOW)
    desk = Desk(engine)
    desk.take(received(scene.phone, alarm("sos"), at(5), "alarm"))
    (told,) = desk.alerts()
    assert (told.order_id, told.exercise) == (None, True)


def test_an_alarm_in_letters_that_no_database_takes_is_an_alarm(desk: Desk, scene: Scene) -> None:
    desk.take(received(scene.phone, alarm("earth\0quake"), at(5), "alarm"))
    assert [told.kind for told in desk.alerts()] == ["device_alarm"]

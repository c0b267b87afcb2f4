"""Troubles of devices against both databases: told once per order, ended, and remembered over a restart."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.geofence.service.judging import Received
from api.geofence.store.states import list_device_states
from api.kernel.db import reading, transaction
from api.orders import service as orders
from api.orders.model import Device, OrderDraft
from tests.factories import NOW
from tests.geofence.desk import Desk, alarm, at
from tests.scene import FAR, HOME, Scene, make_scene, north_of, position, received


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return make_scene(engine)


@pytest.fixture
def desk(engine: Engine, scene: Scene) -> Desk:  # noqa: ARG001 - the scene must be there before the restore
    return Desk(engine)


def status(device: Device, seconds: float, **said: Any) -> Received:
    return received(device, json.dumps({"_type": "status"} | said).encode(), at(seconds))


def rings(device: Device, kind: str, seconds: float, **more: Any) -> Received:
    payload = alarm(kind, tst=int(at(seconds).timestamp()), seq=int(seconds) + 1, **more)
    return received(device, payload, at(seconds), "alarm")


def told(desk: Desk) -> list[tuple[str, str]]:
    """Kind and reason of every event, in order."""
    with reading(desk.engine) as session:
        entries = alerts.entries_after(session, 0, 1000)
    return [(entry.event["kind"], entry.event["reason"]) for entry in entries if entry.event]


def walking(device: Device, seconds: float, **more: Any) -> Received:
    return position(device, north_of(FAR, seconds), at(seconds), **more)


def test_his_battery_is_told_by_stage_over_a_restart_and_ended_by_charging(desk: Desk, scene: Scene) -> None:
    desk.take(walking(scene.ankle, 0, batt=24))
    desk.restarted()
    desk.take(walking(scene.ankle, 15, batt=24), status(scene.ankle, 20, batt=23))
    desk.take(status(scene.ankle, 30, batt=9))
    desk.restarted()
    desk.take(walking(scene.ankle, 45, batt=9), walking(scene.ankle, 60, batt=80))
    assert told(desk) == [("battery_low", ""), ("battery_critical", ""), ("condition_ended", "battery_low")]
    (alert,) = desk.alerts()
    assert (alert.severity, alert.ongoing, alert.device_id) == (3, False, scene.ankle.id)


def test_a_battery_of_long_ago_tells_nothing(desk: Desk, scene: Scene) -> None:
    desk.take(walking(scene.ankle, 600, batt=80), walking(scene.ankle, 300, batt=5))
    assert told(desk) == []


def test_a_message_that_comes_twice_tells_nothing_new(desk: Desk, scene: Scene) -> None:
    messages = [walking(scene.ankle, 0, batt=24, mock=True), walking(scene.ankle, 15, batt=24, mock=True)]
    desk.take(*messages)
    first = told(desk)
    desk.take(*messages)
    desk.restarted()
    desk.take(*messages)
    assert told(desk) == first == [("battery_low", ""), ("implausible_position", "mock")]


def test_a_position_that_hangs_is_told_over_a_restart_and_ended_by_another(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.ankle, FAR, at(0)), position(scene.ankle, FAR, at(900)))
    desk.restarted()
    desk.take(position(scene.ankle, FAR, at(1800)))
    desk.restarted()
    desk.take(position(scene.ankle, FAR, at(1900)), position(scene.ankle, north_of(FAR, 1), at(2000)))
    assert told(desk) == [("position_frozen", ""), ("condition_ended", "position_frozen")]
    (alert,) = desk.alerts()
    assert not alert.ongoing


def test_moving_without_a_position_is_told_over_a_restart(desk: Desk, scene: Scene) -> None:
    for seconds in (0, 240):
        desk.take(status(scene.ankle, seconds, fix=False, motion=True))
    desk.restarted()
    for seconds in (480, 600):
        desk.take(status(scene.ankle, seconds, fix=False, motion=True))
    desk.take(walking(scene.ankle, 700))
    assert told(desk) == [("no_fix_motion", ""), ("condition_ended", "no_fix_motion")]


def test_a_lost_ankle_monitor_is_told_with_where_both_are_and_ended_when_it_is_back(
    desk: Desk, scene: Scene
) -> None:
    desk.take(position(scene.phone, HOME, at(0)), status(scene.ankle, 0, strap="closed"))
    for seconds in (30, 60):
        desk.take(walking(scene.ankle, seconds))
    desk.restarted()
    for seconds in (90, 120):
        desk.take(walking(scene.ankle, seconds))
    with reading(desk.engine) as session:
        (entry,) = alerts.entries_after(session, 0, 10)
    assert entry.event is not None
    assert (entry.event["kind"], entry.severity) == ("pairing_lost", 2)
    assert entry.event["wearer"]["device_id"] == str(scene.ankle.id)
    assert entry.event["protected"]["device_id"] == str(scene.phone.id)
    desk.take(status(scene.ankle, 150, strap="closed"))
    assert told(desk)[1:] == [("condition_ended", "pairing_lost")]
    (alert,) = desk.alerts()
    assert not alert.ongoing


def test_a_strap_that_opens_in_a_status_is_told_once(desk: Desk, scene: Scene) -> None:
    desk.take(status(scene.ankle, 0, strap="closed"), status(scene.ankle, 60, strap="open"))
    desk.take(status(scene.ankle, 120, strap="open"), walking(scene.ankle, 130, strap="open"))
    assert told(desk) == [("strap_tamper", "strap_open")]


def test_jamming_in_a_status_is_told_until_the_receiver_recovers(desk: Desk, scene: Scene) -> None:
    desk.take(status(scene.ankle, 0, gnss="jammed"))
    desk.restarted()
    desk.take(status(scene.ankle, 60, gnss="jammed"))
    assert told(desk) == [("jam_shield", "gnss_jammed")]
    with reading(desk.engine) as session:
        assert list_device_states(session)[scene.ankle.id].health.gnss_lost_at == at(60)


def test_a_device_at_a_place_where_it_cannot_have_come_to_is_told_once_an_hour(
    desk: Desk, scene: Scene
) -> None:
    away = north_of(FAR, 300_000)
    desk.take(position(scene.ankle, FAR, at(0)), position(scene.ankle, away, at(15)))
    desk.restarted()
    desk.take(position(scene.ankle, north_of(away, 5), at(30)))
    desk.take(position(scene.ankle, FAR, at(45)), position(scene.ankle, north_of(FAR, 5), at(60)))
    assert told(desk) == [("implausible_position", "speed")]


def test_a_false_position_that_is_over_ends_nothing_that_was_done_to_the_strap(
    desk: Desk, scene: Scene
) -> None:
    desk.take(walking(scene.ankle, 0, mock=True, strap="open"), walking(scene.ankle, 3700))
    (alert,) = desk.alerts()
    assert (alert.kind, alert.ongoing) == ("strap_tamper", True)
    assert told(desk) == [("strap_tamper", "strap_open"), ("implausible_position", "mock")]


# Her device hears his ankle monitor


def test_who_is_heard_beside_her_and_says_to_be_far_away_lies(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.ankle, FAR, at(0)), position(scene.phone, HOME, at(0)))
    desk.take(rings(scene.phone, "rf_proximity", 10))
    assert told(desk) == [("proximity_rf", "rf_proximity"), ("implausible_position", "radio")]
    desk.restarted()
    desk.take(rings(scene.phone, "rf_proximity", 20))
    assert told(desk)[2:] == [("proximity_rf", "rf_proximity")], "once an hour"
    assert {alert.device_id for alert in desk.alerts() if alert.kind == "implausible_position"} == {
        scene.ankle.id
    }


def test_the_place_in_the_alarm_stands_for_her_device(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.ankle, FAR, at(0)))
    desk.take(rings(scene.phone, "rf_proximity", 10))
    assert told(desk) == [("proximity_rf", "rf_proximity")], "nothing is known of where she is"
    desk.take(rings(scene.phone, "rf_proximity", 20, lat=HOME.lat, lon=HOME.lon))
    assert told(desk)[1:] == [("proximity_rf", "rf_proximity"), ("implausible_position", "radio")]


def test_radio_and_position_that_agree_tell_nothing_more(desk: Desk, scene: Scene) -> None:
    desk.take(rings(scene.phone, "rf_proximity", 5, lat=HOME.lat, lon=HOME.lon))
    desk.take(position(scene.ankle, north_of(HOME, 1500), at(10)))
    desk.take(rings(scene.phone, "rf_proximity", 20, lat=HOME.lat, lon=HOME.lon))
    desk.take(rings(scene.ankle, "rf_proximity", 30, lat=FAR.lat, lon=FAR.lon))
    assert "implausible_position" not in desk.kinds()


def test_an_old_alarm_contradicts_no_position_of_now(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.ankle, FAR, at(600)), position(scene.phone, HOME, at(600)))
    late = received(scene.phone, alarm("rf_proximity"), at(610), "alarm")
    desk.take(late)
    assert told(desk) == [("proximity_rf", "rf_proximity")]


# Her device


@pytest.mark.parametrize(
    ("begin", "end", "what"),
    [
        ([{"batt": 20}], {"batt": 90}, "battery_low"),
        ([{"batt": 5}], {"batt": 90}, "battery_critical"),
        ([{"permission": "denied"}], {"permission": "granted"}, "permission_denied"),
    ],
)
def test_her_device_is_degraded_and_is_well_again(
    desk: Desk, scene: Scene, begin: list[dict[str, Any]], end: dict[str, Any], what: str
) -> None:
    for i, said in enumerate(begin * 2):
        desk.take(status(scene.phone, i, **said))
    assert told(desk) == [("protected_device_degraded", what)]
    (alert,) = desk.alerts()
    assert (alert.severity, alert.ongoing, alert.person_ids) == (3, True, (scene.person_id,))
    desk.restarted()
    desk.take(status(scene.phone, 60, **end))
    assert [kind for kind, _ in told(desk)[1:]] == ["condition_ended"]
    (alert,) = desk.alerts()
    assert not alert.ongoing


def test_her_phone_that_is_switched_off_is_degraded_until_it_is_heard_again(desk: Desk, scene: Scene) -> None:
    desk.take(rings(scene.phone, "power_off", 10), position(scene.phone, HOME, at(5)))
    assert told(desk) == [("protected_device_degraded", "power_off")]
    (alert,) = desk.alerts()
    assert (alert.kind, alert.severity, alert.ongoing) == ("protected_device_degraded", 3, True)
    desk.restarted()
    desk.take(position(scene.phone, HOME, at(100)))
    assert told(desk)[1:] == [("condition_ended", "protected_device_degraded:power_off")]
    (alert,) = desk.alerts()
    assert not alert.ongoing


def test_his_tracker_that_is_switched_off_is_tampering_without_an_end(desk: Desk, scene: Scene) -> None:
    desk.take(rings(scene.ankle, "power_off", 10), walking(scene.ankle, 100))
    assert told(desk) == [("power_off", "power_off")]
    (alert,) = desk.alerts()
    assert (alert.severity, alert.ongoing) == (2, True)


def test_a_place_that_was_handed_to_her_phone_ends_an_hour_later(desk: Desk, scene: Scene) -> None:
    desk.take(walking(scene.phone, 0, mock=True), walking(scene.phone, 3700))
    assert told(desk) == [
        ("protected_device_degraded", "implausible"),
        ("condition_ended", "protected_device_degraded:implausible"),
    ]


# Whose matter it is


def test_a_trouble_is_told_to_every_order_in_force(engine: Engine, scene: Scene) -> None:
    with transaction(engine) as session:
        other = orders.add_person(session, "P-other", "Other Name", None, NOW)
        draft = OrderDraft(
            reference="C-other",
            court="Rechtbank Rotterdam",
            wearer_id=scene.wearer_id,
            protected_person_ids=(other.id,),
            valid_from=NOW - timedelta(days=1),
            valid_until=None,
            alert_radius_m=500.0,
            warning_radius_m=1000.0,
            exercise=True,
        )
        second = orders.add_order(session, draft, None, NOW)
    desk = Desk(engine)
    desk.take(walking(scene.ankle, 0, batt=20))
    assert {alert.order_id for alert in desk.alerts()} == {scene.order_id, second.id}
    assert told(desk) == [("battery_low", "")] * 2


def test_a_device_on_the_shelf_is_nobodys_business(engine: Engine, scene: Scene) -> None:
    with transaction(engine) as session:
        orders.unassign_device(session, scene.ankle.id, None, NOW)
    desk = Desk(engine)
    desk.take(status(scene.ankle, 10, batt=3, strap="open", gnss="jammed"))
    assert told(desk) == []
    with reading(engine) as session:
        state = list_device_states(session)[scene.ankle.id]
    assert (state.heard_at, state.battery_pct, state.strap_closed) == (at(10), 3, None)


def test_what_was_told_of_a_device_in_other_hands_is_told_anew(engine: Engine, scene: Scene) -> None:
    desk = Desk(engine)
    desk.take(status(scene.ankle, 0, batt=20, strap="closed"))
    with transaction(engine) as session:
        orders.unassign_device(session, scene.ankle.id, None, at(60))
        orders.assign_device(session, scene.ankle.id, scene.wearer_id, None, None, at(120))
    with reading(engine) as session:
        desk.memory.refresh(session)
    desk.take(status(scene.ankle, 130, batt=20), walking(scene.ankle, 140))
    desk.restarted()
    desk.take(walking(scene.ankle, 260, batt=20))
    assert told(desk) == [("battery_low", ""), ("battery_low", "")]

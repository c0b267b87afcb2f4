"""Batches of device messages against both databases: what is judged, stored, alerted and kept aside."""

import contextlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import EntryKind
from api.geofence.memory import Changes
from api.geofence.model import Visibility
from api.geofence.service.judging import Received, process_messages, reject_for_our_fault
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.orders import service as orders
from tests.factories import NOW
from tests.geofence.desk import BUFFER_PLACE, INSIDE_PLACE, Desk, alarm, approach, at
from tests.scene import FAR, HOME, Scene, location, make_scene, north_of, position, received


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return make_scene(engine)


@pytest.fixture
def desk(engine: Engine, scene: Scene) -> Desk:  # noqa: ARG001 - the scene must be there before the restore
    return Desk(engine)


def test_walking_in_warns_then_breaches_and_is_one_alert(desk: Desk, scene: Scene) -> None:
    for message in approach(scene, [north_of(HOME, 900), BUFFER_PLACE, INSIDE_PLACE, HOME]):
        desk.take(message)
    assert desk.kinds()[:2] == ["zone_buffer", "zone_breach"]
    (alert,) = desk.alerts()
    assert (alert.kind, alert.severity, alert.order_id) == ("zone_breach", 1, scene.order_id)
    assert desk.fixes() == 4


def test_one_batch_gives_the_same_as_one_by_one(engine: Engine) -> None:
    first, second = make_scene(engine), make_scene(engine)
    desk = Desk(engine)
    places = [north_of(HOME, 900), BUFFER_PLACE, INSIDE_PLACE, north_of(HOME, 900), north_of(HOME, 2500)]
    for message in approach(first, places):
        desk.take(message)
    desk.take(*approach(second, places))
    with reading(engine) as session:
        found = alerts.entries_after(session, 0, 1000)
    told: dict[str, list[Any]] = {}
    for entry in found:
        assert entry.event is not None
        told.setdefault(entry.event["order_id"], []).append((entry.event["kind"], entry.event["distance_m"]))
    assert told[str(first.order_id)] == told[str(second.order_id)]


def test_coming_near_her_breaches_with_the_age_of_her_position(desk: Desk, scene: Scene) -> None:
    her_place = north_of(HOME, 10_000)
    desk.take(position(scene.phone, her_place, at(0)))
    desk.take(position(scene.ankle, north_of(her_place, 5000), at(10)))
    desk.take(position(scene.ankle, north_of(her_place, 800), at(100)))
    desk.take(position(scene.ankle, north_of(her_place, 300), at(130)))
    assert desk.kinds() == ["proximity_warning", "proximity_breach"]
    (alert,) = desk.alerts()
    assert alert.person_ids == (scene.person_id,)
    with reading(desk.engine) as session:
        event = alerts.entries_after(session, 0, 10)[-1].event
    assert event is not None
    assert event["protected_age_s"] == pytest.approx(130)
    assert event["distance_m"] == pytest.approx(300, abs=3)


def test_she_walking_up_to_him_is_seen_on_her_own_message(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.ankle, FAR, at(0)))
    desk.take(position(scene.phone, north_of(FAR, 200), at(5)))
    assert desk.kinds() == ["proximity_breach"]


def test_a_message_delivered_twice_changes_nothing(desk: Desk, scene: Scene) -> None:
    messages = approach(scene, [BUFFER_PLACE, INSIDE_PLACE])
    desk.take(*messages)
    before = (desk.kinds(), desk.fixes())
    desk.take(*messages, *messages)
    desk.restarted()
    desk.take(*messages)
    assert (desk.kinds(), desk.fixes()) == before


def test_after_a_restart_nothing_is_told_again_and_the_next_step_is(desk: Desk, scene: Scene) -> None:
    messages = approach(scene, [BUFFER_PLACE, INSIDE_PLACE, HOME])
    desk.take(messages[0])
    desk.restarted()
    desk.take(messages[1])
    desk.restarted()
    desk.take(messages[2])
    assert [kind for kind in desk.kinds() if kind != "zone_breach"] == ["zone_buffer"]
    assert len(desk.alerts()) == 1


def test_a_batch_that_is_rolled_back_leaves_no_trace(desk: Desk, scene: Scene) -> None:
    (message,) = approach(scene, [INSIDE_PLACE])
    with contextlib.suppress(RuntimeError), transaction(desk.engine) as session:
        process_messages(session, desk.memory, [message], NOW)
        raise RuntimeError
    assert (desk.kinds(), desk.fixes()) == ([], 0)
    desk.take(message)
    assert desk.kinds() == ["zone_breach"]


def test_positions_that_overtake_each_other_are_one_breach(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.phone, HOME, at(-10)))
    desk.take(position(scene.ankle, INSIDE_PLACE, at(15)))
    desk.take(*(position(scene.ankle, INSIDE_PLACE, at(s), delay_s=16 - s) for s in (5, 0, 10)))
    assert sorted(desk.kinds()) == ["proximity_breach", "zone_breach"]
    desk.take(
        position(scene.ankle, INSIDE_PLACE, at(-300), delay_s=320)
    )  # another visit, of which nobody knew
    assert desk.kinds().count("late_data_breach") == 2  # the zone's and hers


def test_a_backlog_from_inside_is_late_evidence_and_a_live_fix_inside_rings(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.ankle, INSIDE_PLACE, at(0), delay_s=1200))
    assert desk.kinds() == ["late_data_breach"]
    desk.take(position(scene.ankle, INSIDE_PLACE, at(1190)))
    assert desk.kinds() == ["late_data_breach", "zone_breach"]
    severities = {alert.kind: alert.severity for alert in desk.alerts()}
    assert severities["zone_breach"] == 1
    assert severities["late_data_breach"] > 1


def test_an_older_fix_is_evidence_and_never_moves_the_present_back(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.ankle, FAR, at(100)))
    desk.take(position(scene.ankle, HOME, at(40), delay_s=70))
    assert desk.kinds() == ["late_data_breach"]
    newest = desk.memory.device_state(scene.ankle.id, Changes())
    assert newest is not None
    assert newest.fix is not None
    assert newest.fix.fixed_at == at(100)


def test_an_older_fix_is_held_against_where_she_was_then(desk: Desk, scene: Scene) -> None:
    her_place = north_of(HOME, 10_000)
    desk.take(position(scene.phone, her_place, at(0)), position(scene.phone, her_place, at(30)))
    desk.take(position(scene.ankle, FAR, at(60)))
    desk.take(position(scene.ankle, north_of(her_place, 100), at(20), delay_s=60))
    assert desk.kinds() == ["late_data_breach"]


def test_a_backlog_in_its_order_is_held_against_where_she_was_then(desk: Desk, scene: Scene) -> None:
    """She drove past him ten minutes ago; his device was in a dead zone and sends it now."""
    hers = [position(scene.phone, north_of(FAR, 6000 - 10 * s), at(s)) for s in range(0, 1201, 60)]
    desk.take(position(scene.ankle, FAR, at(-30)), *hers)
    before = len(desk.kinds())
    desk.take(*(position(scene.ankle, FAR, at(s), delay_s=1210 - s) for s in range(0, 1081, 60)))
    assert set(desk.kinds()[before:]) == {"late_data_breach"}


BAD: dict[str, bytes] = {
    "malformed": b'{"_type":',
    "wrong_field": b'{"_type":"location","lat":"x","lon":4,"tst":1}',
    "out_of_range": b'{"_type":"location","lat":91,"lon":4,"tst":1795435200}',
    "too_large": b" " * 1_048_576,
    "future": location(HOME, NOW + timedelta(hours=1)),
    "ancient": location(HOME, datetime.fromtimestamp(-2147483648, NOW.tzinfo)),
    "unknown_type": b'{"_type":"teleport"}',
    "null_island": location(Point(0, 0), NOW),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_input_is_kept_aside_and_the_next_good_message_is_judged(
    desk: Desk, scene: Scene, reason: str
) -> None:
    desk.take(
        received(scene.ankle, BAD[reason], NOW),
        position(scene.ankle, INSIDE_PLACE, NOW),
    )
    assert desk.rejected() == {reason: 1}
    assert desk.kinds() == ["zone_breach"]


def test_an_unknown_device_and_a_topic_that_is_not_ours_are_kept_aside(desk: Desk, scene: Scene) -> None:
    good = location(HOME, NOW)
    wrong_shard = (scene.ankle.shard + 1) % 64
    desk.take(
        Received(f"em/v1/1/{'0' * 32}", good, NOW),
        Received("something/else", good, NOW),
        Received(f"em/v1/{wrong_shard}/{scene.ankle.id.hex}", good, NOW),
    )
    assert desk.rejected() == {"unknown_device": 1, "bad_topic": 2}
    assert desk.kinds() == []


def test_a_device_that_nobody_carries_or_whose_order_ended_is_kept_aside(engine: Engine) -> None:
    scene = make_scene(engine)
    ended = make_scene(engine, valid_until=NOW - timedelta(hours=1), valid_from=NOW - timedelta(days=2))
    with transaction(engine) as session:
        orders.unassign_device(session, scene.ankle.id, None, NOW)
        orders.unassign_device(session, ended.phone.id, None, NOW)
        orders.retire_device(session, ended.phone.id, None, NOW)
    desk = Desk(engine)
    desk.take(
        position(scene.ankle, HOME, NOW), position(ended.ankle, HOME, NOW), position(ended.phone, HOME, NOW)
    )
    assert desk.rejected() == {"no_order": 1, "order_not_in_force": 1, "retired_device": 1}
    assert desk.kinds() == []
    desk.take(position(ended.ankle, HOME, NOW - timedelta(hours=2), delay_s=7200))
    assert desk.kinds() == ["late_data_breach"]  # it was in force when he stood there


def test_what_a_device_said_in_other_hands_is_never_held_against_its_holder(engine: Engine) -> None:
    scene, other = make_scene(engine), make_scene(engine)
    with transaction(engine) as session:
        orders.unassign_device(session, scene.ankle.id, None, at(-60))
        orders.assign_device(session, scene.ankle.id, other.wearer_id, None, None, at(0), since=at(-30))
    desk = Desk(engine)
    desk.take(
        position(scene.ankle, HOME, at(-300), delay_s=310),
        received(scene.ankle, alarm("sos", tst=int(at(-300).timestamp())), at(5), "alarm"),
    )
    assert desk.rejected() == {"other_holder": 1}
    (told,) = desk.alerts()
    assert (told.kind, told.order_id) == ("sos", None)  # a call for help is heard all the same
    desk.take(position(scene.ankle, HOME, at(-35), delay_s=41))  # a device's clock may be off by 10 s
    assert {alert.order_id for alert in desk.alerts()} == {None, other.order_id}


@pytest.mark.parametrize("is_restarted", [False, True])
def test_where_her_device_was_in_other_hands_is_not_where_she_is(
    desk: Desk, scene: Scene, is_restarted: bool
) -> None:
    desk.take(position(scene.phone, north_of(FAR, 200), at(-20)))
    with transaction(desk.engine) as session:
        orders.unassign_device(session, scene.phone.id, None, at(0))
        orders.assign_device(session, scene.phone.id, None, scene.person_id, None, at(5))
    if is_restarted:
        desk.restarted()
    else:
        with reading(desk.engine) as session:
            desk.memory.refresh(session)
    desk.take(position(scene.ankle, FAR, at(10)))
    assert desk.kinds() == []
    desk.take(position(scene.phone, north_of(FAR, 300), at(15)))
    assert desk.kinds() == ["proximity_breach"]


def test_a_device_that_changes_hands_is_another_s_from_then_on(
    desk: Desk, scene: Scene, engine: Engine
) -> None:
    with transaction(engine) as session:
        orders.unassign_device(session, scene.ankle.id, None, at(0))
        orders.assign_device(session, scene.ankle.id, scene.wearer_id, None, None, at(60), since=at(60))
    with reading(engine) as session:
        desk.memory.refresh(session)
    desk.take(position(scene.ankle, HOME, at(30), delay_s=40), position(scene.ankle, HOME, at(65)))
    assert desk.rejected() == {"other_holder": 1}
    assert desk.kinds() == ["zone_breach"]


def test_a_change_of_the_register_is_taken_over(desk: Desk, scene: Scene, engine: Engine) -> None:
    other = make_scene(engine)
    with transaction(engine) as session:
        orders.revoke_order(session, scene.order_id, None, NOW)
    with reading(engine) as session:
        assert desk.memory.refresh(session)
        assert not desk.memory.refresh(session)
    later = NOW + timedelta(seconds=5)
    desk.take(position(scene.ankle, HOME, later), position(other.ankle, INSIDE_PLACE, later))
    assert desk.rejected() == {"order_not_in_force": 1}
    assert [alert.order_id for alert in desk.alerts()] == [other.order_id]


def test_signs_of_life_move_the_last_word_and_nothing_else(desk: Desk, scene: Scene) -> None:
    desk.take(position(scene.phone, FAR, at(0), batt=70))
    desk.take(received(scene.phone, b'{"_type":"status","batt":41}', at(50)))
    state = desk.memory.device_state(scene.phone.id, Changes())
    assert state is not None
    assert (state.heard_at, state.battery_pct) == (at(50), 41)
    assert state.fix is not None


def test_a_fault_of_ours_keeps_the_message_and_alerts_for_the_device(desk: Desk, scene: Scene) -> None:
    message = position(scene.ankle, HOME, NOW)
    with transaction(desk.engine) as session:
        reject_for_our_fault(session, desk.memory, message, "KeyError at x.py:1", NOW)
    (alert,) = desk.alerts()
    assert (alert.kind, alert.device_id) == ("system_degraded", scene.ankle.id)
    assert desk.rejected() == {"server_fault": 1}


def test_a_concealed_zone_alerts_like_any_other(engine: Engine) -> None:
    scene = make_scene(engine, zone={"visibility": Visibility.CONCEALED})
    desk = Desk(engine)
    desk.take(position(scene.ankle, HOME, NOW))
    (alert,) = desk.alerts()
    assert (alert.kind, alert.concealed) == ("zone_breach", True)
    with reading(engine) as session:
        opened = alerts.entries_after(session, 0, 10)[0]
    assert opened.kind is EntryKind.OPENED

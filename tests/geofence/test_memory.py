"""What a worker knows: read anew at start, or kept up to date change by change, it is the same."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.geofence.memory import Changes, Memory, Place
from api.geofence.model import Circle, Limits, Presence, Visibility
from api.geofence.service import zones
from api.geofence.service.judging import Received, process_messages
from api.geofence.service.zones import ZoneDraft
from api.geofence.store.states import list_presences
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.orders import service as orders
from api.orders.model import OrderDraft, ProtectiveOrder
from tests.factories import NOW
from tests.orders import register
from tests.scene import FAR, HOME, Scene, make_scene, north_of, position, received

LATER = NOW + timedelta(seconds=90)
ELSEWHERE = north_of(HOME, 5_000)
DRAFT = ZoneDraft("school", Circle(ELSEWHERE, 300.0), 100.0, Visibility.CONCEALED)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def restored(engine: Engine, now: datetime = LATER) -> Memory:
    memory = Memory(Limits())
    with reading(engine) as session:
        memory.restore(session, now)
    return memory


def refresh(engine: Engine, memory: Memory) -> bool:
    with reading(engine) as session:
        return memory.refresh(session)


def take(engine: Engine, memory: Memory, *messages: Received) -> None:
    with transaction(engine) as session:
        now = max(message.received_at for message in messages)
        changes = process_messages(session, memory, messages, now)
    memory.take_over(changes)


def _order_of_places(place: Place) -> tuple[str, str, str]:
    person = place.person
    return str(place.watched.order.id), place.party.value, str(person.id) if person else ""


def _judged_by(memory: Memory, device_id: UUID) -> Any:
    """What rules read of a device's newest fix; counter, speed and the like are in the fix table only."""
    seen = memory.seen(device_id, Changes())
    if seen is None:
        return None
    fix = seen.fix
    path = (seen.from_xyz, seen.from_s, seen.step_m)
    anchor = (seen.anchor_xyz, seen.anchor_s, seen.anchor_disc_m)
    place = (seen.xyz, seen.at_s, seen.disc_m)
    return fix.point, fix.fixed_at, fix.received_at, fix.accuracy_m, place, seen.doubts, path, anchor


def _last_word(memory: Memory, device_id: UUID) -> Any:
    state = memory.device_state(device_id, Changes())
    return state and (
        state.heard_at,
        state.doubts,
        state.strap_closed,
        state.battery_pct,
        state.fix and state.fix.fixed_at,
    )


def known(engine: Engine, memory: Memory) -> dict[str, Any]:
    """Everything that judging asks a memory for."""
    with reading(engine) as session:
        keys = list_presences(session).keys()
    return {
        "revision": memory.revision,
        "devices": dict(memory.devices),
        "places": {device: sorted(places, key=_order_of_places) for device, places in memory.places.items()},
        "presences": {key: memory.presence(key, Changes()) for key in keys},
        "carried": [(device, memory.was_carried(device, at(-60))) for device in sorted(memory.devices)],
        "seen": {device: _judged_by(memory, device) for device in memory.devices},
        "words": {device: _last_word(memory, device) for device in memory.devices},
    }


def draft_of(order: ProtectiveOrder, **more: Any) -> OrderDraft:
    return OrderDraft(**{field.name: getattr(order, field.name) for field in fields(OrderDraft)} | more)


class Register:
    """The order under test, a second one that nothing happens to, and what staff do meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.scene, self.other = make_scene(engine), make_scene(engine)
        with transaction(engine) as session:
            self.second_person = register.add_person(session)
            self.second_phone = register.add_device(session, simulated=True)
            register.assign_to_person(session, self.second_phone, self.second_person)
            order = orders.get_order(session, self.scene.order_id)
            people = (self.scene.person_id, self.second_person)
            orders.change_order(session, order, draft_of(order, protected_person_ids=people), None, NOW)

    def edit(self, act: Callable[..., object], *arguments: Any) -> None:
        with transaction(self.engine) as session:
            act(session, *arguments, None, NOW)

    def change_order(self, **more: Any) -> None:
        with reading(self.engine) as session:
            order = orders.get_order(session, self.scene.order_id)
        self.edit(orders.change_order, order, draft_of(order, **more))

    def zone(self) -> Any:
        with reading(self.engine) as session:
            return zones.get_zone(session, self.scene.order_id, self.scene.zone_id)

    def hand_over(self) -> None:
        self.edit(orders.unassign_device, self.scene.phone.id)
        self.edit(orders.assign_device, self.scene.phone.id, None, self.other.person_id)

    def retire(self) -> None:
        self.edit(orders.unassign_device, self.scene.ankle.id)
        self.edit(orders.retire_device, self.scene.ankle.id)

    def add_order(self) -> None:
        with transaction(self.engine) as session:
            people = (self.scene.person_id,)
            register.add_order(
                session, wearer_id=self.other.wearer_id, protected_person_ids=people, exercise=True
            )


EDITS: dict[str, Callable[[Register], object]] = {
    "nothing": lambda _: None,
    "zone drawn": lambda it: it.edit(zones.add_zone, it.scene.order_id, DRAFT),
    "zone changed": lambda it: it.edit(zones.change_zone, it.zone(), DRAFT),
    "zone removed": lambda it: it.edit(zones.remove_zone, it.zone()),
    "device handed to a person of another order": Register.hand_over,
    "device taken back": lambda it: it.edit(orders.unassign_device, it.scene.ankle.id),
    "device retired": Register.retire,
    "device registered": lambda it: make_scene(it.engine),
    "device given another password": lambda it: it.edit(orders.renew_secret, it.scene.ankle.id),
    "order revoked": lambda it: it.edit(orders.revoke_order, it.scene.order_id),
    "order with another radius": lambda it: it.change_order(warning_radius_m=3000.0),
    "person taken off the order": lambda it: it.change_order(protected_person_ids=(it.scene.person_id,)),
    "another order for the same person": Register.add_order,
}


def walk(scene: Scene) -> list[Received]:
    """Into the buffer, a doubtful fix, out of the way; she nearby, her strapless phone with a battery."""
    places = [north_of(HOME, 900), north_of(HOME, 620), north_of(HOME, 400)]
    his = [
        position(scene.ankle, place, at(20 * i), strap="closed", acc=90 if i == 2 else 8)
        for i, place in enumerate(places)
    ]
    return [*his, position(scene.phone, north_of(HOME, 1_500), at(25), batt=61)]


@pytest.mark.parametrize("edit", EDITS)
def test_a_change_taken_over_is_what_a_restart_would_read(sqlite_engine: Engine, edit: str) -> None:
    staff = Register(sqlite_engine)
    memory = restored(sqlite_engine)
    take(sqlite_engine, memory, *walk(staff.scene), *walk(staff.other))
    EDITS[edit](staff)
    assert refresh(sqlite_engine, memory) == (edit != "nothing")
    assert known(sqlite_engine, memory) == known(sqlite_engine, restored(sqlite_engine))


def test_many_changes_at_once_are_what_a_restart_would_read(engine: Engine) -> None:
    staff = Register(engine)
    memory = restored(engine)
    take(engine, memory, *walk(staff.scene))
    for name in ("zone drawn", "zone changed", "person taken off the order", "another order for the same"):
        next(act for edit, act in EDITS.items() if edit.startswith(name))(staff)
    staff.hand_over()
    EDITS["order revoked"](staff)
    refresh(engine, memory)
    fresh = restored(engine)
    assert known(engine, memory) == known(engine, fresh)
    for one in (memory, fresh):  # and both judge the next message alike
        with transaction(engine) as session:
            changes = process_messages(session, one, [position(staff.other.ankle, HOME, at(60))], at(61))
            session.rollback()
        assert [state.presence for state in changes.presences.values()] == [Presence.INSIDE]


def test_a_refresh_touches_only_the_orders_that_changed(sqlite_engine: Engine) -> None:
    staff = Register(sqlite_engine)
    memory = restored(sqlite_engine)
    before = dict(memory.places)
    EDITS["zone changed"](staff)
    refresh(sqlite_engine, memory)
    for device in (staff.other.ankle, staff.other.phone):
        assert memory.places[device.id] is before[device.id]
    for device in (staff.scene.ankle, staff.scene.phone, staff.second_phone):
        (place,), (old,) = memory.places[device.id], before[device.id]
        assert place.watched != old.watched


def test_a_refresh_that_finds_nothing_new_says_so_and_touches_nothing(sqlite_engine: Engine) -> None:
    staff = Register(sqlite_engine)
    memory = restored(sqlite_engine)
    before = dict(memory.places)
    assert not refresh(sqlite_engine, memory)
    EDITS["zone removed"](staff)
    assert refresh(sqlite_engine, memory)
    assert not refresh(sqlite_engine, memory)
    assert all(memory.places[d.id] is before[d.id] for d in (staff.other.ankle, staff.other.phone))


def test_a_person_with_two_orders_stands_on_both_until_one_lets_go_of_her(sqlite_engine: Engine) -> None:
    staff = Register(sqlite_engine)
    staff.add_order()
    memory = restored(sqlite_engine)
    assert len(memory.places[staff.scene.phone.id]) == 2
    staff.change_order(protected_person_ids=(staff.second_person,))
    refresh(sqlite_engine, memory)
    (left,) = memory.places[staff.scene.phone.id]
    assert left.watched.order.wearer_id == staff.other.wearer_id


def test_a_device_that_nobody_carries_any_more_stands_nowhere(sqlite_engine: Engine) -> None:
    staff = Register(sqlite_engine)
    memory = restored(sqlite_engine)
    EDITS["device taken back"](staff)
    refresh(sqlite_engine, memory)
    assert staff.scene.ankle.id not in memory.places
    assert staff.scene.ankle.id in memory.devices


def test_a_batch_that_is_rolled_back_leaves_no_trace(engine: Engine) -> None:
    scene = make_scene(engine)
    memory = restored(engine)
    take(engine, memory, *walk(scene))
    before = known(engine, memory)
    entering = position(scene.ankle, HOME, at(80), strap="open", batt=3)
    with contextlib.suppress(RuntimeError), transaction(engine) as session:
        process_messages(session, memory, [entering], at(81))
        raise RuntimeError
    assert known(engine, memory) == before
    assert known(engine, restored(engine)) == before
    take(engine, memory, entering)
    assert known(engine, memory) != before
    assert known(engine, memory) == known(engine, restored(engine))


def test_a_restart_knows_who_has_left_and_tells_of_the_next_entry(engine: Engine) -> None:
    scene = make_scene(engine)
    memory = restored(engine)
    for seconds, metres in ((0, 0), (40, 2_000), (80, 2_100), (120, 2_200)):
        take(engine, memory, position(scene.ankle, north_of(HOME, metres), at(seconds)))
    fresh = restored(engine, at(125))
    assert known(engine, memory) == known(engine, fresh)
    with transaction(engine) as session:
        changes = process_messages(session, fresh, [position(scene.ankle, HOME, at(200))], at(201))
        entries = alerts.entries_after(session, 0, 100)
    assert [state.presence for state in changes.presences.values()] == [Presence.INSIDE]
    assert [entry.event["kind"] for entry in entries if entry.event] == [
        "zone_breach",
        "zone_left",
        "zone_breach",
    ]


HER_WALK: dict[str, Sequence[tuple[float, float, dict[str, Any]]]] = {
    "one fix": [(0, 0, {})],
    "steady": [(0, 0, {}), (30, 40, {}), (60, 80, {})],
    "without accuracy": [(0, 0, {"acc": None}), (30, 40, {"acc": None})],
    "an older one came last": [(0, 0, {}), (60, 80, {}), (30, 40, {"delay_s": 45})],
    "an outlier is the newest": [(0, 0, {}), (30, 50_000, {})],
    "back after an outlier": [(0, 0, {}), (30, 50_000, {}), (60, 40, {})],
    "two that agree after a jump": [(0, 0, {}), (30, 50_000, {}), (60, 50_040, {})],
}


@pytest.mark.parametrize("story", HER_WALK)
def test_a_restart_sees_the_newest_fix_as_it_was_seen(sqlite_engine: Engine, story: str) -> None:
    scene = make_scene(sqlite_engine)
    memory = restored(sqlite_engine)
    for seconds, metres, more in HER_WALK[story]:
        take(sqlite_engine, memory, position(scene.phone, north_of(FAR, metres), at(seconds), **more))
    fresh = restored(sqlite_engine)
    ours, theirs = memory.seen(scene.phone.id, Changes()), fresh.seen(scene.phone.id, Changes())
    assert ours is not None
    assert theirs is not None
    assert (ours.fix.fixed_at, ours.doubts) == (theirs.fix.fixed_at, theirs.doubts)
    assert ours.anchor_xyz == theirs.anchor_xyz


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_breach_beside_a_place_that_is_sure_is_sure_after_a_restart_too(
    sqlite_engine: Engine, is_restarted: bool
) -> None:
    scene = make_scene(sqlite_engine)
    memory = restored(sqlite_engine)
    for seconds, metres in ((0, 0), (30, 50_000), (60, 40)):
        take(sqlite_engine, memory, position(scene.phone, north_of(FAR, metres), at(seconds)))
    if is_restarted:
        memory = restored(sqlite_engine)
    take(sqlite_engine, memory, position(scene.ankle, north_of(FAR, 200), at(70)))
    with reading(sqlite_engine) as session:
        assert [state.presence for state in list_presences(session).values()] == [Presence.INSIDE]


def test_a_fix_too_old_for_a_path_is_still_where_somebody_was_last(engine: Engine) -> None:
    scene = make_scene(engine)
    memory = restored(engine)
    take(engine, memory, position(scene.phone, FAR, at(0)), position(scene.phone, north_of(FAR, 9), at(10)))
    fresh = restored(engine, at(3_600))
    seen = fresh.seen(scene.phone.id, Changes())
    assert seen is not None
    assert (seen.fix.point, seen.from_xyz) == (north_of(FAR, 9), None)


def test_a_device_that_only_gave_signs_of_life_has_no_place(engine: Engine) -> None:
    scene = make_scene(engine)
    memory = restored(engine)
    take(engine, memory, received(scene.phone, b'{"_type":"status","batt":41}', at(5)))
    for one in (memory, restored(engine)):
        assert one.seen(scene.phone.id, Changes()) is None
        state = one.device_state(scene.phone.id, Changes())
        assert state is not None
        assert (state.heard_at, state.battery_pct, state.fix) == (at(5), 41, None)
    assert known(engine, memory) == known(engine, restored(engine))


def test_of_somebodys_devices_the_newest_fix_counts_whichever_came_last(engine: Engine) -> None:
    scene = make_scene(engine)
    with transaction(engine) as session:
        watch = register.add_device(session, simulated=True)
        register.assign_to_person(session, watch, scene.person_id)
    memory = restored(engine)
    take(engine, memory, position(watch, north_of(FAR, 500), at(30)), position(scene.phone, FAR, at(10)))
    for one in (memory, restored(engine)):
        newest = one.newest_of([scene.phone.id, watch.id], Changes())
        assert newest is not None
        assert newest.fix.device_id == watch.id
    assert memory.newest_of([scene.ankle.id], Changes()) is None


def test_what_a_batch_changed_is_seen_before_what_was_known(sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine)
    memory = restored(sqlite_engine)
    take(sqlite_engine, memory, position(scene.phone, FAR, at(0)))
    with transaction(sqlite_engine) as session:
        changes = process_messages(
            session, memory, [position(scene.phone, Point(52.5, 5.0), at(3_000))], at(3_001)
        )
        session.rollback()
    in_batch, before = memory.seen(scene.phone.id, changes), memory.seen(scene.phone.id, Changes())
    assert in_batch is not None
    assert before is not None
    assert (in_batch.fix.fixed_at, before.fix.fixed_at) == (at(3_000), at(0))

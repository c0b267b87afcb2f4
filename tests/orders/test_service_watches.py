"""What the geofence reads of the register, on both databases."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from api.kernel.db import reading, transaction
from api.orders import service
from api.orders.model import OrderNotFound, RegisterChange
from tests.orders.register import (
    add_device,
    add_order,
    add_person,
    add_wearer,
    assign_to_person,
    assign_to_wearer,
)


@contextmanager
def counted_selects(engine: Engine) -> Iterator[list[str]]:
    """Collect the SELECT statements that the block sends."""
    statements: list[str] = []

    def collect(_c: Any, _u: Any, statement: str, *_more: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", collect)
    yield statements
    event.remove(engine, "before_cursor_execute", collect)


def noted(engine: Engine, after: int) -> tuple[set[UUID], set[UUID]]:
    """Orders and devices that were noted as changed."""
    with reading(engine) as session:
        changes = service.changes_after(session, after)
    return {c.order_id for c in changes if c.order_id}, {c.device_id for c in changes if c.device_id}


def revision_of(engine: Engine) -> int:
    with reading(engine) as session:
        return service.latest_revision(session)


def test_a_watch_holds_both_sides_devices_as_they_are_now(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        people = (add_person(session), add_person(session))
        order = add_order(session, protected_person_ids=people)
        ankle, phone, tag, returned = (add_device(session) for _ in range(4))
        assign_to_wearer(session, ankle, order.wearer_id)
        assign_to_person(session, phone, people[1])
        assign_to_person(session, tag, people[1])
        assign_to_person(session, returned, people[0])
        service.unassign_device(session, returned.id, None, now)
    with reading(engine) as session:
        watch = service.get_watch(session, order.id)
    assert watch.order == order
    assert watch.wearer_devices == (ankle.id,)
    assert [(person, set(devices)) for person, devices in watch.protected] == [
        (people[0], set()),
        (people[1], {phone.id, tag.id}),
    ]


def test_since_when_a_device_is_carried_is_told_of_the_present_holder(engine: Engine, now: datetime) -> None:
    later = now + timedelta(hours=1)
    with transaction(engine) as session:
        kept, passed_on, returned = (add_device(session) for _ in range(3))
        for device in (kept, passed_on, returned):
            assign_to_wearer(session, device, add_wearer(session))
        for device in (passed_on, returned):
            service.unassign_device(session, device.id, None, later)
        assign_to_person(session, passed_on, add_person(session), later)
    with reading(engine) as session:
        assert service.carried_since(session) == {kept.id: now, passed_on.id: later}


def test_people_of_several_orders_are_watched_in_each(engine: Engine) -> None:
    with transaction(engine) as session:
        wearer, other_wearer, person = add_wearer(session), add_wearer(session), add_person(session)
        first = add_order(session, wearer_id=wearer, protected_person_ids=(person,))
        second = add_order(session, wearer_id=wearer)
        third = add_order(session, wearer_id=other_wearer, protected_person_ids=(person,))
        ankle, phone = add_device(session), add_device(session)
        assign_to_wearer(session, ankle, wearer)
        assign_to_person(session, phone, person)
    with reading(engine) as session:
        every = {watch.order.id: watch for watch in service.list_watches(session)}
        some = {watch.order.id: watch for watch in service.list_watches(session, [first.id, third.id])}
    assert every.keys() == {first.id, second.id, third.id}
    assert every[first.id].wearer_devices == every[second.id].wearer_devices == (ankle.id,)
    assert every[third.id].wearer_devices == ()
    assert every[first.id].protected == every[third.id].protected == ((person, (phone.id,)),)
    assert some == {order_id: every[order_id] for order_id in (first.id, third.id)}


def test_the_orders_of_a_few_people_are_found_from_either_side(engine: Engine) -> None:
    with transaction(engine) as session:
        wearer, person = add_wearer(session), add_person(session)
        his = add_order(session, wearer_id=wearer)
        both = add_order(session, wearer_id=wearer, protected_person_ids=(person,))
        hers = add_order(session, protected_person_ids=(add_person(session), person))
        add_order(session)
    with reading(engine) as session:

        def found(wearers: list[UUID], people: list[UUID]) -> set[UUID]:
            return {watch.order.id for watch in service.list_watches_of(session, wearers, people)}

        assert found([wearer], []) == {his.id, both.id}
        assert found([], [person]) == {both.id, hers.id}
        assert found([wearer], [person]) == {his.id, both.id, hers.id}
        assert found([], []) == set()


def test_ended_orders_are_watched_too_and_unknown_ones_are_not(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        over = add_order(session, valid_until=now)
    with reading(engine) as session:
        assert [watch.order for watch in service.list_watches(session)] == [over]
        assert service.list_watches(session, [uuid.uuid4()]) == []
        assert service.list_watches(session, []) == []
        with pytest.raises(OrderNotFound):
            service.get_watch(session, uuid.uuid4())


@pytest.mark.parametrize("count", [2, 40])
def test_all_watches_take_four_statements_however_many_they_are(sqlite_engine: Engine, count: int) -> None:
    with transaction(sqlite_engine) as session:
        for _ in range(count):
            order = add_order(session)
            assign_to_wearer(session, add_device(session), order.wearer_id)
    with counted_selects(sqlite_engine) as statements, reading(sqlite_engine) as session:
        assert len(service.list_watches(session)) == count
    assert len(statements) == 4


def test_more_ids_than_a_statement_takes_are_asked_in_several(engine: Engine) -> None:
    with transaction(engine) as session:
        order, device = add_order(session), add_device(session)
    strangers = [uuid.uuid4() for _ in range(70_000)]
    with reading(engine) as session:
        assert len(service.list_watches(session, [*strangers, order.id])) == 1
        assert service.list_devices(session, [device.id, *strangers]) == [device]
        assert len(service.list_references(session, [*strangers, order.wearer_id])) == 1


def test_every_change_of_an_order_is_noted(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
    assert noted(engine, 0)[0] == {order.id}
    before = revision_of(engine)
    with transaction(engine) as session:
        service.revoke_order(session, order.id, None, now)
    assert noted(engine, before) == ({order.id}, set())


def test_a_device_that_changes_hands_is_noted_for_each_order_of_the_holder(
    engine: Engine, now: datetime
) -> None:
    with transaction(engine) as session:
        wearer, person = add_wearer(session), add_person(session)
        first = add_order(session, wearer_id=wearer, protected_person_ids=(person,))
        second = add_order(session, wearer_id=wearer)
        third = add_order(session, protected_person_ids=(person,))
        ankle, phone = add_device(session), add_device(session)
    before = revision_of(engine)
    with transaction(engine) as session:
        assign_to_wearer(session, ankle, wearer)
    assert noted(engine, before) == ({first.id, second.id}, {ankle.id})
    before = revision_of(engine)
    with transaction(engine) as session:
        assign_to_person(session, phone, person)
    assert noted(engine, before) == ({first.id, third.id}, {phone.id})
    before = revision_of(engine)
    with transaction(engine) as session:
        service.unassign_device(session, ankle.id, None, now)
    assert noted(engine, before) == ({first.id, second.id}, {ankle.id})


def test_a_change_of_the_device_register_is_noted(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        device = add_device(session)
    assert noted(engine, 0) == (set(), {device.id})
    for act in (service.renew_secret, service.retire_device):
        before = revision_of(engine)
        with transaction(engine) as session:
            act(session, device.id, None, now)
        assert noted(engine, before) == (set(), {device.id})


def test_a_cursor_sees_each_change_once_and_in_order(engine: Engine, now: datetime) -> None:
    ids = [uuid.uuid4() for _ in range(5)]
    for order_id in ids:
        with transaction(engine) as session:
            service.note_change(session, now, order_id=order_id)
    seen: list[RegisterChange] = []
    with reading(engine) as session:
        while changes := service.changes_after(session, seen[-1].revision if seen else 0):
            seen += changes[:2]
    assert [change.order_id for change in seen] == ids
    assert [change.revision for change in seen] == sorted({change.revision for change in seen})
    assert revision_of(engine) == seen[-1].revision


def test_a_change_that_is_rolled_back_is_not_noted(engine: Engine, now: datetime) -> None:
    def note_and_fail() -> None:
        with transaction(engine) as session:
            service.note_change(session, now, order_id=uuid.uuid4())
            service.revoke_order(session, uuid.uuid4(), None, now)

    with pytest.raises(OrderNotFound):
        note_and_fail()
    assert revision_of(engine) == 0


def test_changes_made_at_once_never_hide_behind_a_cursor(engine: Engine, now: datetime) -> None:
    """A reader that follows the log while four writers write misses none of their notices."""
    ids = [[uuid.uuid4() for _ in range(10)] for _ in range(4)]

    def write(own: list[UUID]) -> None:
        for order_id in own:
            with transaction(engine) as session:
                service.note_change(session, now, order_id=order_id)

    writers = [threading.Thread(target=write, args=(own,)) for own in ids]
    for writer in writers:
        writer.start()
    seen: list[UUID | None] = []
    cursor = 0
    while True:
        is_last_look = not any(writer.is_alive() for writer in writers)
        with reading(engine) as session:
            changes = service.changes_after(session, cursor)
        seen += [change.order_id for change in changes]
        cursor = changes[-1].revision if changes else cursor
        if is_last_look:
            break
    assert sorted(map(str, seen)) == sorted(str(order_id) for own in ids for order_id in own)
    assert len(seen) == 40


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 3)), max_size=25))
def test_whatever_is_handed_out_and_back_a_device_is_in_one_persons_hands_at_most(
    sqlite_engine: Engine, now: datetime, moves: list[tuple[int, int]]
) -> None:
    """Moves are (device, holder), holder -1 hands back; the watches tell the same as a plain dictionary."""
    with transaction(sqlite_engine) as session:
        orders = [add_order(session), add_order(session)]
        devices = [add_device(session).id for _ in range(3)]
        holders = [(o.wearer_id, None) for o in orders] + [(None, o.protected_person_ids[0]) for o in orders]
        held: dict[UUID, UUID] = {}
        for device_index, holder_index in moves:
            device = devices[device_index]
            if device in held:
                service.unassign_device(session, device, None, now)
                del held[device]
            if holder_index >= 0:
                wearer_id, person_id = holders[holder_index]
                service.assign_device(session, device, wearer_id, person_id, None, now)
                held[device] = wearer_id or person_id or uuid.UUID(int=0)
        watches = service.list_watches(session, [order.id for order in orders])
    told: dict[UUID, UUID] = {}
    for watch in watches:
        told |= dict.fromkeys(watch.wearer_devices, watch.order.wearer_id)
        for person_id, carried in watch.protected:
            told |= dict.fromkeys(carried, person_id)
    assert told == held

"""Protective orders on both databases."""

import uuid
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api.kernel.db import reading, transaction
from api.orders import service
from api.orders.model import (
    BadOrder,
    OrderChanged,
    OrderDraft,
    OrderNotFound,
    OrderRevoked,
    ProtectiveOrder,
    ReferenceTaken,
    SimulatedOnRealOrder,
)
from tests.orders.register import (
    add_device,
    add_order,
    add_person,
    add_wearer,
    assign_to_person,
    assign_to_wearer,
)


def draft_of(order: ProtectiveOrder, **more: Any) -> OrderDraft:
    values = asdict(order)
    del values["id"], values["revoked_at"]
    return OrderDraft(**(values | more))


def change(engine: Engine, order: ProtectiveOrder, now: datetime, **more: Any) -> ProtectiveOrder:
    with transaction(engine) as session:
        return service.change_order(session, order, draft_of(order, **more), None, now)


def test_an_order_is_given_back_as_it_was_registered(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        people = tuple(add_person(session) for _ in range(3))
        order = add_order(session, protected_person_ids=people, valid_until=now + timedelta(microseconds=1))
    with reading(engine) as session:
        assert service.get_order(session, order.id) == order
    assert order.protected_person_ids == people


def test_an_order_that_is_not_there_is_not_found(engine: Engine) -> None:
    with pytest.raises(OrderNotFound), reading(engine) as session:
        service.get_order(session, uuid.uuid4())


def test_everybody_in_an_order_must_be_registered(engine: Engine) -> None:
    with pytest.raises(BadOrder) as refusal, transaction(engine) as session:
        add_order(session, wearer_id=uuid.uuid4(), protected_person_ids=(add_person(session), uuid.uuid4()))
    assert set(refusal.value.fields) == {"wearer_id", "protected_person_ids"}


def test_a_wearer_is_no_protected_person(engine: Engine) -> None:
    with pytest.raises(BadOrder) as refusal, transaction(engine) as session:
        add_order(session, protected_person_ids=(add_wearer(session),))
    assert set(refusal.value.fields) == {"protected_person_ids"}


def test_a_refused_order_leaves_nothing_behind(engine: Engine) -> None:
    with pytest.raises(BadOrder), transaction(engine) as session:
        add_order(session, alert_radius_m=1.0)
    with reading(engine) as session:
        assert service.count_orders(session) == 0
        assert service.count_wearers(session) == 0
        assert service.latest_revision(session) == 0


def test_a_reference_belongs_to_one_order_and_may_be_kept(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        first = add_order(session, reference="C-1")
        second = add_order(session, reference="C-2")
    with pytest.raises(ReferenceTaken), transaction(engine) as session:
        add_order(session, reference="C-1")
    with pytest.raises(ReferenceTaken):
        change(engine, second, now, reference="C-1")
    assert change(engine, first, now, court="Rechtbank Utrecht").reference == "C-1"


def test_a_change_replaces_dates_radii_and_people(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        people = (add_person(session), *order.protected_person_ids)
    end = now + timedelta(days=9)
    changed = change(
        engine,
        order,
        now,
        protected_person_ids=people,
        valid_until=end,
        alert_radius_m=200.0,
        warning_radius_m=201.0,
    )
    wanted = replace(
        order, protected_person_ids=people, valid_until=end, alert_radius_m=200.0, warning_radius_m=201.0
    )
    assert changed == wanted
    with reading(engine) as session:
        assert service.get_order(session, order.id) == wanted


def test_of_two_changes_to_what_both_have_seen_the_second_is_refused(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
    change(engine, order, now, alert_radius_m=300.0)
    with pytest.raises(OrderChanged):
        change(engine, order, now, court="Rechtbank Utrecht")


def test_an_order_keeps_wearer_and_kind(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        other = add_wearer(session)
    for field, value in (("wearer_id", other), ("exercise", True)):
        with pytest.raises(BadOrder) as refusal:
            change(engine, order, now, **{field: value})
        assert set(refusal.value.fields) == {field}


def test_revocation_ends_an_order_now_and_once(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
    with transaction(engine) as session:
        revoked = service.revoke_order(session, order.id, None, now)
    assert revoked == replace(order, revoked_at=now)
    with transaction(engine) as session:
        revision = service.latest_revision(session)
        assert service.revoke_order(session, order.id, None, now + timedelta(days=1)) == revoked
        assert service.latest_revision(session) == revision


def test_a_revoked_order_cannot_be_revived(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        revoked = service.revoke_order(session, order.id, None, now)
    with pytest.raises(OrderRevoked):
        change(engine, revoked, now, valid_until=now + timedelta(days=9))


@pytest.mark.parametrize("carrier", ["wearer", "person"])
def test_a_real_order_is_refused_for_people_with_a_simulated_device(
    engine: Engine, now: datetime, carrier: str
) -> None:
    with transaction(engine) as session:
        wearer_id, person_id = add_wearer(session), add_person(session)
        device = add_device(session, simulated=True)
        if carrier == "wearer":
            assign_to_wearer(session, device, wearer_id)
        else:
            assign_to_person(session, device, person_id)
    people: dict[str, Any] = {"wearer_id": wearer_id, "protected_person_ids": (person_id,)}
    with pytest.raises(SimulatedOnRealOrder), transaction(engine) as session:
        add_order(session, **people)
    with transaction(engine) as session:
        add_order(session, **people, exercise=True)
        add_order(session, **people, valid_until=now)  # already over: it cannot page anybody


def test_a_real_order_that_is_over_cannot_come_back_to_life_with_a_simulated_device(
    engine: Engine, now: datetime
) -> None:
    with transaction(engine) as session:
        order = add_order(session, valid_until=now)
        assign_to_wearer(session, add_device(session, simulated=True), order.wearer_id)
    with pytest.raises(SimulatedOnRealOrder):
        change(engine, order, now, valid_until=None)


def test_a_person_with_a_simulated_device_cannot_join_a_real_order(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        other = add_person(session)
        assign_to_person(session, add_device(session, simulated=True), other)
    with pytest.raises(SimulatedOnRealOrder):
        change(engine, order, now, protected_person_ids=(*order.protected_person_ids, other))


def test_orders_are_listed_by_reference(engine: Engine) -> None:
    with transaction(engine) as session:
        for n in (3, 1, 2):
            add_order(session, reference=f"C-{n}")
    with reading(engine) as session:
        assert service.count_orders(session) == 3
        orders = service.list_orders(session, 1, 10)
    assert [order.reference for order in orders] == ["C-2", "C-3"]
    assert all(len(order.protected_person_ids) == 1 for order in orders)


def test_every_change_is_in_the_audit_trail(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
    changed = change(engine, order, now, court="Rechtbank Utrecht")
    with transaction(engine) as session:
        service.revoke_order(session, changed.id, None, now)
    with reading(engine) as session:
        acts = session.execute(text("SELECT act, object_id FROM audit")).all()
    of_order = {act for act, object_id in acts if uuid.UUID(str(object_id)) == order.id}
    assert of_order == {"orders.add", "orders.change", "orders.revoke"}

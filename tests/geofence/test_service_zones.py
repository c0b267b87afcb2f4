import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from api.geofence.model import BadZone, Circle, Purpose, Visibility, ZoneChanged, ZoneNotFound
from api.geofence.service import zones as service
from api.geofence.service.zones import ZoneDraft
from api.kernel.db import reading, transaction
from api.orders import service as orders
from api.orders.model import OrderNotFound
from tests.factories import PLACE
from tests.orders import register

DRAFT = ZoneDraft("home", Circle(PLACE, 500.0), 250.0, Visibility.DECLARED)
ACTOR = uuid.UUID(int=77)


def add_order(engine: Engine) -> UUID:
    with transaction(engine) as session:
        return register.add_order(session).id


def revision(engine: Engine) -> int:
    with reading(engine) as session:
        return orders.latest_revision(session)


def changed_orders_since(engine: Engine, seen: int) -> list[UUID | None]:
    with reading(engine) as session:
        return [change.order_id for change in orders.changes_after(session, seen)]


def audit_trail(engine: Engine, zone_id: UUID) -> list[tuple[str, str]]:
    with reading(engine) as session:
        rows = session.execute(
            text("SELECT act, reason FROM audit WHERE object_id = :id AND actor_id = :actor ORDER BY at"),
            {"id": _key(engine, zone_id), "actor": _key(engine, ACTOR)},
        )
        return [(act, reason) for act, reason in rows]


def _key(engine: Engine, value: UUID) -> object:
    return value.hex if engine.dialect.name == "sqlite" else value


def test_a_drawn_zone_is_in_force_and_the_worker_is_told(engine: Engine, now: datetime) -> None:
    order_id = add_order(engine)
    before = revision(engine)
    with transaction(engine) as session:
        zone = service.add_zone(session, order_id, DRAFT, ACTOR, now)
    assert (zone.version, zone.order_id, zone.shape) == (1, order_id, DRAFT.shape)
    with reading(engine) as session:
        assert service.get_zone(session, order_id, zone.id) == zone
        assert service.list_zones(session) == service.list_order_zones(session, order_id) == [zone]
    assert changed_orders_since(engine, before) == [order_id]
    assert audit_trail(engine, zone.id) == [("geofence.add_zone", "version 1")]


def test_a_change_is_a_new_version_and_the_old_one_stays_readable(engine: Engine, now: datetime) -> None:
    order_id = add_order(engine)
    with transaction(engine) as session:
        first = service.add_zone(session, order_id, DRAFT, ACTOR, now)
    before = revision(engine)
    with transaction(engine) as session:
        wider = replace(DRAFT, buffer_m=900.0, visibility=Visibility.CONCEALED)
        second = service.change_zone(session, first, wider, ACTOR, now + timedelta(minutes=1))
    assert (second.id, second.version, second.buffer_m) == (first.id, 2, 900.0)
    with reading(engine) as session:
        assert service.list_zones(session, [order_id]) == [second]
        assert service.get_zone_version(session, first.id, 1) == first
    assert changed_orders_since(engine, before) == [order_id]
    assert audit_trail(engine, first.id)[-1] == ("geofence.change_zone", "version 2")


def test_a_zone_that_would_change_its_purpose_stays_as_it_is(engine: Engine, now: datetime) -> None:
    order_id = add_order(engine)
    with transaction(engine) as session:
        zone = service.add_zone(session, order_id, DRAFT, ACTOR, now)
    with pytest.raises(BadZone), transaction(engine) as session:
        service.change_zone(session, zone, replace(DRAFT, purpose=Purpose.TERRITORY), ACTOR, now)
    with reading(engine) as session:
        assert service.get_zone(session, order_id, zone.id) == zone


def test_a_removed_zone_is_gone_but_stays_readable_for_evidence(engine: Engine, now: datetime) -> None:
    order_id = add_order(engine)
    with transaction(engine) as session:
        zone = service.add_zone(session, order_id, DRAFT, ACTOR, now)
    before = revision(engine)
    with transaction(engine) as session:
        service.remove_zone(session, zone, ACTOR, now + timedelta(minutes=1))
    with reading(engine) as session:
        assert service.list_zones(session) == []
        assert service.get_zone_version(session, zone.id, 1) == zone
        with pytest.raises(ZoneNotFound):
            service.get_zone(session, order_id, zone.id)
    assert changed_orders_since(engine, before) == [order_id]
    assert audit_trail(engine, zone.id)[-1] == ("geofence.remove_zone", "version 1")


def test_who_saw_an_older_version_cannot_change_or_remove_the_zone(engine: Engine, now: datetime) -> None:
    order_id = add_order(engine)
    with transaction(engine) as session:
        seen = service.add_zone(session, order_id, DRAFT, ACTOR, now)
        newest = service.change_zone(session, seen, DRAFT, ACTOR, now)
    for act in (
        lambda session: service.change_zone(session, seen, DRAFT, ACTOR, now),
        lambda session: service.remove_zone(session, seen, ACTOR, now),
    ):
        with pytest.raises(ZoneChanged), transaction(engine) as session:
            act(session)
    with reading(engine) as session:
        assert service.list_zones(session) == [newest]


def test_an_order_that_is_not_there_has_no_zones(engine: Engine, now: datetime) -> None:
    nobody = uuid.uuid4()
    with pytest.raises(OrderNotFound), transaction(engine) as session:
        service.add_zone(session, nobody, DRAFT, ACTOR, now)
    with pytest.raises(OrderNotFound), reading(engine) as session:
        service.list_order_zones(session, nobody)

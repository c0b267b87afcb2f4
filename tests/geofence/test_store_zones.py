import uuid
from datetime import datetime

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from api.geofence.model import (
    Circle,
    ExclusionZone,
    Hours,
    Polygon,
    Purpose,
    Schedule,
    Visibility,
    ZoneNotFound,
)
from api.geofence.store import zones as store
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from tests.factories import make_circle_zone

ORDER, OTHER_ORDER = uuid.UUID(int=10), uuid.UUID(int=11)


def keep(engine: Engine, *zones: ExclusionZone, at: datetime) -> None:
    with transaction(engine) as session:
        for zone in zones:
            store.add_version(session, zone, None, at)


def test_a_zone_comes_back_as_it_was_kept(engine: Engine, now: datetime) -> None:
    circle = make_circle_zone(order_id=ORDER, center=Point(-0.1 - 0.2, 179.99999999999997), radius_m=10)
    outline = (Point(52, 4), Point(52, 5), Point(53, 5), Point(52, 4))
    parts = (Polygon((outline, outline)), Polygon((outline,)))
    drawn = ExclusionZone(uuid.uuid4(), 1, ORDER, "haar ‘huis’ 🏠", parts, 0.0, Visibility.CONCEALED)
    keep(engine, circle, drawn, at=now)
    with reading(engine) as session:
        assert store.get_zone(session, ORDER, circle.id) == circle
        assert store.get_zone(session, ORDER, drawn.id) == drawn
        assert isinstance(store.get_zone(session, ORDER, circle.id).shape, Circle)


def test_purpose_and_hours_come_back_as_they_were_kept(engine: Engine, now: datetime) -> None:
    nights = Schedule("Europe/Amsterdam", (Hours(0, "22:00", "06:00"), Hours(6, "00:00", "24:00")))
    zones = [
        make_circle_zone(id=uuid.UUID(int=number), order_id=ORDER, purpose=purpose, schedule=schedule)
        for number, (purpose, schedule) in enumerate(
            [
                (Purpose.EXCLUSION, None),
                (Purpose.INCLUSION, nights),
                (Purpose.INCLUSION, None),
                (Purpose.TERRITORY, None),
            ]
        )
    ]
    keep(engine, *zones, at=now)
    with reading(engine) as session:
        assert store.list_zones(session, [ORDER]) == zones
        assert store.get_zone_version(session, zones[1].id, 1).schedule == nights


def test_zones_are_listed_for_all_or_for_some_orders(engine: Engine, now: datetime) -> None:
    zones = [
        make_circle_zone(id=uuid.UUID(int=number), order_id=order)
        for number, order in enumerate([OTHER_ORDER, ORDER, ORDER])
    ]
    keep(engine, *zones, at=now)
    with reading(engine) as session:
        assert store.list_zones(session) == [zones[1], zones[2], zones[0]]
        assert store.list_zones(session, {ORDER}) == [zones[1], zones[2]]
        assert store.list_zones(session, [uuid.UUID(int=99), OTHER_ORDER]) == [zones[0]]
        assert store.list_zones(session, []) == []


def test_more_orders_than_one_statement_takes_are_asked_in_parts(
    sqlite_engine: Engine, now: datetime
) -> None:
    zone = make_circle_zone(order_id=uuid.UUID(int=40_000))
    keep(sqlite_engine, zone, at=now)
    with reading(sqlite_engine) as session:
        assert store.list_zones(session, {uuid.UUID(int=number) for number in range(40_001)}) == [zone]


def test_a_retired_version_is_found_only_by_its_number(engine: Engine, now: datetime) -> None:
    first = make_circle_zone(order_id=ORDER)
    second = make_circle_zone(order_id=ORDER, version=2, radius_m=900)
    keep(engine, first, at=now)
    with transaction(engine) as session:
        assert store.retire_version(session, first.id, 1, now)
        store.add_version(session, second, uuid.uuid4(), now)
    with reading(engine) as session:
        assert store.list_zones(session) == [second]
        assert store.get_zone(session, ORDER, first.id) == second
        assert store.get_zone_version(session, first.id, 1) == first
        assert store.get_zone_version(session, first.id, 2) == second


def test_a_version_is_retired_once(engine: Engine, now: datetime) -> None:
    zone = make_circle_zone()
    keep(engine, zone, at=now)
    with transaction(engine) as session:
        assert not store.retire_version(session, zone.id, 2, now)
        assert store.retire_version(session, zone.id, 1, now)
        assert not store.retire_version(session, zone.id, 1, now)


def test_a_zone_has_one_current_version(engine: Engine, now: datetime) -> None:
    keep(engine, make_circle_zone(), at=now)
    with pytest.raises(IntegrityError):
        keep(engine, make_circle_zone(version=2), at=now)


def test_a_zone_of_another_order_is_not_there(engine: Engine, now: datetime) -> None:
    zone = make_circle_zone(order_id=ORDER)
    keep(engine, zone, at=now)
    with reading(engine) as session:
        with pytest.raises(ZoneNotFound):
            store.get_zone(session, OTHER_ORDER, zone.id)
        with pytest.raises(ZoneNotFound):
            store.get_zone_version(session, zone.id, 2)

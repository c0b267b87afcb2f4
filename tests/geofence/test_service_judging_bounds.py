"""Curfews and borders through the worker's own way: both databases, restarts, late data, sightings."""

from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import Engine

from api.alerts.model import Family
from api.geofence.model import (
    Circle,
    ExclusionZone,
    Hours,
    Limits,
    Purpose,
    Schedule,
    SightingSource,
    Visibility,
)
from api.geofence.service import zones as service
from api.geofence.service.sightings import SightingDraft, add_sighting
from api.geofence.service.zones import ZoneDraft
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.orders import service as orders
from api.orders.model import Party
from tests.factories import make_exemption_draft
from tests.geofence.desk import Desk, approach, at
from tests.scene import HOME, Scene, make_scene, north_of, position

FLAT = north_of(HOME, 5_000)
"""Where he lives: far from her home."""
AWAY = north_of(FLAT, 600)
EVENING = Schedule("Europe/Amsterdam", (Hours(0, "13:10", "13:30"),))
"""NOW is Monday 13:00 in Amsterdam: from 600 s on."""


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return make_scene(engine)


def draw(
    engine: Engine,
    scene: Scene,
    purpose: Purpose,
    place: Point,
    radius_m: float,
    schedule: Schedule | None = None,
) -> ExclusionZone:
    draft = ZoneDraft("flat", Circle(place, radius_m), 0.0, Visibility.DECLARED, purpose, schedule)
    with transaction(engine) as session:
        return service.add_zone(session, scene.order_id, draft, None, at(0))


def refresh(desk: Desk) -> None:
    with reading(desk.engine) as session:
        desk.memory.refresh(session)


def test_a_curfew_is_told_in_its_hours_and_ends_with_them(engine: Engine, scene: Scene) -> None:
    desk = Desk(engine)
    zone = draw(engine, scene, Purpose.INCLUSION, FLAT, 300, EVENING)
    refresh(desk)
    desk.take(position(scene.ankle, AWAY, at(500)))
    assert desk.kinds() == []
    desk.take(position(scene.ankle, AWAY, at(620)))
    assert desk.kinds() == ["inclusion_breach"]
    (alert,) = desk.alerts()
    assert (alert.family, alert.severity, alert.ongoing, alert.concealed) == (
        Family.SUPERVISION,
        3,
        True,
        False,
    )
    desk.restarted()
    desk.take(position(scene.ankle, AWAY, at(700)))
    desk.take(position(scene.ankle, AWAY, at(1830)))
    assert desk.kinds() == ["inclusion_breach", "condition_ended"]
    (alert,) = desk.alerts()
    assert not alert.ongoing
    assert zone.purpose is Purpose.INCLUSION


def test_who_comes_home_ends_it_and_an_exclusion_zone_beside_it_is_judged_as_ever(
    engine: Engine, scene: Scene
) -> None:
    draw(engine, scene, Purpose.INCLUSION, FLAT, 300)
    desk = Desk(engine)
    desk.take(*approach(scene, [AWAY, FLAT, FLAT, FLAT]))
    assert desk.kinds() == ["inclusion_breach", "condition_ended"]
    desk.take(position(scene.ankle, HOME, at(400)))
    assert desk.kinds()[2:] == ["zone_breach", "inclusion_breach"]
    assert {alert.family for alert in desk.alerts()} == {Family.SUPERVISION, Family.APPROACH}


def test_near_the_border_is_told_and_ends_well_inside(engine: Engine, scene: Scene) -> None:
    draw(engine, scene, Purpose.TERRITORY, FLAT, 40_000)
    desk = Desk(engine)
    desk.take(position(scene.ankle, FLAT, at(0)))
    assert desk.kinds() == []
    desk.take(position(scene.ankle, north_of(FLAT, 11_000), at(400)))
    assert desk.kinds() == ["border_approach"]
    back = [position(scene.ankle, north_of(FLAT, 6_500), at(800 + 40 * i)) for i in range(3)]
    desk.take(*back)
    assert desk.kinds() == ["border_approach", "condition_ended"]
    assert not desk.alerts()[0].ongoing


@pytest.mark.parametrize("purpose", [Purpose.INCLUSION, Purpose.TERRITORY])
def test_late_and_past_data_tell_nothing_and_move_no_state(
    engine: Engine, scene: Scene, purpose: Purpose
) -> None:
    zone = draw(engine, scene, purpose, FLAT, 300)
    desk = Desk(engine)
    desk.take(position(scene.ankle, AWAY, at(0), delay_s=1200))
    desk.take(position(scene.ankle, AWAY, at(-500), delay_s=1800))
    desk.take(position(scene.ankle, FLAT, at(-900), delay_s=2200))
    assert desk.kinds() == []
    desk.take(position(scene.ankle, AWAY, at(2000)))
    (kind,) = desk.kinds()
    desk.take(position(scene.ankle, FLAT, at(2100), delay_s=1200))
    assert desk.kinds() == [kind]
    assert zone.purpose is purpose


def test_who_stays_away_longer_than_was_agreed_is_told_by_the_next_repeat(
    engine: Engine, scene: Scene
) -> None:
    draw(engine, scene, Purpose.INCLUSION, FLAT, 300)
    with transaction(engine) as session:
        draft = make_exemption_draft(valid_from=at(-60), valid_until=at(1000))
        orders.add_exemption(session, scene.order_id, draft, None, at(-60))
    desk = Desk(engine)
    for seconds, severity in ((0, 4), (990, 4), (1010, 4), (1900, 3)):
        desk.take(position(scene.ankle, AWAY, at(seconds)))
        told = [alert.severity for alert in desk.alerts() if alert.family is Family.SUPERVISION]
        assert told == [severity]


def test_a_sighting_inside_where_he_must_be_is_no_breach(engine: Engine, scene: Scene) -> None:
    draw(engine, scene, Purpose.INCLUSION, FLAT, 300)
    draft = SightingDraft(Party.WEARER, None, at(0), FLAT, 10.0, SightingSource.POLICE, "at his door")
    with transaction(engine) as session:
        add_sighting(session, scene.order_id, draft, Limits(), uuid4(), at(30))
    assert Desk(engine).kinds() == []


def test_the_hot_path_knows_exclusion_zones_and_bounds_apart(engine: Engine, scene: Scene) -> None:
    drawn: dict[Purpose, UUID] = {
        purpose: draw(engine, scene, purpose, FLAT, 300).id
        for purpose in (Purpose.INCLUSION, Purpose.TERRITORY)
    }
    (watched,) = Desk(engine).memory.watched
    assert [zone.prepared.zone.id for zone in watched.zones] == [scene.zone_id]
    assert {zone.prepared.zone.id for zone in watched.bounds} == set(drawn.values())


def test_hours_that_change_are_in_force_with_the_next_fix(engine: Engine, scene: Scene) -> None:
    zone = draw(engine, scene, Purpose.INCLUSION, FLAT, 300)
    desk = Desk(engine)
    desk.take(position(scene.ankle, AWAY, at(0)))
    assert desk.kinds() == ["inclusion_breach"]
    later = ZoneDraft("flat", zone.shape, 0.0, Visibility.DECLARED, Purpose.INCLUSION, EVENING)
    with transaction(engine) as session:
        service.change_zone(session, zone, later, None, at(10))
    refresh(desk)
    desk.take(position(scene.ankle, AWAY, at(60)))
    assert desk.kinds() == ["inclusion_breach", "condition_ended"]
    assert msgspec.structs.replace(zone, version=2, schedule=EVENING) in [
        bound.prepared.zone for watched in desk.memory.watched for bound in watched.bounds
    ]

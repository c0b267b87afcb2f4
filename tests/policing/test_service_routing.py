"""Where alerts go, on both databases: now, in the past, with holes; and who is warned of."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.policing import service
from api.policing.model import (
    AbsenceDraft,
    AbsenceKind,
    Hole,
    How,
    Officer,
    Problem,
    RosterGap,
    Routing,
    Station,
)
from tests.factories import PLACE
from tests.policing.station import (
    add_officer,
    add_station,
    draft_of,
    hours,
    make_slot,
    put_roster,
    square,
)

HOUR = timedelta(hours=1)
ELSEWHERE = Point(53.0, 6.5)


@pytest.fixture
def station(engine: Engine) -> Station:
    with transaction(engine) as session:
        return add_station(session, reference="CENTRUM")


@pytest.fixture
def officer(engine: Engine, station: Station) -> Officer:
    with transaction(engine) as session:
        return add_officer(session, station.id)


def routed(engine: Engine, point: Point | None, at: datetime) -> Routing | None:
    with reading(engine) as session:
        return service.route(session, point, at)


def test_without_stations_no_station_is_named(engine: Engine, now: datetime) -> None:
    assert routed(engine, PLACE, now) is None
    assert routed(engine, None, now) is None


def test_an_alert_goes_to_the_officer_on_duty_of_the_station_that_holds_the_place(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    with transaction(engine) as session:
        add_station(session, area=square(ELSEWHERE), seat=ELSEWHERE)
        put_roster(session, station.id, [make_slot(officer.id)])
    assert routed(engine, PLACE, now) == Routing(
        station_id=station.id,
        station_reference="CENTRUM",
        desk_address="politie.rotterdam-centrum",
        how=How.AREA,
        distance_m=0.0,
        officer_id=officer.id,
        officer_reference=officer.reference,
        is_stand_in=False,
        problem=Problem.NONE,
    )


def test_outside_every_area_the_nearest_station_is_named_with_its_distance(
    engine: Engine, station: Station, now: datetime
) -> None:
    found = routed(engine, Point(52.0, 4.7), now)
    assert found is not None
    assert (found.station_id, found.how) == (station.id, How.NEAREST)
    assert found.distance_m == pytest.approx(6_860, rel=1e-2)


def test_with_a_hole_in_the_roster_the_desk_is_named_and_the_hole(
    engine: Engine, station: Station, now: datetime
) -> None:
    found = routed(engine, PLACE, now)
    assert found is not None
    assert (found.desk_address, found.officer_id, found.officer_reference, found.is_stand_in) == (
        station.desk_address,
        None,
        None,
        False,
    )
    assert found.problem is Problem.NOBODY_ON_DUTY


def test_without_a_position_the_only_station_is_named_and_of_several_none(
    engine: Engine, station: Station, now: datetime
) -> None:
    found = routed(engine, None, now)
    assert found is not None
    assert (found.station_id, found.how, found.distance_m) == (station.id, How.ONLY, None)
    with transaction(engine) as session:
        other = add_station(session)
    assert routed(engine, None, now) is None
    with transaction(engine) as session:
        service.retire_station(session, other.id, None, now + HOUR)
    assert routed(engine, None, now + HOUR) is not None


def test_a_stand_in_of_another_station_is_named_while_the_officer_is_away(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    with transaction(engine) as session:
        neighbour = add_station(session, area=square(ELSEWHERE), seat=ELSEWHERE)
        deputy = add_officer(session, neighbour.id)
        put_roster(session, station.id, [make_slot(officer.id), make_slot(deputy.id, order=1)])
        draft = AbsenceDraft(AbsenceKind.LEAVE, now + HOUR, now + 2 * HOUR)
        service.add_absence(session, officer.id, draft, None, now)
    told = [routed(engine, PLACE, now + part * HOUR) for part in range(3)]
    assert [one and (one.officer_id, one.is_stand_in) for one in told] == [
        (officer.id, False),
        (deputy.id, True),
        (officer.id, False),
    ]


def test_what_was_routed_in_the_past_can_be_explained(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    with transaction(engine) as session:
        successor = add_officer(session, station.id)
        put_roster(session, station.id, [make_slot(officer.id)], now)
        put_roster(session, station.id, [make_slot(successor.id)], now + HOUR)
        other = add_station(session, now + 2 * HOUR, area=square(half_deg=0.05))
        service.change_station(
            session, station, draft_of(station, desk_address="politie.nieuw"), None, now + 3 * HOUR
        )
        service.retire_station(session, other.id, None, now + 3 * HOUR)
    told = [routed(engine, PLACE, now + part * HOUR) for part in range(4)]
    assert [one and (one.station_id, one.officer_id, one.desk_address) for one in told] == [
        (station.id, officer.id, "politie.rotterdam-centrum"),
        (station.id, successor.id, "politie.rotterdam-centrum"),
        (other.id, None, "politie.rotterdam-centrum"),
        (station.id, successor.id, "politie.nieuw"),
    ]
    assert routed(engine, PLACE, now - HOUR) is None


def test_numbers_are_given_of_stations_and_officers_and_nobody_else(
    engine: Engine, station: Station, officer: Officer
) -> None:
    with transaction(engine) as session:
        silent = add_officer(session, station.id, phone=None)
        ids = {station.id, officer.id, silent.id, uuid.uuid4()}
        assert service.phones_of(session, ids) == {
            station.id: "+441632960001",
            officer.id: "+447700900077",
        }
        assert service.phones_of(session, []) == {}


def test_the_stations_with_a_hole_within_a_day_are_warned_of(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    with transaction(engine) as session:
        full = add_station(session, reference="VOL")
        closed = add_station(session)
        empty = add_station(session, reference="LEEG")
        service.retire_station(session, closed.id, None, now)
        put_roster(session, full.id, [make_slot(officer.id)])
        slots = [
            make_slot(officer.id, hours(tuple(range(7)), "04:00", "03:00")),
        ]
        put_roster(session, station.id, slots)
    with reading(engine) as session:
        gaps = service.roster_gaps(session, now)
    at_three = now.replace(hour=2) + timedelta(days=1)  # 03:00 in Rotterdam
    assert gaps == [
        RosterGap(station.id, "CENTRUM", (Hole(at_three, at_three + HOUR),)),
        RosterGap(empty.id, "LEEG", (Hole(now, now + 24 * HOUR),)),
    ]

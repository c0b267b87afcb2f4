"""Where an alert goes, and by which number somebody is reached."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel.geo import Point
from api.policing import rules
from api.policing.model import Found, How, Problem, Routing, Station
from api.policing.store import duties, officers, stations

_MOMENT = timedelta(microseconds=1)


def route(session: Session, point: Point | None, now: datetime) -> Routing | None:
    """Return the station of a place and who is on duty there at `now`.

    Stations, rosters and absences are those of `now`, so what was routed in the past can be explained. With
    nobody on duty the answer is the station's desk, and `problem` says so.

    Args:
        session: To read with.
        point: Of the alert; None when no position is known: then only a house with one station has an answer.
        now: Aware; past moments are answered from the history.

    Returns:
        None when no station can be named: there is none, or several and no position.
    """
    return route_all(session, [point], now)[0]


def route_all(session: Session, points: Sequence[Point | None], now: datetime) -> list[Routing | None]:
    """Return what `route` does for each of several places; the stations are read once."""
    there = stations.list_stations_at(session, now)
    routings: list[Routing | None] = []
    for point in points:
        if point is not None:
            found = rules.station_for(point, there)
        else:
            found = Found(there[0], How.ONLY, 0.0) if len(there) == 1 else None
        distance_m = None if point is None or found is None else found.distance_m
        routings.append(
            None if found is None else _routing(session, found.station, found.how, distance_m, now)
        )
    return routings


def route_to(session: Session, reference: str, now: datetime) -> Routing | None:
    """Return who is on duty at the station, or desk, of this reference; None when it is not open."""
    for station in stations.list_stations_at(session, now):
        if station.reference == reference:
            return _routing(session, station, How.ONLY, None, now)
    return None


def _routing(
    session: Session, station: Station, how: How, distance_m: float | None, now: datetime
) -> Routing:
    lines = duties.list_duties(session, now, now + _MOMENT, station.id)
    reached = rules.on_duty(station, lines, officers.list_absences(session, now, now + _MOMENT), now)
    return Routing(
        station_id=station.id,
        station_reference=station.reference,
        desk_address=station.desk_address,
        how=how,
        distance_m=distance_m,
        officer_id=reached.officer_id if reached else None,
        officer_reference=officers.get_reference(session, reached.officer_id) if reached else None,
        is_stand_in=reached is not None and reached.is_stand_in,
        problem=Problem.NONE if reached else Problem.NOBODY_ON_DUTY,
    )


def phones_of(session: Session, recipients: Collection[UUID]) -> dict[UUID, str]:
    """Return the telephone numbers, E.164, of those ids that are working officers or open stations.

    For the channel that sends text messages and for nothing else: each attempt of a notification is the
    record of who was called. An officer without a number is not in the answer.
    """
    return stations.list_phones(session, recipients) | officers.list_phones(session, recipients)

"""Where an alert goes, and by which number somebody is reached."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel.geo import Point
from api.policing import rules
from api.policing.model import Found, How, Problem, Routing
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
    there = stations.list_stations_at(session, now)
    if point is not None:
        found = rules.station_for(point, there)
    else:
        found = Found(there[0], How.ONLY, 0.0) if len(there) == 1 else None
    if found is None:
        return None
    station = found.station
    lines = duties.list_duties(session, now, now + _MOMENT, station.id)
    reached = rules.on_duty(station, lines, officers.list_absences(session, now, now + _MOMENT), now)
    return Routing(
        station_id=station.id,
        station_reference=station.reference,
        desk_address=station.desk_address,
        how=found.how,
        distance_m=None if point is None else found.distance_m,
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

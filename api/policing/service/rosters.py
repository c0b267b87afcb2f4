"""Use cases of rosters: replace one as a whole, find when nobody is on duty."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel import audit
from api.kernel.db import serialise
from api.policing import rules
from api.policing.model import (
    GAPS_AHEAD,
    BadRoster,
    Changed,
    Duty,
    Hole,
    Retired,
    Roster,
    RosterGap,
    SlotDraft,
)
from api.policing.service.stations import REGISTER
from api.policing.store import duties, officers, stations


def get_roster(session: Session, station_id: UUID) -> Roster:
    """Return the roster in force of a station; raises StationNotFound."""
    stations.get_station(session, station_id)
    return Roster(station_id, tuple(duties.list_roster(session, station_id)))


def replace_roster(
    session: Session, seen: Roster, slots: Sequence[SlotDraft], actor_id: UUID | None, now: datetime
) -> Roster:
    """Put a whole roster in the place of the one that the caller has seen, which is kept as it was till now.

    A time without anybody is accepted: ask `find_holes` and tell it.

    Raises:
        Changed: Somebody else replaced the roster meanwhile.
        Retired: The station is closed.
        BadRoster: A slot cannot be, or names nobody who works here or elsewhere.
    """
    serialise(session, REGISTER)
    station_id = seen.station_id
    if stations.get_station(session, station_id).retired_at is not None:
        raise Retired("The station is closed: it needs no roster.")
    if tuple(duties.list_roster(session, station_id)) != seen.duties:
        raise Changed("Somebody else replaced the roster meanwhile: read it again.")
    rules.check_roster(slots)
    working = officers.list_working(session, {slot.officer_id for slot in slots})
    strangers = {
        f"slots[{place}]": ["There is no such officer, or not any more."]
        for place, slot in enumerate(slots)
        if slot.officer_id not in working
    }
    if strangers:
        raise BadRoster("The roster names somebody who is not registered.", strangers)
    lines = tuple(
        Duty(uuid.uuid4(), station_id, slot.officer_id, slot.role, slot.order, slot.when, place, now, None)
        for place, slot in enumerate(slots)
    )
    duties.end_roster(session, station_id, now)
    duties.add_duties(session, lines)
    audit.record(session, now, actor_id, "policing.replace_roster", station_id)
    return Roster(station_id, lines)


def find_holes(session: Session, station_id: UUID, since: datetime, until: datetime) -> list[Hole]:
    """Return when nobody is, will be or was on duty at a station; raises StationNotFound or BadWindow.

    What is over is told by the rosters and absences of its time, but by the clocks of now.
    """
    rules.check_window(since, until)
    station = stations.get_station(session, station_id)
    lines = duties.list_duties(session, since, until, station_id)
    return rules.find_holes(station, lines, officers.list_absences(session, since, until), since, until)


def roster_gaps(session: Session, now: datetime) -> list[RosterGap]:
    """Return the open stations whose roster has a hole in the next 24 hours, by reference."""
    until = now + GAPS_AHEAD
    absences = officers.list_absences(session, now, until)
    lines: defaultdict[UUID, list[Duty]] = defaultdict(list)
    for duty in duties.list_duties(session, now, until):
        lines[duty.station_id].append(duty)
    gaps = []
    for station in stations.list_stations_at(session, now):
        holes = rules.find_holes(station, lines[station.id], absences, now, until)
        if holes:
            gaps.append(RosterGap(station.id, station.reference, tuple(holes)))
    return gaps

"""Use cases of stations: enter one or many, change, close, read."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel import audit
from api.kernel.db import serialise
from api.policing import rules
from api.policing.model import (
    MAX_STATIONS,
    BadImport,
    BadStation,
    Changed,
    ReferenceTaken,
    Retired,
    Station,
    StationDraft,
    TooMany,
)
from api.policing.store import stations

REGISTER = "policing"
"""Of everything in this room one transaction at a time changes something."""
_TAKEN = "Another station has this reference already."


def add_station(session: Session, draft: StationDraft, actor_id: UUID | None, now: datetime) -> Station:
    """Enter a station; raises BadStation, ReferenceTaken or TooMany."""
    serialise(session, REGISTER)
    phone = _check_new(draft)
    if stations.find_station_ids(session, [draft.reference]):
        raise ReferenceTaken(_TAKEN, {"reference": [_TAKEN]})
    _check_room(session, 1)
    return _add(session, draft, phone, actor_id, now)


def import_stations(
    session: Session, drafts: Sequence[StationDraft], actor_id: UUID | None, now: datetime
) -> list[Station]:
    """Enter many stations, or none of them.

    Raises:
        BadImport: Some cannot be; every fault of every one is named, as `features[n] (reference)` from 0.
        TooMany: There would be more than MAX_STATIONS.
    """
    serialise(session, REGISTER)
    times = Counter(draft.reference for draft in drafts)
    taken = stations.find_station_ids(session, list(times))
    faults: dict[str, list[str]] = {}
    phones: list[str] = []
    for place, draft in enumerate(drafts):
        found: list[str] = []
        try:
            phones.append(_check_new(draft))
        except BadStation as error:
            found += [f"{name}: {text}" for name, texts in error.fields.items() for text in texts]
        if draft.reference in taken:
            found.append(f"reference: {_TAKEN}")
        if times[draft.reference] > 1:
            found.append("reference: Stands more than once in this import.")
        if found:
            faults[f"features[{place}] ({draft.reference})"] = found
    if faults:
        raise BadImport(f"{len(faults)} of {len(drafts)} stations cannot be: nothing was imported.", faults)
    _check_room(session, len(drafts))
    return [_add(session, draft, phone, actor_id, now) for draft, phone in zip(drafts, phones, strict=True)]


def change_station(
    session: Session, seen: Station, draft: StationDraft, actor_id: UUID | None, now: datetime
) -> Station:
    """Change a station that is still as the caller has seen it; earlier alerts keep the version of then.

    Raises:
        Changed: It is not.
        Retired: It is closed.
        BadStation, ReferenceTaken: The draft cannot be.
    """
    serialise(session, REGISTER)
    _check_unchanged(session, seen)
    rules.check_station(draft)
    if stations.find_station_ids(session, [draft.reference]).get(draft.reference, seen.id) != seen.id:
        raise ReferenceTaken(_TAKEN, {"reference": [_TAKEN]})
    phone_end = seen.phone_end if draft.phone is None else rules.end_of(draft.phone)
    station = _station(draft, seen.id, seen.version + 1, phone_end)
    stations.save_station(session, station, draft.phone, actor_id, now)
    audit.record(session, now, actor_id, "policing.change_station", seen.id)
    return station


def retire_station(session: Session, station_id: UUID, actor_id: UUID | None, now: datetime) -> Station:
    """Close a station for good; doing it again changes nothing, so that a lost answer may be asked for again.

    Its area then belongs to whichever station is nearest: enter the successor first.
    """
    serialise(session, REGISTER)
    station = stations.get_station(session, station_id)
    if station.retired_at is not None:
        return station
    closed = replace(station, version=station.version + 1, retired_at=now)
    stations.save_station(session, closed, None, actor_id, now)
    audit.record(session, now, actor_id, "policing.retire_station", station_id)
    return closed


def get_station(session: Session, station_id: UUID) -> Station:
    """Return a station as it is now; raises StationNotFound."""
    return stations.get_station(session, station_id)


def count_stations(session: Session) -> int:
    """Return how many stations there are, those that were closed included."""
    return stations.count_stations(session)


def list_stations(session: Session, first: int, limit: int) -> list[Station]:
    """Return part of all stations by reference, from the `first`-th (0 = first)."""
    return stations.page_stations(session, first, limit)


def _check_new(draft: StationDraft) -> str:
    """Raise BadStation unless the draft can be a new station; returns the desk's number."""
    rules.check_station(draft)
    if draft.phone is None:
        raise BadStation("A new station needs its number.", {"phone": ["Missing."]})
    return draft.phone


def _check_room(session: Session, more: int) -> None:
    if stations.count_stations(session, retired=False) + more > MAX_STATIONS:
        raise TooMany(f"There are at most {MAX_STATIONS} stations: close those that are no longer.")


def _check_unchanged(session: Session, seen: Station) -> None:
    if stations.get_station(session, seen.id) != seen:
        raise Changed("Somebody else changed the station meanwhile: read it again.")
    if seen.retired_at is not None:
        raise Retired("The station is closed: enter another.")


def _add(session: Session, draft: StationDraft, phone: str, actor_id: UUID | None, now: datetime) -> Station:
    station = _station(draft, uuid.uuid4(), 1, rules.end_of(phone))
    stations.add_station(session, station, phone, actor_id, now)
    audit.record(session, now, actor_id, "policing.add_station", station.id)
    return station


def _station(draft: StationDraft, station_id: UUID, version: int, phone_end: str) -> Station:
    return Station(
        id=station_id,
        version=version,
        reference=draft.reference,
        name=draft.name,
        area=draft.area,
        seat=draft.seat,
        phone_end=phone_end,
        desk_address=draft.desk_address,
        time_zone=draft.time_zone,
        retired_at=None,
    )

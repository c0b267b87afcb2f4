"""Stations on both databases: what is kept, what is refused, what is written down."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api.kernel.crypto import Undecipherable
from api.kernel.db import make_engine, reading, transaction
from api.policing import service
from api.policing.model import (
    AbsenceDraft,
    AbsenceKind,
    AbsenceNotFound,
    BadImport,
    BadOfficer,
    BadStation,
    Changed,
    Officer,
    OfficerNotFound,
    ReferenceTaken,
    Retired,
    Station,
    StationNotFound,
    TooMany,
)
from api.policing.service import stations
from tests.policing.station import (
    ACTOR,
    add_officer,
    add_station,
    audited,
    draft_of,
    make_draft,
    make_officer_draft,
    square,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def station(engine: Engine) -> Station:
    with transaction(engine) as session:
        return add_station(session)


@pytest.fixture
def officer(engine: Engine, station: Station) -> Officer:
    with transaction(engine) as session:
        return add_officer(session, station.id)


def versions_of(engine: Engine) -> list[int]:
    with reading(engine) as session:
        return list(session.scalars(text("SELECT version FROM police_station ORDER BY version")))


def test_a_station_is_given_back_as_it_was_entered(engine: Engine, now: datetime) -> None:
    draft = make_draft(name="Bureau Łódź 李")
    with transaction(engine) as session:
        entered = service.add_station(session, draft, ACTOR, now)
    with reading(engine) as session:
        assert service.get_station(session, entered.id) == entered
        assert service.list_stations(session, 0, 9) == [entered]
        assert service.count_stations(session) == 1
    assert draft_of(entered, phone=draft.phone) == draft
    assert (entered.version, entered.phone_end, entered.retired_at) == (1, "01", None)
    assert audited(engine, "policing.add_station") == [entered.id]


def test_neither_number_nor_name_stands_in_the_database(engine: Engine) -> None:
    with transaction(engine) as session:
        add_officer(session, add_station(session).id)
    with reading(engine) as session:
        stored = [
            bytes(value)
            for query in (
                "SELECT phone_sealed FROM police_station",
                "SELECT phone_sealed FROM police_officer",
                "SELECT name_sealed FROM police_officer",
            )
            for value in session.scalars(text(query))
        ]
    assert len(stored) == 3
    assert not any(b"+44" in value or b"Noor" in value for value in stored)


def test_a_number_opens_with_its_key_only(database_url: str, officer: Officer) -> None:
    stranger = make_engine(database_url, bytes(32))
    with pytest.raises(Undecipherable), reading(stranger) as session:
        service.phones_of(session, [officer.id])
    stranger.dispose()


def test_a_new_station_needs_its_number(engine: Engine, now: datetime) -> None:
    with pytest.raises(BadStation) as refusal, transaction(engine) as session:
        service.add_station(session, make_draft(phone=None), None, now)
    assert set(refusal.value.fields) == {"phone"}


def test_a_reference_belongs_to_one_station_and_one_officer(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    with pytest.raises(ReferenceTaken), transaction(engine) as session:
        add_station(session, reference=station.reference)
    with pytest.raises(ReferenceTaken), transaction(engine) as session:
        add_officer(session, station.id, reference=officer.reference)
    with transaction(engine) as session:
        other = add_station(session)
    with pytest.raises(ReferenceTaken), transaction(engine) as session:
        service.change_station(session, other, draft_of(other, reference=station.reference), None, now)


def test_a_change_makes_another_version_and_keeps_the_number(
    engine: Engine, station: Station, now: datetime
) -> None:
    later = now + HOUR
    with transaction(engine) as session:
        changed = service.change_station(session, station, draft_of(station, name="Other"), ACTOR, later)
    assert changed == replace(station, version=2, name="Other")
    assert versions_of(engine) == [1, 2]
    assert audited(engine, "policing.change_station") == [station.id]
    with transaction(engine) as session:
        renumbered = service.change_station(
            session, changed, draft_of(changed, phone="+441632960099"), ACTOR, later
        )
        assert renumbered.phone_end == "99"
        assert service.phones_of(session, [station.id]) == {station.id: "+441632960099"}


def test_a_station_without_a_new_number_is_called_by_the_old_one(
    engine: Engine, station: Station, now: datetime
) -> None:
    with transaction(engine) as session:
        service.change_station(session, station, draft_of(station), None, now + HOUR)
        assert service.phones_of(session, [station.id]) == {station.id: "+441632960001"}


def test_of_two_changes_to_what_both_have_seen_the_second_is_refused(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    with transaction(engine) as session:
        service.change_station(session, station, draft_of(station, name="Other"), None, now)
        service.change_officer(session, officer, make_officer_draft(station.id, name="Other"), None, now)
    with pytest.raises(Changed), transaction(engine) as session:
        service.change_station(session, station, draft_of(station), None, now)
    with pytest.raises(Changed), transaction(engine) as session:
        service.change_officer(session, officer, make_officer_draft(station.id), None, now)


def test_a_change_that_cannot_be_changes_nothing(engine: Engine, station: Station, now: datetime) -> None:
    with pytest.raises(BadStation), transaction(engine) as session:
        service.change_station(session, station, draft_of(station, phone="112"), None, now)
    assert versions_of(engine) == [1]


def test_a_closed_station_stays_closed_and_takes_nothing_more(
    engine: Engine, station: Station, now: datetime
) -> None:
    with transaction(engine) as session:
        closed = service.retire_station(session, station.id, ACTOR, now)
        assert service.retire_station(session, station.id, ACTOR, now + HOUR) == closed
        roster = service.get_roster(session, station.id)
    assert closed == replace(station, version=2, retired_at=now)
    assert audited(engine, "policing.retire_station") == [station.id]
    with pytest.raises(Retired), transaction(engine) as session:
        service.change_station(session, closed, draft_of(closed), None, now)
    with pytest.raises(Retired), transaction(engine) as session:
        service.replace_roster(session, roster, [], None, now)
    with pytest.raises(BadOfficer) as refusal, transaction(engine) as session:
        add_officer(session, station.id)
    assert set(refusal.value.fields) == {"station_id"}
    with reading(engine) as session:
        assert service.phones_of(session, [station.id]) == {}


def test_what_is_not_there_is_not_found(engine: Engine, officer: Officer, now: datetime) -> None:
    nobody = uuid.uuid4()
    absence = AbsenceDraft(AbsenceKind.LEAVE, now, now + HOUR)
    calls: list[tuple[type[Exception], Any]] = [
        (StationNotFound, lambda s: service.get_station(s, nobody)),
        (StationNotFound, lambda s: service.get_roster(s, nobody)),
        (StationNotFound, lambda s: service.retire_station(s, nobody, None, now)),
        (StationNotFound, lambda s: service.find_holes(s, nobody, now, now + HOUR)),
        (OfficerNotFound, lambda s: service.get_officer(s, nobody, None, now)),
        (OfficerNotFound, lambda s: service.retire_officer(s, nobody, None, now)),
        (OfficerNotFound, lambda s: service.list_absences(s, nobody, None, now)),
        (OfficerNotFound, lambda s: service.add_absence(s, nobody, absence, None, now)),
        (AbsenceNotFound, lambda s: service.end_absence(s, officer.id, nobody, None, now)),
    ]
    for error, call in calls:
        with pytest.raises(error), transaction(engine) as session:
            call(session)


def test_an_import_enters_all_or_none_and_names_every_fault(
    engine: Engine, station: Station, now: datetime
) -> None:
    drafts = [
        make_draft(reference="A"),
        make_draft(reference=station.reference),
        make_draft(reference="B", time_zone="Europe/Nowhere", phone=None),
        make_draft(reference="C"),
        make_draft(reference="C"),
    ]
    with pytest.raises(BadImport) as refusal, transaction(engine) as session:
        service.import_stations(session, drafts, None, now)
    faults = refusal.value.fields
    assert set(faults) == {
        f"features[1] ({station.reference})",
        "features[2] (B)",
        "features[3] (C)",
        "features[4] (C)",
    }
    assert "time_zone" in faults["features[2] (B)"][0]
    with reading(engine) as session:
        assert service.count_stations(session) == 1
    with transaction(engine) as session:
        entered = service.import_stations(session, [drafts[0], drafts[3]], ACTOR, now)
    assert [one.reference for one in entered] == ["A", "C"]
    assert audited(engine, "policing.add_station") == [one.id for one in entered]


def test_a_new_station_of_an_import_needs_its_number_too(engine: Engine, now: datetime) -> None:
    with pytest.raises(BadImport) as refusal, transaction(engine) as session:
        service.import_stations(session, [make_draft(reference="A", phone=None)], None, now)
    assert refusal.value.fields == {"features[0] (A)": ["phone: Missing."]}


def test_there_is_an_end_to_stations_and_closed_ones_make_room(
    engine: Engine, station: Station, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stations, "MAX_STATIONS", 1)
    with pytest.raises(TooMany), transaction(engine) as session:
        add_station(session)
    with transaction(engine) as session:
        service.retire_station(session, station.id, None, now)
        add_station(session)
    with pytest.raises(TooMany), transaction(engine) as session:
        service.import_stations(session, [make_draft()], None, now)


def test_the_areas_of_many_stations_are_kept_apart(engine: Engine) -> None:
    with transaction(engine) as session:
        one = add_station(session, area=square(half_deg=0.1))
        two = add_station(session, area=square(half_deg=0.2))
    with reading(engine) as session:
        assert {found.id: found.area for found in service.list_stations(session, 0, 9)} == {
            one.id: square(half_deg=0.1),
            two.id: square(half_deg=0.2),
        }

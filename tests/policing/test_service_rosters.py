"""Officers, their absences and rosters on both databases."""

import threading
import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from api.accounts import service as accounts
from api.accounts.model import Role
from api.kernel.db import reading, transaction
from api.policing import model, service
from api.policing.model import (
    AbsenceDraft,
    AbsenceKind,
    BadAbsence,
    BadOfficer,
    BadRoster,
    BadWindow,
    Changed,
    Dated,
    DutyRole,
    Hole,
    Officer,
    Retired,
    Station,
    TooMany,
)
from api.policing.service import officers
from tests.policing.station import (
    ACTOR,
    ALWAYS,
    EVERY_DAY,
    add_officer,
    add_station,
    audited,
    hours,
    make_officer_draft,
    make_slot,
    put_roster,
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


def test_an_officer_is_given_back_and_whoever_reads_the_name_is_written_down(
    engine: Engine, station: Station, now: datetime
) -> None:
    with transaction(engine) as session:
        officer = service.add_officer(session, make_officer_draft(station.id), ACTOR, now)
        other = service.add_officer(session, make_officer_draft(station.id, phone=None), ACTOR, now)
        assert service.get_officer(session, officer.id, ACTOR, now) == officer
        listed = service.list_officers(session, 0, 9, ACTOR, now)
        assert service.count_officers(session) == 2
    assert listed == sorted([officer, other], key=lambda one: one.reference)
    assert (officer.name, officer.phone_end, other.phone_end) == ("Noor Visser", "77", "")
    assert sorted(audited(engine, "policing.read_name"), key=str) == sorted(
        [officer.id, officer.id, other.id], key=str
    )


def test_a_number_is_kept_replaced_or_removed(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    with transaction(engine) as session:
        for phone, known, end in (
            (None, "+447700900077", "77"),
            ("+447700900088", "+447700900088", "88"),
            ("", None, ""),
        ):
            officer = service.change_officer(
                session, officer, make_officer_draft(station.id, phone=phone), ACTOR, now
            )
            assert officer.phone_end == end
            assert service.phones_of(session, [officer.id]).get(officer.id) == known


def test_an_account_must_be_one_of_staff(engine: Engine, station: Station, now: datetime) -> None:
    with transaction(engine) as session:
        staff = accounts.add_account(session, "noor", "correct horse", Role.OPERATOR, None, now)
        her = accounts.add_account(session, "her", "123456", Role.PROTECTED_PERSON, None, now)
        assert add_officer(session, station.id, account_id=staff.id).account_id == staff.id
    for account_id in (her.id, uuid.uuid4()):
        with pytest.raises(BadOfficer) as refusal, transaction(engine) as session:
            add_officer(session, station.id, account_id=account_id)
        assert set(refusal.value.fields) == {"account_id"}
    with pytest.raises(BadOfficer) as refusal, transaction(engine) as session:
        add_officer(session, uuid.uuid4())
    assert set(refusal.value.fields) == {"station_id"}


def test_who_has_left_is_in_no_roster_and_takes_nothing_more(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    later = now + HOUR
    with transaction(engine) as session:
        put_roster(session, station.id, [make_slot(officer.id)], now)
        left = service.retire_officer(session, officer.id, ACTOR, later)
        assert service.retire_officer(session, officer.id, ACTOR, later + HOUR) == left
        assert service.get_roster(session, station.id).duties == ()
        assert service.find_holes(session, station.id, now, later + HOUR) == [Hole(later, later + HOUR)]
        assert service.phones_of(session, [officer.id]) == {}
    assert left.retired_at == later
    with pytest.raises(Retired), transaction(engine) as session:
        service.change_officer(session, left, make_officer_draft(station.id), None, later)
    with pytest.raises(Retired), transaction(engine) as session:
        service.add_absence(
            session, officer.id, AbsenceDraft(AbsenceKind.SICK, later, later + HOUR), None, later
        )
    with pytest.raises(BadRoster) as refusal, transaction(engine) as session:
        put_roster(session, station.id, [make_slot(officer.id)], later)
    assert set(refusal.value.fields) == {"slots[0]"}


def test_a_roster_is_given_back_as_it_was_put(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    slots = [
        make_slot(officer.id, hours((0, 6), "22:00", "06:00")),
        make_slot(officer.id, Dated(now, now + HOUR), order=2),
        make_slot(officer.id, ALWAYS, order=1),
    ]
    with transaction(engine) as session:
        seen = service.get_roster(session, station.id)
        put = service.replace_roster(session, seen, slots, ACTOR, now)
    with reading(engine) as session:
        assert service.get_roster(session, station.id) == put
    assert [(duty.role, duty.order, duty.when) for duty in put.duties] == [
        (slot.role, slot.order, slot.when) for slot in slots
    ]
    assert put.duties[0].role is DutyRole.OFFICER
    assert audited(engine, "policing.replace_roster") == [station.id]


def test_an_earlier_roster_stays_readable_as_what_was(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    mornings = [make_slot(officer.id, hours(EVERY_DAY, "00:00", "12:00"))]
    with transaction(engine) as session:
        put_roster(session, station.id, [make_slot(officer.id)], now - 48 * HOUR)
        put_roster(session, station.id, mornings, now - 24 * HOUR)
        assert service.find_holes(session, station.id, now - 48 * HOUR, now) == [
            Hole(now - 24 * HOUR, now - 13 * HOUR),  # entered at 13:00 by the clocks of Rotterdam
            Hole(now - HOUR, now),
        ]
    with reading(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM police_duty WHERE valid_until IS NULL")) == 1
        assert session.scalar(text("SELECT count(*) FROM police_duty")) == 2


def test_a_refused_roster_leaves_the_old_one_in_force(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    with transaction(engine) as session:
        put_roster(session, station.id, [make_slot(officer.id)], now)
        before = service.get_roster(session, station.id)
    for slots in ([make_slot(uuid.uuid4())], [make_slot(officer.id, Dated(now, now))]):
        with pytest.raises(BadRoster), transaction(engine) as session:
            put_roster(session, station.id, slots, now + HOUR)
    with reading(engine) as session:
        assert service.get_roster(session, station.id) == before


def test_of_two_who_replace_one_roster_at_once_only_one_does(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    with reading(engine) as session:
        seen = service.get_roster(session, station.id)
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def put() -> None:
        barrier.wait()
        try:
            with transaction(engine) as session:
                service.replace_roster(session, seen, [make_slot(officer.id)], None, now)
            outcomes.append("put")
        except Changed:
            outcomes.append("refused")

    both = [threading.Thread(target=put) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(outcomes) == ["put", "refused"]


def test_an_absence_is_entered_read_and_ended(
    engine: Engine, station: Station, officer: Officer, now: datetime
) -> None:
    until = now + 5 * HOUR
    with transaction(engine) as session:
        put_roster(session, station.id, [make_slot(officer.id)], now)
        draft = AbsenceDraft(AbsenceKind.SICK, now + HOUR, until)
        absence = service.add_absence(session, officer.id, draft, ACTOR, now)
        assert service.list_absences(session, officer.id, ACTOR, now) == [absence]
        assert service.find_holes(session, station.id, now, until) == [Hole(now + HOUR, until)]
        ended = service.end_absence(session, officer.id, absence.id, ACTOR, now + 2 * HOUR)
        assert service.end_absence(session, officer.id, absence.id, ACTOR, now + 3 * HOUR) == ended
        assert service.list_absences(session, officer.id, ACTOR, now) == [ended]
        assert service.find_holes(session, station.id, now, until) == [Hole(now + HOUR, now + 2 * HOUR)]
    assert ended.ended_at == now + 2 * HOUR
    assert audited(engine, "policing.add_absence") == [absence.id]
    assert audited(engine, "policing.end_absence") == [absence.id]
    assert audited(engine, "policing.list_absences") == [officer.id, officer.id]


def test_an_absence_that_is_over_cannot_be_ended_nor_entered(
    engine: Engine, officer: Officer, now: datetime
) -> None:
    with transaction(engine) as session:
        draft = AbsenceDraft(AbsenceKind.OTHER, now, now + HOUR)
        absence = service.add_absence(session, officer.id, draft, None, now)
        assert service.end_absence(session, officer.id, absence.id, None, now + HOUR) == absence
    with pytest.raises(BadAbsence), transaction(engine) as session:
        service.add_absence(session, officer.id, draft, None, now + HOUR)


def test_there_is_an_end_to_absences_and_what_is_over_makes_room(
    engine: Engine, officer: Officer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(officers, "MAX_ABSENCES", 1)
    with transaction(engine) as session:
        draft = AbsenceDraft(AbsenceKind.OTHER, now, now + HOUR)
        service.add_absence(session, officer.id, draft, None, now)
    with pytest.raises(TooMany), transaction(engine) as session:
        service.add_absence(session, officer.id, draft, None, now)
    later = AbsenceDraft(AbsenceKind.OTHER, now + HOUR, now + 2 * HOUR)
    with transaction(engine) as session:
        service.add_absence(session, officer.id, later, None, now + HOUR)


def test_holes_are_looked_for_in_a_bounded_stretch(engine: Engine, station: Station, now: datetime) -> None:
    with pytest.raises(BadWindow), reading(engine) as session:
        service.find_holes(session, station.id, now, now + model.MAX_HOLES_WINDOW + HOUR)

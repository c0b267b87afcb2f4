"""Who is on duty, and when nobody is: nights, stand-ins, absences, summer time."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.policing.model import (
    MAX_ABSENCE,
    MAX_HOLES_WINDOW,
    MAX_SLOTS,
    Absence,
    AbsenceDraft,
    AbsenceKind,
    BadAbsence,
    BadOfficer,
    BadRoster,
    BadWindow,
    Dated,
    Duty,
    DutyRole,
    Hole,
    SlotDraft,
    Weekly,
)
from api.policing.rules import (
    check_absence,
    check_officer,
    check_roster,
    check_window,
    find_holes,
    on_duty,
)
from tests.factories import NOW
from tests.policing.station import (
    ALWAYS,
    ANNA,
    BEA,
    CAS,
    EVERY_DAY,
    LONG_AGO,
    hours,
    in_force,
    make_absence,
    make_duty,
    make_officer_draft,
    make_slot,
    make_station,
    stand_in,
)

STATION = make_station()
CLOCKS = ZoneInfo("Europe/Amsterdam")
HOUR = timedelta(hours=1)
NIGHT = hours(EVERY_DAY, "22:00", "06:00")
DAY = hours(EVERY_DAY, "06:00", "22:00")


def local(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CLOCKS, fold=fold).astimezone(UTC)


def who(duties: Iterable[Duty], now: datetime, absences: list[Absence] | None = None) -> Any:
    found = on_duty(STATION, duties, absences or [], now)
    return found and found.officer_id


def holes(
    duties: Iterable[Duty], since: datetime, until: datetime, absences: list[Absence] | None = None
) -> list[Hole]:
    return find_holes(STATION, duties, absences or [], since, until)


def test_nobody_is_on_duty_without_a_roster() -> None:
    assert on_duty(STATION, [], [], NOW) is None
    assert holes([], NOW, NOW + HOUR) == [Hole(NOW, NOW + HOUR)]


def test_the_officer_goes_before_the_stand_ins_and_they_go_in_order() -> None:
    duties = [stand_in(CAS, 2), stand_in(BEA, 1), make_duty(ANNA)]
    away = [make_absence(ANNA, NOW - HOUR, NOW + HOUR)]
    assert who(duties, NOW) == ANNA
    found = on_duty(STATION, duties, away, NOW)
    assert found is not None
    assert (found.officer_id, found.is_stand_in) == (BEA, True)
    away.append(make_absence(BEA, NOW - HOUR, NOW + HOUR))
    assert who(duties, NOW, away) == CAS
    away.append(make_absence(CAS, NOW - HOUR, NOW + HOUR))
    assert who(duties, NOW, away) is None
    assert holes(duties, NOW, NOW + HOUR, away) == [Hole(NOW, NOW + HOUR)]


def test_a_dated_slot_goes_before_a_weekly_one_and_then_the_place_in_the_roster_decides() -> None:
    tonight = Dated(NOW - HOUR, NOW + HOUR)
    assert who([make_duty(ANNA), make_duty(BEA, tonight, position=1)], NOW) == BEA
    assert who([make_duty(BEA, position=1), make_duty(ANNA, position=0)], NOW) == ANNA
    assert who([make_duty(ANNA), make_duty(BEA, tonight, position=1)], NOW + HOUR) == ANNA


def test_a_slot_begins_with_its_first_minute_and_ends_before_its_last() -> None:
    duties = [make_duty(ANNA, hours((0,), "09:00", "17:00"))]
    assert who(duties, local("2026-11-23T09:00")) == ANNA  # a Monday
    assert who(duties, local("2026-11-23T16:59:59.999999")) == ANNA
    assert who(duties, local("2026-11-23T08:59:59.999999")) is None
    assert who(duties, local("2026-11-23T17:00")) is None
    assert who(duties, local("2026-11-24T09:00")) is None


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    duties = [make_duty(ANNA, hours((6,), "22:00", "06:00"))]
    assert who(duties, local("2026-11-22T23:00")) == ANNA  # Sunday
    assert who(duties, local("2026-11-23T05:59")) == ANNA  # into Monday, and into another week
    assert who(duties, local("2026-11-23T06:00")) is None
    assert who(duties, local("2026-11-22T05:00")) is None


@pytest.mark.parametrize("until", ["00:00", "24:00"])
def test_midnight_may_be_written_either_way(until: str) -> None:
    duties = [make_duty(ANNA, hours((0,), "22:00", until))]
    assert who(duties, local("2026-11-23T23:59")) == ANNA
    assert who(duties, local("2026-11-24T00:00")) is None


def test_a_roster_with_a_hole_at_three_in_the_morning_shows_it() -> None:
    duties = [
        make_duty(ANNA, hours(EVERY_DAY, "04:00", "22:00")),
        make_duty(BEA, hours(EVERY_DAY, "22:00", "03:00")),
    ]
    assert holes(duties, local("2026-11-23T12:00"), local("2026-11-25T12:00")) == [
        Hole(local("2026-11-24T03:00"), local("2026-11-24T04:00")),
        Hole(local("2026-11-25T03:00"), local("2026-11-25T04:00")),
    ]


def test_day_and_night_leave_no_hole_through_both_changes_of_the_clocks() -> None:
    duties = [make_duty(ANNA, DAY), make_duty(BEA, NIGHT)]
    assert holes(duties, local("2026-03-20T00:00"), local("2026-04-05T00:00")) == []
    assert holes(duties, local("2026-10-20T00:00"), local("2026-11-05T00:00")) == []


def test_a_handover_in_the_hour_that_the_clocks_show_twice_happens_once_at_the_first() -> None:
    duties = [
        make_duty(ANNA, hours(EVERY_DAY, "22:00", "02:30")),
        make_duty(BEA, hours(EVERY_DAY, "02:30", "22:00")),
    ]
    assert who(duties, local("2026-10-25T02:29")) == ANNA
    for fold, clock in ((0, "02:30"), (0, "02:59"), (1, "02:00"), (1, "02:29"), (1, "02:30"), (0, "03:00")):
        assert who(duties, local(f"2026-10-25T{clock}", fold)) == BEA, (clock, fold)
    assert holes(duties, local("2026-10-24T12:00"), local("2026-10-26T12:00")) == []


def test_a_slot_of_the_doubled_hour_lasts_two_hours() -> None:
    duties = [make_duty(ANNA, hours((6,), "02:00", "03:00"))]
    since, until = local("2026-10-25T00:00"), local("2026-10-25T06:00")
    first, last = local("2026-10-25T02:00"), local("2026-10-25T03:00")
    assert last - first == 2 * HOUR
    assert holes(duties, since, until) == [Hole(since, first), Hole(last, until)]


def test_a_slot_of_the_missing_hour_never_comes_and_what_joins_it_still_joins() -> None:
    missing = hours((6,), "02:00", "03:00")
    since, until = local("2026-03-29T00:00"), local("2026-03-29T06:00")
    assert holes([make_duty(ANNA, missing)], since, until) == [Hole(since, until)]
    around = [
        make_duty(ANNA, hours((6,), "00:00", "02:30")),
        make_duty(BEA, hours((6,), "02:30", "02:45")),
        make_duty(CAS, hours((6,), "02:45", "06:00")),
    ]
    assert holes(around, since, until) == []
    half = [make_duty(ANNA, hours((6,), "02:30", "03:15"))]  # ends, on that day, before it begins
    assert holes(half, since, until) == [Hole(since, until)]


def test_an_absence_begins_and_ends_with_its_moments() -> None:
    duties = [make_duty(ANNA)]
    away = [make_absence(ANNA, NOW, NOW + HOUR)]
    tick = timedelta(microseconds=1)
    assert [who(duties, NOW + moved, away) for moved in (-tick, 0 * tick, HOUR - tick, HOUR)] == [
        ANNA,
        None,
        None,
        ANNA,
    ]


def test_an_absence_says_nothing_of_the_time_before_it_was_entered_or_after_it_was_ended() -> None:
    duties = [make_duty(ANNA)]
    away = [make_absence(ANNA, NOW, NOW + 9 * HOUR, created_at=NOW + HOUR, ended_at=NOW + 2 * HOUR)]
    assert holes(duties, NOW - HOUR, NOW + 9 * HOUR, away) == [Hole(NOW + HOUR, NOW + 2 * HOUR)]
    called_off = [make_absence(ANNA, NOW + 2 * HOUR, NOW + 9 * HOUR, ended_at=NOW)]
    assert holes(duties, NOW, NOW + 9 * HOUR, called_off) == []


def test_a_roster_says_nothing_of_the_time_before_it_was_entered_or_after_it_was_replaced() -> None:
    duties = [
        in_force(make_duty(ANNA), LONG_AGO, NOW),
        in_force(make_duty(BEA), NOW, NOW + HOUR),
        in_force(make_duty(CAS), NOW + 2 * HOUR, None),
    ]
    assert [who(duties, NOW + part * HOUR) for part in (-1, 0, 1, 2)] == [ANNA, BEA, None, CAS]
    assert holes(duties, NOW - HOUR, NOW + 3 * HOUR) == [Hole(NOW + HOUR, NOW + 2 * HOUR)]


def test_the_clocks_are_those_of_the_station() -> None:
    duties = [make_duty(ANNA, hours(EVERY_DAY, "09:00", "10:00"))]
    at_nine_in_suva = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Pacific/Fiji"))
    assert who(duties, at_nine_in_suva) is None
    assert on_duty(make_station(time_zone="Pacific/Fiji"), duties, [], at_nine_in_suva) is not None


def test_in_a_time_zone_that_is_known_no_more_only_dated_slots_happen() -> None:
    lost = make_station(time_zone="Europe/Atlantis")
    assert on_duty(lost, [make_duty(ANNA)], [], NOW) is None
    assert on_duty(lost, [make_duty(ANNA, Dated(NOW, NOW + HOUR))], [], NOW) is not None
    assert find_holes(lost, [make_duty(ANNA)], [], NOW, NOW + HOUR) == [Hole(NOW, NOW + HOUR)]


ZONES = ["Europe/Amsterdam", "Africa/Cairo", "Pacific/Apia", "Australia/Lord_Howe", "America/St_Johns"]
"""Clocks put forward at midnight, a day left out, half an hour of summer time, odd offsets."""
MINUTES = st.integers(-3 * 1440, 3 * 1440)


@st.composite
def duties_around(draw: st.DrawFn, center: datetime) -> list[Duty]:
    def moment() -> datetime:
        return center + timedelta(minutes=draw(MINUTES))

    made = []
    for place in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            days = tuple(sorted(draw(st.sets(st.sampled_from(EVERY_DAY), min_size=1))))
            begin = draw(st.integers(0, 1439))
            when: Weekly | Dated = Weekly(days, begin, (begin + draw(st.integers(1, 1439))) % 1440)
        else:
            since = moment()
            when = Dated(since, since + timedelta(minutes=draw(st.integers(1, 3000))))
        order = draw(st.integers(0, 2))
        duty = make_duty(draw(st.sampled_from([ANNA, BEA])), when, order=order, position=place)
        made.append(
            in_force(duty, draw(st.sampled_from([LONG_AGO, moment()])), draw(st.none() | st.just(moment())))
        )
    return made


@settings(max_examples=150)
@given(
    data=st.data(),
    zone=st.sampled_from(ZONES),
    center=st.sampled_from(
        [datetime(2011, 12, 30, 10, tzinfo=UTC), local("2026-03-29T02:00"), local("2026-10-25T02:00"), NOW]
    ),
)
def test_holes_and_cover_part_the_time_and_nobody_is_on_duty_exactly_in_a_hole(
    data: st.DataObject, zone: str, center: datetime
) -> None:
    station = make_station(time_zone=zone)
    duties = [
        in_force(duty, duty.valid_from - timedelta(days=9000), duty.valid_until)
        for duty in data.draw(duties_around(center))
    ]
    since = center + timedelta(minutes=data.draw(MINUTES))
    until = since + timedelta(minutes=data.draw(st.integers(1, 6000)))
    away = [
        make_absence(ANNA, begin, begin + HOUR * 7, created_at=center - timedelta(days=99))
        for begin in (center + timedelta(minutes=n) for n in data.draw(st.lists(MINUTES, max_size=3)))
    ]
    found = find_holes(station, duties, away, since, until)
    edges = [moment for hole in found for moment in (hole.since, hole.until)]
    assert edges == sorted(edges)
    assert all(since <= edge <= until for edge in edges)
    assert len(set(edges)) == len(edges)  # none is empty, and no two touch
    tick = timedelta(microseconds=1)
    looked_at = {since, until - tick, *(edge + moved for edge in edges for moved in (-tick, 0 * tick))}
    looked_at |= {
        since + timedelta(minutes=n) for n in data.draw(st.lists(st.integers(0, 6000), max_size=20))
    }
    for moment in looked_at:
        if since <= moment < until:
            in_hole = any(hole.since <= moment < hole.until for hole in found)
            assert (on_duty(station, duties, away, moment) is None) == in_hole, moment


@given(
    cuts=st.sets(st.integers(1, 1439), min_size=1, max_size=6),
    day=st.integers(0, 500),
    zone=st.sampled_from(ZONES),
)
def test_slots_that_join_on_paper_join_in_fact_whatever_the_clocks_do(
    cuts: set[int], day: int, zone: str
) -> None:
    bounds = sorted(cuts)
    duties = [
        make_duty(ANNA, Weekly(EVERY_DAY, begin, end), position=place)
        for place, (begin, end) in enumerate(zip(bounds, [*bounds[1:], bounds[0]], strict=True))
        if begin != end
    ] or [make_duty(ANNA)]
    since = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    assert find_holes(make_station(time_zone=zone), duties, [], since, since + timedelta(days=20)) == []


BAD_SLOTS: list[tuple[SlotDraft, str]] = [
    (make_slot(ANNA, Weekly((0,), 600, 600)), "no length"),
    (make_slot(ANNA, Weekly((), 0, 1440)), "at least one day"),
    (make_slot(ANNA, Weekly((1, 1), 0, 1440)), "each once"),
    (make_slot(ANNA, Weekly((7,), 0, 1440)), "Days are"),
    (make_slot(ANNA, Weekly((0,), 1440, 5)), "Begins 00:00"),
    (make_slot(ANNA, Weekly((0,), 0, 1441)), "Begins 00:00"),
    (make_slot(ANNA, Dated(NOW, NOW)), "no length"),
    (make_slot(ANNA, Dated(NOW, NOW - HOUR)), "no length"),
    (make_slot(ANNA, Dated(NOW, NOW + timedelta(days=31, seconds=1))), "more than 31 days"),
    (SlotDraft(ANNA, DutyRole.OFFICER, 1, ALWAYS), "Only a stand-in"),
    (SlotDraft(ANNA, DutyRole.STAND_IN, 0, ALWAYS), "from 1 to 20"),
    (SlotDraft(ANNA, DutyRole.STAND_IN, 21, ALWAYS), "from 1 to 20"),
]


@pytest.mark.parametrize(("slot", "what"), BAD_SLOTS)
def test_a_slot_that_cannot_be_is_named(slot: SlotDraft, what: str) -> None:
    with pytest.raises(BadRoster) as refusal:
        check_roster([make_slot(ANNA), slot])
    assert set(refusal.value.fields) == {"slots[1]"}
    assert what in refusal.value.fields["slots[1]"][0]


def test_an_officer_may_stand_in_two_slots_at_once_and_a_hole_is_no_fault() -> None:
    check_roster([make_slot(ANNA), make_slot(ANNA, NIGHT), make_slot(ANNA, order=1)])
    check_roster([make_slot(ANNA, Dated(NOW, NOW + timedelta(days=31)), order=20)])
    check_roster([])


def test_a_roster_has_an_end() -> None:
    check_roster([make_slot(ANNA)] * MAX_SLOTS)
    with pytest.raises(BadRoster):
        check_roster([make_slot(ANNA)] * (MAX_SLOTS + 1))


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (NOW, NOW),
        (NOW + HOUR, NOW),
        (NOW - 2 * HOUR, NOW - HOUR),
        (NOW, NOW + MAX_ABSENCE + HOUR),
    ],
)
def test_an_absence_without_length_or_end_is_refused(since: datetime, until: datetime) -> None:
    with pytest.raises(BadAbsence):
        check_absence(AbsenceDraft(AbsenceKind.SICK, since, until), NOW)


def test_an_absence_may_have_begun() -> None:
    check_absence(AbsenceDraft(AbsenceKind.SICK, NOW - HOUR, NOW + HOUR), NOW)


def test_holes_are_looked_for_in_a_stretch_that_lasts_and_ends() -> None:
    check_window(NOW, NOW + MAX_HOLES_WINDOW)
    for until in (NOW, NOW - HOUR, NOW + MAX_HOLES_WINDOW + HOUR):
        with pytest.raises(BadWindow):
            check_window(NOW, until)


def test_an_officer_has_a_number_that_can_be_called_or_none() -> None:
    for phone in ("+447700900077", "", None):
        check_officer(make_officer_draft(CAS, phone=phone))
    with pytest.raises(BadOfficer):
        check_officer(make_officer_draft(CAS, phone="0612345678"))

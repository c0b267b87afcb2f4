"""Who is there: hours of the week by the clocks of the place, stand-ins, absences, and clocks that change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pathways.model.agencies import (
    MAX_DUTIES,
    AgencyDraft,
    AgencyKind,
    BadAgency,
    BadDuties,
    BadMember,
    DutySlot,
    MemberDraft,
    MemberRole,
)
from api.pathways.model.contacts import Hours
from api.pathways.rules import duties as rules
from tests.pathways.cases import EVERY_DAY, NOW, ZONE, make_member

ANNA, BEA = make_member(), make_member()
OFFICE = (9 * 60, 17 * 60)


def slot(member_id: UUID = ANNA.id, days: tuple[int, ...] = (2,), order: int = 0, *hours: int) -> DutySlot:
    begin, until = hours or OFFICE
    return DutySlot(member_id, days, begin, until, order)


def amsterdam(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        ("2026-11-25T08:59:59", False),
        ("2026-11-25T09:00:00", True),
        ("2026-11-25T16:59:59", True),
        ("2026-11-25T17:00:00", False),
        ("2026-11-26T12:00:00", False),
    ],
)
def test_hours_begin_with_their_first_moment_and_end_before_their_last(at: str, inside: bool) -> None:
    assert rules.is_within(Hours((2,), *OFFICE), ZONE, amsterdam(at)) is inside


def test_hours_over_midnight_belong_to_the_day_on_which_they_begin() -> None:
    night = Hours((6,), 22 * 60, 6 * 60)
    assert rules.is_within(night, ZONE, amsterdam("2026-11-30T05:59:00"))  # Monday morning
    assert not rules.is_within(night, ZONE, amsterdam("2026-11-29T05:59:00"))


@pytest.mark.parametrize(
    "at", ["2027-03-28T00:59:59+00:00", "2027-03-28T01:00:00+00:00", "2026-10-25T00:30:00+00:00"]
)
def test_somebody_who_is_always_there_is_there_while_the_clocks_change(at: str) -> None:
    always = Hours(EVERY_DAY, 0, 24 * 60)
    assert rules.is_within(always, ZONE, datetime.fromisoformat(at))


@given(st.integers(0, 24 * 60 - 1), st.integers(0, 366 * 24 * 60))
def test_two_stretches_that_join_on_paper_leave_no_hole(minute: int, later: int) -> None:
    at = NOW + timedelta(minutes=later)
    halves = [
        Hours(EVERY_DAY, minute, (minute + 720) % 1440),
        Hours(EVERY_DAY, (minute + 720) % 1440, minute),
    ]
    assert any(rules.is_within(one, ZONE, at) for one in halves)


def test_in_a_time_zone_that_is_known_no_more_nobody_is_there() -> None:
    assert not rules.is_within(Hours(EVERY_DAY, 0, 1440), "Europe/Atlantis", NOW)


def test_stand_ins_count_only_when_nobody_is_regularly_there() -> None:
    slots = [slot(), slot(BEA.id, order=1)]
    assert rules.who_is_there(ZONE, [ANNA, BEA], slots, NOW) == [ANNA]
    assert rules.who_is_there(ZONE, [BEA], slots, NOW) == [BEA]


def test_of_several_stand_ins_the_lowest_order_is_asked() -> None:
    slots = [slot(order=2), slot(BEA.id, order=1), slot(BEA.id, order=3)]
    assert rules.who_is_there(ZONE, [ANNA, BEA], slots, NOW) == [BEA]


def test_each_rung_has_its_own_people() -> None:
    head = make_member(role=MemberRole.COORDINATOR)
    slots = [slot(order=1), slot(head.id)]
    assert rules.who_is_there(ZONE, [head, ANNA], slots, NOW) == [ANNA, head]


def test_whoever_is_away_or_has_left_is_not_there() -> None:
    away = replace(ANNA, away_until=NOW + timedelta(seconds=1))
    assert rules.who_is_there(ZONE, [away, replace(BEA, left_at=NOW)], [slot(), slot(BEA.id)], NOW) == []
    assert rules.who_is_there(ZONE, [replace(away, away_until=NOW)], [slot()], NOW) != []


def test_an_agency_needs_clocks() -> None:
    draft = AgencyDraft("A", AgencyKind.POLICE, "R", ZONE)
    rules.check_agency(draft)
    for name in ("Europe/Atlantis", "UTC", ""):
        with pytest.raises(BadAgency) as caught:
            rules.check_agency(replace(draft, time_zone=name))
        assert "time_zone" in caught.value.fields


def test_an_absence_ends_within_a_year() -> None:
    draft = MemberDraft(ANNA.account_id, MemberRole.WORKER, "A", None)
    rules.check_member(draft, NOW)
    rules.check_member(replace(draft, away_until=NOW + timedelta(days=366)), NOW)
    for until in (NOW, NOW + timedelta(days=366, seconds=1)):
        with pytest.raises(BadMember) as caught:
            rules.check_member(replace(draft, away_until=until), NOW)
        assert "away_until" in caught.value.fields


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (slot(days=()), "at least one day"),
        (slot(ANNA.id, (1, 1)), "each once"),
        (slot(ANNA.id, (7,)), "0 (Monday) to 6"),
        (slot(ANNA.id, (1,), 0, -1, 60), "00:00 to 23:59"),
        (slot(ANNA.id, (1,), 0, 0, 1441), "00:00 to 24:00"),
        (slot(ANNA.id, (1,), 0, 60, 60), "no length"),
        (slot(order=21), "1 to 20"),
        (slot(BEA.id), "Nobody of this id"),
    ],
)
def test_a_duty_time_that_cannot_be_is_named(wrong: DutySlot, told: str) -> None:
    with pytest.raises(BadDuties) as caught:
        rules.check_duties([slot(), wrong], [ANNA, replace(BEA, left_at=NOW)])
    (faults,) = caught.value.fields.values()
    assert list(caught.value.fields) == ["slots[1]"]
    assert told in " ".join(faults)


def test_duty_times_have_an_upper_number() -> None:
    rules.check_duties([slot()] * MAX_DUTIES, [ANNA])
    with pytest.raises(BadDuties):
        rules.check_duties([slot()] * (MAX_DUTIES + 1), [ANNA])

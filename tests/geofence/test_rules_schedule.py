from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.geofence.model import Hours, Schedule
from api.geofence.rules.schedule import applies_at

MINUTES_A_DAY = 24 * 60
AMSTERDAM = "Europe/Amsterdam"


def hours(text: str) -> tuple[Hours, ...]:
    """Read "0 22:00 06:00, 6 00:00 24:00"."""
    return tuple(Hours(int(day), *rest) for day, *rest in (part.split() for part in text.split(",")))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minutes_in_force(schedule: Schedule, first: str, last: str) -> int:
    """How many minutes of this time are within the hours."""
    start, end = utc(first), utc(last)
    count = int((end - start).total_seconds()) // 60
    return sum(applies_at(schedule, start + timedelta(minutes=minute)) for minute in range(count))


@pytest.mark.parametrize(
    ("moment", "applies"),
    [
        ("2026-11-23T20:59:59", False),  # Monday, an hour behind Amsterdam
        ("2026-11-23T21:00:00", True),
        ("2026-11-24T04:59:59", True),
        ("2026-11-24T05:00:00", False),
        ("2026-11-24T21:00:00", False),  # nothing on Tuesday evening
        ("2026-11-22T23:30:00", False),  # in the night to Monday, which is Sunday's
    ],
)
def test_hours_past_midnight_belong_to_the_day_on_which_they_begin(moment: str, applies: bool) -> None:
    assert applies_at(Schedule(AMSTERDAM, hours("0 22:00 06:00")), utc(moment)) is applies


def test_sunday_night_reaches_into_monday() -> None:
    schedule = Schedule(AMSTERDAM, hours("6 22:00 06:00"))
    assert applies_at(schedule, utc("2026-11-23T03:00:00"))
    assert not applies_at(schedule, utc("2026-11-24T03:00:00"))


def test_a_whole_day_ends_at_24_and_until_0_is_the_same_end() -> None:
    for text in ("2 00:00 24:00", "2 00:00 12:00, 2 12:00 00:00"):
        schedule = Schedule(AMSTERDAM, hours(text))
        assert minutes_in_force(schedule, "2026-11-23T00:00", "2026-11-30T00:00") == MINUTES_A_DAY
        assert applies_at(schedule, utc("2026-11-25T22:59:59"))
        assert not applies_at(schedule, utc("2026-11-25T23:00:00"))


def test_the_night_of_the_spring_change_is_an_hour_shorter() -> None:
    schedule = Schedule(AMSTERDAM, hours("5 22:00 06:00"))  # Saturday, 28 March 2026
    assert minutes_in_force(schedule, "2026-03-28T12:00", "2026-03-29T12:00") == 7 * 60
    assert applies_at(schedule, utc("2026-03-29T03:59:59"))
    assert not applies_at(schedule, utc("2026-03-29T04:00:00"))


def test_the_night_of_the_autumn_change_is_an_hour_longer() -> None:
    schedule = Schedule(AMSTERDAM, hours("5 22:00 06:00"))  # Saturday, 24 October 2026
    assert minutes_in_force(schedule, "2026-10-24T12:00", "2026-10-25T12:00") == 9 * 60
    assert applies_at(schedule, utc("2026-10-25T04:59:59"))
    assert not applies_at(schedule, utc("2026-10-25T05:00:00"))


def test_an_hour_that_is_skipped_never_comes_and_one_shown_twice_counts_twice() -> None:
    schedule = Schedule(AMSTERDAM, hours("6 02:00 03:00"))
    assert minutes_in_force(schedule, "2026-03-28T12:00", "2026-03-29T12:00") == 0
    assert minutes_in_force(schedule, "2026-10-24T12:00", "2026-10-25T12:00") == 2 * 60


def test_an_unknown_time_zone_counts_as_always_in_force() -> None:
    assert applies_at(Schedule("Europe/Atlantis", hours("0 22:00 06:00")), utc("2026-11-25T12:00"))


_CLOCKS = st.integers(0, MINUTES_A_DAY - 1)
_HOURS = st.tuples(st.integers(0, 6), _CLOCKS, st.integers(0, MINUTES_A_DAY)).filter(
    lambda one: one[1] != one[2]
)


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@given(st.lists(_HOURS, min_size=1, max_size=3), st.integers(0, 7 * MINUTES_A_DAY - 1))
def test_a_schedule_equals_its_minutes_counted_one_by_one(drawn: list[tuple[int, int, int]], at: int) -> None:
    """In UTC, where no clock is ever changed, each span is laid out on the week minute by minute."""
    week = 7 * MINUTES_A_DAY
    expected = set()
    for day, begin, until in drawn:
        length = until - begin if until > begin else until - begin + MINUTES_A_DAY
        first = day * MINUTES_A_DAY + begin
        expected |= {minute % week for minute in range(first, first + length)}
    schedule = Schedule(
        "Etc/UTC", tuple(Hours(day, clock(begin), clock(until)) for day, begin, until in drawn)
    )
    monday = utc("2026-11-23T00:00")
    edges = {at} | {day * MINUTES_A_DAY + edge for day, *both in drawn for edge in both}
    for minute in {(edge + step) % week for edge in edges for step in (-1, 0, 1)}:
        assert applies_at(schedule, monday + timedelta(minutes=minute, seconds=59)) is (minute in expected)

"""Whether somebody answers now: held against a clock that is read minute by minute."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from api.kernel.config import CONTENT
from api.kernel.content import Language
from api.pathways.model.directory import (
    Before,
    Channel,
    ChannelKind,
    Entry,
    Holiday,
    Hours,
    HoursKind,
    Known,
    OnHoliday,
    Opening,
    OpenState,
    Span,
)
from api.pathways.rules.directory import (
    HORIZON_DAYS,
    before_call,
    easter_sunday,
    holidays_of,
    is_expired,
    is_open,
)
from api.pathways.service.directory import read_directory

DIRECTORY = read_directory(CONTENT)
ENTRY = DIRECTORY.entries[1]
ZONE = ZoneInfo("Europe/Amsterdam")
MINUTE = timedelta(minutes=1)
NEVER_EXPIRES = date(2200, 1, 1)
SPAN = st.builds(
    lambda begin, length: Span(begin, begin + length), st.integers(0, 1439), st.integers(1, 1440)
)
SPANS = st.lists(SPAN, max_size=2).map(tuple)
RULE = st.one_of(st.sampled_from(OnHoliday), st.lists(SPAN, min_size=1, max_size=2).map(tuple))
WEEK = st.tuples(*[SPANS] * 7)
HOLIDAYS = st.fixed_dictionaries(dict.fromkeys(Holiday, RULE))
HOURS = st.builds(Hours, st.just(HoursKind.WEEKLY), WEEK, HOLIDAYS)
# nights in which the clock goes forward and back, days around every kind of holiday, and any day
DAYS = st.one_of(
    st.sampled_from(
        [
            *(date(2027, 3, 27), date(2027, 3, 28), date(2026, 10, 24), date(2026, 10, 25)),
            *(date(2027, 4, 26), date(2025, 4, 25), date(2025, 4, 26), date(2016, 5, 4), date(2026, 12, 24)),
            *(date(2026, 12, 31), date(2027, 3, 25), date(2027, 5, 5), date(2027, 5, 15)),
        ]
    ),
    st.dates(date(2015, 1, 1), date(2037, 12, 31)),
)
MOMENTS = st.builds(
    lambda day, seconds: datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds),
    DAYS,
    st.integers(0, 86_399),
)


def channel(hours: Hours) -> Channel:
    return replace(ENTRY.channels[0], hours=hours, is_verified=True)


def weekly(week: dict[int, list[Span]], rule: OnHoliday = OnHoliday.UNKNOWN) -> Hours:
    days = tuple(tuple(week.get(day, [])) for day in range(7))
    return Hours(HoursKind.WEEKLY, days, dict.fromkeys(Holiday, rule))


def entry(expires_on: date = NEVER_EXPIRES) -> Entry:
    return replace(ENTRY, expires_on=expires_on)


def read_on_the_wall(hours: Hours, expires_on: date, at: datetime) -> OpenState:
    """The state at a moment, from nothing but what the clock and the calendar on the wall show."""
    wall = at.astimezone(ZONE)
    if wall.date() > expires_on:
        return OpenState.UNKNOWN
    minute = wall.hour * 60 + wall.minute
    seen: set[OpenState] = set()
    for day, shown in ((wall.date(), minute), (wall.date() - timedelta(days=1), minute + 1440)):
        spans, state = hours.weekly[day.weekday()], OpenState.OPEN
        rules = [hours.holidays[one] for one in sorted(holidays_of(day.year).get(day, ()))]
        if OnHoliday.CLOSED in rules:
            spans = ()
        elif OnHoliday.UNKNOWN in rules:
            state = OpenState.UNKNOWN
        else:
            own = [rule for rule in rules if isinstance(rule, tuple)]
            spans = own[0] if own else spans
        seen |= {state for span in spans if span.begin_min <= shown < span.end_min}
    if OpenState.OPEN in seen:
        return OpenState.OPEN
    return OpenState.UNKNOWN if seen else OpenState.CLOSED


def minutes_after(now: datetime, days: int) -> Iterator[datetime]:
    at = now.replace(second=0, microsecond=0) + MINUTE
    for _ in range(days * 1440):
        yield at
        at += MINUTE


def by_the_minute(hours: Hours, expires_on: date, now: datetime, days: int) -> Opening:
    state = read_on_the_wall(hours, expires_on, now)
    until = opens_at = None
    for at in minutes_after(now, days):
        then = read_on_the_wall(hours, expires_on, at)
        if until is None and then is not state:
            until = at
        if then is OpenState.OPEN and state is not OpenState.OPEN:
            opens_at = at
            break
        if until is not None and state is OpenState.OPEN:
            break
    return Opening(state, until, opens_at)


def assert_same(hours: Hours, expires_on: date, now: datetime, days: int) -> None:
    told = is_open(entry(expires_on), channel(hours), now)
    seen = by_the_minute(hours, expires_on, now, days)
    end = now + timedelta(days=days)
    assert told.state is seen.state
    assert seen.until == (told.until if told.until and told.until <= end else None)
    assert seen.opens_at == (told.opens_at if told.opens_at and told.opens_at <= end else None)


@limits(max_examples=100)
@given(HOURS, MOMENTS, st.one_of(st.just(0), st.integers(0, 3)))
@example(weekly({6: [Span(150, 300)]}), datetime(2027, 3, 28, 0, 30, tzinfo=UTC), 0)
@example(weekly({6: [Span(135, 165)]}), datetime(2026, 10, 25, 0, 20, tzinfo=UTC), 0)
@example(weekly({5: [Span(1320, 1590)]}), datetime(2026, 10, 25, 0, 20, tzinfo=UTC), 0)
@example(weekly({5: [Span(1320, 1590)]}), datetime(2027, 3, 28, 0, 20, tzinfo=UTC), 0)
def test_the_answer_is_what_the_clock_on_the_wall_shows_minute_by_minute(
    hours: Hours, now: datetime, expires_in: int
) -> None:
    expires_on = now.astimezone(ZONE).date() + timedelta(days=expires_in) if expires_in else NEVER_EXPIRES
    assert_same(hours, expires_on, now, 3)


@limits(max_examples=8)
@given(MOMENTS, RULE)
def test_the_answer_holds_over_the_whole_horizon(now: datetime, rule: OnHoliday | tuple[Span, ...]) -> None:
    hours = replace(weekly({1: [Span(540, 750)]}), holidays=dict.fromkeys(Holiday, rule))
    assert_same(hours, NEVER_EXPIRES, now, HORIZON_DAYS - 1)


@given(HOURS, MOMENTS)
def test_what_ends_or_opens_does_so_at_the_moment_that_was_told(hours: Hours, now: datetime) -> None:
    told = is_open(entry(), channel(hours), now)
    if told.until:
        assert now < told.until
        before, after = (
            is_open(entry(), channel(hours), told.until + step) for step in (-MINUTE / 60, MINUTE * 0)
        )
        assert before.state is told.state
        assert after.state is not told.state
    if told.opens_at:
        assert told.state is not OpenState.OPEN
        assert is_open(entry(), channel(hours), told.opens_at).state is OpenState.OPEN


@given(HOURS, MOMENTS)
def test_what_is_expired_not_verified_or_not_known_is_never_open(hours: Hours, now: datetime) -> None:
    yesterday = now.astimezone(ZONE).date() - timedelta(days=1)
    nothing = Opening(OpenState.UNKNOWN, None, None)
    unknown = Hours(HoursKind.UNKNOWN, ((),) * 7, {})
    assert is_expired(entry(yesterday), now)
    for kind in (hours, Hours(HoursKind.ALWAYS, ((),) * 7, {}), unknown):
        assert is_open(entry(yesterday), channel(kind), now) == nothing
        assert is_open(entry(), replace(channel(kind), is_verified=False), now) == nothing
    assert is_open(entry(), channel(unknown), now) == nothing


def test_what_is_always_open_is_open_in_every_night_until_it_expires() -> None:
    always = channel(Hours(HoursKind.ALWAYS, ((),) * 7, {}))
    for now in (datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2026, 10, 25, 0, 59, tzinfo=UTC)):
        assert is_open(entry(), always, now) == Opening(OpenState.OPEN, None, None)
    now = datetime(2026, 12, 25, 3, tzinfo=UTC)
    ends = datetime(2026, 12, 26, 23, tzinfo=UTC)
    assert is_open(entry(date(2026, 12, 26)), always, now) == Opening(OpenState.OPEN, ends, None)
    assert not is_expired(entry(date(2026, 12, 26)), ends - MINUTE)
    assert is_expired(entry(date(2026, 12, 26)), ends)


def test_hours_across_midnight_go_on_and_belong_to_the_day_on_which_they_begin() -> None:
    night = weekly({4: [Span(1320, 1560)]}, OnHoliday.CLOSED)
    saturday = datetime(2026, 11, 28, 0, 30, tzinfo=UTC)
    assert is_open(entry(), channel(night), saturday).until == datetime(2026, 11, 28, 1, tzinfo=UTC)
    eve = weekly({3: [Span(1320, 1560)], 4: [Span(540, 1020)]}, OnHoliday.CLOSED)  # 24 December is a Thursday
    opening = is_open(entry(), channel(eve), datetime(2026, 12, 25, 0, 30, tzinfo=UTC))
    assert (opening.state, opening.until) == (OpenState.OPEN, datetime(2026, 12, 25, 1, tzinfo=UTC))
    assert is_open(entry(), channel(eve), datetime(2026, 12, 25, 10, tzinfo=UTC)).state is OpenState.CLOSED


def test_a_holiday_that_nobody_spoke_of_is_unknown_in_the_usual_hours_and_closed_otherwise() -> None:
    hours = channel(weekly({4: [Span(540, 1020)]}))
    assert is_open(entry(), hours, datetime(2026, 12, 25, 10, tzinfo=UTC)).state is OpenState.UNKNOWN
    late = is_open(entry(), hours, datetime(2026, 12, 25, 19, tzinfo=UTC))
    assert late.state is OpenState.CLOSED
    # the next Friday is New Year's Day, of which nobody spoke either
    assert late.until == datetime(2027, 1, 1, 8, tzinfo=UTC)
    assert late.opens_at == datetime(2027, 1, 8, 8, tzinfo=UTC)


def test_of_two_holidays_on_one_day_the_one_that_promises_less_counts() -> None:
    both = datetime(2016, 5, 5, 10, tzinfo=UTC)
    assert holidays_of(2016)[date(2016, 5, 5)] == {Holiday.ASCENSION_DAY, Holiday.LIBERATION_DAY}
    week = {3: [Span(540, 1020)]}
    for first, second, state in (
        (OnHoliday.USUAL, OnHoliday.CLOSED, OpenState.CLOSED),
        (OnHoliday.UNKNOWN, OnHoliday.USUAL, OpenState.UNKNOWN),
        (OnHoliday.UNKNOWN, OnHoliday.CLOSED, OpenState.CLOSED),
        ((Span(780, 840),), OnHoliday.USUAL, OpenState.CLOSED),
        ((Span(700, 840),), OnHoliday.USUAL, OpenState.OPEN),
    ):
        rules = {Holiday.ASCENSION_DAY: first, Holiday.LIBERATION_DAY: second}
        hours = weekly(week, OnHoliday.USUAL)
        hours = replace(hours, holidays={**hours.holidays, **rules})
        assert is_open(entry(), channel(hours), both).state is state


@pytest.mark.parametrize(
    ("year", "easter"),
    [(1961, (4, 2)), (2008, (3, 23)), (2016, (3, 27)), (2019, (4, 21)), (2024, (3, 31)), (2025, (4, 20)),
     (2026, (4, 5)), (2027, (3, 28)), (2038, (4, 25)), (2049, (4, 18)), (2100, (3, 28))],
)  # fmt: skip
def test_easter_falls_where_the_almanac_has_it(year: int, easter: tuple[int, int]) -> None:
    assert easter_sunday(year) == date(year, *easter)


@given(st.integers(1900, 2200))
def test_holidays_keep_their_weekdays_and_distances(year: int) -> None:
    day_of = {holiday: day for day, names in holidays_of(year).items() for holiday in names}
    assert set(day_of) == set(Holiday)
    assert date(year, 3, 22) <= day_of[Holiday.EASTER_SUNDAY] <= date(year, 4, 25)
    weekdays = {
        Holiday.GOOD_FRIDAY: 4,
        Holiday.EASTER_SUNDAY: 6,
        Holiday.EASTER_MONDAY: 0,
        Holiday.ASCENSION_DAY: 3,
        Holiday.WHIT_SUNDAY: 6,
        Holiday.WHIT_MONDAY: 0,
    }
    assert {holiday: day_of[holiday].weekday() for holiday in weekdays} == weekdays
    assert day_of[Holiday.KINGS_DAY].weekday() != 6


@pytest.mark.parametrize(
    ("year", "day"), [(2024, 27), (2025, 26), (2026, 27), (2027, 27), (2031, 26), (2036, 26)]
)
def test_kings_day_is_the_27th_of_april_and_the_26th_when_that_is_a_sunday(year: int, day: int) -> None:
    assert Holiday.KINGS_DAY in holidays_of(year)[date(year, 4, day)]


def test_a_call_comes_with_a_warning_and_nothing_else_does() -> None:
    phone = replace(ENTRY.channels[0], kind=ChannelKind.PHONE)
    assert before_call(replace(phone, shows_on_bill=Known.YES)) == (Before.CALL_LOG, Before.BILL_YES)
    assert before_call(replace(phone, shows_on_bill=Known.UNKNOWN)) == (Before.CALL_LOG, Before.BILL_UNKNOWN)
    assert before_call(replace(phone, shows_on_bill=Known.NO)) == (Before.CALL_LOG,)
    for kind in set(ChannelKind) - {ChannelKind.PHONE}:
        assert before_call(replace(phone, kind=kind)) == ()


def test_the_shipped_directory_answers_as_the_field_notes_say() -> None:
    entries = {one.id: one for one in DIRECTORY.entries}
    night = datetime(2026, 11, 26, 2, tzinfo=UTC)
    chat, phone = entries["veilig_thuis"].channels
    assert is_open(entries["veilig_thuis"], phone, night).state is OpenState.OPEN
    assert is_open(entries["veilig_thuis"], chat, night).state is OpenState.CLOSED
    assert phone.shows_on_bill is Known.UNKNOWN
    (desk,) = entries["filomena_amsterdam"].channels
    opening = is_open(entries["filomena_amsterdam"], desk, night)
    assert opening.opens_at == datetime(2026, 11, 26, 8, tzinfo=UTC)
    assert is_open(entries["filomena_amsterdam"], desk, opening.opens_at).until == datetime(
        2026, 11, 26, 11, 30, tzinfo=UTC
    )
    assert all(
        "Netherlands" in entries["helpline_116016"].purpose[one] or one is Language.NL for one in Language
    )

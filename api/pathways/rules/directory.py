"""Whether somebody answers now, by the clock on the wall in the Netherlands; and what to read before a call.

A wrong "open" sends somebody to a closed door: what is expired, not verified or not known is never open.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from api.pathways.model.directory import (
    DAY_MIN,
    Before,
    Channel,
    ChannelKind,
    Entry,
    Holiday,
    HoursKind,
    Known,
    OnHoliday,
    Opening,
    OpenState,
    Span,
)

ZONE = ZoneInfo("Europe/Amsterdam")
HORIZON_DAYS = 14
"""So far ahead the next opening is looked for; longer is nothing that nobody announces. Proposal."""
_EASTER = {
    Holiday.GOOD_FRIDAY: -2,
    Holiday.EASTER_SUNDAY: 0,
    Holiday.EASTER_MONDAY: 1,
    Holiday.ASCENSION_DAY: 39,
    Holiday.WHIT_SUNDAY: 49,
    Holiday.WHIT_MONDAY: 50,
}
"""Days after Easter Sunday."""
_FIXED = {
    Holiday.NEW_YEAR: (1, 1),
    Holiday.LIBERATION_DAY: (5, 5),
    Holiday.CHRISTMAS_DAY: (12, 25),
    Holiday.BOXING_DAY: (12, 26),
}
_Day = tuple[tuple[Span, OpenState], ...]
_STRICTEST = (OnHoliday.CLOSED, OnHoliday.UNKNOWN)
"""Two holidays on one day: the one that promises less counts."""


def is_open(entry: Entry, channel: Channel, now: datetime) -> Opening:
    """Say whether somebody answers at a channel of an entry, until when, and when next.

    Hours go by the clock on the wall. In the night in which it goes forward, a span that begins in the
    missing hour begins when that hour is over; in the night in which it goes back, a span within the double
    hour is there twice. `now` is an aware moment; the moments of the answer are in UTC.
    """
    first = now.astimezone(ZONE).date() - timedelta(days=1)
    days = {day: _day(channel, day) for day in (first + timedelta(days=n) for n in range(HORIZON_DAYS + 2))}
    state = _state(entry, channel, days, now)
    until = opens_at = None
    for turn in _turns(entry, days):
        if turn <= now:
            continue
        then = _state(entry, channel, days, turn)
        if until is None and then is not state:
            until = turn
        if until is not None and then is OpenState.OPEN and state is not OpenState.OPEN:
            opens_at = turn
            break
    return Opening(state, until, opens_at)


def is_expired(entry: Entry, now: datetime) -> bool:
    """Say whether the last day on which an entry may be relied upon is over."""
    return now.astimezone(ZONE).date() > entry.expires_on


def before_call(channel: Channel) -> tuple[Before, ...]:
    """Return what must be read before this number is called, in order; nothing for other channels."""
    if channel.kind is not ChannelKind.PHONE:
        return ()
    bill = {Known.YES: (Before.BILL_YES,), Known.UNKNOWN: (Before.BILL_UNKNOWN,), Known.NO: ()}
    return (Before.CALL_LOG, *bill[channel.shows_on_bill])


def easter_sunday(year: int) -> date:
    """Return Easter Sunday of a Gregorian year (the anonymous algorithm, Meeus 1991, chapter 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, day = divmod(h + j - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=32)
def holidays_of(year: int) -> Mapping[date, frozenset[Holiday]]:
    """Return the Dutch holidays of a year; one day may be two of them (Ascension Day on 5 May 2016)."""
    easter = easter_sunday(year)
    found = {holiday: easter + timedelta(days=days) for holiday, days in _EASTER.items()}
    found |= {holiday: date(year, *day) for holiday, day in _FIXED.items()}
    kings_day = date(year, 4, 27)
    if kings_day.weekday() == 6:  # on a Sunday it is kept the day before
        kings_day -= timedelta(days=1)
    found[Holiday.KINGS_DAY] = kings_day
    days = set(found.values())
    return {day: frozenset(one for one, at in found.items() if at == day) for day in days}


def _day(channel: Channel, day: date) -> _Day:
    """Return the spans that begin on a day, and whether somebody answers in them."""
    hours = channel.hours
    if hours.kind is not HoursKind.WEEKLY:
        return ((Span(0, DAY_MIN), OpenState.OPEN),) if hours.kind is HoursKind.ALWAYS else ()
    usual = hours.weekly[day.weekday()]
    rules = [hours.holidays[one] for one in sorted(holidays_of(day.year).get(day, ()))]
    for strict in _STRICTEST:
        if strict in rules:
            return () if strict is OnHoliday.CLOSED else tuple((span, OpenState.UNKNOWN) for span in usual)
    own = [rule for rule in rules if not isinstance(rule, OnHoliday)]
    return tuple((span, OpenState.OPEN) for span in (own[0] if own else usual))


def _state(entry: Entry, channel: Channel, days: Mapping[date, _Day], at: datetime) -> OpenState:
    if not channel.is_verified or channel.hours.kind is HoursKind.UNKNOWN or is_expired(entry, at):
        return OpenState.UNKNOWN
    local = at.astimezone(ZONE)
    minute, today = local.hour * 60 + local.minute, local.date()
    found = {
        state
        for back, day in enumerate((today, today - timedelta(days=1)))
        for span, state in days.get(day, ())
        if span.begin_min <= minute + back * DAY_MIN < span.end_min
    }
    if OpenState.OPEN in found:
        return OpenState.OPEN
    return OpenState.UNKNOWN if found else OpenState.CLOSED


def _turns(entry: Entry, days: Mapping[date, _Day]) -> list[datetime]:
    """Return every moment at which the state may change, in order, and some at which it does not."""
    turns = {moment for day, spans in days.items() for moment in _turns_of(day, spans)}
    turns |= set(_moments(entry.expires_on + timedelta(days=1), 0))
    end = max(days)
    return sorted(turn for turn in turns if turn.astimezone(ZONE).date() <= end)


def _turns_of(day: date, spans: _Day) -> Iterator[datetime]:
    # clocks go forward and back at 01:00 UTC everywhere in the Union (directive 2000/84/EC)
    yield datetime.combine(day, time(1), UTC)
    for span, _state_of in spans:
        yield from _moments(day, span.begin_min)
        yield from _moments(day, span.end_min)


def _moments(day: date, minute: int) -> Iterator[datetime]:
    """Return when the clock on the wall shows this minute of a day: twice where an hour is double."""
    more, minute = divmod(minute, DAY_MIN)
    wall = datetime.combine(day + timedelta(days=more), time(minute // 60, minute % 60), ZONE)
    for fold in (0, 1):
        yield wall.replace(fold=fold).astimezone(UTC)

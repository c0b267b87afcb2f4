"""Decisions of policing: which station a place belongs to, who is on duty, when nobody is."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from api.kernel import geo
from api.kernel.geo import Point
from api.policing.geometry import AreaFault, check_area, prepare
from api.policing.model import (
    DAY_MINUTES,
    DAYS_A_WEEK,
    MAX_ABSENCE,
    MAX_DATED,
    MAX_HOLES_WINDOW,
    MAX_SEAT_DISTANCE_M,
    MAX_SLOTS,
    MAX_STAND_IN_ORDER,
    Absence,
    AbsenceDraft,
    BadAbsence,
    BadOfficer,
    BadRoster,
    BadStation,
    BadWindow,
    Dated,
    Duty,
    DutyRole,
    Found,
    Hole,
    How,
    OfficerDraft,
    OnDuty,
    SlotDraft,
    Station,
    StationDraft,
    Weekly,
)

Span = tuple[datetime, datetime]
"""From the first moment to the first no longer part of it, both UTC."""

SPHERE_ERROR = 1.012
"""The ellipsoid's distances differ from the sphere's by 0.56 % at most: whoever is farther on the sphere than
the nearest by more than twice that is farther on the ellipsoid too."""
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164: at most 15 digits, the first no zero; no country has numbers of fewer than seven, proposal."""
NO_PHONE = "Must be a telephone number in E.164: + and 7 to 15 digits, for example +441632960123."
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
"""CAP 1.2 parts addresses at spaces; these letters need no quotes anywhere. Proposal."""
_CALENDAR_MARGIN = timedelta(days=2)
"""A slot that began by yesterday's calendar may last; clocks put back over midnight show a day twice."""


def check_station(draft: StationDraft) -> None:
    """Raise BadStation, naming every field at fault, unless it can be found, called and read by the clock."""
    faults: dict[str, list[str]] = {}
    try:
        check_area(draft.area)
    except AreaFault as fault:
        faults["area"] = [f"The area {fault}."]
    else:
        area = prepare(draft.area)
        off_m = 0.0 if area.contains(draft.seat) else area.nearest(draft.seat)[0]
        if off_m > MAX_SEAT_DISTANCE_M:
            faults["seat"] = [
                f"Lies {off_m / 1000:.0f} km from the area: are longitude and latitude of one swapped?"
            ]
    if draft.phone is not None and not _PHONE.fullmatch(draft.phone):
        faults["phone"] = [NO_PHONE]
    if not _ADDRESS.fullmatch(draft.desk_address):
        faults["desk_address"] = [
            "Must be 1 to 100 letters, digits or . _ @ -, beginning with one of the first two."
        ]
    if draft.time_zone not in _time_zones():
        faults["time_zone"] = ["Unknown time zone: must be an IANA name such as Europe/Amsterdam."]
    if faults:
        raise BadStation("The station cannot be kept like this.", faults)


def check_officer(draft: OfficerDraft) -> None:
    """Raise BadOfficer unless the telephone number, if there is one, can be called from anywhere."""
    if draft.phone and not _PHONE.fullmatch(draft.phone):
        raise BadOfficer("The officer cannot be kept like this.", {"phone": [NO_PHONE]})


def end_of(phone: str) -> str:
    """Return what may be shown of a telephone number: its last two digits, nothing of an empty one."""
    return phone[-2:]


def check_roster(slots: Sequence[SlotDraft]) -> None:
    """Raise BadRoster, naming every slot at fault as `slots[n]` from 0, unless each can happen.

    Somebody who is on two slots at once is no fault, nor is a time at which nobody is: `find_holes` tells.
    """
    if len(slots) > MAX_SLOTS:
        raise BadRoster(f"A roster has at most {MAX_SLOTS} slots.", {"slots": [f"Has {len(slots)} slots."]})
    faults = {
        f"slots[{place}]": found for place, slot in enumerate(slots) if (found := list(_slot_faults(slot)))
    }
    if faults:
        raise BadRoster("Some slots of the roster cannot be.", faults)


def check_absence(draft: AbsenceDraft, now: datetime) -> None:
    """Raise BadAbsence unless it lasts, is not over already, and no longer than MAX_ABSENCE."""
    fault = None
    if draft.until <= max(draft.since, now):
        fault = "Must be later than its beginning, and not over already."
    elif draft.until - draft.since > MAX_ABSENCE:
        fault = f"At most {MAX_ABSENCE.days} days after its beginning."
    if fault:
        raise BadAbsence("The absence cannot be kept like this.", {"until": [fault]})


def check_window(since: datetime, until: datetime) -> None:
    """Raise BadWindow unless it lasts, and no longer than MAX_HOLES_WINDOW."""
    fault = None
    if until <= since:
        fault = "Must be later than its beginning."
    elif until - since > MAX_HOLES_WINDOW:
        fault = f"At most {MAX_HOLES_WINDOW.days} days after its beginning."
    if fault:
        raise BadWindow("This stretch of time cannot be looked at.", {"until": [fault]})


def _slot_faults(slot: SlotDraft) -> Iterator[str]:
    when = slot.when
    if isinstance(when, Weekly):
        if not when.days or len(set(when.days)) < len(when.days):
            yield "Names at least one day, and each once."
        if any(not 0 <= day < DAYS_A_WEEK for day in when.days):
            yield "Days are 0 (Monday) to 6."
        if not (0 <= when.from_minute < DAY_MINUTES and 0 <= when.until_minute <= DAY_MINUTES):
            yield "Begins 00:00 to 23:59 and ends 00:00 to 24:00."
        if when.from_minute == when.until_minute:
            yield "Has no length; a whole day is 00:00 to 24:00."
    elif when.until <= when.since:
        yield "Has no length: must end later than it begins."
    elif when.until - when.since > MAX_DATED:
        yield f"Lasts more than {MAX_DATED.days} days."
    if slot.role is DutyRole.OFFICER and slot.order != 0:
        yield "Only a stand-in has an order."
    if slot.role is DutyRole.STAND_IN and not 1 <= slot.order <= MAX_STAND_IN_ORDER:
        yield f"A stand-in has an order from 1 to {MAX_STAND_IN_ORDER}."


def station_for(point: Point, stations: Iterable[Station]) -> Found | None:
    """Return the station whose area holds the place, else the one whose area's edge is nearest.

    Of several areas the smallest counts, then the reference that comes first; of several that are equally
    near the same. None when there are no stations.
    """
    areas = [(station, prepare(station.area)) for station in stations]
    holding = [(area.area_m2, station.reference, station) for station, area in areas if area.contains(point)]
    if holding:
        return Found(min(holding, key=lambda one: one[:2])[2], How.AREA, 0.0)
    near = [(station, *area.nearest(point)) for station, area in areas]
    reach_m = min((rough_m for _, rough_m, _ in near), default=0.0) * SPHERE_ERROR
    found = [
        Found(station, How.NEAREST, geo.distance_m(point, place))
        for station, rough_m, place in near
        if rough_m <= reach_m
    ]
    return min(found, key=lambda one: (one.distance_m, one.station.reference), default=None)


def on_duty(
    station: Station, duties: Iterable[Duty], absences: Collection[Absence], now: datetime
) -> OnDuty | None:
    """Return who is on duty at this station: an officer, else the first stand-in who is not away, else None.

    Of two officers at once, or two stand-ins of one order, a dated slot goes before a weekly one (it was
    entered for that very time), then the one that stands first in the roster.
    """
    later = now + timedelta(microseconds=1)
    for duty in sorted(duties, key=_precedence):
        if any(_present(station.time_zone, duty, absences, now, later)):
            return OnDuty(duty.officer_id, duty.role is DutyRole.STAND_IN)
    return None


def find_holes(
    station: Station, duties: Iterable[Duty], absences: Collection[Absence], since: datetime, until: datetime
) -> list[Hole]:
    """Return when, from `since` until `until`, nobody is on duty at this station, earliest first."""
    covered = [span for duty in duties for span in _present(station.time_zone, duty, absences, since, until)]
    return [Hole(*span) for span in _without((since, until), covered)]


def _precedence(duty: Duty) -> tuple[int, bool, int]:
    return (duty.order, isinstance(duty.when, Weekly), duty.position)


def _present(
    time_zone: str, duty: Duty, absences: Iterable[Absence], since: datetime, until: datetime
) -> Iterator[Span]:
    """Yield when somebody is on this duty and not away, within the time asked for."""
    begin = max(since, duty.valid_from)
    end = until if duty.valid_until is None else min(until, duty.valid_until)
    if begin >= end:
        return
    away = [_away(absence) for absence in absences if absence.officer_id == duty.officer_id]
    for first, last in _occurrences(time_zone, duty.when, begin, end):
        span = (max(first, begin), min(last, end))
        if span[0] < span[1]:
            yield from _without(span, away)


def _away(absence: Absence) -> Span:
    """Return when an absence counts: what nobody had entered yet did not change whom we called."""
    end = absence.until if absence.ended_at is None else min(absence.until, absence.ended_at)
    return max(absence.since, absence.created_at), end


def _occurrences(time_zone: str, when: Weekly | Dated, since: datetime, until: datetime) -> Iterator[Span]:
    """Yield when a slot happens, at least within the time asked for.

    A weekly slot goes by the clocks: a time that they show twice is the first of the two, one that they skip
    counts as if they had not been put forward yet. Slots that join on paper therefore join in fact, and
    nobody is on duty twice. In a time zone that is known no more no weekly slot ever happens: then
    the desk is called, and `find_holes` shows it.
    """
    if isinstance(when, Dated):
        yield when.since, when.until
        return
    if time_zone not in _time_zones():
        return
    clocks = ZoneInfo(time_zone)
    day = (since - _CALENDAR_MARGIN).astimezone(clocks).date()
    last_day = (until + _CALENDAR_MARGIN).astimezone(clocks).date()
    while day <= last_day:
        if day.weekday() in when.days:
            midnight = datetime.combine(day, time())
            length = (when.until_minute - when.from_minute - 1) % DAY_MINUTES + 1
            begin = midnight + timedelta(minutes=when.from_minute)
            end = begin + timedelta(minutes=length)
            yield begin.replace(tzinfo=clocks).astimezone(UTC), end.replace(tzinfo=clocks).astimezone(UTC)
        day += timedelta(days=1)


def _without(span: Span, taken: Iterable[Span]) -> Iterator[Span]:
    """Yield what is left of a span, earliest first, without the stretches that are taken."""
    begin, end = span
    for first, last in sorted(taken):
        if last <= begin or first >= last:
            continue
        if first >= end:
            break
        if first > begin:
            yield begin, first
        begin = last
    if begin < end:
        yield begin, end


@cache
def _time_zones() -> frozenset[str]:
    """Return the names of the time zones; read once, for it walks through hundreds of files."""
    return frozenset(name for name in available_timezones() if "/" in name)

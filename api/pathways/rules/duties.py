"""Decisions about duty times: whether they can be, and who is there at a moment."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from api.pathways.model.agencies import (
    DAY_MINUTES,
    DAYS_A_WEEK,
    MAX_AWAY,
    MAX_DUTIES,
    MAX_STAND_IN_ORDER,
    AgencyDraft,
    BadAgency,
    BadDuties,
    BadMember,
    DutySlot,
    Member,
    MemberDraft,
    MemberRole,
)
from api.pathways.model.contacts import Hours

NO_ZONE = "Unknown time zone: must be an IANA name such as Europe/Amsterdam."


def check_agency(draft: AgencyDraft) -> None:
    """Raise BadAgency unless its duty times can be read by a clock."""
    if not is_time_zone(draft.time_zone):
        raise BadAgency("The agency cannot be kept like this.", {"time_zone": [NO_ZONE]})


def check_member(draft: MemberDraft, now: datetime) -> None:
    """Raise BadMember unless an absence ends, within MAX_AWAY from now."""
    if draft.away_until is not None and not now < draft.away_until <= now + MAX_AWAY:
        fault = f"Must be later than now, and at most {MAX_AWAY.days} days ahead."
        raise BadMember("The absence cannot be kept like this.", {"away_until": [fault]})


def check_duties(slots: Sequence[DutySlot], members: Collection[Member]) -> None:
    """Raise BadDuties, naming every slot at fault as `slots[n]` from 0, unless each can happen."""
    if len(slots) > MAX_DUTIES:
        message = f"An agency has at most {MAX_DUTIES} duty times."
        raise BadDuties(message, {"slots": [f"Has {len(slots)}."]})
    known = {member.id for member in members if member.left_at is None}
    faults = {
        f"slots[{place}]": found for place, slot in enumerate(slots) if (found := [*_faults(slot, known)])
    }
    if faults:
        raise BadDuties("Some duty times cannot be.", faults)


def _faults(slot: DutySlot, known: Collection[object]) -> Iterator[str]:
    yield from week_faults(Hours(slot.days, slot.from_minute, slot.until_minute))
    if not 0 <= slot.order <= MAX_STAND_IN_ORDER:
        yield f"The order is 0, or 1 to {MAX_STAND_IN_ORDER} for a stand-in."
    if slot.member_id not in known:
        yield "Nobody of this id works at this agency."


def week_faults(hours: Hours) -> Iterator[str]:
    """Yield what is wrong with a stretch of the week."""
    if not hours.days or len(set(hours.days)) < len(hours.days):
        yield "Names at least one day, and each once."
    if any(not 0 <= day < DAYS_A_WEEK for day in hours.days):
        yield "Days are 0 (Monday) to 6."
    if not (0 <= hours.from_minute < DAY_MINUTES and 0 <= hours.until_minute <= DAY_MINUTES):
        yield "Begins 00:00 to 23:59 and ends 00:00 to 24:00."
    if hours.from_minute == hours.until_minute:
        yield "Has no length; a whole day is 00:00 to 24:00."


def is_within(hours: Hours, time_zone: str, at: datetime) -> bool:
    """Say whether a moment lies in a stretch of the week, by the clocks of a time zone.

    A time that the clocks show twice is the first of the two, one that they skip counts as if they had not
    been put forward yet: two stretches that join on paper join in fact. In a time zone that is known no more
    it never does.
    """
    if not is_time_zone(time_zone):
        return False
    clocks = ZoneInfo(time_zone)
    today = at.astimezone(clocks).date()
    days = (today + timedelta(days=shift) for shift in (-1, 0, 1))
    return any(begin <= at < end for day in days for begin, end in _on_day(hours, clocks, day))


def _on_day(hours: Hours, clocks: ZoneInfo, day: date) -> Iterator[tuple[datetime, datetime]]:
    if day.weekday() not in hours.days:
        return
    begin = datetime.combine(day, time()) + timedelta(minutes=hours.from_minute)
    length = (hours.until_minute - hours.from_minute - 1) % DAY_MINUTES + 1
    end = begin + timedelta(minutes=length)
    yield begin.replace(tzinfo=clocks).astimezone(UTC), end.replace(tzinfo=clocks).astimezone(UTC)


def who_is_there(
    time_zone: str, members: Iterable[Member], slots: Collection[DutySlot], at: datetime
) -> list[Member]:
    """Return who is there, by rung and then in the order of the list.

    Of a rung the stand-ins count only when nobody is regularly there; then the one who is asked first.
    """
    present = [member for member in members if is_present(member, at)]
    there: list[Member] = []
    for role in MemberRole:
        on = {
            member: order
            for member in present
            if member.role is role and (order := _first_order(time_zone, member, slots, at)) is not None
        }
        lowest = min(on.values(), default=0)
        there += [member for member, order in on.items() if order == lowest]
    return there


def is_present(member: Member, at: datetime) -> bool:
    """Say whether somebody works here and is not away."""
    return member.left_at is None and (member.away_until is None or member.away_until <= at)


def _first_order(time_zone: str, member: Member, slots: Iterable[DutySlot], at: datetime) -> int | None:
    orders = [
        slot.order
        for slot in slots
        if slot.member_id == member.id
        and is_within(Hours(slot.days, slot.from_minute, slot.until_minute), time_zone, at)
    ]
    return min(orders, default=None)


def is_time_zone(name: str) -> bool:
    """Say whether this is an IANA name of a place's clocks."""
    return name in _time_zones()


@cache
def _time_zones() -> frozenset[str]:
    """Return the names of the time zones; read once, for it walks through hundreds of files."""
    return frozenset(name for name in available_timezones() if "/" in name)

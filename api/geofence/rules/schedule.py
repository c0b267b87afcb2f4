"""Weekly hours: whether they apply at a moment, by the clocks of their time zone."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.geofence.model import Hours, Schedule

DAYS_A_WEEK = 7


def applies_at(schedule: Schedule, at: datetime) -> bool:
    """Say whether a moment is within the hours; their beginning is, their end is not.

    The moment is turned into local time, never the hours into moments: an hour that the clocks show twice
    counts both times, one that they skip never comes, and a night is as long as it is.

    Args:
        schedule: With a time zone that was known when it was made. One that is known no more counts as
            always in force: that is noticed, and must not stop the judging of the order's other zones.
        at: Aware.
    """
    clocks = _clocks(schedule.time_zone)
    if clocks is None:
        return True
    local = at.astimezone(clocks)
    day, clock = local.weekday(), f"{local.hour:02d}:{local.minute:02d}"
    return any(_holds(hours, day, clock) for hours in schedule.hours)


def _holds(hours: Hours, day: int, clock: str) -> bool:
    if hours.begin < hours.until:
        return day == hours.day and hours.begin <= clock < hours.until
    if day == hours.day:
        return clock >= hours.begin
    return day == (hours.day + 1) % DAYS_A_WEEK and clock < hours.until


@cache
def _clocks(time_zone: str) -> ZoneInfo | None:
    """Return the time zone; `ZoneInfo` itself keeps only the last few, and reads files for the others."""
    try:
        return ZoneInfo(time_zone)
    except ZoneInfoNotFoundError:
        return None

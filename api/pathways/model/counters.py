"""Nouns of the counters for policy: how late, how long, how often for lack of a place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from api.kernel.errors import Invalid

FLOOR = 10
"""A cell under this is not told: it could point at one person (`field/safety_planning.md` d, 2.2)."""
TOTAL = "total"


class Measure(StrEnum):
    """What is counted, per step and kind of agency."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    LATE = "late"
    NO_PLACE = "no_place"


@dataclass(frozen=True, slots=True)
class Quarter:
    """Three calendar months by UTC; only one that is over is told, or each day would tell its difference.

    Attributes:
        number: 1..4.
    """

    year: int
    number: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer, as far as it is counted; `waited_minutes` of an accepted one, else None."""

    step: str
    kind: str
    waited_minutes: float | None
    is_no_place: bool


@dataclass(frozen=True, slots=True)
class DueStep:
    """One step that was due, and whether it was late."""

    step: str
    kind: str
    is_late: bool
    is_no_place: bool


Cells = Mapping[tuple[str, str], int | None]
"""By step and kind of agency, each also TOTAL; None is not told."""


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of a quarter.

    Attributes:
        waited_minutes: Median from offer to acceptance, only where `accepted` is told.
    """

    quarter: Quarter
    cells: Mapping[Measure, Cells]
    waited_minutes: Mapping[tuple[str, str], float]


class BadQuarter(Invalid):
    """The quarter cannot be told: it is not over, or there is none of this name."""

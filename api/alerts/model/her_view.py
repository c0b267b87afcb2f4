"""Nouns of what a protected person reads of an alert once she has unlocked; nothing here names a place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Band(StrEnum):
    """How far away the wearer was; coarse on purpose: a number would be read as exact."""

    UNDER_500_M = "under_500_m"
    TO_1_KM = "to_1_km"
    TO_2_KM = "to_2_km"
    TO_5_KM = "to_5_km"
    OVER_5_KM = "over_5_km"
    UNKNOWN = "unknown"


class Trend(StrEnum):
    """Where the distance was going."""

    NEARER = "nearer"
    AWAY = "away"
    UNKNOWN = "unknown"


class Told(StrEnum):
    """Whether she was told at the time. NOT_MEANT: no step of the playbook tells her of it."""

    TOLD = "told"
    TRIED = "tried"
    BY_HER = "by_her"
    BY_DEFAULT = "by_default"
    NOT_MEANT = "not_meant"


class Said(StrEnum):
    """Sentences that always read the same, but for an `{age}`."""

    TEST = "test"
    LATE_TOLD = "late_told"
    LATE_KNOWN = "late_known"
    HIS_AGE = "his_age"
    HER_AGE = "her_age"
    HIS_UNKNOWN = "his_unknown"
    HER_UNKNOWN = "her_unknown"
    NOBODY = "nobody"
    TAKEN = "taken"
    POLICE_TOLD = "police_told"
    POLICE_TRYING = "police_trying"
    POLICE_NOT_REACHED = "police_not_reached"
    POLICE_NOT_TOLD = "police_not_told"
    POLICE_CALLED = "police_called"
    POLICE_CONFIRMED = "police_confirmed"


COULD_BE_NEARER = "could_be_nearer"
"""A doubt of the view itself, beside those of `Doubt`: the accuracies reach into a nearer band."""
WITH_AGE = frozenset({Said.LATE_TOLD, Said.LATE_KNOWN, Said.HIS_AGE, Said.HER_AGE})
UNITS = ("second", "minute", "hour", "day")
OVER = "over"
"""The advice once an alert is closed."""


@dataclass(frozen=True, slots=True)
class HerWords:
    """The words of one language, by code.

    Attributes:
        what: Per `EventKind` value what happened.
        advice_of: Per `EventKind` value which advice goes with it.
        advice: Per name what to do, one sentence each; OVER is for what is closed.
        durations: Per unit its singular and plural.
    """

    what: Mapping[str, str]
    advice_of: Mapping[str, str]
    advice: Mapping[str, tuple[str, ...]]
    reasons: Mapping[str, str]
    bands: Mapping[str, str]
    trends: Mapping[str, str]
    doubts: Mapping[str, str]
    told: Mapping[str, str]
    sentences: Mapping[str, str]
    durations: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that somebody did, or has not done; `at` is None for what has not happened."""

    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class HerItem:
    """One alert as she reads it: words and times, never a place, a name or a note of staff.

    Attributes:
        happened_at: When it happened, by the device that saw it.
        told_at: When the first message to her left; None when none did.
        late: Says by how much it was late; None when it was not.
        as_of: The moment of which distance, trend and ages tell; None when nothing is known.
        is_test: An exercise; the first of `notes` says so.
        ended: How it ended and when; None while it is open.
    """

    id: UUID
    what: str
    notes: tuple[str, ...]
    is_test: bool
    happened_at: datetime
    told: str
    told_at: datetime | None
    late: str | None
    distance: str
    trend: str
    ages: tuple[str, ...]
    as_of: datetime | None
    doubts: tuple[str, ...]
    advice: tuple[str, ...]
    steps: tuple[Step, ...]
    ended: Step | None


class BadWords(Exception):
    """The file of words lacks something or says too much; the sentence says where."""

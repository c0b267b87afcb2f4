"""Nouns of the pathway's content: what its steps are, in words and numbers that a file holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from api.kernel.errors import Invalid
from api.pathways.model.agencies import AgencyKind

LANGUAGES = ("nl", "en")
STEP_COUNT = 19
"""Steps 0 to 18, `field/safety_planning.md` section c3."""
PLACE_STEP = 10
"""Finding a place to stay: what is stored of it must never tell where."""
NEXT_CONTACT_STEP = 16


class CountsFrom(StrEnum):
    """When the clock of a step starts: with the pathway, or when somebody is first asked to do it."""

    OPENING = "opening"
    OFFER = "offer"


@dataclass(frozen=True, slots=True)
class Target:
    """By when a step is to be done; without both numbers it has no deadline.

    Attributes:
        acute_minutes: For an acute pathway; None as for an ordinary one.
        minutes: For an ordinary one.
        working_days: Instead of minutes; Saturdays and Sundays do not count.
        source: Where the number comes from, or `proposal`.
    """

    counts_from: CountsFrom
    acute_minutes: int | None
    minutes: int | None
    working_days: int | None
    source: str


@dataclass(frozen=True, slots=True)
class StepContent:
    """One step in words.

    Attributes:
        key: Its name in files and talk, such as `shelter_place`.
        titles: Per language.
        sentences: Per language one plain sentence of what happens.
        kinds: Which agencies may take it over.
        record: What is written down when it is handed over or done.
        basis: On what ground of law or consent.
        hides_place: Nothing may be noted of it, and she reads the kind of agency and not its name.
    """

    number: int
    key: str
    titles: Mapping[str, str]
    sentences: Mapping[str, str]
    kinds: tuple[AgencyKind, ...]
    target: Target
    record: str
    basis: str
    hides_place: bool


@dataclass(frozen=True, slots=True)
class HandoffLimits:
    """How long worker, deputy and coordinator are each asked to take a step over, in minutes."""

    worker: int
    deputy: int
    coordinator: int


@dataclass(frozen=True, slots=True)
class PathwayContent:
    """The whole pathway in one version.

    Attributes:
        steps: STEP_COUNT steps by number.
        kind_words: Per language what an agency of a kind is called where its name is not told.
    """

    version: str
    decided_by: str
    acute: HandoffLimits
    ordinary: HandoffLimits
    steps: tuple[StepContent, ...]
    kind_words: Mapping[str, Mapping[AgencyKind, str]]


class BadContent(Invalid):
    """The content cannot be used; `entry` says which part of the file and the message what to do."""

    def __init__(self, entry: str, reason: str) -> None:
        """Keep where the fault is and what it is."""
        super().__init__(f"{entry}: {reason}")
        self.entry = entry

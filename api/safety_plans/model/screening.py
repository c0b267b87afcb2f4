"""Nouns of the red flags: the list, an answer, the class that answers come to, and what is said about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from api.kernel.content import Lists, Words
from api.kernel.errors import Invalid

CORE = tuple(f"RV{number:02}" for number in range(1, 12))
"""The eleven red flags of the factsheet on intimate terror (seed point 4.4)."""
QUESTIONS = tuple(f"V{number}" for number in range(1, 9))
"""The eight questions (seed point 2.4.1)."""


class Asker(StrEnum):
    """Who fills in the list: the person concerned, somebody who worries, or a professional."""

    HERSELF = "herself"
    BYSTANDER = "bystander"
    PROFESSIONAL = "professional"


class Reply(StrEnum):
    """What can be said to a flag or a question."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    WONT_SAY = "wont_say"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. A note to it is not here: it stays in her own document and is never sent.

    Attributes:
        is_recent: In the last `RedFlags.recent_months`; None: not said, which counts as recent.
        is_increasing: It gets worse or happens more often; None: not said, which counts as increasing.
    """

    reply: Reply
    is_recent: bool | None = None
    is_increasing: bool | None = None


Answers = Mapping[str, Answer]
"""By code. A code that is missing was not answered; that is no answer, and not the same as unknown."""


class Concern(StrEnum):
    """What answers come to, in words and never as a number; none of them says that there is no danger."""

    NOTHING_TICKED = "nothing_ticked"
    SIGNS = "signs"
    SERIOUS_SIGNS = "serious_signs"
    ACUTE_DANGER = "acute_danger"


RISING = tuple(Concern)
"""The classes, each higher than the one before."""


@dataclass(frozen=True, slots=True)
class Term:
    """Something that must hold: the flag is there; with `is_recent`, and it is not long ago."""

    code: str
    is_recent: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A flag, a circumstance or a question.

    Attributes:
        key: Its name in English, one word.
        source: Where it comes from, in short.
        text: The question, for each asker.
    """

    code: str
    key: str
    source: str
    text: Mapping[Asker, Words]


@dataclass(frozen=True, slots=True)
class Way:
    """Something that can be done; `to` is an entry of the directory, or one of `OWN_WAYS`."""

    to: str
    text: Words


OWN_WAYS = ("pathway", "plan", "talk")
FIRST_WHEN_ACUTE = ("emergency", "veilig_thuis", "pathway")
"""What acute danger leads to, in this order, before anything else."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one asker reads about one class; the ways in the order in which they are to be tried."""

    title: Words
    text: Words
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Guidance:
    """How to go about it, for one asker."""

    do: Lists
    avoid: Lists


class ReaskReason(StrEnum):
    """Why the list is to be filled in again."""

    FIRST = "first"
    SEPARATION = "separation"
    PREGNANCY = "pregnancy"
    COURT_DATE = "court_date"
    ORDER_ENDING = "order_ending"
    TIME = "time"


CHANGES = frozenset(
    {
        ReaskReason.SEPARATION,
        ReaskReason.PREGNANCY,
        ReaskReason.COURT_DATE,
        ReaskReason.ORDER_ENDING,
    }
)
"""What happens to somebody; the other reasons come from the list itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that makes earlier answers old; `at` is an aware moment."""

    kind: ReaskReason
    at: datetime


@dataclass(frozen=True, slots=True)
class RedFlags:
    """The whole list, its thresholds and its words: one file.

    Attributes:
        reviewer: Who has reviewed words and thresholds; "none" says that nobody has.
        is_validated: A study has tested the thresholds.
        notice: Says both to whoever reads a result.
        unknown_notice: Said when a class rests on what is not known.
        recent_months: How long ago "recent" reaches.
        escalation: The flag that any core flag with `is_increasing` counts as, too.
        fear: Codes of the person's own fear.
        thresholds: Per class the ways to come to it; of each way every term must hold.
        reask_after_days: So long after the last time the list is due again.
    """

    version: str
    author: str
    date: date
    reviewer: str
    is_validated: bool
    notice: Words
    unknown_notice: Words
    recent_months: int
    core: tuple[Item, ...]
    context: tuple[Item, ...]
    questions: tuple[Item, ...]
    escalation: str
    fear: frozenset[str]
    thresholds: Mapping[Concern, tuple[tuple[Term, ...], ...]]
    outcomes: Mapping[Concern, Mapping[Asker, Outcome]]
    guidance: Mapping[Asker, Guidance]
    reask_after_days: int
    reask_reasons: Mapping[ReaskReason, Words]

    @property
    def items(self) -> tuple[Item, ...]:
        """Everything that can be answered, in the order in which it is asked."""
        return (*self.questions, *self.core, *self.context)


@dataclass(frozen=True, slots=True)
class Screening:
    """What answers come to.

    Attributes:
        from_unknown: The class would be another if what is not known were not so.
        ticked: Codes answered with yes, in the order of the list.
        not_known: Codes answered with unknown or not to say.
        not_answered: Codes without an answer.
    """

    concern: Concern
    from_unknown: bool
    ticked: tuple[str, ...]
    not_known: tuple[str, ...]
    not_answered: tuple[str, ...]


class UnknownCode(Invalid):
    """An answer names nothing on the list."""

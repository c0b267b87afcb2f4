"""Nouns of speaking with her: how she may be reached, the sign that she cannot be, each try."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Conflict, Forbidden, Invalid, NotFound

SEEN_FOR = timedelta(minutes=15)
"""So long does having read how she may be reached count before a try; proposal."""
MAX_WORDS = 500
"""Characters of her own words of how to reach her; proposal."""
MAX_CODE_WORD = 60
MAX_HOURS = 21
"""Three stretches on each day; proposal."""


class ContactChannel(StrEnum):
    """How she may be spoken to."""

    APP = "app"
    PHONE = "phone"
    WALK_IN = "walk_in"
    AT_WORK = "at_work"
    TRUSTED_PERSON = "trusted_person"


class AttemptOutcome(StrEnum):
    """What came of a try. NOT_SAFE: she gave her sign, or somebody else answered."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    NOT_SAFE = "not_safe"
    WRONG_WORD = "wrong_word"


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of some days of every week in which she may be reached; bounds as in `DutySlot`."""

    days: tuple[int, ...]
    from_minute: int
    until_minute: int


@dataclass(frozen=True, slots=True)
class SafeContactDraft:
    """How she may be reached, as she set it.

    Attributes:
        hours: By the clocks of `time_zone`; at least one stretch.
        words: Her own, of how to reach her and what to say to somebody else who answers.
        code_word: By which both know each other.
        sign: What she says or does when she cannot be spoken to.
    """

    channels: tuple[ContactChannel, ...]
    hours: tuple[Hours, ...]
    time_zone: str
    words: str
    code_word: str
    sign: str


@dataclass(frozen=True, slots=True)
class SafeContact:
    """How she may be reached; fields as in `SafeContactDraft`.

    Attributes:
        version: 1.. ; whoever read an older one has to read again before a try.
        not_safe_since: Since when she cannot be spoken to; None while not.
    """

    pathway_id: UUID
    version: int
    channels: tuple[ContactChannel, ...]
    hours: tuple[Hours, ...]
    time_zone: str
    words: str
    code_word: str
    sign: str
    set_at: datetime
    set_by: UUID
    not_safe_since: datetime | None


@dataclass(frozen=True, slots=True)
class Seen:
    """When an account last read which version."""

    at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to speak with her; begun before, its outcome noted after.

    Attributes:
        outcome: None until noted.
    """

    id: UUID
    pathway_id: UUID
    at: datetime
    by: UUID
    channel: ContactChannel
    outcome: AttemptOutcome | None
    outcome_at: datetime | None


class NoSafeContact(NotFound):
    """Nothing says yet how she may be reached."""


class ContactRefused(Conflict):
    """She may not be contacted now in this way; the sentence says what to do."""


class ContactChanged(Conflict):
    """Somebody else changed how she may be reached meanwhile: read it again."""


class OnlyFixedContact(Forbidden):
    """Only her fixed contact, or the deputy, may do this."""


class AttemptNotFound(NotFound):
    """There is no such try."""


class AttemptNoted(Conflict):
    """The outcome of this try is noted already; it stands."""


class BadSafeContact(Invalid):
    """Something said of how she may be reached cannot be; `fields` says what."""

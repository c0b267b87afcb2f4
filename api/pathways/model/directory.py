"""Nouns of the directory of help: who helps with what, by which channel, and when somebody answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from api.kernel.content import Words

DAY_MIN = 24 * 60


class ChannelKind(StrEnum):
    """How somebody is reached. WEB is a page to read: nobody answers there."""

    CHAT = "chat"
    WALK_IN = "walk_in"
    WEB = "web"
    PHONE = "phone"


class Known(StrEnum):
    """A fact that may not be known."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Serves(StrEnum):
    """For whom an entry is meant."""

    HERSELF = "herself"
    BYSTANDER = "bystander"
    PROFESSIONAL = "professional"
    BEREAVED = "bereaved"


class Holiday(StrEnum):
    """Days on which Dutch offices may keep other hours; all are computed, none is listed by year."""

    NEW_YEAR = "new_year"
    GOOD_FRIDAY = "good_friday"
    EASTER_SUNDAY = "easter_sunday"
    EASTER_MONDAY = "easter_monday"
    KINGS_DAY = "kings_day"
    LIBERATION_DAY = "liberation_day"
    ASCENSION_DAY = "ascension_day"
    WHIT_SUNDAY = "whit_sunday"
    WHIT_MONDAY = "whit_monday"
    CHRISTMAS_DAY = "christmas_day"
    BOXING_DAY = "boxing_day"


class OnHoliday(StrEnum):
    """What becomes of a day's hours on a holiday; UNKNOWN: nobody has said."""

    USUAL = "usual"
    UNKNOWN = "unknown"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Span:
    """From a minute of the day to another, by the clock on the wall.

    Attributes:
        begin_min: 0..1439, included.
        end_min: begin_min < end_min <= begin_min + 1440, not included; past 1440 is the next day. The span
            belongs to the day on which it begins, also where that day is a holiday and the next is not.
    """

    begin_min: int
    end_min: int


class HoursKind(StrEnum):
    """Whether somebody answers at every hour, at hours of the week, or nobody knows when."""

    ALWAYS = "always"
    WEEKLY = "weekly"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody answers.

    Attributes:
        weekly: Seven days, Monday first; no spans on a day without hours.
        holidays: For every holiday what becomes of the day, or its own spans.
    """

    kind: HoursKind
    weekly: tuple[tuple[Span, ...], ...]
    holidays: Mapping[Holiday, OnHoliday | tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to reach an entry.

    Attributes:
        address: A telephone number, a host name or a place, as people write it.
        is_verified: The source supports number and hours; otherwise it is never said to be open.
        shows_on_bill: Of a telephone number; UNKNOWN of everything else.
        note: What else is to be known; None: nothing.
    """

    kind: ChannelKind
    address: str
    hours: Hours
    is_verified: bool
    shows_on_bill: Known
    note: Words | None


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody who helps.

    Attributes:
        channels: A telephone comes last: it leaves the most traces.
        checked_on: When the entry was last held against its source.
        expires_on: Last day, by local time, on which it may be relied upon.
        owner: Who sees to it that it is checked.
    """

    id: str
    name: str
    purpose: Words
    serves: tuple[Serves, ...]
    channels: tuple[Channel, ...]
    cost: Words
    anonymous: Known
    checked_on: date
    expires_on: date
    owner: str
    source: str


class Before(StrEnum):
    """What must be read before a telephone number is called."""

    CALL_LOG = "call_log"
    BILL_YES = "bill_yes"
    BILL_UNKNOWN = "bill_unknown"


@dataclass(frozen=True, slots=True)
class Directory:
    """All entries, in the order in which they are shown, and the words around them."""

    version: str
    author: str
    time_zone: str
    notice: Words
    out_of_date: Words
    not_verified: Words
    before_call: Mapping[Before, Words]
    entries: tuple[Entry, ...]


class OpenState(StrEnum):
    """Whether somebody answers."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether somebody answers now.

    Attributes:
        until: When this ends; None: not within `rules.directory.HORIZON_DAYS`.
        opens_at: When it is next open; None while it is open, or when that is not known.
    """

    state: OpenState
    until: datetime | None
    opens_at: datetime | None

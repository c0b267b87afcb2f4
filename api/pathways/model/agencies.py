"""Nouns of agencies: what they do, who works there, and when somebody is there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Conflict, Invalid, NotFound

MAX_DUTIES = 200
"""Of one agency: twenty people with a line of their own on each weekday and some; proposal."""
MAX_STAND_IN_ORDER = 20
"""Nobody telephones farther down a list; proposal."""
MAX_AWAY = timedelta(days=366)
"""Longest absence that is entered at once; proposal."""
DAY_MINUTES = 24 * 60
DAYS_A_WEEK = 7


class AgencyKind(StrEnum):
    """What an agency is for; a step of the pathway names those that may take it."""

    EMERGENCY = "emergency"
    CENTRE = "centre"
    ADVICE_POINT = "advice_point"
    POLICE = "police"
    MEDICAL = "medical"
    MUNICIPALITY = "municipality"
    PROSECUTION = "prosecution"
    SHELTER = "shelter"
    CHILD_PROTECTION = "child_protection"
    ANIMAL_FOSTER = "animal_foster"
    LEGAL_AID = "legal_aid"
    PROBATION = "probation"
    SAFETY_HOUSE = "safety_house"


class MemberRole(StrEnum):
    """Who is asked first, second and last to take a step over."""

    WORKER = "worker"
    DEPUTY = "deputy"
    COORDINATOR = "coordinator"


RUNGS = (MemberRole.WORKER, MemberRole.DEPUTY, MemberRole.COORDINATOR)
"""The order in which an agency is asked; the last is never passed over."""


@dataclass(frozen=True, slots=True)
class AgencyDraft:
    """What is said of an agency.

    Attributes:
        region: A name such as `Rotterdam-Rijnmond`; it only tells two agencies apart.
        time_zone: IANA name; the clocks that its duty times go by.
    """

    name: str
    kind: AgencyKind
    region: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency; fields as in `AgencyDraft`.

    Attributes:
        public_key: What copies for this agency are sealed to; None until it has one.
    """

    id: UUID
    name: str
    kind: AgencyKind
    region: str
    time_zone: str
    public_key: bytes | None
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class MemberDraft:
    """What is said of somebody who works at an agency.

    Attributes:
        name: As colleagues and she may read it; kept encrypted.
        away_until: Their duty times do not count before; None when they are not away.
    """

    account_id: UUID
    role: MemberRole
    name: str
    away_until: datetime | None


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works at an agency; fields as in `MemberDraft`."""

    id: UUID
    agency_id: UUID
    account_id: UUID
    role: MemberRole
    name: str
    away_until: datetime | None
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class DutySlot:
    """The same hours on some days of every week, by the clocks of the agency.

    Attributes:
        days: 0 (Monday) .. 6; on which it begins.
        from_minute: 0..1439 after midnight.
        until_minute: 0..1440, no more part of it; not later than `from_minute` is on the next day.
        order: 0 for whoever is regularly there; 1..MAX_STAND_IN_ORDER for a stand-in, the lowest asked first.
    """

    member_id: UUID
    days: tuple[int, ...]
    from_minute: int
    until_minute: int
    order: int


class AgencyNotFound(NotFound):
    """There is no such agency."""


class MemberNotFound(NotFound):
    """Nobody of this id works at this agency."""


class MemberTaken(Conflict):
    """This account works at this agency already."""


class AgencyRetired(Conflict):
    """The agency is closed, and nothing about it can be changed."""


class AgencyChanged(Conflict):
    """Somebody else changed it meanwhile: read it again."""


class BadAgency(Invalid):
    """Something said of the agency cannot be; `fields` says what."""


class BadMember(Invalid):
    """Something said of somebody who works there cannot be; `fields` says what."""


class BadDuties(Invalid):
    """A duty time cannot be; `fields` names it."""

"""Nouns of a working day: what somebody is to accept, what is due, what is overdue, whom to speak to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from api.pathways.model.agencies import MemberRole
from api.pathways.model.pathways import Urgency
from api.pathways.model.steps import StepState


class WorkKind(StrEnum):
    """Why something is on the list."""

    ACCEPT = "accept"
    STEP = "step"
    UNACCEPTED = "unaccepted"
    NEXT_CONTACT = "next_contact"
    NO_NEXT_CONTACT = "no_next_contact"
    NO_FIXED_CONTACT = "no_fixed_contact"


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing to do; codes, numbers and moments only.

    Attributes:
        number: The step; None for the pathway as a whole.
        due_at: By when; None for what should not be at all.
        rung: Of an offer: who is asked now.
        is_mine: This account is asked, owns it, or is the fixed contact or deputy.
        is_reminded: Most of the time for it is over.
        not_safe: She gave the sign that she cannot be spoken to.
    """

    kind: WorkKind
    pathway_id: UUID
    reference: str
    urgency: Urgency
    number: int | None
    state: StepState | None
    due_at: datetime | None
    rung: MemberRole | None
    is_mine: bool
    is_reminded: bool
    not_safe: bool


@dataclass(frozen=True, slots=True)
class Work:
    """Today's work, each list acute first, then one's own, then by when."""

    accept: tuple[WorkItem, ...]
    overdue: tuple[WorkItem, ...]
    due: tuple[WorkItem, ...]
    contacts: tuple[WorkItem, ...]


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """One step as she reads it: who does what, when.

    Attributes:
        who: An agency's name; where a place could be told, only what kind of agency it is.
    """

    number: int
    what: str
    sentence: str
    who: str
    when: datetime | None
    state: StepState
    may_refuse: bool
    may_pause: bool
    may_resume: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """Her pathway as she reads it; without one every part is empty."""

    contact: str
    contact_at: str
    next_contact_at: datetime | None
    lines: tuple[ScheduleLine, ...]

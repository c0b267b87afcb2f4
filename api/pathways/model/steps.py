"""Nouns of steps and hand-offs: who owns what, who was asked, and what may be done with it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Conflict, Invalid, NotFound
from api.pathways.model.agencies import MemberRole
from api.pathways.model.content import HandoffLimits


class StepState(StrEnum):
    """How far a step is. Neither PAUSED nor REFUSED_BY_HER says anything about another step."""

    OPEN = "open"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    BUSY = "busy"
    DONE = "done"
    REFUSED_BY_HER = "refused_by_her"
    PAUSED = "paused"
    IMPOSSIBLE = "impossible"


class StepAct(StrEnum):
    """What somebody does with a step."""

    TAKE = "take"
    OFFER = "offer"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    BEGIN = "begin"
    FINISH = "finish"
    GIVE_UP = "give_up"
    REOPEN = "reopen"
    REFUSE = "refuse"
    PAUSE = "pause"
    RESUME = "resume"


HERS = frozenset({StepAct.REFUSE, StepAct.PAUSE, StepAct.RESUME})
"""What only she does; staff may write it down for her, at her word."""
REASONED = frozenset({StepAct.GIVE_UP, StepAct.DECLINE})
"""What nobody does without saying why."""


class ImpossibleReason(StrEnum):
    """Why a step cannot be done or taken over; no free words, so that none can tell a place or a name."""

    NO_PLACE = "no_place"
    NO_CAPACITY = "no_capacity"
    NOT_ALLOWED = "not_allowed"
    NOT_NEEDED = "not_needed"
    NOT_REACHED = "not_reached"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one pathway.

    Attributes:
        number: 0..18.
        before: Of an offered or paused step the state that it goes back to; None otherwise.
        agency_id: Who owns it: until a receiver accepts, whoever offered it.
        owner_id: The account that answers for it.
        due_at: By when it is to be done; None when nothing says so.
        remind_at: When the reminder is due; None when it was given or there is none.
        reason: Of an impossible step.
        changed_by: None for a process of ours.
    """

    pathway_id: UUID
    number: int
    state: StepState
    before: StepState | None
    agency_id: UUID
    owner_id: UUID | None
    due_at: datetime | None
    remind_at: datetime | None
    reason: ImpossibleReason | None
    changed_at: datetime
    changed_by: UUID | None


class HandoffState(StrEnum):
    """What became of an offer. While it waits, the sender owns the step."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Handoff:
    """A step offered to an agency.

    Attributes:
        from_id: The account that offered it and owns it until somebody accepts.
        rung: Who is asked now.
        limits: How long each rung is asked; fixed at the offer, so that changed content moves no deadline.
        due_at: When the next rung is asked; None once the coordinator's time is over too.
        next_at: The next moment at which something happens by itself: reminder or `due_at`; None as above.
        reminded_at: When the present rung was reminded.
        reason: Why it was declined; None otherwise.
    """

    id: UUID
    pathway_id: UUID
    number: int
    from_agency_id: UUID
    from_id: UUID | None
    to_agency_id: UUID
    rung: MemberRole
    limits: HandoffLimits
    offered_at: datetime
    due_at: datetime | None
    next_at: datetime | None
    reminded_at: datetime | None
    state: HandoffState
    answered_at: datetime | None
    answered_by: UUID | None
    reason: ImpossibleReason | None


class NoteKind(StrEnum):
    """What a hand-off did by itself."""

    ASKED = "asked"
    NOBODY_THERE = "nobody_there"
    REMINDED = "reminded"
    NOBODY_ACCEPTED = "nobody_accepted"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that a hand-off did by itself, and about whom."""

    kind: NoteKind
    rung: MemberRole


@dataclass(frozen=True, slots=True)
class StepCall:
    """What somebody of staff does with a step.

    Attributes:
        to_agency_id: Of OFFER: whom.
        reason: Of GIVE_UP and DECLINE.
        note: For colleagues, at most MAX_NOTE characters; refused where a place could be told.
        at_her_word: She said so: needed for REFUSE, PAUSE and RESUME.
    """

    act: StepAct
    to_agency_id: UUID | None = None
    reason: ImpossibleReason | None = None
    note: str = ""
    at_her_word: bool = False


class StepNotFound(NotFound):
    """There is no such step."""


class StepConflict(Conflict):
    """The step is in a state that does not allow this; the sentence says what does."""


class BadOffer(Invalid):
    """The step cannot be offered to this agency; `fields` says why."""


class BadAct(Invalid):
    """Something is missing from, or too much in, what is to be done; `fields` says what."""

"""Nouns of a pathway as a whole: whose fixed contact, how urgent, when she is spoken to next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from api.kernel.errors import Conflict, Invalid, NotFound
from api.pathways.model.steps import Step

MAX_NEXT_CONTACT = timedelta(days=366)
"""Aftercare goes on for a year (`field/safety_planning.md` c3, step 18); later is a slip of the date."""
MAX_NOTE = 500
"""Characters of a note to a step; more belongs into the story that she tells once. Proposal."""


class Urgency(StrEnum):
    """How short the deadlines are; an acute pathway stands before every ordinary one (seed point 2.8)."""

    ACUTE = "acute"
    ORDINARY = "ordinary"


class CloseReason(StrEnum):
    """Why a pathway ends; each can be opened again."""

    AFTERCARE_DONE = "aftercare_done"
    HER_WISH = "her_wish"
    MOVED = "moved"
    MISTAKE = "mistake"


class ReadReason(StrEnum):
    """Why somebody of staff looks; it is a row that she can be shown."""

    OFFER = "offer"
    OWN_STEP = "own_step"
    CONTACT = "contact"
    OVERDUE = "overdue"
    STAND_IN = "stand_in"


@dataclass(frozen=True, slots=True)
class Pathway:
    """One person's pathway; who she is stands nowhere in it.

    Attributes:
        reference: The code that people say to each other, such as `K7Q-4MX-9DW`.
        account_id: What she signs in with; None while she has no account.
        language: `nl` or `en`: in which she reads her schedule.
        agency_id: Where her fixed contact works.
        contact_id: The fixed contact's account; None only when she excluded the one there was.
        next_contact_at: When she is spoken to next; an open pathway without one is overdue.
        content_version: Of the content that it was opened by.
    """

    id: UUID
    reference: str
    account_id: UUID | None
    urgency: Urgency
    language: str
    agency_id: UUID
    contact_id: UUID | None
    deputy_id: UUID | None
    next_contact_at: datetime | None
    content_version: str
    opened_at: datetime
    closed_at: datetime | None
    close_reason: CloseReason | None


@dataclass(frozen=True, slots=True)
class PathwayDraft:
    """What is said when a pathway is opened."""

    agency_id: UUID
    urgency: Urgency
    language: str


class EventKind(StrEnum):
    """What happened to a pathway."""

    OPENED = "opened"
    STEP = "step"
    HANDOFF = "handoff"
    REMINDED = "reminded"
    CONTACT_CHANGED = "contact_changed"
    NEXT_CONTACT = "next_contact"
    URGENCY = "urgency"
    CLOSED = "closed"
    REOPENED = "reopened"
    SAFE_CONTACT = "safe_contact"
    NOT_SAFE = "not_safe"
    CLEARED = "cleared"
    ATTEMPT = "attempt"
    EXCLUDED = "excluded"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class PathwayEvent:
    """One line of a pathway's history.

    Attributes:
        number: The step that it is about; None for the whole.
        by: The account that did it; None for a process of ours.
        detail: Ids, kinds and moments only.
        note: Staff's words, kept encrypted; empty for none.
    """

    id: UUID
    pathway_id: UUID
    number: int | None
    at: datetime
    by: UUID | None
    kind: EventKind
    detail: dict[str, Any]
    note: str


@dataclass(frozen=True, slots=True)
class PathwayView:
    """A pathway as somebody of staff may see it.

    Attributes:
        steps: All of them for people of the fixed contact's agency, otherwise those of the own agency.
        not_safe_since: She gave the sign that she cannot be spoken to; None while not.
    """

    pathway: Pathway
    steps: tuple[Step, ...]
    events: tuple[PathwayEvent, ...]
    contact_name: str
    not_safe_since: datetime | None


class PathwayNotFound(NotFound):
    """There is no such pathway, or not for this person: both are answered alike."""

    def __init__(self) -> None:
        """Say the same whatever the cause."""
        super().__init__("There is no such pathway.")


class PathwayClosed(Conflict):
    """The pathway is closed: open it again first."""


class PathwayOpen(Conflict):
    """The pathway is open already."""


class AccountTaken(Conflict):
    """This account has an open pathway already."""


class BadPathway(Invalid):
    """Something said of the pathway cannot be; `fields` says what."""

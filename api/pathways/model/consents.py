"""Nouns of the consent ledger: what she lets which agency know, for what, until when; and who looked."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Conflict, Invalid, NotFound

MAX_CONSENT = timedelta(days=366)
"""A consent is asked for again at least once a year; proposal."""
MAX_UNINFORMED = timedelta(days=90)
"""By then she must have been told what was passed on without her; proposal."""
MAX_PURPOSE = 500
MAX_REASON = 2000
PARTS = ("own", "people", "reach")
"""Parts of a plan besides its sections: her own items, the people she trusts, how she may be reached."""


class Ground(StrEnum):
    """Why an agency may know (field/safety_planning.md c3)."""

    CONSENT = "consent"
    LEGAL_DUTY = "legal_duty"
    VITAL_INTEREST = "vital_interest"
    CONFLICT_OF_DUTIES = "conflict_of_duties"


OVERRIDES = frozenset(Ground) - {Ground.CONSENT}
"""Grounds without her consent."""


@dataclass(frozen=True, slots=True)
class ConsentDraft:
    """What she lets an agency know.

    Attributes:
        parts: Codes of sections of her plan, or of `PARTS`.
        purpose: In her words or the agency's, at most `MAX_PURPOSE` characters.
        until: At most `MAX_CONSENT` away.
    """

    agency_id: UUID
    parts: tuple[str, ...]
    purpose: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """A line of the ledger; fields as in `ConsentDraft`. Nothing of it is changed but that it was revoked."""

    id: UUID
    account_id: UUID
    agency_id: UUID
    parts: tuple[str, ...]
    purpose: str
    given_at: datetime
    until: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody of an agency has opened a copy."""

    consent_id: UUID
    agency_id: UUID
    account_id: UUID
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class OverrideDraft:
    """What is to be passed on without her consent.

    Attributes:
        agency_id: Which agency is told.
        what: What it is told, in words; kept encrypted, as `reason` is.
        inform_on: When she is told of it at the latest, at most `MAX_UNINFORMED` away.
    """

    pathway_id: UUID
    agency_id: UUID
    ground: Ground
    what: str
    reason: str
    inform_on: date


@dataclass(frozen=True, slots=True)
class Override:
    """What was passed on without her consent; fields as in `OverrideDraft`.

    Attributes:
        confirmed_by: The second person, never the one who asked; until then nothing may be passed on.
    """

    id: UUID
    pathway_id: UUID
    agency_id: UUID
    ground: Ground
    what: str
    reason: str
    inform_on: date
    asked_by: UUID
    asked_at: datetime
    confirmed_by: UUID | None
    confirmed_at: datetime | None
    informed_at: datetime | None


class ConsentNotFound(NotFound):
    """There is no such line, or not for whoever asks: both are answered alike."""


class ConsentOver(Conflict):
    """The consent was revoked or has ended: the copy is gone."""


class BadConsent(Invalid):
    """A consent cannot be given like this; `fields` says why."""


class SamePerson(Conflict):
    """Whoever asked for an override cannot be the second person as well."""

"""Nouns of her policy: which alerts reach a protected person, when, and in which neutral words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Invalid

WORDINGS = 3
"""How many neutral texts each cover has to choose from; proposal."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours in which nothing reaches her, by the clocks where she is.

    Attributes:
        begin: `HH:MM`, the first minute that is quiet.
        until: `HH:MM`, the first that is not; earlier than `begin`: the hours cross midnight.
        time_zone: IANA name, such as `Europe/Amsterdam`.
    """

    begin: str
    until: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """What she wishes.

    Attributes:
        kinds: `EventKind` values that reach her; None: what the playbook of the house says.
        rings_severity_1: Severity 1 reaches her in the quiet hours too.
        wording: Which of the cover's neutral texts she reads, 0..WORDINGS - 1.
    """

    kinds: frozenset[str] | None
    quiet: QuietHours | None
    rings_severity_1: bool
    wording: int


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """One version of what she wishes; the newest counts, the earlier ones are kept.

    Attributes:
        version: 1 is her first.
        set_by: The account that said so: hers.
        since: From when on it counts.
    """

    person_id: UUID
    version: int
    wish: PolicyDraft
    set_by: UUID
    since: datetime


class Decider(StrEnum):
    """By whose decision something did not reach her."""

    HER = "her"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a person was told of an alert and, if not, who decided that.

    Attributes:
        withheld_by: None when she was told, and when no step of the playbook tells her of it at all.
        decided_by: The authority that answers for the default, by name; None unless it was the default.
        policy_version: The version of her policy that decided; None unless it was hers.
    """

    person_id: UUID
    is_told: bool
    withheld_by: Decider | None
    decided_by: str | None
    policy_version: int | None


class BadPolicy(Invalid):
    """What she wishes cannot be kept as it is."""

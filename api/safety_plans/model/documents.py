"""What a vault holds: her plan, or the notes of a decoy. Never in a table as it is, never in a log."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from api.kernel.content import Language
from api.kernel.errors import Invalid
from api.safety_plans.model.content import Phase, Tailoring

FORM = 1
"""Form of both documents; one of another number is refused, so that nothing of it is lost."""
DOCUMENT_MAX_BYTES = 60_000
"""Of the JSON (UTF-8, compact): what the vault pads to 64 KiB; proposal."""
MAX_NOTE, MAX_PLACE, MAX_TITLE = 2000, 500, 200
"""Characters of an item's note and place, and of a title."""
MAX_SHORT = 500
"""Characters of what she writes about a person or about how to reach her."""
MAX_CODE_WORD = 100
MAX_NOTE_TEXT = 4000
MAX_DEPTH = 8
"""Levels of the opaque answers of a screening; proposal."""
MAX_EXACT_INT = 2**53 - 1
"""Whole numbers beyond lose digits in a browser (RFC 8259 section 6)."""


class Status(StrEnum):
    """How far an item is, in her words; nothing is counted or asked for."""

    NOT_APPLICABLE = "not_applicable"
    NOT_YET = "not_yet"
    BUSY = "busy"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ItemNote:
    """What she says of one item of the content.

    Attributes:
        note: At most `MAX_NOTE` characters.
        place: Where it is kept, at most `MAX_PLACE` characters.
    """

    status: Status = Status.NOT_YET
    note: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class OwnItem:
    """Something that the content does not have."""

    title: str
    note: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class TrustedContact:
    """Somebody she trusts; every field may be empty, and a name can be a word that only she understands."""

    name: str = ""
    reach: str = ""
    knows: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class SafeContact:
    """How she may be reached: by what, when, how she is known, and how she says that it is a bad moment."""

    channel: str = ""
    hours: str = ""
    code_word: str = ""
    not_now: str = ""


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """Her whole plan.

    Attributes:
        content_version: Version of the content under which it was last written.
        items: Per code of an item what she says of it; a code that is not there is `ItemNote()`. Codes that
            the content no longer has stay.
        screening: The last answers about red flags, in the form that those have; None: there are none.
    """

    content_version: str
    language: Language
    tailoring: Tailoring
    items: Mapping[str, ItemNote]
    own_items: tuple[OwnItem, ...]
    contacts: tuple[TrustedContact, ...]
    code_word: str
    screening: Mapping[str, Any] | None
    safe_contact: SafeContact

    def item(self, code: str) -> ItemNote:
        """Return what she says of an item; of one that she never touched that it is not done yet."""
        return self.items.get(code, ItemNote())


@dataclass(frozen=True, slots=True)
class Note:
    """One note of a decoy."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class NotesDocument:
    """The notes of a decoy, the one that was changed last first.

    There is no moment in them: when somebody last wrote is what the other person would look for.
    """

    notes: tuple[Note, ...]


class BadDocument(Invalid):
    """A document cannot be kept; `path` says which part of it."""

    def __init__(self, path: str, reason: str) -> None:
        """Keep where the fault is and what it is; never what was written there."""
        super().__init__(f"{path}: {reason}" if path else reason, {path: [reason]} if path else None)
        self.path = path


class DocumentTooLarge(BadDocument):
    """The document is longer than a vault takes."""

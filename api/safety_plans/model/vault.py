"""Her document: one text of fixed size, and a second version beside it when two devices saved at once."""

from dataclasses import dataclass
from typing import Any

from api.kernel.errors import Conflict

DOCUMENT_BYTES = 64 * 1024
"""Every stored document is padded to this, also an empty one; `documents.DOCUMENT_MAX_BYTES` fit."""

Body = dict[str, Any]
"""A document as JSON; what is in it is the business of `rules.documents`."""


@dataclass(frozen=True, slots=True)
class Page:
    """A document as it is opened.

    Attributes:
        revision: Counts saves; a save names the one that it changes.
        body: None before anything was saved.
        kept: What another device wanted to save over a newer revision; None when there is nothing.
    """

    revision: int
    body: Body | None
    kept: Body | None


class ChangedMeanwhile(Conflict):
    """Another device has saved since; what was sent is kept beside, nothing is lost."""


class Damaged(Conflict):
    """A stored document does not open with its own key: somebody or something has altered it."""


class KeptFull(Conflict):
    """Another device has saved since, and something is kept beside already: nothing was stored."""


class NobodyListens(Conflict):
    """A silent call for help would reach nobody."""

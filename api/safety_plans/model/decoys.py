"""Nouns of decoys: the notes of an ordinary adult that a duress PIN opens."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.kernel.content import Language
from api.safety_plans.model.documents import Note


@dataclass(frozen=True, slots=True)
class Theme:
    """Notes that one person could have written about one thing, in the order of writing."""

    id: str
    notes: Mapping[Language, tuple[Note, ...]]


@dataclass(frozen=True, slots=True)
class Decoys:
    """All themes of a house."""

    version: str
    themes: tuple[Theme, ...]

"""Nouns of what a plan offers: sections and items in every language, and what makes them fit a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from api.kernel.content import Language
from api.kernel.errors import Invalid

SECTIONS = (
    "nu_veilig",
    "in_huis",
    "codewoord",
    "vertrouwenspersonen",
    "kinderen",
    "huisdieren",
    "vluchttas",
    "documenten",
    "documenten_nalatenschap",
    "geld",
    "digitaal",
    "werk_en_route",
    "vertrek",
    "bewijs",
    "na_vertrek",
    "herstel",
    "afspraken_hulp",
)
"""The sections in the order in which they are read (field/safety_planning.md, c2)."""
ACUTE_SECTIONS = ("nu_veilig", "codewoord", "vluchttas", "vertrek")
"""What the short way is made of; users of SAFE asked for one (JMIR 2023, e42647)."""
MUST_WARN = "documenten_nalatenschap"
"""Every item of this section warns that a change may be seen, and says to ask a lawyer."""
CODE = r"[a-z][a-z0-9_]{1,39}"
"""Form of every code, as a regular expression."""
DANGER_LEVELS = range(4)
"""What an item can bring about when the other person finds it; the content says what each level means."""


class Phase(StrEnum):
    """When an item is of use (Matthews 2017: physical control, escape, life apart)."""

    HOME = "home"
    LEAVING = "leaving"
    AFTER = "after"


class Wish(StrEnum):
    """What she wants to do, as far as she knows."""

    STAYING = "staying"
    LEAVING = "leaving"
    UNSURE = "unsure"


class Depth(StrEnum):
    """How much of the plan is shown: the short way for a bad moment, or all of it."""

    ACUTE = "acute"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in every language."""

    nl: str
    en: str

    def said_in(self, language: Language) -> str:
        """Return the words in this language."""
        return self.nl if language is Language.NL else self.en


@dataclass(frozen=True, slots=True)
class Tailoring:
    """What fits the plan to her; None: she has not said, and then nothing is left out for it."""

    lives_together: bool | None = None
    wants: Wish | None = None
    children: bool | None = None
    pets: bool | None = None
    pregnant: bool | None = None
    residence_depends: bool | None = None
    phone_watched: bool | None = None
    work: bool | None = None
    order_active: bool | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that she can do, know or keep.

    Attributes:
        code: What her own document refers to; never changes once it has been shipped.
        danger: 0..3, see `DANGER_LEVELS`.
        when: Per field of `Tailoring` the answers for which the item is shown.
        warning: What doing it can give away; None where there is nothing to say.
        calls: It leads to a phone call: `PlanContent.call_warning` is shown before.
        source: Where the advice comes from, in a few words.
    """

    code: str
    title: Text
    text: Text
    phase: Phase
    danger: int
    when: Mapping[str, frozenset[bool | Wish]]
    warning: Text | None
    calls: bool
    source: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to be copied.

    Attributes:
        checked_by: The lawyer who found it right, and `checked_on` the date; None: nobody did, and then it is
            not offered.
    """

    code: str
    title: Text
    text: Text
    checked_by: str | None
    checked_on: str | None
    source: str

    @property
    def is_offered(self) -> bool:
        """Whether it may be shown."""
        return self.checked_by is not None


@dataclass(frozen=True, slots=True)
class Section:
    """A page of the plan, or a screen of the short way (with an empty introduction)."""

    code: str
    title: Text
    intro: Text
    items: tuple[Item, ...]
    letters: tuple[Letter, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanContent:
    """All that a plan offers.

    Attributes:
        version: The newest version of any file, `YYYY-MM-DD` or `YYYY-MM-DD.n`.
        decided_by: Who answers for the texts.
        call_warning: Shown before anything that leads to a call.
        danger: What each level of `DANGER_LEVELS` means.
        sections: As `SECTIONS`.
        acute: The short way: at most 7 screens of items that stand in `ACUTE_SECTIONS` as well.
    """

    version: str
    decided_by: str
    intro: Text
    call_warning: Text
    danger: tuple[Text, ...]
    sections: tuple[Section, ...]
    acute: tuple[Section, ...]


class BadContent(Invalid):
    """A file of the content cannot be used; `file` and `path` say where, for the line."""

    def __init__(self, file: str, path: tuple[str | int, ...], reason: str) -> None:
        """Keep where the fault is and what it is."""
        super().__init__(reason)
        self.file = file
        self.path = path

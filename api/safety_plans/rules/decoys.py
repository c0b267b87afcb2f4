"""Which notes a decoy begins with, and how they are read out of plain data."""

from collections.abc import Callable
from typing import Any, TypeVar

from api.kernel.content import BadContent, Language, Where, items, mapping, sentence
from api.safety_plans.model.decoys import Decoys, Theme
from api.safety_plans.model.documents import Note

_One = TypeVar("_One")

MIN_THEMES = 6
MIN_NOTES, MAX_NOTES = 4, 8
"""Of a theme in one language; proposal."""
THEMES = 3
"""So many themes has one decoy: a person has more than one thing on their mind. Proposal."""
FROM_THEME = (2, 3)
"""So few, and so many, notes are taken of each; proposal."""


def pick(decoys: Decoys, language: Language, chance: Callable[[int], int]) -> tuple[Note, ...]:
    """Return the notes of a new decoy: of three themes two or three each, all of them different.

    Which themes, how many notes and which differ from decoy to decoy, so that knowing one tells little of
    another. Notes of one theme stand together and keep their order.

    `chance` returns a whole number from 0 up to and without its argument, as `secrets.randbelow` does.
    """
    found: list[Note] = []
    for theme in _some(list(decoys.themes), THEMES, chance):
        notes = theme.notes[language]
        least, most = FROM_THEME
        wanted = least + chance(most - least + 1)
        places = sorted(_some(list(range(len(notes))), wanted, chance))
        found += [notes[place] for place in places]
    return tuple(found)


def _some(of: list[_One], count: int, chance: Callable[[int], int]) -> list[_One]:
    """Return different ones in an order by chance."""
    return [of.pop(chance(len(of))) for _ in range(count)]


def parse_decoys(data: Any) -> Decoys:  # noqa: ANN401 - whatever a file holds
    """Return the decoys that plain data describes.

    Raises:
        BadContent: With the path to what is wrong and what to do about it.
    """
    top = mapping(data, (), ("version", "author", "themes"))
    sentence(top["author"], ("author",))
    themes = mapping(top["themes"], ("themes",))
    if len(themes) < MIN_THEMES:
        raise BadContent(("themes",), f"give at least {MIN_THEMES} themes")
    return Decoys(
        version=sentence(top["version"], ("version",)),
        themes=tuple(_theme(name, said) for name, said in themes.items()),
    )


def _theme(name: str, said: Any) -> Theme:  # noqa: ANN401 - as above
    given = mapping(said, ("themes", name), Language)
    return Theme(name, {one: _notes(given[one], ("themes", name, one)) for one in Language})


def _notes(said: Any, where: Where) -> tuple[Note, ...]:  # noqa: ANN401 - as above
    notes = []
    for place, one in enumerate(items(said, where)):
        given = mapping(one, (*where, place), ("title", "text"))
        title = sentence(given["title"], (*where, place, "title"))
        notes.append(Note(title, sentence(given["text"], (*where, place, "text"))))
    if not MIN_NOTES <= len(notes) <= MAX_NOTES or len(set(notes)) < len(notes):
        raise BadContent(where, f"give {MIN_NOTES} to {MAX_NOTES} different notes")
    return tuple(notes)

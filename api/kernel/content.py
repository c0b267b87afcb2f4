"""What ships as data for people to read: its languages, and how its files are read and refused.

A file that lacks a sentence or a language is refused when a process starts, by the path to what is missing:
nobody who is at risk may meet half a list.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from api.kernel.config import SettingError
from api.kernel.yaml_files import line_of, plain_of, read_text, yaml_faults

MAX_BYTES = 1024 * 1024
MAX_CHARACTERS = 600
"""Longer is no sentence that a frightened person reads; proposal."""

Made = TypeVar("Made")
Where = tuple[str | int, ...]


class Language(StrEnum):
    """In which somebody reads; every text is there in each."""

    NL = "nl"
    EN = "en"


Words = Mapping[Language, str]
"""One text in every language."""
Lists = Mapping[Language, tuple[str, ...]]
"""Several texts in every language, in order."""


class BadContent(Exception):
    """A file of content cannot be used; the message says where in it and what to do."""

    def __init__(self, where: Where, reason: str) -> None:
        """Keep the place, and the sentence: `core.RV01.text: missing ['nl']`."""
        super().__init__(f"{'.'.join(map(str, where)) or 'top'}: {reason}")
        self.where = where


def read(path: Path, parse: Callable[[Any], Made]) -> Made:
    """Return what `parse` makes of a YAML file.

    Raises:
        SettingError: It cannot be read or used: `file:line: where: what to do`.
    """
    text = read_text(path, MAX_BYTES, "BAKEN_CONTENT")
    with yaml_faults(path):
        plain = plain_of(text)
    try:
        return parse(plain)
    except BadContent as bad:
        raise SettingError(f"{path}:{line_of(text, bad.where)}: {bad}.") from bad


def mapping(
    said: Any,  # noqa: ANN401 - whatever a file holds
    where: Where,
    names: Iterable[str] | None = None,
    optional: Iterable[str] = (),
) -> dict[str, Any]:
    """Return a mapping with exactly these keys, `optional` ones aside; None: with any, but not empty."""
    if not isinstance(said, Mapping) or not said:
        raise BadContent(where, "give names with values")
    if names is not None:
        wanted, found = {str(name) for name in names}, set(said)
        missing, strange = sorted(wanted - found), sorted(found - wanted - set(optional))
        if missing or strange:
            raise BadContent(where, f"missing {missing}, not known {strange}")
    return dict(said)


def items(said: Any, where: Where) -> list[Any]:  # noqa: ANN401 - as above
    """Return a list that is not empty."""
    if not isinstance(said, list) or not said:
        raise BadContent(where, "give a list with at least one entry")
    return said


def sentence(said: Any, where: Where) -> str:  # noqa: ANN401 - as above
    """Return a text of 1..MAX_CHARACTERS characters, without blanks around it."""
    if not isinstance(said, str) or not said.strip() or len(said) > MAX_CHARACTERS:
        raise BadContent(where, f"give a text of at most {MAX_CHARACTERS} characters")
    return said.strip()


def sentences(said: Any, where: Where) -> tuple[str, ...]:  # noqa: ANN401 - as above
    """Return at least one text, in order."""
    return tuple(sentence(one, (*where, place)) for place, one in enumerate(items(said, where)))


def words(said: Any, where: Where) -> Words:  # noqa: ANN401 - as above
    """Return one text in every language."""
    given = mapping(said, where, Language)
    return {one: sentence(given[one], (*where, one)) for one in Language}


def lists(said: Any, where: Where) -> Lists:  # noqa: ANN401 - as above
    """Return texts in every language, equally many in each."""
    given = mapping(said, where, Language)
    found = {one: sentences(given[one], (*where, one)) for one in Language}
    if len({len(one) for one in found.values()}) != 1:
        raise BadContent(where, "give equally many texts in every language")
    return found


def flag(said: Any, where: Where) -> bool:  # noqa: ANN401 - as above
    """Return true or false, and nothing that looks like one."""
    if not isinstance(said, bool):
        raise BadContent(where, "give true or false")
    return said


def day(said: Any, where: Where) -> date:  # noqa: ANN401 - as above
    """Return a date without a time."""
    if type(said) is not date:
        raise BadContent(where, "give a date, for example 2026-11-25")
    return said


def whole(said: Any, where: Where, most: int) -> int:  # noqa: ANN401 - as above
    """Return a whole number 1..most."""
    if type(said) is not int or not 1 <= said <= most:
        raise BadContent(where, f"give a whole number from 1 to {most}")
    return said

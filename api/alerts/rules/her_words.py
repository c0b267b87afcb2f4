"""Reads the words for protected people out of plain data; refuses them when one is missing."""

from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any

from api.alerts.model import Doubt, EventKind, ResolveReason
from api.alerts.model.her_view import (
    COULD_BE_NEARER,
    OVER,
    UNITS,
    WITH_AGE,
    BadWords,
    Band,
    HerWords,
    Said,
    Told,
    Trend,
)
from api.alerts.rules.joining import opens_alerts
from api.kernel.content import Language

KINDS = frozenset(
    kind.value for kind in EventKind if opens_alerts(kind) and kind is not EventKind.EXTERNAL_SIGHTING
)
"""Every kind that a playbook can tell her of; of what a camera saw she is never told."""
_DOUBTS = (*(doubt.value for doubt in Doubt), COULD_BE_NEARER)
MAX_CHARACTERS = 200
"""A sentence of language level B1 is shorter; bounds what a phone shows. Proposal."""
_Path = tuple[str, ...]


def parse_words(data: Any) -> dict[Language, HerWords]:  # noqa: ANN401 - whatever a file holds
    """Return the words of every language.

    Raises:
        BadWords: A word is missing, or there is one for something that does not exist.
    """
    top = _exactly(data, (), ("version", "decided_by", "languages"))
    said = _exactly(top["languages"], ("languages",), Language)
    return {one: _words(said[one], ("languages", one.value)) for one in Language}


def _words(said: Any, path: _Path) -> HerWords:  # noqa: ANN401 - as above
    parts = ("kinds", "advice", "reasons", "bands", "trends", "doubts", "told", "sentences", "durations")
    words = _exactly(said, path, parts)
    kinds = {
        kind: _exactly(one, (*path, "kinds", kind), ("what", "advice"))
        for kind, one in _exactly(words["kinds"], (*path, "kinds"), KINDS).items()
    }
    advice_of = {kind: str(one["advice"]) for kind, one in kinds.items()}
    advice = _exactly(words["advice"], (*path, "advice"), {*advice_of.values(), OVER})
    return HerWords(
        what={kind: _sentence(one["what"], (*path, "kinds", kind)) for kind, one in kinds.items()},
        advice_of=advice_of,
        advice={name: _several(one, (*path, "advice", name)) for name, one in advice.items()},
        reasons=_sentences(words, "reasons", path, ResolveReason),
        bands=_sentences(words, "bands", path, Band),
        trends=_sentences(words, "trends", path, Trend),
        doubts=_sentences(words, "doubts", path, _DOUBTS),
        told=_sentences(words, "told", path, Told, {Told.BY_DEFAULT: "who"}),
        sentences=_sentences(words, "sentences", path, Said, dict.fromkeys(WITH_AGE, "age")),
        durations={
            unit: _pair(one, (*path, "durations", unit))
            for unit, one in _exactly(words["durations"], (*path, "durations"), UNITS).items()
        },
    )


def _exactly(said: Any, path: _Path, names: Iterable[str]) -> dict[str, Any]:  # noqa: ANN401 - as above
    wanted = {str(name) for name in names}
    found = set(said) if isinstance(said, Mapping) else set()
    if found != wanted:
        missing, strange = sorted(wanted - found), sorted(map(str, found - wanted))
        raise BadWords(f"{'.'.join(path) or 'top'}: missing {missing}, not known {strange}")
    return dict(said)


def _sentences(
    words: Mapping[str, Any],
    part: str,
    path: _Path,
    names: Iterable[str],
    blanks: Mapping[str, str] | None = None,
) -> dict[str, str]:
    said = _exactly(words[part], (*path, part), names)
    return {name: _sentence(one, (*path, part, name), (blanks or {}).get(name)) for name, one in said.items()}


def _sentence(said: Any, path: _Path, blank: str | None = None) -> str:  # noqa: ANN401 - as above
    """Return a sentence in which exactly the blank, if any, is to be filled in."""
    if not isinstance(said, str) or not said.strip() or len(said) > MAX_CHARACTERS:
        raise BadWords(f"{'.'.join(path)}: give a sentence of at most {MAX_CHARACTERS} characters")
    try:
        blanks = [name for _text, name, _spec, _conversion in Formatter().parse(said) if name is not None]
    except ValueError as error:
        raise BadWords(f"{'.'.join(path)}: a brace is not closed") from error
    if blanks != ([] if blank is None else [blank]):
        raise BadWords(f"{'.'.join(path)}: must have {'no blank' if blank is None else f'one {{{blank}}}'}")
    return said


def _several(said: Any, path: _Path) -> tuple[str, ...]:  # noqa: ANN401 - as above
    if not isinstance(said, list) or not said:
        raise BadWords(f"{'.'.join(path)}: give at least one sentence")
    return tuple(_sentence(one, path) for one in said)


def _pair(said: Any, path: _Path) -> tuple[str, str]:  # noqa: ANN401 - as above
    words = _several(said, path)
    if len(words) != 2:
        raise BadWords(f"{'.'.join(path)}: give singular and plural")
    return words[0], words[1]

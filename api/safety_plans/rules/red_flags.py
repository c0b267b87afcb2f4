"""Reads the list of red flags out of plain data and refuses one that could calm somebody wrongly."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from api.kernel.content import (
    BadContent,
    Where,
    day,
    flag,
    items,
    lists,
    mapping,
    sentence,
    whole,
    words,
)
from api.safety_plans.model.screening import (
    CORE,
    FIRST_WHEN_ACUTE,
    QUESTIONS,
    RISING,
    Asker,
    Concern,
    Guidance,
    Item,
    Outcome,
    ReaskReason,
    RedFlags,
    Term,
    Way,
)

MAX_RECENT_MONTHS = 24
MAX_REASK_DAYS = 366
_TOP = (
    *("version", "author", "date", "reviewer", "validated", "notice", "unknown_notice"),
    *("recent_months", "escalation", "fear", "core", "context", "questions"),
    *("thresholds", "outcomes", "guidance", "reask"),
)
_Kind = TypeVar("_Kind", bound=StrEnum)
_TERM = re.compile(r"([A-Z]+\d+)( recent)?")


def parse_red_flags(data: Any) -> RedFlags:  # noqa: ANN401 - whatever a file holds
    """Return the list that plain data describes.

    Raises:
        BadContent: With the path to what is wrong and what to do about it.
    """
    top = mapping(data, (), _TOP)
    core, context = _items(top["core"], ("core",), CORE), _items(top["context"], ("context",), None)
    questions = _items(top["questions"], ("questions",), QUESTIONS)
    codes = {item.code for item in (*core, *context, *questions)}
    fear = frozenset(_codes(top["fear"], ("fear",), codes))
    thresholds = _thresholds(top["thresholds"], codes)
    _check_each_counts(thresholds, codes, fear)
    reask = mapping(top["reask"], ("reask",), ("after_days", "source", "reasons"))
    sentence(reask["source"], ("reask", "source"))
    return RedFlags(
        version=sentence(top["version"], ("version",)),
        author=sentence(top["author"], ("author",)),
        date=day(top["date"], ("date",)),
        reviewer=sentence(top["reviewer"], ("reviewer",)),
        is_validated=flag(top["validated"], ("validated",)),
        notice=words(top["notice"], ("notice",)),
        unknown_notice=words(top["unknown_notice"], ("unknown_notice",)),
        recent_months=whole(top["recent_months"], ("recent_months",), MAX_RECENT_MONTHS),
        core=core,
        context=context,
        questions=questions,
        escalation=_codes([top["escalation"]], ("escalation",), CORE)[0],
        fear=fear,
        thresholds=thresholds,
        outcomes=_outcomes(top["outcomes"]),
        guidance=_guidance(top["guidance"]),
        reask_after_days=whole(reask["after_days"], ("reask", "after_days"), MAX_REASK_DAYS),
        reask_reasons={
            reason: words(one, ("reask", "reasons", reason))
            for reason, one in _by(ReaskReason, reask["reasons"], ("reask", "reasons"))
        },
    )


def _by(kind: type[_Kind], said: Any, where: Where) -> list[tuple[_Kind, Any]]:  # noqa: ANN401 - as above
    """Return what is said for each member of an enumeration, and nothing else."""
    given = mapping(said, where, kind)
    return [(one, given[one]) for one in kind]


def _items(said: Any, where: Where, codes: Iterable[str] | None) -> tuple[Item, ...]:  # noqa: ANN401 - as above
    found = []
    for code, one in mapping(said, where, codes).items():
        if codes is None and not re.fullmatch(r"K\d\d", code):
            raise BadContent((*where, code), "a circumstance is called K and two digits")
        given = mapping(one, (*where, code), ("key", "source", "text"))
        text = {
            asker: words(said_to, (*where, code, "text", asker))
            for asker, said_to in _by(Asker, given["text"], (*where, code, "text"))
        }
        key = sentence(given["key"], (*where, code, "key"))
        found.append(Item(code, key, sentence(given["source"], (*where, code, "source")), text))
    return tuple(sorted(found, key=lambda item: item.code))


def _codes(said: Any, where: Where, codes: Iterable[str]) -> tuple[str, ...]:  # noqa: ANN401 - as above
    named = tuple(items(said, where))
    for code in named:
        if code not in codes:
            raise BadContent(where, f"there is no {code!r} on the list")
    return named


def _thresholds(said: Any, codes: set[str]) -> Mapping[Concern, tuple[tuple[Term, ...], ...]]:  # noqa: ANN401 - as above
    given = mapping(said, ("thresholds",), RISING[1:])
    return {
        concern: tuple(
            tuple(_term(term, ("thresholds", concern, place), codes) for term in items(way, ("thresholds",)))
            for place, way in enumerate(items(given[concern], ("thresholds", concern)))
        )
        for concern in RISING[1:]
    }


def _term(said: Any, where: Where, codes: set[str]) -> Term:  # noqa: ANN401 - as above
    match = _TERM.fullmatch(said) if isinstance(said, str) else None
    if match is None or match[1] not in codes:
        raise BadContent(where, 'give a code of the list, or a code and "recent"')
    return Term(match[1], match[2] is not None)


def _check_each_counts(
    thresholds: Mapping[Concern, tuple[tuple[Term, ...], ...]], codes: set[str], fear: frozenset[str]
) -> None:
    """Every yes must lead to something by itself; of a core flag, at least to serious signs."""
    alone = {
        concern: {way[0].code for way in ways if len(way) == 1 and not way[0].is_recent}
        for concern, ways in thresholds.items()
    }
    serious = alone[Concern.SERIOUS_SIGNS] | alone[Concern.ACUTE_DANGER]
    if mild := sorted(set(CORE) - serious):
        raise BadContent(("thresholds", Concern.SERIOUS_SIGNS), f"name by themselves {', '.join(mild)}")
    if lost := sorted(codes - serious - alone[Concern.SIGNS] - fear):
        raise BadContent(("thresholds", Concern.SIGNS), f"these lead to nothing: {', '.join(lost)}")


def _outcomes(said: Any) -> Mapping[Concern, Mapping[Asker, Outcome]]:  # noqa: ANN401 - as above
    found = {
        concern: {
            asker: _outcome(told, ("outcomes", concern, asker))
            for asker, told in _by(Asker, one, ("outcomes", concern))
        }
        for concern, one in _by(Concern, said, ("outcomes",))
    }
    for asker, outcome in found[Concern.ACUTE_DANGER].items():
        if tuple(way.to for way in outcome.ways[: len(FIRST_WHEN_ACUTE)]) != FIRST_WHEN_ACUTE:
            where = ("outcomes", Concern.ACUTE_DANGER, asker, "steps")
            raise BadContent(where, f"begin with {', '.join(FIRST_WHEN_ACUTE)}")
    return found


def _outcome(said: Any, where: Where) -> Outcome:  # noqa: ANN401 - as above
    given = mapping(said, where, ("title", "text", "steps"))
    ways = []
    for place, one in enumerate(items(given["steps"], (*where, "steps"))):
        at = (*where, "steps", place)
        way = mapping(one, at, ("to", "text"))
        ways.append(Way(sentence(way["to"], (*at, "to")), words(way["text"], (*at, "text"))))
    return Outcome(
        words(given["title"], (*where, "title")), words(given["text"], (*where, "text")), tuple(ways)
    )


def _guidance(said: Any) -> Mapping[Asker, Guidance]:  # noqa: ANN401 - as above
    found = {}
    for asker, one in _by(Asker, said, ("guidance",)):
        given = mapping(one, ("guidance", asker), ("do", "avoid"))
        do, avoid = lists(given["do"], ("guidance", asker, "do")), given["avoid"]
        found[asker] = Guidance(do, lists(avoid, ("guidance", asker, "avoid")))
    return found

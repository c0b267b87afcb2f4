"""Decisions about counters: which cells are told, so that not even totals point at one person."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from statistics import median

from api.pathways.model.content import PathwayContent
from api.pathways.model.counters import (
    FLOOR,
    TOTAL,
    BadQuarter,
    Cells,
    Counters,
    DueStep,
    Measure,
    Offer,
    Quarter,
)

Key = tuple[str, str]
Node = tuple[str, str]
"""A row or a column: which of both, and its name."""
CONTACT_STEP = 3
"""Its kinds of agency are those of fixed contacts."""
_QUARTER = re.compile(r"(20\d\d)-Q([1-4])")


def parse_quarter(text: str, now: datetime) -> Quarter:
    """Return the quarter that a text such as `2026-Q3` names; raises BadQuarter unless it is over."""
    match = _QUARTER.fullmatch(text)
    if match is None:
        raise BadQuarter("There is no such quarter.", {"quarter": ["Give one such as 2026-Q3."]})
    year, number = int(match[1]), int(match[2])
    since = datetime(year, 3 * number - 2, 1, tzinfo=UTC)
    until = datetime(year + number // 4, 3 * number % 12 + 1, 1, tzinfo=UTC)
    if now < until:
        fault = "Must be over: what is counted day by day would tell each day's difference."
        raise BadQuarter("This quarter cannot be told yet.", {"quarter": [fault]})
    return Quarter(year, number, since, until)


def grid(content: PathwayContent, measure: Measure) -> set[Key]:
    """Return which cells there can be at all: those that the content rules out tell nothing by being absent.

    An offer goes to a kind that its step names; what is late or has no place may be with the fixed contact.
    """
    more = () if measure in {Measure.OFFERED, Measure.ACCEPTED} else content.steps[CONTACT_STEP].kinds
    return {(str(step.number), kind.value) for step in content.steps for kind in {*step.kinds, *more}}


def count(
    quarter: Quarter, content: PathwayContent, offers: Iterable[Offer], steps: Iterable[DueStep]
) -> Counters:
    """Return the counters of a quarter with everything hidden that could point at one person."""
    counted: dict[Measure, Counter[Key]] = {measure: Counter() for measure in Measure}
    waited: dict[Key, list[float]] = {}
    for offer in offers:
        key = (offer.step, offer.kind)
        counted[Measure.OFFERED][key] += 1
        counted[Measure.NO_PLACE][key] += offer.is_no_place
        if offer.waited_minutes is not None:
            counted[Measure.ACCEPTED][key] += 1
            for place in (key, (offer.step, TOTAL)):
                waited.setdefault(place, []).append(offer.waited_minutes)
    for step in steps:
        counted[Measure.LATE][step.step, step.kind] += step.is_late
        counted[Measure.NO_PLACE][step.step, step.kind] += step.is_no_place
    cells = {
        measure: told(dict.fromkeys(grid(content, measure), 0) | numbers)
        for measure, numbers in counted.items()
    }
    accepted = cells[Measure.ACCEPTED]
    medians = {key: median(found) for key, found in waited.items() if accepted[key] is not None}
    return Counters(quarter, cells, medians)


def told(numbers: Mapping[Key, int]) -> Cells:
    """Return the cells with their totals, each None that may not be told.

    `numbers` has every cell that there can be, zeros included. Hidden are cells under FLOOR, and then as many
    others, totals before cells and the smallest first, until no hidden cell can be
    worked out from the totals: in the graph whose nodes are rows and columns (totals among them) and whose
    edges are the hidden cells, none is a bridge; and no line's hidden cells together are under FLOOR, for of
    few the totals would tell that most are zero.
    """
    full = with_totals(numbers)
    hidden = {key for key, number in full.items() if number < FLOOR}
    while (key := _next_to_hide(full, hidden)) is not None:
        hidden.add(key)
    return {key: None if key in hidden else number for key, number in full.items()}


def _worth(full: Mapping[Key, int], key: Key) -> tuple[int, int, Key]:
    return (-key.count(TOTAL), full[key], key)


def with_totals(numbers: Mapping[Key, int]) -> dict[Key, int]:
    """Return the cells and the totals of their rows and columns."""
    full: Counter[Key] = Counter()
    for (row, column), number in numbers.items():
        for key in ((row, column), (row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
            full[key] += number
    return dict(full)


def _next_to_hide(full: Mapping[Key, int], hidden: set[Key]) -> Key | None:
    """Return a cell that has to be hidden too, or None when no hidden cell can be worked out."""
    told = full.keys() - hidden
    for place in (0, 1):
        for name in sorted({key[place] for key in told}):
            line = [key for key in full if key[place] == name]
            if _tells(full, hidden, line, 1 - place):
                return min(told.intersection(line), key=lambda key: _worth(full, key))
    beside = _beside(hidden)
    for bridge in sorted(hidden):
        if _is_bridge(beside, bridge):  # what shares its row or column first
            return min(told, key=lambda key: (not _touches(key, bridge), _worth(full, key)))
    return None


def _touches(one: Key, other: Key) -> bool:
    return one[0] == other[0] or one[1] == other[1]


def _tells(full: Mapping[Key, int], hidden: set[Key], line: list[Key], place: int) -> bool:
    """Say whether one line gives hidden cells away: one alone, or several that are few together."""
    away = [key for key in line if key in hidden]
    inner = [key for key in away if key[place] != TOTAL]
    is_total_told = len(inner) == len(away)
    return len(away) == 1 or (bool(inner) and is_total_told and sum(full[key] for key in inner) < FLOOR)


def _beside(hidden: set[Key]) -> dict[Node, set[Node]]:
    """Return of every row and column with hidden cells those that it shares one with."""
    beside: defaultdict[Node, set[Node]] = defaultdict(set)
    for row, column in hidden:
        beside["row", row].add(("column", column))
        beside["column", column].add(("row", row))
    return beside


def _is_bridge(beside: Mapping[Node, set[Node]], key: Key) -> bool:
    """Say whether row and column of a hidden cell hang together by it alone."""
    start, end = ("row", key[0]), ("column", key[1])
    reached, look = {start}, [start]
    while look:
        node = look.pop()
        for other in beside[node] - reached:
            if {node, other} != {start, end}:
                reached.add(other)
                look.append(other)
    return end not in reached

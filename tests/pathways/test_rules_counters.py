"""No counter, and no total of counters, tells a number under ten, not even by subtraction."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pathways.model.counters import FLOOR, TOTAL, BadQuarter, DueStep, Measure, Offer
from api.pathways.rules import counters as rules
from tests.pathways.cases import content

GRID = [(step, kind) for step in ("7", "8", "9", "10") for kind in ("police", "shelter", "medical")]
NUMBERS = st.fixed_dictionaries({key: st.integers(0, 60) for key in GRID})
HOLES = st.dictionaries(st.sampled_from(GRID), st.integers(0, 200), min_size=1)
"""Some cells cannot be at all."""


def is_determined(told: dict[tuple[str, str], int | None], key: tuple[str, str]) -> bool:
    """Whether the equations `cells of a line = its total` leave only one value for a hidden cell."""
    hidden = [one for one, number in told.items() if number is None]
    equations = []
    for place in (0, 1):
        for name in {one[place] for one in told}:
            line = [one for one in told if one[place] == name]
            signs = {one: -1.0 if one[1 - place] == TOTAL else 1.0 for one in line}
            equations.append([signs.get(one, 0.0) for one in hidden])
    matrix = np.array(equations)
    unit = np.array([[float(one == key) for one in hidden]])
    rank = np.linalg.matrix_rank
    return bool(rank(np.vstack([matrix, unit])) == rank(matrix))


@given(NUMBERS | HOLES)
def test_no_hidden_cell_can_be_worked_out_from_what_is_told(numbers: dict[tuple[str, str], int]) -> None:
    told = dict(rules.told(numbers))
    for key, number in told.items():
        if number is None:
            assert not is_determined(told, key)
        else:
            assert number >= FLOOR
            assert number == rules.with_totals(numbers)[key]


@given(NUMBERS | HOLES)
def test_of_no_line_do_the_hidden_cells_come_to_less_than_ten(numbers: dict[tuple[str, str], int]) -> None:
    full, told = rules.with_totals(numbers), rules.told(numbers)
    for place in (0, 1):
        for name in {key[place] for key in full}:
            line = [key for key in full if key[place] == name and key[1 - place] != TOTAL]
            total = (name, TOTAL) if place == 0 else (TOTAL, name)
            hidden = [key for key in line if told[key] is None]
            if hidden and told[total] is not None:
                assert sum(full[key] for key in hidden) >= FLOOR


def test_large_cells_are_all_told() -> None:
    numbers = {(step, kind): 20 for step in ("7", "8") for kind in ("police", "shelter")}
    assert rules.told(numbers) == rules.with_totals(numbers)
    assert rules.told(numbers)[TOTAL, TOTAL] == 80


def test_a_single_small_cell_hides_others_so_that_totals_do_not_give_it_away() -> None:
    numbers = dict.fromkeys(GRID, 20) | {("7", "police"): 3}
    told = rules.told(numbers)
    hidden = {key for key, number in told.items() if number is None}
    assert ("7", "police") in hidden
    assert len(hidden) >= 4
    assert len(hidden & set(GRID)) <= 4


def test_a_hidden_cell_that_alone_joins_two_groups_of_hidden_cells_is_no_way_to_work_it_out() -> None:
    """Every line of this table has two hidden cells or none, and yet the totals would tell one of them."""
    small = {("1", "a"), ("1", "b"), ("2", "a"), ("2", "b"), ("3", "c"), ("3", "d"), ("4", "c"), ("4", "d")}
    numbers = {(row, column): 50 for row in "1234" for column in "abcd"}
    numbers |= dict.fromkeys(small | {("2", "c")}, 6)
    told = dict(rules.told(numbers))
    assert [key for key, number in told.items() if number is None and is_determined(told, key)] == []
    assert len([key for key, number in told.items() if number is None]) > len(small) + 1


def test_where_nothing_happened_nothing_is_told() -> None:
    assert set(rules.told(dict.fromkeys(GRID, 0)).values()) == {None}


NOW = datetime(2026, 11, 25, tzinfo=UTC)


def test_counts_and_waiting_times_come_together() -> None:
    quarter = rules.parse_quarter("2026-Q3", NOW)
    offers = [Offer("10", "shelter", 30.0 + n, is_no_place=False) for n in range(11)]
    offers += [Offer("10", "shelter", None, is_no_place=True)] * 12
    offers += [Offer("8", "police", 5.0, is_no_place=False)] * 3
    steps = [DueStep("10", "shelter", is_late=True, is_no_place=False)] * 10
    steps += [DueStep("10", "shelter", is_late=False, is_no_place=True)]
    counted = rules.count(quarter, content(), offers, steps)
    assert counted.cells[Measure.LATE]["10", "shelter"] == 10
    assert counted.cells[Measure.LATE]["12", "advice_point"] is None
    assert ("8", "police") not in counted.waited_minutes
    whole = rules.count(quarter, content(), offers[:23], steps)
    assert whole.cells[Measure.OFFERED]["10", "shelter"] == 23
    assert whole.cells[Measure.NO_PLACE]["10", "shelter"] == 13
    assert whole.waited_minutes["10", "shelter"] == 35.0


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026-Q1", (2026, 1), (2026, 4)),
        ("2026-Q3", (2026, 7), (2026, 10)),
        ("2025-Q4", (2025, 10), (2026, 1)),
    ],
)
def test_a_quarter_is_three_months(text: str, since: tuple[int, int], until: tuple[int, int]) -> None:
    quarter = rules.parse_quarter(text, NOW)
    assert (quarter.since, quarter.until) == (
        datetime(*since, 1, tzinfo=UTC),
        datetime(*until, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "text", ["2026-Q4", "2027-Q1", "2026-Q5", "2026", "", "2026-q1", "1999-Q1", "2026-Q1\n"]
)
def test_a_quarter_that_is_not_over_or_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadQuarter) as caught:
        rules.parse_quarter(text, NOW)
    assert "quarter" in caught.value.fields

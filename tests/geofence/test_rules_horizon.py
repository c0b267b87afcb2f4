"""Nobody crosses the warning line unseen, however both move at the speed that is assumed."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.geofence.rules.horizon import STEPS_S, Reporting, is_to_be_told, safe_interval_s
from tests.factories import NOW
from tests.geofence.judged import LIMITS

SPEED = LIMITS.horizon_speed_m_s
SHORTEST_S, LONGEST_S = STEPS_S[0], STEPS_S[-1]


@pytest.mark.parametrize(
    ("gap_m", "age_s", "movers", "interval_s"),
    [
        (0.0, 0.0, 2, 15),
        (2 * SPEED * 60, 0.0, 2, 60),
        (2 * SPEED * 60 - 1, 0.0, 2, 30),
        (SPEED * 60, 0.0, 1, 60),
        (2 * SPEED * 60 + SPEED * 20, 20.0, 2, 60),
        (2 * SPEED * 60 + SPEED * 20, 21.0, 2, 30),
        (1e7, 0.0, 2, 600),
        (1e3, 1e4, 2, 15),
    ],
)
def test_the_interval_is_the_longest_step_in_which_the_gap_cannot_be_covered(
    gap_m: float, age_s: float, movers: int, interval_s: int
) -> None:
    assert safe_interval_s(gap_m, age_s, movers, LONGEST_S, LIMITS) == interval_s


def test_no_order_asks_for_more_than_it_allows() -> None:
    assert safe_interval_s(1e7, 0.0, 2, 120.0, LIMITS) == 120
    assert safe_interval_s(1e7, 0.0, 2, 1.0, LIMITS) == SHORTEST_S


SPEEDS = st.lists(st.tuples(st.integers(1, 900), st.floats(-1.0, 1.0)), min_size=1, max_size=12)
"""How somebody moves along the line between them: so many seconds at such a part of the assumed speed."""


class Mover:
    """Somebody on a line whose device reports when it was told to."""

    def __init__(self, place_m: float, ways: list[tuple[int, float]], towards: int) -> None:
        self._steps = [towards * part * SPEED for took_s, part in ways for _ in range(took_s)]
        self._start_m = place_m
        self.reported_s, self.reported_m, self.next_s, self.interval_s = 0, place_m, 0, SHORTEST_S

    def at(self, second: int) -> float:
        return self._start_m + sum(self._steps[:second])

    def report(self, now_s: int, other: "Mover") -> None:
        self.reported_s, self.reported_m = now_s, self.at(now_s)
        gap_m = max(0.0, abs(self.reported_m - other.reported_m))
        self.interval_s = safe_interval_s(gap_m, now_s - other.reported_s, 2, LONGEST_S, LIMITS)
        self.next_s = now_s + self.interval_s


@given(st.floats(0, 80_000), SPEEDS, SPEEDS, st.integers(0, 14))
@settings(deadline=None, max_examples=60)
def test_nobody_crosses_the_line_between_two_reports_that_are_not_the_densest(
    gap_m: float, his: list[tuple[int, float]], hers: list[tuple[int, float]], offset_s: int
) -> None:
    """The gap is to the warning line: 0 is the line. In a stretch longer than the shortest it stays open."""
    wearer, protected = Mover(0.0, his, 1), Mover(gap_m, hers, -1)
    protected.next_s = offset_s
    for second in range(min(1500, sum(took for took, _ in his + hers))):
        for one, other in ((wearer, protected), (protected, wearer)):
            if second == one.next_s:
                one.report(second, other)
        open_m = protected.at(second) - wearer.at(second)
        if open_m < -1e-6:
            for one in (wearer, protected):
                assert one.interval_s == SHORTEST_S or one.reported_s == second
            return


def test_a_device_is_told_once_and_again_when_it_goes_on_as_before() -> None:
    told = Reporting(60, NOW)
    assert is_to_be_told(None, 60, None, NOW)
    assert is_to_be_told(told, 30, None, NOW)
    assert not is_to_be_told(told, 60, 60.0, NOW + timedelta(hours=1))
    assert not is_to_be_told(told, 60, None, NOW + timedelta(hours=1))
    assert not is_to_be_told(told, 60, 300.0, NOW + timedelta(seconds=59))
    assert is_to_be_told(told, 60, 300.0, NOW + timedelta(seconds=60))

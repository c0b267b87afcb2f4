"""What a limit may be, and what an order may have of its own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.geofence.model import BadLimits, Limits
from api.geofence.rules.limits import BOUNDS, NOT_MORE_THAN, Scope, is_counted, limits_of, with_values

HOUSE = Limits()
PER_ORDER = [name for name, bounds in BOUNDS.items() if bounds.scope is Scope.ORDER]
NOT_PER_ORDER = [name for name in BOUNDS if name not in PER_ORDER]


def fault_of(
    values: dict[str, Any], *, base: Limits = HOUSE, per_order: bool = False
) -> dict[str, list[str]]:
    with pytest.raises(BadLimits) as bad:
        with_values(base, values, per_order=per_order)
    return bad.value.fields


def test_the_defaults_lie_within_their_bounds_and_hold_together() -> None:
    values = {name: getattr(HOUSE, name) for name in BOUNDS}
    assert with_values(HOUSE, values) == HOUSE


def test_what_is_given_is_changed_and_nothing_else() -> None:
    changed = with_values(HOUSE, {"silence_s": 300, "confirm_window": 5.0})
    assert (changed.silence_s, changed.confirm_window) == (300.0, 5)
    assert isinstance(changed.silence_s, float)
    assert isinstance(changed.confirm_window, int)
    assert with_values(changed, {"silence_s": 600.0, "confirm_window": 3}) == HOUSE


def test_no_change_is_the_house_s() -> None:
    assert with_values(HOUSE, {}) == HOUSE


@pytest.mark.parametrize("name", BOUNDS)
def test_what_is_beyond_the_bounds_is_refused(name: str) -> None:
    bounds = BOUNDS[name]
    for beyond in (bounds.low - 1, bounds.high + 1):
        assert fault_of({name: beyond}) == {
            name: [f"Must be from {bounds.low:.10g} to {bounds.high:.10g} ({bounds.unit})."]
        }


@pytest.mark.parametrize("edge", ["low", "high"])
def test_all_bounds_of_one_side_are_allowed_where_they_hold_together(edge: str) -> None:
    values = {name: getattr(bounds, edge) for name, bounds in BOUNDS.items()}
    contrary = {less for less, more in NOT_MORE_THAN if values[less] > values[more]}
    allowed = {name: value for name, value in values.items() if name not in contrary}
    roomy = {less: BOUNDS[less].low for less, _more in NOT_MORE_THAN}
    changed = with_values(HOUSE, roomy | allowed)
    assert {name: getattr(changed, name) for name in allowed} == allowed


@pytest.mark.parametrize("value", ["300", None, True, [300], {}])
def test_what_is_no_number_is_refused(value: Any) -> None:
    assert fault_of({"silence_s": value}) == {"silence_s": ["Must be a number from 60 to 14400 (s)."]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_a_number_that_says_nothing_is_out_of_range(value: Any) -> None:
    assert fault_of({"silence_s": value}) == {"silence_s": ["Must be from 60 to 14400 (s)."]}


def test_what_is_counted_is_a_whole_number() -> None:
    assert fault_of({"leave_fixes": 2.5}) == {"leave_fixes": ["Must be a whole number from 1 to 10 (fixes)."]}


@pytest.mark.parametrize(("name", "meant"), [("silense_s", "silence_s"), ("silence", "silence_s")])
def test_a_name_that_is_not_known_is_told_with_the_nearest_that_is(name: str, meant: str) -> None:
    assert fault_of({name: 1}) == {name: [f"There is no such limit; the nearest is {meant}."]}


def test_even_a_name_that_is_like_none_is_told_with_one() -> None:
    (fault,) = fault_of({"": 1})[""]
    assert fault.removesuffix(".").split()[-1] in BOUNDS


@pytest.mark.parametrize(
    ("values", "name", "fault"),
    [
        (
            {"confirm_fixes": 4},
            "confirm_fixes",
            "confirm_fixes (4) must not be more than confirm_window (3).",
        ),
        (
            {"confirm_window": 1},
            "confirm_window",
            "confirm_fixes (2) must not be more than confirm_window (1).",
        ),
        ({"silence_s": 60}, "silence_s", "near_silence_s (120) must not be more than silence_s (60)."),
        (
            {"battery_low_pct": 20, "battery_critical_pct": 30},
            "battery_critical_pct",
            "battery_critical_pct (30) must not be more than battery_low_pct (20).",
        ),
        (
            {"leave_band_min_m": 60},
            "leave_band_min_m",
            "leave_band_min_m (60) must not be more than leave_band_max_m (50).",
        ),
        (
            {"reach_speed_m_s": 71},
            "reach_speed_m_s",
            "reach_speed_m_s (71) must not be more than max_speed_m_s (70).",
        ),
    ],
)
def test_limits_that_contradict_each_other_are_refused(values: dict[str, Any], name: str, fault: str) -> None:
    assert fault_of(values) == {name: [fault]}


def test_every_fault_is_told_at_once() -> None:
    assert set(fault_of({"silence_s": 1, "speed": 1, "leave_s": 60})) == {"silence_s", "speed"}


@pytest.mark.parametrize("name", PER_ORDER)
def test_what_judges_an_order_may_be_its_own(name: str) -> None:
    assert with_values(HOUSE, {name: getattr(HOUSE, name)}, per_order=True) == HOUSE


@pytest.mark.parametrize("name", NOT_PER_ORDER)
def test_what_judges_devices_or_the_house_may_not_differ_per_order(name: str) -> None:
    (fault,) = fault_of({name: getattr(HOUSE, name)}, per_order=True)[name]
    assert fault.startswith("Cannot differ per order: it ")
    assert ("device" in fault) is (BOUNDS[name].scope is Scope.DEVICE)


@pytest.mark.parametrize(
    "name",
    ["late_s", "future_s", "ancient_s", "system_silence_s", "max_speed_m_s", "segment_max_s"],
)
def test_what_makes_evidence_comparable_is_the_house_s(name: str) -> None:
    assert name in NOT_PER_ORDER


def test_an_order_s_limits_that_the_house_s_contradict_are_left_aside() -> None:
    own = {"silence_s": 100, "near_silence_s": 100}
    assert limits_of(HOUSE, own) == with_values(HOUSE, own)
    assert limits_of(HOUSE, {"silence_s": 100}) == HOUSE
    assert limits_of(HOUSE, {"a limit of an older version": 1}) == HOUSE


def _within(name: str) -> st.SearchStrategy[Any]:
    bounds = BOUNDS[name]
    if is_counted(name):
        return st.integers(int(bounds.low), int(bounds.high))
    return st.floats(bounds.low, bounds.high)


anything = st.dictionaries(
    st.sampled_from([*BOUNDS, "speed"]),
    st.one_of(st.floats(), st.integers(), st.booleans(), st.text(max_size=3), st.none()),
    max_size=4,
)
one_right = st.sampled_from(list(BOUNDS)).flatmap(lambda name: st.tuples(st.just(name), _within(name)))
right = st.lists(one_right, max_size=6).map(dict)


def outcome(values: dict[str, Any], *, per_order: bool) -> Limits | dict[str, list[str]]:
    try:
        return with_values(HOUSE, values, per_order=per_order)
    except BadLimits as bad:
        return bad.fields


@given(st.one_of(anything, right), st.booleans())
def test_what_is_accepted_is_within_bounds_and_holds_together(
    values: dict[str, Any], per_order: bool
) -> None:
    got = outcome(values, per_order=per_order)
    if isinstance(got, dict):
        assert got
        assert all("\n" not in said for (said,) in got.values())
        return
    assert all(bounds.low <= getattr(got, name) <= bounds.high for name, bounds in BOUNDS.items())
    assert all(getattr(got, less) <= getattr(got, more) for less, more in NOT_MORE_THAN)
    assert all(getattr(got, name) == getattr(HOUSE, name) for name in BOUNDS if name not in values)

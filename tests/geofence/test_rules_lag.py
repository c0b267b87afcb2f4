"""When all of them are late it is we who are behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.geofence.rules.lag import LEAST_DEVICES, is_lagging
from tests.geofence.judged import LIMITS

AGES = st.lists(st.floats(0, 600), max_size=12)


@pytest.mark.parametrize(
    ("ages_s", "was_lagging", "lags"),
    [
        ([31.0] * 5, False, True),
        ([30.0] * 5, False, False),
        ([31.0] * 4, False, False),
        ([31.0] * 3 + [1.0] * 2, False, True),
        ([31.0] * 2 + [1.0] * 3, False, False),
        ([16.0] * 5, True, True),
        ([15.0] * 5, True, False),
        ([16.0], True, True),
        ([1.0], True, False),
        ([], True, True),
        ([], False, False),
    ],
)
def test_intake_lags_when_half_of_the_devices_are_late(
    ages_s: list[float], was_lagging: bool, lags: bool
) -> None:
    assert is_lagging(ages_s, LIMITS, was_lagging=was_lagging) is lags


@given(AGES, st.booleans())
def test_a_single_late_device_is_no_lag_of_ours(ages_s: list[float], was_lagging: bool) -> None:
    if sum(age > LIMITS.intake_lag_s / 2 for age in ages_s) < LEAST_DEVICES / 2:
        late = is_lagging(ages_s, LIMITS, was_lagging=False)
        assert not late
    if is_lagging(ages_s, LIMITS, was_lagging=False):
        assert is_lagging(ages_s, LIMITS, was_lagging=True)
    assert isinstance(is_lagging(ages_s, LIMITS, was_lagging=was_lagging), bool)

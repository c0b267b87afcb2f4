"""Laws of orders."""

import math
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.config import SHARD_COUNT
from api.orders.model import MAX_RADIUS_M, MIN_RADIUS_M, BadOrder
from api.orders.rules import check_change, check_order, has_ended, is_in_force, shard_of
from tests.factories import NOW, make_order
from tests.orders.register import make_draft

SOON = timedelta(seconds=1)
seconds = st.integers(-1_000_000, 1_000_000).map(lambda s: timedelta(seconds=s))


def test_the_first_moment_is_in_force_and_the_last_is_not() -> None:
    order = make_order(valid_from=NOW, valid_until=NOW + SOON)
    assert is_in_force(order, NOW)
    assert not is_in_force(order, NOW - timedelta(microseconds=1))
    assert not is_in_force(order, NOW + SOON)


def test_a_revoked_order_is_over_at_once() -> None:
    order = make_order(revoked_at=NOW)
    assert not is_in_force(order, NOW)
    assert is_in_force(order, NOW - SOON)


@given(seconds, st.none() | seconds, st.none() | seconds, seconds, seconds)
def test_what_has_ended_stays_ended(
    start: timedelta, end: timedelta | None, revoked: timedelta | None, at: timedelta, later: timedelta
) -> None:
    order = make_order(
        valid_from=NOW + start,
        valid_until=None if end is None else NOW + end,
        revoked_at=None if revoked is None else NOW + revoked,
    )
    if has_ended(order, NOW + at):
        assert has_ended(order, NOW + at + abs(later))
        assert not is_in_force(order, NOW + at + abs(later))


@given(seconds, seconds)
def test_revoking_never_puts_an_order_into_force(revoked: timedelta, at: timedelta) -> None:
    order = make_order(valid_from=NOW)
    if is_in_force(replace(order, revoked_at=NOW + revoked), NOW + at):
        assert is_in_force(order, NOW + at)


def test_a_good_order_holds_together() -> None:
    check_order(make_draft())
    check_order(make_draft(alert_radius_m=MIN_RADIUS_M, warning_radius_m=MIN_RADIUS_M))
    check_order(make_draft(alert_radius_m=MAX_RADIUS_M, warning_radius_m=MAX_RADIUS_M))


_ONE = uuid.UUID(int=1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"valid_until": NOW - timedelta(days=1)}, "valid_until"),
        ({"valid_until": NOW - timedelta(days=2)}, "valid_until"),
        ({"alert_radius_m": MIN_RADIUS_M - 0.01}, "alert_radius_m"),
        ({"warning_radius_m": MAX_RADIUS_M + 1}, "warning_radius_m"),
        ({"alert_radius_m": 1000.0, "warning_radius_m": 999.9}, "warning_radius_m"),
        ({"alert_radius_m": math.nan}, "alert_radius_m"),
        ({"warning_radius_m": math.inf}, "warning_radius_m"),
        ({"protected_person_ids": ()}, "protected_person_ids"),
        ({"protected_person_ids": (_ONE, _ONE)}, "protected_person_ids"),
        ({"protected_person_ids": (_ONE,), "wearer_id": _ONE}, "protected_person_ids"),
    ],
)
def test_what_does_not_hold_together_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadOrder) as refusal:
        check_order(make_draft(**change))
    assert list(refusal.value.fields) == [field]


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(BadOrder) as refusal:
        check_order(make_draft(alert_radius_m=1.0, warning_radius_m=1.0, protected_person_ids=()))
    assert set(refusal.value.fields) == {"alert_radius_m", "warning_radius_m", "protected_person_ids"}


@pytest.mark.parametrize("change", [{"wearer_id": _ONE}, {"exercise": False}])
def test_an_order_keeps_its_wearer_and_its_kind(change: dict[str, Any]) -> None:
    seen = make_order(exercise=True)
    draft = make_draft(wearer_id=seen.wearer_id, exercise=True)
    check_change(seen, draft)
    with pytest.raises(BadOrder) as refusal:
        check_change(seen, replace(draft, **change))
    assert list(refusal.value.fields) == list(change)


@given(st.uuids())
def test_every_device_has_a_shard(device_id: uuid.UUID) -> None:
    assert 0 <= shard_of(device_id) < SHARD_COUNT


def test_devices_fill_the_shards_alike() -> None:
    counts = [0] * SHARD_COUNT
    for _ in range(64_000):
        counts[shard_of(uuid.uuid4())] += 1
    assert min(counts) > 700

"""Laws of exemptions: bounded, about one order, and never of what was before anybody agreed."""

import math
import uuid
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.geo import Point
from api.orders.model import AgreedPlace, BadExemption, ExemptionKind
from api.orders.rules import check_exemption, covers_subject, is_exempt_at
from tests.factories import NOW, make_exemption, make_exemption_draft, make_order

ORDER = make_order()
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
seconds = st.integers(-1_000_000, 1_000_000).map(lambda s: timedelta(seconds=s))


def faults_of(now: datetime = NOW, **more: Any) -> set[str]:
    """The fields that are found at fault."""
    try:
        check_exemption(make_exemption_draft(**more), ORDER, now)
    except BadExemption as refusal:
        return set(refusal.fields)
    return set()


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({}, set()),
        ({"reason": "x" * 500}, set()),
        ({"reason": "x" * 501}, {"reason"}),
        ({"reason": " "}, {"reason"}),
        ({"person_ids": ORDER.protected_person_ids}, set()),
        ({"person_ids": (uuid.uuid4(),)}, {"person_ids"}),
        ({"person_ids": ORDER.protected_person_ids * 2}, {"person_ids"}),
        ({"zone_ids": (uuid.uuid4(), uuid.uuid4())}, set()),
        ({"zone_ids": (UUID(int=1), UUID(int=1))}, {"zone_ids"}),
        ({"place": AgreedPlace(Point(52.0, 4.5), 50.0)}, set()),
        ({"place": AgreedPlace(Point(-90.0, 180.0), 50_000.0)}, set()),
        ({"place": AgreedPlace(Point(52.0, 4.5), 49.9)}, {"place"}),
        ({"place": AgreedPlace(Point(52.0, 4.5), 50_000.1)}, {"place"}),
        ({"place": AgreedPlace(Point(52.0, 4.5), math.nan)}, {"place"}),
        ({"place": AgreedPlace(Point(90.1, 4.5), 500.0)}, {"place"}),
        ({"place": AgreedPlace(Point(52.0, -180.1), 500.0)}, {"place"}),
        ({"place": AgreedPlace(Point(math.nan, 4.5), 500.0)}, {"place"}),
        ({"valid_until": NOW}, {"valid_until"}),
        ({"valid_from": NOW - 2 * HOUR, "valid_until": NOW}, {"valid_until"}),
        ({"valid_from": NOW - 2 * HOUR, "valid_until": NOW + TICK}, set()),
        ({"valid_from": NOW + HOUR, "valid_until": NOW + HOUR}, {"valid_until"}),
        ({"reason": "", "valid_until": NOW}, {"reason", "valid_until"}),
    ],
)
def test_every_field_at_fault_is_named(more: dict[str, Any], fields: set[str]) -> None:
    assert faults_of(**more) == fields


@pytest.mark.parametrize(
    ("kind", "longest"),
    [(kind, timedelta(days=31 if kind is ExemptionKind.CUSTODY else 1)) for kind in ExemptionKind],
)
def test_an_exemption_lasts_a_day_and_custody_31(kind: ExemptionKind, longest: timedelta) -> None:
    assert faults_of(kind=kind, valid_until=NOW + longest) == set()
    assert faults_of(kind=kind, valid_until=NOW + longest + TICK) == {"valid_until"}


def test_the_first_moment_is_exempt_and_the_last_is_not() -> None:
    exemption = make_exemption(valid_from=NOW, valid_until=NOW + HOUR)
    assert [is_exempt_at(exemption, NOW + at) for at in (-TICK, 0 * TICK, HOUR - TICK, HOUR)] == [
        False,
        True,
        True,
        False,
    ]


def test_one_that_was_ended_covers_what_was_before_and_nothing_after() -> None:
    exemption = make_exemption(valid_until=NOW + HOUR, ended_at=NOW + HOUR / 2)
    assert is_exempt_at(exemption, NOW + HOUR / 2 - TICK)
    assert not is_exempt_at(exemption, NOW + HOUR / 2)
    assert not is_exempt_at(make_exemption(valid_from=NOW + HOUR, ended_at=NOW), NOW + HOUR)


def test_what_was_before_anybody_agreed_is_never_exempt() -> None:
    exemption = make_exemption(valid_from=NOW - HOUR, created_at=NOW)
    assert not is_exempt_at(exemption, NOW - TICK)
    assert is_exempt_at(exemption, NOW)


@given(seconds, seconds, seconds, st.none() | seconds, seconds)
def test_ending_and_entering_late_only_ever_take_cover_away(
    start: timedelta, end: timedelta, entered: timedelta, ended: timedelta | None, at: timedelta
) -> None:
    times = {"valid_from": NOW + start, "valid_until": NOW + end}
    exemption = make_exemption(
        **times, created_at=NOW + entered, ended_at=None if ended is None else NOW + ended
    )
    if is_exempt_at(exemption, NOW + at):
        assert NOW + start <= NOW + at < NOW + end
        assert entered <= at
        assert ended is None or at < ended


ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("named", "zone_id", "person_id", "is_covered"),
    [
        ({}, None, None, True),
        ({}, ONE, None, True),
        ({}, None, ONE, True),
        ({"person_ids": (ONE,)}, None, ONE, True),
        ({"person_ids": (ONE,)}, None, TWO, False),
        ({"person_ids": (ONE,)}, None, None, False),
        ({"person_ids": (ONE,)}, TWO, None, False),
        ({"zone_ids": (ONE,)}, ONE, None, True),
        ({"zone_ids": (ONE,)}, TWO, None, False),
        ({"zone_ids": (ONE,)}, None, None, False),
        ({"zone_ids": (ONE,)}, None, TWO, False),
        ({"person_ids": (ONE,), "zone_ids": (TWO,)}, TWO, None, True),
        ({"person_ids": (ONE,), "zone_ids": (TWO,)}, None, ONE, True),
    ],
)
def test_what_names_nothing_covers_all_and_what_names_something_only_that(
    named: dict[str, Any], zone_id: UUID | None, person_id: UUID | None, is_covered: bool
) -> None:
    assert covers_subject(make_exemption(**named), zone_id, person_id) is is_covered

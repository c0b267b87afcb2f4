"""How long a device may be missed, and what its silence may hide."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.alerts.model import EventKind, Sighting
from api.geofence.model import Limits
from api.geofence.rules.contact import (
    Contact,
    Missing,
    contact_restored,
    is_back,
    is_worse,
    judge_contact,
    lost_contact,
    next_due,
    reach_m,
    silence_limit_s,
)
from api.orders.model import Party
from tests.factories import NOW, PLACE
from tests.geofence.judged import LIMITS, moment

ORDER, DEVICE, PERSON = UUID(int=1), UUID(int=2), UUID(int=3)
SPEED = LIMITS.reach_speed_m_s
VERY_FAR = 1e6


def contact(
    heard_s: float | None = 0.0,
    placed_s: float | None = 0.0,
    watched_s: float = -9000.0,
    outage_s: float | None = None,
    gap_m: float | None = VERY_FAR,
    party: Party = Party.WEARER,
    interval_s: float = 0.0,
) -> Contact:
    moments = [None if s is None else moment(s) for s in (heard_s, placed_s, outage_s)]
    return Contact(party, moments[0], moments[1], moment(watched_s), moments[2], gap_m, interval_s)


def missing(now_s: float, **more: Any) -> Missing | None:
    return judge_contact(contact(**more), moment(now_s), LIMITS)


@pytest.mark.parametrize(("now_s", "found"), [(0, None), (600, None), (601, Missing.SILENT)])
def test_far_away_a_device_is_missed_after_ten_minutes(now_s: float, found: Missing | None) -> None:
    assert missing(now_s) is found


@pytest.mark.parametrize(
    ("gap_m", "limit_s"),
    [
        (0.0, 120.0),
        (120.0 * SPEED, 120.0),
        (300.0 * SPEED, 300.0),
        (600.0 * SPEED, 600.0),
        (VERY_FAR, 600.0),
        (None, 600.0),
    ],
)
def test_he_may_be_missed_as_long_as_it_takes_to_come_near(gap_m: float | None, limit_s: float) -> None:
    assert silence_limit_s(contact(gap_m=gap_m), LIMITS) == pytest.approx(limit_s)


def test_her_device_may_sleep_for_five_minutes() -> None:
    assert silence_limit_s(contact(gap_m=0.0, party=Party.PROTECTED), LIMITS) == LIMITS.partner_stale_s


def test_a_device_told_to_report_rarely_is_given_that_time() -> None:
    assert silence_limit_s(contact(gap_m=0.0, interval_s=300.0), LIMITS) == 300.0 + LIMITS.overdue_s
    assert silence_limit_s(contact(gap_m=0.0, interval_s=15.0), LIMITS) == LIMITS.near_silence_s


def test_silence_that_he_can_have_used_to_come_near_is_worse() -> None:
    assert missing(121, gap_m=0.0) is Missing.REACHES
    assert missing(600, gap_m=700 * SPEED) is None
    assert missing(699, gap_m=700 * SPEED) is Missing.SILENT
    assert missing(701, gap_m=700 * SPEED) is Missing.REACHES
    assert missing(9_000, gap_m=0.0, party=Party.PROTECTED) is Missing.SILENT
    assert missing(9_000, gap_m=None) is Missing.SILENT


def test_a_device_heard_without_a_position_is_missed_too() -> None:
    assert missing(601, heard_s=600.0) is Missing.NO_POSITION
    assert missing(601, heard_s=600.0, placed_s=None, watched_s=0.0) is Missing.NO_POSITION
    assert missing(121, heard_s=120.0, gap_m=0.0) is Missing.REACHES


@pytest.mark.parametrize(("now_s", "is_missed"), [(600, False), (601, True)])
def test_a_device_never_heard_is_missed_from_when_it_is_watched(now_s: float, is_missed: bool) -> None:
    found = missing(now_s, heard_s=None, placed_s=None, watched_s=0.0, gap_m=None)
    assert (found is not None) is is_missed


def test_an_outage_of_ours_is_not_counted_and_makes_nobody_heard() -> None:
    assert missing(1100, outage_s=500.0) is None
    assert missing(1101, outage_s=500.0) is not None
    assert not is_back(contact(outage_s=1000.0), moment(1001), LIMITS)


def test_back_is_heard_and_placed() -> None:
    assert is_back(contact(), moment(600), LIMITS)
    assert not is_back(contact(), moment(601), LIMITS)
    assert not is_back(contact(placed_s=None), moment(1), LIMITS)
    assert not is_back(contact(heard_s=None, placed_s=None), moment(1), LIMITS)


def test_only_what_is_worse_is_told_again() -> None:
    assert is_worse(None, Missing.SILENT)
    assert is_worse(Missing.SILENT, Missing.REACHES)
    assert is_worse(Missing.NO_POSITION, Missing.REACHES)
    assert not is_worse(Missing.REACHES, Missing.REACHES)
    assert not is_worse(Missing.SILENT, Missing.NO_POSITION)
    assert not is_worse(Missing.REACHES, Missing.SILENT)


def test_the_reach_grows_with_the_age_of_the_position() -> None:
    assert reach_m(contact(), moment(100), LIMITS) == pytest.approx(100 * SPEED)
    assert reach_m(contact(placed_s=None), moment(100), LIMITS) == 0.0
    assert reach_m(contact(placed_s=5.0), moment(0), LIMITS) == 0.0  # a clock that is a little ahead


MOMENTS = st.none() | st.integers(-500, 3000)
CONTACTS = st.builds(
    contact,
    heard_s=MOMENTS,
    placed_s=MOMENTS,
    watched_s=st.integers(-500, 3000),
    outage_s=MOMENTS,
    gap_m=st.none() | st.floats(0, 60_000),
    party=st.sampled_from(Party),
    interval_s=st.sampled_from([0.0, 15.0, 600.0]),
)


@given(CONTACTS, st.integers(0, 5000), st.integers(0, 5000))
@settings(deadline=None)
def test_what_is_missed_stays_missed_until_something_arrives(
    known: Contact, now_s: int, later_s: int
) -> None:
    found = judge_contact(known, moment(now_s), LIMITS)
    later = judge_contact(known, moment(now_s + later_s), LIMITS)
    if found is not None:
        assert later is not None
        assert not is_back(known, moment(now_s), LIMITS) or found is Missing.NO_POSITION
    if found is Missing.REACHES:
        assert later is Missing.REACHES


@given(CONTACTS, st.integers(0, 5000), st.floats(0, 60_000))
@settings(deadline=None)
def test_nearer_is_never_told_later(known: Contact, now_s: int, nearer_m: float) -> None:
    if known.gap_m is not None and judge_contact(known, moment(now_s), LIMITS) is not None:
        near = msgspec.structs.replace(known, gap_m=min(nearer_m, known.gap_m))
        assert judge_contact(near, moment(now_s), LIMITS) is not None


@given(CONTACTS, st.integers(0, 5000))
@settings(deadline=None)
def test_within_its_limit_nothing_is_missed(known: Contact, now_s: int) -> None:
    limit = timedelta(seconds=silence_limit_s(known, LIMITS))
    if known.heard_at == known.placed_at and known.heard_at is not None:
        is_young = moment(now_s) - known.heard_at <= limit
        assert not (is_young and judge_contact(known, moment(now_s), LIMITS))


@given(CONTACTS, st.integers(0, 3000), st.integers(0, 3000))
@settings(deadline=None, max_examples=300)
def test_before_it_is_due_nothing_has_to_be_told(known: Contact, now_s: int, later_s: int) -> None:
    found = judge_contact(known, moment(now_s), LIMITS)
    due = next_due(known, found, moment(now_s), LIMITS)
    later = judge_contact(known, moment(now_s + later_s), LIMITS)
    if due is None or moment(now_s + later_s) < due:
        assert later is None or not is_worse(found, later)
    if found is None and due is not None and moment(now_s + later_s) > due + timedelta(seconds=1):
        assert later is not None


def test_the_limits_are_settings() -> None:
    short = Limits(silence_s=30.0, near_silence_s=10.0)
    assert judge_contact(contact(), moment(31), short) is Missing.SILENT
    assert judge_contact(contact(), moment(30), short) is None
    assert judge_contact(contact(gap_m=0.0), moment(11), short) is Missing.REACHES


def event_of(person_id: UUID | None, **more: Any) -> Any:
    seen = Sighting(DEVICE, PLACE, 8.0, NOW)
    missed = contact(gap_m=900.0, **more)
    return lost_contact(
        ORDER, DEVICE, person_id, Missing.SILENT, missed, seen, moment(700), LIMITS, exercise=True
    )


def test_his_silence_says_how_far_he_can_have_come() -> None:
    event = event_of(None)
    assert (event.kind, event.reason, event.wearer.point) == (EventKind.LOST_CONTACT, "silent", PLACE)
    assert (event.distance_m, event.reach_m) == (900.0, pytest.approx(700 * SPEED))
    assert (event.protected, event.protected_age_s, event.occurred_at) == (None, None, moment(700))
    assert event_of(None, placed_s=None).reach_m is None


def test_silence_of_her_device_says_whose_and_how_old_her_position_is() -> None:
    event = event_of(PERSON, placed_s=100.0, party=Party.PROTECTED)
    assert event.kind is EventKind.PROTECTED_DEVICE_DEGRADED
    assert (event.person_id, event.protected_age_s, event.reach_m) == (PERSON, 600.0, None)
    assert (event.wearer, event.protected.point) == (None, PLACE)


def test_the_return_tells_what_is_over() -> None:
    his = contact_restored(ORDER, DEVICE, None, "reaches", moment(900), exercise=False)
    hers = contact_restored(ORDER, DEVICE, PERSON, "silent", moment(900), exercise=False)
    assert (his.kind, his.reason) == (EventKind.CONTACT_RESTORED, "")
    assert (hers.kind, hers.reason) == (EventKind.CONDITION_ENDED, "protected_device_degraded:silent")

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.alerts.model import Event, EventKind
from api.geofence.model import Limits
from api.geofence.rules.contact import contact_restored, judge_silence, lost_contact
from tests.factories import NOW
from tests.geofence.judged import LIMITS, moment

ORDER, DEVICE, PERSON = UUID(int=1), UUID(int=2), UUID(int=3)
SECONDS = st.integers(0, 5000)


def is_silent(
    now_s: float, heard_s: float | None = 0.0, watched_s: float = -9000.0, outage_until_s: float | None = None
) -> bool:
    heard = None if heard_s is None else moment(heard_s)
    outage = None if outage_until_s is None else moment(outage_until_s)
    return judge_silence(heard, moment(watched_s), outage, moment(now_s), LIMITS)


@pytest.mark.parametrize(("now_s", "silent"), [(0, False), (599, False), (600, False), (601, True)])
def test_a_device_is_silent_after_ten_minutes_of_our_time(now_s: float, silent: bool) -> None:
    assert is_silent(now_s) is silent


@pytest.mark.parametrize(("now_s", "silent"), [(600, False), (601, True)])
def test_a_device_never_heard_is_silent_ten_minutes_after_it_is_watched(now_s: float, silent: bool) -> None:
    assert is_silent(now_s, heard_s=None, watched_s=0) is silent


def test_an_old_sign_of_life_does_not_make_a_device_silent_that_is_watched_since_a_minute_ago() -> None:
    assert not is_silent(60, heard_s=-80_000, watched_s=0)


@pytest.mark.parametrize(("now_s", "silent"), [(700, False), (1100, False), (1101, True)])
def test_an_outage_of_ours_is_not_counted_as_silence(now_s: float, silent: bool) -> None:
    assert is_silent(now_s, outage_until_s=500) is silent


def test_an_outage_before_the_last_word_changes_nothing() -> None:
    assert is_silent(601, outage_until_s=-100)
    assert not is_silent(600, outage_until_s=-100)


def test_the_limit_is_a_setting() -> None:
    assert judge_silence(NOW, NOW, None, moment(31), Limits(silence_s=30.0))
    assert not judge_silence(NOW, NOW, None, moment(30), Limits(silence_s=30.0))


@given(SECONDS, st.none() | SECONDS, SECONDS, st.none() | SECONDS, SECONDS)
@settings(deadline=None)
def test_silence_once_begun_lasts_and_a_later_word_never_makes_it_begin(
    now_s: int, heard_s: int | None, watched_s: int, outage_s: int | None, later_s: int
) -> None:
    if is_silent(now_s, heard_s, watched_s, outage_s):
        assert is_silent(now_s + later_s, heard_s, watched_s, outage_s)
    else:
        assert not is_silent(now_s, (heard_s or 0) + later_s, watched_s, outage_s)
        assert not is_silent(now_s, heard_s, watched_s + later_s, outage_s)
        assert not is_silent(now_s, heard_s, watched_s, (outage_s or 0) + later_s)


@pytest.mark.parametrize("exercise", [False, True])
def test_silence_and_its_end_are_events_of_the_moment_they_are_found(exercise: bool) -> None:
    begin = lost_contact(ORDER, DEVICE, None, moment(0), moment(700), exercise=exercise)
    end = contact_restored(ORDER, DEVICE, None, moment(900), exercise=exercise)
    common: dict[str, Any] = {"order_id": ORDER, "device_id": DEVICE, "exercise": exercise}
    assert begin == Event(kind=EventKind.LOST_CONTACT, occurred_at=NOW + timedelta(seconds=700), **common)
    assert end == Event(kind=EventKind.CONTACT_RESTORED, occurred_at=NOW + timedelta(seconds=900), **common)


def test_silence_of_her_device_says_whose_and_how_old_her_position_is() -> None:
    begin = lost_contact(ORDER, DEVICE, PERSON, moment(100), moment(800), exercise=True)
    assert (begin.person_id, begin.protected_age_s, begin.live) == (PERSON, 700.0, True)
    end = contact_restored(ORDER, DEVICE, PERSON, moment(900), exercise=True)
    assert (end.person_id, end.protected_age_s) == (PERSON, None)

"""Who made the distance shrink, how fast, and what that makes of an approach."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.alerts.model import Mover
from api.geofence.model import Fix, Presence, PresenceState
from api.geofence.rules.closing import (
    CLOSING_TOLD,
    closing_of,
    closing_reach_m,
    is_closing_fast,
    is_mild,
    next_closing,
)
from api.geofence.rules.loitering import after_contact
from api.geofence.rules.proximity import Pair
from api.geofence.rules.quality import Seen, see
from tests.geofence.judged import LIMITS, UNSEEN, PairDesk, fix_at, her_fix, moment, pair_tracks

WIDE = Pair(UUID(int=3), UUID(int=4), alert_radius_m=500.0, warning_radius_m=1000.0, exercise=True)


def walk(make: Any, start_m: float, speed_m_s: float, until_s: int, step_s: int = 15) -> list[Fix]:
    """Fixes of somebody who goes north (south if negative) from `start_m`, a fix each `step_s`."""
    return [make(t_s, start_m + speed_m_s * t_s) for t_s in range(0, until_s + 1, step_s)]


def seen_of(fixes: list[Fix]) -> Seen:
    seen: Seen | None = None
    for fix in fixes:
        seen = see(fix, seen, LIMITS)
    assert seen is not None
    return seen


def both(his: list[Fix], hers: list[Fix]) -> list[Fix]:
    """Their fixes in order of time; of two at one moment his is first."""
    return sorted([*his, *hers], key=lambda fix: (fix.fixed_at, fix.device_id != fix_at(0, 0).device_id))


def played(his: list[Fix], hers: list[Fix], pair: Pair = WIDE) -> PairDesk:
    return PairDesk(pair).take(*both(his, hers))


@pytest.mark.parametrize(
    ("his_m_s", "her_m_s", "mover"),
    [
        (1.4, 0.0, Mover.WEARER),
        (0.0, -1.4, Mover.PROTECTED),
        (1.4, -1.4, Mover.BOTH),
        (0.0, 0.0, Mover.NEITHER),
        (-1.4, 0.0, Mover.NEITHER),
        (20.0, 19.0, Mover.TRAFFIC),
        (20.0, 1.0, Mover.WEARER),
    ],
)
def test_the_closing_speed_is_split_into_his_part_and_hers(
    his_m_s: float, her_m_s: float, mover: Mover
) -> None:
    wearer, protected = seen_of(walk(fix_at, 0, his_m_s, 300)), seen_of(walk(her_fix, 9000, her_m_s, 300))
    found = closing_of(wearer, protected, 500.0, LIMITS)
    assert found is not None
    assert found.wearer_part_m_s == pytest.approx(his_m_s, abs=0.05)
    assert found.protected_part_m_s == pytest.approx(-her_m_s, abs=0.05)
    assert found.closing_m_s == pytest.approx(his_m_s - her_m_s, abs=0.1)
    assert found.mover is mover


def test_without_a_way_of_both_or_with_an_old_one_nothing_is_said_of_the_movement() -> None:
    walking, first = seen_of(walk(fix_at, 0, 1.4, 300)), see(her_fix(300, 900), None, LIMITS)
    assert closing_of(walking, first, 500.0, LIMITS) is None
    assert closing_of(first, walking, 500.0, LIMITS) is None
    old = seen_of(walk(her_fix, 900, 0.0, 150))
    assert closing_of(walking, old, 500.0, LIMITS) is None


def test_at_one_place_nobody_closes_in_on_anybody() -> None:
    wearer, protected = seen_of(walk(fix_at, 0, 1.0, 60)), seen_of(walk(her_fix, 60, 0.0, 60))
    found = closing_of(wearer, msgspec.structs.replace(protected, xyz=wearer.xyz), 500.0, LIMITS)
    assert found is not None
    assert (found.closing_m_s, found.eta_s, found.mover) == (0.0, None, Mover.NEITHER)


def test_the_time_to_the_alert_distance_is_distance_by_speed() -> None:
    wearer, protected = seen_of(walk(fix_at, 0, 10.0, 150)), seen_of(walk(her_fix, 5000, 0.0, 150))
    found = closing_of(wearer, protected, 500.0, LIMITS)
    assert found is not None
    assert found.eta_s == pytest.approx((5000 - 1500 - 500) / 10.0, rel=0.02)
    assert found.miss_m < 50


@pytest.mark.parametrize("start_m", [-6000, -3000])
def test_a_car_on_its_way_to_her_is_told_once_before_the_warning_radius(start_m: float) -> None:
    desk = played(walk(fix_at, start_m, 14.0, 195), walk(her_fix, 0, 0.0, 195))
    assert desk.told[0] == "closing_fast"
    assert desk.told.count("closing_fast") == 1
    event = desk.events[0]
    assert event.eta_s is not None
    assert 0 < event.eta_s <= LIMITS.closing_eta_s
    assert event.mover is Mover.WEARER


def test_a_walk_is_left_to_the_warning_radius() -> None:
    desk = played(walk(fix_at, -1300, 1.4, 600), walk(her_fix, 0, 0.0, 600))
    assert desk.told == ["proximity_warning", "proximity_breach"]


def test_a_car_that_passes_far_from_her_is_not_closing_in() -> None:
    passing = [fix_at(t_s, -6000 + 20 * t_s, east_m=2500) for t_s in range(0, 600, 15)]
    assert played(passing, walk(her_fix, 0, 0.0, 600)).told == []


def test_who_turns_away_before_the_warning_radius_is_told_as_gone() -> None:
    there = walk(fix_at, -6000, 20.0, 165)
    back = [fix_at(165 + t_s, -2700 - 20 * t_s) for t_s in range(15, 120, 15)]
    assert played([*there, *back], walk(her_fix, 0, 0.0, 285)).told == ["closing_fast", "proximity_left"]


def test_it_is_her_driving_to_him_when_less_than_half_is_his() -> None:
    desk = played(walk(fix_at, -6000, 3.0, 210), walk(her_fix, 0, -15.0, 210))
    assert "closing_fast" not in desk.told


def test_closing_in_ends_only_beyond_the_warning_line() -> None:
    parting = closing_of(
        seen_of(walk(fix_at, 0, -5.0, 60)), seen_of(walk(her_fix, 900, 0.0, 60)), 500.0, LIMITS
    )
    told = PresenceState(Presence.BUFFER, closing=CLOSING_TOLD)
    assert next_closing(told, parting, is_fast=False) == CLOSING_TOLD
    assert next_closing(PresenceState(closing=CLOSING_TOLD), parting, is_fast=False) == 0
    assert next_closing(PresenceState(closing=CLOSING_TOLD), None, is_fast=False) == CLOSING_TOLD
    assert next_closing(PresenceState(closing=1), parting, is_fast=False) == 0


def test_she_who_walks_to_him_while_he_stands_is_no_approach_of_his() -> None:
    desk = played(walk(fix_at, 0, 0.0, 600), walk(her_fix, -1200, 1.4, 600))
    assert desk.told == ["proximity_warning", "protected_approaches", "protected_approaches again"]
    assert desk.events[1].mover is Mover.PROTECTED


def test_when_he_then_moves_it_is_his_approach_at_once() -> None:
    his = [*walk(fix_at, 0, 0.0, 525), *[fix_at(525 + t_s, -1.4 * t_s) for t_s in (15, 30)]]
    desk = played(his, walk(her_fix, -1200, 1.4, 525))
    assert desk.told[-1] == "proximity_breach"
    assert not desk.events[-1].repeat


def test_an_inaccurate_fix_is_no_proof_that_he_stands() -> None:
    his = [fix_at(t_s, 0, accuracy_m=300) for t_s in range(0, 601, 15)]
    assert "protected_approaches" not in played(his, walk(her_fix, -1200, 1.4, 600)).told


def test_two_cars_that_pass_on_a_road_are_told_as_traffic_and_as_his_when_it_lasts() -> None:
    met = played(walk(fix_at, -3000, 25.0, 240), walk(her_fix, 3000, -25.0, 240))
    near = [event for event in met.events if event.kind == "proximity_breach"]
    assert [event.mover for event in near if not event.doubts] in ([], [Mover.TRAFFIC])
    behind = played(walk(fix_at, -2000, 27.0, 600), walk(her_fix, 0, 24.0, 600))
    movers = [event.mover for event in behind.events if event.kind == "proximity_breach"]
    assert movers[0] is Mover.TRAFFIC
    assert Mover.BOTH in movers


def test_who_is_in_a_bus_with_her_is_near_her() -> None:
    stop = walk(fix_at, 0, 0.0, 300)
    bus = [fix_at(300 + t_s, 10.0 * t_s) for t_s in range(15, 200, 15)]
    hers = [*walk(her_fix, -3000, 10.0, 300)]
    hers += [her_fix(300 + t_s, 10.0 * t_s) for t_s in range(15, 200, 15)]
    desk = played([*stop, *bus], hers)
    assert "proximity_breach" in desk.told
    assert all(not (e.kind == "proximity_breach" and e.mover is Mover.TRAFFIC) for e in desk.events[-1:])


def test_far_apart_and_slow_costs_no_look() -> None:
    standing, her = seen_of(walk(fix_at, 0, 0.0, 60)), seen_of(walk(her_fix, 9000, 0.0, 60))
    assert closing_reach_m(standing, her, 500.0, LIMITS) == 0.0
    driving = seen_of(walk(fix_at, 0, 20.0, 60))
    assert closing_reach_m(driving, her, 500.0, LIMITS) == pytest.approx(500 + 300 * 20, rel=0.01)


@given(pair_tracks())
@settings(deadline=None, max_examples=100)
def test_what_is_told_as_closing_fast_is_within_its_limits(fixes: list[Fix]) -> None:
    for event in PairDesk(WIDE).take(*fixes).events:
        if event.kind == "closing_fast":
            assert event.eta_s is not None
            assert event.closing_m_s is not None
            assert event.eta_s <= LIMITS.closing_eta_s
            assert event.closing_m_s >= LIMITS.closing_min_m_s


@given(st.floats(-40, 40), st.floats(-40, 40))
@settings(deadline=None, max_examples=50)
def test_closing_fast_is_never_said_of_two_who_part(his_m_s: float, her_m_s: float) -> None:
    found = closing_of(
        seen_of(walk(fix_at, 0, his_m_s, 60)), seen_of(walk(her_fix, 20_000, her_m_s, 60)), 500.0, LIMITS
    )
    assert found is not None
    if his_m_s <= her_m_s:
        assert not is_closing_fast(found, 1000.0, LIMITS)


def test_what_was_told_as_hers_stays_so_while_he_stands() -> None:
    found = closing_of(seen_of(walk(fix_at, 0, 0.0, 60)), seen_of(walk(her_fix, 300, 0.0, 60)), 500.0, LIMITS)
    assert not is_mild(found, UNSEEN, 0.0, LIMITS)
    assert is_mild(found, PresenceState(Presence.INSIDE, mild=True), 0.0, LIMITS)
    assert not is_mild(None, PresenceState(Presence.INSIDE, mild=True), 0.0, LIMITS)


def test_three_contacts_within_an_hour_are_a_pattern_and_the_count_begins_anew() -> None:
    state, told = UNSEEN, []
    for minute in (0, 20, 40, 50, 59):
        entered = PresenceState(Presence.BUFFER, contacts=state.contacts)
        state, is_pattern = after_contact(UNSEEN, entered, moment(60 * minute), LIMITS)
        told.append(is_pattern)
    assert told == [False, False, True, False, False]
    assert state.contacts == (moment(3000), moment(3540))


def test_contacts_older_than_the_window_are_forgotten_and_staying_is_one_contact() -> None:
    first, _ = after_contact(UNSEEN, PresenceState(Presence.BUFFER), moment(0), LIMITS)
    stays, is_pattern = after_contact(first, first, moment(10), LIMITS)
    assert (stays, is_pattern) == (first, False)
    gone = msgspec.structs.replace(first, presence=Presence.OUTSIDE)
    assert after_contact(gone, gone, moment(3601), LIMITS)[0].contacts == ()
    assert after_contact(UNSEEN, UNSEEN, moment(0), LIMITS) == (UNSEEN, False)

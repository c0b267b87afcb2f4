import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.alerts.model import Doubt, EventKind, Sighting
from api.geofence.geometry.earth import ecef
from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import Fix, Limits, Presence
from api.geofence.rules.quality import Seen, Timing, clock_fault, see, sighting_of, timing_of
from api.kernel.geo import distance_m
from tests.factories import PLACE, make_circle_zone, make_fix
from tests.geofence.judged import LIMITS, PairDesk, ZoneDesk, beyond, fix_at, her_fix, moment, place

ACCURACIES = st.one_of(st.none(), st.floats(1.0, 2000.0))


def seen_of(*fixes: Fix, limits: Limits = LIMITS) -> list[Seen]:
    """Each fix seen after the one before."""
    seen: list[Seen] = []
    for fix in fixes:
        seen.append(see(fix, seen[-1] if seen else None, limits))
    return seen


@st.composite
def tracks(draw: st.DrawFn, max_speed_m_s: float = 200.0) -> list[Fix]:
    """Fixes that move in straight lines at up to so many m/s, a second to ten minutes apart."""
    t_s, north_m, east_m, fixes = 0.0, 0.0, 0.0, []
    for _ in range(draw(st.integers(2, 8))):
        fixes.append(fix_at(t_s, north_m, east_m, accuracy_m=draw(ACCURACIES)))
        gap_s = draw(st.integers(1, 600))
        t_s += gap_s
        half = max_speed_m_s * gap_s / 2
        north_m += draw(st.floats(-half, half))
        east_m += draw(st.floats(-half, half))
    return fixes


@pytest.mark.parametrize(
    ("age_s", "fault"),
    [
        (0, None),
        (-10, None),
        (-11, "future"),
        (3600, None),
        (31 * 86400, None),
        (31 * 86400 + 1, "ancient"),
        (86400 * 9000, "ancient"),
    ],
)
def test_a_clock_is_wrong_ten_seconds_ahead_or_31_days_behind(age_s: float, fault: str | None) -> None:
    assert clock_fault(fix_at(0, 0, delay_s=age_s), LIMITS) == fault


@pytest.mark.parametrize(
    ("t_s", "delay_s", "last_s", "timing"),
    [
        (0, 1, None, Timing.LIVE),
        (0, 120, None, Timing.LIVE),
        (0, 121, None, Timing.LATE),
        (0, -5, None, Timing.LIVE),
        (10, 1, 0, Timing.LIVE),
        (10, 500, 9, Timing.LATE),
        (10, 1, 10, Timing.LIVE),  # clocks have whole seconds: the second place of one second is news
        (10, 1, 11, Timing.PAST),
        (10, 500, 11, Timing.PAST),
    ],
)
def test_late_is_the_newest_but_old_and_past_is_not_the_newest(
    t_s: float, delay_s: float, last_s: float | None, timing: Timing
) -> None:
    last = None if last_s is None else moment(last_s)
    assert timing_of(fix_at(t_s, 0, delay_s=delay_s), last, LIMITS) is timing


def test_the_first_fix_of_a_device_stands_alone() -> None:
    fix = fix_at(5, 300, accuracy_m=7)
    assert see(fix, None, LIMITS) == Seen(
        fix=fix,
        xyz=ecef(fix.point),
        at_s=moment(5).timestamp(),
        disc_m=7.0,
        doubts=(),
        from_xyz=None,
        from_s=moment(5).timestamp(),
        step_m=0.0,
        anchor_xyz=ecef(fix.point),
        anchor_s=moment(5).timestamp(),
        anchor_disc_m=7.0,
    )


@pytest.mark.parametrize(
    ("accuracy_m", "disc_m", "doubts"),
    [
        (None, 100.0, (Doubt.NO_ACCURACY,)),
        (1.0, 1.0, ()),
        (50.0, 50.0, ()),
        (50.1, 50.1, (Doubt.COARSE,)),
        (3000.0, 3000.0, (Doubt.COARSE,)),
    ],
)
def test_a_fix_proves_a_place_up_to_fifty_metres_and_unknown_is_no_proof(
    accuracy_m: float | None, disc_m: float, doubts: tuple[Doubt, ...]
) -> None:
    alone = see(make_fix(accuracy_m=accuracy_m), None, LIMITS)
    after = see(fix_at(10, 5, accuracy_m=accuracy_m), see(make_fix(), None, LIMITS), LIMITS)
    for seen in (alone, after):
        assert (seen.disc_m, seen.doubts, seen.anchor_disc_m) == (disc_m, doubts, disc_m)


def test_the_way_to_a_fix_begins_at_the_one_before() -> None:
    first, second = seen_of(fix_at(0, 0), fix_at(30, 400))
    assert second.doubts == ()
    assert (second.from_xyz, second.from_s) == (first.xyz, first.at_s)
    assert second.step_m == pytest.approx(400, abs=0.1)
    assert (second.anchor_xyz, second.anchor_s, second.anchor_disc_m) == (second.xyz, second.at_s, 5.0)


def test_a_way_of_more_than_five_minutes_is_not_believed() -> None:
    first, just, _ = seen_of(fix_at(0, 0), fix_at(300, 400), fix_at(601, 800))
    assert just.from_xyz == first.xyz
    last = seen_of(fix_at(0, 0), fix_at(301, 400))[1]
    assert (last.doubts, last.from_xyz, last.from_s, last.step_m) == ((), None, last.at_s, 0.0)


@pytest.mark.parametrize(("metres", "jumps"), [(709.0, False), (711.0, True)])
def test_a_jump_is_faster_than_70_m_s_beyond_both_discs(metres: float, jumps: bool) -> None:
    last = seen_of(fix_at(0, 0, accuracy_m=4), fix_at(10, metres, accuracy_m=6))[1]
    assert (Doubt.JUMP in last.doubts) is jumps


def test_a_jump_keeps_its_place_has_no_way_and_remembers_what_was_believed() -> None:
    first, jump = seen_of(fix_at(0, 0, accuracy_m=4), fix_at(10, 5000))
    assert jump.doubts == (Doubt.JUMP,)
    assert jump.xyz == ecef(place(5000))
    assert (jump.from_xyz, jump.from_s, jump.step_m) == (None, jump.at_s, 0.0)
    assert (jump.anchor_xyz, jump.anchor_s, jump.anchor_disc_m) == (first.xyz, first.at_s, 4.0)


@pytest.mark.parametrize(
    ("accuracy_m", "doubts"),
    [(None, (Doubt.NO_ACCURACY, Doubt.JUMP)), (60.0, (Doubt.COARSE, Doubt.JUMP))],
)
def test_a_jump_keeps_the_doubt_of_its_accuracy(accuracy_m: float | None, doubts: tuple[Doubt, ...]) -> None:
    assert seen_of(fix_at(0, 0), fix_at(10, 9000, accuracy_m=accuracy_m))[1].doubts == doubts


def test_a_jump_and_return_goes_on_from_where_the_device_was() -> None:
    first, jump, back = seen_of(fix_at(0, 0), fix_at(10, 9000), fix_at(20, 100))
    assert (jump.doubts, back.doubts) == ((Doubt.JUMP,), ())
    assert (back.from_xyz, back.from_s) == (first.xyz, first.at_s)
    assert back.step_m == pytest.approx(100, abs=0.1)
    assert (back.anchor_xyz, back.anchor_s) == (back.xyz, back.at_s)


def test_after_a_return_from_a_jump_an_old_way_is_not_believed() -> None:
    back = seen_of(fix_at(0, 0), fix_at(295, 90_000), fix_at(305, 100))[2]
    assert (back.doubts, back.from_xyz) == ((), None)


def test_the_second_fix_that_agrees_with_a_jump_is_believed_without_a_way() -> None:
    *_, jump, second, third = seen_of(fix_at(0, 0), fix_at(10, 9000), fix_at(20, 9010), fix_at(30, 9020))
    assert (jump.doubts, second.doubts, third.doubts) == ((Doubt.JUMP,), (), ())
    assert (second.from_xyz, second.from_s, second.step_m) == (None, second.at_s, 0.0)
    assert second.anchor_xyz == second.xyz
    assert third.from_xyz == second.xyz


@pytest.mark.parametrize(("metres", "jumps"), [(744, False), (746, True)])
def test_a_fix_agrees_with_a_jump_within_both_discs_and_70_m_s(metres: float, jumps: bool) -> None:
    after = fix_at(20, 9000 + metres)
    last = seen_of(fix_at(0, 0), fix_at(10, 9000, accuracy_m=40), after)[2]
    assert (Doubt.JUMP in last.doubts) is jumps


@pytest.mark.parametrize(("metres", "jumps"), [(1444, False), (1446, True)])
def test_a_return_from_a_jump_is_measured_from_the_place_before_it(metres: float, jumps: bool) -> None:
    last = seen_of(fix_at(0, 0, accuracy_m=40), fix_at(10, 9000), fix_at(20, -metres))[2]
    assert (Doubt.JUMP in last.doubts) is jumps


def test_jumps_to_ever_new_places_are_each_a_jump_from_the_last_place_believed() -> None:
    first, *jumps = seen_of(fix_at(0, 0), fix_at(10, 9000), fix_at(20, -9000), fix_at(30, 0, 9000))
    assert [jump.doubts for jump in jumps] == [(Doubt.JUMP,)] * 3
    assert {(jump.anchor_xyz, jump.anchor_s, jump.anchor_disc_m) for jump in jumps} == {
        (first.xyz, first.at_s, 5.0)
    }


def test_whoever_was_silent_for_long_may_be_anywhere_in_reach() -> None:
    assert seen_of(fix_at(0, 0), fix_at(3600, 100_000))[1].doubts == ()


def test_a_large_disc_is_no_jump_but_coarse() -> None:
    assert seen_of(fix_at(0, 0), fix_at(10, 5000, accuracy_m=4500))[1].doubts == (Doubt.COARSE,)
    assert seen_of(fix_at(0, 0, accuracy_m=4500), fix_at(10, 5000))[1].doubts == ()


def test_a_sighting_says_whose_where_how_sure_and_when() -> None:
    fix = fix_at(7, 10, accuracy_m=None, device_id=uuid.UUID(int=77))
    expected = Sighting(uuid.UUID(int=77), place(10), None, moment(7), (Doubt.NO_ACCURACY,))
    assert sighting_of(see(fix, None, LIMITS)) == expected


@pytest.mark.parametrize(
    ("metres", "accuracy_m", "doubts"),
    [
        (270, 30, (Doubt.DISC_ONLY,)),
        (40, 45, (Doubt.DISC_ONLY,)),
        (270, 20, None),
        (200, 30, ()),
        (349, None, (Doubt.NO_ACCURACY,)),
        (351, None, None),
        (900, 700, (Doubt.COARSE,)),
    ],
)
def test_a_fix_warns_by_its_whole_disc(
    metres: float, accuracy_m: float | None, doubts: tuple[Doubt, ...] | None
) -> None:
    desk = ZoneDesk().take(beyond(0, metres, accuracy_m=accuracy_m))
    expected = [] if doubts is None else [(EventKind.ZONE_BUFFER, doubts)]
    assert [(event.kind, event.doubts) for event in desk.events] == expected


@pytest.mark.parametrize(("accuracy_m", "doubt"), [(None, Doubt.NO_ACCURACY), (80, Doubt.COARSE)])
def test_a_doubtful_breach_warns_and_is_told_with_its_doubt_when_it_repeats(
    accuracy_m: float | None, doubt: Doubt
) -> None:
    desk = ZoneDesk().take(*(beyond(30 * i, 75, accuracy_m=accuracy_m) for i in range(2)))
    assert [(event.kind, event.doubts) for event in desk.events] == [
        (EventKind.ZONE_BUFFER, (doubt,)),
        (EventKind.ZONE_BREACH, (doubt,)),
    ]


def test_a_jump_into_the_zone_warns_and_the_second_fix_there_is_a_breach() -> None:
    desk = ZoneDesk().take(beyond(0, 9000), beyond(10, -100), beyond(20, -100))
    assert [(event.kind, event.doubts) for event in desk.events] == [
        (EventKind.ZONE_BUFFER, (Doubt.JUMP,)),
        (EventKind.ZONE_BREACH, ()),
    ]


def test_jumps_to_different_places_of_the_zone_are_a_breach() -> None:
    wide = ZoneDesk(PreparedZone.from_zone(make_circle_zone(radius_m=5000.0)))
    wide.take(fix_at(0, 30_000), fix_at(10, 4000), fix_at(20, -4000))
    assert wide.told == ["zone_buffer", "zone_breach"]
    assert [event.doubts for event in wide.events] == [(Doubt.JUMP,)] * 2


def test_a_jump_in_and_back_is_a_warning_and_no_breach() -> None:
    jumped = [beyond(0, 9000), beyond(10, -100), *(beyond(t, 9000) for t in (20, 50, 80))]
    desk = ZoneDesk().take(*jumped)
    assert desk.told == ["zone_buffer", "zone_left"]
    assert desk.events[0].doubts == (Doubt.JUMP,)


def test_a_jump_out_and_back_ends_no_breach() -> None:
    desk = ZoneDesk().take(beyond(0, -100), beyond(10, 9000), beyond(70, 20_000), beyond(80, -100))
    assert [event.kind for event in desk.events if not event.repeat] == [EventKind.ZONE_BREACH]
    assert {state.presence for state in desk.states} == {Presence.INSIDE}


@pytest.mark.parametrize("accuracy_m", [None, 80.0])
def test_a_doubtful_position_of_hers_warns_at_once_and_breaches_when_it_repeats(
    accuracy_m: float | None,
) -> None:
    desk = PairDesk().take(
        fix_at(0, 400), her_fix(5, 0, accuracy_m=accuracy_m), her_fix(35, 0, accuracy_m=accuracy_m)
    )
    assert desk.told == ["proximity_warning", "proximity_breach"]
    assert [event.doubts for event in desk.events] == [(Doubt.PARTNER_DOUBTFUL,)] * 2


def test_a_coarse_fix_of_his_is_a_breach_wherever_its_disc_touches_when_it_repeats() -> None:
    coarse = [fix_at(30 * i, 570, accuracy_m=70) for i in range(3)]
    desk = PairDesk().take(her_fix(0, 0), *coarse)
    assert desk.told == ["proximity_warning", "proximity_breach"]
    assert [event.doubts for event in desk.events] == [(Doubt.COARSE,)] * 2


def test_one_doubtful_fix_of_his_is_one_however_often_she_reports() -> None:
    desk = PairDesk().take(her_fix(0, 0), fix_at(5, 400, accuracy_m=None))
    desk.take(*(her_fix(10 + 10 * i, 0) for i in range(10)))
    assert (desk.told, desk.state.presence) == (["proximity_warning"], Presence.BUFFER)
    assert desk.take(fix_at(120, 400, accuracy_m=None)).told == ["proximity_warning", "proximity_breach"]


def test_she_who_walks_to_where_his_doubtful_fix_is_counts_as_one_sign() -> None:
    desk = PairDesk().take(her_fix(0, 900), fix_at(5, 0, accuracy_m=60), her_fix(65, 400))
    assert (desk.told, desk.state.doubtful_recent) == (["proximity_warning"], 1)
    assert desk.take(fix_at(70, 0, accuracy_m=60)).state.presence is Presence.INSIDE


@given(tracks())
@settings(deadline=None)
def test_every_fix_is_seen_at_its_own_place_whatever_came_before(fixes: list[Fix]) -> None:
    for fix, seen in zip(fixes, seen_of(*fixes), strict=True):
        assert seen.fix is fix
        assert (seen.xyz, seen.at_s) == (ecef(fix.point), fix.fixed_at.timestamp())
        assert seen.disc_m == (100.0 if fix.accuracy_m is None else fix.accuracy_m)


@given(tracks())
@settings(deadline=None)
def test_a_believed_way_is_slow_short_and_ends_at_the_fix(fixes: list[Fix]) -> None:
    known = {(seen.xyz, seen.at_s): seen for seen in seen_of(*fixes)}
    for seen in known.values():
        if seen.from_xyz is None:
            assert (seen.step_m, seen.from_s) == (0.0, seen.at_s)
            continue
        start = known[seen.from_xyz, seen.from_s]
        assert start.at_s < seen.at_s <= start.at_s + LIMITS.segment_max_s
        reach_m = LIMITS.max_speed_m_s * (seen.at_s - start.at_s) + start.disc_m + seen.disc_m
        assert distance_m(start.fix.point, seen.fix.point) <= reach_m + 1.0
        assert Doubt.JUMP not in seen.doubts


@given(tracks(max_speed_m_s=90.0))
@settings(deadline=None)
def test_nobody_below_the_speed_limit_ever_jumps(fixes: list[Fix]) -> None:
    # Half of it along each axis: 64 m/s along the diagonal.
    assert all(Doubt.JUMP not in seen.doubts for seen in seen_of(*fixes))


@given(tracks(), st.integers(1, 7), st.floats(0.0, 5000.0))
@settings(deadline=None)
def test_worse_accuracy_never_makes_a_jump(fixes: list[Fix], number: int, more_m: float) -> None:
    number = min(number, len(fixes) - 1)
    before = seen_of(*fixes[:number])[-1]
    fix = fixes[number]
    worse = make_fix(at=fix.fixed_at, point=fix.point, accuracy_m=(fix.accuracy_m or 100.0) + more_m)
    if Doubt.JUMP in see(worse, before, LIMITS).doubts:
        assert Doubt.JUMP in see(fix, before, LIMITS).doubts


@given(tracks(), st.integers(0, 7), st.integers(1, 900), st.integers(0, 100_000))
@settings(deadline=None)
def test_an_older_fix_is_past_however_it_comes(
    fixes: list[Fix], number: int, later_s: int, delay_s: int
) -> None:
    fix = fixes[min(number, len(fixes) - 1)]
    again: dict[str, Any] = {"at": fix.fixed_at, "point": fix.point, "accuracy_m": fix.accuracy_m}
    again["received_at"] = fix.received_at + timedelta(seconds=delay_s)
    newest = fix.fixed_at + timedelta(seconds=later_s)
    assert timing_of(make_fix(**again), newest, LIMITS) is Timing.PAST


def test_places_of_these_tests_are_where_they_say() -> None:
    assert distance_m(PLACE, place(1000)) == pytest.approx(1000, abs=0.05)
    assert distance_m(PLACE, place(0, 1000)) == pytest.approx(1000, abs=0.05)
    assert distance_m(PLACE, place(600, -800)) == pytest.approx(1000, abs=0.1)

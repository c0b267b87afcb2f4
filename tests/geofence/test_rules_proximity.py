from uuid import UUID

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from api.alerts.model import Doubt, EventKind
from api.geofence.model import Fix, Presence
from api.geofence.rules.proximity import Pair, judge_past_proximity, judge_proximity, pair_of
from api.geofence.rules.quality import Timing, see
from api.kernel.geo import Point, distance_m
from api.orders.model import Party
from tests.factories import NOW, PLACE, make_fix, make_order
from tests.geofence.judged import (
    ANY_DELAY_S,
    BAND_M,
    HER_DEVICE,
    LIMITS,
    PAIR,
    RANK,
    UNSEEN,
    WEARER_DEVICE,
    PairDesk,
    check_telling,
    fix_at,
    her_fix,
    moment,
    pair_tracks,
    place,
    told,
)

OUTSIDE, BUFFER, INSIDE = Presence.OUTSIDE, Presence.BUFFER, Presence.INSIDE
NEAR = Pair(UUID(int=3), UUID(int=4), alert_radius_m=300.0, warning_radius_m=400.0, exercise=True)
BETWEEN, STALE, DOUBTFUL = Doubt.BETWEEN_FIXES, Doubt.PARTNER_STALE, Doubt.PARTNER_DOUBTFUL


def judged(*fixes: Fix) -> PairDesk:
    return PairDesk().take(*fixes)


def near_pair(*fixes: Fix) -> PairDesk:
    """A pair with 300 m and 400 m, so that a way can be short."""
    return PairDesk(NEAR).take(*fixes)


def test_a_pair_has_the_radii_of_its_order() -> None:
    order = make_order(alert_radius_m=700.0, warning_radius_m=900.0, exercise=False)
    assert pair_of(order, UUID(int=8)) == Pair(order.id, UUID(int=8), 700.0, 900.0, exercise=False)


@pytest.mark.parametrize("he_moves", [True, False])
@pytest.mark.parametrize(
    ("metres", "events", "doubts"),
    [
        (5000, [], []),
        (1011, [], []),
        (1009, ["proximity_warning"], [(Doubt.DISC_ONLY,)]),
        (999, ["proximity_warning"], [()]),
        (505, ["proximity_warning"], [(Doubt.DISC_ONLY,)]),
        (499, ["proximity_breach"], [()]),
        (0, ["proximity_breach"], [()]),
    ],
)
def test_coming_near_warns_and_breaches_on_either_ones_update(
    he_moves: bool, metres: float, events: list[str], doubts: list[tuple[Doubt, ...]]
) -> None:
    his, hers = fix_at(0, metres), her_fix(0, 0)
    desk = judged(*((hers, his) if he_moves else (his, hers)))
    assert (desk.told, [event.doubts for event in desk.events]) == (events, doubts)


@pytest.mark.parametrize("point", [place(300, -390), place(-610, 20)])
def test_exactly_at_the_radius_is_a_breach_and_at_the_warning_radius_a_warning(point: Point) -> None:
    apart_m = distance_m(PLACE, point)
    for alert_m, warning_m, expected in (
        (apart_m, 2000.0, "proximity_breach"),
        (apart_m - 0.001, 2000.0, "proximity_warning"),
    ):
        pair = Pair(NEAR.order_id, NEAR.person_id, alert_m, warning_m, exercise=False)
        assert PairDesk(pair).take(her_fix(0, 0), make_fix(point=point)).told == [expected]


def test_far_apart_gives_back_the_same_state() -> None:
    hers = see(her_fix(0, 0), None, LIMITS)
    for metres in (20_000, 1007):
        his = see(fix_at(0, metres, accuracy_m=1), None, LIMITS)
        state, events = judge_proximity(his, hers, Party.WEARER, PAIR, UNSEEN, Timing.LIVE, LIMITS)
        assert (state is UNSEEN, events) == (True, ())


@pytest.mark.parametrize("he_moves", [True, False])
def test_an_event_shows_both_and_how_old_the_other_was(he_moves: bool) -> None:
    his, hers = fix_at(0 if not he_moves else 130, 300, 40), her_fix(130 if not he_moves else 0, 0)
    desk = near_pair(*((hers, his) if he_moves else (his, hers)))
    (event,) = desk.events
    mover = his if he_moves else hers
    assert (event.kind, event.live, event.repeat) == (EventKind.PROXIMITY_WARNING, True, False)
    assert (event.order_id, event.person_id, event.exercise) == (NEAR.order_id, NEAR.person_id, True)
    assert (event.device_id, event.occurred_at) == (mover.device_id, moment(130))
    assert event.protected_age_s == 130.0
    assert event.distance_m == pytest.approx(distance_m(his.point, hers.point), abs=0.01)
    for sighting, fix in ((event.wearer, his), (event.protected, hers)):
        assert sighting is not None
        assert (sighting.device_id, sighting.point, sighting.fixed_at) == (
            fix.device_id,
            fix.point,
            fix.fixed_at,
        )
    assert desk.state.since == moment(130)


@pytest.mark.parametrize(("age_s", "stale"), [(300, False), (301, True)])
@pytest.mark.parametrize("he_moves", [True, False])
def test_a_position_of_the_other_older_than_five_minutes_is_doubtful(
    age_s: float, stale: bool, he_moves: bool
) -> None:
    first, second = (her_fix, fix_at) if he_moves else (fix_at, her_fix)
    desk = judged(first(0, 0), second(age_s, 400))
    assert desk.told == (["proximity_warning"] if stale else ["proximity_breach"])
    assert desk.events[0].doubts == ((STALE,) if stale else ())
    assert desk.take(second(age_s + 30, 400)).told[1:] == (["proximity_breach"] if stale else [])


def test_the_warning_takes_both_discs() -> None:
    assert judged(her_fix(0, 0, accuracy_m=40), fix_at(0, 1079, accuracy_m=40)).told == ["proximity_warning"]
    assert judged(her_fix(0, 0, accuracy_m=40), fix_at(0, 1081, accuracy_m=40)).told == []
    assert judged(her_fix(0, 0, accuracy_m=None), fix_at(0, 1104)).told == ["proximity_warning"]


def test_a_lasting_breach_is_told_again_each_minute_by_whoever_reports() -> None:
    desk = judged(her_fix(0, 0), fix_at(0, 300), *(her_fix(20 * i, 0) for i in range(1, 7)))
    assert desk.told == ["proximity_breach", *["proximity_breach again"] * 2]
    assert [event.occurred_at for event in desk.events] == [moment(0), moment(60), moment(120)]
    assert desk.take(fix_at(185, 300)).events[-1].repeat


def test_leaving_takes_the_band_two_updates_and_a_minute() -> None:
    start = [her_fix(0, 0), fix_at(0, 300)]
    assert judged(*start, fix_at(30, 549), fix_at(90, 549)).told[1:] == ["proximity_breach again"]
    assert judged(*start, fix_at(30, 562), fix_at(89, 562)).told[1:] == []
    desk = judged(*start, fix_at(30, 562), fix_at(90, 562))
    assert (desk.told[1:], desk.state.presence) == (["proximity_left"], BUFFER)
    assert desk.events[-1].distance_m == pytest.approx(562, abs=0.1)


def test_both_going_apart_is_leaving() -> None:
    apart = [fix(30 * i + j, s * 200 * i) for i in range(1, 6) for j, (fix, s) in enumerate(BOTH)]
    assert judged(her_fix(0, 0), fix_at(0, 0), *apart).told[-1] == "proximity_left"


BOTH = ((fix_at, 1), (her_fix, -1))


def test_she_who_walks_away_from_a_man_who_reports_has_left() -> None:
    desk = judged(her_fix(0, 0), fix_at(0, 300), fix_at(50, 300), her_fix(51, -400))
    assert desk.take(fix_at(100, 300), her_fix(110, -400)).state.presence is INSIDE
    assert desk.take(her_fix(111, -400)).events[-1].kind is EventKind.PROXIMITY_LEFT


def test_an_old_position_of_his_is_no_proof_that_they_are_apart() -> None:
    desk = judged(her_fix(0, 0), fix_at(0, 300))
    desk.take(*(her_fix(310 + 60 * i, -2000) for i in range(10)))
    assert [event.kind for event in desk.events if not event.repeat] == [EventKind.PROXIMITY_BREACH]
    assert desk.state.presence is INSIDE


def test_his_own_fixes_prove_that_he_left_where_she_was_last_seen() -> None:
    desk = judged(her_fix(0, 0), fix_at(0, 300), fix_at(400, 3000), fix_at(460, 3000))
    assert desk.told == ["proximity_breach", "proximity_left"]
    assert desk.events[-1].doubts == (STALE,)


def test_a_jump_of_hers_or_his_is_no_proof_that_they_are_apart() -> None:
    start = [her_fix(0, 0), fix_at(0, 300)]
    hers = judged(*start, her_fix(1, 30_000), fix_at(30, 300), fix_at(61, 300), fix_at(91, 300))
    his = judged(*start, fix_at(1, 30_000), her_fix(30, 0), her_fix(61, 0), her_fix(91, 0))
    for desk in (hers, his):
        assert [event.kind for event in desk.events if not event.repeat] == [EventKind.PROXIMITY_BREACH]
        assert desk.state.presence is INSIDE


def test_passing_her_between_two_fixes_is_a_breach_and_he_is_watched_until_he_has_left() -> None:
    desk = near_pair(her_fix(0, 0), fix_at(0, 200, 800), *(fix_at(t, 200, -800) for t in (60, 90, 150)))
    assert desk.told == ["proximity_breach", "proximity_left"]
    passing = desk.events[0]
    assert (passing.doubts, passing.occurred_at) == ((BETWEEN,), moment(60))
    assert passing.distance_m == pytest.approx(200, abs=0.1)
    assert [state.presence for state in desk.states[2:]] == [BUFFER, BUFFER, OUTSIDE]


WAYS = [
    pytest.param([her_fix(0, 0), fix_at(0, 0, 800), fix_at(60, 0, -350)], 2, id="ends near her"),
    pytest.param([her_fix(0, 0), fix_at(0, 411, 800), fix_at(60, 411, -800)], 0, id="beyond warning"),
    pytest.param([her_fix(0, 0), fix_at(0, 301, 800), fix_at(60, 301, -800)], 0, id="beyond the radius"),
    pytest.param(
        [*(her_fix(60 * i, -900 * i, 0) for i in (-1, 0)), fix_at(0, 0, 800), fix_at(60, 0, -800)],
        1,
        id="she stays where she was last",
    ),
    pytest.param([her_fix(0, 0, accuracy_m=60), fix_at(0, 200), fix_at(30, 800)], -1, id="begins within"),
]


@pytest.mark.parametrize(("fixes", "count"), WAYS)
def test_a_way_is_a_breach_when_it_comes_within_the_radius_of_her(fixes: list[Fix], count: int) -> None:
    passing = ["proximity_breach", "proximity_warning"]
    desk = near_pair(*fixes)
    assert desk.told == (passing[:count] if count >= 0 else passing[1:])
    assert count or desk.state is UNSEEN


def test_a_way_through_the_radius_within_a_breach_is_the_same_breach() -> None:
    desk = near_pair(her_fix(0, 0), fix_at(0, 200), fix_at(30, 380), fix_at(60, -380))
    assert [event.kind for event in desk.events if not event.repeat] == [EventKind.PROXIMITY_BREACH]


def test_a_passing_in_a_backlog_is_late_evidence_and_moves_nothing() -> None:
    desk = near_pair(her_fix(0, 0), fix_at(0, 0, 800, delay_s=300), fix_at(60, 0, -800, delay_s=300))
    assert (desk.told, desk.state) == (["late_data_breach late"], UNSEEN)
    assert desk.events[0].doubts == (BETWEEN,)


def test_two_who_cross_at_the_same_time_meet_and_at_different_times_do_not() -> None:
    his = [fix_at(0, 0, 1500), fix_at(60, 0, -1500)]
    together = near_pair(her_fix(0, 1500), his[0], his[1], her_fix(60, -1500))
    assert together.told == ["proximity_breach"]
    assert together.events[0].distance_m == pytest.approx(0, abs=0.5)
    assert near_pair(her_fix(-120, 1500), her_fix(-60, -1500), *his).told == []
    assert near_pair(*his, her_fix(60, 1500), her_fix(120, -1500)).told == []


def test_her_way_is_held_against_where_he_was_on_his() -> None:
    """He waits a minute and drives off; the straight lines of both meet half a minute too early."""
    his = [fix_at(0, 0, 1200), fix_at(30, 0, 1200), fix_at(90, 0, -1200)]
    assert near_pair(her_fix(0, 1200), *his, her_fix(90, -1200)).told == []
    assert near_pair(her_fix(0, 2400), *his, her_fix(90, -1200)).told == ["proximity_breach"]


def test_a_live_fix_older_than_hers_is_held_against_her_newest_and_the_present_is_as_of_hers() -> None:
    desk = judged(her_fix(0, 0), her_fix(60, 2000), fix_at(30, 1900, delay_s=40))
    (event,) = desk.events
    assert (event.kind, event.occurred_at) == (EventKind.PROXIMITY_BREACH, moment(30))
    assert event.protected_age_s == 30.0
    assert (desk.state.since, desk.state.told_at) == (moment(60), moment(60))


def test_a_late_fix_is_held_against_where_she_was_on_her_last_way() -> None:
    desk = judged(her_fix(0, 0), her_fix(200, 4000))
    desk.take(fix_at(50, 1100, delay_s=160))
    assert desk.told == ["late_data_breach late"]
    assert desk.events[0].distance_m == pytest.approx(100, abs=1)
    assert (desk.events[0].protected_age_s, desk.state.told_at) == (150.0, None)
    before = judged(her_fix(0, 0), her_fix(200, 4000), fix_at(-50, 100, delay_s=260))
    assert before.told == ["late_data_breach late"]
    assert judged(her_fix(0, 0), her_fix(200, 4000), fix_at(-50, 3900, delay_s=260)).told == []


def test_a_late_fix_in_the_warning_ring_warns_nobody_and_the_live_one_after_it_does() -> None:
    desk = judged(her_fix(100, 0), fix_at(100, 800, delay_s=130))
    assert (desk.told, desk.state.presence) == ([], BUFFER)
    assert desk.take(fix_at(220, 800)).told == ["proximity_warning"]


PAST = [
    pytest.param([], fix_at(50, 0), None, id="nothing known of her"),
    pytest.param([her_fix(0, 100)], fix_at(50, 0), (), id="before"),
    pytest.param([her_fix(90, 100)], fix_at(50, 0), (), id="after"),
    pytest.param([her_fix(50, 500)], fix_at(50, -1), None, id="too far"),
    pytest.param([her_fix(0, 2000), her_fix(90, 100)], fix_at(50, 0), (), id="the nearer in time"),
    pytest.param([her_fix(0, 100), her_fix(90, 2000)], fix_at(50, 0), None, id="the nearer is far"),
    pytest.param([her_fix(0, 2000), her_fix(100, -2000)], fix_at(50, 0), (BETWEEN,), id="passing"),
    pytest.param([her_fix(0, 2000), her_fix(100, -2000)], fix_at(10, 0), None, id="before she passed"),
    pytest.param([her_fix(0, 2000), her_fix(301, -2000)], fix_at(150, 0), None, id="a way too long"),
    pytest.param([her_fix(0, 400), her_fix(100, -400)], fix_at(60, 0), (), id="near anyway"),
    pytest.param([her_fix(0, 100)], fix_at(301, 0), (STALE,), id="long before"),
    pytest.param([her_fix(0, 0, accuracy_m=None)], fix_at(5, 0), (DOUBTFUL,), id="her accuracy"),
    pytest.param([her_fix(0, 0)], fix_at(5, 560, accuracy_m=60), (Doubt.COARSE,), id="his disc"),
]


@pytest.mark.parametrize(("known", "fix", "doubts"), PAST)
def test_a_past_fix_is_held_against_where_the_other_was_at_that_time(
    known: list[Fix], fix: Fix, doubts: tuple[Doubt, ...] | None
) -> None:
    desk = judged(*known, fix_at(900, 9000), fix)
    assert desk.told == ([] if doubts is None else ["late_data_breach late"])
    assert [event.doubts for event in desk.events] == ([] if doubts is None else [doubts])
    assert desk.state is UNSEEN


def test_a_past_fix_of_hers_is_held_against_where_he_was() -> None:
    desk = judged(fix_at(0, 100), her_fix(900, 9000), her_fix(50, 0, accuracy_m=None))
    (event,) = desk.events
    assert (event.kind, event.device_id, event.doubts) == (
        EventKind.LATE_DATA_BREACH,
        HER_DEVICE,
        (DOUBTFUL,),
    )
    assert event.wearer is not None
    assert (event.wearer.device_id, event.protected_age_s) == (WEARER_DEVICE, 50.0)
    now = see(her_fix(50, 0), None, LIMITS)
    assert judge_past_proximity(now, Party.PROTECTED, None, None, PAIR, UNSEEN, LIMITS) == ()


def test_a_past_fix_that_belongs_to_the_breach_in_force_is_no_news() -> None:
    start = [her_fix(0, 0), her_fix(1000, 0), fix_at(1000, 300)]
    assert judged(*start, fix_at(880, 300)).told == ["proximity_breach"]
    assert judged(*start, fix_at(879, 300)).told == ["proximity_breach", "late_data_breach late"]


@given(st.floats(0.0, 3000.0), st.floats(0.0, 3000.0), st.floats(1.0, 50.0), st.booleans())
@settings(deadline=None)
def test_nearer_never_lowers_what_is_in_force(
    metres: float, further_m: float, accuracy_m: float, he_moves: bool
) -> None:
    found = []
    for apart_m in (metres, metres + further_m):
        both = [her_fix(0, 0), fix_at(0, apart_m, accuracy_m=accuracy_m)]
        found.append(judged(*(both if he_moves else both[::-1])).state.presence)
    assert RANK[found[0]] >= RANK[found[1]]


@given(pair_tracks(delays_s=ANY_DELAY_S), st.data())
@settings(deadline=None)
def test_a_past_fix_never_changes_the_present_and_never_rings(fixes: list[Fix], data: st.DataObject) -> None:
    number = data.draw(st.integers(1, len(fixes)))
    again = data.draw(st.sampled_from(fixes[:number]))
    own = [fix.fixed_at for fix in fixes[:number] if fix.device_id == again.device_id]
    assume(again.fixed_at < max(own))
    older = msgspec.structs.replace(again, point=place(data.draw(st.floats(-900.0, 900.0))))
    past = data.draw(st.sampled_from([again, older]))
    plain, other = judged(*fixes), judged(*fixes[:number], past, *fixes[number:])
    assert other.states == [*plain.states[:number], plain.states[number - 1], *plain.states[number:]]
    assert [*other.steps[:number], *other.steps[number + 1 :]] == plain.steps
    assert all(text == "late_data_breach late" for text in told(other.steps[number]))


@given(pair_tracks(delays_s=ANY_DELAY_S))
@settings(deadline=None)
def test_late_data_never_rings_and_the_present_never_goes_back_in_time(fixes: list[Fix]) -> None:
    desk = judged(*fixes)
    for fix, events in zip(fixes, desk.steps, strict=True):
        if (fix.received_at - fix.fixed_at).total_seconds() > LIMITS.late_s:
            assert {event.kind for event in events} <= {EventKind.LATE_DATA_BREACH, EventKind.PROXIMITY_LEFT}
    since = [state.since for state in desk.states if state.since]
    assert since == sorted(since)


@given(pair_tracks())
@settings(deadline=None, max_examples=200)
def test_what_is_told_live_is_always_what_is_in_force(fixes: list[Fix]) -> None:
    check_telling(judged(*fixes))
    assert judged(*fixes).steps == judged(*fixes).steps


@given(pair_tracks())
@settings(deadline=None, max_examples=200)
def test_they_are_apart_only_after_a_minute_of_updates_beyond_the_band(fixes: list[Fix]) -> None:
    desk, newest, apart_m = PairDesk(), dict[UUID, Fix](), list[float]()
    for fix in fixes:
        desk.take(fix)
        newest[fix.device_id] = fix
        places = [one.point for one in newest.values()]
        apart_m.append(distance_m(places[0], places[-1]))
    presences = [OUTSIDE, *(state.presence for state in desk.states)]
    for number, events in enumerate(desk.steps):
        if not any(event.kind is EventKind.PROXIMITY_LEFT for event in events):
            continue
        line_m = BAND_M + (PAIR.alert_radius_m if presences[number] is INSIDE else PAIR.warning_radius_m)
        ages = [(fixes[number].fixed_at - fix.fixed_at).total_seconds() for fix in fixes[: number + 1]]
        old = [i for i, age in enumerate(ages) if age >= LIMITS.leave_s]
        assert old, "nobody leaves within the first minute"
        assert all(metres > line_m for metres in apart_m[old[-1] : number + 1])


@given(pair_tracks())
@settings(deadline=None, max_examples=200)
def test_good_fixes_within_the_radius_are_a_breach_at_once_whatever_came_before(fixes: list[Fix]) -> None:
    desk = PairDesk()
    for fix in fixes:
        desk.take(fix)
        both = list(desk.newest.values())
        if len(both) < 2 or any(seen.doubts for seen in both) or abs(both[0].at_s - both[1].at_s) > 300:
            continue
        if distance_m(both[0].fix.point, both[1].fix.point) <= PAIR.alert_radius_m:
            assert desk.state.presence is INSIDE
            assert desk.state.told_at is not None
            assert desk.state.told_at >= NOW

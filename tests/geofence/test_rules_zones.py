from collections.abc import Sequence
from itertools import product
from math import cos, radians, sin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.alerts.model import Doubt, EventKind
from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import Fix, Polygon, Presence, Visibility
from api.geofence.rules.quality import Timing, see
from api.geofence.rules.zones import judge_past_zone, judge_zone
from api.kernel.geo import Point, distance_m
from tests.factories import PLACE, make_circle_zone, make_fix
from tests.geofence.judged import (
    ANY_DELAY_S,
    BAND_M,
    BUFFER_M,
    GOOD,
    LIMITS,
    RADIUS_M,
    UNSEEN,
    ZONE,
    ZoneDesk,
    beyond,
    check_telling,
    copy_of,
    fix_at,
    moment,
    place,
    recorded,
    replay,
    told,
    wandering,
    wearer_tracks,
)

OUTSIDE, BUFFER, INSIDE = Presence.OUTSIDE, Presence.BUFFER, Presence.INSIDE
SMALL = PreparedZone.from_zone(make_circle_zone(radius_m=200.0, buffer_m=50.0))


def judged(*fixes: Fix) -> ZoneDesk:
    return ZoneDesk().take(*fixes)


@pytest.mark.parametrize(
    ("metres", "presence", "events"),
    [
        (3000, OUTSIDE, []),
        (256, OUTSIDE, []),
        (254, BUFFER, ["zone_buffer"]),
        (1, BUFFER, ["zone_buffer"]),
        (-1, INSIDE, ["zone_breach"]),
        (-500, INSIDE, ["zone_breach"]),
    ],
)
def test_the_first_fix_counts_at_once(metres: float, presence: Presence, events: list[str]) -> None:
    desk = judged(beyond(0, metres))
    assert (desk.state.presence, desk.told) == (presence, events)


@pytest.mark.parametrize("point", [place(480, 140), place(0, -300), Point(52.003, 4.503)])
def test_the_line_of_a_circle_is_inside(point: Point) -> None:
    radius_m = distance_m(PLACE, point)
    on_line = PreparedZone.from_zone(make_circle_zone(radius_m=radius_m))
    smaller = PreparedZone.from_zone(make_circle_zone(radius_m=radius_m - 0.001))
    assert ZoneDesk(on_line).take(make_fix(point=point)).told == ["zone_breach"]
    assert ZoneDesk(smaller).take(make_fix(point=point)).told == ["zone_buffer"]


def test_the_line_of_a_polygon_is_inside() -> None:
    corners = (place(-300, -300), place(-300, 300), place(300, 300), place(300, -300), place(-300, -300))
    plain = make_circle_zone()
    zone = PreparedZone.from_zone(msgspec.structs.replace(plain, shape=(Polygon((corners,)),)))
    for corner in corners:
        assert ZoneDesk(zone).take(make_fix(point=corner)).told == ["zone_breach"]
    assert ZoneDesk(zone).take(fix_at(0, 301)).told == ["zone_buffer"]
    assert ZoneDesk(zone).take(fix_at(0, 299)).told == ["zone_breach"]


def strip(*, buffer_m: float) -> PreparedZone:
    """Two kilometres wide and 600 m high: its bounding circle says little of where its edge is."""
    corners = [place(north, east) for north, east in ((-300, -1000), (-300, 1000), (300, 1000), (300, -1000))]
    shape = (Polygon(((*corners, corners[0]),)),)
    return PreparedZone.from_zone(msgspec.structs.replace(make_circle_zone(buffer_m=buffer_m), shape=shape))


def test_an_area_that_is_no_circle_is_measured_to_its_edge() -> None:
    wide, narrow = strip(buffer_m=250.0), strip(buffer_m=10.0)
    for fixes in ([fix_at(0, 581, accuracy_m=30)], [fix_at(0, 5000), fix_at(100, 581, accuracy_m=30)]):
        assert ZoneDesk(wide).take(*fixes).told == []
    assert ZoneDesk(wide).take(fix_at(0, 579, accuracy_m=30)).told == ["zone_buffer"]
    assert ZoneDesk(narrow).take(fix_at(0, 0)).events[0].distance_m == pytest.approx(-300, abs=0.5)
    for metres, events in ((399, ["late_data_breach late"]), (401, [])):
        past = fix_at(-50, metres, accuracy_m=None)
        assert ZoneDesk(narrow).take(fix_at(0, 9000), past).told == events


def test_a_fix_far_away_changes_nothing_and_gives_back_the_same_state() -> None:
    for metres in (20_000, 300):
        now = see(beyond(0, metres), None, LIMITS)
        assert judge_zone(now, ZONE, UNSEEN, Timing.LIVE, LIMITS) == (UNSEEN, ())
        assert judge_zone(now, ZONE, UNSEEN, Timing.LIVE, LIMITS)[0] is UNSEEN


def test_a_fast_approach_is_a_breach_at_the_first_fix_that_shows_it() -> None:
    assert judged(beyond(0, 2000), beyond(30, -50)).told == ["zone_breach"]


def test_walking_in_and_out_tells_each_step_once() -> None:
    metres = [400, 100, -20, -20, 60, 120, 200, 310, 320, 400]
    desk = judged(*(beyond(30 * i, m) for i, m in enumerate(metres)))
    assert desk.told == ["zone_buffer", "zone_breach", "zone_left", "zone_left"]
    assert [told(events) for events in desk.steps].index(["zone_left"]) == 6
    assert desk.state.presence is OUTSIDE


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize("exercise", [False, True])
def test_an_event_carries_what_explains_it(visibility: Visibility, exercise: bool) -> None:
    zone = PreparedZone.from_zone(make_circle_zone(visibility=visibility, version=7))
    fix = beyond(0, -120, accuracy_m=60)
    first, _ = judge_zone(see(fix, None, LIMITS), zone, UNSEEN, Timing.LIVE, LIMITS, exercise=exercise)
    now = see(beyond(30, -120, accuracy_m=60), see(fix, None, LIMITS), LIMITS)
    state, (event,) = judge_zone(now, zone, first, Timing.LIVE, LIMITS, exercise=exercise)
    (past,) = judge_past_zone(now, zone, UNSEEN, LIMITS, exercise=exercise)
    for found in (event, past):
        assert found.concealed is (visibility is Visibility.CONCEALED)
        assert found.exercise is exercise
        assert (found.order_id, found.zone_id) == (zone.zone.order_id, zone.zone.id)
        assert (found.zone_version, found.device_id, found.occurred_at) == (7, fix.device_id, moment(30))
        assert found.doubts == (Doubt.COARSE,)
        assert found.wearer is not None
        assert (found.wearer.point, found.wearer.accuracy_m) == (fix.point, 60)
        assert found.distance_m == pytest.approx(-120, abs=0.1)
    assert (event.kind, event.live, event.repeat) == (EventKind.ZONE_BREACH, True, False)
    assert (past.kind, past.live, past.repeat) == (EventKind.LATE_DATA_BREACH, False, False)
    assert (state.presence, state.told_at) == (INSIDE, moment(30))


def test_a_breach_is_told_again_each_minute_while_it_lasts() -> None:
    desk = judged(*(beyond(20 * i, -50) for i in range(10)))
    repeats = [i for i, events in enumerate(desk.steps) if told(events) == ["zone_breach again"]]
    assert (desk.told[0], repeats) == ("zone_breach", [3, 6, 9])
    assert desk.state.told_at == moment(180)


def test_a_warning_is_told_once_however_long_he_stays() -> None:
    assert judged(*(beyond(60 * i, 100) for i in range(20))).told == ["zone_buffer"]


def test_a_receiver_that_wanders_over_the_line_gives_one_breach() -> None:
    metres = [8, -6, 12, -3, 30, -10, 45, 2, -15, 25] * 6
    desk = judged(*(beyond(15 * i, m) for i, m in enumerate(metres)))
    assert [text for text in desk.told if "again" not in text] == ["zone_buffer", "zone_breach"]


def test_leaving_takes_the_band_two_fixes_and_a_minute() -> None:
    inside = judged(beyond(0, -20))
    assert copy_of(inside).take(beyond(30, BAND_M - 1), beyond(90, BAND_M - 1)).told == ["zone_breach again"]
    assert copy_of(inside).take(beyond(30, 55), beyond(89, 55)).told == []
    assert copy_of(inside).take(beyond(30, 55), beyond(90, 55)).told == ["zone_left"]
    assert copy_of(inside).take(beyond(90, 55)).told == []


def test_the_band_of_a_small_zone_is_twenty_metres() -> None:
    inside = ZoneDesk(SMALL).take(fix_at(0, 150))
    assert copy_of(inside).take(fix_at(30, 219), fix_at(90, 219)).told == ["zone_breach again"]
    assert copy_of(inside).take(fix_at(30, 221), fix_at(90, 221)).told == ["zone_left"]


@pytest.mark.parametrize("accuracy_m", [5.0, 49.0, None])
def test_a_zone_crossed_between_two_fixes_is_told_and_he_is_watched_until_he_has_left(
    accuracy_m: float | None,
) -> None:
    far = [fix_at(0, 400), *(fix_at(t, -400) for t in (60, 90, 150))]
    desk = ZoneDesk(SMALL).take(*(msgspec.structs.replace(fix, accuracy_m=accuracy_m) for fix in far))
    assert desk.told == ["zone_transit", "zone_left"]
    transit = desk.steps[1][0]
    assert transit.doubts == ((Doubt.NO_ACCURACY,) if accuracy_m is None else ()) + (Doubt.BETWEEN_FIXES,)
    assert transit.distance_m == pytest.approx(200, abs=0.1)
    assert (transit.live, transit.repeat, transit.exercise) == (True, False, False)
    assert [state.presence for state in desk.states] == [OUTSIDE, BUFFER, BUFFER, OUTSIDE]
    assert desk.states[1].told_at == moment(60)


def test_a_way_that_ends_in_the_buffer_tells_both() -> None:
    assert ZoneDesk(SMALL).take(fix_at(0, 400), fix_at(60, -230)).told == ["zone_transit", "zone_buffer"]


@pytest.mark.parametrize(
    "fixes",
    [
        pytest.param([fix_at(0, 400), fix_at(301, -400)], id="longer than five minutes"),
        pytest.param([fix_at(0, 400), fix_at(5, -400)], id="faster than anybody"),
        pytest.param([fix_at(0, 400), fix_at(60, 0, 400)], id="round it"),
        pytest.param([fix_at(0, 900), fix_at(60, 400)], id="towards it"),
    ],
)
def test_a_way_that_is_not_believed_or_misses_the_zone_is_no_transit(fixes: list[Fix]) -> None:
    desk = ZoneDesk(SMALL).take(*fixes)
    assert (desk.told, desk.state) == ([], UNSEEN)


def test_a_way_that_touches_the_line_is_a_transit_and_a_metre_beside_it_is_none() -> None:
    assert ZoneDesk(SMALL).take(fix_at(0, 400, 199.5), fix_at(60, -400, 199.5)).told == ["zone_transit"]
    assert ZoneDesk(SMALL).take(fix_at(0, 400, 201), fix_at(60, -400, 201)).told == []


def test_a_way_that_ends_in_a_breach_is_told_as_the_breach_alone() -> None:
    coarse = [fix_at(60 * i, metres, accuracy_m=80) for i, metres in enumerate((275, -275))]
    assert ZoneDesk(SMALL).take(*coarse).told == ["zone_buffer", "zone_breach"]


def test_walking_out_of_the_zone_is_no_transit() -> None:
    assert ZoneDesk(SMALL).take(fix_at(0, 0), fix_at(60, 400), fix_at(120, 400)).told == [
        "zone_breach",
        "zone_left",
    ]


def test_a_doubtful_fix_inside_is_no_surer_for_the_way_that_leads_out_of_it() -> None:
    desk = ZoneDesk(SMALL).take(fix_at(0, 0, accuracy_m=80), fix_at(60, 400))
    assert desk.told == ["zone_buffer"]


def test_a_crossing_in_a_backlog_is_late_evidence() -> None:
    desk = ZoneDesk(SMALL).take(fix_at(0, 400, delay_s=900), fix_at(60, -400, delay_s=900))
    assert (desk.told, desk.state) == (["late_data_breach late"], UNSEEN)
    assert desk.events[0].doubts == (Doubt.BETWEEN_FIXES,)


def test_a_late_fix_inside_is_late_evidence_and_the_live_one_after_it_rings() -> None:
    desk = judged(beyond(0, -50, delay_s=121))
    assert (desk.told, desk.state.presence, desk.state.told_at) == (["late_data_breach late"], INSIDE, None)
    desk.take(beyond(30, -50, delay_s=121), beyond(60, -50), beyond(90, -50))
    assert desk.told == ["late_data_breach late", "zone_breach"]


def test_a_late_fix_in_the_buffer_warns_nobody_and_the_live_one_after_it_does() -> None:
    desk = judged(beyond(0, 100, delay_s=500))
    assert (desk.told, desk.state.presence) == ([], BUFFER)
    assert desk.take(beyond(300, 100)).told == ["zone_buffer"]


def test_a_past_fix_is_evidence_only_where_it_shows_him_inside() -> None:
    desk = judged(beyond(100, 2000))
    state, newest = desk.state, desk.newest
    desk.take(beyond(50, -50), beyond(60, 100), beyond(70, 75, accuracy_m=80), beyond(80, 1000))
    assert desk.told == ["late_data_breach late"] * 2
    assert [event.occurred_at for event in desk.events] == [moment(50), moment(70)]
    assert desk.state is state
    assert desk.newest is newest


@pytest.mark.parametrize(
    ("past_s", "events"),
    [(879, ["late_data_breach late"]), (880, []), (999, []), (1030, [])],
)
def test_a_past_fix_that_belongs_to_the_breach_in_force_is_no_news(past_s: float, events: list[str]) -> None:
    inside = judged(beyond(0, 2000), beyond(1000, -50), beyond(1040, -50))
    assert copy_of(inside).take(beyond(past_s, -50)).told == events
    buffer = judged(beyond(0, 2000), beyond(1000, 100), beyond(1040, 100))
    assert copy_of(buffer).take(beyond(past_s, -50)).told == ["late_data_breach late"]


@given(wearer_tracks(delays_s=ANY_DELAY_S), st.data())
@settings(deadline=None)
def test_a_past_fix_never_changes_the_present_and_never_rings(fixes: list[Fix], data: st.DataObject) -> None:
    number = data.draw(st.integers(1, len(fixes)))
    again = data.draw(st.sampled_from(fixes[:number]))
    older = data.draw(st.integers(1, 400))
    newest = fixes[number - 1]
    at = min(again.fixed_at, moment((newest.fixed_at - moment(0)).total_seconds() - older))
    past = msgspec.structs.replace(again, fixed_at=at)
    plain, other = judged(*fixes), judged(*fixes[:number], past, *fixes[number:])
    assert other.states == [*plain.states[:number], plain.states[number - 1], *plain.states[number:]]
    assert [*other.steps[:number], *other.steps[number + 1 :]] == plain.steps
    assert all(event.kind is EventKind.LATE_DATA_BREACH for event in other.steps[number])
    assert not any(event.live for event in other.steps[number])


@given(wearer_tracks(delays_s=ANY_DELAY_S))
@settings(deadline=None)
def test_late_data_never_rings_and_the_present_never_goes_back_in_time(fixes: list[Fix]) -> None:
    desk = judged(*fixes)
    for fix, events in zip(fixes, desk.steps, strict=True):
        if (fix.received_at - fix.fixed_at).total_seconds() > LIMITS.late_s:
            assert {event.kind for event in events} <= {EventKind.LATE_DATA_BREACH, EventKind.ZONE_LEFT}
    since = [state.since for state in desk.states if state.since]
    told_at = [state.told_at for state in desk.states if state.told_at]
    assert since == sorted(since)
    assert told_at == sorted(told_at)


@given(wearer_tracks(delays_s=ANY_DELAY_S), st.integers(0, 12))
@settings(deadline=None)
def test_the_same_fixes_always_give_the_same_states_and_events(fixes: list[Fix], stop: int) -> None:
    whole, first = judged(*fixes), judged(*fixes[:stop])
    second = copy_of(first).take(*fixes[stop:])
    assert whole.states == first.states + second.states
    assert whole.steps == first.steps + second.steps


@given(wearer_tracks())
@settings(deadline=None, max_examples=200)
def test_what_is_told_live_is_always_what_is_in_force(fixes: list[Fix]) -> None:
    check_telling(judged(*fixes))


@given(wearer_tracks(delays_s=ANY_DELAY_S))
@settings(deadline=None, max_examples=200)
def test_he_has_left_only_after_a_minute_of_fixes_beyond_the_band(fixes: list[Fix]) -> None:
    desk = judged(*fixes)
    beyond_m = [distance_m(PLACE, fix.point) - RADIUS_M for fix in fixes]
    presences = [OUTSIDE, *(state.presence for state in desk.states)]
    for number, events in enumerate(desk.steps):
        if not any(event.kind is EventKind.ZONE_LEFT for event in events):
            continue
        line_m = BAND_M + (0.0 if presences[number] is INSIDE else BUFFER_M)
        ages = [(fixes[number].fixed_at - fix.fixed_at).total_seconds() for fix in fixes[: number + 1]]
        old = [i for i, age in enumerate(ages) if age >= LIMITS.leave_s]
        assert old, "nobody leaves within the first minute"
        assert all(metres > line_m for metres in beyond_m[old[-1] : number + 1])


@given(wearer_tracks(accuracies=GOOD))
@settings(deadline=None, max_examples=200)
def test_a_good_fix_inside_is_a_breach_at_once_whatever_came_before(fixes: list[Fix]) -> None:
    desk = ZoneDesk()
    for fix in fixes:
        desk.take(fix)
        assert desk.newest is not None
        if distance_m(PLACE, fix.point) <= RADIUS_M and not desk.newest.doubts:
            assert desk.state.presence is INSIDE
            assert desk.state.told_at is not None


def slowed(fixes: Sequence[Fix]) -> list[Fix]:
    """The same places a minute apart: nobody jumps."""
    return [
        msgspec.structs.replace(fix, fixed_at=moment(60 * i), received_at=moment(60 * i + 1))
        for i, fix in enumerate(fixes)
    ]


@given(wearer_tracks(accuracies=GOOD), st.lists(st.floats(0.0, 49.0), min_size=12, max_size=12))
@settings(deadline=None, max_examples=200)
def test_among_good_fixes_worse_accuracy_never_hides_a_breach(fixes: list[Fix], more: list[float]) -> None:
    better = slowed(fixes)
    worse = [
        msgspec.structs.replace(fix, accuracy_m=min(50.0, (fix.accuracy_m or 0.0) + metres))
        for fix, metres in zip(better, more, strict=False)
    ]
    for good, bad in zip(judged(*better).states, judged(*worse).states, strict=True):
        assert bad.presence is INSIDE or good.presence is not INSIDE


def test_a_recorded_walk_along_a_line_bounces_a_tenth_as_often_as_a_plain_test_and_misses_nothing() -> None:
    fixes = recorded()
    plain = rules = misses = 0
    for fix, radius_m, bearing in product(fixes[::10], (150.0, 300.0, 500.0), range(0, 360, 45)):
        center = place(radius_m * cos(radians(bearing)), radius_m * sin(radians(bearing)), fix.point)
        zone = PreparedZone.from_zone(make_circle_zone(center=center, radius_m=radius_m))
        counts = replay(zone, fixes)
        plain, rules, misses = plain + counts[0], rules + counts[1], misses + counts[2]
    assert plain >= 50
    assert rules <= plain / 10
    assert misses == 0


@pytest.mark.parametrize("noise_m", [5.0, 12.0, 30.0])
@pytest.mark.parametrize("radius_m", [150.0, 500.0])
def test_two_hours_on_the_line_bounce_a_tenth_as_often_as_a_plain_test_and_miss_nothing(
    noise_m: float, radius_m: float
) -> None:
    zone = PreparedZone.from_zone(make_circle_zone(radius_m=radius_m))
    for seed in range(3):
        plain, rules, misses = replay(zone, wandering(place(radius_m), noise_m, seed))
        assert plain >= 20
        assert rules <= plain / 10
        assert misses == 0

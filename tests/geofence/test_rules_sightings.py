"""What it means when somebody was seen by other means than a device."""

import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import Doubt, Event, EventKind, Family
from api.alerts.rules.joining import family_of, severity_of
from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import ExternalSighting, Fix, Limits, SightingSource, Visibility
from api.geofence.rules.proximity import Pair, pair_of
from api.geofence.rules.sightings import Counterpart, judge_sighting
from api.orders.model import Party
from tests.factories import make_circle_zone, make_order
from tests.geofence.judged import HER_DEVICE, LIMITS, WEARER_DEVICE, fix_at, her_fix, moment, place

ORDER = make_order()
HER = ORDER.protected_person_ids[0]
PAIR: Pair = pair_of(ORDER, HER)
FAR_M = 80_000.0
"""As in Malaga: so far away was the bracelet."""
REACH = LIMITS.horizon_speed_m_s
HER_ZONE = PreparedZone.from_zone(make_circle_zone(radius_m=500.0, order_id=ORDER.id))


def make_sighting(
    north_m: float, seen_s: float = 0.0, *, delay_s: float = 60.0, **more: Any
) -> ExternalSighting:
    """The wearer, seen so far north of the zone's middle, told a minute later."""
    values: dict[str, Any] = {
        "id": uuid.UUID(int=50),
        "order_id": ORDER.id,
        "party": Party.WEARER,
        "person_id": None,
        "seen_at": moment(seen_s),
        "received_at": moment(seen_s + delay_s),
        "point": place(north_m),
        "accuracy_m": 20.0,
        "source": SightingSource.CAMERA,
        "note": "by the back door",
        "author_id": None,
    }
    return ExternalSighting(**(values | more))


def judge(
    sighting: ExternalSighting,
    before: Fix | None = None,
    after: Fix | None = None,
    *,
    zones: tuple[PreparedZone, ...] = (),
    hers: tuple[Fix, ...] = (),
    limits: Limits = LIMITS,
    order: Any = ORDER,
) -> list[Event]:
    others = (Counterpart(PAIR, hers),)
    return judge_sighting(sighting, order, before, after, zones, others, limits)


def worst(events: list[Event]) -> int:
    return min((severity_of(event) for event in events), default=9)


def test_nothing_known_and_nothing_near_says_nothing() -> None:
    assert judge(make_sighting(FAR_M)) == []


def test_a_device_eighty_kilometres_from_where_he_was_filmed_is_contradicted() -> None:
    (event,) = judge(make_sighting(0), fix_at(-30, FAR_M), fix_at(30, FAR_M))
    assert (event.kind, event.reason) == (EventKind.EXTERNAL_SIGHTING, "contradicts_device")
    assert (event.live, severity_of(event), family_of(event)) == (True, 1, Family.APPROACH)
    assert (event.order_id, event.device_id, event.exercise) == (ORDER.id, WEARER_DEVICE, ORDER.exercise)
    assert event.distance_m == pytest.approx(FAR_M, rel=1e-3)
    assert event.reach_m == pytest.approx(30 * REACH)
    assert event.occurred_at == moment(0)
    assert event.wearer is not None
    assert (event.wearer.device_id, event.wearer.point, event.wearer.fixed_at) == (None, place(0), moment(0))
    assert event.protected is None


def test_a_contradiction_is_live_however_late_it_is_told() -> None:
    """The bracelet was not on his leg an hour ago: nothing has put it back."""
    (event,) = judge(make_sighting(0, delay_s=3600), fix_at(0, FAR_M))
    assert event.live


def test_what_he_can_have_travelled_between_contradicts_nothing() -> None:
    gap_s = 100
    within = gap_s * REACH + 20 + 5
    assert judge(make_sighting(0), fix_at(-gap_s, within - 10)) == []
    assert judge(make_sighting(0), None, fix_at(gap_s, within - 10)) == []
    assert len(judge(make_sighting(0), fix_at(-gap_s, within + 10))) == 1
    assert len(judge(make_sighting(0), None, fix_at(gap_s, within + 10))) == 1


def test_the_fix_that_can_be_reconciled_least_is_named() -> None:
    before, after = fix_at(-10, 2_000), fix_at(20, 3_000)
    (event,) = judge(make_sighting(0), before, after)
    assert event.distance_m == pytest.approx(3_000, rel=1e-3)
    (event,) = judge(make_sighting(0), fix_at(-10, 5_000), fix_at(20, 5_300))
    assert event.reach_m == pytest.approx(10 * REACH)


def test_one_of_two_fixes_is_enough_where_the_device_agrees_with_itself() -> None:
    before, after = fix_at(-100, 3_000), fix_at(1, 1_000)
    (event,) = judge(make_sighting(0), before, after)
    assert event.distance_m == pytest.approx(1_000, rel=1e-3)


def test_an_outlier_of_the_device_contradicts_nobody() -> None:
    agrees, outlier = fix_at(-1, 0), fix_at(1, FAR_M)
    assert judge(make_sighting(0), agrees, outlier) == []
    assert judge(make_sighting(0), fix_at(-1, FAR_M), fix_at(1, 0)) == []
    (event,) = judge(make_sighting(0), fix_at(-1, FAR_M), fix_at(1, -FAR_M))
    assert event.reason == "contradicts_device"


def test_a_fix_without_accuracy_is_believed_no_better_than_such_fixes_are() -> None:
    far_m = LIMITS.unknown_accuracy_m + 20
    assert judge(make_sighting(0), fix_at(0, far_m - 1, accuracy_m=None)) == []
    assert len(judge(make_sighting(0), fix_at(0, far_m + 1, accuracy_m=None))) == 1


def test_how_fast_he_can_travel_is_the_order_s_to_say() -> None:
    on_foot = msgspec.structs.replace(LIMITS, horizon_speed_m_s=3.0)
    assert judge(make_sighting(0), fix_at(-100, 1_000)) == []
    assert len(judge(make_sighting(0), fix_at(-100, 1_000), limits=on_foot)) == 1


def test_seen_in_a_zone_is_a_breach_by_other_means() -> None:
    (event,) = judge(make_sighting(300), zones=(HER_ZONE,))
    assert (event.kind, event.reason, event.live) == (EventKind.EXTERNAL_SIGHTING, "breach", True)
    assert (event.zone_id, event.zone_version) == (HER_ZONE.zone.id, 1)
    assert event.distance_m == pytest.approx(-200, abs=0.5)
    assert (event.person_id, event.device_id, event.doubts, event.concealed) == (None, None, (), False)
    assert severity_of(event) == 1


def test_the_disc_of_a_sighting_counts_against_the_wearer() -> None:
    (event,) = judge(make_sighting(519), zones=(HER_ZONE,))
    assert event.doubts == (Doubt.DISC_ONLY,)
    assert judge(make_sighting(521), zones=(HER_ZONE,)) == []
    (event,) = judge(make_sighting(1_400, accuracy_m=1_000.0), zones=(HER_ZONE,))
    assert event.doubts == (Doubt.COARSE,)
    assert event.wearer is not None
    assert event.wearer.doubts == (Doubt.COARSE,)


def test_a_breach_of_a_concealed_zone_is_marked_as_such() -> None:
    hidden = PreparedZone.from_zone(make_circle_zone(visibility=Visibility.CONCEALED))
    (event,) = judge(make_sighting(0), zones=(hidden,))
    assert event.concealed


def test_seen_near_her_is_a_breach_by_other_means() -> None:
    (event,) = judge(make_sighting(400), hers=(her_fix(-60, 0), her_fix(200, 10_000)))
    assert (event.reason, event.person_id, event.zone_id) == ("breach", HER, None)
    assert event.distance_m == pytest.approx(400, abs=0.5)
    assert event.protected_age_s == pytest.approx(60)
    assert event.wearer is not None
    assert event.wearer.device_id is None
    assert event.protected is not None
    assert (event.protected.device_id, event.protected.point) == (HER_DEVICE, place(0))
    assert (event.doubts, event.device_id) == ((), None)


def test_both_discs_count_for_the_distance_between_them() -> None:
    coarse = her_fix(0, 0, accuracy_m=80.0)
    (event,) = judge(make_sighting(599), hers=(coarse,))
    assert event.doubts == (Doubt.DISC_ONLY, Doubt.PARTNER_DOUBTFUL)
    assert judge(make_sighting(601), hers=(coarse,)) == []


def test_where_she_was_nearest_counts_and_what_is_too_old_does_not() -> None:
    (event,) = judge(make_sighting(400), hers=(her_fix(-60, 0), her_fix(60, 300)))
    assert event.distance_m == pytest.approx(100, abs=0.5)
    assert len(judge(make_sighting(400), hers=(her_fix(-LIMITS.partner_stale_s, 0),))) == 1
    assert judge(make_sighting(400), hers=(her_fix(-LIMITS.partner_stale_s - 1, 0),)) == []
    assert judge(make_sighting(400), hers=(her_fix(LIMITS.partner_stale_s + 1, 0),)) == []


def test_a_breach_told_late_is_late_data() -> None:
    late = make_sighting(0, delay_s=LIMITS.late_s + 1)
    events = judge(late, zones=(HER_ZONE,), hers=(her_fix(0, 0),))
    assert [(event.live, family_of(event), severity_of(event)) for event in events] == [
        (False, Family.LATE, 3)
    ] * 2
    in_time = judge(make_sighting(0, delay_s=LIMITS.late_s), zones=(HER_ZONE,), hers=(her_fix(0, 0),))
    assert all(event.live for event in in_time)


def test_a_breach_by_one_who_left_his_device_behind_is_both() -> None:
    events = judge(make_sighting(0), fix_at(0, FAR_M), zones=(HER_ZONE,), hers=(her_fix(0, 0),))
    assert [event.reason for event in events] == ["breach", "breach", "contradicts_device"]


def test_nothing_follows_for_an_order_that_was_not_in_force_then() -> None:
    begun = make_order(valid_from=moment(1))
    ended = make_order(valid_until=moment(0))
    for order in (begun, ended):
        assert judge(make_sighting(0), fix_at(0, FAR_M), zones=(HER_ZONE,), order=order) == []


def test_a_device_is_contradicted_only_while_the_order_lasts() -> None:
    order = make_order(valid_until=moment(30))
    (event,) = judge(make_sighting(0), fix_at(0, FAR_M), zones=(HER_ZONE,), order=order)
    assert event.reason == "breach"


def test_she_was_seen_near_him() -> None:
    sighting = make_sighting(400, party=Party.PROTECTED, person_id=HER)
    (event,) = judge(sighting, zones=(HER_ZONE,), hers=(fix_at(0, 0),))
    assert (event.reason, event.person_id) == ("breach", HER)
    assert event.wearer is not None
    assert event.wearer.device_id == WEARER_DEVICE
    assert event.protected is not None
    assert (event.protected.device_id, event.protected.point) == (None, place(400))


def test_her_own_device_may_be_contradicted_and_zones_are_none_of_hers() -> None:
    sighting = make_sighting(0, party=Party.PROTECTED, person_id=HER)
    (event,) = judge(sighting, her_fix(0, FAR_M), zones=(HER_ZONE,))
    assert (event.reason, event.person_id, event.device_id) == ("contradicts_device", HER, HER_DEVICE)
    assert event.wearer is None
    assert event.protected is not None


def test_the_note_is_in_no_event() -> None:
    events = judge(make_sighting(0), fix_at(0, FAR_M), zones=(HER_ZONE,), hers=(her_fix(0, 0),))
    assert b"back door" not in msgspec.json.encode(events)


def test_two_places_of_one_second_do_not_contradict_a_sighting_that_one_of_them_confirms() -> None:
    """A sharp sighting beside two coarser fixes, of which the farther one is a few metres too far."""
    sighting = make_sighting(0, accuracy_m=1.0)
    assert judge(sighting, fix_at(0, 0), fix_at(0, 9)) == []


places = st.floats(-100_000.0, 100_000.0)
discs = st.floats(1.0, 5_000.0)
gaps = st.integers(0, 7_200)
own_discs = st.one_of(st.none(), st.floats(0.1, 500.0))


@given(places, discs, gaps, gaps, own_discs, places)
def test_a_sighting_at_the_device_s_own_place_contradicts_nothing(
    north_m: float, disc_m: float, before_s: int, after_s: int, own_m: float | None, next_m: float
) -> None:
    sighting = make_sighting(north_m, accuracy_m=disc_m)
    at_it = fix_at(-before_s, north_m, accuracy_m=own_m)
    assert judge(sighting, at_it, fix_at(after_s, north_m, accuracy_m=own_m)) == []
    assert judge(sighting, at_it) == []
    assert judge(sighting, fix_at(0, north_m), fix_at(after_s, next_m)) == []


@given(places, places, discs, gaps, gaps)
def test_a_device_farther_from_the_sighting_is_never_less_severe(
    one_m: float, other_m: float, disc_m: float, before_s: int, after_s: int
) -> None:
    sighting = make_sighting(0, accuracy_m=disc_m)
    near_m, far_m = sorted((one_m, other_m), key=abs)
    near, far = (
        judge(sighting, fix_at(-before_s, north_m), fix_at(after_s, north_m)) for north_m in (near_m, far_m)
    )
    assert worst(far) <= worst(near)


@given(places, places, discs, discs, gaps)
def test_a_sighting_nearer_or_less_certain_is_never_less_of_a_breach(
    one_m: float, other_m: float, one_disc_m: float, other_disc_m: float, delay_s: int
) -> None:
    near_m, far_m = sorted((one_m, other_m), key=abs)
    sharp_m, coarse_m = sorted((one_disc_m, other_disc_m))
    near, far = (
        judge(
            make_sighting(north_m, accuracy_m=disc_m, delay_s=delay_s),
            zones=(HER_ZONE,),
            hers=(her_fix(0, 0),),
        )
        for north_m, disc_m in ((near_m, coarse_m), (far_m, sharp_m))
    )
    assert worst(near) <= worst(far)
    assert len(near) >= len(far)


@given(places, discs, gaps, gaps, places, places)
def test_every_event_says_what_it_rests_on(
    north_m: float, disc_m: float, gap_s: int, delay_s: int, his_m: float, her_m: float
) -> None:
    sighting = make_sighting(north_m, accuracy_m=disc_m, delay_s=delay_s)
    for event in judge(sighting, fix_at(-gap_s, his_m), zones=(HER_ZONE,), hers=(her_fix(gap_s, her_m),)):
        assert event.kind is EventKind.EXTERNAL_SIGHTING
        assert event.occurred_at == sighting.seen_at
        assert event.order_id == ORDER.id
        assert event.wearer is not None
        assert event.wearer.point == sighting.point
        assert event.distance_m is not None
        assert (event.reason == "breach") is (event.zone_id is not None or event.person_id is not None)


def test_the_gap_is_counted_the_same_before_and_after() -> None:
    late, early = (judge(make_sighting(0), fix_at(gap_s, 50_000)) for gap_s in (-60, 60))
    assert late == early != []

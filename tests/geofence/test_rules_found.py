"""Ways past the rules that were found by attacking them, each as the track that slipped through."""

import msgspec
import pytest

from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import Fix, Polygon, Presence
from api.kernel.geo import Point
from tests.factories import make_circle_zone
from tests.geofence.judged import PairDesk, ZoneDesk, beyond, fix_at, her_fix, place

SMALL = PreparedZone.from_zone(make_circle_zone(radius_m=200.0, buffer_m=50.0))


@pytest.mark.parametrize("metres", [20, 100])
def test_a_breach_that_came_late_does_not_silence_the_warning_of_now(metres: float) -> None:
    desk = ZoneDesk().take(beyond(0, -50, delay_s=200), *[beyond(10 + 10 * n, metres) for n in range(12)])
    assert desk.told == ["late_data_breach late", "zone_buffer"]


def test_he_stands_at_her_warning_line_after_a_breach_that_came_late() -> None:
    near = [fix_at(10 + 10 * n, 800) for n in range(6)]
    desk = PairDesk().take(her_fix(0, 0), fix_at(0, 300, delay_s=200), *near)
    assert desk.told == ["late_data_breach late", "proximity_warning"]


def test_a_buffer_that_only_late_data_led_to_is_told_by_the_first_live_fix_in_it() -> None:
    late = [beyond(0, -50, delay_s=300), beyond(60, 100, delay_s=240), beyond(120, 100, delay_s=180)]
    assert ZoneDesk().take(*late, beyond(130, 100)).told == [
        "late_data_breach late",
        "zone_left",
        "zone_buffer",
    ]


def test_leaving_a_buffer_that_nobody_was_told_of_tells_nothing() -> None:
    assert ZoneDesk().take(beyond(0, 100, delay_s=300), beyond(60, 1000), beyond(120, 1000)).told == []


@pytest.mark.parametrize(
    "between",
    [
        [],
        [fix_at(20, 300, 1600)],  # one outlier
        [fix_at(30, 0, accuracy_m=60)],
        [fix_at(30, 0, accuracy_m=None)],
    ],
)
def test_a_crossing_is_seen_whatever_doubtful_fix_lies_between(between: list[Fix]) -> None:
    desk = ZoneDesk(SMALL).take(fix_at(0, 300), *between, fix_at(60, -300))
    assert "zone_transit" in desk.told


def test_a_doubtful_fix_inside_long_ago_is_no_crossing_now() -> None:
    desk = ZoneDesk(SMALL).take(fix_at(0, 300), fix_at(30, 0, accuracy_m=60), fix_at(700, -300))
    assert "zone_transit" not in desk.told


def test_leaving_a_zone_comes_to_the_buffer_s_own_line_with_its_own_band() -> None:
    desk = ZoneDesk().take(
        beyond(0, -10), beyond(30, 100), beyond(90, 257), beyond(100, 248), beyond(110, 260)
    )
    assert desk.told == ["zone_breach", "zone_left"]
    assert desk.states[-1].presence is Presence.BUFFER


def test_old_positions_of_his_do_not_end_a_breach() -> None:
    hers = [her_fix(400, -1000), her_fix(470, -1000)]
    desk = PairDesk().take(her_fix(0, 0), fix_at(0, 300), *hers, fix_at(480, 600))
    assert "proximity_left" not in desk.told
    backlog = PairDesk().take(
        her_fix(0, 0), fix_at(0, 300), *[her_fix(60 * n, -30 * n) for n in range(1, 31)],
        fix_at(60, 200, delay_s=1750), her_fix(1840, -910),
    )  # fmt: skip
    assert "proximity_left" not in backlog.told


def test_her_coarse_position_counts_against_him_as_his_own_does() -> None:
    fixes = [fix for t in range(0, 300, 60) for fix in (her_fix(t, 0, accuracy_m=300), fix_at(t + 5, 600))]
    assert "proximity_breach" in PairDesk().take(*fixes).told


def test_her_reports_do_not_push_his_doubtful_ones_out_of_sight() -> None:
    first, between = fix_at(0, 490, accuracy_m=60), fix_at(10, 700)
    last = fix_at(20, 490, accuracy_m=60)
    alone = PairDesk().take(her_fix(0, 0), first, between, last)
    with_hers = PairDesk().take(her_fix(0, 0), first, between, her_fix(11, 0), her_fix(12, 0), last)
    assert alone.told == with_hers.told == ["proximity_warning", "proximity_breach"]


def test_what_an_event_says_of_the_distance_is_the_distance() -> None:
    """A street two kilometres long: the bounding circle's edge is not the street's."""
    corners = [place(-25, -1000), place(-25, 1000), place(25, 1000), place(25, -1000), place(-25, -1000)]
    ring = tuple(Point(*corner) for corner in corners)
    zone = msgspec.structs.replace(make_circle_zone(buffer_m=100.0), shape=(Polygon((ring,)),))
    street = PreparedZone.from_zone(zone)
    away = [fix_at(60 + 60 * n, 1010) for n in range(3)]
    (left,) = ZoneDesk(street).take(fix_at(0, 0), *away).events[1:]
    assert left.kind == "zone_left"
    assert left.distance_m == pytest.approx(985, abs=1)

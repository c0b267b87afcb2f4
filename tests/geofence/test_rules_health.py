"""Troubles of a device by the rules alone: battery, hanging and false positions, signal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.geofence.model import WELL, DeviceReport, Fix, FixSource, Gnss
from api.geofence.rules.health import MOVES_KEPT, contradicts_radio, is_shielded
from api.geofence.rules.quality import see
from tests.geofence.judged import LIMITS, fix_at, her_fix, moment
from tests.geofence.watched import Watched, status, walk

LATE: dict[str, Any] = {"delay_s": 3600.0}


def test_an_ordinary_fix_builds_no_new_health() -> None:
    said = Watched()
    said.take(walk(0, battery_pct=80, strap_closed=True))
    said.take(walk(15, battery_pct=26, strap_closed=True, moving=True))
    assert said.health is WELL
    assert said.told == []


def test_an_ordinary_fix_of_a_device_in_trouble_builds_no_new_health_either() -> None:
    said = Watched()
    said.take(status(0, strap_closed=True), walk(1, battery_pct=20))
    before = said.health
    said.take(walk(16, battery_pct=20))
    assert said.health is before


def test_what_is_over_leaves_the_very_same_health_as_if_nothing_had_been() -> None:
    said = Watched()
    said.take(walk(0, battery_pct=5), walk(15, battery_pct=90))
    assert said.health is WELL
    said.take(status(20, battery_pct=5, kind="lwt"), status(30, battery_pct=90, kind="lwt"))
    assert said.health is WELL


# Battery


def battery(*levels: int) -> list[str]:
    said = Watched()
    for i, level in enumerate(levels):
        said.take(walk(15 * i, battery_pct=level))
    return said.told


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        ((26, 25, 24, 25, 26, 25), ["battery_low"]),
        ((40, 8), ["battery_critical"]),
        ((25, 10, 9), ["battery_low", "battery_critical"]),
        ((25, 30, 25), ["battery_low"]),
        ((25, 31, 25), ["battery_low", "-battery_low", "battery_low"]),
        ((10, 15, 10), ["battery_critical"]),
        ((10, 16, 10), ["battery_critical", "battery_critical"]),
        ((10, 16, 31), ["battery_critical", "-battery_low"]),
        ((10, 100), ["battery_critical", "-battery_low"]),
    ],
)
def test_each_stage_of_a_battery_is_told_once_while_it_falls(
    levels: tuple[int, ...], told: list[str]
) -> None:
    assert battery(*levels) == told


@given(st.lists(st.integers(24, 27), min_size=1, max_size=30))
def test_a_battery_on_the_line_is_told_once(levels: list[int]) -> None:
    assert battery(*levels) == (["battery_low"] if min(levels) <= 25 else [])


@given(st.lists(st.integers(0, 100), max_size=40))
def test_a_battery_never_ends_what_was_not_told_and_never_tells_a_stage_twice(levels: list[int]) -> None:
    stage = 0
    for word in battery(*levels):
        if word == "-battery_low":
            assert stage
            stage = 0
        else:
            reached = 2 if word == "battery_critical" else 1
            assert reached > stage or reached == 2, "critical may come again after it was above"
            stage = reached


def test_late_data_tells_of_a_battery_only_what_is_news_and_never_its_end() -> None:
    said = Watched()
    assert said.take(walk(0, battery_pct=20, **LATE), walk(15, battery_pct=20, **LATE)) == ["battery_low"]
    assert said.take(walk(30, battery_pct=80, **LATE)) == []
    assert said.take(walk(4000, battery_pct=80)) == ["-battery_low"]


def test_a_battery_in_a_report_counts_whatever_the_report_is() -> None:
    assert Watched().take(status(0, kind="waypoints", battery_pct=9)) == ["battery_critical"]


# A position that hangs


def still(*times_s: float, **more: Any) -> list[Fix]:
    return [fix_at(t_s, 0.0, **more) for t_s in times_s]


def test_the_very_same_place_for_half_an_hour_is_a_receiver_that_hangs() -> None:
    said = Watched()
    assert said.take(*still(0, 600, 1200, 1799)) == []
    assert said.take(*still(1800)) == ["position_frozen"]
    assert said.take(*still(1900, 9000)) == []
    assert said.take(walk(9100)) == ["-position_frozen"]
    assert said.health is WELL


def test_two_fixes_at_one_place_are_not_enough_however_far_apart() -> None:
    said = Watched()
    assert said.take(*still(0, 7200)) == []
    assert said.take(*still(7201)) == ["position_frozen"]


def test_the_same_moment_again_is_no_newer_word() -> None:
    assert Watched().take(*still(0, 0, 0), *still(1800)) == []


def test_another_place_begins_the_half_hour_anew() -> None:
    said = Watched()
    assert said.take(*still(0, 900), fix_at(950, 0.01), *still(1000, 1800, 2700)) == []
    assert said.take(*still(2800)) == ["position_frozen"]


def test_a_device_that_says_it_lies_still_may_repeat_its_place() -> None:
    said = Watched()
    assert said.take(*still(0, 900, 1800, 2700, 3600, moving=False)) == []
    assert said.health is WELL
    assert said.take(*still(3615, 3630, moving=True)) == [], "it has only just begun to move"
    assert said.take(*still(4200, moving=True)) == ["position_frozen"]


def test_a_rest_takes_back_what_had_begun() -> None:
    said = Watched()
    assert said.take(*still(0, 900), *still(1000, moving=False), *still(2000, 2700)) == []


def test_who_moves_cannot_stay_where_he_was() -> None:
    assert Watched().take(*still(0, 300, 599, moving=True)) == []
    assert Watched().take(*still(0, 300, 600, moving=True)) == ["position_frozen"]


@pytest.mark.parametrize("source", [FixSource.WIFI, FixSource.CELL, FixSource.RF])
def test_the_place_of_a_transmitter_is_always_the_same(source: FixSource) -> None:
    assert Watched().take(*still(0, 900, 1800, 2700, source=source)) == []


# Moving without a fix


def no_fix(*times_s: float, moving: bool | None = True) -> list[DeviceReport]:
    return [status(t_s, has_fix=False, moving=moving) for t_s in times_s]


def test_ten_minutes_of_moving_without_a_position_are_told_once_and_ended_by_one() -> None:
    said = Watched()
    assert said.take(*no_fix(*range(0, 600, 60))) == []
    assert said.take(*no_fix(600)) == ["no_fix_motion"]
    assert said.take(*no_fix(660, 1300)) == []
    assert said.take(walk(1400, **LATE)) == [], "what is late says nothing of now"
    assert said.take(walk(1500)) == ["-no_fix_motion"]
    assert said.health is WELL


def test_moves_add_up_over_rests_within_the_hour() -> None:
    said = Watched()
    assert said.take(*no_fix(0, 240), *no_fix(250, moving=False), *no_fix(1800, 2040)) == []
    assert said.take(*no_fix(2050, moving=None), *no_fix(3480, 3599)) == []
    assert said.take(*no_fix(3600)) == ["no_fix_motion"], "240 s, 240 s and 120 s"


def test_what_is_older_than_an_hour_does_not_count() -> None:
    said = Watched()
    assert said.take(*no_fix(0, 240), *no_fix(250, moving=False)) == []
    assert said.take(*no_fix(3700, 4000, 4059)) == [], "of the first 240 s no more than 181 s are left"
    assert said.take(*no_fix(4300)) == ["no_fix_motion"]


def test_between_two_reports_five_minutes_count_at_most() -> None:
    said = Watched()
    assert said.take(*no_fix(0, 900)) == []
    assert said.take(*no_fix(1800)) == ["no_fix_motion"]


def test_a_fix_between_begins_anew() -> None:
    said = Watched()
    assert said.take(*no_fix(0, 300, 540), walk(550), *no_fix(560, 800)) == []


def test_a_report_that_found_its_position_breaks_the_move_and_one_that_says_nothing_does_not() -> None:
    said = Watched()
    assert said.take(*no_fix(0, 300), status(310, has_fix=True, moving=True), *no_fix(600)) == []
    assert said.take(status(601, has_fix=True), *no_fix(610, 700)) == []
    other = Watched()
    assert other.take(*no_fix(0, 300), status(310, moving=True), *no_fix(600)) == ["no_fix_motion"]


def test_reports_every_second_stay_within_bounds_and_miss_nothing() -> None:
    said = Watched()
    t_s = 0
    while not said.told:
        said.take(*no_fix(t_s, t_s + 1), *no_fix(t_s + 1.5, moving=False))
        t_s += 3
        assert len(said.health.moves_s) <= MOVES_KEPT
        assert t_s < 3600
    assert said.told == ["no_fix_motion"]


# A position that is false


def test_a_mocked_position_is_told_once_an_hour_and_over_an_hour_later() -> None:
    said = Watched()
    assert said.take(walk(0, mocked=True), walk(15, mocked=True)) == ["implausible_position mock"]
    assert said.take(status(20, mocked=True)) == []
    assert said.take(walk(3600, mocked=True)) == ["implausible_position mock"]
    assert said.take(walk(7199)) == []
    assert said.take(walk(7200)) == ["-implausible_position"]
    assert said.take(status(7300, mocked=True)) == ["implausible_position mock"]


def test_a_single_outlier_is_multipath() -> None:
    said = Watched()
    assert said.take(walk(0), fix_at(15, 90_000.0), walk(30), walk(45)) == []
    assert said.health is WELL


def test_the_second_fix_that_agrees_with_a_jump_is_where_it_cannot_have_come_to() -> None:
    said = Watched()
    assert said.take(walk(0), fix_at(15, 90_000.0)) == []
    assert said.take(fix_at(30, 90_010.0)) == ["implausible_position speed"]
    assert said.take(fix_at(45, 90_020.0)) == []


def test_a_jump_after_a_jump_is_not_confirmed() -> None:
    assert Watched().take(walk(0), fix_at(15, 90_000.0), fix_at(30, -90_000.0)) == []


def test_after_hours_an_outlier_is_refuted_all_the_same() -> None:
    assert Watched().take(walk(0), fix_at(15, 90_000.0), fix_at(1000, 30.0)) == []


def radio(his_north_m: float, his_age_s: float = 0.0, her_age_s: float = 0.0) -> bool:
    his = see(fix_at(1000 - his_age_s, his_north_m), None, LIMITS)
    her = see(her_fix(1000 - her_age_s, 0.0), None, LIMITS)
    return contradicts_radio(his, her.xyz, her.disc_m, her_age_s, moment(1000).timestamp(), LIMITS)


def test_who_is_heard_by_radio_cannot_be_far_away() -> None:
    assert not radio(2009.0)
    assert radio(2011.0), "2 km and both discs of 5 m"


@pytest.mark.parametrize("ages_s", [(60.0, 0.0), (0.0, 60.0), (30.0, 30.0)])
def test_what_both_may_have_gone_meanwhile_is_allowed_for(ages_s: tuple[float, float]) -> None:
    assert not radio(2010.0 + 60 * LIMITS.max_speed_m_s - 10, *ages_s)
    assert radio(2010.0 + 60 * LIMITS.max_speed_m_s + 10, *ages_s)


def test_an_old_position_contradicts_nothing() -> None:
    assert radio(900_000.0, his_age_s=300.0)
    assert not radio(900_000.0, his_age_s=301.0)
    assert radio(2011.0, his_age_s=-5.0), "a clock that is ahead takes nothing away"


# The receiver


def test_jamming_is_told_once_until_the_receiver_recovers() -> None:
    said = Watched()
    jam = "jam_shield gnss_jammed"
    assert said.take(status(0, gnss=Gnss.JAMMED), status(60, gnss=Gnss.JAMMED)) == [jam]
    assert said.take(status(90, gnss=Gnss.NONE), status(120, gnss=Gnss.JAMMED)) == []
    assert said.take(walk(130, source=FixSource.CELL), status(140, gnss=Gnss.JAMMED)) == []
    assert said.take(walk(150), status(160, gnss=Gnss.JAMMED)) == [jam]
    assert said.take(status(170, gnss=Gnss.OK), status(180, gnss=Gnss.JAMMED)) == [jam]


def test_silence_after_a_lost_signal_is_shielding() -> None:
    said = Watched()
    said.take(status(0, gnss=Gnss.NONE))
    assert is_shielded(said.health, moment(300))
    assert not is_shielded(said.health, moment(301))
    said.take(walk(310, source=FixSource.WIFI))
    assert said.health.gnss_lost_at == moment(0)
    said.take(walk(320))
    assert not is_shielded(said.health, moment(320))
    assert said.health is WELL

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import Doubt, Event, EventKind
from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import Fix, Hours, Limits, Polygon, Presence, PresenceState, Purpose, Schedule
from api.geofence.rules.inclusion import judge_bound
from api.geofence.rules.quality import Seen, Timing, see, timing_of
from tests.factories import NOW, make_circle_zone
from tests.geofence.judged import UNSEEN, fix_at, moment, place, told

RADIUS_M = 500.0
HOUSE = make_circle_zone(radius_m=RADIUS_M, buffer_m=0.0, purpose=Purpose.INCLUSION)
NIGHT = Schedule("Etc/UTC", (Hours(0, "12:10", "12:30"),))
"""NOW is Monday 12:00 UTC: from 600 s to 1,800 s of the tests' time."""
CURFEW = msgspec.structs.replace(HOUSE, schedule=NIGHT)
BORDER_M = 1_000.0
COUNTRY_M = 5_000.0
COUNTRY = make_circle_zone(radius_m=COUNTRY_M, buffer_m=0.0, purpose=Purpose.TERRITORY)
LIMITS = Limits(border_m=BORDER_M)


@dataclass
class BoundDesk:
    """One wearer and one area that he must be in; `north_m` of a fix is from its middle."""

    zone: PreparedZone = field(default_factory=lambda: PreparedZone.from_zone(HOUSE))
    limits: Limits = LIMITS
    state: PresenceState = UNSEEN
    newest: Seen | None = None
    events: list[Event] = field(default_factory=list)

    def take(self, *fixes: Fix) -> "BoundDesk":
        for fix in fixes:
            before = self.newest.fix.fixed_at if self.newest else None
            assert timing_of(fix, before, self.limits) is Timing.LIVE
            self.newest = see(fix, self.newest, self.limits)
            self.state, events = judge_bound(self.newest, self.zone, self.state, self.limits)
            self.events += events
        return self

    @property
    def told(self) -> list[str]:
        return told(self.events)


def house() -> BoundDesk:
    return BoundDesk()


def curfew() -> BoundDesk:
    return BoundDesk(PreparedZone.from_zone(CURFEW))


def country(**more: Any) -> BoundDesk:
    return BoundDesk(PreparedZone.from_zone(COUNTRY), **more)


def test_away_is_told_once_and_coming_back_ends_it() -> None:
    desk = house().take(fix_at(0, 0), fix_at(30, 600))
    assert desk.told == ["inclusion_breach"]
    assert desk.state == PresenceState(Presence.INSIDE, moment(30), told_at=moment(30))
    desk.take(fix_at(60, 800), fix_at(90, 520), fix_at(120, 490), fix_at(150, 0))
    assert desk.told == ["inclusion_breach"]
    desk.take(fix_at(180, 0), fix_at(210, 0))
    assert desk.told == ["inclusion_breach", "condition_ended"]
    assert desk.events[-1].reason == "inclusion_breach"
    assert desk.state == PresenceState(since=moment(180))


def test_who_stands_on_the_line_is_told_once() -> None:
    desk = house().take(*(fix_at(30 * n, RADIUS_M + (12 if n % 2 else -12)) for n in range(28)))
    assert desk.told == ["inclusion_breach"]


def test_an_event_says_which_zone_and_how_far() -> None:
    (event,) = house().take(fix_at(0, 1500)).events
    assert (event.zone_id, event.zone_version, event.order_id) == (HOUSE.id, HOUSE.version, HOUSE.order_id)
    assert event.distance_m == pytest.approx(1000, abs=0.1)
    assert event.wearer is not None
    assert event.wearer.point == place(1500)
    assert (event.live, event.repeat, event.concealed, event.exercise, event.doubts) == (
        True,
        False,
        False,
        False,
        (),
    )
    desk = house()
    now = see(fix_at(0, 1500), None, LIMITS)
    _, (event,) = judge_bound(now, desk.zone, desk.state, LIMITS, exercise=True)
    assert event.exercise


@pytest.mark.parametrize(("north_m", "is_away"), [(506, True), (504, False), (0, False)])
def test_only_a_whole_disc_outside_is_away(north_m: float, is_away: bool) -> None:
    assert bool(house().take(fix_at(0, north_m, accuracy_m=5.0)).told) is is_away


@pytest.mark.parametrize(("far", "expected"), [("ax.", 0), ("x.x", 1), ("xx", 1), ("x..x", 0), (".x.x", 1)])
def test_two_doubtful_of_the_last_three_make_an_absence(far: str, expected: int) -> None:
    """An `x` is a doubtful fix far away, an `a` a doubtful one whose disc reaches the house."""
    places = {"x": 900.0, "a": 550.0, ".": 0.0}
    fixes = [fix_at(30 * i, places[one], accuracy_m=100) for i, one in enumerate(far)]
    desk = house().take(*fixes)
    assert len(desk.told) == expected
    if expected:
        assert desk.events[0].doubts == (Doubt.COARSE,)


def test_a_jump_out_and_back_is_no_absence_and_one_inside_no_return() -> None:
    desk = house().take(fix_at(0, 0), fix_at(1, 5000), fix_at(2, 0))
    assert desk.told == []
    desk = house().take(fix_at(0, 5000), fix_at(1, 0), fix_at(2, 5000))
    assert desk.told == ["inclusion_breach"]
    desk.take(fix_at(3, 0), fix_at(4, 0), fix_at(64, 0))
    assert desk.told == ["inclusion_breach", "condition_ended"]


def test_what_lasts_is_told_again_after_a_quarter_of_an_hour() -> None:
    desk = house().take(*(fix_at(t_s, 900) for t_s in range(0, 1900, 60)))
    assert desk.told == ["inclusion_breach", "inclusion_breach again", "inclusion_breach again"]
    assert [event.occurred_at for event in desk.events] == [moment(0), moment(900), moment(1800)]


def test_outside_its_hours_nobody_must_be_anywhere() -> None:
    desk = curfew().take(fix_at(0, 900), fix_at(599, 900), fix_at(1800, 900))
    assert (desk.told, desk.state) == ([], PresenceState())


def test_who_is_away_when_the_curfew_begins_is_told_by_the_first_fix_in_it() -> None:
    desk = curfew().take(fix_at(570, 900), fix_at(610, 900))
    assert (desk.told, desk.events[0].occurred_at) == (["inclusion_breach"], moment(610))


def test_the_end_of_the_curfew_ends_the_breach_at_the_next_fix() -> None:
    desk = curfew().take(fix_at(1700, 900), fix_at(1810, 900), fix_at(1900, 900))
    assert desk.told == ["inclusion_breach", "condition_ended"]
    assert desk.events[-1].distance_m == pytest.approx(400, abs=0.1)
    assert desk.state == PresenceState(since=moment(1810))


def test_a_doubtful_fix_before_the_curfew_is_not_counted_in_it() -> None:
    desk = curfew().take(fix_at(580, 900, accuracy_m=90), fix_at(610, 900, accuracy_m=90))
    assert desk.told == []
    later = see(fix_at(1810, 900), desk.newest, LIMITS)
    assert desk.state.doubtful_recent
    assert judge_bound(later, desk.zone, desk.state, LIMITS) == (PresenceState(), ())


def test_what_changes_nothing_gives_the_same_state_back() -> None:
    for desk, north_m in ((house(), 0.0), (curfew(), 900.0), (country(), 0.0)):
        before = desk.state
        desk.take(fix_at(0, north_m))
        assert desk.state is before
    away = house().take(fix_at(0, 900))
    before = away.state
    away.take(fix_at(60, 900))
    assert away.state is before


@pytest.mark.parametrize(
    ("north_m", "is_near"),
    [(0.0, False), (COUNTRY_M - 1_100, False), (COUNTRY_M - 990, True), (COUNTRY_M, True), (20_000, True)],
)
def test_near_the_border_and_beyond_it_is_told(north_m: float, is_near: bool) -> None:
    desk = country().take(fix_at(0, north_m))
    assert bool(desk.told) is is_near
    if is_near:
        assert desk.told == ["border_approach"]
        assert desk.events[0].distance_m == pytest.approx(north_m - COUNTRY_M, abs=5)


def test_the_border_is_left_behind_with_two_fixes_and_a_minute_well_inside() -> None:
    near, on_the_band, well_inside = COUNTRY_M - 900, COUNTRY_M - 1_050, COUNTRY_M - 1_150
    desk = country().take(fix_at(0, near), fix_at(60, on_the_band), fix_at(150, on_the_band))
    desk.take(fix_at(200, well_inside), fix_at(230, near), fix_at(260, well_inside), fix_at(290, well_inside))
    assert desk.told == ["border_approach"]
    desk.take(fix_at(320, well_inside))
    assert desk.told == ["border_approach", "condition_ended"]
    assert desk.events[-1].reason == "border_approach"
    desk.take(fix_at(350, well_inside), fix_at(380, near))
    assert desk.told[2:] == ["border_approach"]


def test_a_lasting_approach_is_told_again_unless_it_seems_to_end() -> None:
    near, well_inside = COUNTRY_M - 900, COUNTRY_M - 1_200
    desk = country().take(fix_at(0, near), fix_at(899, near), fix_at(930, well_inside), fix_at(960, near))
    assert desk.told == ["border_approach", "border_approach again"]
    assert desk.events[-1].occurred_at == moment(960)


def test_one_outlier_at_the_border_tells_nothing_and_two_that_agree_do() -> None:
    near = COUNTRY_M - 100
    assert country().take(fix_at(0, 0), fix_at(1, near), fix_at(2, 0)).told == []
    assert country().take(fix_at(0, 0), fix_at(1, near), fix_at(2, near)).told == ["border_approach"]
    coarse = [fix_at(30 * i, near, accuracy_m=90) for i in range(2)]
    assert country().take(coarse[0]).told == []
    assert country().take(*coarse).told == ["border_approach"]


@pytest.mark.parametrize("half_m", [9_000.0, 40_000.0])
def test_a_drawn_country_is_judged_like_a_round_one(half_m: float) -> None:
    """The larger one is no longer judged on a plane."""
    sides = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
    ring = tuple(place(north * half_m, east * half_m) for north, east in sides)
    zone = PreparedZone.from_zone(msgspec.structs.replace(COUNTRY, shape=(Polygon((ring,)),)))
    desk = BoundDesk(zone).take(fix_at(0, 0), fix_at(3_000, half_m - 1_400))
    assert desk.told == []
    desk.take(fix_at(3_060, half_m - 600), fix_at(3_120, half_m - 2_500), fix_at(3_200, half_m - 4_000))
    assert desk.told == ["border_approach", "condition_ended"]
    desk.take(fix_at(3_500, half_m + 500))
    assert desk.told[2:] == ["border_approach"]


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 450.0, 560.0, 900.0]), st.booleans()), max_size=12),
    st.sampled_from([None, 51.0, 90.0, 300.0]),
)
def test_one_doubtful_fix_never_makes_an_absence(
    walked: Sequence[tuple[float, bool]], accuracy_m: float | None
) -> None:
    """A breach that begins with a doubtful fix had another among the two before, whose disc was outside."""
    desk = house()
    is_doubtful: list[bool] = []
    for i, (north_m, good) in enumerate(walked):
        accuracy = 5.0 if good else accuracy_m
        began = len(desk.events)
        desk.take(fix_at(30 * i, north_m, accuracy_m=accuracy))
        disc_m = LIMITS.unknown_accuracy_m if accuracy is None else accuracy
        is_doubtful.append(not good and north_m - RADIUS_M > disc_m)
        for event in desk.events[began:]:
            if event.kind is EventKind.INCLUSION_BREACH and event.doubts and not event.repeat:
                assert sum(is_doubtful[-3:]) >= 2


@given(st.lists(st.tuples(st.sampled_from([30, 60, 301]), st.floats(0.0, 1100.0)), max_size=15))
def test_what_was_told_is_what_is_in_force(walked: list[tuple[int, float]]) -> None:
    """Breach and end take turns; one good fix says that he is away, two over a minute that he is back."""
    desk, t_s, back_s = house(), 0, 0
    for gap_s, north_m in walked:
        t_s += gap_s
        back_s = back_s or t_s if north_m < RADIUS_M - 1.0 else 0
        desk.take(fix_at(t_s, north_m, accuracy_m=5.0))
        news = [event.kind for event in desk.events if not event.repeat]
        pair = [EventKind.INCLUSION_BREACH, EventKind.CONDITION_ENDED]
        assert news == [pair[i % 2] for i in range(len(news))]
        assert (len(news) % 2 == 1) is (desk.state.presence is Presence.INSIDE)
        if north_m > RADIUS_M + 6.0:
            assert desk.state.presence is Presence.INSIDE
        if back_s and t_s - back_s >= LIMITS.leave_s:
            assert desk.state.presence is Presence.OUTSIDE


def test_summer_time_is_looked_up_at_the_fix() -> None:
    """22:00 in Amsterdam is 20:00 UTC in summer."""
    night = Schedule("Europe/Amsterdam", (Hours(5, "22:00", "06:00"),))
    zone = PreparedZone.from_zone(msgspec.structs.replace(HOUSE, schedule=night))
    for begins in (datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 31, 21, tzinfo=UTC)):
        start_s = (begins - NOW).total_seconds()
        assert BoundDesk(zone).take(fix_at(start_s - 1, 900)).told == []
        assert BoundDesk(zone).take(fix_at(start_s, 900)).told == ["inclusion_breach"]

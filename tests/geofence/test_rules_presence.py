from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from api.alerts.model import Doubt
from api.geofence.model import Limits, Presence, PresenceState
from api.geofence.rules.presence import (
    Telling,
    disc_doubts,
    is_inside,
    is_resting,
    leave_band_m,
    next_presence,
    telling,
)
from tests.geofence.judged import BAND_M, LIMITS, UNSEEN, moment

OUTSIDE, BUFFER, INSIDE = Presence.OUTSIDE, Presence.BUFFER, Presence.INSIDE
RANK = {OUTSIDE: 0, BUFFER: 1, INSIDE: 2}
COARSE, JUMP, NO_ACCURACY = (Doubt.COARSE,), (Doubt.JUMP,), (Doubt.NO_ACCURACY,)
BUFFER_M = 100.0
NOW_S = 10_000.0


def after(
    state: PresenceState, breach_m: float, t_s: float = NOW_S, *, disc_m: float = 5.0, **more: Any
) -> PresenceState:
    """The state after a fix so far beyond the line of breach, with a warning line 100 m before it."""
    values: dict[str, Any] = {"doubts": (), "band_m": BAND_M, "limits": LIMITS} | more
    return next_presence(
        state,
        breach_m=breach_m,
        warning_m=breach_m - BUFFER_M,
        disc_m=disc_m,
        fixed_at=moment(t_s),
        **values,
    )


def walked(state: PresenceState, *fixes: tuple[float, float], **more: Any) -> PresenceState:
    """The state after fixes of (seconds, metres beyond the line of breach)."""
    for t_s, breach_m in fixes:
        state = after(state, breach_m, t_s, **more)
    return state


DOUBTS = st.sampled_from([(), COARSE, JUMP, NO_ACCURACY, (*COARSE, *JUMP), (Doubt.PARTNER_STALE,)])
DISTANCES = st.one_of(st.floats(-500.0, 500.0), st.sampled_from([0.0, 50.0, 100.0, 150.0]))
DISCS = st.floats(0.1, 400.0)


@st.composite
def states(draw: st.DrawFn) -> PresenceState:
    """Any state that a run can reach before NOW_S."""
    presence = draw(st.sampled_from(Presence))
    clear = 0 if presence is OUTSIDE else draw(st.integers(0, 2))
    return PresenceState(
        presence=presence,
        since=moment(0),
        clear_fixes=clear,
        clear_since=moment(NOW_S - draw(st.integers(1, 200))) if clear else None,
        doubtful_recent=0 if presence is INSIDE else draw(st.integers(0, 7)),
        told_at=draw(st.sampled_from([None, moment(0)])),
    )


@pytest.mark.parametrize(
    ("radius_m", "band_m"),
    [(1, 20), (50, 20), (200, 20), (300, 30), (500, 50), (501, 50), (50_000, 50)],
)
def test_the_band_to_leave_is_a_tenth_of_the_radius_between_20_and_50_metres(
    radius_m: float, band_m: float
) -> None:
    assert leave_band_m(radius_m, LIMITS) == pytest.approx(band_m)


@pytest.mark.parametrize(
    ("breach_m", "presence"),
    [
        (500.0, OUTSIDE),
        (105.1, OUTSIDE),
        (105.0, BUFFER),
        (100.0, BUFFER),
        (0.001, BUFFER),
        (0.0, INSIDE),
        (-200.0, INSIDE),
    ],
)
def test_the_first_fix_puts_him_where_it_shows_him_and_a_line_belongs_to_its_inside(
    breach_m: float, presence: Presence
) -> None:
    state = after(UNSEEN, breach_m)
    assert state.presence is presence
    assert state.since == (None if presence is OUTSIDE else moment(NOW_S))
    assert (state.clear_fixes, state.clear_since, state.doubtful_recent, state.told_at) == (0, None, 0, None)


def test_nothing_new_gives_back_the_very_same_state() -> None:
    buffer, inside = after(UNSEEN, 50), after(UNSEEN, -50)
    assert after(UNSEEN, 500) is UNSEEN
    assert after(buffer, 60) is buffer
    assert after(inside, -60) is inside
    assert after(inside, 40) is inside  # within the band


def test_a_good_fix_near_the_line_warns_by_its_disc_and_breaches_only_by_its_middle() -> None:
    assert after(UNSEEN, 140, disc_m=45).presence is BUFFER
    assert after(UNSEEN, 30, disc_m=45).presence is BUFFER


@pytest.mark.parametrize("doubts", [COARSE, NO_ACCURACY, (*COARSE, *JUMP)])
def test_a_doubtful_fix_is_inside_wherever_its_disc_touches(doubts: tuple[Doubt, ...]) -> None:
    assert is_inside(60.0, 60.0, doubts)
    assert not is_inside(60.1, 60.0, doubts)
    assert not is_inside(60.0, 60.0, ())


@pytest.mark.parametrize("doubts", [JUMP, (Doubt.PARTNER_STALE,)])
def test_a_doubt_of_the_place_as_a_whole_does_not_widen_it(doubts: tuple[Doubt, ...]) -> None:
    assert is_inside(0.0, 60.0, doubts)
    assert not is_inside(0.1, 60.0, doubts)


@pytest.mark.parametrize("doubts", [COARSE, NO_ACCURACY, JUMP])
def test_a_doubtful_breach_warns_at_once_and_is_a_breach_when_it_repeats(doubts: tuple[Doubt, ...]) -> None:
    first = after(UNSEEN, -10, doubts=doubts)
    assert (first.presence, first.doubtful_recent) == (BUFFER, 1)
    second = after(first, -10, NOW_S + 30, doubts=doubts)
    assert (second.presence, second.since, second.doubtful_recent) == (INSIDE, moment(NOW_S + 30), 0)


@pytest.mark.parametrize(
    ("pattern", "presence"),
    [("D", BUFFER), ("DD", INSIDE), ("D-D", INSIDE), ("D--D", BUFFER), ("D--DD", INSIDE), ("-D-", BUFFER)],
)
def test_two_doubtful_fixes_of_the_last_three_are_a_breach(pattern: str, presence: Presence) -> None:
    state = UNSEEN
    for number, letter in enumerate(pattern):
        metres, doubts = (-10.0, JUMP) if letter == "D" else (60.0, ())
        state = after(state, metres, NOW_S + number, doubts=doubts)
    assert state.presence is presence


@pytest.mark.parametrize("doubts", [COARSE, NO_ACCURACY, JUMP])
def test_doubtful_fixes_whose_disc_stays_outside_are_no_breach(doubts: tuple[Doubt, ...]) -> None:
    state = walked(UNSEEN, *((30 * i, 60) for i in range(5)), doubts=doubts, disc_m=59.0)
    assert (state.presence, state.doubtful_recent) == (BUFFER, 0)


def test_one_good_fix_needs_no_second() -> None:
    assert after(after(UNSEEN, -10, doubts=JUMP), -10, NOW_S + 1).presence is INSIDE


def test_the_same_doubtful_fix_again_is_not_counted_a_second_time() -> None:
    first = after(UNSEEN, -10, doubts=COARSE)
    for _ in range(3):
        assert after(first, -10, NOW_S + 10, doubts=COARSE, again=True).presence is BUFFER
    nearer = after(after(UNSEEN, 90, doubts=COARSE), -10, NOW_S + 10, doubts=COARSE, again=True)
    assert (nearer.presence, nearer.doubtful_recent) == (BUFFER, 1)


def test_a_doubtful_fix_within_a_breach_keeps_it() -> None:
    inside = after(UNSEEN, -10)
    assert after(inside, -10, NOW_S + 60, doubts=COARSE) is inside
    assert after(inside, 200, NOW_S + 60, disc_m=200, doubts=COARSE) is inside


@pytest.mark.parametrize(
    ("fixes", "left"),
    [
        ([(0, 51), (60, 51)], True),
        ([(0, 51), (59, 51)], False),
        ([(0, 51), (30, 51), (59, 51)], False),
        ([(0, 51), (30, 51), (60, 51)], True),
        ([(0, 51)], False),
        ([(0, 50), (60, 50)], False),
        ([(0, 51), (30, 50), (60, 51), (90, 51)], False),
        ([(0, 51), (30, 50), (60, 51), (120, 51)], True),
        ([(0, 51), (30, -1), (60, 51), (90, 51)], False),
        ([(0, 51), (3600, 51)], True),
    ],
)
def test_a_breach_ends_beyond_the_band_after_two_fixes_and_sixty_seconds(
    fixes: Sequence[tuple[float, float]], left: bool
) -> None:
    start = after(UNSEEN, -10, -30)
    assert walked(start, *fixes).presence is (BUFFER if left else INSIDE)


def test_the_buffer_is_left_in_the_same_way() -> None:
    start = after(UNSEEN, 60, -30)
    assert walked(start, (0, 151), (59, 151)).presence is BUFFER
    assert walked(start, (0, 151), (60, 151)) == PresenceState(OUTSIDE, moment(60))
    assert walked(start, (0, 150), (60, 150), (120, 150)) is start


def test_what_has_begun_of_leaving_is_kept_and_forgotten_when_he_comes_back() -> None:
    inside = after(UNSEEN, -10, -30)
    leaving = walked(inside, (0, 70), (30, 70))
    assert (leaving.presence, leaving.clear_fixes, leaving.clear_since) == (INSIDE, 2, moment(0))
    assert after(leaving, 40, 50) == inside


def test_three_fixes_count_no_more_than_are_needed() -> None:
    assert walked(after(UNSEEN, -10, -30), (0, 70), (10, 70), (20, 70)).clear_fixes == 2


def test_leaving_keeps_when_it_was_told_and_entering_begins_anew() -> None:
    inside = PresenceState(INSIDE, moment(-90), told_at=moment(-90))
    left = walked(inside, (0, 160), (60, 160))
    assert left == PresenceState(OUTSIDE, moment(60), told_at=moment(-90))
    assert after(left, 40, 70) == PresenceState(BUFFER, moment(70))


def test_a_disc_that_still_touches_is_no_proof_of_leaving() -> None:
    start = after(UNSEEN, -10, -30)
    assert walked(start, (0, 90), (60, 90), disc_m=90.0, doubts=COARSE) is start
    assert walked(start, (0, 91), (60, 91), disc_m=90.0, doubts=COARSE).presence is BUFFER


def test_a_jump_is_no_proof_of_leaving() -> None:
    start = after(UNSEEN, -10, -30)
    assert walked(start, (0, 5000), (60, 5000), doubts=JUMP) is start
    half = after(start, 5000, 0)
    assert after(half, 5000, 60, doubts=JUMP).clear_fixes == 0


def test_a_fix_that_may_not_prove_a_departure_leaves_the_state_in_force() -> None:
    start = after(UNSEEN, -10, -30)
    assert walked(start, (0, 5000), (60, 5000), (120, 5000), may_leave=False).presence is INSIDE


def test_only_somebody_outside_with_no_doubt_in_the_window_is_at_rest() -> None:
    assert is_resting(UNSEEN)
    assert not is_resting(PresenceState(BUFFER))
    assert not is_resting(PresenceState(INSIDE))
    doubtful = walked(after(UNSEEN, -10, 0, doubts=JUMP), (1, 160), (61, 160))
    assert (doubtful.presence, doubtful.doubtful_recent) == (OUTSIDE, 0b100)
    assert not is_resting(doubtful)
    forgotten = after(doubtful, 160, 90)
    assert (forgotten.presence, forgotten.doubtful_recent) == (OUTSIDE, 0)
    assert is_resting(forgotten)


@pytest.mark.parametrize(
    ("breach_m", "disc_m", "doubts", "expected"),
    [
        (-1.0, 50.0, (), ()),
        (0.0, 50.0, (), ()),
        (10.0, 10.0, (), (Doubt.DISC_ONLY,)),
        (10.0, 9.0, (), ()),
        (BUFFER_M, 5.0, (), ()),
        (BUFFER_M + 5.0, 5.0, (), (Doubt.DISC_ONLY,)),
        (BUFFER_M + 5.1, 5.0, (), ()),
        (10.0, 60.0, COARSE, COARSE),
    ],
)
def test_an_event_says_when_only_the_disc_of_a_good_fix_is_over_a_line(
    breach_m: float, disc_m: float, doubts: tuple[Doubt, ...], expected: tuple[Doubt, ...]
) -> None:
    assert disc_doubts(breach_m, breach_m - BUFFER_M, disc_m, doubts) == expected


def told(before: PresenceState, now: PresenceState, t_s: float, **shown: bool) -> Telling | None:
    values = {"live": True, "inside": now.presence is INSIDE, "warned": True} | shown
    return telling(before, now, moment(t_s), LIMITS, **values)


OUT = PresenceState(OUTSIDE)
IN, WARNED = PresenceState(INSIDE, moment(0)), PresenceState(BUFFER, moment(0))
IN_TOLD, WARNED_TOLD = (PresenceState(p, moment(0), told_at=moment(0)) for p in (INSIDE, BUFFER))


@pytest.mark.parametrize(
    ("before", "now", "shown", "expected"),
    [
        (OUT, OUT, {}, None),
        (OUT, WARNED, {}, Telling.WARNED),
        (WARNED_TOLD, WARNED_TOLD, {}, None),
        (OUT, IN, {}, Telling.ENTERED),
        (WARNED_TOLD, IN, {}, Telling.ENTERED),
        (OUT, IN, {"live": False}, Telling.ENTERED_LATE),
        (WARNED_TOLD, IN, {"live": False}, Telling.ENTERED_LATE),
        (IN, IN, {"live": False}, None),
        (IN_TOLD, IN_TOLD, {"live": False}, None),
        (OUT, WARNED, {"live": False}, None),
        (IN, IN, {}, Telling.ENTERED),
        (WARNED, WARNED, {}, Telling.WARNED),
        (WARNED, WARNED, {"warned": False}, None),
        (IN_TOLD, WARNED_TOLD, {}, Telling.LEFT),
        (IN_TOLD, OUT, {}, Telling.LEFT),
        (WARNED_TOLD, OUT, {}, Telling.LEFT),
    ],
)
def test_what_is_told_of_a_step(
    before: PresenceState, now: PresenceState, shown: dict[str, bool], expected: Telling | None
) -> None:
    assert told(before, now, 30, **shown) is expected


@pytest.mark.parametrize(("t_s", "expected"), [(59, None), (60, Telling.STILL_INSIDE)])
def test_a_lasting_breach_is_told_again_each_minute(t_s: float, expected: Telling | None) -> None:
    assert told(IN_TOLD, IN_TOLD, t_s) is expected
    assert told(IN_TOLD, IN_TOLD, t_s, live=False) is None


def test_a_live_fix_outside_does_not_tell_what_late_data_showed_as_a_live_breach() -> None:
    assert told(IN, IN, 30, inside=False) is not Telling.ENTERED


def test_a_breach_that_he_is_about_to_leave_is_not_told_again() -> None:
    leaving = PresenceState(INSIDE, moment(0), 1, moment(70), told_at=moment(0))
    assert told(IN_TOLD, leaving, 70, inside=False) is None


@given(states(), DISTANCES, st.floats(0.0, 500.0), DISCS, DOUBTS, st.booleans(), st.booleans())
@settings(deadline=None, max_examples=300)
def test_nearer_never_lowers_the_presence(
    state: PresenceState,
    breach_m: float,
    nearer_m: float,
    disc_m: float,
    doubts: tuple[Doubt, ...],
    again: bool,
    may_leave: bool,
) -> None:
    more: dict[str, Any] = {"disc_m": disc_m, "doubts": doubts, "again": again, "may_leave": may_leave}
    far, near = after(state, breach_m, **more), after(state, breach_m - nearer_m, **more)
    assert RANK[near.presence] >= RANK[far.presence]


@given(states(), DISTANCES, DISCS)
@settings(deadline=None, max_examples=300)
def test_nothing_delays_a_good_fix_inside_or_a_disc_that_touches_the_buffer(
    state: PresenceState, breach_m: float, disc_m: float
) -> None:
    now = after(state, breach_m, disc_m=disc_m)
    if breach_m <= 0.0:
        assert now.presence is INSIDE
    if breach_m - BUFFER_M <= disc_m:
        assert now.presence is not OUTSIDE


@given(DISTANCES, DISCS, st.floats(0.0, 400.0), DOUBTS, DOUBTS)
@settings(deadline=None)
def test_worse_accuracy_never_hides_what_a_fix_shows(
    breach_m: float, disc_m: float, more_m: float, doubts: tuple[Doubt, ...], worse: tuple[Doubt, ...]
) -> None:
    if is_inside(breach_m, disc_m, doubts):
        assert is_inside(breach_m, disc_m + more_m, (*doubts, *worse))


@given(states(), DISTANCES, DISCS, DOUBTS, DOUBTS)
@settings(deadline=None, max_examples=300)
def test_any_second_fix_that_shows_him_inside_is_a_breach(
    state: PresenceState,
    breach_m: float,
    disc_m: float,
    doubts: tuple[Doubt, ...],
    next_doubts: tuple[Doubt, ...],
) -> None:
    assume(is_inside(breach_m, disc_m, doubts) and is_inside(breach_m, disc_m, next_doubts))
    first = after(state, breach_m, disc_m=disc_m, doubts=doubts)
    assert first.presence is not OUTSIDE
    assert after(first, breach_m, NOW_S + 1, disc_m=disc_m, doubts=next_doubts).presence is INSIDE


@given(states(), DISTANCES, DISCS, DOUBTS)
@settings(deadline=None, max_examples=300)
def test_a_presence_falls_only_with_a_second_clear_fix_a_minute_after_the_first(
    state: PresenceState, breach_m: float, disc_m: float, doubts: tuple[Doubt, ...]
) -> None:
    now = after(state, breach_m, disc_m=disc_m, doubts=doubts)
    if RANK[now.presence] < RANK[state.presence]:
        assert state.clear_since is not None
        assert state.clear_fixes >= LIMITS.leave_fixes - 1
        assert moment(NOW_S) - state.clear_since >= moment(LIMITS.leave_s) - moment(0)
        assert Doubt.JUMP not in doubts
        line_m = breach_m if state.presence is INSIDE else breach_m - BUFFER_M
        assert line_m > max(BAND_M, disc_m)


def test_other_limits_change_how_many_fixes_confirm_and_how_long_leaving_takes() -> None:
    limits = Limits(confirm_fixes=3, confirm_window=3, leave_fixes=3, leave_s=10.0)
    two = walked(UNSEEN, (0, -10), (1, -10), doubts=JUMP, limits=limits)
    assert two.presence is BUFFER
    inside = after(two, -10, 2, doubts=JUMP, limits=limits)
    assert inside.presence is INSIDE
    assert walked(inside, (10, 70), (20, 70), limits=limits).presence is INSIDE
    assert walked(inside, (10, 70), (15, 70), (20, 70), limits=limits).presence is BUFFER

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.plan import party_sendings, plan_story
from simulator.schedule import Party
from simulator.story_loader import find_story, load_story
from simulator.truth import is_late
from simulator.world import distance_m

WALK = load_story(find_story("zone-on-foot"))
CAR = load_story(find_story("zone-by-car"))
BACKLOG = load_story(find_story("backlog-inside"))


@settings(max_examples=20, deadline=None)
@given(speed=st.floats(1, 24), seed=st.integers(0, 10_000))
def test_at_any_speed_stamps_are_whole_rising_seconds_and_nobody_seems_to_jump(
    speed: float, seed: int
) -> None:
    sent = plan_story(WALK, seed, speed).sendings
    for before, after in pairwise(sent):
        gap_s = after.stamp_s - before.stamp_s
        assert gap_s >= 1
        assert after.seq > before.seq
        assert before.reading is not None
        assert after.reading is not None
        assert distance_m(before.reading.place, after.reading.place) / gap_s < 70
    assert all(0 <= s.at_s - s.stamp_s < 1 for s in sent)


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_a_position_belongs_to_its_stamp(speed: float) -> None:
    track = CAR.wearer.track(7)
    for sending in plan_story(CAR, 7, speed).sendings:
        assert sending.reading is not None
        assert distance_m(sending.reading.true, track.at(sending.stamp_s * speed)) < 0.01


def test_speed_shortens_the_run_and_thins_to_one_reading_a_second() -> None:
    slow, fast = plan_story(WALK, 1, 1), plan_story(WALK, 1, 20)
    assert slow.real_s / fast.real_s == pytest.approx(20, rel=0.1)
    assert {b.stamp_s - a.stamp_s for a, b in pairwise(slow.sendings)} == {5}
    assert {b.stamp_s - a.stamp_s for a, b in pairwise(fast.sendings)} == {1}


def test_history_lies_in_the_past_and_is_sent_first_in_order() -> None:
    sent = party_sendings(plan_story(BACKLOG, 1, 4), Party.WEARER)
    stored = [s for s in sent if s.backlog]
    assert stored == sent[: len(stored)]
    assert [s.stamp_s for s in stored] == list(range(-420, 0, 10))
    assert all(s.at_s < 2 for s in stored)
    assert any(is_late(s) for s in stored)
    assert not any(is_late(s) for s in sent if not s.backlog)
    assert [s.at_s for s in sent] == sorted(s.at_s for s in sent)

"""Who is asked to take a step over, who comes after, and that nobody is passed over in silence."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pathways.model.agencies import RUNGS, MemberRole
from api.pathways.model.content import HandoffLimits
from api.pathways.model.steps import Handoff, HandoffState, ImpossibleReason, NoteKind
from api.pathways.rules import handoffs as rules
from tests.pathways.cases import NOW, make_handoff

W, D, C = RUNGS
N = NoteKind


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def begun(present: Collection[MemberRole] = RUNGS) -> Handoff:
    return rules.begin(make_handoff(), present, NOW)[0]


def test_the_worker_is_asked_first_and_reminded_before_the_deadline() -> None:
    handoff, notes = rules.begin(make_handoff(), RUNGS, NOW)
    assert (handoff.rung, handoff.due_at, handoff.next_at) == (W, NOW + minutes(15), NOW + minutes(11.25))
    assert [(note.kind, note.rung) for note in notes] == [(N.ASKED, W)]
    reminded, notes = rules.advance(handoff, RUNGS, NOW + minutes(12))
    assert [(note.kind, note.rung) for note in notes] == [(N.REMINDED, W)]
    assert (reminded.rung, reminded.next_at) == (W, NOW + minutes(15))


def test_unaccepted_it_goes_to_the_deputy_and_then_the_coordinator_each_with_their_own_time() -> None:
    at = NOW + minutes(15)
    deputy, notes = rules.advance(begun(), RUNGS, at)
    assert (deputy.rung, deputy.due_at, deputy.reminded_at) == (D, at + minutes(10), None)
    assert [(note.kind, note.rung) for note in notes] == [(N.ASKED, D)]
    at += minutes(10)
    coordinator, _ = rules.advance(deputy, RUNGS, at)
    assert (coordinator.rung, coordinator.due_at) == (C, at + minutes(5))
    ended, notes = rules.advance(coordinator, RUNGS, at + minutes(5))
    assert [(note.kind, note.rung) for note in notes] == [(N.NOBODY_ACCEPTED, C)]
    assert (ended.state, ended.next_at, rules.is_unaccepted(ended)) == (HandoffState.WAITING, None, True)


def test_a_rung_where_nobody_is_there_is_skipped_at_once_with_a_note() -> None:
    handoff, notes = rules.begin(make_handoff(), {C}, NOW)
    assert (handoff.rung, handoff.due_at) == (C, NOW + minutes(5))
    assert [(note.kind, note.rung) for note in notes] == [
        (N.NOBODY_THERE, W),
        (N.NOBODY_THERE, D),
        (N.ASKED, C),
    ]


def test_the_coordinator_is_asked_even_when_nobody_at_all_is_there() -> None:
    handoff, notes = rules.begin(make_handoff(), set(), NOW)
    assert handoff.rung is C
    assert [note.kind for note in notes] == [N.NOBODY_THERE] * 3 + [N.ASKED]


def test_after_an_outage_the_next_rung_has_its_whole_time() -> None:
    late = NOW + timedelta(days=2)
    moved, _ = rules.advance(begun(), RUNGS, late)
    assert (moved.rung, moved.due_at) == (D, late + minutes(10))


@pytest.mark.parametrize(
    "handoff", [begun(), make_handoff(), make_handoff(state=HandoffState.ACCEPTED, next_at=NOW)]
)
def test_nothing_happens_before_its_time_or_after_an_answer(handoff: Handoff) -> None:
    assert rules.advance(handoff, RUNGS, NOW) == (handoff, [])


def test_an_answer_ends_every_deadline() -> None:
    by = UUID(int=6)
    ended = rules.answered(begun(), HandoffState.DECLINED, by, NOW, ImpossibleReason.NO_PLACE)
    assert (ended.due_at, ended.next_at, ended.answered_by, ended.answered_at) == (None, None, by, NOW)
    assert ended.reason is ImpossibleReason.NO_PLACE
    assert not rules.is_unaccepted(ended)


def test_under_shorter_limits_whoever_is_asked_has_no_longer_than_those() -> None:
    limits = HandoffLimits(4, 4, 4)
    hurried = rules.hurried(begun(), limits, NOW)
    assert (hurried.due_at, hurried.next_at) == (NOW + minutes(4), NOW + minutes(3))
    late = NOW + minutes(14)
    reminded = rules.advance(begun(), RUNGS, late)[0]
    kept = rules.hurried(reminded, limits, late)
    assert (kept.due_at, kept.next_at) == (NOW + minutes(15), NOW + minutes(15))
    assert rules.hurried(make_handoff(), limits, NOW) == make_handoff(limits=limits)


@given(
    st.sets(st.sampled_from(RUNGS)),
    st.lists(st.tuples(st.sets(st.sampled_from(RUNGS)), st.integers(0, 40)), max_size=30),
)
def test_every_rung_is_asked_or_noted_as_away_in_order_and_once(
    first: set[MemberRole], looks: list[tuple[set[MemberRole], int]]
) -> None:
    handoff, notes = rules.begin(make_handoff(), first, NOW)
    now = NOW
    for present, later in looks:
        now += minutes(later)
        before = handoff
        handoff, more = rules.advance(handoff, present, now)
        notes += more
        assert RUNGS.index(handoff.rung) >= RUNGS.index(before.rung)
        assert handoff.state is HandoffState.WAITING
    asked = [note.rung for note in notes if note.kind is N.ASKED]
    assert asked == sorted(set(asked), key=RUNGS.index)
    told = {note.rung for note in notes if note.kind in {N.ASKED, N.NOBODY_THERE}}
    assert set(RUNGS[: RUNGS.index(handoff.rung) + 1]) <= told

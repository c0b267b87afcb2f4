"""What may be done with a step: every state and act, and the laws that hold for all of them."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pathways.model.content import CountsFrom, Target
from api.pathways.model.pathways import Urgency
from api.pathways.model.steps import REASONED, BadAct, ImpossibleReason, StepAct, StepConflict, StepState
from api.pathways.rules import steps as rules
from tests.pathways.cases import NOW, make_step

A, S = StepAct, StepState
ME, OURS = UUID(int=8), UUID(int=9)
LATER = NOW + timedelta(hours=1)
HERS = {A.REFUSE: S.REFUSED_BY_HER, A.PAUSE: S.PAUSED}
ALLOWED = {
    S.OPEN: {A.TAKE: S.ACCEPTED, A.OFFER: S.OFFERED, A.GIVE_UP: S.IMPOSSIBLE, **HERS},
    S.OFFERED: {A.ACCEPT: S.ACCEPTED, A.DECLINE: S.BUSY, A.WITHDRAW: S.BUSY, **HERS},
    S.ACCEPTED: {
        A.BEGIN: S.BUSY,
        A.FINISH: S.DONE,
        A.OFFER: S.OFFERED,
        A.GIVE_UP: S.IMPOSSIBLE,
        **HERS,
    },
    S.BUSY: {A.FINISH: S.DONE, A.OFFER: S.OFFERED, A.GIVE_UP: S.IMPOSSIBLE, **HERS},
    S.DONE: {A.REOPEN: S.OPEN},
    S.REFUSED_BY_HER: {A.RESUME: S.OPEN},
    S.PAUSED: {A.RESUME: S.BUSY, A.REFUSE: S.REFUSED_BY_HER},
    S.IMPOSSIBLE: {A.REOPEN: S.OPEN},
}


def reason_for(act: StepAct) -> ImpossibleReason | None:
    return ImpossibleReason.NO_PLACE if act in REASONED else None


@pytest.mark.parametrize(("state", "act"), list(product(StepState, StepAct)))
def test_every_act_in_every_state_is_done_or_refused_with_what_to_do(state: StepState, act: StepAct) -> None:
    step = make_step(state=state, before=S.BUSY if state in {S.OFFERED, S.PAUSED} else None)
    wanted = ALLOWED[state].get(act)
    assert rules.may(step, act) == (wanted is not None)
    if wanted is None:
        with pytest.raises(StepConflict, match=r"^Step 7 .+\.$"):
            rules.act_on(step, act, ME, LATER, reason=reason_for(act))
    else:
        changed = rules.act_on(step, act, ME, LATER, reason=reason_for(act))
        assert (changed.state, changed.changed_by, changed.changed_at) == (wanted, ME, LATER)


def test_an_offer_leaves_the_step_with_whoever_offers() -> None:
    step = make_step(state=S.BUSY, due_at=LATER)
    offered = rules.act_on(step, A.OFFER, ME, NOW, agency_id=OURS)
    assert (offered.agency_id, offered.owner_id, offered.due_at) == (step.agency_id, step.owner_id, LATER)


@pytest.mark.parametrize("act", [A.ACCEPT, A.TAKE, A.REOPEN])
def test_whoever_accepts_takes_or_reopens_owns_the_step(act: StepAct) -> None:
    state = {A.ACCEPT: S.OFFERED, A.TAKE: S.OPEN, A.REOPEN: S.DONE}[act]
    changed = rules.act_on(make_step(state=state), act, ME, NOW, agency_id=OURS)
    assert (changed.agency_id, changed.owner_id) == (OURS, ME)


def test_what_is_declined_goes_back_to_what_it_was_before() -> None:
    for before in (S.OPEN, S.ACCEPTED, S.BUSY):
        offered = rules.act_on(make_step(state=before), A.OFFER, ME, NOW)
        back = rules.act_on(offered, A.DECLINE, ME, NOW, reason=ImpossibleReason.NO_CAPACITY)
        assert (back.state, back.before, back.reason) == (before, None, None)


def test_a_pause_of_an_offered_step_goes_back_to_before_the_offer() -> None:
    offered = rules.act_on(make_step(state=S.ACCEPTED), A.OFFER, ME, NOW)
    paused = rules.act_on(offered, A.PAUSE, ME, NOW)
    assert rules.act_on(paused, A.RESUME, ME, NOW).state is S.ACCEPTED


def test_the_time_that_a_step_rested_is_given_back() -> None:
    paused = rules.act_on(make_step(due_at=LATER), A.PAUSE, ME, NOW)
    resumed = rules.act_on(paused, A.RESUME, ME, NOW + timedelta(days=3))
    assert resumed.due_at == LATER + timedelta(days=3)
    assert resumed.remind_at == NOW + timedelta(days=3, minutes=45)


def test_a_deadline_begins_with_the_act_only_where_there_is_none() -> None:
    assert rules.act_on(make_step(), A.TAKE, ME, NOW, due_at=LATER).due_at == LATER
    kept = rules.act_on(make_step(due_at=NOW), A.TAKE, ME, NOW, due_at=LATER)
    assert kept.due_at == NOW
    assert rules.act_on(make_step(state=S.DONE, due_at=NOW), A.REOPEN, ME, NOW, due_at=LATER).due_at == LATER


@pytest.mark.parametrize(("act", "reason"), [(A.GIVE_UP, None), (A.TAKE, ImpossibleReason.OTHER)])
def test_a_reason_is_given_for_what_cannot_be_done_and_only_for_that(
    act: StepAct, reason: ImpossibleReason | None
) -> None:
    with pytest.raises(BadAct) as caught:
        rules.act_on(make_step(), act, ME, NOW, reason=reason)
    assert "reason" in caught.value.fields


def test_the_reason_stays_with_an_impossible_step_until_it_is_reopened() -> None:
    given_up = rules.act_on(make_step(), A.GIVE_UP, ME, NOW, reason=ImpossibleReason.NO_PLACE)
    assert given_up.reason is ImpossibleReason.NO_PLACE
    assert rules.act_on(given_up, A.REOPEN, ME, NOW).reason is None


ACTS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(StepAct)), max_size=40)


@given(ACTS)
def test_no_act_on_one_step_changes_another(acts: list[tuple[int, StepAct]]) -> None:
    pathway = {number: make_step(number=number) for number in range(5)}
    for turn, (number, act) in enumerate(acts):
        before = dict(pathway)
        try:
            pathway[number] = rules.act_on(
                pathway[number],
                act,
                ME,
                NOW + timedelta(minutes=turn),
                agency_id=OURS,
                reason=reason_for(act),
            )
        except StepConflict:
            assert not rules.may(pathway[number], act)
        assert {n for n in pathway if pathway[n] != before[n]} <= {number}


@given(ACTS)
def test_whatever_was_done_she_can_say_no_and_take_it_up_again(acts: list[tuple[int, StepAct]]) -> None:
    step = make_step()
    for turn, (_number, act) in enumerate(acts):
        if rules.may(step, act):
            step = rules.act_on(step, act, ME, NOW + timedelta(minutes=turn), reason=reason_for(act))
    if rules.is_alive(step) or step.state is S.PAUSED:
        refused = rules.act_on(step, A.REFUSE, ME, LATER)
        assert not rules.is_alive(refused)
        assert rules.act_on(refused, A.RESUME, ME, LATER).state is S.OPEN
    else:
        assert step.state in {S.DONE, S.IMPOSSIBLE, S.REFUSED_BY_HER}


@given(st.lists(st.sampled_from(StepAct), max_size=30))
def test_only_accepting_taking_or_reopening_gives_a_step_to_another(acts: list[StepAct]) -> None:
    step = make_step()
    for act in acts:
        if rules.may(step, act):
            changed = rules.act_on(step, act, ME, NOW, agency_id=OURS, reason=reason_for(act))
            if act not in {A.ACCEPT, A.TAKE, A.REOPEN}:
                assert (changed.agency_id, changed.owner_id) == (step.agency_id, step.owner_id)
            step = changed


@pytest.mark.parametrize(
    ("state", "due_at", "overdue"),
    [
        (S.OPEN, NOW, True),
        (S.OFFERED, NOW, True),
        (S.BUSY, LATER, False),
        (S.BUSY, None, False),
        (S.PAUSED, NOW, False),
        (S.DONE, NOW, False),
        (S.REFUSED_BY_HER, NOW, False),
    ],
)
def test_only_what_somebody_still_has_to_do_is_overdue(
    state: StepState, due_at: datetime | None, overdue: bool
) -> None:
    assert rules.is_overdue(make_step(state=state, due_at=due_at), NOW) is overdue


def target(**more: int | CountsFrom | None) -> Target:
    values = {"counts_from": CountsFrom.OPENING, "acute_minutes": None, "minutes": None, "working_days": None}
    return Target(**values | more, source="proposal")  # type: ignore[arg-type]  # plain values


@pytest.mark.parametrize(
    ("given_target", "urgency", "minutes"),
    [
        (target(acute_minutes=5, minutes=60), Urgency.ACUTE, 5),
        (target(acute_minutes=5, minutes=60), Urgency.ORDINARY, 60),
        (target(minutes=60), Urgency.ACUTE, 60),
        (target(acute_minutes=5), Urgency.ORDINARY, None),
        (target(), Urgency.ACUTE, None),
    ],
)
def test_an_acute_pathway_has_the_short_deadlines(
    given_target: Target, urgency: Urgency, minutes: int | None
) -> None:
    wanted = None if minutes is None else NOW + timedelta(minutes=minutes)
    assert rules.due_after(given_target, urgency, NOW) == wanted
    assert rules.due_at_opening(given_target, urgency, NOW) == wanted


def test_a_clock_that_starts_with_an_offer_does_not_start_with_the_pathway() -> None:
    assert rules.due_at_opening(target(counts_from=CountsFrom.OFFER, minutes=5), Urgency.ACUTE, NOW) is None


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2026, 11, 25, 10, tzinfo=UTC), datetime(2026, 11, 30, 10, tzinfo=UTC)),  # Wed → Mon
        (datetime(2026, 11, 28, 10, tzinfo=UTC), datetime(2026, 12, 2, 10, tzinfo=UTC)),  # Sat → Wed
    ],
)
def test_saturdays_and_sundays_are_no_working_days(start: datetime, end: datetime) -> None:
    assert rules.due_after(target(working_days=3), Urgency.ORDINARY, start) == end


def test_becoming_acute_shortens_a_deadline_and_never_lengthens_one() -> None:
    short = target(acute_minutes=60, minutes=480)
    soon = NOW + timedelta(minutes=60)
    assert rules.due_when_urgent(make_step(due_at=NOW + timedelta(days=1)), short, NOW) == soon
    assert rules.due_when_urgent(make_step(due_at=NOW), short, NOW) == NOW
    assert rules.due_when_urgent(make_step(), short, NOW) == soon
    assert rules.due_when_urgent(make_step(), target(), NOW) is None
    offered = target(counts_from=CountsFrom.OFFER, acute_minutes=60)
    assert rules.due_when_urgent(make_step(), offered, NOW) is None


def test_what_is_due_already_is_not_reminded_of() -> None:
    assert rules.with_due(make_step(), NOW, NOW).remind_at is None
    assert rules.with_due(make_step(), None, NOW).remind_at is None

"""Decisions about one step: what may be done with it, whose it is then, and by when.

A step knows nothing of any other: whatever she refuses or pauses, the rest stays as it was. That is a
property of the signatures here, and a test holds it.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from api.pathways.model.content import CountsFrom, Target
from api.pathways.model.pathways import Urgency
from api.pathways.model.steps import (
    REASONED,
    BadAct,
    ImpossibleReason,
    Step,
    StepAct,
    StepConflict,
    StepState,
)

REMIND_AFTER = 0.75
"""A reminder comes when three quarters of the time are over; proposal."""
_S, _A = StepState, StepAct
_ALIVE = (_S.OPEN, _S.OFFERED, _S.ACCEPTED, _S.BUSY)
_NEXT: dict[tuple[StepState, StepAct], StepState] = {
    (_S.OPEN, _A.TAKE): _S.ACCEPTED,
    **{(state, _A.OFFER): _S.OFFERED for state in (_S.OPEN, _S.ACCEPTED, _S.BUSY)},
    (_S.OFFERED, _A.ACCEPT): _S.ACCEPTED,
    (_S.ACCEPTED, _A.BEGIN): _S.BUSY,
    **{(state, _A.FINISH): _S.DONE for state in (_S.ACCEPTED, _S.BUSY)},
    **{(state, _A.GIVE_UP): _S.IMPOSSIBLE for state in (_S.OPEN, _S.ACCEPTED, _S.BUSY)},
    **{(state, _A.REOPEN): _S.OPEN for state in (_S.DONE, _S.IMPOSSIBLE)},
    **{(state, _A.REFUSE): _S.REFUSED_BY_HER for state in (*_ALIVE, _S.PAUSED)},
    **{(state, _A.PAUSE): _S.PAUSED for state in _ALIVE},
    (_S.REFUSED_BY_HER, _A.RESUME): _S.OPEN,
}
"""What comes of an act; DECLINE, WITHDRAW and RESUME of a pause go back to the state before."""
_GOES_BACK = {(_S.OFFERED, _A.DECLINE), (_S.OFFERED, _A.WITHDRAW), (_S.PAUSED, _A.RESUME)}
_TAKES_OVER = {_A.ACCEPT, _A.TAKE, _A.REOPEN}
_WHAT_TO_DO = {
    _S.OPEN: "is open: take it or offer it to an agency",
    _S.OFFERED: "is offered and waits for an answer: accept or decline it, or withdraw the offer",
    _S.ACCEPTED: "is accepted: begin it, finish it or offer it to another agency",
    _S.BUSY: "is being worked on: finish it or offer it to another agency",
    _S.DONE: "is over: reopen it first",
    _S.REFUSED_BY_HER: "was refused: only a word from the person herself takes it up again",
    _S.PAUSED: "rests: only a word from the person herself takes it up again",
    _S.IMPOSSIBLE: "was found impossible: reopen it first",
}


def may(step: Step, act: StepAct) -> bool:
    """Say whether this can be done with a step as it is now."""
    return (step.state, act) in _NEXT or (step.state, act) in _GOES_BACK


def act_on(
    step: Step,
    act: StepAct,
    by: UUID,
    now: datetime,
    *,
    agency_id: UUID | None = None,
    reason: ImpossibleReason | None = None,
    due_at: datetime | None = None,
) -> Step:
    """Return the step after an act.

    A time that passes while it rests is given back. An offer changes neither who owns it nor by when it is
    to be done: whoever offers answers for it until somebody accepts. `agency_id` is where `by` works:
    with ACCEPT, TAKE and REOPEN the step is theirs from now on. `reason` belongs to GIVE_UP and DECLINE.
    `due_at` is the deadline that begins with this act if the step has none.

    Raises:
        StepConflict: Its state does not allow this.
        BadAct: A reason is missing, or there is one where none belongs.
    """
    if not may(step, act):
        raise StepConflict(f"Step {step.number} {_WHAT_TO_DO[step.state]}.")
    if (reason is not None) != (act in REASONED):
        fault = "Say why it cannot be done." if reason is None else "Only what cannot be done has a reason."
        raise BadAct("The step cannot be changed like this.", {"reason": [fault]})
    changed = replace(
        step,
        state=_NEXT.get((step.state, act)) or step.before or StepState.OPEN,
        before=_before(step, act),
        reason=reason if act is StepAct.GIVE_UP else None,
        changed_at=now,
        changed_by=by,
    )
    if act in _TAKES_OVER and agency_id is not None:
        changed = replace(changed, agency_id=agency_id, owner_id=by)
    return _timed(step, changed, act, due_at, now)


def _before(step: Step, act: StepAct) -> StepState | None:
    if act is StepAct.OFFER:
        return step.state
    if (
        act is StepAct.PAUSE
    ):  # an offer ends with the pause: what it goes back to is the state before the offer
        return step.before if step.state is StepState.OFFERED else step.state
    return None


def _timed(step: Step, changed: Step, act: StepAct, due_at: datetime | None, now: datetime) -> Step:
    if act is StepAct.RESUME and step.due_at is not None:
        return with_due(changed, step.due_at + (now - step.changed_at), now)
    if act is StepAct.REOPEN or (step.due_at is None and due_at is not None):
        return with_due(changed, due_at, now)
    return changed


def with_due(step: Step, due_at: datetime | None, now: datetime) -> Step:
    """Return the step with another deadline and the reminder that belongs to it."""
    remind_at = None if due_at is None or due_at <= now else now + (due_at - now) * REMIND_AFTER
    return replace(step, due_at=due_at, remind_at=remind_at)


def is_overdue(step: Step, now: datetime) -> bool:
    """Say whether somebody should have finished it by now; what rests or is over never is."""
    return step.state in _ALIVE and step.due_at is not None and step.due_at <= now


def is_alive(step: Step) -> bool:
    """Say whether somebody still has something to do."""
    return step.state in _ALIVE


def due_after(target: Target, urgency: Urgency, start: datetime) -> datetime | None:
    """Return by when a step is to be done whose clock starts now; None when nothing says so."""
    minutes = target.minutes
    if urgency is Urgency.ACUTE and target.acute_minutes is not None:
        return start + timedelta(minutes=target.acute_minutes)
    if target.working_days is not None:
        return _working_days_after(start, target.working_days)
    return None if minutes is None else start + timedelta(minutes=minutes)


def due_at_opening(target: Target, urgency: Urgency, now: datetime) -> datetime | None:
    """Return by when a step is to be done when its pathway is opened now."""
    return due_after(target, urgency, now) if target.counts_from is CountsFrom.OPENING else None


def due_when_urgent(step: Step, target: Target, now: datetime) -> datetime | None:
    """Return the deadline of a step whose pathway became acute: never later than it was."""
    if step.due_at is None and target.counts_from is CountsFrom.OFFER:
        return None
    short = due_after(target, Urgency.ACUTE, now)
    known = [moment for moment in (step.due_at, short) if moment is not None]
    return min(known, default=None)


def _working_days_after(start: datetime, days: int) -> datetime:
    """Return the same hour so many working days later; holidays are not known and count as working days."""
    end = start
    left = days
    while left:
        end += timedelta(days=1)
        left -= end.weekday() < 5
    return end

"""Decisions about hand-offs: who is asked, who comes after, and when."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from api.pathways.model.agencies import RUNGS, MemberRole
from api.pathways.model.content import HandoffLimits
from api.pathways.model.steps import Handoff, HandoffState, ImpossibleReason, Note, NoteKind
from api.pathways.rules.steps import REMIND_AFTER

FAULT_WAIT = timedelta(minutes=5)
"""A hand-off that could not go on for a fault of ours is looked at again after this; proposal."""


def begin(handoff: Handoff, present: Collection[MemberRole], now: datetime) -> tuple[Handoff, list[Note]]:
    """Return an offer with its first rung and deadline: the first of whom somebody is there."""
    return _ask(handoff, RUNGS, present, now)


def advance(handoff: Handoff, present: Collection[MemberRole], now: datetime) -> tuple[Handoff, list[Note]]:
    """Return an offer after whatever is due now: a reminder, the next rung, or the end of asking.

    Each rung has its whole time from the moment it is asked, also when we were away meanwhile. After the
    coordinator's time nobody else is asked: the offer still waits, and the sender still owns the step.
    """
    if handoff.state is not HandoffState.WAITING or handoff.next_at is None or now < handoff.next_at:
        return handoff, []
    if handoff.due_at is not None and now < handoff.due_at:
        reminded = replace(handoff, reminded_at=now, next_at=handoff.due_at)
        return reminded, [Note(NoteKind.REMINDED, handoff.rung)]
    later = RUNGS[RUNGS.index(handoff.rung) + 1 :]
    if not later:
        ended = replace(handoff, due_at=None, next_at=None)
        return ended, [Note(NoteKind.NOBODY_ACCEPTED, handoff.rung)]
    return _ask(handoff, later, present, now)


def _ask(
    handoff: Handoff, rungs: Collection[MemberRole], present: Collection[MemberRole], now: datetime
) -> tuple[Handoff, list[Note]]:
    """Ask the first of these of whom somebody is there; the coordinator is asked in any case."""
    notes: list[Note] = []
    asked = MemberRole.COORDINATOR
    for rung in rungs:
        if rung in present:
            asked = rung
            break
        notes.append(Note(NoteKind.NOBODY_THERE, rung))
    length = timedelta(minutes=minutes_of(handoff.limits, asked))
    moved = replace(
        handoff, rung=asked, due_at=now + length, next_at=now + length * REMIND_AFTER, reminded_at=None
    )
    return moved, [*notes, Note(NoteKind.ASKED, asked)]


def minutes_of(limits: HandoffLimits, rung: MemberRole) -> int:
    """Return how long a rung is asked."""
    return {
        MemberRole.WORKER: limits.worker,
        MemberRole.DEPUTY: limits.deputy,
        MemberRole.COORDINATOR: limits.coordinator,
    }[rung]


def hurried(handoff: Handoff, limits: HandoffLimits, now: datetime) -> Handoff:
    """Return a waiting offer under shorter limits: whoever is asked now has no more than theirs from now."""
    if handoff.due_at is None:
        return replace(handoff, limits=limits)
    due_at = min(handoff.due_at, now + timedelta(minutes=minutes_of(limits, handoff.rung)))
    next_at = (
        due_at if handoff.reminded_at else min(handoff.next_at or due_at, now + (due_at - now) * REMIND_AFTER)
    )
    return replace(handoff, limits=limits, due_at=due_at, next_at=next_at)


def answered(
    handoff: Handoff, state: HandoffState, by: UUID, now: datetime, reason: ImpossibleReason | None = None
) -> Handoff:
    """Return an offer that waits no more; `reason` of one that was declined."""
    ended = replace(handoff, state=state, answered_at=now, answered_by=by, reason=reason)
    return replace(ended, due_at=None, next_at=None)


def is_unaccepted(handoff: Handoff) -> bool:
    """Say whether everybody was asked and nobody accepted."""
    return handoff.state is HandoffState.WAITING and handoff.due_at is None

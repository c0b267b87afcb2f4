"""Queries of the counters: offers and steps of a stretch of time, with the kind of agency and no id."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.pathways.model.counters import DueStep, Offer
from api.pathways.model.steps import HandoffState, ImpossibleReason, StepState
from api.pathways.store.agencies import AGENCY
from api.pathways.store.steps import HANDOFF, STEP

_ALIVE = {StepState.OPEN, StepState.OFFERED, StepState.ACCEPTED, StepState.BUSY}


def list_offers(session: Session, since: datetime, until: datetime) -> Iterator[Offer]:
    """Yield the offers that were made in this time."""
    columns = (HANDOFF.c.number, AGENCY.c.kind, HANDOFF.c.state, HANDOFF.c.reason)
    times = (HANDOFF.c.offered_at, HANDOFF.c.answered_at)
    query = select(*columns, *times).join(AGENCY, AGENCY.c.id == HANDOFF.c.to_agency_id)
    query = query.where(HANDOFF.c.offered_at >= since, HANDOFF.c.offered_at < until)
    for row in session.execute(query):
        is_accepted = row.state == HandoffState.ACCEPTED
        waited = (row.answered_at - row.offered_at).total_seconds() / 60 if is_accepted else None
        yield Offer(str(row.number), row.kind, waited, row.reason == ImpossibleReason.NO_PLACE)


def list_due_steps(session: Session, since: datetime, until: datetime) -> Iterator[DueStep]:
    """Yield the steps that were due in this time; one that nobody finished by its end is late."""
    query = select(
        STEP.c.number, AGENCY.c.kind, STEP.c.state, STEP.c.reason, STEP.c.due_at, STEP.c.changed_at
    ).join(AGENCY, AGENCY.c.id == STEP.c.agency_id)
    for row in session.execute(query.where(STEP.c.due_at >= since, STEP.c.due_at < until)):
        is_done_late = row.state == StepState.DONE and row.changed_at > row.due_at
        is_no_place = row.reason == ImpossibleReason.NO_PLACE
        yield DueStep(str(row.number), row.kind, is_done_late or row.state in _ALIVE, is_no_place)

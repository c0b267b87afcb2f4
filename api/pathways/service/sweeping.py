"""Use cases of the deadlines: reminders, and offers that nobody accepted go to whoever is asked next.

The loop is in the watchdog; each thing that is due is done in a transaction of its own, so that one that
cannot be done holds up no other. All that is due stands in rows: a process that was killed misses none.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel import audit
from api.pathways.model.pathways import EventKind
from api.pathways.rules import handoffs as rules
from api.pathways.rules.steps import is_alive
from api.pathways.service.needs import present_roles, serialise_pathway
from api.pathways.service.steps import note_handoff
from api.pathways.store import agencies, pathways, steps

LIMIT = 50
"""Of one look: the next takes the rest, and the watchdog's own work comes in between. Proposal."""


@dataclass(frozen=True, slots=True)
class DueHandoff:
    """An offer of which something is due."""

    handoff_id: UUID


@dataclass(frozen=True, slots=True)
class DueReminder:
    """A step whose reminder is due."""

    pathway_id: UUID
    number: int


Due = DueHandoff | DueReminder


def list_due(session: Session, now: datetime) -> list[Due]:
    """Return what is due now, offers first: at most LIMIT of each."""
    handoffs = [DueHandoff(one) for one in steps.list_due_handoffs(session, now, LIMIT)]
    return [*handoffs, *(DueReminder(*one) for one in steps.list_step_reminders(session, now, LIMIT))]


def go_on(session: Session, due: Due, now: datetime) -> None:
    """Do what is due; what somebody answered meanwhile is left as it is."""
    if isinstance(due, DueHandoff):
        _advance(session, due.handoff_id, now)
    else:
        _remind(session, due, now)


def set_aside(session: Session, due: Due, now: datetime) -> None:
    """Try again later what could not be done for a fault of ours, and say so in the pathway's history."""
    later = now + rules.FAULT_WAIT
    if isinstance(due, DueHandoff):
        handoff = steps.find_handoff(session, due.handoff_id)
        if handoff is not None:
            serialise_pathway(session, handoff.pathway_id)
            steps.postpone_handoff(session, due.handoff_id, later)
            pathways.add_event(session, handoff.pathway_id, handoff.number, EventKind.FAULT, None, now)
    else:
        steps.postpone_reminder(session, due.pathway_id, due.number, later)


def _advance(session: Session, handoff_id: UUID, now: datetime) -> None:
    known = steps.find_handoff(session, handoff_id)
    if known is None:
        return
    serialise_pathway(session, known.pathway_id)
    handoff = steps.find_handoff(session, handoff_id) or known
    agency = agencies.get_agency(session, handoff.to_agency_id)
    present = present_roles(session, handoff.pathway_id, agency, now)
    moved, notes = rules.advance(handoff, present, now)
    if notes:
        steps.save_handoff(session, moved)
        note_handoff(session, moved, notes, now)


def _remind(session: Session, due: DueReminder, now: datetime) -> None:
    serialise_pathway(session, due.pathway_id)
    step = steps.get_step(session, due.pathway_id, due.number)
    if step.remind_at is None or step.remind_at > now:
        return
    steps.postpone_reminder(session, due.pathway_id, due.number, None)
    is_open = pathways.get_pathway(session, due.pathway_id).closed_at is None
    if is_open and is_alive(step):
        pathways.add_event(session, due.pathway_id, due.number, EventKind.REMINDED, None, now)
        reason = f"step {due.number}"
        audit.record(session, now, None, "pathways.remind", due.pathway_id, reason)

"""Use cases of the working day and of her schedule."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts.model import Account
from api.kernel import audit
from api.pathways.model.content import PathwayContent
from api.pathways.model.pathways import Pathway, PathwayNotFound
from api.pathways.model.steps import Step, StepAct
from api.pathways.model.work import Schedule, Work
from api.pathways.rules.hers import schedule_lines
from api.pathways.rules.work import Desk, todays_work
from api.pathways.service.needs import list_seen, serialise_pathway
from api.pathways.service.steps import act_for_herself
from api.pathways.store import agencies, contacts, pathways, steps


def list_work(session: Session, account: Account, now: datetime) -> Work:
    """Return today's work of an account.

    It holds codes, numbers of steps and moments, nothing about her: one audit row tells that it was read.
    """
    seen, memberships = list_seen(session, account)
    desk = Desk(
        account_id=account.id,
        memberships=memberships,
        pathways=seen,
        steps=tuple(steps.list_steps(session, seen)),
        handoffs=tuple(steps.list_waiting(session, seen)),
        signs=contacts.list_signs(session, seen),
    )
    audit.record(session, now, account.id, "pathways.list_work", account.id, "today's work")
    return todays_work(desk, now)


def find_own(session: Session, account_id: UUID) -> Pathway | None:
    """Return the open pathway of the person with this account."""
    return pathways.find_of_account(session, account_id)


def read_schedule(
    session: Session, account_id: UUID, content: PathwayContent, language: str | None, now: datetime
) -> Schedule:
    """Return her pathway as she reads it; whoever has none gets an empty one."""
    pathway = pathways.find_of_account(session, account_id)
    if pathway is None:
        return Schedule("", "", None, ())
    audit.record(session, now, account_id, "pathways.read_schedule", pathway.id)
    found = steps.list_steps(session, [pathway.id])
    known = agencies.list_agencies(session, {pathway.agency_id, *(step.agency_id for step in found)})
    names = {one.account_id: one.name for one in agencies.list_members(session, pathway.agency_id)}
    return Schedule(
        contact="" if pathway.contact_id is None else names.get(pathway.contact_id, ""),
        contact_at=known[pathway.agency_id].name,
        next_contact_at=pathway.next_contact_at,
        lines=schedule_lines(content, found, known, language or pathway.language),
    )


def decide_herself(session: Session, account_id: UUID, number: int, what: StepAct, now: datetime) -> Step:
    """Let her refuse, pause or take up one step; nothing else of her pathway changes.

    Raises:
        PathwayNotFound: She has none.
        StepNotFound, StepConflict: There is no such step, or it is not in a state that allows this.
    """
    known = pathways.find_of_account(session, account_id)
    if known is None:
        raise PathwayNotFound
    serialise_pathway(session, known.id)
    return act_for_herself(session, known, number, what, account_id, now)

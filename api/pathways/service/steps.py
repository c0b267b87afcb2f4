"""Use cases of steps: take, offer, accept, do, give up; and what she refuses, pauses and takes up again."""

import uuid
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts.model import Account
from api.kernel import audit
from api.pathways.model.agencies import Agency, MemberRole
from api.pathways.model.content import PathwayContent, StepContent
from api.pathways.model.pathways import EventKind, Pathway
from api.pathways.model.steps import (
    HERS,
    BadAct,
    BadOffer,
    Handoff,
    HandoffState,
    Note,
    Step,
    StepAct,
    StepCall,
    StepConflict,
    StepNotFound,
    StepState,
)
from api.pathways.rules import handoffs as handoff_rules
from api.pathways.rules import steps as rules
from api.pathways.service.content import limits_of
from api.pathways.service.needs import Insight, lock, present_roles
from api.pathways.service.opening import must_be_open
from api.pathways.store import agencies, pathways, steps

_ANSWERS = {StepAct.ACCEPT: HandoffState.ACCEPTED, StepAct.DECLINE: HandoffState.DECLINED}
_STARTS = {StepAct.TAKE, StepAct.OFFER, StepAct.REOPEN}
"""With these the clock of a step begins that has none yet."""


def act(
    session: Session,
    account: Account,
    pathway_id: UUID,
    number: int,
    call: StepCall,
    content: PathwayContent,
    now: datetime,
) -> Step:
    """Do something with a step of a pathway that the account may see.

    Whoever owns a step acts on it; whoever is asked accepts or declines; her fixed contact's agency may
    reopen any, and write down what she herself decided.

    Raises:
        PathwayNotFound, StepNotFound: Not there, or not for this account.
        PathwayClosed, StepConflict: It cannot be done now.
        BadAct, BadOffer: Something is missing, or the agency cannot take it.
    """
    insight = lock(session, account, pathway_id)
    must_be_open(insight.pathway)
    step = steps.get_step(session, pathway_id, number)
    waiting = steps.find_waiting(session, pathway_id, number)
    agency_id = _acting_agency(insight, step, waiting, call.act)
    words = content.steps[number]
    _check_call(call, words)
    due_at = rules.due_after(words.target, insight.pathway.urgency, now) if call.act in _STARTS else None
    changed = rules.act_on(
        step, call.act, account.id, now, agency_id=agency_id, reason=call.reason, due_at=due_at
    )
    if call.act is StepAct.OFFER:
        _offer(session, insight, step, call, content, now)
    elif waiting is not None and step.state is StepState.OFFERED:
        state = _ANSWERS.get(call.act, HandoffState.WITHDRAWN)
        ended = handoff_rules.answered(waiting, state, account.id, now, call.reason)
        steps.save_handoff(session, ended)
    _note_change(session, changed, call, account.id, now)
    return changed


def act_for_herself(
    session: Session, pathway: Pathway, number: int, what: StepAct, account_id: UUID, now: datetime
) -> Step:
    """Refuse, pause or take up a step of her own pathway; nothing else of it changes.

    The caller holds the pathway's lock. Raises StepNotFound or StepConflict.
    """
    step = steps.get_step(session, pathway.id, number)
    changed = rules.act_on(step, what, account_id, now)
    waiting = steps.find_waiting(session, pathway.id, number)
    if waiting is not None:
        ended = handoff_rules.answered(waiting, HandoffState.WITHDRAWN, account_id, now)
        steps.save_handoff(session, ended)
    _note_change(session, changed, StepCall(what, at_her_word=True), account_id, now)
    return changed


def _acting_agency(insight: Insight, step: Step, waiting: Handoff | None, what: StepAct) -> UUID:
    """Return for which of the account's agencies it acts; raises StepNotFound or StepConflict."""
    own = insight.memberships
    is_asked = waiting is not None and waiting.to_agency_id in own
    if what in _ANSWERS:
        if waiting is not None and is_asked:
            return waiting.to_agency_id
        if step.agency_id in own or insight.is_of_contact:
            raise StepConflict("Nobody offered this step to your agency: only who is asked can answer.")
        raise StepNotFound("There is no such step.")
    if step.agency_id in own:
        return step.agency_id
    if insight.is_of_contact and what in HERS | {StepAct.REOPEN}:
        return insight.pathway.agency_id
    if insight.is_of_contact or is_asked:
        raise StepConflict("This step is another agency's: only who owns it can do this.")
    raise StepNotFound("There is no such step.")


def _check_call(call: StepCall, words: StepContent) -> None:
    faults: dict[str, list[str]] = {}
    if call.note and words.hides_place:
        faults["note"] = [
            "Nothing may be noted of this step: a place could be told. Say only that it is done."
        ]
    if call.at_her_word != (call.act in HERS):
        faults["at_her_word"] = [
            "Only she refuses, pauses and takes up: say that it is at her word, and only then."
        ]
    if (call.to_agency_id is not None) != (call.act is StepAct.OFFER):
        faults["agency_id"] = ["An offer names an agency, and nothing else does."]
    if faults:
        raise BadAct("The step cannot be changed like this.", faults)


def _offer(
    session: Session, insight: Insight, step: Step, call: StepCall, content: PathwayContent, now: datetime
) -> None:
    agency = _receiver(session, step, call, content.steps[step.number])
    limits = limits_of(content, insight.pathway.urgency)
    present = present_roles(session, insight.pathway.id, agency, now)
    asked = Handoff(
        id=uuid.uuid4(),
        pathway_id=insight.pathway.id,
        number=step.number,
        from_agency_id=step.agency_id,
        from_id=insight.account.id,
        to_agency_id=agency.id,
        rung=MemberRole.WORKER,
        limits=limits,
        offered_at=now,
        due_at=None,
        next_at=None,
        reminded_at=None,
        state=HandoffState.WAITING,
        answered_at=None,
        answered_by=None,
        reason=None,
    )
    handoff, notes = handoff_rules.begin(asked, present, now)
    steps.add_handoff(session, handoff)
    note_handoff(session, handoff, notes, now)


def _receiver(session: Session, step: Step, call: StepCall, words: StepContent) -> Agency:
    """Return who is asked; raises BadOffer."""
    agency_id = call.to_agency_id or step.agency_id  # `_check_call` has refused an offer to nobody
    agency = agencies.list_agencies(session, [agency_id]).get(agency_id)
    if agency is None:
        fault = "There is no such agency."
    elif agency.retired_at is not None:
        fault = "This agency is closed: offer it to another."
    elif agency.id == step.agency_id:
        fault = "This agency owns the step already: take it."
    elif agency.kind not in words.kinds:
        fault = f"This step can go to: {', '.join(words.kinds)}."
    elif not agencies.list_members(session, agency.id):
        fault = "Nobody works at this agency yet, so nobody could accept: offer it to another."
    else:
        return agency
    raise BadOffer("The step cannot be offered like this.", {"agency_id": [fault]})


def note_handoff(session: Session, handoff: Handoff, notes: list[Note], now: datetime) -> None:
    """Write down what an offer did by itself."""
    for note in notes:
        detail = {
            "note": note.kind.value,
            "rung": note.rung.value,
            "to": str(handoff.to_agency_id),
            "due": handoff.due_at and handoff.due_at.isoformat(),
        }
        pathways.add_event(session, handoff.pathway_id, handoff.number, EventKind.HANDOFF, None, now, detail)
        reason = f"step {handoff.number}: {note.rung.value}"
        audit.record(session, now, None, f"pathways.handoff_{note.kind.value}", handoff.pathway_id, reason)


def _note_change(session: Session, step: Step, call: StepCall, by: UUID, now: datetime) -> None:
    steps.save_step(session, step)
    detail = {"act": call.act.value, "state": step.state.value, "agency": str(step.agency_id)}
    if call.reason is not None:
        detail["reason"] = call.reason.value
    if call.to_agency_id is not None:
        detail["to"] = str(call.to_agency_id)
    pathways.add_event(session, step.pathway_id, step.number, EventKind.STEP, by, now, detail, call.note)
    audit.record(session, now, by, f"pathways.{call.act.value}", step.pathway_id, f"step {step.number}")

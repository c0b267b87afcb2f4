"""Use cases of a pathway as a whole: open and close it, its contact, urgency and next contact."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.model import Account
from api.accounts.model.entry import EntryCode
from api.kernel import audit
from api.kernel.db import serialise
from api.pathways.model.agencies import Agency, AgencyNotFound
from api.pathways.model.content import NEXT_CONTACT_STEP, PathwayContent
from api.pathways.model.pathways import (
    MAX_NEXT_CONTACT,
    AccountTaken,
    BadPathway,
    CloseReason,
    EventKind,
    Pathway,
    PathwayClosed,
    PathwayDraft,
    PathwayOpen,
    PathwayView,
    ReadReason,
    Urgency,
)
from api.pathways.model.steps import HandoffState, Step, StepState
from api.pathways.rules import handoffs as handoff_rules
from api.pathways.rules import steps as step_rules
from api.pathways.service.content import limits_of
from api.pathways.service.needs import Insight, is_excluded, lock, look, memberships_of, serialise_pathway
from api.pathways.store import agencies, contacts, pathways, steps

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are read as another: 1 and I, 0 and O."""
HISTORY_LIMIT = 200
FIXED_CONTACT_STEP = 3


def open_pathway(
    session: Session, account: Account, draft: PathwayDraft, content: PathwayContent, now: datetime
) -> Pathway:
    """Open a pathway; whoever does is her fixed contact, and the next contact is set at once.

    Raises:
        AgencyNotFound: The account does not work there.
        BadPathway: The agency is closed, or of a kind that has no fixed contacts.
    """
    agency = _own_agency(session, account, draft.agency_id)
    if agency.retired_at is not None or agency.kind not in content.steps[FIXED_CONTACT_STEP].kinds:
        fault = "Must be an open agency that has fixed contacts (step 3 says which kinds do)."
        raise BadPathway("The pathway cannot be opened here.", {"agency_id": [fault]})
    serialise(session, "pathway.reference")
    pathway = Pathway(
        id=uuid.uuid4(),
        reference=_free_reference(session),
        account_id=None,
        urgency=draft.urgency,
        language=draft.language,
        agency_id=agency.id,
        contact_id=account.id,
        deputy_id=None,
        next_contact_at=_first_contact(content, draft.urgency, now),
        content_version=content.version,
        opened_at=now,
        closed_at=None,
        close_reason=None,
    )
    pathways.add_pathway(session, pathway, account.id)
    steps.add_steps(session, [_step(pathway, number, content, now) for number in range(len(content.steps))])
    detail = {"urgency": draft.urgency.value, "content": content.version}
    pathways.add_event(session, pathway.id, None, EventKind.OPENED, account.id, now, detail)
    audit.record(session, now, account.id, "pathways.open", pathway.id, draft.urgency.value)
    return pathway


def _own_agency(session: Session, account: Account, agency_id: UUID) -> Agency:
    if agency_id not in memberships_of(session, account.id):
        raise AgencyNotFound("There is no such agency.")
    return agencies.get_agency(session, agency_id)


def _free_reference(session: Session) -> str:
    while True:
        parts = ("".join(secrets.choice(_LETTERS) for _ in range(3)) for _ in range(3))
        reference = "-".join(parts)
        if not pathways.is_reference(session, reference):
            return reference


def _first_contact(content: PathwayContent, urgency: Urgency, now: datetime) -> datetime:
    target = content.steps[NEXT_CONTACT_STEP].target
    return step_rules.due_after(target, urgency, now) or now  # the content was refused without one


def _step(pathway: Pathway, number: int, content: PathwayContent, now: datetime) -> Step:
    step = Step(
        pathway_id=pathway.id,
        number=number,
        state=StepState.OPEN,
        before=None,
        agency_id=pathway.agency_id,
        owner_id=pathway.contact_id,
        due_at=None,
        remind_at=None,
        reason=None,
        changed_at=now,
        changed_by=pathway.contact_id,
    )
    due_at = step_rules.due_at_opening(content.steps[number].target, pathway.urgency, now)
    return step_rules.with_due(step, due_at, now)


def view_pathway(
    session: Session, account: Account, pathway_id: UUID, reason: ReadReason, now: datetime
) -> PathwayView:
    """Return a pathway as this account may see it; the reading is an audit row with its reason."""
    insight = look(session, account, pathway_id)
    audit.record(session, now, account.id, "pathways.read", pathway_id, reason.value)
    return _view(session, insight)


def _view(session: Session, insight: Insight) -> PathwayView:
    pathway = insight.pathway
    waiting = {
        one.number
        for one in steps.list_waiting(session, [pathway.id])
        if one.to_agency_id in insight.memberships
    }
    own = [
        step
        for step in steps.list_steps(session, [pathway.id])
        if insight.is_of_contact or step.agency_id in insight.memberships or step.number in waiting
    ]
    numbers = {step.number for step in own}
    events = [
        event
        for event in pathways.list_events(session, pathway.id, HISTORY_LIMIT)
        if insight.is_of_contact or event.number in numbers
    ]
    names = {one.account_id: one.name for one in agencies.list_members(session, pathway.agency_id)}
    return PathwayView(
        pathway=pathway,
        steps=tuple(own),
        events=tuple(events),
        contact_name="" if pathway.contact_id is None else names.get(pathway.contact_id, ""),
        not_safe_since=contacts.list_signs(session, [pathway.id]).get(pathway.id),
    )


def set_contact(
    session: Session,
    account: Account,
    pathway_id: UUID,
    contact_id: UUID,
    deputy_id: UUID | None,
    now: datetime,
) -> Pathway:
    """Let another be her fixed contact, with another deputy or none.

    Raises:
        BadPathway: Somebody of them does not work at the agency, is excluded, or both are the same.
    """
    insight = _changing(session, account, pathway_id)
    pathway = insight.pathway
    working = {one.account_id for one in agencies.list_members(session, pathway.agency_id)}
    faults: dict[str, list[str]] = {}
    for name, one in (("contact_id", contact_id), ("deputy_id", deputy_id)):
        if one is not None and (one not in working or is_excluded(session, pathway_id, [one])):
            faults[name] = ["Nobody of this account can be the contact here."]
    if contact_id == deputy_id:
        faults["deputy_id"] = ["Must be another person than the contact."]
    if faults:
        raise BadPathway("The contact cannot be changed like this.", faults)
    changed = replace(pathway, contact_id=contact_id, deputy_id=deputy_id)
    for step in steps.list_steps(session, [pathway_id]):
        if step.owner_id == pathway.contact_id and step.agency_id == pathway.agency_id:
            steps.save_step(session, replace(step, owner_id=contact_id))
    detail = {"contact": str(contact_id), "deputy": str(deputy_id) if deputy_id else None}
    return _save(session, insight, changed, EventKind.CONTACT_CHANGED, now, detail)


def set_next_contact(
    session: Session, account: Account, pathway_id: UUID, at: datetime, now: datetime
) -> Pathway:
    """Set when she is spoken to next; raises BadPathway unless it lies ahead, within a year."""
    insight = _changing(session, account, pathway_id)
    if not now < at <= now + MAX_NEXT_CONTACT:
        fault = f"Must be later than now, and at most {MAX_NEXT_CONTACT.days} days ahead."
        raise BadPathway("The next contact cannot be then.", {"at": [fault]})
    changed = replace(insight.pathway, next_contact_at=at)
    detail = {"at": at.isoformat()}
    return _save(session, insight, changed, EventKind.NEXT_CONTACT, now, detail)


def set_urgency(
    session: Session,
    account: Account,
    pathway_id: UUID,
    urgency: Urgency,
    content: PathwayContent,
    now: datetime,
) -> Pathway:
    """Make a pathway acute or ordinary; acute shortens every deadline that runs and lengthens none.

    Becoming ordinary leaves the deadlines that run as they are.
    """
    insight = _changing(session, account, pathway_id)
    pathway = insight.pathway
    if pathway.urgency is urgency:
        return pathway
    changed = replace(pathway, urgency=urgency)
    if urgency is Urgency.ACUTE:
        _hurry(session, pathway_id, content, now)
        soon = _first_contact(content, urgency, now)
        changed = replace(changed, next_contact_at=min(pathway.next_contact_at or soon, soon))
    detail = {"urgency": urgency.value}
    return _save(session, insight, changed, EventKind.URGENCY, now, detail)


def _hurry(session: Session, pathway_id: UUID, content: PathwayContent, now: datetime) -> None:
    for step in steps.list_steps(session, [pathway_id]):
        if step_rules.is_alive(step):
            due_at = step_rules.due_when_urgent(step, content.steps[step.number].target, now)
            if due_at != step.due_at:
                steps.save_step(session, step_rules.with_due(step, due_at, now))
    for handoff in steps.list_waiting(session, [pathway_id]):
        limits = limits_of(content, Urgency.ACUTE)
        steps.save_handoff(session, handoff_rules.hurried(handoff, limits, now))


def close_pathway(
    session: Session, account: Account, pathway_id: UUID, reason: CloseReason, now: datetime
) -> Pathway:
    """Close a pathway; offers that wait are withdrawn, and nothing of it is on anybody's list any more."""
    insight = _changing(session, account, pathway_id)
    for handoff in steps.list_waiting(session, [pathway_id]):
        ended = handoff_rules.answered(handoff, HandoffState.WITHDRAWN, account.id, now)
        steps.save_handoff(session, ended)
        step = steps.get_step(session, pathway_id, handoff.number)
        state = step.before or StepState.OPEN
        steps.save_step(session, replace(step, state=state, before=None, changed_at=now))
    changed = replace(insight.pathway, closed_at=now, close_reason=reason, next_contact_at=None)
    return _save(session, insight, changed, EventKind.CLOSED, now, {"reason": reason.value})


def reopen_pathway(
    session: Session, account: Account, pathway_id: UUID, content: PathwayContent, now: datetime
) -> Pathway:
    """Open a closed pathway again, with a next contact; its steps are as they were left."""
    insight = lock(session, account, pathway_id)
    insight.must_be_of_contact()
    if insight.pathway.closed_at is None:
        raise PathwayOpen("The pathway is open already.")
    soon = _first_contact(content, insight.pathway.urgency, now)
    changed = replace(insight.pathway, closed_at=None, close_reason=None, next_contact_at=soon)
    return _save(session, insight, changed, EventKind.REOPENED, now, {})


def make_entry_code(
    session: Session, account: Account, pathway_id: UUID, now: datetime
) -> tuple[EntryCode, str]:
    """Make a code with which she makes an account of her own that reads this pathway.

    Raises PathwayNotFound, OnlyFixedContact, PathwayClosed, or AccountTaken where there is one already.
    """
    if _changing(session, account, pathway_id).pathway.account_id is not None:
        raise AccountTaken("Somebody reads this pathway with an account already.")
    return accounts.make_code(session, None, account.id, now, pathway_id)


def link_account(
    session: Session, pathway_id: UUID, account_id: UUID | None, by: UUID | None, now: datetime
) -> Pathway:
    """Let a protected person's account read a pathway as its own; None takes that away.

    For whoever gives her the account: that she may have it is found out there.

    Raises:
        PathwayNotFound: There is none.
        AccountTaken: The account has another open pathway, or the pathway another account.
    """
    serialise_pathway(session, pathway_id)
    pathway = pathways.get_pathway(session, pathway_id)
    if account_id is not None and pathway.account_id not in {None, account_id}:
        raise AccountTaken("Somebody reads this pathway with an account already.")
    if account_id is not None:
        serialise(session, f"pathway.account:{account_id}")
        other = pathways.find_of_account(session, account_id)
        if other is not None and other.id != pathway_id:
            raise AccountTaken("This account has an open pathway already: close that one first.")
    changed = replace(pathway, account_id=account_id)
    pathways.save_pathway(session, changed)
    audit.record(session, now, by, "pathways.link_account", pathway_id)
    return changed


def _changing(session: Session, account: Account, pathway_id: UUID) -> Insight:
    """Return a pathway that the account's agency answers for and that is open."""
    insight = lock(session, account, pathway_id)
    insight.must_be_of_contact()
    must_be_open(insight.pathway)
    return insight


def must_be_open(pathway: Pathway) -> None:
    """Raise PathwayClosed when nothing of it can be changed."""
    if pathway.closed_at is not None:
        raise PathwayClosed("The pathway is closed: open it again first.")


def _save(
    session: Session,
    insight: Insight,
    changed: Pathway,
    kind: EventKind,
    now: datetime,
    detail: Mapping[str, str | None],
) -> Pathway:
    by = insight.account.id
    pathways.save_pathway(session, changed)
    pathways.add_event(session, changed.id, None, kind, by, now, dict(detail))
    audit.record(session, now, by, f"pathways.{kind.value}", changed.id)
    return changed

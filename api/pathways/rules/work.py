"""Decisions about a working day: what is on whose list, and in which order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from api.pathways.model.agencies import Member, MemberRole
from api.pathways.model.pathways import Pathway, Urgency
from api.pathways.model.steps import Handoff, Step, StepState
from api.pathways.model.work import Work, WorkItem, WorkKind
from api.pathways.rules.handoffs import is_unaccepted
from api.pathways.rules.steps import is_alive, is_overdue

DUE_WITHIN = timedelta(hours=24)
"""What is due later is not today's; proposal."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What an account may see, and where it works.

    Attributes:
        memberships: Per agency where the account works.
        signs: Of which pathways she cannot be spoken to, and since when.
    """

    account_id: UUID
    memberships: Mapping[UUID, Member]
    pathways: Mapping[UUID, Pathway]
    steps: tuple[Step, ...]
    handoffs: tuple[Handoff, ...]
    signs: Mapping[UUID, datetime]


def todays_work(desk: Desk, now: datetime) -> Work:
    """Return what an account sees of today's work."""
    accept = [_offer(desk, one) for one in desk.handoffs if one.to_agency_id in desk.memberships]
    overdue = [*_unaccepted(desk), *_without_contact(desk, now)]
    due = []
    for step in desk.steps:
        if step.agency_id not in desk.memberships or not is_alive(step) or step.due_at is None:
            continue
        if is_overdue(step, now):
            overdue.append(_step(desk, step))
        elif step.due_at <= now + DUE_WITHIN:
            due.append(_step(desk, step))
    return Work(
        accept=_ranked(accept), overdue=_ranked(overdue), due=_ranked(due), contacts=_ranked(_contacts(desk))
    )


def _ranked(items: Iterable[WorkItem]) -> tuple[WorkItem, ...]:
    return tuple(sorted(items, key=_rank))


def _rank(item: WorkItem) -> tuple[bool, bool, float, str, int]:
    when = 0.0 if item.due_at is None else item.due_at.timestamp()
    return (item.urgency is not Urgency.ACUTE, not item.is_mine, when, item.reference, item.number or 0)


def _offer(desk: Desk, handoff: Handoff) -> WorkItem:
    member = desk.memberships[handoff.to_agency_id]
    return _item(
        desk,
        WorkKind.ACCEPT,
        desk.pathways[handoff.pathway_id],
        number=handoff.number,
        state=StepState.OFFERED,
        due_at=handoff.due_at,
        rung=handoff.rung,
        is_mine=member.role is handoff.rung,
        is_reminded=handoff.reminded_at is not None or is_unaccepted(handoff),
    )


def _unaccepted(desk: Desk) -> Iterable[WorkItem]:
    """Yield what this account's agencies offered and nobody took: it is theirs still."""
    for handoff in desk.handoffs:
        if is_unaccepted(handoff) and handoff.from_agency_id in desk.memberships:
            yield _item(
                desk,
                WorkKind.UNACCEPTED,
                desk.pathways[handoff.pathway_id],
                number=handoff.number,
                state=StepState.OFFERED,
                is_mine=handoff.from_id == desk.account_id,
                is_reminded=True,
            )


def _without_contact(desk: Desk, now: datetime) -> Iterable[WorkItem]:
    for pathway in _contact_pathways(desk):
        if pathway.contact_id is None:
            yield _item(desk, WorkKind.NO_FIXED_CONTACT, pathway, is_mine=_coordinates(desk, pathway))
        if pathway.next_contact_at is None or pathway.next_contact_at <= now:
            yield _item(
                desk,
                WorkKind.NO_NEXT_CONTACT,
                pathway,
                due_at=pathway.next_contact_at,
                is_mine=_is_contact(desk, pathway),
                is_reminded=True,
            )


def _contacts(desk: Desk) -> Iterable[WorkItem]:
    for pathway in _contact_pathways(desk):
        if pathway.next_contact_at is not None:
            yield _item(
                desk,
                WorkKind.NEXT_CONTACT,
                pathway,
                due_at=pathway.next_contact_at,
                is_mine=_is_contact(desk, pathway),
            )


def _contact_pathways(desk: Desk) -> Iterable[Pathway]:
    return (pathway for pathway in desk.pathways.values() if pathway.agency_id in desk.memberships)


def _is_contact(desk: Desk, pathway: Pathway) -> bool:
    return desk.account_id in {pathway.contact_id, pathway.deputy_id}


def _coordinates(desk: Desk, pathway: Pathway) -> bool:
    return desk.memberships[pathway.agency_id].role is MemberRole.COORDINATOR


def _step(desk: Desk, step: Step) -> WorkItem:
    return _item(
        desk,
        WorkKind.STEP,
        desk.pathways[step.pathway_id],
        number=step.number,
        state=step.state,
        due_at=step.due_at,
        is_mine=step.owner_id == desk.account_id,
        is_reminded=step.remind_at is None,
    )


def _item(
    desk: Desk,
    kind: WorkKind,
    pathway: Pathway,
    *,
    number: int | None = None,
    state: StepState | None = None,
    due_at: datetime | None = None,
    rung: MemberRole | None = None,
    is_mine: bool,
    is_reminded: bool = False,
) -> WorkItem:
    return WorkItem(
        kind=kind,
        pathway_id=pathway.id,
        reference=pathway.reference,
        urgency=pathway.urgency,
        number=number,
        state=state,
        due_at=due_at,
        rung=rung,
        is_mine=is_mine,
        is_reminded=is_reminded,
        not_safe=pathway.id in desk.signs,
    )

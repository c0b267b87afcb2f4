"""Sharing a part of her plan: a copy of just that part, as text, sealed to the key of one agency."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.pathways.model.consents import PARTS, Consent, ConsentDraft
from api.pathways.service import consents
from api.safety_plans.model.content import PlanContent
from api.safety_plans.model.documents import PlanDocument, SafeContact
from api.safety_plans.rules.paper import on_paper


def part_of(plan: PlanDocument, content: PlanContent, parts: tuple[str, ...]) -> PlanDocument:
    """Return a plan that holds these parts of it and nothing else."""
    codes = {item.code for section in content.sections if section.code in parts for item in section.items}
    own, people, reach = (part in parts for part in PARTS)
    return replace(
        plan,
        items={code: said for code, said in plan.items.items() if code in codes},
        own_items=plan.own_items if own else (),
        contacts=plan.contacts if people else (),
        code_word="",
        screening=None,
        safe_contact=plan.safe_contact if reach else SafeContact(),
    )


def share(
    session: Session,
    account_id: UUID,
    plan: PlanDocument,
    content: PlanContent,
    draft: ConsentDraft,
    now: datetime,
) -> Consent:
    """Let an agency read a copy of parts of her plan, as they are now; raises as `consents.give`.

    Her code word and her answers about red flags are in no part.
    """
    copy = on_paper(part_of(plan, content, draft.parts), content, plan.language)
    sections = [section.code for section in content.sections]
    return consents.give(session, account_id, draft, copy.encode(), sections, now)

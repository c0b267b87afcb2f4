"""What she reads of her plan: the texts that fit her, and all of it on paper."""

from typing import Any

from sqlalchemy.orm import Session

from api.accounts.model.entry import EntryNotFound, Side, SlotContent
from api.kernel.content import Language
from api.safety_plans.model.content import Depth, PlanContent
from api.safety_plans.model.documents import PlanDocument
from api.safety_plans.rules.documents import new_plan, parse_document
from api.safety_plans.rules.paper import on_paper
from api.safety_plans.rules.tailoring import sections_for
from api.safety_plans.service import documents


def read_plan(
    session: Session, opened: SlotContent, content: PlanContent, language: Language
) -> PlanDocument:
    """Return her plan, an empty one before she saved any; raises EntryNotFound on the other side."""
    if opened.side is not Side.REAL:
        raise EntryNotFound("Not found.")
    body = documents.open_page(session, opened).body
    return new_plan(content, language) if body is None else parse_document(body)


def read_texts(plan: PlanDocument, content: PlanContent, depth: Depth, language: Language) -> dict[str, Any]:
    """Return the sections that fit her, in one language."""
    return {
        "version": content.version,
        "intro": content.intro.said_in(language),
        "call_warning": content.call_warning.said_in(language),
        "danger": [level.said_in(language) for level in content.danger],
        "sections": [
            {
                "code": section.code,
                "title": section.title.said_in(language),
                "intro": section.intro.said_in(language),
                "items": [
                    {
                        "code": item.code,
                        "title": item.title.said_in(language),
                        "text": item.text.said_in(language),
                        "phase": item.phase.value,
                        "danger": item.danger,
                        "warning": item.warning.said_in(language) if item.warning else None,
                        "calls": item.calls,
                    }
                    for item in section.items
                ],
                "letters": [
                    {
                        "code": letter.code,
                        "title": letter.title.said_in(language),
                        "text": letter.text.said_in(language),
                    }
                    for letter in section.letters
                ],
            }
            for section in sections_for(content, plan.tailoring, depth)
        ],
    }


def export(plan: PlanDocument, content: PlanContent, language: Language) -> str:
    """Return all that she wrote as plain text, as she would read it on paper."""
    return on_paper(plan, content, language)

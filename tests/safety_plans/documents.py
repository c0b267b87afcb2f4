"""Documents as her app sends them."""

from dataclasses import fields
from typing import Any

from api.safety_plans.model.content import Tailoring


def plan(note: str = "", **more: Any) -> dict[str, Any]:
    """A plan in which she wrote one note, and perhaps more."""
    own = [{"title": "mine", "note": note, "phase": "home"}]
    tailoring = dict.fromkeys(field.name for field in fields(Tailoring))
    reach = dict.fromkeys(("channel", "hours", "code_word", "not_now"), "")
    return {
        "form": 1,
        "content_version": "2026-11-25",
        "language": "en",
        "tailoring": tailoring,
        "items": {},
        "own_items": own,
        "contacts": [],
        "code_word": "",
        "screening": None,
        "safe_contact": reach,
    } | more


def notes(text: str) -> dict[str, Any]:
    """What the second PIN shows."""
    return {"form": 1, "notes": [{"title": "Gift", "text": text}]}

"""Her plan as plain text: what she wrote, under the titles under which she wrote it."""

from collections.abc import Iterator

from api.kernel.content import Language
from api.safety_plans.model.content import PlanContent
from api.safety_plans.model.documents import ItemNote, PlanDocument, Status
from api.safety_plans.rules.documents import kept_codes

_WORDS = {
    Language.NL: {
        Status.NOT_APPLICABLE: "niet van toepassing",
        Status.NOT_YET: "nog niet",
        Status.BUSY: "bezig",
        Status.DONE: "klaar",
        Status.SKIPPED: "overgeslagen",
        "place": "Waar",
        "own": "Van mijzelf",
        "people": "Mensen",
        "word": "Woord",
        "reach": "Mij bereiken",
        "older": "Van een eerdere versie",
    },
    Language.EN: {
        Status.NOT_APPLICABLE: "does not apply",
        Status.NOT_YET: "not yet",
        Status.BUSY: "busy",
        Status.DONE: "done",
        Status.SKIPPED: "skipped",
        "place": "Where",
        "own": "Of my own",
        "people": "People",
        "word": "Word",
        "reach": "Reaching me",
        "older": "From an earlier version",
    },
}


def on_paper(plan: PlanDocument, content: PlanContent, language: Language) -> str:
    """Return everything that she wrote; what she never touched is left out."""
    blocks = [*_sections(plan, content, language), *_rest(plan, content, language)]
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _sections(plan: PlanDocument, content: PlanContent, language: Language) -> Iterator[list[str]]:
    for section in content.sections:
        written = [item for item in section.items if item.code in plan.items]
        if written:
            lines = [section.title.said_in(language).upper()]
            for item in written:
                lines += _item(item.title.said_in(language), plan.items[item.code], language)
            yield lines


def _rest(plan: PlanDocument, content: PlanContent, language: Language) -> Iterator[list[str]]:
    words = _WORDS[language]
    older = kept_codes(plan, content)
    if older:
        lines = [words["older"].upper()]
        for code in older:
            lines += _item(code, plan.items[code], language)
        yield lines
    if plan.own_items:
        yield [words["own"].upper(), *(f"- {one.title}: {one.note}" for one in plan.own_items)]
    if plan.contacts:
        people = [[one.name, one.reach, one.knows, one.when] for one in plan.contacts]
        yield [words["people"].upper(), *("- " + ", ".join(filter(None, parts)) for parts in people)]
    if plan.code_word:
        yield [f"{words['word'].upper()}: {plan.code_word}"]
    reach = plan.safe_contact
    if said := [one for one in (reach.channel, reach.hours, reach.code_word, reach.not_now) if one]:
        yield [words["reach"].upper(), *(f"- {one}" for one in said)]


def _item(title: str, note: ItemNote, language: Language) -> list[str]:
    words = _WORDS[language]
    lines = [f"- {title} ({words[note.status]})"]
    if note.note:
        lines.append(f"  {note.note}")
    if note.place:
        lines.append(f"  {words['place']}: {note.place}")
    return lines

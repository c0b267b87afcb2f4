"""Which part of the content fits whom."""

from dataclasses import replace

from api.safety_plans.model.content import Depth, Item, PlanContent, Section, Tailoring


def sections_for(content: PlanContent, tailoring: Tailoring, depth: Depth) -> tuple[Section, ...]:
    """Return what fits her, in the order of reading.

    What she has not said leaves nothing out. A section of which nothing is left is left out, and so is a
    letter that no lawyer has checked.

    Returns:
        Sections of the plan; with `Depth.ACUTE` the screens of the short way, at most 7.
    """
    offered = content.acute if depth is Depth.ACUTE else content.sections
    fitting = (_fitting(section, tailoring) for section in offered)
    return tuple(section for section in fitting if section.items)


def fits(item: Item, tailoring: Tailoring) -> bool:
    """Say whether an item is shown to her: no answer of hers speaks against it."""
    answers = ((getattr(tailoring, name), wanted) for name, wanted in item.when.items())
    return all(answer is None or answer in wanted for answer, wanted in answers)


def _fitting(section: Section, tailoring: Tailoring) -> Section:
    items = tuple(item for item in section.items if fits(item, tailoring))
    letters = tuple(letter for letter in section.letters if letter.is_offered)
    return replace(section, items=items, letters=letters)

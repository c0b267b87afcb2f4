"""What she reads of her pathway: who does what, when, in her language, and never where."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from api.pathways.model.agencies import Agency
from api.pathways.model.content import PathwayContent
from api.pathways.model.steps import Step, StepAct
from api.pathways.model.work import ScheduleLine
from api.pathways.rules.steps import is_alive, may


def schedule_lines(
    content: PathwayContent, steps: Iterable[Step], agencies: Mapping[UUID, Agency], language: str
) -> tuple[ScheduleLine, ...]:
    """Return the steps in words, by number."""
    return tuple(_line(content, step, agencies[step.agency_id], language) for step in steps)


def _line(content: PathwayContent, step: Step, agency: Agency, language: str) -> ScheduleLine:
    words = content.steps[step.number]
    return ScheduleLine(
        number=step.number,
        what=words.titles[language],
        sentence=words.sentences[language],
        who=content.kind_words[language][agency.kind] if words.hides_place else agency.name,
        when=_when(step),
        state=step.state,
        may_refuse=may(step, StepAct.REFUSE),
        may_pause=may(step, StepAct.PAUSE),
        may_resume=may(step, StepAct.RESUME),
    )


def _when(step: Step) -> datetime | None:
    return step.due_at if is_alive(step) else None

"""What was awaited of people, by when, and what became of it, in words that need no explanation."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.alerts.model import EntryKind
from api.alerts.model.playbooks import Answer, RunState, StepRun, Task, TaskKind, TaskOutcome
from api.alerts.model.policies import Decider
from api.evidence.rules.wording import clock_time, seconds

_EXPECTED: Mapping[Answer, str] = {
    Answer.NONE: "nothing",
    Answer.RECEIVED: "a receipt from whom it was sent to",
    Answer.POLICE_ACK: "the police confirm that they have it",
    Answer.ACKNOWLEDGED: "somebody in the control room takes it",
    Answer.DONE: "a call reaches whom it is for",
}
_MISSED: Mapping[Answer, str] = {
    Answer.NONE: "nobody had answered",
    Answer.RECEIVED: "no receipt had come",
    Answer.POLICE_ACK: "the police had not confirmed that they have it",
    Answer.ACKNOWLEDGED: "nobody in the control room had taken it",
    Answer.DONE: "no call had reached whom it was for",
}
_CALLED: Mapping[TaskKind, str] = {
    TaskKind.CALL_POLICE: "the police",
    TaskKind.CALL_OFFICER: "the officer on duty",
    TaskKind.CALL_PROTECTED_PERSON: "the protected person",
    TaskKind.CALL_WEARER: "the wearer",
    TaskKind.CALL_STANDBY: "whoever stood by",
}
_OUTCOMES: Mapping[TaskOutcome, str] = {
    TaskOutcome.REACHED: "reached",
    TaskOutcome.NO_ANSWER: "nobody answered",
    TaskOutcome.VOICEMAIL: "only an answering machine",
    TaskOutcome.REFUSED: "refused",
    TaskOutcome.WRONG_NUMBER: "the number was wrong",
    TaskOutcome.CANCELLED: "not made, the alert was closed before",
}
_DECIDED: Mapping[Decider, str] = {
    Decider.HER: "by her own decision",
    Decider.DEFAULT: "by the authority's rule for those who decided nothing",
}
TITLES: Mapping[str, str] = {
    EntryKind.ESCALATED: "no answer in time",
    EntryKind.TASK_DONE: "call noted",
    EntryKind.POLICE_ACKNOWLEDGED: "police confirmed",
}
"""What a line of the log about these things is called."""


def entry_words(kind: str, detail: Mapping[str, Any], steps: Sequence[StepRun]) -> str:
    """Return what a line of the log that is no event tells; of an unknown kind its names and values."""
    if kind == EntryKind.ESCALATED and "step" in detail:
        said = [_unanswered(detail, steps)]
    elif kind == EntryKind.TASK_DONE and "task" in detail:
        said = [f"call to {_CALLED[TaskKind(detail['task'])]}: {_OUTCOMES[TaskOutcome(detail['outcome'])]}"]
    elif kind == EntryKind.POLICE_ACKNOWLEDGED and "who" in detail:
        said = [f"the police confirmed that they have it ({detail['who']})"]
    else:
        left_out = {"withheld", "default_of"}
        said = [f"{name} {value}" for name, value in sorted(detail.items()) if name not in left_out]
    said += [
        f"not sent to a protected person, {_DECIDED[Decider(one['by'])]}"
        for one in detail.get("withheld", ())
    ]
    return ", ".join(said)


def _unanswered(detail: Mapping[str, Any], steps: Sequence[StepRun]) -> str:
    answer = next((one.answer for one in steps if one.step == detail["step"]), Answer.NONE)
    after = ", ".join(_step(name) for name in detail.get("next", ())) or "nothing comes after it"
    return f"{seconds(float(detail['after_s']))}: {_MISSED[answer]}; next: {after}"


def _step(name: str) -> str:
    return f"call {_CALLED[TaskKind(name)]}" if name in set(TaskKind) else name.replace("_", " ")


def step_words(run: StepRun) -> str:
    """Return what a step with a deadline waited for, until when, and what became of it."""
    ended = "" if run.ended_at is None else f" at {clock_time(run.ended_at)}"
    became = {
        RunState.WAITING: "still awaited",
        RunState.ANSWERED: f"so it was{ended}",
        RunState.UNANSWERED: "it was not",
        RunState.ENDED: f"the alert was closed before{ended}",
    }
    return f"awaited until {clock_time(run.due_at)}: {_EXPECTED[run.answer]}; {became[run.state]}"


def call_words(task: Task) -> str:
    """Return which call an operator was asked to make, and what came of it."""
    asked = f"a call to {_CALLED[task.kind]} was asked for and"
    if task.outcome is None or task.done_at is None:
        return f"{asked} not made"
    if task.outcome is TaskOutcome.CANCELLED:
        return f"{asked} {_OUTCOMES[task.outcome]}"
    return f"{asked} noted at {clock_time(task.done_at)}: {_OUTCOMES[task.outcome]}"

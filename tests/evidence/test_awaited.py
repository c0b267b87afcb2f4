"""What was awaited of people, and what became of it, is in the pack in plain words."""

import io
import json
import re
from typing import Any
from uuid import UUID

import pypdf
import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import AlertEntry, EntryKind
from api.alerts.model.playbooks import Answer, RunState, StepRun, Task, TaskKind, TaskOutcome
from api.evidence.model.pack import Variant
from api.evidence.rules.awaited import call_words, entry_words, step_words
from api.kernel.db import transaction
from tests.evidence.made import ALERT, answers, sent
from tests.evidence.packs import contents
from tests.evidence.stage import CHIEF, DESK, Played
from tests.rehearsal.house import at


def run(answer: Answer = Answer.ACKNOWLEDGED, state: RunState = RunState.UNANSWERED, **more: Any) -> StepRun:
    ended = None if state is RunState.WAITING else at(12)
    values: dict[str, Any] = {
        "id": UUID(int=80),
        "alert_id": ALERT.id,
        "playbook": "d",
        "step": "room_30",
        "started_at": at(0),
    }
    return StepRun(
        **(values | {"answer": answer, "state": state, "due_at": at(30), "ended_at": ended} | more)
    )


def task(outcome: TaskOutcome | None = None, kind: TaskKind = TaskKind.CALL_POLICE) -> Task:
    done = None if outcome is None else at(95)
    return Task(
        UUID(int=81), ALERT.id, None, kind, None, at(30), None, done, None, outcome, "her aunt said so"
    )


def entry(kind: EntryKind, seconds: float, **detail: Any) -> AlertEntry:
    return AlertEntry(int(seconds), ALERT.id, at(seconds), kind, 1, None, None, detail)


ESCALATED = {"step": "room_30", "why": "no_answer", "after_s": 30.2, "next": ["call_police", "standby"]}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer.ACKNOWLEDGED, "nobody in the control room had taken it"),
        (Answer.POLICE_ACK, "the police had not confirmed that they have it"),
        (Answer.RECEIVED, "no receipt had come"),
        (Answer.DONE, "no call had reached whom it was for"),
        (Answer.NONE, "nobody had answered"),
    ],
)
def test_a_deadline_that_went_by_is_told_with_what_came_after_it(answer: Answer, told: str) -> None:
    said = entry_words("escalated", ESCALATED, [run(answer)])
    assert said == f"30 s: {told}; next: call the police, standby"


def test_lines_of_the_log_about_people_are_told_in_words() -> None:
    last = ESCALATED | {"next": [], "withheld": [{"person_id": "1", "by": "her", "version": 3}]}
    assert entry_words("escalated", last, []) == (
        "30 s: nobody had answered; next: nothing comes after it, not sent to a protected person, by her own "
        "decision"
    )
    done = {"task": "call_wearer", "outcome": "voicemail"}
    assert entry_words("task_done", done, []) == "call to the wearer: only an answering machine"
    assert entry_words("police_acknowledged", {"who": "desk 4"}, []) == (
        "the police confirmed that they have it (desk 4)"
    )
    closed = {"withheld": [{"person_id": "1", "by": "default", "version": None}], "default_of": "abc"}
    assert entry_words("resolved", closed, []) == (
        "not sent to a protected person, by the authority's rule for those who decided nothing"
    )
    for kind in ("escalated", "task_done", "police_acknowledged", "handed_over"):
        assert entry_words(kind, {"to": "desk", "a": 1}, []) == "a 1, to desk"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (RunState.WAITING, "still awaited"),
        (RunState.ANSWERED, "so it was at 12:00:12"),
        (RunState.UNANSWERED, "it was not"),
        (RunState.ENDED, "the alert was closed before at 12:00:12"),
    ],
)
def test_a_step_says_what_it_waited_for_and_what_became_of_it(state: RunState, told: str) -> None:
    said = step_words(run(Answer.POLICE_ACK, state))
    assert said == f"awaited until 12:00:30: the police confirm that they have it; {told}"


def test_a_call_says_whether_it_was_made() -> None:
    assert call_words(task()) == "a call to the police was asked for and not made"
    cancelled = call_words(task(TaskOutcome.CANCELLED))
    assert cancelled == "a call to the police was asked for and not made, the alert was closed before"
    reached = call_words(task(TaskOutcome.REACHED, TaskKind.CALL_PROTECTED_PERSON))
    assert reached == "a call to the protected person was asked for and noted at 12:01:35: reached"


def test_the_summary_says_whether_and_when_the_police_confirmed() -> None:
    about = "What was awaited"
    never = answers(about, messages_out=(sent(1, True),), tasks=(task(),), entries=(
        entry(EntryKind.ESCALATED, 30, **ESCALATED),
    ), steps=(run(),))  # fmt: skip
    assert never == (
        "The police never confirmed that they have it, until this report was made at 12:15:00. "
        "12:00:30  after 30 s: nobody in the control room had taken it; next: call the police, standby. "
        "12:00:30  a call to the police was asked for and not made."
    )
    confirmed = answers(
        about,
        messages_out=(sent(1, True),),
        entries=(entry(EntryKind.POLICE_ACKNOWLEDGED, 12, who="desk 4"),),
    )
    assert confirmed == (
        "The police confirmed at 12:00:12, 12 s after it opened (desk 4). No deadline for an answer went by."
    )
    nothing = answers(about, messages_out=(sent(1, True, alert_id=None),))
    assert nothing.startswith("No message to the police belongs to this alert, and they confirmed nothing.")


def report_of(files: dict[str, bytes]) -> str:
    pages = pypdf.PdfReader(io.BytesIO(files["report.pdf"])).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def test_deadlines_and_calls_are_in_the_full_pack_and_none_of_it_in_the_defences(engine: Engine) -> None:
    played = Played(engine)
    played.play()
    with transaction(engine) as session:
        alerts.escalate_due(session, at(600))
        (call, *_others) = alerts.show_alert(session, played.alert()).tasks
        alerts.note_outcome(session, call.id, DESK, TaskOutcome.NO_ANSWER, "ask her aunt", at(800))
        alerts.acknowledge(session, played.alert(), CHIEF, at(810))
    files = contents(played.pack())
    log = [json.loads(line) for line in files["log.jsonl"].splitlines()]
    assert {"step", "call"} <= {line["what"] for line in log}
    state = json.loads(files["state.json"])
    assert {one["state"] for one in state["steps"]} >= {"unanswered"}
    assert "no_answer" in [one["outcome"] for one in state["calls"]]
    said = report_of(files)
    assert "nobody in the control room had taken it; next: call the police" in said
    assert "The police never confirmed that they have it" in said
    assert "a call to the police was asked for and" in said
    assert "after_s" not in said
    reduced = contents(played.pack(Variant.DEFENCE))
    assert json.loads(reduced["state.json"])["steps"] == json.loads(reduced["state.json"])["calls"] == []
    told = [json.loads(line) for line in reduced["log.jsonl"].splitlines()]
    assert not {line["what"] for line in told} & {"step", "call"}
    assert not re.search("aunt|call to|awaited", report_of(reduced) + reduced["log.jsonl"].decode())

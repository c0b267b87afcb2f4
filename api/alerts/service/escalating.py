"""What an alert waits for: steps begin, are answered, or go unanswered and let the next ones begin.

The timers are rows with a moment: whoever starts again after a crash finds what is due.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, AlertState, EntryKind
from api.alerts.model.playbooks import (
    Answer,
    Playbook,
    PlaybookStep,
    RunState,
    StepRun,
    Target,
    Task,
    TaskDone,
    TaskKind,
    TaskOutcome,
)
from api.alerts.model.policies import AlertPolicy
from api.alerts.rules.event_json import event_of
from api.alerts.rules.policies import sift
from api.alerts.rules.telling import Recipient, recipients_by
from api.alerts.service import playbooks
from api.alerts.service.messages import PoliceNews, Telling, tell, watches_of
from api.alerts.service.policies import policies_of, withheld_json
from api.alerts.store import alerts as alert_store
from api.alerts.store import runs
from api.alerts.store.alerts import NewEntry
from api.kernel import audit
from api.orders.model import Watch

DUE_LIMIT = 10
"""Steps of one transaction: 100 held SQLite's only write lock for 0.14 s. The next look takes the rest."""
TASK_LIMIT = 1000


def begin(
    session: Session,
    playbook: Playbook,
    begun: Sequence[tuple[Alert, PlaybookStep]],
    now: datetime,
) -> dict[tuple[UUID, str], UUID]:
    """Begin steps: timers where they have a deadline, tasks where somebody is to call.

    A step that waits already is not begun a second time, and no step waits for an alert to be taken that
    somebody has taken. A call that is to be made is not asked for twice, unless a step waits for it: a call
    made for something earlier says nothing of what came after. Returns the run of each (alert, step) that
    waits.
    """
    ids = {alert.id for alert, _step in begun}
    waiting = {(run.alert_id, run.step): run.id for run in runs.list_waiting(session, ids)}
    calls = {(task.alert_id, task.kind) for task in runs.list_open_tasks(session, ids, TASK_LIMIT)}
    new_runs, tasks = [], []
    for alert, step in begun:
        known = (alert.id, step.name) in waiting
        if step.within_s is not None and not known and not _is_taken(alert, step):
            run = _run(playbook, alert, step, now)
            waiting[alert.id, step.name] = run.id
            new_runs.append(run)
        waits = (alert.id, step.name) in waiting and not known
        if step.task is not None and (waits or (alert.id, step.task) not in calls):
            tasks.append(_task(alert, step, step.task, waiting.get((alert.id, step.name)), now))
            calls.add((alert.id, step.task))
    runs.add_runs(session, new_runs)
    runs.add_tasks(session, tasks)
    return waiting


def _is_taken(alert: Alert, step: PlaybookStep) -> bool:
    return step.answer is Answer.ACKNOWLEDGED and alert.state is not AlertState.OPEN


def _run(playbook: Playbook, alert: Alert, step: PlaybookStep, now: datetime) -> StepRun:
    return StepRun(
        id=uuid.uuid4(),
        alert_id=alert.id,
        playbook=playbook.digest,
        step=step.name,
        answer=step.answer,
        state=RunState.WAITING,
        started_at=now,
        due_at=now + timedelta(seconds=step.within_s or 0.0),
        ended_at=None,
    )


def _task(alert: Alert, step: PlaybookStep, kind: TaskKind, run_id: UUID | None, now: datetime) -> Task:
    return Task(
        id=uuid.uuid4(),
        alert_id=alert.id,
        run_id=run_id,
        kind=kind,
        about=None,
        created_at=now,
        due_at=None if step.within_s is None else now + timedelta(seconds=step.within_s),
        done_at=None,
        done_by=None,
        outcome=None,
        note="",
    )


def has_due(session: Session, now: datetime) -> bool:
    """Say whether a step has waited long enough."""
    return runs.has_due(session, now)


def list_due_steps(session: Session, now: datetime) -> list[UUID]:
    """Return runs that have waited long enough, the worst alert's first."""
    return [run.id for run in runs.list_due(session, now, DUE_LIMIT)]


def give_up_step(session: Session, run_id: UUID, now: datetime) -> None:
    """End a step whose next ones cannot be begun for a fault of ours: somebody is to call the police."""
    alert_store.lock_log(session)
    run = runs.find_run(session, run_id)
    if run is None or run.state is not RunState.WAITING:
        return
    runs.end_runs(session, [run_id], RunState.UNANSWERED, now)
    alert = alert_store.get_alert(session, run.alert_id).alert
    detail = {"step": run.step, "why": "our_fault", "next": [TaskKind.CALL_POLICE.value]}
    entry = NewEntry(alert.id, now, EntryKind.ESCALATED, alert.severity, None, detail=detail)
    alert_store.add_entries(session, [entry])
    call = Task(uuid.uuid4(), alert.id, None, TaskKind.CALL_POLICE, None, now, None, None, None, None, "")
    runs.add_tasks(session, [call])


def escalate_due(session: Session, now: datetime, only: UUID | None = None) -> int:
    """Let what has waited long enough, or the one run `only`, go on to its next steps; returns how many."""
    alert_store.lock_log(session)
    due = [run for run in runs.list_due(session, now, DUE_LIMIT) if only in {None, run.id}]
    if not due:
        return 0
    alerts = alert_store.list_by_ids(session, {run.alert_id for run in due})
    runs.end_runs(session, [run.id for run in due], RunState.UNANSWERED, now)
    worst_first = sorted(due, key=lambda one: (alerts[one.alert_id].severity, one.due_at))
    _go_on(session, [(alerts[run.alert_id], run) for run in worst_first], now, "no_answer")
    return len(due)


@dataclass(slots=True)
class _Next:
    """What comes after a step of an alert that nobody answered."""

    alert: Alert
    playbook: Playbook
    steps: list[PlaybookStep]
    recipients: dict[Recipient, str]


def _go_on(session: Session, unanswered: Sequence[tuple[Alert, StepRun]], now: datetime, why: str) -> None:
    """Begin what comes after steps that nobody answered, and say so in the alerts' logs."""
    watches = watches_of(session, (alert.order_id for alert, _run in unanswered))
    after = [_next(session, alert, run, watches) for alert, run in unanswered]
    policies = policies_of(session, (recipient for one in after for recipient in one.recipients))
    entries: list[NewEntry] = []
    for one, (alert, run) in zip(after, unanswered, strict=True):
        sifted = sift(one.recipients, policies, one.playbook.her, alert.kind, alert.severity, now)
        one.steps = [step for step in one.steps if step.name not in sifted.silent]
        one.recipients = sifted.told
        detail = {
            "step": run.step,
            "why": why,
            "after_s": round((now - run.started_at).total_seconds(), 1),
            "next": [step.name for step in one.steps],
            "playbook": f"{one.playbook.name} {one.playbook.version}",
        }
        detail |= withheld_json(sifted.withheld, policies, one.playbook) or {}
        entries.append(NewEntry(alert.id, now, EntryKind.ESCALATED, alert.severity, None, detail=detail))
    seqs = alert_store.add_entries(session, entries)
    _tell(session, after, seqs, watches, policies, now)


def _next(session: Session, alert: Alert, run: StepRun, watches: Mapping[UUID, Watch]) -> _Next:
    playbook = playbooks.by_digest(session, run.playbook)
    after = [playbook.steps[name] for name in playbook.steps[run.step].otherwise]
    after = [one for one in after if alert.severity in one.severities]
    watch = watches.get(alert.order_id) if alert.order_id else None
    told: dict[Recipient, str] = {}
    for one in after:
        for recipient in recipients_by(one, alert.person_ids, watch, alert.kind):
            told.setdefault(recipient, one.name)
    return _Next(alert, playbook, after, told)


def _tell(
    session: Session,
    after: Sequence[_Next],
    seqs: Sequence[int],
    watches: Mapping[UUID, Watch],
    policies: Mapping[UUID, AlertPolicy],
    now: datetime,
) -> None:
    """Begin steps by their deadlines, and write what is sent because of them."""
    waiting: dict[tuple[UUID, str], UUID] = {}
    for digest in dict.fromkeys(one.playbook.digest for one in after):
        mine = [one for one in after if one.playbook.digest == digest]
        begun = [(one.alert, step) for one in mine for step in one.steps]
        waiting |= begin(session, mine[0].playbook, begun, now)
    last = alert_store.list_last_events(session, {one.alert.id for one in after})
    tellings: list[Telling] = []
    for one, seq in zip(after, seqs, strict=True):
        alert = one.alert
        event = event_of(last[alert.id]) if alert.id in last else None
        runs_of = {step.name: waiting.get((alert.id, step.name)) for step in one.steps}
        police = [step for step in one.steps if step.target is Target.POLICE]
        news = [PoliceNews(seq, event, runs_of[step.name], step.side) for step in police]
        told = {recipient: runs_of[name] for recipient, name in one.recipients.items()}
        tellings.append(Telling(alert, one.playbook, event, news, told, policies))
    tell(session, tellings, watches, now)


def answer(
    session: Session,
    alert_id: UUID,
    answers: Collection[Answer],
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Note that somebody answered: the steps of the alert that waited for it go no further.

    `until`: of which moment on the answer cannot know: what began later was told by a later message.
    """
    ended = [
        run.id
        for run in runs.list_waiting(session, [alert_id])
        if run.answer in answers and (until is None or run.started_at <= until)
    ]
    runs.end_runs(session, ended, RunState.ANSWERED, now)


def answer_run(session: Session, run_id: UUID | None, now: datetime) -> None:
    """Note that a message was received; its step goes no further if that is what it waited for."""
    if run_id is None:
        return
    alert_store.lock_log(session)  # before the run: whoever lets runs go on holds it already
    run = runs.find_run(session, run_id)
    if run is not None and run.state is RunState.WAITING and run.answer is Answer.RECEIVED:
        runs.end_runs(session, [run.id], RunState.ANSWERED, now)


def end_all(session: Session, alert_id: UUID, by: UUID | None, now: datetime) -> None:
    """Let nothing of a resolved alert wait any longer."""
    runs.end_runs(session, [run.id for run in runs.list_waiting(session, [alert_id])], RunState.ENDED, now)
    tasks = runs.list_open_tasks(session, [alert_id], TASK_LIMIT)
    runs.save_outcome(session, [task.id for task in tasks], TaskOutcome.CANCELLED, "", by, now)


def list_open_tasks(session: Session) -> list[Task]:
    """Return the calls that somebody is to make, oldest first."""
    return runs.list_open_tasks(session, None, TASK_LIMIT)


def steps_of_alerts(
    session: Session, alert_ids: Iterable[UUID]
) -> tuple[Mapping[UUID, list[StepRun]], Mapping[UUID, list[Task]]]:
    """Return per alert its steps with a deadline and its calls, oldest first."""
    wanted = list(alert_ids)
    found: dict[UUID, list[StepRun]] = {alert_id: [] for alert_id in wanted}
    calls: dict[UUID, list[Task]] = {alert_id: [] for alert_id in wanted}
    for run in runs.list_runs(session, wanted):
        found[run.alert_id].append(run)
    for task in runs.list_tasks(session, wanted):
        calls[task.alert_id].append(task)
    return found, calls


def note_outcome(
    session: Session, task_id: UUID, actor_id: UUID, outcome: TaskOutcome, note: str, now: datetime
) -> Task:
    """Note what came of a call; whoever was not reached lets the next steps begin at once.

    Raises:
        TaskNotFound: There is no such task.
        TaskDone: Somebody has noted an outcome already.
    """
    alert_store.lock_log(session)
    task = runs.get_task(session, task_id)
    if task.done_at is not None:
        raise TaskDone("An outcome of this task is noted already; read it again.")
    runs.save_outcome(session, [task_id], outcome, note, actor_id, now)
    alert = alert_store.get_alert(session, task.alert_id).alert
    detail = {"task": task.kind.value, "outcome": outcome.value}
    entry = NewEntry(alert.id, now, EntryKind.TASK_DONE, alert.severity, actor_id, detail=detail)
    alert_store.add_entries(session, [entry])
    audit.record(session, now, actor_id, "alerts.task", task_id, outcome.value)
    waiting = [run for run in runs.list_waiting(session, [alert.id]) if run.id == task.run_id]
    is_reached = outcome is TaskOutcome.REACHED
    state = RunState.ANSWERED if is_reached else RunState.UNANSWERED
    runs.end_runs(session, [run.id for run in waiting], state, now)
    if not is_reached:
        _go_on(session, [(alert, run) for run in waiting], now, outcome.value)
    return runs.get_task(session, task_id)

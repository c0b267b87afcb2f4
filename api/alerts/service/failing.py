"""A message that failed for good becomes a call that somebody makes: silence would look like an answer."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, AlertState, Channel, EventKind, Notification
from api.alerts.model.playbooks import Target, Task, TaskKind
from api.alerts.store import alerts as alert_store
from api.alerts.store import runs

CALLED_TO = 2
"""Of severities 1 (the worst) to this one an operator calls; the milder can wait. Proposal."""
NOBODY_THERE = "not_configured"
"""Outcome of a channel that this house does not have."""
_CALLS = {Target.OFFICER.value: TaskKind.CALL_OFFICER, Target.STANDBY.value: TaskKind.CALL_STANDBY}


def call_for_failed(session: Session, failed: Sequence[tuple[Notification, str]], now: datetime) -> None:
    """Ask an operator to call whom messages will never reach: officers, desks, and the police.

    `failed` holds each message, locked, and the outcome that ended it. A call that waits already is asked for
    once. A house without a channel is told so once per alert: no later message of it could end otherwise.
    """
    wanted: dict[tuple[UUID, TaskKind], bool] = {}
    for sent, code in failed:
        kind = _call_for(sent)
        if kind is not None and sent.alert_id is not None:
            key = (sent.alert_id, kind)
            wanted[key] = wanted.get(key, False) or code != NOBODY_THERE
    if not wanted:
        return
    alert_store.lock_log(session)
    ids = {alert_id for alert_id, _kind in wanted}
    alerts = alert_store.list_by_ids(session, ids)
    asked = runs.list_tasks(session, ids)
    is_open = {(task.alert_id, task.kind) for task in asked if task.done_at is None}
    was_asked = {(task.alert_id, task.kind) for task in asked}
    tasks = [
        Task(uuid.uuid4(), alert_id, None, kind, None, now, None, None, None, None, "")
        for (alert_id, kind), may_repeat in wanted.items()
        if _matters(alerts[alert_id]) and (alert_id, kind) not in (is_open if may_repeat else was_asked)
    ]
    runs.add_tasks(session, tasks)


def _call_for(sent: Notification) -> TaskKind | None:
    if sent.channel is Channel.POLICE_WEBHOOK:
        return TaskKind.CALL_POLICE
    return _CALLS.get(sent.payload.get("target", "")) if sent.channel is Channel.SMS else None


def _matters(alert: Alert) -> bool:
    is_drill = alert.kind == EventKind.DRILL
    return alert.severity <= CALLED_TO and alert.state is not AlertState.RESOLVED and not is_drill

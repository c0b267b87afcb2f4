"""Everything that happened, in one order, as lines that a program and a person can read.

A kind of log line that this code does not know is told all the same, by its kind and its detail.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec

from api.alerts.model import AlertEntry, Attempt, Channel, Notification
from api.evidence.model.material import Material
from api.evidence.rules.kinds import ATTEMPT, CALL, COMMAND, ENTRY, LOOK, MESSAGE, STEP
from api.kernel.audit import Act


class TimeLine(msgspec.Struct, frozen=True):
    """One line: `what` is one of `rules.kinds`, `kind` says more, `data` everything that is known of it."""

    at: datetime
    what: str
    kind: str
    data: Mapping[str, Any]


def timeline(material: Material) -> list[TimeLine]:
    """Return all lines, oldest first; of one moment the log comes before what it caused."""
    lines = [_entry(entry) for entry in material.entries]
    for sent, attempts in material.messages_out:
        lines.append(_message(sent))
        lines += [_attempt(attempt, sent) for attempt in attempts]
    lines += [TimeLine(run.started_at, STEP, run.step, asdict(run)) for run in material.steps]
    lines += [TimeLine(task.created_at, CALL, task.kind.value, asdict(task)) for task in material.tasks]
    lines += [_act(act) for act in material.acts]
    return sorted(lines, key=lambda line: line.at)


def _entry(entry: AlertEntry) -> TimeLine:
    data = {
        "seq": entry.seq,
        "severity": entry.severity,
        "author": entry.author_id,
        "event": entry.event,
        "detail": entry.detail,
    }
    return TimeLine(entry.at, ENTRY, str(entry.kind), data)


def _message(sent: Notification) -> TimeLine:
    data = {
        "id": sent.id,
        "channel": sent.channel,
        "person": sent.person_id,
        "device": sent.device_id,
        "state": sent.state,
        "attempts": sent.attempts,
        "payload": sent.payload,
    }
    is_command = sent.channel is Channel.DEVICE
    kind = str(sent.payload.get("action", "")) if is_command else str(sent.channel)
    return TimeLine(sent.created_at, COMMAND if is_command else MESSAGE, kind, data)


def _attempt(attempt: Attempt, sent: Notification) -> TimeLine:
    data = {
        "message": sent.id,
        "channel": sent.channel,
        "device": sent.device_id,
        "succeeded": attempt.succeeded,
    }
    return TimeLine(attempt.at, ATTEMPT, attempt.outcome, data)


def _act(act: Act) -> TimeLine:
    return TimeLine(act.at, LOOK, act.act, {"author": act.actor_id, "reason": act.reason})

"""From events to alerts: joins or opens, writes the log and the outbox, all in the caller's transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, EntryKind, Event
from api.alerts.model.playbooks import Playbook, PlaybookStep, Target
from api.alerts.model.policies import AlertPolicy
from api.alerts.rules.event_json import event_json
from api.alerts.rules.joining import Step, join_key, next_step, severity_of
from api.alerts.rules.policies import SILENT, sift
from api.alerts.rules.telling import Recipient, recipients_of, steps_of
from api.alerts.service import playbooks
from api.alerts.service.escalating import begin
from api.alerts.service.messages import PoliceNews, Telling, tell, watches_of
from api.alerts.service.policies import policies_of, withheld_json
from api.alerts.store import alerts as alert_store
from api.alerts.store.alerts import KeptAlert, NewEntry
from api.orders.model import Watch


@dataclass(slots=True)
class _Line:
    """One line that the log of an alert gets.

    Attributes:
        severity: Of the alert after it.
        begun: The steps of the playbook that begin because of it.
        recipients: Whom these tell, with the step that says so.
        detail: Whom something did not reach, and by whose decision.
    """

    kind: EntryKind
    severity: int
    event: Event
    begun: list[PlaybookStep]
    recipients: dict[Recipient, str]
    detail: dict[str, Any] | None = None


@dataclass(slots=True)
class _Case:
    """One alert while this call's events work on it.

    Attributes:
        lines: What the log gets, oldest first.
        begun: Steps of the playbook that begin, by name.
        police_line: Index in `lines` of the worst event that the police must hear of.
        recipients: Whom else to tell, with the step that says so; one burst of events is one message each.
    """

    key: str
    kept: KeptAlert | None
    is_new: bool = False
    lines: list[_Line] = field(default_factory=list)
    begun: dict[str, PlaybookStep] = field(default_factory=dict)
    police_line: int | None = None
    recipients: dict[Recipient, str] = field(default_factory=dict)


def open_alerts(session: Session, events: Sequence[Event], now: datetime) -> list[Alert]:
    """Join each event to its unresolved alert or open one; return the alerts that changed.

    Takes many events and a fixed number of statements. Log lines and messages are rows of the caller's
    transaction: an event is stored with everything that follows from it, or not at all. `events` come in
    the order in which they were judged.
    """
    if not events:
        return []
    alert_store.lock_log(session)
    keys = [join_key(event) for event in events]
    unresolved = alert_store.find_unresolved(session, set(keys))
    watches = watches_of(session, (event.order_id for event in events))
    playbook = playbooks.current(session)
    cases: dict[str, _Case] = {}
    for key, event in zip(keys, events, strict=True):
        case = cases.setdefault(key, _Case(key, unresolved.get(key)))
        watch = watches.get(event.order_id) if event.order_id else None
        _take(case, playbook, event, watch, now)
    touched = [case for case in cases.values() if case.lines]
    policies = _sift(session, playbook, touched, now)
    seqs = _save(session, touched, now)
    _tell(session, playbook, touched, seqs, watches, policies, now)
    return [case.kept.alert for case in touched if case.kept]


def _take(case: _Case, playbook: Playbook, event: Event, watch: Watch | None, now: datetime) -> None:
    alert = case.kept.alert if case.kept else None
    holding = case.kept.holding if case.kept else frozenset()
    step = next_step(alert, holding, event, watch, now, uuid.uuid4())
    if step is None:
        return
    case.is_new = case.is_new or alert is None
    case.kept = KeptAlert(step.alert, step.holding)
    begun = steps_of(playbook, event, step)
    told = recipients_of(begun, event, watch)
    case.lines.append(_Line(step.kind, step.alert.severity, event, begun, told))
    if any(one.target is Target.POLICE for one in begun) and _is_worse(case, step):
        case.police_line = len(case.lines) - 1


def _is_worse(case: _Case, step: Step) -> bool:
    return case.police_line is None or step.kind == EntryKind.RAISED


def _sift(session: Session, playbook: Playbook, cases: list[_Case], now: datetime) -> dict[UUID, AlertPolicy]:
    """Leave out what does not reach the protected people, and note by whose decision; returns their policies.

    A step that tells nobody any more waits for no receipt: else she would be called because she had chosen
    not to be told.
    """
    lines = [(case, line) for case in cases for line in case.lines]
    policies = policies_of(session, (one for _case, line in lines for one in line.recipients))
    for case, line in lines:
        sifted = sift(
            line.recipients,
            policies,
            playbook.her,
            line.event.kind.value,
            severity_of(line.event),
            now,
            is_silent=line.event.reason == SILENT,
        )
        line.detail = withheld_json(sifted.withheld, policies, playbook)
        case.begun |= {one.name: one for one in line.begun if one.name not in sifted.silent}
        for recipient, name in sifted.told.items():
            case.recipients.setdefault(recipient, name)
    return policies


def _save(session: Session, cases: list[_Case], now: datetime) -> dict[str, list[int]]:
    """Store the alerts and their lines; returns the lines' numbers per case."""
    alert_store.add_alerts(session, {case.key: case.kept for case in cases if case.is_new and case.kept})
    alert_store.save_alerts(session, [case.kept for case in cases if not case.is_new and case.kept])
    lines = [(case, line) for case in cases if case.kept for line in case.lines]
    seqs = alert_store.add_entries(
        session,
        [
            NewEntry(
                case.kept.alert.id, now, line.kind, line.severity, None, event_json(line.event), line.detail
            )
            for case, line in lines
            if case.kept
        ],
    )
    seqs_of: dict[str, list[int]] = {}
    for (case, _line), seq in zip(lines, seqs, strict=True):
        seqs_of.setdefault(case.key, []).append(seq)
    return seqs_of


def _tell(
    session: Session,
    playbook: Playbook,
    cases: list[_Case],
    seqs: dict[str, list[int]],
    watches: dict[UUID, Watch],
    policies: dict[UUID, AlertPolicy],
    now: datetime,
) -> None:
    """Begin the steps, and write what is sent because of them."""
    kept = [(case, case.kept.alert) for case in cases if case.kept and case.begun]
    if not kept:
        return
    begun = [(alert, step) for case, alert in kept for step in case.begun.values()]
    waiting = begin(session, playbook, begun, now)
    tellings = []
    for case, alert in kept:
        run_of = {name: waiting.get((alert.id, name)) for name in case.begun}
        recipients = {one: run_of[name] for one, name in case.recipients.items()}
        news: list[PoliceNews] = []
        event = case.lines[-1].event
        if case.police_line is not None:
            event = case.lines[case.police_line].event
            step = next(one for one in case.begun.values() if one.target is Target.POLICE)
            news = [PoliceNews(seqs[case.key][case.police_line], event, run_of[step.name], step.side)]
        tellings.append(Telling(alert, playbook, event, news, recipients, policies))
    tell(session, tellings, watches, now)

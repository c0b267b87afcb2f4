"""From events to alerts: joins or opens, writes the log and the outbox, all in the caller's transaction."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, Channel, EntryKind, Event
from api.alerts.rules.joining import Step, event_json, join_key, next_step
from api.alerts.rules.retries import expires_at
from api.alerts.rules.telling import (
    MsgType,
    Recipient,
    police_message,
    priority_of,
    recipients_of,
    tells_police,
)
from api.alerts.store import alerts as alert_store
from api.alerts.store import outbox
from api.alerts.store.alerts import KeptAlert, NewEntry
from api.kernel.logs import Log
from api.orders import service as orders
from api.orders.model import Watch

_log = Log("alerts")


@dataclass(slots=True)
class _Case:
    """One alert while this call's events work on it.

    Attributes:
        lines: What the log gets, oldest first.
        police_line: Index in `lines` of the worst event that the police must hear of.
        recipients: Whom else to tell; a set, so that one burst of events is one message each.
    """

    key: str
    kept: KeptAlert | None
    is_new: bool = False
    lines: list[tuple[EntryKind, int, Event]] = field(default_factory=list)
    police_line: int | None = None
    recipients: dict[Recipient, None] = field(default_factory=dict)


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
    cases: dict[str, _Case] = {}
    for key, event in zip(keys, events, strict=True):
        case = cases.setdefault(key, _Case(key, unresolved.get(key)))
        watch = watches.get(event.order_id) if event.order_id else None
        _take(case, event, watch, now)
    touched = [case for case in cases.values() if case.lines]
    _save(session, touched, watches, now)
    return [case.kept.alert for case in touched if case.kept]


def _take(case: _Case, event: Event, watch: Watch | None, now: datetime) -> None:
    alert = case.kept.alert if case.kept else None
    holding = case.kept.holding if case.kept else frozenset()
    step = next_step(alert, holding, event, watch, now, uuid.uuid4())
    if step is None:
        return
    case.is_new = case.is_new or alert is None
    case.kept = KeptAlert(step.alert, step.holding)
    case.lines.append((step.kind, step.alert.severity, event))
    if tells_police(event, step) and _is_worse(case, step):
        case.police_line = len(case.lines) - 1
    case.recipients |= dict.fromkeys(recipients_of(event, step, watch))


def _is_worse(case: _Case, step: Step) -> bool:
    return case.police_line is None or step.kind == EntryKind.RAISED


def _save(session: Session, cases: list[_Case], watches: dict[UUID, Watch], now: datetime) -> None:
    alert_store.add_alerts(session, {case.key: case.kept for case in cases if case.is_new and case.kept})
    alert_store.save_alerts(session, [case.kept for case in cases if not case.is_new and case.kept])
    lines = [(case, line) for case in cases if case.kept for line in case.lines]
    seqs = alert_store.add_entries(
        session,
        [
            NewEntry(case.kept.alert.id, now, kind, severity, None, event_json(event))
            for case, (kind, severity, event) in lines
            if case.kept
        ],
    )
    seqs_of: dict[str, list[int]] = {}
    for (case, _line), seq in zip(lines, seqs, strict=True):
        seqs_of.setdefault(case.key, []).append(seq)
    told = outbox.list_told_police(
        session, [case.kept.alert.id for case in cases if case.kept and not case.is_new]
    )
    messages: list[outbox.NewNotification] = []
    for case in cases:
        messages += _messages(case, seqs_of[case.key], watches, now, is_known=_id(case) in told)
    outbox.add_notifications(session, messages)


def _id(case: _Case) -> UUID | None:
    return case.kept.alert.id if case.kept else None


def _messages(
    case: _Case, seqs: list[int], watches: dict[UUID, Watch], now: datetime, *, is_known: bool
) -> Iterable[outbox.NewNotification]:
    if case.kept is None:
        return
    alert = case.kept.alert
    if case.police_line is not None:
        event = case.lines[case.police_line][2]
        watch = watches.get(alert.order_id) if alert.order_id else None
        msg_type = MsgType.UPDATE if is_known else MsgType.ALERT
        yield police_notification(alert, msg_type, seqs[case.police_line], event, watch, now)
    for recipient in case.recipients:
        payload = {"action": recipient.action, "wording": recipient.wording} if recipient.action else {}
        yield outbox.NewNotification(
            id=uuid.uuid4(),
            alert_id=alert.id,
            channel=recipient.channel,
            person_id=recipient.person_id,
            device_id=recipient.device_id,
            payload=payload,
            priority=priority_of(alert, recipient.channel, is_act=False),
            created_at=now,
            expires_at=expires_at(recipient.channel, now),
        )


def police_notification(
    alert: Alert, msg_type: MsgType, seq: int, event: Event | None, watch: Watch | None, now: datetime
) -> outbox.NewNotification:
    """Return the message to the police about one line of the log."""
    notification_id = uuid.uuid4()
    return outbox.NewNotification(
        id=notification_id,
        alert_id=alert.id,
        channel=Channel.POLICE_WEBHOOK,
        person_id=None,
        device_id=None,
        payload=police_message(notification_id, msg_type, seq, alert, event, watch, now),
        priority=priority_of(alert, Channel.POLICE_WEBHOOK, is_act=event is None),
        created_at=now,
        expires_at=expires_at(Channel.POLICE_WEBHOOK, now),
    )


def watches_of(session: Session, order_ids: Iterable[UUID | None]) -> dict[UUID, Watch]:
    """Return the watches of these orders; one that is gone is missing, and its event still alerts."""
    wanted = {order_id for order_id in order_ids if order_id is not None}
    if not wanted:
        return {}
    watches = {watch.order.id: watch for watch in orders.list_watches(session, wanted)}
    if lost := wanted - watches.keys():
        _log.error("orders of alerts are not there", count=len(lost))
    return watches

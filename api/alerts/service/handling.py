"""What people do with alerts: look, acknowledge, resolve; each act has an author, a time and an audit row."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import (
    Alert,
    AlertEntry,
    AlertState,
    AlreadyResolved,
    Attempt,
    EntryKind,
    Family,
    Notification,
    ResolveReason,
)
from api.alerts.model.playbooks import Answer, Side, StepRun, Task
from api.alerts.model.policies import Reach
from api.alerts.rules.event_json import event_of
from api.alerts.rules.telling import act_msg_type
from api.alerts.service import playbooks
from api.alerts.service.afterwards import Afterwards, whom_to_tell
from api.alerts.service.escalating import answer, end_all, steps_of_alerts
from api.alerts.service.messages import PoliceNews, Telling, tell, watches_of
from api.alerts.service.policies import reaches_of
from api.alerts.store import alerts as alert_store
from api.alerts.store import attempts as attempt_store
from api.alerts.store import outbox
from api.alerts.store.alerts import KeptAlert, NewEntry
from api.kernel import audit
from api.orders import service as orders

LIST_LIMIT = 1000
"""Above the flood of 700 that is on record (field/monitoring.md section 8c)."""


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert with the references by which staff know order and people; names are not in it."""

    alert: Alert
    order_reference: str | None
    wearer_reference: str | None
    person_references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """An alert with its whole log, every message that it caused, and what waits or waited for an answer."""

    view: AlertView
    entries: list[AlertEntry]
    notifications: list[tuple[Notification, list[Attempt]]]
    steps: list[StepRun]
    tasks: list[Task]
    policies: list[Reach]


def acknowledge(session: Session, alert_id: UUID, actor_id: UUID, now: datetime) -> AlertView:
    """Take the alert: the actor answers for it from now on. The first who takes it stays.

    Doing it again changes nothing: two operators who press at once both mean well.

    Raises:
        AlreadyResolved: It is closed.
    """
    alert_store.lock_log(session)
    kept = alert_store.get_alert(session, alert_id)
    if kept.alert.state == AlertState.RESOLVED:
        raise AlreadyResolved("The alert is resolved; nothing more can be done with it.")
    if kept.alert.state == AlertState.ACKNOWLEDGED:
        return _view(session, kept.alert)
    alert = replace(kept.alert, state=AlertState.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=actor_id)
    return _act(session, KeptAlert(alert, kept.holding), EntryKind.ACKNOWLEDGED, actor_id, "", now)


def resolve(
    session: Session, alert_id: UUID, actor_id: UUID, reason: ResolveReason, note: str, now: datetime
) -> AlertView:
    """Close the alert for a reason. The next breach, even a lasting one's repeat, opens a new one.

    Raises:
        AlreadyResolved: Somebody was faster; their reason stands.
    """
    alert_store.lock_log(session)
    kept = alert_store.get_alert(session, alert_id)
    if kept.alert.state == AlertState.RESOLVED:
        raise AlreadyResolved("The alert is resolved; nothing more can be done with it.")
    alert = replace(
        kept.alert,
        state=AlertState.RESOLVED,
        ongoing=False,
        resolved_at=now,
        resolved_by=actor_id,
        resolve_reason=reason,
        resolution_note=note,
    )
    return _act(session, KeptAlert(alert, frozenset()), EntryKind.RESOLVED, actor_id, reason.value, now)


def _act(
    session: Session, kept: KeptAlert, kind: EntryKind, actor_id: UUID, reason: str, now: datetime
) -> AlertView:
    alert = kept.alert
    alert_store.save_alerts(session, [kept])
    is_over = kind is EntryKind.RESOLVED
    after = whom_to_tell(session, alert, now) if is_over else Afterwards()
    entry = NewEntry(alert.id, now, kind, alert.severity, actor_id, detail=after.detail)
    (seq,) = alert_store.add_entries(session, [entry])
    if is_over:
        end_all(session, alert.id, actor_id, now)
    else:
        answer(session, alert.id, {Answer.ACKNOWLEDGED}, now)
    is_police_told = bool(outbox.list_told_police(session, [alert.id]))
    if is_police_told or after.recipients:
        last = alert_store.list_last_events(session, [alert.id])
        event = event_of(last[alert.id]) if alert.id in last else None  # for the same stations as before
        news = [PoliceNews(seq, None, side=Side.BOTH, msg_type=act_msg_type(alert))] if is_police_told else []
        playbook = playbooks.current(session)
        telling = Telling(alert, playbook, event, news, after.recipients, after.policies)
        tell(session, [telling], watches_of(session, [alert.order_id]), now)
    audit.record(session, now, actor_id, f"alerts.{kind.value}", alert.id, reason)
    return _view(session, alert)


def list_alerts(session: Session, states: Collection[AlertState]) -> list[AlertView]:
    """Return alerts in these states, worst first, then oldest; of the resolved only the latest."""
    waiting = [state for state in states if state != AlertState.RESOLVED]
    alerts = alert_store.list_by_states(session, waiting, LIST_LIMIT) if waiting else []
    if AlertState.RESOLVED in states:
        alerts += alert_store.list_latest_resolved(session, LIST_LIMIT)
        alerts.sort(key=lambda alert: (alert.severity, alert.opened_at))
    return _views(session, alerts)


def list_unresolved(session: Session, family: Family) -> list[Alert]:
    """Return every unresolved alert of a family, however many: for our own processes, not for a page."""
    return [kept.alert for kept in alert_store.list_unresolved_of(session, family)]


def list_holding(session: Session, family: Family) -> list[tuple[Alert, frozenset[str]]]:
    """Return every unresolved alert of a family with what still holds (`rules.joining.holding_after`)."""
    return [(kept.alert, kept.holding) for kept in alert_store.list_unresolved_of(session, family)]


def get_alert(session: Session, alert_id: UUID, actor_id: UUID, now: datetime) -> AlertDetail:
    """Return everything about one alert; it shows where she is, so the reading is an audit row."""
    detail = show_alert(session, alert_id)
    audit.record(session, now, actor_id, "alerts.read", alert_id)
    return detail


def show_alert(session: Session, alert_id: UUID) -> AlertDetail:
    """Return everything about one alert; the caller has written down who looks. Raises AlertNotFound."""
    alert = alert_store.get_alert(session, alert_id).alert
    told = _with_attempts(session, outbox.list_of_alerts(session, [alert_id]))
    steps, tasks = steps_of_alerts(session, [alert_id])
    entries = alert_store.list_entries(session, alert_id)
    return AlertDetail(
        view=_view(session, alert),
        entries=entries,
        notifications=told,
        steps=steps[alert_id],
        tasks=tasks[alert_id],
        policies=reaches_of(session, alert, entries, [one for one, _attempts in told]),
    )


def _with_attempts(
    session: Session, notifications: list[Notification]
) -> list[tuple[Notification, list[Attempt]]]:
    tries: dict[UUID, list[Attempt]] = {notification.id: [] for notification in notifications}
    for attempt in attempt_store.list_attempts(session, tries.keys()):
        tries[attempt.notification_id].append(attempt)
    return [(notification, tries[notification.id]) for notification in notifications]


def list_commands(
    session: Session, device_ids: Collection[UUID], since: datetime, until: datetime
) -> list[tuple[Notification, list[Attempt]]]:
    """Return what these devices were told that belongs to no alert, born in this time, oldest first."""
    commands = outbox.list_commands(session, device_ids, since, until)
    return _with_attempts(session, commands)


def note_replayed(session: Session, alert_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Write down that somebody recomputes an alert: they read where people were. Raises AlertNotFound.

    `actor_id` None is the command line.
    """
    alert = alert_store.get_alert(session, alert_id).alert
    audit.record(session, now, actor_id, "alerts.replay", alert.id)


def read_evidence(session: Session, alert_id: UUID) -> tuple[Alert, list[tuple[AlertEntry, Alert]]]:
    """Return an alert and the whole log of its order's alerts, for recomputing; see `note_replayed`.

    Raises AlertNotFound.
    """
    alert = alert_store.get_alert(session, alert_id).alert
    return alert, alert_store.list_entries_beside(session, alert)


def entries_after(session: Session, seq: int, limit: int) -> list[AlertEntry]:
    """Return the log after a cursor, oldest first."""
    return alert_store.list_entries_after(session, seq, limit)


def news_after(session: Session, seq: int, limit: int) -> list[tuple[AlertEntry, AlertView]]:
    """Return the log after a cursor, each line with its alert as it is now."""
    entries = alert_store.list_entries_after(session, seq, limit)
    alerts = alert_store.list_by_ids(session, {entry.alert_id for entry in entries})
    views = {view.alert.id: view for view in _views(session, list(alerts.values()))}
    return [(entry, views[entry.alert_id]) for entry in entries]


def last_entry_seq(session: Session) -> int:
    """Return the cursor of the present moment."""
    return alert_store.last_seq(session)


def note_watching(session: Session, actor_id: UUID, now: datetime) -> None:
    """Note that somebody opened the control-room stream, which shows positions of unresolved alerts."""
    audit.record(session, now, actor_id, "alerts.watch", None)


def unresolved_order_ids(session: Session) -> list[UUID]:
    """Return the orders whose people may be looked at now: those with an unresolved alert."""
    return alert_store.list_unresolved_orders(session)


def _view(session: Session, alert: Alert) -> AlertView:
    return _views(session, [alert])[0]


def _views(session: Session, alerts: list[Alert]) -> list[AlertView]:
    watches = watches_of(session, (alert.order_id for alert in alerts))
    people = {watch.order.wearer_id for watch in watches.values()}
    people |= {person_id for alert in alerts for person_id in alert.person_ids}
    references = orders.list_references(session, people) if people else {}
    views = []
    for alert in alerts:
        watch = watches.get(alert.order_id) if alert.order_id else None
        views.append(
            AlertView(
                alert,
                watch.order.reference if watch else None,
                references.get(watch.order.wearer_id) if watch else None,
                tuple(references[one] for one in alert.person_ids if one in references),
            )
        )
    return views

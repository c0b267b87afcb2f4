"""Test runs: an order's whole chain is walked with every real way out, marked as an exercise."""

import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, Attempt, Event, EventKind, Sighting
from api.alerts.model.drills import Drill, DrillGoesOn, DrillReport, DueDrill, Heard, NotDrillable
from api.alerts.rules.drilling import due_drills, report_of
from api.alerts.rules.joining import join_key
from api.alerts.service import playbooks
from api.alerts.service.messages import watches_of
from api.alerts.service.opening import open_alerts
from api.alerts.service.policies import reaches_of
from api.alerts.store import alerts as alert_store
from api.alerts.store import attempts as attempt_store
from api.alerts.store import drills as store
from api.alerts.store import outbox
from api.kernel import audit
from api.orders import service as orders
from api.orders.rules import is_in_force

LIST_LIMIT = 100
HeardOf = Callable[[Session, Collection[UUID]], Mapping[UUID, Heard]]
"""When anything of these devices last reached us, and from where; the room that hears them stands above."""


def start_drill(
    session: Session, order_id: UUID, actor_id: UUID | None, heard_of: HeardOf, now: datetime
) -> DrillReport:
    """Walk the chain of an order: police, room, her and the devices hear of it as of an exercise.

    Raises:
        OrderNotFound: There is no such order.
        NotDrillable: The order is not in force.
        DrillGoesOn: The alert of an earlier test run is not resolved.
    """
    order = orders.get_order(session, order_id)
    if not is_in_force(order, now):
        raise NotDrillable("The order is not in force: nothing of its chain can be tested.")
    event = _event(session, order_id, heard_of, now)
    if alert_store.find_unresolved(session, {join_key(event)}):
        raise DrillGoesOn("The alert of an earlier test run is not resolved: resolve it first.")
    (alert,) = open_alerts(session, [event], now)
    drill = Drill(uuid.uuid4(), order_id, alert.id, now, actor_id)
    store.add_drill(session, drill)
    audit.record(session, now, actor_id, "alerts.drill", drill.id)
    return _report(session, drill, heard_of, now)


def _event(session: Session, order_id: UUID, heard_of: HeardOf, now: datetime) -> Event:
    """Return the event of a test run: with the last known places, by which stations are found."""
    watch = orders.get_watch(session, order_id)
    hers = tuple(device_id for _person, devices in watch.protected for device_id in devices)
    heard = heard_of(session, {*watch.wearer_devices, *hers})
    return Event(
        kind=EventKind.DRILL,
        occurred_at=now,
        order_id=order_id,
        exercise=True,
        wearer=_latest(heard, watch.wearer_devices),
        protected=_latest(heard, hers),
    )


def _latest(heard: Mapping[UUID, Heard], device_ids: Collection[UUID]) -> Sighting | None:
    placed = [
        one for one in (heard[device_id].place for device_id in device_ids if device_id in heard) if one
    ]
    return max(placed, key=lambda one: one.fixed_at, default=None)


def get_drill(session: Session, drill_id: UUID, heard_of: HeardOf, now: datetime) -> DrillReport:
    """Return what a test run found so far; raises DrillNotFound."""
    return _report(session, store.get_drill(session, drill_id), heard_of, now)


def list_drills(session: Session, order_id: UUID, heard_of: HeardOf, now: datetime) -> list[DrillReport]:
    """Return the latest test runs of an order, newest first; raises OrderNotFound."""
    orders.get_order(session, order_id)
    return [_report(session, one, heard_of, now) for one in store.list_drills(session, order_id, LIST_LIMIT)]


def list_due(session: Session, now: datetime) -> list[DueDrill]:
    """Return when the next test run of each order in force is due, the longest overdue first."""
    watches = orders.list_watches(session)
    since = {watch.order.id: watch.order.valid_from for watch in watches if is_in_force(watch.order, now)}
    every = timedelta(days=playbooks.current(session).drill_every_days)
    return due_drills(since, store.last_drills(session, since), every)


def _report(session: Session, drill: Drill, heard_of: HeardOf, now: datetime) -> DrillReport:
    alert: Alert = alert_store.get_alert(session, drill.alert_id).alert
    watch = watches_of(session, [drill.order_id]).get(drill.order_id)
    notifications = outbox.list_of_alerts(session, [alert.id])
    tries: dict[UUID, list[Attempt]] = {one.id: [] for one in notifications}
    for attempt in attempt_store.list_attempts(session, tries):
        tries[attempt.notification_id].append(attempt)
    playbook = playbooks.current(session)
    steps = [playbook.steps[name] for name in playbook.kinds.get(EventKind.DRILL.value, ())]
    devices: set[UUID] = set()
    if watch is not None:
        devices = {*watch.wearer_devices, *(one for _person, hers in watch.protected for one in hers)}
    # What is sent later, such as that it is over, is no part of the test.
    sent = [(one, tries[one.id]) for one in notifications if one.created_at <= drill.started_at]
    reaches = reaches_of(session, alert, alert_store.list_entries(session, alert.id), notifications)
    withheld = {reach.person_id for reach in reaches if reach.withheld_by is not None}
    heard = {device_id: one.at for device_id, one in heard_of(session, devices).items()}
    return report_of(drill, alert, steps, sent, watch, heard, withheld, now)

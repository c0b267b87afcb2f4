"""Signs of life of our own processes, silence of devices, and what the control room may know of both."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import AlertState, Event, EventKind, Family
from api.geofence.model import Limits
from api.geofence.rules.contact import contact_restored, judge_silence, lost_contact
from api.geofence.store.fixes import count_fixes
from api.geofence.store.rejected import count_rejected
from api.geofence.store.states import list_device_states
from api.kernel.heartbeats import add_outage, beat, last_outage_end, list_heartbeats
from api.orders import service as orders
from api.orders.rules import is_in_force

WORKER = "worker"
OVERDUE_S = 15.0
"""Three signs of life missed: the control room shows red before the watchdog's alert at 30 s; proposal."""


def note_life(session: Session, process: str, now: datetime, *, able: bool) -> None:
    """Say that a process lives; one that comes back to work after a while leaves an outage behind."""
    before = list_heartbeats(session).get(process)
    if before and able and not before.able:
        add_outage(session, process, before.at, now)
    beat(session, process, now, able=able)


def note_return(session: Session, process: str, now: datetime, limits: Limits) -> None:
    """Remember the outage that a starting process ends, if it was longer than a restart."""
    before = list_heartbeats(session).get(process)
    if before and (now - before.at).total_seconds() > limits.system_silence_s:
        add_outage(session, process, before.at, now)


def sweep_system(session: Session, now: datetime, limits: Limits, *, was_degraded: bool) -> bool:
    """Raise SYSTEM_DEGRADED while the worker is dead or cannot work; returns whether it is so."""
    worker = list_heartbeats(session).get(WORKER)
    is_degraded = (
        worker is None or not worker.able or (now - worker.at).total_seconds() > limits.system_silence_s
    )
    if is_degraded and not was_degraded:
        reason = "broker_away" if worker and not worker.able else "worker_silent"
        event = Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=now, reason=reason)
        alerts.open_alerts(session, [event], now)
    if was_degraded and not is_degraded:
        event = Event(kind=EventKind.SYSTEM_RESTORED, occurred_at=now, reason="worker_back")
        alerts.open_alerts(session, [event], now)
    return is_degraded


def sweep_silence(session: Session, now: datetime, limits: Limits, silent: set[UUID]) -> set[UUID]:
    """Raise LOST_CONTACT and CONTACT_RESTORED for devices of orders in force; returns who is silent now.

    `silent` are the devices that the last sweep found silent; after a restart it is read from the open
    alerts, so that nobody is called twice.
    """
    heard = {state.device_id: state.heard_at for state in list_device_states(session).values()}
    carried_since = orders.carried_since(session)
    outage_until = last_outage_end(session, WORKER)
    still_silent: set[UUID] = set()
    events: list[Event] = []
    for watch in orders.list_watches(session):
        order = watch.order
        if not is_in_force(order, now):
            continue
        carried: list[tuple[UUID, UUID | None]] = [(device, None) for device in watch.wearer_devices]
        carried += [(device, person) for person, devices in watch.protected for device in devices]
        for device_id, person_id in carried:
            last = heard.get(device_id)
            watched_since = max(order.valid_from, carried_since[device_id])
            if judge_silence(last, watched_since, outage_until, now, limits):
                still_silent.add(device_id)
                if device_id not in silent:
                    since = last or watched_since
                    events.append(
                        lost_contact(order.id, device_id, person_id, since, now, exercise=order.exercise)
                    )
            elif device_id in silent:
                events.append(contact_restored(order.id, device_id, person_id, now, exercise=order.exercise))
    if events:
        alerts.open_alerts(session, events, now)
    return still_silent


def silent_devices(session: Session) -> set[UUID]:
    """Return the devices whose silence an unresolved alert tells of: where a restarted watchdog goes on."""
    unresolved = alerts.list_alerts(session, {AlertState.OPEN, AlertState.ACKNOWLEDGED})
    silent = [view.alert for view in unresolved if view.alert.kind == EventKind.LOST_CONTACT]
    return {alert.device_id for alert in silent if alert.device_id and alert.ongoing}


def is_degraded_told(session: Session) -> bool:
    """Say whether an unresolved alert tells of an outage of ours that still lasts."""
    unresolved = alerts.list_alerts(session, {AlertState.OPEN, AlertState.ACKNOWLEDGED})
    return any(
        view.alert.ongoing and view.alert.family is Family.SYSTEM and view.alert.device_id is None
        for view in unresolved
    )


def report_health(session: Session, now: datetime) -> dict[str, Any]:
    """Return what the control room shows of the system itself; ages in seconds."""
    processes: dict[str, Any] = {
        process: {
            "heartbeat_age_s": (now - last.at).total_seconds(),
            "ok": last.able and (now - last.at).total_seconds() <= OVERDUE_S,
        }
        for process, last in list_heartbeats(session).items()
    }
    processes.setdefault(WORKER, {"heartbeat_age_s": None, "ok": False})
    return {
        "processes": processes,
        "fixes_stored": count_fixes(session),
        "rejected": count_rejected(session),
        "pending_notifications": {
            channel.value: pending.count for channel, pending in alerts.count_pending(session).items()
        },
    }

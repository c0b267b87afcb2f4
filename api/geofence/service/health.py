"""Signs of life of our own processes, and what the control room may know of them."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import Event, EventKind
from api.geofence.model import Limits
from api.geofence.store.fixes import count_fixes
from api.geofence.store.rejected import count_rejected
from api.geofence.store.states import list_unreadable_orders
from api.kernel.heartbeats import add_outage, beat, list_heartbeats

WORKER = "worker"
DISPATCHER = "dispatcher"
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


def tell_unreadable(session: Session, now: datetime) -> None:
    """Say which orders are judged as if nothing were known of them, because their states cannot be read."""
    events = [
        Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=now, order_id=order_id, reason="state:unreadable")
        for order_id in list_unreadable_orders(session)
    ]
    alerts.open_alerts(session, events, now)


def sweep_system(session: Session, now: datetime, limits: Limits, *, was_degraded: bool) -> bool:
    """Raise SYSTEM_DEGRADED while the worker is dead or cannot work; returns whether it is so."""
    worker = list_heartbeats(session).get(WORKER)
    is_degraded = (
        worker is None or not worker.able or (now - worker.at).total_seconds() > limits.system_silence_s
    )
    if is_degraded and not was_degraded:
        reason = "worker:broker_away" if worker and not worker.able else "worker:silent"
        event = Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=now, reason=reason)
        alerts.open_alerts(session, [event], now)
    if was_degraded and not is_degraded:
        alerts.open_alerts(session, [_worker_back(now)], now)
    return is_degraded


def sweep_dispatcher(session: Session, now: datetime, limits: Limits) -> None:
    """Raise SYSTEM_DEGRADED while nobody empties the outbox and no deadline is looked after.

    A house that has never had a dispatcher is not told of: `up` refuses to start without a good playbook.
    """
    last = list_heartbeats(session).get(DISPATCHER)
    if last is None:
        return
    is_silent = (now - last.at).total_seconds() > limits.system_silence_s
    back = Event(kind=EventKind.SYSTEM_RESTORED, occurred_at=now, reason="dispatcher:back")
    if is_silent == alerts.is_ongoing(session, back):
        return
    silent = Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=now, reason="dispatcher:silent")
    alerts.open_alerts(session, [silent if is_silent else back], now)


LAG, LAG_OVER = "intake:lag", "intake:back"


def tell_lag(session: Session, now: datetime, *, lags: bool) -> None:
    """Say that intake has fallen behind for everybody, or that it has caught up."""
    kind, reason = (EventKind.SYSTEM_DEGRADED, LAG) if lags else (EventKind.SYSTEM_RESTORED, LAG_OVER)
    alerts.open_alerts(session, [Event(kind=kind, occurred_at=now, reason=reason)], now)


def is_lag_told(session: Session, now: datetime) -> bool:
    """Say whether an unresolved alert tells of a lag that still lasts."""
    back = Event(kind=EventKind.SYSTEM_RESTORED, occurred_at=now, reason=LAG_OVER)
    return alerts.is_ongoing(session, back)


def is_degraded_told(session: Session, now: datetime) -> bool:
    """Say whether an unresolved alert tells of an outage of the worker that still lasts."""
    return alerts.is_ongoing(session, _worker_back(now))


def _worker_back(now: datetime) -> Event:
    """Return the event that joins the worker's alert: what stands before the colon names it."""
    return Event(kind=EventKind.SYSTEM_RESTORED, occurred_at=now, reason="worker:back")


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

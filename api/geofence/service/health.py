"""Signs of life of our own processes, silence of devices, and what the control room may know of both."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import Event, EventKind, Family
from api.alerts.rules.joining import holds_covered
from api.geofence.model import Limits
from api.geofence.rules.contact import contact_restored, judge_silence, lost_contact
from api.geofence.rules.exempting import exempted
from api.geofence.store.fixes import count_fixes
from api.geofence.store.rejected import count_rejected
from api.geofence.store.states import list_device_states, list_unreadable_orders
from api.kernel.heartbeats import add_outage, beat, last_outage_end, list_heartbeats
from api.orders import service as orders
from api.orders.model import Watch
from api.orders.rules import covers_subject, is_exempt_at, is_in_force

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


def is_degraded_told(session: Session, now: datetime) -> bool:
    """Say whether an unresolved alert tells of an outage of the worker that still lasts."""
    return alerts.is_ongoing(session, _worker_back(now))


def _worker_back(now: datetime) -> Event:
    """Return the event that joins the worker's alert: what stands before the colon names it."""
    return Event(kind=EventKind.SYSTEM_RESTORED, occurred_at=now, reason="worker:back")


Silent = frozenset[tuple[UUID, UUID]]
"""Order and device of each silence that was told and still lasts."""


def sweep_silence(session: Session, now: datetime, limits: Limits, silent: Silent) -> Silent:
    """Raise LOST_CONTACT and CONTACT_RESTORED for devices of orders in force; returns who is silent now.

    `silent` is what the last sweep returned; after a restart it is read from the open alerts, so that nobody
    is called twice. A silence ends when the device is heard: an outage of ours, or another carrier, only
    puts off when the next one begins.
    """
    heard = {state.device_id: state.heard_at for state in list_device_states(session).values()}
    outage_until = last_outage_end(session, WORKER)
    watches = orders.list_watches(session, now=now)
    silent -= _uncovered(session, watches, now)
    listened_since = orders.listened_since(session)
    still_silent: set[tuple[UUID, UUID]] = set()
    events: list[Event] = []
    for watch, device_id, person_id in _missable(watches, now):
        order, last, since = watch.order, heard.get(device_id), listened_since.get(device_id)
        if since is None:
            continue  # handed back while we looked: it is not missed any more
        exercise = order.exercise
        watched_since = max(order.valid_from, since)
        if (order.id, device_id) in silent:
            if last is not None and (now - last).total_seconds() <= limits.silence_s:
                events.append(contact_restored(order.id, device_id, person_id, now, exercise=exercise))
            else:
                still_silent.add((order.id, device_id))
        elif judge_silence(last, watched_since, outage_until, now, limits):
            begun = last or watched_since
            lost = lost_contact(order.id, device_id, person_id, begun, now, exercise=exercise)
            events += exempted([lost], watch.exemptions, limits)
            still_silent.add((order.id, device_id))
    if events:
        alerts.open_alerts(session, events, now)
    return frozenset(still_silent)


def _uncovered(session: Session, watches: Sequence[Watch], now: datetime) -> Silent:
    """Return the silences that rang nowhere and whose exemption is over: they have to be told again."""
    if not any(watch.exemptions for watch in watches):
        return frozenset()
    covered = {
        (alert.order_id, alert.device_id)
        for alert, holding in alerts.list_holding(session, Family.CONTACT)
        if holds_covered(holding)
    }
    return frozenset(
        (watch.order.id, device_id)
        for watch, device_id, person_id in _missable(watches, now)
        if (watch.order.id, device_id) in covered
        and not any(
            is_exempt_at(exemption, now) and covers_subject(exemption, None, person_id)
            for exemption in watch.exemptions
        )
    )


def _missable(watches: Sequence[Watch], now: datetime) -> Iterator[tuple[Watch, UUID, UUID | None]]:
    """Yield each device of an order in force, with the protected person who carries it, if it is hers."""
    for watch in watches:
        if is_in_force(watch.order, now):
            for device_id in watch.wearer_devices:
                yield watch, device_id, None
            for person_id, devices in watch.protected:
                for device_id in devices:
                    yield watch, device_id, person_id


def silent_devices(session: Session) -> Silent:
    """Return the silences that unresolved alerts tell of: where a restarted watchdog goes on."""
    told = alerts.list_unresolved(session, Family.CONTACT)
    return frozenset(
        (alert.order_id, alert.device_id)
        for alert in told
        if alert.ongoing and alert.order_id is not None and alert.device_id is not None
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

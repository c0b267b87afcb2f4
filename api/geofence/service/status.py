"""Conflicts between the register and what devices do: told once, and ended when they are over."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import Family
from api.geofence.model import Limits
from api.geofence.rules.status import (
    NEW_ORDER_GRACE,
    SPOKE_WITHIN,
    LastWord,
    StatusConflict,
    conflict_began,
    conflict_ended,
    conflict_of,
    find_conflicts,
)
from api.geofence.store.rejected import list_devices_rejected
from api.geofence.store.states import list_device_states
from api.geofence.wire import RejectReason
from api.orders import service as orders
from api.orders.model import ExemptionKind, Watch

Told = frozenset[StatusConflict]
"""Conflicts that were told and still hold."""


def sweep_status(session: Session, now: datetime, limits: Limits, told: Told) -> Told:
    """Raise STATUS_CONFLICT for what is new and CONDITION_ENDED for what is over; return what holds now.

    `told` is what the last sweep returned; after a restart it is read from the open alerts.
    """
    watches = orders.list_watches(session, now=now)
    found = find_conflicts(
        watches,
        orders.added_since(session, now - NEW_ORDER_GRACE),
        _last_words(session, watches),
        _speaking(session, now),
        now,
        limits,
    )
    events = [conflict_ended(conflict, now) for conflict in _sorted(told - found)]
    events += [conflict_began(conflict, now) for conflict in _sorted(found - told)]
    alerts.open_alerts(session, events, now)
    return found


def told_conflicts(session: Session) -> Told:
    """Return the conflicts that unresolved alerts tell of: where a restarted watchdog goes on."""
    return frozenset(
        conflict
        for alert, holding in alerts.list_holding(session, Family.STATUS)
        for held in holding
        if (conflict := conflict_of(held, alert.order_id, exercise=alert.exercise)) is not None
    )


def _last_words(session: Session, watches: Collection[Watch]) -> dict[UUID, LastWord]:
    """Return where those in custody were last: nobody else's position is asked for."""
    held = {
        device_id
        for watch in watches
        if any(exemption.kind is ExemptionKind.CUSTODY for exemption in watch.exemptions)
        for device_id in watch.wearer_devices
    }
    if not held:
        return {}
    states = list_device_states(session, held)
    return {device_id: LastWord(state.fix, state.doubts) for device_id, state in states.items() if state.fix}


def _speaking(session: Session, now: datetime) -> dict[UUID, bool]:
    """Return which devices were heard lately that nobody carries now, and whether each is simulated."""
    reasons = (RejectReason.NO_ORDER, RejectReason.RETIRED_DEVICE)
    heard = list_devices_rejected(session, reasons, now - SPOKE_WITHIN)
    devices = orders.list_devices(session, heard) if heard else []
    carried = orders.carried_since(session, heard) if heard else {}
    return {device.id: device.simulated for device in devices if device.id not in carried}


def _sorted(conflicts: Told) -> list[StatusConflict]:
    """Return conflicts in an order of their own, so that the log does not depend on how sets are kept."""
    return sorted(conflicts, key=lambda one: (str(one.order_id), one.code, str(one.subject_id)))

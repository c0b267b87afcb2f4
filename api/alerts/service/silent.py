"""A silent call for help: her second PIN opens an SOS of which nothing reaches her own devices."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, Event, EventKind
from api.alerts.rules.policies import SILENT
from api.alerts.service.opening import open_alerts
from api.orders import service as orders
from api.orders.rules import is_in_force


def may_call_help(session: Session, person_id: UUID, now: datetime) -> bool:
    """Say whether anybody would hear of a silent call: an order in force protects her."""
    return bool(_orders_of(session, person_id, now))


def call_help(session: Session, person_id: UUID, now: datetime) -> list[Alert]:
    """Open an SOS for each order in force that protects her; whoever holds her phone sees nothing of it."""
    events = [
        Event(kind=EventKind.SOS, occurred_at=now, order_id=order_id, person_id=person_id, reason=SILENT)
        for order_id in _orders_of(session, person_id, now)
    ]
    return open_alerts(session, events, now)


def _orders_of(session: Session, person_id: UUID, now: datetime) -> list[UUID]:
    watches = orders.list_watches_of(session, [], [person_id])
    return [watch.order.id for watch in watches if is_in_force(watch.order, now)]

"""How far apart the two were for the defence: at the events alone, and no nearer than the court's own words.

A series of distances to his exact places would say where she was between the events, whatever the steps are
that it is rounded to: a hundred circles of 10 m steps meet in one place.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from api.alerts.model import AlertEntry
from api.evidence.model.material import Band, BandAt, OrderVersion
from api.orders.model import ProtectiveOrder


def bands(entries: Sequence[AlertEntry], orders: Sequence[OrderVersion]) -> list[BandAt]:
    """Return the band at each event of a reduced log that tells where both were, oldest first, each once."""
    found: dict[tuple[datetime, str], BandAt] = {}
    for entry in entries:
        event = entry.event or {}
        if not orders or event.get("protected") is None or event.get("distance_m") is None:
            continue
        at, person = msgspec.convert(event["occurred_at"], datetime), str(event["person_id"])
        found[at, person] = BandAt(at, person, _band(event["distance_m"], _then(orders, at)))
    return sorted(found.values(), key=lambda one: one.at)


def _then(orders: Sequence[OrderVersion], at: datetime) -> ProtectiveOrder:
    return next((one.order for one in reversed(orders) if one.since <= at), orders[0].order)


def _band(distance_m: float, order: ProtectiveOrder) -> Band:
    if distance_m <= order.alert_radius_m:
        return Band.ALERT
    return Band.WARNING if distance_m <= order.warning_radius_m else Band.BEYOND

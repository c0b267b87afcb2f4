"""Agreed exceptions and what they cover: nothing is dropped, a covered event carries the exception's id."""

from collections.abc import Iterable, Sequence

import msgspec

from api.alerts.model import Doubt, Event
from api.alerts.rules.joining import EXEMPTABLE
from api.geofence.geometry.earth import distance_m, ecef
from api.geofence.model import Limits
from api.orders.model import AgreedPlace, Exemption
from api.orders.rules import covers_subject, is_exempt_at


def exempted(events: Iterable[Event], exemptions: Sequence[Exemption], limits: Limits) -> list[Event]:
    """Return the events in their order, those that are covered with `exemption_id` set.

    A call for help, a strap, tampering or anything else that is done to a device is never covered.

    Args:
        events: Of one order; what has no order is never covered, whatever is given with it.
        exemptions: Of that order; the first that covers an event is named.
        limits: How much is believed of a position without accuracy, or that is old.
    """
    if not exemptions:
        return list(events)
    return [_with_exemption(event, exemptions, limits) for event in events]


def _with_exemption(event: Event, exemptions: Sequence[Exemption], limits: Limits) -> Event:
    if event.kind not in EXEMPTABLE:
        return event
    for exemption in exemptions:
        if _is_covered(event, exemption, limits):
            return msgspec.structs.replace(event, exemption_id=exemption.id)
    return event


def _is_covered(event: Event, exemption: Exemption, limits: Limits) -> bool:
    return (
        event.order_id == exemption.order_id
        and is_exempt_at(exemption, event.occurred_at)
        and covers_subject(exemption, event.zone_id, event.person_id)
        and (exemption.place is None or _is_proven_within(event, exemption.place, limits))
    )


def _is_proven_within(event: Event, place: AgreedPlace, limits: Limits) -> bool:
    """Say whether the wearer was in the place for sure when it happened: every doubt counts against him.

    No proof is a position that he cannot have reached, one of long before or after, and an event on the way
    between two positions, which tells where he was only roughly.
    """
    wearer = event.wearer
    if wearer is None or Doubt.JUMP in wearer.doubts or Doubt.BETWEEN_FIXES in event.doubts:
        return False
    if abs((event.occurred_at - wearer.fixed_at).total_seconds()) > limits.partner_stale_s:
        return False
    disc_m = limits.unknown_accuracy_m if wearer.accuracy_m is None else wearer.accuracy_m
    return distance_m(ecef(place.center), ecef(wearer.point)) + disc_m <= place.radius_m

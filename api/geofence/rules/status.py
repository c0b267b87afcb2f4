"""Where the register and what devices do contradict each other: found at a moment, over all orders."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from api.alerts.model import Doubt, Event, EventKind
from api.geofence.geometry.earth import distance_m, ecef
from api.geofence.model import Fix, Limits
from api.orders.model import AgreedPlace, ExemptionKind, Watch
from api.orders.rules import exempt_from, has_ended, is_exempt_at, is_in_force

NEW_ORDER_GRACE = timedelta(minutes=15)
"""Devices are handed out in the meeting in which the order is entered; proposal."""
CARRIED_GRACE = timedelta(hours=24)
"""So long after the last order's end a device may be on its way back; proposal."""
SPOKE_WITHIN = timedelta(minutes=10)
"""A device heard longer ago than this no longer speaks: as long as its silence would take; proposal."""


class StatusCode(StrEnum):
    """What contradicts what."""

    ORDER_UNWATCHED = "order_unwatched"
    PERSON_UNWATCHED = "person_unwatched"
    ENDED_BUT_CARRIED = "ended_but_carried"
    CUSTODY_LEFT = "custody_left"
    SPEAKS_UNASSIGNED = "speaks_unassigned"


_OF_DEVICE = frozenset({StatusCode.ENDED_BUT_CARRIED, StatusCode.SPEAKS_UNASSIGNED})


class StatusConflict(msgspec.Struct, frozen=True):
    """One contradiction.

    Attributes:
        order_id: None for SPEAKS_UNASSIGNED.
        subject_id: The device or, for PERSON_UNWATCHED, the protected person; None for the order as a whole.
    """

    code: StatusCode
    order_id: UUID | None
    subject_id: UUID | None
    exercise: bool


class LastWord(msgspec.Struct, frozen=True):
    """A device's newest fix and its `Doubt` values."""

    fix: Fix
    doubts: tuple[str, ...] = ()


def find_conflicts(
    watches: Sequence[Watch],
    new_order_ids: Collection[UUID],
    last_words: Mapping[UUID, LastWord],
    speaking: Mapping[UUID, bool],
    now: datetime,
    limits: Limits,
) -> frozenset[StatusConflict]:
    """Return every conflict of this moment.

    Args:
        watches: All orders, ended ones included.
        new_order_ids: Orders that joined the register less than NEW_ORDER_GRACE ago.
        last_words: By device; one without a fix is missing.
        speaking: Devices that nobody carries and that were heard within SPOKE_WITHIN, and whether each is
            simulated.
        now: The server's time.
        limits: How far a position without accuracy is believed.
    """
    found: set[StatusConflict] = set()
    for watch in watches:
        order = watch.order
        if not is_in_force(order, now):
            continue
        if order.id not in new_order_ids and now - order.valid_from >= NEW_ORDER_GRACE:
            found.update(_unwatched(watch))
        if _has_left_custody(watch, last_words, now, limits):
            found.add(StatusConflict(StatusCode.CUSTODY_LEFT, order.id, None, order.exercise))
    found.update(_ended_but_carried(watches, now))
    found.update(
        StatusConflict(StatusCode.SPEAKS_UNASSIGNED, None, device_id, exercise)
        for device_id, exercise in speaking.items()
    )
    return frozenset(found)


def _unwatched(watch: Watch) -> Iterator[StatusConflict]:
    order = watch.order
    if not watch.wearer_devices:
        yield StatusConflict(StatusCode.ORDER_UNWATCHED, order.id, None, order.exercise)
    for person_id, devices in watch.protected:
        if not devices:
            yield StatusConflict(StatusCode.PERSON_UNWATCHED, order.id, person_id, order.exercise)


def _ended_but_carried(watches: Iterable[Watch], now: datetime) -> Iterator[StatusConflict]:
    """Yield each device of those whose orders all ended long enough ago, at the order that ended last."""
    of_holder: defaultdict[UUID, list[Watch]] = defaultdict(list)
    carried: dict[UUID, tuple[UUID, ...]] = {}
    for watch in watches:
        for holder_id, devices in ((watch.order.wearer_id, watch.wearer_devices), *watch.protected):
            if devices:
                of_holder[holder_id].append(watch)
                carried[holder_id] = devices
    for holder_id, devices in carried.items():
        orders = [watch.order for watch in of_holder[holder_id]]
        if all(has_ended(order, now - CARRIED_GRACE) for order in orders):
            last = max(orders, key=lambda order: (_ended_at(order.valid_until, order.revoked_at), order.id))
            for device_id in devices:
                yield StatusConflict(StatusCode.ENDED_BUT_CARRIED, last.id, device_id, last.exercise)


def _ended_at(*ends: datetime | None) -> datetime:
    return min(end for end in ends if end is not None)


def _has_left_custody(
    watch: Watch, last_words: Mapping[UUID, LastWord], now: datetime, limits: Limits
) -> bool:
    """Say whether his newest fix of a custody lies outside its place for sure: doubt is in his favour."""
    words = [last_words[device_id] for device_id in watch.wearer_devices if device_id in last_words]
    if not words:
        return False
    newest = max(words, key=lambda word: word.fix.fixed_at)
    if Doubt.JUMP in newest.doubts:
        return False
    return any(
        exemption.kind is ExemptionKind.CUSTODY
        and exemption.place is not None
        and is_exempt_at(exemption, now)
        and newest.fix.fixed_at >= exempt_from(exemption)  # where he was before is no way out
        and _is_outside(newest.fix, exemption.place, limits)
        for exemption in watch.exemptions
    )


def _is_outside(fix: Fix, place: AgreedPlace, limits: Limits) -> bool:
    disc_m = limits.unknown_accuracy_m if fix.accuracy_m is None else fix.accuracy_m
    return distance_m(ecef(place.center), ecef(fix.point)) - disc_m > place.radius_m


def conflict_began(conflict: StatusConflict, now: datetime) -> Event:
    """Return the event that opens or joins the status alert of the order, or of the device without one."""
    return _event(EventKind.STATUS_CONFLICT, conflict, now, conflict.code)


def conflict_ended(conflict: StatusConflict, now: datetime) -> Event:
    """Return the event that this conflict is over."""
    return _event(
        EventKind.CONDITION_ENDED, conflict, now, f"{EventKind.STATUS_CONFLICT.value}:{conflict.code.value}"
    )


def _event(kind: EventKind, conflict: StatusConflict, now: datetime, reason: str) -> Event:
    is_person = conflict.code is StatusCode.PERSON_UNWATCHED
    return Event(
        kind=kind,
        occurred_at=now,
        order_id=conflict.order_id,
        device_id=conflict.subject_id if conflict.code in _OF_DEVICE else None,
        person_id=conflict.subject_id if is_person else None,
        exercise=conflict.exercise,
        reason=reason,
    )


def conflict_of(held: str, order_id: UUID | None, *, exercise: bool) -> StatusConflict | None:
    """Return the conflict of which an alert says that it holds (`alerts.rules.joining`), None of other words.

    A code of another version of us is not ours to end.
    """
    what, _, subject = held.partition(" ")
    kind, _, code = what.partition(":")
    if kind != EventKind.STATUS_CONFLICT or code not in {known.value for known in StatusCode}:
        return None
    subject_id = None if subject == "-" else UUID(subject)
    return StatusConflict(StatusCode(code), order_id, subject_id, exercise)

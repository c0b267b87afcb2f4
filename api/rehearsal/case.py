"""Everything that the decisions of one alert rested on, read from the database for a replay."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import Alert, AlertEntry, EventKind, Family
from api.geofence.model import ExternalSighting, Limits
from api.geofence.service import evidence, sightings
from api.geofence.service.evidence import Batch, Judge, Judged, LimitsStep, ZoneStep
from api.geofence.service.health import WORKER
from api.kernel import heartbeats
from api.orders import service as orders
from api.orders.service import RegisterHistory


class NotReplayable(Exception):
    """The alert rests on nothing that is stored as a message; the text says why."""


class Case(msgspec.Struct, frozen=True):
    """What is played, in pieces that are each in their own order.

    Attributes:
        log: Every line of all alerts of the order up to the alert's last event, with its alert.
        batches: What was judged, by the worker and by the timers, in order.
        zones: Versions of zones, and of the limits of single orders.
        house: By which limits the house judged from when on, oldest first.
        messages: Per batch number.
        reached: The moment of the register's state at each revision that a batch names.
        outages: When the worker did not work, from and until.
        sightings: What people told, in the order of its entry.
        lacking: What is missing of the evidence, in sentences.
    """

    alert: Alert
    log: tuple[tuple[AlertEntry, Alert], ...]
    register: RegisterHistory
    zones: tuple[ZoneStep | LimitsStep, ...]
    house: tuple[tuple[datetime, Limits], ...]
    batches: tuple[Batch, ...]
    messages: dict[int, tuple[Judged, ...]]
    reached: dict[int, datetime]
    outages: tuple[tuple[datetime, datetime], ...]
    sightings: tuple[ExternalSighting, ...]
    lacking: tuple[str, ...]


def read_case(session: Session, alert_id: UUID) -> Case:
    """Return the case of an alert; the caller has written down who reads it (`alerts.note_replayed`).

    Raises AlertNotFound, or NotReplayable for what was told of our own system or started by a person.
    """
    alert, log = alerts.read_evidence(session, alert_id)
    if alert.family is Family.SYSTEM or (alert.order_id is None and alert.device_id is None):
        raise NotReplayable("It tells of our own system: no device's message was judged for it.")
    if alert.kind == EventKind.DRILL:
        raise NotReplayable("It is a test run: it was started by a person, and there is nothing to compute.")
    told = [entry for entry, mine in log if mine.id == alert.id and entry.event is not None]
    if not told:
        raise NotReplayable("Its log holds no event.")
    log = [(entry, mine) for entry, mine in log if entry.seq <= told[-1].seq]
    moments = {entry.at for entry, _mine in log if entry.event is not None}
    then = evidence.list_batches_at(session, moments)
    until = max((batch.number for batch in then if batch.judged_at <= told[-1].at), default=0)
    register = orders.history_of(session, alert.order_id, alert.device_id)
    judged = evidence.list_judged(session, register.device_ids, until)
    numbers = {message.batch for message in judged}
    others = {one.number: one for one in then if one.judge is not Judge.WORKER and one.number <= until}
    batches = evidence.list_batches(session, numbers) | others
    house = evidence.list_house_limits(session)
    lacking = _lacking(judged, moments, then, evidence.count_dropped(session, register.device_ids))
    if early := sum(not house or one.judged_at < house[0][0] for one in batches.values()):
        lacking.append(f"{early} batches are from before the house's limits were kept: judged by today's.")
    return Case(
        alert=alert,
        log=tuple(log),
        register=register,
        zones=(
            *evidence.list_zone_steps(session, register.order_ids),
            *evidence.list_limits_steps(session, register.order_ids),
        ),
        house=tuple(house),
        batches=tuple(batches[number] for number in sorted(batches)),
        messages=_by_batch(judged),
        reached=_reached(orders.revisions(session), {batch.revision for batch in batches.values()}),
        sightings=tuple(sightings.list_seen(session, register.order_ids)),
        outages=tuple(heartbeats.list_outages(session, WORKER)),
        lacking=tuple(lacking),
    )


def _by_batch(judged: Sequence[Judged]) -> dict[int, tuple[Judged, ...]]:
    found: defaultdict[int, list[Judged]] = defaultdict(list)
    for message in judged:
        found[message.batch].append(message)
    return {number: tuple(messages) for number, messages in found.items()}


def _reached(revisions: Sequence[tuple[int, datetime]], wanted: set[int]) -> dict[int, datetime]:
    """Return per revision the moment of the latest change that it includes."""
    reached: dict[int, datetime] = {}
    latest: datetime | None = None
    changes = iter(revisions)
    change = next(changes, None)
    for revision in sorted(wanted):
        while change is not None and change[0] <= revision:
            latest = change[1] if latest is None else max(latest, change[1])
            change = next(changes, None)
        if latest is not None:
            reached[revision] = latest
    return reached


def _lacking(
    judged: Sequence[Judged], moments: set[datetime], then: Sequence[Batch], dropped: int
) -> list[str]:
    lacking = []
    if before := sum(message.batch == 0 for message in judged):
        lacking.append(f"{before} messages are from before batches were kept: their order is not known.")
    if dropped:
        lacking.append(f"{dropped} older reports are kept no more: signs of life of that time are missing.")
    if long := sum(message.payload is None for message in judged):
        lacking.append(f"{long} messages were too long to be kept: they count as contact alone.")
    if unknown := moments - {batch.judged_at for batch in then}:
        lacking.append(f"At {len(unknown)} moments events were told by neither messages nor timers.")
    return lacking

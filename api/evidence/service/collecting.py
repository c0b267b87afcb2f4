"""One alert's evidence, read from the rooms that own it, in one consistent reading of the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import Alert, Attempt, Notification
from api.evidence.model.material import (
    Carrier,
    Material,
    Message,
    OrderVersion,
    Person,
    Place,
    Track,
    Window,
    ZoneVersion,
)
from api.evidence.model.pack import Variant
from api.evidence.rules.distances import distances
from api.evidence.rules.health import health_of
from api.evidence.rules.kinds import KEPT_ASIDE, POSITION_OR_ALARM
from api.evidence.service.links import list_ledger_links
from api.geofence.model import ExternalSighting, Limits
from api.geofence.service import evidence, sightings
from api.geofence.service.evidence import RawMessage, Rejected, StoredFix
from api.geofence.service.health import WORKER
from api.kernel import audit, heartbeats
from api.orders import service as orders
from api.orders.model import Assignment, Device, Exemption, Party, ProtectiveOrder
from api.orders.service import RegisterHistory

BEFORE = timedelta(minutes=60)
AFTER = timedelta(minutes=10)
"""How the incident came about and how it ended; proposals."""
LONGEST = timedelta(hours=24)
"""Of an alert that stays open for days a pack tells this much from its opening on; proposal."""


class Asked(msgspec.Struct, frozen=True):
    """Who asks for the evidence of what; `people` are the names that were read for it."""

    alert_id: UUID
    by: UUID | None
    at: datetime
    reason: str
    people: tuple[Person, ...]
    replay: Mapping[str, Any]


def collect(session: Session, asked: Asked, house: Limits, opened_at: datetime | None = None) -> Material:
    """Return everything of one alert, in the full variant; `house` are today's limits, see `limits_at`.

    `opened_at` stands for the alert's own opening, see `redaction.opening_for_defence`. Raises AlertNotFound.
    """
    detail = alerts.show_alert(session, asked.alert_id)
    alert = detail.view.alert
    register = orders.history_of(session, alert.order_id, alert.device_id)
    window = window_of(opened_at or alert.opened_at, alert.resolved_at, asked.at)
    devices = _devices(session, register)
    carriers = _carriers(register, devices, alert, window)
    tracks = tuple(_track(session, carrier, window) for carrier in carriers)
    ids = {carrier.device_id for carrier in carriers}
    messages = tuple(_messages(session, [one for one in devices.values() if one.id in ids], window))
    limits = evidence.limits_at(session, alert.order_id, window.opened_at, house)
    own_id = [alert.order_id] if alert.order_id else []
    sent = [*detail.notifications, *alerts.list_commands(session, ids, window.begin, window.end)]
    return Material(
        variant=Variant.FULL,
        made_at=asked.at,
        made_by=asked.by,
        reason=asked.reason,
        window=window,
        alert=alert,
        references=(references := _references(session, register, alert)),
        labels={one: references.get(one, str(one)) for one in alert.person_ids},
        people=asked.people,
        orders=tuple(_orders(register, alert)),
        carriers=carriers,
        entries=tuple(detail.entries),
        steps=tuple(detail.steps),
        tasks=tuple(detail.tasks),
        messages_out=tuple(_in_order(sent)),
        acts=tuple(audit.list_about(session, alert.id)),
        tracks=tracks,
        messages=messages,
        distances=tuple(distances(tracks, limits)),
        bands=(),
        health=tuple(health_of(track.carrier, track.places, messages, window) for track in tracks),
        zones=tuple(_zones(session, own_id, window)),
        limits=limits,
        own_limits=tuple(step.limits for step in evidence.list_limits_steps(session, own_id)),
        house_limits=tuple(evidence.list_house_limits(session)),
        exemptions=tuple(_exemptions(register, alert, window)),
        sightings=tuple(_sightings(session, own_id, window)),
        outages=tuple(_outages(session, window)),
        replay=asked.replay,
        lacking=_lacking(asked.replay, messages),
        links=_links(session, detail, sent),
    )


def _links(
    session: Session, detail: alerts.AlertDetail, sent: Sequence[tuple[Notification, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """Return the links of everything in the pack in the house's hash chain."""
    lines = [entry.seq for entry in detail.entries]
    return list_ledger_links(session, detail.view.alert.id, lines, [one.seq for one, _attempts in sent])


def _sightings(session: Session, order_ids: list[UUID], window: Window) -> Iterator[ExternalSighting]:
    """Yield what was seen, or told, within the time of the pack."""
    for seen in sightings.list_seen(session, order_ids):
        if window.begin <= seen.seen_at <= window.end or window.begin <= seen.received_at <= window.end:
            yield seen


def _outages(session: Session, window: Window) -> Iterator[tuple[datetime, datetime]]:
    """Yield when the worker did not work within the time of the pack."""
    for began, ended in heartbeats.list_outages(session, WORKER):
        if ended >= window.begin and began <= window.end:
            yield began, ended


def window_of(opened_at: datetime, resolved_at: datetime | None, now: datetime) -> Window:
    """Return of which time a pack made now tells: at most LONGEST from the opening on."""
    end = min((resolved_at or now) + AFTER, opened_at + LONGEST, now)
    return Window(opened_at - BEFORE, opened_at, max(end, opened_at))


def _orders(register: RegisterHistory, alert: Alert) -> list[OrderVersion]:
    return [
        OrderVersion(step.at, step.subject)
        for step in register.steps
        if isinstance(step.subject, ProtectiveOrder) and step.subject.id == alert.order_id
    ]


def _references(session: Session, register: RegisterHistory, alert: Alert) -> dict[UUID, str]:
    versions = _orders(register, alert)
    wearers = {version.order.wearer_id for version in versions}
    found = orders.list_references(session, wearers | set(alert.person_ids))
    return found | {version.order.id: version.order.reference for version in versions}


def _devices(session: Session, register: RegisterHistory) -> dict[UUID, Device]:
    return {device.id: device for device in orders.list_devices(session, register.device_ids)}


def _carriers(
    register: RegisterHistory, devices: Mapping[UUID, Device], alert: Alert, window: Window
) -> tuple[Carrier, ...]:
    """Return who of the two carried which device in the window, each hand-over once, his first."""
    wearers = {version.order.wearer_id for version in _orders(register, alert)}
    people = set(alert.person_ids)
    ended = {step.subject.id: step.subject for step in register.steps if isinstance(step.subject, Assignment)}
    found = []
    for one in ended.values():
        is_his = one.wearer_id in wearers
        if not is_his and one.protected_person_id not in people and one.device_id != alert.device_id:
            continue
        if one.assigned_at > window.end or (one.unassigned_at and one.unassigned_at <= window.begin):
            continue
        device = devices[one.device_id]
        found.append(
            Carrier(
                device_id=one.device_id,
                kind=device.kind,
                label=device.label,
                simulated=device.simulated,
                sealed=device.sealing_key is not None,
                party=Party.WEARER if one.wearer_id else Party.PROTECTED,
                person_id=one.protected_person_id,
                since=one.assigned_at,
                entered_at=one.entered_at,
                until=one.unassigned_at,
            )
        )
    found.sort(key=lambda carrier: (carrier.party is not Party.WEARER, carrier.since, carrier.device_id))
    return tuple(found)


def _track(session: Session, carrier: Carrier, window: Window) -> Track:
    since = max(window.begin, carrier.since)
    until = min(window.end, carrier.until or window.end)
    stored = evidence.list_fixes(session, carrier.device_id, since, until)
    return Track(carrier, tuple(_place(one) for one in stored))


def _place(stored: StoredFix) -> Place:
    fix = stored.fix
    return Place(
        fixed_at=fix.fixed_at,
        received_at=fix.received_at,
        judged_at=stored.judged_at,
        point=fix.point,
        accuracy_m=fix.accuracy_m,
        source=fix.source.value,
        speed_m_s=fix.speed_m_s,
        course_deg=fix.course_deg,
        battery_pct=fix.battery_pct,
        strap_closed=fix.strap_closed,
        timing=stored.timing,
        doubts=stored.doubts,
    )


def _messages(session: Session, devices: Sequence[Device], window: Window) -> list[Message]:
    ids = [device.id for device in devices]
    judged = [_judged(one) for one in evidence.list_messages(session, devices, window.begin, window.end)]
    aside = [_aside(one) for one in evidence.list_kept_aside(session, ids, window.begin, window.end)]
    return sorted([*judged, *aside], key=lambda message: message.received_at)


def _judged(raw: RawMessage) -> Message:
    one = raw.judged
    kind = one.kind or POSITION_OR_ALARM
    return Message(one.device_id, one.received_at, kind, one.batch, one.place, one.payload, raw.opened, "")


def _aside(one: Rejected) -> Message:
    device_id = UUID(hex=one.device)
    return Message(device_id, one.received_at, KEPT_ASIDE, None, None, one.payload, None, one.reason)


def _zones(session: Session, order_ids: Sequence[UUID], window: Window) -> list[ZoneVersion]:
    """Return every version that was in force at some moment of the window, oldest first."""
    steps = evidence.list_zone_steps(session, order_ids)
    ended = {(step.zone.id, step.zone.version): step.at for step in steps if step.is_end}
    versions = [
        ZoneVersion(step.zone, step.at, ended.get((step.zone.id, step.zone.version)))
        for step in steps
        if not step.is_end
    ]
    return [
        one
        for one in versions
        if one.since <= window.end and (one.until is None or one.until >= window.begin)
    ]


def _exemptions(register: RegisterHistory, alert: Alert, window: Window) -> list[Exemption]:
    """Return what was agreed for the order and touches the window, as it is now."""
    latest = {step.subject.id: step.subject for step in register.steps if isinstance(step.subject, Exemption)}
    return [
        one
        for one in latest.values()
        if one.order_id == alert.order_id and one.valid_from <= window.end and one.valid_until >= window.begin
    ]


def _in_order(
    sent: Sequence[tuple[Notification, list[Attempt]]],
) -> list[tuple[Notification, tuple[Attempt, ...]]]:
    ordered = sorted(sent, key=lambda pair: pair[0].seq)
    return [(replace(one), tuple(attempts)) for one, attempts in ordered]


def _lacking(outcome: Mapping[str, Any], messages: Sequence[Message]) -> tuple[str, ...]:
    said = list(outcome.get("notes", ()))
    if error := outcome.get("error"):
        said.append(f"This alert was not judged again. {error}")
    if long := sum(one.payload is None for one in messages):
        said.append(f"{long} of the messages of this time were too long to be kept.")
    return tuple(said)

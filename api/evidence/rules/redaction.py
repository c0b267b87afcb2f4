"""What the defence gets: what can be checked of his side, and nothing that may lead to her.

Everything is copied by the names of what may be told; what is not named here stays out, so that a field
that is added elsewhere later is not told by accident. Nothing of a concealed zone is left, nor a trace
of what was left out: kinds, severities, moments and numbers of what remains are worked out anew as if
the rest had never been, and wording that depends on it does not exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from api.alerts.model import Alert, AlertEntry, Attempt, Channel, EntryKind, Event, EventKind, Notification
from api.alerts.rules.joining import severity_of
from api.alerts.rules.policies import SILENT
from api.evidence.model.material import Material, Message, Track, ZoneVersion
from api.evidence.model.pack import NothingForDefence, Variant
from api.evidence.rules.bands import bands
from api.geofence.model import ExternalSighting, Visibility
from api.kernel.audit import Act
from api.orders.model import Exemption, Party

NEAR_HER = frozenset(
    {
        EventKind.PROXIMITY_BREACH,
        EventKind.PROXIMITY_WARNING,
        EventKind.PROXIMITY_LEFT,
        EventKind.PROXIMITY_RF,
        EventKind.CLOSING_FAST,
        EventKind.PROTECTED_APPROACHES,
        EventKind.LATE_DATA_BREACH,
        EventKind.EXTERNAL_SIGHTING,
    }
)
"""What rests on where both were, if it names her and places him: only then her place is told."""
_ABOUT_HER_DEVICE = frozenset({EventKind.SOS, EventKind.PROTECTED_DEVICE_DEGRADED})
"""Told without what exactly was the matter."""
_SILENCES = frozenset({EventKind.LOST_CONTACT, EventKind.CONTACT_RESTORED})
"""Not told at all: a silence is missed the sooner the nearer she was, so that the time from his last position
to the event, at the speed that the limits name, is her distance. Which were missed by the fixed time alone
would say that she was far. His silences themselves stand in his messages."""
_TOLD_ALWAYS = (
    "kind", "occurred_at", "order_id", "zone_id", "doubts", "live", "repeat", "exercise", "reason",
    "rule_version",
)  # fmt: skip
_TOLD_OF_NEARNESS = (
    "protected", "protected_age_s", "mover", "closing_m_s", "wearer_part_m_s", "eta_s",
)  # fmt: skip
_ACTS = frozenset({"alerts.acknowledged", "alerts.resolved", "alerts.read", "alerts.replay", "evidence.pack"})
_PEOPLES = frozenset({EntryKind.ACKNOWLEDGED, EntryKind.RESOLVED})
_COMMAND = ("action", "wording", "interval_s")


class _Kept(msgspec.Struct, frozen=True):
    """What is left of the log, and what else depends on it.

    Attributes:
        numbers: Which of the alert's events, counted from 0, are left.
    """

    entries: tuple[AlertEntry, ...]
    numbers: frozenset[int]


def opening_for_defence(material: Material) -> datetime:
    """Return when the alert was opened as far as the defence sees it; raises NothingForDefence.

    The material that is reduced has to be collected as of this moment: the window of a pack would otherwise
    say when the alert was opened really.
    """
    return _log(material.entries, _known(material)).entries[0].at


def for_defence(material: Material) -> Material:
    """Return the material without what may lead to her; raises NothingForDefence when no event is left.

    Messages to the police are left out too: the first of them is an Alert, and where that is about an event
    that is left out, the Updates that remain would tell of it.
    """
    known = _known(material)
    devices, zones = known.devices, known.zones
    kept = _log(material.entries, known)
    first = kept.entries[0].at
    alert = _alert(material.alert, kept, devices)
    return msgspec.structs.replace(
        material,
        variant=Variant.DEFENCE,
        reason="",
        alert=alert,
        references={one: name for one, name in material.references.items() if one not in material.labels},
        labels=known.labels,
        people=(),
        carriers=tuple(
            msgspec.structs.replace(one, label="") for one in material.carriers if one.device_id in devices
        ),
        entries=kept.entries,
        steps=(),
        tasks=(),
        messages_out=tuple(_commands(material, devices, first)),
        acts=tuple(_act(act) for act in material.acts if act.act in _ACTS and act.at >= first),
        tracks=tuple(_own(track) for track in material.tracks if track.carrier.party is Party.WEARER),
        messages=tuple(_his(message) for message in material.messages if message.device_id in devices),
        distances=(),
        bands=tuple(bands(kept.entries, material.orders)),
        health=tuple(one for one in material.health if one.device_id in devices),
        zones=zones,
        own_limits=tuple(
            msgspec.structs.replace(made, reason="", author_id=None) for made in material.own_limits
        ),
        exemptions=known.exemptions,
        sightings=tuple(_sightings(material.sightings, kept)),
        replay=_replay(material.replay, kept),
        lacking=_lacking(material.messages, devices),
        links=(),
    )


class _Known(msgspec.Struct, frozen=True):
    """What an event may name: his devices, declared zones with their new versions, people, exemptions."""

    devices: frozenset[UUID]
    zones: tuple[ZoneVersion, ...]
    versions: Mapping[tuple[str, int], int]
    labels: Mapping[UUID, str]
    exemptions: tuple[Exemption, ...]


def _known(material: Material) -> _Known:
    zones, versions = _declared(material.zones)
    return _Known(
        devices=frozenset(one.device_id for one in material.carriers if one.party is Party.WEARER),
        zones=zones,
        versions=versions,
        labels={one: f"protected person {number}" for number, one in enumerate(material.labels, start=1)},
        exemptions=tuple(_agreed(one, zones) for one in material.exemptions if _is_open(one, zones)),
    )


def _declared(zones: Sequence[ZoneVersion]) -> tuple[tuple[ZoneVersion, ...], dict[tuple[str, int], int]]:
    """Return the versions that he was told of, without staff's names, and their new numbers."""
    told: list[ZoneVersion] = []
    numbers: dict[tuple[str, int], int] = {}
    count: dict[UUID, int] = {}
    names: dict[UUID, str] = {}
    for one in zones:
        zone = one.zone
        if zone.visibility is Visibility.CONCEALED:
            continue
        count[zone.id] = numbers[str(zone.id), zone.version] = count.get(zone.id, 0) + 1
        name = names.setdefault(zone.id, f"zone {len(names) + 1}")
        plain = msgspec.structs.replace(zone, name=name, version=count[zone.id])
        told.append(msgspec.structs.replace(one, zone=plain))
    return tuple(told), numbers


def _log(entries: Sequence[AlertEntry], known: _Known) -> _Kept:
    """Return the log as if what is left out had never been, with new numbers of its lines."""
    told: list[AlertEntry] = []
    numbers: set[int] = set()
    severity, number = 0, -1
    for entry in entries:
        if entry.event is None:
            # Before the first event that is left, an act would tell of one that is not; so would at any time
            # what the system does by itself some seconds after an event.
            if told and entry.kind in _PEOPLES:
                told.append(_line(entry, len(told), entry.kind, severity, None))
            continue
        number += 1
        event = _event(entry.event, known)
        if event is None:
            continue
        own = severity_of(_event_of(event))
        kind = EntryKind.UPDATED
        if not told:
            severity, kind = own, EntryKind.OPENED
        elif own < severity:
            severity, kind = own, EntryKind.RAISED
        told.append(_line(entry, len(told), kind, severity, event))
        numbers.add(number)
    if not told:
        raise NothingForDefence("No event of this alert may go to the defence: there is no such pack of it.")
    return _Kept(tuple(told), frozenset(numbers))


def _line(
    entry: AlertEntry, number: int, kind: EntryKind, severity: int, event: dict[str, Any] | None
) -> AlertEntry:
    return AlertEntry(number + 1, entry.alert_id, entry.at, kind, severity, entry.author_id, event)


def _event(event: Mapping[str, Any], known: _Known) -> dict[str, Any] | None:
    """Return what may be told of an event; None when it is about a concealed zone, or a silence."""
    if event["kind"] in _SILENCES or str(event.get("reason")).partition(":")[0] in _SILENCES:
        return None
    if event.get("reason") == SILENT:
        return None  # when her second PIN was used is nobody's to know
    zone_id: str | None = event.get("zone_id")
    version: int = event.get("zone_version") or 0
    if event.get("concealed") or (zone_id is not None and (zone_id, version) not in known.versions):
        return None
    told = {name: event.get(name) for name in _TOLD_ALWAYS}
    told["zone_version"] = known.versions.get((zone_id, version)) if zone_id is not None else None
    told["wearer"] = event.get("wearer")
    kind, person = event["kind"], event.get("person_id")
    protected = _without_device(event.get("protected"))
    is_near_her = kind in NEAR_HER and person is not None and told["wearer"] is not None
    is_near_her = is_near_her and protected is not None  # without her place a distance would lead to it
    if kind == EventKind.EXTERNAL_SIGHTING and told["wearer"] is None:
        return None  # she was seen where her own device was not: nothing of it is about him
    if is_near_her:
        told |= {name: event.get(name) for name in _TOLD_OF_NEARNESS}
        told["protected"] = protected
    if is_near_her or zone_id is not None:
        told["distance_m"] = event.get("distance_m")
    if kind in _ABOUT_HER_DEVICE:
        told["reason"] = ""
    elif kind == EventKind.CONDITION_ENDED:
        ended = event["reason"].partition(":")[0]
        told["reason"] = ended if ended in _ABOUT_HER_DEVICE else event["reason"]
    device, agreed = event.get("device_id"), event.get("exemption_id")
    told["device_id"] = device if _uuid(device) in known.devices else None
    is_told = _uuid(agreed) in {one.id for one in known.exemptions}
    told["exemption_id"] = agreed if is_told else None
    told["person_id"] = known.labels.get(UUID(person)) if person is not None else None
    return told


def _uuid(said: str | None) -> UUID | None:
    return None if said is None else UUID(said)


def _without_device(sighting: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if sighting is None else {**sighting, "device_id": None}


def _alert(alert: Alert, kept: _Kept, devices: frozenset[UUID]) -> Alert:
    events = [entry for entry in kept.entries if entry.event is not None]
    worst = min(events, key=lambda entry: severity_of(_as_event(entry)))
    first = kept.entries[0].at
    is_taken = alert.acknowledged_at is not None and alert.acknowledged_at >= first
    return replace(
        alert,
        device_id=alert.device_id if alert.device_id in devices else None,
        kind=_as_event(worst).kind.value,
        severity=kept.entries[-1].severity,
        ongoing=False,
        concealed=False,
        opened_at=first,
        last_event_at=_as_event(events[-1]).occurred_at,
        acknowledged_at=alert.acknowledged_at if is_taken else None,
        acknowledged_by=alert.acknowledged_by if is_taken else None,
        resolution_note="",
    )


def _as_event(entry: AlertEntry) -> Event:
    return _event_of(entry.event or {})


def _event_of(told: Mapping[str, Any]) -> Event:
    """Return the event as far as its kind, severity and moments go, without places and labels."""
    return msgspec.convert({**told, "person_id": None, "wearer": None, "protected": None}, Event)


def _commands(
    material: Material, devices: frozenset[UUID], first: datetime
) -> list[tuple[Notification, tuple[Attempt, ...]]]:
    """Return what his devices were told, which he has seen."""
    return [
        (_with(sent, _COMMAND), attempts)
        for sent, attempts in material.messages_out
        if sent.channel is Channel.DEVICE
        and sent.device_id in devices
        and (sent.alert_id is None or sent.created_at >= first)
    ]


def _with(sent: Notification, names: Sequence[str]) -> Notification:
    payload = {name: sent.payload[name] for name in names if name in sent.payload}
    return replace(sent, seq=0, person_id=None, payload=payload)


def _his(message: Message) -> Message:
    """Return a message without its place among those of others, which says how many hers are."""
    return msgspec.structs.replace(message, batch=None, place=None)


def _act(act: Act) -> Act:
    return replace(act, reason="")


def _own(track: Track) -> Track:
    return msgspec.structs.replace(track, carrier=msgspec.structs.replace(track.carrier, label=""))


def _is_open(exemption: Exemption, zones: Sequence[ZoneVersion]) -> bool:
    """Say whether an exemption covers anything that he knows of."""
    return not exemption.zone_ids or bool(set(exemption.zone_ids) & {one.zone.id for one in zones})


def _agreed(exemption: Exemption, zones: Sequence[ZoneVersion]) -> Exemption:
    told = {one.zone.id for one in zones}
    return replace(
        exemption,
        reason="",
        person_ids=(),
        zone_ids=tuple(zone_id for zone_id in exemption.zone_ids if zone_id in told),
        place=None,
        created_by=None,
        ended_by=None,
    )


def _sightings(sightings: Sequence[ExternalSighting], kept: _Kept) -> list[ExternalSighting]:
    """Return the sightings of him that an event of this alert rests on, without staff's words."""
    used = {
        _as_event(entry).occurred_at
        for entry in kept.entries
        if entry.event is not None and entry.event["kind"] == EventKind.EXTERNAL_SIGHTING
    }
    return [
        msgspec.structs.replace(seen, note="", author_id=None)
        for seen in sightings
        if seen.party is Party.WEARER and seen.seen_at in used
    ]


def _replay(outcome: Mapping[str, Any], kept: _Kept) -> dict[str, Any]:
    """Return what computing again came to for the events that are left; of a difference only its field."""
    if "events" not in outcome:
        return dict(outcome)
    events: list[dict[str, Any]] = []
    for number, one in enumerate(outcome["events"]):
        if number in kept.numbers:
            fields = [{"field": difference["field"]} for difference in one["differences"]]
            events.append({**one, "differences": fields})
    return {
        "alert": outcome["alert"],
        "is_identical": all(one["verdict"] == "identical" for one in events),
        "stored_rules": outcome["stored_rules"],
        "computed_rules": outcome["computed_rules"],
        "notes": [],
        "events": events,
    }


def _lacking(messages: Sequence[Message], devices: frozenset[UUID]) -> tuple[str, ...]:
    """Return what is missing of his devices' messages; the full pack counts those of both."""
    long = sum(one.payload is None for one in messages if one.device_id in devices)
    return (f"{long} messages were too long to be kept: they count as contact alone.",) if long else ()

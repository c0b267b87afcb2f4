"""The files of a pack except the report: sorted keys, one form for everything, so that bytes repeat."""

import base64
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from api.evidence.model.material import Carrier, Material, Message
from api.evidence.rules.geojson import geojson
from api.evidence.rules.readme import readme
from api.evidence.rules.timeline import timeline
from api.kernel.geo import Point

REPORT = "report.pdf"
PEOPLE = "people.json"


def files_of(material: Material, report: bytes, version: str) -> dict[str, bytes]:
    """Return name and content of each file, in the order in which a reader should meet them.

    `version` names the program that made them.
    """
    files = {
        "README.txt": readme(material, version).encode(),
        REPORT: report,
        "incident.geojson": _compact(geojson(material)) + b"\n",
        "log.jsonl": _lines(_timeline(material)),
        "messages.jsonl": _lines(_messages(material)),
        "state.json": _readable(_state(material, version)),
        "replay.json": _readable(material.replay),
    }
    if material.people:
        files[PEOPLE] = _readable(material.people)
    return files


def _compact(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _readable(value: object) -> bytes:
    return msgspec.json.format(_compact(_named(value)), indent=1) + b"\n"


def _named(value: object) -> object:
    """Return the value with every place as `{lat, lon}`, so that nobody guesses their order."""
    if isinstance(value, Point):
        return value._asdict()
    if isinstance(value, msgspec.Struct):
        return {name: _named(one) for name, one in msgspec.structs.asdict(value).items()}
    if dataclasses.is_dataclass(value):
        return {field.name: _named(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _named(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_named(one) for one in value]
    return value


def _lines(values: Iterator[Mapping[str, Any]]) -> bytes:
    return b"".join(_compact(value) + b"\n" for value in values)


def _timeline(material: Material) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(timeline(material), start=1):
        yield {"n": number, "at": line.at, "what": line.what, "kind": line.kind} | dict(line.data)


def _messages(material: Material) -> Iterator[dict[str, Any]]:
    for number, message in enumerate(material.messages, start=1):
        yield {"n": number} | _message(message)


def _message(message: Message) -> dict[str, Any]:
    """Return the very bytes as they came: as text where they are text, else in base64."""
    said: dict[str, Any] = {
        "device": message.device_id,
        "received_at": message.received_at,
        "kind": message.kind,
        "batch": message.batch,
        "place": message.place,
    }
    said |= _bytes("received", message.payload) | _bytes("opened", message.opened)
    return said | ({"reason": message.reason} if message.reason else {})


def _bytes(name: str, content: bytes | None) -> dict[str, str]:
    if content is None:
        return {}
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(content).decode()}


def _state(material: Material, version: str) -> dict[str, Any]:
    """Return what the alert was judged against, and everything else that is no moment and no message."""
    alert = {
        name: getattr(material.alert, name)
        for name in material.alert.__dataclass_fields__
        if name not in _LEFT_TO_OTHERS and not (material.is_reduced and name in _STAFF_ONLY)
    }
    return {
        "variant": material.variant,
        "made_at": material.made_at,
        "program": version,
        "window": material.window,
        "alert": alert | {"people": [material.labels.get(one) for one in material.alert.person_ids]},
        "references": [
            {"id": one, "reference": name}
            for one, name in sorted(material.references.items(), key=lambda pair: pair[1])
        ],
        "order": [_order(material, number) for number in range(len(material.orders))],
        "devices": [_carrier(material, carrier) for carrier in material.carriers],
        "zones": material.zones,
        "limits": material.limits,
        "order_limits": material.own_limits,
        "house_limits": [{"since": since, "limits": limits} for since, limits in material.house_limits],
        "exemptions": material.exemptions,
        "sightings": material.sightings,
        "steps": material.steps,
        "calls": material.tasks,
        "device_health_before": material.health,
        "outages": [{"began": began, "ended": ended} for began, ended in material.outages],
        "distances": _distances(material),
        "lacking": material.lacking,
        "ledger": material.links,
    }


def _distances(material: Material) -> list[dict[str, Any]]:
    """Return the series for the court; for the defence the bands at the events."""
    if material.is_reduced:
        return [msgspec.structs.asdict(one) for one in material.bands]
    return [
        {
            "at": one.at,
            "person": material.labels.get(one.person_id),
            "m": one.distance_m,
            "doubt_m": one.doubt_m,
        }
        for one in material.distances
    ]


_LEFT_TO_OTHERS = frozenset({"person_ids"})
_STAFF_ONLY = frozenset({"ongoing", "concealed", "resolution_note"})


def _order(material: Material, number: int) -> dict[str, Any]:
    version = material.orders[number]
    order = version.order
    said = {
        name: getattr(order, name) for name in order.__dataclass_fields__ if name != "protected_person_ids"
    }
    people = [material.labels[one] for one in order.protected_person_ids if one in material.labels]
    return said | {"since": version.since, "people": people}


def _carrier(material: Material, carrier: Carrier) -> dict[str, Any]:
    said = msgspec.structs.asdict(carrier)
    said.pop("person_id")
    return said | {"person": material.labels.get(carrier.person_id) if carrier.person_id else None}

"""An event as JSON types, and back: what the log keeps of it."""

from typing import Any

import msgspec

from api.alerts.model import Event


def event_json(event: Event) -> dict[str, Any]:
    """Return the event as JSON types; points become `{lat, lon}`, so that nobody guesses their order."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    for party in ("wearer", "protected"):
        if fields[party] is not None:
            lat, lon = fields[party]["point"]
            fields[party]["point"] = {"lat": lat, "lon": lon}
    return fields


def event_of(fields: dict[str, Any]) -> Event:
    """Return the event that `event_json` wrote."""
    whole = dict(fields)
    for party in ("wearer", "protected"):
        if whole.get(party) is not None:
            point = whole[party]["point"]
            whole[party] = whole[party] | {"point": (point["lat"], point["lon"])}
    return msgspec.convert(whole, Event)

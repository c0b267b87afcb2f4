"""From the lines of a rehearsal to what the register is asked for: REST's own checks, the caller's names."""

import json
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

import marshmallow as ma

from api.geofence.schemas.sightings import SightingDraftSchema
from api.geofence.schemas.zones import ZoneDraftSchema
from api.geofence.service.sightings import SightingDraft
from api.geofence.service.zones import ZoneDraft
from api.orders.model import ExemptionDraft
from api.orders.schemas import ExemptionSchema
from api.rehearsal import lines

Names = Mapping[str, UUID]


class Fault(Exception):
    """A line that cannot be followed; the text says why."""


def known(names: Names, name: str, what: str) -> UUID:
    """Return whose name this is; raises Fault when it is nobody's."""
    if name not in names:
        raise Fault(f"there is no {what} {name!r}")
    return names[name]


def zone_of(said: dict[str, Any]) -> ZoneDraft:
    """Return a zone as REST would take it; raises Fault."""
    return cast("ZoneDraft", _load(ZoneDraftSchema(), "zone", said))


def exemption_of(line: lines.Exemption, people: Names, zones: Names) -> ExemptionDraft:
    """Return what is agreed; raises Fault."""
    said: dict[str, Any] = {
        "kind": line.kind,
        "reason": line.reason,
        "person_ids": [str(known(people, name, "person")) for name in line.people],
        "zone_ids": [str(known(zones, name, "zone")) for name in line.zones],
        "place": line.place,
        "valid_from": line.valid_from,
        "valid_until": line.valid_until,
    }
    return cast("ExemptionDraft", _load(ExemptionSchema(), "exemption", said))


def sighting_of(line: lines.Sighting, people: Names) -> SightingDraft:
    """Return what was seen; raises Fault."""
    said: dict[str, Any] = {
        "party": line.party,
        "person_id": None if line.person is None else str(known(people, line.person, "person")),
        "seen_at": line.seen_at,
        "point": line.point,
        "accuracy_m": line.accuracy_m,
        "source": line.source,
    }
    return cast("SightingDraft", _load(SightingDraftSchema(), "sighting", said))


def _load(schema: ma.Schema, what: str, said: dict[str, Any]) -> object:
    try:
        return schema.load(said)
    except ma.ValidationError as error:
        raise Fault(f"{what}: {json.dumps(error.messages)}") from error

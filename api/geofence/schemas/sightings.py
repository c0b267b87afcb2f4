"""JSON of sightings by other means than a device."""

from typing import Any

import marshmallow as ma

from api.geofence.model import MAX_SIGHTING_ACCURACY_M, SightingSource
from api.geofence.schemas.texts import free_text
from api.geofence.service.sightings import SightingDraft
from api.kernel.fields import Moment
from api.kernel.geo import Point
from api.kernel.http import Schema
from api.orders.model import Party


class PointSchema(Schema):
    """A place in WGS-84 degrees."""

    lat = ma.fields.Float(required=True, validate=ma.validate.Range(-90, 90))
    lon = ma.fields.Float(required=True, validate=ma.validate.Range(-180, 180))


class SightingDraftSchema(Schema):
    """What a camera, a witness or the police have seen."""

    party = ma.fields.Enum(Party, by_value=True, load_default=Party.WEARER)
    person_id = ma.fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "which protected person; may be left out where the order protects one"},
    )
    seen_at = Moment(required=True)
    point = ma.fields.Nested(PointSchema, required=True)
    accuracy_m = ma.fields.Float(
        required=True,
        validate=ma.validate.Range(1, MAX_SIGHTING_ACCURACY_M),
        metadata={"description": "radius within which the place is certain"},
    )
    source = ma.fields.Enum(SightingSource, by_value=True, required=True)
    note = free_text(500, load_default="", metadata={"description": "stays in the control room"})

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: Any) -> SightingDraft:  # noqa: ANN401 - marshmallow's
        return SightingDraft(**data | {"point": Point(**data["point"])})


class SightingSchema(Schema):
    """A sighting as it was entered."""

    id = ma.fields.UUID()
    order_id = ma.fields.UUID()
    party = ma.fields.Enum(Party, by_value=True)
    person_id = ma.fields.UUID(allow_none=True)
    seen_at = ma.fields.AwareDateTime()
    received_at = ma.fields.AwareDateTime()
    point = ma.fields.Nested(PointSchema)
    accuracy_m = ma.fields.Float()
    source = ma.fields.Enum(SightingSource, by_value=True)
    note = ma.fields.String()
    author_id = ma.fields.UUID(allow_none=True)

"""JSON of stations, officers and routing."""

from typing import Any

import marshmallow as ma

from api.kernel.fields import Moment, line_of_text
from api.kernel.http import Schema
from api.policing.model import MAX_IMPORT, How, OfficerDraft, Problem, StationDraft
from api.policing.schemas.geojson import area_field, seat_field

MAX_PHONE_CHARACTERS = 16
"""A plus and the 15 digits of E.164."""


def _phone(**more: Any) -> ma.fields.String:  # noqa: ANN401 - marshmallow's arguments
    return ma.fields.String(
        load_only=True,
        validate=ma.validate.Length(1, MAX_PHONE_CHARACTERS),
        metadata={"description": "E.164; never shown again but for its last two digits."},
        **more,
    )


def _phone_end() -> ma.fields.String:
    return ma.fields.String(dump_only=True, metadata={"description": "Its last two digits."})


class StationSchema(Schema):
    """A police station; a change without `phone` leaves the number as it is."""

    id = ma.fields.UUID(dump_only=True)
    version = ma.fields.Integer(dump_only=True)
    reference = line_of_text(100)
    name = line_of_text(200)
    area = area_field()
    seat = seat_field()
    phone = _phone()
    phone_end = _phone_end()
    desk_address = line_of_text(100)
    time_zone = line_of_text(100)
    retired_at = Moment(dump_only=True, allow_none=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> StationDraft:
        return StationDraft(**({"phone": None} | data))


class StationPropertiesSchema(Schema):
    """What a feature says of its station besides the area."""

    reference = line_of_text(100)
    name = line_of_text(200)
    seat = seat_field()
    phone = _phone(required=True)
    desk_address = line_of_text(100)
    time_zone = line_of_text(100)


class FeatureSchema(Schema):
    """A station as a GeoJSON feature."""

    type = ma.fields.String(required=True, validate=ma.validate.Equal("Feature"))
    id = ma.fields.Raw(metadata={"description": "Not kept."})
    bbox = ma.fields.Raw(metadata={"description": "Not kept."})
    geometry = area_field()
    properties = ma.fields.Nested(StationPropertiesSchema, required=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> StationDraft:
        return StationDraft(area=data["geometry"], **data["properties"])


class ImportSchema(Schema):
    """Many stations as a GeoJSON feature collection; all are entered or none."""

    type = ma.fields.String(required=True, validate=ma.validate.Equal("FeatureCollection"))
    name = ma.fields.String(metadata={"description": "Not kept."})
    bbox = ma.fields.Raw(metadata={"description": "Not kept."})
    features = ma.fields.List(
        ma.fields.Nested(FeatureSchema), required=True, validate=ma.validate.Length(1, MAX_IMPORT)
    )

    def handle_error(self, error: ma.ValidationError, data: Any, **_more: object) -> None:  # noqa: ANN401 - marshmallow's
        """Name each feature at fault by its place and, if it has one, its reference."""
        messages = error.messages
        faults = messages.get("features") if isinstance(messages, dict) else None
        if isinstance(messages, dict) and isinstance(faults, dict):
            named = {_feature_name(data, place): fault for place, fault in faults.items()}
            raise ma.ValidationError(messages | {"features": named}) from error


def _feature_name(data: Any, place: int) -> str:  # noqa: ANN401 - whatever was sent
    feature = data["features"][place]
    properties = feature.get("properties") if isinstance(feature, dict) else None
    reference = properties.get("reference") if isinstance(properties, dict) else None
    said = f" ({reference[:100]})" if isinstance(reference, str) else ""
    return f"features[{place}]{said}"


class ImportedSchema(Schema):
    """What an import entered."""

    stations = ma.fields.List(ma.fields.Nested(StationSchema))


class OfficerSchema(Schema):
    """An officer; a change without `phone` leaves the number as it is, null removes it."""

    id = ma.fields.UUID(dump_only=True)
    station_id = ma.fields.UUID(required=True)
    reference = line_of_text(100)
    name = line_of_text(200)
    phone = _phone(allow_none=True)
    phone_end = _phone_end()
    account_id = ma.fields.UUID(load_default=None, allow_none=True)
    retired_at = Moment(dump_only=True, allow_none=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> OfficerDraft:
        phone = (data["phone"] or "") if "phone" in data else None
        return OfficerDraft(**(data | {"phone": phone}))


class RoutingQuerySchema(Schema):
    """Of which place and which moment; without a place: what happens when no position is known."""

    lat = ma.fields.Float(load_default=None, validate=ma.validate.Range(-90, 90))
    lon = ma.fields.Float(load_default=None, validate=ma.validate.Range(-180, 180))
    at = Moment(load_default=None, metadata={"description": "Now, unless said."})

    @ma.validates_schema
    def _is_place(self, data: dict[str, Any], **_more: object) -> None:
        if (data["lat"] is None) != (data["lon"] is None):
            raise ma.ValidationError("Give both lat and lon, or neither.", "lat")


class RoutingSchema(Schema):
    """Where an alert would go."""

    station_id = ma.fields.UUID()
    station_reference = ma.fields.String()
    desk_address = ma.fields.String()
    how = ma.fields.Enum(How, by_value=True)
    distance_m = ma.fields.Float(allow_none=True)
    officer_id = ma.fields.UUID(allow_none=True)
    officer_reference = ma.fields.String(allow_none=True)
    is_stand_in = ma.fields.Boolean()
    problem = ma.fields.Enum(Problem, by_value=True)

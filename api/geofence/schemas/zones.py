"""JSON of zones; here and in `geometry.validity` coordinates are GeoJSON's `[longitude, latitude]`."""

from typing import Any
from unicodedata import category

import marshmallow as ma

from api.geofence.geometry.validity import (
    MAX_RADIUS_M,
    MIN_CIRCLE_M,
    Shape,
    ShapeFault,
    check_shape,
)
from api.geofence.model import Circle, Visibility
from api.geofence.service.zones import MAX_BUFFER_M, ZoneDraft
from api.kernel.geo import Point
from api.kernel.http import Schema

_POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
_RING = {"type": "array", "items": _POSITION, "minItems": 4}
_PART = {"type": "array", "items": _RING, "minItems": 1}


def _geojson(kind: str, coordinates: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "coordinates"],
        "properties": {"type": {"const": kind}, "coordinates": coordinates, "bbox": {"type": "array"}},
        "additionalProperties": False,
    }


_SHAPE_JSON: dict[str, Any] = {
    "description": (
        "GeoJSON Polygon or MultiPolygon (RFC 7946, positions as [longitude, latitude]), or a Circle. "
        "Edges are shortest lines on the Earth."
    ),
    "oneOf": [
        _geojson("Polygon", _PART),
        _geojson("MultiPolygon", {"type": "array", "items": _PART, "minItems": 1}),
        {
            "type": "object",
            "required": ["type", "center", "radius_m"],
            "properties": {
                "type": {"const": "Circle"},
                "center": _POSITION,
                "radius_m": {"type": "number", "minimum": MIN_CIRCLE_M, "maximum": MAX_RADIUS_M},
            },
            "additionalProperties": False,
        },
    ],
}


def to_geojson(shape: Shape) -> dict[str, Any]:
    """Return the shape as `check_shape` takes it; one polygon is a Polygon, more are a MultiPolygon."""
    if isinstance(shape, Circle):
        return {"type": "Circle", "center": _position(shape.center), "radius_m": shape.radius_m}
    parts = [[[_position(point) for point in ring] for ring in part.rings] for part in shape]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _position(point: Point) -> list[float]:
    return [point.lon, point.lat]


def _read_shape(geojson: object) -> Shape:
    try:
        return check_shape(geojson)
    except ShapeFault as fault:
        raise ma.ValidationError(fault.fields["shape"]) from fault


def _check_name(name: str) -> None:
    """Refuse what no list can show: PostgreSQL stores neither NUL nor half a surrogate pair."""
    if not name.strip() or any(category(letter) in {"Cc", "Cs"} for letter in name):
        raise ma.ValidationError("Must be one line that is not blank.")


class ZoneDraftSchema(Schema):
    """What is decided about a zone."""

    name = ma.fields.String(required=True, validate=[ma.validate.Length(1, 100), _check_name])
    shape = ma.fields.Function(deserialize=_read_shape, required=True, metadata=_SHAPE_JSON)
    buffer_m = ma.fields.Float(
        required=True,
        validate=ma.validate.Range(0, MAX_BUFFER_M),
        metadata={"description": "Width of the warning ring round the area"},
    )
    visibility = ma.fields.Enum(
        Visibility,
        by_value=True,
        required=True,
        metadata={"description": "concealed: the wearer has not been told and must not notice it"},
    )

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: Any) -> ZoneDraft:  # noqa: ANN401 - marshmallow's
        return ZoneDraft(**data)


class ZoneSchema(Schema):
    """A zone in one version."""

    id = ma.fields.UUID()
    version = ma.fields.Integer()
    order_id = ma.fields.UUID()
    name = ma.fields.String()
    shape = ma.fields.Function(lambda zone: to_geojson(zone.shape), metadata=_SHAPE_JSON)
    buffer_m = ma.fields.Float()
    visibility = ma.fields.Enum(Visibility, by_value=True)

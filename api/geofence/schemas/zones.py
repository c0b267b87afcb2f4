"""JSON of zones; here and in `geometry.validity` coordinates are GeoJSON's `[longitude, latitude]`."""

from typing import Any
from unicodedata import category
from zoneinfo import available_timezones

import marshmallow as ma

from api.geofence.geometry.validity import (
    MAX_RADIUS_M,
    MIN_CIRCLE_M,
    TERRITORY_MAX_RADIUS_M,
    Shape,
    ShapeFault,
    check_shape,
)
from api.geofence.model import Circle, Hours, Purpose, Schedule, Visibility
from api.geofence.service.zones import MAX_BUFFER_M, ZoneDraft
from api.kernel.geo import Point
from api.kernel.http import Schema

_POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
_RING = {"type": "array", "items": _POSITION, "minItems": 4}
_PART = {"type": "array", "items": _RING, "minItems": 1}

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAX_HOURS = 50
"""Seven on each day; more is a slip, and each is looked at with every fix; proposal."""
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"


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
        "Edges are shortest lines on the Earth. It fits into a circle of "
        f"{MAX_RADIUS_M / 1000:g} km, of a territory {TERRITORY_MAX_RADIUS_M / 1000:g} km."
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
                "radius_m": {"type": "number", "minimum": MIN_CIRCLE_M, "maximum": TERRITORY_MAX_RADIUS_M},
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


def _read_shape(geojson: object, max_radius_m: float) -> Shape:
    try:
        return check_shape(geojson, max_radius_m)
    except ShapeFault as fault:
        raise ma.ValidationError(fault.fields["shape"], "shape") from fault


def _check_name(name: str) -> None:
    """Refuse what no list can show: PostgreSQL stores neither NUL nor half a surrogate pair."""
    if not name.strip() or any(category(letter) in {"Cc", "Cs"} for letter in name):
        raise ma.ValidationError("Must be one line that is not blank.")


def _clock(pattern: str, error: str) -> ma.validate.And:
    # By itself the pattern lets a line break at the end pass.
    return ma.validate.And(ma.validate.Length(equal=5, error=error), ma.validate.Regexp(pattern, error=error))


class HoursSchema(Schema):
    """Some hours of one weekday; those that end before they begin end on the day after."""

    day = ma.fields.String(required=True, validate=ma.validate.OneOf(DAYS))
    begin = ma.fields.String(
        required=True,
        data_key="from",
        validate=_clock(f"^{_CLOCK}$", "Must be HH:MM, 00:00 to 23:59."),
        metadata={"description": "HH:MM by the clocks of the time zone"},
    )
    until = ma.fields.String(
        required=True,
        validate=_clock(f"^({_CLOCK}|24:00)$", "Must be HH:MM, 00:00 to 24:00."),
        metadata={"description": "HH:MM, no more part of them; 24:00 is the end of the day"},
    )

    @ma.validates_schema
    def _lasts(self, data: dict[str, Any], **_more: Any) -> None:  # noqa: ANN401 - marshmallow's
        if data["begin"] == data["until"]:
            raise ma.ValidationError("Must not be its own beginning; a whole day is 00:00 to 24:00.", "until")

    @ma.post_load
    def _hours(self, data: dict[str, Any], **_more: Any) -> Hours:  # noqa: ANN401 - marshmallow's
        return Hours(DAYS.index(data["day"]), data["begin"], data["until"])

    @ma.pre_dump
    def _named(self, hours: Hours, **_more: Any) -> dict[str, str]:  # noqa: ANN401 - marshmallow's
        return {"day": DAYS[hours.day], "begin": hours.begin, "until": hours.until}


def _check_time_zone(name: str) -> None:
    # "localtime" or "CET" mean something else on another machine, or know no summer time.
    if "/" not in name or name not in available_timezones():
        raise ma.ValidationError("Unknown time zone: must be an IANA name such as Europe/Amsterdam.")


class ScheduleSchema(Schema):
    """Weekly hours by the clocks of one time zone, summer time included."""

    time_zone = ma.fields.String(
        required=True,
        validate=_check_time_zone,
        metadata={"description": "IANA name, such as Europe/Amsterdam"},
    )
    hours = ma.fields.List(
        ma.fields.Nested(HoursSchema),
        required=True,
        validate=ma.validate.Length(
            1, MAX_HOURS, error=f"Must be 1 to {MAX_HOURS} times; without a schedule it applies always."
        ),
    )

    @ma.post_load
    def _schedule(self, data: dict[str, Any], **_more: Any) -> Schedule:  # noqa: ANN401 - marshmallow's
        return Schedule(data["time_zone"], tuple(data["hours"]))


class ZoneDraftSchema(Schema):
    """What is decided about a zone."""

    name = ma.fields.String(required=True, validate=[ma.validate.Length(1, 100), _check_name])
    shape = ma.fields.Raw(required=True, metadata=_SHAPE_JSON)
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
    purpose = ma.fields.Enum(
        Purpose,
        by_value=True,
        load_default=Purpose.EXCLUSION,
        metadata={"description": "inclusion and territory: where the wearer must be; it never changes"},
    )
    schedule = ma.fields.Nested(
        ScheduleSchema,
        allow_none=True,
        load_default=None,
        metadata={"description": "When an inclusion zone applies; null is always"},
    )

    @ma.validates_schema
    def _fits(self, data: dict[str, Any], **_more: Any) -> None:  # noqa: ANN401 - marshmallow's
        purpose, faults = data["purpose"], {}
        if data["schedule"] is not None and purpose is not Purpose.INCLUSION:
            faults["schedule"] = ["Must be null: only an inclusion zone has hours."]
        if purpose is not Purpose.EXCLUSION:
            if data["visibility"] is Visibility.CONCEALED:
                faults["visibility"] = ["Must be declared: the wearer must know where to be."]
            if data["buffer_m"] > 0.0:
                faults["buffer_m"] = ["Must be 0: only an exclusion zone has a warning ring."]
        if faults:
            raise ma.ValidationError(faults)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: Any) -> ZoneDraft:  # noqa: ANN401 - marshmallow's
        is_territory = data["purpose"] is Purpose.TERRITORY
        max_radius_m = TERRITORY_MAX_RADIUS_M if is_territory else MAX_RADIUS_M
        return ZoneDraft(**data | {"shape": _read_shape(data["shape"], max_radius_m)})


class ZoneSchema(Schema):
    """A zone in one version."""

    id = ma.fields.UUID()
    version = ma.fields.Integer()
    order_id = ma.fields.UUID()
    name = ma.fields.String()
    shape = ma.fields.Function(lambda zone: to_geojson(zone.shape), metadata=_SHAPE_JSON)
    buffer_m = ma.fields.Float()
    visibility = ma.fields.Enum(Visibility, by_value=True)
    purpose = ma.fields.Enum(Purpose, by_value=True)
    schedule = ma.fields.Nested(ScheduleSchema, allow_none=True)

"""JSON of policing; here alone coordinates are GeoJSON's `[longitude, latitude]`."""

import math
from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from api.kernel.fields import Moment, line_of_text
from api.kernel.geo import Point
from api.kernel.http import Schema
from api.policing.model import (
    DAYS_A_WEEK,
    MAX_IMPORT,
    MAX_SLOTS,
    MAX_STAND_IN_ORDER,
    AbsenceDraft,
    AbsenceKind,
    Area,
    Dated,
    Duty,
    DutyRole,
    How,
    OfficerDraft,
    Part,
    Problem,
    Ring,
    SlotDraft,
    StationDraft,
    Weekly,
)

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOUR_MINUTES = 60
MAX_PHONE_CHARACTERS = 16
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
_PART = {"type": "array", "items": {"type": "array", "items": _POSITION, "minItems": 4}, "minItems": 1}
_PARTS = {"type": "array", "items": _PART, "minItems": 1}


def _geojson(kind: str, coordinates: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "coordinates"],
        "properties": {"type": {"const": kind}, "coordinates": coordinates, "bbox": {"type": "array"}},
        "additionalProperties": False,
    }


_AREA_JSON: dict[str, Any] = {
    "description": (
        "GeoJSON Polygon or MultiPolygon (RFC 7946, positions as [longitude, latitude]). Parts that touch or "
        "overlap count as one; edges are shortest lines on the Earth."
    ),
    "oneOf": [_geojson("Polygon", _PART), _geojson("MultiPolygon", _PARTS)],
}
_SEAT_JSON: dict[str, Any] = {
    "description": "GeoJSON Point of the building, [longitude, latitude].",
    **_geojson("Point", _POSITION),
}


def _area_field() -> ma.fields.Function:
    """Return the field of an area; whether a station can have it is for `rules.check_station` to say."""
    return ma.fields.Function(
        lambda station: _area_json(station.area), read_area, required=True, metadata=_AREA_JSON
    )


def _seat_field() -> ma.fields.Function:
    return ma.fields.Function(
        lambda station: {"type": "Point", "coordinates": _position(station.seat)},
        lambda value: _point(_members(value, ("Point",))[1], "coordinates"),
        required=True,
        metadata=_SEAT_JSON,
    )


def read_area(value: object) -> Area:
    """Return the area of a GeoJSON Polygon or MultiPolygon; heights are left out.

    Raises ValidationError with the path inside the GeoJSON, such as `coordinates[0][3]`.
    """
    kind, coordinates = _members(value, ("Polygon", "MultiPolygon"))
    if kind == "Polygon":
        return (_part(coordinates, "coordinates"),)
    parts = _list(coordinates, "coordinates")
    return tuple(_part(part, f"coordinates[{place}]") for place, part in enumerate(parts))


def _area_json(area: Area) -> dict[str, Any]:
    parts = [[[_position(point) for point in ring] for ring in part] for part in area]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _members(value: object, kinds: tuple[str, ...]) -> tuple[str, object]:
    """Return type and coordinates of a geometry of one of these types."""
    if not isinstance(value, Mapping) or value.get("type") not in kinds:
        raise ma.ValidationError(f"Must be a GeoJSON object of type {' or '.join(kinds)}.")
    if strangers := sorted(str(name)[:40] for name in value.keys() - {"type", "coordinates", "bbox"}):
        raise ma.ValidationError(f"Not a member of this geometry: {', '.join(strangers[:5])}.")
    return value["type"], value.get("coordinates")


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ma.ValidationError(f"{where}: must be a list that is not empty.")
    return value


def _part(value: object, where: str) -> Part:
    return tuple(_ring(one, f"{where}[{place}]") for place, one in enumerate(_list(value, where)))


def _ring(value: object, where: str) -> Ring:
    return tuple(_point(one, f"{where}[{place}]") for place, one in enumerate(_list(value, where)))


def _point(value: object, where: str) -> Point:
    numbers = value if isinstance(value, list) and 2 <= len(value) <= 3 else []
    if not numbers or not all(_is_number(number) for number in numbers):
        raise ma.ValidationError(f"{where}: must be [longitude, latitude] in degrees.")
    lon, lat = float(numbers[0]), float(numbers[1])
    if abs(lat) > 90.0 or abs(lon) > 180.0:
        swapped = ": the two look swapped" if abs(lon) <= 90.0 and abs(lat) <= 180.0 else ""
        raise ma.ValidationError(
            f"{where}: longitude {lon:g} must be in -180..180 and latitude {lat:g} in -90..90{swapped}."
        )
    return Point(lat, lon)


def _is_number(value: object) -> bool:
    """Say whether this is a finite number; a whole number beyond all floats is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) <= 10**9


def _position(point: Point) -> list[float]:
    return [point.lon, point.lat]


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
    area = _area_field()
    seat = _seat_field()
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
    seat = _seat_field()
    phone = _phone(required=True)
    desk_address = line_of_text(100)
    time_zone = line_of_text(100)


class FeatureSchema(Schema):
    """A station as a GeoJSON feature."""

    type = ma.fields.String(required=True, validate=ma.validate.Equal("Feature"))
    id = ma.fields.Raw(metadata={"description": "Not kept."})
    bbox = ma.fields.Raw(metadata={"description": "Not kept."})
    geometry = _area_field()
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


class AbsenceSchema(Schema):
    """When an officer is away."""

    id = ma.fields.UUID(dump_only=True)
    officer_id = ma.fields.UUID(dump_only=True)
    kind = ma.fields.Enum(AbsenceKind, by_value=True, required=True)
    since = Moment(required=True, data_key="from")
    until = Moment(required=True, metadata={"description": "The first moment back."})
    created_at = Moment(dump_only=True)
    ended_at = Moment(dump_only=True, allow_none=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> AbsenceDraft:
        return AbsenceDraft(**data)


def _clock(pattern: str, error: str) -> ma.validate.And:
    # By itself the pattern lets a line break at the end pass.
    return ma.validate.And(ma.validate.Length(equal=5, error=error), ma.validate.Regexp(pattern, error=error))


class WeeklySchema(Schema):
    """The same hours on some days of every week, by the station's clocks; to 24:00, or to the next day."""

    days = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(DAYS)),
        required=True,
        validate=ma.validate.Length(1, DAYS_A_WEEK),
        metadata={"description": "On which it begins."},
    )
    begin = ma.fields.String(
        required=True,
        data_key="from",
        validate=_clock(f"^{_CLOCK}$", "Must be HH:MM, 00:00 to 23:59."),
    )
    until = ma.fields.String(
        required=True,
        validate=_clock(f"^({_CLOCK}|24:00)$", "Must be HH:MM, 00:00 to 24:00."),
        metadata={"description": "No more part of it; not later than `from`: on the next day."},
    )

    @ma.post_load
    def _weekly(self, data: dict[str, Any], **_more: object) -> Weekly:
        days = tuple(sorted(DAYS.index(day) for day in data["days"]))
        return Weekly(days, _minutes(data["begin"]), _minutes(data["until"]))

    @ma.pre_dump
    def _named(self, weekly: Weekly, **_more: object) -> dict[str, Any]:
        return {
            "days": [DAYS[day] for day in weekly.days],
            "begin": _hour(weekly.from_minute),
            "until": _hour(weekly.until_minute),
        }


def _minutes(clock: str) -> int:
    return int(clock[:2]) * HOUR_MINUTES + int(clock[3:])


def _hour(minute: int) -> str:
    return f"{minute // HOUR_MINUTES:02d}:{minute % HOUR_MINUTES:02d}"


class DatedSchema(Schema):
    """One stretch of time, once."""

    since = Moment(required=True, data_key="from")
    until = Moment(required=True)

    @ma.post_load
    def _dated(self, data: dict[str, Any], **_more: object) -> Dated:
        return Dated(**data)


class SlotSchema(Schema):
    """One line of a roster: `weekly` or `dated`."""

    officer_id = ma.fields.UUID(required=True)
    role = ma.fields.Enum(DutyRole, by_value=True, required=True)
    order = ma.fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=ma.validate.Range(1, MAX_STAND_IN_ORDER),
        metadata={"description": "Of a stand-in: who is asked first. Null for an officer."},
    )
    weekly = ma.fields.Nested(WeeklySchema, load_default=None, allow_none=True)
    dated = ma.fields.Nested(DatedSchema, load_default=None, allow_none=True)

    @ma.validates_schema
    def _is_one(self, data: dict[str, Any], **_more: object) -> None:
        if (data["weekly"] is None) == (data["dated"] is None):
            raise ma.ValidationError("Give either weekly or dated.", "weekly")

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> SlotDraft:
        when = data["weekly"] or data["dated"]
        return SlotDraft(data["officer_id"], data["role"], data["order"] or 0, when)

    @ma.pre_dump
    def _shown(self, duty: Duty, **_more: object) -> dict[str, Any]:
        return {
            "officer_id": duty.officer_id,
            "role": duty.role,
            "order": duty.order or None,
            "weekly": duty.when if isinstance(duty.when, Weekly) else None,
            "dated": duty.when if isinstance(duty.when, Dated) else None,
        }


class HoleSchema(Schema):
    """A time at which nobody is on duty."""

    since = Moment(data_key="from")
    until = Moment()


class RosterSchema(Schema):
    """A station's whole roster."""

    station_id = ma.fields.UUID(dump_only=True)
    slots = ma.fields.List(
        ma.fields.Nested(SlotSchema),
        required=True,
        attribute="duties",
        validate=ma.validate.Length(0, MAX_SLOTS),
    )


class ReplacedRosterSchema(Schema):
    """A roster as it was put in place, and when it leaves nobody on duty within the next 14 days."""

    station_id = ma.fields.UUID()
    slots = ma.fields.List(ma.fields.Nested(SlotSchema))
    holes = ma.fields.List(ma.fields.Nested(HoleSchema))


class HolesQuerySchema(Schema):
    """From when until when; without them the next 14 days."""

    since = Moment(load_default=None, data_key="from")
    until = Moment(load_default=None)


class HolesSchema(Schema):
    """When nobody is on duty."""

    holes = ma.fields.List(ma.fields.Nested(HoleSchema))


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

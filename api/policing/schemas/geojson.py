"""Areas and places as GeoJSON: here alone coordinates are `[longitude, latitude]`."""

import math
from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from api.kernel.geo import Point
from api.policing.model import Area, Part, Ring

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


def area_field() -> ma.fields.Function:
    """Return the field of an area; whether a station can have it is for `rules.check_station` to say."""
    return ma.fields.Function(
        lambda station: _area_json(station.area), read_area, required=True, metadata=_AREA_JSON
    )


def seat_field() -> ma.fields.Function:
    """Return the field of a place, a GeoJSON Point."""
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

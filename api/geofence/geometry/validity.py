"""Says whether a drawn area can serve as a zone, and if not, what is wrong with it and where.

GeoJSON comes in as it was sent, `[longitude, latitude]`, because a fault must be named at the place where
its author wrote it. Edges are taken as the shortest line between two points, so zones across the
antimeridian or round a pole are zones like any other.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import shapely
from shapely.geometry import LinearRing, MultiPoint, MultiPolygon
from shapely.geometry import Polygon as PlanePolygon
from shapely.geometry.base import BaseGeometry

from api.geofence.model import Circle, Polygon
from api.kernel.errors import Invalid
from api.kernel.geo import Point

MAX_RADIUS_M = 300_000.0
"""Of the circle round the whole zone: the Netherlands fit in 180 km, so more is a slip; proposal."""
TERRITORY_MAX_RADIUS_M = 1_000_000.0
"""The same for a territory: mainland France and Spain fit in 600 km, Sweden in 800; proposal."""
MIN_CIRCLE_M = 10.0
"""A smaller circle is below the error of any fix; proposal."""
MAX_VERTICES = 2_000
"""Of all rings together: a municipality's border has about as many; keeps judging bounded; proposal."""
MIN_AREA_M2 = 1.0
"""Less is a line or a point that somebody meant to draw further; proposal."""
EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (Moritz 2000, GRS 80); a sphere is enough to see crossings and to compare with a size limit."""

Shape = Circle | tuple[Polygon, ...]
_Vector = tuple[float, float, float]
_Path = tuple[int, ...]


class ShapeFault(Invalid):
    """The area cannot serve as a zone.

    Attributes:
        where: Path inside the GeoJSON, such as `coordinates[0][3]`.
        what: What is wrong there, with latitude and longitude when it is a place on the map.
    """

    def __init__(self, where: str, what: str) -> None:
        """Keep both; the caller's answer shows them under the field `shape`."""
        super().__init__("The shape of the zone cannot be used.", {"shape": [f"{where}: {what}"]})
        self.where = where
        self.what = what


def check_shape(geojson: object, max_radius_m: float = MAX_RADIUS_M) -> Shape:
    """Return the shape of a GeoJSON Polygon or MultiPolygon, or of our Circle.

    Rings come back closed and right-handed (outlines counter-clockwise, holes clockwise, RFC 7946
    section 3.1.6); heights are left out; longitudes stay in -180..180. What does not fit into a circle
    of `max_radius_m` is refused.

    Raises:
        ShapeFault: The first fault found, outermost first.
    """
    if not isinstance(geojson, Mapping):
        raise ShapeFault("shape", "must be a GeoJSON object: Polygon, MultiPolygon or Circle")
    kind = geojson.get("type")
    if kind == "Circle":
        return _check_circle(geojson, max_radius_m)
    if kind not in ("Polygon", "MultiPolygon"):
        said = repr(kind)[:40]
        raise ShapeFault("type", f"is {said}; it must be Polygon, MultiPolygon or Circle")
    _check_members(geojson, {"type", "coordinates", "bbox"})
    coordinates = geojson.get("coordinates")
    parts: dict[_Path, list[tuple[Point, ...]]] = {}
    if kind == "Polygon":
        parts[()] = _read_part(coordinates, ())
    else:
        for index, part in enumerate(_read_list(coordinates, (), "is empty: a MultiPolygon needs a part")):
            parts[(index,)] = _read_part(part, (index,))
    _check_count(parts.values())
    return _check_parts(parts, max_radius_m)


def _check_members(geojson: Mapping[str, Any], known: set[str]) -> None:
    for name in geojson:
        if name not in known:
            hint = "; coordinates are always WGS-84" if name == "crs" else ""
            raise ShapeFault(str(name)[:40], f"is not a member of this shape{hint}")


def _check_circle(geojson: Mapping[str, Any], max_radius_m: float) -> Circle:
    _check_members(geojson, {"type", "center", "radius_m"})
    center = _read_point(geojson.get("center"), "center")
    radius_m = _read_number(geojson.get("radius_m"), "radius_m")
    if not MIN_CIRCLE_M <= radius_m <= max_radius_m:
        raise ShapeFault("radius_m", f"is {radius_m:g} m; it must be {MIN_CIRCLE_M:g} to {max_radius_m:g} m")
    return Circle(center, radius_m)


def _path_text(path: _Path) -> str:
    return "coordinates" + "".join(f"[{index}]" for index in path)


def _read_list(value: object, path: _Path, when_empty: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ShapeFault(_path_text(path), "must be a list")
    if not value:
        raise ShapeFault(_path_text(path), when_empty)
    return value


def _read_part(value: object, path: _Path) -> list[tuple[Point, ...]]:
    rings = _read_list(value, path, "is empty: a polygon needs an outline")
    return [_read_ring(ring, (*path, index)) for index, ring in enumerate(rings)]


def _ring_name(path: _Path) -> str:
    return "the outline" if path[-1] == 0 else f"hole {path[-1]}"


def _read_ring(value: object, path: _Path) -> tuple[Point, ...]:
    name = _ring_name(path)
    items = _read_list(value, path, f"{name} is empty")
    points = [_read_point(item, _path_text((*path, index))) for index, item in enumerate(items)]
    if len(points) < 4:
        raise ShapeFault(
            _path_text(path),
            f"{name} has {len(points)} points; a ring needs at least 4, the last like the first",
        )
    if not _is_same_place(points[0], points[-1]):
        raise ShapeFault(
            _path_text(path),
            f"{name} is not closed: it starts at {_place(points[0])} and ends at {_place(points[-1])}",
        )
    points[-1] = points[0]
    for index, (before, after) in enumerate(pairwise(points)):
        if _is_same_place(before, after):
            raise ShapeFault(
                _path_text((*path, index + 1)), f"{name} has the same point twice in a row at {_place(after)}"
            )
    return tuple(points)


def _read_point(value: object, where: str) -> Point:
    if not isinstance(value, list | tuple) or not 2 <= len(value) <= 3:
        raise ShapeFault(where, "must be [longitude, latitude]")
    lon = _read_number(value[0], f"{where}[0]")
    lat = _read_number(value[1], f"{where}[1]")
    if not -90 <= lat <= 90:
        swapped = ": the two look swapped" if abs(lat) <= 180 and abs(lon) <= 90 else ""
        raise ShapeFault(
            where, f"latitude {lat:g} is outside -90..90; GeoJSON is [longitude, latitude]{swapped}"
        )
    if not -180 <= lon <= 180:
        raise ShapeFault(where, f"longitude {lon:g} is outside -180..180; GeoJSON is [longitude, latitude]")
    return Point(lat, lon)


def _read_number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ShapeFault(where, "is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ShapeFault(where, "is not a finite number")
    return number


def _is_same_place(a: Point, b: Point) -> bool:
    return a.lat == b.lat and ((a.lon - b.lon) % 360 == 0 or abs(a.lat) == 90)


def _place(point: Point) -> str:
    return f"lat {point.lat:.6f}, lon {point.lon:.6f}"


def _check_count(parts: Iterable[Sequence[Sequence[Point]]]) -> None:
    count = sum(len(ring) - 1 for part in parts for ring in part)
    if count > MAX_VERTICES:
        raise ShapeFault(
            "coordinates", f"has {count} corners; at most {MAX_VERTICES} are allowed: simplify it"
        )


@dataclass(frozen=True, slots=True)
class _Plane:
    """The gnomonic plane at one place: shortest lines on the sphere are straight in it; metres near `up`."""

    up: _Vector
    east: _Vector
    north: _Vector

    @classmethod
    def around(cls, points: Sequence[Point], max_radius_m: float) -> "_Plane":
        """Put the plane at the middle of the points; raises ShapeFault when they are too far apart."""
        vectors = [_vector(point) for point in points]
        middle = _scaled((sum(v[0] for v in vectors), sum(v[1] for v in vectors), sum(v[2] for v in vectors)))
        reach = math.cos(2 * max_radius_m / EARTH_RADIUS_M)
        if any(_dot(middle, vector) < reach for vector in vectors):
            raise _too_large(max_radius_m)
        at_pole = math.hypot(middle[0], middle[1]) < 1e-9
        east = (0.0, 1.0, 0.0) if at_pole else _scaled((-middle[1], middle[0], 0.0))
        return cls(middle, east, _cross(middle, east))

    def place(self, point: Point) -> tuple[float, float]:
        """Return east and north of the plane's middle, metres."""
        vector = _vector(point)
        scale = EARTH_RADIUS_M / _dot(self.up, vector)
        return scale * _dot(self.east, vector), scale * _dot(self.north, vector)

    def point(self, x: float, y: float) -> Point:
        """Return the place on Earth that `place` puts at (x, y)."""
        axes = zip(self.up, self.east, self.north, strict=True)
        a, b, c = (EARTH_RADIUS_M * up + x * east + y * north for up, east, north in axes)
        return Point(math.degrees(math.atan2(c, math.hypot(a, b))), math.degrees(math.atan2(b, a)))


def _too_large(max_radius_m: float) -> ShapeFault:
    limit_km = max_radius_m / 1000
    return ShapeFault("coordinates", f"is larger than a country: over {limit_km:g} km in radius")


def _vector(point: Point) -> _Vector:
    lat, lon = math.radians(point.lat), math.radians(point.lon)
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def _dot(a: _Vector, b: _Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: _Vector, b: _Vector) -> _Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _scaled(vector: _Vector) -> _Vector:
    length = math.sqrt(_dot(vector, vector)) or 1.0  # points all round the Earth: too large in any plane
    return vector[0] / length, vector[1] / length, vector[2] / length


def _check_parts(
    parts: Mapping[_Path, Sequence[tuple[Point, ...]]], max_radius_m: float
) -> tuple[Polygon, ...]:
    corners = [point for rings in parts.values() for ring in rings for point in ring]
    plane = _Plane.around(corners, max_radius_m)
    if shapely.minimum_bounding_radius(MultiPoint([plane.place(point) for point in corners])) > max_radius_m:
        raise _too_large(max_radius_m)
    drawn = {path: _check_part(rings, path, plane) for path, rings in parts.items()}
    if not MultiPolygon(list(drawn.values())).is_valid:
        raise _fault_between_parts(drawn, plane)
    return tuple(
        Polygon(tuple(_oriented(ring, plane, outline=index == 0) for index, ring in enumerate(rings)))
        for rings in parts.values()
    )


def _oriented(ring: tuple[Point, ...], plane: _Plane, *, outline: bool) -> tuple[Point, ...]:
    is_ccw = LinearRing([plane.place(point) for point in ring]).is_ccw
    return ring if is_ccw == outline else ring[::-1]


def _check_part(rings: Sequence[Sequence[Point]], path: _Path, plane: _Plane) -> PlanePolygon:
    flat = [[plane.place(point) for point in ring] for ring in rings]
    outline, *holes = [_check_ring(ring, (*path, index), plane) for index, ring in enumerate(flat)]
    part = PlanePolygon(flat[0], flat[1:])
    if part.is_valid:
        return part
    for index, hole in enumerate(holes, start=1):
        where = _path_text((*path, index))
        if not outline.covers(hole):
            place = _place_in(hole.difference(outline), plane)
            raise ShapeFault(where, f"hole {index} lies outside its outline at {place}")
        edge = hole.exterior.intersection(outline.exterior)
        if edge.length > 0:
            raise ShapeFault(where, f"hole {index} runs along its outline at {_place_in(edge, plane)}")
    for (first, a), (second, b) in combinations(enumerate(holes, start=1), 2):
        shared = a.intersection(b)
        if shared.length > 0:
            where = _path_text((*path, second))
            raise ShapeFault(where, f"hole {second} crosses hole {first} at {_place_in(shared, plane)}")
    raise ShapeFault(_path_text(path), f"the holes cut the area apart at {_place_said(part, plane)}")


def _check_ring(ring: Sequence[tuple[float, float]], path: _Path, plane: _Plane) -> PlanePolygon:
    alone = PlanePolygon(ring)
    if alone.convex_hull.area < MIN_AREA_M2:
        raise ShapeFault(_path_text(path), f"{_ring_name(path)} encloses no area")
    if not alone.is_valid:
        place = _place_said(alone, plane)
        raise ShapeFault(_path_text(path), f"{_ring_name(path)} crosses or touches itself at {place}")
    return alone


def _fault_between_parts(drawn: Mapping[_Path, PlanePolygon], plane: _Plane) -> ShapeFault:
    pairs = combinations(drawn.items(), 2)
    shares = ((first, second, a.intersection(b)) for (first, a), (second, b) in pairs)
    first, second, shared = max(shares, key=lambda share: share[2].length)
    what = f"overlaps or borders part {first[0]} at {_place_in(shared, plane)}: draw them as one part"
    return ShapeFault(_path_text(second), what)


def _place_in(area: BaseGeometry, plane: _Plane) -> str:
    spot = area.representative_point()
    return _place(plane.point(spot.x, spot.y))


def _place_said(area: BaseGeometry, plane: _Plane) -> str:
    """Return the place that GEOS names in its reason, `Self-intersection[x y]`."""
    _, _, spot = shapely.is_valid_reason(area).partition("[")
    x, y = spot.rstrip("]").split()
    return _place(plane.point(float(x), float(y)))

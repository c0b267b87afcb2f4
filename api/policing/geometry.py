"""Areas of stations on the globe: what cannot be one, what is inside, how far off the nearest edge is.

Places are unit vectors on a sphere, which knows neither antimeridian nor poles; an edge is the shortest line
between its corners there. Two stations that share corners therefore share the edge as well, with
nothing between. On the ellipsoid such a line runs up to a few metres beside the geodesic over 100 km.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import Polygon as PlanePolygon
from shapely.geometry.base import BaseGeometry

from api.kernel.geo import Point
from api.policing.model import MAX_AREA_RADIUS_M, MAX_VERTICES, Area, Part, Ring

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (Moritz 2000, GRS 80)."""
ON_THE_LINE_M = 0.001
"""A millimetre counts as on the line, which is inside: far above the rounding of a double in the plane, far
below the error of any fix; proposal."""
HORIZON = 0.1
"""Cosine beyond which the plane shows nothing (84 degrees); an area reaches 2,000 km, 18 degrees."""
ROUNDING = 1e-9
"""Shorter than this a difference of unit vectors says nothing of their direction."""
MIN_AREA_M2 = 1.0
"""Less is a line or a point that somebody meant to draw further; proposal."""
_PREPARED_MAX = 4_096

_Vectors = npt.NDArray[np.float64]


class AreaFault(Exception):
    """The area cannot be a station's; the message says what is wrong and where on the map."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedArea:
    """An area with its geometry worked out; made by `prepare`.

    Attributes:
        middle: Towards the middle of its corners.
        east, north: Axes of the plane that touches the globe there; shortest lines are straight in it.
        plane: The area in that plane, metres.
        starts, ends: Of its edges.
        area_m2: On the sphere, rounded to whole square metres; parts that overlap count twice.
    """

    middle: _Vectors
    east: _Vectors
    north: _Vectors
    plane: BaseGeometry
    starts: _Vectors
    ends: _Vectors
    area_m2: float

    def contains(self, point: Point) -> bool:
        """Say whether a place is within; one on the edge is."""
        vector = _vectors([point])
        if float(vector[0] @ self.middle) < HORIZON:
            return False
        x, y = _flat(vector, self.middle, self.east, self.north)[0]
        return bool(shapely.dwithin(self.plane, shapely.Point(x, y), ON_THE_LINE_M))

    def nearest(self, point: Point) -> tuple[float, Point]:
        """Return the place on its edges that is nearest, and how far off that is on the sphere, metres."""
        vector = _vectors([point])[0]
        normals = _unit(np.cross(self.starts, self.ends))
        beside = vector - (normals @ vector)[:, None] * normals
        feet = _unit(beside)
        # A foot counts where it lies between the ends of its edge; elsewhere the nearer end does. A quarter
        # of the globe off every place of an edge is as near, and the foot's direction is mere rounding.
        is_foot = np.linalg.norm(beside, axis=1) > ROUNDING
        is_foot &= np.einsum("ij,ij->i", np.cross(normals, self.starts), feet) >= 0.0
        is_foot &= np.einsum("ij,ij->i", np.cross(normals, self.ends), feet) <= 0.0
        places = np.concatenate([feet[is_foot], self.starts])
        chords = np.linalg.norm(places - vector, axis=1)
        best = int(chords.argmin())
        angle = 2.0 * math.asin(min(1.0, float(chords[best]) / 2.0))
        return angle * EARTH_RADIUS_M, _point(places[best])


@lru_cache(maxsize=_PREPARED_MAX)
def prepare(area: Area) -> PreparedArea:
    """Work out the geometry of an area that `check_area` takes; kept for the next time."""
    middle, east, north = _axes(area)
    parts = [_drawn(part, middle, east, north) for part in area]
    plane = shapely.union_all(parts)
    shapely.prepare(plane)
    edges = [edge for part in area for ring in part for edge in pairwise(ring) if edge[0] != edge[1]]
    signed = [[_ring_area_m2(ring, middle) for ring in part] for part in area]
    return PreparedArea(
        middle=middle,
        east=east,
        north=north,
        plane=plane,
        starts=_vectors([start for start, _ in edges]),
        ends=_vectors([end for _, end in edges]),
        area_m2=float(round(sum(outline - sum(holes) for outline, *holes in signed))),
    )


def check_area(area: Area) -> None:
    """Raise AreaFault unless every ring is closed, crosses nothing and the whole is no larger than may be."""
    corners = sum(len(ring) for part in area for ring in part)
    if corners == 0:
        raise AreaFault("has no outline")
    if corners > MAX_VERTICES:
        raise AreaFault(f"has {corners} corners; at most {MAX_VERTICES} are allowed: simplify it")
    for part in area:
        for ring in part:
            _check_ring(ring)
    middle, east, north = _axes(area)
    reach = math.cos(MAX_AREA_RADIUS_M / EARTH_RADIUS_M)
    for point in (point for part in area for ring in part for point in ring):
        if float(_vectors([point])[0] @ middle) < reach:
            limit_km = MAX_AREA_RADIUS_M / 1000
            raise AreaFault(f"is larger than {limit_km:g} km in radius: {_said(point)} is too far off")
    for part in area:
        drawn = _drawn(part, middle, east, north)
        if not drawn.is_valid:
            raise AreaFault(_reason(drawn, middle, east, north))
        if drawn.area < MIN_AREA_M2:
            raise AreaFault(f"encloses nothing at {_said(part[0][0])}")


def _check_ring(ring: Ring) -> None:
    if len(ring) < 4:
        raise AreaFault(f"a ring has {len(ring)} points; it needs at least 4, the last like the first")
    if ring[0] != ring[-1]:
        raise AreaFault(f"a ring is not closed: it starts at {_said(ring[0])} and ends at {_said(ring[-1])}")


def _reason(drawn: PlanePolygon, middle: _Vectors, east: _Vectors, north: _Vectors) -> str:
    """Return what GEOS says is wrong (`Self-intersection[x y]`), with the place on the map."""
    what, _, spot = shapely.is_valid_reason(drawn).partition("[")
    x, y = (float(number) for number in spot.rstrip("]").split())
    place = _point(EARTH_RADIUS_M * middle + x * east + y * north)
    return f"is not one simple area ({what.lower()}) at {_said(place)}"


def _said(point: Point) -> str:
    return f"lat {point.lat:.6f}, lon {point.lon:.6f}"


def _vectors(points: Sequence[Point]) -> _Vectors:
    """Return unit vectors: x to lat 0 lon 0, z to the north pole."""
    lat, lon = np.radians(np.array(points, dtype=np.float64)).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _unit(vectors: _Vectors) -> _Vectors:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length == 0.0, 1.0, length)


def _point(vector: _Vectors) -> Point:
    x, y, z = (float(number) for number in vector)
    return Point(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))


def _axes(area: Area) -> tuple[_Vectors, _Vectors, _Vectors]:
    """Return the middle of the corners and, there, east and north; at a pole any two directions will do."""
    middle = _unit(_vectors([point for part in area for ring in part for point in ring]).sum(axis=0))
    at_pole = math.hypot(float(middle[0]), float(middle[1])) < ROUNDING
    east = np.array([0.0, 1.0, 0.0]) if at_pole else _unit(np.array([-middle[1], middle[0], 0.0]))
    return middle, east, np.cross(middle, east)


def _flat(vectors: _Vectors, middle: _Vectors, east: _Vectors, north: _Vectors) -> _Vectors:
    """Return metres in the gnomonic plane at `middle`, of places on its side of the globe."""
    scale = EARTH_RADIUS_M / (vectors @ middle)
    return np.stack([scale * (vectors @ east), scale * (vectors @ north)], axis=1)


def _drawn(part: Part, middle: _Vectors, east: _Vectors, north: _Vectors) -> PlanePolygon:
    outline, *holes = [_flat(_vectors(ring), middle, east, north) for ring in part]
    return PlanePolygon(outline, holes)


def _ring_area_m2(ring: Ring, middle: _Vectors) -> float:
    """Return the area of a ring on the sphere: the sum of the triangles of `middle` and each edge."""
    corners = _vectors(ring)
    a, b = corners[:-1], corners[1:]
    volume = np.cross(a, b) @ middle
    cosines = 1.0 + a @ middle + b @ middle + np.einsum("ij,ij->i", a, b)
    return abs(float(2.0 * np.arctan2(volume, cosines).sum())) * EARTH_RADIUS_M**2

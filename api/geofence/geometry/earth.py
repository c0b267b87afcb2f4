"""Places as Earth-centred metres, and distances between them that agree with the geodesic.

One conversion per fix (`ecef`), then every distance is a few multiplications, with no special case at
the antimeridian or the poles (field/geofencing.md section 8). Areas are in `prepared`.
"""

import math

from api.kernel import geo
from api.kernel.geo import Point

Xyz = tuple[float, float, float]
"""WGS-84 Earth-centred, Earth-fixed metres at height 0: x to lat 0 lon 0, z to the north pole."""

AXIS_M = 6378137.0
"""WGS-84 semi-major axis (NGA.STND.0036)."""
FLATTENING = 1.0 / 298.257223563
"""WGS-84 flattening (NGA.STND.0036)."""
ECCENTRICITY2 = FLATTENING * (2.0 - FLATTENING)
MEAN_RADIUS_M = 6371008.8
"""Mean of the axes (2a + b) / 3 (IUGG); the radius of curvature is within 0.6 % of it everywhere."""
ARC = 1.0 / (24.0 * MEAN_RADIUS_M**2)
"""An arc is longer than its chord c by c^3 * ARC: 1 mm at 10 km, 1 m at 100 km."""
CHORD_MAX_M = 100_000.0
"""Longer chords are not corrected but measured as geodesics: here the correction is off by 1.3 cm."""
EXACT_BAND_M = 0.02
"""Nearer than this to a threshold the geodesic decides; wider than every error of `distance_m`."""
ON_THE_LINE_M = 1e-6
"""A micrometre counts as on the line: doubles of this size round to 1e-9 m."""

_AXIS2 = AXIS_M**2
_POLAR2 = (AXIS_M * (1.0 - FLATTENING)) ** 2


def ecef(point: Point) -> Xyz:
    """Return the place in Earth-centred metres, at height 0."""
    lat, lon = point
    phi = math.radians(lat)
    lam = math.radians(lon)
    sine = math.sin(phi)
    normal = AXIS_M / math.sqrt(1.0 - ECCENTRICITY2 * sine * sine)
    across = normal * math.cos(phi)
    return (across * math.cos(lam), across * math.sin(lam), normal * (1.0 - ECCENTRICITY2) * sine)


def point_of(xyz: Xyz) -> Point:
    """Return the place of Earth-centred metres that lie on the ellipsoid (exact there, height ignored)."""
    x, y, z = xyz
    lat = math.atan2(z, (1.0 - ECCENTRICITY2) * math.hypot(x, y))
    return Point(math.degrees(lat), math.degrees(math.atan2(y, x)))


def surface(xyz: Xyz) -> Xyz:
    """Return where the line from the Earth's centre through `xyz` meets the ellipsoid."""
    x, y, z = xyz
    scale = 1.0 / math.sqrt((x * x + y * y) / _AXIS2 + z * z / _POLAR2)
    return (x * scale, y * scale, z * scale)


def chord_m(a: Xyz, b: Xyz) -> float:
    """Return the straight distance through the Earth: never more than the geodesic, so safe to reject by."""
    dx = a[0] - b[0]
    dy = a[1] - b[1]
    dz = a[2] - b[2]
    return math.sqrt(dx * dx + dy * dy + dz * dz)


def distance_m(a: Xyz, b: Xyz) -> float:
    """Return the distance along the ellipsoid: within 0.1 mm of the geodesic to 20 km, 1.3 cm to 100 km.

    Beyond that it is the geodesic itself, a hundred times slower.
    """
    chord = chord_m(a, b)
    if chord > CHORD_MAX_M:
        return geo.distance_m(point_of(a), point_of(b))
    return chord + chord * chord * chord * ARC


def distance_against_m(a: Xyz, b: Xyz, first_m: float, second_m: float) -> float:
    """Return `distance_m`, but the geodesic itself when that is within 2 cm of either threshold."""
    distance = distance_m(a, b)
    if abs(distance - first_m) < EXACT_BAND_M or abs(distance - second_m) < EXACT_BAND_M:
        return geo.distance_m(point_of(a), point_of(b))
    return distance


def beyond_m(distance: float, threshold_m: float) -> float:
    """Return how far `distance` is beyond the threshold, exactly 0 on it and negative nearer."""
    beyond = distance - threshold_m
    return 0.0 if -ON_THE_LINE_M < beyond < ON_THE_LINE_M else beyond


def between(start: Xyz, end: Xyz, fraction: float) -> Xyz:
    """Return the point on the straight line at `fraction` 0..1 of the way, a little under the surface."""
    return (
        start[0] + (end[0] - start[0]) * fraction,
        start[1] + (end[1] - start[1]) * fraction,
        start[2] + (end[2] - start[2]) * fraction,
    )


def closest_approach(a0: Xyz, a1: Xyz, b0: Xyz, b1: Xyz) -> tuple[float, float]:
    """Return the least distance of two who move evenly from a0 to a1 and from b0 to b1 in the same time.

    Both go along straight lines, whose middle dives under the surface by L^2 / 8R: 8 cm for 2 km, 8.6 m for
    the 21 km that the longest believed path can have (`Limits.segment_max_s` at `max_speed_m_s`). So
    the instant is that of the straight lines, and the distance is taken between the places above it.

    Returns:
        The distance in metres and the fraction 0..1 of the time at which it happens.
    """
    x = a0[0] - b0[0]
    y = a0[1] - b0[1]
    z = a0[2] - b0[2]
    vx = a1[0] - b1[0] - x
    vy = a1[1] - b1[1] - y
    vz = a1[2] - b1[2] - z
    speed2 = vx * vx + vy * vy + vz * vz
    fraction = 0.0
    if speed2 > 0.0:
        fraction = min(1.0, max(0.0, -(x * vx + y * vy + z * vz) / speed2))
    nearest_a = surface(between(a0, a1, fraction))
    nearest_b = surface(between(b0, b1, fraction))
    return distance_m(nearest_a, nearest_b), fraction


def frame(center: Xyz) -> tuple[Xyz, Xyz, Xyz]:
    """Return the unit vectors east, north and up at a place; at a pole east is towards 90 degrees east."""
    x, y, z = center
    up_x, up_y, up_z = x / _AXIS2, y / _AXIS2, z / _POLAR2
    length = math.sqrt(up_x * up_x + up_y * up_y + up_z * up_z)
    up = (up_x / length, up_y / length, up_z / length)
    across = math.hypot(x, y)
    east = (-y / across, x / across, 0.0) if across > ON_THE_LINE_M else (0.0, 1.0, 0.0)
    north = (
        up[1] * east[2] - up[2] * east[1],
        up[2] * east[0] - up[0] * east[2],
        up[0] * east[1] - up[1] * east[0],
    )
    return east, north, up

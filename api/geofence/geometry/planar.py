"""Areas up to 20 km, measured in the tangent plane of their middle: two products per fix."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.geofence.geometry.earth import Xyz, beyond_m, frame
from api.geofence.geometry.outline import Outline, outline_of


@dataclass(frozen=True, slots=True)
class PlanarArea:
    """An outline in metres east and north of `center`; made by `planar_area`.

    A place 20 km from the centre is drawn 3 cm too near, one at 1.5 km 0.01 mm. Geodesic edges are straight
    in this plane to the same order.
    """

    center: Xyz
    east: Xyz
    north: Xyz
    outline: Outline

    def signed_distance_m(self, xyz: Xyz, reach_m: float) -> float:
        """Return the distance to the nearest edge, negative inside; a bound when that is beyond reach."""
        x, y = _flat(xyz, self.center, self.east, self.north)
        # A metre more than reach, so that what is not found is told as farther than reach.
        distance = beyond_m(self.outline.edge_distance(x, y, reach_m + 1.0), 0.0)
        return -distance if self.outline.contains(x, y) else distance

    def segment_touches(self, start: Xyz, end: Xyz) -> bool:
        """Return whether the way from start to end meets the area."""
        x0, y0 = _flat(start, self.center, self.east, self.north)
        x1, y1 = _flat(end, self.center, self.east, self.north)
        return self.outline.contains(x0, y0) or self.outline.crosses(x0, y0, x1, y1)


def planar_area(center: Xyz, parts: Sequence[Sequence[Sequence[Xyz]]]) -> PlanarArea:
    """Prepare closed rings of places not farther than 20 km from `center`."""
    east, north, _ = frame(center)
    flat = [[[_flat(xyz, center, east, north) for xyz in ring] for ring in part] for part in parts]
    return PlanarArea(center, east, north, outline_of(flat))


def _flat(xyz: Xyz, center: Xyz, east: Xyz, north: Xyz) -> tuple[float, float]:
    """Return the metres east and north of the centre."""
    x, y, z = xyz[0] - center[0], xyz[1] - center[1], xyz[2] - center[2]
    return (
        x * east[0] + y * east[1] + z * east[2],
        x * north[0] + y * north[1] + z * north[2],
    )

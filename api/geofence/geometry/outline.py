"""The edges of an area in a flat map: what is inside, how near the edge is, what crosses it."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.geofence.geometry.earth import ON_THE_LINE_M

Xy = tuple[float, float]
Ring = Sequence[Xy]
Crossing = tuple[float, float, float, float]
"""(x and y of the start, y of the end, dx/dy) of an edge that is not level."""
Edge = tuple[float, float, float, float, float]
"""(x and y of the start, x and y to the end, 1 / length^2)."""
Box = tuple[float, float, float, float, tuple[Edge, ...]]
"""(least x, least y, greatest x, greatest y) of some edges in a row, and those."""

EDGES_PER_BOX = 16
"""Edges skipped together when their box is too far: measured, 8 to 32 are alike."""
EDGES_PER_SLAB = 4
"""Level strips are made for about this many edges each, so that inside-or-not looks at a few only."""
SLABS_MAX = 512
"""Bounds the memory of an outline with tens of thousands of points."""


def edges_of(points: Sequence[Xy]) -> Iterator[tuple[Xy, Xy]]:
    """Yield each edge of a closed ring that has a length."""
    return ((a, b) for a, b in itertools.pairwise(points) if a != b)


@dataclass(frozen=True, slots=True)
class Outline:
    """Parts (a union) of rings (outline and holes), made by `outline_of`; x and y in any flat map."""

    x_lo: float
    y_lo: float
    x_hi: float
    y_hi: float
    slabs_per_y: float
    slabs: tuple[tuple[tuple[Crossing, ...], ...], ...]
    boxes: tuple[Box, ...]

    def contains(self, x: float, y: float) -> bool:
        """Return whether a place is inside; one on the line may come out either way, so ask the distance."""
        if not (self.x_lo <= x <= self.x_hi and self.y_lo <= y <= self.y_hi):
            return False
        for part in self.slabs[int((y - self.y_lo) * self.slabs_per_y)]:
            inside = False
            for start_x, start_y, end_y, slope in part:
                if (start_y > y) != (end_y > y) and x < start_x + (y - start_y) * slope:
                    inside = not inside
            if inside:
                return True
        return False

    def edge_distance(self, x: float, y: float, reach: float) -> float:
        """Return the distance to the nearest edge, >= 0; `reach` when none is nearer."""
        best = reach * reach
        for x_lo, y_lo, x_hi, y_hi, edges in self.boxes:
            dx = x_lo - x if x < x_lo else x - x_hi if x > x_hi else 0.0
            dy = y_lo - y if y < y_lo else y - y_hi if y > y_hi else 0.0
            if dx * dx + dy * dy >= best:
                continue
            for start_x, start_y, to_x, to_y, per_length2 in edges:
                px = x - start_x
                py = y - start_y
                along = (px * to_x + py * to_y) * per_length2
                if along >= 1.0:
                    px -= to_x
                    py -= to_y
                elif along > 0.0:
                    px -= along * to_x
                    py -= along * to_y
                squared = px * px + py * py
                best = min(best, squared)
        return math.sqrt(best)

    def crosses(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Return whether the straight line between two places meets an edge; touching is meeting."""
        x_min, x_max = (x0, x1) if x0 < x1 else (x1, x0)
        y_min, y_max = (y0, y1) if y0 < y1 else (y1, y0)
        dx = x1 - x0
        dy = y1 - y0
        # A way through the very corner of two edges must not slip between their roundings.
        margin = ON_THE_LINE_M * (abs(dx) + abs(dy))
        for x_lo, y_lo, x_hi, y_hi, edges in self.boxes:
            if x_max < x_lo or x_min > x_hi or y_max < y_lo or y_min > y_hi:
                continue
            for start_x, start_y, to_x, to_y, _ in edges:
                px = x0 - start_x
                py = y0 - start_y
                side0 = to_x * py - to_y * px
                side1 = to_x * (py + dy) - to_y * (px + dx)
                start_side = dy * px - dx * py
                end_side = start_side + dx * to_y - dy * to_x
                if (
                    side0 * side1 <= 0.0
                    and side0 != side1
                    and min(start_side, end_side) <= margin
                    and max(start_side, end_side) >= -margin
                ):
                    return True
        return False


def _slabs(
    parts: Sequence[Sequence[Ring]], y_lo: float, y_hi: float
) -> tuple[float, tuple[tuple[tuple[Crossing, ...], ...], ...]]:
    """Return slabs per unit of y, and for each slab the edges of each part that reach into it."""
    count = sum(len(ring) - 1 for part in parts for ring in part)
    slabs = min(SLABS_MAX, max(1, count // EDGES_PER_SLAB))
    per_y = slabs / (y_hi - y_lo) if y_hi > y_lo else 0.0
    table: list[list[list[Crossing]]] = [[[] for _ in parts] for _ in range(slabs + 1)]
    for number, part in enumerate(parts):
        for ring in part:
            for (ax, ay), (bx, by) in edges_of(ring):
                if ay == by:
                    continue
                # From the lower end, so that two neighbours put the edge they share at the same x.
                if ay > by:
                    ax, ay, bx, by = bx, by, ax, ay  # noqa: PLW2901 - the same edge, the other way round
                crossing = (ax, ay, by, (bx - ax) / (by - ay))
                first, last = sorted((int((ay - y_lo) * per_y), int((by - y_lo) * per_y)))
                for slab in range(first, last + 1):
                    table[slab][number].append(crossing)
    return per_y, tuple(tuple(tuple(edges) for edges in slab if edges) for slab in table)


def _key(point: Xy) -> Xy:
    """Round to the micrometre: the same corner of two neighbours may differ by a rounding error."""
    return (round(point[0], 6), round(point[1], 6))


def _is_clockwise(ring: Ring) -> bool:
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in itertools.pairwise(ring)) < 0.0


def wound(part: Sequence[Ring]) -> list[Ring]:
    """Return the part's rings with the inside on the left: the outline anticlockwise, holes clockwise."""
    return [ring[::-1] if _is_clockwise(ring) == (number == 0) else ring for number, ring in enumerate(part)]


def true_edges(parts: Sequence[Sequence[Ring]]) -> Iterator[list[tuple[Xy, Xy]]]:
    """Yield for each ring its edges that have the outside on one side.

    GeoJSON cuts an area in two at the antimeridian (RFC 7946 section 3.1.9) and draws a line from a polar
    cap to the pole and back: such a cut has the inside on both sides, so it runs in both directions
    once the rings are wound alike. Two parts that are drawn twice run alike and stay.
    """
    rings = [ring for part in parts for ring in wound(part)]
    keys = {(_key(a), _key(b)) for ring in rings for a, b in edges_of(ring)}
    for ring in rings:
        yield [(a, b) for a, b in edges_of(ring) if (_key(b), _key(a)) not in keys]


def outline_of(parts: Sequence[Sequence[Ring]]) -> Outline:
    """Prepare closed rings, the first of each part its outline and the others its holes."""
    points = [point for part in parts for ring in part for point in ring]
    x_lo, x_hi = min(x for x, _ in points), max(x for x, _ in points)
    y_lo, y_hi = min(y for _, y in points), max(y for _, y in points)
    per_y, slabs = _slabs(parts, y_lo, y_hi)
    boxes = tuple(
        _box(edges[first : first + EDGES_PER_BOX])
        for edges in true_edges(parts)
        for first in range(0, len(edges), EDGES_PER_BOX)
    )
    return Outline(x_lo, y_lo, x_hi, y_hi, per_y, slabs, boxes)


def _box(pairs: Sequence[tuple[Xy, Xy]]) -> Box:
    xs = [x for pair in pairs for x, _ in pair]
    ys = [y for pair in pairs for _, y in pair]
    edges = tuple(
        (ax, ay, bx - ax, by - ay, 1.0 / ((bx - ax) ** 2 + (by - ay) ** 2)) for (ax, ay), (bx, by) in pairs
    )
    return (min(xs), min(ys), max(xs), max(ys), edges)

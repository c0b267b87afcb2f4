"""Fewer points for a drawing of a long track or curve; the data itself is never thinned."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

Thing = TypeVar("Thing")


def pieces(things: Sequence[Thing], when: Callable[[Thing], datetime], longest_s: float) -> list[list[Thing]]:
    """Return the things in pieces, oldest first, broken where more than `longest_s` lies between two."""
    found: list[list[Thing]] = []
    for thing in sorted(things, key=when):
        if found and (when(thing) - when(found[-1][-1])).total_seconds() <= longest_s:
            found[-1].append(thing)
        else:
            found.append([thing])
    return found


def apart(points: Sequence[tuple[float, float]], least: float) -> list[int]:
    """Return which points to draw: the first, the last, and each that is `least` away from the one before."""
    kept: list[int] = []
    for number, (x, y) in enumerate(points):
        if kept and number < len(points) - 1:
            last_x, last_y = points[kept[-1]]
            if abs(x - last_x) < least and abs(y - last_y) < least:
                continue
        kept.append(number)
    return kept


def every(things: Sequence[Thing], most: int) -> list[Thing]:
    """Return at most `most` of the things, evenly chosen, the first included."""
    step = -(-len(things) // most)
    return list(things[::step]) if things else []


def lowest(points: Sequence[tuple[float, float, float]], width: float) -> list[tuple[float, float, float]]:
    """Return of each stretch of `width` in x its lowest point: the nearest approach is never thinned away."""
    kept: list[tuple[float, float, float]] = []
    for point in points:
        if kept and point[0] // width == kept[-1][0] // width:
            if point[1] < kept[-1][1]:
                kept[-1] = point
        else:
            kept.append(point)
    return kept

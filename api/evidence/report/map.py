"""Where it happened, drawn from the data alone: no map of anybody else is asked, and none would be exact."""

from collections.abc import Iterator, Sequence

import msgspec
from shapely import MultiPolygon, Polygon

from api.alerts.model import EventKind
from api.evidence.model.material import Material, Place, Track
from api.evidence.report.canvas import BREACH, GREY, HERS, HIS, INK, MARGIN_MM, WARNING, WIDTH_MM, Canvas
from api.evidence.report.text import plain
from api.evidence.rules.shapes import Plane, outlines
from api.evidence.rules.thinning import apart, every, pieces
from api.geofence.model import ExclusionZone
from api.kernel.geo import Point
from api.orders.model import Party

LEAST_M = 200.0
"""A map is at least so wide: nearer, the accuracy of positions would be all there is to see."""
MOST_DISCS = 150
LEAST_MM = 0.4
"""Points nearer to each other on paper cannot be told apart."""
LONGEST_LINE_S = 300.0
_SCALES_M = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
_Pair = tuple[float, float]


class Frame(msgspec.Struct, frozen=True):
    """A rectangle on paper and the metres that it shows: `scale` is millimetres per metre."""

    left: float
    top: float
    width: float
    height: float
    center: _Pair
    scale: float

    def at(self, metres: _Pair) -> _Pair:
        """Return where on paper a place in the plane is."""
        x = self.left + self.width / 2 + (metres[0] - self.center[0]) * self.scale
        return x, self.top + self.height / 2 - (metres[1] - self.center[1]) * self.scale

    def holds(self, metres: _Pair) -> bool:
        """Say whether a place is on the map."""
        x, y = self.at(metres)
        return self.left <= x <= self.left + self.width and self.top <= y <= self.top + self.height


class Map:
    """One alert's places in one plane."""

    def __init__(self, canvas: Canvas, material: Material) -> None:
        """Take the plane at the first place that an event names, or the first position."""
        self._canvas, self._material = canvas, material
        self._told = list(_places_of_events(material, frozenset()))
        # What a camera saw may be far from what happened: it is drawn, and the map is not made for it.
        near = list(_places_of_events(material, frozenset({EventKind.EXTERNAL_SIGHTING}))) or self._told
        self._center_of_matter = [point for _his, point in near]
        tracks = [place.point for track in material.tracks for place in track.places]
        center = next(iter(self._center_of_matter or tracks), None)
        self._plane = Plane(center) if center else None

    def draw(self, height_mm: float, *, is_whole: bool) -> bool:
        """Draw where the events were, or (`is_whole`) everything; False when there is nothing to draw."""
        if self._plane is None:
            return False
        canvas = self._canvas
        canvas.room_for(height_mm + 12)
        frame = self._frame(canvas.get_y() + 1, height_mm, is_whole=is_whole)
        canvas.set_fill_color(252, 252, 253)
        canvas.set_draw_color(*GREY)
        canvas.set_line_width(0.2)
        canvas.rect(frame.left, frame.top, frame.width, frame.height, style="DF")
        with canvas.rect_clip(frame.left, frame.top, frame.width, frame.height):
            for version in self._material.zones:
                self._zone(frame, version.zone)
            for track in self._material.tracks:
                self._discs(frame, track)
            for track in self._material.tracks:
                self._track(frame, track)
            self._events(frame)
        _furniture(canvas, frame)
        canvas.set_y(frame.top + frame.height + 2)
        return True

    def needs_whole(self) -> bool:
        """Say whether much of the tracks lies outside of the map of the events."""
        if self._plane is None or not self._told:
            return False
        frame = self._frame(0.0, 100.0, is_whole=False)
        return any(not frame.holds(self._metres(place.point)) for place in self._every_place())

    def _every_place(self) -> Iterator[Place]:
        return (place for track in self._material.tracks for place in track.places)

    def _metres(self, point: Point) -> _Pair:
        return self._plane.metres(point) if self._plane else (0.0, 0.0)

    def _frame(self, top: float, height: float, *, is_whole: bool) -> Frame:
        points = [self._metres(point) for point in self._center_of_matter]
        if is_whole or not points:
            points += [self._metres(place.point) for place in self._every_place()]
        xs, ys = [x for x, _y in points], [y for _x, y in points]
        wide, high = max(max(xs) - min(xs), LEAST_M) * 1.35, max(max(ys) - min(ys), LEAST_M) * 1.35
        center = ((max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2)
        return Frame(MARGIN_MM, top, WIDTH_MM, height, center, min(WIDTH_MM / wide, height / high))

    def _zone(self, frame: Frame, zone: ExclusionZone) -> None:
        canvas = self._canvas
        shape = MultiPolygon(
            [
                Polygon(rings[0], rings[1:])
                for rings in ([[self._metres(p) for p in ring] for ring in part] for part in outlines(zone))
            ]
        )
        canvas.set_line_width(0.3)
        if zone.buffer_m > 0:
            canvas.set_draw_color(*WARNING)
            canvas.set_dash_pattern(1.6, 1.2)
            self._outline(frame, shape.buffer(zone.buffer_m))
            canvas.set_dash_pattern()
        canvas.set_draw_color(*BREACH)
        canvas.set_line_width(0.45)
        self._outline(frame, shape)
        x, y = frame.at((shape.centroid.x, shape.bounds[1]))
        canvas.set_font("helvetica", "", 7)
        canvas.set_text_color(*BREACH)
        canvas.text(x, y - 1, plain(zone.name[:40]))

    def _outline(self, frame: Frame, shape: object) -> None:
        for part in getattr(shape, "geoms", [shape]):
            for ring in (part.exterior, *part.interiors):
                self._canvas.polyline([frame.at((x, y)) for x, y in ring.coords], polygon=True)

    def _discs(self, frame: Frame, track: Track) -> None:
        canvas = self._canvas
        canvas.set_fill_color(*_colour(track))
        shown = [place for place in track.places if frame.holds(self._metres(place.point))]
        with canvas.local_context(fill_opacity=0.10):
            for place in every(shown, MOST_DISCS):
                if place.accuracy_m is not None:
                    x, y = frame.at(self._metres(place.point))
                    canvas.circle(x, y, place.accuracy_m * frame.scale, style="F")

    def _track(self, frame: Frame, track: Track) -> None:
        canvas = self._canvas
        canvas.set_draw_color(*_colour(track))
        canvas.set_fill_color(*_colour(track))
        canvas.set_line_width(0.4)
        is_his = track.carrier.party is Party.WEARER
        for part in pieces(track.places, lambda place: place.fixed_at, LONGEST_LINE_S):
            points = [frame.at(self._metres(place.point)) for place in part]
            shown = [points[number] for number in apart(points, LEAST_MM)]
            if not is_his:
                canvas.set_dash_pattern(1.1, 0.8)
            if len(shown) > 1:
                canvas.polyline(shown)
            canvas.set_dash_pattern()
            for x, y in every(shown, MOST_DISCS):
                _mark(canvas, x, y, 0.5, is_his=is_his)

    def _events(self, frame: Frame) -> None:
        canvas = self._canvas
        canvas.set_draw_color(*INK)
        canvas.set_line_width(0.3)
        points = [(*frame.at(self._metres(point)), is_his) for is_his, point in self._told]
        for is_his in (False, True):
            mine = [(x, y) for x, y, his in points if his is is_his]
            canvas.set_fill_color(*(HIS if is_his else HERS))
            for number in apart(mine, LEAST_MM):
                _mark(canvas, *mine[number], 1.1, is_his=is_his, style="DF")


def _places_of_events(material: Material, without: frozenset[str]) -> Iterator[tuple[bool, Point]]:
    for entry in material.entries:
        if entry.event is None or entry.event["kind"] in without:
            continue
        for side in ("wearer", "protected"):
            seen = entry.event.get(side)
            if seen:
                yield side == "wearer", Point(**seen["point"])


def _colour(track: Track) -> tuple[int, int, int]:
    return HIS if track.carrier.party is Party.WEARER else HERS


def _mark(canvas: Canvas, x: float, y: float, size: float, *, is_his: bool, style: str = "F") -> None:
    """Draw his places as triangles and hers as circles: they differ without colours too."""
    if is_his:
        canvas.polygon([(x - size, y + size * 0.8), (x + size, y + size * 0.8), (x, y - size)], style=style)
    else:
        canvas.circle(x, y, size, style=style)


def _furniture(canvas: Canvas, frame: Frame) -> None:
    """Draw the scale and the arrow to the north."""
    metres = max((one for one in _SCALES_M if one * frame.scale <= 45), default=_SCALES_M[0])
    right, y = frame.left + frame.width - 6, frame.top + frame.height - 6
    left = right - metres * frame.scale
    canvas.set_draw_color(*INK)
    canvas.set_text_color(*INK)
    canvas.set_line_width(0.5)
    canvas.line(left, y, right, y)
    for x in (left, right):
        canvas.line(x, y - 1, x, y + 1)
    canvas.set_font("helvetica", "", 7.5)
    words = f"{metres:,} m" if metres < 1000 else f"{metres // 1000:,} km"
    canvas.set_xy(left - 20, y - 5)
    canvas.cell(right - left + 40, 4, words, align="C")
    x, top = frame.left + frame.width - 9, frame.top + 5
    canvas.set_fill_color(*INK)
    canvas.polygon([(x, top), (x - 1.8, top + 6), (x, top + 4.6), (x + 1.8, top + 6)], style="F")
    canvas.set_font("helvetica", "B", 8)
    canvas.set_xy(x - 4, top + 6)
    canvas.cell(8, 4, "N", align="C")


def legend(canvas: Canvas, *, has_hers: bool, has_zones: bool) -> None:
    """Write what the marks of a map mean."""
    canvas.set_font("helvetica", "", 8)
    canvas.set_text_color(*GREY)
    x, y = MARGIN_MM + 1, canvas.get_y() + 2.2
    entries: Sequence[tuple[str, bool | None]] = [("the wearer", True)]
    if has_hers:
        entries = [*entries, ("the protected person", False)]
    for words, is_his in entries:
        canvas.set_fill_color(*(HIS if is_his else HERS))
        _mark(canvas, x + 1, y - 0.9, 1.0, is_his=bool(is_his))
        canvas.text(x + 3.4, y, words)
        x += 8 + canvas.get_string_width(words)
    canvas.text(x, y, "outlined: places of events   pale disc: accuracy by the device's own word")
    if has_zones:
        canvas.set_draw_color(*BREACH)
        canvas.line(MARGIN_MM, y + 3.2, MARGIN_MM + 5, y + 3.2)
        canvas.text(MARGIN_MM + 6.4, y + 4.1, "edge of a zone; dashed: its warning ring")
    canvas.set_y(y + (6 if has_zones else 2.5))

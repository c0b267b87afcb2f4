"""The distance between two people over time, with what the court allows; gaps stay gaps."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from api.evidence.model.material import Distance, Material
from api.evidence.report.canvas import BREACH, GREY, HERS, INK, MARGIN_MM, WARNING, WIDTH_MM, Canvas
from api.evidence.report.text import moment
from api.evidence.rules.thinning import lowest, pieces

HEIGHT_MM, LEFT_MM = 62.0, 15.0
LONGEST_GAP_S = 300.0
"""Between two distances that are farther apart in time no line is drawn (`Limits.segment_max_s`)."""
AROUND = timedelta(minutes=10)
_STEPS = (1, 2, 5)
_TICKS_S = (60, 300, 600, 900, 1800, 3600, 7200, 14400)


class _Scale:
    """Where a moment and a distance are on the paper."""

    def __init__(self, top: float, begin: datetime, end: datetime, most_m: float) -> None:
        self.top, self.bottom = top, top + HEIGHT_MM
        self.left, self.right = MARGIN_MM + LEFT_MM, MARGIN_MM + WIDTH_MM
        self.begin, self.end, self.most_m = begin, end, most_m
        self._span_s = max((end - begin).total_seconds(), 1.0)

    def x(self, at: datetime) -> float:
        return self.left + (at - self.begin).total_seconds() / self._span_s * (self.right - self.left)

    def y(self, metres: float) -> float:
        return self.bottom - min(max(metres, 0.0), self.most_m * 1.5) / self.most_m * HEIGHT_MM


def draw_distances(canvas: Canvas, material: Material, person_id: UUID) -> None:
    """Draw the curve of one protected person with the distances that the order names."""
    distances = [one for one in material.distances if one.person_id == person_id]
    order = material.orders[-1].order
    canvas.room_for(HEIGHT_MM + 26)
    # some of what came before and after, so that a gap is seen to be one
    begin = max(material.window.begin, distances[0].at - AROUND)
    end = max(distances[-1].at, min(material.window.end, distances[-1].at + AROUND))
    most_m = _most(distances, order.warning_radius_m)
    scale = _Scale(canvas.get_y() + 2, begin, end, most_m)
    _grid(canvas, scale)
    parts = pieces(distances, lambda one: one.at, LONGEST_GAP_S)
    with canvas.rect_clip(scale.left, scale.top, scale.right - scale.left, HEIGHT_MM):
        _gaps(canvas, scale, parts)
        for part in parts:
            _curve(canvas, scale, part)
    canvas.set_draw_color(*GREY)
    canvas.set_line_width(0.15)
    canvas.rect(scale.left, scale.top, scale.right - scale.left, HEIGHT_MM)
    for metres, words, colour in (
        (order.alert_radius_m, "alert distance", BREACH),
        (order.warning_radius_m, "warning distance", WARNING),
    ):
        _line(canvas, scale, metres, f"{words} {metres:,.0f} m", colour)
    _events(canvas, scale, material)
    canvas.set_y(scale.bottom + 9)
    canvas.paragraph(
        "Line: distance between the two last positions. Band: the accuracies of both added to it and taken "
        "from it. Shaded in grey: no distance is known. Ticks at the foot: events. What is more than "
        f"{most_m:,.0f} m lies above the drawing.",
        size=8,
        colour=GREY,
    )


def _most(distances: Sequence[Distance], warning_m: float) -> float:
    farthest = max(one.distance_m + one.doubt_m for one in distances)
    return _round_up(max(min(farthest, 3.0 * warning_m), 1.3 * warning_m))


def _round_up(metres: float) -> float:
    power = 1.0
    while True:
        for step in (1, 1.5, 2, 3, 5, 8):
            if power * step >= metres:
                return power * step
        power *= 10


def _grid(canvas: Canvas, scale: _Scale) -> None:
    canvas.set_draw_color(*GREY)
    canvas.set_line_width(0.15)
    canvas.set_font("helvetica", "", 7.5)
    canvas.set_text_color(*GREY)
    step = next(one * 10**n for n in range(1, 7) for one in _STEPS if scale.most_m / (one * 10**n) <= 6)
    for number in range(int(scale.most_m // step) + 1):
        y = scale.y(number * step)
        canvas.line(scale.left - 1, y, scale.left, y)
        canvas.set_xy(MARGIN_MM, y - 2)
        canvas.cell(LEFT_MM - 2, 4, f"{number * step:,.0f} m", align="R")
    span_s = (scale.end - scale.begin).total_seconds()
    tick_s = next((one for one in _TICKS_S if span_s / one <= 9), _TICKS_S[-1])
    at = datetime.fromtimestamp(-(-scale.begin.timestamp() // tick_s) * tick_s, scale.begin.tzinfo)
    while at <= scale.end:
        canvas.line(scale.x(at), scale.bottom, scale.x(at), scale.bottom + 1)
        canvas.set_xy(scale.x(at) - 10, scale.bottom + 3.2)
        canvas.cell(20, 4, moment(at)[:5] if tick_s >= 60 else moment(at), align="C")
        at += timedelta(seconds=tick_s)


def _gaps(canvas: Canvas, scale: _Scale, parts: Sequence[Sequence[Distance]]) -> None:
    edges = [scale.begin, *(at for part in parts for at in (part[0].at, part[-1].at)), scale.end]
    canvas.set_fill_color(228, 228, 232)
    for since, until in zip(edges[::2], edges[1::2], strict=True):
        if (until - since).total_seconds() > LONGEST_GAP_S:
            canvas.rect(scale.x(since), scale.top, scale.x(until) - scale.x(since), HEIGHT_MM, style="F")


def _curve(canvas: Canvas, scale: _Scale, part: Sequence[Distance]) -> None:
    points = lowest([(scale.x(one.at), one.distance_m, one.doubt_m) for one in part], 0.25)
    upper = [(x, scale.y(metres + doubt)) for x, metres, doubt in points]
    lower = [(x, scale.y(metres - doubt)) for x, metres, doubt in points]
    if len(points) > 1:
        canvas.set_fill_color(*HERS)
        with canvas.local_context(fill_opacity=0.18):
            canvas.polygon([*upper, *reversed(lower)], style="F")
    canvas.set_draw_color(*INK)
    canvas.set_line_width(0.35)
    line = [(x, scale.y(metres)) for x, metres, _doubt in points]
    if len(line) > 1:
        canvas.polyline(line)
    else:
        canvas.line(line[0][0] - 0.4, line[0][1], line[0][0] + 0.4, line[0][1])


def _line(canvas: Canvas, scale: _Scale, metres: float, words: str, colour: tuple[int, int, int]) -> None:
    y = scale.y(metres)
    canvas.set_draw_color(*colour)
    canvas.set_line_width(0.35)
    canvas.set_dash_pattern(2, 1.2)
    canvas.line(scale.left, y, scale.right, y)
    canvas.set_dash_pattern()
    canvas.set_font("helvetica", "B", 7.5)
    canvas.set_text_color(*colour)
    canvas.set_xy(scale.right - 62, y - 4.2)
    canvas.cell(60, 4, words, align="R")


def _events(canvas: Canvas, scale: _Scale, material: Material) -> None:
    canvas.set_draw_color(*INK)
    canvas.set_line_width(0.25)
    moments = {round(scale.x(entry.at), 1) for entry in material.entries if entry.event is not None}
    for x in sorted(moments):
        if scale.left <= x <= scale.right:
            canvas.line(x, scale.bottom + 1, x, scale.bottom + 2.8)

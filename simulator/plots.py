"""Pictures of a score as SVG, written by hand: two rows of bars per story, no library needed."""

import math
from collections.abc import Sequence
from html import escape

from simulator.score import Score, total

WIDTH, ROW, LEFT, PANEL, TOP = 900, 18, 230, 300, 64
INK, GRID, DELAY, SPREAD, ALERTS, WRONG = "#222", "#ddd", "#1b6ca8", "#a9cce3", "#5d6d7e", "#b03a2e"


def score_svg(scores: Sequence[Score]) -> str:
    """Return delay to detection (p50 and max, seconds) and alerts per pair-day (log scale) per story."""
    ordered = sorted(scores, key=lambda item: (not item.wants_alert, item.story.name))
    sums = [total([item]) for item in ordered]
    longest_s = max([1.0, *(s.max_s for s in sums if s.max_s is not None)])
    most = max([1.0, *(s.alerts_per_pair_day for s in sums)])
    height = TOP + ROW * len(ordered) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" fill="{INK}">',
        "<style>text { font: 11px sans-serif } .title { font-size: 14px }</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        _text(10, 20, f"Acted stories, {sums[0].runs if sums else 0} seeds each", name="title"),
        _text(LEFT, 44, "delay to detection, s: median (dark), longest (light)"),
        _text(LEFT + PANEL + 50, 44, "alerts of any kind per pair-day (log)"),
    ]
    parts += _grid(LEFT, height, [(_delay_px(s, longest_s), f"{s:g}") for s in _ticks(longest_s)])
    parts += _grid(LEFT + PANEL + 50, height, [(_alerts_px(n, most), f"{n:g}") for n in _decades(most)])
    for number, (item, s) in enumerate(zip(ordered, sums, strict=True)):
        y = TOP + ROW * number
        parts.append(_text(10, y + 12, item.story.name, colour=INK if item.is_good else WRONG))
        if s.max_s is not None and s.p50_s is not None:
            parts.append(_bar(LEFT, y + 3, _delay_px(max(0.0, s.max_s), longest_s), SPREAD))
            parts.append(_bar(LEFT, y + 3, _delay_px(max(0.0, s.p50_s), longest_s), DELAY))
        colour = WRONG if s.false_grave else ALERTS
        parts.append(_bar(LEFT + PANEL + 50, y + 3, _alerts_px(s.alerts_per_pair_day, most), colour))
    return "\n".join([*parts, "</svg>", ""])


def _delay_px(delay_s: float, longest_s: float) -> float:
    """Return a length on a scale that shows a second and ten minutes alike: log(1 + s)."""
    return PANEL * math.log1p(delay_s) / math.log1p(longest_s)


def _alerts_px(count: float, most: float) -> float:
    return PANEL * math.log1p(10 * count) / math.log1p(10 * most)


def _ticks(longest_s: float) -> list[float]:
    return [s for s in (0, 1, 5, 15, 60, 300, 600, 1800, 3600) if s <= longest_s]


def _decades(most: float) -> list[float]:
    return [n for n in (0, 0.1, 1, 10, 100, 1000) if n <= most]


def _grid(left: float, height: float, marks: Sequence[tuple[float, str]]) -> list[str]:
    parts = []
    for x, label in marks:
        parts.append(f'<path d="M{left + x:.1f} {TOP - 4} V{height - 24}" stroke="{GRID}"/>')
        parts.append(_text(left + x - 3, height - 10, label))
    return parts


def _bar(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{max(1.0, width):.1f}" height="{ROW - 6}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, *, name: str = "text", colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y}" class="{name}" fill="{colour}">{escape(text)}</text>'

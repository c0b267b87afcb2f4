"""The price of a shorter silence: how often it rings in an ordinary life, and how long somebody is unseen.

For each speed at which he is assumed to come nearer unseen (`reach_speed_m_s`): calls per pair-day over
made-up months, and for how long somebody who really drives at a given speed as the crow flies, his device
silent from the first metre, can be at the alert distance before it is told, at the worst distance.

    python ops/bench/silence.py [--seeds 2] [--svg FILE]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from simulator.judge import Judge
from simulator.month import DAYS, judge_month

SPEEDS_M_S = (10.0, 14.0, 20.0, 27.8, 36.1, 50.0, 70.0)
DRIVES_M_S = (13.9, 20.0, 27.8)
"""50, 72 and 100 km/h as the crow flies."""
NEAR_S, FAR_S, SWEEP_S = 120.0, 600.0, 2.0
INTERVAL_S = 60


def unseen_s(assumed_m_s: float, real_m_s: float) -> float:
    """Return the longest time at the alert distance before the silence is told, over all distances."""
    gaps = [100.0 * n for n in range(1, 401)]
    told = [min(max(gap / assumed_m_s, NEAR_S), FAR_S) + SWEEP_S for gap in gaps]
    return max(0.0, *(at - gap / real_m_s for at, gap in zip(told, gaps, strict=True)))


def calls_per_day(assumed_m_s: float, seeds: int) -> float:
    """Return how often somebody is called in an ordinary life, per pair and day."""
    calls = 0
    for seed in range(1, seeds + 1):
        with Judge() as judge:
            calls += judge_month(judge, seed, INTERVAL_S, {"reach_speed_m_s": assumed_m_s}).kinds.total()
    return calls / (seeds * DAYS)


def svg_of(rows: Sequence[tuple[float, float, float]]) -> str:
    """Return calls per day against the worst unseen time at 100 km/h, a point per assumed speed."""
    most_s, most = max(row[2] for row in rows) or 1.0, max(row[1] for row in rows) or 1.0
    points = [(60 + 480 * s / most_s, 300 - 250 * calls / most, speed) for speed, calls, s in rows]
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y, _speed in points)
    marks = "".join(
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="#1b6ca8"/>'
        f'<text x="{x + 7:.0f}" y="{y - 6:.0f}">{speed:g} m/s</text>'
        for x, y, speed in points
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 350" fill="#222">'
        "<style>text { font: 12px sans-serif }</style>"
        '<rect width="640" height="350" fill="white"/>'
        f'<text x="60" y="24">calls per pair-day, at most {most:.2f}</text>'
        f'<text x="60" y="335">seconds unseen at the alert distance at 100 km/h, at most {most_s:.0f}</text>'
        '<path d="M60 40V300H560" fill="none" stroke="#888"/>'
        f'<polyline points="{line}" fill="none" stroke="#a9cce3"/>{marks}</svg>\n'
    )


def main() -> None:
    """Print the table and, if asked for, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2, choices=range(1, 21))
    parser.add_argument("--svg", type=Path)
    chosen = parser.parse_args()
    print("assumed m/s   calls/pair-day   " + "   ".join(f"unseen at {u:g} m/s" for u in DRIVES_M_S))
    rows = []
    for speed in SPEEDS_M_S:
        calls = calls_per_day(speed, chosen.seeds)
        unseen = [unseen_s(speed, drive) for drive in DRIVES_M_S]
        rows.append((speed, calls, unseen[-1]))
        print(f"{speed:11.1f}   {calls:14.2f}   " + "   ".join(f"{s:13.0f} s" for s in unseen), flush=True)
    if chosen.svg:
        chosen.svg.write_text(svg_of(rows), encoding="utf-8")


if __name__ == "__main__":
    main()

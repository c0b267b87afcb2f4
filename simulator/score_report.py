"""What a person, or a program, sees of a score: progress, tables, JSON."""

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulator.month import Month
from simulator.score import Run, Score, Total, total
from simulator.verdicts import is_good

HALVES = ((True, "An alert must come"), (False, "None may come, or only a mild one"))


class Going:
    """How far it is: a bar on a terminal, a line per story elsewhere; silent for a program."""

    def __init__(self, console: Console, runs: int, *, is_quiet: bool) -> None:
        """Prepare for so many runs."""
        self._console, self._runs, self._is_quiet = console, runs, is_quiet
        self._lock = threading.Lock()
        self._story = ""
        self._done = 0
        self._progress: Progress | None = None
        if console.is_terminal and not is_quiet:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=console,
                transient=True,
            )

    def __enter__(self) -> Self:
        """Begin."""
        if self._progress is not None:
            self._progress.start()
            self._task = self._progress.add_task("score", total=self._runs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        if self._progress is not None:
            self._progress.stop()

    def tell(self, run: Run) -> None:
        """Take a run that is done; may be called from several threads."""
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress.update(self._task, completed=self._done, description=run.story)
            if self._is_quiet:
                return
            wrong = [row for row in run.rows if not row.is_good]
            if wrong:
                self._say(f"{run.story}, seed {run.seed}: {wrong[0].outcome}: {wrong[0].expected}")
            if self._progress is None and run.story != self._story:
                self._story = run.story
                self._say(f"{self._done:5d} of {self._runs}  {run.story}")

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False)


def print_scores(console: Console, scores: Sequence[Score]) -> None:
    """Print a table for each half and the sums."""
    for wants, title in HALVES:
        half = [item for item in scores if item.wants_alert is wants]
        if half:
            _print_half(console, half, title)
    for item in scores:
        for what, count in item.wrong().items():
            seeds = [str(run.seed) for run in item.runs if not is_good(run.rows)]
            seen = f"{item.story.name}: {what}, {count} × (seeds {', '.join(seeds[:8])})"
            console.print(seen, highlight=False, markup=False, style="red")
    for wants, title in HALVES:
        _print_total(console, title, total([item for item in scores if item.wants_alert is wants]))
    if everyday := [item for item in scores if item.story.ordinary]:
        _print_total(console, "Ordinary life", total(everyday))
    _print_total(console, "All", total(scores))


def _print_half(console: Console, half: Sequence[Score], title: str) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("story", no_wrap=True)
    names = ("runs", "seen", "missed", "late", "false", "at the fix", "p50 s", "p95 s", "max s")
    for name in (*names, "alerts/day", "false 1"):
        table.add_column(name, justify="right")
    for item in half:
        sums = total([item])
        table.add_row(
            f"[{'green' if item.is_good else 'bold red'}]{item.story.name}[/]",
            str(sums.runs),
            f"{sums.seen}/{sums.wanted}",
            str(sums.missed),
            str(sums.late),
            str(sums.false),
            f"{sums.at_fix}/{sums.timed}",
            *(seconds(value) for value in (sums.p50_s, sums.p95_s, sums.max_s)),
            f"{sums.alerts_per_pair_day:.1f}",
            str(sums.false_grave),
        )
    console.print(table)


def _print_total(console: Console, title: str, sums: Total) -> None:
    console.print(
        f"{title}: {sums.good} of {sums.stories} stories as expected, {sums.runs} runs; "
        f"seen {sums.seen} of {sums.wanted}, missed {sums.missed}, late {sums.late}, false {sums.false}; "
        f"delay p50 {seconds(sums.p50_s)}, p95 {seconds(sums.p95_s)}, max {seconds(sums.max_s)} s; "
        f"{sums.pair_days:.1f} pair-days: {sums.alerts_per_pair_day:.2f} alerts and "
        f"{sums.false_grave_per_pair_day:.3f} false of severity 1 per pair-day",
        highlight=False,
    )


def print_month(console: Console, found: Month) -> None:
    """Print what a month came to, a line each."""
    rate = found.fixes / found.judged_s
    lines = [
        f"{found.fixes:,} positions, made in {found.made_s:.1f} s",
        f"judged in {found.judged_s:.1f} s, {rate:,.0f} a second",
        *(f"alerts: {count} × {kind}" for kind, count in sorted(found.kinds.items())),
        *(f"events: {count} × {kind}" for kind, count in sorted(found.events.items())),
        *(f"kept aside: {count} × {reason}" for reason, count in sorted(found.rejected.items()) if count),
        f"{found.alerts_per_pair_day:.3f} alerts per pair-day",
        f"{found.false_grave_per_pair_day:.3f} false of severity 1 per pair-day",
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False)


def seconds(value: float | None) -> str:
    """Return virtual seconds for a person; a minus means: told in doubt, before it was certain."""
    return "–" if value is None else f"{round(value, 1) + 0.0:.1f}"


def to_json(scores: Sequence[Score]) -> str:
    """Return the same as JSON: per story, per half, in total."""
    halves = {
        "must_come": total([item for item in scores if item.wants_alert]),
        "none_may_come": total([item for item in scores if not item.wants_alert]),
        "ordinary_life": total([item for item in scores if item.story.ordinary]),
        "all": total(scores),
    }
    stories = {
        item.story.name: _sums(total([item]))
        | {
            "half": "must_come" if item.wants_alert else "none_may_come",
            "as_expected": item.is_good,
            "wrong": dict(item.wrong()),
        }
        for item in scores
    }
    return json.dumps({"totals": {name: _sums(sums) for name, sums in halves.items()}, "stories": stories})


def _sums(sums: Total) -> dict[str, Any]:
    return asdict(sums) | {
        "alerts_per_pair_day": round(sums.alerts_per_pair_day, 4),
        "false_severity_1_per_pair_day": round(sums.false_grave_per_pair_day, 4),
    }

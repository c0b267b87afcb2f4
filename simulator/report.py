"""What a person sees: progress while it runs, plain lines where there is no terminal, a closing table."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulator.verdicts import Outcome, Row, is_good

_COLOURS = {
    Outcome.SEEN: "green",
    Outcome.QUIET: "green",
    Outcome.MISSED: "bold red",
    Outcome.LATE: "red",
    Outcome.FALSE: "bold magenta",
}


class Live:
    """Progress of one run: a bar on a terminal, lines elsewhere."""

    def __init__(self, console: Console, title: str, total_s: float) -> None:
        """Prepare; `total_s` is how long the run will take."""
        self._console, self._title, self._total_s = console, title, total_s
        self._progress: Progress | None = None
        self._task = TaskID(0)
        if console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[state]}"),
                TimeRemainingColumn(),
                console=console,
                transient=True,
            )

    def __enter__(self) -> Self:
        """Begin."""
        if self._progress is not None:
            self._progress.start()
            self._task = self._progress.add_task(self._title, total=self._total_s, state="")
        else:
            self._console.print(f"{self._title}: begins, {self._total_s:.0f} s", highlight=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        if self._progress is not None:
            self._progress.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, highlight=False, markup=False)

    def show(self, done_s: float, state: str) -> None:
        """Move the bar."""
        if self._progress is not None:
            self._progress.update(self._task, completed=min(done_s, self._total_s), state=state)


def print_rows(console: Console, title: str, rows: Sequence[Row]) -> None:
    """Print the closing table."""
    table = Table(title=title, title_justify="left")
    table.add_column("expected")
    table.add_column("seen")
    for name in ("delay", "of its fix", "her stream"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for row in rows:
        verdict = f"[{_COLOURS[row.outcome]}]{row.outcome}[/]"
        if row.note:
            verdict += f" ({row.note})"
        delays = (milliseconds(row.delay_s), milliseconds(row.fix_delay_s), milliseconds(row.person_delay_s))
        table.add_row(row.expected, row.seen or "–", *delays, verdict)
    console.print(table)
    counts = {outcome: sum(row.outcome is outcome for row in rows) for outcome in Outcome}
    good = counts[Outcome.SEEN] + counts[Outcome.QUIET]
    console.print(
        f"{good} of {len(rows)} as expected, {counts[Outcome.MISSED]} missed, "
        f"{counts[Outcome.LATE]} too late, {counts[Outcome.FALSE]} false",
        highlight=False,
    )


def print_summary(console: Console, results: Sequence[tuple[str, Sequence[Row]]]) -> None:
    """Print one line per run of several."""
    table = Table(title="All runs", title_justify="left")
    for name in ("story", "verdict", "worst delay"):
        table.add_column(name)
    for title, rows in results:
        wrong = [f"{row.expected}: {row.outcome}" for row in rows if not row.is_good]
        delays = [row.delay_s for row in rows if row.delay_s is not None]
        verdict = f"[bold red]{'; '.join(wrong)}[/]" if wrong else "[green]as expected[/]"
        table.add_row(title, verdict, milliseconds(max(delays, default=None)))
    console.print(table)


def milliseconds(seconds: float | None) -> str:
    """Return a delay for a person; a minus means: told before it was certain."""
    return "–" if seconds is None else f"{seconds * 1000:,.0f} ms"


def exit_status(rows: Sequence[Row]) -> int:
    """Return 0 when everything is as expected, else 1."""
    return 0 if rows and is_good(rows) else 1

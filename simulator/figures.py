"""The bench's figures: percentiles, the table for a person and JSON for a program."""

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from simulator.report import milliseconds


@dataclass(frozen=True, slots=True)
class Spread:
    """How a delay is distributed, seconds; percentiles are observed values, never interpolated."""

    count: int = 0
    p50_s: float | None = None
    p90_s: float | None = None
    p99_s: float | None = None
    max_s: float | None = None


def spread(delays_s: Sequence[float]) -> Spread:
    """Return the spread by nearest rank."""
    if not delays_s:
        return Spread()
    ordered = sorted(delays_s)

    def rank(part: float) -> float:
        return ordered[max(0, math.ceil(part * len(ordered)) - 1)]

    return Spread(len(ordered), rank(0.5), rank(0.9), rank(0.99), ordered[-1])


@dataclass(frozen=True, slots=True)
class Figures:
    """What a bench found.

    Attributes:
        fired_s: From the first to the last publishing.
        caught_up_s: Until everything acknowledged was stored.
        room: Publishing of the first message inside → control-room stream.
        person: The same beginning → her stream.
        alerts_due: Entries into buffers and zones that had to be told.
        processor_s: Per process of the service, by name.
        generator_s: The bench's own, publishing and listening.
    """

    asked_rate: float
    senders: int
    published: int
    acknowledged: int
    reconnects: int
    stored: int
    rejected: int
    fired_s: float
    caught_up_s: float
    puback: Spread
    room: Spread
    person: Spread
    alerts_due: int
    alerts_missed: int
    alerts_repeated: int
    alerts_unfounded: int
    processor_s: dict[str, float]
    generator_s: float

    @property
    def rate(self) -> float:
        """Positions a second that were really published."""
        return self.published / self.fired_s if self.fired_s else 0.0

    @property
    def durable_rate(self) -> float:
        """Positions a second from the first publishing until the last was stored."""
        return self.stored / self.caught_up_s if self.caught_up_s else 0.0

    @property
    def lost(self) -> int:
        """Acknowledged and never stored."""
        return max(0, self.acknowledged - self.stored)

    @property
    def is_good(self) -> bool:
        """Say whether nothing was lost, missed, told twice or told without cause."""
        return not (self.lost or self.alerts_missed or self.alerts_repeated or self.alerts_unfounded)


def print_figures(console: Console, figures: Figures) -> None:
    """Print one table."""
    table = Table(title="Bench", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    messages = figures.published or 1
    rows = [
        ("asked rate, devices", f"{figures.asked_rate:,.0f}/s, {figures.senders}"),
        ("published, rate", f"{figures.published:,}, {figures.rate:,.0f}/s"),
        ("acknowledged by the broker", f"{figures.acknowledged:,}"),
        ("stored by the service", f"{figures.stored:,}"),
        ("durable end-to-end rate", f"{figures.durable_rate:,.0f}/s"),
        ("acknowledged and lost", f"{figures.lost:,}"),
        ("kept aside", f"{figures.rejected:,}"),
        ("reconnects of devices", f"{figures.reconnects:,}"),
        ("publish → PUBACK", _describe(figures.puback)),
        ("publish → control room", _describe(figures.room)),
        ("publish → her stream", _describe(figures.person)),
        ("entries due, missed, twice, unfounded", _entries(figures)),
        (
            "this generator",
            f"{figures.generator_s:.2f} s, {figures.generator_s / messages * 1e6:.0f} µs a message",
        ),
    ]
    for name, spent_s in sorted(figures.processor_s.items()):
        rows.append((f"processor: {name}", f"{spent_s:.2f} s, {spent_s / messages * 1e6:.0f} µs a message"))
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)


def to_json(figures: Figures) -> str:
    """Return every figure as JSON."""
    values = dataclasses.asdict(figures)
    values |= {"rate": figures.rate, "durable_rate": figures.durable_rate, "lost": figures.lost}
    return json.dumps(values, indent=2)


def _describe(delays: Spread) -> str:
    if not delays.count:
        return "none seen"
    parts = (("p50", delays.p50_s), ("p90", delays.p90_s), ("p99", delays.p99_s), ("max", delays.max_s))
    return ", ".join(f"{name} {milliseconds(value)}" for name, value in parts) + f" (n={delays.count})"


def _entries(figures: Figures) -> str:
    return (
        f"{figures.alerts_due}, {figures.alerts_missed}, {figures.alerts_repeated}, "
        f"{figures.alerts_unfounded}"
    )

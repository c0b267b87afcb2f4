"""Many seeds of many stories through the judge: what was seen, missed and false, and how often."""

import math
import queue
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from simulator import verdicts
from simulator.exercise import drafts_of
from simulator.judge import COMMAND, Judge, end_s, rehearse
from simulator.plan import plan_story
from simulator.run import check_due
from simulator.stories import Story
from simulator.verdicts import Outcome, Row
from simulator.yaml_reader import StoryError

JUDGES = 2
"""Processes side by side; the service is meant for two cores (DESIGN section 9)."""
DAY_S = 86_400.0
AT_ONCE_S = 0.001
"""Within a message's own judging no virtual time passes; this is rounding."""


@dataclass(frozen=True, slots=True)
class Run:
    """One seed of one story.

    Attributes:
        rows: Verdicts, those about what must come first and in the story's order.
        alerts: How often somebody was called: beginnings of alerts, see `judge.Rehearsed`.
        false_grave: Events of severity 1 without any ground, repeats left out.
        pair_days: Virtual days times pairs of wearer and protected person.
    """

    story: str
    seed: int
    rows: tuple[Row, ...]
    alerts: int
    false_grave: int
    pair_days: float


@dataclass(frozen=True, slots=True)
class Score:
    """The runs of one story together."""

    story: Story
    runs: tuple[Run, ...]

    @property
    def wants_alert(self) -> bool:
        """Say to which half the story belongs."""
        return self.story.expect.wants_alert()

    @property
    def is_good(self) -> bool:
        """Say whether every seed went as expected."""
        return all(verdicts.is_good(run.rows) for run in self.runs)

    def wrong(self) -> Counter[str]:
        """Return how often each verdict was not as it should be."""
        bad = [row for run in self.runs for row in run.rows if not row.is_good]
        return Counter(f"{row.outcome}: {row.expected}{_seen(row)}" for row in bad)


def _seen(row: Row) -> str:
    parts = [part for part in (row.seen if row.outcome is Outcome.FALSE else "", row.note) if part]
    return f" ({', '.join(parts)})" if parts else ""


@dataclass(frozen=True, slots=True)
class Total:
    """Sums over stories; delays in virtual seconds, from the first message that shows it.

    Attributes:
        at_fix: Seen with that very message, or earlier in doubt.
        timed: Of how many the first message can be computed.
    """

    stories: int
    good: int
    runs: int
    wanted: int
    seen: int
    missed: int
    late: int
    false: int
    at_fix: int
    timed: int
    p50_s: float | None
    p95_s: float | None
    max_s: float | None
    alerts: int
    false_grave: int
    pair_days: float

    @property
    def alerts_per_pair_day(self) -> float:
        """Return alerts of any kind."""
        return self.alerts / self.pair_days if self.pair_days else 0.0

    @property
    def false_grave_per_pair_day(self) -> float:
        """Return events of severity 1 without a ground."""
        return self.false_grave / self.pair_days if self.pair_days else 0.0


def total(scores: Sequence[Score]) -> Total:
    """Return the sums over the stories given."""
    runs = [run for item in scores for run in item.runs]
    wanted = [row for item in scores for run in item.runs for row in run.rows[: len(item.story.expect.must)]]
    rows = [row for run in runs for row in run.rows]
    delays = sorted(row.delay_s for row in wanted if row.delay_s is not None)
    return Total(
        stories=len(scores),
        good=sum(item.is_good for item in scores),
        runs=len(runs),
        wanted=len(wanted),
        seen=sum(row.outcome is Outcome.SEEN for row in wanted),
        missed=sum(row.outcome is Outcome.MISSED for row in wanted),
        late=sum(row.outcome is Outcome.LATE for row in wanted),
        false=sum(row.outcome is Outcome.FALSE for row in rows),
        at_fix=sum(delay_s <= AT_ONCE_S for delay_s in delays),
        timed=len(delays),
        p50_s=quantile(delays, 0.5),
        p95_s=quantile(delays, 0.95),
        max_s=quantile(delays, 1.0),
        alerts=sum(run.alerts for run in runs),
        false_grave=sum(run.false_grave for run in runs),
        pair_days=sum(run.pair_days for run in runs),
    )


def quantile(ordered: Sequence[float], part: float) -> float | None:
    """Return the nearest rank of an ascending sequence, `part` in 0..1; None when it is empty."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else None


def score(
    stories: Sequence[Story],
    seeds: Sequence[int],
    tell: Callable[[Run], None],
    command: Sequence[str] = COMMAND,
) -> list[Score]:
    """Return what the service makes of every story with every seed.

    Args:
        stories: To play at speed 1, in virtual time.
        seeds: Noise and pace of each run.
        tell: Called after each run, from one of several threads.
        command: Starts a judging process.

    Raises:
        JudgeError: The judging process cannot be used.
        StoryError: With one of the seeds no message shows what must come.
    """
    jobs: queue.SimpleQueue[tuple[Story, int]] = queue.SimpleQueue()
    for story in stories:
        for seed in seeds:
            jobs.put((story, seed))
    with ThreadPoolExecutor(JUDGES) as pool:
        workers = [pool.submit(_work, jobs, tell, command) for _ in range(JUDGES)]
    runs = [run for worker in workers for run in worker.result()]
    return [
        Score(story, tuple(sorted((r for r in runs if r.story == story.name), key=lambda r: r.seed)))
        for story in stories
    ]


def _work(
    jobs: "queue.SimpleQueue[tuple[Story, int]]", tell: Callable[[Run], None], command: Sequence[str]
) -> list[Run]:
    """Play what is left with a judge of its own; what fails empties the queue, so that all stop."""
    runs: list[Run] = []
    try:
        with Judge(command) as judge:
            while True:
                try:
                    story, seed = jobs.get_nowait()
                except queue.Empty:
                    return runs
                run = play(judge, story, seed)
                tell(run)
                runs.append(run)
    except BaseException:
        while not jobs.empty():
            jobs.get()
        raise


def play(judge: Judge, story: Story, seed: int) -> Run:
    """Return the verdicts on one seed of one story."""
    plan = plan_story(story, seed, 1.0)
    drafts = drafts_of(story)
    try:
        check_due(story, drafts, plan)
    except StoryError as error:
        raise StoryError(f"{error} (seed {seed})") from error
    found = rehearse(judge, story, plan)
    rows = verdicts.judge(story.expect, drafts, plan, 1.0, found.evidence)
    pairs = max(1, sum(len(draft.people) for draft in drafts))
    return Run(
        story=story.name,
        seed=seed,
        rows=tuple(rows),
        alerts=len(found.began),
        false_grave=len(verdicts.groundless(drafts, plan, found.evidence)),
        pair_days=pairs * end_s(story, plan) / DAY_S,
    )

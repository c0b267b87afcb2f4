"""The demo: stories one after another until it is stopped, for somebody who watches the control room.

The alerts of a story stay open until the next one begins, so that there is always something to look at.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from simulator import exercise as exercises
from simulator.client import ControlClient, ServiceError
from simulator.clock import Clock
from simulator.exercise import Exercise
from simulator.publish import BrokerRefused
from simulator.run import Play, Target, scene_of
from simulator.stories import Story
from simulator.verdicts import is_good

STORIES = ("zone-on-foot", "proximity-on-foot", "strap-cut")
PAUSE_S = 20.0
"""Between two stories: time to look, acknowledge and resolve."""
RETRY_S = 2.0
SPEED = 4.0
"""A walk of six minutes in a minute and a half; proposal."""


class Lines:
    """Progress as lines only: a demo runs beside other processes, whose lines it must not overdraw."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Take where lines go."""
        self.say = say

    def show(self, done_s: float, state: str) -> None:
        """Show nothing: every event is a line already."""


def loop(stories: Sequence[Story], target: Target, clock: Clock, say: Callable[[str], None]) -> NoReturn:
    """Play until a signal ends the process; a service that is away is waited for."""
    open_exercises: list[Exercise] = []
    try:
        for story in itertools.cycle(stories):
            while not _try(story, target, clock, say, open_exercises):
                time.sleep(RETRY_S)
            time.sleep(PAUSE_S)
    finally:
        with suppress(ServiceError), target.sign_in() as control:
            exercises.end(control, open_exercises)
    raise AssertionError("a demo has no end of its own")


def _try(
    story: Story,
    target: Target,
    clock: Clock,
    say: Callable[[str], None],
    open_exercises: list[Exercise],
) -> bool:
    """End what the story before left open and play one; says so and returns False when that cannot be."""
    try:
        with target.sign_in() as control:
            exercises.end(control, open_exercises)
            open_exercises.clear()
            _play(story, target, clock, say, control, open_exercises.append)
    except (ServiceError, BrokerRefused) as error:
        say(f"waiting for the service: {error}")
        return False
    return True


def _play(
    story: Story,
    target: Target,
    clock: Clock,
    say: Callable[[str], None],
    control: ControlClient,
    until_end: Callable[[Exercise], None],
) -> None:
    say(f"story: {story.title}")
    scene = scene_of(story, None, min(SPEED, story.fastest_allowed()))
    rows = Play(scene, target, clock, Lines(say)).run(control, until_end)
    wrong = [f"{row.expected}: {row.outcome}" for row in rows if not row.is_good]
    say("all as expected" if is_good(rows) else "; ".join(wrong))

"""Plays one scene against the running service and judges what came of it."""

import math
import queue
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from simulator import exercise as exercises
from simulator import truth, verdicts
from simulator.client import ControlClient, PersonClient, ServiceError
from simulator.clock import Clock
from simulator.exercise import Exercise, OrderDraft
from simulator.listen import Arrival, Stream
from simulator.plan import Plan, plan_story
from simulator.publish import Fleet
from simulator.schedule import Lane, Party
from simulator.stories import Expectation, Story
from simulator.verdicts import Evidence, Row, Sighted
from simulator.wire import Encoder
from simulator.yaml_reader import StoryError

SETTLE_S = 1.5
"""The worker takes a new order in within 1 s of its provisioning (issue: refreshed within 1 s)."""
PATIENCE_S = 15.0
"""Longest waiting for expected events after the last message, unless a story allows more; proposal."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the service is and who signs in."""

    control_url: str
    app_url: str
    mqtt_host: str
    mqtt_port: int
    login: str
    secret: str

    def sign_in(self) -> ControlClient:
        """Return a signed-in client of the control host."""
        control = ControlClient(self.control_url)
        try:
            control.sign_in(self.login, self.secret)
        except ServiceError:
            control.close()
            raise
        return control


class Onlooker(Protocol):
    """Who is told how a run goes on."""

    def say(self, line: str) -> None:
        """Take a line."""

    def show(self, done_s: float, state: str) -> None:
        """Take how far it is."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One run: what to provision, what to send, what must follow."""

    title: str
    draft: OrderDraft
    plan: Plan
    expect: Expectation
    speed: float
    listen_s: float

    @property
    def due_s(self) -> float:
        """Return until when, real seconds after the beginning, what has a time of its own may come."""
        moments_s = [must.by_s for must in self.expect.must if must.by_s is not None]
        return max(moments_s, default=0.0) / self.speed

    @property
    def total_s(self) -> float:
        """Return how long a run takes at most, about."""
        return max(self.plan.real_s + self.listen_s, self.due_s)


def scene_of(story: Story, seed: int | None, speed: float) -> Scene:
    """Return the scene of a story; refuses a speed, or a seed, with which it makes no sense."""
    if story.score_only:
        raise StoryError(
            f"{story.name}: only `score` can play it: it is too long or asks too much of the register"
        )
    if speed > story.fastest_allowed() + 1e-9:
        raise StoryError(
            f"{story.name}: --speed {speed:g} is too fast: at most {story.fastest_allowed():g}, "
            "or implied speeds look like jumps"
        )
    plan = plan_story(story, story.seed if seed is None else seed, speed)
    draft = exercises.draft_of(story)
    check_due(story, (draft,), plan)
    return Scene(story.title, draft, plan, story.expect, speed, story.listen_s)


def check_due(story: Story, drafts: Sequence[OrderDraft], plan: Plan) -> None:
    """Refuse a run whose messages do not show what must come: it could not fail for the right reason."""
    for must in story.expect.must:
        draft = truth.draft_of(must, drafts)
        if truth.is_derived(must, draft) and truth.due(must, draft, plan) is None:
            raise StoryError(f"{story.name}: with this seed and speed no message shows {must.kind}")


class Play:
    """A scene in play: provisioned, connected, listening."""

    def __init__(self, scene: Scene, target: Target, clock: Clock, live: Onlooker) -> None:
        """Prepare; `run` does everything."""
        self._scene, self._target, self._clock, self._live = scene, target, clock, live
        self._arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._messages: list[float] = []
        self._events: list[Sighted] = []
        self._published: list[float] = []
        self._begin_s = 0.0

    def run(self, control: ControlClient, until_end: Callable[[Exercise], None]) -> list[Row]:
        """Play to the end and return the verdicts.

        Args:
            control: Signed in.
            until_end: Called with the exercise as soon as it exists, so that its maker can end it.
        """
        with ExitStack() as stack:
            exercise = exercises.provision(control, self._scene.draft, self._clock.now())
            until_end(exercise)
            self._listen(stack, control, exercise)
            fleet = Fleet(self._target.mqtt_host, self._target.mqtt_port, self._clock)
            stack.callback(fleet.close)
            for device in exercise.devices.values():
                fleet.add(device)
            fleet.connect()
            time.sleep(SETTLE_S)
            begin_tst = math.ceil(self._clock.now()) + 1
            self._begin_s = time.monotonic() + (begin_tst - self._clock.now())
            self._send(fleet, exercise, begin_tst)
            self._wait_for_the_rest(fleet, exercise)
        wearer_id = exercise.devices[Party.WEARER].id
        evidence = Evidence(
            begin_s=self._begin_s,
            begin_tst=begin_tst,
            published=tuple(self._published),
            events=tuple(self._events),
            messages=tuple(self._messages),
            commands=sum(device_id == wearer_id for device_id, _ in fleet.commands),
        )
        scene = self._scene
        return verdicts.judge(scene.expect, (scene.draft,), scene.plan, scene.speed, evidence)

    def _listen(self, stack: ExitStack, control: ControlClient, exercise: Exercise) -> None:
        room = Stream(f"{self._target.control_url}/api/stream", control.cookies, self._arrivals.put)
        room.start()
        stack.callback(room.stop)
        if exercise.account is not None:
            person = stack.enter_context(PersonClient(self._target.app_url))
            person.sign_in(exercise.account.number, exercise.account.pin)
            hers = Stream(f"{self._target.app_url}/stream", person.cookies, self._hear_message)
            hers.start()
            stack.callback(hers.stop)

    def _hear_message(self, arrival: Arrival) -> None:
        if arrival.name == "message":
            self._messages.append(arrival.at_s)

    def _send(self, fleet: Fleet, exercise: Exercise, begin_tst: int) -> None:
        plan, encoder = self._scene.plan, Encoder(begin_tst)
        for sending in plan.sendings:
            device = exercise.devices[sending.party]
            payload = encoder.payload(sending, device)
            self._poll_until(fleet, exercise, self._begin_s + sending.at_s)
            speaker = exercise.devices[sending.by]
            lane = sending.lane if not sending.raw else Lane.POSITION
            self._published.append(fleet.publish(speaker.id, device.topic_of(lane), payload).sent_s)
            self._live.show(sending.at_s, f"{len(self._published)} sent, {len(self._events)} events")

    def _poll_until(self, fleet: Fleet, exercise: Exercise, until_s: float) -> None:
        while (left_s := until_s - time.monotonic()) > 0:
            fleet.poll(min(left_s, 0.1))
            self._take_arrivals(exercise)

    def _take_arrivals(self, exercise: Exercise) -> None:
        while not self._arrivals.empty():
            event = verdicts.read_event(self._arrivals.get(), exercise)
            if event is not None:
                self._events.append(event)
                zone = f" ({event.zone})" if event.zone else ""
                again = ", still" if event.repeat else ""
                self._live.say(f"  {event.at_s - self._begin_s:7.2f} s  {event.kind}{zone}{again}")

    def _wait_for_the_rest(self, fleet: Fleet, exercise: Exercise) -> None:
        """Listen for `listen_s`, and on while something expected is still allowed to come."""
        scene, end_s = self._scene, time.monotonic()
        allowed_s = max((must.within_s for must in scene.expect.must), default=0.0)
        last_s = max(end_s + max(scene.listen_s, min(allowed_s, PATIENCE_S)), self._begin_s + scene.due_s)
        self._poll_until(fleet, exercise, end_s + scene.listen_s)
        while time.monotonic() < last_s and (missing := self._missing()):
            self._live.show(time.monotonic() - self._begin_s, f"waiting for {missing[0]}")
            self._poll_until(fleet, exercise, time.monotonic() + 0.1)
        fleet.drain(5.0)

    def _missing(self) -> Sequence[str]:
        kinds = {event.kind for event in self._events}
        return [must.kind for must in self._scene.expect.must if must.kind not in kinds]

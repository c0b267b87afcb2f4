"""The bench: a fixed rate of positions through the real chain, measured from outside at both ends.

Bounded in rate, time and devices; every order is an exercise and is ended afterwards.
"""

import math
import queue
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

from simulator import exercise as exercises
from simulator import processes, verdicts
from simulator.client import ControlClient, PersonClient
from simulator.clock import Clock
from simulator.exercise import Exercise, OrderDraft
from simulator.figures import Figures, Spread, spread
from simulator.listen import Arrival, Stream
from simulator.publish import Fleet, Publication
from simulator.run import SETTLE_S, Target
from simulator.schedule import Party
from simulator.stories import Device, DeviceKind, Zone
from simulator.traffic import ACCURACY_M, Entry, Sender, Shot, due_entries, make_shots, zones_of

MAX_RATE, MAX_SECONDS, MAX_DEVICES = 20_000, 600, 1000
USUAL_DEVICES = 50
"""Enough that a device speaks at most 40 times a second at 2,000/s; provisioning takes some seconds."""
PERSONS = 5
"""Orders whose protected person listens and carries a device: enough for percentiles of her stream."""
CATCH_UP_S = 30.0
"""How long the service may take to store what it has acknowledged, after the last message."""
ENCODE_S = 60e-6
"""Preparing one message takes about this long on the slowest machine tried."""
SWITCH_S = 0.0005
"""Python hands the interpreter to the listening threads this soon; its usual 5 ms would be measured."""


@dataclass(frozen=True, slots=True)
class BenchDraft:
    """What `bench` is asked for: positions a second in total, how long, from how many wearers."""

    rate: float
    seconds: float
    devices: int


class BenchError(Exception):
    """A bench is not allowed as asked for; the message says why."""


def checked(draft: BenchDraft) -> BenchDraft:
    """Return the draft when it is within bounds; raises BenchError."""
    if not 1 <= draft.rate <= MAX_RATE:
        raise BenchError(f"--rate must be 1 to {MAX_RATE}")
    if not 5 <= draft.seconds <= MAX_SECONDS:
        raise BenchError(f"--seconds must be 5 to {MAX_SECONDS}")
    if not 1 <= draft.devices <= MAX_DEVICES:
        raise BenchError(f"--devices must be 1 to {MAX_DEVICES}")
    return draft


class Bench:
    """One measurement: provision, publish, listen, count, end."""

    def __init__(self, draft: BenchDraft, target: Target, clock: Clock) -> None:
        """Prepare; `run` does everything."""
        self._draft, self._target, self._clock = draft, target, clock
        self._arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._messages: dict[str, list[float]] = {}
        self.exercises: list[Exercise] = []

    def run(self, control: ControlClient) -> Figures:
        """Measure and return the figures; `exercises` are the caller's to end."""
        sys.setswitchinterval(SWITCH_S)
        with ExitStack() as stack:
            self._provision(control)
            self._listen(stack, control)
            fleet = self._connect(stack)
            senders = self._senders()
            time.sleep(SETTLE_S)
            before = control.health()
            spent = processes.processor_s()
            total = round(self._draft.rate * self._draft.seconds)
            begin_tst = math.ceil(self._clock.now() + 1 + total * ENCODE_S)
            shots = make_shots(senders, self._draft.devices, self._draft.rate, self._draft.seconds, begin_tst)
            begin_s = time.monotonic() + (begin_tst - self._clock.now())
            own_s = time.process_time()
            published = self._fire(fleet, shots, begin_s)
            fired_s = time.monotonic() - begin_s
            fleet.drain(CATCH_UP_S)
            own_s = time.process_time() - own_s
            stored = self._wait_stored(control, fleet, before)
            caught_up_s = time.monotonic() - begin_s
            used = processes.used_s(spent, processes.processor_s())
            time.sleep(1.0)  # the last alerts are on their way to the streams
            after = control.health()
        zones = self._zones()
        entries, founded = due_entries(shots, zones), due_entries(shots, zones, ACCURACY_M + 1.0)
        self._events = self._read_events()
        return Figures(
            asked_rate=self._draft.rate,
            senders=len(senders),
            published=fleet.published,
            acknowledged=fleet.acknowledged,
            reconnects=fleet.reconnects,
            stored=stored,
            rejected=_count(after["rejected"]) - _count(before["rejected"]),
            fired_s=fired_s,
            caught_up_s=caught_up_s,
            puback=spread([p.acked_s - p.sent_s for p in published if p.acked_s is not None]),
            room=self._room_delays(entries, published),
            person=self._person_delays(entries, published),
            alerts_due=len(entries),
            alerts_missed=len(entries.keys() - self._seen_entries().keys()),
            alerts_repeated=sum(count - 1 for count in self._seen_entries().values()),
            alerts_unfounded=len(self._seen_entries().keys() - founded.keys()),
            processor_s=used,
            generator_s=own_s,
        )

    def _provision(self, control: ControlClient) -> None:
        for road in range(self._draft.devices):
            has_person = road < PERSONS
            devices = [(Party.WEARER, Device(DeviceKind.ANKLE_MONITOR, 1, sealed=False))]
            if has_person:
                devices.append((Party.PROTECTED, Device(DeviceKind.PERSONAL_DEVICE, 1, sealed=False)))
            draft = OrderDraft(
                title=f"bench-{road}",
                alert_radius_m=500,
                warning_radius_m=1000,
                zones=zones_of(road, self._draft.seconds),
                devices=tuple(devices),
                with_account=has_person,
            )
            self.exercises.append(exercises.provision(control, draft, self._clock.now()))

    def _listen(self, stack: ExitStack, control: ControlClient) -> None:
        room = Stream(f"{self._target.control_url}/api/stream", control.cookies, self._arrivals.put)
        room.start()
        stack.callback(room.stop)
        for exercise in self.exercises:
            if exercise.account is None:
                continue
            heard: list[float] = []
            self._messages[exercise.devices[Party.WEARER].id] = heard
            person = stack.enter_context(PersonClient(self._target.app_url))
            person.sign_in(exercise.account.number, exercise.account.pin)

            def hear(arrival: Arrival, heard: list[float] = heard) -> None:
                if arrival.name == "message":
                    heard.append(arrival.at_s)

            stream = Stream(f"{self._target.app_url}/stream", person.cookies, hear)
            stream.start()
            stack.callback(stream.stop)

    def _connect(self, stack: ExitStack) -> Fleet:
        fleet = Fleet(self._target.mqtt_host, self._target.mqtt_port, self._clock)
        stack.callback(fleet.close)
        for exercise in self.exercises:
            for device in exercise.devices.values():
                fleet.add(device, listens=False)
        fleet.connect(60.0)
        return fleet

    def _senders(self) -> list[Sender]:
        return [
            Sender(device.id, device.topic, road, party)
            for road, exercise in enumerate(self.exercises)
            for party, device in exercise.devices.items()
        ]

    def _fire(self, fleet: Fleet, shots: list[Shot], begin_s: float) -> list[Publication]:
        """Publish everything at its moment; behind time it goes as fast as it can, and the rate shows it."""
        published: list[Publication] = []
        for shot in shots:
            while (left_s := begin_s + shot.at_s - time.monotonic()) > 0:
                fleet.poll(min(left_s, 0.05))
            published.append(fleet.publish(shot.device_id, shot.topic, shot.payload))
            if len(published) % 64 == 0:
                fleet.poll(0.0)
        return published

    def _wait_stored(self, control: ControlClient, fleet: Fleet, before: dict[str, int]) -> int:
        """Return how many fixes the service has stored since, waiting until it has caught up."""
        deadline_s = time.monotonic() + CATCH_UP_S
        while True:
            stored = control.health()["fixes_stored"] - before["fixes_stored"]
            if stored >= fleet.acknowledged or time.monotonic() > deadline_s:
                return int(stored)
            fleet.poll(0.1)

    def _zones(self) -> dict[str, tuple[Zone, ...]]:
        return {
            exercise.devices[Party.WEARER].id: zones_of(road, self._draft.seconds)
            for road, exercise in enumerate(self.exercises)
        }

    def _read_events(self) -> list[tuple[Entry, float]]:
        """Return every entry that the control room was told for the first time, with its arrival."""
        by_order = {exercise.order_id: exercise for exercise in self.exercises}
        events: list[tuple[Entry, float]] = []
        while not self._arrivals.empty():
            arrival = self._arrivals.get()
            event = (arrival.data.get("entry") or {}).get("event") or {}
            exercise = by_order.get(str(event.get("order_id")))
            sighted = verdicts.read_event(arrival, exercise) if exercise else None
            if sighted is None or sighted.repeat or not sighted.kind.startswith("zone_b"):
                continue
            entry = (str(event["device_id"]), sighted.zone or "", sighted.kind)
            events.append((entry, sighted.at_s))
        return events

    def _seen_entries(self) -> Counter[Entry]:
        return Counter(entry for entry, _ in self._events)

    def _room_delays(self, due: dict[Entry, int], published: list[Publication]) -> Spread:
        first: dict[Entry, float] = {}
        for entry, at_s in self._events:
            first.setdefault(entry, at_s)
        return spread([at_s - published[due[entry]].sent_s for entry, at_s in first.items() if entry in due])

    def _person_delays(self, due: dict[Entry, int], published: list[Publication]) -> Spread:
        """Return delays of her stream: each message, which names nothing, answers the last breach before."""
        delays: list[float] = []
        for device_id, heard in self._messages.items():
            breaches = sorted(
                published[index].sent_s
                for (device, _, kind), index in due.items()
                if device == device_id and kind == "zone_breach"
            )
            for at_s in heard:
                begun = [sent_s for sent_s in breaches if sent_s <= at_s]
                if begun:
                    delays.append(at_s - begun[-1])
        return spread(delays)


def _count(counts: dict[str, int]) -> int:
    return sum(counts.values())

"""From a story to its messages: when a device reads, what it reads and when it sends that.

Time. Device stamps are whole seconds of the real clock, so a device reads on whole real seconds; at
`--speed N` the story moves N seconds per real second and a device that reads every 15 s does so every
15/N real seconds, at least 1. Positions are those of the stamp to the second, so the speed that two
stamps imply is the true one times N.
"""

import random
from dataclasses import dataclass, replace

from simulator.faults import BACKLOG_GAP_S
from simulator.motion import Track
from simulator.schedule import Party, Sending
from simulator.sensor import Receiver
from simulator.stories import Actor, DeviceKind, Story
from simulator.world import bearing_deg, near_distance_m

SEQ_STEP = 10
"""Readings are numbered in tens: alarms between them need numbers of their own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of a story: its messages in the order of sending.

    Attributes:
        real_s: Real seconds from the beginning to the last message.
    """

    sendings: tuple[Sending, ...]
    real_s: float


def plan_story(story: Story, seed: int, speed: float) -> Plan:
    """Return the messages of a run; the same story, seed and speed give the same."""
    sendings: list[Sending] = []
    tracks = [actor.track(seed) for actor in story.actors]
    lasts_s = max(track.duration_s for track in tracks)  # who has arrived stays, and goes on reporting
    for actor, track in zip(story.actors, tracks, strict=True):
        rng = random.Random(f"{seed}/{actor.whose}/faults")
        messages = _readings(story, actor, track, lasts_s, seed, speed)
        for fault in actor.faults:
            messages = fault.apply(messages, rng, speed)
        sendings += messages
    sendings.sort(key=lambda sending: sending.at_s)
    return Plan(tuple(sendings), max((sending.at_s for sending in sendings), default=0.0))


def _readings(
    story: Story, actor: Actor, track: Track, lasts_s: float, seed: int, speed: float
) -> list[Sending]:
    """Return one device's positions before anything goes wrong."""
    rng = random.Random(f"{seed}/{actor.whose}/sensor")
    receiver = Receiver(actor.sensor, rng)
    network_s = rng.uniform(0.05, 0.4)  # two devices never speak in the same instant
    interval_s = max(1, round(actor.device.interval_s / speed))
    last_stamp_s = int((lasts_s - story.history_s) / speed)
    stamps = [*range(-story.history_s, 0, actor.device.interval_s), *range(0, last_stamp_s + 1, interval_s)]
    sendings: list[Sending] = []
    for number, stamp_s in enumerate(stamps):
        story_s = stamp_s * speed if stamp_s >= 0 else float(stamp_s)
        sending = _sense(receiver, track, story_s + story.history_s, actor)
        if sending is None:
            continue
        battery_pct = None if actor.battery is None else actor.battery.at(story_s)
        if battery_pct == 0:
            continue
        sendings.append(
            replace(
                sending,
                at_s=stamp_s + network_s,
                stamp_s=stamp_s,
                story_s=story_s,
                seq=number * SEQ_STEP,
                backlog=stamp_s < 0,
                name=actor.name,
                battery_pct=battery_pct,
            )
        )
    return _release_history(sendings, network_s)


def _release_history(sendings: list[Sending], network_s: float) -> list[Sending]:
    """Send stored readings first, at 50 a second, and the live ones right after them."""
    stored = [sending for sending in sendings if sending.backlog]
    busy_s = len(stored) * BACKLOG_GAP_S
    burst = [replace(sending, at_s=network_s + BACKLOG_GAP_S * n) for n, sending in enumerate(stored)]
    live = [
        replace(sending, at_s=max(sending.at_s, network_s + busy_s))
        for sending in sendings
        if not sending.backlog
    ]
    return [*burst, *live]


def _sense(receiver: Receiver, track: Track, track_s: float, actor: Actor) -> Sending | None:
    here, before = track.at(track_s), track.at(track_s - 1)
    moved_m = near_distance_m(before, here)
    course_deg = bearing_deg(before, here) if moved_m > 0.2 else 0.0
    reading = receiver.sense(track_s, here, track.speed_m_s(track_s), course_deg)
    if reading is None:
        return None
    strap = True if actor.device.kind is DeviceKind.ANKLE_MONITOR else None
    return Sending(0.0, 0, 0.0, actor.party, 0, actor.party, reading, strap_closed=strap)


def party_sendings(plan: Plan, party: Party) -> list[Sending]:
    """Return what was said in one party's name, in the order of sending."""
    return [sending for sending in plan.sendings if sending.party is party]

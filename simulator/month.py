"""One pair's ordinary month, made cheaply and judged in virtual time: what does a quiet life set off?

Everything lies in a plane round one origin, in metres, so that no fix costs a geodesic.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from simulator.judge import WEARER, Judge, Said, lines_of, read_told
from simulator.life import DAY_S, LIVES, ZONE, Life, LifeReceiver, Spot, Way, make_knots, place_of
from simulator.plan import Plan
from simulator.schedule import Party

DAYS = 30
BEGIN = datetime(2026, 11, 1, 23, 0, tzinfo=UTC)
"""Midnight in Rotterdam, a Monday."""
BATCH = 500
"""Up to so many messages are judged in one go, as a busy worker does."""
RADIUS_M, WARNING_M = 500.0, 1000.0
ZONE_RADIUS_M, BUFFER_M = 300.0, 250.0
DEAD_ZONES_PER_DAY, DEAD_ZONE_S = 1.0, 120.0
"""Of each device, and how long one lasts in the mean (exponentially): a lift, a cellar shop, a stretch of
underground. Readings are stored and sent afterwards. Proposal: nobody publishes it."""
NO_LIMITS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Month:
    """What a month came to.

    Attributes:
        made_s, judged_s: Real seconds for making the messages and for judging all of them.
        kinds: How often somebody was called, by the event that began it; see `judge.Rehearsed`.
        events: All events that are no repeats.
    """

    fixes: int
    made_s: float
    judged_s: float
    kinds: Counter[str]
    events: Counter[str]
    false_grave: int
    rejected: Mapping[str, int]

    @property
    def alerts_per_pair_day(self) -> float:
        """Return alerts of any kind."""
        return self.kinds.total() / DAYS

    @property
    def false_grave_per_pair_day(self) -> float:
        """Return events of severity 1; nothing true stands behind any."""
        return self.false_grave / DAYS


def judge_month(judge: Judge, seed: int, interval_s: int, limits: Mapping[str, float] = NO_LIMITS) -> Month:
    """Return what the service makes of a month with a message every `interval_s` from each device.

    `limits` are names of the service's limits with other values than its own.
    """
    begin_s = int(BEGIN.timestamp())
    began = time.perf_counter()
    messages = make_messages(seed, interval_s, begin_s)
    end: list[Said] = [{"say": "until", "at": begin_s + DAYS * DAY_S + 1.0}, {"say": "end"}]
    text = lines_of([*messages, *end])
    made_s = time.perf_counter() - began
    judge.ask(provision(begin_s, limits), "device")
    judge.ask([device_line(Party.PROTECTED, begin_s)], "device")
    began = time.perf_counter()
    told = judge.ask_text(text, "end")
    judged_s = time.perf_counter() - began
    found = read_told(told, Plan((), 0.0), begin_s)
    return Month(
        fixes=len(messages),
        made_s=made_s,
        judged_s=judged_s,
        kinds=Counter(event.kind for event in found.began),
        events=Counter(event.kind for event in found.evidence.events if not event.repeat),
        false_grave=sum(event.is_grave and not event.repeat for event in found.evidence.events),
        rejected=found.rejected,
    )


def provision(begin_s: int, limits: Mapping[str, float], batch: int = BATCH, home: Spot = ZONE) -> list[Said]:
    """Return the lines that make their order, a zone round `home`, and his device; hers is another line."""
    center = place_of(home)
    return [
        {"say": "begin", "at": begin_s - 1.0, "batch": batch, "limits": dict(limits)},
        {
            "say": "order",
            "order": "order",
            "wearer": WEARER,
            "people": [Party.PROTECTED.value],
            "alert_radius_m": RADIUS_M,
            "warning_radius_m": WARNING_M,
            "valid_from": begin_s - 3600.0,
            "zones": [
                {
                    "name": "home",
                    "shape": {
                        "type": "Circle",
                        "center": [center.lon, center.lat],
                        "radius_m": ZONE_RADIUS_M,
                    },
                    "buffer_m": BUFFER_M,
                    "visibility": "declared",
                }
            ],
        },
        device_line(Party.WEARER, begin_s),
    ]


def device_line(party: Party, begin_s: int) -> Said:
    """Return the line that gives one of the two a device."""
    kind = "ankle_monitor" if party is Party.WEARER else "personal_device"
    return {
        "say": "device",
        "device": party.value,
        "holder": party.value,
        "kind": kind,
        "sealed": False,
        "since": begin_s - 3600.0,
    }


def make_messages(seed: int, interval_s: int, begin_s: int) -> list[Said]:
    """Return both devices' messages in the order of sending; the same seed gives the same."""
    lines = [
        line
        for party, life in LIVES.items()
        for line in _messages(party, life, random.Random(f"{seed}/{party}"), interval_s, begin_s)
    ]
    lines.sort(key=lambda line: float(line["at"]))
    return lines


def _messages(party: Party, life: Life, rng: random.Random, interval_s: int, begin_s: int) -> Iterator[Said]:
    way = Way(make_knots(life, rng, DAYS))
    network_s = rng.uniform(0.05, 0.4)
    receiver = LifeReceiver(life, rng)
    hold_s, queue_s = -1.0, 0.0
    for number, at_s in enumerate(range(0, DAYS * DAY_S, interval_s)):
        spot, is_indoors = way.at(at_s)
        seen, accuracy_m, source = receiver.sense(at_s, spot, is_indoors=is_indoors)
        if at_s > hold_s and rng.random() < interval_s * DEAD_ZONES_PER_DAY / DAY_S:
            hold_s, queue_s = at_s + rng.expovariate(1 / DEAD_ZONE_S), 0.0
        sent_s = at_s + network_s
        if at_s <= hold_s:
            queue_s += 0.02
            sent_s = hold_s + queue_s
        place = place_of(seen)
        message = {
            "_type": "location",
            "lat": round(place.lat, 7),
            "lon": round(place.lon, 7),
            "tst": begin_s + at_s,
            "seq": number,
            "acc": round(accuracy_m, 1),
            "src": source,
            "batt": 100 - round(at_s % DAY_S / DAY_S * 60),
        }
        if party is Party.WEARER:
            message["strap"] = "closed"
        yield {"say": "message", "at": begin_s + sent_s, "device": party.value, "lane": "", "json": message}

"""What safe-horizon reporting saves: devices that obey `setInterval`, in a closed loop with the real service.

Two people live their ordinary days. Whoever is told to report more rarely does so from the next report on;
counted are the messages against a fixed interval of 60 s and of 15 s, and what the service told meanwhile.
"""

import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from simulator.judge import Judge, Said
from simulator.life import DAY_S, LIVES, Life, LifeReceiver, Way, make_knots, moved, place_of
from simulator.month import BEGIN, device_line, provision
from simulator.schedule import Party

USUAL_S = 60
"""Until it is told otherwise a device reports at this interval (field/monitoring.md section 5, V9)."""
FIXED_S = (60, 15)
FARTHER_M = (0.0, 14_000.0, 54_000.0)
"""They live 6 km apart, and so much more: in one town, in the next one, in another region."""
NETWORK_S = 0.2
LONGEST_S = 600.0
ANSWER_AFTER_S = 0.5
"""A command reaches a device that has just reported within this."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What some days came to.

    Attributes:
        messages: Positions sent, per side.
        intervals: How long each side reported at each interval, seconds.
        calls: Events told that are no repeats, by kind.
    """

    days: int
    messages: Counter[Party]
    intervals: dict[Party, Counter[int]]
    calls: Counter[str]

    def saved(self, party: Party, fixed_s: int) -> float:
        """Return the part of messages saved against a fixed interval, 0..1; negative is more messages."""
        return 1.0 - self.messages[party] / (self.days * DAY_S / fixed_s)


class _Device:
    """One side's device: when it reports next, and at which interval."""

    def __init__(self, party: Party, life: Life, seed: int, days: int) -> None:
        self.party = party
        self._rng = random.Random(f"{seed}/{party}/saving")
        self._way = Way(make_knots(life, self._rng, days))
        self._receiver = LifeReceiver(life, self._rng)
        self.interval_s = USUAL_S
        self.next_s = self._rng.randrange(USUAL_S)
        self.reports = 0

    def report(self, begin_s: int) -> Said:
        """Return the message of now and be due again an interval later."""
        at_s = self.next_s
        spot, is_indoors = self._way.at(at_s)
        seen, accuracy_m, source = self._receiver.sense(at_s, spot, is_indoors=is_indoors)
        place = place_of(seen)
        message: dict[str, Any] = {
            "_type": "location",
            "lat": round(place.lat, 7),
            "lon": round(place.lon, 7),
            "tst": begin_s + at_s,
            "seq": self.reports,
            "acc": round(accuracy_m, 1),
            "src": source,
        }
        if self.party is Party.WEARER:
            message["strap"] = "closed"
        self.reports += 1
        self.next_s = at_s + self.interval_s
        return {
            "say": "message",
            "at": begin_s + at_s + NETWORK_S,
            "device": self.party.value,
            "lane": "",
            "json": message,
        }

    def obey(self, interval_s: int) -> None:
        """Report at another interval from the last report on."""
        self.next_s += interval_s - self.interval_s
        self.interval_s = interval_s


def judge_saving(judge: Judge, seed: int, days: int, farther_m: float, *, both: bool) -> Saving:
    """Return what is saved over some days by two who live 6 km and `farther_m` apart.

    `both` lets his device be told too, as a court may allow.
    """
    begin_s = int(BEGIN.timestamp())
    limits = {"longest_interval_s": LONGEST_S}
    if both:
        limits["wearer_longest_interval_s"] = LONGEST_S
    lives = {Party.WEARER: LIVES[Party.WEARER], Party.PROTECTED: moved(LIVES[Party.PROTECTED], farther_m)}
    judge.ask(provision(begin_s, limits, 1, lives[Party.PROTECTED].home), "device")
    judge.ask([device_line(Party.PROTECTED, begin_s)], "device")
    devices = {party: _Device(party, life, seed, days) for party, life in lives.items()}
    intervals: dict[Party, Counter[int]] = {party: Counter() for party in lives}
    calls: Counter[str] = Counter()
    while (device := min(devices.values(), key=lambda one: one.next_s)).next_s < days * DAY_S:
        reported_s = device.next_s
        line = device.report(begin_s)
        for told in judge.ask([line, {"say": "until", "at": line["at"] + ANSWER_AFTER_S}], "until"):
            if told["told"] == "event" and not told["event"]["repeat"]:
                calls[told["event"]["kind"]] += 1
            if told["told"] == "command" and told["json"]["action"] == "setInterval":
                devices[Party(told["device"])].obey(int(told["json"]["interval"]))
        intervals[device.party][device.interval_s] += device.next_s - reported_s
    judge.ask([{"say": "end"}], "end")
    messages = Counter({party: one.reports for party, one in devices.items()})
    return Saving(days, messages, intervals, calls)

"""What goes wrong on the way: each fault is data with one function from sendings to sendings.

What goes wrong in the device is in `device_faults`.

Times are story seconds after the run begins. Faults are applied in the order in which a story lists them.
"""

import math
import random
from dataclasses import dataclass, replace

from simulator.device_faults import DeviceFault
from simulator.schedule import Party, Sending
from simulator.world import Place

Sendings = list[Sending]
BACKLOG_GAP_S = 0.02
"""A device that comes out of a dead zone empties its store at about 50 messages/s; proposal."""
RESEND_AFTER_S = 0.3
"""How much later a repeated message arrives; proposal."""
REORDER_WINDOW = 4
"""How many neighbours change places; proposal."""
BROKEN_MESSAGES = (
    b'{"_type":"location","lat":51.9,',
    b'{"_type":"location","lat":91.0,"lon":4.5,"tst":1790000000}',
    b'{"_type":"location","lat":NaN,"lon":4.5,"tst":1790000000}',
    b'{"_type":"location","lat":"north","lon":4.5,"tst":1790000000}',
    b'{"_type":"location","lat":51.9,"lon":4.5,"tst":-2177452800}',
    b"\xff\xfe\x00 not text at all",
    b"[]",
)
"""Cut off, out of range, not a number, wrong type, a clock in 1901, not UTF-8, not an object."""


@dataclass(frozen=True, slots=True)
class Silence:
    """The device says nothing, and stores nothing: off, in a tunnel, or wrapped in foil."""

    from_s: float
    to_s: float = math.inf

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Drop what would have been said."""
        return [sending for sending in sendings if not self.from_s <= sending.story_s < self.to_s]


@dataclass(frozen=True, slots=True)
class DeadZone:
    """No network: readings are stored and sent, oldest first, when it is back."""

    from_s: float
    to_s: float

    def apply(self, sendings: Sendings, _rng: random.Random, speed: float) -> Sendings:
        """Put off what would have been said."""
        result, waiting = [], 0
        for sending in sendings:
            if self.from_s <= sending.story_s < self.to_s:
                at_s = self.to_s / speed + waiting * BACKLOG_GAP_S
                result.append(replace(sending, at_s=at_s, backlog=True))
                waiting += 1
            else:
                result.append(sending)
        return result


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Each message arrives again a moment later: a lost PUBACK, at-least-once at work."""

    from_s: float
    to_s: float
    copies: int

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Repeat what was said."""
        result = []
        for sending in sendings:
            result.append(sending)
            if self.from_s <= sending.story_s < self.to_s:
                result += [
                    replace(sending, at_s=sending.at_s + RESEND_AFTER_S * (copy + 1))
                    for copy in range(self.copies)
                ]
        return result


@dataclass(frozen=True, slots=True)
class Reorder:
    """Messages overtake each other, each keeping its own stamp and number."""

    from_s: float
    to_s: float

    def apply(self, sendings: Sendings, rng: random.Random, _speed: float) -> Sendings:
        """Shuffle the moments of sending within windows of neighbours; none is sent before its stamp."""
        result = list(sendings)
        touched = [i for i, s in enumerate(result) if self.from_s <= s.story_s < self.to_s and not s.alarm]
        for begin in range(0, len(touched), REORDER_WINDOW):
            window = touched[begin : begin + REORDER_WINDOW]
            release_s = max(result[i].at_s for i in window)
            order = list(window)
            rng.shuffle(order)
            for place, index in enumerate(order):
                result[index] = replace(result[index], at_s=release_s + place * BACKLOG_GAP_S)
        return result


@dataclass(frozen=True, slots=True)
class SkewClock:
    """The device's clock is ahead (positive) or behind by whole real seconds."""

    by_s: int
    from_s: float
    to_s: float = math.inf

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Shift the stamps."""
        return [
            replace(s, stamp_s=s.stamp_s + self.by_s) if self.from_s <= s.story_s < self.to_s else s
            for s in sendings
        ]


@dataclass(frozen=True, slots=True)
class Alarm:
    """The device itself raises an alarm; a cut strap stays open in the positions after it."""

    kind: str
    at_s: float

    def apply(self, sendings: Sendings, _rng: random.Random, speed: float) -> Sendings:
        """Add the alarm with the last known position."""
        before = [s for s in sendings if s.story_s <= self.at_s] or sendings[:1]
        if not before:
            return sendings
        last = before[-1]
        at_s = self.at_s / speed
        alarm = replace(
            last,
            at_s=at_s,
            stamp_s=math.floor(at_s),
            story_s=self.at_s,
            seq=max(s.seq for s in before) + 1,
            alarm=self.kind,
            backlog=False,
            genuine=True,
        )
        after = [s for s in sendings if s not in before]
        if self.kind == "strap_cut":
            after = [replace(s, strap_closed=False) for s in after]
        return [*before, alarm, *after]


@dataclass(frozen=True, slots=True)
class Jump:
    """One reading lies somewhere else: a single outlier."""

    at_s: float
    to: Place

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Move the first position at or after the moment."""
        result = list(sendings)
        for index, sending in enumerate(result):
            if sending.reading is not None and sending.story_s >= self.at_s:
                moved = replace(sending.reading, place=self.to)
                result[index] = replace(sending, reading=moved, genuine=False)
                break
        return result


@dataclass(frozen=True, slots=True)
class Forge:
    """Someone with the device's password but not its sealing key says in plain text that it is elsewhere."""

    from_s: float
    to_s: float
    to: Place

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Add a forged message after each true one."""
        return _with_forgeries(sendings, self.from_s, self.to_s, self.to, None)


@dataclass(frozen=True, slots=True)
class Impostor:
    """Another device's log-in publishes under this device's topic; the broker must not pass it on."""

    from_s: float
    to_s: float
    to: Place

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Add a foreign message after each true one."""
        party = sendings[0].party if sendings else Party.WEARER
        by = Party.PROTECTED if party is Party.WEARER else Party.WEARER
        return _with_forgeries(sendings, self.from_s, self.to_s, self.to, by)


@dataclass(frozen=True, slots=True)
class Malformed:
    """Broken messages between good ones: each of `BROKEN_MESSAGES` once, half a second apart."""

    at_s: float

    def apply(self, sendings: Sendings, _rng: random.Random, speed: float) -> Sendings:
        """Add the broken ones."""
        if not sendings:
            return sendings
        at_s = self.at_s / speed
        broken = [
            Sending(
                at_s=at_s + 0.5 * number,
                stamp_s=math.floor(at_s),
                story_s=self.at_s,
                party=sendings[0].party,
                seq=0,
                by=sendings[0].by,
                raw=raw,
                genuine=False,
            )
            for number, raw in enumerate(BROKEN_MESSAGES)
        ]
        return [*sendings, *broken]


WayFault = Silence | DeadZone | Duplicate | Reorder | SkewClock | Alarm | Jump | Forge | Impostor | Malformed
Fault = WayFault | DeviceFault


def _with_forgeries(sendings: Sendings, from_s: float, to_s: float, to: Place, by: Party | None) -> Sendings:
    result = []
    for sending in sendings:
        result.append(sending)
        if sending.reading is None or sending.alarm or not from_s <= sending.story_s < to_s:
            continue
        forged = replace(
            sending,
            at_s=sending.at_s + 0.4,
            seq=sending.seq + 5,
            reading=replace(sending.reading, place=to),
            by=by or sending.by,
            plain=True,
            genuine=False,
        )
        result.append(forged)
    return result

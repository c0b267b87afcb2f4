"""Fixes and tracks judged by the rules alone, in the order in which the service calls them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import cos, degrees, radians, sin, sqrt
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from api.alerts.model import Doubt, Event, EventKind
from api.geofence.geometry.earth import AXIS_M, ECCENTRICITY2, ecef
from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import Fix, Limits, Presence, PresenceState
from api.geofence.rules.proximity import Pair, judge_past_proximity, judge_proximity
from api.geofence.rules.quality import Seen, Timing, see, timing_of
from api.geofence.rules.zones import judge_past_zone, judge_zone
from api.kernel.geo import Point
from api.orders.model import Party
from simulator.sensor import Receiver, Sensor
from simulator.tracks import read_track
from simulator.world import Place
from tests.factories import NOW, PLACE, make_circle_zone, make_fix

LIMITS = Limits()
UNSEEN = PresenceState()
RADIUS_M = 500.0
BUFFER_M = 250.0
BAND_M = 50.0
"""10 % of the radius: how far beyond a line counts as left."""
ZONE = PreparedZone.from_zone(make_circle_zone(radius_m=RADIUS_M, buffer_m=BUFFER_M))
PAIR = Pair(UUID(int=3), UUID(int=4), alert_radius_m=500.0, warning_radius_m=1000.0, exercise=False)
WEARER_DEVICE = UUID(int=1)
HER_DEVICE = UUID(int=9)
TRACK = Path(__file__).parents[2] / "simulator/tracks/zone-on-foot-wearer.gpx"


def moment(seconds: float) -> datetime:
    """So many seconds after the tests' beginning of time."""
    return NOW + timedelta(seconds=seconds)


def place(north_m: float, east_m: float = 0.0, origin: Point = PLACE) -> Point:
    """So many metres away; exact to a centimetre within 2 km."""
    phi = radians(origin.lat)
    bend = 1.0 - ECCENTRICITY2 * sin(phi) ** 2
    along_m = AXIS_M * (1.0 - ECCENTRICITY2) / (bend * sqrt(bend))
    across_m = AXIS_M / sqrt(bend) * cos(phi)
    return Point(origin.lat + degrees(north_m / along_m), origin.lon + degrees(east_m / across_m))


def fix_at(t_s: float, north_m: float, east_m: float = 0.0, *, delay_s: float = 1.0, **more: Any) -> Fix:
    """A fix so many metres from the middle of `ZONE`, heard of `delay_s` later."""
    more.setdefault("received_at", moment(t_s + delay_s))
    return make_fix(at=moment(t_s), point=place(north_m, east_m), **more)


def beyond(t_s: float, metres: float, **more: Any) -> Fix:
    """A fix so many metres outside the line of `ZONE`, due north; negative is inside."""
    return fix_at(t_s, RADIUS_M + metres, **more)


def her_fix(t_s: float, north_m: float, east_m: float = 0.0, **more: Any) -> Fix:
    """A fix of the protected person's device."""
    return fix_at(t_s, north_m, east_m, device_id=HER_DEVICE, **more)


def told(events: Iterable[Event]) -> list[str]:
    """What events say, in one word each; a repeat and late data are marked."""
    return [f"{e.kind}{' again' if e.repeat else ''}{'' if e.live else ' late'}" for e in events]


@dataclass
class ZoneDesk:
    """One wearer and one zone.

    Attributes:
        states: After each fix.
        steps: What each fix told.
    """

    zone: PreparedZone = ZONE
    limits: Limits = LIMITS
    state: PresenceState = UNSEEN
    newest: Seen | None = None
    states: list[PresenceState] = field(default_factory=list)
    steps: list[tuple[Event, ...]] = field(default_factory=list)

    def take(self, *fixes: Fix) -> "ZoneDesk":
        for fix in fixes:
            timing = timing_of(fix, self.newest.fix.fixed_at if self.newest else None, self.limits)
            if timing is Timing.PAST:
                events = judge_past_zone(see(fix, None, self.limits), self.zone, self.state, self.limits)
            else:
                self.newest = see(fix, self.newest, self.limits)
                self.state, events = judge_zone(self.newest, self.zone, self.state, timing, self.limits)
            self.states.append(self.state)
            self.steps.append(events)
        return self

    @property
    def events(self) -> list[Event]:
        return [event for events in self.steps for event in events]

    @property
    def told(self) -> list[str]:
        return told(self.events)


@dataclass
class PairDesk:
    """One wearer and one protected person; whose fix it is, its device says."""

    pair: Pair = PAIR
    limits: Limits = LIMITS
    state: PresenceState = UNSEEN
    known: dict[Party, list[Seen]] = field(default_factory=lambda: {party: [] for party in Party})
    newest: dict[Party, Seen] = field(default_factory=dict)
    states: list[PresenceState] = field(default_factory=list)
    steps: list[tuple[Event, ...]] = field(default_factory=list)

    def take(self, *fixes: Fix) -> "PairDesk":
        for fix in fixes:
            mover = Party.PROTECTED if fix.device_id == HER_DEVICE else Party.WEARER
            self.steps.append(self._judge(fix, mover))
            self.states.append(self.state)
        return self

    def _judge(self, fix: Fix, mover: Party) -> tuple[Event, ...]:
        before = self.newest.get(mover)
        timing = timing_of(fix, before.fix.fixed_at if before else None, self.limits)
        if timing is Timing.PAST:
            now = see(fix, None, self.limits)
            around = self._around(now, Party.WEARER if mover is Party.PROTECTED else Party.PROTECTED)
            return judge_past_proximity(now, mover, *around, self.pair, self.state, self.limits)
        self.newest[mover] = see(fix, before, self.limits)
        self.known[mover].append(see(fix, None, self.limits))
        if len(self.newest) < len(Party):
            return ()
        wearer, protected = self.newest[Party.WEARER], self.newest[Party.PROTECTED]
        self.state, events = judge_proximity(
            wearer, protected, mover, self.pair, self.state, timing, self.limits
        )
        return events

    def _around(self, now: Seen, other: Party) -> tuple[Seen | None, Seen | None]:
        """The other's last fix not after a time and the first after it."""
        known = sorted(self.known[other], key=lambda seen: seen.at_s)
        before = [seen for seen in known if seen.at_s <= now.at_s]
        after = [seen for seen in known if seen.at_s > now.at_s]
        return (before[-1] if before else None), (after[0] if after else None)

    @property
    def events(self) -> list[Event]:
        return [event for events in self.steps for event in events]

    @property
    def told(self) -> list[str]:
        return told(self.events)


def copy_of(desk: ZoneDesk) -> ZoneDesk:
    """A desk that goes on from the same state, and has told nothing yet."""
    return replace(desk, states=[], steps=[])


RANK = {Presence.OUTSIDE: 0, Presence.BUFFER: 1, Presence.INSIDE: 2}
_LEFT = frozenset({EventKind.ZONE_LEFT, EventKind.PROXIMITY_LEFT})
_WARNED = frozenset({EventKind.ZONE_BUFFER, EventKind.PROXIMITY_WARNING})


def check_telling(desk: ZoneDesk | PairDesk) -> None:
    """Assert that after each fix what live events told is what is in force, no more and no less."""
    level, is_mild, is_closing = 0, False, False
    for state, events in zip(desk.states, desk.steps, strict=True):
        for event in (event for event in events if event.live):
            if event.kind is EventKind.BOUNDARY_LOITER:
                continue
            if event.kind is EventKind.CLOSING_FAST:
                assert not is_closing, "closing fast is told once"
                is_closing = True
            elif event.kind in _LEFT and level == 0:
                assert is_closing, "left what nobody was told of"
                is_closing = False
            elif event.kind in _LEFT:
                is_closing = is_closing and state.closing > 0
                assert level > RANK[state.presence], "left what nobody was told of"
                level = RANK[state.presence]
            elif event.kind is EventKind.ZONE_TRANSIT or Doubt.BETWEEN_FIXES in event.doubts:
                level = max(level, 1)
            elif event.kind in _WARNED:
                assert level < 2, "warned of what is worse"
                level = 1
            else:
                is_worse = level == 2 and is_mild and not state.mild
                assert (level == 2 and not is_worse) is event.repeat, "told once, and then as a repeat"
                level, is_mild = 2, state.mild
        assert level == RANK[state.presence]


_GAPS_S = st.sampled_from([1, 5, 20, 30, 60, 61, 90, 310])
_BEYOND_M = st.one_of(
    st.floats(-400.0, 800.0),
    st.sampled_from([-100.0, -1.0, 1.0, 40.0, 51.0, 100.0, 249.0, 260.0, 310.0, 700.0]),
)
_ACCURACIES = st.one_of(st.floats(1.0, 50.0), st.none(), st.floats(50.0, 300.0))
GOOD = st.floats(1.0, 50.0)
"""Accuracies of a fix that proves a place."""
LIVE_S = st.just(1.0)
ANY_DELAY_S = st.sampled_from([1.0, 60.0, 119.0, 121.0, 3600.0])
"""Some of them make late data."""


@st.composite
def wearer_tracks(
    draw: st.DrawFn,
    accuracies: st.SearchStrategy[float | None] = _ACCURACIES,
    delays_s: st.SearchStrategy[float] = LIVE_S,
) -> list[Fix]:
    """Fixes in order of time, north and south of `ZONE` and in it, with jumps, gaps and any accuracy."""
    fixes, t_s = [], 0
    for _ in range(draw(st.integers(1, 12))):
        t_s += draw(_GAPS_S)
        side = draw(st.sampled_from([1, 1, 1, -1]))
        north_m = side * (RADIUS_M + draw(_BEYOND_M))
        fixes.append(fix_at(t_s, north_m, accuracy_m=draw(accuracies), delay_s=draw(delays_s)))
    return fixes


@st.composite
def pair_tracks(draw: st.DrawFn, delays_s: st.SearchStrategy[float] = LIVE_S) -> list[Fix]:
    """Fixes of both in order of arrival; the two devices' times go on side by side."""
    fixes, t_s = [], 0
    for _ in range(draw(st.integers(2, 16))):
        t_s += draw(_GAPS_S)
        device = draw(st.sampled_from([WEARER_DEVICE, HER_DEVICE]))
        north_m = draw(st.one_of(st.floats(-900.0, 900.0), st.sampled_from([0.0, 495.0, 560.0, 1100.0])))
        more: dict[str, Any] = {
            "accuracy_m": draw(_ACCURACIES),
            "delay_s": draw(delays_s),
            "device_id": device,
        }
        fixes.append(fix_at(t_s, north_m, **more))
    return fixes


def recorded() -> list[Fix]:
    """A recorded walk of eight minutes, a point each five seconds."""
    points = read_track(TRACK)
    times = [point.unix_s for point in points if point.unix_s is not None]
    assert len(times) == len(points) > 100
    return [
        make_fix(at=moment(unix_s - times[0]), point=Point(*point.place), accuracy_m=point.accuracy_m)
        for point, unix_s in zip(points, times, strict=True)
    ]


def wandering(place_of: Point, noise_m: float, seed: int) -> list[Fix]:
    """Two hours at one place, a fix each ten seconds, by a receiver whose error wanders."""
    receiver = Receiver(Sensor(noise_m=noise_m), random.Random(seed))
    readings = [(10 * i, receiver.sense(10 * i, Place(*place_of), 0.0, 0.0)) for i in range(720)]
    return [
        make_fix(at=moment(t_s), point=Point(*reading.place), accuracy_m=reading.accuracy_m)
        for t_s, reading in readings
        if reading
    ]


def _bounces(entered_s: Sequence[float], left_s: Sequence[float]) -> int:
    """How often he was back within two minutes of having left."""
    return sum(any(0 <= back - out < 120 for out in left_s) for back in entered_s)


def replay(zone: PreparedZone, fixes: Sequence[Fix]) -> tuple[int, int, int]:
    """Bounces of a plain in/out test, of the rules, and fixes inside that the rules do not call INSIDE."""
    desk = ZoneDesk(zone)
    ways: dict[str, tuple[list[float], list[float]]] = {"plain": ([], []), "rules": ([], [])}
    was_in, misses = False, 0
    for fix in fixes:
        desk.take(fix)
        t_s = (fix.fixed_at - fixes[0].fixed_at).total_seconds()
        is_in = zone.signed_distance_m(ecef(fix.point), 0.0) <= 0.0
        if is_in is not was_in:
            ways["plain"][0 if is_in else 1].append(t_s)
        for event in desk.steps[-1]:
            if event.kind is EventKind.ZONE_LEFT:
                ways["rules"][1].append(t_s)
            elif event.kind is EventKind.ZONE_BREACH and not event.repeat:
                ways["rules"][0].append(t_s)
        misses += is_in and desk.state.presence is not Presence.INSIDE
        was_in = is_in
    return _bounces(*ways["plain"]), _bounces(*ways["rules"]), misses

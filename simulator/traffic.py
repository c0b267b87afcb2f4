"""The bench's traffic: cars on parallel straight roads across rows of zones, encoded before the clock starts.

A device's clock has whole seconds: a device that speaks several times a second repeats its position of
that second under a new number, as a receiver with one fix a second does.
"""

from dataclasses import dataclass

from simulator.schedule import Party
from simulator.stories import Zone
from simulator.wire import encode
from simulator.world import Circle, Place, destination, offset

START = Place(51.95, 3.2)
"""In the North Sea west of Hook of Holland, where no bench can be mistaken for somebody's life."""
ROAD_GAP_M = 300.0
SPEED_M_S = 30.0
SPACING_M = 400.0
RADIUS_M = 60.0
BUFFER_M = 60.0
FIRST_ZONE_M = 250.0
"""The first zone's centre from the road's beginning; beyond its buffer, so that everybody starts outside."""
ACCURACY_M = 5
PERSON_AWAY_M = 20_000.0
"""Her device stands this far off: its fixes are judged and never alert."""


Entry = tuple[str, str, str]
"""Device, zone and kind of event."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One device of the bench: a car on road number `road`, or a person who stays."""

    device_id: str
    topic: str
    road: int
    party: Party


@dataclass(frozen=True, slots=True)
class Shot:
    """One message: who, when (seconds after the beginning) and the bytes."""

    device_id: str
    topic: str
    at_s: float
    stamp_s: int
    place: Place
    payload: bytes


def start_of(road: int, roads: int) -> Place:
    """Return where a road begins; beginnings are staggered, so that entries are spread over time."""
    home = destination(START, 0.0, ROAD_GAP_M * road)
    return destination(home, 270.0, SPACING_M * road / roads)


def zones_of(road: int, seconds: float) -> tuple[Zone, ...]:
    """Return the zones on a road as far as a car comes in that time."""
    home = destination(START, 0.0, ROAD_GAP_M * road)
    count = int((SPEED_M_S * seconds) / SPACING_M) + 1
    return tuple(
        Zone(
            f"zone {number + 1}",
            Circle(destination(home, 90.0, FIRST_ZONE_M + SPACING_M * number), RADIUS_M),
            BUFFER_M,
            "declared",
        )
        for number in range(count)
    )


def place_of(sender: Sender, roads: int, stamp_s: int) -> Place:
    """Return where a device is at a whole second."""
    start = start_of(sender.road, roads)
    if sender.party is Party.PROTECTED:
        return offset(start, 0.0, -PERSON_AWAY_M)
    return destination(start, 90.0, SPEED_M_S * stamp_s)


def make_shots(senders: list[Sender], roads: int, rate: float, seconds: float, begin_tst: int) -> list[Shot]:
    """Return every message of a bench in order, one sender after the other at `rate` a second in total."""
    shots: list[Shot] = []
    places: dict[tuple[str, int], Place] = {}
    for number in range(round(rate * seconds)):
        sender = senders[number % len(senders)]
        at_s = number / rate
        stamp_s = int(at_s)
        key = (sender.device_id, stamp_s)
        if key not in places:
            places[key] = place_of(sender, roads, stamp_s)
        message = {
            "_type": "location",
            "tst": begin_tst + stamp_s,
            "seq": number,
            "lat": round(places[key].lat, 7),
            "lon": round(places[key].lon, 7),
            "acc": ACCURACY_M,
            "vel": 108,
            "src": "gnss",
        }
        shots.append(Shot(sender.device_id, sender.topic, at_s, stamp_s, places[key], encode(message)))
    return shots


def due_entries(
    shots: list[Shot], zones: dict[str, tuple[Zone, ...]], doubt_m: float = 0.0
) -> dict[Entry, int]:
    """Return for each entry that has to be told the index of the first message that shows it.

    `zones` are those of each wearer's device. With a doubt: each that may be told, as a fix reaches so far.
    """
    due: dict[Entry, int] = {}
    judged: set[tuple[str, int]] = set()
    for index, shot in enumerate(shots):
        key = (shot.device_id, shot.stamp_s)
        if key in judged or shot.device_id not in zones:
            continue
        judged.add(key)
        for zone in zones[shot.device_id]:
            edge_m = zone.shape.edge_distance_m(shot.place)
            if edge_m <= doubt_m:
                due.setdefault((shot.device_id, zone.name, "zone_breach"), index)
            if edge_m <= zone.buffer_m + doubt_m:
                due.setdefault((shot.device_id, zone.name, "zone_buffer"), index)
    return due

"""From a YAML file to a `Story`; what is unknown, impossible or contradictory is refused with its line."""

from pathlib import Path

from simulator import faults
from simulator.motion import DRIVE_M_S, DRIVE_MAX_M_S, WALK_M_S, WALK_MAX_M_S, Leg, Manner
from simulator.schedule import Party
from simulator.sensor import OPEN_SKY_M, Multipath, Sensor
from simulator.stories import (
    ANY,
    KINDS,
    PROXIMITY_KINDS,
    ZONE_KINDS,
    Actor,
    Device,
    DeviceKind,
    Expectation,
    Must,
    Story,
    Zone,
)
from simulator.world import Area, Circle, Place, Shape, distance_m
from simulator.yaml_reader import Field, StoryError, read_yaml

STORIES = Path(__file__).with_name("stories")
LONGEST_S = 3600.0
"""A story longer than an hour is two stories."""
ALARM_KINDS = frozenset({"case_open", "separation", "rf_proximity", "jamming", "shielding", "power_off"})


def find_story(name: str) -> Path:
    """Return the file of a shipped story's name, or the path itself."""
    shipped = STORIES / f"{name}.yaml"
    if shipped.exists():
        return shipped
    if Path(name).suffix in {".yaml", ".yml"}:
        return Path(name)
    raise StoryError(f"{name}: no such story; `python -m simulator list` shows them")


def list_stories() -> list[Path]:
    """Return the shipped stories by name."""
    return sorted(STORIES.glob("*.yaml"))


def load_story(path: Path) -> Story:
    """Return the story of a file; raises StoryError with file, line and reason."""
    top = read_yaml(path).fields(
        ("title", "about", "order", "wearer", "expect"),
        ("seed", "history_s", "max_speed", "listen_s", "places", "zones", "protected"),
    )
    places = (
        {name: field.place({}) for name, field in top["places"].mapping().items()} if "places" in top else {}
    )
    order = top["order"].fields(("alert_radius_m", "warning_radius_m"))
    alert_radius_m = order["alert_radius_m"].number(50, 50_000)
    warning_radius_m = order["warning_radius_m"].number(50, 50_000)
    if warning_radius_m < alert_radius_m:
        raise order["warning_radius_m"].refuse("warning_radius_m must not be smaller than alert_radius_m")
    zones = _zones(top["zones"], places) if "zones" in top else ()
    protected = _actor(top["protected"], Party.PROTECTED, places) if "protected" in top else None
    story = Story(
        name=path.stem,
        title=top["title"].text(),
        about=top["about"].text(),
        seed=top["seed"].whole(0, 2**31) if "seed" in top else 1,
        alert_radius_m=alert_radius_m,
        warning_radius_m=warning_radius_m,
        zones=zones,
        wearer=_actor(top["wearer"], Party.WEARER, places),
        protected=protected,
        expect=Expectation(),
        history_s=top["history_s"].whole(0, 3600) if "history_s" in top else 0,
        max_speed=top["max_speed"].number(1, 60) if "max_speed" in top else 60.0,
        listen_s=top["listen_s"].number(1, 1200) if "listen_s" in top else 3.0,
    )
    _check_times(top, story)
    return _with(story, _expectation(top["expect"], story))


def _with(story: Story, expect: Expectation) -> Story:
    values = {name: getattr(story, name) for name in Story.__slots__}
    return Story(**{**values, "expect": expect})


def _check_times(top: dict[str, Field], story: Story) -> None:
    if story.duration_s() <= 0:
        raise top["history_s" if "history_s" in top else "wearer"].refuse(
            "nothing happens after the run begins"
        )
    if story.duration_s() > LONGEST_S:
        raise top["wearer"].refuse(f"lasts {story.duration_s():.0f} s; at most {LONGEST_S:.0f}")
    for actor in story.actors:
        for fault in actor.faults:
            moment_s = getattr(fault, "from_s", getattr(fault, "at_s", 0.0))
            if moment_s > story.duration_s():
                raise top[actor.party].refuse(
                    f"a fault at {moment_s:g} s is after the end of the story at {story.duration_s():.0f} s"
                )
            if isinstance(fault, faults.Forge) and not actor.device.sealed:
                raise top[actor.party].refuse("forge needs a sealed device: else plain messages are its own")
            if isinstance(fault, faults.Impostor) and story.protected is None:
                raise top[actor.party].refuse("impostor needs a second device, the protected person's")


def _zones(field: Field, places: dict[str, Place]) -> tuple[Zone, ...]:
    zones: list[Zone] = []
    for item in field.items():
        keys = item.fields(("name",), ("circle", "polygon", "buffer_m", "visibility"))
        if ("circle" in keys) == ("polygon" in keys):
            raise item.refuse("a zone is either a circle or a polygon")
        name = keys["name"].text()
        if any(zone.name == name for zone in zones):
            raise keys["name"].refuse(f"zone {name!r} stands twice")
        visibility = (
            keys["visibility"].choice({"declared", "concealed"}) if "visibility" in keys else "declared"
        )
        buffer_m = keys["buffer_m"].number(0, 5000) if "buffer_m" in keys else 250.0
        zones.append(Zone(name, _shape(keys, places), buffer_m, visibility))
    return tuple(zones)


def _shape(keys: dict[str, Field], places: dict[str, Place]) -> Shape:
    if "circle" in keys:
        circle = keys["circle"].fields(("center", "radius_m"))
        return Circle(circle["center"].place(places), circle["radius_m"].number(10, 50_000))
    area = Area(tuple(corner.place(places) for corner in keys["polygon"].items()))
    if fault := area.fault():
        raise keys["polygon"].refuse(fault)
    return area


def _actor(field: Field, party: Party, places: dict[str, Place]) -> Actor:
    keys = field.fields(("start", "legs"), ("device", "sensor", "faults"))
    start = keys["start"].place(places)
    legs = _legs(keys["legs"], start, places)
    return Actor(
        party=party,
        start=start,
        legs=legs,
        device=_device(keys.get("device"), party),
        sensor=_sensor(keys["sensor"]) if "sensor" in keys else Sensor(),
        faults=tuple(_fault(item, places) for item in keys["faults"].items()) if "faults" in keys else (),
    )


def _device(field: Field | None, party: Party) -> Device:
    kind = DeviceKind.ANKLE_MONITOR if party is Party.WEARER else DeviceKind.PERSONAL_DEVICE
    keys = field.fields((), ("kind", "interval_s", "sealed")) if field else {}
    return Device(
        kind=DeviceKind(keys["kind"].choice(set(DeviceKind))) if "kind" in keys else kind,
        interval_s=keys["interval_s"].whole(1, 600) if "interval_s" in keys else 15,
        sealed=keys["sealed"].flag() if "sealed" in keys else True,
    )


def _legs(field: Field, start: Place, places: dict[str, Place]) -> tuple[Leg, ...]:
    legs: list[Leg] = []
    here = start
    for item in field.items():
        keys = item.fields((), ("walk_to", "drive_to", "wait_s", "speed_m_s"))
        leg = _leg(item, keys, places)
        if leg.to is not None:
            if distance_m(here, leg.to) < 1:
                raise item.refuse("impossible leg: it ends where it begins; use wait_s")
            here = leg.to
        legs.append(leg)
    if not legs:
        raise field.refuse("legs must not be empty")
    return tuple(legs)


def _leg(item: Field, keys: dict[str, Field], places: dict[str, Place]) -> Leg:
    if len(keys.keys() & {"walk_to", "drive_to", "wait_s"}) != 1:
        raise item.refuse("a leg has exactly one of walk_to, drive_to and wait_s")
    if "wait_s" in keys:
        if "speed_m_s" in keys:
            raise keys["speed_m_s"].refuse("impossible leg: nobody waits at a speed")
        return Leg(Manner.WAIT, wait_s=keys["wait_s"].number(1, LONGEST_S))
    manner, usual, fastest = (
        (Manner.WALK, WALK_M_S, WALK_MAX_M_S)
        if "walk_to" in keys
        else (Manner.DRIVE, DRIVE_M_S, DRIVE_MAX_M_S)
    )
    speed_m_s = usual
    if "speed_m_s" in keys:
        speed_m_s = keys["speed_m_s"].number(0.1, 10_000)
        if speed_m_s > fastest:
            raise keys["speed_m_s"].refuse(
                f"impossible leg: nobody can {manner} at {speed_m_s:g} m/s (at most {fastest:g})"
            )
    return Leg(manner, to=keys[f"{manner}_to"].place(places), speed_m_s=speed_m_s)


def _sensor(field: Field) -> Sensor:
    keys = field.fields(
        (),
        (
            "noise_m",
            "correlation_s",
            "multipath",
            "drift_m_s",
            "no_fix_part",
            "reports_accuracy",
            "optimism",
        ),
    )
    multipath = None
    if "multipath" in keys:
        parts = keys["multipath"].fields(("every_s", "lasts_s", "bias_m"))
        multipath = Multipath(
            parts["every_s"].number(1, 3600), parts["lasts_s"].number(1, 600), parts["bias_m"].number(1, 500)
        )
    return Sensor(
        noise_m=keys["noise_m"].number(0, 500) if "noise_m" in keys else OPEN_SKY_M,
        correlation_s=keys["correlation_s"].number(0.1, 600) if "correlation_s" in keys else 30.0,
        multipath=multipath,
        drift_m_s=keys["drift_m_s"].number(0, 10) if "drift_m_s" in keys else 0.0,
        no_fix_part=keys["no_fix_part"].number(0, 0.95) if "no_fix_part" in keys else 0.0,
        reports_accuracy=keys["reports_accuracy"].flag() if "reports_accuracy" in keys else True,
        optimism=keys["optimism"].number(0.01, 10) if "optimism" in keys else 1.0,
    )


def _span(keys: dict[str, Field]) -> tuple[float, float]:
    from_s, to_s = keys["from_s"].number(0, LONGEST_S), keys["to_s"].number(0, LONGEST_S)
    if to_s <= from_s:
        raise keys["to_s"].refuse(f"to_s must come after from_s ({from_s:g})")
    return from_s, to_s


_FAULT_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "silence": (("from_s",), ("to_s",)),
    "tunnel": (("from_s", "to_s"), ()),
    "dead_zone": (("from_s", "to_s"), ()),
    "duplicate": (("from_s", "to_s"), ("copies",)),
    "reorder": (("from_s", "to_s"), ()),
    "skew_clock": (("by_s",), ("from_s",)),
    "strap_cut": (("at_s",), ()),
    "sos": (("at_s",), ()),
    "alarm": (("at_s", "kind"), ()),
    "jump": (("at_s", "to"), ()),
    "forge": (("from_s", "to_s", "to"), ()),
    "impostor": (("from_s", "to_s", "to"), ()),
    "malformed": (("at_s",), ()),
}


def _fault(item: Field, places: dict[str, Place]) -> faults.Fault:
    named = list(item.fields((), _FAULT_KEYS).items())
    if len(named) != 1:
        raise item.refuse("each fault is one name with its values")
    name, field = named[0]
    keys = field.fields(*_FAULT_KEYS[name])
    match name:
        case "silence":
            return faults.Silence(*_span(keys)) if "to_s" in keys else faults.Silence(_moment(keys, "from_s"))
        case "tunnel":
            return faults.Silence(*_span(keys))
        case "dead_zone":
            return faults.DeadZone(*_span(keys))
        case "duplicate":
            return faults.Duplicate(*_span(keys), keys["copies"].whole(1, 5) if "copies" in keys else 1)
        case "reorder":
            return faults.Reorder(*_span(keys))
        case "skew_clock":
            from_s = _moment(keys, "from_s") if "from_s" in keys else 0.0
            return faults.SkewClock(keys["by_s"].whole(-86_400, 86_400), from_s)
        case "strap_cut" | "sos":
            return faults.Alarm(name, _moment(keys, "at_s"))
        case "alarm":
            return faults.Alarm(keys["kind"].choice(ALARM_KINDS), _moment(keys, "at_s"))
        case "jump":
            return faults.Jump(_moment(keys, "at_s"), keys["to"].place(places))
        case "forge":
            return faults.Forge(*_span(keys), keys["to"].place(places))
        case "impostor":
            return faults.Impostor(*_span(keys), keys["to"].place(places))
        case _:
            return faults.Malformed(_moment(keys, "at_s"))


def _moment(keys: dict[str, Field], name: str) -> float:
    return keys[name].number(0, LONGEST_S)


def _expectation(field: Field, story: Story) -> Expectation:
    keys = field.fields((), ("must", "must_not", "at_most", "silent_wearer"))
    musts = tuple(_must(item, story) for item in keys["must"].items()) if "must" in keys else ()
    must_not: set[str] = set()
    for item in keys["must_not"].items() if "must_not" in keys else []:
        kind = item.choice(KINDS | {ANY})
        if any(kind in {must.kind, ANY} for must in musts):
            raise item.refuse(f"contradiction: {kind} must not come, and must come")
        must_not.add(kind)
    at_most: list[tuple[str, int]] = []
    for name, item in keys["at_most"].mapping().items() if "at_most" in keys else []:
        if name not in KINDS:
            raise item.refuse(f"at_most: {name!r} is unknown; known are {', '.join(sorted(KINDS))}")
        if name in must_not:
            raise item.refuse(f"contradiction: {name} stands in must_not as well")
        at_most.append((name, item.whole(1, 100)))
    if not musts and not must_not:
        raise field.refuse("expect says neither what must come nor what must not")
    silent = keys["silent_wearer"].flag() if "silent_wearer" in keys else False
    return Expectation(musts, frozenset(must_not), tuple(at_most), silent)


def _must(item: Field, story: Story) -> Must:
    keys = item.fields(("kind",), ("within_s", "by_s", "party", "zone", "person"))
    kind = keys["kind"].choice(KINDS)
    if kind in ZONE_KINDS and not story.zones:
        raise item.refuse(f"contradiction: {kind} without a zone in the story")
    if kind in PROXIMITY_KINDS and story.protected is None:
        raise item.refuse(f"contradiction: {kind} without a protected person in the story")
    party = Party(keys["party"].choice(set(Party))) if "party" in keys else None
    person = keys["person"].flag() if "person" in keys else False
    if party is Party.PROTECTED and story.protected is None:
        raise item.refuse("contradiction: there is no protected person in the story")
    zone = keys["zone"].choice({zone.name for zone in story.zones}) if "zone" in keys else None
    by_s = keys["by_s"].number(0, LONGEST_S) if "by_s" in keys else None
    if by_s is not None and by_s > story.duration_s() + story.listen_s:
        raise keys["by_s"].refuse(f"by_s comes after the end of the story at {story.duration_s():.0f} s")
    within_s = keys["within_s"].number(0.1, 1200) if "within_s" in keys else 5.0
    return Must(kind, within_s, by_s, party, zone, person)

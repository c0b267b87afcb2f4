"""From the people of a story to actors: where they begin, how they move, what they carry."""

from simulator.motion import DRIVE_M_S, DRIVE_MAX_M_S, WALK_M_S, WALK_MAX_M_S, Leg, Manner
from simulator.schedule import Party
from simulator.sensor import OPEN_SKY_M, Multipath, Sensor
from simulator.stories import LONGEST_SCORED_S, Actor, Battery, Device, DeviceKind
from simulator.story_faults import read_fault
from simulator.world import Place, distance_m
from simulator.yaml_reader import Field


def read_people(field: Field | None, places: dict[str, Place]) -> tuple[Actor, ...]:
    """Return whom the orders protect: nobody, one, or a list of people with names of their own."""
    if field is None:
        return ()
    if not field.is_list():
        return (read_actor(field, Party.PROTECTED, places),)
    people: list[Actor] = []
    for item in field.items():
        name = item.mapping().get("name", item)
        actor = read_actor(item, Party.PROTECTED, places, named=True)
        if actor.name in {*Party, *(person.name for person in people)}:
            raise name.refuse(f"protected: {actor.name!r} stands twice, or is the word for a party")
        people.append(actor)
    if not people:
        raise field.refuse("protected must not be empty")
    return tuple(people)


def read_actor(field: Field, party: Party, places: dict[str, Place], *, named: bool = False) -> Actor:
    """Return one person; refuses legs that nobody can cover."""
    required = ("start", "legs", "name") if named else ("start", "legs")
    keys = field.fields(required, ("device", "sensor", "faults", "battery"))
    start = keys["start"].place(places)
    faults = keys["faults"].items() if "faults" in keys else []
    return Actor(
        party=party,
        start=start,
        legs=_legs(keys["legs"], start, places),
        device=_device(keys.get("device"), party),
        sensor=_sensor(keys["sensor"]) if "sensor" in keys else Sensor(),
        faults=tuple(read_fault(item, places) for item in faults),
        name=keys["name"].text() if named else "",
        battery=_battery(keys["battery"]) if "battery" in keys else None,
    )


def _battery(field: Field) -> Battery:
    keys = field.fields(("pct",), ("per_hour",))
    per_hour = keys["per_hour"].number(-100, 3600) if "per_hour" in keys else 0.0
    return Battery(keys["pct"].number(1, 100), per_hour)


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
        return Leg(Manner.WAIT, wait_s=keys["wait_s"].number(1, LONGEST_SCORED_S))
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

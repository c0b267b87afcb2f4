"""From the `faults:` of a story to faults; each is one name with its values."""

from simulator import device_faults, faults
from simulator.sensor import Source
from simulator.stories import LONGEST_SCORED_S
from simulator.world import Place
from simulator.yaml_reader import Field

ALARM_KINDS = frozenset(
    {"case_open", "separation", "rf_proximity", "jamming", "shielding", "power_off", "tilt"}
)
"""`tilt` stands for the words of other makers, which the service does not know."""
_FAULT_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "silence": (("from_s",), ("to_s",)),
    "tunnel": (("from_s", "to_s"), ()),
    "dead_zone": (("from_s", "to_s"), ()),
    "duplicate": (("from_s", "to_s"), ("copies",)),
    "reorder": (("from_s", "to_s"), ()),
    "skew_clock": (("by_s",), ("from_s", "to_s")),
    "strap_cut": (("at_s",), ()),
    "sos": (("at_s",), ()),
    "alarm": (("at_s", "kind"), ()),
    "jump": (("at_s", "to"), ()),
    "forge": (("from_s", "to_s", "to"), ()),
    "impostor": (("from_s", "to_s", "to"), ()),
    "malformed": (("at_s",), ()),
    "frozen": (("from_s", "to_s"), ("motion",)),
    "no_fix": (("from_s", "to_s", "motion"), ()),
    "unpaired": (("from_s",), ("to_s",)),
    "mock": (("from_s", "to_s", "to"), ()),
    "replayed": (("from_s", "to_s", "at_s"), ()),
    "left_behind": (("from_s",), ("to_s",)),
    "indoors": (("from_s", "to_s", "source", "accuracy_m"), ()),
    "drift": (("from_s", "to_s", "m_s", "most_m"), ()),
}
"""Keys that a fault must have, and those it may have."""


def read_fault(item: Field, places: dict[str, Place]) -> faults.Fault:
    """Return one fault; refuses what is unknown, incomplete or ends before it begins."""
    named = list(item.fields((), _FAULT_KEYS).items())
    if len(named) != 1:
        raise item.refuse("each fault is one name with its values")
    name, field = named[0]
    keys = field.fields(*_FAULT_KEYS[name])
    return _on_the_way(name, keys, places) or _in_the_device(name, keys, places)


def _on_the_way(name: str, keys: dict[str, Field], places: dict[str, Place]) -> faults.WayFault | None:
    match name:
        case "silence":
            return faults.Silence(*_open_span(keys))
        case "tunnel":
            return faults.Silence(*span(keys))
        case "dead_zone":
            return faults.DeadZone(*span(keys))
        case "duplicate":
            return faults.Duplicate(*span(keys), keys["copies"].whole(1, 5) if "copies" in keys else 1)
        case "reorder":
            return faults.Reorder(*span(keys))
        case "skew_clock":
            during = _open_span(keys) if "from_s" in keys else (0.0,)
            return faults.SkewClock(keys["by_s"].whole(-86_400, 86_400), *during)
        case "strap_cut" | "sos":
            return faults.Alarm(name, moment(keys["at_s"]))
        case "alarm":
            return faults.Alarm(keys["kind"].choice(ALARM_KINDS), moment(keys["at_s"]))
        case "jump":
            return faults.Jump(moment(keys["at_s"]), keys["to"].place(places))
        case "forge":
            return faults.Forge(*span(keys), keys["to"].place(places))
        case "impostor":
            return faults.Impostor(*span(keys), keys["to"].place(places))
        case "malformed":
            return faults.Malformed(moment(keys["at_s"]))
    return None


def _in_the_device(name: str, keys: dict[str, Field], places: dict[str, Place]) -> device_faults.DeviceFault:
    match name:
        case "frozen":
            return device_faults.Frozen(*span(keys), keys["motion"].flag() if "motion" in keys else None)
        case "no_fix":
            return device_faults.NoFix(*span(keys), keys["motion"].flag())
        case "unpaired":
            return device_faults.Unpaired(*_open_span(keys))
        case "mock":
            return device_faults.Mock(*span(keys), keys["to"].place(places))
        case "replayed":
            from_s, to_s = span(keys)
            at_s = moment(keys["at_s"])
            if at_s < to_s:
                raise keys["at_s"].refuse(f"at_s must not come before to_s ({to_s:g}): nobody has it yet")
            return device_faults.Replayed(from_s, to_s, at_s)
        case "left_behind":
            return device_faults.LeftBehind(*_open_span(keys))
        case "indoors":
            source = Source(keys["source"].choice({Source.WIFI, Source.CELL}))
            return device_faults.Indoors(*span(keys), source, keys["accuracy_m"].number(5, 5000))
        case _:
            m_s, most_m = keys["m_s"].number(0.001, 5), keys["most_m"].number(1, 500)
            return device_faults.Drift(*span(keys), m_s, most_m)


def moment(field: Field) -> float:
    """Return story seconds."""
    return field.number(0, LONGEST_SCORED_S)


def span(keys: dict[str, Field]) -> tuple[float, float]:
    """Return `from_s` and `to_s`; refuses an end that does not come after the beginning."""
    from_s, to_s = moment(keys["from_s"]), moment(keys["to_s"])
    if to_s <= from_s:
        raise keys["to_s"].refuse(f"to_s must come after from_s ({from_s:g})")
    return from_s, to_s


def _open_span(keys: dict[str, Field]) -> tuple[float, ...]:
    """Return the span, or its beginning alone when it has no end."""
    return span(keys) if "to_s" in keys else (moment(keys["from_s"]),)

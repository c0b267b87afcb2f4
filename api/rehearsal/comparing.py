"""Stored events against computed ones, field by field; floats must be equal to the last bit."""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

BY_HAND = "rule_version"
"""Names the rules; two versions of them are compared all the same."""
_SAME = ("kind", "device_id", "person_id", "zone_id")


class Verdict(StrEnum):
    """What became of one event."""

    IDENTICAL = "identical"
    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"


class Line(msgspec.Struct, frozen=True):
    """One line of an alert's log that a rule caused: `entry` is opened, updated or raised."""

    at: datetime
    entry: str
    severity: int
    event: dict[str, Any]


class Difference(msgspec.Struct, frozen=True):
    """One field that is not what is stored."""

    field: str
    stored: Any
    computed: Any


class Compared(msgspec.Struct, frozen=True):
    """One event, stored (else EXTRA), computed (else MISSING) or both."""

    verdict: Verdict
    at: datetime
    kind: str
    differences: tuple[Difference, ...] = ()


def compare(stored: Sequence[Line], computed: Sequence[Line]) -> list[Compared]:
    """Return a verdict on every line, in the order of the stored log; what is extra comes last.

    Lines belong together when they tell of the same kind, device, person and zone at the same moment;
    what is left over of one moment is held against each other in its order.
    """
    left = list(computed)
    partners: dict[int, Line] = {}
    for is_partner in (_is_same, _is_same_moment):
        for number, line in enumerate(stored):
            found = next((one for one in left if is_partner(line, one)), None)
            if number not in partners and found is not None:
                partners[number] = found
                left.remove(found)
    told = [_held_against(line, partners.get(number)) for number, line in enumerate(stored)]
    return told + [Compared(Verdict.EXTRA, line.at, line.event["kind"]) for line in left]


def _is_same(one: Line, other: Line) -> bool:
    return one.at == other.at and all(one.event.get(name) == other.event.get(name) for name in _SAME)


def _is_same_moment(one: Line, other: Line) -> bool:
    return one.at == other.at


def _held_against(stored: Line, computed: Line | None) -> Compared:
    kind = stored.event["kind"]
    if computed is None:
        return Compared(Verdict.MISSING, stored.at, kind)
    ours, theirs = _fields(stored), _fields(computed)
    differences = tuple(
        Difference(name, ours.get(name), theirs.get(name))
        for name in sorted(ours.keys() | theirs.keys())
        if _exact(ours.get(name)) != _exact(theirs.get(name))
    )
    return Compared(Verdict.DIFFERS if differences else Verdict.IDENTICAL, stored.at, kind, differences)


def _fields(line: Line) -> dict[str, Any]:
    event = {name: value for name, value in line.event.items() if name != BY_HAND}
    return event | {"log: entry": line.entry, "log: severity": line.severity}


def _exact(value: object) -> str:
    """Return a text that is the same only for the same value: 1 is not 1.0, and no bit of a float is lost."""
    return json.dumps(value, sort_keys=True)

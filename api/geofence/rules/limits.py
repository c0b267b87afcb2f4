"""What each limit may be, what belongs together, and which of them a single order may have of its own.

The figures themselves, with their sources, are in `model.Limits`; `ops/docs/limits.md` shows both.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType

import msgspec

from api.geofence.model import BadLimits, Limits


class Scope(StrEnum):
    """For what one value of a limit holds."""

    ORDER = "order"
    DEVICE = "device"
    HOUSE = "house"


class Bounds(msgspec.Struct, frozen=True):
    """What one limit may be: from `low` to `high`, both allowed; beyond lies a slip, or no watching at all.

    All bounds are proposals: wide enough for every figure of field/monitoring.md section 8b.
    """

    low: float
    high: float
    unit: str
    scope: Scope


_DAY_S = 86400.0
BOUNDS: Mapping[str, Bounds] = MappingProxyType(
    {
        "unknown_accuracy_m": Bounds(10, 1000, "m", Scope.DEVICE),
        "good_accuracy_m": Bounds(5, 200, "m", Scope.DEVICE),
        "max_speed_m_s": Bounds(40, 350, "m/s", Scope.DEVICE),
        "confirm_fixes": Bounds(1, 5, "fixes", Scope.ORDER),
        "confirm_window": Bounds(1, 8, "fixes", Scope.ORDER),
        "leave_band_part": Bounds(0, 0.5, "of the radius", Scope.ORDER),
        "leave_band_min_m": Bounds(0, 200, "m", Scope.ORDER),
        "leave_band_max_m": Bounds(0, 500, "m", Scope.ORDER),
        "leave_fixes": Bounds(1, 10, "fixes", Scope.ORDER),
        "leave_s": Bounds(0, 900, "s", Scope.ORDER),
        "segment_max_s": Bounds(30, 1800, "s", Scope.DEVICE),
        "partner_stale_s": Bounds(60, 3600, "s", Scope.ORDER),
        "repeat_s": Bounds(10, 3600, "s", Scope.ORDER),
        "late_s": Bounds(30, 900, "s", Scope.HOUSE),
        "future_s": Bounds(1, 300, "s", Scope.DEVICE),
        "ancient_s": Bounds(_DAY_S, 366 * _DAY_S, "s", Scope.DEVICE),
        "silence_s": Bounds(60, 14_400, "s", Scope.ORDER),
        "near_silence_s": Bounds(30, 3600, "s", Scope.ORDER),
        "reach_speed_m_s": Bounds(2, 100, "m/s", Scope.ORDER),
        "horizon_speed_m_s": Bounds(10, 100, "m/s", Scope.ORDER),
        "overdue_s": Bounds(10, 600, "s", Scope.DEVICE),
        "pairing_s": Bounds(30, 1800, "s", Scope.DEVICE),
        "motion_no_fix_s": Bounds(60, 3600, "s", Scope.DEVICE),
        "motion_window_s": Bounds(600, _DAY_S, "s", Scope.DEVICE),
        "frozen_s": Bounds(300, _DAY_S, "s", Scope.DEVICE),
        "battery_low_pct": Bounds(10, 60, "%", Scope.DEVICE),
        "battery_critical_pct": Bounds(5, 40, "%", Scope.DEVICE),
        "battery_rearm_pct": Bounds(1, 20, "%", Scope.DEVICE),
        "closing_eta_s": Bounds(30, 3600, "s", Scope.ORDER),
        "closing_min_m_s": Bounds(0.5, 30, "m/s", Scope.ORDER),
        "still_m_s": Bounds(0.1, 2, "m/s", Scope.DEVICE),
        "traffic_m_s": Bounds(3, 20, "m/s", Scope.DEVICE),
        "passing_s": Bounds(0, 600, "s", Scope.ORDER),
        "loiter_count": Bounds(2, 20, "contacts", Scope.ORDER),
        "loiter_window_s": Bounds(600, _DAY_S, "s", Scope.ORDER),
        "border_m": Bounds(0, 200_000, "m", Scope.ORDER),
        "longest_interval_s": Bounds(0, 600, "s", Scope.ORDER),
        "wearer_longest_interval_s": Bounds(0, 600, "s", Scope.ORDER),
        "intake_lag_s": Bounds(5, 600, "s", Scope.HOUSE),
        "system_silence_s": Bounds(10, 300, "s", Scope.HOUSE),
    }
)
"""Zero to `high` where nothing is a choice too; everything else keeps a figure that still watches."""

NOT_MORE_THAN = (
    ("confirm_fixes", "confirm_window"),
    ("leave_band_min_m", "leave_band_max_m"),
    ("near_silence_s", "silence_s"),
    ("battery_critical_pct", "battery_low_pct"),
    ("motion_no_fix_s", "motion_window_s"),
    ("still_m_s", "traffic_m_s"),
    ("good_accuracy_m", "unknown_accuracy_m"),
    ("reach_speed_m_s", "max_speed_m_s"),
)
"""The first of each pair contradicts the second when it is more."""

_WHY_NOT = {
    Scope.DEVICE: "Cannot differ per order: it judges a device, which may be carried under several orders.",
    Scope.HOUSE: "Cannot differ per order: it is about this house's own clocks and processes.",
}
_DEFAULTS = Limits()


def with_values(base: Limits, values: Mapping[str, object], *, per_order: bool = False) -> Limits:
    """Return `base` with some limits changed; raises BadLimits naming every one at fault.

    Args:
        base: What is in force without the changes.
        values: By name of the limit; numbers, whole ones for what is counted.
        per_order: Refuse what only the house can set.
    """
    read = {name: _read(name, value, per_order=per_order) for name, value in values.items()}
    if faults := {name: fault for name, fault in read.items() if isinstance(fault, str)}:
        raise _bad(faults)
    changed = msgspec.structs.replace(base, **read)
    if faults := _contradictions(changed, values):
        raise _bad(faults)
    return changed


def limits_of(house: Limits, overrides: Mapping[str, object]) -> Limits:
    """Return an order's limits; the house's when its own do not hold together with them (any more).

    That happens when the house changes its limits after the order's were accepted. Nothing may stop the
    judging of an order, so it goes on by the house's, and `service.limits.tell_unusable` says so.
    """
    try:
        return with_values(house, overrides, per_order=True)
    except BadLimits:
        return house


def _bad(faults: Mapping[str, str]) -> BadLimits:
    return BadLimits("These limits cannot be.", {name: [fault] for name, fault in faults.items()})


def _read(name: str, value: object, *, per_order: bool) -> int | float | str:
    """Return one value as its limit's own type, or what is wrong with it by itself."""
    bounds = BOUNDS.get(name)
    if bounds is None:
        return f"There is no such limit; the nearest is {get_close_matches(name, list(BOUNDS), 1, 0.0)[0]}."
    if per_order and bounds.scope is not Scope.ORDER:
        return _WHY_NOT[bounds.scope]
    allowed = f"from {bounds.low:.10g} to {bounds.high:.10g} ({bounds.unit})"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"Must be a number {allowed}."
    if not bounds.low <= value <= bounds.high:  # also refuses what is no number
        return f"Must be {allowed}."
    if not is_counted(name):
        return float(value)
    return int(value) if value == int(value) else f"Must be a whole number {allowed}."


def _contradictions(limits: Limits, values: Mapping[str, object]) -> dict[str, str]:
    """Return what does not hold together, under the name that was given."""
    return {
        less if less in values else more: (
            f"{less} ({getattr(limits, less):.10g}) must not be more than "
            f"{more} ({getattr(limits, more):.10g})."
        )
        for less, more in NOT_MORE_THAN
        if getattr(limits, less) > getattr(limits, more)
    }


def is_counted(name: str) -> bool:
    """Say whether the limit is a whole number."""
    return isinstance(getattr(_DEFAULTS, name), int)

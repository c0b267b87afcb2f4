"""Limits: the house's out of its file, and what a supervisor decides for one order."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import Event, EventKind
from api.geofence.model import BadLimits, Limits, LimitsChanged, LimitsVersion
from api.geofence.rules.limits import BOUNDS, limits_of, with_values
from api.geofence.store import limits as store
from api.kernel import audit
from api.kernel.config import SettingError
from api.kernel.db import serialise
from api.orders import service as orders

_TABLE = "limits"
UNUSABLE = "limits:unusable"
"""Reason of the alert that an order is judged by the house's limits although it has its own."""


class OrderLimits(msgspec.Struct, frozen=True):
    """The limits of one order, and how they came to be.

    Attributes:
        house: What holds where the order has nothing of its own.
        effective: What the order is judged by.
        usable: False when its own do not hold together with the house's, and are left aside.
        versions: The newest first; empty while it never had any of its own.
    """

    order_id: UUID
    house: Limits
    effective: Limits
    usable: bool
    versions: tuple[LimitsVersion, ...]

    @property
    def version(self) -> int:
        """The newest version's number; 0 before the first."""
        return self.versions[0].version if self.versions else 0

    @property
    def overrides(self) -> dict[str, int | float]:
        """What the order has of its own now, by name."""
        return self.versions[0].overrides if self.versions else {}


def read_house_limits(path: Path | None) -> Limits:
    """Return the limits of this house: the defaults with what the file's table `[limits]` changes.

    Raises:
        SettingError: The file cannot be read or used; one line with the file, the name and what is allowed.
    """
    if path is None:
        return Limits()
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(
            f"{path} cannot be read ({error.strerror}): set BAKEN_LIMITS to another."
        ) from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise SettingError(f"{path} is not TOML in UTF-8: {error}") from error
    values = said.pop(_TABLE, {})
    if said or not isinstance(values, dict):
        found = ", ".join(repr(name) for name in (said or [_TABLE]))
        raise SettingError(f"{path}: {found}: give one table [{_TABLE}] with lines `name = number`.")
    try:
        return with_values(Limits(), values)
    except BadLimits as bad:
        faults = (f"{name!r}: {fault}" for name, (fault,) in bad.fields.items())
        raise SettingError(f"{path}: {' '.join(faults)}") from bad


def show_limits(session: Session, order_id: UUID, house: Limits) -> OrderLimits:
    """Return an order's limits with all their versions; raises OrderNotFound."""
    orders.get_order(session, order_id)
    versions = tuple(store.list_versions(session, order_id))
    overrides = versions[0].overrides if versions else {}
    return OrderLimits(order_id, house, limits_of(house, overrides), _is_usable(house, overrides), versions)


def change_limits(
    session: Session,
    seen: OrderLimits,
    overrides: Mapping[str, object],
    reason: str,
    actor_id: UUID | None,
    now: datetime,
) -> OrderLimits:
    """Put these limits in the place of all that the order had of its own; an empty mapping ends them.

    Args:
        session: Of a transaction.
        seen: As the author read them.
        overrides: Every limit in which the order shall differ, by name.
        reason: Why, in the author's words.
        actor_id: The author's account; None is the command line.
        now: From when they hold.

    Raises:
        BadLimits: One is unknown, no number, out of range, not an order's to set, or contradicts another.
        LimitsChanged: They are not as the author read them any more.
    """
    serialise(session, "geofence.limits")
    before = show_limits(session, seen.order_id, seen.house)
    if before.version != seen.version:
        raise LimitsChanged("Somebody else changed these limits meanwhile: read them again.")
    effective = with_values(seen.house, overrides, per_order=True)
    own = {name: getattr(effective, name) for name in sorted(overrides)}
    made = LimitsVersion(seen.order_id, seen.version + 1, own, now, actor_id, reason)
    store.add_version(session, made)
    why = f"version {made.version}: {_told(own) or 'as the house'}; {reason}"
    audit.record(session, now, actor_id, "geofence.change_limits", seen.order_id, why)
    orders.note_change(session, now, order_id=seen.order_id)
    if not before.usable:
        alerts.open_alerts(session, [_usable_again(seen.order_id, now)], now)
    return show_limits(session, seen.order_id, seen.house)


def note_house_limits(session: Session, house: Limits, now: datetime) -> None:
    """Keep by which limits this house judges from now on, in the audit trail too: files leave no trace."""
    default = Limits()
    changed = {name: value for name in BOUNDS if (value := getattr(house, name)) != getattr(default, name)}
    store.note_house(session, house, now)
    audit.record(session, now, None, "geofence.use_limits", None, _told(changed) or "the defaults")


def tell_unusable(session: Session, house: Limits, now: datetime) -> None:
    """Say which orders are judged by the house's limits because their own contradict these."""
    events = [
        Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=now, order_id=made.order_id, reason=UNUSABLE)
        for made in store.list_current(session)
        if not _is_usable(house, made.overrides)
    ]
    alerts.open_alerts(session, events, now)


def _usable_again(order_id: UUID, now: datetime) -> Event:
    """Return the event that joins the alert of `tell_unusable`: what stands before the colon names it."""
    return Event(kind=EventKind.SYSTEM_RESTORED, occurred_at=now, order_id=order_id, reason="limits:usable")


def _told(values: Mapping[str, int | float]) -> str:
    return ", ".join(f"{name} {value:.10g}" for name, value in values.items())


def _is_usable(house: Limits, overrides: Mapping[str, object]) -> bool:
    try:
        with_values(house, overrides, per_order=True)
    except BadLimits:
        return False
    return True

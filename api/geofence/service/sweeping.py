"""The timers: what does not arrive is found here, by the server's own time, and told once.

What was told is kept in the database: a watchdog that starts again goes on where the last one was.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import RULE_VERSION, Event, EventKind, Sighting
from api.geofence.geometry.earth import Xyz, ecef
from api.geofence.memory import Memory, WatchedOrder
from api.geofence.model import Limits
from api.geofence.rules.contact import (
    Contact,
    Missing,
    contact_restored,
    is_back,
    is_worse,
    judge_contact,
    lost_contact,
    next_due,
)
from api.geofence.rules.exempting import exempted
from api.geofence.rules.health import is_shielded
from api.geofence.rules.reach import person_gap_m, zone_gap_m
from api.geofence.service.health import WORKER
from api.geofence.service.reporting import longest_interval_s
from api.geofence.service.status import Told, sweep_status, told_conflicts
from api.geofence.store.evidence import Judge, add_batch
from api.geofence.store.reporting import list_reporting
from api.geofence.store.states import DeviceState, list_device_states, list_fresh
from api.geofence.store.timers import TimerKey, TimerState, list_timers, save_timers
from api.kernel.heartbeats import last_outage_end
from api.orders import service as orders
from api.orders.model import Party
from api.orders.rules import is_in_force

CONTACT = "contact"
COVERED = "covered"
"""Told under an agreed exception, so that it rang nowhere: when that is over it has to be told."""
STATUS_EVERY = timedelta(minutes=1)
"""A conflict between register and devices is severity 4 and no hurry; proposal."""


class Carried(msgspec.Struct, frozen=True):
    """A device of an order in force; `person_id` is None for the wearer's."""

    watched: WatchedOrder
    device_id: UUID
    person_id: UUID | None


class Sweeper:
    """The register and what was told, between two sweeps."""

    def __init__(self, limits: Limits) -> None:
        """Start empty; `load` fills it."""
        self._register = Memory(limits)
        self._listened_since: dict[UUID, datetime] = {}
        self._told: dict[TimerKey, TimerState] = {}
        self._conflicts: Told = frozenset()
        self._status_due: datetime | None = None
        self.due_at: datetime | None = None
        """As of the last sweep: when a silence may have to be told, if nothing arrives till then."""

    @property
    def is_waiting(self) -> bool:
        """Whether something that was told still holds: whatever arrives may end it."""
        return bool(self._told)

    def load(self, session: Session, now: datetime) -> None:
        """Read the register and what was told before."""
        self._register.restore_register(session, now)
        self._listened_since = orders.listened_since(session)
        self._told = list_timers(session)
        self._conflicts, self._status_due = told_conflicts(session), now

    def use(self, session: Session, limits: Limits, now: datetime) -> None:
        """Go on by other limits of the house."""
        self._register.limits = limits
        self._register.restore_register(session, now)
        self._listened_since = orders.listened_since(session)

    def sweep(self, session: Session, now: datetime) -> None:
        """Tell what is missing now and was not told, and what is there again."""
        limits = self._register.limits
        if self._register.refresh(session):
            self._listened_since = orders.listened_since(session)
        fresh = list_fresh(session, now - timedelta(seconds=self._soonest_s()))
        carried_now = list(self._carried(now))
        self._forget(session, {_key(carried) for carried in carried_now})
        doubtful = [
            carried
            for carried in carried_now
            if carried.device_id not in fresh or self._told_of(carried) is not None
        ]
        self.due_at = None
        if doubtful:
            states = list_device_states(session, _devices_near(doubtful))
            reporting = list_reporting(session, {carried.device_id for carried in doubtful})
            intervals = {device_id: float(told.interval_s) for device_id, told in reporting.items()}
            self._judge(session, doubtful, states, intervals, last_outage_end(session, WORKER), now)
        if self._status_due is None or now >= self._status_due:
            found = sweep_status(session, now, limits, self._conflicts)
            if found != self._conflicts:
                add_batch(session, Judge.WATCHDOG, now, self._register.revision, None, RULE_VERSION)
            self._conflicts, self._status_due = found, now + STATUS_EVERY

    def _soonest_s(self) -> float:
        """Return after how many seconds the strictest order may miss a device."""
        house = self._register.limits
        limits = (house, *(watched.limits for watched in self._register.watched))
        return min(min(one.near_silence_s, one.partner_stale_s) for one in limits)

    def _carried(self, now: datetime) -> Iterator[Carried]:
        """Yield each device of an order in force; one handed back while we looked is not missed any more."""
        for watched in self._register.watched:
            if not is_in_force(watched.order, now):
                continue
            for device_id in watched.wearer_devices:
                if device_id in self._listened_since:
                    yield Carried(watched, device_id, None)
            for person in watched.people:
                for device_id in person.devices:
                    if device_id in self._listened_since:
                        yield Carried(watched, device_id, person.id)

    def _forget(self, session: Session, missable: set[TimerKey]) -> None:
        """Let go of what is missed no more because its order ended or nobody carries it; it is no return."""
        over = self._told.keys() - missable
        if over:
            save_timers(session, (), over)
            for key in over:
                del self._told[key]

    def _told_of(self, carried: Carried) -> TimerState | None:
        return self._told.get(_key(carried))

    def _judge(
        self,
        session: Session,
        doubtful: list[Carried],
        states: dict[UUID, DeviceState],
        intervals: dict[UUID, float],
        outage_until: datetime | None,
        now: datetime,
    ) -> None:
        events: list[Event] = []
        told: list[TimerState] = []
        ended: list[TimerKey] = []
        for carried in doubtful:
            limits = carried.watched.limits
            key, before = _key(carried), self._told_of(carried)
            party = Party.WEARER if carried.person_id is None else Party.PROTECTED
            # Only what this order allows: to another one it is a silence.
            longest_s = longest_interval_s(carried.watched, party)
            interval_s = min(intervals.get(carried.device_id, 0.0), longest_s)
            gap = _gap(carried, states, now)
            contact = self._contact(carried, states, gap, interval_s, outage_until)
            if before is not None and is_back(contact, now, limits):
                events.append(_restored(carried, before.told, now))
                ended.append(key)
                continue
            found = judge_contact(contact, now, limits)
            self._note_due(next_due(contact, found, now, limits), gap, before, now)
            if found is None:
                continue
            lost = _lost(carried, found, contact, states, now, concealed=gap.is_concealed)
            (event,) = exempted([lost], carried.watched.exemptions, limits)
            code = found.value if event.exemption_id is None else COVERED
            if _is_news(before, code, found):
                events += [event, *_shielded(carried, states, now)] if before is None else [event]
                told.append(TimerState(key, code, now))
        if not events:
            return
        add_batch(session, Judge.WATCHDOG, now, self._register.revision, None, RULE_VERSION)
        save_timers(session, told, ended)
        self._told |= {state.key: state for state in told}
        for key in ended:
            del self._told[key]
        alerts.open_alerts(session, events, now)

    def _note_due(self, due: datetime | None, gap: "_Gap", before: TimerState | None, now: datetime) -> None:
        """Remember the earliest moment at which to look again, if nothing arrives till then."""
        moments = [moment for moment in (due, gap.shrinks_from, self.due_at) if moment is not None]
        if before is not None and before.told == COVERED:
            moments.append(now)  # what covers it may end at any moment
        self.due_at = min(moments, default=None)

    def _contact(
        self,
        carried: Carried,
        states: dict[UUID, DeviceState],
        gap: "_Gap",
        interval_s: float,
        outage_until: datetime | None,
    ) -> Contact:
        state = states.get(carried.device_id)
        party = Party.WEARER if carried.person_id is None else Party.PROTECTED
        return Contact(
            party=party,
            heard_at=state.heard_at if state else None,
            placed_at=state.fix.fixed_at if state and state.fix else None,
            watched_since=max(carried.watched.order.valid_from, self._listened_since[carried.device_id]),
            outage_until=outage_until,
            gap_m=gap.gap_m,
            interval_s=interval_s,
        )


def _key(carried: Carried) -> TimerKey:
    return TimerKey(carried.watched.order.id, carried.device_id, CONTACT)


def _devices_near(doubtful: list[Carried]) -> set[UUID]:
    """Return every device of these orders: where the others are decides how long one may be missed."""
    found: set[UUID] = set()
    for carried in doubtful:
        found.update(carried.watched.wearer_devices)
        for person in carried.watched.people:
            found.update(person.devices)
    return found


class _Gap(msgspec.Struct, frozen=True):
    """The way to the nearest thing the wearer must not reach.

    Attributes:
        gap_m: None when a position that it needs is not known.
        is_concealed: It is a concealed zone.
        shrinks_from: From then on somebody else's position is old too, and the gap shrinks with time.
    """

    gap_m: float | None = None
    is_concealed: bool = False
    shrinks_from: datetime | None = None


def _gap(carried: Carried, states: dict[UUID, DeviceState], now: datetime) -> _Gap:
    """Return the gap as of now; the other party's own reach since an old position is taken off."""
    watched, limits = carried.watched, carried.watched.limits
    his = _newest(watched.wearer_devices, states)
    if his is None:
        return _Gap()
    wearer_xyz, wearer_disc_m, wearer_age_s = _disc(his, now, limits)
    nearest: tuple[float, bool] | None = None
    if carried.person_id is None:
        nearest = zone_gap_m(wearer_xyz, wearer_disc_m, (zone.prepared for zone in watched.zones))
    oldest_s: float | None = None
    for person in watched.people:
        hers = _newest(person.devices, states)
        if hers is None or carried.person_id not in {None, person.id}:
            continue
        xyz, disc_m, age_s = _disc(hers, now, limits)
        other_age_s = age_s if carried.person_id is None else wearer_age_s
        oldest_s = other_age_s if oldest_s is None else max(oldest_s, other_age_s)
        moved_m = max(0.0, other_age_s - limits.near_silence_s) * limits.reach_speed_m_s
        apart_m = person_gap_m(wearer_xyz, wearer_disc_m, xyz, disc_m, person.pair.alert_radius_m)
        gap_m = max(0.0, apart_m - moved_m)
        if nearest is None or gap_m < nearest[0]:
            nearest = (gap_m, False)
    shrinks_from = None
    if oldest_s is not None and nearest is not None:
        # So far away that it cannot matter yet, however fast it shrinks, nobody has to look.
        idle_s = nearest[0] / limits.reach_speed_m_s - 2.0 * limits.silence_s
        shrinks_from = now + timedelta(seconds=max(limits.near_silence_s - oldest_s, idle_s))
    return _Gap(shrinks_from=shrinks_from) if nearest is None else _Gap(*nearest, shrinks_from)


def _newest(device_ids: tuple[UUID, ...], states: dict[UUID, DeviceState]) -> DeviceState | None:
    placed = [state for device_id in device_ids if (state := states.get(device_id)) and state.fix]
    return max(placed, key=lambda state: state.fix.fixed_at if state.fix else state.heard_at, default=None)


def _disc(state: DeviceState, now: datetime, limits: Limits) -> tuple[Xyz, float, float]:
    """Return place, doubt in metres and age in seconds of a device's newest position."""
    if state.fix is None:
        raise ValueError("only a device with a position has a disc")
    accuracy_m = state.fix.accuracy_m or limits.unknown_accuracy_m
    return ecef(state.fix.point), accuracy_m, (now - state.fix.fixed_at).total_seconds()


def _lost(
    carried: Carried,
    found: Missing,
    contact: Contact,
    states: dict[UUID, DeviceState],
    now: datetime,
    *,
    concealed: bool,
) -> Event:
    state, order = states.get(carried.device_id), carried.watched.order
    sighting = None
    if state and state.fix:
        fix = state.fix
        sighting = Sighting(carried.device_id, fix.point, fix.accuracy_m, fix.fixed_at)
    return lost_contact(
        order.id,
        carried.device_id,
        carried.person_id,
        found,
        contact,
        sighting,
        now,
        carried.watched.limits,
        concealed=concealed,
        exercise=order.exercise,
    )


def _shielded(carried: Carried, states: dict[UUID, DeviceState], now: datetime) -> list[Event]:
    """Return what it says of a silence that the satellites were lost just before: somebody screens both."""
    state, order = states.get(carried.device_id), carried.watched.order
    if carried.person_id is not None or state is None or not is_shielded(state.health, state.heard_at):
        return []
    return [
        Event(
            kind=EventKind.JAM_SHIELD,
            occurred_at=now,
            order_id=order.id,
            device_id=carried.device_id,
            exercise=order.exercise,
            reason="signal_and_contact",
        )
    ]


def _restored(carried: Carried, told: str, now: datetime) -> Event:
    order = carried.watched.order
    return contact_restored(
        order.id, carried.device_id, carried.person_id, told, now, exercise=order.exercise
    )


def _is_news(before: TimerState | None, code: str, found: Missing) -> bool:
    """Say whether it has to be told; what rang nowhere is told when nothing covers it any more."""
    if before is not None and before.told == COVERED:
        return code != COVERED
    return is_worse(None if before is None else Missing(before.told), found)

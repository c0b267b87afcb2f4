"""What a device says of itself: alarms, strap, battery, signal; out of memory, with no database."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from api.alerts.model import Event, EventKind, Sighting
from api.geofence.geometry.earth import ecef
from api.geofence.memory import Changes, Memory, Place
from api.geofence.model import STATUS, AlarmKind, DeviceAlarm, DeviceReport
from api.geofence.rules.exempting import exempted
from api.geofence.rules.health import (
    Finding,
    contradicts_radio,
    next_health,
    next_health_by_report,
    next_implausible,
    told_as,
)
from api.geofence.rules.quality import Seen, Timing, sighting_of
from api.geofence.store.states import DeviceState
from api.orders.model import Party
from api.orders.rules import is_in_force

EVENT_OF = {
    AlarmKind.SOS: EventKind.SOS,
    AlarmKind.STRAP_CUT: EventKind.STRAP_TAMPER,
    AlarmKind.CASE_OPEN: EventKind.CASE_OPEN,
    AlarmKind.SEPARATION: EventKind.SEPARATION,
    AlarmKind.RF_PROXIMITY: EventKind.PROXIMITY_RF,
    AlarmKind.JAMMING: EventKind.JAM_SHIELD,
    AlarmKind.SHIELDING: EventKind.JAM_SHIELD,
    AlarmKind.POWER_OFF: EventKind.POWER_OFF,
    AlarmKind.UNKNOWN: EventKind.DEVICE_ALARM,
}
"""What a device's alarm means to us; one that we do not know is an alarm all the same."""
STRAP_OPEN = Finding(EventKind.STRAP_TAMPER, "strap_open")


def note_heard(memory: Memory, changes: Changes, device_id: UUID, at: datetime) -> None:
    """Note a sign of life that tells nothing else."""
    before = memory.device_state(device_id, changes)
    changes.devices[device_id] = (
        DeviceState(device_id, at) if before is None else replace(before, heard_at=max(before.heard_at, at))
    )


def note_fix(memory: Memory, changes: Changes, now: Seen, before: Seen | None, timing: Timing) -> list[Event]:
    """Make a fix its device's newest and return what it tells of the device.

    Args:
        memory: What is known; not altered.
        changes: Of this batch so far; the fix and the device's state go there.
        now: LIVE or LATE: evidence is nobody's newest fix.
        before: The device's newest fix until now.
        timing: Of `now`.
    """
    fix = now.fix
    device_id, strap_closed = fix.device_id, fix.strap_closed
    state = memory.device_state(device_id, changes) or DeviceState(device_id, fix.received_at)
    health, told = next_health(
        state.health, now, before, state.strap_heard_at, state.spoke_at, timing, memory.limits
    )
    changes.seen[device_id] = now
    changes.devices[device_id] = DeviceState(
        device_id=device_id,
        heard_at=fix.received_at,
        fix=fix,
        doubts=now.doubts,
        strap_closed=state.strap_closed if strap_closed is None else strap_closed,
        battery_pct=state.battery_pct if fix.battery_pct is None else fix.battery_pct,
        strap_heard_at=state.strap_heard_at if strap_closed is None else fix.received_at,
        spoke_at=fix.received_at,
        health=health,
    )
    if strap_closed is False and state.strap_closed is not False:
        told = (STRAP_OPEN, *told)
    if not told:
        return []
    places = _places_in_force(memory, device_id, fix.fixed_at)
    return _events(memory, changes, places, told, fix.fixed_at, device_id, live=timing is Timing.LIVE)


def note_report(memory: Memory, changes: Changes, report: DeviceReport) -> list[Event]:
    """Note news without a position and return what it tells of the device.

    One that nobody carries lies on a shelf: its open strap and its battery are nobody's business.
    """
    device_id, at, strap_closed = report.device_id, report.received_at, report.strap_closed
    state = memory.device_state(device_id, changes) or DeviceState(device_id, at)
    heard_at = max(state.heard_at, at)
    battery_pct = state.battery_pct if report.battery_pct is None else report.battery_pct
    places = _places_in_force(memory, device_id, at)
    if not places:
        changes.devices[device_id] = replace(state, heard_at=heard_at, battery_pct=battery_pct)
        return []
    health, told = next_health_by_report(
        state.health, report, state.strap_heard_at, state.spoke_at, memory.limits
    )
    changes.devices[device_id] = replace(
        state,
        heard_at=heard_at,
        battery_pct=battery_pct,
        strap_closed=state.strap_closed if strap_closed is None else strap_closed,
        strap_heard_at=state.strap_heard_at if strap_closed is None else at,
        spoke_at=at if report.kind == STATUS else state.spoke_at,
        health=health,
    )
    if strap_closed is False and state.strap_closed is not False:
        told = (STRAP_OPEN, *told)
    return _events(memory, changes, places, told, at, device_id)


def note_alarm(memory: Memory, changes: Changes, alarm: DeviceAlarm) -> list[Event]:
    """Return the events of an alarm that was not known yet; the device was noted as heard before."""
    device_id, at = alarm.device_id, alarm.occurred_at
    live = (alarm.received_at - at).total_seconds() <= memory.limits.late_s
    state = changes.devices[device_id]
    if alarm.kind is AlarmKind.STRAP_CUT:
        # The positions that follow say so too: it is the same cut, and told once.
        changes.devices[device_id] = replace(state, strap_closed=False)
    if alarm.kind is AlarmKind.POWER_OFF:
        changes.devices[device_id] = replace(state, health=replace(state.health, powered_off_at=at))
    finding = Finding(EVENT_OF[alarm.kind], alarm.kind)
    events = alarm_events(memory, changes, device_id, finding, at, alarm, live=live)
    if alarm.kind is AlarmKind.RF_PROXIMITY and live:
        events += _contradictions(memory, changes, alarm)
    return events


def alarm_events(
    memory: Memory,
    changes: Changes,
    device_id: UUID,
    finding: Finding,
    at: datetime,
    alarm: DeviceAlarm | None = None,
    *,
    live: bool = True,
) -> list[Event]:
    """Return one event per order in force; none in force still makes one, for the control room."""
    places = _places_in_force(memory, device_id, at)
    if places:
        return _events(memory, changes, places, (finding,), at, device_id, alarm, live=live)
    return [
        Event(
            kind=finding.kind,
            occurred_at=at,
            device_id=device_id,
            live=live,
            exercise=memory.devices[device_id].simulated,
            reason=finding.reason,
        )
    ]


def _places_in_force(memory: Memory, device_id: UUID, at: datetime) -> list[Place]:
    if not memory.was_carried(device_id, at):
        return []
    places = memory.places.get(device_id, ())
    return [place for place in places if is_in_force(place.watched.order, at)]


def _events(
    memory: Memory,
    changes: Changes,
    places: Iterable[Place],
    told: Iterable[Finding],
    at: datetime,
    device_id: UUID,
    alarm: DeviceAlarm | None = None,
    *,
    live: bool = True,
) -> list[Event]:
    """Return each finding once per order, in the words of the side that carries the device."""
    events: list[Event] = []
    for finding in told:
        for place in places:
            said = told_as(finding, place.party)
            if said is None:
                continue
            wearer, protected = _sightings(memory, changes, place, alarm)
            event = Event(
                kind=said[0],
                occurred_at=at,
                order_id=place.watched.order.id,
                device_id=device_id,
                person_id=place.person.id if place.person else None,
                wearer=wearer,
                protected=protected,
                live=live,
                exercise=place.watched.order.exercise,
                reason=said[1],
            )
            events += exempted((event,), place.watched.exemptions, memory.limits)
    return events


def _sightings(
    memory: Memory, changes: Changes, place: Place, alarm: DeviceAlarm | None
) -> tuple[Sighting | None, Sighting | None]:
    """Return where both sides were last seen; the alarm's own position stands for its sender."""
    people = (place.person,) if place.person else place.watched.people
    wearer = memory.newest_of(place.watched.wearer_devices, changes)
    protected = memory.newest_of([d for p in people for d in p.devices], changes)
    pair = [sighting_of(seen) if seen else None for seen in (wearer, protected)]
    if alarm and alarm.point:
        own = 0 if place.party is Party.WEARER else 1
        pair[own] = Sighting(alarm.device_id, alarm.point, alarm.accuracy_m, alarm.occurred_at)
    return pair[0], pair[1]


def _contradictions(memory: Memory, changes: Changes, alarm: DeviceAlarm) -> list[Event]:
    """Return what it says of the wearer's position that her device hears his ankle monitor."""
    at, limits = alarm.occurred_at, memory.limits
    seen = memory.seen(alarm.device_id, changes)
    if alarm.point is not None:
        her = (ecef(alarm.point), alarm.accuracy_m or limits.unknown_accuracy_m, 0.0)
    elif seen is not None:
        her = (seen.xyz, seen.disc_m, max(at.timestamp() - seen.at_s, 0.0))
    else:
        return []
    events: list[Event] = []
    for place in _places_in_force(memory, alarm.device_id, at):
        his = memory.newest_of(place.watched.wearer_devices, changes)
        if place.party is Party.WEARER or his is None:
            continue
        if not contradicts_radio(his, *her, at.timestamp(), limits):
            continue
        device_id, told = his.fix.device_id, list[Finding]()
        state = memory.device_state(device_id, changes) or DeviceState(device_id, his.fix.received_at)
        health = next_implausible(state.health, at, "radio", told)
        changes.devices[device_id] = replace(state, health=health)
        places = _places_in_force(memory, device_id, at)
        events += _events(memory, changes, places, told, at, device_id)
    return events

"""One batch of device messages: decode, judge, store, alert, all in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import RULE_VERSION, Event, EventKind
from api.geofence.memory import Changes, Memory, Place
from api.geofence.model import DeviceAlarm, DeviceReceipt, DeviceReport, Fix
from api.geofence.rules.exempting import exempted
from api.geofence.rules.health import Finding
from api.geofence.rules.proximity import judge_past_proximity
from api.geofence.rules.quality import Seen, Timing, believed_moment, clock_fault, see, timing_of
from api.geofence.rules.zones import judge_past_zone
from api.geofence.service.deciding import judge_fix
from api.geofence.service.devices import alarm_events, note_alarm, note_fix, note_heard, note_report
from api.geofence.service.reporting import plan_reporting
from api.geofence.store.alarms import is_stored, save_alarm
from api.geofence.store.evidence import AGAIN, UNREADABLE_ALARM, Judge, Report, add_batch, save_reports
from api.geofence.store.fixes import (
    FixKey,
    FixRecord,
    find_around,
    find_known,
    key_of,
    save_fixes,
)
from api.geofence.store.rejected import Rejected, keep_rejected
from api.geofence.store.reporting import save_reporting
from api.geofence.store.states import save_device_states, save_presences
from api.geofence.wire import BadMessage, RejectReason, parse_message, parse_topic
from api.orders.model import Device, Party
from api.orders.rules import is_in_force

ALARM_LANE = "alarm"
NO_KEYS: frozenset[FixKey] = frozenset()


class Received(msgspec.Struct, frozen=True):
    """One message as the broker handed it over."""

    topic: str
    payload: bytes
    received_at: datetime


def process_messages(
    session: Session, memory: Memory, messages: Sequence[Received], now: datetime
) -> Changes:
    """Judge a batch, write everything that follows; returns what `Memory.take_over` needs after commit.

    Fixes of one device are judged in the order given. A message that cannot be judged is kept aside
    with its reason and never stops the others; any other exception is a fault of ours and is raised.
    """
    batch = _Batch(session, memory, now)
    for batch.place, message in enumerate(messages):
        try:
            batch.take(message)
        except BadMessage as bad:
            batch.reject(message, bad)
    batch.write()
    return batch.changes


def reject_for_our_fault(
    session: Session, memory: Memory, message: Received, places: str, now: datetime
) -> None:
    """Keep aside a message that our own code failed on, and say so by an alert for that device.

    `places` tells where in the code it failed: file names and lines, no values.
    """
    device_id: UUID | None = None
    try:
        device_id = parse_topic(message.topic)[1]
    except BadMessage:
        device_id = None
    name = device_id.hex if device_id else ""
    keep_rejected(
        session,
        [
            Rejected(
                message.topic, name, message.received_at, RejectReason.SERVER_FAULT, places, message.payload
            )
        ],
    )
    known = device_id if device_id in memory.devices else None
    event = Event(
        kind=EventKind.SYSTEM_DEGRADED,
        occurred_at=now,
        device_id=known,
        reason=RejectReason.SERVER_FAULT,
    )
    alerts.open_alerts(session, [event], now)


class _Batch:
    """Collects what a batch leads to; nothing is written before `write`."""

    def __init__(self, session: Session, memory: Memory, now: datetime) -> None:
        self.changes = Changes()
        self.place = 0
        self._number: int | None = None
        self._session = session
        self._memory = memory
        self._now = now
        self._records: dict[FixKey, FixRecord] = {}
        self._rejected: list[Rejected] = []
        self._events: list[Event] = []
        self._receipts: list[DeviceReceipt] = []
        self._reports: list[Report] = []

    def take(self, message: Received) -> None:
        """Judge one message; raises BadMessage when it cannot be."""
        shard, device_id, _lane = parse_topic(message.topic)
        device = self._memory.devices.get(device_id)
        if device is None:
            raise BadMessage(RejectReason.UNKNOWN_DEVICE)
        if device.shard != shard:
            raise BadMessage(RejectReason.BAD_TOPIC, f"this device's shard is {device.shard}")
        if device.retired_at is not None:
            raise BadMessage(RejectReason.RETIRED_DEVICE)
        said = parse_message(device, message.payload, message.received_at)
        if isinstance(said, Fix):
            self._take_fix(said, message.payload)
        elif isinstance(said, DeviceAlarm):
            self._take_alarm(said, message.payload)
        elif isinstance(said, DeviceReceipt):
            self._receipts.append(said)
            self._contact("receipt", said, message.payload)
        else:
            self._keep_report(said.kind, said, message.payload)
            self._events += note_report(self._memory, self.changes, said)

    def reject(self, message: Received, bad: BadMessage) -> None:
        """Keep a message aside; one on the alarm lane of a known device still is an alarm."""
        try:
            _shard, device_id, lane = parse_topic(message.topic)
        except BadMessage:
            device_id, lane = None, ""
        name = device_id.hex if device_id else message.topic[:64]
        self._rejected.append(
            Rejected(message.topic[:256], name, message.received_at, bad.reason, bad.detail, message.payload)
        )
        device = self._memory.devices.get(device_id) if device_id else None
        if lane == ALARM_LANE and device and device.retired_at is None:
            self._raise_unreadable_alarm(device, message, bad.reason)

    def write(self) -> None:
        """Write fixes, states, rejects, receipts and alerts in as few statements as there are tables."""
        if self._records or self._reports:
            save_fixes(self._session, self._batch(), self._records)
            save_reports(self._session, self._batch(), self._reports)
        save_device_states(self._session, self.changes.devices.values())
        save_presences(self._session, self.changes.presences)
        keep_rejected(self._session, self._rejected)
        receipts = [
            alerts.Receipt(one.device_id, one.command_id, one.outcome, one.received_at)
            for one in self._receipts
        ]
        alerts.receive_receipts(self._session, receipts)
        save_reporting(self._session, self.changes.reporting)
        for device_id, told in self.changes.reporting.items():
            alerts.tell_interval(self._session, device_id, told.interval_s, self._now)
        self.changes.events, self.changes.rejected = len(self._events), len(self._rejected)
        if self._events:
            alerts.open_alerts(self._session, self._events, self._now)

    def _take_fix(self, fix: Fix, payload: bytes) -> None:
        memory = self._memory
        if fault := clock_fault(fix, memory.limits):
            raise BadMessage(RejectReason(fault), "tst against the time of arrival")
        places = self._places_in_force(fix.device_id, fix.fixed_at)
        newest = memory.seen(fix.device_id, self.changes)
        timing = timing_of(fix, newest.fix.fixed_at if newest else None, memory.limits)
        key = key_of(fix)
        if self._is_known(key, newest):
            self._contact(AGAIN, fix, payload)
            return
        now = see(fix, None if timing is Timing.PAST else newest, memory.limits)
        self._records[key] = FixRecord(fix, self._now, timing, now.doubts, payload, self.place)
        if timing is Timing.PAST:
            note_heard(memory, self.changes, fix.device_id, fix.received_at)
        else:
            is_same_second = newest is not None and newest.fix.fixed_at == fix.fixed_at
            before = memory.latest(fix.device_id, self.changes) if is_same_second else NO_KEYS
            # Without what was there before a restart the database goes on being asked.
            if before is not None:
                self.changes.latest[fix.device_id] = before | {key}
            self._events += note_fix(memory, self.changes, now, newest, timing)
            if timing is Timing.LIVE:
                plan_reporting(memory, self.changes, now, places, newest, self._now)
        for place in places:
            if timing is Timing.PAST:
                self._judge_past(now, place)
            else:
                told = judge_fix(memory, self.changes, now, place, timing)
                self._events += told
                if timing is Timing.LATE:
                    self._judge_past_people(now, place, {event.person_id for event in told})

    def _is_known(self, key: FixKey, newest: Seen | None) -> bool:
        """Say whether this very message was judged before; what is newer than all cannot have been."""
        device_id, fixed_at, _digest = key
        if key in self._records:
            return True
        if newest is None or fixed_at > newest.fix.fixed_at:
            return False
        latest = self._memory.latest(device_id, self.changes)
        if fixed_at == newest.fix.fixed_at and latest is not None:
            return key in latest
        return bool(find_known(self._session, [key]))

    def _places_in_force(self, device_id: UUID, at: datetime) -> list[Place]:
        places = self._memory.places.get(device_id, ())
        if not places:
            raise BadMessage(RejectReason.NO_ORDER, "not assigned, or to nobody with an order")
        if not self._memory.was_carried(device_id, at):
            raise BadMessage(RejectReason.OTHER_HOLDER, "tst before its present holder was given the device")
        in_force = [place for place in places if is_in_force(place.watched.order, at)]
        if not in_force:
            raise BadMessage(RejectReason.ORDER_NOT_IN_FORCE)
        return in_force

    def _judge_past(self, now: Seen, place: Place) -> None:
        watched, limits = place.watched, place.watched.limits
        if place.party is Party.WEARER:
            for zone in watched.zones:
                state = self._memory.presence(zone.key, self.changes)
                exercise = watched.order.exercise
                told = judge_past_zone(now, zone.prepared, state, limits, exercise=exercise)
                self._events += exempted(told, watched.exemptions, limits)
        self._judge_past_people(now, place, set())

    def _judge_past_people(self, now: Seen, place: Place, told: set[UUID | None]) -> None:
        """Hold an old position against where the others were at its time; `told` have had an event already.

        Of the newest fix too, when it comes late: in memory is only where the others are now.
        """
        watched, limits = place.watched, place.watched.limits
        for person in watched.people if place.person is None else (place.person,):
            if person.id in told:
                continue
            others = person.devices if place.party is Party.WEARER else watched.wearer_devices
            before, after = find_around(self._session, others, now.fix.fixed_at)
            found = judge_past_proximity(
                now,
                place.party,
                see(before, None, limits) if before else None,
                see(after, None, limits) if after else None,
                person.pair,
                self._memory.presence(person.key, self.changes),
                limits,
            )
            self._events += exempted(found, watched.exemptions, limits)

    def _take_alarm(self, alarm: DeviceAlarm, payload: bytes) -> None:
        moment = believed_moment(alarm.occurred_at, alarm.received_at, self._memory.limits)
        alarm = msgspec.structs.replace(alarm, occurred_at=moment)
        if is_stored(self._session, alarm):
            self._contact(AGAIN, alarm, payload)
            return
        note_heard(self._memory, self.changes, alarm.device_id, alarm.received_at)
        save_alarm(self._session, alarm, payload, self._now, self._batch(), self.place)
        self._events += note_alarm(self._memory, self.changes, alarm)

    def _raise_unreadable_alarm(self, device: Device, message: Received, reason: RejectReason) -> None:
        at = message.received_at
        self._reports.append(Report(device.id, at, self.place, UNREADABLE_ALARM, message.payload))
        note_heard(self._memory, self.changes, device.id, at)
        finding = Finding(EventKind.DEVICE_ALARM, reason)
        self._events += alarm_events(self._memory, self.changes, device.id, finding, at)

    def _contact(self, kind: str, said: Fix | DeviceAlarm | DeviceReceipt, payload: bytes) -> None:
        """Take a message that is a sign of life and no more; it is kept, for silence is judged by it."""
        self._keep_report(kind, said, payload)
        note_heard(self._memory, self.changes, said.device_id, said.received_at)

    def _keep_report(
        self, kind: str, said: Fix | DeviceAlarm | DeviceReceipt | DeviceReport, payload: bytes
    ) -> None:
        self._reports.append(Report(said.device_id, said.received_at, self.place, kind, payload))

    def _batch(self) -> int:
        """Return this batch's number; a batch that leaves nothing behind has none."""
        if self._number is None:
            memory = self._memory
            self._number = add_batch(
                self._session, Judge.WORKER, self._now, memory.revision, memory.restored_at, RULE_VERSION
            )
        return self._number

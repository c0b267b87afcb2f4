"""`python -m api judge`: JSON lines in, what the service makes of them out (ops/contracts/judge.md)."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.alerts.model import Alert, AlertEntry, Channel, Notification
from api.alerts.wire.commands import encode_notice
from api.geofence.model import BadLimits, Limits
from api.geofence.rules.limits import with_values
from api.geofence.service import sightings, zones
from api.geofence.service.judging import Received
from api.kernel.config import COVERS
from api.kernel.errors import DomainError
from api.kernel.mqtt import topic_of
from api.orders import service as orders
from api.orders.model import Device, DeviceDraft, OrderDraft
from api.rehearsal import lines
from api.rehearsal.drafts import Fault, exemption_of, known, sighting_of, zone_of
from api.rehearsal.stage import NotGood, Stage
from api.safety_plans.model import cover_named

LANES = ("", "event", "status", "alarm", "receipt")
Told = dict[str, Any]
Tell = Callable[[Told], None]


class World:
    """One world between `begin` and `end`, under the caller's own names."""

    def __init__(self, begin: lines.Begin, tell: Tell) -> None:
        """Make it; what happens in it goes to `tell`."""
        if begin.batch < 1:
            raise Fault("batch must be at least 1")
        self._stage = Stage(_limits(begin.limits), _moment(begin.at))
        self._now_s = begin.at
        self._tell = tell
        self._batch = begin.batch
        self._waiting: list[Received] = []
        self._spoken: dict[UUID, datetime] = {}
        self._orders: dict[str, UUID] = {}
        self._wearers: dict[str, UUID] = {}
        self._people: dict[str, UUID] = {}
        self._zones: dict[str, UUID] = {}
        self._devices: dict[str, Device] = {}
        self._topics: dict[tuple[str, str], str] = {}
        self._names: dict[UUID | None, str] = {}
        self._alerts: dict[UUID, tuple[Alert, int]] = {}
        self._messages = self._dropped = 0

    def close(self) -> None:
        """Forget the world."""
        self._stage.close()

    def take(self, line: lines.Line) -> None:
        """Do what a line says; raises Fault, with nothing done, when it cannot be done."""
        if type(line) is lines.Message:
            self._say(line)
            return
        try:
            self._do(line)
        except DomainError as error:
            raise Fault(error.message) from error

    def _do(self, line: lines.Line) -> None:
        match line:
            case lines.Order():
                self._judge()
                self._add_order(line)
            case lines.NewDevice():
                self._judge()
                self._add_device(line)
            case lines.EndOrder():
                order_id = known(self._orders, line.order, "order")
                self._pass(self._later(line.at))
                self._judge()
                with self._stage.change() as session:
                    orders.revoke_order(session, order_id, None, self._stage.now)
                self._stage.refresh()
            case lines.Exemption():
                self._judge()
                order_id = known(self._orders, line.order, "order")
                draft = exemption_of(line, self._people, self._zones)
                with self._stage.change() as session:
                    orders.add_exemption(session, order_id, draft, None, self._stage.now)
                self._stage.refresh()
            case lines.Sighting():
                self._see(line)
            case lines.Until():
                self._pass(self._later(line.at))
                self._judge()
                self._tell({"told": "until", "at": line.at})
            case lines.End():
                self._judge()
                self._tell(self._summary())

    def _see(self, line: lines.Sighting) -> None:
        order_id = known(self._orders, line.order, "order")
        draft = sighting_of(line, self._people)
        self._pass(self._later(line.at))
        self._judge()
        with self._stage.change() as session:
            sightings.add_sighting(session, order_id, draft, self._stage.memory.limits, None, self._stage.now)
        self._report()

    def _say(self, line: lines.Message) -> None:
        """Let a device speak; it is judged now, or with what follows it."""
        device = self._devices.get(line.device)
        if device is None:
            raise Fault(f"there is no device {line.device!r}")
        if line.lane not in LANES:
            raise Fault(f"lane is one of {', '.join(map(repr, LANES))}")
        payload = _payload(line)
        if line.login is not None and line.login not in self._devices:
            raise Fault(f"there is no device {line.login!r}")
        at = self._later(line.at)
        self._pass(at)
        if line.login not in {None, line.device}:
            self._dropped += 1
            return
        topic = self._topics.get((line.device, line.lane))
        if topic is None:
            topic = self._topics[line.device, line.lane] = topic_of(device.shard, device.id, line.lane)
        self._messages += 1
        self._waiting.append(Received(topic, payload, at))
        if self._batch > 1:
            self._foresee(device.id, payload, line.at)
        if len(self._waiting) >= self._batch:
            self._judge()

    def _foresee(self, device_id: UUID, payload: bytes, at_s: float) -> None:
        """Note until when this message keeps the timers quiet, if it is the position that it seems to be."""
        try:
            said = lines.decode_placed(payload)
        except msgspec.DecodeError:
            return
        if said.type in {"location", "transition"} and at_s - 86_400 < said.tst:
            last = _moment(min(float(int(said.tst)), at_s))
            before = self._spoken.get(device_id)
            if before is None or before < last:
                self._spoken[device_id] = last

    def _later(self, at_s: float) -> datetime:
        if at_s < self._now_s:
            raise Fault(f"time never runs backwards: it is {self._now_s}")
        at = _moment(at_s)
        self._now_s = at_s
        return at

    def _pass(self, at: datetime) -> None:
        """Let time pass until `at`: before a timer may be due, everything said is judged."""
        stage = self._stage
        while (tick := stage.next_sweep(at, self._spoken)) is not None:
            if self._waiting:
                self._judge()
                continue  # what it brought may have changed what is due
            stage.sweep(tick)
            self._report()
        if not self._waiting:
            stage.now = at

    def _judge(self) -> None:
        """Judge what waits; if it was not what was foreseen, message by message with the timers between."""
        messages, self._waiting = self._waiting, []
        self._spoken.clear()
        if not messages:
            return
        try:
            has_told = (
                self._stage.judge_good(messages, messages[-1].received_at)
                if len(messages) > 1
                else self._stage.judge(messages, messages[0].received_at)
            )
        except NotGood:
            for message in messages:
                self._pass(message.received_at)
                if self._stage.judge([message], message.received_at):
                    self._report()
            return
        if has_told:
            self._report()

    def _add_order(self, line: lines.Order) -> None:
        if line.order in self._orders:
            raise Fault(f"there is an order {line.order!r} already")
        drafts = [zone_of(one) for one in line.zones]
        now = self._stage.now
        wearers, people, names = dict(self._wearers), dict(self._people), dict(self._names)
        with self._stage.change() as session:
            if line.wearer not in wearers:
                wearers[line.wearer] = orders.add_wearer(session, line.wearer, line.wearer, None, now).id
            for name in line.people:
                if name not in people:
                    people[name] = orders.add_person(session, name, name, None, now).id
            order_id = _order(session, line, wearers, people, now)
            names[order_id] = line.order
            for name in line.people:
                names[people[name]] = name
            for draft in drafts:
                zone = zones.add_zone(session, order_id, draft, None, now)
                names[zone.id] = zone.name
                self._zones[zone.name] = zone.id
        self._wearers, self._people, self._names = wearers, people, names
        self._orders[line.order] = order_id
        self._stage.refresh()

    def _add_device(self, line: lines.NewDevice) -> None:
        if line.device in self._devices:
            raise Fault(f"there is a device {line.device!r} already")
        wearer_id, person_id = self._wearers.get(line.holder), self._people.get(line.holder)
        if wearer_id is None and person_id is None:
            raise Fault(f"nobody is named {line.holder!r}")
        draft = DeviceDraft(line.kind, line.device, line.sealed, line.require_sealed, simulated=True)
        since = None if line.since is None else _moment(line.since)
        now = self._stage.now
        with self._stage.change() as session:
            device, _secret = orders.add_device(session, draft, None, now)
            orders.assign_device(session, device.id, wearer_id, person_id, None, now, since=since)
        self._devices[line.device] = device
        self._names[device.id] = line.device
        self._stage.refresh()
        key = device.sealing_key
        self._tell(
            {
                "told": "device",
                "device": line.device,
                "id": device.id.hex,
                "topic": topic_of(device.shard, device.id),
                "sealing_key": None if key is None else key.hex(),
            }
        )

    def _report(self) -> None:
        """Tell what the log and the outbox have got."""
        entries, messages = self._stage.news()
        for entry, alert in entries:
            _alert, count = self._alerts.get(alert.id, (alert, 0))
            self._alerts[alert.id] = (alert, count + 1)
            self._tell(self._event(entry, alert))
        for message in messages:
            self._tell(self._notification(message))
            if message.channel is Channel.DEVICE:
                plain = encode_notice(message, cover_named(COVERS[0]).neutral_text, None)
                device = self._name(message.device_id)
                at = message.created_at.timestamp()
                self._tell({"told": "command", "at": at, "device": device, "json": json.loads(plain)})

    def _event(self, entry: AlertEntry, alert: Alert) -> Told:
        event = entry.event or {}
        return {
            "told": "event",
            "at": entry.at.timestamp(),
            "order": self._name(event.get("order_id")),
            "device": self._name(event.get("device_id")),
            "person": self._name(event.get("person_id")),
            "zone": self._name(event.get("zone_id")),
            "alert": str(alert.id),
            "entry": entry.kind.value,
            "severity": entry.severity,
            "event": event,
        }

    def _notification(self, message: Notification) -> Told:
        return {
            "told": "notification",
            "at": message.created_at.timestamp(),
            "channel": message.channel.value,
            "device": self._name(message.device_id),
            "person": self._name(message.person_id),
            "payload": message.payload,
        }

    def _name(self, known_as: UUID | str | None) -> str | None:
        if known_as is None:
            return None
        return self._names.get(UUID(known_as) if isinstance(known_as, str) else known_as)

    def _summary(self) -> Told:
        health = self._stage.health()
        return {
            "told": "end",
            "alerts": [
                {
                    "id": str(alert.id),
                    "family": alert.family.value,
                    "kind": alert.kind,
                    "severity": alert.severity,
                    "opened_at": alert.opened_at.timestamp(),
                    "order": self._name(alert.order_id),
                    "events": count,
                }
                for alert, count in self._alerts.values()
            ],
            "messages": self._messages,
            "fixes": health["fixes_stored"],
            "rejected": health["rejected"],
            "dropped": self._dropped,
        }


def run(source: Iterable[bytes], out: TextIO) -> int:
    """Follow lines until they end; returns 0, or 2 when any of them could not be followed."""
    world: World | None = None
    faults = 0

    def tell(told: Told) -> None:
        out.write(msgspec.json.encode(told).decode() + "\n")

    for number, raw in enumerate(source, start=1):
        if raw.isspace():
            continue
        try:
            line = lines.decode(raw)
            if type(line) is lines.Begin:
                opened = World(line, tell)
                if world is not None:
                    world.close()
                world = opened
                continue
            _living(world).take(line)
            if world is not None and type(line) is lines.End:
                world.close()
                world = None
        except (Fault, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            faults += 1
            tell({"told": "error", "line": number, "reason": str(error)})
            out.flush()
        else:
            if type(line) in ANSWERED:
                out.flush()
    if world is not None:
        world.close()
    out.flush()
    return 2 if faults else 0


ANSWERED = frozenset({lines.NewDevice, lines.Until, lines.End})


def _living(world: World | None) -> World:
    if world is None:
        raise Fault("no world has begun")
    return world


def _order(
    session: Session, line: lines.Order, wearers: dict[str, UUID], people: dict[str, UUID], now: datetime
) -> UUID:
    draft = OrderDraft(
        reference=line.order,
        court="-",
        wearer_id=wearers[line.wearer],
        protected_person_ids=tuple(people[name] for name in line.people),
        valid_from=_moment(line.valid_from),
        valid_until=None if line.valid_until is None else _moment(line.valid_until),
        alert_radius_m=line.alert_radius_m,
        warning_radius_m=line.warning_radius_m,
        exercise=True,
    )
    return orders.add_order(session, draft, None, now).id


def _payload(line: lines.Message) -> bytes:
    if line.payload is None:
        return bytes(line.json)
    try:
        return base64.b64decode(line.payload, validate=True)
    except binascii.Error as error:
        raise Fault("payload is not base64") from error


def _limits(said: dict[str, int | float]) -> Limits:
    try:
        return with_values(Limits(), said)
    except BadLimits as bad:
        faults = (f"{name}: {fault}" for name, (fault,) in bad.fields.items())
        raise Fault(f"limits: {' '.join(faults)}") from bad


def _moment(at_s: float) -> datetime:
    try:
        return datetime.fromtimestamp(at_s, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise Fault("at is Unix seconds") from error

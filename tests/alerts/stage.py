"""One order with its people and devices in the register, and events about them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from api.accounts import service as accounts
from api.accounts.model import Role
from api.alerts import service
from api.alerts.model import (
    Alert,
    AlertEntry,
    AlertState,
    Channel,
    Event,
    EventKind,
    Notification,
    ResolveReason,
    Sighting,
)
from api.alerts.model.playbooks import Target
from api.alerts.rules import telling
from api.alerts.rules.joining import Step
from api.alerts.rules.telling import Recipient
from api.alerts.service import AlertDetail, AlertView
from api.alerts.service.playbooks import read_playbook
from api.kernel.config import PLAYBOOKS
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.orders import service as orders
from api.orders.model import Device, DeviceDraft, DeviceKind, OrderDraft, Watch
from tests.accounts.persons import account_of, add_person
from tests.factories import NOW, make_order

PLAYBOOK = read_playbook(PLAYBOOKS / "nl.yaml")[0]
HIS_PLACE = Point(51.9300, 4.4800)
HER_PLACE = Point(51.9225, 4.4792)


def recipients_of(event: Event, step: Step, watch: Watch | None) -> list[Recipient]:
    """Whom of the two the Dutch playbook tells at once; officers are `test_service_contacts`' matter."""
    told = telling.recipients_of(telling.steps_of(PLAYBOOK, event, step), event, watch)
    return [one for one in told if one.channel is not Channel.SMS]


def tells_police(event: Event, step: Step) -> bool:
    """Whether the police are among them."""
    return any(one.target is Target.POLICE for one in telling.steps_of(PLAYBOOK, event, step))


@dataclass(frozen=True)
class Stage:
    """What a test needs to know of the order it plays with."""

    engine: Engine
    order_id: UUID
    wearer_id: UUID
    people: tuple[UUID, ...]
    ankle: Device
    phones: tuple[Device, ...]

    def tell(self, *events: Event, now: datetime = NOW) -> list[Alert]:
        with transaction(self.engine) as session:
            return service.open_alerts(session, events, now)

    def alerts(self) -> list[Alert]:
        with reading(self.engine) as session:
            views = service.list_alerts(session, list(AlertState))
        return [view.alert for view in views]

    def detail(self, alert: Alert) -> AlertDetail:
        with transaction(self.engine) as session:
            return service.get_alert(session, alert.id, uuid4(), NOW)

    def log(self) -> list[AlertEntry]:
        with reading(self.engine) as session:
            return service.entries_after(session, 0, 10_000)

    def acknowledge(self, alert_id: UUID, actor_id: UUID | None = None) -> AlertView:
        with transaction(self.engine) as session:
            return service.acknowledge(session, alert_id, actor_id or uuid4(), at(60))

    def resolve(self, alert_id: UUID, note: str = "") -> AlertView:
        with transaction(self.engine) as session:
            return service.resolve(session, alert_id, uuid4(), ResolveReason.WEARER_LEFT, note, at(90))

    def outbox(self) -> list[Notification]:
        return [one for alert in self.alerts() for one, _attempts in self.detail(alert).notifications]


def at(seconds: float) -> datetime:
    """A moment after the beginning."""
    return NOW + timedelta(seconds=seconds)


def make_stage(engine: Engine, *, people: int = 1, sealed: bool = False, **more: Any) -> Stage:
    """Put an order into the register: a wearer with ankle monitor, people with a phone each."""
    with transaction(engine) as session:
        wearer = orders.add_wearer(session, f"W-{uuid4().hex[:6]}", "Wearer Name", None, NOW)
        persons = [
            orders.add_person(session, f"P-{uuid4().hex[:6]}", "Person Name", None, NOW)
            for _ in range(people)
        ]
        values: dict[str, Any] = {
            "reference": f"C-{uuid4().hex[:8]}",
            "court": "Rechtbank Rotterdam",
            "wearer_id": wearer.id,
            "protected_person_ids": tuple(person.id for person in persons),
            "valid_from": NOW - timedelta(days=1),
            "valid_until": None,
            "alert_radius_m": 500.0,
            "warning_radius_m": 1000.0,
            "exercise": True,
        }
        order = orders.add_order(session, OrderDraft(**(values | more)), None, NOW)
        devices = []
        for kind in [DeviceKind.ANKLE_MONITOR, *[DeviceKind.PHONE] * people]:
            draft = DeviceDraft(kind, "test", sealed, sealed, simulated=(values | more)["exercise"])
            devices.append(orders.add_device(session, draft, None, NOW)[0])
        orders.assign_device(session, devices[0].id, wearer.id, None, None, NOW)
        for device, person in zip(devices[1:], persons, strict=True):
            orders.assign_device(session, device.id, None, person.id, None, NOW)
    ids = tuple(person.id for person in persons)
    return Stage(engine, order.id, wearer.id, ids, devices[0], tuple(devices[1:]))


def make_staff(engine: Engine, now: datetime, role: Role = Role.OPERATOR) -> tuple[UUID, str]:
    """An account of the control room and the token of its session."""
    with transaction(engine) as session:
        account = accounts.add_account(session, f"staff-{uuid4().hex[:6]}", "a long secret", role, None, now)
        return account.id, accounts.open_session(session, account, now)


def make_person_session(engine: Engine, person_id: UUID, now: datetime) -> str:
    """The token of a protected person's session."""
    with transaction(engine) as session:
        number, _pin = add_person(session, person_id, now)
        account = account_of(session, number)
        assert account is not None
        return accounts.open_session(session, account, now)


def make_event(kind: EventKind = EventKind.ZONE_BREACH, **more: Any) -> Event:
    """An event of nobody's order, an exercise, at the beginning."""
    values: dict[str, Any] = {"occurred_at": NOW, "order_id": UUID(int=3), "exercise": True}
    if kind.value.startswith("zone"):
        values["zone_id"] = UUID(int=2)
        values["zone_version"] = 1
    return Event(kind=kind, **(values | more))


def breach(stage: Stage, kind: EventKind = EventKind.ZONE_BREACH, **more: Any) -> Event:
    """An event of the stage's order with both places."""
    values: dict[str, Any] = {
        "order_id": stage.order_id,
        "device_id": stage.ankle.id,
        "wearer": Sighting(stage.ankle.id, HIS_PLACE, 8.0, more.get("occurred_at", NOW)),
    }
    if stage.phones:
        values["protected"] = Sighting(stage.phones[0].id, HER_PLACE, 12.0, NOW - timedelta(seconds=30))
    if kind.value.startswith("proximity"):
        values["person_id"] = stage.people[0]
    return make_event(kind, **(values | more))


def make_watch(*, people: int = 1, **more: Any) -> Watch:
    """A watch of an order that is in no register."""
    ids = tuple(UUID(int=100 + number) for number in range(people))
    order = make_order(protected_person_ids=ids, **more)
    protected = tuple((person_id, (UUID(int=200 + number),)) for number, person_id in enumerate(ids))
    return Watch(order, (UUID(int=1),), protected)

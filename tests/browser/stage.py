"""What is played to the pages: an order, positions judged as the worker judges them, signs of life."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from api.accounts import service as accounts
from api.accounts.model import Role
from api.alerts import service as alerts
from api.alerts.model import Alert, AlertState, Event, EventKind
from api.alerts.model.playbooks import Task, TaskOutcome
from api.geofence.memory import Memory
from api.geofence.model import Circle, Limits, Visibility
from api.geofence.service import zones
from api.geofence.service.judging import process_messages
from api.geofence.service.zones import ZoneDraft
from api.kernel import clock
from api.kernel.config import PLAYBOOKS
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.kernel.heartbeats import beat
from api.orders import service as orders
from api.orders.model import Device
from tests.scene import FAR, HOME, Scene, make_scene, north_of, position

LOGIN, SECRET = "m.devries", "correct horse battery staple"
CLOSE = north_of(HOME, 300)
"""300 m from her: inside the zone of 500 m and nearer than the alert distance."""
OUR_PROCESSES = ("worker", "watchdog", "dispatcher")


class Stage:
    """A database, and everything that happens in it without a page."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add_staff(self, role: Role = Role.OPERATOR) -> None:
        with transaction(self.engine) as session:
            accounts.add_account(session, LOGIN, SECRET, role, None, clock.now())

    def add_order(self, **more: Any) -> Scene:
        """An exercise order with a zone round HOME, made an hour ago."""
        return make_scene(self.engine, clock.now() - timedelta(hours=1), **more)

    def add_zone(self, scene: Scene, name: str) -> None:
        """One more zone of the order, round the place where the wearer comes to."""
        draft = ZoneDraft(name, Circle(CLOSE, 100.0), 50.0, Visibility.CONCEALED)
        with transaction(self.engine) as session:
            zones.add_zone(session, scene.order_id, draft, None, clock.now())

    def give_account(self, scene: Scene) -> tuple[str, str]:
        new = accounts.prepare_person()
        with transaction(self.engine) as session:
            orders.give_account(session, scene.person_id, new, None, clock.now())
        return new.number, new.pin

    def approach(self, scene: Scene) -> None:
        """She is at home; he comes from far away to 300 m."""
        self.move(scene.phone, HOME, age_s=3)
        self.move(scene.ankle, FAR, age_s=900)
        self.move(scene.ankle, CLOSE, age_s=1)

    def move(self, device: Device, to: Point, *, age_s: float = 0, **more: Any) -> None:
        """A position of `age_s` ago arrives and is judged."""
        at = clock.now() - timedelta(seconds=age_s)
        memory = Memory(Limits())
        with reading(self.engine) as session:
            memory.restore(session, at)
        with transaction(self.engine) as session:
            process_messages(session, memory, [position(device, to, at, delay_s=0, **more)], clock.now())

    def open_alert(self, kind: EventKind, **more: Any) -> Alert:
        """Open an alert by an event that no position causes."""
        now = clock.now()
        with transaction(self.engine) as session:
            return alerts.open_alerts(session, [Event(kind=kind, occurred_at=now, **more)], now)[0]

    def lose_contact(self, reference: str = "C-1") -> None:
        """An exercise that by the Dutch playbook asks at once to call the wearer."""
        scene = self.add_order(reference=reference)
        lost = EventKind.LOST_CONTACT
        self.open_alert(lost, order_id=scene.order_id, device_id=scene.ankle.id, exercise=True)

    def press_sos(self, reference: str = "C-1") -> None:
        """An exercise of severity 1: the police have 30 s to answer, and so has the room."""
        scene = self.add_order(reference=reference)
        self.open_alert(EventKind.SOS, order_id=scene.order_id, device_id=scene.phone.id, exercise=True)

    def go_by(self, *changes: tuple[str, str]) -> None:
        """Go by the Dutch playbook with these pieces of its text replaced."""
        text = (PLAYBOOKS / "nl.yaml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        with tempfile.TemporaryDirectory() as folder, transaction(self.engine) as session:
            path = Path(folder) / "playbook.yaml"
            path.write_text(text, encoding="utf-8")
            alerts.take_over_playbook(session, path, clock.now())

    def escalate(self, *, after_s: float) -> int:
        """What has waited that long goes on, as the dispatcher would let it."""
        with transaction(self.engine) as session:
            return alerts.escalate_due(session, clock.now() + timedelta(seconds=after_s))

    def tasks(self) -> list[Task]:
        """The calls that somebody is to make."""
        with reading(self.engine) as session:
            return alerts.list_open_tasks(session)

    def note(self, task: Task, outcome: TaskOutcome) -> None:
        """Somebody else notes what came of a call."""
        with transaction(self.engine) as session:
            alerts.note_outcome(session, task.id, UUID(int=0), outcome, "", clock.now())

    def beat(self, *, seconds_ago: float = 0) -> None:
        """Every process of ours gives its sign of life."""
        at = clock.now() - timedelta(seconds=seconds_ago)
        with transaction(self.engine) as session:
            for process in OUR_PROCESSES:
                beat(session, process, at, able=True)

    def beat_for_a_while(self) -> None:
        """Signs of life that stay fresh for a whole test: dated a minute ahead."""
        self.beat(seconds_ago=-60)

    def detail(self, alert_id: UUID) -> alerts.AlertDetail:
        with transaction(self.engine) as session:
            return alerts.get_alert(session, alert_id, UUID(int=0), datetime.now(UTC))

    def alert(self, alert_id: UUID) -> Alert:
        return self.detail(alert_id).view.alert

    def unresolved(self) -> list[Alert]:
        with reading(self.engine) as session:
            views = alerts.list_alerts(session, {AlertState.OPEN, AlertState.ACKNOWLEDGED})
        return [view.alert for view in views]

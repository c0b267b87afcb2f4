"""A worker and a watchdog on one database, whose alerts are judged again; and what is altered behind them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from api.alerts import service as alerts
from api.alerts.model import Family
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.service import limits
from api.geofence.service.judging import Received, process_messages
from api.geofence.service.sweeping import Sweeper
from api.kernel.db import reading, transaction
from api.rehearsal.replay import Outcome, replay
from tests.factories import NOW
from tests.scene import HOME, Scene, north_of, position


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class House:
    """A worker and a watchdog that share a database, without their loops."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.memory = Memory(Limits())
        self.sweeper = Sweeper(Limits())
        with transaction(engine) as session:
            limits.note_house_limits(session, Limits(), NOW)
            self.sweeper.load(session, NOW)
            self.memory.restore(session, NOW)

    def take(self, *messages: Received, after_s: float = 0.013) -> None:
        with transaction(self.engine) as session:
            self.memory.refresh(session)
            now = max(message.received_at for message in messages) + timedelta(seconds=after_s)
            changes = process_messages(session, self.memory, messages, now)
        self.memory.take_over(changes)

    def sweep(self, seconds: float) -> None:
        with transaction(self.engine) as session:
            self.sweeper.sweep(session, at(seconds))

    def restart(self, seconds: float, house: Limits | None = None) -> None:
        self.memory = Memory(house or Limits())
        self.sweeper = Sweeper(house or Limits())
        with transaction(self.engine) as session:
            limits.note_house_limits(session, self.memory.limits, at(seconds))
            self.sweeper.load(session, at(seconds))
            self.memory.restore(session, at(seconds))

    def change(self, change: Callable[..., Any], *arguments: Any) -> Any:
        with transaction(self.engine) as session:
            return change(session, *arguments)

    def alerts(self) -> dict[Family, list[UUID]]:
        with reading(self.engine) as session:
            found: dict[Family, list[UUID]] = {}
            for _entry, view in alerts.news_after(session, 0, 1000):
                ids = found.setdefault(view.alert.family, [])
                if view.alert.id not in ids:
                    ids.append(view.alert.id)
        return found

    def replay(self, family: Family = Family.APPROACH, which: int = 0) -> Outcome:
        return replay(self.engine, Limits(), self.alerts()[family][which], at(9000))


def visit(scene: Scene, begin_s: float = 0) -> list[Received]:
    """He comes from afar, stays inside for a while and leaves; she is at home."""
    metres = [3000, 2000, 1100, 700, 480.5, 300, 200, 210, 220, 400, 700, 1500, 3000, 5000]
    his = [
        position(scene.ankle, north_of(HOME, m), at(begin_s + 30 * i), seq=i, acc=8.5, delay_s=2.25)
        for i, m in enumerate(metres)
    ]
    hers = [
        position(scene.phone, north_of(HOME, 3.3 * i), at(begin_s + 60 * i), seq=i, acc=11)
        for i in range(len(metres) // 2 + 1)
    ]
    return sorted(his + hers, key=lambda message: message.received_at)


def alter(engine: Engine, statement: str, **values: Any) -> None:
    with engine.begin() as connection:
        changed = connection.execute(text(statement), values)
        assert changed.rowcount == 1

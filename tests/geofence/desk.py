"""A worker without a broker, for tests of judging: takes batches, commits, remembers."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import Alert, AlertState
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.service.judging import Received, process_messages
from api.geofence.store.fixes import count_fixes
from api.geofence.store.rejected import count_rejected
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from tests.factories import NOW
from tests.scene import HOME, Scene, north_of, position

ALL = frozenset(AlertState)
BUFFER_PLACE = north_of(HOME, 620)
INSIDE_PLACE = north_of(HOME, 300)


class Desk:
    """A worker without a broker: takes batches, commits, remembers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.memory = self.restarted()

    def restarted(self) -> Memory:
        self.memory = Memory(Limits())
        with reading(self.engine) as session:
            self.memory.restore(session, NOW)
        return self.memory

    def take(self, *messages: Received) -> None:
        with transaction(self.engine) as session:
            now = max(message.received_at for message in messages)
            changes = process_messages(session, self.memory, messages, now)
        self.memory.take_over(changes)

    def alerts(self) -> list[Alert]:
        with reading(self.engine) as session:
            return [view.alert for view in alerts.list_alerts(session, ALL)]

    def kinds(self) -> list[str]:
        """The kinds of all events told, in order."""
        with reading(self.engine) as session:
            entries = alerts.entries_after(session, 0, 1000)
        return [entry.event["kind"] for entry in entries if entry.event]

    def rejected(self) -> dict[str, int]:
        with reading(self.engine) as session:
            return count_rejected(session)

    def fixes(self) -> int:
        with reading(self.engine) as session:
            return count_fixes(session)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def approach(scene: Scene, places: Sequence[Point], **more: Any) -> list[Received]:
    return [position(scene.ankle, place, at(30 * i), seq=i, **more) for i, place in enumerate(places)]


def alarm(kind: str, **more: Any) -> bytes:
    return json.dumps({"_type": "alarm", "kind": kind, "tst": int(NOW.timestamp()), "seq": 1} | more).encode()

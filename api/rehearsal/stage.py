"""A whole service in memory: the tables, the worker's judging and the watchdog's timers, without a clock.

Time is what the caller says and never runs backwards. Nothing here decides anything: the code that judges
is the worker's, on a database of its own that is gone with the process.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import Alert, AlertEntry, Notification
from api.geofence.memory import Changes, Memory
from api.geofence.model import Limits
from api.geofence.service.health import report_health
from api.geofence.service.judging import Received, process_messages
from api.geofence.service.sweeping import Sweeper
from api.geofence.watchdog import SWEEP_S
from api.kernel.crypto import new_key
from api.kernel.db import Base, make_engine, transaction
from api.orders.rules import has_ended

PAGE = 1000
NOTHING = Changes()
FAR_OFF = timedelta(days=36_500)
"""No timer waits that long."""


class NotGood(Exception):
    """Some of the messages were kept aside."""


class Stage:
    """One world, judged by the real code."""

    def __init__(self, limits: Limits, at: datetime) -> None:
        """Make an empty world that begins at `at`; ticks of the timers are counted from there."""
        self.now = at
        self._began = at
        self._engine = make_engine("sqlite://", new_key())
        Base.metadata.create_all(self._engine)
        self.memory = Memory(limits)
        self._sweeper = Sweeper(limits)
        self._quiet_until = at
        self._swept = at
        self._has_heard = True
        self._entry_seq = self._message_seq = 0
        with self.change() as session:
            self._sweeper.load(session, at)
        self.restore(at)

    def close(self) -> None:
        """Forget this world."""
        self._engine.dispose()

    @contextmanager
    def change(self) -> Iterator[Session]:
        """Open a transaction of the caller's own, e.g. on the register; `refresh` takes it over."""
        with transaction(self._engine) as session:
            yield session

    def refresh(self) -> None:
        """Let the worker's memory see what changed in the register."""
        with transaction(self._engine) as session:
            if self.memory.refresh(session):
                self._quiet_until, self._has_heard = self.now, True

    def restore(self, at: datetime) -> None:
        """Let the worker forget everything and read it again, as one that starts at `at` does."""
        with transaction(self._engine) as session:
            self.memory.restore(session, at)

    def use(self, limits: Limits, at: datetime) -> None:
        """Go on by other limits of the house, as after its restart."""
        with transaction(self._engine) as session:
            self.memory.limits = limits
            self.memory.restore_register(session, at)
            self._sweeper.use(session, limits, at)

    def judge(self, messages: Sequence[Received], now: datetime) -> bool:
        """Judge messages together as of `now`; returns whether anything was told of them."""
        self._hear(now)
        with transaction(self._engine) as session:
            changes = process_messages(session, self.memory, messages, now)
        self.memory.take_over(changes)
        return bool(changes.events or changes.reporting)

    def judge_good(self, messages: Sequence[Received], now: datetime) -> bool:
        """Judge as `judge` does, if no message is kept aside.

        Raises NotGood otherwise, with nothing done: what was foreseen of the timers does not hold then.
        """
        with transaction(self._engine) as session:
            changes = process_messages(session, self.memory, messages, now)
            if changes.rejected:
                self._quiet_until = self._swept
                raise NotGood
        self._hear(now)
        self.memory.take_over(changes)
        return bool(changes.events or changes.reporting)

    def sweep(self, now: datetime) -> None:
        """Let the timers look once."""
        self.now = max(self.now, now)
        self._swept = self._quiet_until = now
        self._has_heard = False
        with transaction(self._engine) as session:
            self._sweep(session, now)

    def next_sweep(self, until: datetime, spoken: Mapping[UUID, datetime]) -> datetime | None:
        """Return the next tick, at or before `until`, at which a timer may be due; None if there is none.

        `spoken` are messages not judged yet, as if all of them were good positions: per device the time
        of the latest. What they really were the caller has to check before he relies on it.
        """
        may_end = bool(spoken) and self._sweeper.is_waiting  # what waits to be judged may end what was told
        if self._quiet_until > until and not may_end:
            return None
        self._quiet_until = self._due_after(spoken)
        steps = math.ceil((max(self._quiet_until, self._swept) - self._began).total_seconds() / SWEEP_S)
        tick = self._began + timedelta(seconds=SWEEP_S * steps)
        if tick <= self._swept:
            tick += timedelta(seconds=SWEEP_S)
        return tick if tick <= until else None

    def health(self) -> dict[str, Any]:
        """Return what the control room would be shown of the service itself."""
        with transaction(self._engine) as session:
            return report_health(session, self.now)

    def news(self) -> tuple[list[tuple[AlertEntry, Alert]], list[Notification]]:
        """Return what the log and the outbox have got since the last call, in their order."""
        with transaction(self._engine) as session:
            entries: list[tuple[AlertEntry, Alert]] = []
            while page := alerts.news_after(session, self._entry_seq, PAGE):
                entries += [(entry, view.alert) for entry, view in page]
                self._entry_seq = page[-1][0].seq
            messages = alerts.born_after(session, self._message_seq)
        if messages:
            self._message_seq = messages[-1].seq
        return entries, messages

    def _sweep(self, session: Session, now: datetime) -> None:
        """Do what the watchdog does at one look; the only place that knows how."""
        self._sweeper.sweep(session, now)

    def _due_after(self, spoken: Mapping[UUID, datetime]) -> datetime:
        """Return a moment before which no timer can be due.

        What was missing at the last look is due when that look said, unless something was heard since.
        """
        if self._sweeper.is_waiting and (self._has_heard or spoken):
            return self._swept
        due = self.now + FAR_OFF
        if not self._has_heard and self._sweeper.due_at is not None:
            due = self._sweeper.due_at
        for watched in self.memory.watched:
            if has_ended(watched.order, self.now):
                continue
            devices = [*watched.wearer_devices, *(one for her in watched.people for one in her.devices)]
            for device_id in devices:
                last = spoken.get(device_id) or self._last_sure(device_id) or watched.order.valid_from
                at = max(last, watched.order.valid_from) + self._patience(device_id)
                if self._has_heard or at >= self._swept:  # at the very moment it is not overdue yet
                    due = min(due, at)
        return due

    def _hear(self, now: datetime) -> None:
        """Note that something was heard: what the last look foresaw holds no more."""
        self.now = max(self.now, now)
        if not self._has_heard:
            self._quiet_until, self._has_heard = self._swept, True

    def _patience(self, device_id: UUID) -> timedelta:
        """Return how long a device may be missed at least; who was told to report rarely has longer."""
        limits, told = self.memory.limits, self.memory.reporting(device_id, NOTHING)
        rarely_s = told.interval_s + limits.overdue_s if told else 0.0
        return timedelta(seconds=max(limits.near_silence_s, rarely_s))

    def _last_sure(self, device_id: UUID) -> datetime | None:
        """Return until when a device was heard and placed; None when it never was."""
        state = self.memory.device_state(device_id, NOTHING)
        if state is None or state.fix is None:
            return None
        return min(state.heard_at, state.fix.fixed_at)

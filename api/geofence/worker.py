"""The loop between broker and database: read, judge, commit, then ack. Nothing acknowledged is lost.

Three ways to fail, three answers: a bad message is kept aside; a database that is away stops the acks,
and the broker sends everything again; a fault of ours on one message keeps that message, opens an alert
for its device and goes on with the others.
"""

import contextlib
import random
import select
import signal
import traceback
from collections.abc import Callable, Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.geofence.intake import ALARM_LANES, FIRST_RETRY_S, LAST_RETRY_S, POSITION_LANES, Lane, topics_of
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.service.health import note_life, note_return
from api.geofence.service.judging import Received, process_messages, reject_for_our_fault
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import is_away, reading, transaction
from api.kernel.logs import Log

PROCESS = "worker"
MAX_BATCH = 2000
"""Messages a transaction (field/brokers.md); more wait at the broker, that is the back-pressure."""
WAIT_S = 0.05
REFRESH_S = 0.25
"""The register is looked at this often; the issue asks that a change takes effect within 1 s."""
LIFE_S = 5.0
"""A sign of life this often; the watchdog calls 30 s without one an outage."""

_log = Log(PROCESS)


class Worker:
    """One worker with its two lanes, its memory and its engine."""

    def __init__(self, settings: Settings, engine: Engine, limits: Limits) -> None:
        """Prepare; `run` does everything."""
        self._engine = engine
        self._chance = random.Random()  # noqa: S311 - spreads retries, keeps no secret
        shards = settings.shards
        self._alarms = Lane(settings, "alarms", topics_of(shards, ALARM_LANES), chance=self._chance)
        self._positions = Lane(settings, "positions", topics_of(shards, POSITION_LANES), chance=self._chance)
        self._lanes = (self._alarms, self._positions)
        self._memory = Memory(limits)
        self._refresh_at_s = 0.0
        self._life_at_s = 0.0

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Work until told to stop; a database that is away is waited for."""
        self._restore(is_stopping)
        while not is_stopping():
            try:
                self._turn()
            except DBAPIError as error:
                if not is_away(error):
                    raise
                _log.error("database away", error=type(error).__name__)
                for lane in self._lanes:
                    lane.drop()
                self._restore(is_stopping)
        for lane in self._lanes:
            lane.close()

    def _turn(self) -> None:
        """Do one round: connections, what arrived, the register, a sign of life."""
        now_s = clock.monotonic_s()
        for lane in self._lanes:
            lane.keep_connected(now_s)
        sockets = [found for lane in self._lanes if (found := lane.socket()) is not None]
        if sockets:
            with contextlib.suppress(OSError, ValueError):  # closed meanwhile: the next round connects again
                select.select(sockets, [], [], WAIT_S)
        else:
            clock.sleep_s(WAIT_S)
        if now_s >= self._refresh_at_s:
            self._refresh_at_s = now_s + REFRESH_S
            with reading(self._engine) as session:
                self._memory.refresh(session)
        for lane in self._lanes:  # alarms first
            lane.read(MAX_BATCH)
            if messages := lane.take():
                self._judge(messages)
                lane.ack_all()
        if now_s >= self._life_at_s:
            self._life_at_s = now_s + LIFE_S
            with transaction(self._engine) as session:
                note_life(session, PROCESS, clock.now(), able=all(lane.is_able for lane in self._lanes))

    def _judge(self, messages: Sequence[Received]) -> None:
        try:
            self._commit(messages)
        except DBAPIError as error:
            if is_away(error):
                raise
            self._judge_one_by_one(messages)
        except Exception:  # noqa: BLE001 - a fault of ours: find the message, alert, go on with the others
            self._judge_one_by_one(messages)

    def _judge_one_by_one(self, messages: Sequence[Received]) -> None:
        for message in messages:
            try:
                self._commit([message])
            except DBAPIError as error:
                if is_away(error):
                    raise
                self._keep_guilty(message, error)
            except Exception as error:  # noqa: BLE001 - ends in an alert, never in a log line alone
                self._keep_guilty(message, error)

    def _commit(self, messages: Sequence[Received]) -> None:
        with transaction(self._engine) as session:
            changes = process_messages(session, self._memory, messages, clock.now())
        self._memory.take_over(changes)

    def _keep_guilty(self, message: Received, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        places = "; ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)
        _log.error("our fault on one message", error=type(error).__name__)
        with transaction(self._engine) as session:
            reject_for_our_fault(
                session, self._memory, message, f"{type(error).__name__} at {places}", clock.now()
            )

    def _restore(self, is_stopping: Callable[[], bool]) -> None:
        """Read everything from the database, waiting for it with backoff and jitter."""
        retry_s = FIRST_RETRY_S
        while not is_stopping():
            try:
                with transaction(self._engine) as session:
                    note_return(session, PROCESS, clock.now(), self._memory.limits)
                with reading(self._engine) as session:
                    self._memory.restore(session, clock.now())
            except DBAPIError as error:
                if not is_away(error):
                    raise
                _log.warning("waiting for the database", error=type(error).__name__)
                clock.sleep_s(retry_s * self._chance.uniform(0.5, 1.0))
                retry_s = min(retry_s * 2, LAST_RETRY_S)
            else:
                _log.info("restored", count=len(self._memory.devices), revision=self._memory.revision)
                return


def run(settings: Settings, engine: Engine) -> None:
    """Run the worker until SIGTERM or SIGINT."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: told.append(received))
    Worker(settings, engine, Limits()).run(lambda: bool(told))

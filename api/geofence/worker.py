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
import uuid
from collections.abc import Callable, Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from api.geofence.intake import ALARM_LANES, FIRST_RETRY_S, LAST_RETRY_S, POSITION_LANES, Lane, topics_of
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.rules.lag import is_lagging
from api.geofence.service.health import is_lag_told, note_life, note_return, tell_lag, tell_unreadable
from api.geofence.service.judging import Received, process_messages, reject_for_our_fault
from api.geofence.service.limits import note_house_limits, read_house_limits, tell_unusable
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import is_away, reading, transaction
from api.kernel.heartbeats import claim, holder_of, list_heartbeats
from api.kernel.logs import Log

PROCESS = "worker"
MAX_BATCH, FIRST_BATCH = 2000, 200
"""Messages a transaction at most (field/brokers.md), and to begin with; more wait at the broker."""
BATCH_S = 0.2
"""A batch that took longer is followed by smaller ones: an alarm waits for one batch at most; proposal."""
WAIT_S = 0.05
REFRESH_S = 0.25
"""The register is looked at this often; the issue asks that a change takes effect within 1 s."""
LIFE_S = 5.0
"""A sign of life this often; the watchdog calls 30 s without one an outage."""
LAG_WINDOW_S = 60.0
"""A device that was heard within this counts when we ask ourselves whether intake lags; proposal."""
STAND_BY_S = 15.0
"""One that was taken over takes the work back after three signs of life of the other have failed to come."""

_log = Log(PROCESS)


class TakenOver(Exception):
    """Another worker does this work now; what this one has in hand is the other's too."""


class Worker:
    """One worker with its two lanes, its memory and its engine."""

    def __init__(self, settings: Settings, engine: Engine, limits: Limits) -> None:
        """Prepare; `run` does everything."""
        self._engine = engine
        self._id = uuid.uuid4()
        self._chance = random.Random()  # noqa: S311 - spreads retries, keeps no secret
        shards = settings.shards
        self._alarms = Lane(settings, "alarms", topics_of(shards, ALARM_LANES), chance=self._chance)
        self._positions = Lane(settings, "positions", topics_of(shards, POSITION_LANES), chance=self._chance)
        self._lanes = (self._alarms, self._positions)
        self._memory = Memory(limits)
        self._most = FIRST_BATCH
        self._refresh_at_s = 0.0
        self._life_at_s = clock.monotonic_s() + LIFE_S
        self._was_able = False
        self._ages: dict[uuid.UUID, tuple[float, float]] = {}
        self._lags = False

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Work until told to stop; a database that is away is waited for.

        The worker that started last does the work. One that is taken over stands by.
        """
        self._restore(is_stopping, claims=True)
        while not is_stopping():
            try:
                self._turn()
            except TakenOver:
                _log.warning("taken over, standing by")
                self._drop()
                self._stand_by(is_stopping)
            except DBAPIError as error:
                if not is_away(error):
                    raise
                _log.error("database away", error=type(error).__name__)
                self._drop()
                self._restore(is_stopping, claims=False)
        for lane in self._lanes:
            lane.close()

    def _drop(self) -> None:
        for lane in self._lanes:
            lane.drop()

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
        for lane in self._lanes:  # alarms first
            lane.read(self._most)
            # Only now: the process may have been stopped for a while, and the register is another by now.
            self._keep_fresh()
            if messages := lane.take():
                self._judge_timed(messages)
                lane.ack_all()
        self._give_life()

    def _keep_fresh(self) -> None:
        now_s = clock.monotonic_s()
        if now_s >= self._refresh_at_s:
            self._refresh_at_s = now_s + REFRESH_S
            with reading(self._engine) as session:
                self._memory.refresh(session)

    def _give_life(self) -> None:
        """Say that we live: at once when we can work, or no longer can; at the start not before."""
        now_s, able = clock.monotonic_s(), all(lane.is_able for lane in self._lanes)
        if now_s < self._life_at_s and able == self._was_able:
            return
        self._life_at_s, self._was_able = now_s + LIFE_S, able
        with transaction(self._engine) as session:
            self._check_holder(session)
            note_life(session, PROCESS, clock.now(), able=able)
            self._look_at_lag(session, now_s)

    def _look_at_lag(self, session: Session, now_s: float) -> None:
        """Say when what devices tell reaches us late for all of them, and when that is over."""
        self._ages = {
            device: heard for device, heard in self._ages.items() if heard[0] >= now_s - LAG_WINDOW_S
        }
        ages_s = [age_s for _heard_s, age_s in self._ages.values()]
        lags = is_lagging(ages_s, self._memory.limits, was_lagging=self._lags)
        if lags is not self._lags:
            tell_lag(session, clock.now(), lags=lags)
            self._lags = lags

    def _judge_timed(self, messages: Sequence[Received]) -> None:
        begun_s = clock.monotonic_s()
        self._judge(messages)
        took_s = clock.monotonic_s() - begun_s
        if took_s > BATCH_S:
            self._most = max(1, int(len(messages) * BATCH_S / took_s))
        elif len(messages) >= self._most:
            self._most = min(MAX_BATCH, 2 * self._most)

    def _judge(self, messages: Sequence[Received], *, is_fresh: bool = False) -> None:
        """Judge and commit; halve what we fail on, until the guilty message is alone."""
        try:
            self._commit(messages)
        except TakenOver:
            raise
        except Exception as error:
            if isinstance(error, DBAPIError) and is_away(error):
                raise
            if isinstance(error, IntegrityError) and not is_fresh:
                # Another worker has stored some of these already: judge again with what is known now.
                with reading(self._engine) as session:
                    self._memory.restore(session, clock.now())
                self._judge(messages, is_fresh=True)
            elif len(messages) == 1:
                self._keep_guilty(messages[0], error)
            else:
                half = len(messages) // 2
                self._judge(messages[:half], is_fresh=is_fresh)
                self._judge(messages[half:], is_fresh=is_fresh)

    def _commit(self, messages: Sequence[Received]) -> None:
        with transaction(self._engine) as session:
            self._check_holder(session)
            changes = process_messages(session, self._memory, messages, clock.now())
        self._memory.take_over(changes)
        now_s = clock.monotonic_s()
        for device_id, seen in changes.seen.items():
            self._ages[device_id] = (now_s, (seen.fix.received_at - seen.fix.fixed_at).total_seconds())

    def _check_holder(self, session: Session) -> None:
        if holder_of(session, PROCESS) != self._id:
            raise TakenOver

    def _keep_guilty(self, message: Received, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        places = "; ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)
        _log.error("our fault on one message", error=type(error).__name__)
        with transaction(self._engine) as session:
            reject_for_our_fault(
                session, self._memory, message, f"{type(error).__name__} at {places}", clock.now()
            )

    def _stand_by(self, is_stopping: Callable[[], bool]) -> None:
        """Wait until the other is gone, and take the work back."""
        while not is_stopping():
            clock.sleep_s(1.0)
            with reading(self._engine) as session:
                other = list_heartbeats(session).get(PROCESS)
            if other is None or (clock.now() - other.at).total_seconds() > STAND_BY_S:
                self._restore(is_stopping, claims=True)
                return

    def _restore(self, is_stopping: Callable[[], bool], *, claims: bool) -> None:
        """Read everything from the database, waiting for it with backoff and jitter."""
        retry_s = FIRST_RETRY_S
        while not is_stopping():
            try:
                with transaction(self._engine) as session:
                    now = clock.now()
                    note_return(session, PROCESS, now, self._memory.limits)
                    if claims:
                        claim(session, PROCESS, self._id, now)
                        note_house_limits(session, self._memory.limits, now)
                    tell_unreadable(session, now)
                    self._lags = is_lag_told(session, now)
                    tell_unusable(session, self._memory.limits, now)
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
    Worker(settings, engine, read_house_limits(settings.limits_file)).run(lambda: bool(told))

"""The loop that notices what does not arrive: silent devices, our own worker, answers to hand-offs."""

import signal
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.geofence.model import Limits
from api.geofence.service import health
from api.geofence.service.limits import read_house_limits
from api.geofence.service.sweeping import Sweeper
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import is_away, reading, transaction
from api.kernel.logs import Log
from api.pathways.service import consents
from api.pathways.service import sweeping as pathways

PROCESS = "watchdog"
START_GRACE = timedelta(seconds=10)
"""When everything starts together the worker is not dead yet; proposal."""
SWEEP_S = 2.0
"""Silence is raised within its limit + 5 s (field/monitoring.md section 8c)."""

_log = Log(PROCESS)


def watch(engine: Engine, limits: Limits, is_stopping: Callable[[], bool]) -> None:
    """Sweep until told to stop; what was told already is read from the database at start."""
    with transaction(engine) as session:
        health.note_return(session, PROCESS, clock.now(), limits)
        sweeper = Sweeper(limits)
        sweeper.load(session, clock.now())
        was_degraded = health.is_degraded_told(session, clock.now())
    patient_until = clock.now() + START_GRACE
    while not is_stopping():
        now = clock.now()
        with transaction(engine) as session:
            if was_degraded or now >= patient_until:
                was_degraded = health.sweep_system(session, now, limits, was_degraded=was_degraded)
                health.sweep_dispatcher(session, now, limits)
            if not was_degraded:  # nothing can be heard while we are deaf ourselves
                sweeper.sweep(session, now)
            health.note_life(session, PROCESS, now, able=True)
        sweep_pathways(engine, now)
        clock.sleep_s(SWEEP_S)


def sweep_pathways(engine: Engine, now: datetime) -> int:
    """Let the deadlines of pathways go on, each in a transaction of its own; returns how many did."""
    with reading(engine) as session:
        due = pathways.list_due(session, now)
        is_over = consents.has_old_copies(session, now)
    if is_over:
        with transaction(engine) as session:
            consents.delete_old_copies(session, now)
    done = 0
    for one in due:
        try:
            with transaction(engine) as session:
                pathways.go_on(session, one, now)
            done += 1
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 - one that cannot go on must not hold up the others
            _log.error("deadline set aside", error=type(error).__name__)
            with transaction(engine) as session:
                pathways.set_aside(session, one, now)
    return done


def run(settings: Settings, engine: Engine) -> None:
    """Run the watchdog until SIGTERM or SIGINT; a database that is away ends it, and it is started again."""
    told: list[int] = []
    limits = read_house_limits(settings.limits_file)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: told.append(received))
    try:
        watch(engine, limits, lambda: bool(told))
    except DBAPIError as error:
        if not is_away(error):
            raise
        _log.error("database away", error=type(error).__name__)
        raise SystemExit(1) from error

"""The loop of the deadlines: a step that nobody answered in time lets the next ones begin.

A thread of the dispatcher, apart from every channel: no way out that hangs can hold up an escalation.
"""

import threading
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.alerts import service
from api.kernel import clock
from api.kernel.db import is_away, reading, transaction
from api.kernel.logs import Log

LOOK_S = 0.25
"""An idle look is one indexed read; goal: the next step begins within a second of the deadline."""
BREATH_S = 0.005
"""Between one handful of a burst and the next: the lanes and the worker write in between."""
DATABASE_AWAY_S = 1.0

_log = Log("escalator")


def run_escalations(engine: Engine, stop: threading.Event) -> None:
    """Look until told to stop; a database that is away is waited for."""
    wait_s = LOOK_S
    while not stop.wait(wait_s):
        try:
            wait_s = BREATH_S if look(engine) else LOOK_S
        except DBAPIError as error:
            if not is_away(error):
                raise
            _log.error("database away", error=type(error).__name__)
            stop.wait(DATABASE_AWAY_S)


def look(engine: Engine) -> int:
    """Let a handful go on of what has waited long enough, the worst first; returns how many steps."""
    now = clock.now()
    with reading(engine) as session:
        if not service.has_escalation_due(session, now):
            return 0
    try:
        with transaction(engine) as session:
            return service.escalate_due(session, now)
    except DBAPIError:
        raise
    except Exception as error:  # noqa: BLE001 - one step that cannot go on must not hold up the others
        _log.error("escalation failed", error=type(error).__name__)
        return _one_by_one(engine, now)


def _one_by_one(engine: Engine, now: datetime) -> int:
    """Let steps go on each by itself; of one that cannot, somebody is to call the police."""
    with reading(engine) as session:
        due = service.list_due_steps(session, now)
    for run_id in due:
        try:
            with transaction(engine) as session:
                service.escalate_due(session, now, run_id)
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            _log.error("step given up", error=type(error).__name__)
            with transaction(engine) as session:
                service.give_up_step(session, run_id, now)
    return len(due)

"""The loop of the deadlines: a step that nobody answered in time lets the next ones begin.

A thread of the dispatcher, apart from every channel: no way out that hangs can hold up an escalation.
"""

import threading

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.alerts import service
from api.kernel import clock
from api.kernel.db import is_away, reading, transaction
from api.kernel.logs import Log

LOOK_S = 0.25
"""An idle look is one indexed read; goal: the next step begins within a second of the deadline."""
DATABASE_AWAY_S = 1.0

_log = Log("escalator")


def run_escalations(engine: Engine, stop: threading.Event) -> None:
    """Look until told to stop; a database that is away is waited for."""
    while not stop.wait(LOOK_S):
        try:
            look(engine)
        except DBAPIError as error:
            if not is_away(error):
                raise
            _log.error("database away", error=type(error).__name__)
            stop.wait(DATABASE_AWAY_S)


def look(engine: Engine) -> int:
    """Let everything go on that has waited long enough; returns how many steps that were."""
    now = clock.now()
    with reading(engine) as session:
        if not service.has_escalation_due(session, now):
            return 0
    with transaction(engine) as session:
        return service.escalate_due(session, now)

"""Signs of life on both databases: two that begin at the same moment make one row."""

import threading
from datetime import datetime

from sqlalchemy import Engine

from api.kernel.db import reading, transaction
from api.kernel.heartbeats import beat, list_heartbeats


def test_the_first_beats_of_two_processes_at_once_collide_nowhere(engine: Engine, now: datetime) -> None:
    """Two dispatchers of a fresh house: one of them used to die of it."""
    faults: list[BaseException] = []
    begin = threading.Barrier(4)

    def live() -> None:
        try:
            begin.wait(10)
            with transaction(engine) as session:
                beat(session, "dispatcher", now, able=True)
        except BaseException as error:  # noqa: BLE001 - a thread's fault must reach the test
            faults.append(error)

    threads = [threading.Thread(target=live) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert faults == []
    with reading(engine) as session:
        assert list_heartbeats(session)["dispatcher"].able

"""The deadlines in the real process: what was due while it was dead is done by the next one."""

from datetime import timedelta
from pathlib import Path

import pytest

from api.kernel import clock
from api.kernel.db import transaction
from api.pathways.model.agencies import MemberRole
from api.pathways.model.steps import StepAct
from api.pathways.store import steps as store
from tests.house import open_house, sqlite_of, wait_until
from tests.pathways.cases import Town

pytestmark = pytest.mark.enable_socket


def test_a_watchdog_that_was_killed_misses_no_deadline(tmp_path: Path, sqlite_template: Path) -> None:
    home = tmp_path / "home"
    with open_house(home, sqlite_of(sqlite_template, home)) as house:
        town = Town(house.engine)
        house.start("watchdog")
        house.kill("watchdog")
        then = clock.now() - timedelta(hours=9)
        pathway = town.open(now=then)
        town.act("centre worker", pathway, 8, StepAct.OFFER, to="police", now=then)
        waiting = town.waiting(pathway, 8)
        assert waiting is not None
        assert waiting.rung is MemberRole.WORKER
        house.start("watchdog")

        def is_asked_next() -> bool:
            with transaction(house.engine) as session:
                found = store.find_waiting(session, pathway.id, 8)
            return found is not None and found.rung is MemberRole.DEPUTY

        wait_until(is_asked_next)

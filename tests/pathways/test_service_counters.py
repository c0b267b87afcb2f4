"""Counters against both databases, at the route and on the command line."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from api.accounts.model import Role
from api.kernel.config import CONTENT
from api.kernel.db import transaction
from api.pathways.model.counters import Measure
from api.pathways.model.steps import ImpossibleReason, StepAct
from api.pathways.routes import control_blueprints
from api.pathways.service import counters
from tests.accounts.hosts import make_host, signed_in
from tests.pathways.cases import Town, content

THEN = datetime(2026, 8, 5, 10, tzinfo=UTC)
LATER = datetime(2026, 11, 25, tzinfo=UTC)


def play(town: Town, count: int) -> None:
    """So many pathways for which the shelter had no place first and one after an hour."""
    for _turn in range(count):
        pathway = town.open(now=THEN)
        town.act("centre worker", pathway, 10, StepAct.OFFER, to="shelter", now=THEN)
        no_place = ImpossibleReason.NO_PLACE
        town.act("shelter worker", pathway, 10, StepAct.DECLINE, reason=no_place, now=THEN)
        town.act("centre worker", pathway, 10, StepAct.OFFER, to="shelter", now=THEN)
        town.act("shelter worker", pathway, 10, StepAct.ACCEPT, now=THEN + timedelta(hours=1))


def test_a_quarter_tells_what_was_late_and_how_long_it_took(engine: Engine) -> None:
    play(Town(engine), 10)
    with transaction(engine) as session:
        found = counters.read_counters(session, "2026-Q3", content(), None, LATER)
        before = counters.read_counters(session, "2026-Q2", content(), None, LATER)
    key = ("10", "shelter")
    assert found.cells[Measure.OFFERED][key] == 20
    assert found.cells[Measure.NO_PLACE][key] == 10
    assert found.cells[Measure.ACCEPTED][key] == 10
    assert found.waited_minutes[key] == 60.0
    assert found.cells[Measure.LATE][key] == 10
    assert set(before.cells[Measure.OFFERED].values()) == {None}


def test_under_ten_nothing_is_told_at_the_route_and_on_the_command_line(
    sqlite_engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    play(Town(sqlite_engine), 4)
    client = signed_in(make_host(sqlite_engine, control_blueprints), Role.AUDITOR)
    told = client.get("/api/counters?quarter=2026-Q3").get_json()
    offered = [cell["count"] for cell in told["cells"] if cell["measure"] == "offered"]
    assert set(offered) == {None}
    assert {cell["median_wait_minutes"] for cell in told["cells"]} == {None}
    assert client.get("/api/counters?quarter=2199-Q1").status_code == 422
    out = io.StringIO()
    assert counters.run(sqlite_engine, CONTENT, "2026-Q3", out) == 0
    assert "offered\t10\tshelter\tnot told\t" in out.getvalue()
    assert counters.run(sqlite_engine, CONTENT, "soon", out) == 2
    assert "2026-Q3" in capsys.readouterr().err

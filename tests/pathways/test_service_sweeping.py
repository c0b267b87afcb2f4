"""Deadlines that go on by themselves: reminders, the next rung, after an outage, around one that cannot."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from api.geofence.watchdog import sweep_pathways
from api.kernel.db import make_engine, transaction
from api.pathways.model.pathways import CloseReason, Pathway, Urgency
from api.pathways.model.steps import StepAct
from api.pathways.service import opening, work
from tests.conftest import SERVER_KEY
from tests.pathways.cases import NOW, Town

WORKER = "centre worker"


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


def sweep(town: Town, minutes: float) -> int:
    return sweep_pathways(town.engine, NOW + timedelta(minutes=minutes))


def offered(town: Town, number: int = 8, to: str = "police") -> Pathway:
    pathway = town.open(Urgency.ACUTE)
    town.act(WORKER, pathway, number, StepAct.OFFER, to=to)
    return pathway


def handoff_notes(town: Town, pathway: Pathway) -> list[tuple[str, str]]:
    return [(d["note"], d["rung"]) for kind, d in town.history(pathway) if kind == "handoff"]


def test_unaccepted_it_goes_to_the_deputy_and_the_coordinator_and_is_then_the_senders(town: Town) -> None:
    pathway = offered(town)
    for minutes in (12, 15, 23, 25, 33, 35, 500):
        sweep(town, minutes)
    assert handoff_notes(town, pathway) == [
        ("asked", "worker"),
        ("reminded", "worker"),
        ("asked", "deputy"),
        ("reminded", "deputy"),
        ("asked", "coordinator"),
        ("reminded", "coordinator"),
        ("nobody_accepted", "coordinator"),
    ]
    assert town.step(pathway, 8).agency_id == town.agencies["centre"].id
    with transaction(town.engine) as session:
        overdue = work.list_work(session, town.accounts[WORKER], NOW).overdue
    assert "unaccepted" in [item.kind.value for item in overdue]
    assert town.act("police worker", pathway, 8, StepAct.ACCEPT).state.value == "accepted"


def test_whoever_is_not_there_by_the_duty_times_is_skipped_at_once_with_a_note(town: Town) -> None:
    town.send_home("police worker", "police coordinator")
    pathway = offered(town)
    for minutes in (8, 11, 12):
        sweep(town, minutes)
    assert handoff_notes(town, pathway) == [
        ("nobody_there", "worker"),
        ("asked", "deputy"),
        ("reminded", "deputy"),
        ("nobody_there", "coordinator"),
        ("asked", "coordinator"),
    ]


def test_what_was_due_while_nothing_ran_is_done_by_the_next_process(town: Town) -> None:
    """Nothing is kept in memory: another engine, as after kill -9, finds everything in rows."""
    pathway = offered(town)
    another = make_engine(town.engine.url.render_as_string(hide_password=False), SERVER_KEY)
    sweep_pathways(another, NOW + timedelta(hours=3))
    another.dispose()
    waiting = town.waiting(pathway, 8)
    assert waiting is not None
    assert waiting.rung.value == "deputy"
    assert waiting.due_at == NOW + timedelta(hours=3, minutes=10)


def test_what_was_accepted_meanwhile_goes_no_further(town: Town) -> None:
    pathway = offered(town)
    town.act("police worker", pathway, 8, StepAct.ACCEPT)
    before = handoff_notes(town, pathway)
    sweep(town, 600)
    assert handoff_notes(town, pathway) == before


def test_a_step_is_reminded_of_once_before_its_deadline(town: Town) -> None:
    pathway = town.open(Urgency.ACUTE)
    for minutes in (44, 46, 47, 61):  # step 5 is due after 60 minutes
        sweep(town, minutes)
    with transaction(town.engine) as session:
        reminded = session.scalars(
            text("SELECT number FROM pathway_event WHERE kind = 'reminded' ORDER BY position")
        ).all()
    assert list(reminded).count(5) == 1
    assert town.step(pathway, 5).remind_at is None


def test_nobody_is_reminded_of_what_is_over_or_closed(town: Town) -> None:
    pathway = town.open(Urgency.ACUTE)
    town.act(WORKER, pathway, 5, StepAct.REFUSE, at_her_word=True)
    sweep(town, 50)
    with transaction(town.engine) as session:
        opening.close_pathway(session, town.accounts[WORKER], pathway.id, CloseReason.MOVED, NOW)
    sweep(town, 100_000)
    with transaction(town.engine) as session:
        numbers = session.scalars(text("SELECT number FROM pathway_event WHERE kind = 'reminded'")).all()
    assert set(numbers) == {0, 1, 2}  # what was due within 50 minutes
    assert sweep(town, 200_000) == 0


def test_one_that_cannot_go_on_is_set_aside_and_holds_up_no_other(town: Town) -> None:
    broken, sound = offered(town, 10, "shelter"), offered(town)
    with transaction(town.engine) as session:
        session.execute(text("UPDATE agency SET kind = 'none' WHERE kind = 'shelter'"))
    sweep(town, 16)
    assert [note for note, _rung in handoff_notes(town, sound)] == ["asked", "asked"]
    assert [kind for kind, _detail in town.history(broken)][-1] != "handoff"
    with transaction(town.engine) as session:
        faults = session.scalars(text("SELECT number FROM pathway_event WHERE kind = 'fault'")).all()
        moments = session.scalars(text("SELECT next_at FROM pathway_handoff WHERE number = 10")).all()
        session.execute(text("UPDATE agency SET kind = 'shelter' WHERE kind = 'none'"))
    assert (faults, len(moments)) == ([10], 1)
    assert sweep(town, 17) == 0
    sweep(town, 22)
    assert handoff_notes(town, broken)[-1] == ("asked", "deputy")

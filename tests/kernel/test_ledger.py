"""The hash chain on both databases: nothing in it changes unseen."""

import uuid
from datetime import datetime

import pytest
from sqlalchemy import Engine, text

from api.kernel import audit, ledger
from api.kernel.db import reading, transaction
from api.kernel.ledger import ORIGIN, Head, Verified


def record(engine: Engine, now: datetime, count: int = 3) -> None:
    for number in range(count):
        with transaction(engine) as session:
            audit.record(session, now, None, f"test.act_{number}", uuid.uuid4(), "a reason")


def verify(engine: Engine, anchor: Head | None = None) -> Verified:
    with reading(engine) as session:
        return ledger.verify(session, anchor)


def tamper(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_what_was_written_and_left_alone_is_whole(engine: Engine, now: datetime) -> None:
    record(engine, now)
    found = verify(engine)
    assert (found.links, found.rows, found.faults) == (3, 3, ())
    assert found.head.number == 3


def test_an_empty_chain_is_whole(engine: Engine) -> None:
    assert verify(engine) == Verified(0, 0, Head(0, ORIGIN), ())
    assert verify(engine, Head(0, ORIGIN)).faults == ()


@pytest.mark.parametrize(
    ("statement", "where", "what"),
    [
        ("UPDATE audit SET reason = 'another' WHERE act = 'test.act_1'", "audit", "altered"),
        ("UPDATE audit SET actor_id = id WHERE act = 'test.act_1'", "audit", "altered"),
        ("DELETE FROM audit WHERE act = 'test.act_1'", "audit", "removed"),
        ("DELETE FROM ledger WHERE number = 2", "ledger 3", "2 to 2 are missing"),
        ("UPDATE ledger SET digest = link WHERE number = 2", "ledger 2", "altered"),
        ("UPDATE ledger SET seal = link WHERE number = 2", "ledger 2", "without this house's key"),
    ],
)
def test_what_was_altered_is_named(
    engine: Engine, now: datetime, statement: str, where: str, what: str
) -> None:
    record(engine, now)
    tamper(engine, statement)
    first = verify(engine).faults[0]
    assert first.where.startswith(where)
    assert what in first.what


def test_a_row_that_was_put_in_past_the_ledger_is_named(engine: Engine, now: datetime) -> None:
    record(engine, now)
    new = "lower(hex(randomblob(16)))" if engine.dialect.name == "sqlite" else "gen_random_uuid()"
    columns = f"{new}, at, actor_id, act, object_id, reason"
    tamper(engine, f"INSERT INTO audit SELECT {columns} FROM audit LIMIT 1")  # noqa: S608 - our own words
    (fault,) = verify(engine).faults
    assert "added past the ledger" in fault.what


def test_an_end_that_was_cut_off_shows_against_a_head_that_somebody_noted(
    engine: Engine, now: datetime
) -> None:
    record(engine, now)
    noted = verify(engine).head
    assert verify(engine, noted).faults == ()
    tamper(engine, "DELETE FROM ledger WHERE number = 3")
    tamper(engine, "DELETE FROM audit WHERE act = 'test.act_2'")
    assert verify(engine).faults == ()  # alone it cannot know
    (fault,) = verify(engine, noted).faults
    assert "cut off" in fault.what


def test_what_is_rolled_back_leaves_no_link(engine: Engine, now: datetime) -> None:
    def act_and_fail() -> None:
        with transaction(engine) as session:
            audit.record(session, now, None, "test.act", None)
            raise KeyError

    with pytest.raises(KeyError):
        act_and_fail()
    record(engine, now)
    assert verify(engine).faults == ()


def test_rows_older_than_the_ledger_are_linked_once(engine: Engine, now: datetime) -> None:
    record(engine, now)
    tamper(engine, "DELETE FROM ledger")
    with transaction(engine) as session:
        assert ledger.adopt(session) == 3
    with transaction(engine) as session:
        assert ledger.adopt(session) == 0
    assert verify(engine).faults == ()


def test_anybody_can_compute_a_link_again(engine: Engine, now: datetime) -> None:
    record(engine, now, 2)
    with reading(engine) as session:
        keys = [uuid.UUID(str(key)) for key in session.scalars(text("SELECT id FROM audit"))]
        first, second = ledger.links_of(session, "audit", keys)
    assert ledger.next_link(ORIGIN, 1, "audit", first.key, first.digest) == first.link
    assert ledger.next_link(first.link, 2, "audit", second.key, second.digest) == second.link
    assert ledger.next_link(first.link, 2, "audit", second.key, first.digest) != second.link

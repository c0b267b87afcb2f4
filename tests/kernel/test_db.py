"""The only commit, what is stored of a moment, and whose fault an error is."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import Session

from api.kernel import audit, clock, db
from api.kernel.db import Base, UtcDateTime, is_away, make_engine, reading, serialise, server_key, transaction

COUNT = text("SELECT count(*) FROM audit")


def note(session: Session, at: datetime, act: str = "test.act") -> None:
    audit.record(session, at, None, act, None)


def count(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalar(COUNT) or 0


def test_a_transaction_commits_at_its_end(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        note(session, now)
        assert session.scalar(COUNT) == 1
    assert count(engine) == 1


def test_an_exception_undoes_everything(engine: Engine, now: datetime) -> None:
    def note_and_fail() -> None:
        with transaction(engine) as session:
            note(session, now)
            raise KeyError

    with pytest.raises(KeyError):
        note_and_fail()
    assert count(engine) == 0


def test_reading_commits_nothing(engine: Engine, now: datetime) -> None:
    with reading(engine) as session:
        note(session, now)
    assert count(engine) == 0


def test_a_reader_sees_one_state_while_others_write(engine: Engine, now: datetime) -> None:
    with reading(engine) as reader:
        before = reader.scalar(COUNT)
        with transaction(engine) as writer:
            note(writer, now)
        assert reader.scalar(COUNT) == before
    assert count(engine) == 1


def test_a_moment_comes_back_aware_and_in_utc(engine: Engine) -> None:
    moment = datetime(2026, 7, 1, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with transaction(engine) as session:
        note(session, moment)
    with reading(engine) as session:
        (stored,) = session.scalars(text("SELECT at FROM audit").columns(at=_at_type()))
    assert stored == moment
    assert stored.tzinfo is UTC


def _at_type() -> type:
    from api.kernel.db import UtcDateTime

    return UtcDateTime


def test_a_moment_without_a_time_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="time zone"), transaction(engine) as session:
        note(session, datetime(2026, 7, 1, 2, 30))  # noqa: DTZ001 - the fault under test


def test_writers_wait_for_each_other_and_lose_nothing(engine: Engine, now: datetime) -> None:
    def write() -> None:
        for _ in range(10):
            with transaction(engine) as session:
                session.scalar(COUNT)  # a reader that turns writer
                note(session, now)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert count(engine) == 40


def test_serialised_transactions_read_then_write_without_a_gap(engine: Engine, now: datetime) -> None:
    """Each takes the next number: without `serialise` two would take the same."""

    def take() -> None:
        for _ in range(10):
            with transaction(engine) as session:
                serialise(session, "test")
                note(session, now, f"test.{session.scalar(COUNT)}")

    takers = [threading.Thread(target=take) for _ in range(4)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    with reading(engine) as session:
        acts = set(session.scalars(text("SELECT act FROM audit")))
    assert len(acts) == 40


def test_sqlite_keeps_its_promises_on_every_connection(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'x.db'}")
    for _ in range(2):
        with engine.connect() as connection:
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
            assert connection.scalar(text("PRAGMA synchronous")) == 2
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        engine.dispose()


def test_the_key_travels_with_the_engine(engine: Engine, server_key: bytes) -> None:
    for begin in (reading, transaction):
        with begin(engine) as session:
            assert _key_of(session) == server_key
    assert server_key.hex() not in repr(engine)


def _key_of(session: Session) -> bytes:
    return server_key(session)


def test_a_missing_database_is_away_and_a_wrong_statement_is_ours(engine: Engine, tmp_path: Path) -> None:
    away = make_engine(f"sqlite:///{tmp_path / 'no' / 'folder' / 'x.db'}")
    with pytest.raises(DBAPIError) as gone, away.connect():
        pass
    assert is_away(gone.value)
    if engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError) as wrong, reading(engine) as session:
            session.execute(text("SELECT nothing FROM nowhere"))
        assert not is_away(wrong.value)
    broken = text("INSERT INTO audit (id) VALUES (NULL)")
    with pytest.raises(IntegrityError) as refused, transaction(engine) as session:
        session.execute(broken)
    assert not is_away(refused.value)


def test_sqlite_gets_a_moment_as_sqlalchemy_reads_it_back_whatever_its_zone() -> None:
    kind, dialect = UtcDateTime(), make_engine("sqlite://").dialect
    write = kind.dialect_impl(dialect).bind_processor(dialect)
    east = timezone(timedelta(hours=2))
    assert write is not None
    assert write(datetime(2026, 11, 23, 14, 0, tzinfo=east)) == "2026-11-23 12:00:00.000000"
    assert write(datetime(2026, 11, 23, 12, 0, 0, 1, tzinfo=UTC)) == "2026-11-23 12:00:00.000001"
    assert write(None) is None
    with pytest.raises(ValueError, match="time zone"):
        write(datetime(2026, 11, 23, 12, 0))  # noqa: DTZ001 - the naive one that is to be refused


WRITER = """
import sys, time
from api.kernel.db import make_engine, transaction
engine = make_engine(sys.argv[1])
with transaction(engine):
    print("writing", flush=True)
    sys.stdin.read()
"""


@contextmanager
def writing_elsewhere(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the write lock until its standard input ends."""
    command = [sys.executable, "-c", WRITER, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "writing\n"
        try:
            yield other
        finally:
            other.kill()


def test_a_writer_waits_for_another_process_and_then_writes(tmp_path: Path, now: datetime) -> None:
    url = f"sqlite:///{tmp_path / 'turns.db'}"
    engine = make_engine(url, bytes(32))
    Base.metadata.create_all(engine)
    done = []

    def write() -> None:
        with transaction(engine) as session:
            note(session, now)
        done.append(clock.now())

    with writing_elsewhere(url) as other:
        threads = [threading.Thread(target=write) for _three in range(3)]
        for thread in threads:
            thread.start()
        threads[0].join(0.3)
        assert not done
        other.kill()  # a process that dies gives its turn up
        for thread in threads:
            thread.join(5)
    assert len(done) == 3
    assert count(engine) == 3


def test_who_waits_too_long_for_the_write_lock_gets_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'turns.db'}"
    engine = make_engine(url)
    monkeypatch.setattr(db, "WAIT_FOR_LOCK_S", 0.2)
    with writing_elsewhere(url):
        with pytest.raises(OperationalError, match="locked") as caught, transaction(engine):
            pass
        assert is_away(caught.value)
    with transaction(engine) as session:  # and the connection is as good as before
        assert session.scalar(text("PRAGMA busy_timeout")) == 200


def test_another_error_than_a_held_lock_is_not_waited_out(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'broken.db'}")
    (tmp_path / "broken.db").write_bytes(b"no database" * 500)
    with pytest.raises(DBAPIError), transaction(engine):
        pass

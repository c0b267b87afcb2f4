"""Tables' common base, the engine, and the only commit in the project."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session

from api.kernel import clock
from api.kernel.config import SettingError

WAIT_FOR_LOCK_S = 10
"""How long SQLite waits for another writer; our transactions last milliseconds (field/brokers.md)."""
LOOK_FOR_LOCK_S = 0.001
"""Between two looks for SQLite's write lock; its own waiting sleeps up to 0.1 s a time and so lets one of
several writers starve for over a second beside transactions of 10 ms (ops/decisions/0015)."""

_SERVER_KEY = "baken_server_key"
_WRITER = "baken_writer"
_LAST_ACTS = "baken_last_acts"
_TEXT_CHARACTERS = len("2026-11-23 12:00:00.000000")


class Base(DeclarativeBase):
    """Every table's base; the naming makes migrations able to find each constraint."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime: timestamptz on PostgreSQL, text in UTC on SQLite.

    A naive datetime is refused with ValueError: it would be read as some local time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], datetime | str | None]:
        """Return what writes a value; whole here, because a fix has three and SQLAlchemy's own is slow."""
        return _utc_text if dialect.name == "sqlite" else _utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC datetime on both databases."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError("a datetime without a time zone cannot be stored")
    return value.astimezone(UTC)


def _utc_text(value: datetime | None) -> str | None:
    """Return the text that SQLAlchemy reads back from SQLite: UTC without saying so, six decimals."""
    moment = _utc(value)
    return None if moment is None else moment.isoformat(" ", "microseconds")[:_TEXT_CHARACTERS]


def make_engine(url: str, server_key: bytes | None = None) -> Engine:
    """Return an engine; SQLite gets WAL, full synchronisation and foreign keys.

    `server_key` travels with the engine to the stores that encrypt a column: a database without its key
    can still be migrated, but no name in it can be read. Raises SettingError for an unusable `url`.
    """
    options: dict[str, Any] = {_SERVER_KEY: server_key}
    try:
        make_url(url).get_dialect().import_dbapi()
    except (ArgumentError, ImportError) as error:  # neither text is shown: the address holds a password
        raise SettingError(
            "BAKEN_DATABASE_URL is no address that can be used: give sqlite:///… or postgresql+psycopg://…."
        ) from error
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, execution_options=options, hide_parameters=True)
    options[_WRITER] = threading.Lock()
    arguments = {"timeout": WAIT_FOR_LOCK_S, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, execution_options=options, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def server_key(session: Session) -> bytes:
    """Return the key that this session's engine was made with."""
    key = session.get_bind().get_execution_options().get(_SERVER_KEY)
    if key is None:
        raise RuntimeError("make_engine() was called without server_key: encrypted columns cannot be used")
    return cast("bytes", key)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own comes too late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Open a session that writes: commits at the end, rolls back on any exception.

    SQLite takes the write lock at once (BEGIN IMMEDIATE): a reader that turned writer half-way
    would fail with "database is locked" instead of waiting.
    """
    with _one_writer(engine), Session(engine, expire_on_commit=False) as session, session.begin() as begun:
        if engine.dialect.name == "sqlite":
            _begin_immediate(session)
        yield session
        if begun.is_active:  # whoever rolls back himself leaves nothing to complete
            for act in session.info.pop(_LAST_ACTS, ()):
                act(session)


@contextmanager
def _one_writer(engine: Engine) -> Iterator[None]:
    """Let the threads of one process queue for SQLite's lock: one of them looks, the others sleep."""
    queue: threading.Lock | None = engine.get_execution_options().get(_WRITER)
    is_first = queue is not None and queue.acquire(timeout=WAIT_FOR_LOCK_S)
    try:
        yield
    finally:
        if queue is not None and is_first:
            queue.release()


def _begin_immediate(session: Session) -> None:
    """Take SQLite's write lock within a millisecond of its release; raises OperationalError after 10 s."""
    connection = cast("sqlite3.Connection", session.connection().connection.driver_connection)
    until_s = clock.monotonic_s() + WAIT_FOR_LOCK_S
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while not _has_begun(connection):
            if clock.monotonic_s() > until_s:
                session.execute(text("BEGIN IMMEDIATE"))  # fails as an error of SQLAlchemy's does
                return
            clock.sleep_s(LOOK_FOR_LOCK_S)
    finally:
        connection.execute(f"PRAGMA busy_timeout={1000 * WAIT_FOR_LOCK_S:.0f}")


def _has_begun(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def before_commit(session: Session, act: Callable[[Session], None]) -> None:
    """Let `act` be the last thing that this session's transaction does; not called when it rolls back."""
    session.info.setdefault(_LAST_ACTS, []).append(act)


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a session that only reads one consistent state; nothing is committed."""
    with Session(engine, expire_on_commit=False) as session:
        if engine.dialect.name == "sqlite":
            session.execute(text("BEGIN"))
        else:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def serialise(session: Session, what: str) -> None:
    """Let one transaction at a time past this point for `what`, until it ends.

    A sequence that readers follow with a cursor (alert log, register changes) needs it: on PostgreSQL
    a later number could otherwise commit before an earlier one, and the reader would skip the earlier.
    SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": what})


def is_away(error: DBAPIError) -> bool:
    """Say whether the database (not our statement) is at fault: gone, locked, full, restarting."""
    return error.connection_invalidated or type(error).__name__ in {"OperationalError", "InterfaceError"}

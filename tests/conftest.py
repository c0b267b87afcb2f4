"""Fixtures for every room: a fresh database of each kind, made from the project's own tables."""

import getpass
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, text

from api.kernel.db import Base, make_engine
from tests.tables import import_all_tables

POSTGRES_ROOT = Path("/usr/lib/postgresql")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SERVER_KEY = bytes(range(32))

# How long something takes is measured by benchmarks: on a machine that is busy, or on which a table of all
# letters is made for the first time, a law that holds must not fail for its speed.
settings.register_profile("baken", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("baken")


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def server_key() -> bytes:
    """The key that every engine fixture was made with."""
    return SERVER_KEY


def _postgres_binaries() -> Path | None:
    versions = sorted(POSTGRES_ROOT.glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def _as_ordinary_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root; the package made it a user of its own."""
    return ["runuser", "-u", "postgres", "--", *command] if getpass.getuser() == "root" else command


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of this test run, on a Unix socket only."""
    binaries = _postgres_binaries()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail(f"no PostgreSQL under {POSTGRES_ROOT}: .ci/run must install it")
        pytest.skip(f"no PostgreSQL under {POSTGRES_ROOT}: install the package postgresql to run these")
    home = Path(f"/tmp/baken-pg-{uuid.uuid4().hex[:8]}")
    home.mkdir()
    home.chmod(0o777)
    data = home / "data"
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "baken", "-A", "trust", "--no-sync"]
    subprocess.run(_as_ordinary_user(initdb), check=True, capture_output=True, cwd="/")
    options = f"-c listen_addresses='' -c unix_socket_directories={home} -c fsync=off -c max_connections=50"
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    start = [*control, "-l", str(home / "log"), "-o", options, "start"]
    subprocess.run(_as_ordinary_user(start), check=True, capture_output=True, cwd="/")
    try:
        yield f"postgresql+psycopg://baken@/postgres?host={home}"
    finally:
        subprocess.run(_as_ordinary_user([*control, "-m", "immediate", "stop"]), check=True, cwd="/")
        shutil.rmtree(home, ignore_errors=True)


def _make_tables(url: str) -> None:
    import_all_tables()
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "baken.db"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    _postgres_admin(postgres_url, "CREATE DATABASE template_baken")
    _make_tables(postgres_url.replace("/postgres?", "/template_baken?"))
    return postgres_url


def _postgres_admin(url: str, statement: str) -> None:
    engine = make_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    path = tmp_path / "baken.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database with all tables, once per kind of database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    admin: str = request.getfixturevalue("postgres_template")
    name = f"t{uuid.uuid4().hex}"
    _postgres_admin(admin, f"CREATE DATABASE {name} TEMPLATE template_baken")
    yield admin.replace("/postgres?", f"/{name}?")
    _postgres_admin(admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh database of each kind: for stores and services."""
    engine = make_engine(database_url, SERVER_KEY)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    """An engine on a fresh SQLite database: for routes and pages, where the kind does not matter."""
    engine = make_engine(sqlite_url, SERVER_KEY)
    yield engine
    engine.dispose()

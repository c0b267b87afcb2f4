"""The first run: secrets, tables, log-ins; and that running it again changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect

from api.accounts import service as accounts
from api.accounts.model import STAFF, Role
from api.kernel.config import Settings, read_lines, secrets_file
from api.kernel.db import Base, make_engine, reading
from api.launch import setup
from api.launch.preflight import NotReady
from tests.tables import import_all_tables


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def empty_engine(home: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{home / 'baken.db'}", bytes(32))
    yield engine
    engine.dispose()


def role_of(engine: Engine, login: str, secret: str) -> Role | None:
    """Who signs in with this, as the control room would ask."""
    with reading(engine) as session:
        account = accounts.find_account(session, login, STAFF)
    return account.role if account is not None and accounts.is_secret_of(account, secret) else None


def test_secrets_are_made_once_for_the_owner_only_and_then_kept(home: Path) -> None:
    setup.make_secrets(home, {})
    path = secrets_file(home)
    made = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    setup.make_secrets(home, {})
    assert path.read_text() == made
    assert list(home.iterdir()) == [path]


def test_the_secrets_of_two_houses_differ(tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
        setup.make_secrets(home, {})
    one, two = (read_lines(secrets_file(home)) for home in homes)
    assert one.keys() == two.keys() == {"BAKEN_SERVER_KEY", "BAKEN_WEBHOOK_SECRET"}
    assert not set(one.values()) & set(two.values())


def test_the_settings_can_be_read_with_what_was_made(home: Path) -> None:
    setup.make_secrets(home, {})
    settings = Settings.from_env({"BAKEN_HOME": str(home)})
    assert len(settings.server_key) == 32
    assert len(settings.webhook_secret) >= 32


def test_no_second_key_is_made_beside_one_that_is_given(home: Path) -> None:
    (home / "baken.db").touch()
    setup.make_secrets(home, {"BAKEN_SERVER_KEY": "5e" * 32})
    assert not secrets_file(home).exists()


def test_a_database_whose_key_is_lost_is_told_and_nothing_is_made(home: Path) -> None:
    (home / "baken.db").touch()
    with pytest.raises(NotReady) as refused:
        setup.make_secrets(home, {})
    message = str(refused.value)
    assert f"{secrets_file(home)} is gone" in message
    assert "put it back from a copy" in message
    assert "\n" not in message
    assert [path.name for path in home.iterdir()] == ["baken.db"]


def test_a_first_run_that_was_killed_half_way_is_made_good(home: Path) -> None:
    (home / "secrets.new").write_text("BAKEN_SERV")
    setup.make_secrets(home, {})
    assert Settings.from_env({"BAKEN_HOME": str(home)}).server_key
    assert [path.name for path in home.iterdir()] == ["secrets.env"]


def test_migrating_makes_every_table_and_again_changes_nothing(empty_engine: Engine) -> None:
    import_all_tables()
    for _time in range(2):
        setup.migrate(empty_engine)
        found = set(inspect(empty_engine).get_table_names())
        assert found == set(Base.metadata.tables) | {"alembic_version"}


def test_the_log_ins_of_the_demo_are_made_once_and_work(home: Path, sqlite_engine: Engine) -> None:
    logins = setup.seed_demo(home, sqlite_engine)
    assert setup.seed_demo(home, sqlite_engine) == logins == read_lines(setup.demo_file(home))
    assert setup.demo_file(home).stat().st_mode & 0o777 == 0o600
    assert role_of(sqlite_engine, logins["OPERATOR_LOGIN"], logins["OPERATOR_SECRET"]) is Role.OPERATOR
    assert role_of(sqlite_engine, logins["SUPERVISOR_LOGIN"], logins["SUPERVISOR_SECRET"]) is Role.SUPERVISOR
    assert role_of(sqlite_engine, logins["OPERATOR_LOGIN"], logins["SUPERVISOR_SECRET"]) is None


def test_log_ins_of_which_the_database_was_lost_are_made_again_with_the_same_secrets(
    home: Path, sqlite_engine: Engine, empty_engine: Engine
) -> None:
    logins = setup.seed_demo(home, sqlite_engine)
    setup.migrate(empty_engine)
    assert setup.seed_demo(home, empty_engine) == logins
    assert role_of(empty_engine, logins["OPERATOR_LOGIN"], logins["OPERATOR_SECRET"]) is Role.OPERATOR


def test_log_ins_of_which_only_the_file_was_lost_are_made_anew_under_other_names(
    home: Path, sqlite_engine: Engine
) -> None:
    """The old secrets are stored nowhere in clear; an account of that name may by now be somebody's."""
    before = setup.seed_demo(home, sqlite_engine)
    setup.demo_file(home).unlink()
    after = setup.seed_demo(home, sqlite_engine)
    assert after["OPERATOR_LOGIN"].startswith("operator-")
    assert role_of(sqlite_engine, after["SUPERVISOR_LOGIN"], after["SUPERVISOR_SECRET"]) is Role.SUPERVISOR
    assert role_of(sqlite_engine, before["OPERATOR_LOGIN"], before["OPERATOR_SECRET"]) is Role.OPERATOR
    assert role_of(sqlite_engine, before["OPERATOR_LOGIN"], after["OPERATOR_SECRET"]) is None

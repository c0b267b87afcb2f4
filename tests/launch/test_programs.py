"""Which programs the house runs, and that supervisor reads its configuration as we meant it."""

import re
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions  # type: ignore[import-untyped]  # supervisor ships no types

from api.__main__ import PROCESSES
from api.kernel.config import Settings
from api.launch import preflight, programs
from api.launch.preflight import NotReady
from api.launch.programs import HOUSE_MARK
from simulator.commands import make_parser

NATS = Path("/opt/nats/nats-server")
SECRET = "secret-shared-with-the-receiver"
WEBHOOK = "https://police.example/hook"
ODD_NAMES = ("plain", "a b", "it's", 'a "b"', "a;b", "a#b", "kluis-één", r"back\slash")
SPECIAL_NAMES = ("100%", "50%50", "%(here)s", "a ;b", "a #b")
"""Names that mean something to supervisor: to it ` ;` and ` #` begin a comment and `%` a variable."""

Read = Callable[[Settings, list[programs.Program]], dict[str, Any]]


def settings_of(home: Path, **more: str) -> Settings:
    own = {"BAKEN_HOME": str(home), "BAKEN_SERVER_KEY": "5e" * 32, "BAKEN_WEBHOOK_SECRET": SECRET}
    return Settings.from_env(own | more)


def names(settings: Settings, *, is_demo: bool = True) -> list[str]:
    return [program.name for program in programs.list_programs(settings, NATS, is_demo=is_demo)]


def words(config: Any) -> list[str]:
    """The program's words, as supervisor splits its command."""
    return shlex.split(config.command)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Supervisor's own reading of what we wrote: each program's settings by its name."""

    def read_back(settings: Settings, house: list[programs.Program]) -> dict[str, Any]:
        monkeypatch.setenv("BAKEN_WEBHOOK_SECRET", settings.webhook_secret.decode())
        programs.write_config(settings, house)
        options = ServerOptions()
        options.realize(["-c", str(programs.config_file(settings))])
        return {one.name: one for group in options.process_group_configs for one in group.process_configs}

    return read_back


def test_every_process_of_ours_is_in_the_house_after_the_broker(tmp_path: Path) -> None:
    found = names(settings_of(tmp_path))
    assert found[0] == "nats-server"
    assert found[-2:] == ["police", "demo"]
    assert set(found[1:-2]) == set(PROCESSES)


def test_the_stand_in_for_police_runs_only_when_nobody_else_is_told(tmp_path: Path) -> None:
    assert "police" not in names(settings_of(tmp_path, BAKEN_WEBHOOK_URL=WEBHOOK))


def test_the_demo_can_be_left_out(tmp_path: Path) -> None:
    assert names(settings_of(tmp_path), is_demo=False) == names(settings_of(tmp_path))[:-1]


def test_the_demo_is_ended_before_the_rest_which_it_still_needs(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    text = programs.render(settings, programs.list_programs(settings, NATS, is_demo=True))
    groups = dict(re.findall(r"\[group:(\w+)\]\nprograms=.*\npriority=(\d+)", text))
    assert int(groups["house"]) < int(groups["demo"])  # supervisor ends the highest number first


def test_every_program_knows_the_home_and_carries_the_mark_of_the_house(tmp_path: Path) -> None:
    given = programs.environ_of(settings_of(tmp_path), {"LANG": "C", "BAKEN_HOME": "relative"})
    assert given["LANG"] == "C"
    assert given["BAKEN_HOME"] == given[HOUSE_MARK] == str(tmp_path)


def test_every_program_is_told_where_police_alerts_go(tmp_path: Path) -> None:
    demo = settings_of(tmp_path, BAKEN_POLICE_PORT="8481")
    assert programs.environ_of(demo, {})["BAKEN_WEBHOOK_URL"] == "http://127.0.0.1:8481/"
    real = settings_of(tmp_path, BAKEN_WEBHOOK_URL=WEBHOOK)
    assert programs.environ_of(real, {})["BAKEN_WEBHOOK_URL"] == WEBHOOK


def test_every_program_can_read_its_settings_when_only_the_key_was_given(tmp_path: Path) -> None:
    """Someone who keeps the server key elsewhere sets it alone, as README.md allows."""
    environ = {"BAKEN_HOME": str(tmp_path), "BAKEN_SERVER_KEY": "5e" * 32}
    given = programs.environ_of(Settings.from_env(environ), environ)
    assert Settings.from_env(given).server_key == bytes.fromhex("5e" * 32)


def test_the_configuration_is_for_the_owner_only_and_holds_no_secret(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    for _time in range(2):
        programs.write_config(settings, programs.list_programs(settings, NATS, is_demo=True))
    path = programs.config_file(settings)
    assert path.stat().st_mode & 0o777 == 0o600
    assert programs.logs(settings).stat().st_mode & 0o777 == 0o700
    assert SECRET not in path.read_text()
    assert settings.server_key.hex() not in path.read_text()


def test_a_dead_program_is_always_started_again(tmp_path: Path, read: Read) -> None:
    settings = settings_of(tmp_path)
    for one in read(settings, programs.list_programs(settings, NATS, is_demo=True)).values():
        assert one.autorestart.__name__ == "RestartUnconditionally"
        assert one.startretries == programs.RESTARTS
        assert one.stopasgroup
        assert one.killasgroup


def test_two_groups_one_after_the_other_end_within_the_ten_seconds_of_a_ctrl_c(
    tmp_path: Path, read: Read
) -> None:
    settings = settings_of(tmp_path)
    waits = {
        one.stopwaitsecs
        for one in read(settings, programs.list_programs(settings, NATS, is_demo=True)).values()
    }
    assert 2 * max(waits) < 10


@pytest.mark.parametrize("name", ODD_NAMES)
def test_supervisor_reads_each_path_as_it_is_whatever_the_home_is_called(
    tmp_path: Path, read: Read, name: str
) -> None:
    assert_paths_survive(tmp_path / name, read)


@pytest.mark.parametrize("name", SPECIAL_NAMES)
def test_a_home_with_a_name_that_means_something_to_supervisor_works_or_is_refused(
    tmp_path: Path, read: Read, name: str
) -> None:
    with suppress(NotReady):
        assert_paths_survive(tmp_path / name, read)


def assert_paths_survive(home: Path, read: Read) -> None:
    preflight.check_home(home)
    settings = settings_of(home)
    found = read(settings, programs.list_programs(settings, home / "nats-server", is_demo=True))
    assert {one.stdout_logfile for one in found.values()} == {str(home / "logs" / f"{n}.log") for n in found}
    assert words(found["nats-server"]) == [
        str(home / "nats-server"),
        "-c",
        str(home / "nats" / "nats.conf"),
    ]


@pytest.mark.parametrize(
    "secret", ["plain", "-starts-with-a-dash", "it's", "100% safe", 'a "b"', r"back\slash"]
)
def test_the_stand_in_for_police_gets_the_secret_that_alerts_are_signed_with(
    tmp_path: Path, read: Read, secret: str
) -> None:
    """One in 64 generated secrets begins with a dash: `secrets.token_urlsafe` draws from 64 characters."""
    settings = settings_of(tmp_path, BAKEN_WEBHOOK_SECRET=secret)
    police = words(read(settings, programs.list_programs(settings, NATS, is_demo=False))["police"])
    assert police[:3] == [sys.executable, "-m", "simulator"]
    chosen = make_parser({"BAKEN_WEBHOOK_SECRET": secret}).parse_args(police[3:])
    assert chosen.secret == secret
    assert chosen.port == settings.police_port


def test_a_program_gets_what_is_set_for_it_alone(tmp_path: Path, read: Read) -> None:
    settings = settings_of(tmp_path)
    found = read(settings, programs.list_programs(settings, NATS, is_demo=True))
    assert found["demo"].environment == {"COLUMNS": "200"}
    assert found["worker"].environment == {}

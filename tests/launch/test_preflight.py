"""What is refused before anything starts, and that each refusal is one line that says what to do."""

import errno
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from api.kernel.config import Settings
from api.launch import broker, preflight
from api.launch.preflight import NotReady
from tests.house import free_ports

NAMES = ("BAKEN_CONTROL_PORT", "BAKEN_APP_PORT", "BAKEN_MQTT_PORT", "BAKEN_NATS_PORT", "BAKEN_POLICE_PORT")


class Usage(NamedTuple):
    """What `shutil.disk_usage` answers."""

    total: int
    used: int
    free: int


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A house whose ports are all free."""
    ports = dict(zip(NAMES, map(str, free_ports(len(NAMES))), strict=True))
    return {"BAKEN_HOME": str(tmp_path), "BAKEN_SERVER_KEY": "5e" * 32, "BAKEN_WEBHOOK_SECRET": "s"} | ports


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a Python beside which, and on whose PATH, there is no nats-server."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return folder


def refusal(check: Callable[[], object]) -> str:
    """What the check says when it refuses; one line with what to do."""
    with pytest.raises(NotReady) as refused:
        check()
    message = str(refused.value)
    assert "\n" not in message
    return message


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (4, 0)])
def test_a_python_that_is_new_enough_is_fine(version: tuple[int, int]) -> None:
    preflight.check_python(version)


def test_the_python_that_runs_the_tests_is_fine() -> None:
    preflight.check_python()


def test_an_older_python_is_told_with_the_one_to_install() -> None:
    said = refusal(lambda: preflight.check_python((3, 10)))
    assert "Python 3.10 is too old" in said
    assert "install Python 3.11" in said


def test_a_home_is_made_with_its_parents_for_the_owner_only_and_left_empty(tmp_path: Path) -> None:
    home = tmp_path / "a" / "b"
    preflight.check_home(home)
    preflight.check_home(home)
    assert home.stat().st_mode & 0o777 == 0o700
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("where", ["file", "file/below", "/proc/baken"])
def test_a_home_that_cannot_be_written_is_told_with_its_path(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / where
    said = refusal(lambda: preflight.check_home(home))
    assert f"The folder {home} cannot be written" in said
    assert "BAKEN_HOME" in said


def test_a_full_disk_is_told_before_the_broker_fills_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**12, 10**12, 499_999_999))
    said = refusal(lambda: preflight.check_home(tmp_path))
    assert "Only 499 MB are free" in said
    assert "500 MB" in said
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**12, 10**12, 500_000_000))
    preflight.check_home(tmp_path)


def test_the_broker_of_the_wheel_is_found_and_runs() -> None:
    program = preflight.check_program()
    assert program == broker.find_program()
    assert program.name == "nats-server"


def test_a_broker_on_the_path_is_second_best(bin_folder: Path) -> None:
    on_path = script(bin_folder.parent / "path" / "nats-server", "#!/bin/sh\nexit 0\n")
    assert preflight.check_program() == on_path
    beside_python = script(bin_folder / "nats-server", "#!/bin/sh\nexit 0\n")
    assert preflight.check_program() == beside_python


@pytest.mark.usefixtures("bin_folder")
def test_a_missing_broker_is_told_with_where_to_get_it() -> None:
    said = refusal(preflight.check_program)
    assert "No nats-server" in said
    assert "https://nats.io/download" in said


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 3\n", "\x7fELF of another processor"])
def test_a_broker_for_another_platform_is_told_with_where_to_get_one(bin_folder: Path, text: str) -> None:
    program = script(bin_folder / "nats-server", text)
    said = refusal(preflight.check_program)
    assert f"{program} does not run on this platform" in said
    assert "https://nats.io/download" in said


def test_a_home_too_deep_for_a_socket_is_told_and_one_byte_less_is_fine() -> None:
    fits = Path("/" + "é" * 46) / "s.sock"  # a letter of two bytes: the system counts bytes
    assert len(os.fsencode(fits)) == preflight.LONGEST_SOCKET
    preflight.check_socket(fits)
    too_long = Path("/" + "é" * 46 + "x") / "s.sock"
    said = refusal(lambda: preflight.check_socket(too_long))
    assert f"The path {too_long.parent} is too long" in said
    assert "BAKEN_HOME" in said


def test_every_port_is_checked_and_the_stand_in_for_police_only_when_it_runs(environ: dict[str, str]) -> None:
    assert set(preflight.ports_of(Settings.from_env(environ))) == set(NAMES)
    elsewhere = Settings.from_env(environ | {"BAKEN_WEBHOOK_URL": "https://police.example/hook"})
    assert set(preflight.ports_of(elsewhere)) == set(NAMES) - {"BAKEN_POLICE_PORT"}


def test_free_ports_are_fine(environ: dict[str, str]) -> None:
    preflight.check_ports(Settings.from_env(environ))


@pytest.mark.parametrize("name", NAMES)
def test_a_taken_port_is_told_with_its_setting(environ: dict[str, str], name: str) -> None:
    with socket.create_server(("127.0.0.1", int(environ[name]))):
        said = refusal(lambda: preflight.check_ports(Settings.from_env(environ)))
    assert f"Port {environ[name]} ({name}) is in use" in said
    assert f"set {name} to another port" in said


def test_a_port_on_which_only_an_old_connection_lingers_is_free(environ: dict[str, str]) -> None:
    """A service that was just ended leaves connections in TIME-WAIT; it must start again at once."""
    address = ("127.0.0.1", int(environ["BAKEN_CONTROL_PORT"]))
    with socket.create_server(address) as listener, socket.create_connection(address):
        listener.accept()[0].close()
    preflight.check_ports(Settings.from_env(environ))


def test_two_settings_with_the_same_port_are_both_named(environ: dict[str, str]) -> None:
    port = environ["BAKEN_APP_PORT"]
    said = refusal(lambda: preflight.check_ports(Settings.from_env(environ | {"BAKEN_NATS_PORT": port})))
    assert f"BAKEN_APP_PORT and BAKEN_NATS_PORT are both {port}" in said


def test_an_address_that_is_not_ours_is_told(environ: dict[str, str]) -> None:
    host = "192.0.2.1"  # set aside for documentation (RFC 5737), so no machine has it
    said = refusal(lambda: preflight.check_ports(Settings.from_env(environ | {"BAKEN_HOST": host})))
    assert f"Nothing can listen on {host}" in said
    assert "BAKEN_HOST" in said


def test_a_port_that_needs_more_rights_is_told(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's refusal is played, as this test may itself run as root."""

    def bind(_listener: socket.socket, _address: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", bind)
    said = refusal(lambda: preflight.check_ports(Settings.from_env(environ | {"BAKEN_CONTROL_PORT": "80"})))
    assert "Port 80 (BAKEN_CONTROL_PORT) needs more rights" in said
    assert "above 1023" in said

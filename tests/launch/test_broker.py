"""The broker's configuration: who may do what, that a real nats-server takes it, and that it stays true."""

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy.exc import DBAPIError

from api import migrations
from api.kernel import clock, crypto
from api.kernel.config import Settings
from api.kernel.db import make_engine, transaction
from api.kernel.mqtt import DISPATCHER, INTAKE, WORKER, broker_password
from api.launch import broker
from api.orders import service as orders
from api.orders.model import Device
from tests.conftest import NOW
from tests.house import House, free_ports, open_house, sqlite_of, wait_until

pytestmark = pytest.mark.timeout(60)
OWN = (WORKER, DISPATCHER, INTAKE)


class User(NamedTuple):
    """One user of the accounts file."""

    password: str
    connections: list[str]
    publish: list[str]
    subscribe: list[str]


@pytest.fixture
def house(tmp_path: Path, sqlite_template: Path) -> Iterator[House]:
    home = tmp_path / "home"
    with open_house(home, sqlite_of(sqlite_template, home)) as house:
        yield house


def settings_of(home: Path) -> Settings:
    nats, mqtt = map(str, free_ports(2))
    ports = {"BAKEN_NATS_PORT": nats, "BAKEN_MQTT_PORT": mqtt}
    return Settings.from_env({"BAKEN_HOME": str(home), "BAKEN_SERVER_KEY": "5e" * 32} | ports)


def users_of(text: str) -> dict[str, User]:
    """Every user of a rendered accounts file by name."""
    pattern = re.compile(
        r'\{ user: "(?P<name>[^"]+)", password: "(?P<password>[^"]+)", '
        r"allowed_connection_types: (?P<connections>\[[^]]*\]), "
        r"permissions: \{ publish: (?P<publish>\[[^]]*\]), subscribe: (?P<subscribe>\[[^]]*\]) \} \}"
    )
    found = {}
    for line in text.splitlines()[1:-1]:
        match = pattern.fullmatch(line.strip())
        assert match is not None, line
        lists = (json.loads(match[name]) for name in ("connections", "publish", "subscribe"))
        found[match["name"]] = User(match["password"], *lists)
    return found


def retire(house: House, device: Device) -> None:
    with transaction(house.engine) as session:
        orders.retire_device(session, device.id, None, clock.now())


class Steps(threading.Event):
    """A `stop` that does one thing before each look at the register, and then ends the keeping."""

    def __init__(self, *steps: Callable[[], Any]) -> None:
        super().__init__()
        self._left = list(steps)

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout == broker.POLL_S
        if not self._left:
            return True
        self._left.pop(0)()
        return False


def test_a_device_may_publish_as_itself_and_read_its_own_commands_only(house: House) -> None:
    device, secret = house.add_device()
    user = users_of(broker.render_accounts(house.settings, [device]))[device.id.hex]
    own = f"em.v1.{device.shard}.{device.id.hex}"
    assert user.publish[:3] == [own, f"{own}.alarm", f"{own}.receipt"]
    assert all(re.fullmatch(rf"{own}(\.[a-z]+)?", subject) for subject in user.publish)
    assert f"{own}.cmd" not in user.publish
    assert user.subscribe == [f"{own}.cmd"]
    assert crypto.is_device_secret(user.password, secret)


def test_our_own_users_may_do_no_more_than_their_work(house: House) -> None:
    users = users_of(broker.render_accounts(house.settings, []))
    assert users.keys() == set(OWN)
    assert users[WORKER].subscribe == ["em.v1", "em.v1.>"]
    assert users[DISPATCHER].publish == ["em.v1.*.*.cmd"]
    assert users[INTAKE].publish == ["em.v1.*.*", "em.v1.*.*.alarm", "em.v1.*.*.receipt"]
    for name in OWN:
        assert crypto.is_device_secret(users[name].password, broker_password(house.settings.server_key, name))


def test_nobody_has_an_empty_list_which_nats_reads_as_everything(house: House) -> None:
    device, _secret = house.add_device()
    for user in users_of(broker.render_accounts(house.settings, [device])).values():
        assert user.publish
        assert user.subscribe
        assert ">" not in user.publish + user.subscribe
        assert user.connections == ["MQTT"]


def test_a_retired_device_has_no_account(house: House) -> None:
    device, _secret = house.add_device()
    kept, _secret = house.add_device()
    users = users_of(broker.render_accounts(house.settings, [replace(device, retired_at=NOW), kept]))
    assert users.keys() == {*OWN, kept.id.hex}


def test_no_password_is_written_in_clear(house: House) -> None:
    device, secret = house.add_device()
    text = broker.render_accounts(house.settings, [device])
    assert secret not in text
    assert not any(broker_password(house.settings.server_key, name) in text for name in OWN)


@pytest.mark.parametrize(
    "name", ["plain", "a b", "it's", 'a "b"', "100%", "a #b", r"back\slash", "één", "$HOME"]
)
def test_a_real_nats_server_takes_the_configuration_whatever_the_home_is_called(
    tmp_path: Path, name: str
) -> None:
    settings = settings_of(tmp_path / name)
    broker.write_server(settings)
    broker.write_accounts(settings, [])
    program = broker.find_program()
    assert program is not None
    answer = subprocess.run(
        [program, "-t", "-c", broker.server_file(settings)], capture_output=True, check=False, timeout=30
    )
    assert answer.returncode == 0, answer.stderr


def test_both_files_are_for_the_owner_only_and_survive_a_death_half_way(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    broker.folder(settings).mkdir()
    for path in (broker.server_file(settings), broker.accounts_file(settings)):
        path.with_suffix(".new").write_text("half a fi")
    for _time in range(2):
        broker.write_server(settings)
        broker.write_accounts(settings, [])
    files = sorted(broker.folder(settings).iterdir())
    assert [path.name for path in files] == ["accounts.conf", "nats.conf"]
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600, 0o600]


def test_the_folder_of_the_broker_is_made_for_the_owner_only(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    broker.write_accounts(settings, [])
    assert broker.folder(settings).stat().st_mode & 0o777 == 0o700


def test_a_server_that_does_not_run_is_told_nothing_and_neither_is_a_stranger_with_its_number(
    tmp_path: Path,
) -> None:
    """A pid file left by a killed server may name a process of somebody else, whom SIGHUP would end."""
    settings = settings_of(tmp_path)
    broker.folder(settings).mkdir()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (broker.folder(settings) / "nats.pid").write_text(str(stranger.pid))
        assert not broker.is_running(settings)
        assert not broker.reload(settings)
        with pytest.raises(subprocess.TimeoutExpired):
            stranger.wait(0.2)
    finally:
        stranger.kill()
        stranger.wait(10)


@pytest.mark.parametrize("greeting", [b"", b'INFO {"server_name":"other"} \r\n', b"220 mail ready\r\n"])
def test_another_service_on_our_port_is_not_taken_for_our_server(tmp_path: Path, greeting: bytes) -> None:
    settings = settings_of(tmp_path)

    def greet(listener: socket.socket) -> None:
        with closing(listener.accept()[0]) as connection:
            connection.sendall(greeting)

    with socket.create_server(("127.0.0.1", settings.nats_port)) as listener:
        thread = threading.Thread(target=greet, args=(listener,))
        thread.start()
        assert not broker.is_running(settings)
        thread.join(5)


def test_a_running_server_is_known_and_reads_its_accounts_again(house: House) -> None:
    house.start("nats")
    assert broker.is_running(house.settings)
    device, secret = house.add_device()
    assert house.try_to_connect(device.id.hex, secret)[1] == "Not authorized"
    broker.write_accounts(house.settings, [device])
    assert broker.reload(house.settings)
    wait_until(lambda: house.try_to_connect(device.id.hex, secret)[1] == "Success", 5, 0.1)


@pytest.mark.parametrize("content", [None, "", "not a number", "2147483647"])
def test_a_running_server_without_a_readable_pid_file_is_not_told(house: House, content: str | None) -> None:
    house.start("nats")
    path = broker.folder(house.settings) / "nats.pid"
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert not broker.reload(house.settings)


def test_the_register_and_its_revision_are_read_together(house: House) -> None:
    assert broker.read_devices(house.engine) == (0, [])
    device, _secret = house.add_device()
    assert broker.read_devices(house.engine) == (1, [device])


def test_accounts_are_written_only_when_something_about_them_changed(house: House) -> None:
    path = broker.accounts_file(house.settings)
    seen: list[tuple[int, set[str]]] = []
    devices: list[Device] = []

    def look() -> None:
        seen.append((path.stat().st_ino, set(users_of(path.read_text())) - set(OWN)))

    def assign() -> None:
        with transaction(house.engine) as session:
            wearer = orders.add_wearer(session, "W-1", "Wearer", None, clock.now())
            orders.assign_device(session, devices[0].id, wearer.id, None, None, clock.now())

    add = lambda: devices.append(house.add_device()[0])  # noqa: E731 - one step of three
    broker.keep_accounts(house.settings, house.engine, Steps(add, look, assign, look, add, look))
    first, assigned, second = seen
    assert first[1] == {devices[0].id.hex}
    assert assigned == first
    assert second[1] == {device.id.hex for device in devices}


def test_a_server_that_comes_up_later_is_told_then(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def told() -> int:
        return [record.getMessage() for record in caplog.records].count("broker told")

    def assert_told(times: int) -> None:
        assert told() == times

    broker.keep_accounts(
        house.settings,
        house.engine,
        Steps(
            house.add_device,
            partial(assert_told, 0),
            partial(house.start, "nats"),
            partial(assert_told, 1),
        ),
    )
    assert_told(1)


def test_a_database_that_is_away_is_said_once_and_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(tmp_path)
    engine = make_engine(settings.database_url, settings.server_key)

    def nothing() -> None:
        assert not broker.accounts_file(settings).exists()

    broker.keep_accounts(settings, engine, Steps(nothing, nothing, lambda: migrations.upgrade(engine)))
    engine.dispose()
    assert [record.getMessage() for record in caplog.records].count("database away") == 1
    assert users_of(broker.accounts_file(settings).read_text()).keys() == set(OWN)


def test_a_database_fault_that_waiting_does_not_mend_ends_the_process(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    (tmp_path / "baken.db").write_text("no database\n" * 1000)
    engine = make_engine(settings.database_url, settings.server_key)
    with pytest.raises(DBAPIError):
        broker.keep_accounts(settings, engine, Steps(lambda: None))
    engine.dispose()


def test_the_process_lets_a_new_device_in_and_a_retired_one_out_without_a_restart(house: House) -> None:
    house.start("nats", "broker-accounts")
    device, secret = house.add_device()
    wait_until(lambda: house.try_to_connect(device.id.hex, secret)[1] == "Success", 5, 0.1)
    retire(house, device)
    wait_until(lambda: house.try_to_connect(device.id.hex, secret)[1] == "Not authorized", 5, 0.1)
    assert house.kill("broker-accounts", signal.SIGTERM) == 0
    assert os.access(broker.accounts_file(house.settings), os.R_OK)

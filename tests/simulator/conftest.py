"""A real broker without accounts, for the simulator's side of the wire."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import free_ports


class Broker:
    """A NATS server of the wheel with its MQTT gateway, that a test can kill and start again."""

    def __init__(self, folder: Path) -> None:
        nats_port, self.port = free_ports(2)
        self._config = folder / "nats.conf"
        self._config.write_text(
            f'server_name: sim\nlisten: "127.0.0.1:{nats_port}"\n'
            f'jetstream {{ store_dir: "{folder}/store" }}\n'
            f'mqtt {{ listen: "127.0.0.1:{self.port}", ack_wait: "2s", max_ack_pending: 20000 }}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = Path(sys.executable).with_name("nats-server")
        name = str(program) if program.exists() else shutil.which("nats-server")
        assert name is not None
        self._process = subprocess.Popen(
            [name, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < until, "the broker did not start"
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    running.start()
    yield running
    running.kill()

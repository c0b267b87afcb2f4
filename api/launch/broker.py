"""The NATS server's configuration: its listeners, and who may publish and read what.

The accounts come from the device register. `keep_accounts` is the process `broker-accounts`: it
rewrites them when the register changes and lets the server read them again, without a restart.
Figures and limits: ops/decisions/0004-broker-accounts.md.
"""

import json
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.kernel.config import Settings
from api.kernel.crypto import hash_device_secret
from api.kernel.db import is_away, reading
from api.kernel.logs import Log
from api.kernel.mqtt import DISPATCHER, INTAKE, WORKER, broker_password
from api.orders import service as orders
from api.orders.model import Device

SERVER_NAME = "baken"
"""The MQTT gateway refuses to start without a name; `is_running` also knows our server by it."""
MAX_UNACKED = 4_000
"""Messages the worker may hold unacknowledged: the window that makes back-pressure. About what it does in
ACK_WAIT: with 20,000 a stall of 6 s took 21 s to work off, because all of them came again (measured)."""
ACK_WAIT = "2s"
"""After the worker's death its messages come again this much later; the default of 30 s blinds us (same)."""
MAX_PAYLOAD = "2MB"
"""A payload of 1 MiB must reach the worker, which keeps it aside with its reason; measured in 0004."""
POLL_S = 0.25
"""A provisioned device should get in within about a second; one indexed read each time. Proposal."""
_NOTHING = "baken.nothing"
"""A subject that nobody uses: to NATS an empty list of permissions means all of them."""
_OWNTRACKS_LANES = ("status", "event", "step", "beacon", "dump", "waypoint", "waypoints", "request")
"""Topics below a phone's own that the OwnTracks apps publish on (owntracks.org/booklet/tech/json)."""

_log = Log("broker-accounts")


def folder(settings: Settings) -> Path:
    """Return where the server's configuration and store are."""
    return settings.home / "nats"


def server_file(settings: Settings) -> Path:
    """Return the file that nats-server is started with."""
    return folder(settings) / "nats.conf"


def accounts_file(settings: Settings) -> Path:
    """Return the included file with every user, readable by the owner only."""
    return folder(settings) / "accounts.conf"


def _pid_file(settings: Settings) -> Path:
    return folder(settings) / "nats.pid"


def find_program() -> Path | None:
    """Return the nats-server of the wheel, else the one on the PATH, else None."""
    beside_python = Path(sys.executable).with_name("nats-server")
    if beside_python.exists():
        return beside_python
    on_path = shutil.which("nats-server")
    return Path(on_path) if on_path else None


def render_server(settings: Settings) -> str:
    """Return the server's own configuration; strings are written as JSON, which NATS reads."""
    store, pid = _quoted(folder(settings) / "store"), _quoted(_pid_file(settings))
    return f"""\
# Written by `python -m api`; changes are overwritten.
server_name: {SERVER_NAME}
listen: "{settings.host}:{settings.nats_port}"
pid_file: {pid}
max_payload: {MAX_PAYLOAD}
jetstream {{ store_dir: {store} }}
mqtt {{
  listen: "{settings.host}:{settings.mqtt_port}"
  max_ack_pending: {MAX_UNACKED}
  ack_wait: "{ACK_WAIT}"
}}
include "./accounts.conf"
"""


def _quoted(path: Path) -> str:
    """Return a path as NATS reads it: JSON, but letters stand as they are: NATS knows no `u` escape."""
    return json.dumps(str(path), ensure_ascii=False)


def render_accounts(settings: Settings, devices: Sequence[Device]) -> str:
    """Return our own three users and one per device; the retired are left out, so they cannot connect.

    Topics are subjects to NATS: `/` reads `.`. The subjects that the MQTT gateway itself needs for
    sessions and QoS 1 (`$MQTT.>`) are allowed by the server without being named (nats-server PR 7637).
    """
    users = [
        _user(WORKER, _own_hash(settings, WORKER), [_NOTHING], ["em.v1", "em.v1.>"]),
        _user(DISPATCHER, _own_hash(settings, DISPATCHER), ["em.v1.*.*.cmd"], [_NOTHING]),
        _user(INTAKE, _own_hash(settings, INTAKE), _lanes("em.v1.*.*"), [_NOTHING]),
    ]
    for device in devices:
        if device.retired_at is None:
            subject = f"em.v1.{device.shard}.{device.id.hex}"
            users.append(_user(device.id.hex, device.secret_hash, _device_lanes(subject), [f"{subject}.cmd"]))
    return "authorization { users: [\n" + "\n".join(users) + "\n] }\n"


def _lanes(subject: str) -> list[str]:
    """Return what a device sends that somebody reads: positions, alarms and receipts."""
    return [subject, f"{subject}.alarm", f"{subject}.receipt"]


def _device_lanes(subject: str) -> list[str]:
    """Return what a device may send.

    OwnTracks phones also publish on topics of their own below it, as themselves. The worker reads `event`
    and `status`; the others are ignored on purpose, so that a phone with its usual settings fills no log
    with violations.
    """
    return _lanes(subject) + [f"{subject}.{lane}" for lane in _OWNTRACKS_LANES]


def _own_hash(settings: Settings, name: str) -> str:
    return hash_device_secret(broker_password(settings.server_key, name))


def _user(name: str, password_hash: str, publish: list[str], subscribe: list[str]) -> str:
    """Return one user, for MQTT only: NATS' own protocol would let it around the gateway."""
    return (
        f'  {{ user: "{name}", password: "{password_hash}", allowed_connection_types: ["MQTT"], permissions: '
        f"{{ publish: {json.dumps(publish)}, subscribe: {json.dumps(subscribe)} }} }}"
    )


def write_server(settings: Settings) -> None:
    """Write the server's own configuration; takes effect when the server is started."""
    folder(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(server_file(settings), render_server(settings))


def write_accounts(settings: Settings, devices: Sequence[Device]) -> None:
    """Write every user; takes effect when the server starts or is told to `reload`."""
    folder(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(accounts_file(settings), render_accounts(settings, devices))


def _write(path: Path, content: str) -> None:
    """Replace a file at once, readable by the owner only: the server never reads half of it."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def is_running(settings: Settings) -> bool:
    """Say whether our server answers on its port: it greets every connection with its name."""
    try:
        with socket.create_connection((settings.host, settings.nats_port), timeout=1) as connection:
            greeting = connection.recv(4096)
    except OSError:
        return False
    return f'"server_name":"{SERVER_NAME}"'.encode() in greeting


def reload(settings: Settings) -> bool:
    """Let a running server read its accounts again; False when there is none yet.

    A server that answers has written its own pid; a pid file alone may be left by one that was killed,
    and its number may by now belong to a stranger whom SIGHUP would end.
    """
    if not is_running(settings):
        return False
    try:
        os.kill(int(_pid_file(settings).read_text(encoding="ascii")), signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True


def read_devices(engine: Engine) -> tuple[int, list[Device]]:
    """Return the register's revision and its devices, of one moment."""
    with reading(engine) as session:
        return orders.latest_revision(session), orders.list_devices(session)


def keep_accounts(settings: Settings, engine: Engine, stop: threading.Event) -> None:
    """Keep the broker's accounts those of the device register until `stop` is set."""
    keeper = _Keeper(settings, engine)
    while not stop.wait(POLL_S):
        keeper.look()


class _Keeper:
    """Remembers what was last written, and whether the server has been told."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._revision: int | None = None
        self._written: list[tuple[str, int, str]] | None = None
        self._told = True
        self._database_away = False

    def look(self) -> None:
        """Write and tell what changed; a server or database that is away is tried again next time."""
        try:
            self._follow_register()
        except DBAPIError as error:
            if not is_away(error):
                raise
            if not self._database_away:
                _log.warning("database away", error=type(error).__name__)
            self._database_away = True
        else:
            self._database_away = False
        if not self._told and reload(self._settings):
            self._told = True
            _log.info("broker told", revision=self._revision)

    def _follow_register(self) -> None:
        with reading(self._engine) as session:
            if orders.latest_revision(session) == self._revision:
                return
        revision, devices = read_devices(self._engine)
        users = sorted((d.id.hex, d.shard, d.secret_hash) for d in devices if d.retired_at is None)
        if users != self._written:
            write_accounts(self._settings, devices)
            self._written, self._told = users, False
            _log.info("accounts written", count=len(users), revision=revision)
        self._revision = revision

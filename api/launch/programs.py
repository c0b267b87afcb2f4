"""Which programs the house consists of, and the configuration that supervisor runs them by."""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from api.kernel.config import Settings
from api.kernel.crypto import derive_text
from api.launch import broker

STOP_WAIT_S = 4
"""After SIGTERM this long until SIGKILL: two groups one after the other stay under the 10 s of a Ctrl-C."""
RESTARTS = 1_000_000
"""Supervisor gives up a program after so many fast deaths. A worker must never be given up: each try waits
one second longer than the last one, and a start that holds for a second sets that back."""
LOG_BYTES = "10MB"
LOG_COPIES = 3
HOUSE_MARK = "BAKEN_HOUSE"
"""Every process of a house carries its folder in this variable, so that orphans are known for ours."""


@dataclass(frozen=True, slots=True)
class Program:
    """One line of the house.

    Attributes:
        group: Groups are stopped one after the other, the programs of one together: the demo goes first,
            because it still ends its exercises through the control host.
    """

    name: str
    command: tuple[str, ...]
    group: str = "house"
    environ: Mapping[str, str] = field(default_factory=dict)


def list_programs(settings: Settings, nats_server: Path, *, is_demo: bool) -> list[Program]:
    """Return the programs in the order they are started."""
    api, simulator = (sys.executable, "-m", "api"), (sys.executable, "-m", "simulator")
    own = ("broker-accounts", "worker", "dispatcher", "watchdog", "web-control", "web-app")
    programs = [
        Program("nats-server", (str(nats_server), "-c", str(broker.server_file(settings)))),
        *(Program(name, (*api, name)) for name in own),
    ]
    if settings.webhook_url is None:
        desk = ("police", "--port", str(settings.police_port))
        programs.append(Program("police", (*simulator, *desk)))
    if is_demo:
        # Lines go to a file, which has no width of its own.
        programs.append(Program("demo", (*simulator, "demo"), "demo", {"COLUMNS": "200"}))
    return programs


def environ_of(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what every program is given: the caller's environment and what the launcher decided."""
    # A house that was given its key has no file of secrets; its own desk must share one all the same.
    secret = settings.webhook_secret.decode() or derive_text(settings.server_key, "webhook")
    police = settings.webhook_url or f"http://127.0.0.1:{settings.police_port}/"
    return {
        **environ,
        "BAKEN_HOME": str(settings.home),
        "BAKEN_WEBHOOK_URL": police,
        "BAKEN_WEBHOOK_SECRET": secret,
        HOUSE_MARK: str(settings.home),
    }


def logs(settings: Settings) -> Path:
    """Return the folder with one log per program."""
    return settings.home / "logs"


def config_file(settings: Settings) -> Path:
    """Return the file that supervisor is started with."""
    return settings.home / "supervisord.conf"


def socket_file(settings: Settings) -> Path:
    """Return the socket on which supervisor answers its owner."""
    return settings.home / "s.sock"


def render(settings: Settings, programs: list[Program]) -> str:
    """Return supervisor's configuration."""
    home, socket = settings.home, _path(socket_file(settings))
    sections = [
        f"""; Written by `python -m api up`; changes are overwritten.
[supervisord]
nodaemon=true
silent=true
umask=077
pidfile={_path(home / "supervisord.pid")}
logfile={_path(logs(settings) / "supervisord.log")}
logfile_maxbytes={LOG_BYTES}
logfile_backups={LOG_COPIES}

[unix_http_server]
file={socket}
chmod=0600

[supervisorctl]
serverurl=unix://{socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface""",
    ]
    for number, group in enumerate(dict.fromkeys(program.group for program in programs), 1):
        names = ",".join(program.name for program in programs if program.group == group)
        sections.append(f"[group:{group}]\nprograms={names}\npriority={number}")
    sections += [_section(settings, number, program) for number, program in enumerate(programs, 1)]
    return "\n\n".join(sections) + "\n"


def write_config(settings: Settings, programs: list[Program]) -> None:
    """Write supervisor's configuration, readable by the owner only."""
    logs(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
    path = config_file(settings)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(render(settings, programs))


def _section(settings: Settings, number: int, program: Program) -> str:
    words = (_path(word) for word in program.command)
    lines = [
        f"[program:{program.name}]",
        f"command={' '.join(shlex.quote(word) for word in words)}",
        f"priority={number}",
        "autorestart=true",
        "startsecs=1",
        f"startretries={RESTARTS}",
        f"stopwaitsecs={STOP_WAIT_S}",
        "stopasgroup=true",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_path(logs(settings) / f'{program.name}.log')}",
        f"stdout_logfile_maxbytes={LOG_BYTES}",
        f"stdout_logfile_backups={LOG_COPIES}",
    ]
    if program.environ:
        pairs = ",".join(f"{name}={json.dumps(value)}" for name, value in program.environ.items())
        lines.append(f"environment={pairs}")
    return "\n".join(lines)


def _path(path: Path | str) -> str:
    """Return a path as supervisor reads it back: to it a percent sign begins a variable."""
    return str(path).replace("%", "%%")

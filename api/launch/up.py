"""`python -m api up`: everything on this machine, in the foreground, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from supervisor.states import ProcessStates  # type: ignore[import-untyped]  # it ships no types
from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]  # nor here

from api.alerts.service import read_playbook
from api.geofence.service.limits import read_house_limits
from api.kernel.config import Settings, home_of
from api.kernel.db import make_engine
from api.launch import broker, orphans, preflight, programs, setup
from api.launch.programs import Program
from api.safety_plans.service import load_content

LOOK_EVERY_S = 0.5
READY_WITHIN_S = 60.0
"""A first start on a slow machine; after this the line says which program does not run. Proposal."""
STOP_WITHIN_S = 15.0
STAFF_TOTP = "BAKEN_STAFF_TOTP"


def up(environ: Mapping[str, str], *, is_demo: bool) -> int:
    """Check, set up and run everything; returns the exit status. Raises NotReady and SettingError.

    The demo lets a password alone in, unless the environment says otherwise: whoever tries it has no phone
    set up for it, its stories sign in by program, and nothing in it is about anybody.
    """
    if is_demo:
        environ = {STAFF_TOTP: "optional", **environ}
    os.umask(0o077)  # whatever is written, by whichever program: for the owner only
    preflight.check_python()
    home = home_of(environ)
    preflight.check_home(home)
    with orphans.only_one(home):
        if count := orphans.end(home):
            print(f"Ended {count} processes that an earlier run had left in {home}.")
        setup.make_secrets(home, environ)
        settings = Settings.from_env(environ)
        read_house_limits(settings.limits_file)  # said here once, and not by every program's log
        program = preflight.check_program()
        preflight.check_ports(settings)
        preflight.check_socket(programs.socket_file(settings))
        logins = _prepare(settings)
        house = programs.list_programs(settings, program, is_demo=is_demo)
        programs.write_config(settings, house)
        try:
            return _Foreground(settings, house, logins).run(programs.environ_of(settings, environ))
        finally:
            orphans.end(home)  # what supervisor left behind when it was killed itself


def _prepare(settings: Settings) -> dict[str, str]:
    """Make tables, log-ins and the broker's configuration; returns the log-ins."""
    read_playbook(settings.playbook_file)  # without a good one the dispatcher would not start
    load_content(settings.content_dir)  # and without its texts a plan shows nothing
    engine = make_engine(settings.database_url, settings.server_key)
    try:
        setup.migrate(engine)
        logins = setup.seed_demo(settings.home, engine)
        broker.write_server(settings)
        broker.write_accounts(settings, broker.read_devices(engine)[1])
    finally:
        engine.dispose()
    return logins


class _Foreground:
    """Supervisor as a child, and what a person at the terminal is told meanwhile."""

    def __init__(self, settings: Settings, house: list[Program], logins: Mapping[str, str]) -> None:
        self._settings, self._house, self._logins = settings, house, logins
        self._stop = threading.Event()
        self._starts: dict[str, int] = {}
        self._demo = _Follower(programs.logs(settings) / "demo.log")

    def run(self, environ: dict[str, str]) -> int:
        """Run until a signal, or until supervisor ends by itself, which is a fault."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())
        print("Starting …", flush=True)
        # A process group of its own: Ctrl-C reaches only us, and supervisor is then told once.
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(programs.config_file(self._settings))],
            env=environ,
            stdin=subprocess.DEVNULL,
            process_group=0,
        )
        try:
            self._accompany(supervisor)
        finally:
            status = _end(supervisor)
        if self._stop.is_set():
            print("\nEverything has ended.", flush=True)
            return 0
        print(
            f"supervisor ended by itself: see {programs.logs(self._settings)}/supervisord.log",
            file=sys.stderr,
        )
        return status or 1

    def _accompany(self, supervisor: subprocess.Popen[bytes]) -> None:
        is_told, looks = False, 0
        while supervisor.poll() is None and not self._stop.wait(LOOK_EVERY_S):
            looks += 1
            down = self._look()
            if not is_told and (not down or looks * LOOK_EVERY_S > READY_WITHIN_S):
                print(banner(self._settings, self._house, self._logins), flush=True)
                is_told = True
                if down:
                    folder = programs.logs(self._settings)
                    print(f"Not running: {', '.join(down)}. Their logs in {folder} say why.", flush=True)
            for line in self._demo.lines():
                print(f"demo  {line}", flush=True)

    def _look(self) -> list[str]:
        """Return the programs, or else the ports, that are not up; tell of each that was started anew."""
        states = read_states(self._settings)
        for name, (is_running, start) in states.items():
            if is_running and start != self._starts.get(name, start):
                log = programs.logs(self._settings) / f"{name}.log"
                print(f"{name} had ended and was started again: see {log}", flush=True)
            if is_running:
                self._starts[name] = start
        down = [p.name for p in self._house if not states.get(p.name, (False, 0))[0]]
        return down or preflight.silent_ports(self._settings)


class _Follower:
    """The lines that a log gains from now on, also when it is put aside for a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = path.stat().st_size if path.exists() else 0

    def lines(self) -> list[str]:
        """Return the whole lines since the last call."""
        if not self._path.exists():
            return []
        if self._path.stat().st_size < self._at:
            self._at = 0
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole, end, _rest = file.read().rpartition(b"\n")
        self._at += len(whole + end)
        return whole.decode(errors="replace").splitlines()


def read_states(settings: Settings) -> dict[str, tuple[bool, int]]:
    """Return whether each program runs and since when (Unix time); nothing without an answer."""
    transport = SupervisorTransport(serverurl=f"unix://{programs.socket_file(settings)}")
    try:
        server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        rows = cast("list[dict[str, Any]]", server.supervisor.getAllProcessInfo())
    except (OSError, xmlrpc.client.Error):
        return {}
    finally:
        transport.close()
    return {str(row["name"]): (row["state"] == ProcessStates.RUNNING, int(row["start"])) for row in rows}


def _end(supervisor: subprocess.Popen[bytes]) -> int:
    """End supervisor and with it everything; returns its exit status."""
    supervisor.terminate()
    try:
        return supervisor.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        return supervisor.wait()


def banner(settings: Settings, house: list[Program], logins: Mapping[str, str]) -> str:
    """Return what a new user needs: addresses, log-ins, what to look at."""
    host = settings.host
    lines = [
        "",
        "Baken runs. An exercise on made-up people: it is not connected to any police.",
        "",
        f"  control room   http://{host}:{settings.control_port}/",
        f"    operator     {logins['OPERATOR_LOGIN']}   {logins['OPERATOR_SECRET']}",
        f"    supervisor   {logins['SUPERVISOR_LOGIN']}   {logins['SUPERVISOR_SECRET']}",
        *_factor_lines(settings),
        f"  API            http://{host}:{settings.control_port}/docs/",
        f"  her page       http://{host}:{settings.app_port}/",
        f"  MQTT           {settings.mqtt_host}:{settings.mqtt_port}",
        f"  logs           {programs.logs(settings)}",
        "",
    ]
    if any(program.name == "demo" for program in house):
        lines.append(
            "Look: sign in to the control room as the operator. In about a minute an ankle monitor walks"
        )
        lines.append(
            "into a zone: the alert comes to the top of the queue and on the map. Acknowledge, resolve it."
        )
    lines.append("Ctrl-C ends everything.")
    return "\n".join(lines) + "\n"


def _factor_lines(settings: Settings) -> list[str]:
    """Say loudly what a password alone opens here, or what the first sign-in will ask for."""
    if settings.staff_totp:
        return ["    the first sign-in of each sets up a code of an authenticator app"]
    return [f"    NO CODE IS ASKED FOR ({STAFF_TOTP}=optional): right for a demo, wrong for a house"]

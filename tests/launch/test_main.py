"""`python -m api <command>`: what there is, one line for each fault, and that each command does its work."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gunicorn.app.base import BaseApplication

from api import migrations
from api.__main__ import ONCE, PROCESSES, main
from api.accounts import service as accounts
from api.accounts.model import STAFF
from api.alerts import dispatcher
from api.geofence import watchdog
from api.kernel.config import SettingError, Settings, read_lines, secrets_file
from api.kernel.db import make_engine, reading
from api.launch import setup
from tests.house import free_ports
from tests.project.sources import ROOT

pytestmark = pytest.mark.timeout(60)
KEY = "5e" * 32
BAD_SETTINGS = [
    ("BAKEN_CONTROL_PORT", "http"),
    ("BAKEN_SERVER_KEY", "short"),
    ("BAKEN_COVER", "weather"),
    ("BAKEN_SHARDS", "5-3"),
    ("BAKEN_DATABASE_URL", "nonsense"),
    ("BAKEN_DATABASE_URL", "mysql://nobody@127.0.0.1/baken"),
    ("BAKEN_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/baken"),
]
FOREGROUND = sorted(set(PROCESSES) - {"web-control", "web-app"})


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Our environment with a home, a key and free ports, in which `main` runs too."""
    for name in [name for name in os.environ if name.startswith("BAKEN_")]:
        monkeypatch.delenv(name)
    names = (
        "BAKEN_MQTT_PORT",
        "BAKEN_NATS_PORT",
        "BAKEN_CONTROL_PORT",
        "BAKEN_APP_PORT",
        "BAKEN_POLICE_PORT",
    )
    own = dict(zip(names, map(str, free_ports(len(names))), strict=True))
    own |= {"BAKEN_HOME": str(tmp_path / "home"), "BAKEN_SERVER_KEY": KEY}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "home").mkdir()
    return dict(os.environ)


@pytest.fixture
def tables(environ: dict[str, str]) -> Settings:
    """The same, with a database that has all tables."""
    settings = Settings.from_env(environ)
    engine = make_engine(settings.database_url)
    migrations.upgrade(engine)
    engine.dispose()
    return settings


@pytest.fixture
def process() -> Iterator[None]:
    """What a command changes in its own process is put back: signal handlers and where logs go."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def run(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "api", *words],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def only_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


def test_help_lists_every_command_with_what_it_does(environ: dict[str, str]) -> None:
    answer = run(environ, "--help")
    assert (answer.returncode, answer.stderr) == (0, "")
    said = " ".join(answer.stdout.split())
    for name, command in (ONCE | PROCESSES).items():
        assert f"{name} {command.__doc__}" in said
    assert "up Set up and run everything" in said
    assert "setup Generate the secrets" in said


def test_the_demo_can_be_left_out_and_help_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "--help"])
    assert ended.value.code == 0
    assert "--no-demo" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["unknown"], ["up", "--unknown"], ["worker", "extra"]])
def test_what_is_no_command_is_refused_with_the_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: python -m api")


@pytest.mark.parametrize(("name", "value"), BAD_SETTINGS)
def test_a_setting_that_cannot_be_used_is_one_line(
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
) -> None:
    assert environ
    monkeypatch.setenv(name, value)
    assert main(["migrate"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert name in only_line(said.err)


@pytest.mark.parametrize("command", ["worker", "watchdog", "openapi"])
@pytest.mark.usefixtures("process")
def test_limits_that_cannot_be_are_one_line(
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    assert environ
    path = tmp_path / "limits.toml"
    path.write_text("[limits]\nsilence_s = 1\n")
    monkeypatch.setenv("BAKEN_LIMITS", str(path))
    assert main([command]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if '"started"' not in line]
    assert said == [f"{path}: 'silence_s': Must be from 60 to 14400 (s)."]


def refused(environ: dict[str, str], *words: str) -> str:
    """The one line with which the real command is refused."""
    answer = run(environ, *words)
    assert (answer.returncode, answer.stdout) == (1, ""), answer.stderr
    return only_line(answer.stderr)


@pytest.mark.parametrize("command", ["worker", "up"])
def test_a_fault_of_a_setting_is_one_line_of_the_real_command(environ: dict[str, str], command: str) -> None:
    said = refused(environ | {"BAKEN_MQTT_PORT": "0"}, command)
    assert said.startswith("BAKEN_MQTT_PORT='0' is not a port")


def test_a_start_on_a_taken_port_is_one_line(environ: dict[str, str]) -> None:
    port = environ["BAKEN_APP_PORT"]
    with socket.create_server(("127.0.0.1", int(port))):
        said = refused(environ, "up")
    assert said.startswith(f"Port {port} (BAKEN_APP_PORT) is in use: ")


def test_a_start_in_a_folder_that_cannot_be_written_is_one_line(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    said = refused(environ | {"BAKEN_HOME": str(tmp_path / "file" / "home")}, "up")
    assert "cannot be written" in said
    assert "set BAKEN_HOME" in said


def test_a_start_beside_a_database_whose_secrets_are_lost_is_one_line(environ: dict[str, str]) -> None:
    del environ["BAKEN_SERVER_KEY"]
    (Path(environ["BAKEN_HOME"]) / "baken.db").touch()
    said = refused(environ, "up")
    assert "secrets.env is gone" in said
    assert "put it back from a copy" in said


def test_a_start_with_a_database_that_does_not_answer_is_one_line(environ: dict[str, str]) -> None:
    nowhere = "postgresql+psycopg://nobody:s3cret@127.0.0.1:1/baken"
    said = refused(environ | {"BAKEN_DATABASE_URL": nowhere}, "up")
    assert "BAKEN_DATABASE_URL" in said
    assert "s3cret" not in said


def test_a_secrets_file_that_cannot_be_read_is_one_line(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = secrets_file(Path(environ["BAKEN_HOME"]))
    path.write_bytes(b"BAKEN_SERVER_KEY=\xff\xfe")
    assert main(["migrate"]) == 1
    assert str(path) in only_line(capsys.readouterr().err)


def test_setup_makes_the_secrets_and_says_nothing(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BAKEN_SERVER_KEY")
    for _time in range(2):
        assert main(["setup"]) == 0
    assert capsys.readouterr() == ("", "")
    assert Settings.from_env({"BAKEN_HOME": environ["BAKEN_HOME"]}).server_key


@pytest.mark.usefixtures("environ")
def test_setup_in_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BAKEN_HOME", str(tmp_path / "file"))
    assert main(["setup"]) == 1
    assert "cannot be written" in only_line(capsys.readouterr().err)


def test_tables_and_log_ins_can_be_made_one_by_one(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    home = Path(environ["BAKEN_HOME"])
    assert main(["migrate"]) == 0
    assert main(["seed-demo"]) == 0
    assert str(setup.demo_file(home)) in only_line(capsys.readouterr().out)
    assert "OPERATOR_SECRET" in read_lines(setup.demo_file(home))


@pytest.mark.usefixtures("environ")
def test_who_may_call_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routes"]) == 0
    assert capsys.readouterr().out == (ROOT / "ops/contracts/routes.txt").read_text(encoding="utf-8")


def test_the_first_supervisor_is_made_by_a_command_and_a_lost_code_is_taken_away_by_one(
    tables: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["add-staff", "chief", "supervisor"]) == 0
    said = only_line(capsys.readouterr().out)
    secret = said.rpartition(" ")[2]
    engine = make_engine(tables.database_url, tables.server_key)
    with reading(engine) as session:
        account = accounts.find_account(session, "chief", STAFF)
    assert accounts.is_secret_of(account, secret)
    assert main(["reset-code", "chief"]) == 0
    assert "no code any more" in only_line(capsys.readouterr().out)
    assert main(["add-staff", "chief", "auditor"]) == 1
    assert "Another account" in only_line(capsys.readouterr().err)
    assert main(["reset-code", "nobody"]) == 1
    assert "no staff account" in only_line(capsys.readouterr().err)
    with pytest.raises(SystemExit):
        main(["add-staff", "hers", "protected_person"])
    engine.dispose()


@pytest.mark.usefixtures("environ")
def test_the_description_of_the_api_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    assert "/api/session" in json.loads(capsys.readouterr().out)["paths"]


@pytest.mark.usefixtures("tables", "process")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", FOREGROUND)
def test_a_process_says_that_it_started_and_ends_when_told(
    name: str, number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a broker: each of them must wait for it and still end."""
    for module in (watchdog, dispatcher):
        monkeypatch.setattr(module, "SWEEP_S", 0.05)
    with signalled(number):
        assert main([name]) == 0
    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert events[0] == "started"


class signalled:  # noqa: N801 - reads as a word: with signalled(SIGTERM)
    """Sends us a signal again and again until the block is left; the first may come before its handler."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _send(self) -> None:
        time.sleep(0.2)
        while not self._done.wait(0.1):
            os.kill(os.getpid(), self._number)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The servers that would have listened; gunicorn forks, which a test's process must not."""
    found: list[Any] = []

    def keep(server: BaseApplication) -> None:
        found.append(server)

    monkeypatch.setattr(BaseApplication, "run", keep)
    return found


@pytest.mark.usefixtures("process")
@pytest.mark.parametrize(
    ("name", "port", "own", "foreign"),
    [
        ("web-control", "BAKEN_CONTROL_PORT", "/api/session", "/pub"),
        ("web-app", "BAKEN_APP_PORT", "/pub", "/api/session"),
    ],
)
def test_each_audience_is_served_on_its_own_port_with_its_own_pages(
    tables: Settings, environ: dict[str, str], served: list[Any], name: str, port: str, own: str, foreign: str
) -> None:
    assert tables.host == "127.0.0.1"
    assert main([name]) == 0
    (server,) = served
    assert server.cfg.bind == [f"127.0.0.1:{environ[port]}"]
    paths = {rule.rule for rule in server.load().url_map.iter_rules()}
    assert own in paths
    assert foreign not in paths


@pytest.mark.usefixtures("tables", "process")
def test_the_web_logs_no_addresses_and_reads_no_settings_of_gunicorn(
    served: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Paths hold ids, and whoever reads logs must not learn who looked at whom."""
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--access-logfile=- --bind=127.0.0.1:1")
    main(["web-control"])
    (server,) = served
    assert server.cfg.accesslog is None
    assert server.cfg.bind == [f"127.0.0.1:{os.environ['BAKEN_CONTROL_PORT']}"]
    hook: Callable[[object], None] = server.cfg.post_worker_init
    capsys.readouterr()
    hook(None)
    assert json.loads(only_line(capsys.readouterr().err))["process"] == "web"


def test_a_fault_of_ours_is_not_hidden(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_settings: Settings) -> None:
        raise RuntimeError("ours")

    assert environ
    monkeypatch.setitem(ONCE, "openapi", fail)
    with pytest.raises(RuntimeError, match="ours"):
        main(["openapi"])
    assert not issubclass(RuntimeError, SettingError)

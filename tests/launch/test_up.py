"""`python -m api up` as a person at a terminal meets it: with every real process, in a home of its own."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from api.__main__ import PROCESSES, main
from api.kernel.config import Settings, read_lines, secrets_file
from api.launch import orphans, programs, up
from api.launch.up import _end, _Follower
from tests.house import free_ports, is_listening, wait_until
from tests.project.sources import ROOT

pytestmark = pytest.mark.timeout(180)

PORTS = ("BAKEN_CONTROL_PORT", "BAKEN_APP_PORT", "BAKEN_MQTT_PORT", "BAKEN_NATS_PORT", "BAKEN_POLICE_PORT")
LAST_LINE = "Ctrl-C ends everything."
EVERYTHING = {"up", "supervisord", "nats-server", *PROCESSES, "police", "demo"}
CTRL_C_S = 15.0


def environ_of(home: Path, **more: str) -> dict[str, str]:
    """Our environment with this home and free ports."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BAKEN_")}
    ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    return clean | {"BAKEN_HOME": str(home)} | ports | more


def processes_of(home: Path) -> dict[int, str]:
    """Every process that was given this home, by its number: which of our programs it is."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            given = (folder / "environ").read_bytes().split(b"\0")
            words = (folder / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if f"BAKEN_HOME={home}".encode() in given:
            name = words[3] if words[1:2] == ["-m"] and len(words) > 4 else Path(words[0]).name
            found[int(folder.name)] = "supervisord" if "supervisor.supervisord" in words else name
    return found


class Run:
    """One `python -m api up` in the foreground of a terminal of its own."""

    def __init__(self, environ: dict[str, str], *words: str, python: str | Path = sys.executable) -> None:
        self.home = Path(environ["BAKEN_HOME"])
        self.environ = environ
        self._out = self.home.parent / f"{time.monotonic_ns()}.out"
        self._err = self._out.with_suffix(".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [python, "-m", "api", "up", *words],
                env=environ,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def said(self) -> str:
        return self._out.read_text()

    def complained(self) -> str:
        return self._err.read_text()

    def wait_for(self, text: str) -> str:
        """Return all that was said once `text` is in it."""
        wait_until(lambda: text in self.said() or self.process.poll() is not None, 60)
        assert text in self.said(), self.said() + self.complained()
        return self.said()

    def press_ctrl_c(self) -> float:
        """As a terminal does: to the whole foreground group; returns how long the end took."""
        began_s = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(CTRL_C_S)
        return time.monotonic() - began_s

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the house, by default in a home that is still to be made."""
    runs: list[Run] = []

    def begin(*words: str, python: str | Path = sys.executable, **more: str) -> Run:
        environ = environ_of(tmp_path / "home") | more
        runs.append(Run(environ, *words, python=python))
        return runs[-1]

    yield begin
    for run in runs:
        clean_up(run)


def clean_up(run: Run) -> None:
    run.kill()
    kill_all(run.home)


def kill_all(home: Path) -> None:
    """Whatever a test has left running; again, as a supervisor starts anew what was killed before it."""
    while left := processes_of(home):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def refusal(run: Run) -> str:
    """The one line with which a start is refused."""
    assert run.process.wait(20) == 1, run.said() + run.complained()
    lines = run.complained().splitlines()
    assert len(lines) == 1, run.complained()
    assert "Starting" not in run.said()
    return lines[0]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, dict[str, bool]]]:
    """A house with its demo, and which of its ports answered at the moment it said that it runs.

    Its home has a name with a space and an apostrophe, as people give.
    """
    home = tmp_path_factory.mktemp("up") / "it's a home"
    run = Run(environ_of(home))
    run.wait_for(LAST_LINE)
    answering = {name: is_listening(int(run.environ[name])) for name in PORTS}
    wait_until(lambda: all(is_listening(int(run.environ[name])) for name in PORTS), 30)
    yield run, answering
    clean_up(run)


def test_what_it_says_to_run_answers_at_once(running: tuple[Run, dict[str, bool]]) -> None:
    """Whoever clicks on the address as soon as it is printed must not see a refused connection."""
    _run, answering = running
    assert answering == dict.fromkeys(PORTS, True)


def test_it_prints_every_address_and_log_ins_that_work(running: tuple[Run, dict[str, bool]]) -> None:
    run, _answering = running
    control, app, mqtt = (run.environ[name] for name in PORTS[:3])
    for address in (f"http://127.0.0.1:{control}/docs/", f"http://127.0.0.1:{app}/", f"127.0.0.1:{mqtt}"):
        assert address in run.said()
    assert httpx.get(f"http://127.0.0.1:{app}/").status_code == 200
    for role in ("operator", "supervisor"):
        (line,) = [line for line in run.said().splitlines() if line.startswith(f"    {role} ")]
        _role, login, secret = line.split()
        answer = httpx.post(
            f"http://127.0.0.1:{control}/api/session", json={"login": login, "secret": secret}
        )
        assert answer.status_code == 200, answer.text


def test_every_program_runs_and_the_demo_is_heard(running: tuple[Run, dict[str, bool]]) -> None:
    run, _answering = running
    assert set(processes_of(run.home).values()) == EVERYTHING
    run.wait_for("demo  story: ")
    assert run.complained() == ""


def test_all_that_it_keeps_is_for_the_owner_only(running: tuple[Run, dict[str, bool]]) -> None:
    run, _answering = running
    found = subprocess.run(["find", run.home, "-perm", "/077"], capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_no_secret_is_on_a_command_line_which_every_user_can_read(
    running: tuple[Run, dict[str, bool]],
) -> None:
    run, _answering = running
    values = {*read_lines(secrets_file(run.home)).values(), *read_lines(run.home / "demo.env").values()}
    secrets = {value for value in values if value not in ("operator", "supervisor")}
    shown = {
        name
        for pid, name in processes_of(run.home).items()
        if any(secret in Path(f"/proc/{pid}/cmdline").read_text() for secret in secrets)
    }
    assert shown == set()


def test_a_second_start_in_the_same_home_is_one_line_and_the_first_goes_on(
    running: tuple[Run, dict[str, bool]],
) -> None:
    run, _answering = running
    before = processes_of(run.home)
    said = refusal(Run(run.environ))
    assert f"Baken runs from {run.home} already" in said
    assert "BAKEN_HOME" in said
    assert before.items() <= processes_of(run.home).items()


def test_ctrl_c_ends_everything_in_time_and_leaves_nothing(start: Start) -> None:
    run = start()
    run.wait_for("demo  ")
    assert run.press_ctrl_c() < CTRL_C_S
    assert run.process.returncode == 0
    assert run.said().endswith("Everything has ended.\n")
    assert run.complained() == ""
    assert processes_of(run.home) == {}
    assert not any(is_listening(int(run.environ[name])) for name in PORTS)


def test_ctrl_c_while_it_starts_ends_everything_too(start: Start) -> None:
    run = start("--no-demo")
    run.wait_for("Starting …")
    assert run.press_ctrl_c() < CTRL_C_S
    assert (run.process.returncode, run.complained()) == (0, "")
    assert processes_of(run.home) == {}


def test_after_a_kill_9_the_next_start_ends_what_was_left_and_runs(start: Start) -> None:
    first = start("--no-demo")
    first.wait_for(LAST_LINE)
    first.kill()
    left = processes_of(first.home)
    assert set(left.values()) == EVERYTHING - {"up", "demo"}
    second = start("--no-demo", **first.environ)
    assert f"processes that an earlier run had left in {first.home}" in second.wait_for(LAST_LINE)
    running = processes_of(second.home)
    assert not left.keys() & running.keys()
    assert set(running.values()) == EVERYTHING - {"demo"}
    second.press_ctrl_c()
    assert processes_of(second.home) == {}


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """Our Python with all its packages, but without a nats-server beside it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "lib").symlink_to(Path(sys.prefix) / "lib")
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", tmp_path)
    return tmp_path / "bin" / "python"


def test_a_missing_broker_is_one_line(start: Start, bare_python: Path) -> None:
    said = refusal(start(python=bare_python, PATH="/nowhere"))
    assert said.startswith("No nats-server")
    assert "https://nats.io/download" in said


def test_ctrl_c_before_anything_has_started_is_no_traceback(start: Start, bare_python: Path) -> None:
    slow = bare_python.with_name("nats-server")
    slow.write_text('#!/bin/sh\ntouch "$0.begun"\nexec sleep 20\n')
    slow.chmod(0o755)
    run = start(python=bare_python)
    wait_until(slow.with_name("nats-server.begun").exists)
    run.press_ctrl_c()
    assert "Traceback" not in run.complained()
    assert processes_of(run.home) == {}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """For a start in this very process: a home, and all that it changes in the process put back."""
    environ = environ_of(tmp_path / "home", BAKEN_SERVER_KEY="5e" * 32, BAKEN_WEBHOOK_SECRET="s" * 32)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
    umask = os.umask(0o022)
    yield Settings.from_env(environ)
    os.umask(umask)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    kill_all(tmp_path / "home")


class Spectator:
    """Watches from a thread what is printed by a start in this process, and does something to it."""

    def __init__(self, capsys: pytest.CaptureFixture[str], act: "Callable[[Spectator], None]") -> None:
        self.out, self.err = "", ""
        self._capsys, self._act = capsys, act
        self._thread = threading.Thread(target=self._watch)

    def run(self, *words: str) -> int:
        """Run the command; it is told to end when the act is over, whatever came of it."""
        self._thread.start()
        status = main(list(words))
        self._thread.join()
        self.hear()
        return status

    def hear(self) -> str:
        out, err = self._capsys.readouterr()
        self.out, self.err = self.out + out, self.err + err
        return self.out

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.hear(), 60)

    def _watch(self) -> None:
        try:
            self._act(self)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)


def pid_of(home: Path, name: str) -> int:
    return next(pid for pid, found in processes_of(home).items() if found == name)


def test_a_killed_worker_is_started_again_and_a_slow_start_says_what_is_missing(
    here: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "READY_WITHIN_S", 0.3)
    workers: list[int] = []

    def act(spectator: Spectator) -> None:
        spectator.wait_for("Not running: ")
        wait_until(lambda: up.read_states(here).get("worker", (False, 0))[0], 20)
        time.sleep(up.LOOK_EVERY_S * 2)  # it has seen the worker run
        workers.append(pid_of(here.home, "worker"))
        os.kill(workers[0], signal.SIGKILL)
        spectator.wait_for("worker had ended and was started again: see ")
        workers.append(pid_of(here.home, "worker"))
        (programs.logs(here) / "demo.log").write_text("a line of the demo\n")
        spectator.wait_for("demo  a line of the demo\n")

    spectator = Spectator(capsys, act)
    assert spectator.run("up", "--no-demo") == 0
    assert workers[0] != workers[1]
    assert "web-app, police. Their logs in" in spectator.out
    assert spectator.out.endswith("Everything has ended.\n")
    assert spectator.err == ""
    assert processes_of(here.home) == {}


def test_a_killed_supervisor_is_told_and_what_it_left_running_can_be_ended(
    here: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def act(spectator: Spectator) -> None:
        spectator.wait_for(LAST_LINE)
        os.kill(pid_of(here.home, "supervisord"), signal.SIGKILL)
        wait_until(lambda: spectator.hear() and "supervisor ended" in spectator.err)

    spectator = Spectator(capsys, act)
    assert spectator.run("up", "--no-demo") != 0
    assert spectator.err.startswith("supervisor ended by itself: see ")
    assert spectator.err.count("\n") == 1
    orphans.end(here.home)
    assert processes_of(here.home) == {}


def test_a_supervisor_that_does_not_answer_has_no_programs(here: Settings) -> None:
    assert up.read_states(here) == {}


def test_a_supervisor_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "STOP_WITHIN_S", 0.2)
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        assert _end(stubborn) == -signal.SIGKILL


def test_the_banner_tells_where_to_look_only_when_there_is_a_demo(here: Settings) -> None:
    logins = {f"{role}_{what}": what for role in ("OPERATOR", "SUPERVISOR") for what in ("LOGIN", "SECRET")}
    for is_demo in (True, False):
        house = programs.list_programs(here, Path("nats-server"), is_demo=is_demo)
        said = up.banner(here, house, logins)
        assert said.endswith(f"{LAST_LINE}\n")
        assert ("Look: " in said) == is_demo


def test_only_new_and_whole_lines_of_a_log_are_shown_also_after_it_was_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "demo.log"
    assert _Follower(path).lines() == []
    path.write_text("of an earlier run\n")
    follower = _Follower(path)
    assert follower.lines() == []
    with path.open("ab") as log:
        log.write(b"one\ntwo\nhal")
        log.flush()
        assert follower.lines() == ["one", "two"]
        log.write("f – \xff\n".encode("latin-1", "replace"))
    assert follower.lines() == ["half ? \ufffd"]
    path.write_text("new\n")
    assert follower.lines() == ["new"]

"""One house at a time in a folder, and the end of what a killed one left: with real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.launch import orphans
from api.launch.preflight import NotReady
from api.launch.programs import HOUSE_MARK

pytestmark = pytest.mark.timeout(60)

SLEEP = "print('ready', flush=True)\nimport time\ntime.sleep(60)\n"
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SLEEP}"
HOLD = """\
import sys, time
from pathlib import Path
from api.launch import orphans
with orphans.only_one(Path(sys.argv[1])):
    print('ready', flush=True)
    time.sleep(60)
"""

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a Python process of a house, and returns once it has said that it is ready."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(code: str, home: Path | None, *words: str) -> "subprocess.Popen[bytes]":
        environ = {name: value for name, value in os.environ.items() if name != HOUSE_MARK}
        if home is not None:
            environ[HOUSE_MARK] = str(home)
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words], env=environ, stdout=subprocess.PIPE, bufsize=0
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_a_second_house_in_the_same_folder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    with orphans.only_one(tmp_path):
        with pytest.raises(NotReady) as refused, orphans.only_one(tmp_path):
            pytest.fail("two houses in one folder")
        message = str(refused.value)
        assert f"Baken runs from {tmp_path} already" in message
        assert "Ctrl-C" in message
        assert "BAKEN_HOME" in message
        assert "\n" not in message
    with orphans.only_one(tmp_path):
        pass


def test_two_folders_can_be_used_at_the_same_time(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with orphans.only_one(tmp_path), orphans.only_one(tmp_path / "other"):
        pass


def test_the_folder_is_free_again_after_a_kill_9(tmp_path: Path, start: Start) -> None:
    holder = start(HOLD, None, str(tmp_path))
    with pytest.raises(NotReady), orphans.only_one(tmp_path):
        pytest.fail("two houses in one folder")
    holder.kill()
    holder.wait(10)
    with orphans.only_one(tmp_path):
        pass


def test_only_processes_of_this_house_are_found(tmp_path: Path, start: Start) -> None:
    ours = [start(SLEEP, tmp_path), start(SLEEP, tmp_path)]
    start(SLEEP, tmp_path / "other")
    start(SLEEP, Path(f"{tmp_path}-2"))  # whose name begins like ours
    start(SLEEP, None)
    assert sorted(orphans.find(tmp_path)) == sorted(process.pid for process in ours)


def test_a_process_that_has_ended_but_was_not_waited_for_is_not_found(tmp_path: Path, start: Start) -> None:
    """A zombie cannot be ended any more: waiting for it would never end."""
    process = start(SLEEP, tmp_path)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert orphans.find(tmp_path) == []
    assert orphans.end(tmp_path) == 0


def test_the_caller_is_never_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = f"PATH=/bin\0{HOUSE_MARK}={tmp_path}\0".encode()
    for pid in (os.getpid(), 1):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "environ").write_bytes(mark)
    monkeypatch.setattr(orphans, "PROCESSES", tmp_path)
    assert orphans.find(tmp_path) == [1]


def test_a_system_that_shows_no_processes_has_none_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "PROCESSES", tmp_path / "nothing")
    assert orphans.end(tmp_path) == 0


def test_a_process_that_vanishes_or_is_not_ours_to_look_into_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in ("1", "2", "3"):
        (tmp_path / pid).mkdir()
    (tmp_path / "2" / "environ").mkdir()
    (tmp_path / "3" / "environ").write_text(f"{HOUSE_MARK}={tmp_path}")
    monkeypatch.setattr(orphans, "PROCESSES", tmp_path)
    assert orphans.find(tmp_path) == [3]


def test_another_users_process_is_passed_over(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(SLEEP, tmp_path)
    monkeypatch.setattr("os.getuid", lambda: os.geteuid() + 1)
    assert orphans.find(tmp_path) == []


def test_what_was_left_running_is_asked_to_end_and_the_others_go_on(tmp_path: Path, start: Start) -> None:
    left = [start(SLEEP, tmp_path), start(SLEEP, tmp_path)]
    other = start(SLEEP, tmp_path / "other")
    assert orphans.end(tmp_path) == 2
    assert [process.wait(10) for process in left] == [-signal.SIGTERM, -signal.SIGTERM]
    assert other.poll() is None
    assert orphans.end(tmp_path) == 0


def test_what_does_not_listen_is_killed(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "END_WITHIN_S", 0.2)
    left = start(STUBBORN, tmp_path)
    began_s = time.monotonic()
    assert orphans.end(tmp_path) == 1
    assert left.wait(10) == -signal.SIGKILL
    assert time.monotonic() - began_s < 5


def test_a_process_that_ends_just_before_it_is_told_to_is_no_fault(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = start(SLEEP, tmp_path)
    send = os.kill

    def kill_late(pid: int, number: int) -> None:
        send(left.pid, signal.SIGKILL)
        left.wait(10)
        send(pid, number)

    monkeypatch.setattr("os.kill", kill_late)
    assert orphans.end(tmp_path) == 1

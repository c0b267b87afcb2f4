"""One house at a time in a folder, and the end of what a killed one left running.

After `kill -9` of supervisor its programs live on: two workers would then push each other out of the
broker. Every process of a house carries `HOUSE_MARK`; where the system shows environments (Linux),
those of this folder are ended before anything new is started.
"""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from api.kernel import clock
from api.launch.preflight import NotReady
from api.launch.programs import HOUSE_MARK

PROCESSES = Path("/proc")
END_WITHIN_S = 8.0
_LOOK_AGAIN_S = 0.1


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the folder's lock; raises NotReady when another holds it. The system frees it on any death."""
    with (home / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise NotReady(
                f"Baken runs from {home} already: end it there with Ctrl-C, or set another BAKEN_HOME."
            ) from error
        yield


def find(home: Path) -> list[int]:
    """Return the processes of this house that are running, without the caller's own."""
    mark = f"{HOUSE_MARK}={home}".encode()
    found = []
    for folder in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is not ours to look into
            if folder.stat().st_uid == os.getuid() and mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def end(home: Path) -> int:
    """End what an earlier house left running here; returns how many processes. Call it under the lock."""
    count = len(find(home))
    until_s = clock.monotonic_s() + END_WITHIN_S
    _signal(find(home), signal.SIGTERM)
    while left := find(home):
        if clock.monotonic_s() > until_s:
            _signal(left, signal.SIGKILL)
        clock.sleep_s(_LOOK_AGAIN_S)
    return count


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

"""Processor time of the service's processes, read through /proc; nothing where there is none."""

import os
from pathlib import Path

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def name_of(command: list[str]) -> str | None:
    """Return which process of the service a command line is, None when it is another program's."""
    if not command:
        return None
    if Path(command[0]).name.startswith("nats-server"):
        return "nats-server"
    for before, word, after in zip(command, command[1:], [*command[2:], ""], strict=False):
        if before == "-m" and word == "api":
            return after or "api"
    return None


def processor_s() -> dict[int, tuple[str, float]]:
    """Return name and processor seconds so far of each of our processes, by pid."""
    found: dict[int, tuple[str, float]] = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            if folder.stat().st_uid != os.getuid():
                continue
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            name = name_of([word for word in command if word])
            if name is not None:
                found[int(folder.name)] = (name, _spent_s((folder / "stat").read_text()))
        except (OSError, IndexError, ValueError):
            continue  # it ended while being read
    return found


def used_s(before: dict[int, tuple[str, float]], after: dict[int, tuple[str, float]]) -> dict[str, float]:
    """Return processor seconds between two readings by name; a new process counts from its start."""
    used: dict[str, float] = {}
    for pid, (name, spent_s) in after.items():
        begun_s = before[pid][1] if pid in before else 0.0
        used[name] = used.get(name, 0.0) + spent_s - begun_s
    return used


def _spent_s(stat: str) -> float:
    """Return user and system time of a `stat` line; fields count after the name in brackets, proc(5)."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

"""`python -m simulator`: the only reader of the environment and the wall clock; parses and hands over."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from simulator import commands
from simulator.bench import BenchError
from simulator.client import ServiceError
from simulator.clock import Clock
from simulator.commands import Login
from simulator.judge import JudgeError
from simulator.publish import BrokerRefused
from simulator.tracks import TrackError
from simulator.yaml_reader import StoryError

PLAIN_WIDTH = 130
"""Columns where there is no terminal: tables stay readable in a log."""
EXIT_FAULT = 2
"""The run could not be made; 1 is kept for a run that found something wrong."""


def _login(environ: Mapping[str, str]) -> Login:
    """Return the supervisor's log-in: the environment, else the demo log-ins that the launcher wrote."""
    home = Path(environ.get("BAKEN_HOME", "var"))
    demo: dict[str, str] = {}
    if (home / "demo.env").exists():
        lines = (home / "demo.env").read_text(encoding="utf-8").splitlines()
        demo = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return Login(
        environ.get("BAKEN_SIM_LOGIN") or demo.get("SUPERVISOR_LOGIN", ""),
        environ.get("BAKEN_SIM_SECRET") or demo.get("SUPERVISOR_SECRET", ""),
    )


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Run one command; what cannot be done is one line, not a traceback."""
    signal.signal(signal.SIGTERM, _stop)
    parser = commands.make_parser(os.environ)
    chosen = parser.parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    try:
        return int(chosen.run(chosen, commands.Room(console, Clock(time.time()), lambda: _login(os.environ))))
    except (StoryError, TrackError, ServiceError, BrokerRefused, BenchError, JudgeError) as error:
        print(error, file=sys.stderr)
        return EXIT_FAULT
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command line of the stand-ins: what a house talks to that is no device."""

import argparse
from collections.abc import Callable, Mapping

from simulator.clock import Clock
from simulator.police import PoliceDesk


def add_police_options(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Add what the police desk can be told."""
    command.add_argument("--port", type=int, default=0)
    given = environ.get("BAKEN_WEBHOOK_SECRET")  # not by argument alone: those every user can read
    command.add_argument("--secret", default=given, required=given is None, help="else BAKEN_WEBHOOK_SECRET")
    command.add_argument("--fail-every", type=int, default=0, metavar="N")
    command.add_argument("--hang", action="store_true")
    command.add_argument("--ack", action="store_true", help="acknowledge each message at --ack-url")
    host = environ.get("BAKEN_HOST", "127.0.0.1")
    control = f"http://{host}:{environ.get('BAKEN_CONTROL_PORT', '8460')}"
    command.add_argument("--ack-url", default=f"{control}/api/police/acknowledgements", metavar="URL")


def serve_police(chosen: argparse.Namespace, clock: Clock, say: Callable[[str], None]) -> int:
    """Be the police desk until broken off."""
    with PoliceDesk(
        chosen.port,
        chosen.secret.encode(),
        clock,
        say,
        fail_every=chosen.fail_every,
        hang=chosen.hang,
        ack_url=chosen.ack_url if chosen.ack else None,
    ) as desk:
        say(f"police desk at http://127.0.0.1:{desk.port}/")
        desk.serve_forever()
    return 0

"""The command line of the stand-ins: what a house talks to that is no device."""

import argparse
from collections.abc import Callable, Mapping

from simulator.clock import Clock
from simulator.police import PoliceDesk
from simulator.sms import SmsGateway


def add_police_options(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Add what the police desk can be told."""
    command.add_argument("--port", type=int, default=0)
    given = environ.get("BAKEN_WEBHOOK_SECRET")  # not by argument alone: those every user can read
    command.add_argument("--secret", default=given, required=given is None, help="else BAKEN_WEBHOOK_SECRET")
    command.add_argument("--fail-every", type=int, default=0, metavar="N")
    command.add_argument("--hang", action="store_true")
    command.add_argument("--ack", action="store_true", help="acknowledge each message at --ack-url")
    command.add_argument(
        "--ack-url", default=f"{_control(environ)}/api/police/acknowledgements", metavar="URL"
    )


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


def add_sms_options(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Add what the SMS gateway can be told."""
    command.add_argument("--port", type=int, default=0)
    given = environ.get("BAKEN_SMS_TOKEN")  # not by argument alone: those every user can read
    command.add_argument("--token", default=given, required=given is None, help="else BAKEN_SMS_TOKEN")
    command.add_argument("--receipts", action="store_true", help="report each text as delivered")
    command.add_argument("--receipt-url", default=f"{_control(environ)}/api/sms/receipts", metavar="URL")


def serve_sms(chosen: argparse.Namespace, clock: Clock, say: Callable[[str], None]) -> int:
    """Be the SMS gateway until broken off."""
    receipt_url = chosen.receipt_url if chosen.receipts else None
    with SmsGateway(chosen.port, chosen.token, clock, say, receipt_url) as gateway:
        say(f"SMS gateway at http://127.0.0.1:{gateway.port}/")
        gateway.serve_forever()
    return 0


def _control(environ: Mapping[str, str]) -> str:
    host = environ.get("BAKEN_HOST", "127.0.0.1")
    return f"http://{host}:{environ.get('BAKEN_CONTROL_PORT', '8460')}"

"""A stand-in police desk on loopback: checks signatures, prints one line a message, drops repeats."""

import hmac
import itertools
import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from simulator.clock import Clock

SIGNATURE_HEADER = "X-Baken-Signature"
MAX_AGE_S = 300.0
"""An older signature may be a replay; five minutes is what Stripe's webhooks use."""
MAX_BODY_BYTES = 1024 * 1024
HANG_S = 120.0


def signature_fault(secret: bytes, header: str, body: bytes, now_s: float) -> str:
    """Return why a delivery cannot be trusted, or nothing.

    `header` is `t=<unix>,v1=<hexadecimal HMAC-SHA256 of "t." + body>`.
    """
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    stamp, given = parts.get("t", ""), parts.get("v1", "")
    if not stamp.isdigit() or not given:
        return "no signature"
    expected = hmac.new(secret, stamp.encode() + b"." + body, "sha256").hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        return "wrong signature"
    if abs(now_s - int(stamp)) > MAX_AGE_S:
        return "signature too old"
    return ""


class PoliceDesk(ThreadingHTTPServer):
    """The desk; `received` holds each message once, by its id."""

    daemon_threads = True

    def __init__(
        self,
        port: int,
        secret: bytes,
        clock: Clock,
        say: Callable[[str], None],
        *,
        fail_every: int = 0,
        hang: bool = False,
    ) -> None:
        """Listen on loopback; `port` 0 takes a free one.

        `fail_every` n answers every n-th delivery with 500, to show that it comes again; `hang` takes
        deliveries and never answers in time.
        """
        super().__init__(("127.0.0.1", port), _Desk)
        self.secret, self.clock, self.say = secret, clock, say
        self.fail_every, self.hang = fail_every, hang
        self.received: dict[str, dict[str, Any]] = {}
        self.repeats = 0
        self._numbers = itertools.count(1)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def answer(self, header: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Return status and JSON of the answer to one delivery."""
        if self.hang:
            time.sleep(HANG_S)
        if fault := signature_fault(self.secret, header, body, self.clock.now()):
            self.say(f"refused: {fault}")
            return 401, {"error": fault}
        if self.fail_every and next(self._numbers) % self.fail_every == 0:
            self.say("failing on purpose")
            return 500, {"error": "failing on purpose"}
        try:
            message = json.loads(body)
            message_id = str(message["id"])
        except (ValueError, KeyError, TypeError):
            self.say("refused: no JSON with an id")
            return 400, {"error": "no JSON with an id"}
        if message_id in self.received:
            self.repeats += 1
            self.say(f"again    {message_id}")
        else:
            self.received[message_id] = message
            self.say(_line(message))
        return 200, {"received": message_id}


class _Desk(BaseHTTPRequestHandler):
    server: PoliceDesk
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self.send_error(413)
            return
        status, answer = self.server.answer(self.headers.get(SIGNATURE_HEADER, ""), self.rfile.read(length))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing more than `say` does."""


def _line(message: dict[str, Any]) -> str:
    alert = message.get("alert") or {}
    words = (
        message.get("status", ""),
        message.get("msgType", ""),
        alert.get("kind", ""),
        f"severity {alert.get('severity', '?')}",
        str(message["id"]),
    )
    return "  ".join(str(word) for word in words if word)

"""A stand-in police desk on loopback: checks signatures, prints one line a message, drops repeats.

It reads JSON and CAP 1.2 alike, and can acknowledge each message as a real desk's machine would.
"""

import hmac
import itertools
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree as ET

import httpx
from defusedxml import ElementTree as SafeET
from defusedxml.common import DefusedXmlException

from simulator.clock import Clock

SIGNATURE_HEADER = "X-Baken-Signature"
MAX_AGE_S = 300.0
"""An older signature may be a replay; five minutes is what Stripe's webhooks use."""
MAX_BODY_BYTES = 1024 * 1024
HANG_S = 120.0
ACK_DEADLINE_S = 5.0
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


def signature(secret: bytes, now_s: float, body: bytes) -> str:
    """Return the header that `signature_fault` accepts."""
    stamp = str(int(now_s)).encode()
    return f"t={stamp.decode()},v1={hmac.new(secret, stamp + b'.' + body, 'sha256').hexdigest()}"


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


def read_message(body: bytes) -> dict[str, Any]:
    """Return a delivery as JSON types, of CAP what the desk shows; raises ValueError.

    Whichever way it came, it has `id`, `status`, `msgType` and in `alert` the kind and our severity.
    """
    if not body.lstrip().startswith(b"<"):
        message = json.loads(body)
        if not isinstance(message, dict) or "id" not in message:
            raise ValueError("no JSON with an id")
        return message
    try:
        root = SafeET.fromstring(body, forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException) as error:
        raise ValueError("no XML that can be read") from error
    if root.tag != f"{CAP}alert" or not root.findtext(f"{CAP}identifier"):
        raise ValueError("no CAP alert with an identifier")
    said = {name: root.findtext(f"{CAP}{name}", "") for name in ("identifier", "status", "msgType")}
    pairs = [[child.text or "" for child in one] for one in root.iter(f"{CAP}parameter")]
    told = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    return {
        "id": said["identifier"],
        "status": said["status"],
        "msgType": said["msgType"],
        "alert": {"kind": told.get("kind", ""), "severity": told.get("severity", "?")},
    }


class PoliceDesk(ThreadingHTTPServer):
    """The desk; `received` holds each message once, by its id."""

    daemon_threads = True
    request_queue_size = 128  # a burst of deliveries must not wait for its next try

    def __init__(
        self,
        port: int,
        secret: bytes,
        clock: Clock,
        say: Callable[[str], None],
        *,
        fail_every: int = 0,
        hang: bool = False,
        ack_url: str | None = None,
        who: str = "desk-1",
    ) -> None:
        """Listen on loopback; `port` 0 takes a free one.

        `fail_every` n answers every n-th delivery with 500, to show that it comes again; `hang` takes
        deliveries and never answers in time; with `ack_url` each new message is acknowledged there, as `who`.
        """
        super().__init__(("127.0.0.1", port), _Desk)
        self.secret, self.clock, self.say = secret, clock, say
        self.fail_every, self.hang = fail_every, hang
        self.ack_url, self.who = ack_url, who
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
            message = read_message(body)
        except ValueError as error:
            self.say("refused: no message with an id")
            return 400, {"error": str(error)}
        message_id = str(message["id"])
        if message_id in self.received:
            self.repeats += 1
            self.say(f"again    {message_id}")
        else:
            self.received[message_id] = message
            self.say(_line(message))
            if self.ack_url:
                # After the answer: the other side may only now be noting that it sent the message.
                threading.Thread(
                    target=self._acknowledge, args=(self.ack_url, message_id), daemon=True
                ).start()
        return 200, {"received": message_id}

    def _acknowledge(self, url: str, message_id: str) -> None:
        ack = {
            "id": f"ack-{message_id}",
            "msgType": "Ack",
            "references": [message_id],
            "sent": datetime.fromtimestamp(self.clock.now(), UTC).isoformat(),
            "who": self.who,
        }
        body = json.dumps(ack).encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(self.secret, self.clock.now(), body),
        }
        try:
            answer = httpx.post(url, content=body, headers=headers, timeout=ACK_DEADLINE_S)
        except httpx.HTTPError as error:
            self.say(f"not acknowledged: {type(error).__name__}")
        else:
            self.say(f"acked    {message_id}" if answer.is_success else f"ack refused: {answer.status_code}")


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

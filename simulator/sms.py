"""A stand-in for an SMS gateway on loopback: checks the token, prints one line a text, drops repeats."""

import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from simulator.clock import Clock
from simulator.police import ACK_DEADLINE_S, MAX_BODY_BYTES, SIGNATURE_HEADER, signature


class SmsGateway(ThreadingHTTPServer):
    """The gateway; `received` holds each text once, by its id."""

    daemon_threads = True
    request_queue_size = 128  # a burst of deliveries must not wait for its next try

    def __init__(
        self, port: int, token: str, clock: Clock, say: Callable[[str], None], receipt_url: str | None = None
    ) -> None:
        """Listen on loopback; `port` 0 takes a free one. With `receipt_url` each text is reported there."""
        super().__init__(("127.0.0.1", port), _Gateway)
        self.token, self.clock, self.say, self.receipt_url = token, clock, say, receipt_url
        self.received: dict[str, dict[str, Any]] = {}

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def answer(self, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Return status and JSON of the answer to one text."""
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self.token}".encode()):
            self.say("refused: wrong token")
            return 401, {"error": "wrong token"}
        try:
            said = json.loads(body)
            message = {name: str(said[name]) for name in ("id", "to", "text")}
        except (ValueError, KeyError, TypeError):
            self.say("refused: no JSON with id, to and text")
            return 400, {"error": "no JSON with id, to and text"}
        if message["id"] not in self.received:
            self.received[message["id"]] = message
            self.say(f"to …{message['to'][-3:]}  {message['text']}")
            if self.receipt_url:
                threading.Thread(
                    target=self._report, args=(self.receipt_url, message["id"]), daemon=True
                ).start()
        return 200, {"id": message["id"], "status": "accepted"}

    def _report(self, url: str, message_id: str) -> None:
        body = json.dumps({"id": message_id, "status": "delivered"}).encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(self.token.encode(), self.clock.now(), body),
        }
        try:
            status = httpx.post(url, content=body, headers=headers, timeout=ACK_DEADLINE_S).status_code
        except httpx.HTTPError as error:
            self.say(f"not reported: {type(error).__name__}")
        else:
            self.say(f"reported {message_id}: {status}")


class _Gateway(BaseHTTPRequestHandler):
    server: SmsGateway
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self.send_error(413)
            return
        status, answer = self.server.answer(self.headers.get("Authorization", ""), self.rfile.read(length))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing more than `say` does."""

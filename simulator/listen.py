"""Server-sent events: what arrives at the control room and at her, stamped on arrival."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from simulator.client import ServiceError

QUIET_S = 30.0
"""The service breathes every 10 s; three times that is a dead stream."""
RETRY_S = 0.3


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event of a stream; `at_s` is monotonic."""

    at_s: float
    name: str
    data: dict[str, Any]


class Stream:
    """A thread that reads one stream, resumes it after a break, and hands over each event once."""

    def __init__(self, url: str, cookies: Mapping[str, str], receive: Callable[[Arrival], None]) -> None:
        """Prepare; `receive` is called in the stream's own thread."""
        self._url, self._cookies, self._receive = url, dict(cookies), receive
        self._last_id = ""
        self._ended = threading.Event()
        self._open = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name=f"stream {url}", daemon=True)
        self.failure = ""
        self.breaks = 0

    def start(self, timeout_s: float = 10.0) -> None:
        """Return once the service has answered, so that nothing after this is missed."""
        self._thread.start()
        if not self._open.wait(timeout_s):
            self.stop()
            raise ServiceError(f"GET {self._url}: {self.failure or 'no stream within 10 s'}")

    def stop(self) -> None:
        """Let go of the stream."""
        self._ended.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it may have closed by itself meanwhile
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._read()
                self.failure = "the service closed the stream"
            except httpx.HTTPError as error:
                self.failure = str(error) or type(error).__name__
            if not self._ended.wait(RETRY_S):
                self.breaks += 1

    def _read(self) -> None:
        headers = {"Accept": "text/event-stream"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        timeout = httpx.Timeout(10.0, read=QUIET_S)
        with (
            httpx.Client(timeout=timeout, cookies=self._cookies) as http,
            http.stream("GET", self._url, headers=headers) as answer,
        ):
            answer.raise_for_status()
            self._socket = answer.extensions["network_stream"].get_extra_info("socket")
            self._open.set()
            self._take(answer)

    def _take(self, answer: httpx.Response) -> None:
        """Read fields until the stream ends; an empty line completes an event (WHATWG HTML, 9.2)."""
        name, data, event_id = "message", "", ""
        for line in answer.iter_lines():
            if self._ended.is_set():
                return
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if line == "":
                if data:
                    self._hand_over(name, data)
                self._last_id = event_id or self._last_id
                name, data, event_id = "message", "", ""
            elif field == "event":
                name = value
            elif field == "data":
                data = f"{data}\n{value}" if data else value
            elif field == "id":
                event_id = value

    def _hand_over(self, name: str, data: str) -> None:
        at_s = time.monotonic()
        with contextlib.suppress(ValueError):  # an event that is no JSON is none of ours
            value = json.loads(data)
            if isinstance(value, dict):
                self._receive(Arrival(at_s, name, value))

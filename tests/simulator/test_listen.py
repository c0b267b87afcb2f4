import queue
import socket
import threading

import pytest

from simulator.client import ServiceError
from simulator.listen import Arrival, Stream

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


class Server:
    """Answers one connection after the other with the bytes given, and keeps the requests."""

    def __init__(self, *answers: bytes) -> None:
        self.requests: queue.Queue[str] = queue.Queue()
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/stream"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        for answer in self._answers:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            with connection:
                self.requests.put(connection.recv(4096).decode())
                connection.sendall(answer)


def hear(*answers: bytes, count: int) -> tuple[list[Arrival], list[str]]:
    """Read until `count` events have come; returns them and the requests made."""
    heard: queue.Queue[Arrival] = queue.Queue()
    server = Server(*answers)
    stream = Stream(server.url, {"session": "abc"}, heard.put)
    stream.start()
    found = [heard.get(timeout=10) for _ in range(count)]
    stream.stop()
    server.stop()
    return found, [server.requests.get_nowait() for _ in range(server.requests.qsize())]


def test_events_are_read_with_their_names_and_data_over_several_lines() -> None:
    body = b': breath\n\nevent: alert\nid: 7\ndata: {"a":\ndata: 1}\n\ndata: {"b": 2}\n\n'
    found, requests = hear(HEAD + body, count=2)
    assert [(each.name, each.data) for each in found] == [("alert", {"a": 1}), ("message", {"b": 2})]
    assert found[0].at_s <= found[1].at_s
    assert "session=abc" in requests[0]


def test_what_is_no_json_object_is_passed_over() -> None:
    body = b"data: nonsense\n\ndata: [1]\n\ndata: {}\n\n"
    assert [each.data for each in hear(HEAD + body, count=1)[0]] == [{}]


def test_a_broken_stream_is_resumed_after_the_last_event() -> None:
    first, second = b'id: 41\ndata: {"n": 1}\n\nid: 42\nda', b'id: 42\ndata: {"n": 2}\n\n'
    found, requests = hear(HEAD + first, HEAD + second, count=2)
    assert [each.data["n"] for each in found] == [1, 2]
    assert "Last-Event-ID" not in requests[0]
    assert "Last-Event-ID: 41" in requests[1]


def test_a_service_that_refuses_is_an_error_and_not_a_silence() -> None:
    server = Server(*[b"HTTP/1.1 401 UNAUTHORIZED\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"] * 20)
    stream = Stream(server.url, {}, lambda _: None)
    with pytest.raises(ServiceError, match="401"):
        stream.start(timeout_s=1.0)
    server.stop()

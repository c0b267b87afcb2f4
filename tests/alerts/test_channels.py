import gzip
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.alerts.channels import http
from api.alerts.channels.http import Line
from api.alerts.channels.webhook import Encode, Webhook, encode_json, encoder_of
from api.alerts.service import Outcome
from api.kernel.config import Settings
from tests.alerts.receiver import Receiver, open_receiver, say

CONTRACTS = Path(__file__).parents[2] / "ops/contracts"
SECRET = b"shared with the receiver"
PAYLOAD = {"id": "x", "alert": {"severity": 1}}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


def send_all(
    url: str, *message_ids: UUID, payload: dict[str, Any] = PAYLOAD, encode: Encode = encode_json
) -> list[Outcome]:
    with Line() as line:
        webhook = Webhook(line, url, SECRET, encode)
        futures = [line.submit(webhook.deliver(message_id, payload)) for message_id in message_ids]
        return [future.result(20) for future in futures]


def send(url: str, message_id: UUID | None = None) -> Outcome:
    return send_all(url, message_id or uuid4())[0]


def test_the_signature_covers_the_time_and_the_body(receiver: Receiver) -> None:
    message_id = uuid4()
    assert send(receiver.url, message_id).succeeded
    (delivery,) = receiver.deliveries
    assert delivery.headers["X-Baken-Id"] == str(message_id)
    assert json.loads(delivery.body) == PAYLOAD
    sent_at, version = delivery.headers["X-Baken-Signature"].split(",")
    signed = sent_at.removeprefix("t=").encode() + b"." + delivery.body
    assert version == "v1=" + hmac.new(SECRET, signed, "sha256").hexdigest()
    assert abs(time.time() - int(sent_at.removeprefix("t="))) < 60


def test_a_house_that_speaks_cap_signs_the_very_xml_that_it_sends(receiver: Receiver) -> None:
    example = (CONTRACTS / "examples/webhook/alert.json").read_text(encoding="utf-8")
    environ = {"BAKEN_SERVER_KEY": "0" * 64, "BAKEN_WEBHOOK_FORMAT": "cap", "BAKEN_CAP_SENDER": "us@here"}
    encode = encoder_of(Settings.from_env(environ))
    assert send_all(receiver.url, uuid4(), payload=json.loads(example), encode=encode)[0].succeeded
    (delivery,) = receiver.deliveries
    assert delivery.headers["Content-Type"] == "application/cap+xml"
    assert delivery.body.startswith(b"<?xml")
    assert b"<sender>us@here</sender>" in delivery.body
    sent_at, version = delivery.headers["X-Baken-Signature"].split(",")
    signed = sent_at.removeprefix("t=").encode() + b"." + delivery.body
    assert version == "v1=" + hmac.new(SECRET, signed, "sha256").hexdigest()


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_sent(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda handler: say(handler, status)
    assert send(receiver.url) == Outcome(succeeded=True, code=str(status))


def test_an_answer_that_names_the_message_is_a_receipt(receiver: Receiver) -> None:
    message_id = uuid4()
    receiver.answer = lambda handler: say(handler, 200, json.dumps({"received": str(message_id)}).encode())
    assert send(receiver.url, message_id).is_received
    assert not send(receiver.url, uuid4()).is_received


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"received": 5}',
        b"[" * 50_000,
        gzip.compress(b"{}", mtime=0),
    ],
)
def test_rubbish_in_a_2xx_is_sent_but_no_receipt(receiver: Receiver, body: bytes) -> None:
    receiver.answer = lambda handler: say(handler, 200, body)
    assert send(receiver.url) == Outcome(succeeded=True, code="200")


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 503])
def test_anything_else_is_a_failure_of_the_channel(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda handler: say(handler, status)
    assert send(receiver.url) == Outcome(succeeded=False, code=str(status))


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_message_that_is_refused_says_nothing_of_the_channel(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda handler: say(handler, status)
    assert send(receiver.url) == Outcome(succeeded=False, code=str(status), is_channel=False)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_positions_are_not_sent_on_to_another_address(receiver: Receiver, status: int) -> None:
    with open_receiver() as elsewhere:
        receiver.answer = lambda handler: say(handler, status, Location=elsewhere.url)
        assert send(receiver.url) == Outcome(succeeded=False, code="redirect_refused")
        assert elsewhere.deliveries == []


def hang(_handler: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def drip(handler: BaseHTTPRequestHandler) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 40:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [hang, drip])
def test_a_receiver_that_hangs_or_drips_is_left_after_the_deadline(
    receiver: Receiver, answer: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "DEADLINE_S", 0.4)
    receiver.answer = answer
    began = time.monotonic()
    assert send(receiver.url) == Outcome(succeeded=False, code="timeout")
    assert time.monotonic() - began < 2.5


def test_a_hanging_delivery_does_not_fail_the_others_of_its_claim(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "DEADLINE_S", 1.0)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if len(receiver.deliveries) == 1:
            hang(handler)
        else:
            say(handler, 200)

    receiver.answer = answer
    outcomes = send_all(receiver.url, *(uuid4() for _ in range(4)))
    assert sorted(outcome.code for outcome in outcomes) == ["200", "200", "200", "timeout"]


def test_a_huge_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    written: list[int] = []
    closed = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        try:
            for _ in range(1 << 14):
                handler.wfile.write(b"x" * 65536)
                written.append(65536)
        except ConnectionError:
            closed.set()
            raise

    receiver.answer = answer
    assert send(receiver.url) == Outcome(succeeded=True, code="200")
    assert closed.wait(10)
    assert sum(written) < 64 * 1024 * 1024  # what the sockets' buffers hold, not 1 GiB


def test_bytes_that_are_not_http_are_a_broken_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"

        def answer() -> None:
            connection, _address = server.accept()
            connection.recv(65536)
            connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        assert send(url) == Outcome(succeeded=False, code="broken_answer")
        thread.join()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "ftp://127.0.0.1/"])
def test_a_receiver_that_cannot_be_reached_is_a_failure_and_no_crash(url: str) -> None:
    outcome = send(url)
    assert not outcome.succeeded
    assert outcome.code in {"unreachable", "broken_answer"}


@pytest.mark.parametrize(
    "url",
    [
        "https://xn--a.example/x",
        "https://",
        "https://a.example:x/",
        "https://\x00/",
        "http:///nowhere",
        "no url",
    ],
)
def test_an_address_that_nobody_can_call_is_no_fault_of_ours(url: str) -> None:
    assert send(url) == Outcome(succeeded=False, code="bad_address")


def test_the_connection_is_kept_between_deliveries(receiver: Receiver) -> None:
    ports: set[Any] = set()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address)
        say(handler, 200, b"{}")

    receiver.answer = answer
    with Line() as line:
        webhook = Webhook(line, receiver.url, SECRET)
        for _ in range(3):
            assert line.submit(webhook.deliver(uuid4(), PAYLOAD)).result(10).succeeded
    assert len(ports) == 1

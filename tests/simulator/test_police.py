import hmac
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.clock import Clock
from simulator.police import PoliceDesk, signature_fault
from tests.alerts.receiver import open_receiver, say
from tests.house import wait_until

SECRET = b"shared with the receiver"
NOW_S = 1_790_000_000.0
MESSAGE = {
    "id": "n-1",
    "msgType": "Alert",
    "status": "Exercise",
    "alert": {"kind": "zone_breach", "severity": 1},
}


def signed(body: bytes, stamp: int = int(NOW_S), secret: bytes = SECRET) -> str:
    digest = hmac.new(secret, f"{stamp}.".encode() + body, "sha256").hexdigest()
    return f"t={stamp},v1={digest}"


class Desk:
    def __init__(self, **how: Any) -> None:
        self.lines: list[str] = []
        self.server = PoliceDesk(0, SECRET, Clock(NOW_S), self.lines.append, **how)
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def post(self, message: Any, header: str | None = None) -> httpx.Response:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        headers = {"X-Baken-Signature": signed(body) if header is None else header}
        return httpx.post(f"http://127.0.0.1:{self.server.port}/", content=body, headers=headers)

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def desk() -> Iterator[Desk]:
    running = Desk()
    yield running
    running.stop()


def test_a_signed_message_is_received_and_told_in_one_line(desk: Desk) -> None:
    answer = desk.post(MESSAGE)
    assert (answer.status_code, answer.json()) == (200, {"received": "n-1"})
    assert desk.lines == ["Exercise  Alert  zone_breach  severity 1  n-1"]


def test_a_repeat_is_answered_alike_and_kept_once(desk: Desk) -> None:
    assert desk.post(MESSAGE).status_code == desk.post(MESSAGE).status_code == 200
    assert list(desk.server.received) == ["n-1"]
    assert desk.server.repeats == 1


def test_what_is_not_signed_with_the_secret_is_refused(desk: Desk) -> None:
    assert desk.post(MESSAGE, "").status_code == 401
    assert desk.post(MESSAGE, signed(b"other")).status_code == 401
    assert desk.post(MESSAGE, signed(json.dumps(MESSAGE).encode(), secret=b"guess")).status_code == 401
    assert desk.server.received == {}


def test_signed_nonsense_is_a_bad_request(desk: Desk) -> None:
    for body in (b"[]", b"{}", b"no json"):
        assert desk.post(body).status_code == 400
    assert desk.post(b"x" * (1024 * 1024 + 1)).status_code == 413


def test_it_fails_on_purpose_and_takes_the_next() -> None:
    failing = Desk(fail_every=2)
    statuses = [failing.post(MESSAGE | {"id": str(n)}).status_code for n in range(4)]
    failing.stop()
    assert statuses == [200, 500, 200, 500]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (signed(b"body"), ""),
        (signed(b"body", int(NOW_S) - 299), ""),
        (signed(b"body", int(NOW_S) - 301), "signature too old"),
        (signed(b"body", int(NOW_S) + 301), "signature too old"),
        (signed(b"Body"), "wrong signature"),
        ("v1=abc", "no signature"),
        ("t=12", "no signature"),
        ("t=soon,v1=abc", "no signature"),
        ("t=12,v1=é", "wrong signature"),
    ],
)
def test_a_signature_covers_time_and_body(header: str, fault: str) -> None:
    assert signature_fault(SECRET, header, b"body", NOW_S) == fault


CAP_EXAMPLE = Path(__file__).parents[2] / "ops/contracts/examples/webhook/alert.cap.xml"


def test_cap_is_understood_as_json_is(desk: Desk) -> None:
    body = CAP_EXAMPLE.read_bytes()
    message_id = "b6a2f0b4-3f4e-4f0a-9a51-3c9f3a7d1e20"
    assert desk.post(body).json() == {"received": message_id}
    assert desk.lines == [f"Exercise  Alert  proximity_breach  severity 1  {message_id}"]


@pytest.mark.parametrize(
    "body",
    [
        b"<alert/>",
        b"<alert",
        b'<!DOCTYPE a [<!ENTITY e "x">]><alert>&e;</alert>',
        b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><sender>x</sender></alert>',
    ],
)
def test_xml_that_is_no_cap_is_a_bad_request(desk: Desk, body: bytes) -> None:
    assert desk.post(body).status_code == 400
    assert desk.server.received == {}


def test_each_message_is_acknowledged_once_with_a_signature() -> None:
    with open_receiver() as control:
        desk = Desk(ack_url=control.url)
        for _twice in range(2):
            desk.post(MESSAGE)
        wait_until(lambda: "acked    n-1" in desk.lines)
        desk.stop()
    (ack,) = control.deliveries
    said = json.loads(ack.body)
    assert (said["msgType"], said["references"], said["who"]) == ("Ack", ["n-1"], "desk-1")
    assert signature_fault(SECRET, ack.headers["X-Baken-Signature"], ack.body, NOW_S) == ""


def test_an_acknowledgement_that_is_not_taken_is_said() -> None:
    with open_receiver() as control:
        control.answer = lambda handler: say(handler, 404)
        refused = Desk(ack_url=control.url)
        refused.post(MESSAGE)
        wait_until(lambda: "ack refused: 404" in refused.lines)
        refused.stop()
    unheard = Desk(ack_url="http://127.0.0.1:1/")
    unheard.post(MESSAGE)
    wait_until(lambda: "not acknowledged: ConnectError" in unheard.lines)
    unheard.stop()

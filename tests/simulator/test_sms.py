import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from simulator.clock import Clock
from simulator.police import signature_fault
from simulator.sms import SmsGateway
from tests.alerts.receiver import open_receiver
from tests.house import wait_until

TEXT = {"id": "t-1", "to": "+31612345678", "text": "Baken: alert 1a2b3c4d waits at the control room."}
TOKEN = "token"
NOW_S = 1_790_000_000.0


@contextmanager
def running(lines: list[str], receipt_url: str | None = None) -> Iterator[SmsGateway]:
    with SmsGateway(0, "token", Clock(NOW_S), lines.append, receipt_url) as gateway:
        thread = threading.Thread(target=gateway.serve_forever, daemon=True)
        thread.start()
        yield gateway
        gateway.shutdown()
        thread.join()


def post(gateway: SmsGateway, body: bytes, token: str = TOKEN) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"http://127.0.0.1:{gateway.port}/", content=body, headers=headers)


def test_a_text_is_taken_once_and_printed_without_its_number() -> None:
    lines: list[str] = []
    with running(lines) as gateway:
        answers = [post(gateway, json.dumps(TEXT).encode()) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"id": "t-1", "status": "accepted"}] * 2
    assert lines == [f"to …678  {TEXT['text']}"]


@pytest.mark.parametrize(
    ("body", "token", "status"),
    [(b"{}", "token", 400), (b"[]", "token", 400), (b"no", "token", 400), (b"{}", "other", 401)],
)
def test_what_is_no_text_or_not_ours_is_refused(body: bytes, token: str, status: int) -> None:
    with running([]) as gateway:
        assert post(gateway, body, token).status_code == status
        assert gateway.received == {}


def test_what_is_too_long_is_refused() -> None:
    with running([]) as gateway:
        assert post(gateway, b"x" * (1024 * 1024 + 1)).status_code == 413


def test_each_text_is_reported_with_a_signature() -> None:
    lines: list[str] = []
    with open_receiver() as control, running(lines, control.url) as gateway:
        post(gateway, json.dumps(TEXT).encode())
        wait_until(lambda: "reported t-1: 200" in lines)
    (report,) = control.deliveries
    assert json.loads(report.body) == {"id": "t-1", "status": "delivered"}
    assert signature_fault(b"token", report.headers["X-Baken-Signature"], report.body, NOW_S) == ""


def test_a_report_that_nobody_takes_is_said() -> None:
    lines: list[str] = []
    with running(lines, "http://127.0.0.1:1/") as gateway:
        post(gateway, json.dumps(TEXT).encode())
        wait_until(lambda: "not reported: ConnectError" in lines)

"""A lane with a real database and a real receiver: what hangs or fails holds up nothing that is worse."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from api.alerts import service
from api.alerts.channels import http
from api.alerts.channels.futures import settled
from api.alerts.channels.http import Line
from api.alerts.channels.webhook import Webhook
from api.alerts.lanes import breaker
from api.alerts.lanes.lane import RESERVED, SLOTS, Lane, Send
from api.alerts.model import Channel, Doubt, Notification, NotificationState
from api.alerts.service import Outcome
from api.kernel import clock
from api.kernel.db import reading
from tests.alerts.receiver import Receiver, open_receiver, say
from tests.alerts.stage import Stage, make_event, make_stage
from tests.house import wait_until

WEBHOOK = Channel.POLICE_WEBHOOK
GOOD = Outcome(succeeded=True, code="200")
BAD = Outcome(succeeded=False, code="503")


@pytest.fixture
def stage(engine: Engine) -> Stage:
    return make_stage(engine)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


@contextmanager
def running(stage: Stage, send: Send) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Lane(stage.engine, WEBHOOK, send).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def sending_to(stage: Stage, receiver: Receiver) -> Iterator[None]:
    with Line() as line:
        webhook = Webhook(line, receiver.url, b"secret")
        with running(stage, lambda claimed, _urgent: webhook.send(claimed)):
            yield


def tell(stage: Stage, count: int, *, is_worst: bool = True) -> set[UUID]:
    """So many alerts of severity 1 (or 2); returns the messages to the police."""
    now = clock.now()
    doubts = () if is_worst else (Doubt.COARSE,)
    before = messages(stage).keys()
    stage.tell(*[make_event(order_id=uuid4(), occurred_at=now, doubts=doubts) for _ in range(count)], now=now)
    return messages(stage).keys() - before


def messages(stage: Stage) -> dict[UUID, Notification]:
    with reading(stage.engine) as session:
        return {one.id: one for one in service.born_after(session, 0) if one.channel == WEBHOOK}


def states(stage: Stage, ids: set[UUID]) -> set[NotificationState]:
    kept = messages(stage)
    return {kept[one].state for one in ids}


def severity(receiver: Receiver, handler: BaseHTTPRequestHandler) -> int:
    (body,) = [
        delivery.body
        for delivery in receiver.deliveries
        if delivery.headers["X-Baken-Id"] == handler.headers["X-Baken-Id"]
    ][-1:]
    return int(json.loads(body)["alert"]["severity"])


def system_alerts(stage: Stage) -> list[bool]:
    return [alert.ongoing for alert in stage.alerts() if alert.family == "system"]


def test_places_stay_free_for_the_worst_while_everything_else_hangs(stage: Stage, receiver: Receiver) -> None:
    release = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if severity(receiver, handler) > 1:
            release.wait(10)
        say(handler, 200)

    receiver.answer = answer
    milder = tell(stage, 60, is_worst=False)
    with sending_to(stage, receiver):
        # More than that when the first ones have run into their deadline before the last begins.
        wait_until(lambda: len(receiver.deliveries) >= SLOTS - RESERVED, timeout_s=40)
        worst = tell(stage, 4)
        wait_until(lambda: states(stage, worst) == {NotificationState.SENT}, timeout_s=3)
        assert states(stage, milder) == {NotificationState.PENDING}
        release.set()
        wait_until(lambda: states(stage, milder) == {NotificationState.SENT})


def test_what_is_done_is_recorded_while_others_still_hang(stage: Stage, receiver: Receiver) -> None:
    release = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if len(receiver.deliveries) == 1:
            release.wait(10)
        say(handler, 200)

    receiver.answer = answer
    tell(stage, 10)
    with sending_to(stage, receiver):
        wait_until(lambda: sum(one.state == "sent" for one in messages(stage).values()) == 9, timeout_s=4)
        release.set()
        wait_until(lambda: all(one.state == "sent" for one in messages(stage).values()))
    assert len(receiver.deliveries) == 10


def test_one_that_is_always_refused_holds_up_none_and_staff_hear_of_it(
    stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.alerts.rules.retries.FIRST_RETRY_S", 0.02)
    (poisoned,) = tell(stage, 1)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        say(handler, 400 if handler.headers["X-Baken-Id"] == str(poisoned) else 200)

    receiver.answer = answer
    with sending_to(stage, receiver):
        wait_until(lambda: messages(stage)[poisoned].attempts >= 6)
        assert system_alerts(stage) == [True]
        others = tell(stage, 5)
        wait_until(lambda: states(stage, others) == {NotificationState.SENT}, timeout_s=4)
    assert messages(stage)[poisoned].state == NotificationState.PENDING


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the real times, for receivers that are away for a while."""
    monkeypatch.setattr(breaker, "PROBE_EVERY_S", 0.5)
    monkeypatch.setattr("api.alerts.rules.retries.FIRST_RETRY_S", 0.1)
    monkeypatch.setattr("api.alerts.rules.retries.LAST_RETRY_S", 1.0)
    monkeypatch.setattr(http, "DEADLINE_S", 0.5)


def _fails(handler: BaseHTTPRequestHandler) -> None:
    say(handler, 503)


def _hangs(_handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.5)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("down", [_fails, _hangs])
def test_a_receiver_that_is_down_is_only_probed_and_gets_everything_once_it_is_back(
    stage: Stage, receiver: Receiver, down: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    receiver.answer = down
    first = tell(stage, 20)
    with sending_to(stage, receiver):
        wait_until(lambda: system_alerts(stage) == [True])
        time.sleep(1.0)  # what was on its way ends
        seen = len(receiver.deliveries)
        more = tell(stage, 40, is_worst=False)
        time.sleep(2.0)
        assert len(receiver.deliveries) - seen <= 5  # a probe each half second, not 60 messages
        more |= tell(stage, 3)
        receiver.answer = lambda handler: say(handler, 200)
        wait_until(lambda: states(stage, first | more) == {NotificationState.SENT}, timeout_s=3)
    assert system_alerts(stage) == [False]
    got = [delivery.headers["X-Baken-Id"] for delivery in receiver.deliveries]
    assert {str(one) for one in first | more} <= set(got)


class Chosen:
    """A way out whose outcomes the test decides; `taken` are the claims."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.taken: list[UUID] = []

    def send(self, claimed: Sequence[Notification], _urgent: bool) -> list[Future[Outcome]]:
        self.taken += [one.id for one in claimed]
        return [settled(self.outcome) for _one in claimed]


def test_the_worst_get_their_first_try_at_once_even_when_everything_else_has_failed(
    stage: Stage, receiver: Receiver
) -> None:
    """A receiver that fails at five others in a row may still take a call for help."""
    receiver.answer = lambda handler: say(handler, 503 if severity(receiver, handler) > 1 else 200)
    milder = tell(stage, 10, is_worst=False)
    with sending_to(stage, receiver):
        wait_until(lambda: system_alerts(stage) == [True])
        worst = tell(stage, 2)
        wait_until(lambda: states(stage, worst) == {NotificationState.SENT}, timeout_s=3)
    assert states(stage, milder) == {NotificationState.PENDING}


@pytest.mark.usefixtures("quick")
def test_a_new_message_is_probed_before_one_that_has_failed_often(stage: Stage) -> None:
    (old,) = tell(stage, 1)
    way = Chosen(BAD)
    with running(stage, way.send):
        wait_until(lambda: messages(stage)[old].attempts >= breaker.OPENS_AFTER)
        (new,) = tell(stage, 1)
        count = len(way.taken)
        wait_until(lambda: len(way.taken) > count)
        assert way.taken[count:][0] in {new, old}
        wait_until(lambda: new in way.taken, timeout_s=3)


@pytest.mark.usefixtures("quick")
def test_a_probe_that_tells_nothing_of_the_channel_is_followed_by_another(stage: Stage) -> None:
    tell(stage, 8)
    way = Chosen(BAD)
    with running(stage, way.send):
        wait_until(lambda: system_alerts(stage) == [True])
        way.outcome = Outcome(succeeded=False, code="gone", is_final=True)
        wait_until(lambda: {one.state for one in messages(stage).values()} == {NotificationState.FAILED})


def test_what_was_sent_is_recorded_once_the_database_is_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.alerts.lanes.lane.DATABASE_AWAY_S", 0.05)
    real, failures = service.record_attempts, iter(range(3))

    def record(*arguments: Any) -> None:
        if next(failures, None) is not None:
            raise OperationalError("record", None, Exception("away"))
        real(*arguments)

    monkeypatch.setattr(service, "record_attempts", record)
    told = tell(stage, 3)
    way = Chosen(GOOD)
    with running(stage, way.send):
        wait_until(lambda: states(stage, told) == {NotificationState.SENT})
    assert len(way.taken) == 3  # sent once each, though the database was away when it was to be noted


def test_a_fault_of_ours_is_a_failed_try_of_that_message_alone(stage: Stage) -> None:
    told = tell(stage, 3)
    poisoned = min(told)

    def send(claimed: Sequence[Notification], _urgent: bool) -> list[Future[Outcome]]:
        futures: list[Future[Outcome]] = []
        for one in claimed:
            future: Future[Outcome] = Future()
            if one.id == poisoned:
                future.set_exception(ZeroDivisionError())
            else:
                future.set_result(GOOD)
            futures.append(future)
        return futures

    with running(stage, send):
        wait_until(lambda: states(stage, told - {poisoned}) == {NotificationState.SENT})
        wait_until(lambda: messages(stage)[poisoned].attempts >= 1)
    assert messages(stage)[poisoned].state == NotificationState.PENDING


def test_what_is_on_its_way_when_we_are_stopped_is_still_recorded(stage: Stage, receiver: Receiver) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.5)
        say(handler, 200)

    receiver.answer = answer
    told = tell(stage, 3)
    with sending_to(stage, receiver):
        wait_until(lambda: len(receiver.deliveries) == 3)
    assert states(stage, told) == {NotificationState.SENT}


def test_places_that_are_taken_are_not_given_again(stage: Stage) -> None:
    tell(stage, SLOTS + 10)
    waiting: list[Future[Outcome]] = []

    def send(claimed: Sequence[Notification], _urgent: bool) -> list[Future[Outcome]]:
        futures: list[Future[Outcome]] = [Future() for _one in claimed]
        waiting.extend(futures)
        return futures

    with running(stage, send):
        wait_until(lambda: len(waiting) >= SLOTS)
        time.sleep(0.3)
        assert len(waiting) == SLOTS
        for future in waiting[:SLOTS]:
            future.set_result(GOOD)
        wait_until(lambda: len(waiting) == SLOTS + 10)
        for future in waiting[SLOTS:]:
            future.set_result(GOOD)

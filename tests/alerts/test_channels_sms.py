"""SMS to staff: through a gateway on loopback, with numbers that only the moment of sending knows."""

import json
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from api.accounts import routes as accounts
from api.alerts import dispatcher, routes
from api.alerts.model import Channel, NotificationState
from api.alerts.service.sending import MessageNotFound
from api.alerts.service.texting import PhonesOf, take_sms_receipt
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.crypto import signature
from api.kernel.db import transaction
from tests.accounts.hosts import make_host
from tests.alerts.receiver import Receiver, open_receiver, say
from tests.alerts.sent import add_message, message, outcomes_of
from tests.house import free_ports, wait_until

TOKEN = "token-of-the-gateway"
OFFICER = uuid4()


@pytest.fixture
def gateway() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


def phones_of(_session: Session, people: Collection[UUID]) -> dict[UUID, str]:
    return {person_id: "+31612345678" for person_id in people if person_id == OFFICER}


@contextmanager
def running(engine: Engine, environ: dict[str, str], phones: PhonesOf = phones_of) -> Iterator[None]:
    port = str(free_ports(1)[0])
    settings = Settings.from_env({"BAKEN_SERVER_KEY": "5e" * 32, "BAKEN_MQTT_PORT": port} | environ)
    stop = threading.Event()
    work = threading.Thread(target=dispatcher._run_sms, args=(settings, engine, stop, phones))
    work.start()
    try:
        yield
    finally:
        stop.set()
        work.join(20)
        assert not work.is_alive()


def add_sms(engine: Engine, recipient: UUID = OFFICER, **more: Any) -> UUID:
    payload = {
        "recipient_id": str(recipient),
        "text_key": "alert_waits",
        "reference": "1a2b3c4d",
        "severity": 1,
    }
    return add_message(engine, Channel.SMS, payload | more)


def settings_for(gateway: Receiver) -> dict[str, str]:
    return {"BAKEN_SMS_URL": gateway.url, "BAKEN_SMS_TOKEN": TOKEN}


def is_in(engine: Engine, message_id: UUID, state: NotificationState) -> bool:
    return message(engine, message_id).state == state


def test_a_text_goes_to_the_number_of_the_moment_and_is_sent(engine: Engine, gateway: Receiver) -> None:
    sms = add_sms(engine)
    with running(engine, settings_for(gateway)):
        wait_until(lambda: is_in(engine, sms, NotificationState.SENT))
    (delivery,) = gateway.deliveries
    assert delivery.headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(delivery.body) == {
        "id": str(sms),
        "to": "+31612345678",
        "text": "Baken: alert 1a2b3c4d (severity 1) waits at the control room.",
    }
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT payload FROM notification")).scalar_one()
        audited = connection.execute(text("SELECT act, object_id FROM audit")).all()
    assert "612345678" not in str(kept)
    assert [act for act, _whose in audited] == ["alerts.sms_number"]


def test_a_gateway_that_knows_of_the_delivery_makes_it_received(engine: Engine, gateway: Receiver) -> None:
    sms = add_sms(engine, language="nl")
    said = json.dumps({"id": str(sms), "status": "delivered"}).encode()
    gateway.answer = lambda handler: say(handler, 200, said)
    with running(engine, settings_for(gateway)):
        wait_until(lambda: is_in(engine, sms, NotificationState.RECEIVED))
    assert "meldkamer" in json.loads(gateway.deliveries[0].body)["text"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"status": "delivered"}', b"[" * 60_000, b'{"id": 1}'])
def test_rubbish_in_the_answer_is_sent_and_no_receipt(
    sqlite_engine: Engine, gateway: Receiver, body: bytes
) -> None:
    sms = add_sms(sqlite_engine)
    gateway.answer = lambda handler: say(handler, 202, body)
    with running(sqlite_engine, settings_for(gateway)):
        wait_until(lambda: is_in(sqlite_engine, sms, NotificationState.SENT))


@pytest.mark.parametrize(
    ("phones", "code"),
    [
        (lambda _session, _people: {}, "no_number"),
        (lambda _session, people: dict.fromkeys(people, "0612345678"), "bad_number"),
        (lambda _session, people: dict.fromkeys(people, "+31 6 Anna"), "bad_number"),
    ],
    ids=["unknown", "national", "no number"],
)
def test_without_a_number_that_can_be_called_it_is_given_up_at_once(
    sqlite_engine: Engine, gateway: Receiver, phones: PhonesOf, code: str
) -> None:
    sms = add_sms(sqlite_engine)
    with running(sqlite_engine, settings_for(gateway), phones):
        wait_until(lambda: is_in(sqlite_engine, sms, NotificationState.FAILED))
    assert outcomes_of(sqlite_engine, sms) == [code]
    assert gateway.deliveries == []


def test_without_a_gateway_the_message_says_so(sqlite_engine: Engine) -> None:
    sms = add_sms(sqlite_engine)
    with running(sqlite_engine, {}):
        wait_until(lambda: is_in(sqlite_engine, sms, NotificationState.FAILED))
    assert outcomes_of(sqlite_engine, sms) == ["not_configured"]


def test_a_text_that_could_hold_a_name_is_not_sent(sqlite_engine: Engine, gateway: Receiver) -> None:
    poisoned, good = add_sms(sqlite_engine, reference="Anna"), add_sms(sqlite_engine)
    with running(sqlite_engine, settings_for(gateway)):
        wait_until(lambda: is_in(sqlite_engine, good, NotificationState.SENT))
        wait_until(lambda: "our_fault" in outcomes_of(sqlite_engine, poisoned))
    assert [json.loads(delivery.body)["id"] for delivery in gateway.deliveries] == [str(good)]


def test_by_default_nobodys_number_is_known(sqlite_engine: Engine) -> None:
    with transaction(sqlite_engine) as session:
        assert dispatcher.nobodys_phones(session, [OFFICER]) == {}


def take(engine: Engine, message_id: UUID, *, is_delivered: bool) -> None:
    with transaction(engine) as session:
        take_sms_receipt(session, message_id, clock.now(), is_delivered=is_delivered)


def test_the_first_report_of_the_gateway_counts(engine: Engine) -> None:
    good, bad = add_sms(engine), add_sms(engine)
    for _twice in range(2):
        take(engine, good, is_delivered=True)
        take(engine, bad, is_delivered=False)
    take(engine, good, is_delivered=False)
    assert message(engine, good).state == NotificationState.RECEIVED
    assert message(engine, bad).state == NotificationState.FAILED
    assert outcomes_of(engine, good) == ["sms_delivered"]
    assert outcomes_of(engine, bad) == ["sms_undelivered"]


def test_a_report_of_what_is_no_sms_of_ours_is_refused(engine: Engine) -> None:
    other = add_message(engine, Channel.POLICE_WEBHOOK, {})
    for stranger in (uuid4(), other):
        with pytest.raises(MessageNotFound):
            take(engine, stranger, is_delivered=True)


@pytest.fixture
def host(sqlite_engine: Engine) -> Flask:
    return make_host(
        sqlite_engine, [routes.control_blueprint], accounts.identify_staff, BAKEN_SMS_TOKEN=TOKEN
    )


def report(host: Flask, said: object, secret: str = TOKEN) -> int:
    body = json.dumps(said).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Baken-Signature": signature(secret.encode(), int(clock.now().timestamp()), body),
    }
    return host.test_client().post("/api/sms/receipts", data=body, headers=headers).status_code


def test_the_gateway_reports_with_the_token_as_its_secret(host: Flask, sqlite_engine: Engine) -> None:
    sms = add_sms(sqlite_engine)
    said = {"id": str(sms), "status": "delivered"}
    assert report(host, said, "a guess") == 401
    assert message(sqlite_engine, sms).state == NotificationState.PENDING
    assert report(host, said) == report(host, said) == 204
    assert message(sqlite_engine, sms).state == NotificationState.RECEIVED


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"id": str(uuid4()), "status": "delivered"}, 404),
        ({"id": str(uuid4()), "status": "read"}, 422),
        ({"id": "x", "status": "delivered"}, 422),
        ({}, 422),
        ([], 422),
    ],
)
def test_a_report_that_is_wrong_is_refused(host: Flask, said: object, status: int) -> None:
    assert report(host, said) == status

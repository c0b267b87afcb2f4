import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jsonschema
import pytest
from sqlalchemy import Engine, Uuid, bindparam, text
from sqlalchemy.orm import Session

from api.alerts import dispatcher, service
from api.alerts.dispatcher import dispatch
from api.alerts.model import Channel, EventKind, NotificationState
from api.alerts.rules.telling import CHOSEN_TEXT as TEXT
from api.alerts.service import NOTHING_SET, Outcome, pushing
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.crypto import unseal
from api.kernel.db import reading, transaction
from api.kernel.heartbeats import list_heartbeats
from api.kernel.mqtt import topic_of
from api.orders import service as orders
from api.orders.model import Device
from tests.alerts.push_service import Browser
from tests.alerts.receiver import open_receiver, say
from tests.alerts.sent import add_message, message, outcomes_of
from tests.alerts.stage import Stage, breach, make_stage
from tests.house import House, free_ports, open_house, sqlite_of, wait_until

SENT = NotificationState.SENT
WEBHOOK_SCHEMA = Path(__file__).parents[2] / "ops/contracts/webhook.schema.json"


def make_settings(**more: str) -> Settings:
    values = {
        "BAKEN_SERVER_KEY": "5e" * 32,
        "BAKEN_WEBHOOK_SECRET": "shared",
        "BAKEN_MQTT_PORT": str(free_ports(1)[0]),
    }
    return Settings.from_env(values | more)


@contextmanager
def running(settings: Settings, engine: Engine) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=dispatch, args=(settings, engine, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def states(stage: Stage, channel: Channel) -> set[NotificationState]:
    return {one.state for one in stage.outbox() if one.channel == channel}


def outcomes(stage: Stage, channel: Channel) -> list[str]:
    alerts = stage.alerts()
    told = [told for alert in alerts for told in stage.detail(alert).notifications]
    return [attempt.outcome for one, attempts in told if one.channel == channel for attempt in attempts]


def tell_now(stage: Stage, **more: Any) -> None:
    now = clock.now()
    stage.tell(breach(stage, occurred_at=now, **more), now=now)


def test_police_get_a_message_that_follows_the_contract_and_their_receipt_is_kept(engine: Engine) -> None:
    stage = make_stage(engine)
    with open_receiver() as receiver:
        receiver.answer = lambda handler: say(
            handler, 200, json.dumps({"received": handler.headers["X-Baken-Id"]}).encode()
        )
        with running(make_settings(BAKEN_WEBHOOK_URL=receiver.url), engine):
            tell_now(stage)
            wait_until(lambda: states(stage, Channel.POLICE_WEBHOOK) == {NotificationState.RECEIVED})
    (delivery,) = receiver.deliveries
    body = json.loads(delivery.body)
    jsonschema.validate(
        body, json.loads(WEBHOOK_SCHEMA.read_text()), format_checker=jsonschema.FormatChecker()
    )
    assert body["status"] == "Exercise"
    assert body["msgType"] == "Alert"


def test_a_failing_receiver_is_tried_until_it_answers(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.alerts.rules.retries.FIRST_RETRY_S", 0.05)
    stage = make_stage(engine)
    with open_receiver() as receiver:
        receiver.answer = lambda handler: say(handler, 200 if len(receiver.deliveries) > 3 else 500)
        with running(make_settings(BAKEN_WEBHOOK_URL=receiver.url), engine):
            tell_now(stage)
            wait_until(lambda: states(stage, Channel.POLICE_WEBHOOK) == {NotificationState.SENT})
    assert outcomes(stage, Channel.POLICE_WEBHOOK) == ["500", "500", "500", "200"]
    assert len({delivery.headers["X-Baken-Id"] for delivery in receiver.deliveries}) == 1
    (system,) = [alert for alert in stage.alerts() if alert.family == "system"]
    assert not system.ongoing


def test_without_a_receiver_the_message_says_that_police_were_not_told(engine: Engine) -> None:
    stage = make_stage(engine)
    with running(make_settings(), engine):
        tell_now(stage)
        wait_until(lambda: states(stage, Channel.POLICE_WEBHOOK) == {NotificationState.FAILED})
    assert outcomes(stage, Channel.POLICE_WEBHOOK) == ["not_configured"]
    assert [alert.family for alert in stage.alerts()] == ["approach"]


def test_a_dead_broker_does_not_hold_up_the_police(engine: Engine) -> None:
    stage = make_stage(engine)
    with open_receiver() as receiver, running(make_settings(BAKEN_WEBHOOK_URL=receiver.url), engine):
        tell_now(stage)
        wait_until(lambda: states(stage, Channel.POLICE_WEBHOOK) == {NotificationState.SENT}, timeout_s=1.5)
        assert states(stage, Channel.DEVICE) == {NotificationState.PENDING}
        wait_until(lambda: "broker_away" in outcomes(stage, Channel.DEVICE))


def test_a_poisoned_message_stops_none_of_the_others(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = make_stage(engine)
    tell_now(stage)
    (poisoned,) = [one.id for one in stage.outbox() if one.device_id == stage.ankle.id]

    def send(_publisher: object, topic: str, _payload: bytes) -> Outcome:
        if topic == topic_of(stage.ankle.shard, stage.ankle.id, "cmd"):
            raise ZeroDivisionError
        return Outcome(succeeded=True, code="accepted")

    monkeypatch.setattr(dispatcher, "send_command", send)
    with running(make_settings(), engine):
        wait_until(lambda: len(outcomes(stage, Channel.DEVICE)) >= 3)
    assert sorted(outcomes(stage, Channel.DEVICE))[:3] == ["accepted", "accepted", "our_fault"]
    (one,) = [one for one in stage.outbox() if one.id == poisoned]
    assert one.state == NotificationState.PENDING


def test_what_nobody_can_read_fails_alone_and_the_others_go_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "send_command", lambda *_: Outcome(succeeded=True, code="accepted"))
    stages = [make_stage(engine, sealed=True) for _ in range(2)]
    with open_receiver() as maker:
        maker.answer = lambda handler: say(handler, 201)
        settings = make_settings(BAKEN_PUSH_HOSTS="127.0.0.1", BAKEN_VAPID_SUBJECT="mailto:a@example.org")
        pushes = []
        for stage in stages:
            said = Browser(maker.url).subscription
            keys = said["keys"]["p256dh"], said["keys"]["auth"]
            with transaction(engine) as session:
                at_maker = pushing.subscribe(
                    session, stage.people[0], said["endpoint"], *keys, ("127.0.0.1",), clock.now()
                )
            pushes.append(add_message(engine, Channel.WEB_PUSH, {"subscription_id": str(at_maker), TEXT: 0}))
            tell_now(stage)
        with transaction(engine) as session:
            nobody = {"value": b"\x00\x11"}
            first = {"id": stages[0].people[0]}
            spoil = text("update push_subscription set auth_sealed = :value where person_id = :id")
            session.execute(spoil.bindparams(bindparam("id", type_=Uuid())), nobody | first)
            spoil = text("update device set sealing_key_sealed = :value where id = :id")
            spoil = spoil.bindparams(bindparam("id", type_=Uuid()))
            session.execute(spoil, nobody | {"id": stages[0].ankle.id})
        with running(settings, engine):
            wait_until(lambda: message(engine, pushes[1]).state is NotificationState.SENT)
            wait_until(lambda: message(engine, pushes[0]).state is NotificationState.FAILED)
            wait_until(lambda: states(stages[0], Channel.DEVICE) == {SENT, NotificationState.FAILED})
    assert outcomes_of(engine, pushes[0]) == ["unreadable"]
    failed = [one for one in stages[0].outbox() if one.device_id == stages[0].ankle.id]
    assert {tuple(outcomes_of(engine, one.id)) for one in failed} == {("unreadable",)}
    others = [one.id for one in stages[0].outbox() if one.channel == Channel.DEVICE and one not in failed]
    assert {tuple(outcomes_of(engine, one)) for one in others} == {("accepted",)}


def test_a_fault_while_messages_are_prepared_is_tried_again_and_holds_up_nobody(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "send_command", lambda *_: Outcome(succeeded=True, code="accepted"))
    stage = make_stage(engine)
    read = orders.list_devices

    def find(session: Session, wanted: set[UUID]) -> list[Device]:
        if stage.ankle.id in wanted:
            raise ZeroDivisionError
        return read(session, wanted)

    monkeypatch.setattr(orders, "list_devices", find)
    tell_now(stage)
    with running(make_settings(), engine):
        wait_until(lambda: len(outcomes(stage, Channel.DEVICE)) >= 3)
    assert sorted(outcomes(stage, Channel.DEVICE))[:3] == ["accepted", "accepted", "our_fault"]


def test_a_retired_device_gets_nothing_more(engine: Engine) -> None:
    stage = make_stage(engine)
    tell_now(stage)
    with transaction(engine) as session:
        orders.unassign_device(session, stage.ankle.id, None, clock.now())
        orders.retire_device(session, stage.ankle.id, None, clock.now())
    with running(make_settings(), engine):
        wait_until(lambda: "device_retired" in outcomes(stage, Channel.DEVICE))


def test_two_dispatchers_send_each_message_once(engine: Engine) -> None:
    stages = [make_stage(engine) for _ in range(12)]
    with open_receiver() as receiver:
        settings = make_settings(BAKEN_WEBHOOK_URL=receiver.url)
        with running(settings, engine), running(settings, engine):
            for stage in stages:
                tell_now(stage)
            sent = {NotificationState.SENT}
            wait_until(lambda: states(stages[0], Channel.POLICE_WEBHOOK) == sent, timeout_s=30)
    ids = [delivery.headers["X-Baken-Id"] for delivery in receiver.deliveries]
    assert len(ids) == len(set(ids)) == 12


def test_what_is_too_old_is_given_up_and_the_dispatcher_shows_that_it_lives(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "SWEEP_S", 0.05)
    stage = make_stage(engine)
    stage.tell(breach(stage))  # of 2026-11-23: its life is over
    with running(make_settings(), engine):
        wait_until(lambda: {one.state for one in stage.outbox()} == {NotificationState.FAILED})
    assert set(outcomes(stage, Channel.DEVICE)) == {"expired"}
    with reading(engine) as session:
        assert list_heartbeats(session)["dispatcher"].able


def test_a_fault_in_a_channels_thread_ends_the_process(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "SWEEP_S", 0.05)
    monkeypatch.setattr(dispatcher, "_run_webhook", lambda *_arguments: None)
    with pytest.raises(RuntimeError, match="thread died"):
        dispatch(make_settings(), sqlite_engine, threading.Event())


@pytest.fixture(params=[False, True], ids=["plain", "sealed"])
def sealed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def house(tmp_path: Path, sqlite_template: Path) -> Iterator[House]:
    with open_house(tmp_path / "house", sqlite_of(sqlite_template, tmp_path / "house")) as opened:
        yield opened


def test_devices_get_their_commands_through_a_real_broker(house: House, sealed: bool) -> None:
    stage = make_stage(house.engine, sealed=sealed)
    with transaction(house.engine) as session:
        her_device, her_secret = orders.renew_secret(session, stage.phones[0].id, None, clock.now())
        his_device, his_secret = orders.renew_secret(session, stage.ankle.id, None, clock.now())
    house.write_accounts()
    house.start("nats")
    got: dict[str, list[dict[str, Any]]] = {"hers": [], "his": []}
    for name, device, secret in (("hers", her_device, her_secret), ("his", his_device, his_secret)):
        client = house.connect(device.id.hex, secret)

        def take(
            _client: Any, _data: Any, message: Any, name: str = name, key: Any = device.sealing_key
        ) -> None:
            said = json.loads(message.payload)
            if key:
                said = json.loads(unseal(key, base64.b64decode(said["data"])))
            got[name].append(said)

        client.on_message = take
        client.subscribe(topic_of(device.shard, device.id, "cmd"), 1)
    time.sleep(0.3)  # the broker's answer to the subscription
    with running(house.settings, house.engine):
        tell_now(stage)
        wait_until(lambda: len(got["hers"]) >= 2 and got["his"])
        wait_until(lambda: states(stage, Channel.DEVICE) == {NotificationState.SENT})
        got["his"].clear()
        now = clock.now()
        with transaction(house.engine) as session:
            service.set_preferences(session, stage.people[0], replace(NOTHING_SET, wording=2), uuid4(), now)
        stage.tell(breach(stage, EventKind.PROXIMITY_BREACH, occurred_at=now), now=now)
        wait_until(lambda: len(got["hers"]) >= 4)
    assert sorted(said["action"] for said in got["hers"]) == ["message", "message", "vibrate", "vibrate"]
    shown = ["Your timer has finished.", "Weekly tip: let the dough rest."]  # before and after she chose
    assert [said["content"] for said in got["hers"] if said["content"]] == shown
    assert got["his"] == []  # proximity is nothing that he may hear of

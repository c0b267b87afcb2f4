"""OwnTracks' HTTP mode in front of a real broker: what it answers, and which lane a message takes."""

import base64
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.accounts import routes as accounts
from api.geofence.routes import intake
from api.kernel import clock
from api.kernel.crypto import seal
from api.kernel.db import transaction
from api.kernel.mqtt import INTAKE, WORKER, BrokerAway, Publisher, broker_password, topic_of
from api.orders import service as orders
from api.orders.model import Device
from tests.accounts.hosts import make_host
from tests.house import House, open_house, sqlite_of, wait_until
from tests.scene import HOME, location


@pytest.fixture
def house(tmp_path: Path, sqlite_template: Path) -> Iterator[House]:
    home = tmp_path / "home"
    with open_house(home, sqlite_of(sqlite_template, home)) as house:
        yield house


@pytest.fixture
def app(house: House) -> Iterator[Flask]:
    """The app host with this one route; its connection to the broker ends with the test."""
    names = ("BAKEN_MQTT_PORT", "BAKEN_SERVER_KEY")
    environ = {name: house.environ[name] for name in names}
    app = make_host(house.engine, (intake.blueprint,), accounts.identify_person, **environ)
    yield app
    if publisher := app.extensions.get("baken.publisher"):
        publisher.stop()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


class Listener:
    """Hears at the broker what the worker would hear."""

    def __init__(self, house: House) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._client = house.connect(WORKER, broker_password(house.settings.server_key, WORKER))
        self._client.on_message = lambda _client, _data, message: self.heard.append(
            (message.topic, bytes(message.payload))
        )
        granted: list[Any] = []
        self._client.on_subscribe = lambda *arguments: granted.append(arguments)
        self._client.subscribe("em/v1/#", 1)
        wait_until(lambda: granted)


@pytest.fixture
def listener(house: House) -> Listener:
    house.start("nats")
    return Listener(house)


def post(client: FlaskClient, device: Device, secret: str, payload: bytes) -> TestResponse:
    return client.post("/pub", data=payload, auth=(device.id.hex, secret))


def message(name: str, /, **more: Any) -> bytes:
    tst = int(clock.now().timestamp())
    return json.dumps({"_type": name, "tst": tst, "seq": 1} | more).encode()


def sealed_by(device: Device, plain: bytes) -> bytes:
    assert device.sealing_key is not None
    data = base64.b64encode(seal(device.sealing_key, plain)).decode()
    return json.dumps({"_type": "encrypted", "data": data}).encode()


@contextmanager
def paused(house: House) -> Iterator[None]:
    """The broker takes no step, as on a machine that stalls."""
    broker = house.running["nats"]
    broker.send_signal(signal.SIGSTOP)
    threads = Path(f"/proc/{broker.pid}/task")
    wait_until(lambda: all(") T " in stat.read_text() for stat in threads.glob("*/stat")))
    try:
        yield
    finally:
        broker.send_signal(signal.SIGCONT)


def test_a_message_reaches_the_broker_as_it_was_sent_on_its_device_s_topic(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    device, secret = house.add_device()
    payload = location(HOME, clock.now(), topic="owntracks/anna/phone", tid="an")
    answer = post(client, device, secret, payload)
    assert (answer.status_code, answer.get_json()) == (200, [])
    wait_until(lambda: listener.heard)
    post(client, device, secret, payload)
    wait_until(lambda: len(listener.heard) == 2)
    assert listener.heard == [(topic_of(device.shard, device.id), payload)] * 2


def test_who_cannot_say_who_he_is_gets_401_and_nothing_is_published(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    device, secret = house.add_device()
    retired, retired_secret = house.add_device()
    with transaction(house.engine) as session:
        orders.retire_device(session, retired.id, None, clock.now())
    name = device.id.hex
    strangers: list[Any] = [
        {},
        {"auth": (name, "wrong")},
        {"auth": (name, "")},
        {"auth": ("", secret)},
        {"auth": ("0" * 32, secret)},
        {"auth": ("no device", secret)},
        {"auth": (retired.id.hex, retired_secret)},
        {"auth": (retired.id.hex, secret)},
        {"headers": {"Authorization": f"Bearer {secret}"}},
        {"headers": {"Authorization": "Basic !"}},
        {"headers": {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}},
    ]
    for stranger in strangers:
        answer = client.post("/pub", data=location(HOME, clock.now()), **stranger)
        assert (answer.status_code, answer.data) == (401, b""), stranger
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="-"'
    assert post(client, device, secret, b"known").status_code == 200
    wait_until(lambda: listener.heard)
    assert [payload for _topic, payload in listener.heard] == [b"known"]


LANES = {
    "a position": ("", message("location", lat=52.0, lon=4.0)),
    "a status": ("", message("status", batt=50)),
    "a call for help": ("alarm", message("alarm", kind="sos")),
    "an alarm of a kind we do not know": ("alarm", message("alarm", kind="earthquake")),
    "an alarm from a broken clock": ("alarm", message("alarm", kind="sos", tst=-1e300)),
    "a receipt": ("receipt", message("receipt", id="0" * 32, outcome="done")),
    "no JSON": ("", b"{"),
    "nothing": ("", b""),
    "an unknown type": ("", message("teleport")),
    "an alarm without its time": ("alarm", b'{"_type":"alarm","kind":"sos"}'),
    "an alarm whose kind is no word": ("alarm", message("alarm", kind=None)),
}


READABLE = [
    said for said in LANES if said not in {"an alarm without its time", "an alarm whose kind is no word"}
]


def lanes_taken(
    client: FlaskClient, listener: Listener, payloads: dict[str, bytes], device: tuple[Device, str]
) -> dict[str, str]:
    """Post each message; return the lane in which the broker had it, byte for byte."""
    for payload in payloads.values():
        assert post(client, *device, payload).status_code == 200
    wait_until(lambda: len(listener.heard) == len(payloads))
    topics = {payload: topic for topic, payload in listener.heard}
    own = topic_of(device[0].shard, device[0].id)
    return {said: topics[payload].removeprefix(own).removeprefix("/") for said, payload in payloads.items()}


def test_each_message_takes_its_lane_and_what_cannot_be_read_is_taken_too(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    payloads = {said: LANES[said][1] for said in READABLE}
    taken = lanes_taken(client, listener, payloads, house.add_device())
    assert taken == {said: LANES[said][0] for said in READABLE}


def test_an_alarm_that_cannot_be_read_is_still_an_alarm(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    """The worker makes an alert of whatever is in that lane; in the other it is only kept aside."""
    payloads = {said: payload for said, (_lane, payload) in LANES.items() if said not in READABLE}
    taken = lanes_taken(client, listener, payloads, house.add_device())
    assert taken == dict.fromkeys(payloads, "alarm")


def test_a_sealed_message_takes_the_lane_of_what_is_in_it(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    device, secret = house.add_device(sealed=True, require_sealed=True)
    plain = {said: LANES[said] for said in ("a position", "a call for help", "a receipt")}
    payloads = {said: sealed_by(device, payload) for said, (_lane, payload) in plain.items()}
    taken = lanes_taken(client, listener, payloads, (device, secret))
    assert taken == {said: lane for said, (lane, _payload) in plain.items()}


def test_an_alarm_that_should_have_been_sealed_is_still_an_alarm(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    device, secret = house.add_device(sealed=True, require_sealed=True)
    assert post(client, device, secret, LANES["a call for help"][1]).status_code == 200
    wait_until(lambda: listener.heard)
    assert listener.heard[0][0] == topic_of(device.shard, device.id, "alarm")


def test_200_is_said_only_after_the_broker_has_it(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    device, secret = house.add_device()
    assert post(client, device, secret, b"1").status_code == 200
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(post(client, device, secret, b"2").status_code))
    with paused(house):
        thread.start()
        time.sleep(1.0)
        assert answers == []
    thread.join(10)
    assert answers == [200]
    wait_until(lambda: len(listener.heard) == 2)


def test_a_broker_that_does_not_answer_is_503_with_a_time_to_try_again(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    device, secret = house.add_device()
    assert post(client, device, secret, b"1").status_code == 200
    with paused(house):
        answer = post(client, device, secret, b"2")
    assert (answer.status_code, answer.data, answer.headers["Retry-After"]) == (503, b"", "5")
    assert post(client, device, secret, b"2").status_code == 200  # as the phone does: nothing is lost
    wait_until(lambda: b"2" in [payload for _topic, payload in listener.heard])


def test_without_a_broker_it_is_503_until_there_is_one(client: FlaskClient, house: House) -> None:
    device, secret = house.add_device()
    began_s = time.monotonic()
    answer = post(client, device, secret, b"1")
    assert (answer.status_code, answer.data, answer.headers["Retry-After"]) == (503, b"", "5")
    assert time.monotonic() - began_s < 10
    house.start("nats")
    listener = Listener(house)
    assert wait_until(lambda: post(client, device, secret, b"2").status_code == 200, 20)
    wait_until(lambda: listener.heard)


def test_a_broker_that_dies_and_comes_back_is_found_again(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    device, secret = house.add_device()
    assert post(client, device, secret, b"1").status_code == 200
    wait_until(lambda: listener.heard)
    house.kill("nats")
    house.start("nats")
    assert wait_until(lambda: post(client, device, secret, b"2").status_code == 200, 20)


def test_a_message_too_long_for_any_device_is_refused(client: FlaskClient, house: House) -> None:
    device, secret = house.add_device()
    assert post(client, device, secret, b" " * (1024 * 1024 + 1)).status_code == 413


def test_a_connection_that_the_broker_refuses_takes_nothing(house: House, listener: Listener) -> None:
    stranger = Publisher(replace(house.settings, server_key=bytes(32)), INTAKE)
    stranger.start()
    with pytest.raises(BrokerAway):
        stranger.publish("em/v1/1/x", b"1", timeout_s=0.5)
    stranger.stop()
    ours = Publisher(house.settings, INTAKE)
    ours.start()
    with pytest.raises(BrokerAway):
        ours.publish("em/v1/#", b"a topic for many is none to publish on")
    ours.stop()
    assert listener.heard == []

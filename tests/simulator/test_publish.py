import json
import threading
import time
import uuid
from collections.abc import Callable

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from simulator.clock import Clock
from simulator.publish import BrokerRefused, Fleet
from simulator.wire import DeviceAccess, finish, unseal
from tests.simulator.conftest import Broker

KEY = bytes(range(32))


def device(key: bytes | None = None) -> DeviceAccess:
    name = uuid.uuid4().hex
    return DeviceAccess(name, f"em/v1/9/{name}", name, "secret", key)


def fleet_of(broker: Broker, *devices: DeviceAccess) -> Fleet:
    fleet = Fleet("127.0.0.1", broker.port, Clock(1_790_000_000.0))
    for each in devices:
        fleet.add(each)
    fleet.connect()
    return fleet


def listen(broker: Broker, topic: str) -> tuple[paho.Client, list[paho.MQTTMessage]]:
    heard: list[paho.MQTTMessage] = []
    ready = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
    client.on_message = lambda _client, _data, message: heard.append(message)
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", broker.port)
    client.subscribe(topic, qos=1)
    client.loop_start()
    assert ready.wait(5)
    return client, heard


def poll_until(fleet: Fleet, done: Callable[[], object], timeout_s: float = 20) -> None:
    until = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < until, "not in time"
        fleet.poll(0.05)


def test_every_message_is_acknowledged_and_arrives_in_order(broker: Broker) -> None:
    first, second = device(), device()
    client, heard = listen(broker, "em/v1/9/#")
    fleet = fleet_of(broker, first, second)
    published = [
        fleet.publish(each.id, each.topic, str(number).encode())
        for number in range(200)
        for each in (first, second)
    ]
    assert fleet.drain(10)
    poll_until(fleet, lambda: len(heard) == 400)
    assert all(one.acked_s is not None and one.acked_s >= one.sent_s for one in published)
    for each in (first, second):
        numbers = [int(message.payload) for message in heard if message.topic == each.topic]
        assert numbers == list(range(200))
    fleet.close()
    client.disconnect()
    client.loop_stop()


def test_what_is_said_while_the_broker_is_away_arrives_after_its_return(broker: Broker) -> None:
    talker = device()
    client, heard = listen(broker, "em/v1/9/#")
    fleet = fleet_of(broker, talker)
    fleet.publish(talker.id, talker.topic, b"before")
    assert fleet.drain(5)
    broker.kill()
    poll_until(fleet, lambda: not fleet._lines[talker.id].connected)
    fleet.publish(talker.id, talker.topic, b"while away")
    broker.start()
    assert fleet.drain(20)
    assert fleet.reconnects >= 1
    poll_until(fleet, lambda: b"while away" in [message.payload for message in heard])
    fleet.close()
    client.disconnect()
    client.loop_stop()


def test_a_command_is_answered_by_a_sealed_receipt(broker: Broker) -> None:
    listener = device(KEY)
    client, heard = listen(broker, f"{listener.topic}/receipt")
    fleet = fleet_of(broker, listener)
    poll_until(fleet, lambda: True)
    command = {"_type": "cmd", "id": str(uuid.uuid4()), "action": "message", "content": "x", "expires": 2**31}
    until = time.monotonic() + 10
    while not heard and time.monotonic() < until:  # the device's own subscription takes a moment
        client.publish(listener.command_topic, b"not for reading", qos=1)
        client.publish(listener.command_topic, finish(command, listener), qos=1)
        fleet.poll(0.2)
    receipt = unseal(bytes(heard[0].payload), KEY)
    assert receipt["id"] == command["id"]
    assert receipt["outcome"] == "done"
    assert receipt["tst"] >= 1_790_000_000
    assert fleet.commands[0] == (listener.id, command)
    assert json.loads(heard[0].payload)["_type"] == "encrypted"
    fleet.close()
    client.disconnect()
    client.loop_stop()


def test_a_broker_that_is_not_there_is_one_clear_error(broker: Broker) -> None:
    broker.kill()
    fleet = Fleet("127.0.0.1", broker.port, Clock(0.0))
    fleet.add(device())
    with pytest.raises(BrokerRefused, match=f"127.0.0.1:{broker.port}: Connection refused"):
        fleet.connect(0.5)
    fleet.close()

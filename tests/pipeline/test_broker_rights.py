"""What a device may do at the real broker: speak as itself, read its own commands, and nothing else."""

import json
import random
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from api.geofence.intake import POSITION_LANES, Lane, topics_of
from api.geofence.store.fixes import count_fixes
from api.geofence.store.rejected import count_rejected
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.mqtt import DISPATCHER, INTAKE, WORKER, broker_password, topic_of
from api.orders import service as orders
from api.orders.model import Device
from tests.house import House, wait_until
from tests.scene import FAR, location, make_scene

pytestmark = pytest.mark.timeout(60)

REFUSED = "Not authorized"
OWN_LANES = ("", "alarm", "receipt", "status", "event", "step", "beacon", "dump", "waypoint", "request")
SOURCE_KNOWN_ID = f"{WORKER}-positions-0-63"
"""A client id of the worker that anybody can read in our source."""


class Guest(NamedTuple):
    """A registered device and its connection."""

    device: Device
    secret: str
    client: paho.Client

    def topic(self, lane: str = "") -> str:
        return topic_of(self.device.shard, self.device.id, lane)

    def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        """Return once the broker has acknowledged (or, with QoS 0, was sent) the message."""
        info = self.client.publish(topic, payload, qos, retain)
        info.wait_for_publish(5)
        assert info.is_published()


class Ear:
    """What one of the broker's users hears on a topic filter, and whether it may listen at all."""

    def __init__(self, client: paho.Client, topic: str) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        answers: list[list[Any]] = []
        client.on_message = lambda _client, _data, message: self.heard.append(
            (message.topic, bytes(message.payload), message.retain)
        )
        client.on_subscribe = lambda _client, _data, _mid, reasons, _properties: answers.append(reasons)
        client.subscribe(topic, 1)
        wait_until(lambda: answers, 5)
        self.may_listen = not any(reason.is_failure for reason in answers[0])

    def payloads(self) -> list[bytes]:
        return [payload for _topic, payload, _retain in self.heard]


Invite = Callable[[], Guest]


@pytest.fixture
def invite(broker: House) -> Invite:
    """Registers a device and connects it."""

    def admit() -> Guest:
        device, secret = broker.add_device()
        broker.write_accounts()

        def connect() -> paho.Client | None:
            client, answer = broker.try_to_connect(device.id.hex, secret)
            return client if answer == "Success" else None

        return Guest(device, secret, wait_until(connect, 5))

    return admit


def password_of(house: House, name: str) -> str:
    return broker_password(house.settings.server_key, name)


@pytest.fixture
def ear(broker: House) -> Ear:
    """All that the worker may hear."""
    client = broker.connect(WORKER, password_of(broker, WORKER), client_id="ear")
    ear = Ear(client, "em/v1/#")
    assert ear.may_listen
    return ear


def test_what_a_device_says_on_its_own_topics_arrives(invite: Invite, ear: Ear) -> None:
    guest = invite()
    for lane in OWN_LANES:
        guest.publish(guest.topic(lane), lane.encode())
    wait_until(lambda: len(ear.heard) == len(OWN_LANES), 5)
    assert sorted(ear.heard) == sorted((guest.topic(lane), lane.encode(), False) for lane in OWN_LANES)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_what_a_device_says_as_another_is_acknowledged_and_dropped(
    invite: Invite, ear: Ear, qos: int
) -> None:
    """MQTT 3.1.1 has no word for a refused message: only silence shows a wrongly set-up device."""
    guest, other = invite(), invite()
    foreign = [other.topic(lane) for lane in (*OWN_LANES, "cmd")]
    own_elsewhere = topic_of((guest.device.shard + 1) % 64, guest.device.id)
    odd = [guest.topic("cmd"), guest.topic("alarm/x"), guest.topic("x"), f"{guest.topic()}/", own_elsewhere]
    for topic in [*foreign, *odd, "em/v1", "em/v1/0", "$MQTT/sess/x", "$SYS/x", "$JS/API/STREAM/LIST"]:
        guest.publish(topic, b"not mine", qos)
    guest.publish(guest.topic(), b"mine")
    wait_until(lambda: ear.heard, 5)
    assert ear.payloads() == [b"mine"]
    other.publish(other.topic(), b"hers")
    wait_until(lambda: ear.payloads() == [b"mine", b"hers"], 5)


def test_a_last_will_is_said_on_the_own_topic_and_dropped_on_another(
    broker: House, invite: Invite, ear: Ear
) -> None:
    guest, other = invite(), invite()
    for number, topic in enumerate((other.topic(), guest.topic())):
        client = paho.Client(CallbackAPIVersion.VERSION2, f"will-{number}")
        client.username_pw_set(guest.device.id.hex, guest.secret)
        client.will_set(topic, topic.encode(), 1)
        client.connect("127.0.0.1", broker.settings.mqtt_port)
        wait_until(partial(is_connected_after_a_turn, client), 5)
        connection = client.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)
        client.loop()
    wait_until(lambda: ear.heard, 5)
    assert [(topic, payload) for topic, payload, _retain in ear.heard] == [
        (guest.topic(), guest.topic().encode())
    ]


def is_connected_after_a_turn(client: paho.Client) -> bool:
    client.loop()
    return client.is_connected()


def test_a_device_reads_its_own_commands_and_no_others(broker: House, invite: Invite) -> None:
    guest, other = invite(), invite()
    mine = Ear(guest.client, guest.topic("cmd"))
    assert mine.may_listen
    dispatcher = broker.connect(DISPATCHER, password_of(broker, DISPATCHER))
    for topic in (other.topic("cmd"), guest.topic("cmd")):
        dispatcher.publish(topic, topic.encode(), 1).wait_for_publish(5)
    wait_until(lambda: mine.heard, 5)
    assert mine.payloads() == [guest.topic("cmd").encode()]


def test_a_device_may_listen_to_nothing_else(invite: Invite) -> None:
    guest, other = invite(), invite()
    everybodys = ["#", "em/#", "em/v1/#", "+/v1/+/+", "em/v1/+/+/cmd", "$share/group/em/v1/#"]
    inner = ["$MQTT/#", "$SYS/#", "$JS/#", "_INBOX/#"]
    own = [guest.topic(), f"{guest.topic()}/#", f"{guest.topic()}/+"]
    others = [other.topic(), other.topic("cmd"), other.topic("alarm"), f"{other.topic()}/#"]
    ears = {topic: Ear(guest.client, topic) for topic in [*everybodys, *inner, *own, *others]}
    assert [topic for topic, ear in ears.items() if ear.may_listen] == []
    other.publish(other.topic(), b"hers")
    guest.publish(guest.topic(), b"mine")
    last = Ear(guest.client, guest.topic("cmd"))  # its answer comes after whatever was on its way
    assert [ear.heard for ear in [*ears.values(), last] if ear.heard] == []


def test_a_wrong_password_is_refused_and_so_is_a_name_that_nobody_has(broker: House, invite: Invite) -> None:
    guest, other = invite(), invite()
    name = guest.device.id.hex
    wrong = [
        (name, ""),
        (name, "wrong"),
        (name, other.secret),
        (name, guest.device.secret_hash),
        (name, guest.secret + "x"),
        (name.upper(), guest.secret),
        ("", guest.secret),
        ("nobody", "secret"),
    ]
    answers = [broker.try_to_connect(*pair, client_id=f"try-{n}")[1] for n, pair in enumerate(wrong)]
    assert set(answers) <= {REFUSED, "Bad user name or password"}


def test_our_own_users_need_the_password_that_only_the_server_key_gives(
    broker: House, invite: Invite
) -> None:
    guest = invite()
    for name in (WORKER, DISPATCHER, INTAKE):
        others = [other for other in (WORKER, DISPATCHER, INTAKE) if other != name]
        guesses = [broker_password(bytes(32), name), name, guest.secret, ""]
        for number, guess in enumerate([*guesses, *(password_of(broker, other) for other in others)]):
            assert broker.try_to_connect(name, guess, client_id=f"{name}-{number}")[1] == REFUSED
        right = broker.try_to_connect(name, password_of(broker, name), client_id=f"{name}-right")
        assert right[1] == "Success"


def test_our_own_users_do_no_more_than_their_work(broker: House, invite: Invite, ear: Ear) -> None:
    """A fault in one process cannot make positions up, or read them where they are only handed on."""
    guest = invite()
    for name in (WORKER, DISPATCHER, INTAKE):
        client = broker.connect(name, password_of(broker, name))
        for lane in ("", "alarm", "receipt", "cmd"):
            client.publish(guest.topic(lane), f"{name} {lane}".encode(), 1).wait_for_publish(5)
        filters = ("#", "$SYS/#", "$JS/#") if name == WORKER else ("#", "em/v1/#", guest.topic("cmd"))
        assert not any(Ear(client, topic).may_listen for topic in filters)
    guest.publish(guest.topic(), b"last")
    wait_until(lambda: b"last" in ear.payloads(), 5)
    from_intake = [f"{INTAKE} {lane}".encode() for lane in ("", "alarm", "receipt")]
    assert sorted(ear.payloads()) == sorted([f"{DISPATCHER} cmd".encode(), *from_intake, b"last"])


def test_nobody_gets_round_the_gateway_over_the_servers_own_protocol(broker: House, invite: Invite) -> None:
    guest = invite()
    own = {"user": WORKER, "pass": password_of(broker, WORKER)}
    for login in ({"user": guest.device.id.hex, "pass": guest.secret}, own, {}):
        address = ("127.0.0.1", broker.settings.nats_port)
        with socket.create_connection(address, timeout=5) as connection, connection.makefile("rwb") as lines:
            assert lines.readline().startswith(b"INFO ")
            lines.write(b"CONNECT " + json.dumps({"verbose": False} | login).encode() + b"\r\nPING\r\n")
            lines.flush()
            assert lines.readline() == b"-ERR 'Authorization Violation'\r\n"


def test_a_retired_device_is_cut_off_and_refused_while_all_others_stay_connected(
    broker: House, invite: Invite, ear: Ear
) -> None:
    guest, other = invite(), invite()
    lost: list[Any] = []
    other.client.on_disconnect = lambda *arguments: lost.append(arguments)
    with transaction(broker.engine) as session:
        orders.retire_device(session, guest.device.id, None, clock.now())
    broker.write_accounts()
    wait_until(lambda: not guest.client.is_connected(), 5)
    assert broker.try_to_connect(guest.device.id.hex, guest.secret)[1] == REFUSED
    other.publish(other.topic(), b"still here")
    wait_until(lambda: ear.payloads() == [b"still here"], 5)
    assert lost == []


def test_a_renewed_secret_takes_effect_and_the_old_one_is_refused(broker: House, invite: Invite) -> None:
    guest = invite()
    with transaction(broker.engine) as session:
        _device, secret = orders.renew_secret(session, guest.device.id, None, clock.now())
    broker.write_accounts()
    wait_until(lambda: not guest.client.is_connected(), 5)
    name = guest.device.id.hex
    assert broker.try_to_connect(name, guest.secret, client_id="old")[1] == REFUSED
    assert broker.try_to_connect(name, secret, client_id="new")[1] == "Success"


def test_a_retained_position_is_heard_at_once_and_marked_when_it_is_given_again(
    broker: House, invite: Invite, ear: Ear
) -> None:
    """MQTT 3.1.1 cannot refuse `retain` and NATS keeps the message: its mark is all that tells."""
    guest, other = invite(), invite()
    guest.publish(guest.topic(), b"kept", retain=True)
    guest.publish(other.topic(), b"not mine", retain=True)
    wait_until(lambda: ear.heard == [(guest.topic(), b"kept", False)], 5)
    again = Ear(broker.connect(WORKER, password_of(broker, WORKER), client_id="later"), "em/v1/#")
    wait_until(lambda: again.heard, 5)
    other.publish(other.topic(), b"live")
    wait_until(lambda: len(again.heard) == 2, 5)
    assert again.heard == [(guest.topic(), b"kept", True), (other.topic(), b"live", False)]


def test_a_retained_position_that_comes_again_at_each_start_of_the_worker_changes_nothing(
    broker: House,
) -> None:
    scene = make_scene(broker.engine, clock.now())
    broker.write_accounts()
    broker.start("worker")
    ankle = broker.connect(scene.ankle.id.hex, scene.ankle_secret)
    topic = topic_of(scene.ankle.shard, scene.ankle.id)
    ankle.publish(topic, location(FAR, clock.now()), 1, retain=True).wait_for_publish(5)
    wait_until(lambda: stored(broker) == 1)
    broker.kill("worker")
    broker.start("worker")
    wait_until(lambda: broker.log_text("worker").count('"listening", "lane": "positions"') == 2)
    phone = broker.connect(scene.phone.id.hex, scene.phone_secret)
    topic = topic_of(scene.phone.shard, scene.phone.id)
    phone.publish(topic, location(FAR, clock.now()), 1).wait_for_publish(5)
    wait_until(lambda: stored(broker) >= 2)
    with reading(broker.engine) as session:
        assert (count_fixes(session), count_rejected(session)) == (2, {})


def stored(house: House) -> int:
    with reading(house.engine) as session:
        return count_fixes(session)


def lane_of(house: House) -> Lane:
    """The worker's own side of the broker."""
    topics = topics_of(house.settings.shards, POSITION_LANES)
    return Lane(house.settings, "positions", topics, chance=random.Random(1))


def turn(lane: Lane, is_done: Callable[[list[bytes]], bool], timeout_s: float = 5.0) -> list[bytes]:
    """Do the worker's rounds until `is_done` or the time is over; returns what was heard."""
    heard: list[bytes] = []
    until_s = time.monotonic() + timeout_s
    while not is_done(heard) and time.monotonic() < until_s:
        lane.keep_connected(time.monotonic())
        lane.read(100)
        heard += [received.payload for received in lane.take()]
        lane.ack_all()
        time.sleep(0.01)
    return heard


def test_a_device_that_takes_the_workers_client_id_cannot_make_it_miss_what_was_acknowledged(
    broker: House, invite: Invite
) -> None:
    """A session belongs to its client id: a clean one under the worker's id throws its queue away."""
    guest, hostile = invite(), invite()
    lane = lane_of(broker)
    turn(lane, lambda _heard: lane.is_able)
    assert lane.is_able
    lane.close()
    sent = [b"1", b"2", b"3"]
    for payload in sent:
        guest.publish(guest.topic(), payload)
    name = hostile.device.id.hex
    thief, _answer = broker.try_to_connect(name, hostile.secret, client_id=SOURCE_KNOWN_ID)
    thief.disconnect()
    heard = turn(lane, lambda heard: len(heard) >= len(sent))
    lane.close()
    assert heard == sent


def test_a_device_that_takes_the_workers_client_id_cannot_throw_it_out(broker: House, invite: Invite) -> None:
    hostile = invite()
    lane = lane_of(broker)
    turn(lane, lambda _heard: lane.is_able)
    assert lane.is_able
    broker.try_to_connect(hostile.device.id.hex, hostile.secret, client_id=SOURCE_KNOWN_ID)
    until_s = time.monotonic() + 0.5
    turn(lane, lambda _heard: not lane.is_able or time.monotonic() > until_s)
    was_able = lane.is_able
    lane.close()
    assert was_able

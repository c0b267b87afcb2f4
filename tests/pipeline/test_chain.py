"""The main job through the real processes: device → broker → worker → database → streams."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.accounts import service as accounts
from api.accounts.model import Role
from api.alerts import service as alerts
from api.alerts.model import AlertState
from api.geofence.store.fixes import count_fixes
from api.geofence.store.rejected import count_rejected
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.mqtt import topic_of
from api.orders.model import Device
from tests.accounts.persons import add_person
from tests.house import House, wait_until
from tests.scene import FAR, HOME, Scene, location, make_scene

pytestmark = pytest.mark.timeout(180)


class Listener:
    """Reads a server-sent-event stream in a thread and keeps what it says with the time of arrival."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        self.heard: list[tuple[float, str, Any]] = []
        self._client, self._url = client, url
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_until(lambda: self.heard or not self._thread.is_alive(), 10)

    def of(self, kind: str) -> list[Any]:
        return [data for _at, event, data in self.heard if event == kind]

    def _listen(self) -> None:
        event = ""
        try:
            with self._client.stream("GET", self._url, timeout=60) as answer:
                assert answer.status_code == 200, answer.read()
                self.heard.append((time.monotonic(), "open", None))
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        event = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        data = json.loads(line.removeprefix("data: "))
                        self.heard.append((time.monotonic(), event, data))
        except httpx.HTTPError:
            return  # the test is over


@pytest.fixture
def chain(house: House) -> Iterator[tuple[House, Scene, Listener, Listener]]:
    """Everything of the main job running, with both streams open."""
    scene = make_scene(house.engine, clock.now())
    with transaction(house.engine) as session:
        accounts.add_account(session, "desk", "a-long-secret", Role.OPERATOR, None, clock.now())
        number, pin = add_person(session, scene.person_id, clock.now())
    house.write_accounts()
    house.start("nats", "worker", "dispatcher", "web-control", "web-app")
    control = f"http://127.0.0.1:{house.settings.control_port}"
    app = f"http://127.0.0.1:{house.settings.app_port}"
    with httpx.Client(base_url=control) as staff, httpx.Client(base_url=app) as hers:
        answer = staff.post("/api/session", json={"login": "desk", "secret": "a-long-secret"})
        assert answer.status_code == 200, answer.text
        answer = hers.post("/session", json={"number": number, "pin": pin})
        assert answer.status_code == 200, answer.text
        yield house, scene, Listener(staff, "/api/stream"), Listener(hers, "/stream")


def publish(house: House, device: Device, secret: str, payload: bytes, lane: str = "") -> None:
    client = house.connect(device.id.hex, secret)
    info = client.publish(topic_of(device.shard, device.id, lane), payload, qos=1)
    info.wait_for_publish(10)
    client.disconnect()


def test_a_breach_reaches_the_control_room_and_her_within_seconds(
    chain: tuple[House, Scene, Listener, Listener],
) -> None:
    house, scene, staff, hers = chain
    publish(house, scene.ankle, scene.ankle_secret, location(HOME, clock.now()))
    told = wait_until(lambda: staff.of("alert"), 10)[0]
    assert told["alert"]["kind"] == "zone_breach"
    assert told["entry"]["event"]["zone_id"] == str(scene.zone_id)
    (message,) = wait_until(lambda: hers.of("message"), 10)
    assert message["text"] == "Your timer has finished."
    text = json.dumps(message).lower()
    assert not any(word in text for word in ("zone", "alert", "wearer", "52.", "51.", "police"))


def test_a_position_over_http_takes_the_same_way(chain: tuple[House, Scene, Listener, Listener]) -> None:
    house, scene, staff, _hers = chain
    url = f"http://127.0.0.1:{house.settings.app_port}/pub"
    publish(house, scene.ankle, scene.ankle_secret, location(FAR, clock.now()))
    for auth, status in (
        (None, 401),
        ((scene.phone.id.hex, "wrong"), 401),
        (("x", "y"), 401),
        ((scene.phone.id.hex, scene.phone_secret), 200),
    ):
        answer = httpx.post(url, content=location(FAR, clock.now()), auth=auth)
        assert answer.status_code == status
    assert wait_until(lambda: staff.of("alert"), 10)[0]["alert"]["kind"] == "proximity_breach"


def test_a_device_registered_or_moved_over_the_interface_is_known_within_a_second(
    chain: tuple[House, Scene, Listener, Listener],
) -> None:
    house, _scene, staff, _hers = chain
    other = make_scene(house.engine, clock.now())
    house.write_accounts()
    time.sleep(1.0)  # the issue's own bound: a change through the API takes effect within 1 s
    publish(house, other.ankle, other.ankle_secret, location(HOME, clock.now()))
    told = wait_until(lambda: staff.of("alert"), 10)[0]
    assert told["alert"]["order_id"] == str(other.order_id)


BAD = {
    "malformed": b'{"_type":',
    "out_of_range": b'{"_type":"location","lat":91,"lon":4,"tst":1}',
    "too_large": b"x" * 1_048_576,
    "ancient": b'{"_type":"location","lat":52,"lon":4,"tst":-2147483648}',
}


def test_bad_messages_stall_nothing_and_the_next_good_one_is_judged(
    chain: tuple[House, Scene, Listener, Listener],
) -> None:
    house, scene, staff, _hers = chain
    for payload in BAD.values():
        publish(house, scene.ankle, scene.ankle_secret, payload)
    publish(house, scene.ankle, scene.ankle_secret, location(HOME, clock.now()))
    assert wait_until(lambda: staff.of("alert"), 10)[0]["alert"]["kind"] == "zone_breach"
    with reading(house.engine) as session:
        assert count_rejected(session) == dict.fromkeys(BAD, 1)


def test_what_the_broker_took_while_the_worker_was_dead_is_judged_afterwards(
    chain: tuple[House, Scene, Listener, Listener],
) -> None:
    house, scene, staff, _hers = chain
    house.kill("worker")
    publish(house, scene.ankle, scene.ankle_secret, location(FAR, clock.now()))
    publish(house, scene.phone, scene.phone_secret, location(HOME, clock.now()))
    house.kill("nats")
    house.start("nats", "worker")
    publish(house, scene.ankle, scene.ankle_secret, location(HOME, clock.now()))
    wait_until(lambda: staff.of("alert"), 20)
    wait_until(lambda: _stored(house) == 3, 20)
    with reading(house.engine) as session:
        (view,) = alerts.list_alerts(session, {AlertState.OPEN})
    assert view.alert.order_id == scene.order_id


def _stored(house: House) -> int:
    with reading(house.engine) as session:
        return count_fixes(session)

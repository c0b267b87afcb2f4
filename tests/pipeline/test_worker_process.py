"""The real worker process at a real broker: stalls, kills, take-overs, backlogs, changes of the register."""

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api.alerts import service as alerts
from api.geofence.model import Circle, Visibility
from api.geofence.service import zones
from api.geofence.service.zones import ZoneDraft
from api.geofence.store.fixes import count_fixes
from api.geofence.store.rejected import count_rejected
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.kernel.mqtt import topic_of
from api.orders.model import Device
from tests.house import House, wait_until
from tests.scene import FAR, HOME, Scene, location, make_scene, north_of

pytestmark = pytest.mark.timeout(120)

ACK_WAIT_S = 2.0
"""What the worker has not acknowledged for so long comes again (api/launch/broker.py)."""
STEPS = 50
ELSEWHERE = north_of(HOME, 5_000)


class Watch:
    """A house with broker and worker running, devices that speak, and what became of it."""

    def __init__(self, house: House, scenes: int = 2) -> None:
        self.house = house
        self.scenes = [self.add_scene() for _ in range(scenes)]
        self._clients: dict[str, Any] = {}

    def add_scene(self) -> Scene:
        scene = make_scene(self.house.engine, clock.now())
        self.house.write_accounts()
        return scene

    def listening(self) -> int:
        """How often a lane has said that it listens; each worker has two."""
        return self.house.log_text("worker").count('"listening"')

    def start_worker(self) -> None:
        before = self.listening()
        self.house.start("worker")
        wait_until(lambda: self.listening() >= before + 2)

    def stall_worker(self) -> subprocess.Popen[bytes]:
        """Stop it for a while, idle: stopped within a transaction it would hold SQLite's one write lock."""
        time.sleep(0.5)
        worker = self.house.running["worker"]
        worker.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{worker.pid}/task")
        wait_until(lambda: all(") T " in stat.read_text() for stat in threads.glob("*/stat")))
        return worker

    def say(self, device: Device, secret: str, *payloads: bytes, lane: str = "", waits: bool = True) -> None:
        name = device.id.hex
        if name not in self._clients:
            self._clients[name] = self.house.connect(name, secret)
        topic = topic_of(device.shard, device.id, lane)
        infos = [self._clients[name].publish(topic, payload, qos=1) for payload in payloads]
        for info in infos if waits else ():
            info.wait_for_publish(30)
            assert info.is_published()

    def call_for_help(self, scene: Scene, seq: int) -> float:
        """Press SOS once more; returns the seconds until it is an alert."""
        began_s = time.monotonic()
        sos = {"_type": "alarm", "kind": "sos", "tst": int(clock.now().timestamp()), "seq": seq}
        self.say(scene.phone, scene.phone_secret, json.dumps(sos).encode(), lane="alarm")
        wait_until(lambda: self.told()["sos"] == seq, every_s=0.02)
        return time.monotonic() - began_s

    def stored(self) -> int:
        with reading(self.house.engine) as session:
            return count_fixes(session)

    def rejected(self) -> dict[str, int]:
        with reading(self.house.engine) as session:
            return count_rejected(session)

    def events(self) -> list[dict[str, Any]]:
        with reading(self.house.engine) as session:
            entries = alerts.entries_after(session, 0, 10_000)
        return [entry.event for entry in entries if entry.event]

    def told(self) -> Counter[str]:
        """How often each kind of event was told as news."""
        return Counter(event["kind"] for event in self.events() if not event["repeat"])

    def opened(self) -> int:
        with reading(self.house.engine) as session:
            return len(session.execute(text("SELECT id FROM alert")).all())


@pytest.fixture
def watch(house: House) -> Watch:
    watch = Watch(house)
    house.start("nats")
    watch.start_worker()
    return watch


@pytest.fixture
def scene(watch: Watch) -> Scene:
    return watch.scenes[0]


def walk_in() -> list[bytes]:
    """From outside into the middle of the zone, one fix a second until now: one warning, one breach."""
    now, places = clock.now(), [north_of(HOME, max(0, 2_500 - 60 * i)) for i in range(STEPS)]
    return [location(place, now - timedelta(seconds=STEPS - i), seq=i) for i, place in enumerate(places)]


def standing(place: Point, count: int) -> list[bytes]:
    """One fix a second, until now."""
    now = clock.now()
    return [location(place, now - timedelta(seconds=count - i), seq=i) for i in range(count)]


def walks(watch: Watch, scenes: Sequence[Scene]) -> None:
    for scene in scenes:
        watch.say(scene.ankle, scene.ankle_secret, *walk_in())


def assert_each_came_once(
    watch: Watch, wearers: int, *, settle_s: float = 0.2, is_in_order: bool = True
) -> None:
    """Everything that was acknowledged is stored and judged, and nothing twice.

    What a dead worker had in hand comes again after what is new: whoever is seen inside first is told as
    inside, and no warning follows.
    """
    wait_until(lambda: watch.stored() == wearers * STEPS or watch.rejected(), 30)
    time.sleep(settle_s)
    assert watch.stored() == wearers * STEPS
    assert watch.rejected() == {}
    told = watch.told()
    assert told["zone_breach"] == wearers
    assert told.total() == 2 * wearers if is_in_order else told.total() <= 2 * wearers
    assert told.keys() <= {"zone_breach", "zone_buffer"}
    assert watch.opened() == wearers


def test_a_zone_changed_through_the_service_takes_effect_within_a_second(watch: Watch, scene: Scene) -> None:
    _, other = watch.scenes
    for one in watch.scenes:
        watch.say(one.ankle, one.ankle_secret, location(ELSEWHERE, clock.now() - timedelta(seconds=5)))
    wait_until(lambda: watch.stored() == 2)
    draft = ZoneDraft("moved", Circle(ELSEWHERE, 300.0), 100.0, Visibility.DECLARED)
    with transaction(watch.house.engine) as session:
        zone = zones.get_zone(session, scene.order_id, scene.zone_id)
        zones.change_zone(session, zone, draft, None, clock.now())
        gone = zones.get_zone(session, other.order_id, other.zone_id)
        zones.remove_zone(session, gone, None, clock.now())
    time.sleep(1.0)  # the issue's own bound
    watch.say(scene.ankle, scene.ankle_secret, location(ELSEWHERE, clock.now()))
    watch.say(other.ankle, other.ankle_secret, location(HOME, clock.now() + timedelta(seconds=1)))
    wait_until(lambda: watch.stored() == 4)
    (event,) = watch.events()
    assert (event["kind"], event["order_id"], event["zone_version"]) == (
        "zone_breach",
        str(scene.order_id),
        2,
    )


def test_a_stall_longer_than_the_broker_waits_loses_nothing_and_rings_once(watch: Watch) -> None:
    worker = watch.stall_worker()
    walks(watch, watch.scenes)
    time.sleep(2 * ACK_WAIT_S)  # each message is on its way at least twice now
    worker.send_signal(signal.SIGCONT)
    assert_each_came_once(watch, 2, settle_s=ACK_WAIT_S + 0.5)


def test_what_the_register_learned_during_a_stall_counts_for_what_came_during_it(watch: Watch) -> None:
    """A change takes effect within a second, however long ours has lasted."""
    worker = watch.stall_worker()
    scene = watch.add_scene()
    time.sleep(1.0)
    walks(watch, [scene])
    worker.send_signal(signal.SIGCONT)
    assert_each_came_once(watch, 1)


def test_a_stall_with_thousands_waiting_is_worked_off(watch: Watch, scene: Scene) -> None:
    """Or else what is sent again while it works delays it further, and it never catches up."""
    worker = watch.stall_worker()
    watch.say(scene.ankle, scene.ankle_secret, *standing(FAR, 5_000))
    time.sleep(1.5 * ACK_WAIT_S)
    worker.send_signal(signal.SIGCONT)
    wait_until(lambda: watch.stored() == 5_000, 60, every_s=0.1)
    assert watch.rejected() == {}


def test_a_broker_killed_and_started_again_is_found_and_nothing_is_lost(watch: Watch, scene: Scene) -> None:
    walks(watch, [scene])
    watch.house.kill("nats")
    time.sleep(0.5)
    watch.house.start("nats")
    wait_until(lambda: watch.listening() == 4, 8)
    walks(watch, watch.scenes[1:])
    assert_each_came_once(watch, 2)


@pytest.mark.parametrize("comes", ["oldest first", "newest first"])
def test_an_alarm_is_served_at_once_while_thousands_of_positions_wait(
    watch: Watch, scene: Scene, comes: str
) -> None:
    watch.house.kill("worker", signal.SIGTERM)
    backlog = standing(FAR, 6_000) if comes == "oldest first" else standing(FAR, 3_000)[::-1]
    watch.say(scene.ankle, scene.ankle_secret, *backlog)
    watch.start_worker()
    wait_until(watch.stored, every_s=0.02)
    took_s = [watch.call_for_help(scene, seq) for seq in (1, 2, 3)]
    wait_until(lambda: watch.stored() == len(backlog), 30)
    assert max(took_s) < 10.0  # a bound against waiting for the whole backlog, no measure of speed


def test_sigterm_ends_it_cleanly_and_its_session_keeps_what_comes_meanwhile(
    watch: Watch, scene: Scene
) -> None:
    watch.say(scene.ankle, scene.ankle_secret, *walk_in(), waits=False)  # in the middle of work
    assert watch.house.kill("worker", signal.SIGTERM) == 0
    walks(watch, watch.scenes[1:])
    watch.start_worker()
    assert_each_came_once(watch, 2, is_in_order=False)


@pytest.fixture
def second(watch: Watch) -> Iterator[subprocess.Popen[bytes]]:
    """A second worker for the same shards beside the first, which is returned."""
    first = watch.house.running.pop("worker")
    try:
        watch.house.start("worker")
        yield first
    finally:
        first.kill()
        first.wait()


@pytest.mark.usefixtures("second")
def test_of_two_workers_for_the_same_shards_one_works(watch: Watch, scene: Scene) -> None:
    time.sleep(3.0)
    before = watch.listening()
    time.sleep(2.0)
    assert watch.listening() == before  # they do not take the session from each other for ever
    walks(watch, [scene])
    assert_each_came_once(watch, 1, settle_s=ACK_WAIT_S + 0.5)


def test_a_worker_that_comes_back_from_a_stall_leaves_the_work_to_who_took_over(
    watch: Watch, scene: Scene, request: pytest.FixtureRequest
) -> None:
    """It was thought dead, another took over; what it had in its hands by then must not ring again."""
    watch.stall_worker()
    walks(watch, [scene])
    first = request.getfixturevalue("second")
    wait_until(lambda: watch.stored() == STEPS)
    first.send_signal(signal.SIGCONT)
    time.sleep(1.0)
    watch.say(scene.ankle, scene.ankle_secret, location(HOME, clock.now(), seq=STEPS))
    wait_until(lambda: watch.stored() == STEPS + 1)
    time.sleep(ACK_WAIT_S + 0.5)
    assert watch.rejected() == {}
    assert watch.told() == {"zone_buffer": 1, "zone_breach": 1}


def test_starting_is_no_trouble_that_anybody_is_woken_for(house: House) -> None:
    watch = Watch(house, scenes=0)
    house.start("nats")
    watch.start_worker()
    house.start("watchdog")
    time.sleep(3.0)  # two sweeps
    assert watch.told() == {}

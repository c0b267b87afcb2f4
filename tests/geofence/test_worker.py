"""The worker's three answers to failure: real broker, both databases, a worker in a thread of its own."""

import json
import logging
import os
import re
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from api.alerts import service as alerts
from api.alerts.model import AlertState
from api.geofence import worker as edge
from api.geofence.intake import topics_of
from api.geofence.memory import Memory
from api.geofence.model import Fix, Limits
from api.geofence.rules.quality import see
from api.geofence.service.judging import process_messages
from api.geofence.store.fixes import count_fixes
from api.geofence.store.rejected import count_rejected, list_rejected
from api.geofence.worker import Worker
from api.kernel import clock, db
from api.kernel.db import make_engine, reading, transaction
from api.kernel.heartbeats import Heartbeat, list_heartbeats
from api.kernel.mqtt import topic_of
from api.launch import broker as broker_files
from api.orders.model import Device
from tests.house import House, open_house, wait_until
from tests.scene import HOME, Scene, location, make_scene, north_of, received

ACK_WAIT_S = 1
"""What the broker has not had acknowledged for so long comes again; shorter here than in service."""
COMES_AGAIN_S = ACK_WAIT_S + 0.5
STEPS = 20
"""Fixes of a walk from 2,000 m before the zone's middle to the middle, at 60 m/s."""


class Shift:
    """What happens at one house: a worker at work, devices that speak, what became of it."""

    def __init__(self, house: House, url: str, caplog: pytest.LogCaptureFixture) -> None:
        self.house, self.url, self._caplog = house, url, caplog
        self.engine = make_engine(url, house.settings.server_key)
        self.fault: Exception | None = None
        self._clients: dict[str, Any] = {}

    def is_said(self, event: str, times: int = 1) -> bool:
        return [record.getMessage() for record in self._caplog.records].count(event) >= times

    @contextmanager
    def at_work(self, said: str = "listening", times: int = 2, key: bytes | None = None) -> Iterator[None]:
        settings = replace(self.house.settings, server_key=key) if key else self.house.settings
        worker, stop = Worker(settings, self.engine, Limits()), threading.Event()
        self._caplog.clear()
        thread = threading.Thread(target=self._work, args=(worker, stop))
        thread.start()
        try:
            wait_until(lambda: self.is_said(said, times) or self.fault)
            yield
        finally:
            stop.set()
            thread.join(20)
            assert not thread.is_alive()

    def _work(self, worker: Worker, stop: threading.Event) -> None:
        try:
            worker.run(stop.is_set)
        except Exception as fault:  # noqa: BLE001 - the test looks at what ended the thread
            self.fault = fault

    def say(self, device: Device, secret: str, *payloads: bytes, lane: str = "", qos: int = 1) -> None:
        name = device.id.hex
        if name not in self._clients:
            self._clients[name] = self.house.connect(name, secret)
        topic = topic_of(device.shard, device.id, lane)
        for info in [self._clients[name].publish(topic, payload, qos=qos) for payload in payloads]:
            info.wait_for_publish(10)

    def stored(self) -> int:
        with reading(self.house.engine) as session:
            return count_fixes(session)

    def rejected(self) -> dict[str, int]:
        with reading(self.house.engine) as session:
            return count_rejected(session)

    def told(self) -> Counter[str]:
        """How often each kind of event was told as news."""
        with reading(self.house.engine) as session:
            entries = alerts.entries_after(session, 0, 10_000)
        return Counter(entry.event["kind"] for entry in entries if entry.event and not entry.event["repeat"])

    def beat(self) -> Heartbeat | None:
        with reading(self.house.engine) as session:
            return list_heartbeats(session).get("worker")


@pytest.fixture
def shift(
    tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shift]:
    """A house with its broker, once per kind of database; SQLite's wait for a lock is shortened."""
    monkeypatch.setattr(db, "WAIT_FOR_LOCK_S", 0.3)
    caplog.set_level(logging.INFO)
    with open_house(tmp_path / "home", database_url) as house:
        server = broker_files.server_file(house.settings)
        server.write_text(server.read_text().replace('ack_wait: "2s"', f'ack_wait: "{ACK_WAIT_S}s"'))
        house.start("nats")
        shift = Shift(house, database_url, caplog)
        yield shift
        shift.engine.dispose()


def add_scene(shift: Shift) -> Scene:
    scene = make_scene(shift.house.engine, clock.now())
    shift.house.write_accounts()
    return scene


scene = pytest.fixture(add_scene, name="scene")
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def walk_in() -> list[bytes]:
    """From outside into the middle of the zone, until now: one warning, one breach."""
    now, places = clock.now(), [north_of(HOME, max(0, 2000 - 120 * i)) for i in range(STEPS)]
    return [
        location(place, now - timedelta(seconds=2 * (STEPS - i)), seq=i) for i, place in enumerate(places)
    ]


CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = :name AND wait_event_type = 'Lock'"


def name_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


@contextmanager
def administration(url: str) -> Iterator[Callable[..., Any]]:
    """Statements to the PostgreSQL server from beside the database under test."""
    engine = make_engine(url.replace(name_of(url), "postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield lambda statement, **values: connection.execute(text(statement), values)
    engine.dispose()


@contextmanager
def database_away(url: str) -> Iterator[None]:
    """Nobody can write to it: locked by another process, or cut off and refusing connections."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.close()
        return
    with administration(url) as execute:
        execute(f"ALTER DATABASE {name_of(url)} ALLOW_CONNECTIONS false")
        execute(CUT_OFF, name=name_of(url))
        try:
            yield
        finally:
            execute(f"ALTER DATABASE {name_of(url)} ALLOW_CONNECTIONS true")


@on_sqlite
def test_a_bad_message_is_kept_aside_once_and_the_next_is_judged(shift: Shift, scene: Scene) -> None:
    with shift.at_work():
        shift.say(scene.ankle, scene.ankle_secret, b'{"_type":', *walk_in())
        wait_until(lambda: shift.stored() == STEPS)
        clock.sleep_s(COMES_AGAIN_S)
    assert shift.rejected() == {"malformed": 1}  # acked: it did not come again
    assert shift.told() == {"zone_buffer": 1, "zone_breach": 1}


def test_a_database_away_stops_the_acks_and_then_everything_comes_again(shift: Shift, scene: Scene) -> None:
    walk = walk_in()
    with shift.at_work():
        shift.say(scene.ankle, scene.ankle_secret, *walk[:5])
        wait_until(lambda: shift.stored() == 5)
        with database_away(shift.url):
            shift.say(scene.ankle, scene.ankle_secret, *walk[5:])
            sos = json.dumps({"_type": "alarm", "kind": "sos", "tst": int(clock.now().timestamp())})
            shift.say(scene.phone, scene.phone_secret, sos.encode(), lane="alarm")
            wait_until(lambda: shift.is_said("database away") and shift.is_said("waiting for the database"))
        wait_until(lambda: shift.told()["sos"] and shift.told()["zone_breach"] and shift.stored() == STEPS)
        clock.sleep_s(COMES_AGAIN_S)
    assert (shift.stored(), shift.rejected()) == (STEPS, {})
    assert shift.told() == {"zone_buffer": 1, "zone_breach": 1, "sos": 1}


@on_postgresql
def test_a_transaction_torn_in_the_middle_is_done_again_as_a_whole(shift: Shift, scene: Scene) -> None:
    with shift.at_work(), administration(shift.url) as execute:
        with transaction(shift.house.engine) as session:  # its fixes are in, its states have to wait
            session.execute(text("LOCK TABLE presence_state IN EXCLUSIVE MODE"))
            shift.say(scene.ankle, scene.ankle_secret, *walk_in())
            pid = wait_until(lambda: execute(WAITING, name=name_of(shift.url)).scalar())
            execute("SELECT pg_terminate_backend(:pid)", pid=pid)
            wait_until(lambda: shift.is_said("database away"))
        wait_until(lambda: shift.stored() == STEPS)
    assert shift.rejected() == {}
    assert shift.told() == {"zone_buffer": 1, "zone_breach": 1}


SEAM = "api.geofence.service.judging.see"
GUILTY = 7
"""The counter of the one message that our code fails on."""


def fail_in_a_rule(shift: Shift, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - as the other
    def see_or_fail(fix: Fix, *arguments: Any) -> Any:
        if (fix.device_id, fix.seq) == (device.id, GUILTY):
            raise KeyError("51.9225")  # a text that must not get out
        return see(fix, *arguments)

    monkeypatch.setattr(SEAM, see_or_fail)


def fail_in_the_database(shift: Shift, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - as the other
    """A row that the database refuses: its own fault or ours, but not one of being away."""
    is_sqlite = shift.url.startswith("sqlite")
    name = device.id.hex if is_sqlite else str(device.id)
    guilty = f"NEW.device_id = '{name}' AND NEW.seq = {GUILTY}"
    refuse = (
        f"CREATE TRIGGER refuse BEFORE INSERT ON fix WHEN {guilty} BEGIN SELECT RAISE(ABORT, 'no'); END"
        if is_sqlite
        else "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';"
        f"CREATE TRIGGER refuse BEFORE INSERT ON fix FOR EACH ROW WHEN ({guilty}) EXECUTE FUNCTION no()"
    )
    with transaction(shift.house.engine) as session:
        session.connection().exec_driver_sql(refuse)


@pytest.mark.parametrize("fail", [fail_in_a_rule, fail_in_the_database])
def test_a_fault_of_ours_on_one_message_keeps_it_alerts_and_blinds_nobody(
    shift: Shift, scene: Scene, monkeypatch: pytest.MonkeyPatch, fail: Callable[..., None]
) -> None:
    other = add_scene(shift)
    fail(shift, scene.ankle, monkeypatch)
    with shift.at_work():
        pass  # the session exists from now on: what follows arrives as one batch
    walk = walk_in()
    shift.say(scene.ankle, scene.ankle_secret, *walk)
    shift.say(other.ankle, other.ankle_secret, *walk)
    with shift.at_work():
        wait_until(lambda: shift.stored() == 2 * STEPS - 1 and shift.rejected())
        clock.sleep_s(COMES_AGAIN_S)
    assert shift.rejected() == {"server_fault": 1}  # acked: it did not come again
    with reading(shift.house.engine) as session:
        (kept,) = list_rejected(session, 10)
        views = alerts.list_alerts(session, {AlertState.OPEN})
    assert (kept.device, kept.payload) == (scene.ankle.id.hex, walk[GUILTY])
    assert re.search(r"^\w+ at .*\w+\.py:\d+$", kept.detail)
    assert "51.92" not in kept.detail
    assert shift.told() == {"zone_buffer": 2, "zone_breach": 2, "system_degraded": 1}
    assert [v.alert.device_id for v in views if v.alert.kind == "system_degraded"] == [scene.ankle.id]


@on_postgresql
def test_a_database_that_goes_away_while_the_guilty_one_is_sought_blames_nobody(
    shift: Shift, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, away = Counter[int](), ExitStack()

    def see_or_fail(fix: Fix, *arguments: Any) -> Any:
        calls[fix.seq or 0] += 1
        if fix.seq == GUILTY and calls[GUILTY] == 1:
            raise KeyError
        if fix.seq == GUILTY and calls[GUILTY] == 2:
            away.enter_context(database_away(shift.url))
        return see(fix, *arguments)

    monkeypatch.setattr(SEAM, see_or_fail)
    with shift.at_work(), away:
        shift.say(scene.ankle, scene.ankle_secret, *walk_in())
        wait_until(lambda: shift.is_said("database away"))
        away.close()
        wait_until(lambda: shift.stored() == STEPS)
        clock.sleep_s(COMES_AGAIN_S)
    assert shift.rejected() == {}
    assert shift.told() == {"zone_buffer": 1, "zone_breach": 1}


def test_what_another_worker_stored_meanwhile_is_a_duplicate_and_no_fault(shift: Shift, scene: Scene) -> None:
    """One that was thought dead commits its last batch; its acks are lost, the broker sends it again."""
    walk = walk_in()
    other = Memory(Limits())
    with reading(shift.house.engine) as session:
        other.restore(session, clock.now())
    with shift.at_work():
        with transaction(shift.house.engine) as session:
            messages = [received(scene.ankle, payload, clock.now()) for payload in walk]
            process_messages(session, other, messages, clock.now())
        shift.say(scene.ankle, scene.ankle_secret, *walk)
        shift.say(scene.ankle, scene.ankle_secret, location(HOME, clock.now(), seq=STEPS))
        wait_until(lambda: shift.stored() == STEPS + 1)
    assert shift.rejected() == {}
    assert shift.told()["system_degraded"] == 0


@on_sqlite
def test_a_state_that_cannot_be_read_blinds_only_its_own_order(shift: Shift, scene: Scene) -> None:
    other = add_scene(shift)
    with shift.at_work():
        shift.say(scene.ankle, scene.ankle_secret, *walk_in())
        wait_until(lambda: shift.told()["zone_breach"] == 1)
    with transaction(shift.house.engine) as session:
        session.execute(text("UPDATE presence_state SET presence = 'unheard of'"))
    with shift.at_work():
        shift.say(other.ankle, other.ankle_secret, *walk_in())
        wait_until(lambda: shift.fault or shift.stored() == 2 * STEPS)
    assert shift.fault is None
    assert shift.told()["zone_breach"] == 2


@on_postgresql
@pytest.mark.parametrize("is_running", [False, True])
def test_a_database_that_is_there_and_wrong_ends_the_worker(shift: Shift, is_running: bool) -> None:
    def spoil() -> None:
        with transaction(shift.house.engine) as session:
            session.execute(text("ALTER TABLE register_change RENAME TO gone"))

    if not is_running:
        spoil()
    with shift.at_work():
        if is_running:
            spoil()
        wait_until(lambda: shift.fault)
    assert isinstance(shift.fault, ProgrammingError)


@on_sqlite
def test_a_broker_away_at_the_start_is_tried_until_it_is_there(shift: Shift, scene: Scene) -> None:
    shift.house.kill("nats", signal.SIGTERM)
    with shift.at_work("broker away", 4):  # each lane twice: it is tried again
        beat = wait_until(shift.beat)
        assert not beat.able
        shift.house.start("nats")
        wait_until(lambda: shift.is_said("listening", 2))
        shift.say(scene.ankle, scene.ankle_secret, *walk_in())
        wait_until(lambda: shift.stored() == STEPS)


@on_sqlite
@pytest.mark.parametrize("refused", ["connection", "topics"])
def test_a_worker_that_the_broker_refuses_says_that_it_cannot_work(shift: Shift, refused: str) -> None:
    accounts = broker_files.accounts_file(shift.house.settings)
    if refused == "topics":
        accounts.write_text(accounts.read_text().replace('["em.v1", "em.v1.>"]', '["baken.nothing"]'))
        assert broker_files.reload(shift.house.settings)
    said, key = ("broker refused the worker", bytes(32)) if refused == "connection" else ("listening", None)
    with shift.at_work(said, key=key):
        assert not wait_until(shift.beat).able


@on_sqlite
def test_the_process_works_until_it_is_told_to_stop(shift: Shift, scene: Scene) -> None:
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def use_and_stop() -> None:
        try:
            wait_until(lambda: shift.is_said("listening", 2))
            shift.say(scene.ankle, scene.ankle_secret, *walk_in(), qos=0)  # nothing to ack is fine too
            wait_until(lambda: shift.stored() == STEPS)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    helper = threading.Thread(target=use_and_stop)
    helper.start()
    try:
        edge.run(shift.house.settings, shift.engine)
    finally:
        helper.join()
        for number, handler in former.items():
            signal.signal(number, handler)
    assert shift.stored() == STEPS


def test_a_worker_of_some_shards_asks_only_for_theirs() -> None:
    assert topics_of(range(64), ("", "event")) == ["em/v1/+/+", "em/v1/+/+/event"]
    assert topics_of([3, 2], ("alarm",)) == ["em/v1/2/+/alarm", "em/v1/3/+/alarm"]
    assert topics_of([5], ("",)) == ["em/v1/5/+"]

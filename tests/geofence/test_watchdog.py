"""The watchdog's loop on a clock that is set forward: hours pass in a moment."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.geofence import watchdog
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.service import health
from api.geofence.service.judging import process_messages
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import make_engine, reading, transaction
from api.kernel.heartbeats import list_heartbeats
from api.orders import service as orders
from api.orders.model import Device, DeviceKind
from tests.factories import NOW
from tests.scene import HOME, Scene, make_scene, north_of, position

LIMITS = Limits(silence_s=60.0, near_silence_s=30.0, partner_stale_s=60.0, system_silence_s=15.0)
"""Short, so that a night has few sweeps."""
BEAT_S = 5
TOLD_WITHIN_S = 5
"""Silence is raised within its limit + 5 s (field/monitoring.md section 8c)."""


PLACES = {DeviceKind.PHONE: HOME, DeviceKind.ANKLE_MONITOR: north_of(HOME, 100_000)}
"""So far apart that nearness shortens no silence."""
BOTH = {"lost_contact": 1, "protected_device_degraded": 1}


class Night:
    """Time that passes only when somebody sleeps, and what happens meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = NOW
        self.happens: list[Callable[[float], None]] = []
        self.told: list[tuple[float, str]] = []
        self._cursor = 0

    def seconds(self) -> float:
        return (self.now - NOW).total_seconds()

    def sleep(self, seconds: float) -> None:
        self._note_told()
        self.now += timedelta(seconds=seconds)
        for happen in self.happens:
            happen(self.seconds())

    def watch_until(self, seconds: float) -> None:
        """Run a watchdog from its start to this second of the night."""
        watchdog.watch(self.engine, LIMITS, lambda: self.seconds() >= seconds)
        self._note_told()

    def counted(self) -> Counter[str]:
        return Counter(kind for _at, kind in self.told)

    def first(self, kind: str) -> float:
        return next(at for at, one in self.told if one == kind)

    def beat(self, *, able: bool = True) -> None:
        with transaction(self.engine) as session:
            health.note_life(session, health.WORKER, self.now, able=able)

    def hear(self, *devices: Device) -> None:
        memory = Memory(LIMITS)
        with transaction(self.engine) as session:
            memory.restore(session, self.now)
            said = [position(device, PLACES[device.kind], self.now, delay_s=0) for device in devices]
            process_messages(session, memory, said, self.now)

    def _note_told(self) -> None:
        with reading(self.engine) as session:
            entries = alerts.entries_after(session, self._cursor, 10_000)
        self.told += [(self.seconds(), entry.event["kind"]) for entry in entries if entry.event]
        self._cursor = entries[-1].seq if entries else self._cursor


@pytest.fixture
def night(sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Night:
    night = Night(sqlite_engine)
    monkeypatch.setattr(clock, "now", lambda: night.now)
    monkeypatch.setattr(clock, "sleep_s", night.sleep)
    night.beat()
    return night


@pytest.fixture
def scene(night: Night) -> Scene:
    """An order whose devices have just been heard."""
    scene = make_scene(night.engine)
    night.hear(scene.ankle, scene.phone)
    return scene


def every(
    period_s: float, act: Callable[[], None], *, between: tuple[float, float]
) -> Callable[[float], None]:
    """Do something now and then, from one second of the night to another."""
    done_at = [between[0] - period_s]

    def happen(seconds: float) -> None:
        if between[0] <= seconds < between[1] and seconds >= done_at[0] + period_s:
            done_at[0] = seconds
            act()

    return happen


ALL_NIGHT = (0, 1e9)


def test_a_device_that_falls_silent_is_told_in_time_once_and_its_return_too(
    night: Night, scene: Scene
) -> None:
    night.happens = [
        every(BEAT_S, night.beat, between=ALL_NIGHT),
        every(20, lambda: night.hear(scene.phone), between=ALL_NIGHT),
        every(20, lambda: night.hear(scene.ankle), between=(100, 1e9)),
    ]
    night.watch_until(150)
    assert night.counted() == {"lost_contact": 1, "contact_restored": 1}
    assert LIMITS.silence_s < night.first("lost_contact") <= LIMITS.silence_s + TOLD_WITHIN_S
    assert 100 <= night.first("contact_restored") <= 100 + TOLD_WITHIN_S


def test_a_watchdog_killed_and_started_again_goes_on_where_it_was(night: Night, scene: Scene) -> None:
    night.happens = [every(BEAT_S, night.beat, between=ALL_NIGHT)]
    for until in (70, 80, 90):
        night.watch_until(until)
    assert night.counted() == BOTH
    night.hear(scene.ankle)
    night.watch_until(100)
    assert night.counted() == BOTH | {"contact_restored": 1}


@pytest.mark.usefixtures("scene")
def test_a_watchdog_that_was_away_itself_still_tells_in_time(night: Night) -> None:
    night.happens = [every(BEAT_S, night.beat, between=ALL_NIGHT)]
    night.watch_until(10)
    while night.seconds() <= LIMITS.silence_s:  # it is dead, the worker is not
        clock.sleep_s(BEAT_S)
    night.watch_until(LIMITS.silence_s + TOLD_WITHIN_S + 1)
    assert night.counted() == BOTH


def test_a_dead_worker_is_told_in_its_time_and_no_device_is_blamed(night: Night, scene: Scene) -> None:
    def come_back() -> None:
        with transaction(night.engine) as session:
            health.note_return(session, health.WORKER, night.now, LIMITS)
        night.beat()

    night.happens = [
        every(BEAT_S, night.beat, between=(0, 30)),
        every(1e9, come_back, between=(200, 1e9)),
        every(BEAT_S, night.beat, between=(201, 1e9)),
        every(20, lambda: night.hear(scene.ankle, scene.phone), between=(240, 1e9)),
    ]
    night.watch_until(330)
    assert night.counted()["lost_contact"] == 0
    assert night.counted()["system_degraded"] == 1
    assert night.first("system_degraded") <= 30 + LIMITS.system_silence_s + TOLD_WITHIN_S
    assert night.counted()["system_restored"] == 1
    assert 200 <= night.first("system_restored") <= 200 + BEAT_S + TOLD_WITHIN_S


@pytest.mark.usefixtures("scene")
def test_devices_that_stay_silent_after_our_outage_are_told_after_their_time(night: Night) -> None:
    """Nothing can be heard while we are deaf: their time begins when we hear again."""
    night.happens = [
        every(BEAT_S, night.beat, between=(0, 30)),
        every(BEAT_S, lambda: night.beat(able=False), between=(30, 200)),
        every(BEAT_S, night.beat, between=(200, 1e9)),
    ]
    night.watch_until(200 + LIMITS.silence_s)
    assert night.counted()["lost_contact"] == 0
    night.watch_until(200 + LIMITS.silence_s + BEAT_S + TOLD_WITHIN_S)
    assert night.counted()["lost_contact"] == 1


def test_a_conflict_of_the_register_is_told_once_within_its_minute_and_its_end_too(
    night: Night, scene: Scene
) -> None:
    night.now += timedelta(minutes=16)  # the order is no longer new
    begun = night.seconds()

    def hand_back() -> None:
        with transaction(night.engine) as session:
            orders.unassign_device(session, scene.phone.id, None, night.now)

    def hand_out() -> None:
        with transaction(night.engine) as session:
            orders.assign_device(session, scene.phone.id, None, scene.person_id, None, night.now)

    night.beat()
    night.hear(scene.ankle, scene.phone)
    night.happens = [
        every(BEAT_S, night.beat, between=ALL_NIGHT),
        every(20, lambda: night.hear(scene.ankle, scene.phone), between=ALL_NIGHT),
        every(1e9, hand_back, between=(begun + 10, 1e9)),
        every(1e9, hand_out, between=(begun + 100, 1e9)),
    ]
    for until in (80, 170):
        night.watch_until(begun + until)
    # She carries none, and hers speaks though nobody carries it.
    assert night.counted() == {"status_conflict": 2, "condition_ended": 2}
    assert night.first("status_conflict") <= begun + 10 + 60 + 2
    assert night.first("condition_ended") <= begun + 100 + 60 + 2


def test_the_watchdog_gives_signs_of_life_of_its_own(night: Night) -> None:
    night.happens = [every(BEAT_S, night.beat, between=ALL_NIGHT)]
    night.watch_until(30)
    with reading(night.engine) as session:
        beat = list_heartbeats(session)["watchdog"]
    assert beat.able
    assert night.now - beat.at <= timedelta(seconds=watchdog.SWEEP_S)


@pytest.mark.usefixtures("scene")
def test_a_watchdog_told_to_stop_at_once_looks_at_nothing(night: Night) -> None:
    night.now += timedelta(hours=1)
    watchdog.watch(night.engine, LIMITS, lambda: True)
    night.watch_until(0)
    assert night.told == []


SETTINGS = Settings.from_env({"BAKEN_SERVER_KEY": "5e" * 32})


@pytest.fixture
def _handlers() -> Iterator[None]:
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_sweeps_until_it_is_told_to_stop(night: Night, number: signal.Signals) -> None:
    night.happens = [
        every(BEAT_S, night.beat, between=ALL_NIGHT),
        every(1e9, lambda: signal.raise_signal(number), between=(20, 1e9)),
    ]
    watchdog.run(SETTINGS, night.engine)
    assert night.seconds() == 20


@pytest.mark.usefixtures("_handlers")
def test_a_database_away_ends_the_process_which_is_started_again(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'no folder' / 'baken.db'}", bytes(32))
    with pytest.raises(SystemExit) as ended:
        watchdog.run(SETTINGS, engine)
    assert ended.value.code == 1


@pytest.mark.usefixtures("_handlers")
def test_a_database_that_is_spoilt_is_a_fault_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "baken.db").write_bytes(b"no database" * 1_000)
    engine = make_engine(f"sqlite:///{tmp_path / 'baken.db'}", bytes(32))
    with pytest.raises(Exception, match="not a database") as ended:
        watchdog.run(SETTINGS, engine)
    engine.dispose()
    assert not isinstance(ended.value, SystemExit)

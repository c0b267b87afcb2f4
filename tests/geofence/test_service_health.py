"""Silence of devices, trouble of our own, and what the control room reads of both."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import Alert, AlertState, Event, EventKind, ResolveReason
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.service import health
from api.geofence.service.judging import process_messages
from api.kernel.db import reading, transaction
from api.kernel.heartbeats import beat, last_outage_end, list_heartbeats
from tests.factories import NOW
from tests.scene import FAR, HOME, Scene, make_scene, position, received

LIMITS = Limits()
SILENCE_S = LIMITS.silence_s
UNRESOLVED = {AlertState.OPEN, AlertState.ACKNOWLEDGED}


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Watch:
    """A watchdog without its loop: sweeps when told to, remembers what it told."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.degraded = False

    def restart(self) -> None:
        with transaction(self.engine) as session:
            self.degraded = health.is_degraded_told(session, NOW)

    def sweep_system(self, seconds: float) -> Counter[str]:
        before = self._seq()
        with transaction(self.engine) as session:
            self.degraded = health.sweep_system(session, at(seconds), LIMITS, was_degraded=self.degraded)
        return self._told_after(before)

    def hear(self, *devices: Any, seconds: float) -> None:
        """A sign of life, taken by a worker that has just started."""
        memory = Memory(LIMITS)
        with transaction(self.engine) as session:
            memory.restore(session, at(seconds))
            messages = [received(device, b'{"_type":"status"}', at(seconds)) for device in devices]
            process_messages(session, memory, messages, at(seconds))

    def worker(self, seconds: float, *, able: bool = True) -> None:
        with transaction(self.engine) as session:
            health.note_life(session, health.WORKER, at(seconds), able=able)

    def alerts(self) -> list[Alert]:
        with reading(self.engine) as session:
            return [view.alert for view in alerts.list_alerts(session, UNRESOLVED)]

    def tell(self, kind: EventKind, seconds: float, **more: Any) -> None:
        with transaction(self.engine) as session:
            alerts.open_alerts(session, [Event(kind=kind, occurred_at=at(seconds), **more)], at(seconds))

    def missed(self) -> set[UUID | None]:
        """The devices whose silence lasts, as the control room reads it."""
        return {alert.device_id for alert in self.alerts() if alert.ongoing}

    def resolve(self, alert: Alert, seconds: float) -> None:
        with transaction(self.engine) as session:
            alerts.resolve(session, alert.id, uuid4(), ResolveReason.TECHNICAL_FAULT, "", at(seconds))

    def outage_end(self) -> datetime | None:
        with reading(self.engine) as session:
            return last_outage_end(session, health.WORKER)

    def _seq(self) -> int:
        with reading(self.engine) as session:
            return alerts.last_entry_seq(session)

    def _told_after(self, seq: int) -> Counter[str]:
        with reading(self.engine) as session:
            entries = alerts.entries_after(session, seq, 10_000)
        return Counter(entry.event["kind"] for entry in entries if entry.event)


@pytest.fixture
def watch(engine: Engine) -> Watch:
    return Watch(engine)


@pytest.fixture
def scene(watch: Watch) -> Scene:
    scene = make_scene(watch.engine)
    watch.hear(scene.ankle, scene.phone, seconds=0)
    return scene


def test_a_dispatcher_that_falls_quiet_is_told_once_and_its_return_ends_it(watch: Watch) -> None:
    def sweep(seconds: float) -> list[tuple[str, bool]]:
        with transaction(watch.engine) as session:
            health.sweep_dispatcher(session, at(seconds), LIMITS)
        return [(alert.kind, alert.ongoing) for alert in watch.alerts()]

    assert sweep(1000) == []  # there never was one
    with transaction(watch.engine) as session:
        beat(session, health.DISPATCHER, NOW, able=True)
    assert sweep(LIMITS.system_silence_s) == []
    for later in (1, 3):
        assert sweep(LIMITS.system_silence_s + later) == [("system_degraded", True)]
    with transaction(watch.engine) as session:
        beat(session, health.DISPATCHER, at(60), able=True)
    for later in (61, 62):
        assert sweep(later) == [("system_degraded", False)]


def test_a_worker_that_falls_quiet_is_told_once_and_its_return_ends_it(watch: Watch) -> None:
    watch.worker(0)
    assert watch.sweep_system(LIMITS.system_silence_s) == {}
    assert watch.sweep_system(LIMITS.system_silence_s + 1) == {"system_degraded": 1}
    assert watch.sweep_system(LIMITS.system_silence_s + 3) == {}
    (alert,) = watch.alerts()
    assert (alert.severity, alert.order_id, alert.device_id, alert.ongoing) == (1, None, None, True)
    watch.worker(40)
    assert watch.sweep_system(41) == {"system_restored": 1}
    (alert,) = watch.alerts()
    assert not alert.ongoing
    assert watch.sweep_system(41 + LIMITS.system_silence_s)["system_degraded"] == 1


def test_a_worker_that_cannot_reach_the_broker_is_trouble_too(watch: Watch) -> None:
    watch.worker(0)
    watch.worker(5, able=False)
    told = sum((watch.sweep_system(5 + s) for s in range(0, 40, 2)), Counter[str]())
    assert told == {"system_degraded": 1}
    with reading(watch.engine) as session:
        (entry,) = alerts.entries_after(session, 0, 10)
    assert entry.event is not None
    assert "broker_away" in entry.event["reason"]


def test_no_worker_at_all_is_trouble(watch: Watch) -> None:
    assert sum((watch.sweep_system(s) for s in range(0, 40, 2)), Counter[str]()) == {"system_degraded": 1}


@pytest.mark.parametrize("is_back", [False, True])
def test_a_watchdog_that_starts_again_knows_whether_an_outage_was_told(watch: Watch, is_back: bool) -> None:
    watch.worker(0)
    watch.sweep_system(31)
    if is_back:
        watch.worker(32)
        watch.sweep_system(33)
    watch.restart()
    told = watch.sweep_system(34)
    assert told["system_degraded"] == 0
    watch.worker(35)
    assert watch.sweep_system(36)["system_restored"] == (0 if is_back else 1)


def test_other_trouble_does_not_hide_that_the_worker_is_dead(watch: Watch) -> None:
    """A watchdog that starts while a channel fails still has to say that nobody judges positions."""
    watch.tell(EventKind.SYSTEM_DEGRADED, 0, reason="police_webhook:failing")
    watch.worker(0)
    watch.restart()
    assert watch.sweep_system(60) == {"system_degraded": 1}


def test_an_outage_that_somebody_resolved_too_early_is_told_by_the_next_watchdog(watch: Watch) -> None:
    watch.worker(0)
    watch.sweep_system(31)
    watch.resolve(watch.alerts()[0], 40)
    watch.restart()
    assert watch.sweep_system(42) == {"system_degraded": 1}


def test_coming_back_to_work_ends_an_outage_and_living_on_does_not(watch: Watch) -> None:
    watch.worker(0)
    watch.worker(5)
    watch.worker(10, able=False)
    watch.worker(15, able=False)
    assert watch.outage_end() is None
    watch.worker(20)
    assert watch.outage_end() == at(20)


@on_sqlite
@pytest.mark.parametrize(("away_s", "ended_at"), [(29, None), (31, at(31))])
def test_a_process_that_starts_ends_an_outage_longer_than_a_restart(
    watch: Watch, away_s: float, ended_at: datetime | None
) -> None:
    watch.worker(0)
    with transaction(watch.engine) as session:
        health.note_return(session, health.WORKER, at(away_s), LIMITS)
    assert watch.outage_end() == ended_at


@on_sqlite
def test_the_first_start_ever_ends_no_outage(watch: Watch) -> None:
    with transaction(watch.engine) as session:
        health.note_return(session, health.WORKER, at(0), LIMITS)
    assert watch.outage_end() is None


def _beat(process: str, seconds: float, *, able: bool = True) -> Callable[[Watch], None]:
    def say(watch: Watch) -> None:
        with transaction(watch.engine) as session:
            beat(session, process, at(seconds), able=able)

    return say


@on_sqlite
@pytest.mark.parametrize(
    ("beats", "process", "age_s", "is_ok"),
    [
        ((), "worker", None, False),
        ((_beat("worker", 0),), "worker", 10.0, True),
        ((_beat("worker", -10),), "worker", 20.0, False),
        ((_beat("worker", 9, able=False),), "worker", 1.0, False),
        ((_beat("dispatcher", 8), _beat("dispatcher", 9)), "dispatcher", 1.0, True),
    ],
)
def test_the_control_room_reads_which_process_lives_and_can_work(
    watch: Watch, beats: tuple[Callable[[Watch], None], ...], process: str, age_s: float | None, is_ok: bool
) -> None:
    for one in beats:
        one(watch)
    with reading(watch.engine) as session:
        found = health.report_health(session, at(10))["processes"][process]
        assert set(list_heartbeats(session)) == ({process} if beats else set())
    assert found == {"heartbeat_age_s": age_s, "ok": is_ok}


def test_the_control_room_reads_what_was_stored_kept_aside_and_waits(watch: Watch, scene: Scene) -> None:
    memory = Memory(LIMITS)
    with transaction(watch.engine) as session:
        memory.restore(session, NOW)
        messages = [position(scene.ankle, HOME, at(1)), received(scene.phone, b"{", at(1))]
        process_messages(session, memory, [*messages, position(scene.phone, FAR, at(1))], at(2))
        report = health.report_health(session, at(3))
    assert (report["fixes_stored"], report["rejected"]) == (2, {"malformed": 1})
    assert report["pending_notifications"] == {"police_webhook": 1, "person_stream": 1, "device": 3}

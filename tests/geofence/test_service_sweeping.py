"""Silence and old positions: told once, in time, and the nearer he may be the sooner."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event

from api.alerts import service as alerts
from api.alerts.model import Alert, AlertState, Event, EventKind
from api.geofence.memory import Memory
from api.geofence.model import Limits, Visibility
from api.geofence.service import health
from api.geofence.service.judging import process_messages
from api.geofence.service.sweeping import Sweeper
from api.kernel.db import make_engine, reading, transaction
from api.kernel.geo import Point
from api.kernel.heartbeats import add_outage
from api.orders import service as orders
from api.orders.model import Device
from tests.factories import NOW
from tests.orders import register
from tests.scene import HOME, Scene, make_scene, north_of, position, received

LIMITS = Limits()
SILENCE_S = LIMITS.silence_s
UNRESOLVED = {AlertState.OPEN, AlertState.ACKNOWLEDGED}
VERY_FAR = north_of(HOME, 100_000)
"""From here it takes 46 minutes to her: nobody need be asked for sooner than after `silence_s`."""
SPEED = LIMITS.reach_speed_m_s
BOTH = {"lost_contact": 1, "protected_device_degraded": 1}

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Watch:
    """A watchdog without its loop: sweeps when told to, remembers what it told."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.restart()

    def restart(self) -> None:
        self.sweeper = Sweeper(LIMITS)
        with transaction(self.engine) as session:
            self.sweeper.load(session, NOW)

    def sweep(self, seconds: float) -> Counter[str]:
        """Look for silence; returns what was told meanwhile."""
        before = self._seq()
        with transaction(self.engine) as session:
            self.sweeper.sweep(session, at(seconds))
        return Counter(told["kind"] for told in self._told_after(before))

    def first_told(
        self, kind: str, begin: float, end: float, heard: Device | None = None
    ) -> tuple[float, dict[str, Any]]:
        """Sweep every two seconds; when this kind is told, and its event. `heard` speaks each minute."""
        seq = self._seq()
        for seconds in range(int(begin), int(end), 2):
            if heard and (seconds - int(begin)) % 60 == 0:
                self.hear(heard, seconds=seconds)
            with transaction(self.engine) as session:
                self.sweeper.sweep(session, at(seconds))
            for told in self._told_after(seq):
                if told["kind"] == kind:
                    return float(seconds), told
            seq = self._seq()
        raise AssertionError(f"{kind} was not told")

    def hear(self, *devices: Any, seconds: float) -> None:
        """A position of each, his a day's walk from hers, taken by a worker that has just started."""
        self.place({device: HOME if device.kind == "phone" else VERY_FAR for device in devices}, seconds)

    def place(self, places: dict[Any, Point], seconds: float, **more: Any) -> None:
        said = [position(device, point, at(seconds), delay_s=0, **more) for device, point in places.items()]
        self.take(said, seconds)

    def take(self, said: list[Any], seconds: float) -> None:
        memory = Memory(LIMITS)
        with transaction(self.engine) as session:
            memory.restore(session, at(seconds))
            process_messages(session, memory, said, at(seconds))

    def alerts(self) -> list[Alert]:
        with reading(self.engine) as session:
            return [view.alert for view in alerts.list_alerts(session, UNRESOLVED)]

    def missed(self) -> set[UUID | None]:
        """The devices whose silence lasts, as the control room reads it."""
        return {alert.device_id for alert in self.alerts() if alert.ongoing}

    def _seq(self) -> int:
        with reading(self.engine) as session:
            return alerts.last_entry_seq(session)

    def _told_after(self, seq: int) -> list[dict[str, Any]]:
        with reading(self.engine) as session:
            return [entry.event for entry in alerts.entries_after(session, seq, 10_000) if entry.event]


@pytest.fixture
def watch(engine: Engine) -> Watch:
    return Watch(engine)


@pytest.fixture
def scene(watch: Watch) -> Scene:
    scene = make_scene(watch.engine)
    watch.hear(scene.ankle, scene.phone, seconds=0)
    return scene


def test_silence_is_told_once_for_each_device_after_its_time(watch: Watch, scene: Scene) -> None:
    assert watch.sweep(SILENCE_S) == {}
    assert watch.sweep(SILENCE_S + 1) == BOTH
    assert watch.sweep(SILENCE_S + 3) == {}
    found = {alert.device_id: alert for alert in watch.alerts()}
    assert {alert.order_id for alert in found.values()} == {scene.order_id}
    assert all(alert.exercise and alert.ongoing for alert in found.values())
    assert {alert.severity for alert in found.values()} == {3}
    assert found[scene.phone.id].person_ids == (scene.person_id,)


def test_a_device_heard_again_is_told_and_its_next_silence_too(watch: Watch, scene: Scene) -> None:
    watch.sweep(SILENCE_S + 1)
    watch.hear(scene.ankle, seconds=SILENCE_S + 5)
    assert watch.sweep(SILENCE_S + 6) == {"contact_restored": 1}
    assert watch.missed() == {scene.phone.id}
    assert watch.sweep(2 * SILENCE_S + 6) == {"lost_contact": 1}
    assert watch.missed() == {scene.ankle.id, scene.phone.id}


def test_a_device_never_heard_is_silent_from_when_it_was_handed_out_under_an_order(watch: Watch) -> None:
    scene = make_scene(watch.engine, valid_from=NOW)
    assert watch.sweep(SILENCE_S - 1) == {}
    assert watch.sweep(SILENCE_S + 1) == BOTH
    with transaction(watch.engine) as session:
        spare = register.add_device(session, simulated=True)
        register.assign_to_wearer(session, spare, scene.wearer_id, at(100))
    assert watch.sweep(100 + SILENCE_S) == {}
    assert watch.sweep(101 + SILENCE_S) == {"lost_contact": 1}


def test_a_hand_over_that_is_entered_late_is_missed_from_when_it_was_entered(watch: Watch) -> None:
    """Before that nobody listened: what the device said was kept aside, and it was no silence."""
    scene = make_scene(watch.engine)
    with transaction(watch.engine) as session:
        late = register.add_device(session, simulated=True)
        two_hours = timedelta(hours=2)
        orders.assign_device(session, late.id, scene.wearer_id, None, None, at(0), since=at(0) - two_hours)
    assert watch.sweep(SILENCE_S) == {}
    assert watch.sweep(SILENCE_S + 1) == {"lost_contact": 2, "protected_device_degraded": 1}


def test_nobody_is_missed_before_the_order_binds_or_after_it_ended(watch: Watch) -> None:
    make_scene(watch.engine, valid_from=at(1_000), valid_until=at(3_000))
    revoked = make_scene(watch.engine)
    with transaction(watch.engine) as session:
        orders.revoke_order(session, revoked.order_id, None, at(0))
    assert watch.sweep(1_000 + SILENCE_S) == {}
    assert watch.sweep(1_001 + SILENCE_S) == BOTH
    assert watch.sweep(3_000) == {}


@pytest.mark.usefixtures("scene")
def test_an_outage_of_ours_is_not_counted_as_their_silence(watch: Watch) -> None:
    with transaction(watch.engine) as session:
        add_outage(session, health.WORKER, at(10), at(900))
    assert watch.sweep(900 + SILENCE_S) == {}
    assert watch.sweep(901 + SILENCE_S) == BOTH


@pytest.mark.usefixtures("scene")
def test_an_outage_of_ours_does_not_make_a_silent_device_heard(watch: Watch) -> None:
    watch.sweep(SILENCE_S + 1)
    with transaction(watch.engine) as session:
        add_outage(session, health.WORKER, at(700), at(760))
    assert watch.sweep(762) == {}
    assert all(alert.ongoing for alert in watch.alerts())


def test_another_carrier_does_not_make_a_silent_device_heard(watch: Watch, scene: Scene) -> None:
    watch.sweep(SILENCE_S + 1)
    with transaction(watch.engine) as session:
        orders.unassign_device(session, scene.phone.id, None, at(700))
        orders.assign_device(session, scene.phone.id, None, scene.person_id, None, at(710))
    assert watch.sweep(712)["contact_restored"] == 0


def test_a_watchdog_that_starts_again_calls_nobody_twice(watch: Watch, scene: Scene) -> None:
    watch.sweep(SILENCE_S + 1)
    watch.restart()
    assert watch.sweep(SILENCE_S + 9) == {}
    watch.hear(scene.phone, seconds=SILENCE_S + 10)
    watch.restart()
    assert watch.sweep(SILENCE_S + 11) == {"condition_ended": 1}
    watch.restart()
    assert watch.missed() == {scene.ankle.id}
    assert watch.sweep(SILENCE_S + 13) == {}


def test_a_watchdog_that_starts_again_knows_every_silent_device(sqlite_engine: Engine) -> None:
    """A network's outage silences more devices than the control room's list shows."""
    watch = Watch(sqlite_engine)
    make_scene(sqlite_engine, valid_from=NOW)
    with transaction(sqlite_engine) as session:
        calls = [Event(kind=EventKind.SOS, occurred_at=NOW, device_id=UUID(int=n)) for n in range(1_000)]
        alerts.open_alerts(session, calls, NOW)
    assert watch.sweep(SILENCE_S + 1) == BOTH
    watch.restart()
    assert watch.sweep(SILENCE_S + 3) == {}


def test_two_orders_that_share_her_phone_are_both_told(watch: Watch, scene: Scene) -> None:
    with transaction(watch.engine) as session:
        people = (scene.person_id,)
        second = register.add_order(session, protected_person_ids=people, exercise=True)
    assert watch.sweep(SILENCE_S + 1) == {"lost_contact": 1, "protected_device_degraded": 2}
    assert watch.sweep(SILENCE_S + 3) == {}
    assert {alert.order_id for alert in watch.alerts() if alert.device_id == scene.phone.id} == {
        scene.order_id,
        second.id,
    }
    watch.hear(scene.phone, seconds=SILENCE_S + 5)
    assert watch.sweep(SILENCE_S + 6) == {"condition_ended": 2}
    assert {alert.ongoing for alert in watch.alerts() if alert.device_id == scene.phone.id} == {False}


def test_an_order_that_binds_later_is_told_of_a_device_that_is_silent_already(
    watch: Watch, scene: Scene
) -> None:
    with transaction(watch.engine) as session:
        people = (scene.person_id,)
        second = register.add_order(
            session, protected_person_ids=people, exercise=True, valid_from=at(SILENCE_S + 60)
        )
    watch.sweep(SILENCE_S + 1)
    for seconds in range(int(SILENCE_S), int(2 * SILENCE_S) + 100, 20):
        watch.sweep(seconds)
    assert second.id in {alert.order_id for alert in watch.alerts()}


@on_postgresql
def test_a_device_handed_out_during_a_sweep_does_not_end_the_watchdog(watch: Watch, scene: Scene) -> None:
    """Each statement of PostgreSQL's default isolation sees what was committed a moment before it."""
    with transaction(watch.engine) as session:
        late = register.add_device(session, simulated=True)
    url = watch.engine.url.render_as_string(hide_password=False)
    staff = make_engine(url, bytes(range(32)))
    has_acted: list[bool] = []

    def hand_out(_connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM assignment" in statement and not has_acted:
            has_acted.append(True)
            with transaction(staff) as session:
                register.assign_to_wearer(session, late, scene.wearer_id)

    event.listen(watch.engine, "after_cursor_execute", hand_out)
    try:
        watch.sweep(1)
    finally:
        event.remove(watch.engine, "after_cursor_execute", hand_out)
        staff.dispose()
    assert has_acted


@pytest.mark.parametrize(
    ("away_m", "told_s"),
    [
        (1_000, LIMITS.near_silence_s),
        (500 + 120 * SPEED - 10, LIMITS.near_silence_s),
        (500 + 300 * SPEED + 16, 300.0),
        (500 + 700 * SPEED, SILENCE_S),
    ],
)
def test_the_nearer_he_may_be_the_sooner_his_silence_is_told(
    watch: Watch, away_m: float, told_s: float
) -> None:
    """The zone is 500 m round her home, and the alert distance is 500 m: both gaps are one."""
    scene = make_scene(watch.engine)
    watch.place({scene.ankle: north_of(HOME, away_m), scene.phone: HOME}, 0)
    found_s, event = watch.first_told("lost_contact", told_s - 10, told_s + 10, scene.phone)
    assert told_s < found_s <= told_s + 5
    assert event["reason"] == ("reaches" if told_s < SILENCE_S else "silent")
    assert event["reach_m"] == pytest.approx(found_s * SPEED)


def test_a_silence_far_away_is_told_again_when_he_can_have_come_near(watch: Watch) -> None:
    scene = make_scene(watch.engine)
    watch.place({scene.ankle: north_of(HOME, 35_000), scene.phone: HOME}, 0)
    found_s, event = watch.first_told("lost_contact", SILENCE_S - 20, SILENCE_S + 20, scene.phone)
    assert (event["reason"], watch.alerts()[-1].severity) == ("silent", 3)
    found_s, event = watch.first_told("lost_contact", 1_400, 2_000, scene.phone)
    assert event["reason"] == "reaches"
    assert found_s * SPEED >= 35_000 - 500 - 500
    assert {alert.severity for alert in watch.alerts() if alert.device_id == scene.ankle.id} == {2}


def test_a_device_that_speaks_without_a_position_is_missed_as_well(watch: Watch, scene: Scene) -> None:
    for seconds in range(60, 900, 60):
        watch.hear(scene.phone, seconds=seconds)
        watch.take([received(scene.ankle, b'{"_type":"status"}', at(seconds))], seconds)
    _found_s, event = watch.first_told("lost_contact", 590, 620)
    assert event["reason"] == "no_position"
    watch.take([received(scene.ankle, b'{"_type":"status"}', at(880))], 880)
    assert watch.sweep(882) == {}
    watch.hear(scene.ankle, seconds=890)
    assert watch.sweep(892) == {"contact_restored": 1}


def test_a_silence_that_may_hide_him_is_told_to_her_and_the_police(watch: Watch) -> None:
    scene = make_scene(watch.engine)
    watch.place({scene.ankle: north_of(HOME, 2_000), scene.phone: HOME}, 0)
    watch.first_told("lost_contact", 118, 130)
    with reading(watch.engine) as session:
        waiting = alerts.count_pending(session)
    assert {channel.value: pending.count for channel, pending in waiting.items()} == {
        "police_webhook": 1,
        "person_stream": 1,
    }


def test_a_device_handed_back_while_it_is_missed_is_let_go(watch: Watch, scene: Scene) -> None:
    watch.sweep(SILENCE_S + 1)
    with transaction(watch.engine) as session:
        orders.unassign_device(session, scene.phone.id, None, at(700))
    assert watch.sweep(702) == {}
    with transaction(watch.engine) as session:
        orders.assign_device(session, scene.phone.id, None, scene.person_id, None, at(710))
    assert watch.sweep(712) == {}
    assert watch.sweep(711 + SILENCE_S) == {"protected_device_degraded": 1}


def test_a_wearer_in_the_zone_round_a_secret_address_who_falls_silent_is_told_as_concealed(
    watch: Watch,
) -> None:
    scene = make_scene(watch.engine, zone={"visibility": Visibility.CONCEALED})
    watch.place({scene.ankle: north_of(HOME, 1_000)}, 0)
    _found_s, event = watch.first_told("lost_contact", 118, 130)
    assert event["concealed"]

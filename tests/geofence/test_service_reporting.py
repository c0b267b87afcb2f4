"""Devices are told how often to report: the farther the rarer, and nothing that shows him where she is."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import Channel, Notification
from api.geofence.memory import Memory
from api.geofence.model import Limits, Visibility
from api.geofence.service.judging import process_messages
from api.geofence.service.limits import change_limits, show_limits
from api.geofence.service.sweeping import Sweeper
from api.kernel.db import reading, transaction
from api.orders.model import Device
from tests.factories import NOW
from tests.geofence.desk import at
from tests.orders import register
from tests.scene import HOME, Scene, make_scene, north_of, position

ACTOR = UUID(int=77)
LIMITS = Limits(longest_interval_s=600.0)


class Desk:
    """A worker with limits of its own, and what it tells devices."""

    def __init__(self, engine: Engine, limits: Limits = LIMITS) -> None:
        self.engine, self.memory = engine, Memory(limits)
        self.commands: dict[UUID, Notification] = {}
        with reading(engine) as session:
            self.memory.restore(session, NOW)

    def place(self, device: Device, north_m: float, seconds: float, **more: Any) -> None:
        message = position(device, north_of(HOME, north_m), at(seconds), delay_s=0, **more)
        with transaction(self.engine) as session:
            changes = process_messages(session, self.memory, [message], at(seconds))
        self.memory.take_over(changes)
        with transaction(self.engine) as session:
            claimed = alerts.claim_due(session, at(seconds), Channel.DEVICE, 1000)
        self.commands |= {one.id: one for one in claimed if "interval_s" in one.payload}

    def told(self, device: Device) -> list[int]:
        """The intervals of all commands to a device, in order."""
        return [one.payload["interval_s"] for one in self.commands.values() if one.device_id == device.id]


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return make_scene(engine)


def test_her_device_is_told_to_report_more_rarely_while_he_is_far(engine: Engine, scene: Scene) -> None:
    desk = Desk(engine)
    desk.place(scene.ankle, 100_000, 0)
    desk.place(scene.phone, 0, 5)
    desk.place(scene.phone, 0, 605)
    assert desk.told(scene.phone) == [600]  # once: the same is not told again
    assert desk.told(scene.ankle) == []


def test_it_is_told_to_report_often_when_he_is_near_or_nobody_knows_where(
    engine: Engine, scene: Scene
) -> None:
    desk = Desk(engine)
    desk.place(scene.phone, 0, 0)
    desk.place(scene.ankle, 8_000, 10)
    desk.place(scene.phone, 0, 15)
    desk.place(scene.ankle, 1_200, 100)
    desk.place(scene.phone, 0, 105)
    assert desk.told(scene.phone) == [15, 60, 15]


def test_a_restarted_worker_does_not_tell_again(engine: Engine, scene: Scene) -> None:
    told = []
    for seconds in (0, 15):
        desk = Desk(engine)
        desk.place(scene.phone, 0, seconds)
        told.append(desk.told(scene.phone))
    assert told == [[15], []]


def test_his_device_is_told_only_where_the_court_accepts_it(engine: Engine, scene: Scene) -> None:
    desk = Desk(engine, Limits(longest_interval_s=600.0, wearer_longest_interval_s=120.0))
    desk.place(scene.phone, 0, 0)
    desk.place(scene.ankle, 9_000, 5)
    desk.place(scene.phone, 0, 124)
    desk.place(scene.ankle, 5_000, 125)
    assert desk.told(scene.ankle) == [60, 30]


def test_a_concealed_zone_leaves_his_rate_alone_wherever_he_is(engine: Engine) -> None:
    scene = make_scene(engine, zone={"visibility": Visibility.CONCEALED})
    desk = Desk(engine, Limits(longest_interval_s=600.0, wearer_longest_interval_s=600.0))
    desk.place(scene.phone, 50_000, 0)
    for number, north_m in enumerate((90_000, 3_000, 700, 300)):
        desk.place(scene.ankle, north_m, 60 * number + 1)
    assert desk.told(scene.ankle) == []


def test_by_default_nobody_is_told_anything(engine: Engine, scene: Scene) -> None:
    desk = Desk(engine, Limits())
    desk.place(scene.ankle, 100_000, 0)
    desk.place(scene.phone, 0, 5)
    assert desk.told(scene.phone) == []


def test_what_was_told_is_taken_back_when_no_order_asks_for_it_any_more(engine: Engine, scene: Scene) -> None:
    desk = Desk(engine)
    desk.place(scene.ankle, 100_000, 0)
    desk.place(scene.phone, 0, 5)
    off = Desk(engine, Limits())
    off.place(scene.ankle, 3_000, 600)
    off.place(scene.phone, 0, 605)
    off.place(scene.phone, 0, 665)
    assert (desk.told(scene.phone), off.told(scene.phone)) == ([600], [60])
    assert off.told(scene.ankle) == []


def test_a_second_order_that_asks_nothing_gives_her_device_its_usual_rate(
    engine: Engine, scene: Scene
) -> None:
    with transaction(engine) as session:
        before = show_limits(session, scene.order_id, Limits())
        change_limits(session, before, {"longest_interval_s": 600}, "he lives far away", ACTOR, NOW)
    desk = Desk(engine, Limits())
    desk.place(scene.ankle, 100_000, 0)
    desk.place(scene.phone, 0, 5)
    with transaction(engine) as session:
        wearer = register.add_wearer(session)
        register.add_order(session, wearer_id=wearer, protected_person_ids=(scene.person_id,), exercise=True)
    desk = Desk(engine, Limits())
    desk.place(scene.phone, 0, 605)
    assert desk.told(scene.phone) == [60]


def test_a_silence_that_no_order_allows_any_more_is_told(engine: Engine, scene: Scene) -> None:
    desk = Desk(engine)
    desk.place(scene.ankle, 100_000, 0)
    desk.place(scene.phone, 0, 5)
    sweeper = Sweeper(Limits())
    with transaction(engine) as session:
        sweeper.load(session, NOW)
        sweeper.sweep(session, at(650))
        entries = alerts.entries_after(session, 0, 99)
    assert "protected_device_degraded" in [entry.event["kind"] for entry in entries if entry.event]


def test_late_data_tells_nothing(engine: Engine, scene: Scene) -> None:
    desk = Desk(engine)
    with transaction(engine) as session:
        late = position(scene.phone, HOME, at(0), delay_s=400)
        desk.memory.take_over(process_messages(session, desk.memory, [late], at(400)))
    assert desk.told(scene.phone) == []


def test_a_device_told_to_report_rarely_is_missed_only_after_that(engine: Engine, scene: Scene) -> None:
    limits = Limits(longest_interval_s=600.0, silence_s=300.0)
    desk = Desk(engine, limits)
    desk.place(scene.ankle, 100_000, 0)
    desk.place(scene.phone, 0, 5)
    sweeper = Sweeper(limits)
    told: list[str] = []
    with transaction(engine) as session:
        sweeper.load(session, NOW)
        for seconds in (304, 306, 664, 666):
            sweeper.sweep(session, at(seconds))
            told.append(",".join(e.event["kind"] for e in alerts.entries_after(session, 0, 99) if e.event))
    assert told == ["lost_contact", "lost_contact", "lost_contact", "lost_contact,protected_device_degraded"]
    assert at(666) - at(5) > timedelta(seconds=600 + limits.overdue_s)

"""Conflicts between register and devices, swept on both databases: told once, ended once."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import Alert, AlertState
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.service.judging import Received, process_messages
from api.geofence.service.status import Told, sweep_status, told_conflicts
from api.kernel.db import reading, transaction
from api.orders import service as orders
from api.orders.model import AgreedPlace, ExemptionKind
from tests.factories import NOW, make_exemption_draft
from tests.scene import FAR, HOME, Scene, make_scene, north_of, position

LIMITS = Limits()
FIRST = 15 * 60
"""When an order of NOW is no longer new."""
DAY = 24 * 3600


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Sweeper:
    """A watchdog that looks at the register when told to."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.told: Told = frozenset()

    def sweep(self, seconds: float) -> list[tuple[str, str]]:
        """Kind and reason of each event told."""
        with transaction(self.engine) as session:
            before = alerts.last_entry_seq(session)
            self.told = sweep_status(session, at(seconds), LIMITS, self.told)
        with reading(self.engine) as session:
            entries = alerts.entries_after(session, before, 100)
        return [(entry.event["kind"], entry.event["reason"]) for entry in entries if entry.event]

    def restart(self) -> None:
        with reading(self.engine) as session:
            self.told = told_conflicts(session)

    def alerts(self) -> list[Alert]:
        with reading(self.engine) as session:
            return [view.alert for view in alerts.list_alerts(session, {AlertState.OPEN})]

    def hear(self, *messages: Received) -> None:
        memory = Memory(LIMITS)
        with transaction(self.engine) as session:
            memory.restore(session, NOW)
            process_messages(session, memory, messages, max(message.received_at for message in messages))

    def unassign(self, device_id: UUID, seconds: float) -> None:
        with transaction(self.engine) as session:
            orders.unassign_device(session, device_id, None, at(seconds))

    def assign(self, scene: Scene, seconds: float) -> None:
        with transaction(self.engine) as session:
            orders.assign_device(session, scene.ankle.id, scene.wearer_id, None, None, at(seconds))


@pytest.fixture
def sweeper(engine: Engine) -> Sweeper:
    return Sweeper(engine)


@pytest.fixture
def scene(sweeper: Sweeper) -> Scene:
    return make_scene(sweeper.engine)


def began(code: str) -> tuple[str, str]:
    return "status_conflict", code


def ended(code: str) -> tuple[str, str]:
    return "condition_ended", f"status_conflict:{code}"


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_conflict_is_told_once_and_ended_once(sweeper: Sweeper, scene: Scene, is_restarted: bool) -> None:
    assert sweeper.sweep(FIRST) == []
    sweeper.unassign(scene.ankle.id, FIRST)
    told = []
    for seconds in (FIRST + 60, FIRST + 120):
        told += sweeper.sweep(seconds)
        if is_restarted:
            sweeper.restart()
    sweeper.assign(scene, FIRST + 150)
    for seconds in (FIRST + 180, FIRST + 240):
        told += sweeper.sweep(seconds)
        if is_restarted:
            sweeper.restart()
    assert told == [began("order_unwatched"), ended("order_unwatched")]
    (alert,) = sweeper.alerts()
    assert (alert.severity, alert.order_id, alert.ongoing) == (4, scene.order_id, False)
    assert (alert.exercise, alert.person_ids) == (True, (scene.person_id,))


def test_nobody_beyond_the_control_room_hears_of_it(sweeper: Sweeper, scene: Scene) -> None:
    for device in (scene.ankle, scene.phone):
        sweeper.unassign(device.id, FIRST)
    assert sorted(sweeper.sweep(FIRST + 60)) == [began("order_unwatched"), began("person_unwatched")]
    with reading(sweeper.engine) as session:
        assert alerts.count_pending(session) == {}


def test_an_order_that_has_just_joined_the_register_is_in_no_conflict(sweeper: Sweeper, scene: Scene) -> None:
    """Its time began yesterday, and the devices are handed out in this very meeting."""
    sweeper.unassign(scene.ankle.id, 0)
    assert sweeper.sweep(FIRST) == []
    assert sweeper.sweep(FIRST + 1) == [began("order_unwatched")]


def test_what_is_carried_a_day_after_the_order_ended_is_told_by_device(
    sweeper: Sweeper, scene: Scene
) -> None:
    with transaction(sweeper.engine) as session:
        orders.revoke_order(session, scene.order_id, None, at(0))
    assert sweeper.sweep(DAY - 1) == []
    assert sweeper.sweep(DAY) == [began("ended_but_carried")] * 2
    sweeper.unassign(scene.phone.id, DAY)
    sweeper.restart()
    assert sweeper.sweep(DAY + 60) == [ended("ended_but_carried")]
    (alert,) = sweeper.alerts()
    assert (alert.order_id, alert.ongoing) == (scene.order_id, True)


def custody(sweeper: Sweeper, scene: Scene) -> Any:
    with transaction(sweeper.engine) as session:
        draft = make_exemption_draft(
            kind=ExemptionKind.CUSTODY, place=AgreedPlace(FAR, 300.0), valid_until=at(DAY)
        )
        return orders.add_exemption(session, scene.order_id, draft, None, NOW)


def test_who_leaves_custody_is_told_and_his_return_too(sweeper: Sweeper, scene: Scene) -> None:
    custody(sweeper, scene)
    sweeper.hear(position(scene.ankle, FAR, at(10)))
    assert sweeper.sweep(60) == []
    sweeper.hear(position(scene.ankle, north_of(FAR, 500), at(70)))
    assert sweeper.sweep(120) == [began("custody_left")]
    sweeper.hear(position(scene.ankle, FAR, at(130)))
    assert sweeper.sweep(180) == [ended("custody_left")]


def test_where_he_was_before_custody_is_no_flight(sweeper: Sweeper, scene: Scene) -> None:
    sweeper.hear(position(scene.ankle, HOME, at(-10)))
    custody(sweeper, scene)
    assert sweeper.sweep(60) == []


def test_a_custody_without_a_word_of_him_is_no_flight(sweeper: Sweeper, scene: Scene) -> None:
    custody(sweeper, scene)
    assert sweeper.sweep(60) == []


@pytest.mark.parametrize("is_retired", [False, True])
def test_a_device_that_nobody_carries_and_that_speaks_is_told_for_ten_minutes(
    sweeper: Sweeper, scene: Scene, is_retired: bool
) -> None:
    sweeper.unassign(scene.phone.id, 0)
    if is_retired:
        with transaction(sweeper.engine) as session:
            orders.retire_device(session, scene.phone.id, None, at(0))
    sweeper.hear(position(scene.phone, FAR, at(9)))
    assert sweeper.sweep(60) == [began("speaks_unassigned")]
    (alert,) = sweeper.alerts()
    assert (alert.order_id, alert.device_id, alert.exercise) == (None, scene.phone.id, True)
    sweeper.restart()
    assert sweeper.sweep(610) == []
    assert sweeper.sweep(611) == [ended("speaks_unassigned")]


def test_a_device_that_was_handed_out_since_is_in_no_conflict(sweeper: Sweeper, scene: Scene) -> None:
    sweeper.unassign(scene.ankle.id, 0)
    sweeper.hear(position(scene.ankle, FAR, at(9)))
    sweeper.assign(scene, 20)
    assert sweeper.sweep(60) == []


def test_a_device_of_somebody_without_an_order_is_carried(sweeper: Sweeper, scene: Scene) -> None:
    sweeper.unassign(scene.ankle.id, 0)
    with transaction(sweeper.engine) as session:
        stranger = orders.add_wearer(session, f"W-{uuid4().hex[:6]}", "Stranger Name", None, NOW)
        orders.assign_device(session, scene.ankle.id, stranger.id, None, None, at(1))
    sweeper.hear(position(scene.ankle, FAR, at(9)))
    assert sweeper.sweep(60) == []

"""A silence that an exemption covers: told once without a sound, and again when the exemption is over."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.geofence.model import Limits
from api.geofence.service.sweeping import Sweeper
from api.kernel.db import reading, transaction
from api.orders import service as orders
from api.orders.model import AgreedPlace
from tests.factories import NOW, make_exemption_draft
from tests.scene import HOME, Scene, make_scene

LIMITS = Limits()


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


HIS, COVERED = ("lost_contact", False), ("lost_contact", True)
HERS = ("protected_device_degraded", False)
"""Her own device is never exempted: it is called gently, whatever was agreed."""


class Night:
    """A watchdog that sweeps when told to."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.restart()

    def sweep(self, seconds: float) -> list[tuple[str, bool]]:
        """Kind of each event told, and whether it is covered."""
        with transaction(self.engine) as session:
            before = alerts.last_entry_seq(session)
            self.sweeper.sweep(session, at(seconds))
        with reading(self.engine) as session:
            told = [entry.event for entry in alerts.entries_after(session, before, 100) if entry.event]
        return [
            (event["kind"], event["exemption_id"] is not None)
            for event in told
            if event["kind"] in {"lost_contact", "protected_device_degraded"}
        ]

    def restart(self) -> None:
        self.sweeper = Sweeper(LIMITS)
        with reading(self.engine) as session:
            self.sweeper.load(session, NOW)


@pytest.fixture
def night(engine: Engine) -> Night:
    return Night(engine)


@pytest.fixture
def scene(night: Night) -> Scene:
    """An order whose devices are never heard; they are missed from NOW on."""
    return make_scene(night.engine)


def agree(night: Night, scene: Scene, **more: Any) -> None:
    with transaction(night.engine) as session:
        orders.add_exemption(session, scene.order_id, make_exemption_draft(**more), None, NOW)


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_covered_silence_is_told_again_when_the_cover_is_over(
    night: Night, scene: Scene, is_restarted: bool
) -> None:
    agree(night, scene, valid_until=at(1000))
    assert night.sweep(601) == [COVERED, HERS]
    assert night.sweep(603) == []
    if is_restarted:
        night.restart()
    assert night.sweep(999) == []
    assert night.sweep(1000) == [HIS]
    assert night.sweep(1002) == []
    if is_restarted:
        night.restart()
        assert night.sweep(1004) == []


def test_what_covers_one_person_does_not_cover_the_wearer_s_silence(night: Night, scene: Scene) -> None:
    agree(night, scene, person_ids=(scene.person_id,))
    assert night.sweep(601) == [HIS, HERS]
    assert night.sweep(603) == []


def test_a_silence_is_not_covered_by_a_place_where_nobody_sees_him(night: Night, scene: Scene) -> None:
    agree(night, scene, place=AgreedPlace(HOME, 500.0))
    assert night.sweep(601) == [HIS, HERS]
    assert night.sweep(603) == []


def test_a_silence_told_before_anything_was_agreed_is_not_told_again(night: Night, scene: Scene) -> None:
    assert night.sweep(601) == [HIS, HERS]
    with transaction(night.engine) as session:
        draft = make_exemption_draft(valid_from=at(700), valid_until=at(800))
        orders.add_exemption(session, scene.order_id, draft, None, at(700))
    assert night.sweep(702) == night.sweep(802) == []

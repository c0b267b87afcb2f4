"""A test run on both databases: everybody hears of it as of an exercise, and it says what failed."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.alerts import service
from api.alerts.model import Channel, EntryKind, Sighting
from api.alerts.model.drills import (
    DrillGoesOn,
    DrillNotFound,
    DrillReport,
    Heard,
    LinkName,
    LinkState,
    NotDrillable,
)
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.orders import service as orders
from api.orders.model import OrderNotFound
from tests.alerts.stage import HIS_PLACE, Stage, at, breach, make_stage
from tests.alerts.test_service_contacts import add_officer, add_station
from tests.factories import NOW


def heard_just_now(_session: Session, device_ids: Collection[UUID]) -> dict[UUID, Heard]:
    return {device_id: Heard(NOW, Sighting(device_id, HIS_PLACE, 5.0, NOW)) for device_id in device_ids}


def start(stage: Stage, order_id: UUID | None = None, now: datetime = NOW) -> DrillReport:
    with transaction(stage.engine) as session:
        return service.start_drill(session, order_id or stage.order_id, uuid4(), heard_just_now, now)


def look(stage: Stage, drill_id: UUID, now: datetime) -> DrillReport:
    with reading(stage.engine) as session:
        return service.get_drill(session, drill_id, heard_just_now, now)


def states(report: DrillReport) -> dict[LinkName, LinkState]:
    return {link.name: link.state for link in report.links}


def test_a_real_order_is_walked_as_an_exercise(engine: Engine) -> None:
    stage = make_stage(engine, exercise=False)
    report = start(stage)
    (alert,) = stage.alerts()
    assert (alert.exercise, alert.severity, alert.kind, alert.ongoing) == (True, 4, "drill", False)
    sent = stage.outbox()
    (police,) = [one for one in sent if one.channel is Channel.POLICE_WEBHOOK]
    assert police.payload["status"] == "Exercise"
    commands = {one.device_id: one.payload["action"] for one in sent if one.channel is Channel.DEVICE}
    assert commands == {stage.ankle.id: "reportLocation", stage.phones[0].id: "message"}
    assert states(report)[LinkName.WEARER_DEVICE_HEARD] is LinkState.OK
    assert states(report)[LinkName.POLICE] is LinkState.WAITING


def test_a_run_that_goes_on_is_not_begun_again(engine: Engine) -> None:
    stage = make_stage(engine)
    report = start(stage)
    with pytest.raises(DrillGoesOn):
        start(stage, now=at(60))
    stage.acknowledge(report.drill.alert_id)
    stage.resolve(report.drill.alert_id)
    assert start(stage, now=at(120)).drill.id != report.drill.id
    with reading(engine) as session:
        listed = service.list_drills(session, stage.order_id, heard_just_now, at(130))
    assert [one.drill.started_at for one in listed] == [at(120), NOW]
    assert states(listed[1])[LinkName.ROOM] is LinkState.OK


def test_a_real_breach_during_a_run_is_an_alert_of_its_own_and_real(engine: Engine) -> None:
    stage = make_stage(engine, exercise=False)
    start(stage)
    (real,) = stage.tell(breach(stage, exercise=False), now=at(5))
    assert (real.exercise, real.severity) == (False, 1)
    assert len(stage.alerts()) == 2


def test_what_nobody_answered_has_failed_in_the_end(engine: Engine) -> None:
    stage = make_stage(engine)
    report = look(stage, start(stage).drill.id, NOW + timedelta(minutes=5))
    assert report.state is LinkState.FAILED
    assert states(report)[LinkName.ROOM] is LinkState.FAILED
    assert states(report)[LinkName.HER_DEVICE_REACHED] is LinkState.FAILED


def test_a_receipt_of_a_device_proves_its_link(engine: Engine) -> None:
    stage = make_stage(engine)
    drill_id = start(stage).drill.id
    for one in stage.outbox():
        if one.device_id is not None:
            with transaction(engine) as session:
                assert service.receive_receipt(session, one.device_id, one.id, "done", at(3))
    found = states(look(stage, drill_id, at(10)))
    assert found[LinkName.HER_DEVICE_REACHED] is LinkState.OK
    assert found[LinkName.WEARER_DEVICE_REACHED] is LinkState.OK


def test_what_is_not_in_force_or_not_there_cannot_be_walked(engine: Engine) -> None:
    stage = make_stage(engine, valid_from=NOW - timedelta(days=9), valid_until=NOW - timedelta(days=1))
    with pytest.raises(NotDrillable):
        start(stage)
    with pytest.raises(OrderNotFound):
        start(stage, uuid4())
    with pytest.raises(DrillNotFound):
        look(stage, uuid4(), NOW)


def test_orders_in_force_are_due_and_a_run_puts_them_off(engine: Engine) -> None:
    stage = make_stage(engine)
    ended = make_stage(engine)
    with transaction(engine) as session:
        orders.revoke_order(session, ended.order_id, None, NOW)
    with reading(engine) as session:
        (due,) = service.list_due_drills(session, NOW)
    assert (due.order_id, due.last_at) == (stage.order_id, None)
    assert due.due_at < NOW
    start(stage)
    with reading(engine) as session:
        (due,) = service.list_due_drills(session, NOW)
    assert (due.last_at, due.due_at) == (NOW, NOW + timedelta(days=30))


def test_no_deadline_runs_for_a_test(engine: Engine) -> None:
    stage = make_stage(engine)
    start(stage)
    with transaction(engine) as session:
        assert service.escalate_due(session, NOW + timedelta(hours=1)) == 0
    assert EntryKind.ESCALATED not in {entry.kind for entry in stage.log()}


def test_a_run_goes_to_the_station_of_the_last_known_place_and_names_no_place(engine: Engine) -> None:
    stage = make_stage(engine)
    add_station(engine, Point(48.0, 2.0))
    add_officer(engine, add_station(engine, HIS_PLACE, reference="HERE"), "DV-1")
    report = start(stage)
    (police,) = [one for one in stage.outbox() if one.channel is Channel.POLICE_WEBHOOK]
    assert {one["station_reference"] for one in police.payload["routing"]} == {"HERE"}
    assert (police.payload["event"]["wearer"], police.payload["event"]["protected"]) == (None, None)
    assert states(report)[LinkName.OFFICER] is LinkState.WAITING


def test_what_is_sent_when_a_run_is_over_changes_its_report_no_more(engine: Engine) -> None:
    stage = make_stage(engine)
    report = start(stage)
    stage.resolve(report.drill.alert_id)
    later = look(stage, report.drill.id, NOW + timedelta(days=300))
    assert [link.name for link in later.links] == [link.name for link in report.links]

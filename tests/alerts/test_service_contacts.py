"""Stations and officers of an alert on both databases: the right desk, nobody twice, a call else."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from api.alerts.model import Channel, EventKind, Notification, Sighting
from api.alerts.model.playbooks import TaskKind
from api.kernel.db import transaction
from api.kernel.geo import Point
from api.policing import service as policing
from api.policing.model import DutyRole, OfficerDraft, Roster, SlotDraft, Station
from tests.alerts.stage import HER_PLACE, HIS_PLACE, Stage, at, breach, make_event, make_stage
from tests.alerts.test_service_escalating import escalate, tasks, told
from tests.factories import NOW
from tests.policing.station import ALWAYS, make_draft, square

K = EventKind


def add_station(engine: Engine, center: Point, **more: Any) -> Station:
    draft = make_draft(area=square(center, 0.002), seat=center, **more)
    with transaction(engine) as session:
        return policing.add_station(session, draft, None, NOW)


def add_officer(engine: Engine, station: Station, reference: str) -> UUID:
    draft = OfficerDraft(station.id, reference, "Officer Name", "+441632960022", None)
    with transaction(engine) as session:
        officer = policing.add_officer(session, draft, None, NOW)
        slot = SlotDraft(officer.id, DutyRole.OFFICER, 0, ALWAYS)
        policing.replace_roster(session, Roster(station.id, ()), [slot], None, NOW)
    return officer.id


def open_breach(stage: Stage, now: datetime = NOW, **more: Any) -> None:
    places: dict[str, Any] = {
        "wearer": Sighting(stage.ankle.id, HIS_PLACE, 5.0, now),
        "protected": Sighting(stage.phones[0].id, HER_PLACE, 5.0, now),
    }
    stage.tell(breach(stage, occurred_at=now, **(places | more)), now=now)


def police(stage: Stage) -> list[dict[str, Any]]:
    return [one.payload for one in told(stage, Channel.POLICE_WEBHOOK)]


def texts(stage: Stage) -> list[Notification]:
    return told(stage, Channel.SMS)


def calls(stage: Stage) -> list[tuple[TaskKind, UUID | None]]:
    return [(task.kind, task.about) for task in tasks(stage)]


@pytest.fixture
def his(engine: Engine) -> Station:
    return add_station(engine, HIS_PLACE, reference="HIS", desk_address="politie.his")


@pytest.fixture
def hers(engine: Engine) -> Station:
    return add_station(engine, HER_PLACE, reference="HERS", desk_address="politie.hers")


def test_the_stations_of_both_are_told_and_their_officers_texted(
    engine: Engine, his: Station, hers: Station
) -> None:
    stage = make_stage(engine)
    officers = [add_officer(engine, his, "DV-1"), add_officer(engine, hers, "DV-2")]
    open_breach(stage)
    (message,) = police(stage)
    assert [(one["side"], one["desk_address"], one["how"]) for one in message["routing"]] == [
        ("wearer", "politie.his", "area"),
        ("protected", "politie.hers", "area"),
    ]
    assert [one["officer_reference"] for one in message["routing"]] == ["DV-1", "DV-2"]
    assert [one.payload["recipient_id"] for one in texts(stage)] == [str(one) for one in officers]
    assert calls(stage) == []


def test_a_text_holds_ids_and_no_name_number_or_place(engine: Engine, his: Station) -> None:
    stage = make_stage(engine)
    add_officer(engine, his, "DV-1")
    open_breach(stage)
    (one,) = texts(stage)
    alert = stage.alerts()[0]
    assert one.payload == {
        "recipient_id": one.payload["recipient_id"],
        "text_key": "alert_waits",
        "reference": alert.id.hex[:8],
        "severity": 1,
        "exercise": True,
        "target": "officer",
    }


def test_one_officer_for_both_sides_gets_one_text(engine: Engine) -> None:
    stage = make_stage(engine)
    station = add_station(engine, HIS_PLACE)
    officer = add_officer(engine, station, "DV-1")
    open_breach(stage, protected=Sighting(stage.phones[0].id, HIS_PLACE, 5.0, NOW))
    assert [one.payload["recipient_id"] for one in texts(stage)] == [str(officer)]


def test_with_nobody_on_duty_the_desk_is_texted_and_an_operator_calls(engine: Engine, his: Station) -> None:
    stage = make_stage(engine)
    open_breach(stage)
    assert [one.payload["recipient_id"] for one in texts(stage)] == [str(his.id)]
    assert calls(stage) == [(TaskKind.CALL_OFFICER, his.id)]
    assert police(stage)[0]["routing"][0]["problem"] == "nobody_on_duty"
    open_breach(stage, at(1), kind=K.SOS)
    assert calls(stage) == [(TaskKind.CALL_OFFICER, his.id)] * 2  # another alert, its own call


def test_without_any_station_nothing_is_routed_and_nobody_is_sent_to_call(engine: Engine) -> None:
    stage = make_stage(engine)
    open_breach(stage)
    assert police(stage)[0]["routing"] == []
    assert texts(stage) == []
    assert calls(stage) == []


def test_an_unknown_place_goes_by_the_other_side_s(engine: Engine, his: Station, hers: Station) -> None:
    stage = make_stage(engine)
    open_breach(stage, protected=None)
    assert [one["side"] for one in police(stage)[0]["routing"]] == ["wearer"]
    stage.tell(make_event(K.STRAP_TAMPER, order_id=stage.order_id, device_id=stage.ankle.id, wearer=None))
    (strap,) = [one for one in police(stage) if one["event"]["kind"] == "strap_tamper"]
    assert strap["routing"] == []  # nobody knows where: whoever receives it decides
    assert {his.reference, hers.reference} == {"HIS", "HERS"}
    assert (TaskKind.CALL_OFFICER, None) in calls(stage)


def test_what_an_operator_does_is_told_to_the_same_stations(
    engine: Engine, his: Station, hers: Station
) -> None:
    stage = make_stage(engine)
    open_breach(stage)
    stage.acknowledge(stage.alerts()[0].id)
    first, second = police(stage)
    assert second["routing"] == first["routing"]
    assert len(first["routing"]) == len([his, hers])


def test_the_desk_that_stands_by_is_texted_when_nobody_takes_severity_1(engine: Engine) -> None:
    stage = make_stage(engine)
    desk = add_station(engine, Point(52.0, 5.0), reference="control-room")
    officer = add_officer(engine, desk, "SUP-1")
    open_breach(stage)
    escalate(stage, 30)
    standby = [one for one in texts(stage) if one.payload["target"] == "standby"]
    assert [one.payload["recipient_id"] for one in standby] == [str(officer)]


def test_without_a_desk_that_stands_by_somebody_is_to_call_it(engine: Engine) -> None:
    stage = make_stage(engine)
    open_breach(stage)
    escalate(stage, 30)
    assert (TaskKind.CALL_STANDBY, None) in calls(stage)


def test_no_fault_of_a_register_costs_an_alert(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = make_stage(engine)
    add_station(engine, HIS_PLACE)

    def break_down(*_arguments: Any) -> Any:
        raise ValueError("an area that cannot be read")

    monkeypatch.setattr("api.policing.service.route_all", break_down)
    open_breach(stage)
    (message,) = police(stage)
    assert message["routing"] == []
    assert calls(stage) == [(TaskKind.CALL_OFFICER, None)]

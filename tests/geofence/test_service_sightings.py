"""Sightings entered in the control room: kept, judged under every order concerned, alerted."""

import uuid
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from api.alerts import service as alerts
from api.geofence.model import BadSighting, ExternalSighting, Limits, SightingSource, Visibility
from api.geofence.service import limits, sightings
from api.geofence.service.sightings import SightingDraft
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.orders import service as orders
from api.orders.model import OrderNotFound, Party
from tests.factories import NOW
from tests.geofence.desk import Desk
from tests.orders import register
from tests.scene import FAR, HOME, Scene, make_scene, north_of, position

HOUSE = Limits()
ACTOR = uuid.UUID(int=77)
ELSEWHERE = north_of(HOME, -30_000)


def make_draft(point: Point = HOME, *, seen_s: float = -60, **more: Any) -> SightingDraft:
    values: dict[str, Any] = {
        "party": Party.WEARER,
        "person_id": None,
        "seen_at": NOW + timedelta(seconds=seen_s),
        "accuracy_m": 20.0,
        "source": SightingSource.WITNESS,
        "note": "a neighbour knows him",
    }
    return SightingDraft(point=point, **(values | more))


def enter(
    engine: Engine, order_id: UUID, draft: SightingDraft | None = None, now: datetime = NOW
) -> ExternalSighting:
    with transaction(engine) as session:
        return sightings.add_sighting(session, order_id, draft or make_draft(), HOUSE, ACTOR, now)


def listed(engine: Engine, order_id: UUID) -> list[ExternalSighting]:
    with transaction(engine) as session:
        return sightings.list_sightings(session, order_id, 0, 100, ACTOR, NOW)


def told(engine: Engine) -> list[tuple[str, UUID]]:
    """Reason and order of every event of a sighting, in order."""
    with reading(engine) as session:
        entries = alerts.entries_after(session, 0, 1000)
    return [
        (entry.event["reason"], UUID(entry.event["order_id"]))
        for entry in entries
        if entry.event and entry.event["kind"] == "external_sighting"
    ]


def audited(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as session:
        rows = session.execute(text("SELECT act, reason FROM audit WHERE act LIKE '%sighting%' ORDER BY act"))
        return [(act, reason) for act, reason in rows]


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return make_scene(engine)


def test_a_sighting_is_kept_as_it_was_told(engine: Engine, scene: Scene) -> None:
    entered = enter(engine, scene.order_id, make_draft(ELSEWHERE))
    assert listed(engine, scene.order_id) == [entered]
    assert (entered.point, entered.accuracy_m, entered.source) == (ELSEWHERE, 20.0, SightingSource.WITNESS)
    assert (entered.seen_at, entered.received_at) == (NOW - timedelta(seconds=60), NOW)
    assert (entered.party, entered.person_id, entered.author_id) == (Party.WEARER, None, ACTOR)
    assert entered.note == "a neighbour knows him"
    assert told(engine) == []


def test_the_last_entered_is_the_first_of_the_list_and_each_order_has_its_own(
    engine: Engine, scene: Scene
) -> None:
    first = enter(engine, scene.order_id, make_draft(ELSEWHERE))
    later = NOW + timedelta(seconds=5)
    second = enter(engine, scene.order_id, make_draft(ELSEWHERE, note=""), later)
    other = make_scene(engine)
    assert listed(engine, scene.order_id) == [second, first]
    assert listed(engine, other.order_id) == []
    with transaction(engine) as session:
        assert sightings.count_sightings(session, scene.order_id) == 2
        assert sightings.list_sightings(session, scene.order_id, 1, 1, ACTOR, NOW) == [first]


def test_entering_and_looking_are_in_the_audit_trail_without_the_note(engine: Engine, scene: Scene) -> None:
    enter(engine, scene.order_id)
    listed(engine, scene.order_id)
    assert audited(engine) == [
        ("geofence.add_sighting", f"order {scene.order_id}"),
        ("geofence.list_sightings", ""),
    ]


def test_seen_in_the_zone_while_the_device_says_far_away_is_one_alert_of_severity_1(
    engine: Engine, scene: Scene
) -> None:
    desk = Desk(engine)
    desk.take(position(scene.ankle, FAR, NOW - timedelta(seconds=70)))
    desk.take(position(scene.ankle, FAR, NOW - timedelta(seconds=50)))
    enter(engine, scene.order_id)
    assert told(engine) == [("breach", scene.order_id), ("contradicts_device", scene.order_id)]
    (alert,) = desk.alerts()
    assert (alert.family, alert.kind, alert.severity) == ("approach", "external_sighting", 1)
    assert (alert.order_id, alert.ongoing, alert.exercise) == (scene.order_id, False, True)
    with reading(engine) as session:
        log = alerts.entries_after(session, 0, 100)
    assert "neighbour" not in str(log)


def test_seen_near_her_where_she_is_now(engine: Engine, scene: Scene) -> None:
    Desk(engine).take(position(scene.phone, ELSEWHERE, NOW - timedelta(seconds=100)))
    enter(engine, scene.order_id, make_draft(north_of(ELSEWHERE, 300)))
    assert told(engine) == [("breach", scene.order_id)]


def test_she_is_seen_near_him(engine: Engine, scene: Scene) -> None:
    Desk(engine).take(position(scene.ankle, ELSEWHERE, NOW - timedelta(seconds=100)))
    entered = enter(engine, scene.order_id, make_draft(north_of(ELSEWHERE, 300), party=Party.PROTECTED))
    assert entered.person_id == scene.person_id
    assert told(engine) == [("breach", scene.order_id)]


def test_her_zone_may_be_where_she_is_seen(engine: Engine, scene: Scene) -> None:
    enter(engine, scene.order_id, make_draft(party=Party.PROTECTED, person_id=scene.person_id))
    assert told(engine) == []


def test_a_breach_that_is_told_late_is_evidence(engine: Engine, scene: Scene) -> None:
    enter(engine, scene.order_id, make_draft(seen_s=-HOUSE.late_s - 1))
    (alert,) = Desk(engine).alerts()
    assert (alert.family, alert.severity) == ("late", 3)


def test_a_breach_of_a_concealed_zone_is_concealed(engine: Engine) -> None:
    hidden = make_scene(engine, zone={"visibility": Visibility.CONCEALED})
    enter(engine, hidden.order_id)
    (alert,) = Desk(engine).alerts()
    assert alert.concealed


def test_he_is_held_against_his_other_orders_too(engine: Engine, scene: Scene) -> None:
    """The operator has opened one order, and he stands in the zone of the other."""
    with transaction(engine) as session:
        second = register.add_order(session, wearer_id=scene.wearer_id, exercise=True)
        stranger = register.add_order(session)
    enter(engine, second.id)
    assert told(engine) == [("breach", scene.order_id)]
    assert [len(listed(engine, one)) for one in (second.id, scene.order_id, stranger.id)] == [1, 0, 0]


def test_she_is_held_against_everybody_who_must_not_be_near_her(engine: Engine, scene: Scene) -> None:
    desk = Desk(engine)
    with transaction(engine) as session:
        wearer = register.add_wearer(session)
        second = register.add_order(
            session, wearer_id=wearer, protected_person_ids=(scene.person_id,), exercise=True
        )
        device = register.add_device(session, simulated=True)
        since = NOW - timedelta(days=1)
        orders.assign_device(session, device.id, wearer, None, None, NOW, since=since)
    with reading(engine) as session:
        desk.memory.refresh(session)
    desk.take(position(device, ELSEWHERE, NOW - timedelta(seconds=30)))
    enter(engine, scene.order_id, make_draft(ELSEWHERE, party=Party.PROTECTED))
    assert told(engine) == [("breach", second.id)]


def test_the_order_s_own_limits_judge_it(engine: Engine, scene: Scene) -> None:
    Desk(engine).take(position(scene.ankle, north_of(HOME, 2_000), NOW - timedelta(seconds=120)))
    seen = make_draft(north_of(HOME, 4_000))
    enter(engine, scene.order_id, seen)
    assert told(engine) == []
    with transaction(engine) as session:
        before = limits.show_limits(session, scene.order_id, HOUSE)
        limits.change_limits(session, before, {"horizon_speed_m_s": 10}, "he has no car", ACTOR, NOW)
    enter(engine, scene.order_id, seen)
    assert told(engine) == [("contradicts_device", scene.order_id)]


def test_what_a_device_said_in_other_hands_contradicts_nobody(engine: Engine, scene: Scene) -> None:
    Desk(engine).take(position(scene.ankle, FAR, NOW - timedelta(seconds=60)))
    with transaction(engine) as session:
        orders.unassign_device(session, scene.ankle.id, None, NOW)
    enter(engine, scene.order_id, make_draft(ELSEWHERE))
    with transaction(engine) as session:
        orders.assign_device(session, scene.ankle.id, scene.wearer_id, None, None, NOW)
    enter(engine, scene.order_id, make_draft(ELSEWHERE))
    assert told(engine) == []


def test_a_sighting_of_the_future_is_refused(engine: Engine, scene: Scene) -> None:
    enter(engine, scene.order_id, make_draft(ELSEWHERE, seen_s=HOUSE.future_s))
    with pytest.raises(BadSighting) as bad:
        enter(engine, scene.order_id, make_draft(seen_s=HOUSE.future_s + 1))
    assert list(bad.value.fields) == ["seen_at"]
    assert len(listed(engine, scene.order_id)) == 1


def test_it_is_said_whom_a_sighting_is_of(engine: Engine, scene: Scene) -> None:
    with transaction(engine) as session:
        people = (register.add_person(session), register.add_person(session))
        two = register.add_order(session, protected_person_ids=people)
    for order_id, party, person_id in (
        (scene.order_id, Party.WEARER, scene.person_id),
        (scene.order_id, Party.PROTECTED, people[0]),
        (two.id, Party.PROTECTED, None),
    ):
        with pytest.raises(BadSighting) as bad:
            enter(engine, order_id, make_draft(party=party, person_id=person_id))
        assert list(bad.value.fields) == ["person_id"]
        assert listed(engine, order_id) == []
    seen = make_draft(party=Party.PROTECTED, person_id=people[1])
    assert enter(engine, two.id, seen).person_id == people[1]


def test_an_order_that_is_not_there_is_refused(engine: Engine) -> None:
    with pytest.raises(OrderNotFound):
        enter(engine, uuid.uuid4())
    with reading(engine) as session, pytest.raises(OrderNotFound):
        sightings.count_sightings(session, uuid.uuid4())

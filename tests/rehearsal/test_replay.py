"""An alert that a worker and a watchdog made is judged again to the last bit; what was altered is found."""

import base64
import json
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from api.alerts import service as alerts
from api.alerts.model import Event, EventKind, Family, ResolveReason
from api.geofence.model import Circle, Limits, SightingSource, Visibility
from api.geofence.service import limits, sightings, zones
from api.geofence.service.judging import Received
from api.geofence.service.sightings import SightingDraft
from api.geofence.service.zones import ZoneDraft
from api.kernel.crypto import seal
from api.kernel.db import transaction
from api.kernel.heartbeats import add_outage
from api.orders import service as orders
from api.orders.model import OrderDraft, Party
from api.rehearsal import replay as replaying
from api.rehearsal.comparing import Verdict
from api.rehearsal.replay import Outcome
from tests.factories import make_exemption_draft
from tests.geofence.desk import alarm
from tests.rehearsal.house import House, alter, at, visit
from tests.scene import FAR, HOME, Scene, make_scene, north_of, position, received

STAFF = uuid4()


def verdicts(outcome: Outcome) -> set[Verdict]:
    return {one.verdict for one in outcome.events}


def test_an_approach_judged_one_by_one_is_computed_to_the_last_bit(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    for message in visit(scene):
        house.take(message)
    outcome = house.replay()
    assert outcome.is_identical
    assert len(outcome.events) > 5
    assert outcome.messages == 20  # until the last event: what came after is no part of it
    assert outcome.notes == ()


def sealed(scene: Scene, message: Received) -> Received:
    key = (scene.ankle if scene.ankle.id.hex in message.topic else scene.phone).sealing_key
    assert key is not None
    data = base64.b64encode(seal(key, message.payload)).decode()
    return Received(
        message.topic, json.dumps({"_type": "encrypted", "data": data}).encode(), message.received_at
    )


def test_sealed_messages_are_opened_with_their_own_key(engine: Engine) -> None:
    scene = make_scene(engine, sealed=True)
    house = House(engine)
    house.take(*(sealed(scene, message) for message in visit(scene)))
    outcome = house.replay()
    assert outcome.is_identical
    assert len(outcome.events) > 5


def test_batches_restarts_repeats_alarms_and_reports_are_played_as_they_were(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    messages = visit(scene)
    house.take(*messages[:6])
    house.take(messages[4], messages[6], received(scene.ankle, b'{"_type":"status","batt":9}', at(170)))
    house.restart(200)
    house.take(*messages[7:12], received(scene.ankle, alarm("strap_cut"), at(190), "alarm"))
    house.take(received(scene.ankle, alarm("strap_cut"), at(230), "alarm"), *messages[12:])
    house.take(received(scene.phone, b"{", at(500), "alarm"))
    for family in (Family.APPROACH, Family.TAMPER):
        assert house.replay(family).is_identical, family


def test_silence_and_return_are_computed_with_the_timers_own_moments(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    house.take(position(scene.ankle, FAR, at(0)), position(scene.phone, HOME, at(0)))
    with transaction(engine) as session:
        add_outage(session, "worker", at(60), at(100))
    for seconds in range(101, 1500, 2):
        house.sweep(seconds)
    house.take(position(scene.ankle, FAR, at(1500), delay_s=0.5), position(scene.phone, HOME, at(1500)))
    house.take(position(scene.ankle, FAR, at(1500), delay_s=20))  # delivered again: contact alone
    house.sweep(1503)
    for family in (Family.CONTACT, Family.HEALTH):
        outcome = house.replay(family)
        assert outcome.is_identical, outcome.events
        assert len(outcome.events) >= 2


def test_the_register_is_what_it_was_at_each_moment(engine: Engine) -> None:
    scene = make_scene(engine, alert_radius_m=60, warning_radius_m=70, zone={"shape": Circle(HOME, 100.0)})
    house = House(engine)
    first, second = visit(scene), visit(scene, begin_s=1000)
    house.take(*first[:9])
    with transaction(engine) as session:
        order = orders.get_order(session, scene.order_id)
        draft = {name: getattr(order, name) for name in OrderDraft.__dataclass_fields__}
        orders.change_order(
            session,
            order,
            OrderDraft(**draft | {"alert_radius_m": 800.0, "warning_radius_m": 900.0}),
            None,
            at(700),
        )
        seen = zones.get_zone(session, scene.order_id, scene.zone_id)
        wider = ZoneDraft("home", Circle(HOME, 600.0), 100.0, Visibility.CONCEALED)
        zones.change_zone(session, seen, wider, None, at(710))
    for message in first[9:]:
        house.take(message, after_s=800)
    for message in second:
        house.take(message)
    assert house.replay().is_identical


def test_an_alert_that_was_closed_by_a_person_is_followed_by_another(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    messages = visit(scene)
    house.take(*messages[:10])
    approach = house.alerts()[Family.APPROACH][0]
    house.change(alerts.resolve, approach, STAFF, ResolveReason.FALSE_ALARM, "", at(205))
    house.take(*messages[10:])
    assert house.replay(which=0).is_identical
    assert house.replay(which=1).is_identical


def test_what_was_agreed_and_the_order_s_own_limits_are_part_of_the_decision(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    with transaction(engine) as session:
        draft = make_exemption_draft(valid_from=at(0), valid_until=at(200))
        orders.add_exemption(session, scene.order_id, draft, None, at(0))
        made = {"repeat_s": 90.0}
        seen = limits.show_limits(session, scene.order_id, Limits())
        limits.change_limits(session, seen, made, "as agreed", None, at(1))
    for message in visit(scene):
        house.take(message)
    outcome = house.replay()
    assert outcome.is_identical
    alter(engine, "UPDATE exemption SET valid_until = valid_from")
    assert not house.replay().is_identical


def test_the_house_s_limits_are_those_of_then_whatever_they_are_today(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    for message in visit(scene):
        house.take(message)
    house.restart(3000, Limits(repeat_s=3600.0, confirm_fixes=3, near_silence_s=600.0))
    for message in visit(scene, 3010):
        house.take(message)
    house.sweep(4500)
    for family, ids in house.alerts().items():
        for which in range(len(ids)):
            outcome = house.replay(family, which)
            assert (outcome.is_identical, outcome.notes) == (True, ())
    alter(engine, "DELETE FROM house_limits WHERE version = 1")
    assert any("house's limits were kept" in note for note in house.replay().notes)


def test_a_sighting_and_a_conflict_of_the_register_are_judged_again(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    for message in visit(scene):
        house.take(message)
    draft = SightingDraft(
        Party.WEARER, None, at(380), north_of(HOME, 40_000), 20.0, SightingSource.CAMERA, "at a gate"
    )
    with transaction(engine) as session:
        sightings.add_sighting(session, scene.order_id, draft, Limits(), STAFF, at(395))
    outcome = house.replay()
    assert outcome.is_identical
    assert "external_sighting" in {one.kind for one in outcome.events}
    with transaction(engine) as session:
        orders.unassign_device(session, scene.ankle.id, None, at(400))
    house.sweep(2000)
    assert house.replay(Family.STATUS).is_identical
    alter(engine, "UPDATE sighting SET accuracy_m = 4000.0")
    assert not house.replay().is_identical


def test_one_changed_byte_of_a_message_is_found(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    for message in visit(scene):
        house.take(message)
    with engine.connect() as connection:
        digest, payload = connection.execute(
            text("SELECT digest, payload FROM fix WHERE lat BETWEEN :low AND :high ORDER BY lat LIMIT 1"),
            {"low": north_of(HOME, 299).lat, "high": north_of(HOME, 301).lat},
        ).one()
    altered = bytes(payload).replace(b'"acc": 8.5', b'"acc": 8.6')
    assert altered != bytes(payload)
    alter(engine, "UPDATE fix SET payload = :payload WHERE digest = :digest", payload=altered, digest=digest)
    outcome = house.replay()
    assert not outcome.is_identical
    assert verdicts(outcome) == {Verdict.IDENTICAL, Verdict.DIFFERS}
    assert {"wearer"} == {one.field for event in outcome.events for one in event.differences}


def test_a_changed_version_of_a_zone_is_found(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    for message in visit(scene):
        house.take(message)
    alter(engine, "UPDATE exclusion_zone SET shape = replace(shape, '500.0', '450.0')")
    outcome = house.replay()
    assert not outcome.is_identical
    assert Verdict.DIFFERS in verdicts(outcome)


def test_a_message_that_is_gone_and_an_event_that_is_gone_are_found(engine: Engine) -> None:
    scene = make_scene(engine)
    house = House(engine)
    for message in visit(scene):
        house.take(message)
    alter(engine, "DELETE FROM alert_entry WHERE seq = (SELECT max(seq) - 3 FROM alert_entry)")
    assert verdicts(house.replay()) == {Verdict.IDENTICAL, Verdict.EXTRA}
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM fix"))
    outcome = house.replay()
    assert verdicts(outcome) == {Verdict.MISSING}
    assert not outcome.is_identical


def test_other_rules_are_named_and_compared_all_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene(engine)
    house = House(engine)
    for message in visit(scene):
        house.take(message)
    monkeypatch.setattr(replaying, "RULE_VERSION", "2031-01-1")
    outcome = house.replay()
    assert outcome.is_identical
    (note,) = outcome.notes
    assert "computed by 2031-01-1" in note


def test_what_is_missing_of_the_evidence_is_said(sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine)
    house = House(sqlite_engine)
    messages = visit(scene)
    long = json.dumps({"_type": "waypoints", "x": "x" * 5000}).encode()
    house.take(*messages[:3], received(scene.ankle, long, at(70)))
    house.take(*messages[3:])
    alter(sqlite_engine, "UPDATE fix SET batch = 0 WHERE seq = 0 AND lat > 51.93")
    outcome = house.replay()
    assert any("before batches were kept" in note for note in outcome.notes)
    assert any("too long to be kept" in note for note in outcome.notes)


def test_reading_the_evidence_is_an_act_in_the_audit_trail(sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine)
    house = House(sqlite_engine)
    house.take(*visit(scene))
    house.replay()
    with sqlite_engine.connect() as connection:
        assert (
            connection.execute(text("SELECT count(*) FROM audit WHERE act = 'alerts.replay'")).scalar() == 1
        )


def test_reports_kept_no_more_and_events_from_elsewhere_are_said(sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine)
    house = House(sqlite_engine)
    house.take(received(scene.ankle, b'{"_type":"status"}', at(0)), *visit(scene))
    alter(sqlite_engine, "UPDATE device_report SET number = number + 5")
    elsewhere = Event(
        kind=EventKind.ZONE_BREACH, occurred_at=at(900), order_id=scene.order_id, zone_id=scene.zone_id
    )
    with transaction(sqlite_engine) as session:
        alerts.open_alerts(session, [elsewhere], at(900))
    outcome = house.replay()
    assert [note.split()[0] for note in outcome.notes] == ["5", "At"]
    assert [one.verdict for one in outcome.events if one.at == at(900)] == [Verdict.MISSING]
    assert not outcome.is_identical

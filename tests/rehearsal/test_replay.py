"""An alert that a worker and a watchdog made is judged again to the last bit; what was altered is found."""

import base64
import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from api.alerts import service as alerts
from api.alerts.model import Event, EventKind, Family, ResolveReason
from api.geofence.memory import Memory
from api.geofence.model import Circle, Limits, SightingSource, Visibility
from api.geofence.service import limits, sightings, zones
from api.geofence.service.judging import Received, process_messages
from api.geofence.service.sightings import SightingDraft
from api.geofence.service.sweeping import Sweeper
from api.geofence.service.zones import ZoneDraft
from api.kernel.crypto import seal
from api.kernel.db import make_engine, reading, transaction
from api.kernel.heartbeats import add_outage
from api.orders import service as orders
from api.orders.model import OrderDraft, Party
from api.rehearsal import replay as replaying
from api.rehearsal.comparing import Verdict
from api.rehearsal.replay import Outcome, replay
from tests.factories import NOW, make_exemption_draft
from tests.geofence.desk import alarm
from tests.scene import FAR, HOME, Scene, make_scene, north_of, position, received

STAFF = uuid4()


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class House:
    """A worker and a watchdog that share a database, without their loops."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.memory = Memory(Limits())
        self.sweeper = Sweeper(Limits())
        with transaction(engine) as session:
            self.sweeper.load(session, NOW)
            self.memory.restore(session, NOW)

    def take(self, *messages: Received, after_s: float = 0.013) -> None:
        with transaction(self.engine) as session:
            self.memory.refresh(session)
            now = max(message.received_at for message in messages) + timedelta(seconds=after_s)
            changes = process_messages(session, self.memory, messages, now)
        self.memory.take_over(changes)

    def sweep(self, seconds: float) -> None:
        with transaction(self.engine) as session:
            self.sweeper.sweep(session, at(seconds))

    def restart(self, seconds: float) -> None:
        self.memory = Memory(Limits())
        with transaction(self.engine) as session:
            self.memory.restore(session, at(seconds))

    def change(self, change: Callable[..., Any], *arguments: Any) -> Any:
        with transaction(self.engine) as session:
            return change(session, *arguments)

    def alerts(self) -> dict[Family, list[UUID]]:
        with reading(self.engine) as session:
            found: dict[Family, list[UUID]] = {}
            for _entry, view in alerts.news_after(session, 0, 1000):
                ids = found.setdefault(view.alert.family, [])
                if view.alert.id not in ids:
                    ids.append(view.alert.id)
        return found

    def replay(self, family: Family = Family.APPROACH, which: int = 0) -> Outcome:
        return replay(self.engine, Limits(), self.alerts()[family][which], at(9000))


def visit(scene: Scene, begin_s: float = 0) -> list[Received]:
    """He comes from afar, stays inside for a while and leaves; she is at home."""
    metres = [3000, 2000, 1100, 700, 480.5, 300, 200, 210, 220, 400, 700, 1500, 3000, 5000]
    his = [
        position(scene.ankle, north_of(HOME, m), at(begin_s + 30 * i), seq=i, acc=8.5, delay_s=2.25)
        for i, m in enumerate(metres)
    ]
    hers = [
        position(scene.phone, north_of(HOME, 3.3 * i), at(begin_s + 60 * i), seq=i, acc=11)
        for i in range(len(metres) // 2 + 1)
    ]
    return sorted(his + hers, key=lambda message: message.received_at)


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


def alter(engine: Engine, statement: str, **values: Any) -> None:
    with engine.begin() as connection:
        changed = connection.execute(text(statement), values)
        assert changed.rowcount == 1


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


def printed(engine: Engine, alert: object, *, as_json: bool = False) -> tuple[int, str]:
    out = io.StringIO()
    status = replaying.run(engine, Limits(), str(alert), out, as_json=as_json)
    return status, out.getvalue()


def test_lines_and_json_say_the_same(sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine)
    house = House(sqlite_engine)
    house.take(*visit(scene))
    alert = house.alerts()[Family.APPROACH][0]
    status, said = printed(sqlite_engine, alert)
    assert (status, said.splitlines()[-1]) == (0, "identical")
    status, said = printed(sqlite_engine, alert, as_json=True)
    document = json.loads(said)
    assert (status, document["is_identical"], document["alert"]) == (0, True, str(alert))
    alter(sqlite_engine, "UPDATE exclusion_zone SET buffer_m = 200")
    status, said = printed(sqlite_engine, alert)
    assert (status, said.splitlines()[-1]) == (1, "NOT identical")
    assert "stored" in said


@pytest.mark.parametrize("alert", [UUID(int=99), "no-id"])
def test_an_unknown_alert_is_said_to_be_unknown(sqlite_engine: Engine, alert: object) -> None:
    assert printed(sqlite_engine, alert)[0] == 1
    assert "There is no alert" in printed(sqlite_engine, alert, as_json=True)[1]


def test_an_alert_about_our_own_system_rests_on_no_message(sqlite_engine: Engine) -> None:
    event = Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=NOW, reason="worker:silent")
    with transaction(sqlite_engine) as session:
        (alert,) = alerts.open_alerts(session, [event], NOW)
    status, said = printed(sqlite_engine, alert.id)
    assert status == 1
    assert "our own system" in said


def test_the_wrong_server_key_is_said(sqlite_url: str, sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine, sealed=True)
    del scene
    house = House(sqlite_engine)
    house.sweep(5000)
    other = make_engine(sqlite_url, bytes(32))
    alert = house.alerts()[Family.CONTACT][0]
    assert "server key" in printed(other, alert)[1]
    other.dispose()


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

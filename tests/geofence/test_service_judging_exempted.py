"""A hand-over, a hearing, custody: what the two are allowed pages nobody, and not a moment longer."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import Alert, Channel, ResolveReason
from api.geofence.model import Visibility
from api.kernel.db import reading, transaction
from api.orders import service as orders
from api.orders.model import AgreedPlace, DeviceDraft, DeviceKind
from tests.factories import NOW, make_exemption_draft
from tests.geofence.desk import BUFFER_PLACE, INSIDE_PLACE, Desk, alarm, at
from tests.scene import FAR, HOME, Scene, make_scene, north_of, position, received

SCHOOL = FAR
"""Where the children change hands, far from the zone."""
BESIDE = north_of(SCHOOL, 30)
ROUND_SCHOOL = AgreedPlace(SCHOOL, 200.0)
TOLD = {Channel.POLICE_WEBHOOK, Channel.PERSON_STREAM}


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return make_scene(engine)


@pytest.fixture
def desk(engine: Engine, scene: Scene) -> Desk:  # noqa: ARG001 - the scene must be there before the restore
    return Desk(engine)


def refreshed(desk: Desk) -> None:
    with reading(desk.engine) as session:
        assert desk.memory.refresh(session)


def agree(desk: Desk, scene: Scene, seconds: float = 0, **more: Any) -> UUID:
    """Agree to something from a second of the test on; the worker knows of it."""
    with transaction(desk.engine) as session:
        draft = make_exemption_draft(**more)
        made = orders.add_exemption(session, scene.order_id, draft, None, at(seconds))
    refreshed(desk)
    return made.id


def end(desk: Desk, scene: Scene, exemption_id: UUID, seconds: float) -> None:
    with transaction(desk.engine) as session:
        orders.end_exemption(session, scene.order_id, exemption_id, None, at(seconds))
    refreshed(desk)


def channels(desk: Desk, alert: Alert) -> list[Channel]:
    """By which ways anybody was told of an alert, in order."""
    with transaction(desk.engine) as session:
        detail = alerts.get_alert(session, alert.id, uuid4(), NOW)
    return [notification.channel for notification, _attempts in detail.notifications]


def log(desk: Desk) -> list[tuple[str, str | None]]:
    """Kind and exemption of every event that the control room reads."""
    with reading(desk.engine) as session:
        entries = alerts.entries_after(session, 0, 1000)
    return [(entry.event["kind"], entry.event["exemption_id"]) for entry in entries if entry.event]


def meet(desk: Desk, scene: Scene, seconds: float, place: Any = SCHOOL) -> None:
    """Both are at the school."""
    desk.take(position(scene.phone, BESIDE, at(seconds)), position(scene.ankle, place, at(seconds)))


def the_alert(desk: Desk) -> Alert:
    (alert,) = desk.alerts()
    return alert


def test_during_a_hand_over_nobody_is_paged_and_the_log_says_why(desk: Desk, scene: Scene) -> None:
    cover = str(agree(desk, scene, place=ROUND_SCHOOL))
    for seconds in (10, 80, 150):
        meet(desk, scene, seconds)
    alert = the_alert(desk)
    assert (alert.kind, alert.severity, alert.ongoing) == ("proximity_breach", 4, True)
    assert log(desk) == [("proximity_breach", cover)] * 3
    assert channels(desk, alert) == []


@pytest.mark.parametrize("is_early", [True, False])
def test_when_it_ends_while_he_is_still_there_everybody_is_told(
    desk: Desk, scene: Scene, is_early: bool
) -> None:
    cover = agree(desk, scene, valid_until=at(3600 if is_early else 100))
    meet(desk, scene, 10)
    if is_early:
        end(desk, scene, cover, 100)
    meet(desk, scene, 101)
    meet(desk, scene, 102)
    alert = the_alert(desk)
    assert (alert.severity, alert.ongoing) == (1, True)
    assert log(desk) == [("proximity_breach", str(cover)), ("proximity_breach", None)]
    assert set(channels(desk, alert)) >= TOLD


def test_an_alert_of_before_does_not_swallow_the_end_of_a_hand_over(desk: Desk, scene: Scene) -> None:
    """It rang, he went away, nobody closed it: then he came back under cover, and stays when that is over."""
    meet(desk, scene, 0)
    for seconds in (60, 130):
        meet(desk, scene, seconds, north_of(SCHOOL, 3_000))
    assert not the_alert(desk).ongoing
    agree(desk, scene, 150, valid_until=at(300))
    meet(desk, scene, 200)
    before = channels(desk, the_alert(desk))
    meet(desk, scene, 301)
    after = channels(desk, the_alert(desk))
    assert set(after[len(before) :]) >= TOLD


def test_an_alert_closed_meanwhile_comes_back_when_the_hand_over_ends(desk: Desk, scene: Scene) -> None:
    agree(desk, scene, valid_until=at(100))
    meet(desk, scene, 10)
    with transaction(desk.engine) as session:
        alerts.resolve(session, the_alert(desk).id, uuid4(), ResolveReason.AGREED_CONTACT, "", at(50))
    meet(desk, scene, 101)
    (alert,) = [alert for alert in desk.alerts() if alert.resolved_at is None]
    assert (alert.severity, set(channels(desk, alert)) >= TOLD) == (1, True)


def test_leaving_the_place_ends_the_cover(desk: Desk, scene: Scene) -> None:
    cover = str(agree(desk, scene, place=ROUND_SCHOOL))
    meet(desk, scene, 10)
    desk.take(position(scene.ankle, north_of(SCHOOL, 300), at(75)))
    assert log(desk) == [("proximity_breach", cover), ("proximity_breach", None)]
    alert = the_alert(desk)
    assert alert.severity == 1
    assert set(channels(desk, alert)) >= TOLD


@pytest.mark.parametrize("age_s", [300, 301])
def test_where_he_was_long_ago_is_no_place_to_be_covered_in(desk: Desk, scene: Scene, age_s: int) -> None:
    cover = str(agree(desk, scene, place=ROUND_SCHOOL))
    desk.take(position(scene.ankle, SCHOOL, at(10)))
    desk.take(position(scene.phone, BESIDE, at(10 + age_s)))
    told = ("proximity_breach", cover) if age_s == 300 else ("proximity_warning", None)
    assert log(desk) == [told]


def test_before_it_begins_everything_rings(desk: Desk, scene: Scene) -> None:
    agree(desk, scene, valid_from=at(60))
    meet(desk, scene, 10)
    assert the_alert(desk).severity == 1


@pytest.mark.parametrize("kind", ["sos", "strap_cut", "case_open", "jamming", "separation", "earthquake"])
def test_a_call_for_help_and_a_cut_strap_ring_as_ever(desk: Desk, scene: Scene, kind: str) -> None:
    agree(desk, scene)
    meet(desk, scene, 10)
    device = scene.phone if kind == "sos" else scene.ankle
    desk.take(received(device, alarm(kind, tst=int(at(20).timestamp())), at(21), "alarm"))
    told = [alert for alert in desk.alerts() if alert.severity < 4]
    assert len(told) == 1
    assert Channel.POLICE_WEBHOOK in channels(desk, told[0])
    assert log(desk)[-1][1] is None


def test_her_unit_hearing_his_bracelet_is_covered_where_the_place_is_proven(desk: Desk, scene: Scene) -> None:
    cover = str(agree(desk, scene, place=ROUND_SCHOOL))
    heard = received(scene.phone, alarm("rf_proximity", tst=int(at(5).timestamp())), at(6), "alarm")
    desk.take(heard)
    desk.take(position(scene.ankle, SCHOOL, at(10)))
    desk.take(
        received(scene.phone, alarm("rf_proximity", seq=2, tst=int(at(20).timestamp())), at(21), "alarm")
    )
    assert log(desk) == [("proximity_rf", None), ("proximity_rf", cover)]


def test_an_exemption_for_one_person_does_not_cover_the_other(engine: Engine) -> None:
    with transaction(engine) as session:
        sister = orders.add_person(session, "P-sister", "Sister Name", None, NOW).id
        brother = orders.add_person(session, "P-brother", "Brother Name", None, NOW).id
    scene = make_scene(engine, protected_person_ids=(sister, brother))
    with transaction(engine) as session:
        draft = DeviceDraft(DeviceKind.PHONE, "test", sealed=False, require_sealed=False, simulated=True)
        phones = [orders.add_device(session, draft, None, NOW)[0] for _ in range(2)]
        for phone, person in zip(phones, (sister, brother), strict=True):
            orders.assign_device(session, phone.id, None, person, None, NOW)
    desk = Desk(engine)
    agree(desk, scene, person_ids=(sister,))
    desk.take(*(position(phone, BESIDE, at(10)) for phone in phones))
    desk.take(position(scene.ankle, SCHOOL, at(11)))
    with reading(engine) as session:
        entries = alerts.entries_after(session, 0, 10)
    covered = {entry.event["person_id"]: entry.event["exemption_id"] for entry in entries if entry.event}
    assert covered.keys() == {str(sister), str(brother)}
    assert covered[str(sister)] is not None
    assert covered[str(brother)] is None
    assert the_alert(desk).severity == 1


def test_late_data_is_judged_by_what_was_agreed_at_its_time(desk: Desk, scene: Scene) -> None:
    cover = str(agree(desk, scene, valid_until=at(100)))
    end(desk, scene, UUID(cover), 60)
    desk.restarted()
    desk.take(position(scene.ankle, FAR, at(1100)))
    for seconds in (50, 61, 40):
        desk.take(position(scene.ankle, INSIDE_PLACE, at(seconds), delay_s=2000))
    covers = [cover, None, cover]
    assert log(desk) == [("late_data_breach", one) for one in covers]


def test_the_newest_position_that_comes_late_is_covered_too(desk: Desk, scene: Scene) -> None:
    cover = str(agree(desk, scene, valid_until=at(100)))
    desk.take(position(scene.ankle, HOME, at(50), delay_s=1000))
    assert log(desk) == [("late_data_breach", cover)]
    assert the_alert(desk).severity == 4


def test_a_late_position_near_her_is_judged_by_what_was_agreed_at_its_time(desk: Desk, scene: Scene) -> None:
    cover = str(agree(desk, scene, valid_until=at(100)))
    for seconds in (50, 150):
        desk.take(position(scene.phone, BESIDE, at(seconds)))
    desk.take(position(scene.ankle, north_of(FAR, 9_000), at(600)))
    for seconds in (55, 155):
        desk.take(position(scene.ankle, SCHOOL, at(seconds), delay_s=900))
    told = [entry for entry in log(desk) if entry[0] == "late_data_breach"]
    assert told == [("late_data_breach", cover), ("late_data_breach", None)]


@pytest.mark.parametrize("visibility", Visibility)
def test_nothing_that_goes_to_his_device_tells_of_an_exemption_but_a_missing_turn_back(
    engine: Engine, visibility: Visibility
) -> None:
    sent = []
    for is_agreed in (False, True):
        scene = make_scene(engine, zone={"visibility": visibility})
        desk = Desk(engine)
        if is_agreed:
            agree(desk, scene, zone_ids=(scene.zone_id, uuid4()))
        for i, place in enumerate((BUFFER_PLACE, INSIDE_PLACE, HOME)):
            desk.take(position(scene.ankle, place, at(30 * i)))
        with transaction(engine) as session:
            details = [
                alerts.get_alert(session, alert.id, uuid4(), NOW)
                for alert in desk.alerts()
                if alert.order_id == scene.order_id
            ]
        his = [n for detail in details for n, _ in detail.notifications if n.device_id == scene.ankle.id]
        sent.append(len(his))
    assert sent == ([2, 0] if visibility is Visibility.DECLARED else [0, 0])


def test_an_exemption_of_a_zone_that_is_not_there_covers_nothing(desk: Desk, scene: Scene) -> None:
    agree(desk, scene, zone_ids=(uuid4(),))
    desk.take(position(scene.ankle, HOME, at(10)))
    assert the_alert(desk).severity == 1


def test_a_worker_started_again_knows_what_was_agreed(desk: Desk, scene: Scene) -> None:
    agree(desk, scene, valid_until=NOW + timedelta(hours=2))
    desk.restarted()
    meet(desk, scene, 10)
    assert the_alert(desk).severity == 4

"""What the control room may look at: people under an unresolved alert, and every look is written down."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from api.alerts import service as alerts
from api.alerts.model import Alert, AlertNotFound, AlertState, Event, EventKind, ResolveReason
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.service import watching
from api.geofence.service.judging import Received, process_messages
from api.geofence.service.watching import Track, WatchedPicture
from api.kernel.db import reading, transaction
from api.orders import service as orders
from api.orders.model import Party
from tests.factories import NOW
from tests.orders import register
from tests.scene import FAR, HOME, Scene, make_scene, north_of, position, received

ACTOR = UUID(int=77)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Room:
    """A control room with its worker: positions come in, somebody looks."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def take(self, *messages: Received) -> None:
        memory = Memory(Limits())
        with transaction(self.engine) as session:
            memory.restore(session, messages[0].received_at)
            process_messages(session, memory, messages, messages[-1].received_at)

    def alert(self, scene: Scene) -> Alert:
        with reading(self.engine) as session:
            views = alerts.list_alerts(session, set(AlertState))
        return next(view.alert for view in views if view.alert.order_id == scene.order_id)

    def resolve(self, scene: Scene, seconds: float) -> None:
        with transaction(self.engine) as session:
            alert_id = self.alert(scene).id
            alerts.resolve(session, alert_id, ACTOR, ResolveReason.WEARER_LEFT, "", at(seconds))

    def map(self) -> list[WatchedPicture]:
        with transaction(self.engine) as session:
            return watching.show_map(session, Limits(), ACTOR, at(900))

    def tracks(self, alert_id: UUID, minutes: int = 30, seconds: float = 900) -> list[Track]:
        with transaction(self.engine) as session:
            return watching.show_tracks(session, alert_id, minutes, ACTOR, at(seconds))

    def positions(self, *order_ids: UUID) -> list[tuple[Any, ...]]:
        with reading(self.engine) as session:
            found = watching.positions_of(session, order_ids)
        return [(p.order_id, p.party, p.person_id, p.fix.device_id, p.fix.fixed_at, p.doubts) for p in found]

    def looks(self, act: str) -> Sequence[Any]:
        """Of whom the audit trail says that ACTOR looked, once for each look."""
        query = text("SELECT object_id FROM audit WHERE act = :act AND actor_id = :actor").columns(
            object_id=_uuid_type()
        )
        with reading(self.engine) as session:
            actor = ACTOR.hex if self.engine.dialect.name == "sqlite" else ACTOR
            return list(session.scalars(query, {"act": act, "actor": actor}))


def _uuid_type() -> Any:
    from sqlalchemy import Uuid

    return Uuid()


@pytest.fixture
def room(engine: Engine) -> Room:
    return Room(engine)


@pytest.fixture
def scene(room: Room) -> Scene:
    return make_scene(room.engine)


def breach(room: Room, scene: Scene) -> None:
    """He walks up and in; she is far away, her position coarse."""
    his = [position(scene.ankle, north_of(HOME, 900 - 30 * i), at(10 * i)) for i in range(20)]
    room.take(*his, position(scene.phone, FAR, at(195), acc=300))


def test_the_last_position_of_every_party_comes_with_its_doubts(room: Room, scene: Scene) -> None:
    breach(room, scene)
    assert room.positions(scene.order_id) == [
        (scene.order_id, Party.WEARER, None, scene.ankle.id, at(190), ()),
        (scene.order_id, Party.PROTECTED, scene.person_id, scene.phone.id, at(195), ("coarse",)),
    ]


def test_of_a_device_that_never_said_where_it_is_there_is_no_position(room: Room, scene: Scene) -> None:
    room.take(received(scene.phone, b'{"_type":"status"}', at(5)))
    assert room.positions(scene.order_id) == []
    assert room.positions() == []
    assert room.positions(uuid4()) == []


def test_a_person_under_two_orders_is_shown_on_each(room: Room, scene: Scene) -> None:
    with transaction(room.engine) as session:
        people = (scene.person_id,)
        second = register.add_order(session, protected_person_ids=people, exercise=True)
    room.take(position(scene.phone, FAR, at(5)))
    assert {found[0] for found in room.positions(scene.order_id, second.id)} == {scene.order_id, second.id}


def test_the_map_shows_nobody_without_an_unresolved_alert(room: Room, scene: Scene) -> None:
    room.take(position(scene.ankle, north_of(HOME, 2000), at(-60)))
    assert room.map() == []
    assert room.looks("geofence.show_map") == []
    breach(room, scene)
    other = make_scene(room.engine)
    assert [picture.order.id for picture in room.map()] == [scene.order_id]
    room.resolve(scene, 600)
    assert room.map() == []
    assert other.order_id not in room.looks("geofence.show_map")


def test_the_map_shows_each_order_with_its_own_zones_and_positions(room: Room, scene: Scene) -> None:
    other = make_scene(room.engine)
    for one in (scene, other):
        breach(room, one)
    pictures = {picture.order.id: picture for picture in room.map()}
    for one in (scene, other):
        picture = pictures[one.order_id]
        assert [zone.id for zone in picture.zones] == [one.zone_id]
        assert [p.fix.device_id for p in picture.positions] == [one.ankle.id, one.phone.id]
        assert [p.order_id for p in picture.positions] == [one.order_id] * 2


def test_every_look_at_the_map_is_written_down_for_each_order(room: Room, scene: Scene) -> None:
    breach(room, scene)
    room.map()
    room.map()
    assert room.looks("geofence.show_map") == [scene.order_id] * 2


def test_the_tracks_of_an_alert_begin_before_it_and_go_on_until_now(room: Room, scene: Scene) -> None:
    room.take(position(scene.ankle, FAR, at(-3_000)), position(scene.ankle, FAR, at(-1_500)))
    breach(room, scene)
    room.take(position(scene.ankle, HOME, at(800)), position(scene.ankle, HOME, at(1_000)))
    his, hers = room.tracks(room.alert(scene).id)
    assert (his.device_id, his.party, his.person_id) == (scene.ankle.id, Party.WEARER, None)
    assert (hers.device_id, hers.party, hers.person_id) == (scene.phone.id, Party.PROTECTED, scene.person_id)
    assert [fix.fixed_at for fix in his.fixes] == [at(-1_500), *(at(10 * i) for i in range(20)), at(800)]
    assert [fix.fixed_at for fix in hers.fixes] == [at(195)]
    short, _hers = room.tracks(room.alert(scene).id, minutes=1)
    assert short.fixes[0].fixed_at >= room.alert(scene).opened_at - timedelta(minutes=1)
    assert room.looks("alerts.read") == [room.alert(scene).id] * 2


def test_the_tracks_of_a_resolved_alert_end_with_it(room: Room, scene: Scene) -> None:
    breach(room, scene)
    room.resolve(scene, 600)
    room.take(position(scene.ankle, FAR, at(700)))
    his, _hers = room.tracks(room.alert(scene).id)
    assert his.fixes[-1].fixed_at == at(190)


def test_a_long_track_keeps_its_newest_points(
    room: Room, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "TRACK_FIXES", 5)
    breach(room, scene)
    his, _hers = room.tracks(room.alert(scene).id)
    assert [fix.fixed_at for fix in his.fixes] == [at(10 * i) for i in range(15, 20)]


def test_a_track_shows_nothing_of_whoever_had_the_device_before(room: Room, scene: Scene) -> None:
    """She is under no alert: where she was yesterday is nobody's business, whoever has her phone now."""
    former = make_scene(room.engine)
    room.take(position(former.phone, north_of(FAR, 3_000), at(-600)))
    with transaction(room.engine) as session:
        orders.unassign_device(session, former.phone.id, None, at(-300))
        orders.assign_device(session, former.phone.id, None, scene.person_id, None, at(-200))
    assert room.positions(scene.order_id) == []
    breach(room, scene)
    tracks = {track.device_id: track for track in room.tracks(room.alert(scene).id)}
    assert tracks[former.phone.id].fixes == ()


def test_an_alert_of_no_order_has_no_tracks_and_an_unknown_one_is_not_there(room: Room) -> None:
    with transaction(room.engine) as session:
        trouble = Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=NOW, reason="worker:silent")
        (alert,) = alerts.open_alerts(session, [trouble], NOW)
    assert room.tracks(alert.id) == []
    with pytest.raises(AlertNotFound):
        room.tracks(uuid4())

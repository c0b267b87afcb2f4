"""The register's history, step by step, gives the same register when it is taken again."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import Engine

from api.kernel.crypto import new_key
from api.kernel.db import Base, make_engine, reading, transaction
from api.orders import service as orders
from api.orders.model import OrderDraft, ProtectiveOrder
from tests.factories import NOW
from tests.scene import Scene, make_scene


def change(engine: Engine, scene: Scene, seconds: float, **changed: object) -> None:
    with transaction(engine) as session:
        order = orders.get_order(session, scene.order_id)
        values = {name: getattr(order, name) for name in OrderDraft.__dataclass_fields__}
        at = NOW + timedelta(seconds=seconds)
        orders.change_order(session, order, OrderDraft(**(values | changed)), None, at)


def test_every_word_of_an_order_is_kept_with_its_moment(engine: Engine) -> None:
    scene = make_scene(engine)
    change(engine, scene, 10, alert_radius_m=300.0)
    with transaction(engine) as session:
        orders.revoke_order(session, scene.order_id, None, NOW + timedelta(seconds=20))
        orders.revoke_order(session, scene.order_id, None, NOW + timedelta(seconds=30))
        history = orders.history_of(session, scene.order_id, None)
    said = [(step.at, step.subject) for step in history.steps if isinstance(step.subject, ProtectiveOrder)]
    assert [(at - NOW).total_seconds() for at, _order in said] == [0, 10, 20]
    assert [order.alert_radius_m for _at, order in said] == [500.0, 300.0, 300.0]
    assert said[-1][1].revoked_at == NOW + timedelta(seconds=20)


def test_a_history_taken_again_gives_the_same_watches(engine: Engine) -> None:
    scene = make_scene(engine, sealed=True)
    beside = make_scene(engine, now=NOW + timedelta(seconds=5))
    change(engine, scene, 10, warning_radius_m=2000.0)
    with transaction(engine) as session:
        orders.unassign_device(session, scene.ankle.id, None, NOW + timedelta(seconds=20))
        orders.retire_device(session, scene.ankle.id, None, NOW + timedelta(seconds=21))
        orders.unassign_device(session, scene.phone.id, None, NOW + timedelta(seconds=22))
        orders.assign_device(
            session, scene.phone.id, None, beside.person_id, None, NOW + timedelta(seconds=23)
        )
        history = orders.history_of(session, scene.order_id, None)
        expected = orders.list_watches(session, [scene.order_id])
        devices = {device.id: device for device in orders.list_devices(session, history.device_ids)}
        revisions = orders.revisions(session)
    assert set(history.order_ids) == {scene.order_id, beside.order_id}
    assert set(history.device_ids) == {scene.ankle.id, scene.phone.id}
    assert revisions[-1][1] == NOW + timedelta(seconds=23)
    again = make_engine("sqlite://", new_key())
    Base.metadata.create_all(again)
    with transaction(again) as session:
        orders.enact_people(session, history.wearer_ids, history.person_ids, NOW)
        for step in history.steps:
            orders.enact(session, step)
    with reading(again) as session:
        assert orders.list_watches(session, [scene.order_id]) == expected
        assert {one.id: one for one in orders.list_devices(session)} == devices
        assert orders.history_of(session, scene.order_id, None) == history
    again.dispose()


def test_a_device_without_an_order_has_a_history_of_its_own(engine: Engine) -> None:
    scene = make_scene(engine)
    with transaction(engine) as session:
        history = orders.history_of(session, None, scene.phone.id)
        nothing = orders.history_of(session, uuid4(), None)
    assert history.device_ids == (scene.phone.id,)
    assert nothing.steps == ()

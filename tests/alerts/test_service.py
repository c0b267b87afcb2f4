import threading
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from api.alerts import service
from api.alerts.model import (
    AlertNotFound,
    AlertState,
    AlreadyResolved,
    Channel,
    Doubt,
    EntryKind,
    EventKind,
)
from api.alerts.store import alerts as alert_store
from api.alerts.store.alerts import KeptAlert
from api.kernel.db import reading, transaction
from tests.alerts.stage import Stage, at, breach, make_event, make_stage
from tests.factories import NOW

K = EventKind
WEBHOOK = Channel.POLICE_WEBHOOK


@pytest.fixture
def stage(engine: Engine) -> Stage:
    return make_stage(engine)


def webhook_bodies(stage: Stage) -> list[dict[str, object]]:
    return [one.payload for one in stage.outbox() if one.channel == WEBHOOK]


def test_no_events_change_nothing(stage: Stage) -> None:
    assert stage.tell() == []
    assert stage.log() == []


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_one_approach_is_one_alert(stage: Stage, in_one_batch: bool) -> None:
    told = [
        breach(stage, K.ZONE_BUFFER, occurred_at=at(0)),
        breach(stage, K.PROXIMITY_WARNING, occurred_at=at(5)),
        breach(stage, K.ZONE_BREACH, occurred_at=at(10)),
        breach(stage, K.PROXIMITY_BREACH, occurred_at=at(12)),
        breach(stage, K.ZONE_BREACH, occurred_at=at(8), repeat=True),
        breach(stage, K.ZONE_BREACH, occurred_at=at(70), repeat=True),
        breach(stage, K.PROXIMITY_LEFT, occurred_at=at(80)),
        breach(stage, K.ZONE_LEFT, occurred_at=at(90)),
    ]
    if in_one_batch:
        stage.tell(*told)
    else:
        for event in told:
            stage.tell(event)
    (alert,) = stage.alerts()
    assert (alert.kind, alert.severity, alert.state) == ("zone_breach", 1, AlertState.OPEN)
    assert not alert.ongoing
    assert alert.last_event_at == at(90)
    assert [entry.kind for entry in stage.log()] == [
        EntryKind.OPENED,
        EntryKind.UPDATED,
        EntryKind.RAISED,
        *[EntryKind.UPDATED] * 5,
    ]
    assert [entry.event["kind"] for entry in stage.log() if entry.event] == [one.kind for one in told]
    assert len(webhook_bodies(stage)) == 1


def test_log_numbers_follow_the_order_of_the_events(stage: Stage) -> None:
    stage.tell(*[breach(stage, occurred_at=at(second), repeat=second > 0) for second in range(300)])
    log = stage.log()
    assert [entry.seq for entry in log] == sorted(entry.seq for entry in log)
    occurred = [entry.event["occurred_at"] for entry in log if entry.event]
    assert occurred == sorted(occurred)
    assert len(occurred) == 300


def test_a_burst_of_events_is_one_message_for_each_recipient(stage: Stage) -> None:
    stage.tell(breach(stage), breach(stage, K.PROXIMITY_BREACH), breach(stage, zone_id=uuid4()))
    channels = sorted(one.channel for one in stage.outbox())
    assert channels.count(Channel.POLICE_WEBHOOK) == 1
    assert channels.count(Channel.PERSON_STREAM) == 1
    hers = [one.payload["action"] for one in stage.outbox() if one.device_id == stage.phones[0].id]
    assert hers == ["message", "vibrate"]
    his = [one.payload for one in stage.outbox() if one.device_id == stage.ankle.id]
    assert his == [{"action": "message", "wording": "turn_back"}]


def test_an_alert_knows_whom_it_concerns(engine: Engine) -> None:
    stage = make_stage(engine, people=2)
    stage.tell(breach(stage, K.PROXIMITY_BREACH))
    assert stage.alerts()[0].person_ids == stage.people[:1]
    stage.tell(breach(stage, K.ZONE_BREACH))
    assert set(stage.alerts()[0].person_ids) == set(stage.people)


def test_late_data_opens_an_alert_of_its_own_and_tells_nobody_outside(stage: Stage) -> None:
    stage.tell(breach(stage))
    told = len(stage.outbox())
    stage.tell(breach(stage, K.LATE_DATA_BREACH, live=False), breach(stage, live=False))
    assert [(alert.family, alert.severity) for alert in stage.alerts()] == [("approach", 1), ("late", 3)]
    assert not stage.alerts()[1].ongoing
    assert len(stage.outbox()) == told


def test_an_event_of_an_order_that_is_not_there_still_alerts(stage: Stage) -> None:
    (alert,) = stage.tell(make_event(K.ZONE_BREACH, order_id=uuid4()))
    assert alert.severity == 1
    with reading(stage.engine) as session:
        (view,) = service.list_alerts(session, [AlertState.OPEN])
    assert view.order_reference is None


def test_an_alert_shows_references_and_no_names(stage: Stage) -> None:
    stage.tell(breach(stage))
    with reading(stage.engine) as session:
        (view,) = service.list_alerts(session, [AlertState.OPEN])
    assert view.order_reference is not None
    assert view.wearer_reference is not None
    assert view.wearer_reference.startswith("W-")
    assert view.person_references[0].startswith("P-")


def test_a_second_unresolved_alert_for_one_approach_is_impossible_even_past_the_lock(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    key = f"approach|{stage.order_id}"
    twin = KeptAlert(
        type(alert)(**{name: getattr(alert, name) for name in alert.__slots__} | {"id": uuid4()}), frozenset()
    )
    with pytest.raises(IntegrityError), transaction(stage.engine) as session:
        alert_store.add_alerts(session, {key: twin})
    stage.resolve(alert.id)
    with transaction(stage.engine) as session:
        alert_store.add_alerts(session, {key: twin})


def test_two_processes_at_the_same_moment_open_one_alert_without_an_error(stage: Stage) -> None:
    barrier = threading.Barrier(4)
    errors: list[BaseException] = []

    def tell() -> None:
        try:
            barrier.wait(10)
            stage.tell(breach(stage), breach(stage, K.PROXIMITY_BREACH))
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert len(stage.alerts()) == 1
    assert [entry.kind for entry in stage.log()].count(EntryKind.OPENED) == 1
    assert len(stage.log()) == 8
    assert len(webhook_bodies(stage)) == 1


def test_a_transaction_that_fails_leaves_neither_alert_nor_message(stage: Stage) -> None:
    def fail() -> None:
        with transaction(stage.engine) as session:
            service.open_alerts(session, [breach(stage)], NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert stage.alerts() == []
    assert stage.log() == []


def test_acknowledging_is_a_line_with_author_and_time_and_an_audit_row(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    actor_id = uuid4()
    view = stage.acknowledge(alert.id, actor_id)
    assert view.alert.state == AlertState.ACKNOWLEDGED
    assert (view.alert.acknowledged_by, view.alert.acknowledged_at) == (actor_id, at(60))
    entry = stage.log()[-1]
    assert (entry.kind, entry.author_id, entry.at, entry.event) == ("acknowledged", actor_id, at(60), None)
    with stage.engine.connect() as connection:
        acts = connection.execute(text("SELECT act FROM audit WHERE act LIKE 'alerts.%'")).scalars().all()
    assert acts == ["alerts.acknowledged"]


def test_the_first_who_acknowledges_stays(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    first = uuid4()
    stage.acknowledge(alert.id, first)
    assert stage.acknowledge(alert.id).alert.acknowledged_by == first
    assert len(stage.log()) == 2


def test_events_go_on_joining_an_acknowledged_alert(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage, K.ZONE_BUFFER))
    stage.acknowledge(alert.id)
    (joined,) = stage.tell(breach(stage))
    assert (joined.id, joined.state, joined.severity) == (alert.id, AlertState.ACKNOWLEDGED, 1)


def test_a_resolved_alert_can_be_neither_acknowledged_nor_resolved(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    view = stage.resolve(alert.id, "He turned round.")
    assert (view.alert.resolve_reason, view.alert.resolution_note) == ("wearer_left", "He turned round.")
    assert not view.alert.ongoing
    with pytest.raises(AlreadyResolved):
        stage.acknowledge(alert.id)
    with pytest.raises(AlreadyResolved):
        stage.resolve(alert.id)


def test_an_unknown_alert_is_not_found(stage: Stage) -> None:
    with pytest.raises(AlertNotFound):
        stage.acknowledge(uuid4())
    with pytest.raises(AlertNotFound):
        stage.resolve(uuid4())
    with pytest.raises(AlertNotFound), transaction(stage.engine) as session:
        service.get_alert(session, uuid4(), uuid4(), NOW)


def test_a_breach_that_lasts_after_a_mistaken_resolution_comes_back(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    stage.resolve(alert.id)
    assert stage.tell(breach(stage, K.ZONE_LEFT), breach(stage, K.ZONE_BUFFER, repeat=True)) == []
    (again,) = stage.tell(breach(stage, repeat=True))
    assert again.id != alert.id
    assert again.ongoing
    assert [body["msgType"] for body in webhook_bodies(stage)].count("Alert") == 2


def test_police_get_alert_update_and_cancel_and_never_the_note(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage, doubts=(Doubt.COARSE,)))
    stage.tell(breach(stage))
    stage.acknowledge(alert.id)
    stage.resolve(alert.id, "Words of staff.")
    bodies = webhook_bodies(stage)
    assert [body["msgType"] for body in bodies] == ["Alert", "Update", "Update", "Cancel"]
    assert [body["seq"] for body in bodies] == [entry.seq for entry in stage.log()]
    assert "Words of staff." not in str(bodies)


def test_police_who_never_heard_of_an_alert_do_not_hear_of_its_end(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage, K.ZONE_BUFFER))
    stage.acknowledge(alert.id)
    stage.resolve(alert.id)
    assert webhook_bodies(stage) == []


def test_a_list_shows_the_worst_then_the_oldest(engine: Engine) -> None:
    stages = [make_stage(engine) for _ in range(3)]
    stages[0].tell(breach(stages[0], K.ZONE_BUFFER), now=at(0))
    stages[1].tell(breach(stages[1]), now=at(2))
    stages[2].tell(breach(stages[2]), now=at(1))
    alerts = stages[0].alerts()
    assert [alert.order_id for alert in alerts] == [
        stages[2].order_id,
        stages[1].order_id,
        stages[0].order_id,
    ]
    with reading(engine) as session:
        assert set(service.unresolved_order_ids(session)) == {stage.order_id for stage in stages}
    for alert in alerts:
        stages[0].resolve(alert.id)
    with reading(engine) as session:
        assert service.unresolved_order_ids(session) == []
        assert [view.alert.severity for view in service.list_alerts(session, [AlertState.RESOLVED])] == [
            1,
            1,
            3,
        ]


def test_reading_an_alert_is_an_audit_row(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    detail = stage.detail(alert)
    assert [entry.kind for entry in detail.entries] == [EntryKind.OPENED]
    with stage.engine.connect() as connection:
        acts = connection.execute(text("SELECT act FROM audit WHERE act LIKE 'alerts.%'")).scalars().all()
    assert acts == ["alerts.read"]

"""What a hostile trial found in escalations, kept found: each of these once reached nobody."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api.alerts.escalator import look
from api.alerts.model import AlertState, Channel, Event, EventKind
from api.alerts.model.playbooks import RunState, TaskKind, TaskOutcome
from api.alerts.service.acks import take_police_ack
from api.alerts.wire.acks import AckType, PoliceAck
from api.kernel.config import PLAYBOOKS
from api.kernel.db import transaction
from tests.alerts.stage import Stage, at, make_event, make_stage
from tests.alerts.test_service_escalating import (
    escalate,
    escalations,
    note,
    open_breach,
    runs,
    steps,
    tasks,
    told,
    use,
)
from tests.factories import NOW

K = EventKind


def near(stage: Stage, kind: EventKind, seconds: float, **more: Any) -> Event:
    """Something between the two of the order."""
    more |= {"order_id": stage.order_id, "person_id": stage.people[0], "occurred_at": at(seconds)}
    return make_event(kind, **more)


def test_another_breach_within_an_alert_of_severity_1_is_told_to_everybody(engine: Engine) -> None:
    """Spain: he was reached, the alert was taken; half an hour later he is 80 m from her."""
    use(engine, PLAYBOOKS / "es.yaml")
    stage = make_stage(engine)
    alert = open_breach(stage)
    (task,) = [one for one in tasks(stage) if one.kind is TaskKind.CALL_WEARER]
    note(stage, task, TaskOutcome.REACHED, 20)
    stage.acknowledge(alert.id)
    assert told(stage, Channel.POLICE_WEBHOOK) == []
    close = near(stage, K.PROXIMITY_BREACH, 1800)
    (joined,) = stage.tell(close, now=at(1800))
    assert joined.id == alert.id
    (message,) = told(stage, Channel.POLICE_WEBHOOK)
    assert message.payload["event"]["kind"] == "proximity_breach"
    stage.tell(
        near(stage, K.PROXIMITY_BREACH, 1860, repeat=True),
        now=at(1860),
    )
    assert len(told(stage, Channel.POLICE_WEBHOOK)) == 1


def test_an_acknowledgement_of_an_earlier_message_does_not_answer_a_later_one(engine: Engine) -> None:
    stage = make_stage(engine)
    first = near(stage, K.CLOSING_FAST, 0)
    (alert,) = stage.tell(first)
    (message,) = told(stage, Channel.POLICE_WEBHOOK)
    with transaction(engine) as session:
        ack = PoliceAck("ack-1", AckType.ACK, (message.id,), at(5), "desk")
        take_police_ack(session, ack, at(5))
    breach_now = near(stage, K.PROXIMITY_BREACH, 60)
    stage.tell(breach_now, now=at(60))
    with transaction(engine) as session:
        late = PoliceAck("ack-2", AckType.ACK, (message.id,), at(70), "desk")
        take_police_ack(session, late, at(70))
    assert [run.state for run in runs(stage, alert) if run.step == "police"] == [
        RunState.ANSWERED,
        RunState.WAITING,
    ]


def test_a_call_made_for_something_earlier_does_not_answer_a_step_that_waits(engine: Engine) -> None:
    use(engine, PLAYBOOKS / "es.yaml")
    stage = make_stage(engine)
    warned = near(stage, K.PROXIMITY_WARNING, 0)
    stage.tell(warned)
    (before,) = tasks(stage)
    alert = open_breach(stage)
    assert [one.kind for one in tasks(stage)] == [TaskKind.CALL_WEARER] * 2
    note(stage, before, TaskOutcome.REACHED, 10)
    assert steps(stage, alert)["contrast"] is RunState.WAITING
    assert escalate(stage, 60) > 0
    assert len(told(stage, Channel.POLICE_WEBHOOK)) == 1


def test_calls_of_the_worst_alerts_come_first(engine: Engine) -> None:
    mild, worst = make_stage(engine), make_stage(engine)
    mild.tell(make_event(K.LOST_CONTACT, order_id=mild.order_id, device_id=mild.ankle.id))
    open_breach(worst)
    escalate(worst, 30)
    kinds = [task.kind for task in tasks(worst)]
    assert kinds[-1] is TaskKind.CALL_WEARER
    assert TaskKind.CALL_POLICE in kinds[:-1]


def test_a_step_that_cannot_go_on_holds_up_no_other(engine: Engine) -> None:
    good, bad = make_stage(engine), make_stage(engine)
    alerts = [open_breach(good), open_breach(bad)]
    with engine.begin() as connection:
        broken = "UPDATE step_run SET step = 'gone' WHERE step = 'police' AND alert_id = :alert"
        alert_id = alerts[1].id.hex if engine.dialect.name == "sqlite" else str(alerts[1].id)
        connection.execute(text(broken), {"alert": alert_id})
    later = NOW + timedelta(seconds=31)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.kernel.clock.now", lambda: later)
        assert look(engine) > 0
        assert look(engine) == 0
    assert steps(good, alerts[0])["police"] is RunState.UNANSWERED
    assert steps(bad, alerts[1])["gone"] is RunState.UNANSWERED
    whys = [entry.detail["why"] for entry in escalations(bad) if entry.detail]
    assert sorted(set(whys)) == ["no_answer", "our_fault"]
    assert TaskKind.CALL_POLICE in {task.kind for task in tasks(bad) if task.alert_id == alerts[1].id}


def test_a_mild_alert_that_was_taken_long_ago_must_be_taken_again_when_it_becomes_a_breach(
    engine: Engine,
) -> None:
    stage = make_stage(engine)
    (alert,) = stage.tell(near(stage, K.PROXIMITY_WARNING, 0))
    stage.acknowledge(alert.id)  # after a minute
    (joined,) = stage.tell(near(stage, K.PROXIMITY_BREACH, 7200), now=at(7200))
    assert (joined.id, joined.state, joined.acknowledged_by) == (alert.id, AlertState.OPEN, None)
    assert steps(stage, alert)["room_30"] is RunState.WAITING
    stage.acknowledge(alert.id)
    assert steps(stage, alert)["room_30"] is RunState.ANSWERED
    (again,) = stage.tell(near(stage, K.PROXIMITY_BREACH, 7260, repeat=True), now=at(7260))
    assert again.state is AlertState.ACKNOWLEDGED


def test_whoever_has_just_taken_an_alert_answers_for_what_it_becomes(engine: Engine) -> None:
    stage = make_stage(engine)
    (alert,) = stage.tell(near(stage, K.PROXIMITY_WARNING, 0))
    stage.acknowledge(alert.id)
    (joined,) = stage.tell(near(stage, K.PROXIMITY_BREACH, 120), now=at(120))
    assert joined.state is AlertState.ACKNOWLEDGED

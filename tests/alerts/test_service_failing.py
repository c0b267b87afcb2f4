"""What fails for good leads to a call, once, and only where somebody's answer is still needed."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from api.alerts import service
from api.alerts.model import Alert, Channel, EventKind, NotificationState
from api.alerts.model.playbooks import Task, TaskKind, TaskOutcome
from api.alerts.service import Outcome
from api.alerts.service.escalating import note_outcome, steps_of_alerts
from api.alerts.service.texting import take_sms_receipt
from api.kernel.db import reading, transaction
from tests.alerts.sent import add_message
from tests.alerts.stage import Stage, at, breach, make_stage
from tests.factories import NOW

LOST = Outcome(succeeded=False, code="no_number", is_final=True)
NO_RECEIVER = Outcome(succeeded=False, code="not_configured", is_final=True)


@pytest.fixture
def stage(engine: Engine) -> Stage:
    return make_stage(engine)


def calls(stage: Stage, alert: Alert) -> list[Task]:
    with reading(stage.engine) as session:
        return list(steps_of_alerts(session, [alert.id])[1][alert.id])


def kinds(stage: Stage, alert: Alert) -> list[TaskKind]:
    return [task.kind for task in calls(stage, alert)]


def add(stage: Stage, alert: Alert, channel: Channel, **payload: Any) -> UUID:
    life = {"created_at": NOW, "expires_at": at(600)}
    return add_message(stage.engine, channel, payload, alert_id=alert.id, **life)


def sms(stage: Stage, alert: Alert, target: str = "officer") -> UUID:
    return add(stage, alert, Channel.SMS, target=target, recipient_id=str(uuid4()))


def record(stage: Stage, message_id: UUID, outcome: Outcome = LOST, now_s: float = 1) -> None:
    with transaction(stage.engine) as session:
        service.record_attempt(session, message_id, outcome, at(now_s), jitter=1.0)


def close_calls(stage: Stage, alert: Alert) -> None:
    for task in calls(stage, alert):
        with transaction(stage.engine) as session:
            note_outcome(session, task.id, uuid4(), TaskOutcome.REACHED, "", at(5))


@pytest.mark.parametrize(
    ("target", "kind"), [("officer", TaskKind.CALL_OFFICER), ("standby", TaskKind.CALL_STANDBY)]
)
def test_a_text_that_never_arrives_becomes_one_call(stage: Stage, target: str, kind: TaskKind) -> None:
    (alert,) = stage.tell(breach(stage))
    close_calls(stage, alert)
    before = len(calls(stage, alert))
    for _ in range(3):
        record(stage, sms(stage, alert, target))
    assert kinds(stage, alert)[before:] == [kind]
    assert calls(stage, alert)[-1].created_at == at(1)


def test_a_text_that_will_be_tried_again_and_one_to_nobody_known_become_none(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    before = kinds(stage, alert)
    record(stage, sms(stage, alert), Outcome(succeeded=False, code="503"))
    record(stage, sms(stage, alert, target=""))
    record(stage, add(stage, alert, Channel.WEB_PUSH))
    record(stage, add_message(stage.engine, Channel.SMS, {"target": "officer"}))
    assert kinds(stage, alert) == before


def test_a_text_that_the_gateway_gave_up_becomes_a_call(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    close_calls(stage, alert)
    text = sms(stage, alert)
    record(stage, text, Outcome(succeeded=True, code="200"))
    before = len(calls(stage, alert))
    for _ in range(2):
        with transaction(stage.engine) as session:
            take_sms_receipt(session, text, at(9), is_delivered=False)
    assert kinds(stage, alert)[before:] == [TaskKind.CALL_OFFICER]


def test_a_house_without_a_receiver_calls_the_police_once_per_alert(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    (told,) = [one for one in stage.outbox() if one.channel is Channel.POLICE_WEBHOOK]
    assert TaskKind.CALL_POLICE not in kinds(stage, alert)
    record(stage, told.id, NO_RECEIVER)
    assert kinds(stage, alert).count(TaskKind.CALL_POLICE) == 1
    close_calls(stage, alert)
    record(stage, add(stage, alert, Channel.POLICE_WEBHOOK), NO_RECEIVER)
    assert kinds(stage, alert).count(TaskKind.CALL_POLICE) == 1


def test_a_message_to_the_police_that_got_too_old_becomes_a_call_and_a_later_one_another(
    stage: Stage,
) -> None:
    (alert,) = stage.tell(breach(stage))
    with transaction(stage.engine) as session:
        assert service.expire_pending(session, at(24 * 3600), 100) > 0
    assert kinds(stage, alert).count(TaskKind.CALL_POLICE) == 1
    close_calls(stage, alert)
    add(stage, alert, Channel.POLICE_WEBHOOK)
    with transaction(stage.engine) as session:
        assert service.expire_pending(session, at(24 * 3600), 100) == 1
    assert kinds(stage, alert).count(TaskKind.CALL_POLICE) == 2


def test_a_test_run_a_mild_alert_and_one_that_is_over_become_none(stage: Stage) -> None:
    drill, low = stage.tell(
        breach(stage, EventKind.DRILL), breach(stage, EventKind.BATTERY_LOW, occurred_at=NOW)
    )
    (over,) = stage.tell(breach(make_stage(stage.engine)))
    assert low.severity > 2
    stage.resolve(over.id)
    before = [kinds(stage, alert) for alert in (drill, low, over)]
    for alert in (drill, low, over):
        record(stage, sms(stage, alert))
        record(stage, add(stage, alert, Channel.POLICE_WEBHOOK), NO_RECEIVER)
    assert [kinds(stage, alert) for alert in (drill, low, over)] == before


def test_a_receipt_that_overtook_the_failure_needs_no_call(stage: Stage) -> None:
    (alert,) = stage.tell(breach(stage))
    before = kinds(stage, alert)
    told = add(stage, alert, Channel.POLICE_WEBHOOK)
    record(stage, told, Outcome(succeeded=True, code="200", is_received=True))
    record(stage, told, NO_RECEIVER)
    assert {one.state for one in stage.outbox() if one.id == told} == {NotificationState.RECEIVED}
    assert kinds(stage, alert) == before

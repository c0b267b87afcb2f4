import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from api.alerts.model import Channel, NotificationState
from api.alerts.service.acks import AckReused, ReferenceNotFound, take_police_ack
from api.alerts.wire.acks import AckType, PoliceAck
from api.kernel.db import transaction
from tests.alerts.stage import Stage, at, breach, make_stage


@pytest.fixture
def stage(engine: Engine) -> Stage:
    made = make_stage(engine)
    made.tell(breach(made))
    made.acknowledge(made.alerts()[0].id)
    return made


def police_messages(stage: Stage) -> list[UUID]:
    return [one.id for one in stage.outbox() if one.channel == Channel.POLICE_WEBHOOK]


def make_ack(*references: UUID, **more: Any) -> PoliceAck:
    values: dict[str, Any] = {"id": "ack-1", "type": AckType.ACK, "sent": at(5), "who": "desk-1"}
    return PoliceAck(references=references, **(values | more))


def take(stage: Stage, ack: PoliceAck) -> UUID | None:
    with transaction(stage.engine) as session:
        return take_police_ack(session, ack, at(6))


def outcomes(stage: Stage, message_id: UUID) -> list[tuple[str, bool]]:
    told = stage.detail(stage.alerts()[0]).notifications
    return [(a.outcome, a.succeeded) for one, tries in told if one.id == message_id for a in tries]


def states(stage: Stage) -> list[NotificationState]:
    return [one.state for one in stage.outbox() if one.channel == Channel.POLICE_WEBHOOK]


def rows(stage: Stage, table: str) -> int:
    with stage.engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - ours


def test_an_acknowledgement_makes_its_message_received_and_names_the_alert(stage: Stage) -> None:
    first, second = police_messages(stage)
    assert take(stage, make_ack(first)) == stage.alerts()[0].id
    assert states(stage) == [NotificationState.RECEIVED, NotificationState.PENDING]
    assert outcomes(stage, first) == [("police_ack", True)]
    assert outcomes(stage, second) == []
    assert take(stage, make_ack(first, second, id="ack-2")) == stage.alerts()[0].id
    assert states(stage) == [NotificationState.RECEIVED, NotificationState.RECEIVED]


def test_the_same_acknowledgement_again_is_answered_alike_and_changes_nothing(stage: Stage) -> None:
    (first, _second) = police_messages(stage)
    alert_id = take(stage, make_ack(first))
    audited = rows(stage, "audit")
    assert take(stage, make_ack(first)) == alert_id
    assert rows(stage, "audit") == audited
    assert rows(stage, "police_ack") == 1
    assert outcomes(stage, first) == [("police_ack", True)]


def test_an_id_is_good_for_one_message(stage: Stage) -> None:
    first, second = police_messages(stage)
    take(stage, make_ack(first))
    with pytest.raises(AckReused):
        take(stage, make_ack(second))
    assert states(stage)[1] == NotificationState.PENDING


def test_an_error_makes_nothing_received(stage: Stage) -> None:
    first, _second = police_messages(stage)
    assert take(stage, make_ack(first, type=AckType.ERROR)) == stage.alerts()[0].id
    assert states(stage) == [NotificationState.PENDING, NotificationState.PENDING]
    assert outcomes(stage, first) == [("police_error", False)]


def test_what_we_never_sent_to_the_police_is_not_there(stage: Stage) -> None:
    first, _second = police_messages(stage)
    device_message = next(one.id for one in stage.outbox() if one.channel == Channel.DEVICE)
    for stranger in (uuid4(), device_message):
        with pytest.raises(ReferenceNotFound):
            take(stage, make_ack(first, stranger))
    assert rows(stage, "police_ack") == 0


def test_the_same_acknowledgement_twice_at_once_has_one_effect(stage: Stage) -> None:
    first, _second = police_messages(stage)
    barrier = threading.Barrier(4)
    answers: list[UUID | None] = []

    def call() -> None:
        barrier.wait(10)
        answers.append(take(stage, make_ack(first)))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [stage.alerts()[0].id] * 4
    assert outcomes(stage, first) == [("police_ack", True)]

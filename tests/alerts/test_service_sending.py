import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, event, text

from api.alerts import service
from api.alerts.model import (
    AlertState,
    Channel,
    Doubt,
    EventKind,
    NotificationState,
)
from api.alerts.service import Outcome
from api.alerts.store import outbox
from api.kernel.db import reading, transaction
from api.kernel.errors import NotFound
from tests.alerts.sent import add_message, message, outcomes_of
from tests.alerts.stage import Stage, at, breach, make_event, make_stage
from tests.factories import NOW
from tests.house import wait_until

K = EventKind
WEBHOOK = Channel.POLICE_WEBHOOK


@pytest.fixture
def stage(engine: Engine) -> Stage:
    return make_stage(engine)


def webhook_bodies(stage: Stage) -> list[dict[str, object]]:
    return [one.payload for one in stage.outbox() if one.channel == WEBHOOK]


def claim(stage: Stage, now_s: float = 0, channel: Channel = WEBHOOK, limit: int = 8) -> list[UUID]:
    with transaction(stage.engine) as session:
        return [one.id for one in service.claim_due(session, at(now_s), channel, limit)]


def record(stage: Stage, message_id: UUID, outcome: Outcome, now_s: float = 0) -> None:
    with transaction(stage.engine) as session:
        service.record_attempt(session, message_id, outcome, at(now_s), jitter=1.0)


def state_of(stage: Stage, message_id: UUID) -> NotificationState:
    return next(one.state for one in stage.outbox() if one.id == message_id)


def open_many(stage: Stage, count: int) -> None:
    stage.tell(*[make_event(order_id=uuid4(), occurred_at=NOW) for _ in range(count)])


def test_two_dispatchers_never_claim_the_same_message(stage: Stage) -> None:
    open_many(stage, 60)
    claims: list[UUID] = []
    barrier = threading.Barrier(3)

    def work() -> None:
        barrier.wait(10)
        while taken := claim(stage, limit=5):
            claims.extend(taken)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(claims) == 60
    assert len(set(claims)) == 60


def test_the_claim_of_a_dispatcher_that_died_comes_back(stage: Stage) -> None:
    stage.tell(breach(stage))
    (claimed,) = claim(stage)
    assert claim(stage, now_s=29) == []
    assert claim(stage, now_s=30) == [claimed]


def test_the_worst_leave_first(engine: Engine) -> None:
    stage, other = make_stage(engine), make_stage(engine)
    (bad,) = stage.tell(breach(stage, doubts=(Doubt.COARSE,)))
    stage.acknowledge(bad.id)
    other.tell(breach(other))
    first, second, third = claim(stage, now_s=90)
    kinds = {one.id: (one.payload["msgType"], one.payload["alert"]["severity"]) for one in stage.outbox()
             if one.channel == WEBHOOK}  # fmt: skip
    assert [kinds[one] for one in (first, second, third)] == [("Alert", 1), ("Alert", 2), ("Update", 2)]


def test_a_failure_is_tried_again_later_and_a_success_never(stage: Stage) -> None:
    stage.tell(breach(stage))
    (one,) = claim(stage)
    record(stage, one, Outcome(succeeded=False, code="500"))
    assert claim(stage, now_s=0.9) == []
    assert claim(stage, now_s=1) == [one]
    record(stage, one, Outcome(succeeded=True, code="200"), now_s=2)
    assert state_of(stage, one) == NotificationState.SENT
    assert claim(stage, now_s=3600) == []
    (told,) = [told for told in stage.detail(stage.alerts()[0]).notifications if told[0].id == one]
    assert [(attempt.outcome, attempt.succeeded) for attempt in told[1]] == [("500", False), ("200", True)]


def test_a_receipt_is_more_than_a_success_and_stays(stage: Stage) -> None:
    stage.tell(breach(stage))
    (one,) = claim(stage)
    record(stage, one, Outcome(succeeded=True, code="200", is_received=True))
    record(stage, one, Outcome(succeeded=False, code="timeout"))
    assert state_of(stage, one) == NotificationState.RECEIVED


def test_what_cannot_be_sent_at_all_is_given_up_at_once(stage: Stage) -> None:
    stage.tell(breach(stage))
    (one,) = claim(stage)
    record(stage, one, Outcome(succeeded=False, code="not_configured", is_final=True))
    assert state_of(stage, one) == NotificationState.FAILED
    record(stage, uuid4(), Outcome(succeeded=True, code="200"))  # nobody's: changes nothing


def test_a_dead_channel_becomes_an_alert_for_staff_and_its_return_is_told(stage: Stage) -> None:
    stage.tell(breach(stage))
    (one,) = claim(stage)
    for second in range(5):
        record(stage, one, Outcome(succeeded=False, code="timeout"), now_s=second)
    system = [alert for alert in stage.alerts() if alert.family == "system"]
    assert [(alert.kind, alert.severity, alert.ongoing) for alert in system] == [("system_degraded", 1, True)]
    told = [entry for entry in stage.log() if entry.event and entry.event["reason"]]
    assert [entry.event["reason"] for entry in told if entry.event] == ["police_webhook:failing"]
    assert len(webhook_bodies(stage)) == 1
    record(stage, one, Outcome(succeeded=True, code="200"), now_s=9)
    (alert,) = [alert for alert in stage.alerts() if alert.family == "system"]
    assert (alert.ongoing, alert.state) == (False, AlertState.OPEN)


def test_receipts_and_tries_that_are_stored_together_never_wait_for_each_other(engine: Engine) -> None:
    device_id, run_id = uuid4(), uuid4()
    more: dict[str, Any] = {"device_id": device_id, "run_id": run_id}
    first, second = (add_message(engine, Channel.DEVICE, {}, **more) for _ in range(2))
    answered: list[bool] = []

    def take_receipts() -> None:
        receipts = [service.Receipt(device_id, one, "done", NOW) for one in (first, second, first)]
        with transaction(engine) as session:
            answered.extend(service.receive_receipts(session, receipts))

    def is_waiting() -> bool:
        with engine.connect() as other:
            return bool(other.scalar(text("select count(*) from pg_locks where not granted")))

    worker = threading.Thread(target=take_receipts)
    with transaction(engine) as session:
        outbox.lock_notification(session, second)
        worker.start()
        if engine.dialect.name == "postgresql":  # SQLite has one writer
            wait_until(is_waiting)
        received = Outcome(succeeded=True, code="200", is_received=True)
        service.record_attempt(session, second, received, NOW, jitter=1.0)
    worker.join(20)
    assert answered == [True, True, True]
    assert outcomes_of(engine, first) == ["receipt_done"]
    assert outcomes_of(engine, second) == ["200"]


def test_what_becomes_due_waits_for_nobody(engine: Engine) -> None:
    first, second = (add_message(engine, Channel.DEVICE, {}, created_at=at(0)) for _ in range(2))
    for one in (first, second):
        with transaction(engine) as session:
            bad = Outcome(succeeded=False, code="broker_away")
            service.record_attempt(session, one, bad, at(0), jitter=1.0)
    if engine.dialect.name == "postgresql":
        with transaction(engine) as holder, transaction(engine) as session:
            outbox.lock_notification(holder, first)
            service.note_channel(session, Channel.DEVICE, service.ChannelNews.BACK, at(0.5))
        assert message(engine, first).next_attempt_at > at(0.5)
    else:
        with transaction(engine) as session:
            service.note_channel(session, Channel.DEVICE, service.ChannelNews.BACK, at(0.5))
        assert message(engine, first).next_attempt_at == at(0.5)
    assert message(engine, second).next_attempt_at == at(0.5)


def test_looking_for_what_is_too_old_reads_only_what_waits(sqlite_engine: Engine) -> None:
    stage = make_stage(sqlite_engine)
    stage.tell(breach(stage))
    asked: list[tuple[str, Any]] = []

    @event.listens_for(sqlite_engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if "expires_at <=" in statement:
            asked.append((statement, values))

    with reading(sqlite_engine) as session:
        assert not service.has_expired(session, NOW)
        assert service.has_expired(session, at(24 * 3600))
    with transaction(sqlite_engine) as session:
        assert service.expire_pending(session, at(24 * 3600), 100)
    with reading(sqlite_engine) as session:
        assert not service.has_expired(session, at(24 * 3600))
    assert len(asked) == 4
    with sqlite_engine.connect() as connection:
        for statement, values in tuple(asked):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            assert [row[3] for row in plan] == ["SCAN notification USING INDEX ix_notification_due"]


def test_messages_that_are_no_longer_worth_sending_are_given_up(stage: Stage) -> None:
    stage.tell(breach(stage))
    assert claim(stage, now_s=300, channel=Channel.DEVICE) == []
    with transaction(stage.engine) as session:
        assert service.expire_pending(session, at(300), 100) == 3
        assert service.expire_pending(session, at(300), 100) == 0
        assert service.count_pending(session)[WEBHOOK].count == 1
        assert service.count_pending(session)[WEBHOOK].oldest_at == NOW
    states = {one.channel: one.state for one in stage.outbox()}
    assert states[Channel.DEVICE] == NotificationState.FAILED
    assert states[WEBHOOK] == NotificationState.PENDING
    with transaction(stage.engine) as session:
        assert service.expire_pending(session, NOW + timedelta(hours=24), 100) == 2


@pytest.mark.parametrize(
    ("outcome", "state", "code"),
    [
        ("done", NotificationState.RECEIVED, "receipt_done"),
        ("refused", NotificationState.FAILED, "receipt_refused"),
        ("a word of its own", NotificationState.FAILED, "receipt_unknown"),
    ],
)
def test_a_device_answers_for_its_own_command_only(
    stage: Stage, outcome: str, state: NotificationState, code: str
) -> None:
    stage.tell(breach(stage))
    command = next(one for one in stage.outbox() if one.device_id == stage.ankle.id)
    with transaction(stage.engine) as session:
        assert not service.receive_receipt(session, stage.phones[0].id, command.id, outcome, NOW)
        assert not service.receive_receipt(session, stage.ankle.id, uuid4(), outcome, NOW)
        assert service.receive_receipt(session, stage.ankle.id, command.id, outcome, NOW)
        assert service.receive_receipt(session, stage.ankle.id, command.id, "done", NOW)
    assert state_of(stage, command.id) == state
    (told,) = [told for told in stage.detail(stage.alerts()[0]).notifications if told[0].id == command.id]
    assert [attempt.outcome for attempt in told[1]] == [code]


def test_her_receipt_counts_for_her_own_message_only(engine: Engine) -> None:
    stage = make_stage(engine, people=2)
    stage.tell(breach(stage, K.PROXIMITY_BREACH))
    message = next(one for one in stage.outbox() if one.channel == Channel.PERSON_STREAM)
    with pytest.raises(NotFound) as refused, transaction(engine) as session:
        service.receive_message_receipt(session, stage.people[1], message.id, NOW)
    assert "alert" not in refused.value.message
    for _twice in range(2):
        with transaction(engine) as session:
            service.receive_message_receipt(session, stage.people[0], message.id, NOW)
    assert state_of(stage, message.id) == NotificationState.RECEIVED


def test_her_messages_are_hers_alone_and_follow_the_cursor(engine: Engine) -> None:
    stage = make_stage(engine, people=2)
    stage.tell(breach(stage, K.PROXIMITY_BREACH))
    (alert,) = stage.alerts()
    stage.resolve(alert.id)
    stage.tell(breach(stage, K.PROXIMITY_BREACH))
    with transaction(engine) as session:
        hers = service.messages_after(session, {stage.people[0]}, 0, NOW, 10)
        assert service.messages_after(session, {stage.people[1]}, 0, NOW, 10) == []
        # Two alerts, and the end of the first.
        assert len(service.messages_after(session, None, 0, NOW, 10)) == 3
        assert [one.payload for one in hers] == [{}, {}, {}]
        assert service.messages_after(session, {stage.people[0]}, hers[0].seq, NOW, 10) == hers[1:]
        last = service.last_message_seq(session)
        assert service.unseen_messages(session, stage.people[0], last, NOW) == hers
        service.mark_shown(session, hers[0].id, NOW)
        unseen = service.unseen_messages(session, stage.people[0], last, NOW)
        assert [one.id for one in unseen] == [one.id for one in hers[1:]]
        assert service.unseen_messages(session, stage.people[0], last, NOW + timedelta(hours=2)) == []


def test_the_worst_can_be_claimed_alone_and_of_equals_the_least_tried(engine: Engine) -> None:
    stage = make_stage(engine)
    open_many(stage, 2)
    stage.tell(make_event(order_id=uuid4(), doubts=(Doubt.COARSE,)))
    old, _new = claim(stage, limit=2)
    for second in range(2):
        record(stage, old, Outcome(succeeded=False, code="500", is_channel=False), now_s=second)
    with transaction(engine) as session:
        assert service.has_due(session, at(60), WEBHOOK, service.Wanted.URGENT)
        first, second_one = service.claim_fresh(session, at(60), WEBHOOK, 2, service.Wanted.URGENT)
        assert second_one.id == old
        assert first.id != old
        assert not service.has_due(session, at(60), WEBHOOK, service.Wanted.URGENT)
        assert service.has_due(session, at(60), WEBHOOK, service.Wanted.OTHERS)
        (mild,) = service.claim_due(session, at(60), WEBHOOK, 8, service.Wanted.OTHERS)
        assert mild.payload["alert"]["severity"] == 2


def test_a_channel_that_is_back_makes_due_what_waits_and_nothing_that_is_on_its_way(stage: Stage) -> None:
    open_many(stage, 3)
    failed, on_its_way, *_rest = claim(stage, limit=2)
    for _twice in range(8):
        record(stage, failed, Outcome(succeeded=False, code="503"))
    assert claim(stage, limit=1, now_s=5) != [failed]
    with transaction(stage.engine) as session:
        service.note_channel(session, WEBHOOK, service.ChannelNews.BACK, at(5))
        assert [one.id for one in service.claim_due(session, at(5), WEBHOOK, 8)] == [failed]
    assert on_its_way not in claim(stage, now_s=29)


def test_a_channel_that_is_down_is_told_even_when_no_message_has_failed_often(stage: Stage) -> None:
    stage.tell(breach(stage))
    with transaction(stage.engine) as session:
        service.note_channel(session, WEBHOOK, service.ChannelNews.NONE, NOW)
        service.note_channel(session, WEBHOOK, service.ChannelNews.DOWN, NOW)
        service.note_channel(session, WEBHOOK, service.ChannelNews.DOWN, NOW)
    (system,) = [alert for alert in stage.alerts() if alert.family == "system"]
    assert system.ongoing
    assert len(stage.detail(system).entries) == 1


def test_a_channel_counts_as_back_once_its_last_failing_message_has_got_through(stage: Stage) -> None:
    """A message that the receiver never takes told staff "back" and "failing" at every other message."""
    open_many(stage, 3)
    failing, *others = claim(stage, limit=3)
    for _three in range(3):
        record(stage, failing, Outcome(succeeded=False, code="500"))
    record(stage, others[0], Outcome(succeeded=True, code="200"))
    (system,) = [alert for alert in stage.alerts() if alert.family == "system"]
    assert system.ongoing
    record(stage, failing, Outcome(succeeded=True, code="200"), now_s=10)
    (system,) = [alert for alert in stage.alerts() if alert.family == "system"]
    assert not system.ongoing


def test_a_try_is_dated_when_it_began_however_late_it_is_recorded(stage: Stage) -> None:
    stage.tell(breach(stage))
    (sent,) = claim(stage, limit=1)
    tried = service.Tried(sent, Outcome(succeeded=True, code="200"), at(1))
    with transaction(stage.engine) as session:
        service.record_attempts(session, [tried], at(9), lambda: 0.0)
    (alert,) = stage.alerts()
    ((attempt,),) = [tries for one, tries in stage.detail(alert).notifications if one.id == sent]
    assert attempt.at == at(1)

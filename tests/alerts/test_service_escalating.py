"""Deadlines on both databases: who does not answer lets the next ones be told, whatever happens to us."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from api.alerts import service
from api.alerts.model import Alert, AlertEntry, Channel, EntryKind, EventKind, Notification, Sighting
from api.alerts.model.playbooks import (
    RunState,
    StepRun,
    Task,
    TaskDone,
    TaskKind,
    TaskNotFound,
    TaskOutcome,
)
from api.alerts.service import Outcome
from api.alerts.service.acks import take_police_ack
from api.alerts.store import playbooks as store
from api.alerts.wire.acks import AckType, PoliceAck
from api.kernel.config import PLAYBOOKS, SettingError
from api.kernel.crypto import hash_token
from api.kernel.db import reading, transaction
from tests.alerts.push_service import Browser
from tests.alerts.stage import HIS_PLACE, Stage, at, breach, make_event, make_stage
from tests.alerts.test_channels_push import subscribe
from tests.factories import NOW

K = EventKind


def escalate(stage: Stage, seconds: float) -> int:
    with transaction(stage.engine) as session:
        return service.escalate_due(session, at(seconds))


def steps(stage: Stage, alert: Alert) -> dict[str, RunState]:
    return {run.step: run.state for run in runs(stage, alert)}


def runs(stage: Stage, alert: Alert) -> list[StepRun]:
    return stage.detail(alert).steps


def tasks(stage: Stage) -> list[Task]:
    with reading(stage.engine) as session:
        return service.list_open_tasks(session)


def told(stage: Stage, channel: Channel) -> list[Notification]:
    return [one for one in stage.outbox() if one.channel is channel]


def escalations(stage: Stage) -> list[AlertEntry]:
    return [entry for entry in stage.log() if entry.kind is EntryKind.ESCALATED]


def open_breach(stage: Stage) -> Alert:
    (alert,) = stage.tell(breach(stage, wearer=Sighting(stage.ankle.id, HIS_PLACE, 5.0, NOW)), now=NOW)
    return alert


def note(stage: Stage, task: Task, outcome: TaskOutcome, seconds: float = 40) -> Task:
    with transaction(stage.engine) as session:
        return service.note_outcome(session, task.id, uuid4(), outcome, "a note", at(seconds))


def use(engine: Engine, path: Path) -> None:
    with transaction(engine) as session:
        service.take_over_playbook(session, path, NOW)


def test_a_breach_waits_for_the_room_for_the_police_and_for_her_device(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage)
    assert steps(stage, alert) == dict.fromkeys(("police", "room_30", "warn_her_device"), RunState.WAITING)
    due = {run.step: run.due_at - run.started_at for run in runs(stage, alert)}
    assert due["room_30"] == timedelta(seconds=30)
    assert tasks(stage) == []


def test_before_the_deadline_nothing_goes_on_and_at_it_everything_does(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage)
    assert escalate(stage, 29.9) == 0
    assert escalate(stage, 30) == 2
    assert escalate(stage, 30) == 0
    assert steps(stage, alert)["police"] is RunState.UNANSWERED
    assert steps(stage, alert)["room_30"] is RunState.UNANSWERED
    assert sorted(task.kind for task in tasks(stage)) == [TaskKind.CALL_POLICE, TaskKind.CALL_STANDBY]
    details = [entry.detail for entry in escalations(stage)]
    assert {one["step"] for one in details if one} == {"police", "room_30"}
    assert all(one and one["why"] == "no_answer" and one["next"][0] == "call_police" for one in details)


def test_who_takes_the_alert_answers_for_the_room_and_not_for_the_police(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage)
    stage.acknowledge(alert.id)
    assert steps(stage, alert)["room_30"] is RunState.ANSWERED
    assert steps(stage, alert)["police"] is RunState.WAITING
    assert escalate(stage, 30) == 1


def test_a_resolved_alert_waits_for_nobody(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage)
    escalate(stage, 30)
    stage.resolve(alert.id)
    assert escalate(stage, 3600) == 0
    assert RunState.WAITING not in steps(stage, alert).values()
    assert tasks(stage) == []
    assert {task.outcome for task in stage.detail(alert).tasks} == {TaskOutcome.CANCELLED}


def test_the_same_breach_told_again_starts_no_second_clock(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage)
    for second in (10, 20):
        stage.tell(breach(stage, kind=K.SOS, person_id=stage.people[0]), now=at(second))
        stage.tell(breach(stage, repeat=True, occurred_at=at(second)), now=at(second))
    assert sorted(run.step for run in runs(stage, alert)) == ["police", "room_30", "warn_her_device"]


def test_a_taken_alert_that_gets_worse_does_not_wait_to_be_taken(engine: Engine) -> None:
    stage = make_stage(engine)
    (alert,) = stage.tell(make_event(K.PROXIMITY_WARNING, order_id=stage.order_id, person_id=stage.people[0]))
    stage.acknowledge(alert.id)
    stage.tell(breach(stage), now=at(70))
    assert steps(stage, alert) == dict.fromkeys(("police", "warn_her_device"), RunState.WAITING)


def test_what_goes_to_the_police_by_a_deadline_says_where_the_two_are(engine: Engine) -> None:
    """Spain calls the wearer first; the police then need the place as much as at once."""
    use(engine, PLAYBOOKS / "es.yaml")
    stage = make_stage(engine)
    alert = open_breach(stage)
    assert told(stage, Channel.POLICE_WEBHOOK) == []
    (task,) = [one for one in tasks(stage) if one.kind is TaskKind.CALL_WEARER]
    assert task.due_at is not None
    escalate(stage, (task.due_at - NOW).total_seconds())
    (message,) = told(stage, Channel.POLICE_WEBHOOK)
    assert message.payload["msgType"] == "Alert"
    assert message.payload["event"]["wearer"]["lat"] == HIS_PLACE.lat
    assert message.payload["references"] == []
    stage.acknowledge(alert.id)
    update = told(stage, Channel.POLICE_WEBHOOK)[-1]
    assert update.payload["msgType"] == "Update"
    assert [one["id"] for one in update.payload["references"]] == [str(message.id)]


def test_a_wearer_who_is_not_reached_lets_the_police_be_told_at_once(engine: Engine) -> None:
    use(engine, PLAYBOOKS / "es.yaml")
    stage = make_stage(engine)
    open_breach(stage)
    (task,) = [one for one in tasks(stage) if one.kind is TaskKind.CALL_WEARER]
    done = note(stage, task, TaskOutcome.NO_ANSWER, 5)
    assert (done.outcome, done.note) == (TaskOutcome.NO_ANSWER, "a note")
    assert len(told(stage, Channel.POLICE_WEBHOOK)) == 1
    last = escalations(stage)[-1].detail
    assert last is not None
    assert (last["why"], last["after_s"]) == ("no_answer", 5.0)


def test_a_wearer_who_is_reached_ends_the_step(engine: Engine) -> None:
    use(engine, PLAYBOOKS / "es.yaml")
    stage = make_stage(engine)
    alert = open_breach(stage)
    (task,) = [one for one in tasks(stage) if one.kind is TaskKind.CALL_WEARER]
    note(stage, task, TaskOutcome.REACHED, 5)
    assert RunState.ANSWERED in steps(stage, alert).values()
    with pytest.raises(TaskDone):
        note(stage, task, TaskOutcome.REFUSED)


def test_a_call_without_a_deadline_is_noted_and_nothing_follows(engine: Engine) -> None:
    stage = make_stage(engine)
    stage.tell(make_event(K.LOST_CONTACT, order_id=stage.order_id, device_id=stage.ankle.id))
    (task,) = tasks(stage)
    assert (task.kind, task.due_at) == (TaskKind.CALL_WEARER, None)
    note(stage, task, TaskOutcome.VOICEMAIL)
    assert escalations(stage) == []
    assert [entry.detail for entry in stage.log() if entry.kind is EntryKind.TASK_DONE] == [
        {"task": "call_wearer", "outcome": "voicemail"}
    ]


def test_there_is_no_task_of_another_id(engine: Engine) -> None:
    with pytest.raises(TaskNotFound), transaction(engine) as session:
        service.note_outcome(session, uuid4(), uuid4(), TaskOutcome.REACHED, "", NOW)


def test_a_fully_automatic_house_tells_the_police_without_anybody(engine: Engine) -> None:
    use(engine, PLAYBOOKS / "ro.yaml")
    stage = make_stage(engine)
    open_breach(stage)
    assert len(told(stage, Channel.POLICE_WEBHOOK)) == 1
    assert tasks(stage) == []


def test_steps_go_on_by_the_playbook_under_which_they_began(engine: Engine) -> None:
    use(engine, PLAYBOOKS / "es.yaml")
    stage = make_stage(engine)
    open_breach(stage)
    use(engine, PLAYBOOKS / "ro.yaml")
    with reading(engine) as session:
        assert service.current_playbook(session).name == "ro"
        assert [one.name for _since, one in service.list_playbooks(session)] == ["es", "ro"]
    escalate(stage, 600)
    details = [entry.detail for entry in escalations(stage) if entry.detail]
    assert {one["playbook"].split()[0] for one in details} == {"es"}
    assert len(told(stage, Channel.POLICE_WEBHOOK)) == 1


def test_taking_the_same_playbook_over_again_notes_nothing(engine: Engine) -> None:
    use(engine, PLAYBOOKS / "nl.yaml")
    use(engine, PLAYBOOKS / "nl.yaml")
    with reading(engine) as session:
        assert len(service.list_playbooks(session)) == 1


def test_a_receipt_answers_the_step_that_waits_for_it(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage)
    device = next(one for one in told(stage, Channel.DEVICE) if one.device_id == stage.phones[0].id)
    with transaction(engine) as session:
        assert service.receive_receipt(session, stage.phones[0].id, device.id, "done", at(5))
    assert steps(stage, alert)["warn_her_device"] is RunState.ANSWERED


def test_a_message_that_the_receiver_confirmed_answers_where_that_is_enough(engine: Engine) -> None:
    use(engine, PLAYBOOKS / "ro.yaml")
    stage = make_stage(engine)
    alert = open_breach(stage)
    (message,) = told(stage, Channel.POLICE_WEBHOOK)
    with transaction(engine) as session:
        done = Outcome(succeeded=True, code="200", is_received=True)
        service.record_attempt(session, message.id, done, at(1), 0.0)
    assert steps(stage, alert)["police"] is RunState.ANSWERED


@pytest.mark.parametrize("name", ["nl", "es", "ro"])
def test_what_comes_with_the_project_can_be_used(name: str) -> None:
    playbook, _text = service.read_playbook(PLAYBOOKS / f"{name}.yaml")
    assert (playbook.name, playbook.country) == (name, name.upper())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"name: [", r":1: this is not YAML"),
        (b"name: a\nname: b\n", r":2: this is not YAML: 'name' stands twice"),
        (b"\xff", "is not UTF-8"),
        (b"", ":1: this must be a mapping"),
        (b"- a\n- b\n", ":1: this must be a mapping"),
        (b"name: nl\nsteps:\n  odd: {}\n", ":1: .* is missing"),
        (b" " * (256 * 1024 + 1), "smaller than 256 KiB"),
        (b"\x00", "this is not YAML"),
    ],
)
def test_a_file_that_is_no_playbook_is_refused_with_its_line(tmp_path: Path, body: bytes, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(body)
    with pytest.raises(SettingError, match=said):
        service.read_playbook(path)


def test_a_fault_is_told_with_the_line_on_which_it_stands(tmp_path: Path) -> None:
    lines = (PLAYBOOKS / "nl.yaml").read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  room_30:"))
    lines[place] = "  room_30: {tell: operator, severity: 1, within_s: 30, otherwise: [room_30]}"
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(
        SettingError, match=rf"mine.yaml:{place + 1}: the steps go in a loop: room_30 → room_30"
    ):
        service.read_playbook(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="BAKEN_PLAYBOOK"):
        service.read_playbook(tmp_path / "none.yaml")


def test_the_police_s_own_acknowledgement_answers_for_them_and_stands_in_the_log(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage)
    (message,) = told(stage, Channel.POLICE_WEBHOOK)
    ack = PoliceAck("ack-1", AckType.ACK, (message.id,), at(8), "desk-7")
    for _ in range(2):
        with transaction(engine) as session:
            assert take_police_ack(session, ack, at(9)) == alert.id
    assert steps(stage, alert)["police"] is RunState.ANSWERED
    assert [entry.detail for entry in stage.log() if entry.kind is EntryKind.POLICE_ACKNOWLEDGED] == [
        {"who": "desk-7"}
    ]
    assert escalate(stage, 30) == 1  # the room still has not taken it


def test_an_error_of_their_machine_answers_nothing(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage)
    (message,) = told(stage, Channel.POLICE_WEBHOOK)
    error = PoliceAck("ack-2", AckType.ERROR, (message.id,), at(8), "desk-7")
    with transaction(engine) as session:
        take_police_ack(session, error, at(9))
    assert steps(stage, alert)["police"] is RunState.WAITING
    assert EntryKind.POLICE_ACKNOWLEDGED not in {entry.kind for entry in stage.log()}


def test_each_of_her_browsers_gets_its_own_message(engine: Engine) -> None:
    stage = make_stage(engine)
    browsers = [Browser(f"https://fcm.googleapis.com/{number}") for number in range(2)]
    ids = {str(subscribe(engine, browser, stage.people[0])) for browser in browsers}
    open_breach(stage)
    pushed = told(stage, Channel.WEB_PUSH)
    assert {one.payload["subscription_id"] for one in pushed} == ids
    assert {one.person_id for one in pushed} == {stage.people[0]}


def put(engine: Engine, body: str) -> None:
    """A playbook as an older version of ours took it into use."""
    with transaction(engine) as session:
        store.add_playbook(session, hash_token(body), body, NOW)


def test_a_stored_playbook_that_says_nothing_of_a_new_kind_is_not_gone_by(engine: Engine) -> None:
    """An update brings a kind; the worker starts before the dispatcher has read the file again."""
    stage = make_stage(engine)
    lines = (PLAYBOOKS / "es.yaml").read_text().splitlines()
    put(engine, "\n".join(line for line in lines if not line.startswith("  drill")))
    with reading(engine) as session:
        assert service.current_playbook(session).name == "nl"
        assert [playbook.name for _since, playbook in service.list_playbooks(session)] == ["es"]
    open_breach(stage)
    assert len(told(stage, Channel.POLICE_WEBHOOK)) == 1


def test_a_step_of_an_older_playbook_goes_on_as_it_said(engine: Engine) -> None:
    body = (PLAYBOOKS / "es.yaml").read_text()
    put(engine, body)
    stage = make_stage(engine)
    open_breach(stage)
    old = body.replace("  status_conflict: [room]\n", "")  # what it was before the kind was known
    with engine.begin() as connection:
        connection.execute(text("UPDATE playbook SET body = :body"), {"body": old})
    assert escalate(stage, 60) > 0
    assert len(told(stage, Channel.POLICE_WEBHOOK)) == 1

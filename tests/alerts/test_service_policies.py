"""Her policy on both databases: what is not sent, what the log says of it, and that she is told the end."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from api.alerts import service
from api.alerts.model import Alert, Channel, EntryKind, EventKind, Notification, ResolveReason
from api.alerts.model.playbooks import TaskKind
from api.alerts.model.policies import BadPolicy, Decider, PolicyDraft, QuietHours
from api.alerts.rules.telling import CHOSEN_TEXT
from api.alerts.service import NOTHING_SET
from api.kernel import ledger
from api.kernel.config import PLAYBOOKS
from api.kernel.db import reading, transaction
from api.orders.model import PersonNotFound
from tests.alerts.stage import PLAYBOOK, Stage, at, breach, make_stage
from tests.factories import NOW

K = EventKind
HERS = frozenset({Channel.PERSON_STREAM, Channel.WEB_PUSH})
NOON = QuietHours("12:30", "14:00", "Europe/Amsterdam")
"""NOW is 13:00 there."""


def wish(
    stage: Stage,
    kinds: frozenset[str] | None = None,
    quiet: QuietHours | None = None,
    *,
    rings: bool = True,
    wording: int = 0,
    person_id: UUID | None = None,
) -> None:
    with transaction(stage.engine) as session:
        service.set_preferences(
            session, person_id or stage.people[0], PolicyDraft(kinds, quiet, rings, wording), uuid4(), NOW
        )


def to_her(stage: Stage, person_id: UUID | None = None) -> list[Notification]:
    return [one for one in stage.outbox() if one.person_id == (person_id or stage.people[0])]


def open_breach(stage: Stage, kind: EventKind = K.PROXIMITY_BREACH, seconds: float = 0) -> Alert:
    (alert,) = stage.tell(breach(stage, kind, occurred_at=at(seconds)), now=at(seconds))
    return alert


def close(stage: Stage, alert: Alert) -> None:
    with transaction(stage.engine) as session:
        service.resolve(session, alert.id, uuid4(), ResolveReason.WEARER_LEFT, "a note", at(90))


def test_what_she_switched_off_is_not_sent_and_everybody_else_is_told(engine: Engine) -> None:
    stage = make_stage(engine)
    wish(stage, frozenset({"sos"}))
    alert = open_breach(stage, K.ZONE_BREACH)
    assert to_her(stage) == []
    assert {one.channel for one in stage.outbox()} == {Channel.POLICE_WEBHOOK, Channel.DEVICE}
    detail = stage.detail(alert)
    (reach,) = detail.policies
    assert (reach.is_told, reach.withheld_by, reach.policy_version) == (False, Decider.HER, 1)
    assert detail.entries[0].detail == {
        "withheld": [{"person_id": str(stage.people[0]), "by": "her", "version": 1}],
        "default_of": PLAYBOOK.digest,
    }


def test_she_is_not_called_because_she_chose_not_to_be_told(engine: Engine) -> None:
    stage = make_stage(engine)
    wish(stage, frozenset())
    alert = open_breach(stage)
    assert "warn_her_device" not in {run.step for run in stage.detail(alert).steps}
    with transaction(engine) as session:
        service.escalate_due(session, at(120))
        calls = {task.kind for task in service.list_open_tasks(session)}
    assert TaskKind.CALL_POLICE in calls
    assert TaskKind.CALL_PROTECTED_PERSON not in calls


def test_her_own_call_for_help_can_be_silent_too(engine: Engine) -> None:
    stage = make_stage(engine)
    wish(stage, frozenset({"zone_breach"}))
    open_breach(stage, K.SOS)
    assert to_her(stage) == []
    assert [one.channel for one in stage.outbox()] == [Channel.POLICE_WEBHOOK]


def test_one_persons_policy_changes_nothing_for_the_other(engine: Engine) -> None:
    stage = make_stage(engine, people=2)
    wish(stage, frozenset())
    alert = open_breach(stage, K.ZONE_BREACH)
    assert to_her(stage) == []
    assert to_her(stage, stage.people[1])
    reaches = {one.person_id: one for one in stage.detail(alert).policies}
    assert reaches[stage.people[1]].is_told
    assert reaches[stage.people[0]].withheld_by is Decider.HER
    assert "warn_her_device" in {run.step for run in stage.detail(alert).steps}


def test_in_quiet_hours_only_severity_1_rings_and_that_only_if_she_wants(engine: Engine) -> None:
    stage = make_stage(engine)
    wish(stage, None, NOON)
    open_breach(stage, K.CLOSING_FAST)
    assert to_her(stage) == []
    open_breach(stage, K.PROXIMITY_BREACH, 5)
    assert {one.channel for one in to_her(stage)} >= {Channel.PERSON_STREAM, Channel.DEVICE}
    other = make_stage(engine)
    wish(other, None, NOON, rings=False)
    open_breach(other)
    assert to_her(other) == []


def test_the_defaults_authority_is_named_when_it_decided(engine: Engine, tmp_path: Path) -> None:
    body = (PLAYBOOKS / "nl.yaml").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(body.replace("kinds: [sos, zone_breach,", "kinds: [sos,", 1))
    stage = make_stage(engine)
    with transaction(engine) as session:
        service.take_over_playbook(session, path, NOW)
    alert = open_breach(stage, K.ZONE_BREACH)
    with transaction(engine) as session:
        service.take_over_playbook(session, PLAYBOOKS / "nl.yaml", at(1))
    (reach,) = stage.detail(alert).policies
    assert reach.withheld_by is Decider.DEFAULT
    assert reach.decided_by == PLAYBOOK.her.decided_by
    assert reach.policy_version is None
    wish(stage, frozenset({"zone_breach"}))
    close(stage, alert)
    open_breach(stage, K.ZONE_BREACH, 100)
    assert to_her(stage)


def test_who_is_told_by_no_step_is_neither_told_nor_kept_back(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage, K.BOUNDARY_LOITER)
    (reach,) = stage.detail(alert).policies
    assert (reach.is_told, reach.withheld_by) == (False, None)


def test_a_step_that_comes_later_keeps_to_her_policy_too(engine: Engine, tmp_path: Path) -> None:
    late = "  warn_her_late: {tell: protected_person, by: [app, device], within_s: 60, otherwise: [call_her]}"
    lines = (PLAYBOOKS / "nl.yaml").read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  room_30:"))
    lines[place] = lines[place].replace("otherwise: [", "otherwise: [warn_her_late, ")
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join([*lines[: place + 1], late, *lines[place + 1 :]]))
    stages = make_stage(engine), make_stage(engine)
    with transaction(engine) as session:
        service.take_over_playbook(session, path, NOW)
    wish(stages[0], frozenset({"sos"}))
    wish(stages[1], None, wording=2)
    alerts = [open_breach(stage) for stage in stages]
    with transaction(engine) as session:
        service.escalate_due(session, at(30))
    assert to_her(stages[0]) == []
    told = [one for one in to_her(stages[1]) if one.created_at == at(30)]
    assert {one.channel for one in told} == {Channel.PERSON_STREAM, Channel.DEVICE}
    assert {one.payload.get(CHOSEN_TEXT) for one in told} == {2}
    runs = [{run.step for run in stages[0].detail(alert).steps} for alert in alerts]
    assert ["warn_her_late" in steps for steps in runs] == [False, True]
    entries = [one for one in stages[0].log() if one.kind is EntryKind.ESCALATED and one.detail]
    said = [one.detail for one in entries if one.alert_id == alerts[0].id and one.detail]
    assert all("warn_her_late" not in one["next"] for one in said)
    assert [one["withheld"][0]["by"] for one in said if "withheld" in one] == ["her"]


def test_her_messages_carry_the_words_that_she_chose(engine: Engine) -> None:
    stage = make_stage(engine)
    open_breach(stage)
    assert all(CHOSEN_TEXT not in one.payload for one in to_her(stage))
    wish(stage, None, wording=1)
    open_breach(stage, K.SOS)
    assert {one.payload.get(CHOSEN_TEXT) for one in to_her(stage)} == {None, 1}
    his = [one for one in stage.outbox() if one.device_id == stage.ankle.id]
    assert all(CHOSEN_TEXT not in one.payload for one in his)


# Afterwards -----------------------------------------------------------------------------------------------


def test_who_was_told_is_told_that_it_is_over_and_nothing_rings(engine: Engine) -> None:
    stage = make_stage(engine, people=2)
    wish(stage, None, wording=2)
    alert = open_breach(stage)
    before = {one.id for one in stage.outbox()}
    close(stage, alert)
    new = [one for one in stage.outbox() if one.id not in before and one.channel != Channel.POLICE_WEBHOOK]
    assert {one.person_id for one in new} == {stage.people[0]}
    assert Channel.PERSON_STREAM in {one.channel for one in new} <= HERS
    assert all(one.payload == {CHOSEN_TEXT: 2} for one in new)


def test_who_was_not_told_is_not_told_of_the_end(engine: Engine) -> None:
    stage = make_stage(engine)
    wish(stage, frozenset())
    alert = open_breach(stage)
    close(stage, alert)
    assert to_her(stage) == []


def test_the_end_waits_for_her_to_look_when_her_hours_are_quiet(engine: Engine) -> None:
    stage = make_stage(engine)
    alert = open_breach(stage)
    before = len(to_her(stage))
    wish(stage, None, NOON, rings=False)
    close(stage, alert)
    assert len(to_her(stage)) == before
    detail = stage.detail(alert)
    assert detail.entries[-1].detail is not None
    assert detail.entries[-1].detail["withheld"][0]["by"] == "her"
    assert [one.is_told for one in detail.policies] == [True]


def test_who_was_told_by_her_device_alone_finds_the_end_on_her_stream(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    lines = (PLAYBOOKS / "nl.yaml").read_text().splitlines()
    plain = "  warn_her: {tell: protected_person, by: [device]}"
    path.write_text("\n".join(plain if line.startswith("  warn_her:") else line for line in lines))
    stage = make_stage(engine)
    with transaction(engine) as session:
        service.take_over_playbook(session, path, NOW)
    alert = open_breach(stage)
    assert {one.channel for one in to_her(stage)} == {Channel.DEVICE}
    close(stage, alert)
    assert to_her(stage)[-1].channel is Channel.PERSON_STREAM


# Keeping it -----------------------------------------------------------------------------------------------


def test_what_she_wished_before_stays_readable_and_chained(engine: Engine) -> None:
    stage = make_stage(engine)
    person_id = stage.people[0]
    with reading(engine) as session:
        fresh = service.preferences_of(session, person_id)
    assert (fresh.policy, fresh.wish, fresh.decided_by) == (None, NOTHING_SET, PLAYBOOK.her.decided_by)
    assert fresh.default == PLAYBOOK.her.kinds
    wish(stage, frozenset({"sos"}), NOON, rings=False, wording=1)
    wish(stage)
    with reading(engine) as session:
        policies = service.list_policies(session, person_id)
        now = service.preferences_of(session, person_id)
        assert ledger.verify(session).faults == ()
    assert [one.version for one in policies] == [1, 2]
    assert policies[0].wish == PolicyDraft(frozenset({"sos"}), NOON, False, 1)
    assert now.policy == policies[1]
    with engine.begin() as connection:
        connection.execute(text("UPDATE alert_policy SET wording = 2 WHERE version = 1"))
    with reading(engine) as session:
        (fault,) = ledger.verify(session).faults
    assert fault.where.startswith("alert_policy")


def test_a_wish_that_cannot_be_kept_changes_nothing(engine: Engine) -> None:
    stage = make_stage(engine)
    with pytest.raises(BadPolicy):
        wish(stage, frozenset({"battery_low"}))
    with reading(engine) as session:
        assert service.list_policies(session, stage.people[0]) == []


def test_staff_may_look_and_the_look_is_an_audit_row(engine: Engine) -> None:
    stage = make_stage(engine)
    operator = uuid4()
    with transaction(engine) as session:
        service.read_preferences(session, stage.people[0], operator, NOW)
        with pytest.raises(PersonNotFound):
            service.read_preferences(session, uuid4(), operator, NOW)
        with pytest.raises(PersonNotFound):
            service.read_preferences(session, stage.wearer_id, operator, NOW)
    with engine.connect() as connection:
        acts = connection.execute(text("SELECT act FROM audit WHERE act LIKE 'alerts.policy%'")).scalars()
        assert list(acts) == ["alerts.policy_read"]

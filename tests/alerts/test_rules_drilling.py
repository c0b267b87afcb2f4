"""What a test run says of each link."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import Alert, Attempt, Channel, EventKind, Notification, NotificationState
from api.alerts.model.drills import DRILL_LASTS, HEARD_WITHIN, Drill, DrillReport, LinkName, LinkState
from api.alerts.model.playbooks import PlaybookStep, Target
from api.alerts.rules.drilling import Sent, due_drills, report_of
from tests.alerts.stage import PLAYBOOK, make_event, make_watch
from tests.alerts.test_rules import WEARER_DEVICE, last
from tests.factories import NOW

WATCH = make_watch()
HER = WATCH.order.protected_person_ids[0]
((_HER, (HER_DEVICE, *_)),) = WATCH.protected
DRILL = Drill(UUID(int=1), WATCH.order.id, UUID(int=2), NOW, None)
STEPS = tuple(PLAYBOOK.steps[name] for name in PLAYBOOK.kinds["drill"])
OVER = NOW + DRILL_LASTS
S = NotificationState


def alert(**more: Any) -> Alert:
    opened = last(make_event(EventKind.DRILL, exercise=True), watch=WATCH).alert
    return replace(opened, **more)


def message(channel: Channel, state: NotificationState, *tries: tuple[bool, str, float], **more: Any) -> Sent:
    one = Notification(
        seq=1,
        id=uuid.uuid4(),
        alert_id=DRILL.alert_id,
        channel=channel,
        person_id=more.get("person_id"),
        device_id=more.get("device_id"),
        payload=more.get("payload", {}),
        state=state,
        attempts=len(tries),
        created_at=NOW,
        next_attempt_at=NOW,
    )
    attempts = [
        Attempt(uuid.uuid4(), one.id, NOW + timedelta(seconds=after_s), succeeded, outcome)
        for succeeded, outcome, after_s in tries
    ]
    return one, attempts


def report(
    sent: Sequence[Sent] = (),
    now: datetime = NOW,
    heard: dict[UUID, datetime] | None = None,
    steps: Sequence[PlaybookStep] = STEPS,
    **more: Any,
) -> DrillReport:
    withheld = more.pop("withheld", ())
    return report_of(DRILL, alert(**more), steps, sent, WATCH, heard or {}, withheld, now)


def state_of(found: DrillReport, name: LinkName) -> tuple[LinkState, str]:
    (link,) = [link for link in found.links if link.name is name]
    return link.state, link.why


ALL_WELL = (
    message(Channel.POLICE_WEBHOOK, S.RECEIVED, (True, "200", 1)),
    message(Channel.PERSON_STREAM, S.RECEIVED, (True, "written", 1), (True, "receipt", 2), person_id=HER),
    message(Channel.SMS, S.SENT, (True, "200", 1), payload={"target": "officer"}),
    message(Channel.SMS, S.RECEIVED, (True, "delivered", 1), payload={"target": "standby"}),
    message(Channel.WEB_PUSH, S.SENT, (True, "201", 1), person_id=HER),
    message(Channel.DEVICE, S.RECEIVED, (True, "accepted", 1), (True, "receipt_done", 9),
            person_id=HER, device_id=HER_DEVICE),
    message(Channel.DEVICE, S.RECEIVED, (True, "accepted", 1), (True, "receipt_done", 9),
            device_id=WEARER_DEVICE),
)  # fmt: skip
HEARD = {WEARER_DEVICE: NOW - timedelta(seconds=30), HER_DEVICE: NOW}


def test_a_chain_that_holds_is_ok_now_and_for_ever() -> None:
    taken_at = NOW + timedelta(seconds=20)
    for now in (NOW + timedelta(seconds=30), OVER, OVER + timedelta(days=365)):
        found = report(ALL_WELL, now, HEARD, acknowledged_at=taken_at)
        assert found.state is LinkState.OK
        states = {link.name: link.state for link in found.links}
        assert states.pop(LinkName.HER_PUSH) is LinkState.HANDED_OVER
        assert states.pop(LinkName.OFFICER) is LinkState.HANDED_OVER
        assert set(states.values()) == {LinkState.OK}


def test_nothing_has_answered_at_the_start_and_has_failed_at_the_end() -> None:
    at_once, over = report(), report(now=OVER)
    assert state_of(at_once, LinkName.ROOM) == (LinkState.WAITING, "not_taken")
    assert state_of(over, LinkName.ROOM) == (LinkState.FAILED, "not_taken")
    assert state_of(at_once, LinkName.HER_DEVICE_HEARD) == (LinkState.WAITING, "not_heard")
    assert state_of(over, LinkName.HER_DEVICE_HEARD) == (LinkState.FAILED, "not_heard")


def test_whoever_nothing_was_sent_to_has_failed_at_once() -> None:
    found = report()
    assert state_of(found, LinkName.HER_PUSH) == (LinkState.FAILED, "nobody")
    assert found.state is LinkState.FAILED


@pytest.mark.parametrize(
    ("sent", "while_it_lasts", "afterwards"),
    [
        (message(Channel.POLICE_WEBHOOK, S.PENDING), ("waiting", "not_sent"), ("failed", "not_sent")),
        (
            message(Channel.POLICE_WEBHOOK, S.PENDING, (False, "500", 1)),
            ("waiting", "500"),
            ("failed", "500"),
        ),
        (
            message(Channel.POLICE_WEBHOOK, S.SENT, (True, "200", 1)),
            ("waiting", "no_receipt"),
            ("failed", "no_receipt"),
        ),
        (
            message(Channel.POLICE_WEBHOOK, S.FAILED, (False, "not_configured", 1)),
            ("failed", "not_configured"),
            ("failed", "not_configured"),
        ),
        (
            message(Channel.POLICE_WEBHOOK, S.RECEIVED, (True, "200", 1), (True, "police_ack", 400)),
            ("waiting", "no_receipt"),
            ("failed", "no_receipt"),
        ),
    ],
)
def test_a_message_counts_by_what_came_of_it_in_time(
    sent: Sent, while_it_lasts: tuple[str, str], afterwards: tuple[str, str]
) -> None:
    assert state_of(report([sent], NOW + timedelta(seconds=10)), LinkName.POLICE) == while_it_lasts
    assert state_of(report([sent], OVER), LinkName.POLICE) == afterwards


def test_a_closed_app_has_not_failed() -> None:
    found = report([message(Channel.PERSON_STREAM, S.PENDING, person_id=HER)], OVER)
    assert state_of(found, LinkName.HER_APP) == (LinkState.HANDED_OVER, "not_open")


def test_a_room_that_takes_it_too_late_has_failed() -> None:
    assert state_of(report(now=OVER, acknowledged_at=OVER), LinkName.ROOM)[0] is LinkState.OK
    late = report(now=OVER, acknowledged_at=OVER + timedelta(seconds=1))
    assert state_of(late, LinkName.ROOM) == (LinkState.FAILED, "not_taken")


def test_officers_and_the_desk_that_stands_by_are_told_apart() -> None:
    officer = replace(STEPS[0], name="o", target=Target.OFFICER, channels=(Channel.SMS,))
    standby = replace(STEPS[0], name="s", target=Target.STANDBY, channels=(Channel.SMS,))
    texts = [message(Channel.SMS, S.SENT, (True, "200", 1), payload={"target": "officer"})]
    found = report(texts, steps=(officer, standby))
    assert state_of(found, LinkName.OFFICER) == (LinkState.HANDED_OVER, "no_receipt")
    assert state_of(found, LinkName.STANDBY) == (LinkState.FAILED, "nobody")


def test_who_carries_no_device_cannot_be_heard() -> None:
    bare = replace(WATCH, wearer_devices=(), protected=())
    found = report_of(DRILL, alert(), (), (), bare, {}, (), NOW)
    assert [(link.name, link.why) for link in found.links] == [
        (LinkName.WEARER_DEVICE_HEARD, "nobody"),
        (LinkName.HER_DEVICE_HEARD, "nobody"),
    ]
    assert report_of(DRILL, alert(), STEPS, (), None, {}, (), NOW).links[0].name is LinkName.POLICE


@given(st.floats(-2000, 2000))
def test_a_device_was_heard_when_anything_of_it_came_lately(before_s: float) -> None:
    at = NOW - timedelta(seconds=before_s)
    is_ok = state_of(report(now=OVER, heard={HER_DEVICE: at}), LinkName.HER_DEVICE_HEARD)[0] is LinkState.OK
    assert is_ok is (NOW - at <= HEARD_WITHIN)


def test_an_order_is_due_at_once_and_then_every_so_often() -> None:
    new, tested = UUID(int=10), UUID(int=11)
    every = timedelta(days=30)
    due = due_drills({new: NOW, tested: NOW - timedelta(days=90)}, {tested: NOW - timedelta(days=31)}, every)
    assert [(one.order_id, one.due_at - NOW, one.last_at) for one in due] == [
        (tested, timedelta(days=-1), NOW - timedelta(days=31)),
        (new, timedelta(0), None),
    ]


def test_who_has_chosen_not_to_hear_of_test_runs_has_not_failed() -> None:
    found = report(now=OVER, withheld={HER})
    assert state_of(found, LinkName.HER_PUSH) == (LinkState.HANDED_OVER, "her_choice")
    assert state_of(report(now=OVER), LinkName.HER_PUSH) == (LinkState.FAILED, "nobody")

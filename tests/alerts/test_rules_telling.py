"""Who hears of what beyond the control room."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given

from api.alerts.model import Channel, Doubt, Event, EventKind, Sighting
from api.alerts.model.playbooks import PlaybookStep, Side, Target
from api.alerts.rules.event_json import event_json, event_of
from api.alerts.rules.telling import Action, recipients_by
from tests.alerts.stage import HIS_PLACE, PLAYBOOK, make_event, make_watch, recipients_of, tells_police
from tests.alerts.test_rules import WEARER_DEVICE, events, last
from tests.factories import NOW

K = EventKind


def test_what_a_camera_saw_goes_to_the_police_and_not_to_a_device_that_he_may_hold() -> None:
    event = make_event(K.EXTERNAL_SIGHTING, reason="contradicts_device")
    step = last(event, watch=make_watch())
    assert tells_police(event, step)
    assert recipients_of(event, step, make_watch()) == []


@pytest.mark.parametrize(("reason", "is_told"), [("reaches", True), ("silent", False)])
def test_a_silence_reaches_her_and_the_police_only_when_it_may_hide_him(reason: str, is_told: bool) -> None:
    event = make_event(K.LOST_CONTACT, device_id=WEARER_DEVICE, reason=reason)
    step = last(event, watch=make_watch())
    assert tells_police(event, step) is is_told
    assert bool(recipients_of(event, step, make_watch())) is is_told


def step(target: Target, side: Side) -> PlaybookStep:
    return replace(PLAYBOOK.steps["police"], target=target, channels=(Channel.SMS,), side=side)


def test_officers_of_both_sides_are_told_where_the_playbook_says_so() -> None:
    watch = make_watch()
    told = recipients_by(step(Target.OFFICER, Side.BOTH), (), watch, K.ZONE_BREACH)
    assert [(one.channel, one.side) for one in told] == [
        (Channel.SMS, Side.WEARER),
        (Channel.SMS, Side.PROTECTED),
    ]
    told = recipients_by(step(Target.OFFICER, Side.PROTECTED), (), watch, K.ZONE_BREACH)
    assert [one.side for one in told] == [Side.PROTECTED]


def test_the_desk_that_stands_by_is_one_wherever_the_two_are() -> None:
    told = recipients_by(step(Target.STANDBY, Side.BOTH), (), make_watch(), K.ZONE_BREACH)
    assert [(one.target, one.side) for one in told] == [(Target.STANDBY, Side.WEARER)]


def test_a_test_run_asks_his_device_to_report_and_lets_hers_show_words_without_a_sound() -> None:
    event = make_event(K.DRILL, exercise=True)
    watch = make_watch()
    told = recipients_of(event, last(event, watch=watch), watch)
    assert [one.action for one in told if one.device_id == WEARER_DEVICE] == [Action.REPORT_LOCATION]
    assert [one.action for one in told if one.person_id and one.action] == [Action.MESSAGE]


@given(events)
def test_an_event_is_read_back_from_its_json_as_it_was(event: Event) -> None:
    assert event_of(event_json(event)) == event
    sighting = Sighting(WEARER_DEVICE, HIS_PLACE, 5.0, NOW, (Doubt.COARSE,))
    placed = msgspec.structs.replace(event, wearer=sighting)
    assert event_of(event_json(placed)) == placed

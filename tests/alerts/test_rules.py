import itertools
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import (
    Alert,
    AlertState,
    Channel,
    Doubt,
    EntryKind,
    Event,
    EventKind,
    Family,
    Sighting,
)
from api.alerts.rules.event_json import event_json
from api.alerts.rules.joining import (
    Step,
    family_of,
    holding_after,
    join_key,
    may_open,
    next_step,
    severity_of,
)
from api.alerts.rules.retries import LAST_RETRY_S, LIFE, expires_at, is_failing, next_attempt_at
from api.alerts.rules.telling import (
    Action,
    MsgType,
    Wording,
    act_msg_type,
    police_message,
    priority_of,
)
from api.orders.model import Watch
from tests.alerts.stage import HIS_PLACE, at, make_event, make_watch, recipients_of, tells_police
from tests.factories import NOW

K = EventKind
CONTRACTS = Path(__file__).parents[2] / "ops/contracts"
NEW_ID = UUID(int=900)
WEARER_DEVICE = UUID(int=1)
events = st.builds(
    make_event,
    kind=st.sampled_from(EventKind),
    live=st.booleans(),
    repeat=st.booleans(),
    concealed=st.booleans(),
    exercise=st.booleans(),
    doubts=st.sampled_from([(), (Doubt.COARSE,)]),
    person_id=st.sampled_from([None, UUID(int=100), UUID(int=101)]),
    zone_id=st.sampled_from([None, UUID(int=2), UUID(int=4)]),
    device_id=st.sampled_from([None, UUID(int=1), UUID(int=200)]),
    exemption_id=st.sampled_from([None, UUID(int=70)]),
    reason=st.sampled_from(["pairing_lost", "battery_low", "protected_device_degraded:silent"]),
)


def play(*told: Event, watch: Watch | None = None) -> list[Step | None]:
    """Let the events join one after the other whatever their key."""
    alert: Alert | None = None
    holding: frozenset[str] = frozenset()
    steps = []
    for event in told:
        step = next_step(alert, holding, event, watch, NOW, NEW_ID)
        if step:
            alert, holding = step.alert, step.holding
        steps.append(step)
    return steps


def last(*told: Event, watch: Watch | None = None) -> Step:
    step = play(*told, watch=watch)[-1]
    assert step is not None
    return step


@given(events)
def test_doubt_and_lateness_may_lower_a_severity_and_never_raise_it(event: Event) -> None:
    sure = make_event(event.kind, person_id=event.person_id)
    assert severity_of(sure) <= severity_of(event) <= 5


def test_zones_and_people_of_one_order_share_one_alert() -> None:
    keys = {
        join_key(make_event(kind, zone_id=zone, person_id=person, device_id=device))
        for kind in (K.ZONE_BREACH, K.ZONE_BUFFER, K.PROXIMITY_BREACH, K.ZONE_TRANSIT, K.PROXIMITY_LEFT)
        for zone in (UUID(int=2), UUID(int=4))
        for person in (None, UUID(int=100))
        for device in (UUID(int=1), UUID(int=200))
    }
    assert len(keys) == 1


def test_orders_families_and_devices_are_kept_apart() -> None:
    told = [
        make_event(K.ZONE_BREACH),
        make_event(K.ZONE_BREACH, order_id=UUID(int=4)),
        make_event(K.SOS),
        make_event(K.SOS, order_id=None, device_id=UUID(int=1)),
        make_event(K.STRAP_TAMPER, device_id=UUID(int=1)),
        make_event(K.STRAP_TAMPER, device_id=UUID(int=5)),
        make_event(K.LOST_CONTACT, device_id=UUID(int=1)),
        make_event(K.ZONE_BREACH, live=False),
        make_event(K.SYSTEM_DEGRADED, order_id=None, reason="worker:silent"),
        make_event(K.SYSTEM_DEGRADED, order_id=None, reason="police_webhook:failing"),
        make_event(K.SYSTEM_DEGRADED, order_id=None, device_id=UUID(int=1), reason="server_fault"),
        make_event(K.SYSTEM_DEGRADED, order_id=None),
    ]
    assert len({join_key(event) for event in told}) == len(told)


def test_the_return_of_a_part_of_the_system_joins_its_failure() -> None:
    failing = make_event(K.SYSTEM_DEGRADED, order_id=None, reason="worker:silent")
    back = make_event(K.SYSTEM_RESTORED, order_id=None, reason="worker:back")
    assert join_key(failing) == join_key(back)
    assert not last(failing, back).alert.ongoing


@pytest.mark.parametrize(
    ("began", "ended"),
    [
        ({"kind": K.PAIRING_LOST}, "pairing_lost"),
        ({"kind": K.BATTERY_CRITICAL}, "battery_low"),
        ({"kind": K.INCLUSION_BREACH, "zone_id": UUID(int=2)}, "inclusion_breach"),
        ({"kind": K.PROTECTED_DEVICE_DEGRADED, "reason": "silent"}, "protected_device_degraded:silent"),
        (
            {"kind": K.PROTECTED_DEVICE_DEGRADED, "reason": "battery_critical"},
            "protected_device_degraded:battery_low",
        ),
    ],
)
def test_the_end_of_a_condition_joins_its_alert_and_ends_only_it(began: dict[str, Any], ended: str) -> None:
    begin = make_event(**({"device_id": UUID(int=1)} | began))
    end = make_event(K.CONDITION_ENDED, device_id=UUID(int=1), zone_id=began.get("zone_id"), reason=ended)
    other = make_event(K.POSITION_FROZEN, device_id=UUID(int=1))
    assert join_key(begin) == join_key(end)
    assert not last(begin, end).alert.ongoing
    if family_of(begin) == Family.HEALTH:
        assert last(begin, other, end).alert.ongoing


@pytest.mark.parametrize("kind", [K.ZONE_LEFT, K.PROXIMITY_LEFT, K.CONTACT_RESTORED, K.SYSTEM_RESTORED])
def test_the_end_of_something_opens_nothing(kind: EventKind) -> None:
    assert play(make_event(kind)) == [None]


@pytest.mark.parametrize(
    ("kind", "comes_back"),
    [
        (K.ZONE_BREACH, True),
        (K.PROXIMITY_BREACH, True),
        (K.PROXIMITY_RF, True),
        (K.SYSTEM_DEGRADED, True),
        (K.ZONE_BUFFER, False),
        (K.PROXIMITY_WARNING, False),
        (K.LOST_CONTACT, False),
        (K.INCLUSION_BREACH, True),
        (K.PROTECTED_APPROACHES, True),
        (K.BORDER_APPROACH, True),
    ],
)
def test_only_a_lasting_danger_opens_an_alert_again(kind: EventKind, comes_back: bool) -> None:
    assert may_open(make_event(kind, repeat=True)) is comes_back


def test_leaving_one_of_two_zones_does_not_end_the_approach() -> None:
    one, two = {"zone_id": UUID(int=2)}, {"zone_id": UUID(int=4)}
    inside_both = [make_event(K.ZONE_BREACH, **one), make_event(K.ZONE_BREACH, **two)]
    assert last(*inside_both, make_event(K.ZONE_LEFT, **one)).alert.ongoing
    step = last(*inside_both, make_event(K.ZONE_LEFT, **one), make_event(K.ZONE_LEFT, **two))
    assert not step.alert.ongoing
    assert step.alert.resolved_at is None


def test_a_crossing_that_is_over_is_not_ongoing() -> None:
    assert not last(make_event(K.ZONE_TRANSIT)).alert.ongoing


@given(st.lists(events, max_size=8), events)
def test_late_positions_never_touch_what_holds_now(before: list[Event], event: Event) -> None:
    holding: frozenset[str] = frozenset()
    for told in before:
        holding = holding_after(holding, told)
    if family_of(event) == Family.LATE and not event.live:
        assert holding_after(holding, event) == holding


@given(st.lists(events, min_size=1, max_size=10))
def test_an_alert_is_as_bad_as_its_worst_event(told: list[Event]) -> None:
    steps = [step for step in play(*told) if step]
    for before, after in itertools.pairwise(steps):
        assert after.alert.severity <= before.alert.severity
        assert (after.kind == EntryKind.RAISED) == (after.alert.severity < before.alert.severity)
        assert after.alert.concealed >= before.alert.concealed
        assert set(after.alert.person_ids) >= set(before.alert.person_ids)


def test_one_real_event_makes_an_exercise_real_and_nothing_makes_it_an_exercise_again() -> None:
    told = [make_event(exercise=True), make_event(exercise=False), make_event(exercise=True)]
    assert [step.alert.exercise for step in play(*told) if step] == [True, False, False]


def test_an_earlier_event_does_not_turn_the_alert_back_in_time() -> None:
    step = last(make_event(occurred_at=at(20)), make_event(occurred_at=at(10)))
    assert step.alert.last_event_at == at(20)


@given(events, st.lists(events, max_size=4), st.booleans())
def test_the_wearer_hears_only_of_declared_zones_and_whatever_else_is_going_on(
    event: Event,
    before: list[Event],
    is_told_before: bool,
) -> None:
    """His message must depend on his own step into a zone that he knows, or it shows where she is."""
    watch = make_watch(people=2)
    step = play(*(before if is_told_before else []), event, watch=watch)[-1]
    if step is None or event.kind is K.DRILL:  # a test run asks his device to report: `test_rules_telling`
        return
    told = [one for one in recipients_of(event, step, watch) if one.device_id == WEARER_DEVICE]
    is_his_step = (
        event.kind in {K.ZONE_BUFFER, K.ZONE_BREACH}
        and event.zone_id is not None
        and not event.concealed
        and event.live
        and not event.repeat
        and event.exemption_id is None
    )
    assert [(one.action, one.wording) for one in told] == (
        [(Action.MESSAGE, Wording.TURN_BACK)] if is_his_step else []
    )


@given(events)
def test_her_devices_get_neutral_words_only(event: Event) -> None:
    watch = make_watch(people=2)
    step = play(event, watch=watch)[-1]
    for one in recipients_of(event, step, watch) if step else []:
        if one.device_id != WEARER_DEVICE:
            assert one.wording in {Wording.NEUTRAL, Wording.NONE}
            assert event.live


def told_people(event: Event, watch: Watch) -> set[UUID | None]:
    step = last(event, watch=watch)
    return {
        one.person_id for one in recipients_of(event, step, watch) if one.channel == Channel.PERSON_STREAM
    }


def test_proximity_tells_one_person_and_a_zone_tells_all_of_the_order() -> None:
    watch = make_watch(people=2)
    one, two = watch.order.protected_person_ids
    assert told_people(make_event(K.PROXIMITY_BREACH, person_id=one), watch) == {one}
    assert told_people(make_event(K.ZONE_BREACH), watch) == {one, two}
    assert told_people(make_event(K.STRAP_TAMPER, device_id=WEARER_DEVICE), watch) == {one, two}


@pytest.mark.parametrize(
    "event",
    [
        make_event(K.ZONE_BUFFER),
        make_event(K.PROXIMITY_WARNING),
        make_event(K.ZONE_BREACH, live=False),
        make_event(K.LATE_DATA_BREACH, live=False),
        make_event(K.STRAP_TAMPER, live=False),
        make_event(K.LOST_CONTACT, device_id=WEARER_DEVICE),
        make_event(K.SYSTEM_DEGRADED, reason="worker:silent"),
    ],
)
def test_warnings_late_data_and_technical_trouble_do_not_reach_her(event: Event) -> None:
    assert told_people(event, make_watch()) == set()


def test_an_sos_is_answered_without_vibrating() -> None:
    watch = make_watch()
    event = make_event(K.SOS, person_id=watch.order.protected_person_ids[0])
    told = recipients_of(event, last(event, watch=watch), watch)
    assert [one.action for one in told if one.channel == Channel.DEVICE] == [Action.MESSAGE]


def test_a_sure_breach_reaches_her_device_with_a_vibration_and_a_doubtful_one_her_stream_only() -> None:
    watch = make_watch()
    person_id = watch.order.protected_person_ids[0]
    sure = make_event(K.PROXIMITY_BREACH, person_id=person_id)
    told = recipients_of(sure, last(sure, watch=watch), watch)
    assert [one.action for one in told] == [None, None, Action.MESSAGE, Action.VIBRATE]
    doubtful = make_event(K.PROXIMITY_BREACH, person_id=person_id, doubts=(Doubt.COARSE,))
    told = recipients_of(doubtful, last(doubtful, watch=watch), watch)
    assert [one.channel for one in told] == [Channel.PERSON_STREAM, Channel.WEB_PUSH]


def test_without_an_order_nobody_but_the_room_is_told() -> None:
    event = make_event(K.SOS, order_id=None, device_id=UUID(int=200))
    assert recipients_of(event, last(event), None) == []


def does_tell_police(*told: Event) -> bool:
    return tells_police(told[-1], last(*told))


def test_police_hear_of_what_opens_gets_worse_or_begins_again() -> None:
    warning, sure = make_event(K.ZONE_BUFFER), make_event(K.ZONE_BREACH)
    repeat, left = make_event(K.ZONE_BREACH, repeat=True), make_event(K.ZONE_LEFT)
    assert does_tell_police(sure)
    assert does_tell_police(warning, sure)
    assert does_tell_police(make_event(doubts=(Doubt.COARSE,)), sure)
    assert does_tell_police(sure, left, sure)
    assert does_tell_police(repeat)
    assert does_tell_police(make_event(K.SOS, live=False))
    assert does_tell_police(make_event(K.SOS), make_event(K.SOS))
    assert does_tell_police(sure, make_event(K.EXTERNAL_SIGHTING))
    assert not does_tell_police(warning)
    assert not does_tell_police(sure, repeat)
    assert not does_tell_police(sure, sure)
    assert not does_tell_police(sure, left)
    assert not does_tell_police(make_event(K.LATE_DATA_BREACH, live=False))
    assert not does_tell_police(make_event(K.LOST_CONTACT))
    assert not does_tell_police(make_event(K.SYSTEM_DEGRADED))


def test_police_see_the_age_and_doubt_of_both_positions_and_never_a_note() -> None:
    sighting = Sighting(WEARER_DEVICE, HIS_PLACE, 8.0, at(-30), (Doubt.JUMP,))
    event = make_event(person_id=UUID(int=100), wearer=sighting, distance_m=-12.5)
    step = last(event, watch=make_watch())
    body = police_message(NEW_ID, MsgType.ALERT, 7, step.alert, event, make_watch(), NOW)
    assert body["event"]["wearer"] == {
        "lat": HIS_PLACE.lat,
        "lon": HIS_PLACE.lon,
        "accuracy_m": 8.0,
        "fixed_at": "2026-11-23T11:59:30.000+00:00",
        "age_s": 30.0,
        "doubts": ["jump"],
    }
    assert body["event"]["protected"] is None
    assert body["status"] == "Exercise"
    assert "resolution_note" not in str(body)
    no_order = police_message(NEW_ID, MsgType.UPDATE, 8, step.alert, None, None, NOW)
    assert no_order["order"] is None
    assert no_order["event"] is None


def test_the_worst_alerts_leave_first_and_acts_after_events() -> None:
    alert = last(make_event(K.ZONE_BREACH)).alert
    assert priority_of(alert, Channel.POLICE_WEBHOOK, is_act=False) == 1
    assert priority_of(alert, Channel.POLICE_WEBHOOK, is_act=True) == 5


def test_the_example_and_what_we_send_both_follow_the_contract() -> None:
    schema = json.loads((CONTRACTS / "webhook.schema.json").read_text())
    check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate
    check(json.loads((CONTRACTS / "examples/webhook/alert.json").read_text()))
    for kind in EventKind:
        event = make_event(kind, wearer=Sighting(WEARER_DEVICE, HIS_PLACE, None, NOW))
        if step := play(event, watch=make_watch())[0]:
            check(police_message(NEW_ID, MsgType.ALERT, 1, step.alert, event, make_watch(), NOW))
            check(police_message(NEW_ID, MsgType.CANCEL, 2, step.alert, None, None, NOW))


def test_only_the_end_cancels() -> None:
    alert = last(make_event(K.ZONE_BREACH)).alert
    assert act_msg_type(replace(alert, state=AlertState.ACKNOWLEDGED)) == MsgType.UPDATE
    assert act_msg_type(replace(alert, state=AlertState.RESOLVED)) == MsgType.CANCEL


def test_points_in_event_json_name_their_parts() -> None:
    sighting = Sighting(WEARER_DEVICE, HIS_PLACE, None, NOW)
    fields = event_json(make_event(wearer=sighting))
    assert fields["wearer"]["point"] == {"lat": HIS_PLACE.lat, "lon": HIS_PLACE.lon}
    assert fields["protected"] is None
    assert fields["occurred_at"] == "2026-11-23T12:00:00Z"


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_waits_grow_are_capped_and_never_fall_below_half(attempts: int, jitter: float) -> None:
    wait_s = (next_attempt_at(attempts, NOW, jitter) - NOW).total_seconds()
    full_s = min(LAST_RETRY_S, 2.0 ** min(attempts - 1, 10))
    assert full_s / 2 - 1e-3 <= wait_s <= full_s + 1e-3


def test_a_message_is_worth_sending_for_as_long_as_its_channel_says() -> None:
    assert expires_at(Channel.POLICE_WEBHOOK, NOW) == NOW + timedelta(hours=24)
    assert expires_at(Channel.DEVICE, NOW) == NOW + timedelta(minutes=5)
    assert set(LIFE) == set(Channel)


def test_three_failures_of_one_message_mean_that_its_channel_is_down() -> None:
    assert [is_failing(attempts) for attempts in (1, 2, 3, 4)] == [False, False, True, True]

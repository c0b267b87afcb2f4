"""What she reads: words for everything, unknown said as unknown, and never a place, a name or a promise."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import (
    AlertState,
    Attempt,
    Channel,
    Doubt,
    EntryKind,
    Event,
    EventKind,
    Family,
    NotificationState,
    ResolveReason,
)
from api.alerts.model.her_view import HerItem
from api.alerts.model.playbooks import Task, TaskKind, TaskOutcome
from api.alerts.model.policies import Decider, Reach
from api.alerts.rules.her_view import her_item
from api.alerts.rules.joining import family_of, opens_alerts
from api.kernel.geo import Point
from tests.alerts.reading import ALL, EN, HER, OTHER, RESOLVED, entry, event, message, read, record, sighting
from tests.alerts.stage import HER_PLACE, HIS_PLACE, at
from tests.factories import NOW

K = EventKind

# What is hers ---------------------------------------------------------------------------------------------


def test_she_reads_what_she_was_told_of_or_what_was_kept_back() -> None:
    nothing = Reach(HER, False, None, None, None)
    by_her = Reach(HER, False, Decider.HER, None, 3)
    by_default = Reach(HER, False, Decider.DEFAULT, "The House", None)
    assert her_item(record(event(), reach=nothing), HER, EN, NOW) is None
    assert her_item(record(event(), reach=Reach(OTHER, True, None, None, None)), HER, EN, NOW) is None
    assert "your own choice" in read(event(), reach=by_her).told
    assert read(event(), reach=by_default).told.endswith("The House.")


def test_what_came_late_is_hers_after_somebody_has_looked_into_it() -> None:
    late = event(K.LATE_DATA_BREACH, occurred_at=at(-1560), live=False)
    nothing = Reach(HER, False, None, None, None)
    assert her_item(record(late, reach=nothing), HER, EN, NOW) is None
    item = read(late, reach=nothing, alert=RESOLVED)
    assert item.late == "LATE: we learned of this 26 minutes after it happened."
    assert item.told_at is None


def test_what_a_camera_saw_is_not_told_and_gives_no_distance() -> None:
    seen = event(K.EXTERNAL_SIGHTING, wearer=sighting(HER_PLACE))
    assert her_item(record(seen), HER, EN, NOW) is None
    item = read(event(K.ZONE_BREACH, wearer=None, protected=None), seen)
    assert (item.as_of, item.distance) == (None, EN.bands["unknown"])


def test_nothing_of_another_person_of_the_order_is_used() -> None:
    both = {"person_ids": (HER, OTHER)}
    hers, others = event(K.CLOSING_FAST, wearer=None, protected=None), event(person_id=OTHER, distance_m=30.0)
    item = read(others, hers, alert=both)
    assert item.what == EN.what["closing_fast"]
    assert item.distance == EN.bands["unknown"]
    assert her_item(record(others, alert=both), HER, EN, NOW) is None
    of_nobody = event(K.ZONE_BREACH, person_id=None)
    assert read(of_nobody, alert=both).distance == EN.bands["unknown"]
    assert EN.sentences["her_unknown"] in read(of_nobody, alert=both).ages
    assert read(of_nobody).distance == EN.bands["to_1_km"]


# What happened --------------------------------------------------------------------------------------------


def test_the_worst_is_what_happened_and_the_newest_is_where_it_stands() -> None:
    warned = event(K.PROXIMITY_WARNING, distance_m=900.0)
    breach = event(occurred_at=at(-20), distance_m=400.0, closing_m_s=1.4)
    left = event(K.PROXIMITY_LEFT, distance_m=1600.0)
    item = read(warned, breach, left)
    assert item.what == EN.what["proximity_breach"]
    assert item.happened_at == at(-20)
    assert item.distance == EN.bands["to_2_km"]
    assert item.trend == EN.trends["away"]


@pytest.mark.parametrize(
    ("distance_m", "band"),
    [
        (0.0, "under_500_m"),
        (499.9, "under_500_m"),
        (500.0, "to_1_km"),
        (1000.0, "to_2_km"),
        (2000.0, "to_5_km"),
        (5000.0, "over_5_km"),
        (1e7, "over_5_km"),
    ],
)
def test_the_distance_is_a_coarse_band(distance_m: float, band: str) -> None:
    assert read(event(distance_m=distance_m)).distance == EN.bands[band]


def test_the_distance_to_a_zones_edge_is_not_taken_for_that_between_the_two() -> None:
    item = read(event(K.ZONE_BREACH, distance_m=-40.0))
    assert item.distance == EN.bands["to_1_km"]
    assert item.trend == EN.trends["unknown"]


def test_a_device_heard_by_radio_is_near_even_without_a_position() -> None:
    item = read(event(K.PROXIMITY_RF, wearer=None, protected=None))
    assert item.distance == EN.bands["under_500_m"]
    assert item.ages == (EN.sentences["his_unknown"], EN.sentences["her_unknown"])


def test_positions_that_were_too_old_tell_no_distance() -> None:
    item = read(event(distance_m=300.0, protected=sighting(HER_PLACE, age=601)))
    assert item.distance == EN.bands["unknown"]
    assert "Your position was 10 minutes old." in item.ages


def test_the_last_distance_that_is_known_is_shown_with_its_moment() -> None:
    lost = event(K.LOST_CONTACT, protected=None)
    item = read(event(distance_m=300.0), lost)
    assert item.distance == EN.bands["under_500_m"]
    alone = read(lost)
    assert (alone.distance, alone.as_of) == (EN.bands["unknown"], NOW)
    assert alone.ages == ("The position of the other person was 30 seconds old.", EN.sentences["her_unknown"])


@pytest.mark.parametrize(
    ("closing_m_s", "kind", "trend"),
    [
        (0.5, K.PROXIMITY_BREACH, "nearer"),
        (-0.5, K.PROXIMITY_BREACH, "away"),
        (0.4, K.PROXIMITY_BREACH, "unknown"),
        (None, K.PROXIMITY_BREACH, "unknown"),
        (None, K.PROXIMITY_LEFT, "away"),
        (2.0, K.PROXIMITY_LEFT, "nearer"),
    ],
)
def test_the_trend_is_said_or_said_to_be_unknown(
    closing_m_s: float | None, kind: EventKind, trend: str
) -> None:
    item = read(event(K.PROXIMITY_WARNING), event(kind, closing_m_s=closing_m_s, distance_m=600.0))
    assert item.trend == EN.trends[trend]


def test_doubts_are_said_openly_and_each_once() -> None:
    doubtful = event(
        distance_m=510.0,
        doubts=(Doubt.PARTNER_STALE, Doubt.JUMP),
        wearer=sighting(doubts=(Doubt.JUMP,)),
        protected=sighting(HER_PLACE, accuracy=None, doubts=(Doubt.NO_ACCURACY,)),
    )
    assert read(doubtful).doubts == (EN.doubts["partner_stale"], EN.doubts["jump"], EN.doubts["no_accuracy"])
    near = event(distance_m=510.0)
    assert read(near).doubts == (EN.doubts["could_be_nearer"],)


def test_ages_go_on_while_it_is_open_and_stand_still_when_it_is_over() -> None:
    open_one = read(event(distance_m=300.0), now=at(3600))
    assert open_one.ages[0] == "The position of the other person was 1 hour old."
    closed = read(event(distance_m=300.0), now=at(3600), alert=RESOLVED)
    assert closed.ages[0] == "The position of the other person was 30 seconds old."


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (-5, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (7199, "1 hour"),
        (200_000, "2 days"),
    ],
)
def test_a_duration_is_told_in_its_largest_whole_unit(age: float, said: str) -> None:
    item = read(event(distance_m=1.0, wearer=sighting(age=age)), alert=RESOLVED)
    assert f"was {said} old" in item.ages[0]


# When she was told ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late_s", "is_late"), [(120, False), (121, True), (1560, True)])
def test_more_than_two_minutes_later_is_late(late_s: float, is_late: bool) -> None:
    said = message(Channel.PERSON_STREAM, 0, NotificationState.SENT, (late_s, True))
    item = read(event(), messages=[said])
    assert (item.late is not None) is is_late
    assert item.told_at == at(late_s)
    if late_s == 1560:
        assert item.late == "LATE: this happened 26 minutes before you were told."


def test_a_message_that_never_left_is_not_called_told() -> None:
    failed = message(Channel.DEVICE, 0, NotificationState.PENDING, (1, False))
    item = read(event(), messages=[failed])
    assert (item.told, item.told_at) == (EN.told["tried"], None)


def test_the_message_about_the_end_is_not_when_she_was_told_of_the_beginning() -> None:
    begun = message(Channel.PERSON_STREAM, 0, NotificationState.SENT, (5, True))
    end = message(Channel.PERSON_STREAM, 600, NotificationState.SENT, (601, True))
    other = message(Channel.PERSON_STREAM, 0, NotificationState.SENT, (1, True), person_id=OTHER)
    item = read(event(), messages=[end, begun, other], alert=RESOLVED)
    assert item.told_at == at(5)
    assert read(event(), messages=[end], alert=RESOLVED).told_at is None


# Who is on it, and how it ended ---------------------------------------------------------------------------


def steps(item: HerItem) -> list[tuple[str, datetime | None]]:
    return [(one.text, one.at) for one in item.steps]


def test_nobody_is_said_as_nobody() -> None:
    assert steps(read(event())) == [(EN.sentences["nobody"], None), (EN.sentences["police_not_told"], None)]
    item = read(event(), alert=RESOLVED)
    assert steps(item) == [(EN.sentences["police_not_told"], None)]
    assert item.ended is not None
    assert (item.ended.text, item.ended.at) == (EN.reasons["police_attended"], at(600))
    assert item.advice == EN.advice["over"]
    assert read(event()).ended is None


@pytest.mark.parametrize(
    ("state", "tries", "said", "when"),
    [
        (NotificationState.PENDING, ((1, False),), "police_trying", None),
        (NotificationState.FAILED, ((1, False),), "police_not_reached", None),
        (NotificationState.SENT, ((1, False), (2, True)), "police_told", at(2)),
    ],
)
def test_the_police_are_called_told_only_when_they_are(
    state: NotificationState, tries: tuple[tuple[float, bool], ...], said: str, when: datetime | None
) -> None:
    theirs = message(Channel.POLICE_WEBHOOK, 0, state, *tries, person_id=None)
    assert steps(read(event(), messages=[theirs]))[1] == (EN.sentences[said], when)


ACKS = [(35, False, "police_error"), (50, True, "police_ack"), (40, True, "police_ack")]


def test_who_took_it_who_was_called_and_who_confirmed_is_said_with_its_time() -> None:
    def call(outcome: TaskOutcome, done: float) -> Task:
        return Task(
            UUID(int=6),
            UUID(int=7),
            None,
            TaskKind.CALL_POLICE,
            None,
            NOW,
            None,
            at(done),
            None,
            outcome,
            "n",
        )

    lines = [
        entry(1, EntryKind.OPENED, 0, event()),
        entry(2, EntryKind.ACKNOWLEDGED, 10),
    ]
    tasks = [call(TaskOutcome.NO_ANSWER, 20), call(TaskOutcome.REACHED, 30)]
    police, tries = message(Channel.POLICE_WEBHOOK, 0, NotificationState.RECEIVED, (2, True), person_id=None)
    tries += [Attempt(UUID(int=9), police.id, at(when), ok, code) for when, ok, code in ACKS]
    item = read(
        event(),
        entries=lines,
        tasks=tasks,
        messages=[(police, tries)],
        alert={"state": AlertState.ACKNOWLEDGED},
    )
    assert steps(item) == [
        (EN.sentences["taken"], at(10)),
        (EN.sentences["police_told"], at(2)),
        (EN.sentences["police_called"], at(30)),
        (EN.sentences["police_confirmed"], at(40)),
    ]


def test_a_test_is_called_a_test() -> None:
    assert read(event(), alert={"exercise": True}).notes == (EN.sentences["test"],)
    assert read(event()).notes == ()


# Whatever happens -----------------------------------------------------------------------------------------

kinds = st.sampled_from([kind for kind in EventKind if opens_alerts(kind)])
maybe_place = st.none() | st.builds(
    sighting,
    st.sampled_from([HIS_PLACE, HER_PLACE, Point(52.123456, 5.654321)]),
    age=st.floats(0, 1e5),
    accuracy=st.none() | st.floats(0, 1e4),
    doubts=st.lists(st.sampled_from(list(Doubt))).map(tuple),
)
events = st.builds(
    event,
    kinds,
    person_id=st.sampled_from([None, HER, OTHER]),
    wearer=maybe_place,
    protected=maybe_place,
    distance_m=st.none() | st.floats(-1e4, 1e6),
    closing_m_s=st.none() | st.floats(-50, 50),
    zone_id=st.just(UUID(int=77)),
    reason=st.sampled_from(["", "reaches", "a reason"]),
)


@given(
    st.lists(events, min_size=1, max_size=5),
    st.sampled_from(list(ALL.values())),
    st.booleans(),
    st.sampled_from(list(ResolveReason)),
)
def test_whatever_happened_only_the_files_words_and_times_are_read(
    happened: list[Event], words: Any, is_over: bool, reason: ResolveReason
) -> None:
    over = RESOLVED | {"resolve_reason": reason} if is_over else {}
    item = her_item(record(*happened, alert=over), HER, words, at(700))
    if item is None:
        return
    assert item.what in words.what.values()
    assert item.distance in words.bands.values()
    assert item.trend in words.trends.values()
    assert set(item.doubts) <= set(words.doubts.values())
    assert (item.ended is not None) == is_over
    read_by_her = json.dumps(
        [item.notes, item.told, item.late, item.ages, item.advice, [s.text for s in item.steps]]
    )
    for hidden in (
        "51.9",
        "4.48",
        "52.12",
        "Dorpsstraat",
        str(UUID(int=77)),
        str(OTHER),
        "reaches",
        "a reason",
    ):
        assert hidden not in read_by_her
    assert Family(family_of(happened[0])) is not Family.LATE or is_over

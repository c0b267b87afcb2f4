"""What an agreed exception covers: it rings nowhere, and rings anew when the exception is over."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import Alert, Channel, Event, EventKind
from api.alerts.rules.joining import EXEMPTABLE, Step, holds_covered, is_exempted, join_key, next_step
from api.orders.model import Watch
from tests.alerts.stage import make_event, make_watch, recipients_of, tells_police
from tests.factories import NOW

K = EventKind
COVER = UUID(int=70)
WATCH = make_watch(people=2)
HER = WATCH.order.protected_person_ids[0]
HIS_DEVICE = WATCH.wearer_devices[0]


def near(kind: EventKind = K.PROXIMITY_BREACH, **more: Any) -> Event:
    """He is near her."""
    return make_event(kind, **({"person_id": HER, "device_id": HIS_DEVICE} | more))


def covered(event: Event) -> Event:
    return msgspec.structs.replace(event, exemption_id=COVER)


def play(*told: Event, watch: Watch = WATCH) -> list[Step]:
    alert: Alert | None = None
    holding: frozenset[str] = frozenset()
    steps = []
    for event in told:
        step = next_step(alert, holding, event, watch, NOW, UUID(int=900))
        assert step is not None
        alert, holding = step.alert, step.holding
        steps.append(step)
    return steps


def rings(event: Event, step: Step) -> bool:
    """Police and she hear of it; either without the other would be a fault."""
    hers = {one.channel for one in recipients_of(event, step, WATCH)} & {Channel.PERSON_STREAM}
    assert bool(hers) is tells_police(event, step)
    return bool(hers)


INSIDE, STILL = near(), near(repeat=True)
LEFT = near(K.PROXIMITY_LEFT)


@pytest.mark.parametrize(
    ("told", "does_ring"),
    [
        ([covered(INSIDE)], [False]),
        ([covered(INSIDE), covered(STILL)], [False, False]),
        ([covered(INSIDE), STILL, STILL], [False, True, False]),
        ([covered(INSIDE), covered(STILL), covered(LEFT), INSIDE], [False, False, False, True]),
        # It rang before, he went away, came back under cover, and stays when the cover is over.
        ([INSIDE, LEFT, covered(INSIDE), STILL, STILL], [True, False, False, True, False]),
        # The cover begins while it rings: whoever was told is told again that it goes on without it.
        ([INSIDE, covered(STILL), STILL, STILL], [True, False, True, False]),
        ([INSIDE, covered(STILL), covered(STILL), LEFT], [True, False, False, False]),
    ],
)
def test_it_rings_from_the_first_event_that_is_not_covered(told: list[Event], does_ring: list[bool]) -> None:
    assert [rings(event, step) for event, step in zip(told, play(*told), strict=True)] == does_ring


def test_the_cover_of_one_person_s_approach_says_nothing_of_another_s() -> None:
    other: dict[str, Any] = {"person_id": WATCH.order.protected_person_ids[1]}
    told = [covered(INSIDE), near(**other), near(repeat=True, **other), STILL]
    assert [rings(event, step) for event, step in zip(told, play(*told), strict=True)] == [
        False,
        True,
        False,
        True,
    ]


def test_leaving_ends_what_was_covered_too() -> None:
    step = play(covered(INSIDE), LEFT)[-1]
    assert (step.alert.ongoing, step.holding) == (False, frozenset())


def test_what_holds_under_cover_is_known_as_such() -> None:
    assert [holds_covered(step.holding) for step in play(covered(INSIDE), STILL, covered(STILL), LEFT)] == [
        True,
        False,
        True,
        False,
    ]


def test_a_silence_that_was_covered_is_news_when_the_cover_is_over() -> None:
    silent = make_event(K.LOST_CONTACT, device_id=HIS_DEVICE)
    first, second = play(covered(silent), silent)
    assert (first.alert.severity, second.alert.severity) == (4, 3)
    assert second.is_news


@given(st.sampled_from(sorted(set(K) - EXEMPTABLE)), st.booleans())
def test_nothing_covers_a_call_for_help_or_what_is_done_to_a_device(kind: EventKind, live: bool) -> None:
    event = make_event(kind, device_id=HIS_DEVICE, person_id=HER, live=live, reason="battery_low")
    assert not is_exempted(covered(event))
    plain, marked = (
        next_step(None, frozenset(), one, WATCH, NOW, UUID(int=900)) for one in (event, covered(event))
    )
    assert plain == marked
    if plain and marked:
        assert recipients_of(event, plain, WATCH) == recipients_of(covered(event), marked, WATCH)
        assert tells_police(event, plain) is tells_police(covered(event), marked)


@given(st.sampled_from(sorted(set(K) - {K.DRILL})), st.booleans(), st.booleans(), st.booleans())
def test_he_cannot_see_that_a_concealed_zone_or_a_person_is_exempt(
    kind: EventKind, live: bool, repeat: bool, is_zone: bool
) -> None:
    more = {"zone_id": UUID(int=2), "concealed": True} if is_zone else {"zone_id": None, "person_id": HER}
    event = make_event(kind, device_id=HIS_DEVICE, live=live, repeat=repeat, reason="battery_low", **more)
    for one in (event, covered(event)):
        step = next_step(None, frozenset(), one, WATCH, NOW, UUID(int=900))
        if step is not None:
            told = recipients_of(one, step, WATCH)
            assert [to for to in told if to.device_id == HIS_DEVICE] == []


@pytest.mark.parametrize("kind", [K.ZONE_BREACH, K.ZONE_BUFFER])
def test_nobody_turns_him_back_where_he_has_been_allowed(kind: EventKind) -> None:
    event = make_event(kind, device_id=HIS_DEVICE)
    told = [recipients_of(one, play(one)[0], WATCH) for one in (event, covered(event))]
    assert [bool([to for to in hers if to.device_id == HIS_DEVICE]) for hers in told] == [True, False]


def test_conflicts_of_one_order_are_one_alert_and_end_each_by_itself() -> None:
    def began(code: str, **more: Any) -> Event:
        return make_event(K.STATUS_CONFLICT, reason=code, **more)

    def ended(code: str, **more: Any) -> Event:
        return make_event(K.CONDITION_ENDED, reason=f"status_conflict:{code}", **more)

    one, two = ({"person_id": person_id} for person_id in WATCH.order.protected_person_ids)
    told = [
        began("person_unwatched", **one),
        began("person_unwatched", **two),
        began("order_unwatched"),
        ended("person_unwatched", **one),
        ended("order_unwatched"),
        ended("person_unwatched", **two),
    ]
    assert {join_key(event) for event in told} == {join_key(told[0])}
    assert [len(step.holding) for step in play(*told)] == [1, 2, 3, 2, 1, 0]

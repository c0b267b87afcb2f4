"""Laws of what an agreed exception covers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import Doubt, Event, EventKind, Sighting
from api.alerts.rules.joining import EXEMPTABLE
from api.geofence.model import Limits
from api.geofence.rules.exempting import exempted
from api.orders.model import AgreedPlace, Exemption
from tests.factories import NOW, PLACE, make_exemption
from tests.geofence.judged import moment, place

K = EventKind
LIMITS = Limits()
HER, OTHER = UUID(int=4), UUID(int=5)
ZONE = UUID(int=2)
HERE = AgreedPlace(PLACE, 200.0)


def seen(north_m: float = 0.0, accuracy_m: float | None = 10.0, **more: Any) -> Sighting:
    """Where he is, so many metres north of the middle of the agreed place."""
    values: dict[str, Any] = {"fixed_at": NOW, "doubts": ()}
    return Sighting(UUID(int=1), place(north_m), accuracy_m, **(values | more))


def make_event(kind: EventKind = K.PROXIMITY_BREACH, **more: Any) -> Event:
    values: dict[str, Any] = {"occurred_at": NOW, "order_id": UUID(int=3), "person_id": HER, "wearer": seen()}
    return Event(kind=kind, **(values | more))


def is_covered(event: Event, *exemptions: Exemption) -> bool:
    (told,) = exempted([event], exemptions, LIMITS)
    assert msgspec.structs.replace(told, exemption_id=None) == event, "nothing else may change"
    return told.exemption_id is not None


def test_without_an_exemption_nothing_is_covered() -> None:
    assert not is_covered(make_event())


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-0.001, False), (0, True), (3599.999, True), (3600, False)]
)
def test_it_covers_what_happens_in_its_time(seconds: float, expected: bool) -> None:
    event = make_event(occurred_at=moment(seconds), live=False)
    assert is_covered(event, make_exemption()) is expected


def test_it_covers_its_own_order_only() -> None:
    for order_id in (UUID(int=9), None):
        assert not is_covered(make_event(order_id=order_id), make_exemption())


@pytest.mark.parametrize(
    ("subject", "named", "expected"),
    [
        ({}, {"person_ids": (HER,)}, True),
        ({}, {"person_ids": (OTHER,)}, False),
        ({"person_id": None, "zone_id": ZONE}, {"zone_ids": (ZONE,)}, True),
        ({"person_id": None, "zone_id": ZONE}, {"zone_ids": (UUID(int=8),)}, False),
        ({"person_id": None}, {"person_ids": (HER,)}, False),
        ({"person_id": None}, {}, True),
    ],
)
def test_it_covers_whom_and_what_it_names(
    subject: dict[str, Any], named: dict[str, Any], expected: bool
) -> None:
    assert is_covered(make_event(**subject), make_exemption(**named)) is expected


@pytest.mark.parametrize(
    ("wearer", "expected"),
    [
        (seen(), True),
        (seen(189.0), True),
        (seen(191.0), False),
        (seen(0.0, 200.0), True),
        (seen(0.0, 200.1), False),
        (seen(99.0, None), True),  # without an accuracy a fix stands for a disc of 100 m
        (seen(101.0, None), False),
        (seen(doubts=(Doubt.COARSE,)), True),
        (seen(doubts=(Doubt.JUMP,)), False),
        (seen(fixed_at=moment(-300)), True),
        (seen(fixed_at=moment(-301)), False),
        (seen(fixed_at=moment(301)), False),
        (None, False),
    ],
)
def test_with_a_place_it_covers_him_only_where_he_is_within_for_sure(
    wearer: Sighting | None, expected: bool
) -> None:
    assert is_covered(make_event(wearer=wearer), make_exemption(place=HERE)) is expected
    assert is_covered(make_event(wearer=wearer), make_exemption())


def test_a_place_does_not_cover_the_way_to_it() -> None:
    event = make_event(K.ZONE_TRANSIT, zone_id=ZONE, doubts=(Doubt.BETWEEN_FIXES,))
    assert not is_covered(event, make_exemption(place=HERE))
    assert is_covered(event, make_exemption())


def test_the_first_that_covers_is_named_and_the_order_of_events_stays() -> None:
    exemptions = [
        make_exemption(id=UUID(int=71), person_ids=(OTHER,)),
        make_exemption(id=UUID(int=72)),
        make_exemption(id=UUID(int=73)),
    ]
    events = [make_event(), make_event(K.SOS), make_event(person_id=OTHER)]
    told = exempted(events, exemptions, LIMITS)
    assert [(event.kind, event.exemption_id) for event in told] == [
        (K.PROXIMITY_BREACH, UUID(int=72)),
        (K.SOS, None),
        (K.PROXIMITY_BREACH, UUID(int=71)),
    ]


@st.composite
def exemptions(draw: st.DrawFn) -> Exemption:
    some = st.sampled_from([(), (HER,), (OTHER,), (HER, OTHER), (ZONE,)])
    start = timedelta(seconds=draw(st.integers(-100, 100)))
    return make_exemption(
        person_ids=draw(some),
        zone_ids=draw(some),
        place=draw(st.sampled_from([None, HERE])),
        valid_from=NOW + start,
        valid_until=NOW + start + timedelta(seconds=draw(st.integers(1, 200))),
        ended_at=draw(st.sampled_from([None, NOW])),
    )


events = st.builds(
    make_event,
    kind=st.sampled_from(EventKind),
    occurred_at=st.integers(-200, 400).map(moment),
    order_id=st.sampled_from([UUID(int=3), None]),
    person_id=st.sampled_from([None, HER, OTHER]),
    zone_id=st.sampled_from([None, ZONE]),
    wearer=st.none() | st.builds(seen, st.floats(-500, 500), st.none() | st.floats(1, 300)),
    live=st.booleans(),
    repeat=st.booleans(),
)


@given(st.lists(events, max_size=6), st.lists(exemptions(), max_size=3))
def test_a_call_for_help_and_what_is_done_to_a_device_are_never_touched(
    told: list[Event], agreed: list[Exemption]
) -> None:
    after = exempted(told, agreed, LIMITS)
    assert len(after) == len(told)
    for before, event in zip(told, after, strict=True):
        assert msgspec.structs.replace(event, exemption_id=None) == before
        if before.kind not in EXEMPTABLE:
            assert event is before


@given(events, exemptions(), st.floats(0, 500))
def test_worse_accuracy_and_a_place_only_take_cover_away(
    event: Event, agreed: Exemption, worse_m: float
) -> None:
    bounded = make_exemption(
        person_ids=agreed.person_ids,
        zone_ids=agreed.zone_ids,
        valid_from=agreed.valid_from,
        valid_until=agreed.valid_until,
        ended_at=agreed.ended_at,
        place=HERE,
    )
    free = make_exemption(
        person_ids=agreed.person_ids,
        zone_ids=agreed.zone_ids,
        valid_from=agreed.valid_from,
        valid_until=agreed.valid_until,
        ended_at=agreed.ended_at,
    )
    if event.wearer is not None and event.wearer.accuracy_m is not None:
        wearer = msgspec.structs.replace(event.wearer, accuracy_m=event.wearer.accuracy_m + worse_m)
        if is_covered(msgspec.structs.replace(event, wearer=wearer), bounded):
            assert is_covered(event, bounded)
    if is_covered(event, bounded):
        assert is_covered(event, free)

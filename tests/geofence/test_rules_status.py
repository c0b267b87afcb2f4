"""Laws of conflicts between the register and what devices do."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import EventKind
from api.alerts.rules.joining import holding_after, join_key
from api.geofence.model import Limits
from api.geofence.rules.status import (
    LastWord,
    StatusCode,
    StatusConflict,
    conflict_began,
    conflict_ended,
    conflict_of,
    find_conflicts,
)
from api.orders.model import AgreedPlace, ExemptionKind, ProtectiveOrder, Watch
from tests.factories import NOW, PLACE, make_exemption, make_fix, make_order
from tests.geofence.judged import place

C = StatusCode
ANKLE, PHONE, TAG = UUID(int=1), UUID(int=9), UUID(int=10)
WEARER, HER, OTHER = UUID(int=20), UUID(int=21), UUID(int=22)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TICK = timedelta(microseconds=1)


def order_of(number: int = 3, **more: Any) -> ProtectiveOrder:
    values: dict[str, Any] = {"id": UUID(int=number), "wearer_id": WEARER, "protected_person_ids": (HER,)}
    return make_order(**(values | more))


def watch_of(order: ProtectiveOrder | None = None, **more: Any) -> Watch:
    """Everybody carries what they should."""
    order = order or order_of()
    devices: tuple[UUID, ...] = (PHONE,)
    values: dict[str, Any] = {
        "wearer_devices": (ANKLE,),
        "protected": tuple((person_id, devices) for person_id in order.protected_person_ids),
    }
    return Watch(order, **(values | more))


def found(*watches: Watch, now: datetime = NOW, **more: Any) -> set[tuple[StatusCode, UUID | None]]:
    """Code and subject of every conflict."""
    values: dict[str, Any] = {"new_order_ids": (), "last_words": {}, "speaking": {}} | more
    conflicts = find_conflicts(watches, now=now, limits=Limits(), **values)
    return {(conflict.code, conflict.subject_id) for conflict in conflicts}


def test_where_everybody_carries_what_they_should_nothing_is_found() -> None:
    assert found(watch_of()) == set()
    assert found() == set()


def test_whoever_carries_nothing_is_found() -> None:
    order = order_of(protected_person_ids=(HER, OTHER))
    assert found(watch_of(order, wearer_devices=())) == {(C.ORDER_UNWATCHED, None)}
    nobody = watch_of(order, wearer_devices=(), protected=((HER, ()), (OTHER, ())))
    assert found(nobody) == {
        (C.ORDER_UNWATCHED, None),
        (C.PERSON_UNWATCHED, HER),
        (C.PERSON_UNWATCHED, OTHER),
    }


def test_an_order_that_is_not_in_force_asks_for_no_devices() -> None:
    for order in (order_of(valid_from=NOW + HOUR), order_of(valid_until=NOW), order_of(revoked_at=NOW)):
        assert found(watch_of(order, wearer_devices=(), protected=((HER, ()),))) == set()


def test_a_new_order_has_a_quarter_of_an_hour() -> None:
    order = order_of(valid_from=NOW)
    empty = watch_of(order, wearer_devices=())
    assert found(empty, now=NOW + 15 * MINUTE - TICK) == set()
    assert found(empty, now=NOW + 15 * MINUTE) == {(C.ORDER_UNWATCHED, None)}
    assert found(empty, now=NOW + 15 * MINUTE, new_order_ids={order.id}) == set()


ENDED: dict[str, Any] = {"valid_until": NOW}
DAY_LATER = NOW + 24 * HOUR


def test_a_device_may_be_on_its_way_back_for_a_day() -> None:
    watch = watch_of(order_of(**ENDED))
    assert found(watch, now=DAY_LATER - TICK) == set()
    assert found(watch, now=DAY_LATER) == {(C.ENDED_BUT_CARRIED, ANKLE), (C.ENDED_BUT_CARRIED, PHONE)}


@pytest.mark.parametrize(
    "other", [{}, {"valid_from": NOW + 100 * HOUR}, {"valid_until": NOW + HOUR}], ids=str
)
def test_who_has_another_order_keeps_the_device(other: dict[str, Any]) -> None:
    ended, goes_on = (
        watch_of(order_of(3, **ENDED)),
        watch_of(order_of(4, **other), protected=((OTHER, (TAG,)),)),
    )
    assert (C.ENDED_BUT_CARRIED, ANKLE) not in found(ended, goes_on, now=DAY_LATER)
    assert (C.ENDED_BUT_CARRIED, PHONE) in found(ended, goes_on, now=DAY_LATER)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_what_is_still_carried_is_told_at_the_order_that_ended_last(is_reversed: bool) -> None:
    revoked = order_of(3, revoked_at=NOW - HOUR, valid_until=NOW + 10 * HOUR)
    watches = [watch_of(revoked), watch_of(order_of(4, **ENDED))]
    conflicts = find_conflicts(watches[:: -1 if is_reversed else 1], (), {}, {}, DAY_LATER, Limits())
    assert {(one.order_id, one.subject_id) for one in conflicts} == {
        (UUID(int=4), ANKLE),
        (UUID(int=4), PHONE),
    }


PRISON = AgreedPlace(PLACE, 200.0)


def custody(**more: Any) -> Watch:
    """He is held, since NOW."""
    values: dict[str, Any] = {"kind": ExemptionKind.CUSTODY, "place": PRISON}
    return watch_of(exemptions=(make_exemption(**(values | more)),))


def word(north_m: float, accuracy_m: float | None = 10.0, at: datetime = NOW, **more: Any) -> LastWord:
    return LastWord(make_fix(point=place(north_m), accuracy_m=accuracy_m, at=at), **more)


@pytest.mark.parametrize(
    ("watch", "last", "has_left"),
    [
        (custody(), word(0.0), False),
        (custody(), word(209.0), False),
        (custody(), word(211.0), True),
        (custody(), word(900.0, 701.0), False),
        (custody(), word(299.0, None), False),  # without an accuracy a fix stands for a disc of 100 m
        (custody(), word(301.0, None), True),
        (custody(), word(900.0, doubts=("jump",)), False),
        (custody(), word(900.0, doubts=("coarse",)), True),
        (custody(), word(900.0, at=NOW - TICK), False),
        (custody(place=None), word(900.0), False),
        (custody(kind=ExemptionKind.AGREED_HANDOVER), word(900.0), False),
        (custody(valid_from=NOW + TICK), word(900.0, at=NOW + MINUTE), False),
        (custody(ended_at=NOW), word(900.0), False),
        (watch_of(), word(900.0), False),
    ],
)
def test_who_is_held_has_left_when_he_is_outside_for_sure(
    watch: Watch, last: LastWord, has_left: bool
) -> None:
    assert found(watch, last_words={ANKLE: last}) == ({(C.CUSTODY_LEFT, None)} if has_left else set())


def test_his_newest_fix_counts_and_none_says_nothing() -> None:
    agreed = custody().exemptions
    watch = watch_of(wearer_devices=(ANKLE, TAG), exemptions=agreed)
    assert found(watch) == set()
    words = {ANKLE: word(900.0, at=NOW), TAG: word(0.0, at=NOW + MINUTE)}
    assert found(watch, now=NOW + MINUTE, last_words=words) == set()
    assert found(watch, now=NOW + MINUTE, last_words={ANKLE: words[ANKLE]}) == {(C.CUSTODY_LEFT, None)}


def test_a_custody_of_an_order_that_is_over_is_nobody_s_matter() -> None:
    watch = watch_of(order_of(revoked_at=NOW), exemptions=custody().exemptions)
    assert found(watch, last_words={ANKLE: word(900.0)}) == set()


def test_devices_that_nobody_carries_and_that_speak_are_found() -> None:
    conflicts = find_conflicts([watch_of()], (), {}, {TAG: True}, NOW, Limits())
    assert conflicts == {StatusConflict(C.SPEAKS_UNASSIGNED, None, TAG, exercise=True)}


conflicts = st.sampled_from(
    [
        StatusConflict(C.ORDER_UNWATCHED, UUID(int=3), None, exercise=True),
        StatusConflict(C.PERSON_UNWATCHED, UUID(int=3), HER, exercise=True),
        StatusConflict(C.PERSON_UNWATCHED, UUID(int=3), OTHER, exercise=True),
        StatusConflict(C.ENDED_BUT_CARRIED, UUID(int=3), ANKLE, exercise=True),
        StatusConflict(C.ENDED_BUT_CARRIED, UUID(int=3), PHONE, exercise=True),
        StatusConflict(C.CUSTODY_LEFT, UUID(int=3), None, exercise=True),
        StatusConflict(C.SPEAKS_UNASSIGNED, None, TAG, exercise=True),
    ]
)


@given(st.sets(conflicts), st.sets(conflicts))
def test_what_an_alert_says_that_holds_is_what_was_told_and_is_not_over(
    began: set[StatusConflict], over: set[StatusConflict]
) -> None:
    holding: dict[str, frozenset[str]] = {}
    told = [conflict_began(one, NOW) for one in began] + [conflict_ended(one, NOW) for one in over]
    for event in told:
        key = join_key(event)
        holding[key] = holding_after(holding.get(key, frozenset()), event)
    read = set()
    for key, held in holding.items():
        order_id = None if "|-|" in key else UUID(int=3)
        read |= {conflict_of(one, order_id, exercise=True) for one in held}
    assert read == began - over


@pytest.mark.parametrize("held", ["status_conflict:of_tomorrow -", "device x", "battery_low 1", ""])
def test_words_that_are_no_conflict_of_ours_are_left_alone(held: str) -> None:
    assert conflict_of(held, None, exercise=True) is None


def test_the_events_name_their_subject_where_it_belongs() -> None:
    her = conflict_began(StatusConflict(C.PERSON_UNWATCHED, UUID(int=3), HER, exercise=False), NOW)
    assert (her.kind, her.person_id, her.device_id) == (EventKind.STATUS_CONFLICT, HER, None)
    assert (her.reason, her.exercise) == ("person_unwatched", False)
    back = conflict_ended(StatusConflict(C.ENDED_BUT_CARRIED, UUID(int=3), ANKLE, exercise=True), NOW)
    assert (back.kind, back.person_id, back.device_id) == (EventKind.CONDITION_ENDED, None, ANKLE)
    assert (back.reason, back.order_id) == ("status_conflict:ended_but_carried", UUID(int=3))

import random

from simulator.faults import (
    BROKEN_MESSAGES,
    Alarm,
    DeadZone,
    Duplicate,
    Fault,
    Forge,
    Impostor,
    Jump,
    Malformed,
    Reorder,
    Silence,
    SkewClock,
)
from simulator.schedule import Lane, Party, Sending
from simulator.sensor import Reading
from simulator.truth import is_forged
from simulator.world import Place

HERE, THERE = Place(51.9, 4.5), Place(51.8, 4.4)


def sending(second: int) -> Sending:
    reading = Reading(second, HERE, HERE, 5.0, 0.0, 0.0)
    return Sending(
        second + 0.1, second, second, Party.WEARER, second * 10, Party.WEARER, reading, strap_closed=True
    )


def play(fault: Fault, speed: float = 1.0, seconds: int = 20) -> list[Sending]:
    return fault.apply([sending(second) for second in range(seconds)], random.Random(1), speed)


def test_silence_says_and_stores_nothing() -> None:
    assert [s.stamp_s for s in play(Silence(5, 15))] == [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]
    assert len(play(Silence(5))) == 5


def test_a_dead_zone_sends_everything_later_in_order_with_its_own_stamps() -> None:
    sent = play(DeadZone(5, 15))
    stored = [s for s in sent if s.backlog]
    assert [s.stamp_s for s in stored] == list(range(5, 15))
    assert [s.at_s for s in stored] == sorted(s.at_s for s in stored)
    assert all(15 <= s.at_s < 16 for s in stored)
    assert len(sent) == 20


def test_at_speed_a_dead_zone_ends_sooner_in_real_time() -> None:
    assert min(s.at_s for s in play(DeadZone(0, 15), speed=5) if s.backlog) == 3


def test_duplicates_keep_number_and_stamp_and_come_later() -> None:
    sent = play(Duplicate(5, 10, copies=2))
    assert len(sent) == 30
    same = [s for s in sent if s.seq == 50]
    assert len(same) == 3
    assert len({s.stamp_s for s in same}) == 1
    assert len({s.at_s for s in same}) == 3


def test_reordering_changes_the_order_and_sends_nothing_before_its_stamp() -> None:
    sent = play(Reorder(0, 20))
    order = [s.seq for s in sorted(sent, key=lambda s: s.at_s)]
    assert order != sorted(order)
    assert sorted(order) == [10 * n for n in range(20)]
    assert all(s.at_s >= s.stamp_s for s in sent)


def test_a_skewed_clock_moves_stamps_and_nothing_else() -> None:
    sent = play(SkewClock(-7, from_s=10))
    assert [s.stamp_s for s in sent][9:12] == [9, 3, 4]
    assert [s.at_s for s in sent] == [s.at_s for s in play(Silence(99))]


def test_a_cut_strap_is_an_alarm_and_stays_open() -> None:
    sent = play(Alarm("strap_cut", 7.5))
    alarms = [s for s in sent if s.lane is Lane.ALARM]
    assert [a.alarm for a in alarms] == ["strap_cut"]
    assert alarms[0].at_s == 7.5
    assert [s.strap_closed for s in sent if not s.alarm] == [True] * 8 + [False] * 12
    assert len({s.seq for s in sent}) == len(sent)


def test_sos_leaves_the_positions_alone() -> None:
    assert all(s.strap_closed for s in play(Alarm("sos", 7.5)))


def test_a_jump_is_one_position() -> None:
    sent = play(Jump(7.5, THERE))
    assert [s.stamp_s for s in sent if s.reading and s.reading.place == THERE] == [8]
    assert [s.genuine for s in sent].count(False) == 1
    assert not any(is_forged(s) for s in sent)


def test_a_forgery_is_plain_and_by_the_same_log_in() -> None:
    forged = [s for s in play(Forge(5, 8, THERE)) if is_forged(s)]
    assert len(forged) == 3
    assert all(s.plain and s.by is Party.WEARER and not s.genuine for s in forged)


def test_an_impostor_uses_another_log_in() -> None:
    forged = [s for s in play(Impostor(5, 8, THERE)) if is_forged(s)]
    assert len(forged) == 3
    assert {(s.party, s.by) for s in forged} == {(Party.WEARER, Party.PROTECTED)}


def test_each_broken_message_is_sent_once() -> None:
    assert [s.raw for s in play(Malformed(5)) if s.raw] == list(BROKEN_MESSAGES)


def test_faults_bear_a_device_that_never_spoke() -> None:
    for fault in (Alarm("sos", 1), Malformed(1), Impostor(0, 9, THERE), DeadZone(0, 9), Reorder(0, 9)):
        assert fault.apply([], random.Random(1), 1.0) == []

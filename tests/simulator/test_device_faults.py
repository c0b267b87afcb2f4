import random
from dataclasses import replace

import pytest

from simulator import device_faults
from simulator.plan import plan_story
from simulator.schedule import Party, Sending
from simulator.sensor import Reading, Source, as_said
from simulator.stories import Battery
from simulator.story_loader import find_story, load_story
from simulator.wire import DeviceAccess, Encoder, to_message
from simulator.world import Place, distance_m, near_distance_m, offset

HERE = Place(51.9, 4.5)
AWAY = Place(51.95, 4.6)
RNG = random.Random(1)


def walk(count: int = 60, every_s: int = 10) -> list[Sending]:
    """Return somebody who walks east at 1.4 m/s, with an error of 3 m to the north."""
    sendings = []
    for number in range(count):
        at_s = number * every_s
        true = offset(HERE, 1.4 * at_s, 0)
        reading = Reading(at_s, true, as_said(offset(true, 0, 3)), 8.0, 1.4, 90.0)
        sendings.append(
            Sending(
                at_s + 0.1, at_s, at_s, Party.WEARER, number * 10, Party.WEARER, reading, strap_closed=True
            )
        )
    return sendings


def place_of(sending: Sending) -> Place:
    assert sending.reading is not None
    return sending.reading.place


def true_of(sending: Sending) -> Place:
    assert sending.reading is not None
    return sending.reading.true


def test_a_frozen_position_repeats_bit_by_bit_while_its_person_goes_on() -> None:
    said = device_faults.Frozen(100, 300, motion=True).apply(walk(), RNG, 1.0)
    frozen = said[10:30]
    assert {to_message(s, 0)["lon"] for s in frozen} == {to_message(said[9], 0)["lon"]}
    assert {to_message(s, 0)["motion"] for s in frozen} == {True}
    assert [s.stamp_s for s in frozen] == list(range(100, 300, 10))
    assert distance_m(true_of(frozen[0]), true_of(frozen[-1])) > 200
    assert not any(s.genuine for s in frozen)
    assert place_of(said[30]) == place_of(walk()[30])


def test_a_device_that_hangs_from_the_beginning_repeats_its_first_position() -> None:
    said = device_faults.Frozen(0, 50).apply(walk(), RNG, 1.0)
    assert {place_of(s) for s in said[:5]} == {place_of(walk()[0])}
    assert "motion" not in to_message(said[0], 0)


def test_without_a_fix_it_says_so_and_whether_it_moves() -> None:
    said = device_faults.NoFix(100, 200, motion=True).apply(walk(), RNG, 1.0)
    message = to_message(said[10], 1000)
    assert message == {
        "_type": "status",
        "fix": False,
        "tst": 1100,
        "seq": 100,
        "strap": "closed",
        "motion": True,
    }
    assert to_message(said[20], 0)["_type"] == "location"


def test_an_unpaired_tracker_says_nothing_of_a_strap() -> None:
    said = device_faults.Unpaired(100).apply(walk(), RNG, 1.0)
    assert "strap" in to_message(said[9], 0)
    assert all("strap" not in to_message(s, 0) for s in said[10:])


def test_a_made_up_position_is_admitted() -> None:
    said = device_faults.Mock(100, 200, AWAY).apply(walk(), RNG, 1.0)
    message = to_message(said[10], 0)
    assert (message["lat"], message["lon"], message["mock"]) == (*AWAY, True)
    assert "mock" not in to_message(said[20], 0)


def test_replayed_messages_are_the_same_bytes() -> None:
    said = device_faults.Replayed(0, 50, at_s=400).apply(walk(), RNG, 1.0)
    again = said[60:]
    assert [s.stamp_s for s in again] == [0, 10, 20, 30, 40]
    assert [s.at_s for s in again] == [400, 400.5, 401, 401.5, 402]
    device = DeviceAccess("d", "t", "u", "s", bytes(32))
    encoder = Encoder(1_790_000_000)
    assert encoder.payload(said[0], device) == encoder.payload(again[0], device)
    assert encoder.payload(said[0], device) != encoder.payload(said[1], device)


def test_a_device_that_is_left_behind_stays_and_its_person_does_not() -> None:
    said = device_faults.LeftBehind(100, 300).apply(walk(), RNG, 1.0)
    left = said[10:30]
    assert all(near_distance_m(place_of(s), true_of(left[0])) < 4 for s in left)
    assert distance_m(true_of(left[-1]), place_of(left[-1])) > 200
    assert to_message(left[5], 0)["vel"] == 0
    assert place_of(said[31]) == place_of(walk()[31])


def test_indoor_positions_are_coarse_and_stay_while_the_networks_do() -> None:
    still = [replace(s, reading=replace(s.reading, true=HERE)) for s in walk() if s.reading]
    said = device_faults.Indoors(0, 600, Source.WIFI, 60.0).apply(still, random.Random(4), 1.0)
    assert 2 <= len({place_of(s) for s in said}) <= 3, "a new position each 5 minutes"
    assert {to_message(s, 0)["src"] for s in said} == {"wifi"}
    assert all(50 < to_message(s, 0)["acc"] < 70 for s in said)
    moving = device_faults.Indoors(0, 600, Source.CELL, 60.0).apply(walk(), random.Random(4), 1.0)
    assert len({place_of(s) for s in moving}) > 10


def test_a_drift_grows_to_its_most_and_comes_back() -> None:
    said = device_faults.Drift(0, 600, m_s=0.2, most_m=50).apply(walk(), random.Random(2), 1.0)
    away = [near_distance_m(place_of(a), place_of(b)) for a, b in zip(said, walk(), strict=True)]
    assert away[0] == pytest.approx(0, abs=0.01)
    assert max(away) == pytest.approx(50, abs=1)
    assert away[49] == pytest.approx(2, abs=1)


def test_positions_that_are_not_there_pass_every_fault_unchanged() -> None:
    empty = [replace(s, reading=None) for s in walk(3)]
    for fault in (
        device_faults.Frozen(0, 99),
        device_faults.Mock(0, 99, AWAY),
        device_faults.LeftBehind(0),
        device_faults.Indoors(0, 99, Source.WIFI, 50),
        device_faults.Drift(0, 99, 0.1, 10),
    ):
        assert fault.apply(empty, RNG, 1.0) == empty


def test_a_battery_falls_and_an_empty_one_says_nothing_more() -> None:
    assert [Battery(27, 90).at(s) for s in (0, 40, 1040, 5000)] == [27, 26, 1, 0]
    assert Battery(50, -100).at(7200) == 100
    plan = plan_story(load_story(find_story("battery-dies-near-her")), 1, 1.0)
    his = [s for s in plan.sendings if s.party is Party.WEARER]
    assert his[0].battery_pct == 27
    assert his[-1].battery_pct == 1
    assert 1000 < his[-1].stamp_s < 1100
    assert to_message(his[0], 0)["batt"] == 27

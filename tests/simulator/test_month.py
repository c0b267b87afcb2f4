from collections import Counter

import pytest
from rich.console import Console

from simulator import life, month
from simulator.judge import Said
from simulator.score_report import print_month
from simulator.world import Place, distance_m, near_distance_m

BEGIN_S = int(month.BEGIN.timestamp())


@pytest.fixture(scope="module")
def messages() -> list[Said]:
    return month.make_messages(3, 60, BEGIN_S)


def test_a_month_of_a_pair_is_a_message_a_minute_from_both_in_the_order_of_time(
    messages: list[Said],
) -> None:
    assert len(messages) == 86_400
    sent = [line["at"] for line in messages]
    assert sent == sorted(sent)
    assert {line["device"] for line in messages} == {"wearer", "protected"}
    stamps = [line["json"]["tst"] for line in messages if line["device"] == "wearer"]
    assert stamps == list(range(BEGIN_S, BEGIN_S + month.DAYS * life.DAY_S, 60))
    assert {line["json"]["src"] for line in messages} == {"gnss", "wifi"}


def test_no_message_is_ahead_of_its_stamp_and_a_dead_zone_delays_some(messages: list[Said]) -> None:
    ages = [line["at"] - line["json"]["tst"] for line in messages]
    assert min(ages) > 0
    assert max(ages) > 120, "a long dead zone now and then"
    assert sum(age > 60 for age in ages) < len(ages) / 100


def test_the_two_and_the_zone_stay_far_apart_so_that_every_breach_is_false(
    messages: list[Said],
) -> None:
    last: dict[str, Place] = {}
    zone = life.place_of(life.ZONE)
    for line in messages[::7]:
        last[line["device"]] = Place(line["json"]["lat"], line["json"]["lon"])
        if len(last) == 2:
            assert near_distance_m(last["wearer"], last["protected"]) > 2 * month.WARNING_M
            assert near_distance_m(last["wearer"], zone) > month.ZONE_RADIUS_M + month.BUFFER_M + 1000


def test_the_same_seed_gives_the_same_month() -> None:
    assert month.make_messages(1, 600, BEGIN_S) == month.make_messages(1, 600, BEGIN_S)
    assert month.make_messages(1, 600, BEGIN_S) != month.make_messages(2, 600, BEGIN_S)


def test_a_spot_of_the_plane_is_where_it_says() -> None:
    east = life.place_of(life.Spot(3000, 4000))
    assert distance_m(life.ORIGIN, east) == pytest.approx(5000, rel=0.005)


def test_a_month_is_told_in_lines() -> None:
    found = month.Month(
        fixes=86_400,
        made_s=1.0,
        judged_s=2.0,
        kinds=Counter({"lost_contact": 3}),
        events=Counter({"lost_contact": 4}),
        false_grave=0,
        rejected={"future": 2, "ancient": 0},
    )
    console = Console(width=100)
    with console.capture() as shown:
        print_month(console, found)
    said = shown.get()
    for part in ("43,200 a second", "alerts: 3 × lost_contact", "kept aside: 2 × future", "0.100 alerts per"):
        assert part in said
    assert "ancient" not in said

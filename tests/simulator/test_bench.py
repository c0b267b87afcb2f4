import json
import os

import pytest
from rich.console import Console

from simulator import processes
from simulator.bench import BenchDraft, BenchError, checked
from simulator.figures import Figures, Spread, print_figures, spread, to_json
from simulator.schedule import Party
from simulator.traffic import Sender, due_entries, make_shots, zones_of
from simulator.world import distance_m

CARS = [Sender(f"d{road}", f"em/v1/0/d{road}", road, Party.WEARER) for road in range(4)]
PERSON = Sender("p0", "em/v1/0/p0", 0, Party.PROTECTED)


def figures(**more: object) -> Figures:
    values = {
        "asked_rate": 100.0,
        "senders": 50,
        "published": 3000,
        "acknowledged": 3000,
        "reconnects": 0,
        "stored": 3000,
        "rejected": 0,
        "fired_s": 30.0,
        "caught_up_s": 30.1,
        "puback": Spread(),
        "room": spread([0.01, 0.02, 0.03]),
        "person": Spread(),
        "alerts_due": 3,
        "alerts_missed": 0,
        "alerts_repeated": 0,
        "alerts_unfounded": 0,
        "processor_s": {"worker": 1.5},
        "generator_s": 0.5,
    }
    return Figures(**(values | more))  # type: ignore[arg-type]  # values of all types by name


def test_percentiles_are_values_that_were_observed() -> None:
    delays = [number / 100 for number in range(1, 101)]
    found = spread(delays[::-1])
    assert (found.p50_s, found.p90_s, found.p99_s, found.max_s) == (0.5, 0.9, 0.99, 1.0)
    assert spread([0.3]) == Spread(1, 0.3, 0.3, 0.3, 0.3)
    assert spread([]).count == 0


def test_a_loss_a_miss_a_repeat_or_an_unfounded_alert_is_not_good() -> None:
    assert figures().is_good
    for wrong in ("alerts_missed", "alerts_repeated", "alerts_unfounded"):
        assert not figures(**{wrong: 1}).is_good
    assert figures(stored=2999).lost == 1
    assert not figures(stored=2999).is_good
    assert figures(stored=3100).lost == 0, "other devices may speak meanwhile"


def test_figures_are_shown_as_a_table_and_as_json() -> None:
    console = Console(width=120)
    with console.capture() as shown:
        print_figures(console, figures())
    assert "p50 20 ms" in shown.get()
    assert "processor: worker" in shown.get()
    assert json.loads(to_json(figures()))["room"]["p50_s"] == 0.02


def test_the_traffic_has_its_rate_and_every_device_its_turn() -> None:
    shots = make_shots([*CARS, PERSON], 4, rate=50, seconds=6, begin_tst=1_790_000_000)
    assert len(shots) == 300
    assert [shot.at_s for shot in shots[:3]] == [0, 0.02, 0.04]
    assert {shot.device_id for shot in shots[:5]} == {"d0", "d1", "d2", "d3", "p0"}
    said = [json.loads(shot.payload) for shot in shots]
    assert len({message["seq"] for message in said}) == 300
    assert {message["tst"] for message in said} == set(range(1_790_000_000, 1_790_000_006))


def test_every_car_enters_each_of_its_zones_once_and_she_none() -> None:
    seconds = 30
    shots = make_shots([*CARS, PERSON], 4, rate=50, seconds=seconds, begin_tst=0)
    zones = {car.device_id: zones_of(car.road, seconds) for car in CARS}
    due = due_entries(shots, zones)
    assert {device for device, _, _ in due} == {"d0", "d1", "d2", "d3"}
    assert all((device, zone, "zone_buffer") in due for device, zone, _ in due)
    assert sum(kind == "zone_breach" for _, _, kind in due) >= 6
    for (device, name, kind), index in due.items():
        zone = next(zone for zone in zones[device] if zone.name == name)
        reach_m = zone.buffer_m if kind == "zone_buffer" else 0
        assert zone.shape.edge_distance_m(shots[index].place) <= reach_m
        earlier = [shot for shot in shots[:index] if shot.device_id == device]
        assert all(zone.shape.edge_distance_m(shot.place) > reach_m for shot in earlier)


def test_roads_lie_far_enough_apart() -> None:
    first, second = zones_of(0, 10)[0], zones_of(1, 10)[0]
    assert distance_m(first.shape.center, second.shape.center) == pytest.approx(300, abs=1)  # type: ignore[union-attr]  # roads have circles


@pytest.mark.parametrize("draft", [BenchDraft(0, 30, 5), BenchDraft(100, 1, 5), BenchDraft(100, 30, 0)])
def test_a_bench_beyond_its_bounds_is_refused(draft: BenchDraft) -> None:
    with pytest.raises(BenchError, match="must be"):
        checked(draft)


def test_processes_of_the_service_are_known_by_their_command_line() -> None:
    assert processes.name_of(["/x/python", "-m", "api", "worker"]) == "worker"
    assert processes.name_of(["/x/python", "-m", "api"]) == "api"
    assert processes.name_of(["/x/nats-server", "-c", "f"]) == "nats-server"
    assert processes.name_of(["/x/python", "-m", "pytest"]) is None
    assert processes.name_of([]) is None


def test_processor_time_is_a_difference_by_name() -> None:
    before = {1: ("worker", 2.0), 2: ("web-app", 1.0)}
    after = {1: ("worker", 3.5), 3: ("worker", 0.5), 2: ("web-app", 1.0)}
    assert processes.used_s(before, after) == {"worker": 2.0, "web-app": 0.0}


@pytest.mark.skipif(not processes.PROC.exists(), reason="no /proc on this system")
def test_reading_proc_finds_no_process_of_ours_twice() -> None:
    assert os.getpid() not in processes.processor_s()

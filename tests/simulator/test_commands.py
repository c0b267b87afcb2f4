"""The commands from their arguments to their exit status, against a real broker and a stand-in service."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.__main__ import EXIT_FAULT, main
from simulator.story_loader import list_stories
from tests.simulator.conftest import Broker
from tests.simulator.service import Service

STORY = """\
title: Into the zone
about: Somebody walks into a zone.
order: {alert_radius_m: 500, warning_radius_m: 1000}
zones:
  - name: home
    circle: {center: [51.9, 4.51], radius_m: 100}
    buffer_m: 100
wearer:
  start: [51.9, 4.5069]
  device: {interval_s: 1}
  legs:
    - walk_to: [51.9, 4.5088]
listen_s: 1
expect:
  must:
    - {kind: zone_buffer}
    - {kind: zone_breach, party: wearer, person: true}
  must_not: [sos]
  at_most: {zone_breach: 1}
"""


class Start:
    """Starts a service in some mood, and returns the options by which the simulator finds it."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.services: list[Service] = []

    def __call__(self, mood: str) -> list[str]:
        service = Service(self.broker.port, mood)
        self.services.append(service)
        target = ["--control", service.url, "--app", service.url, "--mqtt", f"127.0.0.1:{self.broker.port}"]
        return [*target, "--login", "sam", "--secret", "right"]


@pytest.fixture
def start(broker: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Start]:
    monkeypatch.setenv("BAKEN_HOME", str(tmp_path / "empty"))
    begin = Start(broker)
    yield begin
    for service in begin.services:
        service.stop()


@pytest.fixture
def story(tmp_path: Path) -> str:
    path = tmp_path / "tale.yaml"
    path.write_text(STORY)
    return str(path)


def test_a_story_that_goes_as_expected_ends_with_zero(
    start: Start, story: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", story, "--speed", "20", *start("careful")]) == 0
    shown = capsys.readouterr().out
    assert "4 of 4 as expected, 0 missed, 0 too late, 0 false" in shown
    service = start.services[0]
    order = service.bodies["/api/orders"][0]
    assert order["exercise"] is True
    assert service.bodies["/api/devices"][0]["simulated"] is True
    assert any(call.endswith("/revocation") for call in service.calls)
    assert any(call.endswith("/retirement") for call in service.calls)


@pytest.mark.parametrize(("mood", "word"), [("deaf", "missed"), ("nervous", "false")])
def test_what_is_missed_or_false_ends_with_one(
    start: Start, story: str, capsys: pytest.CaptureFixture[str], mood: str, word: str
) -> None:
    assert main(["run", story, "--speed", "20", *start(mood)]) == 1
    assert word in capsys.readouterr().out


def test_a_recording_is_replayed_with_its_verdicts(
    start: Start, story: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", story, "--out", str(tmp_path / "tracks")]) == 0
    gpx = str(tmp_path / "tracks" / "tale-wearer.gpx")
    zone = ["--zone", "51.9,4.51,100"]
    assert main(["replay", "--wearer", gpx, *zone, "--speed", "8", *start("careful")]) == 0
    shown = capsys.readouterr().out
    assert "zone_breach (across the walk)" in shown
    assert "2 of 2 as expected" in shown


def test_the_bench_counts_and_measures(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    how = ["--rate", "20", "--seconds", "8", "--devices", "2", "--json"]
    assert main(["bench", *how, *start("careful")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["published"] == found["acknowledged"] == found["stored"] == 160
    assert found["alerts_due"] >= 2
    assert found["alerts_missed"] == found["alerts_repeated"] == found["lost"] == 0
    assert found["room"]["count"] == found["alerts_due"]
    assert found["person"]["count"] > 0


def test_a_bench_of_another_machine_needs_to_be_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    target = ["--control", "http://192.0.2.1", "--login", "a", "--secret", "b"]
    assert main(["bench", *target]) == EXIT_FAULT
    assert "--allow-remote" in capsys.readouterr().err


def test_a_wrong_secret_or_no_service_is_one_line(
    start: Start, story: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = start("careful")
    assert main(["run", story, *target[:-1], "wrong"]) == EXIT_FAULT
    assert "403 Wrong login or secret." in capsys.readouterr().err
    assert main(["run", story, *target, "--control", "http://127.0.0.1:1"]) == EXIT_FAULT
    assert "Connection refused" in capsys.readouterr().err


def test_without_a_log_in_the_demo_s_is_used_and_else_one_is_asked_for(
    story: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAKEN_HOME", str(tmp_path))
    monkeypatch.setenv("BAKEN_CONTROL_PORT", "1")
    assert main(["run", story]) == EXIT_FAULT
    assert "no log-in" in capsys.readouterr().err
    (tmp_path / "demo.env").write_text("# demo\nSUPERVISOR_LOGIN=sam\nSUPERVISOR_SECRET=right\n")
    assert main(["run", story]) == EXIT_FAULT
    assert "http://127.0.0.1:1/api/session" in capsys.readouterr().err


def test_a_story_that_cannot_be_played_is_refused_before_anything_is_touched(
    story: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "no-such-story"]) == EXIT_FAULT
    assert "no such story" in capsys.readouterr().err
    assert main(["run", story, "--speed", "50"]) == EXIT_FAULT
    assert "too fast" in capsys.readouterr().err


def test_all_stories_are_those_that_run_can_play(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "all", "--speed", "1000"]) == EXIT_FAULT
    assert "too fast" in capsys.readouterr().err  # the first of them is refused for its speed alone


def test_list_shows_every_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert all(path.stem in shown for path in list_stories())

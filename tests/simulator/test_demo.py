import time
from dataclasses import replace
from pathlib import Path

import pytest

from simulator import demo
from simulator.client import ControlClient, ServiceError
from simulator.clock import Clock
from simulator.run import Target
from simulator.stories import Story
from simulator.story_loader import find_story, load_story
from tests.simulator.conftest import Broker
from tests.simulator.service import Service

STORY = """\
title: He is there
about: Somebody stands in a zone.
order: {alert_radius_m: 500, warning_radius_m: 1000}
listen_s: 1
zones:
  - name: home
    circle: {center: [51.9, 4.51], radius_m: 100}
wearer:
  start: [51.9, 4.51]
  device: {interval_s: 1}
  legs:
    - wait_s: 4
expect:
  must:
    - {kind: zone_breach}
"""


def story_of(tmp_path: Path) -> Story:
    path = tmp_path / "there.yaml"
    path.write_text(STORY)
    return load_story(path)


def test_a_demo_plays_says_and_cleans_up_when_it_is_stopped(broker: Broker, tmp_path: Path) -> None:
    service = Service(broker.port)
    target = Target(service.url, service.url, "127.0.0.1", broker.port, "sam", "right")
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if line == "all as expected":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.loop([story_of(tmp_path)], target, Clock(time.time()), say)
    service.stop()
    assert lines[0] == "story: He is there"
    assert any("zone_breach (home)" in line for line in lines)
    assert any(call.endswith("/revocation") for call in service.calls)


def test_a_demo_waits_for_a_service_that_is_away(tmp_path: Path) -> None:
    target = Target("http://127.0.0.1:1", "http://127.0.0.1:1", "127.0.0.1", 1, "sam", "right")

    def say(line: str) -> None:
        assert "waiting for the service" in line
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.loop([story_of(tmp_path)], target, Clock(time.time()), say)


def test_the_story_that_could_not_be_played_is_the_one_that_is_tried_again(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "RETRY_S", 0.0)
    service = Service(broker.port)
    tries: list[str] = []

    class LateTarget(Target):
        def sign_in(self) -> ControlClient:
            tries.append(self.login)
            if len(tries) == 1:
                raise ServiceError("not up yet")
            return super().sign_in()

    target = LateTarget(service.url, service.url, "127.0.0.1", broker.port, "sam", "right")
    first = story_of(tmp_path)
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if line == "all as expected":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.loop([first, replace(first, title="another")], target, Clock(time.time()), say)
    service.stop()
    assert lines[:2] == ["waiting for the service: not up yet", "story: He is there"]


def test_the_demo_s_stories_exist() -> None:
    assert all(load_story(find_story(name)).expect.wants_alert() for name in demo.STORIES)

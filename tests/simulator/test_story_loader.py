from pathlib import Path

import pytest

from simulator import truth
from simulator.exercise import drafts_of
from simulator.plan import plan_story
from simulator.run import check_due, scene_of
from simulator.stories import Must, Story
from simulator.story_loader import find_story, list_stories, load_story
from simulator.yaml_reader import StoryError

GOOD = """\
title: A story
about: Somebody walks.
order: {alert_radius_m: 500, warning_radius_m: 1000}
places:
  here: [51.9, 4.5]
  there: [51.9, 4.51]
zones:
  - name: home
    circle: {center: there, radius_m: 100}
wearer:
  start: here
  legs:
    - walk_to: there
expect:
  must:
    - {kind: zone_breach}
"""


def load(tmp_path: Path, text: str) -> Story:
    path = tmp_path / "story.yaml"
    path.write_text(text)
    return load_story(path)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(StoryError) as caught:
        load(tmp_path, text)
    return str(caught.value).removeprefix(str(tmp_path))


@pytest.mark.parametrize("path", list_stories(), ids=lambda path: path.stem)
def test_every_shipped_story_shows_what_it_expects_for_every_seed_tried(path: Path) -> None:
    story = load_story(path)
    drafts = drafts_of(story)
    for seed in (story.seed, 11, 12):
        plan = plan_story(story, seed, 1.0 if story.score_only else story.fastest_allowed())
        check_due(story, drafts, plan)
        assert plan.sendings
        for must in (Must(kind) for kind in story.expect.must_not & {"zone_breach", "zone_buffer"}):
            assert all(truth.due(must, draft, plan) is None for draft in drafts)


def test_about_half_of_the_stories_want_an_alert() -> None:
    stories = [load_story(path) for path in list_stories()]
    wanting = sum(story.expect.wants_alert() for story in stories)
    assert len(stories) >= 40
    assert 0.4 <= wanting / len(stories) <= 0.7


def test_a_story_is_found_by_name_or_file(tmp_path: Path) -> None:
    assert find_story("sos").name == "sos.yaml"
    assert find_story("own/tale.yaml") == Path("own/tale.yaml")
    with pytest.raises(StoryError, match="no such story"):
        find_story("nothing")
    with pytest.raises(StoryError, match="cannot be read"):
        load_story(tmp_path / "absent.yaml")


def test_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    story = load(tmp_path, GOOD)
    assert story.wearer.device.sealed
    assert story.wearer.device.interval_s == 15
    assert story.zones[0].buffer_m == 250
    assert story.expect.must[0].within_s == 5


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("about:", "abuot:", 2, "unknown key 'abuot'"),
        ("title: A story\n", "", 1, "'title' is missing"),
        ("title: A story", "title: A\ntitle: B", 2, "stands twice"),
        ("title: A story", "title: [1", 2, "not YAML"),
        ("title: A story", "title: ''", 1, "must be a text"),
        ("warning_radius_m: 1000", "warning_radius_m: 100", 3, "smaller than alert_radius_m"),
        ("alert_radius_m: 500", "alert_radius_m: near", 3, "must be a number from 50 to 50000"),
        ("[51.9, 4.51]", "[151.9, 4.51]", 6, "must be a number from -90 to 90"),
        ("[51.9, 4.51]", "[51.9]", 6, "must be [lat, lon]"),
        ("center: there", "center: nowhere", 9, "'nowhere' is unknown"),
        ("radius_m: 100}", "radius_m: 100}\n    polygon: [here, there]", 8, "either a circle or a polygon"),
        ("circle: {center: there, radius_m: 100}", "polygon: [here, there]", 9, "at least three"),
        (
            "circle: {center: there, radius_m: 100}",
            "polygon: [[0, 0], [1, 1], [1, 0], [0, 1]]",
            9,
            "self-intersection",
        ),
        ("    - walk_to: there", "    - walk_to: there\n      speed_m_s: 30", 14, "impossible leg"),
        ("    - walk_to: there", "    - drive_to: there\n      speed_m_s: 90", 14, "impossible leg"),
        ("    - walk_to: there", "    - wait_s: 5\n      speed_m_s: 1", 14, "nobody waits at a speed"),
        ("    - walk_to: there", "    - walk_to: here", 13, "ends where it begins"),
        ("    - walk_to: there", "    - speed_m_s: 3", 13, "exactly one of"),
        ("    - walk_to: there", "    []", 13, "must not be empty"),
        ("    - walk_to: there", "    - wait_s: 3600\n    - wait_s: 9", 11, "at most 3600"),
        ("  start: here", "  start: here\n  device: {interval_s: 0}", 12, "number from 1 to 600"),
        ("  start: here", "  start: here\n  device: {interval_s: 1.5}", 12, "whole number"),
        ("  start: here", "  start: here\n  device: {sealed: perhaps}", 12, "must be true or false"),
        ("  start: here", "  start: here\n  faults:\n    - flood: {}", 13, "unknown key 'flood'"),
        ("  start: here", "  start: here\n  faults:\n    - {}", 13, "one name with its values"),
        (
            "  start: here",
            "  start: here\n  faults:\n    - dead_zone: {from_s: 9, to_s: 9}",
            13,
            "must come after",
        ),
        ("  start: here", "  start: here\n  faults:\n    - sos: {at_s: 3000}", 11, "after the end"),
        (
            "  start: here",
            "  start: here\n  faults:\n    - impostor: {from_s: 1, to_s: 9, to: there}",
            11,
            "second device",
        ),
        (
            "  start: here",
            "  start: here\n  device: {sealed: false}\n  faults: [forge: {from_s: 1, to_s: 9, to: there}]",
            11,
            "needs a sealed device",
        ),
        ("    - {kind: zone_breach}", "    - {kind: zone_break}", 16, "'zone_break' is unknown"),
        (
            "    - {kind: zone_breach}",
            "    - {kind: zone_breach}\n  must_not: [zone_breach]",
            17,
            "contradiction",
        ),
        ("    - {kind: zone_breach}", "    - {kind: zone_breach}\n  must_not: [any]", 17, "contradiction"),
        ("    - {kind: zone_breach}", "    - {kind: proximity_breach}", 16, "without a protected person"),
        ("    - {kind: zone_breach}", "    - {kind: sos, party: protected}", 16, "no protected person"),
        ("    - {kind: zone_breach}", "    - {kind: zone_breach, zone: work}", 16, "'work' is unknown"),
        ("    - {kind: zone_breach}", "    - {kind: zone_breach, by_s: 3500}", 16, "after the end"),
        ("  must:\n    - {kind: zone_breach}", "  at_most: {sos: 1}", 15, "neither what must"),
        (
            "    - {kind: zone_breach}",
            "    - {kind: zone_breach}\n  must_not: [sos]\n  at_most: {sos: 1}",
            18,
            "stands in must_not as well",
        ),
        ("    - {kind: zone_breach}", "    - {kind: zone_breach}\n  at_most: {sox: 1}", 17, "is unknown"),
        ("title: A story", "history_s: 3000\ntitle: A story", 1, "nothing happens"),
    ],
)
def test_a_bad_story_is_refused_with_line_and_reason(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in GOOD
    said = refusal(tmp_path, GOOD.replace(old, new))
    assert said.startswith(f"/story.yaml:{line}: ")
    assert reason in said


def test_zone_kinds_need_a_zone_and_names_are_unique(tmp_path: Path) -> None:
    zones = GOOD[GOOD.index("zones:") : GOOD.index("wearer:")]
    assert "without a zone" in refusal(tmp_path, GOOD.replace(zones, ""))
    twice = zones + zones.removeprefix("zones:\n")
    assert "'home' stands twice" in refusal(tmp_path, GOOD.replace(zones, twice))


def test_a_file_that_is_no_text_or_empty_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "story.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StoryError, match="not UTF-8"):
        load_story(path)
    assert "empty" in refusal(tmp_path, "")
    assert "must be a mapping" in refusal(tmp_path, "[1, 2]")
    assert "must be a list" in refusal(tmp_path, GOOD.replace("    - walk_to: there", "    walk_to: there"))


def test_a_speed_that_makes_jumps_is_refused(tmp_path: Path) -> None:
    story = load(tmp_path, GOOD)
    assert story.fastest_allowed() == pytest.approx(45 / (1.4 * 1.3))
    with pytest.raises(StoryError, match="too fast"):
        scene_of(story, None, 30)


def test_an_expectation_that_no_message_shows_is_refused(tmp_path: Path) -> None:
    away = GOOD.replace("    - walk_to: there", "    - walk_to: [51.91, 4.5]")
    with pytest.raises(StoryError, match="no message shows zone_breach"):
        scene_of(load(tmp_path, away), None, 1)


def test_the_plan_of_a_seed_is_always_the_same() -> None:
    story = load_story(find_story("duplicates-and-disorder"))
    assert plan_story(story, 5, 4) == plan_story(story, 5, 4)
    assert plan_story(story, 5, 4) != plan_story(story, 6, 4)

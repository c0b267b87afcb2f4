"""What only `score` plays: several people and orders, hours, exemptions, batteries, faults of devices."""

from datetime import timedelta
from pathlib import Path

import pytest

from simulator.exercise import drafts_of
from simulator.run import scene_of
from simulator.stories import Purpose, Story
from simulator.story_loader import load_story
from simulator.yaml_reader import StoryError

RICH = """\
title: A story
about: Several of everything.
score_only: true
start_at: "2026-11-25T21:30+01:00"
places: {here: [51.9, 4.5], there: [51.9, 4.51], third: [51.92, 4.5]}
orders:
  - {name: first, alert_radius_m: 200, warning_radius_m: 400, people: [anna], zones: [home]}
  - {name: second, alert_radius_m: 300, warning_radius_m: 600, people: [beatrix]}
zones:
  - name: home
    circle: {center: there, radius_m: 100}
    purpose: inclusion
    schedule:
      time_zone: Europe/Amsterdam
      hours: [{day: wednesday, from: "22:00", until: "24:00"}]
exemptions:
  - {kind: court_hearing, from_s: 10, to_s: 60, place: {center: there, radius_m: 300}}
wearer:
  start: here
  battery: {pct: 80, per_hour: 2}
  legs: [{wait_s: 7200}]
  faults:
    - frozen: {from_s: 5, to_s: 60, motion: true}
    - skew_clock: {by_s: 4, from_s: 100, to_s: 200}
protected:
  - {name: anna, start: there, legs: [{wait_s: 100}]}
  - {name: beatrix, start: third, legs: [{wait_s: 100}]}
expect:
  must:
    - {kind: proximity_breach, order: first, whose: anna, severity: 2, since_s: 5, by_s: 60}
  no_worse_than: 2
  nobody_paged: true
"""


def load(tmp_path: Path, text: str) -> Story:
    path = tmp_path / "story.yaml"
    path.write_text(text)
    return load_story(path)


def test_each_order_has_its_own_people_zones_and_distances(tmp_path: Path) -> None:
    story = load(tmp_path, RICH)
    first, second = drafts_of(story)
    assert (first.name, first.people, [zone.name for zone in first.zones]) == ("first", ("anna",), ["home"])
    assert (second.people, second.zones, second.alert_radius_m) == (("beatrix",), (), 300)
    assert [actor.whose for actor in story.actors] == ["wearer", "anna", "beatrix"]
    assert story.start_at is not None
    assert story.start_at.utcoffset() == timedelta(hours=1)
    assert story.orders[0].exemptions[0].kind == "court_hearing"


def test_a_zone_is_written_as_the_rest_contract_has_it(tmp_path: Path) -> None:
    zone = load(tmp_path, RICH).zones[0]
    assert zone.purpose is Purpose.INCLUSION
    assert zone.to_json()["purpose"] == "inclusion"
    assert zone.to_json()["schedule"] == {
        "time_zone": "Europe/Amsterdam",
        "hours": [{"day": "wednesday", "from": "22:00", "until": "24:00"}],
    }


def test_run_refuses_what_only_score_can_play(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="only `score` can play it"):
        scene_of(load(tmp_path, RICH), None, 1.0)


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("score_only: true\n", "", 18, "lasts 7200 s; at most 3600"),
        ("score_only: true\n", "seed: 3\n", 19, "lasts 7200 s"),
        ("+01:00", "", 4, "must say its UTC offset"),
        ("2026-11-25T21:30+01:00", "tonight", 4, "must be a moment like"),
        ("people: [anna]", "people: [carla]", 7, "'carla' is unknown"),
        ("zones: [home]", "zones: [work]", 7, "'work' is unknown"),
        (", zones: [home]", "", 10, "zone 'home' belongs to no order"),
        ("name: second", "name: first", 8, "order 'first' stands twice"),
        ("warning_radius_m: 400", "warning_radius_m: 100", 7, "smaller than alert_radius_m"),
        ("purpose: inclusion", "purpose: prison", 12, "'prison' is unknown"),
        ("Europe/Amsterdam", "Europe/Nowhere", 14, "time_zone: 'Europe/Nowhere' is unknown"),
        ("Europe/Amsterdam", "../etc/passwd", 14, "is unknown"),
        ("day: wednesday", "day: woensdag", 15, "'woensdag' is unknown"),
        ('from: "22:00"', 'from: "2200"', 15, "must be a time like 08:30"),
        ('until: "24:00"', 'until: "21:00"', 15, "until must come after from (22:00)"),
        ('[{day: wednesday, from: "22:00", until: "24:00"}]', "[]", 15, "hours must not be empty"),
        ("kind: court_hearing", "kind: party", 17, "'party' is unknown"),
        ("from_s: 10, to_s: 60, place", "from_s: 60, to_s: 60, place", 17, "to_s must come after from_s"),
        ("pct: 80", "pct: 0", 20, "must be a number from 1 to 100"),
        ("motion: true", "motion: maybe", 23, "must be true or false"),
        ("from_s: 100, to_s: 200}", "from_s: 200, to_s: 100}", 24, "to_s must come after from_s"),
        ("name: beatrix", "name: anna", 27, "'anna' stands twice"),
        ("name: beatrix", "name: wearer", 27, "the word for a party"),
        ("{name: beatrix, start", "{start", 27, "'name' is missing"),
        ("order: first, whose", "order: third, whose", 30, "'third' is unknown"),
        ("whose: anna", "whose: wearer", 30, "'wearer' is unknown"),
        ("severity: 2", "severity: 9", 30, "must be a number from 1 to 5"),
        ("since_s: 5, by_s: 60", "since_s: 60, by_s: 60", 30, "since_s must come before by_s"),
        ("no_worse_than: 2", "no_worse_than: 1", 31, "must be a number from 2 to 5"),
        ("orders:", "order: {alert_radius_m: 50, warning_radius_m: 60}\norders:", 1, "`order` or `orders`"),
    ],
)
def test_what_cannot_be_is_refused_with_line_and_reason(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in RICH
    with pytest.raises(StoryError) as caught:
        load(tmp_path, RICH.replace(old, new, 1))
    said = str(caught.value).removeprefix(str(tmp_path))
    assert reason in said
    assert said.startswith(f"/story.yaml:{line}: ")


SIMPLE = """\
title: A story
about: Somebody waits.
order: {alert_radius_m: 500, warning_radius_m: 1000}
wearer:
  start: [51.9, 4.5]
  legs: [{wait_s: 600}]
  faults:
    - FAULT
expect: {must_not: [any]}
"""


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("frozen: {from_s: 9}", "'to_s' is missing"),
        ("no_fix: {from_s: 1, to_s: 9}", "'motion' is missing"),
        ("unpaired: {from_s: 9, to_s: 3}", "to_s must come after"),
        ("mock: {from_s: 1, to_s: 9, to: home}", "'home' is unknown"),
        ("replayed: {from_s: 1, to_s: 90, at_s: 50}", "nobody has it yet"),
        ("left_behind: {to_s: 9}", "'from_s' is missing"),
        ("left_behind: {from_s: 700}", "after the end of the story"),
        ("indoors: {from_s: 1, to_s: 9, source: gnss, accuracy_m: 50}", "'gnss' is unknown"),
        ("indoors: {from_s: 1, to_s: 9, source: wifi, accuracy_m: 1}", "from 5 to 5000"),
        ("drift: {from_s: 1, to_s: 9, m_s: 9, most_m: 50}", "from 0.001 to 5"),
    ],
)
def test_a_fault_of_a_device_that_cannot_be_is_refused(tmp_path: Path, fault: str, reason: str) -> None:
    with pytest.raises(StoryError, match=reason):
        load(tmp_path, SIMPLE.replace("FAULT", fault))


def test_what_one_exercise_cannot_hold_needs_score(tmp_path: Path) -> None:
    for key in ('start_at: "2026-11-25T21:30Z"', "exemptions: []"):
        with pytest.raises(StoryError, match="has to say score_only: true"):
            load(tmp_path, SIMPLE.replace("FAULT", "silence: {from_s: 9}") + key + "\n")
    with pytest.raises(StoryError, match="nobody_paged can only be seen by score"):
        load(
            tmp_path,
            SIMPLE.replace("FAULT", "silence: {from_s: 9}").replace("[any]", "[sos], nobody_paged: true"),
        )
    for key in ("protected: []", "orders: []"):
        text = SIMPLE.replace("FAULT", "silence: {from_s: 9}") + key + "\n"
        with pytest.raises(StoryError, match="must not be empty"):
            load(tmp_path, text if "protected" in key else text.replace("order: {", "places: {}\n#"))

"""The score against the service's own judging, in its own process."""

import json
import re
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.judge import Judge, rehearse
from simulator.plan import plan_story
from simulator.score import play
from simulator.story_loader import find_story, load_story
from simulator.verdicts import is_good

SEEN = (
    "zone-on-foot",
    "proximity-by-car",
    "forged-alibi",
    "impostor",
    "broken-messages",
    "concealed-zone",
    "silent-near-her",
    "two-orders",
    "mother-and-child",
    "ordinary-day",
)


def a_folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / f"{name}.yaml").write_text(find_story(name).read_text())
    return tmp_path


def test_one_process_judges_many_stories_each_in_a_world_of_its_own() -> None:
    with Judge() as judge:
        for name in SEEN:
            run = play(judge, load_story(find_story(name)), 3)
            assert is_good(run.rows), (name, run.rows)
            assert run.false_grave == 0


def test_what_an_impostor_says_is_dropped_and_what_is_forged_is_kept_aside() -> None:
    stories = [load_story(find_story(name)) for name in ("impostor", "forged-alibi")]
    with Judge() as judge:
        found = {story.name: rehearse(judge, story, plan_story(story, 1, 1.0)) for story in stories}
    assert found["impostor"].dropped == 9
    assert not found["impostor"].evidence.events
    assert found["forged-alibi"].rejected["not_sealed"] > 20


def test_time_passes_in_the_judge_and_not_outside() -> None:
    story = load_story(find_story("device-goes-silent"))
    with Judge() as judge:
        found = rehearse(judge, story, plan_story(story, 1, 1.0))
    silence = [event for event in found.evidence.events if event.kind == "lost_contact"]
    assert len(silence) == 1
    assert 704 <= silence[0].at_s - found.evidence.begin_s <= 712
    assert [event.kind for event in found.began] == ["lost_contact"]


def test_a_folder_that_goes_as_expected_is_status_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = a_folder(tmp_path, "zone-by-car", "parallel-street")
    assert main(["score", str(folder), "--seeds", "2", "--json", "--plot", str(tmp_path / "p.svg")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["totals"]["all"]["good"] == 2
    assert said["totals"]["must_come"]["at_fix"] == 2
    assert (tmp_path / "p.svg").read_text().startswith("<svg")


def test_a_missed_or_a_false_alert_is_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = a_folder(tmp_path, "zone-by-car", "parallel-street")
    story = folder / "zone-by-car.yaml"
    story.write_text(
        re.sub(r"expect:[\s\S]*", "expect:\n  must: [{kind: lost_contact, by_s: 100}]\n", story.read_text())
    )
    assert main(["score", str(folder), "--seeds", "1"]) == 1
    shown = capsys.readouterr().out
    assert "missed: lost_contact" in shown
    assert "1 of 2 stories as expected" in shown
    story.write_text(
        re.sub(
            r"expect:[\s\S]*", "expect: {must_not: [zone_breach]}\n", find_story("zone-by-car").read_text()
        )
    )
    assert main(["score", str(folder), "--seeds", "1", "--story", "zone-by-car"]) == 1
    assert "false: no zone_breach" in capsys.readouterr().out


def test_a_month_is_judged_within_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["month"]) == 0
    shown = capsys.readouterr().out
    assert "86,400 positions" in shown
    assert "0.000 false of severity 1 per pair-day" in shown

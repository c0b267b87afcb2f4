"""The score's own logic, against a stand-in that speaks the judge's lines; the real one is in test_judge."""

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from simulator import plots, score_report
from simulator.__main__ import main
from simulator.judge import Judge, JudgeError
from simulator.score import Run, Score, quantile, score, total
from simulator.stories import Story
from simulator.story_loader import list_stories, load_story
from simulator.yaml_reader import StoryError

STAND_IN = Path(__file__).with_name("judge_stand_in.py")

MUST = """\
title: Into the zone
about: He walks in.
order: {alert_radius_m: 500, warning_radius_m: 1000}
places: {here: [51.9, 4.5], there: [51.9, 4.51]}
zones:
  - name: home
    circle: {center: there, radius_m: 100}
wearer:
  start: here
  device: {interval_s: 10, sealed: false}
  legs: [{walk_to: there}, {wait_s: 30}]
expect:
  must: [{kind: zone_breach, person: true}]
"""
QUIET = MUST.replace("walk_to: there", "wait_s: 300").replace(
    "must: [{kind: zone_breach, person: true}]", "must_not: [zone_breach]"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "walks-in.yaml").write_text(MUST)
    (tmp_path / "stays.yaml").write_text(QUIET)
    return tmp_path


def stories_of(folder: Path) -> list[Story]:
    return [load_story(path) for path in list_stories(folder)]


def run_all(folder: Path, mood: str, command: list[str] | None = None) -> tuple[list[Score], list[Run]]:
    told: list[Run] = []
    words = command or [sys.executable, str(STAND_IN), mood]
    return score(stories_of(folder), (1, 2, 3), told.append, words), told


def test_what_must_come_is_seen_at_the_very_fix_for_every_seed(folder: Path) -> None:
    scores, told = run_all(folder, "careful")
    assert len(told) == 6
    stays, walks = scores
    assert [run.seed for run in walks.runs] == [1, 2, 3]
    assert walks.is_good
    assert stays.is_good
    sums = total([walks])
    assert (sums.wanted, sums.seen, sums.missed, sums.at_fix, sums.timed) == (3, 3, 0, 3, 3)
    assert (sums.p50_s, sums.max_s) == (0.0, 0.0)
    assert sums.alerts == 3
    assert sums.alerts_per_pair_day == pytest.approx(3 / sums.pair_days)
    assert sums.false_grave == 0


def test_a_deaf_service_misses_and_is_good_at_silence(folder: Path) -> None:
    stays, walks = run_all(folder, "deaf")[0]
    assert stays.is_good
    assert not walks.is_good
    assert total([walks]).missed == 3
    assert total([walks]).p50_s is None
    assert dict(walks.wrong()) == {"missed: zone_breach + her stream": 3}


def test_a_nervous_service_is_false_in_both_halves(folder: Path) -> None:
    stays, walks = run_all(folder, "nervous")[0]
    assert total([stays]).false_grave == 3
    assert total([stays]).false_grave_per_pair_day > 1
    assert "false: no zone_breach (zone_breach (home), 1 seen)" in stays.wrong()
    assert total([walks]).false_grave == 3, "where he was when it came shows that nobody was inside"


def test_a_judge_that_ends_or_refuses_cannot_be_used(folder: Path) -> None:
    with pytest.raises(JudgeError, match="ended with status 1: no such table: zones"):
        run_all(folder, "broken")
    with pytest.raises(JudgeError, match="refused line 4: time runs backwards"):
        run_all(folder, "refusing")
    with pytest.raises(JudgeError, match="cannot be started"):
        run_all(folder, "careful", command=["/no/such/program"])
    with Judge([sys.executable, "-c", "pass"]) as judge, pytest.raises(JudgeError, match="it said nothing"):
        judge.ask([{"say": "end"}] * 10_000, "end")


def test_a_seed_that_does_not_show_what_must_come_is_named(folder: Path) -> None:
    text = MUST.replace("walk_to: there", "walk_to: [51.9, 4.505]")
    (folder / "walks-in.yaml").write_text(text)
    with pytest.raises(StoryError, match=r"no message shows zone_breach \(seed [12]\)"):
        run_all(folder, "careful")


def test_percentiles_are_values_that_were_observed() -> None:
    delays = [float(number) for number in range(1, 101)]
    assert (quantile(delays, 0.5), quantile(delays, 0.95), quantile(delays, 1.0)) == (50.0, 95.0, 100.0)
    assert quantile([3.0], 0.5) == 3.0
    assert quantile([], 0.5) is None


def test_tables_json_and_picture_say_the_same(folder: Path) -> None:
    scores = run_all(folder, "nervous")[0]
    console = Console(width=140)
    with console.capture() as shown:
        score_report.print_scores(console, scores)
    for part in ("An alert must come", "None may come", "walks-in", "stays: false", "(seeds 1, 2, 3)"):
        assert part in shown.get()
    said = json.loads(score_report.to_json(scores))
    assert said["stories"]["stays"]["half"] == "none_may_come"
    assert said["totals"]["none_may_come"]["false_grave"] == 3
    assert said["totals"]["all"]["runs"] == 6
    picture = plots.score_svg(scores)
    assert picture.startswith("<svg")
    assert picture.count(">walks-in<") == 1


def test_progress_is_a_bar_on_a_terminal_lines_elsewhere_and_nothing_for_a_program(folder: Path) -> None:
    told = run_all(folder, "deaf")[1]
    for is_terminal, is_quiet, part in ((True, False, "missed"), (False, False, "1 of 6"), (False, True, "")):
        console = Console(width=100, force_terminal=is_terminal)
        with console.capture() as shown, score_report.Going(console, 6, is_quiet=is_quiet) as going:
            for run in told:
                going.tell(run)
        assert part in shown.get()
        assert bool(shown.get()) is not is_quiet


def test_what_cannot_be_scored_is_status_2_with_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["score", str(folder), "--story", "nobody"]) == 2
    assert "no story 'nobody'" in capsys.readouterr().err
    assert main(["score", str(folder / "empty")]) == 2
    assert "no stories" in capsys.readouterr().err
    (folder / "bad.yaml").write_text("title: only")
    assert main(["score", str(folder)]) == 2
    assert "bad.yaml:1: story: 'about' is missing" in capsys.readouterr().err
    (folder / "bad.yaml").unlink()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", "")
    assert main(["score", str(folder), "--seeds", "1"]) == 2
    assert "No module named api" in capsys.readouterr().err


def test_seeds_and_intervals_have_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["score", "--seeds", "0"], ["month", "--interval", "5"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        assert "must be from" in capsys.readouterr().err

"""`python -m api check-content`: every text that people read, or one line that says where it is wrong."""

import re
import shutil
from pathlib import Path

import pytest

from api.__main__ import main
from tests.project.sources import ROOT


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAKEN_CONTENT", raising=False)


def only_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


def test_the_texts_of_plans_are_checked_and_a_fault_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-content"]) == 0
    assert re.search(
        r"ops/content: version \S+, 17 sections, \d+ items: can be used\.$",
        only_line(capsys.readouterr().out),
    )
    shutil.copytree(ROOT / "ops/content/plan", tmp_path / "plan")
    (tmp_path / "plan/about.yaml").write_text("version: 7\n", encoding="utf-8")
    assert main(["check-content", str(tmp_path)]) == 1
    said = only_line(capsys.readouterr().err)
    assert said == f"{tmp_path}/plan/about.yaml:1: 'decided_by' is missing: add it"


@pytest.mark.parametrize("name", ["red-flags.yaml", "directory.yaml", "decoys.yaml"])
def test_the_other_texts_are_checked_as_well(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = shutil.copytree(ROOT / "ops/content", tmp_path / "content")
    (content / name).write_text("version: 7\n", encoding="utf-8")
    assert main(["check-content", str(content)]) == 1
    assert only_line(capsys.readouterr().err).startswith(f"{content}/{name}:1: top: missing")

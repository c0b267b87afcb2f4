"""The folder of content is read once, and a fault in it is told with file, line and what to do."""

import shutil
from pathlib import Path

import pytest

from api.kernel.config import CONTENT, SettingError
from api.safety_plans.service import load_content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CONTENT / "plan", tmp_path / "plan")
    return tmp_path


def test_the_shipped_content_is_read_once() -> None:
    assert load_content(CONTENT) is load_content(CONTENT)


def test_a_fault_is_told_with_the_line_on_which_it_stands(folder: Path) -> None:
    path = folder / "plan" / "07-leaving.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    place = next(number for number, line in enumerate(lines) if line.endswith("danger: 3"))
    lines[place] = "        danger: 5"
    path.write_text("\n".join(lines), encoding="utf-8")
    said = rf"07-leaving.yaml:{place + 1}: sections.0.items.0.danger: 5 is no level: give a whole number"
    with pytest.raises(SettingError, match=said):
        load_content(folder)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"version: [", r"01-now.yaml:1: this is not YAML"),
        (b"version: a\nversion: b\n", r"01-now.yaml:2: this is not YAML: 'version' stands twice"),
        (b"version: 2026-13-45\n", r"01-now.yaml:1: .*put it in quotes"),
        (b"\xff", r"01-now.yaml is not UTF-8"),
        (b"", r"01-now.yaml:1: this must be a mapping"),
        (b" " * (256 * 1024 + 1), "smaller than 256 KiB"),
        (b"[" * 1_500 + b"]" * 1_500, "this is not YAML"),
    ],
)
def test_a_file_that_is_no_content_is_refused(folder: Path, body: bytes, said: str) -> None:
    (folder / "plan" / "01-now.yaml").write_bytes(body)
    with pytest.raises(SettingError, match=said):
        load_content(folder)


def test_a_file_that_is_gone_is_missed(folder: Path) -> None:
    (folder / "plan" / "about.yaml").unlink()
    with pytest.raises(SettingError, match=r"about.yaml:1: this file is missing"):
        load_content(folder)


def test_a_folder_without_content_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="BAKEN_CONTENT"):
        load_content(tmp_path)


def test_a_file_that_cannot_be_read_names_the_setting(folder: Path) -> None:
    (folder / "plan" / "01-now.yaml").unlink()
    (folder / "plan" / "01-now.yaml").mkdir()
    with pytest.raises(SettingError, match=r"cannot be read \(Is a directory\): set BAKEN_CONTENT"):
        load_content(folder)

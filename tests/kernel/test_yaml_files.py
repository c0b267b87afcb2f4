"""YAML that people write: read strictly, as plain data, with the line of every fault."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import yaml

from api.kernel.config import SettingError
from api.kernel.yaml_files import line_of, plain_of, read_text, yaml_faults

TEXT = "a: 1\nb:\n  - x\n  - {c: true, d: null}\n"


def test_yaml_becomes_plain_data() -> None:
    assert plain_of(TEXT) == {"a": 1, "b": ["x", {"c": True, "d": None}]}
    assert plain_of("") is None


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2\n",
        "a: &x [*x]\n",
        "a: &x 1\nb: *x\n",
        "b: 2026-13-45\n",
        "a: !!python/object:os.system x\n",
        "a: [\n",
        "\0",
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        plain_of(text)


def test_an_alias_is_refused() -> None:
    """Each would double what it repeats: thirty lines would become gigabytes."""
    bomb = "a: &a [1, 2]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in ("ab", "bc", "cd"))
    with pytest.raises(yaml.MarkedYAMLError, match="an alias repeats what begins here: write it out"):
        plain_of(bomb)


@pytest.mark.parametrize(
    ("path", "line"),
    [((), 1), (("a",), 1), (("b",), 2), (("b", 1), 4), (("b", 1, "d"), 4), (("b", 7), 2), (("c", 1), 1)],
)
def test_the_line_of_a_value_or_of_what_would_hold_it(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, path) == line


def test_faults_are_told_with_file_and_line() -> None:
    with pytest.raises(SettingError, match=r"^mine.yaml:2: this is not YAML: 'a' stands twice$"), faults():
        plain_of("a: 1\na: 2\n")
    with pytest.raises(SettingError, match=r"^mine.yaml: this is not YAML\.$"), faults():
        plain_of("\0")
    with pytest.raises(SettingError, match=r"^mine.yaml: this is not YAML\.$"), faults():
        plain_of("[" * 1_500 + "]" * 1_500)


def faults() -> AbstractContextManager[None]:
    return yaml_faults(Path("mine.yaml"))


def test_a_text_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("é" * 512, encoding="utf-8")
    assert len(read_text(path, 1024, "BAKEN_X")) == 512
    path.write_text("é" * 513, encoding="utf-8")
    with pytest.raises(SettingError, match="smaller than 1 KiB"):
        read_text(path, 1024, "BAKEN_X")

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.sources import ROOT, shipped, texts

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
GENERATED = "api/migrations/versions/"
"""Steps are written by Alembic, once, and read from top to bottom: their length says nothing."""


def python_files() -> Iterator[tuple[str, str]]:
    for path in shipped(".py"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(GENERATED):
            yield name, path.read_text(encoding="utf-8")


def test_no_source_file_is_longer_than_400_lines() -> None:
    sources = [path for path in shipped(".py", ".js", ".css", ".html") if GENERATED not in path.as_posix()]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in sources}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    long = {
        f"{name}:{node.name}": length
        for name, source in python_files()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


def _is_unexplained(line: str) -> bool:
    """`# noqa: CODE - why` and `# type: ignore[code]  # why`; nothing is switched off without both."""
    if "# noqa" in line:
        return not re.search(r"# noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \S", line)
    if "# type: ignore" in line:
        return not re.search(r"# type: ignore\[[a-z, -]+\]  # \S", line)
    if "# ruff: noqa" in line:
        return not re.search(r"# ruff: noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \S", line)
    return False


@pytest.mark.parametrize("line", ["noqa: S603", "noqa", "type: ignore[misc]", "type: ignore", "ruff: noqa"])
def test_a_check_that_is_switched_off_without_a_reason_is_seen(line: str) -> None:
    assert _is_unexplained(f"x = f()  # {line}")


@pytest.mark.parametrize(
    "line",
    ["noqa: S603, ANN401 - why", "type: ignore[misc]  # why", "ruff: noqa: PLC0415 - why", "a comment"],
)
def test_a_check_that_is_switched_off_with_a_reason_is_fine(line: str) -> None:
    assert not _is_unexplained(f"x = f()  # {line}")


def test_no_check_is_switched_off_without_a_reason() -> None:
    found = [
        f"{name}:{number}"
        for name, source in python_files()
        if name != Path(__file__).relative_to(ROOT).as_posix()
        for number, line in enumerate(source.splitlines(), start=1)
        if _is_unexplained(line)
    ]
    assert found == []


def test_no_file_names_a_place_of_one_machine() -> None:
    somebodys = re.compile(r"(?<![\w.])/(work/(main|shared)|home/\w+|root|Users/\w+)\b")
    assert [name for name, content in texts().items() if somebodys.search(content)] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_requirement_is_pinned_with_hashes(name: str) -> None:
    compiled = (ROOT / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    entries = [
        line.strip() for line in compiled.splitlines() if line.strip() and line.lstrip()[0] not in "#-"
    ]
    pinned = re.compile(r"([\w.-]+)(\[[\w,-]+\])?==\S+( ; [^#]+?)?\s+--hash=sha256:[0-9a-f]{64}")
    assert entries
    assert [entry.split(" ")[0] for entry in entries if not pinned.match(entry)] == []
    wanted = re.findall(r"^([a-z][\w.-]*)", (ROOT / f"{name}.in").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(wanted) <= {entry.split("==")[0].split("[")[0].lower() for entry in entries}

"""`python -m api history …`: files, keys, sentences, and a move between two real houses."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import Engine, text

from api import migrations
from api.__main__ import main
from api.alerts.model import Family
from api.evidence.service import history_schema
from api.kernel.db import make_engine, reading
from tests.conftest import SERVER_KEY
from tests.evidence.history_house import OTHER_KEY, add_second_order, everything_happens, export
from tests.project.sources import ROOT
from tests.scene import Scene, make_scene

SCHEMA = ROOT / "ops/contracts/history.schema.json"
EXAMPLE = ROOT / "ops/contracts/examples/history.jsonl"


class Move:
    """Two houses on one machine: `run` is the command in the old one, `there` in the new one."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder, self.old, self.file = folder, engine, folder / "history.jsonl"
        self.new_url = f"sqlite:///{folder / 'new.db'}"
        self.new = make_engine(self.new_url, OTHER_KEY)
        migrations.upgrade(self.new)

    def environ(self, *, there: bool) -> dict[str, str]:
        url = self.new_url if there else self.old.url.render_as_string(hide_password=False)
        key = OTHER_KEY if there else SERVER_KEY
        own = {"BAKEN_HOME": str(self.folder), "BAKEN_DATABASE_URL": url, "BAKEN_SERVER_KEY": key.hex()}
        return {name: value for name, value in os.environ.items() if not name.startswith("BAKEN_")} | own

    def run(self, monkeypatch: pytest.MonkeyPatch, *words: str, there: bool = False) -> int:
        for name, value in self.environ(there=there).items():
            monkeypatch.setenv(name, value)
        return main(["history", *words])

    def count(self, table: str) -> int:
        with reading(self.new) as session:
            return int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608 - our own word


@pytest.fixture
def move(tmp_path: Path, sqlite_engine: Engine) -> Any:
    made = Move(tmp_path, sqlite_engine)
    yield made
    made.new.dispose()


@pytest.fixture
def scene(move: Move) -> Scene:
    return make_scene(move.old)


def exported(move: Move, scene: Scene, monkeypatch: pytest.MonkeyPatch, *more: str) -> Path:
    words = ("export", str(scene.order_id), "--reason", "another provider", "--out", str(move.file), *more)
    assert move.run(monkeypatch, *words) == 0
    return move.file


def test_a_real_move_ends_with_the_same_digest_and_the_same_verdict(move: Move) -> None:
    scene, house = everything_happens(move.old)
    (approach,) = house.alerts()[Family.APPROACH]

    def run(*words: str, there: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "api", *words],
            env=move.environ(there=there), cwd=ROOT, capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    key = str(move.folder / "key")
    public = run("history", "key", key).strip()
    words = (str(scene.order_id), "--reason", "another provider", "--out", str(move.file), "--to", public)
    said = run("history", "export", *words)
    digest = run("history", "canonical", str(move.file), "--key", key).strip()
    assert f"canonical {digest}" in said
    assert "fix 23" in said.splitlines()
    run("history", "check", str(move.file), "--key", key)
    assert run("history", "import", str(move.file), "--key", key, there=True).endswith("imported\n")
    assert run("replay", str(approach), there=True).endswith("\nidentical\n")
    assert "everything is as it was written" in run("verify-chain", there=True)


def test_the_three_steps_of_the_page_make_an_empty_house_and_fill_it(tmp_path: Path) -> None:
    page = (ROOT / "ops/docs/history.md").read_text(encoding="utf-8").split("\n## An empty house\n")[1]
    lines = [
        line.split("$ python -m api ")[1] for line in page.split("\n## ")[0].splitlines() if "$ " in line
    ]
    assert [line.split()[0] for line in lines] == ["setup", "migrate", "history"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BAKEN_")}
    environ["BAKEN_HOME"] = str(tmp_path / "new")
    said = []
    for line in lines:
        words = line.replace("C-1234.jsonl --key history.key", str(EXAMPLE)).split()
        done = subprocess.run(
            [sys.executable, "-m", "api", *words],
            env=environ, cwd=ROOT, capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), line
        said.append(done.stdout)
    assert said[-1].endswith("imported\n")


def test_the_file_is_its_owner_s_alone_and_nothing_is_written_over(
    move: Move, scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = exported(move, scene, monkeypatch)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    words = ("export", str(scene.order_id), "--reason", "again", "--out", str(file))
    assert move.run(monkeypatch, *words) == 1
    assert move.run(monkeypatch, "key", str(file)) == 1
    assert capsys.readouterr().err.count("is there already, and nothing is written over") == 2
    assert file.read_bytes() == before


def test_an_export_is_an_act_of_the_order_and_of_everybody_whose_name_leaves(
    move: Move, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(move, scene, monkeypatch)
    with reading(move.old) as session:
        query = text("SELECT object_id, reason FROM audit WHERE act = 'evidence.export_history'")
        rows = session.execute(query).all()
    assert {row.object_id for row in rows} == {
        one.hex for one in (scene.order_id, scene.wearer_id, scene.person_id)
    }
    assert {row.reason for row in rows} == {"another provider"}


def test_a_dry_run_does_everything_and_keeps_nothing(
    move: Move, scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(exported(move, scene, monkeypatch))
    assert move.run(monkeypatch, "import", file, "--dry-run", there=True) == 0
    assert capsys.readouterr().out.endswith("nothing was kept: --dry-run\n")
    assert (move.count("wearer"), move.count("audit"), move.count("ledger")) == (0, 0, 0)
    assert move.run(monkeypatch, "import", file, there=True) == 0
    assert move.count("wearer") == 1
    assert move.run(monkeypatch, "import", file, there=True) == 1
    assert "This house is not empty (table wearer)" in capsys.readouterr().err


def test_an_order_that_is_not_there_leaves_no_file(
    move: Move, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("export", "C-unknown", "--reason", "x", "--out", str(move.file))
    assert move.run(monkeypatch, *words) == 1
    assert capsys.readouterr().err == "There is no order with this id or reference.\n"
    assert not move.file.exists()


def test_an_export_that_fails_leaves_no_file(
    move: Move, scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("export", str(scene.order_id), "--reason", "x", "--out", str(move.file))
    assert move.run(monkeypatch, *words, "--to", "none") == 1
    assert "64 hexadecimal digits" in capsys.readouterr().err
    with move.old.begin() as connection:
        connection.execute(text("UPDATE wearer SET name_sealed = zeroblob(60)"))
    assert move.run(monkeypatch, *words) == 1
    assert "The server key does not open" in capsys.readouterr().err
    assert not move.file.exists()


def test_a_wrong_line_anywhere_imports_nothing(
    move: Move, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, _house = everything_happens(move.old)
    lines = exported(move, scene, monkeypatch).read_bytes().splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if b'"table":"fix"' in line) + 3
    for altered, sentence in (
        (lines[place].replace(b'"lat":5', b'"lat":6'), f"Line {place + 1} or line {place + 2} was altered"),
        (lines[place].replace(b'"lat":', b'"lat":"x","late":'), f"Line {place + 1} column lat is no"),
        (lines[place - 1], f"Line {place} or line {place + 1} was altered"),
        (b"", f"Line {place} or line {place + 1} was altered"),
    ):
        move.file.write_bytes(b"".join([*lines[:place], altered, *lines[place + 1 :]]))
        for words in (("check",), ("canonical",), ("import",), ("import", "--dry-run")):
            assert move.run(monkeypatch, words[0], str(move.file), *words[1:], there=True) == 1
            assert capsys.readouterr().err.startswith(sentence)
        assert (move.count("wearer"), move.count("ledger")) == (0, 0)
    move.file.write_bytes(b"".join(lines[:place]))
    assert move.run(monkeypatch, "import", str(move.file), there=True) == 1
    assert "it was cut off" in capsys.readouterr().err
    assert move.count("wearer") == 0


def test_a_sealed_file_asks_for_its_key_and_takes_no_other(
    move: Move, scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, other = str(move.folder / "mine"), str(move.folder / "other")
    assert move.run(monkeypatch, "key", mine) == 0
    public = capsys.readouterr().out.strip()
    assert move.run(monkeypatch, "key", other) == 0
    assert stat.S_IMODE(Path(mine).stat().st_mode) == 0o600
    file = exported(move, scene, monkeypatch, "--to", public)
    assert b"Wearer Name" not in file.read_bytes()
    capsys.readouterr()
    assert move.run(monkeypatch, "check", str(file)) == 1
    assert capsys.readouterr().err == "The file is sealed: give --key with the key's file.\n"
    assert move.run(monkeypatch, "import", str(file), "--key", other, there=True) == 1
    assert "sealed to another key, or altered" in capsys.readouterr().err
    assert move.count("wearer") == 0
    assert move.run(monkeypatch, "import", str(file), "--key", mine, there=True) == 0
    assert move.count("wearer") == 1


def test_a_file_that_is_not_there_is_one_sentence(
    move: Move, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert move.run(monkeypatch, "check", "/nowhere/at/all") == 1
    assert capsys.readouterr().err == "/nowhere/at/all: No such file or directory.\n"


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(
    move: Move, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("api.launch.history.LONGEST_LINE", 1000)
    move.file.write_bytes(b"x" * 5000)
    assert move.run(monkeypatch, "check", str(move.file)) == 1
    assert capsys.readouterr().err == "Line 1 is longer than 1000 bytes.\n"


def test_who_waits_is_told_how_far_it_is(
    move: Move, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, _house = everything_happens(move.old)
    monkeypatch.setattr("api.evidence.service.history.PER_NEWS", 50)
    monkeypatch.setattr("api.evidence.service.history.PER_INSERT", 7)
    exported(move, scene, monkeypatch)
    said = capsys.readouterr().err.splitlines()
    every = int(said[0].split()[2])
    assert [line.split()[0] for line in said] == [str(50 * n) for n in range(1, every // 50 + 1)]
    assert move.run(monkeypatch, "import", str(move.file), there=True) == 0
    assert "rows" in capsys.readouterr().err
    assert move.count("fix") == 23


def test_orders_beside_are_said(
    move: Move, scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_second_order(move.old, scene.wearer_id)
    exported(move, scene, monkeypatch)
    assert "shared with 1 other orders" in capsys.readouterr().out


def test_the_schema_in_the_contracts_is_the_one_that_the_command_prints(
    move: Move, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a change of tables: `python -m api history schema > ops/contracts/history.schema.json`."""
    assert move.run(monkeypatch, "schema") == 0
    assert capsys.readouterr().out == SCHEMA.read_text(encoding="utf-8")


def test_every_line_of_a_history_and_of_the_example_is_as_the_schema_says(
    sqlite_engine: Engine, move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = history_schema.schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    scene, _house = everything_happens(sqlite_engine)
    for file in (export(sqlite_engine, scene.order_id)[0], EXAMPLE.read_bytes()):
        for line in file.splitlines():
            assert validator.is_valid(json.loads(line)), line
    assert not validator.is_valid({"table": "fix", "row": {}})
    assert move.run(monkeypatch, "check", str(EXAMPLE)) == 0

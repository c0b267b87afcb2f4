"""What `verify-chain` prints."""

import io
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from api.kernel import audit
from api.kernel.config import SettingError
from api.kernel.db import make_engine, transaction
from api.launch import chain
from tests.alerts.stage import breach, make_stage
from tests.project.sources import ROOT


def run(engine: Engine, anchor: str | None = None) -> tuple[int, str]:
    out = io.StringIO()
    return chain.run(engine, anchor, out), out.getvalue()


def test_it_says_that_everything_is_as_it_was_written(sqlite_engine: Engine, now: datetime) -> None:
    with transaction(sqlite_engine) as session:
        audit.record(session, now, None, "test.act", None)
    status, said = run(sqlite_engine)
    assert status == 0
    assert "1 links and 1 rows" in said
    head = said.split("head ")[1].split()[0]
    assert run(sqlite_engine, head)[0] == 0
    assert run(sqlite_engine, f"2:{'0' * 64}")[0] == 1


def test_it_names_what_was_altered(sqlite_engine: Engine, now: datetime) -> None:
    with transaction(sqlite_engine) as session:
        audit.record(session, now, None, "test.act", None)
    with sqlite_engine.begin() as connection:
        connection.execute(text("UPDATE audit SET act = 'test.other'"))
    status, said = run(sqlite_engine)
    assert status == 1
    assert said.startswith("audit ")
    assert "altered" in said.splitlines()[0]


def test_an_anchor_that_is_none_is_told(sqlite_engine: Engine) -> None:
    with pytest.raises(SettingError, match="--anchor"):
        run(sqlite_engine, "yesterday")


def test_the_command_itself_looks_at_every_chained_table(tmp_path: Path) -> None:
    """In a process of its own nobody has imported the tables: it once looked at none, and all was well."""
    environ = {"BAKEN_HOME": str(tmp_path), "BAKEN_SERVER_KEY": "5e" * 32, "PATH": os.environ["PATH"]}

    def api(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "api", *words]
        return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert api("migrate").returncode == 0
    engine = make_engine(f"sqlite:///{tmp_path / 'baken.db'}", bytes.fromhex("5e" * 32))
    (alert,) = (stage := make_stage(engine)).tell(breach(stage))
    stage.acknowledge(alert.id)
    good = api("verify-chain")
    assert good.returncode == 0, good.stdout + good.stderr
    assert " 0 rows" not in good.stdout
    for change in (
        "UPDATE alert SET severity = 5",
        "UPDATE alert_entry SET severity = 5",
        "UPDATE notification SET priority = 5",
        "UPDATE audit SET reason = 'another'",
        "UPDATE step_run SET state = 'ended'",
    ):
        with engine.begin() as connection:
            connection.execute(text(change))
        found = api("verify-chain")
        assert found.returncode == 1
        assert f"\n{change.split()[1]} " in f"\n{found.stdout}"
    engine.dispose()

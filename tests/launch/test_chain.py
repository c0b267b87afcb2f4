"""What `verify-chain` prints."""

import io
from datetime import datetime

import pytest
from sqlalchemy import Engine, text

from api.kernel import audit
from api.kernel.config import SettingError
from api.kernel.db import transaction
from api.launch import chain


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

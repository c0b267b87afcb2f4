"""Calls every operation of the app host, unlocked, with what its description allows and what it does not."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error

from api.accounts.routes import PERSON_COOKIE
from api.app import Audience, _build
from api.kernel.config import Settings
from api.kernel.db import make_engine
from tests.accounts.hosts import unlocked

EXAMPLES = 16
"""Per operation, half of them as described and half not."""
LEFT_OUT = {("get", "/stream")}
"""It never ends by itself."""
OTHERWISE = {"/pub", "/start"}
"""Devices sign in to the one; the other needs a code."""
KEY = "7a" * 32


def _made(database: Path) -> tuple[Flask, Any]:
    engine = make_engine(f"sqlite:///{database}", bytes.fromhex(KEY))
    environ = {"BAKEN_HOME": str(database.parent), "BAKEN_SERVER_KEY": KEY}
    return _build(Settings.from_env(environ), engine, Audience.APP)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[tuple[Flask, Any]]:
    database = tmp_path_factory.mktemp("fuzz") / "baken.db"
    shutil.copy(sqlite_template, database)
    made, api = _made(database)
    description = schemathesis.openapi.from_dict(api.spec.to_dict())
    description.app = made
    yield made, description
    made.extensions["baken.engine"].dispose()


def _operations() -> list[tuple[str, str]]:
    _app, api = _made(Path("nowhere/baken.db"))
    return [
        (method, path)
        for path, operations in api.spec.to_dict()["paths"].items()
        for method in operations
        if method != "parameters" and (method, path) not in LEFT_OUT
    ]


@pytest.mark.parametrize(("method", "path"), _operations())
def test_nothing_that_is_sent_breaks_her_host(method: str, path: str, app: tuple[Flask, Any]) -> None:
    made, description = app
    client = unlocked(made)  # of a new person: what one operation ends is there for the next
    cookie = client.get_cookie(PERSON_COOKIE)
    assert cookie is not None
    headers, cookies = {"X-Key": client.environ_base["HTTP_X_KEY"]}, {PERSON_COOKIE: cookie.value}
    operation = description[path][method]
    sent = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(sent)
    def send(case: Case[Any]) -> None:
        response = case.call(headers=headers, cookies=cookies)
        case.validate_response(response, checks=[not_a_server_error])
        statuses.add(response.status_code)

    statuses: set[int] = set()
    send()
    if "{" not in path and path not in OTHERWISE:
        assert statuses - {401, 404}, "nothing got as far as the operation itself"

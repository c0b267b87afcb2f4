"""What the whole application does that no room does alone."""

import logging
import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine

from api.accounts.model import Role
from api.accounts.routes import PERSON_COOKIE, STAFF_COOKIE
from api.app import Audience, create_app
from api.kernel.config import Settings
from tests.accounts.hosts import signed_in

SECRET = "Anna de Vries, 51.92, 4.47"
TELLING = re.compile(
    r"baken|alert|zone|wearer|protect|police|politie|geofence|victim|safety|monitor", re.IGNORECASE
)


def make_app(engine: Engine, audience: Audience, home: Path) -> Flask:
    environ = {"BAKEN_HOME": str(home), "BAKEN_SERVER_KEY": "0" * 64}
    return create_app(Settings.from_env(environ), engine, audience)


@pytest.mark.parametrize("audience", list(Audience))
def test_the_log_of_a_fault_of_ours_holds_its_place_and_no_text(
    audience: Audience, sqlite_engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(sqlite_engine, audience, tmp_path)
    app.extensions["baken.engine"] = SECRET  # the first to use it falls over it
    client = app.test_client()
    client.set_cookie(STAFF_COOKIE if audience is Audience.CONTROL else PERSON_COOKIE, "token")
    with caplog.at_level(logging.INFO):
        assert client.get("/api/map" if audience is Audience.CONTROL else "/stream").status_code == 500
    (line,) = [record for record in caplog.records if record.name == "http"]
    assert re.fullmatch(r"api/kernel/db\.py:\d+", vars(line)["fields"]["reason"])
    assert SECRET not in caplog.text


def test_the_neutral_host_never_says_what_it_is_for(sqlite_engine: Engine, tmp_path: Path) -> None:
    app = make_app(sqlite_engine, Audience.APP, tmp_path)
    addresses = [
        *("/openapi.json", "/docs/", "/api/session", "/api/alerts", "/console/main.js", "/nowhere"),
        *("/session", "/stream?after=x", "/messages/0/receipt", "/pub", "/assets/x"),
        *("/details", "/preferences", "/lists/result"),
        "/messages/00000000-0000-0000-0000-000000000000/receipt",
    ]
    for client in (app.test_client(), signed_in(app, Role.PROTECTED_PERSON)):
        for address in addresses:
            for method in ("GET", "POST", "PUT", "DELETE"):
                answer = client.open(address, method=method, json={} if method != "GET" else None)
                said = answer.get_data(as_text=True) + str(answer.headers)
                assert answer.status_code >= 400 or address == "/session", (method, address)
                assert TELLING.search(said) is None, (method, address, said)

"""Both hosts with the rooms' real routes, guard and errors: what `create_app` makes, for a few rooms."""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import routes, service
from api.accounts.channels.oidc import make_provider
from api.accounts.memory import KeyRates
from api.accounts.model import Role
from api.accounts.routes.keys import identify_key
from api.geofence.model import Limits
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import transaction
from api.kernel.http import Actor, Blueprint, add_api_pages, guard, make_api


def make_host(
    engine: Engine,
    blueprints: Sequence[Blueprint],
    identify: Callable[[], Actor | None] = routes.identify_staff,
    **environ: str,
) -> Flask:
    """An application of these routes; `environ` are settings."""
    app = Flask(__name__)
    app.testing = True
    values = {
        "BAKEN_HOME": str(Path("/nonexistent")),
        "BAKEN_SERVER_KEY": "0" * 64,
        "BAKEN_STAFF_TOTP": "optional",
    }
    app.extensions["baken.engine"] = engine
    app.extensions["baken.limits"] = Limits()
    app.extensions["baken.settings"] = Settings.from_env(values | environ)
    app.extensions["baken.end_streams"] = lambda _account_id: None
    app.extensions["baken.key_rates"] = KeyRates()
    app.extensions["baken.oidc"] = make_provider(app.extensions["baken.settings"].oidc)
    guard(app, identify, identify_key)
    add_api_pages(app, make_api(app, "Test", blueprints))
    return app


def signed_in(app: Flask, role: Role, login: str = "") -> FlaskClient:
    """A client of the host with the session of a new account of this role."""
    cookie = routes.PERSON_COOKIE if role is Role.PROTECTED_PERSON else routes.STAFF_COOKIE
    with transaction(app.extensions["baken.engine"]) as session:
        account = service.add_account(
            session, login or f"a {role.value}", "correct horse", role, None, clock.now()
        )
        token = service.open_session(session, account, clock.now())
    client = app.test_client()
    client.set_cookie(cookie, token)
    return client


def unlocked(app: Flask) -> FlaskClient:
    """A client of the app host with a new person's session and the key to her own side."""
    new, now = service.prepare_person(), clock.now()
    with transaction(app.extensions["baken.engine"]) as session:
        account = service.add_person_account(session, uuid.uuid4(), new, now)
        token = service.open_session(session, account, now)
        service.remember_number(session, token, new.number_key)
        held = service.hold(session, account)
    trial = service.try_pin(held, new.number_key, new.pin)
    with transaction(app.extensions["baken.engine"]) as session:
        key = service.enter(session, held, trial, now).token
    client = app.test_client()
    client.set_cookie(routes.PERSON_COOKIE, token)
    client.environ_base["HTTP_X_KEY"] = key
    return client

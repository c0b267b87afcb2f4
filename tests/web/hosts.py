"""Both hosts without a database: nothing that a page is made of needs one."""

from flask import Flask

from api.app import Audience, create_app
from api.kernel.config import Settings
from api.kernel.db import make_engine


def control_host() -> Flask:
    """The staff's host."""
    return _host(Audience.CONTROL, "timer")


def app_host(cover: str) -> Flask:
    """The neutral host with one cover."""
    return _host(Audience.APP, cover)


def _host(audience: Audience, cover: str) -> Flask:
    environ = {"BAKEN_SERVER_KEY": "7a" * 32, "BAKEN_DATABASE_URL": "sqlite://", "BAKEN_COVER": cover}
    settings = Settings.from_env(environ)
    return create_app(settings, make_engine(settings.database_url, settings.server_key), audience)

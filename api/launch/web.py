"""Serving one audience's Flask app with gunicorn, in the foreground."""

from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from api.app import Audience, create_app
from api.kernel.config import Settings
from api.kernel.db import make_engine
from api.kernel.logs import setup_logging

if TYPE_CHECKING:
    from flask import Flask

THREADS = 64
"""Each open stream holds one thread for as long as somebody looks; proposal for one room of operators."""
GRACE_S = 2
"""Streams never end by themselves; after this a stop cuts them, and browsers resume by cursor."""


def serve(settings: Settings, audience: Audience) -> None:
    """Listen on the audience's port until SIGTERM or SIGINT."""
    port = settings.control_port if audience is Audience.CONTROL else settings.app_port
    _Server(settings, audience, f"{settings.host}:{port}").run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """One worker process with threads; the arbiter above it replaces the worker when it dies."""

    def __init__(self, settings: Settings, audience: Audience, bind: str) -> None:
        self._settings = settings
        self._audience = audience
        self._options: dict[str, Any] = {
            "bind": bind,
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "graceful_timeout": GRACE_S,
            "keepalive": 30,  # longer than the 10 s between two polls of a page, so that it connects once
            "accesslog": None,  # paths hold ids, and whoever reads logs must not learn who looked at whom
            "errorlog": "-",
            "loglevel": "warning",
            "control_socket_disable": True,  # nobody commands it but signals
            "proc_name": f"baken-web-{audience.value}",
            "post_worker_init": _log_like_the_others,
        }
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn our options; no file, environment or command line of its own is read."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> "Flask":
        """Make the app in the worker: connections of a database must not cross a fork."""
        return create_app(
            self._settings,
            make_engine(self._settings.database_url, self._settings.server_key),
            self._audience,
        )


def _log_like_the_others(_worker: object) -> None:
    setup_logging("web")

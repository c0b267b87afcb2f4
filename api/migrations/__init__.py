"""How the tables came to be: one file in `versions/` per change, each way up and down."""

import importlib
import pkgutil
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

import api


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest revision; all of it or, when a step fails, nothing."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to an older revision; `base` leaves nothing."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def import_tables() -> None:
    """Make every room's tables known to the metadata."""
    for module in pkgutil.walk_packages(api.__path__, "api."):
        kernel = {"api.kernel.audit", "api.kernel.heartbeats", "api.kernel.ledger"}
        if ".store" in module.name or module.name in kernel:
            importlib.import_module(module.name)

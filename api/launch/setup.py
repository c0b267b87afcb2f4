"""What the first run makes: secrets, tables, demo log-ins. Running it again changes nothing."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api import migrations
from api.accounts import service as accounts
from api.accounts.model import STAFF, Role
from api.kernel import audit, clock, ledger
from api.kernel.config import read_lines, secrets_file
from api.kernel.db import is_away, reading, transaction
from api.launch.preflight import NotReady

DEMO_ROLES = {"OPERATOR": Role.OPERATOR, "SUPERVISOR": Role.SUPERVISOR}


def demo_file(home: Path) -> Path:
    """Return where the demo's log-ins are kept, readable by the owner only; the simulator reads it too."""
    return home / "demo.env"


def make_secrets(home: Path, environ: Mapping[str, str]) -> None:
    """Write the secrets of this house once; raises NotReady when a database would lose its key.

    A new key beside an old database would start, and then every name in it would be unreadable.
    """
    if secrets_file(home).exists() or "BAKEN_SERVER_KEY" in environ:
        return
    database = home / "baken.db"
    if database.exists():
        raise NotReady(
            f"{secrets_file(home)} is gone, and {database} cannot be read without it: "
            "put it back from a copy, or remove both to begin anew."
        )
    values = {"BAKEN_SERVER_KEY": secrets.token_hex(32), "BAKEN_WEBHOOK_SECRET": secrets.token_urlsafe(32)}
    _write_once(
        secrets_file(home), "# Made at the first run. Without it no name in the database can be read.", values
    )


def migrate(engine: Engine) -> None:
    """Bring the database's tables to those of this version; raises NotReady when there is no database.

    What is older than the hash chain is linked here, once.
    """
    try:
        migrations.upgrade(engine)
        migrations.import_tables()
        with transaction(engine) as session:
            if adopted := ledger.adopt(session):
                # Itself a link: whoever empties the ledger to have it made anew leaves this behind.
                audit.record(session, clock.now(), None, "ledger.adopt", None, f"{adopted} rows")
    except DBAPIError as error:
        if not is_away(error):
            raise
        reason = type(error.orig).__name__  # its text may quote the address, which holds a password
        raise NotReady(
            f"The database does not answer ({reason}): start it, or set BAKEN_DATABASE_URL."
        ) from error


def seed_demo(home: Path, engine: Engine) -> dict[str, str]:
    """Return the demo's log-ins; make those that are missing from the file or the database."""
    if not demo_file(home).exists():
        values: dict[str, str] = {}
        for word in DEMO_ROLES:
            values[f"{word}_LOGIN"] = _free_login(engine, word.lower())
            values[f"{word}_SECRET"] = secrets.token_urlsafe(9)
        _write_once(demo_file(home), "# Log-ins of the demo, for the control room.", values)
    values = read_lines(demo_file(home))
    with transaction(engine) as session:
        for word, role in DEMO_ROLES.items():
            login = values[f"{word}_LOGIN"]
            if accounts.find_account(session, login, STAFF) is None:
                accounts.add_account(session, login, values[f"{word}_SECRET"], role, None, clock.now())
    return values


def _free_login(engine: Engine, wanted: str) -> str:
    """Return `wanted`, or one like it: when only the file was lost, its accounts still exist."""
    with reading(engine) as session:
        is_taken = accounts.find_account(session, wanted, STAFF) is not None
    return f"{wanted}-{secrets.token_hex(2)}" if is_taken else wanted


def _write_once(path: Path, comment: str, values: Mapping[str, str]) -> None:
    """Write a whole file that only its owner may read; never over one that exists."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    lines = [comment, *(f"{name}={value}" for name, value in values.items())]
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.link(draft, path)
    draft.unlink()

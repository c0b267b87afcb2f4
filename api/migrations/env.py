"""Alembic's way in: takes the caller's connection, or on Alembic's own command line `-x url=…`."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, text

from api.kernel.db import Base, UtcDateTime, make_engine
from api.migrations import import_tables


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:  # noqa: ANN401 - Alembic's
    """Write our own column type as what it is in the database: a revision must outlive our code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Run the steps in the transaction of `connection`; two that migrate at once go one after the other."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("BEGIN IMMEDIATE"))
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('migrate'))"))
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite cannot alter a table: Alembic makes it anew
        render_item=render_item,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    import_tables()
    with make_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as own:
        run(own)

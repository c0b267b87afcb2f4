import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect, text

from api import migrations
from api.kernel.db import Base
from tests.tables import import_all_tables

POSTGRES_SCHEMA = """
    SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT table_name || '.' || column_name,
           data_type || is_nullable || coalesce(column_default, '') || ordinal_position
    FROM information_schema.columns WHERE table_schema = 'public'
"""
SQLITE_SCHEMA = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"


@pytest.fixture
def empty(engine: Engine) -> Engine:
    """A database of each kind without any table."""
    import_all_tables()
    Base.metadata.drop_all(engine)
    return engine


def schema_of(connection: Connection) -> dict[str, list[str]]:
    """What the database itself says of every table, index and constraint, partial ones included.

    SQLite keeps a table's constraints in the order of the statement; it means nothing.
    """
    query = SQLITE_SCHEMA if connection.dialect.name == "sqlite" else POSTGRES_SCHEMA
    return {
        name: sorted(re.sub(r"[\s\"]+", "", definition).removesuffix(")").split(","))
        for name, definition in connection.execute(text(query))
        if "alembic_version" not in name + definition
    }


def test_upgrading_an_empty_database_gives_exactly_our_tables(empty: Engine) -> None:
    migrations.upgrade(empty)
    with empty.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        migrated = schema_of(connection)
    migrations.downgrade(empty, "base")
    Base.metadata.create_all(empty)
    with empty.connect() as connection:
        assert migrated == schema_of(connection)


def test_downgrading_to_the_base_leaves_nothing(empty: Engine) -> None:
    migrations.upgrade(empty)
    migrations.downgrade(empty, "base")
    with empty.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
        assert schema_of(connection) == {}


def test_upgrading_again_changes_nothing(empty: Engine) -> None:
    migrations.upgrade(empty)
    with empty.connect() as connection:
        before = schema_of(connection)
    migrations.upgrade(empty)
    with empty.connect() as connection:
        assert schema_of(connection) == before


def test_a_step_that_fails_leaves_the_database_as_it_was(empty: Engine) -> None:
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE wearer (id INTEGER)"))  # in the way of a later step
    with pytest.raises(Exception, match="wearer"):
        migrations.upgrade(empty)
    with empty.connect() as connection:
        assert inspect(connection).get_table_names() == ["wearer"]

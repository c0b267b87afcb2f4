"""Fixtures with a real broker and real processes: `broker` runs only NATS, `house` nothing yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, open_house, sqlite_of


@pytest.fixture
def house(tmp_path: Path, sqlite_template: Path) -> Iterator[House]:
    """A house on SQLite; start what the test needs: `house.start("nats", "broker-accounts", "worker")`."""
    home = tmp_path / "home"
    with open_house(home, sqlite_of(sqlite_template, home)) as house:
        yield house


@pytest.fixture
def house_on_each(tmp_path: Path, database_url: str) -> Iterator[House]:
    """The same, once per kind of database."""
    with open_house(tmp_path / "home", database_url) as house:
        yield house


@pytest.fixture
def broker(house: House) -> House:
    """A house in which only the broker runs."""
    house.start("nats")
    return house

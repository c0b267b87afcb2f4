"""Tables and queries of people, orders, devices and the log of their changes."""

from collections.abc import Collection, Iterator
from uuid import UUID

_BATCH = 5_000
"""SQLite takes 32,766 values in one statement, PostgreSQL 65,535."""


def batches(ids: Collection[UUID]) -> Iterator[list[UUID]]:
    """Give ids in lists short enough for one statement."""
    every = list(ids)
    for first in range(0, len(every), _BATCH):
        yield every[first : first + _BATCH]

"""Nouns of machines' keys: what an integrator's program may do."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Conflict, Invalid, NotFound

INTEGRATOR = "integrator"
"""The role of whoever holds a key; no route lets it in by this role, only by one of the key's scopes."""
LONGEST_LIFE = timedelta(days=366)
"""A key that nobody remembers must end by itself; proposal."""
MAX_KEYS = 200
"""Of one house, revoked and expired ones not counted; proposal."""
CALLS_PER_MINUTE = 600
"""Per key: ten a second held, ten seconds of it at once. Proposal; a device of its own speaks MQTT."""
BURST = 100
MAX_BUCKETS = 1000
"""How many keys' rates one process remembers, some 100 bytes each; the longest unused is forgotten."""


class Scope(StrEnum):
    """What a key may be allowed; each is asked for by name at the routes that it opens."""

    ALERTS_READ = "alerts:read"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    DEVICES_READ = "devices:read"
    DEVICES_WRITE = "devices:write"
    HEALTH_READ = "health:read"


@dataclass(frozen=True, slots=True)
class KeyDraft:
    """What a supervisor asks for: a name that says whose program it is, and how long it may."""

    name: str
    scopes: frozenset[Scope]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept; the key itself is stored nowhere.

    Attributes:
        prefix: Its first characters, by which people tell keys apart.
        made_by: The supervisor; None is the command line.
        used_on: The last day (UTC) on which it opened something.
    """

    id: UUID
    name: str
    prefix: str
    scopes: frozenset[Scope]
    made_by: UUID | None
    created_at: datetime
    expires_at: datetime
    used_on: date | None
    revoked_at: datetime | None

    @property
    def role(self) -> str:
        """A machine, whatever its scopes are."""
        return INTEGRATOR


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key with its text, shown this once."""

    key: ApiKey
    text: str


class KeyNotFound(NotFound):
    """There is no such key."""


class BadKey(Invalid):
    """The key asked for cannot be."""


class TooManyKeys(Conflict):
    """The house has as many keys as it may."""

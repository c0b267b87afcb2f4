"""What an open history is made of: its parts and how each is found, its header, and what can be wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from api.kernel.errors import Conflict, Invalid, NotFound

FORMAT = "baken-history"
VERSION = 2
"""Rises when a file of the version before cannot be read any more."""
LINK_DIGITS = 16
"""Hexadecimal digits of a row's link: enough to tell where a file was altered; the footer has all 64."""
EXPORTED, IMPORTED = "evidence.export_history", "evidence.import_history"
TRANSFERS = frozenset({EXPORTED, IMPORTED})
"""Acts on the history itself: they travel, and do not count when two histories are compared."""
NO_TEXT = "-"
"""Stands where a name or a reason of people of other orders would."""

Row = dict[str, Any]
"""Column to value, as Python has it."""


class Kind(StrEnum):
    """What a column holds; how each is written is in ops/contracts/history.md."""

    UUID = "uuid"
    TIME = "time"
    BYTES = "bytes"
    FLOAT = "float"
    SMALL = "small"
    BIG = "big"
    BOOL = "bool"
    TEXT = "text"
    JSON = "json"


class Ids(StrEnum):
    """The sets of ids from which an order's rows are found.

    ORDER is the order itself, OWN_PEOPLE are its wearers and protected persons at any time. DEVICES are
    whatever these ever carried, DEVICE_NAMES the same as in topics. ORDERS are the order and those beside
    it that share one of its people; WEARERS and PEOPLE are all who are named by these or carried a device.
    """

    ORDER = "order"
    OWN_PEOPLE = "own_people"
    DEVICES = "devices"
    DEVICE_NAMES = "device_names"
    ORDERS = "orders"
    WEARERS = "wearers"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class By:
    """Rows whose `column` is one of a set; with `without`, only where that other column is NULL."""

    column: str
    among: Ids
    without: str | None = None


@dataclass(frozen=True, slots=True)
class Via:
    """Rows whose `column` is column `of` of a chosen row of another part."""

    column: str
    table: str
    of: str


@dataclass(frozen=True, slots=True)
class Until:
    """Rows of the house whose `column` is not after the last judging of the order's devices."""

    column: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column that is encrypted with the house's key, and leaves it open under `name`.

    Attributes:
        cipher: The name that the owning room gave its `ColumnCipher`; the row's id is column `id`.
        is_text: UTF-8; otherwise bytes.
    """

    cipher: str
    name: str
    is_text: bool


@dataclass(frozen=True, slots=True)
class Hidden:
    """A column, by its name in the file, that says `stand_in` where `unless` is not one of a set."""

    column: str
    unless: str
    among: Ids
    stand_in: str | None


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that names a row of another part; in a JSON column, each of a list does.

    `besides` are values that name nothing, such as the batch 0 of what is older than batches.
    """

    table: str
    column: str = "id"
    besides: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One table of the history.

    Attributes:
        reach: A row belongs to the history when any of these finds it.
        sealed: Per column of the table.
        recast: Per column, values that become another when the history leaves the house: what is still to
            be done. A file that has them is refused.
        counter: The column that the database counts; the next number must come after the imported ones.
        may_be_there: A house that takes a history may have rows of its own.
    """

    table: str
    reach: tuple[By | Via | Until, ...]
    references: Mapping[str, Reference] = field(default_factory=dict)
    sealed: Mapping[str, Sealed] = field(default_factory=dict)
    hidden: tuple[Hidden, ...] = ()
    recast: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    counter: str | None = None
    may_be_there: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the file has it."""

    name: str
    kind: Kind
    is_nullable: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A part with its columns as the file has them; `key` is the order of its rows."""

    part: Part
    columns: tuple[Column, ...]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Attributes:
        counts: Rows per table; tables without rows are left out.
        shared_with: How many other orders share people or devices with this one.
        house: SHA-256 of a key derived from the house's: the same house has the same id.
        ledger: Head of the house's hash chain at that moment, `number:link`.
    """

    order_id: UUID
    reference: str
    made_at: datetime
    rule_version: str
    house: str
    ledger: str
    shared_with: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file; `number` counts lines from 1."""

    number: int
    table: str
    row: Row


@dataclass(frozen=True, slots=True)
class Told:
    """What was read or written, whole.

    Attributes:
        sha256: Of every line before the footer, as in the footer.
        canonical: Digest of what counts as the same history; empty when it was not asked for.
    """

    header: Header
    rows: int
    sha256: str
    canonical: str = ""


class BadHistory(Invalid):
    """The file is no history that can be taken; the sentence names the line."""


class NotEmpty(Conflict):
    """This house has something of its own already."""


class NoSuchOrder(NotFound):
    """No order has this id or reference."""


class BadSeal(Invalid):
    """The sealed file does not open: another key, or not as it was sealed."""

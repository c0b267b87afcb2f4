"""The hash chain over what must never change unseen: alerts, people's acts, accesses, messages, commands.

Each row that is written is linked at the end of its transaction: the link holds the hash of the row and of
the link before it. Whoever alters, adds or removes a row has to make every later link anew, and cannot: each
link is also sealed with a key that the database does not hold. What remains possible is to cut off the end
together with its rows; the head of the chain therefore leaves the house with every message to the police.

A row that may change, such as an alert, is linked again at each change: the latest link counts.
"""

import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

from sqlalchemy import BigInteger, Index, Integer, Row, Table, Text, func, insert, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.crypto import derive, hash_token, sign
from api.kernel.db import Base, before_commit, serialise, server_key

ORIGIN = "0" * 64
"""What the first link follows."""
UNCHAINED = "unchained"
"""Key of a table's `info`: the columns that may change without a link, such as the state of a delivery."""
_NOTED = "baken_ledger"
_PER_QUERY = 400
"""SQLite takes 32,766 values in one statement, PostgreSQL 65,535."""


class _LinkRow(Base):
    __tablename__ = "ledger"
    __table_args__ = (Index(None, "table_name", "row_key"),)

    # Counted by ourselves under a lock: a sequence of the database leaves holes when it rolls back.
    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    table_name: Mapped[str] = mapped_column(Text)
    row_key: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(Text)
    seal: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link; `number` 0 with `ORIGIN` before the first."""

    number: int
    link: str


@dataclass(frozen=True, slots=True)
class Link:
    """One row's link, for an evidence pack: anybody can compute it again from the one before."""

    number: int
    table: str
    key: str
    digest: str
    link: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written.

    Attributes:
        where: `<table> <key>` or `ledger <number>`.
        what: A sentence.
    """

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and what was found; no fault is a whole chain."""

    links: int
    rows: int
    head: Head
    faults: tuple[Fault, ...]


def chained(*unchained: str) -> dict[str, Any]:
    """Return the table arguments of a chained table whose columns `unchained` may change without a link."""
    return {"info": {UNCHAINED: frozenset(unchained)}}


def note(session: Session, row_class: type[Base], keys: Collection[Any]) -> None:
    """Let these rows, by primary key (a tuple where it has several columns), be linked at the end."""
    if not keys:
        return
    noted: dict[tuple[str, tuple[Any, ...]], None] | None = session.info.get(_NOTED)
    if noted is None:
        noted = session.info[_NOTED] = {}
        before_commit(session, _link_noted)
    name = cast("Table", row_class.__table__).name
    noted.update(dict.fromkeys((name, key if isinstance(key, tuple) else (key,)) for key in keys))


def link_now(session: Session, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
    """Link rows now instead of at the end: for a transaction with more rows than memory should hold.

    It takes the ledger's lock at once, so it is only for one that nobody else waits for.
    """
    rows = _rows(session, table, keys)
    append(session, [(table.name, _key_text(table, row), _digest(table, row)) for row in rows])


def _link_noted(session: Session) -> None:
    noted: dict[tuple[str, tuple[Any, ...]], None] = session.info.pop(_NOTED)
    contents: dict[tuple[str, str], str] = {}
    for name in dict.fromkeys(name for name, _key in noted):
        table = Base.metadata.tables[name]
        for row in _rows(session, table, [key for of, key in noted if of == name]):
            contents[name, _key_text(table, row)] = _digest(table, row)
    append(session, [(name, key, digest) for (name, key), digest in contents.items()])


def append(session: Session, entries: Sequence[tuple[str, str, str]]) -> None:
    """Append links for (table, key, digest), in this order; `note` is what others use."""
    serialise(session, "ledger")  # the last lock that any transaction takes
    last, key = head(session), derive(server_key(session), "ledger")
    number, link = last.number, last.link
    rows = []
    for table, row_key, digest in entries:
        number += 1
        link = next_link(link, number, table, row_key, digest)
        rows.append(
            {
                "number": number,
                "table_name": table,
                "row_key": row_key,
                "digest": digest,
                "link": link,
                "seal": sign(key, link.encode()),
            }
        )
    if rows:
        session.execute(insert(_LinkRow), rows)


def next_link(before: str, number: int, table: str, key: str, digest: str) -> str:
    """Return the SHA-256 that links a row's digest to the link before it, hexadecimal."""
    return hash_token("\n".join((before, str(number), table, key, digest)))


def head(session: Session) -> Head:
    """Return the newest link."""
    newest = select(_LinkRow.number, _LinkRow.link).order_by(_LinkRow.number.desc()).limit(1)
    row = session.execute(newest).first()
    return Head(0, ORIGIN) if row is None else Head(row.number, row.link)


def links_of(session: Session, table: str, keys: Collection[Any]) -> list[Link]:
    """Return every link of these rows of a table, by single primary key, oldest first."""
    wanted = sorted(json.dumps([_plain(key)]) for key in keys)
    found: list[Link] = []
    for start in range(0, len(wanted), _PER_QUERY):
        part = wanted[start : start + _PER_QUERY]
        rows = session.scalars(
            select(_LinkRow).where(_LinkRow.table_name == table, _LinkRow.row_key.in_(part))
        )
        found += [Link(row.number, row.table_name, row.row_key, row.digest, row.link) for row in rows]
    return sorted(found, key=lambda one: one.number)


def adopt(session: Session) -> int:
    """Link every row that is older than the ledger; only an empty one does this. Returns how many."""
    serialise(session, "ledger")
    if head(session).number:
        return 0
    entries = [
        (table.name, key, digest) for table in chained_tables() for key, digest in _digests(session, table)
    ]
    append(session, entries)
    return len(entries)


def chained_tables() -> list[Table]:
    """Return the tables whose rows are linked, by name."""
    return [table for table in Base.metadata.sorted_tables if UNCHAINED in table.info]


def verify(session: Session, anchor: Head | None = None, *, at_most: int = 20) -> Verified:
    """Hold the chain against itself, its seals and every row of the chained tables.

    `anchor` is a head that somebody outside was given earlier: it must be one of the links still.
    Stops collecting after `at_most` faults; the first is the oldest broken link, then rows by table.
    """
    faults: list[Fault] = []
    links, last = 0, Head(0, ORIGIN)
    for at, fault in _check_links(session):
        links, last = links + 1, at
        if fault is not None and len(faults) < at_most:
            faults.append(fault)
    if anchor is not None and not _is_link(session, anchor):
        what = "the chain does not hold the link that was given: it was cut off or made anew"
        faults.append(Fault(f"ledger {anchor.number}", what))
    rows = 0
    for table in chained_tables():
        counted, found = _check_rows(session, table)
        rows += counted
        faults += found[: max(0, at_most - len(faults))]
    return Verified(links, rows, last, tuple(faults))


def _is_link(session: Session, anchor: Head) -> bool:
    row = session.get(_LinkRow, anchor.number)
    return anchor == Head(0, ORIGIN) or (row is not None and row.link == anchor.link)


def _check_links(session: Session) -> Iterator[tuple[Head, Fault | None]]:
    key = derive(server_key(session), "ledger")
    number, link = 0, ORIGIN
    for row in session.scalars(select(_LinkRow).order_by(_LinkRow.number)).yield_per(1000):
        where = f"ledger {row.number}"
        fault = None
        if row.number != number + 1:
            fault = Fault(where, f"the links {number + 1} to {row.number - 1} are missing")
        elif row.link != next_link(link, row.number, row.table_name, row.row_key, row.digest):
            fault = Fault(where, f"the link of {_where(row.table_name, row.row_key)} was altered")
        elif row.seal != sign(key, row.link.encode()):
            fault = Fault(where, "the link was made without this house's key")
        number, link = row.number, row.link
        yield Head(number, link), fault


def _check_rows(session: Session, table: Table) -> tuple[int, list[Fault]]:
    """Hold the rows of one table against the latest link of each."""
    newest = select(func.max(_LinkRow.number)).where(_LinkRow.table_name == table.name)
    latest = dict(
        session.execute(
            select(_LinkRow.row_key, _LinkRow.digest).where(
                _LinkRow.number.in_(newest.group_by(_LinkRow.row_key))
            )
        ).all()
    )
    count, faults = 0, []
    for key, digest in _digests(session, table):
        count += 1
        linked = latest.pop(key, None)
        if linked is None:
            faults.append(Fault(_where(table.name, key), "the row was added past the ledger"))
        elif linked != digest:
            faults.append(Fault(_where(table.name, key), "the row was altered after it was written"))
    faults += [Fault(_where(table.name, key), "the row was removed") for key in latest]
    return count, faults


def _digests(session: Session, table: Table) -> Iterator[tuple[str, str]]:
    for row in session.execute(select(table).order_by(*table.primary_key)).yield_per(1000):
        yield _key_text(table, row), _digest(table, row)


def _rows(session: Session, table: Table, keys: Sequence[tuple[Any, ...]]) -> Iterator[Row[Any]]:
    columns = list(table.primary_key)
    for start in range(0, len(keys), _PER_QUERY):
        part = keys[start : start + _PER_QUERY]
        one = len(columns) == 1
        wanted = columns[0].in_([key[0] for key in part]) if one else tuple_(*columns).in_(part)
        yield from session.execute(select(table).where(wanted).order_by(*columns))


def _digest(table: Table, row: Row[Any]) -> str:
    """Return the SHA-256 of a row as JSON; what is NULL is left out, so that a new column breaks no link."""
    left_out: frozenset[str] = table.info[UNCHAINED]
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to the columns by name
    content = {
        column.name: _plain(values[column.name])
        for column in table.columns
        if column.name not in left_out and values[column.name] is not None
    }
    return hash_token(json.dumps(content, sort_keys=True, separators=(",", ":")))


def _key_text(table: Table, row: Row[Any]) -> str:
    values = row._mapping  # noqa: SLF001 - as above
    return json.dumps([_plain(values[column.name]) for column in table.primary_key])


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    """Return a value as JSON type, the same from both databases."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value


def _where(table: str, key: str) -> str:
    return f"{table} {', '.join(str(part) for part in json.loads(key))}"

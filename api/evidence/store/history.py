"""Queries of a history: every row of an order, whatever room its table belongs to, and the same put back.

Rooms otherwise ask each other's services. Here it is the tables themselves, by name, as the hash chain does
it: a history is complete only when nothing that a service does not show is left behind. What is read and
how is the plan's (`model.history_plan`) alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    and_,
    collate,
    false,
    func,
    or_,
    select,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from api.evidence.model.history import By, Column, Ids, Kind, Layout, Line, Part, Row, Until, Via
from api.evidence.model.history_plan import PLAN
from api.kernel import ledger
from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key

PER_FETCH = 1000
"""Rows that are in memory at once."""
_KINDS: tuple[tuple[type[TypeEngine[Any]] | type[UtcDateTime], Kind], ...] = (
    (UtcDateTime, Kind.TIME),
    (Uuid, Kind.UUID),
    (JSON, Kind.JSON),
    (LargeBinary, Kind.BYTES),
    (Boolean, Kind.BOOL),
    (BigInteger, Kind.BIG),
    (Integer, Kind.SMALL),
    (Float, Kind.FLOAT),
    (String, Kind.TEXT),
)
"""A column's type in SQLAlchemy to what the file says; a more special one stands before its base."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the rows of one order are found; `until` is when its devices were judged last, if ever."""

    order_id: UUID
    reference: str
    ids: Mapping[Ids, frozenset[Any]]
    until: datetime | None


class Refused(Exception):
    """The database does not take a row; `line` is its number."""

    def __init__(self, line: int, why: str) -> None:
        """Keep the line."""
        super().__init__(why)
        self.line = line


def layouts() -> list[Layout]:
    """Return every part with its columns as this version has them."""
    return [_layout(part) for part in PLAN]


def find_order(session: Session, name: str) -> UUID | None:
    """Return the order with this id or reference."""
    order = _table("protective_order")
    found = session.scalar(select(order.c.id).where(order.c.reference == name))
    if found is None and (order_id := _uuid(name)) is not None:
        found = session.scalar(select(order.c.id).where(order.c.id == order_id))
    return found


def scope_of(session: Session, order_id: UUID) -> Scope:
    """Gather whose rows belong to an order; a few ids each, never rows."""
    order, version, protects = _table("protective_order"), _table("order_version"), _table("order_person")
    carried = _table("assignment")
    wearers, people = _parties(session, {order_id})
    mine = or_(carried.c.wearer_id.in_(wearers), carried.c.protected_person_id.in_(people))
    devices = set(session.scalars(select(carried.c.device_id).where(mine)))
    orders = {order_id}
    orders |= set(session.scalars(select(order.c.id).where(order.c.wearer_id.in_(wearers))))
    orders |= set(session.scalars(select(version.c.order_id).where(version.c.wearer_id.in_(wearers))))
    orders |= set(session.scalars(select(protects.c.order_id).where(protects.c.person_id.in_(people))))
    all_wearers, all_people = _parties(session, orders)
    carriers = select(carried.c.wearer_id, carried.c.protected_person_id).where(
        carried.c.device_id.in_(devices)
    )
    for wearer_id, person_id in session.execute(carriers):
        all_wearers |= {wearer_id} if wearer_id else set()
        all_people |= {person_id} if person_id else set()
    ids: dict[Ids, frozenset[Any]] = {
        Ids.ORDER: frozenset({order_id}),
        Ids.OWN_PEOPLE: frozenset(wearers | people),
        Ids.DEVICES: frozenset(devices),
        Ids.DEVICE_NAMES: frozenset(str(one) for one in devices) | frozenset(one.hex for one in devices),
        Ids.ORDERS: frozenset(orders),
        Ids.WEARERS: frozenset(all_wearers),
        Ids.PEOPLE: frozenset(all_people),
    }
    reference = session.scalars(select(order.c.reference).where(order.c.id == order_id)).one()
    scope = Scope(order_id, reference, ids, None)
    batch = _table("judged_batch")
    until = session.scalar(select(func.max(batch.c.judged_at)).where(_reached("judged_batch", scope)))
    return Scope(order_id, reference, ids, until)


def count_rows(session: Session, scope: Scope, layout: Layout) -> int:
    """Return how many rows of a table belong to the history."""
    table = _table(layout.part.table)
    query = select(func.count()).select_from(table).where(_reached(layout.part.table, scope))
    return session.scalar(query) or 0


def list_rows(session: Session, scope: Scope, layout: Layout) -> Iterator[Row]:
    """Give the rows of a table that belong to the history, by primary key, as the file has them."""
    part, table = layout.part, _table(layout.part.table)
    by_key = [_in_order(session, column) for column in table.primary_key]
    query = select(table).where(_reached(part.table, scope)).order_by(*by_key)
    ciphers = {name: ColumnCipher(server_key(session), sealed.cipher) for name, sealed in part.sealed.items()}
    connection = session.connection()
    for found in connection.execute(query, execution_options={"yield_per": PER_FETCH}).mappings():
        row = dict(found)
        for hidden in part.hidden:
            if row[hidden.unless] not in scope.ids[hidden.among]:
                _hide(part, row, hidden.column, hidden.stand_in)
        for name, cipher in ciphers.items():
            _open(part, row, name, cipher)
        for name, recast in part.recast.items():
            row[name] = recast.get(row[name], row[name])
        yield row


def find_full(session: Session) -> str | None:
    """Return a table of the plan that has rows already, in which a house that takes a history has none."""
    for part in PLAN:
        if (
            not part.may_be_there
            and session.execute(select(1).select_from(_table(part.table)).limit(1)).all()
        ):
            return part.table
    return None


def add_rows(session: Session, layout: Layout, lines: Sequence[Line]) -> None:
    """Put rows of one table back, seal what is sealed here, and link what is chained; raises Refused."""
    part, table = layout.part, _table(layout.part.table)
    rows = [_sealed(session, part, line.row) for line in lines]
    try:
        with session.begin_nested():
            session.connection().execute(table.insert(), rows)
    except (DataError, IntegrityError):
        # One of them: told by its line. Whatever was put in before it goes with the transaction.
        for line, row in zip(lines, rows, strict=True):
            _add_one(session, table, line.number, row)
    if ledger.UNCHAINED in table.info:
        keys = [tuple(row[column.name] for column in table.primary_key) for row in rows]
        ledger.link_now(session, table, keys)


def raise_counters(session: Session) -> None:
    """Let the database count on after the imported numbers; SQLite does so by itself."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for part in PLAN:
        if part.counter is not None:
            last = session.scalar(select(func.max(_table(part.table).c[part.counter])))
            if last is not None:
                query = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")
                session.execute(query, {"table": part.table, "column": part.counter, "last": last})


def _add_one(session: Session, table: Table, line: int, row: Row) -> None:
    try:
        session.connection().execute(table.insert(), [row])
    except IntegrityError as error:
        raise Refused(line, "contradicts another row") from error
    except DataError as error:
        raise Refused(line, "holds a value that this kind of database cannot keep") from error


def _layout(part: Part) -> Layout:
    table = _table(part.table)
    return Layout(
        part,
        tuple(_column(part, column) for column in table.columns),
        tuple(column.name for column in table.primary_key),
    )


def _column(part: Part, column: SqlColumn[Any]) -> Column:
    nullable = bool(column.nullable)
    if (sealed := part.sealed.get(column.name)) is not None:
        return Column(sealed.name, Kind.TEXT if sealed.is_text else Kind.BYTES, nullable)
    kind = next(kind for known, kind in _KINDS if isinstance(column.type, known))
    return Column(column.name, kind, nullable)


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _parties(session: Session, orders: set[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Return the wearers and the protected persons of orders, at any time."""
    order, version, protects = _table("protective_order"), _table("order_version"), _table("order_person")
    wearers = set(session.scalars(select(order.c.wearer_id).where(order.c.id.in_(orders))))
    people = set(session.scalars(select(protects.c.person_id).where(protects.c.order_id.in_(orders))))
    then = select(version.c.wearer_id, version.c.protected_person_ids).where(version.c.order_id.in_(orders))
    for wearer_id, person_ids in session.execute(then):
        wearers.add(wearer_id)
        people |= {UUID(person_id) for person_id in person_ids}
    return wearers, people


def _reached(name: str, scope: Scope) -> ColumnElement[bool]:
    part = next(part for part in PLAN if part.table == name)
    return or_(*map(partial(_found_by, _table(name), scope), part.reach))


def _found_by(table: Table, scope: Scope, way: By | Via | Until) -> ColumnElement[bool]:
    column = table.c[way.column]
    if isinstance(way, By):
        found = column.in_(sorted(scope.ids[way.among]))
        return found if way.without is None else and_(found, table.c[way.without].is_(None))
    if isinstance(way, Via):
        other = _table(way.table)
        return column.in_(select(other.c[way.of]).where(_reached(way.table, scope)))
    return false() if scope.until is None else column <= scope.until


def _in_order(session: Session, column: SqlColumn[Any]) -> ColumnElement[Any]:
    """Return what to sort by: text by its bytes, as SQLite does; PostgreSQL has the order of a language."""
    is_text = isinstance(column.type, String) and session.get_bind().dialect.name == "postgresql"
    return collate(column, "C") if is_text else column


def _hide(part: Part, row: Row, column: str, stand_in: str | None) -> None:
    """Put a stand-in where the file would have a value; a sealed one is not even opened."""
    for name in [name for name, sealed in part.sealed.items() if sealed.name == column]:
        del row[name]
    row[column] = stand_in


def _open(part: Part, row: Row, name: str, cipher: ColumnCipher) -> None:
    if name not in row:
        return
    sealed, value = part.sealed[name], row.pop(name)
    plain = None if value is None else cipher.unseal(row["id"], value)
    row[sealed.name] = plain.decode() if plain is not None and sealed.is_text else plain


def _sealed(session: Session, part: Part, row: Row) -> Row:
    stored = dict(row)
    for name, sealed in part.sealed.items():
        plain = stored.pop(sealed.name)
        if plain is not None:
            plain = plain.encode() if sealed.is_text else plain
            plain = ColumnCipher(server_key(session), sealed.cipher).seal(row["id"], plain)
        stored[name] = plain
    return stored

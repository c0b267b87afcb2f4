"""Use cases of the open history: write it, check it, take it into an empty house.

Whoever calls has made every room's tables known (`api.migrations.import_tables`).
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import RULE_VERSION
from api.evidence.model.history import (
    EXPORTED,
    IMPORTED,
    LINK_DIGITS,
    BadHistory,
    Header,
    Ids,
    Layout,
    Line,
    NoSuchOrder,
    NotEmpty,
    Told,
)
from api.evidence.rules.history import encode_footer, encode_header, line_of, linked, row_line
from api.evidence.rules.history_reading import Canonical, Reading
from api.evidence.store import history as store
from api.geofence.memory import Memory
from api.geofence.model import Limits
from api.geofence.service import evidence, sightings
from api.kernel import audit, ledger
from api.kernel.crypto import derive, hash_token
from api.kernel.db import serialise, server_key
from api.kernel.errors import DomainError
from api.orders import service as orders
from api.orders.service.watches import REGISTER

PER_INSERT = 1000
"""Rows that are put in together."""
PER_NEWS = 50_000
"""Rows until whoever waits is told how far it is."""

Progress = Callable[[int, int], object]
"""Is told rows done and rows in all (0: not known yet)."""


def find_order(session: Session, name: str) -> UUID:
    """Return the order with this reference or id; raises NoSuchOrder."""
    order_id = store.find_order(session, name)
    if order_id is None:
        raise NoSuchOrder("There is no order with this id or reference.")
    return order_id


def note_export(session: Session, order_id: UUID, reason: str, now: datetime) -> None:
    """Write down that an order's history leaves the house: of the order, and of everybody whose name does.

    Committed before the first line is written, so that no history leaves without it.
    """
    scope = store.scope_of(session, order_id)
    for object_id in [order_id, *sorted(scope.ids[Ids.OWN_PEOPLE])]:
        audit.record(session, now, None, EXPORTED, object_id, reason)


def export_history(
    session: Session, order_id: UUID, now: datetime, write: Callable[[bytes], object], progress: Progress
) -> Told:
    """Write everything about an order as lines; `session` reads one consistent state.

    Raises Undecipherable when the house's key is not the one that the names were sealed with.
    """
    scope, layouts = store.scope_of(session, order_id), store.layouts()
    counts = {layout.part.table: store.count_rows(session, scope, layout) for layout in layouts}
    head = ledger.head(session)
    header = Header(
        order_id=order_id,
        reference=scope.reference,
        made_at=now,
        rule_version=RULE_VERSION,
        house=hash_token(derive(server_key(session), "house").hex()),
        ledger=f"{head.number}:{head.link}",
        shared_with=len(scope.ids[Ids.ORDERS]) - 1,
        counts={table: count for table, count in counts.items() if count},
    )
    every, done, sha, canonical = sum(counts.values()), 0, hashlib.sha256(), Canonical(order_id)

    def say(line: bytes) -> None:
        sha.update(line)
        write(line)

    say(line_of(encode_header(header)))
    for layout in layouts:
        for row in store.list_rows(session, scope, layout):
            line = row_line(layout, row)
            canonical.add(layout.part.table, row, line)
            say(linked(line, sha.hexdigest()[:LINK_DIGITS]))
            done += 1
            if done % PER_NEWS == 0:
                progress(done, every)
    write(line_of(encode_footer(done + 1, sha.hexdigest())))
    return Told(header, done, sha.hexdigest(), canonical.digest())


def check_history(lines: Iterable[bytes], progress: Progress, *, canonical: bool = False) -> Told:
    """Read a whole history without a database; raises BadHistory for the first line at fault."""
    reading = Reading(store.layouts(), canonical=canonical)
    for raw in lines:
        reading.take(raw)
        _tell(reading, progress)
    return reading.end()


def import_history(session: Session, lines: Iterable[bytes], now: datetime, progress: Progress) -> Told:
    """Take a history into this house, which must be empty; the caller's transaction is all or nothing.

    Numbers and ids stay as they are, names and keys are sealed with this house's key, chained rows are
    linked in this house's chain, and the import is an act in the audit trail.

    Raises:
        NotEmpty: The house has something of its own.
        BadHistory: A line cannot be taken; nothing may be committed then.
    """
    serialise(session, REGISTER)
    if (table := store.find_full(session)) is not None:
        raise NotEmpty(
            f"This house is not empty (table {table}): a history is taken into a new database, made with "
            "`python -m api setup` and `python -m api migrate`, before its other processes have run. "
            "Nothing was imported."
        )
    layouts = store.layouts()
    reading = Reading(layouts)
    for layout, batch in _batches(reading, lines, layouts, progress):
        try:
            store.add_rows(session, layout, batch)
        except store.Refused as refused:
            raise BadHistory(f"Line {refused.line} {refused}.") from refused
    told = reading.end()
    _check_readable(session, told.header.order_id, now)
    store.raise_counters(session)
    why = f"from house {told.header.house}, sha256 {told.sha256}"
    audit.record(session, now, None, IMPORTED, told.header.order_id, why)
    return told


def _check_readable(session: Session, order_id: UUID, now: datetime) -> None:
    """Read what was put in as worker, control room and replay will; raises BadHistory.

    Words, shapes and limits are texts to the database: one that this version does not know would otherwise
    be found by the worker, at its start, with an order to guard.
    """
    try:
        Memory(Limits()).restore(session, now)
        found = orders.history_of(session, order_id, None)
        evidence.list_zone_steps(session, found.order_ids)
        evidence.list_limits_steps(session, found.order_ids)
        evidence.list_house_limits(session)
        sightings.list_seen(session, found.order_ids)
        alerts.list_playbooks(session)
        seq = 0
        while entries := alerts.news_after(session, seq, PER_INSERT):
            seq = entries[-1][0].seq
    except (ValueError, TypeError, LookupError, AttributeError, msgspec.MsgspecError, DomainError) as error:
        raise BadHistory(
            f"Every line is whole, and this version cannot read what they say ({type(error).__name__}): "
            "the file was written by another version, or by hand. Nothing was imported."
        ) from error


def _batches(
    reading: Reading, lines: Iterable[bytes], layouts: Sequence[Layout], progress: Progress
) -> Iterator[tuple[Layout, list[Line]]]:
    """Give checked rows of one table together; the footer's line gives the last ones."""
    of_table = {layout.part.table: layout for layout in layouts}
    batch: list[Line] = []
    for raw in lines:
        line = reading.take(raw)
        _tell(reading, progress)
        if batch and (line is None or line.table != batch[0].table or len(batch) == PER_INSERT):
            yield of_table[batch[0].table], batch
            batch = []
        if line is not None:
            batch.append(line)


def _tell(reading: Reading, progress: Progress) -> None:
    if reading.number % PER_NEWS == 0 and reading.header is not None:
        progress(reading.number, sum(reading.header.counts.values()))

"""A history read line by line: each is what it may be at its place, and at the end nothing is missing."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.evidence.model.history import (
    FORMAT,
    LINK_DIGITS,
    TRANSFERS,
    VERSION,
    BadHistory,
    Header,
    Layout,
    Line,
    Row,
    Told,
)
from api.evidence.rules.history import (
    BadValue,
    decode_footer,
    decode_header,
    decode_row,
    key_of,
    line_of,
    parse,
    row_line,
)


class Canonical:
    """The digest by which two histories are the same: who wrote the file, and when, is no part of it."""

    def __init__(self, order_id: UUID) -> None:
        """Begin with what the history is about."""
        self._sha = hashlib.sha256(line_of({"format": FORMAT, "version": VERSION, "order": str(order_id)}))

    def add(self, table: str, row: Row, line: bytes) -> None:
        """Add a row's canonical line; acts on the history itself are left out."""
        if table != "audit" or row["act"] not in TRANSFERS:
            self._sha.update(line)

    def digest(self) -> str:
        """Return what was added, as 64 hexadecimal digits."""
        return self._sha.hexdigest()


class Reading:
    """One file on its way in. Everything that is wrong is BadHistory with the number of the line."""

    def __init__(self, layouts: Sequence[Layout], *, canonical: bool = False) -> None:
        """Expect these tables in this order; `canonical` asks for the digest too."""
        self.header: Header | None = None
        self._wants_canonical = canonical
        self._canonical: Canonical | None = None
        self._layouts = {layout.part.table: layout for layout in layouts}
        self._rank = {layout.part.table: rank for rank, layout in enumerate(layouts)}
        self._named = {
            (reference.table, reference.column): set[Any]()
            for layout in layouts
            for reference in layout.part.references.values()
        }
        self._counts = dict.fromkeys(self._layouts, 0)
        self._last: tuple[int, tuple[Any, ...]] | None = None
        self._sha = hashlib.sha256()
        self._ended: str | None = None
        self.number = 0

    def take(self, raw: bytes) -> Line | None:
        """Return the row of the next line; None for header and footer."""
        self.number += 1
        try:
            return self._take(raw)
        except BadValue as error:
            raise BadHistory(f"Line {self.number} {error}.") from error

    def end(self) -> Told:
        """Return what was read; to be called after the last line."""
        if self.header is None or self._ended is None:
            raise BadHistory(f"The file ends after line {self.number}, without its footer: it was cut off.")
        return Told(
            self.header,
            sum(self._counts.values()),
            self._ended,
            self._canonical.digest() if self._canonical else "",
        )

    def _take(self, raw: bytes) -> Line | None:
        if self._ended is not None:
            raise BadValue("stands after the footer")
        if not raw.endswith(b"\n"):
            raise BadValue("is cut off")
        content = parse(raw)
        if "footer" in content:
            self._end(content)
            return None
        before = self._sha.hexdigest()
        self._sha.update(raw)
        if self.header is None:
            self.header = decode_header(content, list(self._layouts))
            self._canonical = Canonical(self.header.order_id) if self._wants_canonical else None
            return None
        return self._row(content, before)

    def _row(self, content: dict[str, Any], before: str) -> Line:
        table = content.get("table")
        if content.keys() != {"link", "table", "row"} or not isinstance(table, str):
            raise BadValue('is not a row: {"link": …, "row": …, "table": …}')
        if content["link"] != before[:LINK_DIGITS]:
            raise self._altered()
        layout = self._layouts.get(table)
        if layout is None:
            raise BadValue(f"is of a table {table[:40]!r}, which this version does not know")
        row = decode_row(layout, content["row"])
        _check_left(layout, row)
        place = (self._rank[table], key_of(layout, row))
        if self._last is not None and place <= self._last:
            again = place == self._last
            raise BadValue("is there twice" if again else "is not in the order of tables and keys")
        self._last = place
        self._counts[table] += 1
        self._check_references(layout, row)
        if self._canonical is not None:
            self._canonical.add(table, row, row_line(layout, row))
        return Line(self.number, table, row)

    def _check_references(self, layout: Layout, row: Row) -> None:
        for column, reference in layout.part.references.items():
            value = row[column]
            named = self._named[reference.table, reference.column]
            for one in value if isinstance(value, list) else [value]:
                if one is not None and one not in reference.besides and _id(one) not in named:
                    raise BadValue(f"names in {column} a row of {reference.table} that is not there")
        for (table, column), named in self._named.items():
            if table == layout.part.table:
                named.add(row[column])

    def _altered(self) -> BadHistory:
        """Return what to raise where a line does not carry the digest of what stands before it.

        The line before this one carried that of what stands before itself, so nothing earlier is at fault.
        """
        between = f"Line {self.number - 1} or line {self.number} was altered"
        return BadHistory(f"{between}, or a line was put in or taken out there.")

    def _end(self, content: dict[str, Any]) -> None:
        if self.header is None or content.keys() != {"footer"}:
            raise BadValue("is a footer at the wrong place")
        lines, sha256 = decode_footer(content["footer"])
        if lines != self.number - 1:
            raise BadValue(f"is a footer for {lines} lines, and {self.number - 1} stand before it")
        if sha256 != self._sha.hexdigest():
            raise self._altered()
        for table, count in self._counts.items():
            if self.header.counts.get(table, 0) != count:
                promised = self.header.counts.get(table, 0)
                raise BadValue(f"ends the file with {count} rows of {table}; the header says {promised}")
        if self.header.order_id not in self._named["protective_order", "id"]:
            raise BadValue("ends the file without the order that the header names")
        self._ended = sha256


def _check_left(layout: Layout, row: Row) -> None:
    """Raise BadValue for what is still to be done: an export never writes it, and here it would be done."""
    for column, recast in layout.part.recast.items():
        if row[column] in recast:
            raise BadValue(
                f"column {column} says {row[column]!r}, which a history never does: nothing in it is still "
                f"to be sent or waited for, and what was is written as {recast[row[column]]!r}"
            )


def _id(value: object) -> object:
    """Return the id that an entry of a JSON list names."""
    if not isinstance(value, str):
        return value
    try:
        return UUID(value)
    except ValueError:
        return value

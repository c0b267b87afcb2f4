"""How a row becomes a line and a line a row: the same from every kind of database, and back without loss."""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from api.evidence.model.history import FORMAT, VERSION, Column, Header, Kind, Layout, Row

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


class BadValue(Exception):
    """A value is not what its place in the file asks for; the sentence never repeats it."""


def line_of(content: Mapping[str, Any]) -> bytes:
    """Return one line in canonical form: ASCII, sorted keys, no blanks, floats as `repr` writes them."""
    return _encoder.encode(content).encode() + b"\n"


def parse(line: bytes) -> dict[str, Any]:
    """Return a line's JSON object; raises BadValue."""
    try:
        content = json.loads(line, parse_constant=_refuse, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise BadValue("is not JSON") from error
    if not isinstance(content, dict):
        raise BadValue("is not a JSON object")
    return content


def _refuse(_name: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def encode_row(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """Return a row as JSON values; what is NULL is left out, so that a new column alters no old history."""
    return {
        column.name: value if (write := _WRITE.get(column.kind)) is None else write(value)
        for column in columns
        if (value := row[column.name]) is not None
    }


def row_line(layout: Layout, row: Row) -> bytes:
    """Return a row's line in canonical form, without its link."""
    return line_of({"table": layout.part.table, "row": encode_row(layout.columns, row)})


def linked(line: bytes, link: str) -> bytes:
    """Return a row's line with its link, in canonical form too: of its names, `link` is the first."""
    return b'{"link":"' + link.encode() + b'",' + line[1:]


def decode_row(layout: Layout, content: object) -> Row:
    """Return the row that was written as `content`; raises BadValue naming the column."""
    if not isinstance(content, dict):
        raise BadValue("`row` is not an object")
    row: Row = {}
    for column in layout.columns:
        value = content.get(column.name)
        if value is not None:
            try:
                row[column.name] = _READ[column.kind](value)
            except (ValueError, TypeError) as error:
                raise BadValue(f"column {column.name} is {_ASKED[column.kind]}") from error
        elif column.is_nullable and column.name not in content:
            row[column.name] = None
        else:
            raise BadValue(f"column {column.name} is missing" + (" or null" if column.is_nullable else ""))
    if unknown := content.keys() - row.keys():
        raise BadValue(f"table {layout.part.table} has no column {_shown(min(unknown))} in this version")
    return row


def key_of(layout: Layout, row: Row) -> tuple[Any, ...]:
    """Return what the rows of a table are ordered by."""
    return tuple(row[name] for name in layout.key)


def encode_header(header: Header) -> dict[str, Any]:
    """Return the first line's content."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "order_id": str(header.order_id),
        "reference": header.reference,
        "made_at": time_text(header.made_at),
        "rule_version": header.rule_version,
        "house": header.house,
        "ledger": header.ledger,
        "shared_with": header.shared_with,
        "counts": dict(header.counts),
    }


def decode_header(content: Mapping[str, Any], tables: Sequence[str]) -> Header:
    """Return the header; raises BadValue for anything that this version does not know."""
    if content.get("format") != FORMAT:
        raise BadValue(f"is no header of a {FORMAT} file")
    if content.get("version") != VERSION or isinstance(content.get("version"), bool):
        raise BadValue(f"says a version of the format that is not {VERSION}: use the program that it is of")
    names = {
        "format", "version", "order_id", "reference", "made_at", "rule_version", "house", "ledger",
        "shared_with", "counts",
    }  # fmt: skip
    if content.keys() != names:
        raise BadValue("does not have exactly the fields of a header")
    counts = content["counts"]
    if not isinstance(counts, dict) or not all(_is_count(count) for count in counts.values()):
        raise BadValue("`counts` is not a number per table")
    if unknown := counts.keys() - set(tables):
        raise BadValue(f"names a table {_shown(min(unknown))}, which this version does not know")
    if not _is_count(content["shared_with"]):
        raise BadValue("`shared_with` is not a number")
    try:
        return Header(
            _read_uuid(content["order_id"]),
            _read_text(content["reference"]),
            _read_time(content["made_at"]),
            _read_text(content["rule_version"]),
            _read_text(content["house"]),
            _read_text(content["ledger"]),
            content["shared_with"],
            counts,
        )
    except (ValueError, TypeError) as error:
        raise BadValue("holds a field that is not what it should be") from error


def encode_footer(lines: int, sha256: str) -> dict[str, Any]:
    """Return the last line's content: how many lines stand before it, and their SHA-256."""
    return {"footer": {"lines": lines, "sha256": sha256}}


def decode_footer(content: object) -> tuple[int, str]:
    """Return lines and SHA-256 of a footer; raises BadValue."""
    if isinstance(content, dict) and content.keys() == {"lines", "sha256"}:
        lines, sha256 = content["lines"], content["sha256"]
        if _is_count(lines) and isinstance(sha256, str) and _HEX64.fullmatch(sha256):
            return lines, sha256
    raise BadValue("is not a footer")


def time_text(moment: datetime) -> str:
    """Return a moment in UTC with six decimals."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _shown(name: str) -> str:
    """Return a name of somebody else's file, short and without anything that a terminal obeys."""
    return repr(name[:40])


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _write_float(value: float) -> float:
    """Return the number; SQLite keeps no sign of zero, so there is none."""
    return float(value) + 0.0


_WRITE: dict[Kind, Callable[[Any], Any]] = {
    Kind.UUID: str,
    Kind.TIME: time_text,
    Kind.BYTES: lambda value: base64.b64encode(value).decode(),
    Kind.FLOAT: _write_float,
    Kind.BOOL: bool,
}


def _read_uuid(value: object) -> UUID:
    if not isinstance(value, str):
        raise TypeError
    found = UUID(value)
    if str(found) != value:
        raise ValueError
    return found


def _read_time(value: object) -> datetime:
    if not isinstance(value, str):
        raise TypeError
    if not _TIME.fullmatch(value) or not value.isascii():
        raise ValueError
    return datetime.fromisoformat(value)


def _read_bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise TypeError
    try:
        found = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError from error
    if base64.b64encode(found).decode() != value:  # bits of the last letter that mean nothing
        raise ValueError
    return found


def _read_float(value: object) -> float:
    if not isinstance(value, float):
        raise TypeError
    if not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0):
        raise ValueError
    return value


def _read_whole(value: object, bits: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    if not -(1 << bits) <= value < 1 << bits:
        raise ValueError
    return value


def _read_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # half of a surrogate pair is no text in any database
    return value


_READ: dict[Kind, Callable[[Any], Any]] = {
    Kind.UUID: _read_uuid,
    Kind.TIME: _read_time,
    Kind.BYTES: _read_bytes,
    Kind.FLOAT: _read_float,
    Kind.SMALL: lambda value: _read_whole(value, 31),
    Kind.BIG: lambda value: _read_whole(value, 63),
    Kind.BOOL: _read_bool,
    Kind.TEXT: _read_text,
    Kind.JSON: lambda value: value,
}
_ASKED = {
    Kind.UUID: "no UUID in lower case with hyphens",
    Kind.TIME: "no moment such as 2026-11-23T12:00:00.000000Z",
    Kind.BYTES: "no base64",
    Kind.FLOAT: "no finite number with a decimal point",
    Kind.SMALL: "no whole number of 32 bits",
    Kind.BIG: "no whole number of 64 bits",
    Kind.BOOL: "neither true nor false",
    Kind.TEXT: "no text",
    Kind.JSON: "no JSON",
}

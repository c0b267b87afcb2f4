"""The JSON schema of one line of a history, made from the plan and the tables: no list to keep by hand."""

from typing import Any

from api.evidence.model.history import FORMAT, LINK_DIGITS, VERSION, Column, Kind, Layout
from api.evidence.store import history as store

_TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"}
_SHA = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_LINK = {"type": "string", "pattern": f"^[0-9a-f]{{{LINK_DIGITS}}}$"}
_UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
_COUNT = {"type": "integer", "minimum": 0}
_KINDS: dict[Kind, dict[str, Any]] = {
    Kind.UUID: _UUID,
    Kind.TIME: _TIME,
    Kind.BYTES: {"type": "string", "contentEncoding": "base64"},
    Kind.FLOAT: {"type": "number"},
    Kind.SMALL: {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    Kind.BIG: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    Kind.BOOL: {"type": "boolean"},
    Kind.TEXT: {"type": "string"},
    Kind.JSON: {},
}


def schema() -> dict[str, Any]:
    """Return the schema: a line is the header, a row of one of the tables, or the footer."""
    layouts = store.layouts()
    rows = {f"row_{layout.part.table}": _row(layout) for layout in layouts}
    definitions = {"header": _header([layout.part.table for layout in layouts]), "footer": _footer(), **rows}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a {FORMAT} file, version {VERSION}",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in definitions],
        "$defs": definitions,
    }


def _closed(fields: dict[str, Any], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    required = [name for name in fields if name not in optional]
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


def _header(tables: list[str]) -> dict[str, Any]:
    return _closed(
        {
            "format": {"const": FORMAT},
            "version": {"const": VERSION},
            "order_id": _UUID,
            "reference": {"type": "string"},
            "made_at": _TIME,
            "rule_version": {"type": "string"},
            "house": _SHA,
            "ledger": {"type": "string", "pattern": "^[0-9]+:[0-9a-f]{64}$"},
            "shared_with": _COUNT,
            "counts": _closed(dict.fromkeys(tables, _COUNT), frozenset(tables)),
        }
    )


def _footer() -> dict[str, Any]:
    return _closed({"footer": _closed({"lines": _COUNT, "sha256": _SHA})})


def _row(layout: Layout) -> dict[str, Any]:
    fields = {column.name: _column(column) for column in layout.columns}
    optional = frozenset(column.name for column in layout.columns if column.is_nullable)
    return _closed({"link": _LINK, "table": {"const": layout.part.table}, "row": _closed(fields, optional)})


def _column(column: Column) -> dict[str, Any]:
    return _KINDS[column.kind]

"""JSON logs that can only hold ids, kinds and counts: never names, texts, coordinates or codes."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

ALLOWED = frozenset(
    {
        "alert_id", "attempt", "channel", "client", "count", "device_id", "error", "kind", "lane",
        "method", "notification_id", "order_id", "port", "process", "reason", "revision", "route",
        "seconds", "status",
    }
)  # fmt: skip
"""The only fields a log line may carry; `Log` refuses any other, so a leak fails the first test."""


class Log:
    """A logger whose lines are a fixed sentence and allowed fields."""

    def __init__(self, name: str) -> None:
        """Name the part of the program that speaks."""
        self._logger = logging.getLogger(name)

    def info(self, event: str, **fields: str | float | UUID | None) -> None:
        """Say that something expected happened."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: str | float | UUID | None) -> None:
        """Say that something went wrong that the program itself answers."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: str | float | UUID | None) -> None:
        """Say that something went wrong that a person must look at."""
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if strangers := fields.keys() - ALLOWED:
            raise ValueError(f"log fields not allowed: {', '.join(sorted(strangers))}")
        self._logger.log(level, event, extra={"fields": fields})


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Write one line of allowed fields; a traceback is left out, because its texts may quote anything."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname, "part": record.name}
        fields = getattr(record, "fields", None)
        if fields is None:  # a library's line: its text may quote anything, so only its place is kept
            line["event"] = f"library message at {record.module}:{record.lineno}"
        else:
            line["event"] = record.getMessage()
            line |= {k: str(v) if isinstance(v, UUID) else v for k, v in fields.items()}
        return json.dumps(line)


def setup_logging(process: str) -> None:
    """Send this process's logs to standard error as JSON lines; called once in `api.__main__`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "alembic", "werkzeug"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    Log(process).info("started", process=process)

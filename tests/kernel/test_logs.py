"""Log lines: ids, kinds and counts, and nothing else."""

import io
import json
import logging
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from api.kernel.logs import ALLOWED, Log, setup_logging


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What was written so far, one object per line; the process's own logging is put back after."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    setup_logging("test")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "field", ["name", "text", "lat", "lon", "point", "secret", "pin", "payload", "login"]
)
def test_a_field_that_could_tell_on_somebody_is_refused(field: str) -> None:
    assert field not in ALLOWED
    with pytest.raises(ValueError, match=field):
        Log("test").info("seen", **{field: "x"})


def test_a_line_is_one_json_object_with_its_fields(lines: Any) -> None:
    device_id = uuid.uuid4()
    Log("geofence").warning("message kept aside", device_id=device_id, count=3, reason="bad_json")
    started, line = lines()
    assert (started["event"], started["process"]) == ("started", "test")
    assert line["at"]
    assert line["level"] == "WARNING"
    assert line["part"] == "geofence"
    assert line["event"] == "message kept aside"
    assert line["device_id"] == str(device_id)
    assert (line["count"], line["reason"]) == (3, "bad_json")


def test_a_librarys_text_is_not_repeated(lines: Any) -> None:
    logging.getLogger("some.library").warning("could not send %s", "Anna de Vries")
    try:
        raise ValueError("at 52.1, 4.3")  # noqa: TRY301 - the exception's text is what must not show
    except ValueError:
        logging.getLogger("some.library").exception("oh")
    written = lines()
    assert len(written) == 3
    assert "Anna" not in json.dumps(written)
    assert "52.1" not in json.dumps(written)
    assert "library message at" in written[1]["event"]


def test_errors_are_louder_than_news(lines: Any) -> None:
    Log("test").info("news")
    Log("test").error("trouble", kind="SYSTEM_DEGRADED")
    assert [line["level"] for line in lines()] == ["INFO", "INFO", "ERROR"]

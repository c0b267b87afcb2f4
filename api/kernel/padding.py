"""Answers of one size: what a page holds cannot be told from how long its answer is."""

import json
from typing import Any

from flask import Response

ANSWER_BYTES = 64 * 1024
"""Of every answer that holds a page, which has at most 60,000 bytes."""


def padded(body: dict[str, Any]) -> bytes:
    """Return the body and a `pad` as JSON of `ANSWER_BYTES`, or of as few times that as it fits into."""
    length = len(_json(body | {"pad": ""}))
    return _json(body | {"pad": "0" * (-length % ANSWER_BYTES)})


def padded_answer(body: dict[str, Any]) -> Response:
    """Return the answer to a request of her app, of one size."""
    return Response(padded(body), mimetype="application/json")


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

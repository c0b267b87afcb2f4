"""Fields that the JSON of more than one room has."""

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

FIRST_YEAR, LAST_YEAR = 2000, 2200
"""Dates outside are slips of the keyboard (year 0206, 20266); proposal."""


def line_of_text(max_length: int) -> ma.fields.String:
    """Return a required field for one line that says something, without control characters.

    PostgreSQL stores neither NUL nor half a surrogate pair, and neither belongs into a name.
    """
    printable = r"^(?=[\s\S]*\S)[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*\Z"
    return ma.fields.String(
        required=True,
        validate=[
            ma.validate.Length(1, max_length),
            ma.validate.Regexp(printable, error="Must be one line that is not blank."),
        ],
    )


class Moment(ma.fields.AwareDateTime):
    """A moment with its UTC offset, as ISO 8601; kept and given back in UTC."""

    default_error_messages = {  # noqa: RUF012 - marshmallow's way
        "invalid": "Not a moment: give ISO 8601, for example 2026-11-23T12:00:00+01:00.",
        "invalid_awareness": "Say the UTC offset too, for example 2026-11-23T12:00:00+01:00.",
        "year": "Must be in the years {first} to {last}.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> datetime:  # noqa: ANN401 - marshmallow's
        moment = super()._deserialize(value, attr, data, **more)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise self.make_error("year", first=FIRST_YEAR, last=LAST_YEAR)
        return moment.astimezone(UTC)


def yes_or_no(**more: Any) -> ma.fields.Boolean:  # noqa: ANN401 - marshmallow's arguments
    """Return a field that takes true and false and no word that looks like one."""
    return ma.fields.Boolean(truthy={True}, falsy={False}, **more)

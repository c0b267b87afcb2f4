"""Fields for what people write in their own words."""

from typing import Any
from unicodedata import category

import marshmallow as ma


def free_text(max_length: int, **more: Any) -> ma.fields.String:  # noqa: ANN401 - marshmallow's arguments
    """Return a field for up to `max_length` characters, in lines; a required one says something."""
    at_least = 1 if more.get("required") else 0

    def check(text: str) -> None:
        # PostgreSQL stores neither NUL nor half a surrogate pair.
        if any(category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in text):
            raise ma.ValidationError("Must be text without control characters.")
        if at_least and not text.strip():
            raise ma.ValidationError("Must say something.")

    return ma.fields.String(validate=[ma.validate.Length(at_least, max_length), check], **more)

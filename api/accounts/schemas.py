"""JSON of signing in, at the control host and, in neutral words, at the app host."""

import marshmallow as ma

from api.accounts.model import NUMBER_DIGITS, PIN_DIGITS
from api.kernel.http import Schema

_ENCODABLE = ma.validate.Regexp(r"^[^\x00\ud800-\udfff]*\Z", error="Contains characters that no text has.")

PIN = ma.validate.Regexp(rf"^[0-9]{{{PIN_DIGITS}}}\Z", error=f"Give {PIN_DIGITS} digits.")


class SignInSchema(Schema):
    """What staff type."""

    login = ma.fields.String(required=True, validate=[ma.validate.Length(1, 100), _ENCODABLE])
    secret = ma.fields.String(
        required=True, load_only=True, validate=[ma.validate.Length(1, 256), _ENCODABLE]
    )


class AccountSchema(Schema):
    """Who is signed in."""

    login = ma.fields.String()
    role = ma.fields.String()


class NumberSchema(Schema):
    """What she types; spaces in the number are for the eye."""

    number = ma.fields.String(required=True, metadata={"pattern": r"^[0-9]{16}$"})
    pin = ma.fields.String(required=True, load_only=True, validate=PIN)

    @ma.post_load
    def _join(self, data: dict[str, str], **_more: object) -> dict[str, str]:
        return data | {"number": "".join(data["number"].split())}

    @ma.validates("number")
    def _is_number(self, value: str, **_more: object) -> None:
        joined = "".join(value.split())
        if not (len(joined) == NUMBER_DIGITS and joined.isascii() and joined.isdigit()):
            raise ma.ValidationError(f"Give {NUMBER_DIGITS} digits.")


class EmptySchema(Schema):
    """Says that it worked and nothing else."""

"""JSON of signing in, at the control host and, in neutral words, at the app host."""

from typing import Any

import marshmallow as ma

from api.accounts.model import NUMBER_DIGITS, PIN_DIGITS, Account
from api.accounts.model.entry import CODE_CHARACTERS, CODE_LENGTH
from api.accounts.model.staff import Enrolling
from api.kernel.http import Schema

ENCODABLE = ma.validate.Regexp(r"^[^\x00\ud800-\udfff]*\Z", error="Contains characters that no text has.")

PIN = ma.validate.Regexp(rf"^[0-9]{{{PIN_DIGITS}}}\Z", error=f"Give {PIN_DIGITS} digits.")


class SignInSchema(Schema):
    """What staff type."""

    login = ma.fields.String(required=True, validate=[ma.validate.Length(1, 100), ENCODABLE])
    secret = ma.fields.String(required=True, load_only=True, validate=[ma.validate.Length(1, 256), ENCODABLE])
    code = ma.fields.String(
        load_default="",
        load_only=True,
        validate=[ma.validate.Length(0, 40), ENCODABLE],
        metadata={"description": "Six digits of the authenticator app, or a recovery code."},
    )


class AccountSchema(Schema):
    """Who is signed in; the role `enrolling` may do nothing but set up a second factor."""

    login = ma.fields.String()
    role = ma.fields.String()

    @ma.pre_dump
    def _who(self, who: Account | Enrolling, **_more: object) -> dict[str, str]:
        account = who.account if isinstance(who, Enrolling) else who
        return {"login": account.login, "role": who.role}


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


_CODE = ma.validate.Regexp(
    rf"^[{CODE_CHARACTERS}]{{{CODE_LENGTH}}}\Z", error="Give the code as it was written."
)
DIGITS: dict[str, Any] = {"required": True, "load_only": True, "validate": PIN}


class KeySchema(Schema):
    """What opens more, and whether it does."""

    key = ma.fields.String()
    open = ma.fields.Boolean()
    pad = ma.fields.String()


class SecretSchema(Schema):
    """Her digits."""

    secret = ma.fields.String(**DIGITS)


class ChangeSecretSchema(Schema):
    """Her digits and those that take their place."""

    secret = ma.fields.String(**DIGITS)
    new = ma.fields.String(**DIGITS)


class StartSchema(Schema):
    """A code, and the digits that she chooses."""

    code = ma.fields.String(required=True, load_only=True)
    pin = ma.fields.String(**DIGITS)

    @ma.validates("code")
    def _is_code(self, value: str, **_more: object) -> None:
        _CODE(_written(value))

    @ma.post_load
    def _join(self, data: dict[str, str], **_more: object) -> dict[str, str]:
        return data | {"code": _written(data["code"])}


class StartedSchema(Schema):
    """Her number: shown once."""

    number = ma.fields.String()


class MakeCodeSchema(Schema):
    """For whom a code is."""

    person_id = ma.fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "A protected person of an order; null: whom no order protects."},
    )


class EntryCodeSchema(Schema):
    """A code for one use, shown once."""

    id = ma.fields.UUID()
    code = ma.fields.String()
    expires_at = ma.fields.AwareDateTime()


def _written(code: str) -> str:
    """Return a code as it was made, however it was typed: spaces, small letters, O for 0, I and L for 1."""
    typed = "".join(code.upper().split()).replace("-", "")
    return typed.translate(str.maketrans("OIL", "011"))

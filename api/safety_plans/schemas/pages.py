"""JSON of what her PIN opens, in neutral words."""

import marshmallow as ma

from api.accounts.model.entry import MAX_HIDE_DAYS
from api.accounts.schemas import DIGITS, PIN
from api.kernel.content import Language
from api.kernel.http import Schema
from api.safety_plans.model.content import Depth


class PageSchema(Schema):
    """A page: `number` counts saves, `other` says that another version is kept beside."""

    number = ma.fields.Integer()
    content = ma.fields.Dict(allow_none=True)
    other = ma.fields.Boolean()
    pad = ma.fields.String()


class SavePageSchema(Schema):
    """A page as it is to be, and the number that it changes."""

    number = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(0, 2**53))
    content = ma.fields.Dict(keys=ma.fields.String(), required=True)


class SavedSchema(Schema):
    """The number of what was saved."""

    number = ma.fields.Integer()


class SecondSchema(Schema):
    """Her digits, second ones (null: none) and what these do."""

    secret = ma.fields.String(**DIGITS)
    new = ma.fields.String(required=True, load_only=True, allow_none=True, validate=PIN)
    days = ma.fields.Integer(load_default=0, strict=True, validate=ma.validate.Range(0, MAX_HIDE_DAYS))
    call = ma.fields.Boolean(load_default=False, truthy={True}, falsy={False})
    forget = ma.fields.Boolean(load_default=False, truthy={True}, falsy={False})


class LanguageQuerySchema(Schema):
    """In which language."""

    language = ma.fields.Enum(Language, by_value=True, load_default=Language.NL)


class TextsQuerySchema(LanguageQuerySchema):
    """Which texts."""

    depth = ma.fields.Enum(Depth, by_value=True, load_default=Depth.FULL)


class TextSchema(Schema):
    """One text."""

    code = ma.fields.String()
    title = ma.fields.String()
    text = ma.fields.String()
    phase = ma.fields.String()
    danger = ma.fields.Integer()
    warning = ma.fields.String(allow_none=True)
    calls = ma.fields.Boolean()


class LetterSchema(Schema):
    """One letter."""

    code = ma.fields.String()
    title = ma.fields.String()
    text = ma.fields.String()


class SectionSchema(Schema):
    """Texts that belong together."""

    code = ma.fields.String()
    title = ma.fields.String()
    intro = ma.fields.String()
    items = ma.fields.List(ma.fields.Nested(TextSchema))
    letters = ma.fields.List(ma.fields.Nested(LetterSchema))


class TextsSchema(Schema):
    """Texts."""

    version = ma.fields.String()
    intro = ma.fields.String()
    call_warning = ma.fields.String()
    danger = ma.fields.List(ma.fields.String())
    sections = ma.fields.List(ma.fields.Nested(SectionSchema))
    pad = ma.fields.String()

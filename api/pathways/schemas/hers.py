"""JSON of her schedule; neither a key nor a code of it says what it is for."""

import marshmallow as ma

from api.kernel.fields import Moment
from api.kernel.http import Schema
from api.pathways.model.content import LANGUAGES
from api.pathways.model.steps import StepState


class LanguageQuerySchema(Schema):
    """In which language; without it the one that was agreed with her."""

    language = ma.fields.String(load_default=None, validate=ma.validate.OneOf(LANGUAGES))


class LineSchema(Schema):
    """Who does what, when."""

    number = ma.fields.Integer()
    what = ma.fields.String()
    sentence = ma.fields.String()
    who = ma.fields.String()
    when = Moment(allow_none=True)
    state = ma.fields.Enum(StepState, by_value=True)
    may_refuse = ma.fields.Boolean()
    may_pause = ma.fields.Boolean()
    may_resume = ma.fields.Boolean()


class ScheduleSchema(Schema):
    """All of it."""

    contact = ma.fields.String()
    contact_at = ma.fields.String()
    next_contact_at = Moment(allow_none=True)
    lines = ma.fields.List(ma.fields.Nested(LineSchema))


class StateSchema(Schema):
    """How it stands now."""

    number = ma.fields.Integer()
    state = ma.fields.Enum(StepState, by_value=True)

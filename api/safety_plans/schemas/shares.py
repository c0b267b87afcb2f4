"""JSON of what she lets others know, in neutral words."""

import marshmallow as ma

from api.kernel.fields import Moment
from api.kernel.http import Schema
from api.pathways.model.consents import MAX_PURPOSE


class ShareDraftSchema(Schema):
    """Who may know what, for what, until when."""

    who = ma.fields.UUID(required=True)
    parts = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(1, 40)),
        required=True,
        validate=ma.validate.Length(1, 30),
    )
    purpose = ma.fields.String(required=True, validate=ma.validate.Length(1, MAX_PURPOSE))
    until = Moment(required=True)


class ShareSchema(Schema):
    """A line: who may know what."""

    id = ma.fields.UUID()
    who = ma.fields.String()
    parts = ma.fields.List(ma.fields.String())
    purpose = ma.fields.String()
    given_at = Moment()
    until = Moment()
    ended_at = Moment(allow_none=True)


class LookSchema(Schema):
    """Who looked, when, why."""

    id = ma.fields.UUID()
    who = ma.fields.String()
    name = ma.fields.String()
    at = Moment()
    reason = ma.fields.String()


class PassedSchema(Schema):
    """What somebody was told without being asked for here."""

    who = ma.fields.String()
    ground = ma.fields.String()
    what = ma.fields.String()
    at = Moment()


class SharesSchema(Schema):
    """All of it."""

    shares = ma.fields.List(ma.fields.Nested(ShareSchema))
    looks = ma.fields.List(ma.fields.Nested(LookSchema))
    passed = ma.fields.List(ma.fields.Nested(PassedSchema))
    pad = ma.fields.String()


class WhoSchema(Schema):
    """Somebody who can be let know."""

    id = ma.fields.UUID()
    name = ma.fields.String()
    region = ma.fields.String()


class WhosSchema(Schema):
    """Everybody who can be let know."""

    who = ma.fields.List(ma.fields.Nested(WhoSchema))
    pad = ma.fields.String()


class ShareIdSchema(Schema):
    """Which line it became."""

    id = ma.fields.UUID()

"""JSON of the consent ledger, for staff."""

import marshmallow as ma

from api.kernel.fields import Moment
from api.kernel.http import Schema
from api.pathways.model.consents import MAX_REASON, OVERRIDES


class ConsentSchema(Schema):
    """What an agency may read."""

    id = ma.fields.UUID()
    agency_id = ma.fields.UUID()
    parts = ma.fields.List(ma.fields.String())
    purpose = ma.fields.String()
    given_at = Moment()
    until = Moment()


class ReasonSchema(Schema):
    """Why somebody looks; she can read it."""

    reason = ma.fields.String(required=True, validate=ma.validate.Length(1, MAX_REASON))


class CopySchema(Schema):
    """What she lets the agency know, as text."""

    text = ma.fields.String()


class OverrideDraftSchema(Schema):
    """What is to be passed on without her consent."""

    agency_id = ma.fields.UUID(required=True)
    ground = ma.fields.String(
        required=True, validate=ma.validate.OneOf(sorted(one.value for one in OVERRIDES))
    )
    what = ma.fields.String(required=True, validate=ma.validate.Length(1, MAX_REASON))
    reason = ma.fields.String(required=True, validate=ma.validate.Length(1, MAX_REASON))
    inform_on = ma.fields.Date(required=True)


class OverrideSchema(Schema):
    """What was passed on without her consent, or waits for a second person."""

    id = ma.fields.UUID()
    agency_id = ma.fields.UUID()
    ground = ma.fields.String()
    what = ma.fields.String()
    reason = ma.fields.String()
    inform_on = ma.fields.Date()
    asked_by = ma.fields.UUID()
    asked_at = Moment()
    confirmed_by = ma.fields.UUID(allow_none=True)
    confirmed_at = Moment(allow_none=True)
    informed_at = Moment(allow_none=True)

"""JSON of pathways, their steps, today's work and how she may be reached."""

from typing import Any

import marshmallow as ma

from api.kernel.fields import Moment, line_of_text, yes_or_no
from api.kernel.http import Schema
from api.pathways.model.agencies import AgencyKind, MemberRole
from api.pathways.model.contacts import (
    MAX_CODE_WORD,
    MAX_HOURS,
    MAX_WORDS,
    AttemptOutcome,
    ContactChannel,
    Hours,
    SafeContactDraft,
)
from api.pathways.model.content import LANGUAGES
from api.pathways.model.pathways import (
    MAX_NOTE,
    CloseReason,
    EventKind,
    PathwayDraft,
    PathwayView,
    ReadReason,
    Urgency,
)
from api.pathways.model.steps import ImpossibleReason, StepAct, StepCall, StepState
from api.pathways.model.work import WorkKind
from api.pathways.schemas.agencies import AgencyWeekSchema, hours_of, week_json

_ENCODABLE = ma.validate.Regexp(r"^[^\x00\ud800-\udfff]*\Z", error="Contains characters that no text has.")


class PathwayStepSchema(Schema):
    """One step."""

    number = ma.fields.Integer()
    state = ma.fields.Enum(StepState, by_value=True)
    agency_id = ma.fields.UUID()
    owner_id = ma.fields.UUID(allow_none=True)
    due_at = Moment(allow_none=True)
    reason = ma.fields.Enum(ImpossibleReason, by_value=True, allow_none=True)
    changed_at = Moment()
    changed_by = ma.fields.UUID(allow_none=True)


class PathwayEventSchema(Schema):
    """One line of a pathway's history."""

    number = ma.fields.Integer(allow_none=True)
    at = Moment()
    by = ma.fields.UUID(allow_none=True)
    kind = ma.fields.Enum(EventKind, by_value=True)
    detail = ma.fields.Dict(keys=ma.fields.String())
    note = ma.fields.String()


class PathwaySchema(Schema):
    """A pathway as a whole."""

    id = ma.fields.UUID(dump_only=True)
    reference = ma.fields.String(dump_only=True)
    agency_id = ma.fields.UUID(required=True)
    urgency = ma.fields.Enum(Urgency, by_value=True, required=True)
    language = ma.fields.String(load_default="nl", validate=ma.validate.OneOf(LANGUAGES))
    contact_id = ma.fields.UUID(dump_only=True, allow_none=True)
    deputy_id = ma.fields.UUID(dump_only=True, allow_none=True)
    next_contact_at = Moment(dump_only=True, allow_none=True)
    content_version = ma.fields.String(dump_only=True)
    opened_at = Moment(dump_only=True)
    closed_at = Moment(dump_only=True, allow_none=True)
    close_reason = ma.fields.Enum(CloseReason, by_value=True, dump_only=True, allow_none=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> PathwayDraft:
        return PathwayDraft(**data)


class PathwayViewSchema(PathwaySchema):
    """A pathway as this account may see it."""

    contact_name = ma.fields.String(dump_only=True)
    not_safe_since = Moment(dump_only=True, allow_none=True)
    steps = ma.fields.List(ma.fields.Nested(PathwayStepSchema), dump_only=True)
    events = ma.fields.List(ma.fields.Nested(PathwayEventSchema), dump_only=True)

    @ma.pre_dump
    def _flat(self, view: PathwayView, **_more: object) -> dict[str, Any]:
        whole = {name: getattr(view.pathway, name) for name in PathwaySchema._declared_fields}  # noqa: SLF001 - marshmallow's own way to its fields
        return whole | {
            "contact_name": view.contact_name,
            "not_safe_since": view.not_safe_since,
            "steps": view.steps,
            "events": view.events,
        }


class ReasonQuerySchema(Schema):
    """Why it is looked at; she can be shown it."""

    reason = ma.fields.Enum(ReadReason, by_value=True, required=True)


class StepActSchema(Schema):
    """What is done with a step."""

    act = ma.fields.Enum(StepAct, by_value=True, required=True)
    to_agency_id = ma.fields.UUID(load_default=None, allow_none=True, data_key="agency_id")
    reason = ma.fields.Enum(ImpossibleReason, by_value=True, load_default=None, allow_none=True)
    note = ma.fields.String(load_default="", validate=[ma.validate.Length(0, MAX_NOTE), _ENCODABLE])
    at_her_word = yes_or_no(load_default=False)

    @ma.post_load
    def _call(self, data: dict[str, Any], **_more: object) -> StepCall:
        return StepCall(**data)


class FixedContactSchema(Schema):
    """Who the fixed contact is, and the deputy."""

    contact_id = ma.fields.UUID(required=True)
    deputy_id = ma.fields.UUID(load_default=None, allow_none=True)


class NextContactSchema(Schema):
    """When she is spoken to next."""

    at = Moment(required=True)


class UrgencySchema(Schema):
    """How urgent it is."""

    urgency = ma.fields.Enum(Urgency, by_value=True, required=True)


class PathwayCloseSchema(Schema):
    """Why a pathway ends."""

    reason = ma.fields.Enum(CloseReason, by_value=True, required=True)


class ExclusionSchema(Schema):
    """Who may not see a pathway: a name or a log-in; it is kept nowhere."""

    name = line_of_text(200)


class WorkItemSchema(Schema):
    """One thing to do."""

    kind = ma.fields.Enum(WorkKind, by_value=True)
    pathway_id = ma.fields.UUID()
    reference = ma.fields.String()
    urgency = ma.fields.Enum(Urgency, by_value=True)
    number = ma.fields.Integer(allow_none=True)
    state = ma.fields.Enum(StepState, by_value=True, allow_none=True)
    due_at = Moment(allow_none=True)
    rung = ma.fields.Enum(MemberRole, by_value=True, allow_none=True)
    is_mine = ma.fields.Boolean()
    is_reminded = ma.fields.Boolean()
    not_safe = ma.fields.Boolean()


class WorkSchema(Schema):
    """Today's work; each list acute first, then one's own, then by when."""

    accept = ma.fields.List(ma.fields.Nested(WorkItemSchema))
    overdue = ma.fields.List(ma.fields.Nested(WorkItemSchema))
    due = ma.fields.List(ma.fields.Nested(WorkItemSchema))
    contacts = ma.fields.List(ma.fields.Nested(WorkItemSchema))


class StepWordsSchema(Schema):
    """One step in words."""

    number = ma.fields.Integer()
    key = ma.fields.String()
    titles = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    sentences = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    kinds = ma.fields.List(ma.fields.Enum(AgencyKind, by_value=True))
    record = ma.fields.String()
    basis = ma.fields.String()
    source = ma.fields.String(attribute="target.source")
    hides_place = ma.fields.Boolean()


class PathwayContentSchema(Schema):
    """The steps in words, and by whose decision."""

    version = ma.fields.String()
    decided_by = ma.fields.String()
    steps = ma.fields.List(ma.fields.Nested(StepWordsSchema))


class ReachableHoursSchema(AgencyWeekSchema):
    """A stretch of the week in which she may be reached."""

    @ma.post_load
    def _hours(self, data: dict[str, Any], **_more: object) -> Hours:
        return hours_of(data)

    @ma.pre_dump
    def _shown(self, hours: Hours, **_more: object) -> dict[str, Any]:
        return week_json(hours)


class SafeContactSchema(Schema):
    """How she may be reached, as she set it."""

    version = ma.fields.Integer(dump_only=True)
    channels = ma.fields.List(
        ma.fields.Enum(ContactChannel, by_value=True), required=True, validate=ma.validate.Length(1, 10)
    )
    hours = ma.fields.List(
        ma.fields.Nested(ReachableHoursSchema), required=True, validate=ma.validate.Length(1, MAX_HOURS)
    )
    time_zone = line_of_text(100)
    words = ma.fields.String(required=True, validate=[ma.validate.Length(0, MAX_WORDS), _ENCODABLE])
    code_word = line_of_text(MAX_CODE_WORD)
    sign = line_of_text(200)
    set_at = Moment(dump_only=True)
    set_by = ma.fields.UUID(dump_only=True)
    not_safe_since = Moment(dump_only=True, allow_none=True)


class SafeContactBodySchema(SafeContactSchema):
    """How she may be reached, and which version of it was read before."""

    seen_version = ma.fields.Integer(strict=True, required=True, load_only=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        seen_version = data.pop("seen_version")
        draft = SafeContactDraft(
            **data | {"channels": tuple(data["channels"]), "hours": tuple(data["hours"])}
        )
        return {"draft": draft, "seen_version": seen_version}


class SafeContactSignSchema(Schema):
    """Since when she cannot be spoken to."""

    not_safe_since = Moment(allow_none=True)


class SafeContactClearSchema(Schema):
    """How it is known that she can be spoken to again."""

    reason = line_of_text(MAX_NOTE)


class CodeWordSchema(Schema):
    """What somebody said."""

    word = line_of_text(MAX_CODE_WORD)


class CodeWordAnswerSchema(Schema):
    """Whether it is her code word."""

    is_right = ma.fields.Boolean()


class ContactAttemptSchema(Schema):
    """One try to speak with her."""

    id = ma.fields.UUID(dump_only=True)
    at = Moment(dump_only=True)
    channel = ma.fields.Enum(ContactChannel, by_value=True, required=True)
    outcome = ma.fields.Enum(AttemptOutcome, by_value=True, dump_only=True, allow_none=True)
    outcome_at = Moment(dump_only=True, allow_none=True)


class ContactOutcomeSchema(Schema):
    """What came of a try."""

    outcome = ma.fields.Enum(AttemptOutcome, by_value=True, required=True)

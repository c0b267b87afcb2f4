"""JSON of what reaches a protected person and what she reads; at the app host in words that tell nothing."""

from typing import Any

from marshmallow import fields, post_load, pre_dump, validate

from api.accounts.schemas import PIN
from api.alerts.model.drills import LinkState
from api.alerts.model.her_view import HerWords
from api.alerts.model.policies import PolicyDraft, QuietHours
from api.alerts.service import Preferences
from api.kernel.content import Language
from api.kernel.http import Schema
from api.safety_plans.model import Cover


class QuietSchema(Schema):
    """Hours without messages, by the clocks of `tz`."""

    begin = fields.String(required=True, data_key="from", validate=validate.Length(max=5))
    until = fields.String(required=True, validate=validate.Length(max=5))
    time_zone = fields.String(required=True, data_key="tz", validate=validate.Length(max=64))

    @post_load
    def make(self, data: dict[str, str], **_more: object) -> QuietHours:
        """Return the hours."""
        return QuietHours(**data)


class PolicySchema(Schema):
    """What reaches a protected person, for staff to read; it is hers to change and nobody else's."""

    person_id = fields.UUID()
    version = fields.Integer(allow_none=True)
    since = fields.AwareDateTime(allow_none=True)
    set_by = fields.UUID(allow_none=True)
    kinds = fields.List(fields.String(), allow_none=True)
    quiet = fields.Nested(QuietSchema, allow_none=True)
    rings_severity_1 = fields.Boolean()
    wording = fields.Integer()
    offered = fields.List(fields.String())
    default = fields.List(fields.String())
    default_decided_by = fields.String()

    @pre_dump
    def flatten(self, shown: Preferences, **_more: object) -> dict[str, Any]:
        """Write wish and default side by side."""
        policy, wish = shown.policy, shown.wish
        return {
            "person_id": shown.person_id,
            "version": policy.version if policy else None,
            "since": policy.since if policy else None,
            "set_by": policy.set_by if policy else None,
            "kinds": None if wish.kinds is None else sorted(wish.kinds),
            "quiet": wish.quiet,
            "rings_severity_1": wish.rings_severity_1,
            "wording": wish.wording,
            "offered": sorted(shown.offered),
            "default": sorted(shown.default),
            "default_decided_by": shown.decided_by,
        }


class AskSchema(Schema):
    """The digits once more, and in which language; words and field names here tell nothing."""

    secret = fields.String(required=True, load_only=True, validate=PIN)
    language = fields.Enum(Language, by_value=True, load_default=Language.EN)


class ChangeSchema(AskSchema):
    """What is to count from now on. Whether it can be kept is asked after the digits."""

    topics = fields.List(
        fields.String(validate=validate.Length(max=40)),
        required=True,
        allow_none=True,
        validate=validate.Length(max=100),
    )
    quiet = fields.Nested(QuietSchema, required=True, allow_none=True)
    urgent = fields.Boolean(load_default=True)
    text = fields.Integer(load_default=0, strict=True)


def wish_of(body: dict[str, Any]) -> PolicyDraft:
    """Return what a body of `ChangeSchema` asks for."""
    topics = body["topics"]
    kinds = None if topics is None else frozenset(topics)
    return PolicyDraft(kinds, body["quiet"], body["urgent"], body["text"])


class StepSchema(Schema):
    """Something that was done, or not."""

    text = fields.String()
    at = fields.AwareDateTime(allow_none=True)


class ItemSchema(Schema):
    """One item."""

    id = fields.UUID()
    what = fields.String()
    notes = fields.List(fields.String())
    is_test = fields.Boolean()
    happened_at = fields.AwareDateTime()
    told = fields.String()
    told_at = fields.AwareDateTime(allow_none=True)
    late = fields.String(allow_none=True)
    distance = fields.String()
    trend = fields.String()
    ages = fields.List(fields.String())
    as_of = fields.AwareDateTime(allow_none=True)
    doubts = fields.List(fields.String())
    advice = fields.List(fields.String())
    steps = fields.List(fields.Nested(StepSchema))
    ended = fields.Nested(StepSchema, allow_none=True)


class ChoiceSchema(Schema):
    """Something to choose; `standard` says that it is on unless chosen otherwise."""

    id = fields.String()
    text = fields.String()
    standard = fields.Boolean()


class PreferencesSchema(Schema):
    """What counts now, and what can be chosen."""

    version = fields.Integer()
    topics = fields.List(fields.String(), allow_none=True)
    choices = fields.List(fields.Nested(ChoiceSchema))
    standard_by = fields.String()
    quiet = fields.Nested(QuietSchema, allow_none=True)
    urgent = fields.Boolean()
    text = fields.Integer()
    texts = fields.List(fields.String())


def preferences_json(shown: Preferences, cover: Cover, words: HerWords) -> dict[str, Any]:
    """Return what `PreferencesSchema` writes, in the words of one language; version 0 is nothing set yet."""
    wish = shown.wish
    return {
        "version": shown.policy.version if shown.policy else 0,
        "topics": None if wish.kinds is None else sorted(wish.kinds),
        "choices": [
            {"id": kind, "text": words.what[kind], "standard": kind in shown.default}
            for kind in sorted(shown.offered)
        ],
        "standard_by": shown.decided_by,
        "quiet": wish.quiet,
        "urgent": wish.rings_severity_1,
        "text": wish.wording,
        "texts": cover.neutral_texts,
    }


class DetailsSchema(Schema):
    """Everything at once."""

    items = fields.List(fields.Nested(ItemSchema))
    preferences = fields.Nested(PreferencesSchema)
    checked_at = fields.AwareDateTime(allow_none=True)
    check = fields.Enum(LinkState, by_value=True, allow_none=True)
    heard_at = fields.AwareDateTime(allow_none=True)
    shown_at = fields.AwareDateTime()

"""JSON of the red flags: the list in one language for one asker, answers, and what they come to."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from api.kernel.content import Language
from api.kernel.fields import yes_or_no
from api.kernel.http import Schema
from api.safety_plans.model.screening import Answer, Asker, Concern, Item, RedFlags, Reply, Screening

MAX_ANSWERS = 100
"""No list is as long; bounds what a check has to look at. Proposal."""


class AskedSchema(Schema):
    """Who asks, and in which language."""

    asker = fields.Enum(Asker, by_value=True, load_default=Asker.HERSELF)
    language = fields.Enum(Language, by_value=True, load_default=Language.NL)


class StaffAskedSchema(AskedSchema):
    """As above; a professional unless said otherwise."""

    asker = fields.Enum(Asker, by_value=True, load_default=Asker.PROFESSIONAL)


class AnswerSchema(Schema):
    """One answer. There is no place for a note: a note stays where it was written."""

    reply = fields.Enum(Reply, by_value=True, required=True, data_key="answer")
    is_recent = yes_or_no(allow_none=True, load_default=None, data_key="recent")
    is_increasing = yes_or_no(allow_none=True, load_default=None, data_key="increasing")

    @validates_schema
    def check_details(self, data: dict[str, Any], **_more: object) -> None:
        """Refuse details of what was not said to be so."""
        if data.get("reply") is not Reply.YES and (
            data.get("is_recent") is not None or data.get("is_increasing") is not None
        ):
            raise ValidationError("recent and increasing go with the answer yes.", "answer")

    @post_load
    def make(self, data: dict[str, Any], **_more: object) -> Answer:
        """Return the answer."""
        return Answer(**data)


class AnswersSchema(AskedSchema):
    """Answers by code."""

    answers = fields.Dict(
        keys=fields.String(validate=validate.Regexp(r"^[A-Z]{1,2}[0-9]{1,2}\Z", error="Not a code.")),
        values=fields.Nested(AnswerSchema),
        required=True,
        validate=validate.Length(max=MAX_ANSWERS),
    )


class StaffAnswersSchema(StaffAskedSchema, AnswersSchema):
    """As above; a professional's unless said otherwise."""


class FlagSchema(Schema):
    """One question; `details` says whether recent and increasing are asked with it."""

    code = fields.String()
    text = fields.String()
    details = fields.Boolean()
    source = fields.String()


class ListSchema(Schema):
    """The whole list."""

    version = fields.String()
    author = fields.String()
    date = fields.Date()
    reviewer = fields.String()
    validated = fields.Boolean()
    notice = fields.String()
    recent_months = fields.Integer()
    again_after_days = fields.Integer()
    answers = fields.List(fields.Enum(Reply, by_value=True))
    questions = fields.List(fields.Nested(FlagSchema))
    core = fields.List(fields.Nested(FlagSchema))
    context = fields.List(fields.Nested(FlagSchema))
    do = fields.List(fields.String())
    avoid = fields.List(fields.String())


class NamedSchema(Schema):
    """Something on the list, by code and in words."""

    code = fields.String()
    text = fields.String()


class WaySchema(Schema):
    """Something that can be done; `to` is an id of the directory, or `pathway`, `plan`, `talk`."""

    to = fields.String()
    text = fields.String()


class ResultSchema(Schema):
    """What answers come to: a class in words, never a number."""

    concern = fields.Enum(Concern, by_value=True, data_key="class")
    title = fields.String()
    text = fields.String()
    steps = fields.List(fields.Nested(WaySchema))
    ticked = fields.List(fields.Nested(NamedSchema))
    not_known = fields.List(fields.Nested(NamedSchema))
    not_answered = fields.List(fields.Nested(NamedSchema))
    doubt = fields.String(allow_none=True)
    notice = fields.String()
    version = fields.String()
    validated = fields.Boolean()
    reviewer = fields.String()


def list_json(flags: RedFlags, asker: Asker, language: Language) -> dict[str, Any]:
    """Return what `ListSchema` writes."""
    guidance = flags.guidance[asker]

    def shown(items: tuple[Item, ...], *, with_details: bool) -> list[dict[str, Any]]:
        return [
            {
                "code": item.code,
                "text": item.text[asker][language],
                "details": with_details,
                "source": item.source,
            }
            for item in items
        ]

    return {
        "version": flags.version,
        "author": flags.author,
        "date": flags.date,
        "reviewer": flags.reviewer,
        "validated": flags.is_validated,
        "notice": flags.notice[language],
        "recent_months": flags.recent_months,
        "again_after_days": flags.reask_after_days,
        "answers": list(Reply),
        "questions": shown(flags.questions, with_details=False),
        "core": shown(flags.core, with_details=True),
        "context": shown(flags.context, with_details=False),
        "do": guidance.do[language],
        "avoid": guidance.avoid[language],
    }


def result_json(flags: RedFlags, found: Screening, asker: Asker, language: Language) -> dict[str, Any]:
    """Return what `ResultSchema` writes; what was ticked is named in words, and what can be done in order."""
    outcome = flags.outcomes[found.concern][asker]
    text_of: Mapping[str, str] = {item.code: item.text[asker][language] for item in flags.items}

    def named(codes: tuple[str, ...]) -> list[dict[str, str]]:
        return [{"code": code, "text": text_of[code]} for code in codes]

    return {
        "concern": found.concern,
        "title": outcome.title[language],
        "text": outcome.text[language],
        "steps": [{"to": way.to, "text": way.text[language]} for way in outcome.ways],
        "ticked": named(found.ticked),
        "not_known": named(found.not_known),
        "not_answered": named(found.not_answered),
        "doubt": flags.unknown_notice[language] if found.from_unknown else None,
        "notice": flags.notice[language],
        "version": flags.version,
        "validated": flags.is_validated,
        "reviewer": flags.reviewer,
    }

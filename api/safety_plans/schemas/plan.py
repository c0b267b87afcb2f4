"""JSON of the documents of a vault.

What a document may hold is for `rules.documents` to say; the fields here tell the API's description the same.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import marshmallow as ma

from api.kernel.content import Language
from api.kernel.fields import yes_or_no
from api.kernel.http import Schema
from api.safety_plans.model.content import CODE, Phase, Wish
from api.safety_plans.model.documents import (
    FORM,
    MAX_CODE_WORD,
    MAX_NOTE,
    MAX_NOTE_TEXT,
    MAX_PLACE,
    MAX_SHORT,
    MAX_TITLE,
    NotesDocument,
    PlanDocument,
    Status,
)
from api.safety_plans.rules.documents import (
    MAX_VERSION,
    check_size,
    dump_document,
    dump_notes,
    parse_document,
    parse_notes,
)


def _text(most: int) -> ma.fields.String:
    return ma.fields.String(required=True, validate=ma.validate.Length(max=most))


def _word(words: type[StrEnum], *, may_be_null: bool = False) -> ma.fields.String:
    known = [word.value for word in words]
    return ma.fields.String(required=True, allow_none=may_be_null, validate=ma.validate.OneOf(known))


def _answer() -> ma.fields.Boolean:
    return yes_or_no(required=True, allow_none=True, metadata={"description": "null: she has not said"})


class TailoringSchema(Schema):
    """What fits the plan to her."""

    lives_together = _answer()
    wants = _word(Wish, may_be_null=True)
    children = _answer()
    pets = _answer()
    pregnant = _answer()
    residence_depends = _answer()
    phone_watched = _answer()
    work = _answer()
    order_active = _answer()


class ItemNoteSchema(Schema):
    """What she says of one item."""

    status = _word(Status)
    note = _text(MAX_NOTE)
    place = _text(MAX_PLACE)


class OwnItemSchema(Schema):
    """Something that the content does not have."""

    title = _text(MAX_TITLE)
    note = _text(MAX_NOTE)
    phase = _word(Phase)


class TrustedContactSchema(Schema):
    """Somebody she trusts; every text may be empty."""

    name = _text(MAX_SHORT)
    reach = _text(MAX_SHORT)
    knows = _text(MAX_SHORT)
    when = _text(MAX_SHORT)


class SafeContactSchema(Schema):
    """How she may be reached; every text may be empty."""

    channel = _text(MAX_SHORT)
    hours = _text(MAX_SHORT)
    code_word = _text(MAX_SHORT)
    not_now = _text(MAX_SHORT)


class PlanDocumentSchema(Schema):
    """Her whole plan. Every key is sent every time: what is left out would be erased."""

    form = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Equal(FORM))
    content_version = _text(MAX_VERSION)
    language = _word(Language)
    tailoring = ma.fields.Nested(TailoringSchema, required=True)
    items = ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.Regexp(rf"\A{CODE}\Z")),
        values=ma.fields.Nested(ItemNoteSchema),
        required=True,
    )
    own_items = ma.fields.List(ma.fields.Nested(OwnItemSchema), required=True)
    contacts = ma.fields.List(ma.fields.Nested(TrustedContactSchema), required=True)
    code_word = _text(MAX_CODE_WORD)
    screening = ma.fields.Dict(required=True, allow_none=True)
    safe_contact = ma.fields.Nested(SafeContactSchema, required=True)

    @ma.pre_load
    def measure(self, data: Any, **_more: Any) -> Any:  # noqa: ANN401 - marshmallow's
        """Refuse what is too long before its thousands of parts are looked at."""
        check_size(data)
        return data

    @ma.post_load(pass_original=True)
    def read(self, _data: Mapping[str, Any], original: Any, **_more: Any) -> PlanDocument:  # noqa: ANN401 - marshmallow's
        """Make the document of what was sent, not of what the fields made of it."""
        return parse_document(original)

    @ma.pre_dump
    def write(self, plan: PlanDocument, **_more: Any) -> dict[str, Any]:  # noqa: ANN401 - marshmallow's
        """Hand the fields what the rules say."""
        return dump_document(plan)


class NoteSchema(Schema):
    """One note."""

    title = _text(MAX_TITLE)
    text = _text(MAX_NOTE_TEXT)


class NotesDocumentSchema(Schema):
    """Notes, the one that was changed last first."""

    form = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Equal(FORM))
    notes = ma.fields.List(ma.fields.Nested(NoteSchema), required=True)

    @ma.pre_load
    def measure(self, data: Any, **_more: Any) -> Any:  # noqa: ANN401 - marshmallow's
        """Refuse what is too long before its thousands of parts are looked at."""
        check_size(data)
        return data

    @ma.post_load(pass_original=True)
    def read(self, _data: Mapping[str, Any], original: Any, **_more: Any) -> NotesDocument:  # noqa: ANN401 - marshmallow's
        """Make the document of what was sent, not of what the fields made of it."""
        return parse_notes(original)

    @ma.pre_dump
    def write(self, document: NotesDocument, **_more: Any) -> dict[str, Any]:  # noqa: ANN401 - marshmallow's
        """Hand the fields what the rules say."""
        return dump_notes(document)

"""The JSON of a vault's documents: in and out without a change, and the fields say what the rules say."""

from typing import Any

import marshmallow as ma
import pytest

from api.safety_plans.model.documents import BadDocument, DocumentTooLarge, Note, NotesDocument
from api.safety_plans.rules.documents import dump_document, dump_notes
from api.safety_plans.schemas.plan import NotesDocumentSchema, PlanDocumentSchema
from tests.safety_plans.test_rules_documents import changed, whole


def test_a_plan_goes_in_and_out_without_a_change() -> None:
    data = dump_document(whole())
    assert PlanDocumentSchema().load(data) == whole()
    assert PlanDocumentSchema().dump(whole()) == data


def test_notes_go_in_and_out_without_a_change() -> None:
    notes = NotesDocument((Note("boodschappen", "melk"), Note("", "👋")))
    assert NotesDocumentSchema().load(dump_notes(notes)) == notes
    assert NotesDocumentSchema().dump(notes) == dump_notes(notes)


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ("form", 2),
        ("form", ...),
        ("odd", 1),
        ("language", "de"),
        ("tailoring.children", "yes"),
        ("tailoring.wants", "flying"),
        ("items", {"Bel 112": {"status": "done", "note": "", "place": ""}}),
        ("items.bel_112.status", "ready"),
        ("items.bel_112.note", "x" * 2001),
        ("own_items.0.phase", "soon"),
        ("contacts.0.name", 7),
        ("contacts.0.knows", ...),
        ("code_word", "x" * 101),
        ("screening", []),
        ("safe_contact", None),
    ],
)
def test_the_fields_refuse_what_the_rules_refuse(way: str, value: Any) -> None:
    with pytest.raises(ma.ValidationError):
        PlanDocumentSchema().load(changed(way, value))


@pytest.mark.parametrize("schema", [PlanDocumentSchema, NotesDocumentSchema])
def test_what_is_far_too_long_is_refused_before_it_is_looked_at(schema: type[ma.Schema]) -> None:
    data = {"form": 1, "odd": ["\ud83d", float("nan")] * 30_000}
    with pytest.raises(DocumentTooLarge, match="bytes too long"):
        schema().load(data)


@pytest.mark.parametrize("schema", [PlanDocumentSchema, NotesDocumentSchema])
@pytest.mark.parametrize("data", [[], None, "plan"])
def test_what_is_no_object_is_refused(schema: type[ma.Schema], data: Any) -> None:
    with pytest.raises(ma.ValidationError):
        schema().load(data)


@pytest.mark.parametrize(("way", "value"), [("code_word", "a\0"), ("screening.a", [[[[[[[[[]]]]]]]]])])
def test_what_only_the_rules_know_is_refused_as_well(way: str, value: Any) -> None:
    with pytest.raises(BadDocument):
        PlanDocumentSchema().load(changed(way, value))

"""A plan comes back exactly as she wrote it; what cannot be kept is refused, and nothing is cut or lost."""

import copy
import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.config import CONTENT
from api.kernel.content import Language
from api.kernel.errors import Invalid
from api.safety_plans.model.content import Phase, Tailoring, Wish
from api.safety_plans.model.documents import (
    DOCUMENT_MAX_BYTES,
    BadDocument,
    DocumentTooLarge,
    ItemNote,
    Note,
    NotesDocument,
    OwnItem,
    PlanDocument,
    SafeContact,
    Status,
    TrustedContact,
)
from api.safety_plans.rules.documents import (
    dump_document,
    dump_notes,
    encode_document,
    kept_codes,
    new_notes,
    new_plan,
    parse_document,
    parse_notes,
)
from api.safety_plans.service import load_content

CONTENT_NOW = load_content(CONTENT)
HARD = (
    "👩‍👧🏽 weg",
    "\u202eomgekeerd\u202c",
    "שלום أهلاً",
    "e\u0301 ≠ é",
    "Z\u0351\u036f\u0489algo",
    "\ttab\r\n",
    "\ufeff",
    "",
)
LETTERS = st.one_of(
    st.sampled_from(HARD),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
)
ANSWERS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | LETTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
    max_leaves=8,
)
YES_NO_UNKNOWN = st.sampled_from((True, False, None))
CODES = st.from_regex(r"\A[a-z][a-z0-9_]{1,39}\Z")
PLANS = st.builds(
    PlanDocument,
    content_version=st.sampled_from(("2026-11-25", "2030-01-01.3")),
    language=st.sampled_from(Language),
    tailoring=st.builds(
        Tailoring,
        wants=st.sampled_from((*Wish, None)),
        **{field.name: YES_NO_UNKNOWN for field in fields(Tailoring) if field.name != "wants"},
    ),
    items=st.dictionaries(CODES, st.builds(ItemNote, st.sampled_from(Status), LETTERS, LETTERS), max_size=4),
    own_items=st.lists(st.builds(OwnItem, LETTERS, LETTERS, st.sampled_from(Phase)), max_size=3).map(tuple),
    contacts=st.lists(st.builds(TrustedContact, *[LETTERS] * 4), max_size=3).map(tuple),
    code_word=LETTERS,
    screening=st.none() | st.dictionaries(LETTERS, ANSWERS, max_size=3),
    safe_contact=st.builds(SafeContact, *[LETTERS] * 4),
)


def whole() -> PlanDocument:
    """A plan in which every part says something."""
    return PlanDocument(
        content_version="2026-11-25",
        language=Language.NL,
        tailoring=Tailoring(children=True, wants=Wish.UNSURE),
        items={"bel_112": ItemNote(Status.DONE, "bij de buren 👋", "in mijn hoofd")},
        own_items=(OwnItem("hond", "naar Sam", Phase.LEAVING),),
        contacts=(TrustedContact("S.", "bellen", "alles", "na 20 uur"),),
        code_word="pompoensoep",
        screening={"version": "1", "answers": {"RV01": "yes", "n": [1, 2.5, None, True]}},
        safe_contact=SafeContact("app", "9-12", "Kees hier", "verkeerd nummer"),
    )


def changed(way: str, value: Any) -> dict[str, Any]:
    """A whole plan as plain data, with one part of it changed; `...` takes the part away."""
    data = copy.deepcopy(dump_document(whole()))
    *path, last = [int(part) if part.isdigit() else part for part in way.split(".")]
    place: Any = data
    for part in path:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return data


@given(PLANS)
def test_a_plan_comes_back_exactly_as_it_was(plan: PlanDocument) -> None:
    data = dump_document(plan)
    assert parse_document(data) == plan
    again = json.loads(encode_document(data))
    assert again == data
    assert parse_document(again) == plan
    assert encode_document(dump_document(parse_document(again))) == encode_document(data)


@given(st.lists(st.builds(Note, LETTERS, LETTERS), max_size=5).map(tuple))
def test_notes_come_back_exactly_and_in_their_order(notes: tuple[Note, ...]) -> None:
    document = NotesDocument(notes)
    assert parse_notes(json.loads(encode_document(dump_notes(document)))) == document


@pytest.mark.parametrize("hard", HARD)
def test_letters_that_break_elsewhere_are_kept_as_they_are(hard: str) -> None:
    plan = replace(whole(), code_word=hard)
    assert parse_document(json.loads(encode_document(dump_document(plan)))).code_word == hard


def test_a_new_plan_says_nothing_and_can_be_kept() -> None:
    plan = new_plan(CONTENT_NOW)
    assert (plan.content_version, plan.language, plan.tailoring) == (
        CONTENT_NOW.version,
        Language.NL,
        Tailoring(),
    )
    assert plan.item("bel_112") == ItemNote(Status.NOT_YET, "", "")
    assert parse_document(dump_document(plan)) == plan
    assert new_plan(CONTENT_NOW, Language.EN).language is Language.EN
    assert parse_notes(dump_notes(new_notes())) == NotesDocument(())


def test_what_she_wrote_under_a_code_that_is_gone_is_kept_and_told_apart() -> None:
    plan = replace(whole(), items={"oude_stap": ItemNote(Status.BUSY, "x", ""), "bel_112": ItemNote()})
    again = parse_document(dump_document(plan))
    assert again.item("oude_stap").note == "x"
    assert kept_codes(again, CONTENT_NOW) == ("oude_stap",)


def test_room_for_every_item_of_the_content_with_a_note_of_a_few_sentences() -> None:
    """A plan that is filled in from top to bottom fits, with 250 characters for each item."""
    codes = [item.code for section in CONTENT_NOW.sections for item in section.items]
    plan = replace(whole(), items={code: ItemNote(Status.BUSY, "n" * 250, "p" * 50) for code in codes})
    assert len(encode_document(dump_document(plan))) < DOCUMENT_MAX_BYTES


@pytest.mark.parametrize(
    ("way", "value", "path", "said"),
    [
        ("form", 2, "form", "must be 1: this was written by another version"),
        ("form", True, "form", "must be 1"),
        ("form", "1", "form", "must be 1"),
        ("form", ..., "form", "is missing: send every key"),
        ("contacts", ..., "contacts", "is missing"),
        ("odd", 1, "", "has an unknown key; known are form, content_version"),
        ("content_version", "x" * 21, "content_version", "1 characters too long, 20 at most"),
        ("language", "de", "language", "must be one of nl, en"),
        ("language", ["nl"], "language", "must be one of"),
        ("tailoring", None, "tailoring", "must be an object"),
        ("tailoring.children", "yes", "tailoring.children", "must be true, false or null"),
        ("tailoring.children", 1, "tailoring.children", "must be true, false or null"),
        ("tailoring.wants", True, "tailoring.wants", "must be one of staying, leaving, unsure"),
        ("tailoring.pets", ..., "tailoring.pets", "is missing"),
        ("items", [], "items", "must be an object"),
        ("items", {"Bel 112": {}}, "items", "has a code that is not"),
        ("items", {7: {}}, "items", "has a code that is not"),
        ("items.bel_112", "done", "items.bel_112", "must be an object"),
        ("items.bel_112.status", "ready", "items.bel_112.status", "must be one of not_applicable, not_yet"),
        ("items.bel_112.note", "x" * 2001, "items.bel_112.note", "1 characters too long, 2000 at most"),
        ("items.bel_112.place", "x" * 501, "items.bel_112.place", "500 at most"),
        ("items.bel_112.note", None, "items.bel_112.note", "must be a text"),
        ("items.bel_112.note", "a\0b", "items.bel_112.note", "NUL character (U+0000), which cannot be kept"),
        ("items.bel_112.place", "\ud83d", "items.bel_112.place", "half of a character (a lone surrogate)"),
        ("own_items", {}, "own_items", "must be a list"),
        ("own_items.0.title", "x" * 201, "own_items.0.title", "200 at most"),
        ("own_items.0.note", "x" * 2001, "own_items.0.note", "2000 at most"),
        ("own_items.0.phase", "soon", "own_items.0.phase", "must be one of home, leaving, after"),
        ("contacts", None, "contacts", "must be a list"),
        ("contacts.0", [], "contacts.0", "must be an object"),
        ("contacts.0.name", "x" * 501, "contacts.0.name", "500 at most"),
        ("contacts.0.knows", ..., "contacts.0.knows", "is missing"),
        ("code_word", "x" * 101, "code_word", "100 at most"),
        ("safe_contact", [], "safe_contact", "must be an object"),
        ("safe_contact.not_now", 7, "safe_contact.not_now", "must be a text"),
        ("safe_contact.phone", "x", "safe_contact", "has an unknown key"),
        ("screening", [], "screening", "must be an object"),
        ("screening.a", float("nan"), "screening", "a number that is none"),
        ("screening.a", float("-inf"), "screening", "a number that is none"),
        ("screening.a", 2**53, "screening", "a whole number beyond"),
        ("screening.a", {"b": {1, 2}}, "screening", "not JSON"),
        ("screening.a", [{"b": "\0"}], "screening", "NUL"),
        ("screening.a", {"\udc00": 1}, "screening", "lone surrogate"),
        ("screening.a", {1: 1}, "screening", "must be a text"),
        ("screening.a", [[[[[[[[[]]]]]]]]], "screening", "nests too deep: 8 levels"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(way: str, value: Any, path: str, said: str) -> None:
    with pytest.raises(BadDocument) as caught:
        parse_document(changed(way, value))
    assert caught.value.path == path
    assert said in caught.value.message
    assert isinstance(caught.value, Invalid)
    assert caught.value.fields == ({path: [caught.value.message.removeprefix(f"{path}: ")]} if path else {})


@pytest.mark.parametrize("data", [None, [], "plan", 7])
def test_what_is_no_document_is_refused(data: Any) -> None:
    for parse in (parse_document, parse_notes):
        with pytest.raises(BadDocument, match="must be an object"):
            parse(data)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"form": 1}, "notes"),
        ({"form": 3, "notes": []}, "form"),
        ({"form": 1, "notes": {}}, "notes"),
        ({"form": 1, "notes": [{"title": "x"}]}, "notes.0.text"),
        ({"form": 1, "notes": [{"title": "x" * 201, "text": ""}]}, "notes.0.title"),
        ({"form": 1, "notes": [{"title": "", "text": "x" * 4001}]}, "notes.0.text"),
        ({"form": 1, "notes": [{"title": "", "text": "", "at": 1}]}, "notes.0"),
    ],
)
def test_notes_that_cannot_be_kept_are_refused_with_their_place(data: Any, path: str) -> None:
    with pytest.raises(BadDocument) as caught:
        parse_notes(data)
    assert caught.value.path == path


def test_a_refusal_never_repeats_what_she_wrote() -> None:
    for way in ("items.bel_112.note", "code_word", "contacts.0.name", "content_version", "language"):
        with pytest.raises(BadDocument) as caught:
            parse_document(changed(way, "pompoensoep\0" * 300))
        assert "pompoen" not in str(caught.value)


def filled(size: int) -> PlanDocument:
    """A plan of exactly so many bytes."""
    plan = replace(whole(), own_items=tuple(OwnItem("", "n" * 1900, Phase.HOME) for _ in range(30)))
    start = len(encode_document(dump_document(plan)))
    last = OwnItem("", "n" * (size - start - len(',{"title":"","note":"","phase":"home"}')), Phase.HOME)
    return replace(plan, own_items=(*plan.own_items, last))


def test_a_document_up_to_the_limit_is_taken_and_one_byte_more_says_so() -> None:
    fits = filled(DOCUMENT_MAX_BYTES)
    data = dump_document(fits)
    assert len(encode_document(data)) == DOCUMENT_MAX_BYTES
    assert parse_document(data) == fits
    data["code_word"] += "é"
    with pytest.raises(DocumentTooLarge, match="2 bytes too long, 60000 at most") as caught:
        parse_document(data)
    assert caught.value.fields == {}
    with pytest.raises(DocumentTooLarge, match="2 bytes too long"):
        dump_document(replace(fits, code_word=data["code_word"]))


@pytest.mark.parametrize(
    "plan",
    [
        replace(whole(), code_word="\ud83d"),
        replace(whole(), screening={"a": float("nan")}),
        replace(whole(), screening={"a": [[[[[[[[[]]]]]]]]]}),
        replace(whole(), items={"Bel 112": ItemNote()}),
        replace(whole(), contacts=(TrustedContact("x" * 501),)),
    ],
)
def test_what_could_not_be_read_again_is_not_handed_out_either(plan: PlanDocument) -> None:
    with pytest.raises(BadDocument):
        dump_document(plan)
    with pytest.raises(BadDocument):
        dump_notes(NotesDocument((Note("x" * 201, ""),)))


def test_notes_together_longer_than_the_limit_are_refused() -> None:
    document = NotesDocument(tuple(Note("", "n" * 4000) for _ in range(15)))
    with pytest.raises(DocumentTooLarge):
        dump_notes(document)

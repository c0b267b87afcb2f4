"""The documents of a vault as plain data and back, exactly; what cannot be kept is refused with its place."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any, TypeVar

from api.kernel.content import Language
from api.safety_plans.model.content import CODE, Phase, PlanContent, Tailoring, Wish
from api.safety_plans.model.documents import (
    DOCUMENT_MAX_BYTES,
    FORM,
    MAX_CODE_WORD,
    MAX_DEPTH,
    MAX_EXACT_INT,
    MAX_NOTE,
    MAX_NOTE_TEXT,
    MAX_PLACE,
    MAX_SHORT,
    MAX_TITLE,
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

MAX_VERSION = 20
"""Characters of a version of the content."""
_PLAN = (
    "form",
    "content_version",
    "language",
    "tailoring",
    "items",
    "own_items",
    "contacts",
    "code_word",
    "screening",
    "safe_contact",
)
_CONTACT = tuple(field.name for field in fields(TrustedContact))
_REACHED = tuple(field.name for field in fields(SafeContact))
_TAILORING = tuple(field.name for field in fields(Tailoring))
_Word = TypeVar("_Word", bound=StrEnum)


def new_plan(content: PlanContent, language: Language = Language.NL) -> PlanDocument:
    """Return the plan of somebody who has said nothing yet."""
    return PlanDocument(content.version, language, Tailoring(), {}, (), (), "", None, SafeContact())


def parse_document(data: Any) -> PlanDocument:  # noqa: ANN401 - whatever somebody sent
    """Return the plan that this plain data says.

    Every key must be there: a key that an app forgot would otherwise erase what she wrote under it.

    Raises:
        BadDocument: A part cannot be kept; says which.
        DocumentTooLarge: As a whole it is longer than `DOCUMENT_MAX_BYTES`.
    """
    plan = _read_plan(data)
    check_size(data)
    return plan


def _read_plan(data: Any) -> PlanDocument:  # noqa: ANN401 - as above
    top = _keys(data, "", _PLAN)
    _check_form(top["form"])
    items = _mapping(top["items"], "items")
    for code in items:
        if not isinstance(code, str) or not re.fullmatch(CODE, code):
            raise BadDocument("items", "has a code that is not 2 to 40 small letters, digits and _")
    return PlanDocument(
        content_version=_text(top["content_version"], "content_version", MAX_VERSION),
        language=_word(Language, top["language"], "language"),
        tailoring=_tailoring(top["tailoring"]),
        items={code: _item(said, f"items.{code}") for code, said in items.items()},
        own_items=tuple(
            _own(said, f"own_items.{place}")
            for place, said in enumerate(_list(top["own_items"], "own_items"))
        ),
        contacts=tuple(
            TrustedContact(**_shorts(said, f"contacts.{place}", _CONTACT))
            for place, said in enumerate(_list(top["contacts"], "contacts"))
        ),
        code_word=_text(top["code_word"], "code_word", MAX_CODE_WORD),
        screening=_screening(top["screening"]),
        safe_contact=SafeContact(**_shorts(top["safe_contact"], "safe_contact", _REACHED)),
    )


def dump_document(plan: PlanDocument) -> dict[str, Any]:
    """Return a plan as plain data, which `parse_document` makes the same plan of.

    What could not be read again is refused here: a plan that was stored like that would be lost to her.

    Raises:
        BadDocument: A part cannot be kept; says which.
        DocumentTooLarge: It is longer than `DOCUMENT_MAX_BYTES`.
    """
    data = {
        "form": FORM,
        "content_version": plan.content_version,
        "language": plan.language.value,
        "tailoring": {
            name: value.value if isinstance(value := getattr(plan.tailoring, name), Wish) else value
            for name in _TAILORING
        },
        "items": {
            code: {"status": item.status.value, "note": item.note, "place": item.place}
            for code, item in plan.items.items()
        },
        "own_items": [
            {"title": own.title, "note": own.note, "phase": own.phase.value} for own in plan.own_items
        ],
        "contacts": [{name: getattr(contact, name) for name in _CONTACT} for contact in plan.contacts],
        "code_word": plan.code_word,
        "screening": None if plan.screening is None else dict(plan.screening),
        "safe_contact": {name: getattr(plan.safe_contact, name) for name in _REACHED},
    }
    _read_plan(data)
    check_size(data)
    return data


def kept_codes(plan: PlanDocument, content: PlanContent) -> tuple[str, ...]:
    """Return the codes of which she says something and that the content no longer has; to be shown apart."""
    known = {item.code for section in content.sections for item in section.items}
    return tuple(code for code in plan.items if code not in known)


def new_notes() -> NotesDocument:
    """Return a decoy without notes: notes that ship with us would be known to whoever reads our texts."""
    return NotesDocument(())


def parse_notes(data: Any) -> NotesDocument:  # noqa: ANN401 - whatever somebody sent
    """Return the notes that this plain data says; raises as `parse_document`."""
    document = _read_notes(data)
    check_size(data)
    return document


def _read_notes(data: Any) -> NotesDocument:  # noqa: ANN401 - as above
    top = _keys(data, "", ("form", "notes"))
    _check_form(top["form"])
    notes = []
    for place, said in enumerate(_list(top["notes"], "notes")):
        one = _keys(said, f"notes.{place}", ("title", "text"))
        title = _text(one["title"], f"notes.{place}.title", MAX_TITLE)
        notes.append(Note(title, _text(one["text"], f"notes.{place}.text", MAX_NOTE_TEXT)))
    return NotesDocument(tuple(notes))


def dump_notes(document: NotesDocument) -> dict[str, Any]:
    """Return notes as plain data, which `parse_notes` makes the same notes of; raises as `dump_document`."""
    data = {"form": FORM, "notes": [{"title": note.title, "text": note.text} for note in document.notes]}
    _read_notes(data)
    check_size(data)
    return data


def encode_document(data: Mapping[str, Any]) -> bytes:
    """Return a dumped document as the bytes that are encrypted: compact JSON, UTF-8."""
    return _compact(data).encode()


def check_size(data: Any) -> None:  # noqa: ANN401 - as above
    """Refuse a document that is too long; works on what nobody has looked at yet, if JSON can say it.

    Raises:
        DocumentTooLarge: More than `DOCUMENT_MAX_BYTES`; says by how much.
    """
    size = len(_compact(data).encode(errors="surrogatepass"))
    if (over := size - DOCUMENT_MAX_BYTES) > 0:
        raise DocumentTooLarge(
            "",
            f"All of it together is {over} bytes too long, {DOCUMENT_MAX_BYTES} at most: shorten some notes.",
        )


def _compact(data: Any) -> str:  # noqa: ANN401 - as above
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _check_form(said: Any) -> None:  # noqa: ANN401 - as above
    if not isinstance(said, int) or isinstance(said, bool) or said != FORM:
        raise BadDocument("form", f"must be {FORM}: this was written by another version")


def _item(said: Any, path: str) -> ItemNote:  # noqa: ANN401 - as above
    top = _keys(said, path, ("status", "note", "place"))
    return ItemNote(
        _word(Status, top["status"], f"{path}.status"),
        _text(top["note"], f"{path}.note", MAX_NOTE),
        _text(top["place"], f"{path}.place", MAX_PLACE),
    )


def _own(said: Any, path: str) -> OwnItem:  # noqa: ANN401 - as above
    top = _keys(said, path, ("title", "note", "phase"))
    return OwnItem(
        _text(top["title"], f"{path}.title", MAX_TITLE),
        _text(top["note"], f"{path}.note", MAX_NOTE),
        _word(Phase, top["phase"], f"{path}.phase"),
    )


def _shorts(said: Any, path: str, names: Sequence[str]) -> dict[str, str]:  # noqa: ANN401 - as above
    top = _keys(said, path, names)
    return {name: _text(top[name], f"{path}.{name}", MAX_SHORT) for name in names}


def _tailoring(said: Any) -> Tailoring:  # noqa: ANN401 - as above
    top = _keys(said, "tailoring", _TAILORING)
    answers: dict[str, Any] = {}
    for name, answer in top.items():
        path = f"tailoring.{name}"
        if answer is not None and name != "wants" and not isinstance(answer, bool):
            raise BadDocument(path, "must be true, false or null")
        answers[name] = _word(Wish, answer, path) if name == "wants" and answer is not None else answer
    return Tailoring(**answers)


def _screening(said: Any) -> dict[str, Any] | None:  # noqa: ANN401 - as above
    if said is None:
        return None
    top = _mapping(said, "screening")
    _check_plain(top, MAX_DEPTH)
    return dict(top)


def _check_plain(said: Any, depth: int) -> None:  # noqa: ANN401 - as above
    """Refuse what JSON would not give back as it is; where in the answers is not told: they are hers."""
    if depth == 0:
        raise BadDocument("screening", f"nests too deep: {MAX_DEPTH} levels at most")
    if isinstance(said, dict):
        for name, value in said.items():
            _text(name, "screening", MAX_NOTE)
            _check_plain(value, depth - 1)
    elif isinstance(said, list):
        for value in said:
            _check_plain(value, depth - 1)
    elif isinstance(said, str):
        _text(said, "screening", MAX_NOTE)
    elif isinstance(said, float):
        if not math.isfinite(said):
            raise BadDocument("screening", "has a number that is none (NaN or infinite)")
    elif isinstance(said, int):
        if abs(said) > MAX_EXACT_INT:
            raise BadDocument("screening", f"has a whole number beyond {MAX_EXACT_INT}")
    elif said is not None:
        raise BadDocument("screening", "has something that is not JSON")


def _keys(said: Any, path: str, names: Sequence[str]) -> Mapping[str, Any]:  # noqa: ANN401 - as above
    top = _mapping(said, path)
    if top.keys() - set(names):
        raise BadDocument(path, f"has an unknown key; known are {', '.join(names)}")
    if missing := [name for name in names if name not in top]:
        raise BadDocument(f"{path}.{missing[0]}" if path else missing[0], "is missing: send every key")
    return top


def _mapping(said: Any, path: str) -> dict[Any, Any]:  # noqa: ANN401 - as above
    if not isinstance(said, dict):
        raise BadDocument(path, "must be an object")
    return said


def _list(said: Any, path: str) -> list[Any]:  # noqa: ANN401 - as above
    if not isinstance(said, list):
        raise BadDocument(path, "must be a list")
    return said


def _text(said: Any, path: str, most: int) -> str:  # noqa: ANN401 - as above
    if not isinstance(said, str):
        raise BadDocument(path, "must be a text")
    if len(said) > most:
        raise BadDocument(path, f"is {len(said) - most} characters too long, {most} at most")
    if "\0" in said:
        raise BadDocument(path, "has a NUL character (U+0000), which cannot be kept: remove it")
    if re.search("[\ud800-\udfff]", said):
        raise BadDocument(path, "has half of a character (a lone surrogate), which cannot be kept: remove it")
    return said


def _word(words: type[_Word], said: Any, path: str) -> _Word:  # noqa: ANN401 - as above
    if not isinstance(said, str) or said not in tuple(words):
        raise BadDocument(path, f"must be one of {', '.join(words)}")
    return words(said)

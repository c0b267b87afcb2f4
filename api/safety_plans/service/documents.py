"""What a PIN opens: her plan, or the notes behind the second PIN; both are read and saved alike.

The text is in the clear only within the request that reads or saves it.
"""

import json
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from api.accounts.model.entry import SIDES, EntryNotFound, Side, SlotContent
from api.accounts.rules.slots import pad, unpad
from api.kernel import crypto
from api.safety_plans.model.vault import (
    DOCUMENT_BYTES,
    Body,
    ChangedMeanwhile,
    Damaged,
    KeptFull,
    Page,
)
from api.safety_plans.rules.documents import (
    dump_document,
    dump_notes,
    parse_document,
    parse_notes,
)
from api.safety_plans.store import documents

_EMPTY = Page(0, None, None)


def begin(session: Session, opened: SlotContent) -> None:
    """Make both documents, empty, if there are none: both at once, so that no row tells which is used."""
    if (
        opened.decoy_key is None
        or documents.find_document(session, opened.vault_id, opened.index) is not None
    ):
        return
    keys = {opened.index: opened.key, 1 - opened.index: opened.decoy_key}
    documents.add_documents(session, opened.vault_id, [_sealed_page(keys[i], _EMPTY) for i in range(SIDES)])


def open_page(session: Session, opened: SlotContent) -> Page:
    """Return what the key opens; raises Damaged for a document that was altered or cut off."""
    begin(session, opened)
    sealed = documents.find_document(session, opened.vault_id, opened.index)
    if sealed is None:
        return _EMPTY
    body, kept = (_unsealed(opened.key, one) for one in sealed)
    return Page(body["revision"], body["body"], kept["body"])


def checked(side: Side, said: Any) -> Body:  # noqa: ANN401 - whatever somebody sent
    """Return a document in its form: her plan on the real side, notes on the other; raises BadDocument."""
    if side is Side.REAL:
        return dump_document(parse_document(said))
    return dump_notes(parse_notes(said))


def save_page(session: Session, opened: SlotContent, revision: int, body: Body) -> Page:
    """Save a document, `checked` before, that changes this revision.

    Raises ChangedMeanwhile when another device has saved since (`keep` then stores it beside, in a
    transaction of its own); KeptFull when something is kept beside already.
    """
    page = open_page(session, opened)
    if revision != page.revision:
        _must_have_room(page)
        raise ChangedMeanwhile("Another device has saved meanwhile. Both versions are kept: compare them.")
    after = replace(page, revision=page.revision + 1, body=body)
    _save(session, opened, after)
    return after


def keep(session: Session, opened: SlotContent, body: Body) -> None:
    """Keep beside what another device wanted to save over a newer revision; raises KeptFull."""
    page = open_page(session, opened)
    _must_have_room(page)
    _save(session, opened, replace(page, kept=body))


def _must_have_room(page: Page) -> None:
    if page.kept is not None:
        raise KeptFull(
            "Another device has saved meanwhile, and an earlier version still waits to be looked at: "
            "open it, keep what you need, then save again."
        )


def drop_kept(session: Session, opened: SlotContent) -> None:
    """Forget what is kept beside: she has looked at it."""
    _save(session, opened, replace(open_page(session, opened), kept=None))


def open_decoy(session: Session, opened: SlotContent) -> Page:
    """Return what the second PIN shows; only from the real side: raises EntryNotFound otherwise."""
    return open_page(session, _other(opened))


def save_decoy(session: Session, opened: SlotContent, body: Body) -> None:
    """Save what the second PIN shows, over whatever is there; otherwise as `open_decoy`."""
    begin(session, opened)
    other = _other(opened)
    page = open_page(session, other)
    _save(session, other, Page(page.revision + 1, body, None))


def _other(opened: SlotContent) -> SlotContent:
    if opened.decoy_key is None:
        raise EntryNotFound("Not found.")
    return SlotContent(Side.DECOY, opened.vault_id, 1 - opened.index, opened.decoy_key)


def erase(session: Session, opened: SlotContent) -> None:
    """Delete both documents; their keys are gone with `accounts.forget`."""
    documents.delete_documents(session, opened.vault_id)


def _save(session: Session, opened: SlotContent, page: Page) -> None:
    documents.save_document(session, opened.vault_id, opened.index, *_sealed_page(opened.key, page))


def _sealed_page(key: bytes, page: Page) -> tuple[bytes, bytes]:
    body = _sealed(key, {"revision": page.revision, "body": page.body})
    return body, _sealed(key, {"revision": 0, "body": page.kept})


def _sealed(key: bytes, content: dict[str, Any]) -> bytes:
    return crypto.seal(key, pad(_compact(content), DOCUMENT_BYTES))


def _unsealed(key: bytes, sealed: bytes) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(unpad(crypto.unseal(key, sealed)))
    except crypto.Undecipherable:
        raise Damaged("What is stored cannot be opened. It was left as it is: nothing was saved.") from None
    return content


def _compact(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

"""The bytes of a slot's content, all of one size; how often a PIN may be tried."""

import base64
import json
from datetime import datetime
from uuid import UUID

from api.accounts.model.entry import SLOT_BYTES, TRIES_SAVED, TRY_COSTS, Duress, Side, SlotContent

_END = b"\x80"
"""ISO/IEC 7816-4: one such byte, then zeros."""


def may_try(spent_until: datetime | None, now: datetime) -> bool:
    """Say whether a PIN is tried at all: wrong ones have not used up what is saved."""
    return spent_until is None or spent_until <= now + TRIES_SAVED


def spent_after(spent_until: datetime | None, now: datetime) -> datetime:
    """Return until when the tries are spent after a wrong PIN."""
    return max(spent_until or now, now) + TRY_COSTS


def encode_content(content: SlotContent) -> bytes:
    """Return `SLOT_BYTES` bytes."""
    duress = content.duress
    body = {
        "side": content.side.value,
        "vault_id": content.vault_id.hex,
        "index": content.index,
        "key": _text(content.key),
        "decoy_key": _text(content.decoy_key or b""),
        "hide_days": duress.hide_days,
        "calls_help": duress.calls_help,
        "erases": duress.erases,
    }
    return pad(json.dumps(body).encode(), SLOT_BYTES)


def decode_content(padded: bytes) -> SlotContent:
    """Return what `encode_content` was given; for bytes that were sealed, so only by us."""
    body = json.loads(unpad(padded))
    decoy_key = base64.b64decode(body["decoy_key"])
    return SlotContent(
        side=Side(body["side"]),
        vault_id=UUID(body["vault_id"]),
        index=body["index"],
        key=base64.b64decode(body["key"]),
        decoy_key=decoy_key or None,
        duress=Duress(body["hide_days"], body["calls_help"], body["erases"]),
    )


def pad(body: bytes, size: int) -> bytes:
    """Return `body` filled up to `size` bytes; raises ValueError when it does not fit."""
    if len(body) >= size:
        raise ValueError(f"{len(body)} bytes do not fit into {size}")
    return (body + _END).ljust(size, b"\0")


def unpad(padded: bytes) -> bytes:
    """Return what `pad` was given."""
    body, _end, _zeros = padded.rpartition(_END)
    return body


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()

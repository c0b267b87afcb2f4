"""Small packs of made-up files, and ways to spoil them."""

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from nacl.signing import SigningKey

from api.evidence.model.pack import Variant
from api.evidence.rules.manifest import Made, seal

KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key).hex()
MADE = Made(
    alert=UUID(int=7),
    variant=Variant.FULL,
    at=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
    by=UUID(int=9),
    reason="hearing",
    rules=("2026-11-2",),
)
LINES = [json.dumps({"n": n, "text": "where he was " * (n % 5)}) for n in range(40)]
FILES = {
    "README.txt": b"What this is.\n" * 400,
    "messages.jsonl": ("\n".join(LINES) + "\n").encode(),
    "state.json": b'{"order": 1}\n',
    "empty.jsonl": b"",
}


def make(files: Mapping[str, bytes] = FILES, key: SigningKey = KEY) -> bytes:
    return seal(files, MADE, key)


def flipped(pack: bytes, at: int, bits: int = 1) -> bytes:
    return pack[:at] + bytes([pack[at] ^ bits]) + pack[at + 1 :]


def contents(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed_again(files: Mapping[str, bytes] | list[tuple[str, bytes]]) -> bytes:
    """The files as an ordinary program packs them."""
    buffer = io.BytesIO()
    pairs = files if isinstance(files, list) else list(files.items())
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in pairs:
            opened.writestr(name, content)
    return buffer.getvalue()

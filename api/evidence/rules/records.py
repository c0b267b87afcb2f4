"""Files as records with a hash each, so that what was altered can be named."""

import hashlib
from collections.abc import Iterator

from api.evidence.model.pack import BLOCK_BYTES, FileEntry, Records


def kind_of(name: str) -> Records:
    """Return how a file of this name falls into records."""
    return Records.LINES if name.endswith(".jsonl") else Records.BLOCKS


def spans(kind: Records, content: bytes) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each record, in bytes; the last line may lack its end."""
    begin = 0
    while begin < len(content):
        if kind is Records.BLOCKS:
            end = min(begin + BLOCK_BYTES, len(content))
        else:
            newline = content.find(b"\n", begin)
            end = len(content) if newline < 0 else newline + 1
        yield begin, end
        begin = end


def hashes(kind: Records, content: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield begin, end and hash of each record; each hash of a line holds all lines before it."""
    before = b""
    for begin, end in spans(kind, content):
        digest = hashlib.sha256(before + content[begin:end])
        if kind is Records.LINES:
            before = digest.digest()
        yield begin, end, digest.hexdigest()


def first_fault(entry: FileEntry, content: bytes, *, is_whole: bool) -> str | None:
    """Return a sentence that names the first record that is not as it was signed; None when all are.

    Args:
        entry: As signed.
        content: What could be unpacked.
        is_whole: False when unpacking ended with an error.
    """
    count = 0
    for begin, end, digest in hashes(entry.kind, content):
        where = f"{entry.name}: record {count + 1:,} (bytes {begin:,}-{end - 1:,})"
        if count >= len(entry.records):
            return f"{where} was added"
        if digest != entry.records[count]:
            if not is_whole and end == len(content):
                return f"{entry.name}: record {count + 1:,} (from byte {begin:,} on) was altered"
            return f"{where} was altered"
        count += 1
    if count < len(entry.records):
        lost = "is missing" if is_whole else "cannot be unpacked"
        return f"{entry.name}: record {count + 1:,} (from byte {len(content):,} on) {lost}"
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        return f"{entry.name} is not what its own manifest says"
    return None

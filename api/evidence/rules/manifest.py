"""A pack made of its files: hashes, the signed manifest, the archive."""

import hashlib
import zlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from nacl.signing import SigningKey

from api.evidence.model.pack import FORMAT, MANIFEST, SIGNATURE, FileEntry, Manifest, Variant
from api.evidence.rules import archive
from api.evidence.rules.archive import DEFLATED, Member
from api.evidence.rules.records import hashes, kind_of


class Made(msgspec.Struct, frozen=True):
    """Who made a pack of what, when and why; fields as in `Manifest`."""

    alert: UUID
    variant: Variant
    at: datetime
    by: UUID | None
    reason: str
    rules: tuple[str, ...]


def public_key(key: SigningKey) -> str:
    """Return the public half in hexadecimal."""
    return bytes(key.verify_key).hex()


def fingerprint(public: str) -> str:
    """Return what two people can read out to each other to compare a public key: 32 digits in groups."""
    digest = hashlib.sha256(bytes.fromhex(public)).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))


def seal(files: Mapping[str, bytes], made: Made, key: SigningKey) -> bytes:
    """Return the pack of these files, in their order: the same inputs give the same bytes."""
    packed = {name: archive.deflate(content) for name, content in files.items()}
    manifest = Manifest(
        format=FORMAT,
        alert=made.alert,
        variant=made.variant,
        made_at=made.at,
        made_by=made.by,
        reason=made.reason,
        rules=made.rules,
        public_key=public_key(key),
        files=tuple(_entry(name, content, packed[name]) for name, content in files.items()),
    )
    line = msgspec.json.encode(manifest) + b"\n"
    signature = key.sign(line).signature
    members = [archive.stored(SIGNATURE, signature), archive.stored(MANIFEST, line)]
    parts = [archive.local_header(members[0]), signature, archive.local_header(members[1]), line]
    for entry in manifest.files:
        member = member_of(entry)
        members.append(member)
        parts += [archive.local_header(member), packed[entry.name]]
    return b"".join([*parts, archive.directory(members)])


def member_of(entry: FileEntry) -> Member:
    """Return how a file of a manifest stands in the archive."""
    return Member(entry.name, DEFLATED, entry.packed_size, entry.size, entry.crc32)


def _entry(name: str, content: bytes, packed: bytes) -> FileEntry:
    kind = kind_of(name)
    return FileEntry(
        name=name,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        packed_size=len(packed),
        packed_sha256=hashlib.sha256(packed).hexdigest(),
        crc32=zlib.crc32(content),
        kind=kind,
        records=tuple(digest for _begin, _end, digest in hashes(kind, content)),
    )

"""The one form in which a pack is written as a zip file, byte for byte, and how a foreign one is read.

Everything around the files (headers, directory, end) follows from names, lengths and checksums alone: no
times, no comments, no extra fields. So a checker writes it again from the signed manifest and compares,
and there is no byte in the whole file that nobody looks at. What compression makes of a file can differ
from one version of zlib to the next; it is therefore never made again, but has its own hash in the manifest.

The signature (64 bytes) and the manifest (one line) come first and are not compressed: both are found by
their place, whatever happened to the rest.
"""

import struct
import zlib
from collections.abc import Sequence

import msgspec

from api.evidence.model.pack import MANIFEST, MOST_FILES, SIGNATURE, SIGNATURE_BYTES

STORED, DEFLATED = 0, 8
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_MARK_LOCAL, _MARK_CENTRAL, _MARK_END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_NEEDS, _MADE_BY = 20, 3 << 8 | 20
"""Format version 2.0 (deflate); made on a system with Unix rights."""
_DATE = 1 << 5 | 1
"""1 January 1980, the format's first day: when a pack was made stands in its manifest, signed."""
_RIGHTS = 0o100600 << 16
_PIECE_BYTES = 1024

SIGNATURE_AT = _LOCAL.size + len(SIGNATURE)
MANIFEST_AT = SIGNATURE_AT + SIGNATURE_BYTES + _LOCAL.size + len(MANIFEST)


class Member(msgspec.Struct, frozen=True):
    """One file as it stands in the archive: `packed` are its bytes there, `size` and `crc32` its own."""

    name: str
    method: int
    packed_size: int
    size: int
    crc32: int


class Place(msgspec.Struct, frozen=True):
    """Where a directory says that a file's packed bytes are."""

    name: str
    method: int
    begin: int
    packed_size: int


def deflate(content: bytes) -> bytes:
    """Return the compressed bytes of a file."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def stored(name: str, content: bytes) -> Member:
    """Return the member of a file that is not compressed."""
    return Member(name, STORED, len(content), len(content), zlib.crc32(content))


def local_header(member: Member) -> bytes:
    """Return what stands before a file's packed bytes."""
    name = member.name.encode("ascii")
    sizes = (member.crc32, member.packed_size, member.size)
    return _LOCAL.pack(_MARK_LOCAL, _NEEDS, 0, member.method, 0, _DATE, *sizes, len(name), 0) + name


def directory(members: Sequence[Member]) -> bytes:
    """Return everything that stands behind the last file."""
    entries, offset = b"", 0
    for one in members:
        name = one.name.encode("ascii")
        sizes = (one.crc32, one.packed_size, one.size)
        entries += _CENTRAL.pack(
            _MARK_CENTRAL,
            _MADE_BY,
            _NEEDS,
            0,
            one.method,
            0,
            _DATE,
            *sizes,
            len(name),
            0,
            0,
            0,
            0,
            _RIGHTS,
            offset,
        )
        entries += name
        offset += len(local_header(one)) + one.packed_size
    count = len(members)
    return entries + _END.pack(_MARK_END, 0, 0, count, count, len(entries), offset, 0)


def is_placed(data: bytes) -> bool:
    """Say whether signature and manifest stand where we write them; one damaged name does not hide them."""
    sign = data[_LOCAL.size : SIGNATURE_AT] == SIGNATURE.encode()
    return sign or data[MANIFEST_AT - len(MANIFEST) : MANIFEST_AT] == MANIFEST.encode()


def read_directory(data: bytes) -> list[Place]:
    """Return what an archive's own directory lists, whoever wrote it; nothing when it cannot be read."""
    end = data.rfind(_MARK_END)
    if end < 0 or end + _END.size > len(data):
        return []
    _mark, _disk, _first, _here, count, _size, at, _comment = _END.unpack_from(data, end)
    places = []
    for _ in range(min(count, 2 * MOST_FILES)):
        if data[at : at + 4] != _MARK_CENTRAL or at + _CENTRAL.size > len(data):
            break
        fields = _CENTRAL.unpack_from(data, at)
        method, packed, begin = fields[4], fields[8], fields[16]
        name_size, extra_size, comment_size = fields[10:13]
        name = data[at + _CENTRAL.size : at + _CENTRAL.size + name_size].decode("utf-8", "replace")
        at += _CENTRAL.size + name_size + extra_size + comment_size
        if begin + _LOCAL.size <= len(data):
            local = _LOCAL.unpack_from(data, begin)
            begin += _LOCAL.size + local[9] + local[10]
        places.append(Place(name, method, begin, packed))
    return places


def unpack(packed: bytes, method: int, most: int) -> tuple[bytes, bool]:
    """Return a file of at most `most` bytes and whether its packed bytes end where they should.

    What comes after `most` is not read, however much it were: False. Of damaged bytes everything is returned
    that stands before the damage.
    """
    if method == STORED:
        return packed[:most], len(packed) <= most
    if method != DEFLATED:
        return b"", False
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(packed, most)
    except zlib.error:
        return _before_damage(packed, most), False
    return content, unpacker.eof and not unpacker.unused_data


def _before_damage(packed: bytes, most: int) -> bytes:
    """Unpack in pieces, the one with the damage byte by byte: zlib gives nothing of a piece that fails."""
    unpacker, content, at, step = zlib.decompressobj(-zlib.MAX_WBITS), bytearray(), 0, _PIECE_BYTES
    while at < len(packed) and len(content) < most:
        before = unpacker.copy()
        try:
            content += unpacker.decompress(packed[at : at + step], most - len(content))
        except zlib.error:
            if step == 1:
                break
            unpacker, step = before, 1
            continue
        at += step
    return bytes(content)

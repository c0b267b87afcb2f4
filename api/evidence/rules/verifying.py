"""Whether a pack is as it was signed, byte for byte; if not, what was altered first.

In this order, and the first fault found is the one that is told:

1. The signature of the manifest. Without it nothing in the file means anything.
2. Every file, record by record, wherever it stands: also one that somebody unpacked, edited and
   packed again, or whose compressed bytes are damaged, is named with its record.
3. What the archive lists beside the signed files.
4. Every other byte: headers and directory are written again from the manifest and compared, and the
   compressed bytes have a hash of their own. So no bit of the file can change without being told.
"""

import hashlib

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from api.evidence.model.pack import (
    BLOCK_BYTES,
    FORMAT,
    MANIFEST,
    SIGNATURE,
    SIGNATURE_BYTES,
    FileEntry,
    Manifest,
    Result,
    Verdict,
)
from api.evidence.rules import archive
from api.evidence.rules.archive import DEFLATED, MANIFEST_AT, SIGNATURE_AT, Member, Place
from api.evidence.rules.manifest import fingerprint, member_of
from api.evidence.rules.records import first_fault

MOST_BYTES = 64 * 1024 * 1024
"""A longer file is no pack; a day of two devices is under 5 MB. Proposal."""
_WHOLE = "the files' contents are whole"
_decode = msgspec.json.Decoder(Manifest).decode


class _Signed(msgspec.Struct, frozen=True):
    """Manifest and signature as found: `line` are the signed bytes."""

    signature: bytes
    line: bytes


def verify(data: bytes, key: str | None = None) -> Verdict:
    """Check a pack of at most MOST_BYTES.

    `key` is the public key that it must be signed with, in hexadecimal; None takes the one inside, which
    proves that nothing was altered since, and not who signed.
    """
    places = archive.read_directory(data)
    found = _candidates(data, places)
    if not found:
        return Verdict(Result.NO_PACK, "This is no evidence pack: it holds no signed manifest.")
    signed = next((one for one in found if _is_signed(one, key)), None)
    if signed is None:
        return Verdict(Result.ALTERED, _unsigned(data, found[0], key))
    manifest = _decode(signed.line)
    if manifest.format != FORMAT:
        return Verdict(
            Result.NO_PACK, f"This pack has the form {manifest.format!r}: check it with its own program."
        )
    sentence = (
        _altered_content(data, places, manifest, len(signed.line))
        or _altered_list(places, manifest)
        or _altered_frame(data, manifest, signed)
    )
    if sentence:
        return Verdict(Result.ALTERED, f"{sentence}.", manifest)
    return Verdict(Result.GENUINE, "Every byte is as it was signed.", manifest)


def _candidates(data: bytes, places: list[Place]) -> list[_Signed]:
    """Return manifest and signature by their place, and as the archive's directory has them."""
    found = []
    if archive.is_placed(data):
        newline = data.find(b"\n", MANIFEST_AT)
        line = data[MANIFEST_AT:] if newline < 0 else data[MANIFEST_AT : newline + 1]
        found.append(_Signed(data[SIGNATURE_AT : SIGNATURE_AT + SIGNATURE_BYTES], line))
    listed = {place.name: place for place in places}
    if SIGNATURE in listed and MANIFEST in listed:
        found.append(_Signed(_listed(data, listed[SIGNATURE]), _listed(data, listed[MANIFEST])))
    return found


def _listed(data: bytes, place: Place) -> bytes:
    packed = data[place.begin : place.begin + place.packed_size]
    return archive.unpack(packed, place.method, MOST_BYTES)[0]


def _read(line: bytes) -> Manifest | None:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_signed(one: _Signed, key: str | None) -> bool:
    manifest = _read(one.line)
    if manifest is None or (key is not None and manifest.public_key != key):
        return False
    try:
        VerifyKey(bytes.fromhex(manifest.public_key)).verify(one.line, one.signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def _unsigned(data: bytes, one: _Signed, key: str | None) -> str:
    """Say what is wrong with the signed part; the archive's checksum hints at which of the two it is."""
    manifest = _read(one.line)
    if manifest is not None and key is not None and manifest.public_key != key and _is_signed(one, None):
        inside = fingerprint(manifest.public_key)
        return f"It was signed with another key than the one given; that key's fingerprint is {inside}."
    expected = archive.local_header(archive.stored(MANIFEST, one.line))
    is_line_whole = data[MANIFEST_AT - len(expected) : MANIFEST_AT] == expected
    which = f"{SIGNATURE} was altered" if is_line_whole else f"{MANIFEST} was altered, or {SIGNATURE}"
    return f"{which}: the signature does not hold, so nothing in this file is proven."


def _altered_content(data: bytes, places: list[Place], manifest: Manifest, manifest_bytes: int) -> str | None:
    """Return the first record of the first file that is not as signed."""
    listed = {place.name: place for place in places}
    at = MANIFEST_AT + manifest_bytes
    for entry in manifest.files:
        header = archive.local_header(member_of(entry))
        own = Place(entry.name, DEFLATED, at + len(header), entry.packed_size)
        at = own.begin + entry.packed_size
        name_at = own.begin - len(entry.name)
        is_here = data[name_at : own.begin] == entry.name.encode("ascii")
        # A damaged name does not hide a file that is where it should be, nor a damaged directory.
        place = own if is_here or _has_packed(data, own, entry) else listed.get(entry.name)
        if place is None:
            return f"{entry.name} is missing or was renamed"
        packed = data[place.begin : place.begin + place.packed_size]
        content, is_whole = archive.unpack(packed, place.method, entry.size + BLOCK_BYTES)
        if fault := first_fault(entry, content, is_whole=is_whole):
            return fault
    return None


def _has_packed(data: bytes, place: Place, entry: FileEntry) -> bool:
    packed = data[place.begin : place.begin + place.packed_size]
    return hashlib.sha256(packed).hexdigest() == entry.packed_sha256


def _altered_list(places: list[Place], manifest: Manifest) -> str | None:
    """Return what the archive's directory lists twice, or beside what was signed."""
    signed = {SIGNATURE, MANIFEST, *(entry.name for entry in manifest.files)}
    names = [place.name for place in places]
    for name in names:
        if name not in signed:
            return f"{_shown(name)} was added, or is another file under this name"
        if names.count(name) > 1:
            return f"{name} is in the archive twice"
    return None


def _shown(name: str) -> str:
    """Return a stranger's file name so that it can be printed; long ones are cut."""
    return ascii(name[:80])


def _altered_frame(data: bytes, manifest: Manifest, signed: _Signed) -> str | None:
    """Return where the archive around the files is not the one that follows from the manifest."""
    members = [archive.stored(SIGNATURE, signed.signature), archive.stored(MANIFEST, signed.line)]
    frame: list[bytes | FileEntry] = [
        archive.local_header(members[0]) + signed.signature,
        archive.local_header(members[1]) + signed.line,
    ]
    for entry in manifest.files:
        member: Member = member_of(entry)
        members.append(member)
        frame += [archive.local_header(member), entry]
    frame.append(archive.directory(members))
    at = 0
    for part in frame:
        if isinstance(part, FileEntry):
            if not _has_packed(data, Place(part.name, DEFLATED, at, part.packed_size), part):
                return f"The archive was altered at {part.name} (from byte {at:,} on); {_WHOLE}"
            at += part.packed_size
            continue
        if (found := data[at : at + len(part)]) != part:
            first = next((n for n, (a, b) in enumerate(zip(found, part, strict=False)) if a != b), len(found))
            return f"The archive's directory was altered (byte {at + first:,}); {_WHOLE}"
        at += len(part)
    if len(data) > at:
        return f"The archive goes on behind its end (byte {at:,}); {_WHOLE}"
    return None

"""Nouns of a signed pack: its variants, its manifest, and what checking one can come to."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from api.kernel.errors import Conflict, Invalid

FORMAT = "baken-evidence-pack/1"
"""Stands first in each manifest; a pack of another form says so by another number."""
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
SIGNATURE_BYTES = 64
BLOCK_BYTES = 4096
"""Length of a record of a file that has no lines; short enough to say where, long enough for few of them."""
MAX_REASON_CHARACTERS = 500
"""A sentence or two; proposal, as of exemptions."""


MOST_FILE_BYTES = 64 * 1024 * 1024
"""A manifest that claims more of one file is none of ours: nothing is unpacked into all of the memory. A day
of two devices makes files of under 10 MB. Proposal."""
MOST_FILES = 20
"""A pack has ten. Proposal."""

_Size = Annotated[int, msgspec.Meta(ge=0, le=MOST_FILE_BYTES)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,30}\.[a-z]{2,7}\Z|^README\.txt\Z")]
_Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Variant(StrEnum):
    """For whom a pack is made: FULL for the court, DEFENCE without what may lead to her."""

    FULL = "full"
    DEFENCE = "defence"


class Records(StrEnum):
    """How a file falls into records: LINES are chained hashes, BLOCKS hashes of BLOCK_BYTES each."""

    LINES = "lines"
    BLOCKS = "blocks"


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a pack; hashes are SHA-256 in hexadecimal.

    Attributes:
        size: Bytes of the file itself.
        packed_size, packed_sha256: Of its compressed bytes in the archive.
        crc32: Of the file itself, as the archive's directory repeats it.
        records: Per record its hash; of LINES each is the hash of the one before (32 bytes; none before the
            first) followed by the line with its end.
    """

    name: _Name
    size: _Size
    sha256: _Hash
    packed_size: _Size
    packed_sha256: _Hash
    crc32: Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
    kind: Records
    records: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the signature covers: the bytes of this, as one line of JSON.

    Attributes:
        made_by: The account; None is the command line.
        reason: Why it was made; empty in the defence's variant, whose readers staff's words are not for.
        rules: Versions of the rules that judged, and last the one that computed it again.
        public_key: Ed25519, 32 bytes in hexadecimal.
    """

    format: str
    alert: UUID
    variant: Variant
    made_at: datetime
    made_by: UUID | None
    reason: str
    rules: tuple[str, ...]
    public_key: _Hash
    files: Annotated[tuple[FileEntry, ...], msgspec.Meta(max_length=MOST_FILES)]


class Result(StrEnum):
    """What checking came to."""

    GENUINE = "genuine"
    ALTERED = "altered"
    NO_PACK = "no pack"


class Verdict(msgspec.Struct, frozen=True):
    """The result with one sentence on what was found first; `manifest` as far as its signature holds."""

    result: Result
    sentence: str
    manifest: Manifest | None = None


class NothingForDefence(Conflict):
    """Nothing of this alert may go to the defence."""


class BadReason(Invalid):
    """A pack is made for a reason of 1..MAX_REASON_CHARACTERS characters."""

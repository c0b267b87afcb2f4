"""A history under seal: chunks that only the holder of one X25519 key opens, each bound to its place.

Each chunk is a libsodium sealed box of: 16 random bytes that are the same in the whole file, the chunk's
number (8 bytes), whether it is the last (1 byte), and up to 64 KiB of the history. A chunk that is missing,
twice, at another place or of another file is found, and so is an end that was cut off.
"""

import io
import secrets
from collections.abc import Callable
from typing import BinaryIO

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from api.evidence.model.history import BadSeal

MAGIC = b"baken-history-sealed 1\n"
CHUNK_BYTES = 65_536
_FILE_BYTES, _NUMBER_BYTES, _LENGTH_BYTES = 16, 8, 4
_PREFIX_BYTES = _FILE_BYTES + _NUMBER_BYTES + 1
_OVERHEAD = 48
"""Of a sealed box: its one-time public key of 32 bytes and a tag of 16 (libsodium, crypto_box_SEALBYTES)."""


def new_keys() -> tuple[str, str]:
    """Return a private and its public key, 64 hexadecimal digits each."""
    key = PrivateKey.generate()
    return bytes(key).hex(), bytes(key.public_key).hex()


class Sealer:
    """Takes bytes, writes sealed chunks; `finish` writes the last one."""

    def __init__(self, public_key: str, write: Callable[[bytes], object]) -> None:
        """Seal to a public key in hexadecimal; raises BadSeal when it is none."""
        self._box = SealedBox(PublicKey(_key(public_key)))
        self._write, self._file = write, secrets.token_bytes(_FILE_BYTES)
        self._waiting, self._number = bytearray(), 0
        write(MAGIC)

    def write(self, some: bytes) -> None:
        """Take some more of the history."""
        self._waiting += some
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]

    def finish(self) -> None:
        """Write what is left, marked as the last."""
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, some: bytes, *, is_last: bool) -> None:
        place = self._number.to_bytes(_NUMBER_BYTES, "big") + bytes([is_last])
        sealed = self._box.encrypt(self._file + place + some)
        self._write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        self._number += 1


class Opened(io.RawIOBase):
    """The history inside a sealed file, to be read like any file."""

    def __init__(self, source: BinaryIO, private_key: str) -> None:
        """Open what stands after `MAGIC` in `source`; raises BadSeal when the key is none."""
        super().__init__()
        self._source, self._box = source, SealedBox(PrivateKey(_key(private_key)))
        self._file: bytes | None = None
        self._number, self._is_over, self._rest = 0, False, b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer; ours is one
        """Fill the buffer with what comes next; 0 is the end."""
        while not self._rest and not self._is_over:
            self._rest = self._next()
        some, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(some)] = some
        return len(some)

    def _next(self) -> bytes:
        length = int.from_bytes(self._exactly(_LENGTH_BYTES), "big")
        if not _PREFIX_BYTES + _OVERHEAD <= length <= CHUNK_BYTES + _PREFIX_BYTES + _OVERHEAD:
            raise BadSeal(f"Chunk {self._number + 1} of the sealed file has an impossible length.")
        sealed = self._exactly(length)
        try:
            plain = self._box.decrypt(sealed)
        except CryptoError as error:
            raise BadSeal(
                f"Chunk {self._number + 1} of the sealed file does not open: it was sealed to another key, "
                "or altered."
            ) from error
        file, number = plain[:_FILE_BYTES], plain[_FILE_BYTES : _PREFIX_BYTES - 1]
        self._file = self._file or file
        if file != self._file or int.from_bytes(number, "big") != self._number:
            raise BadSeal(f"Chunk {self._number + 1} of the sealed file belongs elsewhere.")
        self._number += 1
        if plain[_PREFIX_BYTES - 1]:
            self._is_over = True
            if self._source.read(1):
                raise BadSeal("Something stands after the last chunk of the sealed file.")
        return plain[_PREFIX_BYTES:]

    def _exactly(self, count: int) -> bytes:
        some = self._source.read(count)
        if len(some) != count:
            raise BadSeal(f"The sealed file was cut off after chunk {self._number}.")
        return some


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != PrivateKey.SIZE:
        raise BadSeal("A key is 64 hexadecimal digits: `python -m api history key FILE` makes a pair.")
    return key

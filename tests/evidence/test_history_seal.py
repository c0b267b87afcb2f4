"""A sealed history opens for one key, whole and in order, or not at all."""

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.evidence.model.history import BadSeal
from api.evidence.service.history_seal import CHUNK_BYTES, MAGIC, Opened, Sealer, new_keys

PRIVATE, PUBLIC = new_keys()


def seal(plain: bytes, key: str = PUBLIC) -> list[bytes]:
    """The sealed file in pieces: the first line, then a piece a chunk."""
    pieces: list[bytes] = []
    sealer = Sealer(key, pieces.append)
    for start in range(0, len(plain), 1000):
        sealer.write(plain[start : start + 1000])
    sealer.finish()
    return pieces


def opened(pieces: list[bytes], key: str = PRIVATE) -> bytes:
    source = io.BytesIO(b"".join(pieces))
    assert source.read(len(MAGIC)) == MAGIC
    return io.BufferedReader(Opened(source, key)).read()


LONG = bytes(range(256)) * (CHUNK_BYTES // 256 * 3)


@pytest.mark.parametrize("length", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_it_opens_to_what_was_sealed(length: int) -> None:
    pieces = seal(LONG[:length])
    assert opened(pieces) == LONG[:length]
    assert len(pieces) == 1 + max(1, -(-length // CHUNK_BYTES))


def test_lines_are_read_from_it_as_from_any_file() -> None:
    source = io.BytesIO(b"".join(seal(b"one\ntwo\n")[1:]))
    file = Opened(source, PRIVATE)
    assert file.readable()
    assert io.BufferedReader(file).readlines() == [b"one\n", b"two\n"]


def test_another_key_opens_nothing() -> None:
    with pytest.raises(BadSeal, match=r"Chunk 1 .* does not open"):
        opened(seal(LONG), new_keys()[0])


def test_chunks_that_changed_places_are_found() -> None:
    first, *chunks = seal(LONG)
    for n, _pair in enumerate(pairwise(chunks)):
        swapped = [*chunks[:n], chunks[n + 1], chunks[n], *chunks[n + 2 :]]
        with pytest.raises(BadSeal, match=r"belongs elsewhere|after the last"):
            opened([first, *swapped])


def test_a_chunk_that_is_gone_twice_or_of_another_file_is_found() -> None:
    first, one, two, three = seal(LONG)
    for chunks in ([two, three], [one, three], [one, one, two, three], [one, seal(LONG)[2], three]):
        with pytest.raises(BadSeal, match="belongs elsewhere"):
            opened([first, *chunks])


def test_an_end_that_was_cut_off_or_has_grown_is_found() -> None:
    pieces = seal(LONG)
    for short in (pieces[:-1], [*pieces[:-1], pieces[-1][:-1]], pieces[:1], [*pieces[:-1], b"\0\0"]):
        with pytest.raises(BadSeal, match="cut off after chunk"):
            opened(short)
    with pytest.raises(BadSeal, match="after the last chunk"):
        opened([*pieces, b"x"])


@pytest.mark.parametrize("length", [0, 72, CHUNK_BYTES + 200, 2**32 - 1])
def test_a_length_that_cannot_be_is_refused_before_anything_is_read(length: int) -> None:
    with pytest.raises(BadSeal, match="impossible length"):
        opened([MAGIC, length.to_bytes(4, "big")])


SHORT = b"".join(seal(b"a line\n"))


@given(st.integers(len(MAGIC), len(SHORT) - 1), st.integers(1, 255))
def test_any_altered_byte_is_refused(place: int, other: int) -> None:
    altered = bytearray(SHORT)
    altered[place] ^= other
    with pytest.raises(BadSeal):
        opened([bytes(altered)])


@pytest.mark.parametrize("key", ["", "5e", "xx" * 32, "5e" * 33, "é" * 64])
def test_what_is_no_key_is_told(key: str) -> None:
    with pytest.raises(BadSeal, match="64 hexadecimal digits"):
        seal(b"", key)
    with pytest.raises(BadSeal, match="64 hexadecimal digits"):
        Opened(io.BytesIO(), key)


def test_a_key_may_come_with_the_end_of_its_line() -> None:
    assert opened(seal(b"x", f"{PUBLIC}\n"), f" {PRIVATE}\n") == b"x"

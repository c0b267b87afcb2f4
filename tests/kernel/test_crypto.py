"""Laws of the primitives behind their plain names."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel import crypto

KEY = bytes(range(32))
ROW = uuid.UUID(int=1)


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens_to_the_same(plain: bytes) -> None:
    assert crypto.unseal(KEY, crypto.seal(KEY, plain)) == plain


def test_the_same_text_never_seals_alike_twice() -> None:
    assert crypto.seal(KEY, b"x") != crypto.seal(KEY, b"x")


@given(st.binary(max_size=50), st.data())
def test_an_altered_byte_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(crypto.seal(KEY, plain))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(crypto.Undecipherable):
        crypto.unseal(KEY, bytes(sealed))


@given(st.binary(max_size=100))
def test_bytes_from_elsewhere_do_not_open_and_do_not_crash(noise: bytes) -> None:
    with pytest.raises(crypto.Undecipherable):
        crypto.unseal(KEY, noise)


def test_a_column_opens_with_its_key_its_name_and_its_row_only() -> None:
    sealed = crypto.ColumnCipher(KEY, "wearer.name").seal(ROW, b"Jan")
    assert crypto.ColumnCipher(KEY, "wearer.name").unseal(ROW, sealed) == b"Jan"
    for cipher, row in (
        (crypto.ColumnCipher(bytes(32), "wearer.name"), ROW),
        (crypto.ColumnCipher(KEY, "protected_person.name"), ROW),
        (crypto.ColumnCipher(KEY, "wearer.name"), uuid.UUID(int=2)),
    ):
        with pytest.raises(crypto.Undecipherable):
            cipher.unseal(row, sealed)


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_purposes_never_share_a_key(one: str, other: str) -> None:
    assert (crypto.derive(KEY, one) == crypto.derive(KEY, other)) == (one == other)
    assert len(crypto.derive(KEY, one)) == crypto.KEY_BYTES


def test_a_derived_password_is_plain_text_and_stays_the_same() -> None:
    password = crypto.derive_text(KEY, "mqtt:baken-worker")
    assert password == crypto.derive_text(KEY, "mqtt:baken-worker")
    assert len(password) == 43
    assert password.replace("-", "").replace("_", "").isalnum()


def test_a_password_is_known_by_its_hash_and_no_other_is() -> None:
    hashed = crypto.hash_password("correct horse")
    assert hashed.startswith("$argon2id$")
    assert hashed != crypto.hash_password("correct horse")
    assert crypto.is_password(hashed, "correct horse")
    for wrong in ("", "correct hors", "correct horse ", "Correct horse", "correct horse\x00"):
        assert not crypto.is_password(hashed, wrong)


def test_a_device_secret_has_a_hash_that_the_broker_reads() -> None:
    secret = crypto.new_token()
    hashed = crypto.hash_device_secret(secret)
    assert hashed.startswith("$2a$")
    assert crypto.is_device_secret(hashed, secret)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_whatever_is_sent_as_a_device_secret_it_is_wrong_and_breaks_nothing(wrong: str) -> None:
    assert not crypto.is_device_secret(_HASHED, wrong)


_HASHED = crypto.hash_device_secret("kept to itself")


def test_tokens_are_long_random_and_fit_a_url() -> None:
    tokens = {crypto.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 43 and token.isascii() for token in tokens)
    assert all(crypto.hash_token(token) != token for token in tokens)


def test_keys_are_random() -> None:
    assert len({crypto.new_key() for _ in range(100)}) == 100
    assert len(crypto.new_key()) == crypto.KEY_BYTES


def test_a_signature_is_the_hmac_of_the_books() -> None:
    """RFC 4231, test case 2."""
    signature = crypto.sign(b"Jefe", b"what do ya want for nothing?")
    assert signature == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


@pytest.mark.parametrize("guess", ["\udce9", "a" * 63 + "\ud800", "é", "\x00", "?" * 64])
def test_a_signature_of_whatever_characters_is_a_wrong_one(guess: str) -> None:
    fault = crypto.signature_fault(b"secret", f"t=1,v1={guess}", b"body", 1.0)
    assert fault.startswith("The signature is wrong")


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_header_breaks_the_check_of_a_signature(header: str) -> None:
    assert crypto.signature_fault(b"secret", header, b"body", 1.0)
    assert crypto.signature_fault(b"secret", f"t=1,v1={header}", b"body", 1.0)

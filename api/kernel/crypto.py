"""Proven primitives behind plain names: passwords, device secrets, derived keys, encrypted columns."""

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from uuid import UUID

import argon2
import argon2.low_level
import bcrypt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox

KEY_BYTES = 32
_P256_ORDER = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
"""How many points there are: FIPS 186-4, D.1.2.3."""
_DEVICE_SECRET_ROUNDS = 4
"""bcrypt's least cost: a device secret has 256 random bits, so there is nothing to guess, and the
broker checks one at each connect of thousands of devices."""


_WAITING = threading.BoundedSemaphore(8)
"""How many may wait for that; whoever comes then is told to try again. Proposal."""


class TooBusy(Exception):
    """Too many secrets are being checked: try again in a moment."""


class Undecipherable(Exception):
    """The bytes were not made with this key, or were altered."""


@lru_cache(maxsize=1)
def _hasher() -> argon2.PasswordHasher:
    # RFC 9106 section 4, the second recommended option (64 MiB, 3 passes, 4 lanes): the library's default,
    # and above the least that OWASP asks for (19 MiB, 2 passes, 1 lane).
    return argon2.PasswordHasher()


_ARGON2_AT_ONCE = threading.BoundedSemaphore(2)
"""In one process; each holds 64 MiB: a flood of sign-ins must not take the memory from the process that shows
alerts, and more than there are processors would only slow each other down."""


@contextmanager
def _argon2_turn() -> Iterator[None]:
    """Wait for a turn, or raise TooBusy: whoever floods the sign-in must not stop every other request."""
    if not _WAITING.acquire(blocking=False):
        raise TooBusy
    try:
        with _ARGON2_AT_ONCE:
            yield
    finally:
        _WAITING.release()


def hash_password(password: str) -> str:
    """Return an Argon2id hash of a password or PIN."""
    with _argon2_turn():
        return _hasher().hash(password)


def is_password(hashed: str, password: str) -> bool:
    """Say whether `password` has this Argon2id hash; takes the same time for right and wrong."""
    with _argon2_turn():
        try:
            return _hasher().verify(hashed, password)
        except argon2.exceptions.VerifyMismatchError:
            return False


def stretch_pin(pin: bytes, salt: bytes, length: int) -> bytes:
    """Return `length` bytes that cost as much to compute as a password's hash; the same for the same input.

    `salt`: 16 bytes. RFC 9106's low-memory profile, as for passwords: 64 MiB, three passes, four lanes.
    """
    return _stretch(pin, salt, length, argon2.profiles.RFC_9106_LOW_MEMORY)


def stretch_number(number: bytes, salt: bytes, length: int) -> bytes:
    """Return `length` bytes of something with over 40 random bits, at OWASP's least cost for Argon2id.

    19 MiB, two passes, one lane (Password Storage Cheat Sheet): 10 ** 13 numbers are centuries of it.
    """
    cost = argon2.Parameters(argon2.Type.ID, 19, 16, length, 2, 19 * 1024, 1)
    return _stretch(number, salt, length, cost)


def _stretch(secret: bytes, salt: bytes, length: int, cost: argon2.Parameters) -> bytes:
    with _argon2_turn():
        return argon2.low_level.hash_secret_raw(
            secret, salt, cost.time_cost, cost.memory_cost, cost.parallelism, length, argon2.Type.ID
        )


def new_token() -> str:
    """Return 256 random bits as text that fits a URL, a cookie and a password field."""
    return secrets.token_urlsafe(KEY_BYTES)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a random token: what we store, so that a stolen table opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def hash_device_secret(secret: str) -> str:
    """Return a bcrypt hash in the form that the NATS server reads (`$2a$…`)."""
    salt = bcrypt.gensalt(_DEVICE_SECRET_ROUNDS, prefix=b"2a")
    return bcrypt.hashpw(secret.encode(), salt).decode()


def is_device_secret(hashed: str, secret: str) -> bool:
    """Say whether `secret` has this bcrypt hash."""
    return bcrypt.checkpw(secret.encode()[:72], hashed.encode())


def derive(server_key: bytes, purpose: str) -> bytes:
    """Return a 32-byte key for one purpose; purposes cannot be computed from each other."""
    return hmac.digest(server_key, purpose.encode(), "sha256")


def derive_p256(server_key: bytes, purpose: str) -> ec.EllipticCurvePrivateKey:
    """Return a private key on P-256 for one purpose, the same at every start."""
    order = int.from_bytes(_P256_ORDER)
    scalar = int.from_bytes(derive(server_key, f"p256:{purpose}")) % (order - 1) + 1
    return ec.derive_private_key(scalar, ec.SECP256R1())


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key as an uncompressed point, 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def derive_text(server_key: bytes, purpose: str) -> str:
    """Return a derived key as text, for passwords of our own processes at the broker."""
    return base64.urlsafe_b64encode(derive(server_key, purpose)).decode().rstrip("=")


def new_key() -> bytes:
    """Return a random 32-byte key."""
    return secrets.token_bytes(KEY_BYTES)


def random_bytes(count: int) -> bytes:
    """Return so many random bytes: a salt, or what shall look like something sealed."""
    return secrets.token_bytes(count)


def seal(key: bytes, plain: bytes) -> bytes:
    """Return nonce + secretbox (XSalsa20-Poly1305) of `plain` under a 32-byte key."""
    return bytes(SecretBox(key).encrypt(plain))


def unseal(key: bytes, sealed: bytes) -> bytes:
    """Return the plain bytes; raises Undecipherable when the key or a byte is wrong."""
    try:
        return SecretBox(key).decrypt(sealed)
    except (CryptoError, ValueError) as error:
        raise Undecipherable("not sealed with this key") from error


def new_key_pair() -> tuple[bytes, bytes]:
    """Return a private and a public key (X25519), 32 bytes each, for `seal_to`."""
    private = PrivateKey.generate()
    return bytes(private), bytes(private.public_key)


def seal_to(public: bytes, plain: bytes) -> bytes:
    """Return `plain` sealed so that only the private key opens it, not even whoever sealed it."""
    return bytes(SealedBox(PublicKey(public)).encrypt(plain))


def open_sealed(private: bytes, sealed: bytes) -> bytes:
    """Return the plain bytes; raises Undecipherable when the key or a byte is wrong."""
    try:
        return bytes(SealedBox(PrivateKey(private)).decrypt(sealed))
    except (CryptoError, ValueError) as error:
        raise Undecipherable("not sealed to this key") from error


class ColumnCipher:
    """Encrypts one column of a table; a value opens only in the row that it was sealed for.

    Whoever can write to the database but lacks the key can therefore not exchange two people's names.
    """

    def __init__(self, server_key: bytes, column: str) -> None:
        """Derive the key of `column`, named `<table>.<column>`."""
        self._key = derive(server_key, f"column:{column}")

    def seal(self, row_id: UUID, plain: bytes) -> bytes:
        """Return `plain` encrypted for the row with this id."""
        return seal(derive(self._key, row_id.hex), plain)

    def unseal(self, row_id: UUID, sealed: bytes) -> bytes:
        """Return the plain bytes; raises Undecipherable when key, row or a byte is wrong."""
        return unseal(derive(self._key, row_id.hex), sealed)


def sign(secret: bytes, message: bytes) -> str:
    """Return the hexadecimal HMAC-SHA256 of `message`."""
    return hmac.new(secret, message, "sha256").hexdigest()


SIGNATURE_HEADER = "X-Baken-Signature"
SIGNATURE_LIFE_S = 300
"""An older signature may be a replay; five minutes is what Stripe's webhooks use."""


def signature(secret: bytes, sent_at_s: int, body: bytes) -> str:
    """Return the signature header; the time is signed too, so that an old delivery can be refused."""
    return f"t={sent_at_s},v1={sign(secret, f'{sent_at_s}.'.encode() + body)}"


def signature_fault(secret: bytes, header: str, body: bytes, now_s: float) -> str:
    """Return why a delivery cannot be trusted and what to do, or nothing; takes the same time for any guess.

    Without a secret nothing can be trusted: everybody can sign with an empty one.
    """
    if not secret:
        return "Nothing signed is taken here: no secret has been agreed upon."
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    stamp, given = parts.get("t", ""), parts.get("v1", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or not given:
        return f"Sign the body: {SIGNATURE_HEADER}: t=<Unix seconds>,v1=<HMAC-SHA256>."
    # Whatever characters a header holds (a lone surrogate cannot be encoded): they are a wrong signature.
    guess = given.encode(errors="replace")
    if not hmac.compare_digest(sign(secret, stamp.encode() + b"." + body).encode(), guess):
        return "The signature is wrong: sign the exact bytes of the body with the secret agreed upon."
    if abs(now_s - int(stamp)) > SIGNATURE_LIFE_S:
        return f"The signature is more than {SIGNATURE_LIFE_S} s off: sign again, and set your clock."
    return ""

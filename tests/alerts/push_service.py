"""A browser and its maker's push service on loopback: the browser alone can read what arrives."""

import base64
import json
import secrets
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from tests.alerts.receiver import Delivery


def url_base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """Keys that never leave it, and what it hands over when it subscribes."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = secrets.token_bytes(16)

    @property
    def subscription(self) -> dict[str, Any]:
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": url_base64(point), "auth": url_base64(self._auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, delivery: Delivery) -> bytes:
        """Decrypt what arrived, as the browser does."""
        assert delivery.headers["Content-Encoding"] == "aes128gcm"
        plain: bytes = http_ece.decrypt(
            delivery.body, private_key=self._key, auth_secret=self._auth, version="aes128gcm"
        )
        return plain


def vapid_claims(delivery: Delivery) -> tuple[str, dict[str, Any]]:
    """Check the signature as the push service does; return the key it was made with and what it claims."""
    header = delivery.headers["Authorization"]
    assert Vapid02.verify(header)
    parts = dict(part.split("=", 1) for part in header.removeprefix("vapid ").split(","))
    claims: dict[str, Any] = json.loads(unbase64(parts["t"].split(".")[1]))
    return parts["k"], claims

"""Web Push: what a browser hands over, and the bytes that it gets before they are encrypted."""

import base64
import binascii
import json
import re
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from api.alerts.model.subscriptions import Subscription

PLAIN_BYTES = 512
"""Every message has this size before encryption, whatever it says; the same as a frame of her stream."""
MAX_ENDPOINT_CHARACTERS = 2048
AUTH_BYTES = 16
POINT_BYTES = 65
LOOPBACK = "127.0.0.1"
_LABEL = re.compile(r"(?!xn--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""One word of a host's name (RFC 1123). No maker's service has a name in another script (`xn--`), and clients
for HTTP fail, each in its own way, at one that cannot be deciphered."""


class BadSubscription(Exception):
    """A browser's subscription cannot be used; the text is read on the neutral host."""


def read_subscription(endpoint: str, p256dh: str, auth: str, hosts: tuple[str, ...]) -> Subscription:
    """Check what a browser handed over; raises BadSubscription."""
    if origin_of(endpoint, hosts) is None:
        raise BadSubscription("This address cannot be used.")
    point, secret = _bytes_of(p256dh), _bytes_of(auth)
    if len(point) != POINT_BYTES or len(secret) != AUTH_BYTES:
        raise BadSubscription("These keys cannot be used.")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise BadSubscription("These keys cannot be used.") from None
    return Subscription(endpoint, point, secret)


def origin_of(endpoint: str, hosts: tuple[str, ...]) -> str | None:
    """Return the origin of an endpoint (`https://host`), None for one that we must not call.

    Nobody may make us call whom they like: only the hosts of the setting, over TLS, on the usual port. A host
    that begins with `*.` stands for every name below it. Loopback is for tests, and only if it is named.
    """
    if len(endpoint) > MAX_ENDPOINT_CHARACTERS or not endpoint.isascii() or not endpoint.isprintable():
        return None
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if " " in endpoint or "\\" in endpoint or parts.username is not None or parts.password is not None:
        return None
    if host == LOOPBACK and LOOPBACK in hosts and parts.scheme == "http":
        return f"http://{LOOPBACK}:{port or 80}"
    if not all(_LABEL.fullmatch(label) for label in host.split(".")):
        return None
    if parts.scheme != "https" or port not in {None, 443} or not any(_is_host(host, one) for one in hosts):
        return None
    return f"https://{host}"


def encode_push(message_id: UUID, text: str) -> bytes:
    """Return the plain bytes of a message, always `PLAIN_BYTES` long: JSON, then spaces."""
    plain = json.dumps({"id": str(message_id), "text": text}, separators=(",", ":")).encode()
    if len(plain) > PLAIN_BYTES:
        raise ValueError("the neutral text is too long to be hidden among others")
    return plain.ljust(PLAIN_BYTES)


def url_base64(value: bytes) -> str:
    """Return base64 as Web Push writes it: for addresses, without padding."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _is_host(host: str, allowed: str) -> bool:
    if allowed.startswith("*."):
        return host.endswith(allowed[1:]) and len(host) > len(allowed) - 1
    return host == allowed


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""

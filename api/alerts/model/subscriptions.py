"""Where one of her browsers is reached by Web Push."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where one browser is reached, and for whom alone it can be read.

    Attributes:
        point: Uncompressed P-256 point of the browser's key (RFC 8291 section 3.1), 65 bytes.
        auth: Its secret, 16 bytes.
    """

    endpoint: str
    point: bytes
    auth: bytes

"""To the police's machine: signed, in the format that it reads."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any
from uuid import UUID

from api.alerts.channels.http import Line
from api.alerts.model import Notification
from api.alerts.service import Outcome
from api.alerts.wire import cap
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.crypto import SIGNATURE_HEADER, signature

ID_HEADER = "X-Baken-Id"
Encode = Callable[[dict[str, Any]], tuple[str, bytes]]
"""From a message of the outbox to its content type and body."""


def encode_json(payload: dict[str, Any]) -> tuple[str, bytes]:
    """Return a body of `ops/contracts/webhook.schema.json`."""
    return "application/json", json.dumps(payload, separators=(",", ":")).encode()


def encoder_of(settings: Settings) -> Encode:
    """Return what writes the format that this house's receiver reads."""
    if settings.webhook_format == "json":
        return encode_json
    return lambda payload: (cap.CONTENT_TYPE, cap.cap_xml(payload, settings.cap_sender))


class Webhook:
    """The police's receiver."""

    def __init__(self, line: Line, url: str, secret: bytes, encode: Encode = encode_json) -> None:
        """Prepare; nothing is sent before `send`."""
        self._line = line
        self._url = url
        self._secret = secret
        self._encode = encode

    def send(self, claimed: Sequence[Notification]) -> list[Future[Outcome]]:
        """Begin to deliver messages, all at the same time."""
        return [self._line.submit(self.deliver(one.id, one.payload)) for one in claimed]

    async def deliver(self, message_id: UUID, payload: dict[str, Any]) -> Outcome:
        """Deliver one message."""
        content_type, body = self._encode(payload)
        headers = {
            "Content-Type": content_type,
            SIGNATURE_HEADER: signature(self._secret, int(clock.now().timestamp()), body),
            ID_HEADER: str(message_id),
        }

        def judge(status: int, answer: bytes) -> Outcome:
            is_receipt = _confirms(answer, message_id)
            return Outcome(succeeded=True, code=str(status), is_received=is_receipt)

        return await self._line.post(self._url, body, headers, judge)


def _confirms(answer: bytes, message_id: UUID) -> bool:
    """Say whether the answer is a receipt for this message: `{"received": "<id>"}`."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("received") == str(message_id)

"""The ways out: signed webhook to the police, command to a device. No database, no retries here."""

import asyncio
import json
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx

from api.alerts.service import Outcome
from api.alerts.wire import cap
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.crypto import sign
from api.kernel.mqtt import BrokerAway, Publisher

WEBHOOK_DEADLINE_S = 5.0
"""For a whole delivery, answer included: a receiver that drips its bytes is as dead as a silent one."""
MAX_ANSWER_BYTES = 64 * 1024
BROKER_TIMEOUT_S = 2.0
"""The broker is in our own house; a claim of 8 commands must end before its lease does."""
SIGNATURE_HEADER = "X-Baken-Signature"
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


def signature(secret: bytes, sent_at_s: int, body: bytes) -> str:
    """Return the signature header; the time is signed too, so that an old delivery can be refused."""
    return f"t={sent_at_s},v1={sign(secret, f'{sent_at_s}.'.encode() + body)}"


class Webhook:
    """The police's receiver: a connection that stays open, and several deliveries at once.

    A hanging delivery holds up the others of its claim by `WEBHOOK_DEADLINE_S` at most.
    """

    def __init__(self, url: str, secret: bytes, encode: Encode = encode_json) -> None:
        """Prepare; nothing is sent before `send`."""
        self._url = url
        self._secret = secret
        self._encode = encode
        self._runner = asyncio.Runner()
        # No redirects: positions go to the address that was configured and to no other. No proxies or
        # netrc from the environment either.
        self._client = httpx.AsyncClient(timeout=WEBHOOK_DEADLINE_S, follow_redirects=False, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def send(self, messages: Sequence[tuple[UUID, dict[str, Any]]]) -> list[Outcome]:
        """Deliver messages (id and body), all at the same time; return what became of each."""
        return self._runner.run(self._send_all(messages))

    async def _send_all(self, messages: Sequence[tuple[UUID, dict[str, Any]]]) -> list[Outcome]:
        return list(await asyncio.gather(*(self._send_one(*message) for message in messages)))

    async def _send_one(self, message_id: UUID, payload: dict[str, Any]) -> Outcome:
        content_type, body = self._encode(payload)
        headers = {
            "Content-Type": content_type,
            SIGNATURE_HEADER: signature(self._secret, int(clock.now().timestamp()), body),
            ID_HEADER: str(message_id),
        }
        try:
            async with asyncio.timeout(WEBHOOK_DEADLINE_S):
                return await self._deliver(message_id, body, headers)
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(succeeded=False, code="timeout")
        except httpx.ConnectError:
            return Outcome(succeeded=False, code="unreachable")
        except (httpx.HTTPError, httpx.InvalidURL):
            return Outcome(succeeded=False, code="broken_answer")

    async def _deliver(self, message_id: UUID, body: bytes, headers: dict[str, str]) -> Outcome:
        async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
            if not response.is_success:
                return Outcome(succeeded=False, code=str(response.status_code))
            answer = await _read(response)
        return Outcome(
            succeeded=True, code=str(response.status_code), is_received=_confirms(answer, message_id)
        )


async def _read(response: httpx.Response) -> bytes:
    """Return the answer as it came over the wire, at most `MAX_ANSWER_BYTES`; a longer one confirms nothing.

    Raw, not unpacked: a few compressed bytes must not become gigabytes here.
    """
    answer = b""
    async for chunk in response.aiter_raw():
        answer += chunk
        if len(answer) > MAX_ANSWER_BYTES:
            return b""
    return answer


def _confirms(answer: bytes, message_id: UUID) -> bool:
    """Say whether the answer is a receipt for this message: `{"received": "<id>"}`."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("received") == str(message_id)


def send_command(publisher: Publisher, topic: str, payload: bytes) -> Outcome:
    """Hand a command to the broker, which keeps it for the device; only the device's receipt confirms it."""
    try:
        publisher.publish(topic, payload, BROKER_TIMEOUT_S)
    except BrokerAway:
        return Outcome(succeeded=False, code="broker_away")
    return Outcome(succeeded=True, code="accepted")

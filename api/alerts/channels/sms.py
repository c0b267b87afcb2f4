"""To staff's telephones, through somebody's HTTP gateway."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from uuid import UUID

from api.alerts.channels.futures import settled
from api.alerts.channels.http import Line
from api.alerts.model import Notification
from api.alerts.rules.texting import sms_text
from api.alerts.service import Outcome

_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
"""E.164, as the gateways want it."""


class SmsGateway:
    """A gateway that takes `{"id", "to", "text"}` and may answer `{"id", "status": "delivered"}`."""

    def __init__(self, line: Line, url: str, token: str, language: str) -> None:
        """Prepare; nothing is sent before `send`."""
        self._line = line
        self._url = url
        self._token = token
        self._language = language

    def send(self, claimed: Sequence[Notification], numbers: Mapping[UUID, str]) -> list[Future[Outcome]]:
        """Begin to deliver messages; `numbers` are those that are known, by the message's id."""
        return [self._begin(one, numbers.get(one.id)) for one in claimed]

    def _begin(self, one: Notification, number: str | None) -> Future[Outcome]:
        if number is None:
            return settled(Outcome(succeeded=False, code="no_number", is_final=True))
        if not _NUMBER.fullmatch(number):
            return settled(Outcome(succeeded=False, code="bad_number", is_final=True))
        return self._line.submit(self._deliver(one, number))

    async def _deliver(self, one: Notification, number: str) -> Outcome:
        body = json.dumps({"id": str(one.id), "to": number, "text": sms_text(one.payload, self._language)})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}

        def judge(status: int, answer: bytes) -> Outcome:
            return Outcome(succeeded=True, code=str(status), is_received=_is_delivered(answer, one.id))

        return await self._line.post(self._url, body.encode(), headers, judge)


def _is_delivered(answer: bytes, message_id: UUID) -> bool:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("id") == str(message_id) and said.get("status") == "delivered"

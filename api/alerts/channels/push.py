"""To her browsers, through the push services of their makers (RFC 8030, 8291, 8292).

A push service learns that something was sent and how big it is, always the same; not what, from whom or why.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from uuid import UUID

from py_vapid import Vapid02
from pywebpush import WebPusher

from api.alerts.channels.futures import settled
from api.alerts.channels.http import Line, is_address
from api.alerts.model import Notification
from api.alerts.model.subscriptions import Subscription
from api.alerts.rules.telling import wording_of
from api.alerts.service import Outcome
from api.alerts.service.pushing import VAPID
from api.alerts.wire.push import encode_push, origin_of, url_base64
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.crypto import derive, derive_p256
from api.safety_plans.model import cover_named

TTL_S = 300
"""How long a push service keeps it for a browser that is away; her stream has it longer."""
TOKEN_LIFE = timedelta(hours=12)
"""RFC 8292 allows 24 h."""
TOPIC_BYTES = 24
"""32 characters, the most that RFC 8030 section 5.4 allows."""
_GONE = frozenset({"404", "410"})
_USELESS = frozenset({"400", "413"})


class PushServices:
    """The makers' push services, of which each subscription names one."""

    def __init__(self, line: Line, settings: Settings) -> None:
        """Prepare; nothing is sent before `send`."""
        self._line = line
        self._hosts = settings.push_hosts
        self._subject = settings.vapid_subject
        self._vapid = Vapid02(derive_p256(settings.server_key, VAPID))
        self._topic_key = derive(settings.server_key, "push-topic")
        self._cover = cover_named(settings.cover)

    def send(
        self, claimed: Sequence[Notification], where: Mapping[UUID, Subscription], *, urgent: bool
    ) -> list[Future[Outcome]]:
        """Begin to deliver messages; `where` holds the subscriptions that stand, by the message's id."""
        return [self._begin(one, where.get(one.id), urgent=urgent) for one in claimed]

    def _begin(
        self, one: Notification, subscription: Subscription | None, *, urgent: bool
    ) -> Future[Outcome]:
        if subscription is None:
            return settled(Outcome(succeeded=False, code="gone", is_final=True))
        if not is_address(subscription.endpoint):
            return settled(Outcome(succeeded=False, code="bad_address", is_final=True))
        origin = origin_of(subscription.endpoint, self._hosts)
        if origin is None:  # the setting has changed since she subscribed
            return settled(Outcome(succeeded=False, code="host_refused", is_final=True))
        return self._line.submit(self._deliver(one, subscription, origin, urgent=urgent))

    async def _deliver(
        self, one: Notification, subscription: Subscription, origin: str, *, urgent: bool
    ) -> Outcome:
        keys = {"p256dh": url_base64(subscription.point), "auth": url_base64(subscription.auth)}
        pusher = WebPusher({"endpoint": subscription.endpoint, "keys": keys})
        text = self._cover.text(wording_of(one.payload))
        body = bytes(pusher.encode(encode_push(one.id, text), "aes128gcm")["body"])
        headers = {
            **self._authorization(origin),
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(TTL_S),
            "Urgency": "high" if urgent else "normal",
            "Topic": self._topic(one),
        }
        outcome = await self._line.post(subscription.endpoint, body, headers, _sent)
        if outcome.code in _GONE:
            return Outcome(succeeded=False, code="gone", is_final=True)
        if outcome.code in _USELESS:
            return Outcome(succeeded=False, code=outcome.code, is_final=True)
        return outcome

    def _authorization(self, origin: str) -> dict[str, str]:
        expires_at = clock.now() + TOKEN_LIFE
        claims = {"aud": origin, "exp": int(expires_at.timestamp()), "sub": self._subject}
        signed: dict[str, str] = self._vapid.sign(claims)
        return signed

    def _topic(self, one: Notification) -> str:
        """Return a word by which a push service replaces an older message of the same alert."""
        of = one.alert_id or one.id
        return url_base64(derive(self._topic_key, of.hex)[:TOPIC_BYTES])


def _sent(status: int, _answer: bytes) -> Outcome:
    """A push service takes messages; that the browser showed one only her app can say."""
    return Outcome(succeeded=True, code=str(status))

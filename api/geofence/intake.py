"""The worker's side of the broker: one lane per connection, read without threads, acked by hand."""

import random
from collections import deque
from collections.abc import Iterable

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from api.geofence.service.judging import Received
from api.kernel import clock
from api.kernel.config import SHARD_COUNT, Settings
from api.kernel.logs import Log
from api.kernel.mqtt import KEEPALIVE_S, WORKER, client_id_of, make_client

FIRST_RETRY_S, LAST_RETRY_S = 0.2, 5.0
"""Reconnecting after a broker's death: soon, then rarer, never in step with others (field/brokers.md)."""
CONNECT_TIMEOUT_S = 2.0
"""One lane's connecting must not hold up the other's alarms for long; proposal."""
READ_FOR_S = 0.02
"""A batch is what arrives within this, or within the last commit (field/brokers.md: 20 ms)."""

POSITION_LANES = ("", "event", "status")
ALARM_LANES = ("alarm", "receipt")
"""Alarms have a connection of their own, so that a backlog of positions never delays them."""

_log = Log("intake")


def topics_of(shards: Iterable[int], lanes: tuple[str, ...]) -> list[str]:
    """Return the topic filters of a worker's shards; all shards are one wildcard."""
    levels = ["+"] if len(set(shards)) == SHARD_COUNT else [str(shard) for shard in sorted(shards)]
    return [f"em/v1/{level}/+" + (f"/{lane}" if lane else "") for level in levels for lane in lanes]


class Lane:
    """One persistent session at the broker: what it delivered stays there until `ack_all`."""

    def __init__(self, settings: Settings, name: str, topics: list[str], *, chance: random.Random) -> None:
        """Prepare; `name` and the first shard make the fixed client id, so that a restart takes over."""
        self.name = name
        self._settings = settings
        self._topics = topics
        self._chance = chance
        self._inbox: deque[tuple[Received, int]] = deque()
        self._taken: list[int] = []
        self._subscribed = False
        self._retry_at_s = 0.0
        self._retry_s = FIRST_RETRY_S
        client_id = client_id_of(settings, f"{WORKER}-{name}-{min(settings.shards)}-{max(settings.shards)}")
        self._client = make_client(settings, WORKER, client_id, persistent=True)
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    @property
    def is_able(self) -> bool:
        """Whether messages can arrive: connected and subscribed."""
        return self._subscribed and self._client.is_connected()

    def socket(self) -> "paho.SocketLike | None":
        """Return the socket to wait on; None while there is none."""
        return self._client.socket()

    def keep_connected(self, now_s: float) -> None:
        """Connect when there is no connection and its time has come; answer the broker's keep-alive."""
        if self._client.socket() is not None:
            self._client.loop_misc()
            return
        self._subscribed = False
        if now_s < self._retry_at_s:
            return
        self._retry_at_s = now_s + self._retry_s * self._chance.uniform(0.5, 1.0)
        self._retry_s = min(self._retry_s * 2, LAST_RETRY_S)
        try:
            self._client.connect(self._settings.mqtt_host, self._settings.mqtt_port, KEEPALIVE_S)
        except OSError as error:
            _log.warning("broker away", lane=self.name, error=type(error).__name__)

    def read(self, most: int) -> None:
        """Take what has arrived, up to `most` messages or READ_FOR_S."""
        if self._client.want_write():
            self._client.loop_write()
        until_s = clock.monotonic_s() + READ_FOR_S
        while len(self._inbox) < most and clock.monotonic_s() < until_s:
            before = len(self._inbox)
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or len(self._inbox) == before:
                return

    def take(self) -> list[Received]:
        """Return what was read since the last call; it counts as delivered only after `ack_all`."""
        taken = list(self._inbox)
        self._inbox.clear()
        self._taken += [mid for _received, mid in taken]
        return [received for received, _mid in taken]

    def ack_all(self) -> None:
        """Tell the broker that everything taken is stored; on a lost connection it sends it again."""
        for mid in self._taken:
            if mid:  # QoS 0 has none
                self._client.ack(mid, 1)
        self._taken.clear()

    def drop(self) -> None:
        """Give up the connection and everything not acked: the broker keeps it and sends it again."""
        self._client.disconnect()  # the session is persistent: only the connection ends
        self._forget()

    def close(self) -> None:
        """Disconnect; the session and its messages stay at the broker."""
        self._client.disconnect()

    def _forget(self) -> None:
        self._inbox.clear()
        self._taken.clear()

    def _on_connect(
        self,
        client: paho.Client,
        _data: None,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._forget()  # ids of the connection before mean nothing now
        if reason.is_failure:
            _log.error("broker refused the worker", lane=self.name, reason=str(reason))
            return
        client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(
        self,
        _client: paho.Client,
        _data: None,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._subscribed = not any(reason.is_failure for reason in reasons)
        self._retry_s = FIRST_RETRY_S
        _log.info("listening", lane=self.name, count=len(reasons), status=str(self._subscribed))

    def _on_message(self, _client: paho.Client, _data: None, message: paho.MQTTMessage) -> None:
        received = Received(message.topic, bytes(message.payload), clock.now())
        self._inbox.append((received, message.mid if message.qos else 0))

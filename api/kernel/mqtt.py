"""Our processes' side of the broker: names, passwords, topics, and a publisher that waits for the ack."""

import threading
from uuid import UUID

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from api.kernel.config import Settings
from api.kernel.crypto import derive_text
from api.kernel.logs import Log

WORKER = "baken-worker"
DISPATCHER = "baken-dispatcher"
INTAKE = "baken-intake"
KEEPALIVE_S = 15
"""A dead connection is noticed after 1.5 times this; proposal."""
CONNECT_WAIT_S = 1.0
"""Enough for a first connection; with a broker away each caller would otherwise hold its thread for long."""
_FIRST_RETRY_S = 1
_LAST_RETRY_S = 5

_log = Log("mqtt")


class BrokerAway(Exception):
    """The broker did not take the message in time; nobody knows whether it arrives, so send it again."""


def broker_password(server_key: bytes, name: str) -> str:
    """Return the password of one of our own broker users, made from the server key."""
    return derive_text(server_key, f"mqtt:{name}")


def client_id_of(settings: Settings, name: str) -> str:
    """Return a fixed client id that nobody else can know.

    NATS gives a session to whoever names its client id, whichever user that is: with an id that can be
    guessed any device could take over, or empty, the queue of our worker.
    """
    return f"{name}-{derive_text(settings.server_key, f'mqtt-client:{name}')}"


def topic_of(shard: int, device_id: UUID, lane: str = "") -> str:
    """Return a device's topic; `lane` is empty, `alarm`, `cmd` or `receipt` (DESIGN section 3)."""
    topic = f"em/v1/{shard}/{device_id.hex}"
    return f"{topic}/{lane}" if lane else topic


def make_client(settings: Settings, name: str, client_id: str, *, persistent: bool) -> paho.Client:
    """Return an unconnected client of one of our users; a persistent one acks by hand."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=not persistent,
        protocol=MQTTProtocolVersion.MQTTv311,
        manual_ack=persistent,
    )
    client.username_pw_set(name, broker_password(settings.server_key, name))
    return client


class Publisher:
    """A connection that publishes with QoS 1 from any thread and reconnects by itself."""

    def __init__(self, settings: Settings, name: str, client_id: str | None = None) -> None:
        """Prepare; `client_id` must differ between processes that use the same `name`."""
        self._settings = settings
        self._connected = threading.Event()
        self._client = make_client(settings, name, client_id or name, persistent=False)
        self._client.reconnect_delay_set(_FIRST_RETRY_S, _LAST_RETRY_S)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect

    def start(self) -> None:
        """Connect in the background; a broker that is away is tried again for ever."""
        self._client.connect_async(self._settings.mqtt_host, self._settings.mqtt_port, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, timeout_s: float = 5.0) -> None:
        """Return once the broker has acknowledged the message; raises BrokerAway otherwise."""
        if not self._connected.wait(min(timeout_s, CONNECT_WAIT_S)):
            raise BrokerAway("not connected")
        try:
            info = self._client.publish(topic, payload, qos=1)
            info.wait_for_publish(timeout_s)
        except (RuntimeError, ValueError) as error:
            raise BrokerAway("not sent") from error
        if not info.is_published():
            raise BrokerAway("not acknowledged in time")

    def _on_connect(
        self,
        _client: paho.Client,
        _data: None,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            _log.error("broker refused the connection", reason=str(reason))
        else:
            self._connected.set()

    def _on_disconnect(self, *_arguments: object) -> None:
        self._connected.clear()

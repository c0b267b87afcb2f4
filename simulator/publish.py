"""Devices at the broker: one MQTT connection each, QoS 1, all driven by one thread.

A message counts as said when its PUBACK has come; what a lost connection left unacknowledged is sent
again by paho after the reconnect.
"""

import random
import selectors
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulator import wire
from simulator.clock import Clock
from simulator.schedule import Lane
from simulator.wire import DeviceAccess

KEEPALIVE_S = 30
IN_FLIGHT = 2000
"""Unacknowledged messages per connection; with fewer it waits for the broker (field/brokers.md)."""
RETRY_FIRST_S, RETRY_LAST_S = 0.2, 5.0
"""Backoff of reconnects, doubled each time with jitter (field/brokers.md)."""


class BrokerRefused(Exception):
    """The broker cannot be reached, or does not let a device in, within the time allowed."""


@dataclass(slots=True)
class Publication:
    """One message at the broker: monotonic seconds of its sending and of its PUBACK."""

    sent_s: float
    acked_s: float | None = None


@dataclass(slots=True)
class _Line:
    """One device's connection."""

    device: DeviceAccess
    client: paho.Client
    listens: bool
    connected: bool = False
    retry_at_s: float = 0.0
    retry_s: float = RETRY_FIRST_S
    waiting: dict[int, Publication] = field(default_factory=dict)
    refused: str = ""


class Fleet:
    """All devices of a run; not thread-safe: whoever publishes also calls `poll`."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        """Prepare; nothing is connected yet."""
        self._host, self._port, self._clock = host, port, clock
        self._lines: dict[str, _Line] = {}
        self._selector = selectors.DefaultSelector()
        self._blocked: set[str] = set()
        self._commands: deque[tuple[_Line, bytes]] = deque()
        self._misc_at_s = 0.0
        self._closing = False
        self.published = 0
        self.acknowledged = 0
        self.reconnects = 0
        self.commands: list[tuple[str, dict[str, Any]]] = []

    def add(self, device: DeviceAccess, *, listens: bool = True) -> None:
        """Take a device in; one that listens hears its commands and answers with receipts."""
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=device.username, protocol=MQTTProtocolVersion.MQTTv311
        )
        client.username_pw_set(device.username, device.secret)
        client.max_inflight_messages_set(IN_FLIGHT)
        client.max_queued_messages_set(0)
        line = _Line(device, client, listens)
        client.user_data_set(line)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        self._lines[device.id] = line

    def connect(self, timeout_s: float = 20.0) -> None:
        """Return when every device is let in; a new device's log-in may take the broker a moment."""
        deadline_s = time.monotonic() + timeout_s
        while not all(line.connected for line in self._lines.values()):
            if time.monotonic() > deadline_s:
                missing = [line for line in self._lines.values() if not line.connected]
                reason = missing[0].refused or "no answer"
                raise BrokerRefused(
                    f"{len(missing)} of {len(self._lines)} devices cannot connect to the broker at "
                    f"{self._host}:{self._port}: {reason}"
                )
            self.poll(0.05)
        self.reconnects = 0

    def publish(self, device_id: str, topic: str, payload: bytes) -> Publication:
        """Send with QoS 1 by this device's connection; away from the broker it waits in the device."""
        line = self._lines[device_id]
        publication = Publication(time.monotonic())
        info = line.client.publish(topic, payload, qos=1)
        line.waiting[info.mid] = publication
        self.published += 1
        if line.client.want_write():
            self._blocked.add(device_id)
        return publication

    def poll(self, timeout_s: float) -> None:
        """Read and write whatever is ready, reconnect what is lost; returns after the first activity."""
        for key, _ in self._selector.select(timeout_s):
            line = cast("_Line", key.data)
            line.client.loop_read()
            if line.client.want_write():  # what paho says while it reads: subscriptions, acks
                self._blocked.add(line.device.id)
        for device_id in list(self._blocked):
            line = self._lines[device_id]
            line.client.loop_write()
            if not line.client.want_write():
                self._blocked.discard(device_id)
        while self._commands:
            self._answer(*self._commands.popleft())
        now_s = time.monotonic()
        if now_s >= self._misc_at_s:
            self._misc_at_s = now_s + 0.1
            for line in self._lines.values():
                if line.client.socket() is None:
                    self._reconnect(line, now_s)
                else:
                    line.client.loop_misc()

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged; says whether it was."""
        deadline_s = time.monotonic() + timeout_s
        while self.unacknowledged and time.monotonic() < deadline_s:
            self.poll(0.05)
        return self.unacknowledged == 0

    @property
    def unacknowledged(self) -> int:
        """Messages sent without a PUBACK so far."""
        return self.published - self.acknowledged

    def close(self) -> None:
        """Say goodbye and let go of every socket."""
        self._closing = True
        for line in self._lines.values():
            line.client.disconnect()
            if line.client.socket() is not None:
                line.client.loop_read()
        self._selector.close()
        for line in self._lines.values():
            if (sock := line.client.socket()) is not None:
                sock.close()

    def _reconnect(self, line: _Line, now_s: float) -> None:
        if self._closing or now_s < line.retry_at_s:
            return
        line.retry_at_s = now_s + line.retry_s * random.uniform(0.7, 1.3)
        line.retry_s = min(RETRY_LAST_S, line.retry_s * 2)
        will = wire.finish({"_type": "lwt", "tst": int(self._clock.now())}, line.device)
        line.client.will_set(line.device.topic, will, qos=1)
        try:
            result = line.client.connect(self._host, self._port, KEEPALIVE_S)
            line.refused = "" if result is MQTTErrorCode.MQTT_ERR_SUCCESS else paho.error_string(result)
        except OSError as error:
            line.refused = error.strerror or type(error).__name__

    def _answer(self, line: _Line, payload: bytes) -> None:
        """Answer a command the way a device does that shows and does everything it is told."""
        try:
            command = wire.unseal(payload, line.device.sealing_key)
            receipt = {"_type": "receipt", "id": command["id"], "outcome": "done"}
            receipt["tst"] = int(self._clock.now())
        except (ValueError, KeyError, TypeError):
            return  # a device has nobody to complain to
        self.commands.append((line.device.id, command))
        topic = line.device.topic_of(Lane.RECEIPT)
        line.client.publish(topic, wire.finish(receipt, line.device), qos=1)

    def _on_connect(
        self,
        client: paho.Client,
        line: _Line,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            line.refused = str(reason)
            return
        line.connected, line.retry_s = True, RETRY_FIRST_S
        self.reconnects += 1
        if line.listens:
            client.subscribe(line.device.command_topic, qos=1)

    def _on_disconnect(self, _client: paho.Client, line: _Line, *_arguments: object) -> None:
        line.connected = False

    def _on_publish(self, _client: paho.Client, line: _Line, mid: int, *_arguments: object) -> None:
        publication = line.waiting.pop(mid, None)
        if publication is not None:
            publication.acked_s = time.monotonic()
            self.acknowledged += 1

    def _on_message(self, _client: paho.Client, line: _Line, message: paho.MQTTMessage) -> None:
        self._commands.append((line, bytes(message.payload)))

    def _on_socket_open(self, _client: paho.Client, line: _Line, sock: "paho.SocketLike") -> None:
        self._selector.register(sock, selectors.EVENT_READ, line)

    def _on_socket_close(self, _client: paho.Client, _line: _Line, sock: "paho.SocketLike") -> None:
        if not self._closing:
            self._selector.unregister(sock)

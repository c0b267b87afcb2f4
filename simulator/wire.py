"""From a sending to the bytes on the wire: OwnTracks JSON with our additions, sealed or plain (DESIGN 3)."""

import base64
import json
from dataclasses import dataclass, replace
from typing import Any

from nacl.secret import SecretBox

from simulator.schedule import Lane, Sending
from simulator.sensor import COORDINATE_DIGITS

KM_H_PER_M_S = 3.6


@dataclass(frozen=True, slots=True)
class DeviceAccess:
    """What a device was given at provisioning: its name, log-in and, when it seals, its key."""

    id: str
    topic: str
    username: str
    secret: str
    sealing_key: bytes | None

    def topic_of(self, lane: Lane) -> str:
        """Return the topic of one of its lanes."""
        return f"{self.topic}/{lane}" if lane else self.topic

    @property
    def command_topic(self) -> str:
        """Return where it is spoken to."""
        return f"{self.topic}/cmd"


def to_message(sending: Sending, begin_s: int) -> dict[str, Any]:
    """Return the JSON of a sending; `begin_s` is the Unix second at which the run begins."""
    message: dict[str, Any] = {"_type": "location"}
    if sending.alarm:
        message = {"_type": "alarm", "kind": sending.alarm}
    elif sending.reading is None:
        message = {"_type": "status", "fix": False}
    message["tst"] = begin_s + sending.stamp_s if sending.raw_tst is None else sending.raw_tst
    message["seq"] = sending.seq
    reading = sending.reading
    if reading is not None:
        message["lat"] = round(reading.place.lat, COORDINATE_DIGITS)
        message["lon"] = round(reading.place.lon, COORDINATE_DIGITS)
        if reading.accuracy_m is not None:
            message["acc"] = round(reading.accuracy_m, 1)
        if not sending.alarm:
            message["vel"] = round(reading.speed_m_s * KM_H_PER_M_S)
            message["cog"] = round(reading.course_deg)
            message["src"] = str(reading.source)
            message["conn"] = "m"
    if sending.strap_closed is not None and not sending.alarm:
        message["strap"] = "closed" if sending.strap_closed else "open"
    if sending.battery_pct is not None and not sending.alarm:
        message["batt"] = sending.battery_pct
    if sending.moving is not None and not sending.alarm:
        message["motion"] = sending.moving
    if sending.mock:
        message["mock"] = True
    return message


def encode(message: dict[str, Any]) -> bytes:
    """Return the plain bytes."""
    return json.dumps(message, separators=(",", ":")).encode()


def seal(plain: bytes, key: bytes) -> bytes:
    """Return an `encrypted` message: libsodium secretbox with a fresh random nonce."""
    data = base64.b64encode(SecretBox(key).encrypt(plain)).decode()
    return encode({"_type": "encrypted", "data": data})


def unseal(payload: bytes, key: bytes | None) -> dict[str, Any]:
    """Return the JSON inside a payload, sealed or not; raises ValueError when it cannot be read."""
    message: dict[str, Any] = json.loads(payload)
    if message.get("_type") == "encrypted":
        if key is None:
            raise ValueError("sealed for somebody else")
        message = json.loads(SecretBox(key).decrypt(base64.b64decode(message["data"], validate=True)))
    return message


def to_payload(sending: Sending, begin_s: int, device: DeviceAccess) -> bytes:
    """Return the bytes that this device sends."""
    if sending.raw:
        return sending.raw
    return finish(to_message(sending, begin_s), device, plain=sending.plain)


class Encoder:
    """Makes each message's bytes once: what is sent again, by whomever, is the very same."""

    def __init__(self, begin_s: int) -> None:
        """Take the Unix second at which the run begins."""
        self._begin_s = begin_s
        self._made: dict[Sending, bytes] = {}

    def payload(self, sending: Sending, device: DeviceAccess) -> bytes:
        """Return the bytes that this device sends."""
        key = replace(sending, at_s=0.0, backlog=False)
        if key not in self._made:
            self._made[key] = to_payload(sending, self._begin_s, device)
        return self._made[key]


def finish(message: dict[str, Any], device: DeviceAccess, *, plain: bool = False) -> bytes:
    """Return a message's bytes, sealed when the device seals."""
    payload = encode(message)
    return payload if plain or device.sealing_key is None else seal(payload, device.sealing_key)

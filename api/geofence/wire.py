"""What devices send, decoded: OwnTracks JSON with our additions, plain or sealed (DESIGN section 3).

A field that the position rests on (`lat`, `lon`, `tst`) must be right or the message is bad. A field
beside it (battery, speed, …) that makes no sense is dropped: nonsense about a battery must never cost
a position.
"""

import base64
import binascii
import math
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from api.geofence.model import (
    STATUS,
    AlarmKind,
    DeviceAlarm,
    DeviceReceipt,
    DeviceReport,
    Fix,
    FixSource,
    Gnss,
)
from api.kernel.crypto import Undecipherable, unseal
from api.kernel.geo import Point
from api.orders.model import Device

MAX_PAYLOAD_BYTES = 64 * 1024
"""A sealed position is 0.5 KiB; OwnTracks' longest message, a list of waypoints, stays under this."""
KM_H_PER_M_S = 3.6

Message = Fix | DeviceAlarm | DeviceReceipt | DeviceReport


class RejectReason(StrEnum):
    """Why a message is kept aside instead of being judged."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_FIELD = "wrong_field"
    OUT_OF_RANGE = "out_of_range"
    NULL_ISLAND = "null_island"
    BAD_TIME = "bad_time"
    FUTURE = "future"
    ANCIENT = "ancient"
    BAD_TOPIC = "bad_topic"
    UNKNOWN_DEVICE = "unknown_device"
    RETIRED_DEVICE = "retired_device"
    OTHER_HOLDER = "other_holder"
    NO_ORDER = "no_order"
    ORDER_NOT_IN_FORCE = "order_not_in_force"
    NOT_SEALED = "not_sealed"
    BAD_SEAL = "bad_seal"
    SERVER_FAULT = "server_fault"


class BadMessage(Exception):
    """A message that cannot be judged; `detail` names the field, never its value."""

    def __init__(self, reason: RejectReason, detail: str = "") -> None:
        """Keep the code that is counted and the detail that is shown to an integrator."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class _Located(msgspec.Struct):
    lat: float
    lon: float
    tst: int | float
    acc: Any = None
    alt: Any = None
    vel: Any = None
    cog: Any = None
    batt: Any = None
    seq: Any = None
    src: Any = None
    strap: Any = None
    motion: Any = None
    mock: Any = None


class _Location(_Located, tag_field="_type", tag="location"):
    pass


class _Transition(_Located, tag_field="_type", tag="transition"):
    pass


class _Alarm(msgspec.Struct, tag_field="_type", tag="alarm"):
    kind: str
    tst: int | float
    seq: Any = None
    lat: Any = None
    lon: Any = None
    acc: Any = None


class _Receipt(msgspec.Struct, tag_field="_type", tag="receipt"):
    id: UUID
    outcome: str


class _Encrypted(msgspec.Struct, tag_field="_type", tag="encrypted"):
    data: str


class _Other(msgspec.Struct):
    batt: Any = None


class _Status(_Other, tag_field="_type", tag=STATUS):
    motion: Any = None
    mock: Any = None
    fix: Any = None
    gnss: Any = None
    strap: Any = None
    permission: Any = None


class _Typed(msgspec.Struct, rename={"type": "_type"}):
    type: str
    data: Any = None


_LANES = frozenset({"alarm", "receipt"})
_decode_type = msgspec.json.Decoder(_Typed).decode

CONTACT_ONLY = (
    STATUS, "lwt", "beacon", "card", "cmd", "configuration", "dump", "request", "steps",
    "waypoint", "waypoints",
)  # fmt: skip
"""Types without a position of the device: contact, never an error; only a status says more."""

_Others: Any = tuple(
    msgspec.defstruct(f"_{name.title()}", [], bases=(_Other,), tag_field="_type", tag=name)
    for name in CONTACT_ONLY
    if name != STATUS
)
_Plain: Any = _Location | _Transition | _Alarm | _Receipt | _Status
_Any: Any = _Plain | _Encrypted
for _other in _Others:
    _Plain = _Plain | _other
    _Any = _Any | _other
_decode_any = msgspec.json.Decoder(_Any).decode
_decode_plain = msgspec.json.Decoder(_Plain).decode


@lru_cache(maxsize=100_000)  # a device speaks on few topics, again and again
def parse_topic(topic: str) -> tuple[int, UUID, str]:
    """Return shard, device and lane (empty for positions) of a topic; raises BadMessage."""
    parts = topic.split("/")
    if len(parts) not in {4, 5} or parts[:2] != ["em", "v1"] or len(parts[3]) != 32:
        raise BadMessage(RejectReason.BAD_TOPIC)
    try:
        return int(parts[2]), UUID(hex=parts[3]), parts[4] if len(parts) == 5 else ""
    except ValueError as error:
        raise BadMessage(RejectReason.BAD_TOPIC) from error


def lane_of(device: Device, payload: bytes) -> str:
    """Return the lane that a message belongs into: `alarm`, `receipt`, or nothing for positions.

    An alarm that is broken otherwise, or should have been sealed, is an alarm still. Raises BadMessage
    for what cannot even be read as far as that.
    """
    said = _decode(payload, _decode_type)
    if said.type == "encrypted":
        said = _decode(_open(device, said.data if isinstance(said.data, str) else ""), _decode_type)
    return str(said.type) if said.type in _LANES else ""


def opened(device: Device, payload: bytes) -> bytes | None:
    """Return the text of a sealed message, to be read by people; None when it is plain or does not open."""
    try:
        said = _decode(payload, _decode_type)
        if said.type != "encrypted" or not isinstance(said.data, str):
            return None
        return _open(device, said.data)
    except BadMessage:
        return None


def parse_message(device: Device, payload: bytes, received_at: datetime) -> Message:
    """Return what a device said; raises BadMessage with the reason to count and keep.

    Args:
        device: Who sent it, by the topic that the broker lets only this device use.
        payload: JSON, at most MAX_PAYLOAD_BYTES, sealed or not.
        received_at: When it reached us.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadMessage(RejectReason.TOO_LARGE, f"{len(payload)} bytes, at most {MAX_PAYLOAD_BYTES}")
    said = _decode(payload, _decode_any)
    if type(said) is _Encrypted:
        said = _decode(_open(device, said.data), _decode_plain)
    elif device.require_sealed:
        raise BadMessage(RejectReason.NOT_SEALED)
    if isinstance(said, _Located):
        return _fix(device.id, said, received_at)
    if type(said) is _Alarm:
        return _alarm(device.id, said, received_at)
    if type(said) is _Receipt:
        return DeviceReceipt(device.id, received_at, said.id, said.outcome[:32])
    return _report(device.id, said, received_at)


def _decode(payload: bytes, decode: Any) -> Any:  # noqa: ANN401 - msgspec's tagged union
    try:
        return decode(payload)
    except msgspec.ValidationError as error:
        text = str(error)
        if text.endswith("`$._type`"):
            raise BadMessage(RejectReason.UNKNOWN_TYPE) from error
        # msgspec's text names types and the path of the field, never a value of ours
        raise BadMessage(RejectReason.WRONG_FIELD, text) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage(RejectReason.MALFORMED, type(error).__name__) from error


def _open(device: Device, data: str) -> bytes:
    if device.sealing_key is None:
        raise BadMessage(RejectReason.BAD_SEAL, "this device has no sealing key")
    try:
        return unseal(device.sealing_key, base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError, Undecipherable) as error:
        raise BadMessage(RejectReason.BAD_SEAL, "not sealed with this device's key") from error


def _fix(device_id: UUID, said: _Located, received_at: datetime) -> Fix:
    battery = _number(said.batt, 0, 100)
    speed_km_h = _number(said.vel, 0, 2000)
    course_deg = _number(said.cog, 0, 360)
    return Fix(
        device_id=device_id,
        fixed_at=_moment(said.tst),
        received_at=received_at,
        point=_point(said.lat, said.lon),
        accuracy_m=_accuracy(said.acc),
        seq=_seq(said.seq),
        altitude_m=_number(said.alt, -12_000, 100_000),
        speed_m_s=None if speed_km_h is None else speed_km_h / KM_H_PER_M_S,
        course_deg=course_deg,
        battery_pct=None if battery is None else round(battery),
        source=_SOURCES.get(said.src, FixSource.UNKNOWN) if isinstance(said.src, str) else FixSource.UNKNOWN,
        strap_closed=_STRAP.get(said.strap) if isinstance(said.strap, str) else None,
        moving=None if said.motion is None else _flag(said.motion),  # most say nothing: a call less per fix
        mocked=said.mock is True,
    )


def _report(device_id: UUID, said: _Other, received_at: datetime) -> DeviceReport:
    battery = _number(said.batt, 0, 100)
    battery_pct = None if battery is None else round(battery)
    if not isinstance(said, _Status):
        kind = str(type(said).__struct_config__.tag)
        return DeviceReport(device_id, received_at, kind, battery_pct)
    return DeviceReport(
        device_id=device_id,
        received_at=received_at,
        kind=STATUS,
        battery_pct=battery_pct,
        moving=_flag(said.motion),
        has_fix=_flag(said.fix),
        gnss=_GNSS.get(said.gnss) if isinstance(said.gnss, str) else None,
        strap_closed=_STRAP.get(said.strap) if isinstance(said.strap, str) else None,
        permission=_PERMISSION.get(said.permission) if isinstance(said.permission, str) else None,
        mocked=said.mock is True,
    )


def _alarm(device_id: UUID, said: _Alarm, received_at: datetime) -> DeviceAlarm:
    """Return the alarm; a position beside it that makes no sense never costs the alarm."""
    point: Point | None = None
    if isinstance(said.lat, int | float) and isinstance(said.lon, int | float):
        try:
            point = _point(said.lat, said.lon)
        except BadMessage:
            point = None
    try:
        occurred_at = _moment(said.tst)
    except BadMessage:
        occurred_at = received_at  # a broken clock must not silence an SOS
    return DeviceAlarm(
        device_id=device_id,
        occurred_at=occurred_at,
        received_at=received_at,
        kind=_ALARMS.get(said.kind, AlarmKind.UNKNOWN),
        kind_said=said.kind.replace("\0", "")[:64],  # PostgreSQL stores no NUL
        seq=_seq(said.seq),
        point=point,
        accuracy_m=_accuracy(said.acc),
    )


_SOURCES = {source.value: source for source in FixSource}
_ALARMS = {kind.value: kind for kind in AlarmKind}
_STRAP = {"closed": True, "open": False}
_GNSS = {gnss.value: gnss for gnss in Gnss}
_PERMISSION = {"granted": True, "denied": False}
_MAX_SEQ = 2**63 - 1


def _point(lat: float, lon: float) -> Point:
    if not -90 <= lat <= 90:  # also false for NaN
        raise BadMessage(RejectReason.OUT_OF_RANGE, "lat must be -90..90")
    if not -180 <= lon <= 180:
        raise BadMessage(RejectReason.OUT_OF_RANGE, "lon must be -180..180")
    if lat == 0 and lon == 0:
        raise BadMessage(RejectReason.NULL_ISLAND, "0, 0 is what a receiver says that has no position")
    return Point(float(lat), float(lon))


def _moment(tst: float) -> datetime:
    try:
        return datetime.fromtimestamp(math.floor(tst), UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise BadMessage(RejectReason.BAD_TIME, "tst must be Unix seconds") from error


def _number(value: Any, low: float, high: float) -> float | None:  # noqa: ANN401 - whatever the device sent
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    return None


def _accuracy(value: Any) -> float | None:  # noqa: ANN401 - whatever the device sent
    """Return metres; 0 and absent are *unknown*, not perfect (OwnTracks leaves out what it does not know)."""
    return _number(value, 0, 1e7) or None


def _flag(value: Any) -> bool | None:  # noqa: ANN401 - whatever the device sent
    return value if isinstance(value, bool) else None


def _seq(value: Any) -> int | None:  # noqa: ANN401 - whatever the device sent
    return value if type(value) is int and 0 <= value <= _MAX_SEQ else None

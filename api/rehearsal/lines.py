"""The lines that `judge` takes (ops/contracts/judge.md), decoded; every `at` is Unix seconds."""

from typing import Any

import msgspec

from api.orders.model import DeviceKind


class Begin(msgspec.Struct, tag_field="say", tag="begin", forbid_unknown_fields=True):
    """A new, empty world."""

    at: float
    batch: int = 1
    limits: dict[str, int | float] = {}


class Order(msgspec.Struct, tag_field="say", tag="order", forbid_unknown_fields=True):
    """An order; wearer and people are made when they are first named."""

    order: str
    wearer: str
    people: list[str]
    alert_radius_m: float
    warning_radius_m: float
    valid_from: float
    valid_until: float | None = None
    zones: list[dict[str, Any]] = []


class NewDevice(msgspec.Struct, tag_field="say", tag="device", forbid_unknown_fields=True):
    """A device that somebody carries."""

    device: str
    holder: str
    kind: DeviceKind
    sealed: bool = False
    require_sealed: bool = False
    since: float | None = None


class Message(
    msgspec.Struct, tag_field="say", tag="message", rename={"login": "as"}, forbid_unknown_fields=True
):
    """What a device publishes: `json` as it stands, or `payload` in base64."""

    at: float
    device: str
    lane: str = ""
    json: msgspec.Raw = msgspec.Raw()
    payload: str | None = None
    login: str | None = None


class Until(msgspec.Struct, tag_field="say", tag="until", forbid_unknown_fields=True):
    """Time passes."""

    at: float


class EndOrder(msgspec.Struct, tag_field="say", tag="end_order", forbid_unknown_fields=True):
    """The court ends an order."""

    order: str
    at: float


class Exemption(msgspec.Struct, tag_field="say", tag="exemption", forbid_unknown_fields=True):
    """An agreed exception: the body of REST, people and zones by the caller's names."""

    order: str
    kind: str
    valid_from: str
    valid_until: str
    reason: str = "agreed"
    people: list[str] = []
    zones: list[str] = []
    place: dict[str, float] | None = None


class Sighting(msgspec.Struct, tag_field="say", tag="sighting", forbid_unknown_fields=True):
    """Somebody saw the wearer, or a protected person: the body of REST, the person by the caller's name."""

    at: float
    order: str
    seen_at: str
    point: dict[str, float]
    accuracy_m: float
    source: str
    party: str = "wearer"
    person: str | None = None


class End(msgspec.Struct, tag_field="say", tag="end", forbid_unknown_fields=True):
    """The world ends; its result is told."""


class Placed(msgspec.Struct):
    """As much of a message as the timers need to foresee: a position and its time."""

    type: str = msgspec.field(name="_type")
    tst: float


Line = Begin | Order | NewDevice | Message | Until | EndOrder | Exemption | Sighting | End
decode = msgspec.json.Decoder(Line).decode
decode_placed = msgspec.json.Decoder(Placed).decode

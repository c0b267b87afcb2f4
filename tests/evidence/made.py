"""Material of packs that no database made: for rules of packs alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.alerts.model import (
    Alert,
    AlertEntry,
    AlertState,
    Attempt,
    Channel,
    EntryKind,
    Event,
    EventKind,
    Family,
    Notification,
    NotificationState,
    Sighting,
)
from api.alerts.rules.event_json import event_json
from api.evidence.model.material import (
    Carrier,
    Material,
    Message,
    Place,
    Window,
)
from api.evidence.model.pack import Variant
from api.evidence.rules.summary import facts
from api.geofence.model import Circle, ExclusionZone, Limits, Polygon, Visibility
from api.kernel.geo import Point
from api.orders.model import DeviceKind, Party
from tests.rehearsal.house import at
from tests.scene import HOME, north_of

HIS, HERS, HER = UUID(int=1), UUID(int=2), UUID(int=100)
WINDOW = Window(at(-3600), at(0), at(600))


def carrier(party: Party, **more: Any) -> Carrier:
    is_his = party is Party.WEARER
    values: dict[str, Any] = {
        "device_id": HIS if is_his else HERS,
        "kind": DeviceKind.ANKLE_MONITOR if is_his else DeviceKind.PHONE,
        "label": "",
        "simulated": True,
        "sealed": False,
        "party": party,
        "person_id": None if is_his else HER,
        "since": at(-99_999),
        "entered_at": more.get("since", at(-99_999)),
        "until": None,
    }
    return Carrier(**(values | more))


def place(seconds: float, point: Point = HOME, accuracy_m: float | None = 10.0, **more: Any) -> Place:
    values: dict[str, Any] = {
        "fixed_at": at(seconds),
        "received_at": at(seconds + 1),
        "judged_at": at(seconds + 1),
        "point": point,
        "accuracy_m": accuracy_m,
        "source": "gnss",
        "speed_m_s": None,
        "course_deg": None,
        "battery_pct": None,
        "strap_closed": None,
        "timing": "live",
        "doubts": (),
    }
    return Place(**(values | more))


def message(seconds: float, kind: str = "judged", device_id: UUID = HIS) -> Message:
    return Message(device_id, at(seconds), kind, 1, 0, b"{}", None, "")


ALERT = Alert(
    id=UUID(int=5),
    order_id=UUID(int=3),
    device_id=None,
    family=Family.APPROACH,
    kind="zone_breach",
    severity=1,
    state=AlertState.OPEN,
    ongoing=True,
    exercise=False,
    concealed=False,
    person_ids=(HER,),
    opened_at=at(0),
    last_event_at=at(0),
    acknowledged_at=None,
    acknowledged_by=None,
    resolved_at=None,
    resolved_by=None,
    resolve_reason=None,
    resolution_note="",
)


def material(**more: Any) -> Material:
    values: dict[str, Any] = {
        "variant": Variant.FULL,
        "made_at": at(900),
        "made_by": None,
        "reason": "why",
        "window": WINDOW,
        "alert": ALERT,
        "references": {UUID(int=4): "W-1", HER: "P-1"},
        "labels": {HER: "P-1"},
        "people": (),
        "orders": (),
        "carriers": (),
        "entries": (),
        "steps": (),
        "tasks": (),
        "messages_out": (),
        "acts": (),
        "tracks": (),
        "messages": (),
        "distances": (),
        "bands": (),
        "health": (),
        "zones": (),
        "limits": Limits(),
        "own_limits": (),
        "house_limits": (),
        "exemptions": (),
        "sightings": (),
        "outages": (),
        "replay": {"error": "not asked for."},
        "lacking": (),
        "links": (),
    }
    return Material(**(values | more))


def line(number: int, event: Event | None, kind: EntryKind = EntryKind.UPDATED) -> AlertEntry:
    return AlertEntry(number, ALERT.id, at(number), kind, 1, None, event_json(event) if event else None)


def answers(question: str, **more: Any) -> str:
    return " ".join(next(one.answers for one in facts(material(**more)) if one.question == question))


def near_event(distance: float, seconds: float = 0.0, **more: Any) -> Event:
    his = Sighting(HIS, north_of(HOME, distance), 10.0, at(seconds))
    hers = Sighting(HERS, HOME, more.pop("her_accuracy_m", 5.0), at(seconds))
    values: dict[str, Any] = {"person_id": HER, "wearer": his, "protected": hers, "distance_m": distance}
    return Event(kind=EventKind.PROXIMITY_BREACH, occurred_at=at(seconds), **(values | more))


def sent(number: int, *attempts: bool, channel: Channel = Channel.POLICE_WEBHOOK, **more: Any) -> Any:
    values: dict[str, Any] = {
        "seq": number,
        "id": UUID(int=number),
        "alert_id": ALERT.id,
        "channel": channel,
        "person_id": None,
        "device_id": HIS,
        "payload": {"msgType": "Alert", "action": "message"},
        "state": NotificationState.SENT,
        "attempts": len(attempts),
        "created_at": at(number),
        "next_attempt_at": at(0),
    }
    tries = tuple(
        Attempt(
            UUID(int=1000 * number + n),
            UUID(int=number),
            at(number + n + 1),
            one,
            "200" if one else "timeout",
        )
        for n, one in enumerate(attempts)
    )
    return Notification(**(values | more)), tries


def zone(shape: Circle | tuple[Polygon, ...], **more: Any) -> ExclusionZone:
    values: dict[str, Any] = {"buffer_m": 100.0, "visibility": Visibility.DECLARED}
    return ExclusionZone(UUID(int=9), 1, UUID(int=3), "school", shape, **(values | more))


SQUARE = Polygon(((Point(0, 0), Point(0, 2), Point(2, 2), Point(2, 0), Point(0, 0)),))


@dataclass(frozen=True, slots=True)
class LaterEntry:
    """A line of the log of a later version."""

    seq: int
    alert_id: UUID
    at: datetime
    kind: str
    severity: int
    author_id: UUID | None
    event: None
    detail: dict[str, Any]

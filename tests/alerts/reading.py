"""Makes the record of an alert, and what she reads of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.alerts import service
from api.alerts.model import (
    Alert,
    AlertEntry,
    AlertState,
    Attempt,
    Channel,
    EntryKind,
    Event,
    EventKind,
    Notification,
    NotificationState,
    ResolveReason,
    Sighting,
)
from api.alerts.model.her_view import HerItem
from api.alerts.model.policies import Reach
from api.alerts.rules.event_json import event_json
from api.alerts.rules.her_view import Record, her_item
from api.alerts.rules.joining import family_of, severity_of
from api.kernel.content import Language
from api.kernel.geo import Point
from tests.alerts.stage import HER_PLACE, HIS_PLACE, at
from tests.factories import NOW

K = EventKind
HER, OTHER = UUID(int=100), UUID(int=101)
ALL = service.read_words()
EN = ALL[Language.EN]
TOLD = Reach(HER, True, None, None, None)


def sighting(
    point: Point = HIS_PLACE, *, age: float = 30, accuracy: float | None = 8.0, **more: Any
) -> Sighting:
    return Sighting(UUID(int=1), point, accuracy, NOW - timedelta(seconds=age), **more)


def event(kind: EventKind = K.PROXIMITY_BREACH, **more: Any) -> Event:
    values: dict[str, Any] = {
        "occurred_at": NOW,
        "person_id": HER,
        "wearer": sighting(),
        "protected": sighting(HER_PLACE),
    }
    return Event(kind=kind, **(values | more))


def entry(seq: int, kind: EntryKind, seconds: float = 0, what: Event | None = None) -> AlertEntry:
    return AlertEntry(
        seq, UUID(int=7), at(seconds), kind, 1, None, None if what is None else event_json(what)
    )


def alert_of(first: Event, **more: Any) -> Alert:
    values: dict[str, Any] = {
        "id": UUID(int=7),
        "order_id": UUID(int=3),
        "device_id": None,
        "family": family_of(first),
        "kind": first.kind.value,
        "severity": severity_of(first),
        "state": AlertState.OPEN,
        "ongoing": True,
        "exercise": False,
        "concealed": False,
        "person_ids": (HER,),
        "opened_at": NOW,
        "last_event_at": NOW,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "resolved_at": None,
        "resolved_by": None,
        "resolve_reason": None,
        "resolution_note": "The note: he lives in the Dorpsstraat.",
    }
    return Alert(**(values | more))


RESOLVED: dict[str, Any] = {
    "state": AlertState.RESOLVED,
    "resolved_at": at(600),
    "resolve_reason": ResolveReason.POLICE_ATTENDED,
}


def message(
    channel: Channel = Channel.PERSON_STREAM,
    seconds: float = 0,
    state: NotificationState = NotificationState.SENT,
    *tries: tuple[float, bool],
    person_id: UUID | None = HER,
) -> tuple[Notification, list[Attempt]]:
    note = Notification(
        1, UUID(int=8), UUID(int=7), channel, person_id, None, {}, state, len(tries), at(seconds), at(seconds)
    )
    return note, [Attempt(UUID(int=9), note.id, at(when), ok, "code") for when, ok in tries]


def record(*events: Event, reach: Reach = TOLD, **more: Any) -> Record:
    alert = alert_of(events[0], **more.pop("alert", {}))
    entries = [entry(n, EntryKind.UPDATED if n else EntryKind.OPENED, 0, one) for n, one in enumerate(events)]
    values: dict[str, Any] = {"messages": [], "tasks": [], "entries": entries} | more
    return Record(alert=alert, reaches=[reach], **values)


def read(*events: Event, now: datetime = NOW, **more: Any) -> HerItem:
    item = her_item(record(*events, **more), HER, EN, now)
    assert item is not None
    return item

"""Who hears of an event by which channel, and what the police are told."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from api.alerts.model import Alert, AlertState, Channel, Event, EventKind, Family, Sighting
from api.alerts.rules.joining import (
    LEAST_SEVERE,
    REACHES,
    Step,
    concerned_people,
    is_exempted,
    severity_of,
)
from api.orders.model import Watch

LEAST_SEVERITY_TOLD = 2
"""Police and protected people hear of severity 1 and 2; warnings stay in the control room (section 8b)."""
_STAFF_ONLY = frozenset({Family.CONTACT, Family.SYSTEM, Family.LATE, Family.HEALTH, Family.STATUS})
"""Silence, our own trouble and late data: the room looks first (section 8b kinds 14, 20, 21, 26)."""
_TOLD_EACH_TIME = frozenset({EventKind.SOS, EventKind.EXTERNAL_SIGHTING})
_TURN_BACK = frozenset({EventKind.ZONE_BUFFER, EventKind.ZONE_BREACH})


class Action(StrEnum):
    """What a device is asked to do (DESIGN section 3)."""

    MESSAGE = "message"
    VIBRATE = "vibrate"
    SET_INTERVAL = "setInterval"


class Wording(StrEnum):
    """Which text a device shows; the words themselves are put in when it is sent."""

    NEUTRAL = "neutral"
    TURN_BACK = "turn_back"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One message that an event causes; for a device also what it shall do."""

    channel: Channel
    person_id: UUID | None = None
    device_id: UUID | None = None
    action: Action | None = None
    wording: Wording = Wording.NONE


class MsgType(StrEnum):
    """What a message to the police is to the earlier ones, in the words of CAP 1.2."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


def recipients_of(event: Event, step: Step, watch: Watch | None) -> list[Recipient]:
    """Return whom the event tells beside the control room (which reads the log) and the police."""
    told = [] if watch is None else [*_wearer_told(event, watch)]
    if not step.is_news or not event.live or _is_for_staff(event, step):
        return told
    severity = severity_of(event)
    # What a camera saw goes to those who can look into it; if it is her device that is not with her, a
    # message to it would reach whoever has it (kind 22: operator and police).
    if severity > LEAST_SEVERITY_TOLD or event.kind == EventKind.EXTERNAL_SIGHTING:
        return told
    devices = dict(watch.protected) if watch else {}
    for person_id in concerned_people(event, watch):
        told.append(Recipient(Channel.PERSON_STREAM, person_id=person_id))
        if severity == 1:
            told += [
                Recipient(Channel.DEVICE, person_id, device_id, action, wording)
                for device_id in devices.get(person_id, ())
                for action, wording in _her_commands(event)
            ]
    return told


def _is_for_staff(event: Event, step: Step) -> bool:
    """Say whether only the control room hears of it; a silence that may hide him is told (kind 14)."""
    may_hide_him = event.kind == EventKind.LOST_CONTACT and event.reason == REACHES
    return step.alert.family in _STAFF_ONLY and not may_hide_him


def _her_commands(event: Event) -> list[tuple[Action, Wording]]:
    """Neutral words, and a vibration unless she pressed SOS: then he may be in the room (kind 1)."""
    message = (Action.MESSAGE, Wording.NEUTRAL)
    return [message] if event.kind == EventKind.SOS else [message, (Action.VIBRATE, Wording.NONE)]


def _wearer_told(event: Event, watch: Watch) -> list[Recipient]:
    """Tell the wearer to turn back, for a zone that he knows of and nothing else.

    A message for proximity or a concealed zone would show him where she is. For the same reason this
    looks at the event alone: were it to depend on the alert (already open? worse already?), then what
    a concealed zone or her own position did to the alert could be read from a message that stays away.
    Where he has been allowed into a declared zone nothing turns him back; anything else that an exception
    covers he never hears of, so that neither can he see that it is covered.
    """
    is_declared_zone = event.kind in _TURN_BACK and event.zone_id is not None and not event.concealed
    if not is_declared_zone or not event.live or event.repeat or is_exempted(event):
        return []
    return [
        Recipient(Channel.DEVICE, None, device_id, Action.MESSAGE, Wording.TURN_BACK)
        for device_id in watch.wearer_devices
    ]


def tells_police(event: Event, step: Step) -> bool:
    """Say whether the police are to hear of this event: when it opens, gets worse or begins again.

    A call for help and a sighting are told each time: they say what nobody knew before.
    Late calls for help are sent too (the message says `live: false`); late positions are severity 3.
    """
    if _is_for_staff(event, step) or severity_of(event) > LEAST_SEVERITY_TOLD:
        return False
    is_change = step.kind.value in {"opened", "raised"} or step.came_back
    return step.is_news and (is_change or event.kind in _TOLD_EACH_TIME)


def police_message(
    notification_id: UUID,
    msg_type: MsgType,
    seq: int,
    alert: Alert,
    event: Event | None,
    watch: Watch | None,
    now: datetime,
) -> dict[str, Any]:
    """Return the webhook's body; `ops/contracts/webhook.schema.json` describes it.

    `seq` is the log line it comes from: a receiver drops what is older than what it has of an alert.
    `event` is what caused it, None for an act of the control room.
    """
    return {
        "id": str(notification_id),
        "seq": seq,
        "msgType": msg_type.value,
        "status": "Exercise" if alert.exercise else "Actual",
        "sent": _iso(now),
        "alert": _alert_part(alert),
        "order": _order_part(watch),
        "event": None if event is None else _event_part(event, now),
    }


def _alert_part(alert: Alert) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "family": alert.family.value,
        "kind": alert.kind,
        "severity": alert.severity,
        "state": alert.state.value,
        "ongoing": alert.ongoing,
        "concealed": alert.concealed,
        "opened_at": _iso(alert.opened_at),
        "last_event_at": _iso(alert.last_event_at),
        "acknowledged_at": _iso(alert.acknowledged_at),
        "resolved_at": _iso(alert.resolved_at),
        "resolve_reason": alert.resolve_reason.value if alert.resolve_reason else None,
        "protected_person_ids": [str(person_id) for person_id in alert.person_ids],
    }


def _order_part(watch: Watch | None) -> dict[str, Any] | None:
    if watch is None:
        return None
    return {
        "id": str(watch.order.id),
        "reference": watch.order.reference,
        "court": watch.order.court,
        "alert_radius_m": watch.order.alert_radius_m,
        "warning_radius_m": watch.order.warning_radius_m,
    }


def _event_part(event: Event, now: datetime) -> dict[str, Any]:
    return {
        "kind": event.kind.value,
        "occurred_at": _iso(event.occurred_at),
        "live": event.live,
        "distance_m": event.distance_m,
        "protected_age_s": event.protected_age_s,
        "doubts": [doubt.value for doubt in event.doubts],
        "reason": event.reason,
        "mover": event.mover.value if event.mover else None,
        "closing_m_s": event.closing_m_s,
        "eta_s": event.eta_s,
        "reach_m": event.reach_m,
        "zone_id": str(event.zone_id) if event.zone_id else None,
        "protected_person_id": str(event.person_id) if event.person_id else None,
        "wearer": _position_part(event.wearer, now),
        "protected": _position_part(event.protected, now),
        "rule_version": event.rule_version,
    }


def _position_part(sighting: Sighting | None, now: datetime) -> dict[str, Any] | None:
    if sighting is None:
        return None
    return {
        "lat": sighting.point.lat,
        "lon": sighting.point.lon,
        "accuracy_m": sighting.accuracy_m,
        "fixed_at": _iso(sighting.fixed_at),
        "age_s": max(0.0, (now - sighting.fixed_at).total_seconds()),
        "doubts": [doubt.value for doubt in sighting.doubts],
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds")


def act_msg_type(alert: Alert) -> MsgType:
    """Return how an act of the control room is told to police who know of the alert."""
    return MsgType.CANCEL if alert.state == AlertState.RESOLVED else MsgType.UPDATE


def priority_of(alert: Alert, channel: Channel, *, is_act: bool) -> int:
    """Return the order in the outbox, lowest first: the worst alerts before others, acts after events."""
    return LEAST_SEVERE if is_act and channel == Channel.POLICE_WEBHOOK else alert.severity

"""Who hears of an event by which channel, and what the police are told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from api.alerts.model import Alert, AlertState, Channel, EntryKind, Event, EventKind, Sighting
from api.alerts.model.playbooks import Playbook, PlaybookStep, Side, Target
from api.alerts.rules.joining import LEAST_SEVERE, Step, concerned_people, is_exempted, severity_of
from api.orders.model import Watch
from api.policing.model import Routing

_TOLD_EACH_TIME = frozenset({EventKind.SOS, EventKind.EXTERNAL_SIGHTING})
_SILENTLY = frozenset({EventKind.SOS.value, EventKind.DRILL.value})
_TURN_BACK = frozenset({EventKind.ZONE_BUFFER, EventKind.ZONE_BREACH})


class Action(StrEnum):
    """What a device is asked to do (DESIGN section 3)."""

    REPORT_LOCATION = "reportLocation"
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
    """One message that an event or a step causes; for a device also what it shall do.

    Attributes:
        side: For OFFICER: whose place decides which officer; `target` tells OFFICER from STANDBY.
    """

    channel: Channel
    person_id: UUID | None = None
    device_id: UUID | None = None
    action: Action | None = None
    wording: Wording = Wording.NONE
    target: Target | None = None
    side: Side | None = None


CHOSEN_TEXT = "text"
"""Key of a message's payload: which of the cover's neutral texts she reads."""


def wording_of(payload: Mapping[str, Any]) -> int:
    """Return which neutral text of the cover a message to her shows; 0 is the one used by default."""
    chosen = payload.get(CHOSEN_TEXT)
    return chosen if isinstance(chosen, int) else 0


class MsgType(StrEnum):
    """What a message to the police is to the earlier ones, in the words of CAP 1.2."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


def steps_of(playbook: Playbook, event: Event, step: Step) -> list[PlaybookStep]:
    """Return the steps of the playbook that begin at once because of the event.

    Whatever a playbook says: an agreed exception pages nobody, a sighting does not reach a device that he
    may hold, and what came late does not ring at hers.
    """
    severity = severity_of(event)
    steps = (playbook.steps[name] for name in playbook.kinds.get(event.kind.value, ()))
    return [one for one in steps if severity in one.severities and _begins(one, event, step)]


def _begins(one: PlaybookStep, event: Event, step: Step) -> bool:
    if one.target is Target.WEARER:
        return event.kind == EventKind.DRILL or _turns_back(event)
    if not step.is_news or (is_exempted(event) and one.target is not Target.OPERATOR):
        return False
    if one.target is Target.PROTECTED_PERSON:
        # What a camera saw goes to those who can look into it; if it is her device that is not with her,
        # a message to it would reach whoever has it (kind 22: operator and police).
        return event.live and event.kind != EventKind.EXTERNAL_SIGHTING
    # When it opens, gets worse, begins again, or begins elsewhere: whoever has been sent to one door must
    # hear of the other. A call for help and a sighting each time: they say what nobody knew before.
    is_change = step.kind is not EntryKind.UPDATED or step.came_back or step.is_other
    return is_change or event.kind in _TOLD_EACH_TIME


def recipients_of(steps: Iterable[PlaybookStep], event: Event, watch: Watch | None) -> dict[Recipient, str]:
    """Return to whom the steps that begin send something, each with the step's name.

    The control room reads the log, and the police have a message of their own (`police_message`).
    """
    people = concerned_people(event, watch)
    told: dict[Recipient, str] = {}
    for one in steps:
        for recipient in recipients_by(one, people, watch, event.kind):
            told.setdefault(recipient, one.name)
    return told


def recipients_by(
    step: PlaybookStep, people: Iterable[UUID], watch: Watch | None, kind: str
) -> list[Recipient]:
    """Return to whom one step sends something; `people` are those whom the alert concerns.

    In a test run the wearer's device is asked to report, which nobody sees or hears.
    """
    if step.target is Target.WEARER:
        turn_back = (Action.MESSAGE, Wording.TURN_BACK)
        action, wording = (Action.REPORT_LOCATION, Wording.NONE) if kind == EventKind.DRILL else turn_back
        devices = watch.wearer_devices if watch else ()
        return [Recipient(Channel.DEVICE, None, device_id, action, wording) for device_id in devices]
    if step.target in {Target.OFFICER, Target.STANDBY}:
        sides = (Side.WEARER, Side.PROTECTED) if step.side is Side.BOTH else (step.side,)
        if step.target is Target.STANDBY:
            sides = (Side.WEARER,)  # a desk stands by wherever the two are
        return [Recipient(Channel.SMS, target=step.target, side=side) for side in sides]
    if step.target is not Target.PROTECTED_PERSON:
        return []
    hers = dict(watch.protected) if watch else {}
    told = []
    for person_id in people:
        for channel in step.channels:
            if channel is not Channel.DEVICE:
                told.append(Recipient(channel, person_id))
                continue
            told += [
                Recipient(channel, person_id, device_id, action, wording)
                for device_id in hers.get(person_id, ())
                for action, wording in _her_commands(kind)
            ]
    return told


def _her_commands(kind: str) -> list[tuple[Action, Wording]]:
    """Neutral words, and a vibration unless she pressed SOS: then he may be in the room (kind 1)."""
    message = (Action.MESSAGE, Wording.NEUTRAL)
    return [message] if kind in _SILENTLY else [message, (Action.VIBRATE, Wording.NONE)]


def _turns_back(event: Event) -> bool:
    """Say whether the wearer is told to turn back: for a zone that he knows of and nothing else.

    A message for proximity or a concealed zone would show him where she is. For the same reason this
    looks at the event alone: were it to depend on the alert (already open? worse already?), then what
    a concealed zone or her own position did to the alert could be read from a message that stays away.
    Where he has been allowed into a declared zone nothing turns him back; anything else that an exception
    covers he never hears of, so that neither can he see that it is covered.
    """
    is_declared_zone = event.kind in _TURN_BACK and event.zone_id is not None and not event.concealed
    return is_declared_zone and event.live and not event.repeat and not is_exempted(event)


def police_message(
    notification_id: UUID,
    msg_type: MsgType,
    seq: int,
    alert: Alert,
    event: Event | None,
    watch: Watch | None,
    now: datetime,
    *,
    references: Sequence[Mapping[str, str]] = (),
    routing: Sequence[Mapping[str, Any]] = (),
    chain: str = "",
) -> dict[str, Any]:
    """Return the webhook's body; `ops/contracts/webhook.schema.json` describes it.

    `seq` is the log line it comes from: a receiver drops what is older than what it has of an alert.
    `event` is what caused it, None for an act of the control room. `references` are the earlier messages
    of the alert, `routing` the stations that it is for, `chain` the head of the hash chain: noted by
    somebody else, it makes it impossible to cut off the chain's end unseen.
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
        "references": list(references),
        "routing": list(routing),
        "chain": chain,
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
    """Return what happened; of a test run without the places, by which only its stations were found."""
    is_test = event.kind is EventKind.DRILL
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
        "wearer": None if is_test else _position_part(event.wearer, now),
        "protected": None if is_test else _position_part(event.protected, now),
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


def routing_part(side: Side, routing: Routing) -> dict[str, Any]:
    """Return what a message to the police says of a station that it is for."""
    return {
        "side": side.value,
        "station_reference": routing.station_reference,
        "desk_address": routing.desk_address,
        "how": routing.how.value,
        "distance_m": routing.distance_m,
        "officer_reference": routing.officer_reference,
        "is_stand_in": routing.is_stand_in,
        "problem": routing.problem.value,
    }


def act_msg_type(alert: Alert) -> MsgType:
    """Return how an act of the control room is told to police who know of the alert."""
    return MsgType.CANCEL if alert.state == AlertState.RESOLVED else MsgType.UPDATE


def priority_of(alert: Alert, channel: Channel, *, is_act: bool) -> int:
    """Return the order in the outbox, lowest first: the worst alerts before others, acts after events."""
    return LEAST_SEVERE if is_act and channel == Channel.POLICE_WEBHOOK else alert.severity

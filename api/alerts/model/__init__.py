"""Nouns of alerting: the event that a rule saw, the alert somebody must answer, its log and messages.

Events are made by the geofence, one room above; they are defined here because this room must read them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from api.kernel.errors import Conflict, NotFound
from api.kernel.geo import Point

RULE_VERSION = "2026-11-3"
"""Stored with every event, so that a decision can be recomputed with the rules that made it."""


class Doubt(StrEnum):
    """Why a fix does not prove by itself where somebody is; such a fix is judged all the same."""

    NO_ACCURACY = "no_accuracy"
    COARSE = "coarse"
    JUMP = "jump"
    PARTNER_STALE = "partner_stale"
    PARTNER_DOUBTFUL = "partner_doubtful"
    DISC_ONLY = "disc_only"
    BETWEEN_FIXES = "between_fixes"


class EventKind(StrEnum):
    """What a rule saw (field/monitoring.md section 8b)."""

    ZONE_BREACH = "zone_breach"
    ZONE_BUFFER = "zone_buffer"
    ZONE_TRANSIT = "zone_transit"
    ZONE_LEFT = "zone_left"
    PROXIMITY_BREACH = "proximity_breach"
    PROXIMITY_WARNING = "proximity_warning"
    PROXIMITY_LEFT = "proximity_left"
    LATE_DATA_BREACH = "late_data_breach"
    CLOSING_FAST = "closing_fast"
    PROTECTED_APPROACHES = "protected_approaches"
    BOUNDARY_LOITER = "boundary_loiter"
    EXTERNAL_SIGHTING = "external_sighting"
    INCLUSION_BREACH = "inclusion_breach"
    BORDER_APPROACH = "border_approach"
    SOS = "sos"
    STRAP_TAMPER = "strap_tamper"
    CASE_OPEN = "case_open"
    SEPARATION = "separation"
    PAIRING_LOST = "pairing_lost"
    PROXIMITY_RF = "proximity_rf"
    JAM_SHIELD = "jam_shield"
    IMPLAUSIBLE_POSITION = "implausible_position"
    POWER_OFF = "power_off"
    DEVICE_ALARM = "device_alarm"
    LOST_CONTACT = "lost_contact"
    CONTACT_RESTORED = "contact_restored"
    NO_FIX_MOTION = "no_fix_motion"
    POSITION_FROZEN = "position_frozen"
    BATTERY_LOW = "battery_low"
    BATTERY_CRITICAL = "battery_critical"
    PROTECTED_DEVICE_DEGRADED = "protected_device_degraded"
    STATUS_CONFLICT = "status_conflict"
    CONDITION_ENDED = "condition_ended"
    SYSTEM_DEGRADED = "system_degraded"
    SYSTEM_RESTORED = "system_restored"
    DRILL = "drill"


class Mover(StrEnum):
    """Who made the distance shrink; TRAFFIC: both at the speed of traffic, so they may only be passing."""

    WEARER = "wearer"
    PROTECTED = "protected"
    BOTH = "both"
    NEITHER = "neither"
    TRAFFIC = "traffic"


class Sighting(msgspec.Struct, frozen=True):
    """Where one party was when an event was judged, with how old and how doubtful that was.

    Attributes:
        device_id: Whose word it is; None when somebody, or a camera, saw the party there.
    """

    device_id: UUID | None
    point: Point
    accuracy_m: float | None
    fixed_at: datetime
    doubts: tuple[Doubt, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule saw, with everything needed to explain and to recompute it.

    Attributes:
        order_id: None for what concerns no single order (SYSTEM_DEGRADED).
        device_id: Whose message, or whose silence.
        occurred_at: Time of the fix, alarm or detection that it rests on.
        live: False for late data: told as late, never rings.
        repeat: The presence was told before and still holds; joins the open alert quietly.
        distance_m: Zone: signed distance to its edge, negative inside. Proximity: between the two. Sighting
            that contradicts a device: from there to where the device said it was.
        protected_age_s: Age of the protected person's fix as seen from the wearer's, or the reverse, >= 0.
        mover: Who made the distance shrink; None where it was not asked or cannot be told.
        closing_m_s: How fast the two come together, the sum of both parts; negative while they part.
        wearer_part_m_s: The wearer's own part of it.
        eta_s: At that speed he reaches the alert distance after this.
        reach_m: How far he can have come since his last position, which is old.
        exemption_id: The agreed exception that covers it: kept in the log, nobody is paged.
        concealed: Nothing of this may reach the wearer.
        exercise: Marked as an exercise all the way to the police.
        reason: A code, never a text of a person. For CONDITION_ENDED `kind` or `kind:what` that is over;
            for LOST_CONTACT and PROTECTED_DEVICE_DEGRADED what is the matter; for SYSTEM_DEGRADED part and
            state.
    """

    kind: EventKind
    occurred_at: datetime
    order_id: UUID | None = None
    device_id: UUID | None = None
    zone_id: UUID | None = None
    zone_version: int | None = None
    person_id: UUID | None = None
    wearer: Sighting | None = None
    protected: Sighting | None = None
    distance_m: float | None = None
    protected_age_s: float | None = None
    doubts: tuple[Doubt, ...] = ()
    mover: Mover | None = None
    closing_m_s: float | None = None
    wearer_part_m_s: float | None = None
    eta_s: float | None = None
    reach_m: float | None = None
    exemption_id: UUID | None = None
    live: bool = True
    repeat: bool = False
    concealed: bool = False
    exercise: bool = False
    reason: str = ""
    rule_version: str = RULE_VERSION


class Family(StrEnum):
    """What joins into one alert: at most one alert per order and family is open."""

    SOS = "sos"
    APPROACH = "approach"
    TAMPER = "tamper"
    LATE = "late"
    CONTACT = "contact"
    HEALTH = "health"
    SUPERVISION = "supervision"
    STATUS = "status"
    SYSTEM = "system"
    DRILL = "drill"


class AlertState(StrEnum):
    """Where an alert is on its way to somebody's answer."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class ResolveReason(StrEnum):
    """Why an alert is closed; a person chooses, the free note says more."""

    POLICE_ATTENDED = "police_attended"
    WEARER_LEFT = "wearer_left"
    AGREED_CONTACT = "agreed_contact"
    TECHNICAL_FAULT = "technical_fault"
    FALSE_ALARM = "false_alarm"
    EXERCISE_ENDED = "exercise_ended"


class EntryKind(StrEnum):
    """What one line of an alert's log tells."""

    OPENED = "opened"
    UPDATED = "updated"
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    TASK_DONE = "task_done"
    POLICE_ACKNOWLEDGED = "police_acknowledged"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person must answer; one approach is one alert.

    Attributes:
        kind: The worst event so far, an `EventKind` value.
        severity: 1 (highest) .. 5, the worst so far (field/monitoring.md section 8b).
        ongoing: The last live event says that it still holds.
        device_id: For alerts about a device (tamper, contact, system).
        person_ids: Whom it concerns; they hear of it by their policy.
        concealed: A concealed zone is part of it: nothing of it may reach the wearer.
        resolution_note: Staff's words; never leaves the control room.
    """

    id: UUID
    order_id: UUID | None
    device_id: UUID | None
    family: Family
    kind: str
    severity: int
    state: AlertState
    ongoing: bool
    exercise: bool
    concealed: bool
    person_ids: tuple[UUID, ...]
    opened_at: datetime
    last_event_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    resolved_at: datetime | None
    resolved_by: UUID | None
    resolve_reason: ResolveReason | None
    resolution_note: str


@dataclass(frozen=True, slots=True)
class AlertEntry:
    """One line of an alert's append-only log; `seq` is the cursor of the control-room stream.

    Attributes:
        event: The geofence event as JSON types; None for people's acts.
        severity: Of the alert after this line.
        detail: What an escalation, a call or the police's answer tells, JSON types; ids and codes only.
    """

    seq: int
    alert_id: UUID
    at: datetime
    kind: EntryKind
    severity: int
    author_id: UUID | None
    event: dict[str, Any] | None
    detail: dict[str, Any] | None = None


class Channel(StrEnum):
    """A way out. The control-room stream reads the alert log itself and needs no notification."""

    POLICE_WEBHOOK = "police_webhook"
    PERSON_STREAM = "person_stream"
    WEB_PUSH = "web_push"
    DEVICE = "device"
    SMS = "sms"


class NotificationState(StrEnum):
    """PENDING until an attempt succeeds (SENT), its receipt comes (RECEIVED) or it is given up (FAILED).

    MOVED: it was pending when its order's history left for another house; there it is never sent.
    """

    PENDING = "pending"
    SENT = "sent"
    RECEIVED = "received"
    FAILED = "failed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one recipient by one channel, born in the transaction of its event.

    Attributes:
        seq: Cursor of the protected person's stream.
        alert_id: None for a command that no alert caused.
        person_id: Recipient of PERSON_STREAM.
        device_id: Recipient of DEVICE.
        payload: What to send, JSON types; her neutral text, the webhook's body, the device's command.
        next_attempt_at: Not before this.
        run_id: The step of the playbook that waits for its receipt; None when none does.
    """

    seq: int
    id: UUID
    alert_id: UUID | None
    channel: Channel
    person_id: UUID | None
    device_id: UUID | None
    payload: dict[str, Any]
    state: NotificationState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send a notification: `outcome` is a code such as `200`, `timeout`, `refused`."""

    id: UUID
    notification_id: UUID
    at: datetime
    succeeded: bool
    outcome: str


class AlertNotFound(NotFound):
    """There is no such alert."""


class AlreadyResolved(Conflict):
    """The alert is resolved; nothing more can be done with it."""

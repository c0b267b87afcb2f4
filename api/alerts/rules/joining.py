"""How bad an event is and which alert it belongs to: one approach is one alert."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from api.alerts.model import Alert, AlertState, EntryKind, Event, EventKind, Family, Mover
from api.orders.model import Watch

LEAST_SEVERE = 5

_SEVERITY = {
    EventKind.SOS: 1,
    EventKind.ZONE_BREACH: 1,
    EventKind.PROXIMITY_BREACH: 1,
    EventKind.PROXIMITY_RF: 1,
    EventKind.STRAP_TAMPER: 1,
    EventKind.CASE_OPEN: 1,
    EventKind.EXTERNAL_SIGHTING: 1,
    EventKind.SYSTEM_DEGRADED: 1,
    # A straight line through the zone says that he was inside, only no fix did: as bad as a doubtful
    # breach. The taxonomy proposes 3; nobody would be told that he drove past her door (proposal).
    EventKind.ZONE_TRANSIT: 2,
    EventKind.CLOSING_FAST: 2,
    EventKind.PROTECTED_APPROACHES: 2,
    EventKind.SEPARATION: 2,
    EventKind.PAIRING_LOST: 2,
    EventKind.JAM_SHIELD: 2,
    EventKind.IMPLAUSIBLE_POSITION: 2,
    EventKind.POWER_OFF: 2,
    EventKind.DEVICE_ALARM: 2,  # a word we do not know is still an alarm; proposal
    EventKind.LOST_CONTACT: 2,
    EventKind.ZONE_BUFFER: 3,
    EventKind.PROXIMITY_WARNING: 3,
    EventKind.LATE_DATA_BREACH: 3,
    EventKind.BOUNDARY_LOITER: 3,
    EventKind.INCLUSION_BREACH: 3,
    EventKind.BORDER_APPROACH: 3,
    EventKind.NO_FIX_MOTION: 3,
    EventKind.POSITION_FROZEN: 3,
    EventKind.BATTERY_CRITICAL: 3,
    EventKind.PROTECTED_DEVICE_DEGRADED: 3,
    EventKind.BATTERY_LOW: 4,
    EventKind.STATUS_CONFLICT: 4,
    EventKind.DRILL: 4,  # below every real danger in the queue; proposal
}
"""field/monitoring.md section 8b; what is not here (left, restored) is LEAST_SEVERE."""
EXEMPTED_SEVERITY = 4
"""What an agreed exception covers stays in the log and pages nobody (proposal)."""

_FAMILY: dict[str, Family] = {
    EventKind.SOS: Family.SOS,
    EventKind.LATE_DATA_BREACH: Family.LATE,
    EventKind.STRAP_TAMPER: Family.TAMPER,
    EventKind.CASE_OPEN: Family.TAMPER,
    EventKind.SEPARATION: Family.TAMPER,
    EventKind.JAM_SHIELD: Family.TAMPER,
    EventKind.POWER_OFF: Family.TAMPER,
    EventKind.DEVICE_ALARM: Family.TAMPER,
    EventKind.PAIRING_LOST: Family.TAMPER,
    EventKind.IMPLAUSIBLE_POSITION: Family.TAMPER,
    EventKind.NO_FIX_MOTION: Family.HEALTH,
    EventKind.POSITION_FROZEN: Family.HEALTH,
    EventKind.BATTERY_LOW: Family.HEALTH,
    EventKind.BATTERY_CRITICAL: Family.HEALTH,
    EventKind.PROTECTED_DEVICE_DEGRADED: Family.HEALTH,
    EventKind.INCLUSION_BREACH: Family.SUPERVISION,
    EventKind.BORDER_APPROACH: Family.SUPERVISION,
    EventKind.STATUS_CONFLICT: Family.STATUS,
    EventKind.LOST_CONTACT: Family.CONTACT,
    EventKind.CONTACT_RESTORED: Family.CONTACT,
    EventKind.SYSTEM_DEGRADED: Family.SYSTEM,
    EventKind.SYSTEM_RESTORED: Family.SYSTEM,
    EventKind.DRILL: Family.DRILL,
}
"""Everything else tells where the two are: APPROACH."""

_BREACHES = frozenset({EventKind.ZONE_BREACH, EventKind.PROXIMITY_BREACH, EventKind.PROXIMITY_RF})
_LASTING = _BREACHES | {EventKind.PROTECTED_APPROACHES, EventKind.SYSTEM_DEGRADED}
_ENDINGS = frozenset(
    {
        EventKind.ZONE_LEFT,
        EventKind.PROXIMITY_LEFT,
        EventKind.CONTACT_RESTORED,
        EventKind.CONDITION_ENDED,
        EventKind.SYSTEM_RESTORED,
    }
)
_MOMENTARY = frozenset(
    {EventKind.ZONE_TRANSIT, EventKind.EXTERNAL_SIGHTING, EventKind.BOUNDARY_LOITER, EventKind.DRILL}
)
"""Over before they were seen: nothing will ever tell of their end."""
_BY_DEVICE = frozenset({Family.TAMPER, Family.CONTACT, Family.HEALTH, Family.SYSTEM})
REACHES = "reaches"
"""Reason of a silence during which he can have come to her or to a zone."""
EXEMPTABLE = frozenset(
    {
        EventKind.ZONE_BREACH,
        EventKind.ZONE_BUFFER,
        EventKind.ZONE_TRANSIT,
        EventKind.PROXIMITY_BREACH,
        EventKind.PROXIMITY_WARNING,
        EventKind.PROXIMITY_RF,
        EventKind.CLOSING_FAST,
        EventKind.PROTECTED_APPROACHES,
        EventKind.BOUNDARY_LOITER,
        EventKind.LATE_DATA_BREACH,
        EventKind.INCLUSION_BREACH,
        EventKind.BORDER_APPROACH,
        EventKind.LOST_CONTACT,
    }
)
"""What an agreed exception may cover; never a call for help, nor anything done to a device."""


def severity_of(event: Event) -> int:
    """Return 1 (highest) .. 5 after field/monitoring.md section 8b.

    A position that arrived late is evidence and not a siren: never above 3. A call for help or a cut
    strap that arrived late still holds, so it keeps its severity.
    """
    severity = _SEVERITY.get(event.kind, LEAST_SEVERE)
    if is_exempted(event):
        return EXEMPTED_SEVERITY
    if family_of(event) == Family.LATE:
        return max(severity, 3)
    if event.kind in _BREACHES and (event.doubts or event.mover is Mover.TRAFFIC):
        return 2
    if event.kind == EventKind.LOST_CONTACT and event.reason != REACHES:
        return 3  # kind 14: 2 only while he can have come near
    return severity


def severities_of(kind: EventKind) -> frozenset[int]:
    """Return every severity that `severity_of` may give an event of this kind."""
    sure = _SEVERITY.get(kind, LEAST_SEVERE)
    found = {sure}
    if kind in _BREACHES:
        found.add(2)
    if kind == EventKind.LOST_CONTACT:
        found.add(3)
    if kind in EXEMPTABLE:
        found.add(EXEMPTED_SEVERITY)
    if _FAMILY.get(kind, Family.APPROACH) == Family.APPROACH:
        found.add(max(sure, 3))  # told by late data
    return frozenset(found)


def opens_alerts(kind: EventKind) -> bool:
    """Say whether the kind tells a beginning; the others tell an end and open nothing."""
    return kind not in _ENDINGS


def family_of(event: Event) -> Family:
    """Return what the event may join; a late position never joins, or moves, the live approach."""
    kind = ended_kind(event) if event.kind == EventKind.CONDITION_ENDED else event.kind.value
    family = _FAMILY.get(kind, Family.APPROACH)
    return Family.LATE if family == Family.APPROACH and not event.live else family


def join_key(event: Event) -> str:
    """Return the key of the one unresolved alert that the event belongs to.

    Zones and people of one order are one approach. What concerns a device, or no order at all, is kept
    apart by device; trouble of the system also by the part that its reason names before a colon, so that
    `worker:silent` and `worker:back` meet.
    """
    family = family_of(event)
    parts: list[str | UUID] = [family, event.order_id or "-"]
    if event.order_id is None or family in _BY_DEVICE:
        parts.append(event.device_id or "-")
    if family == Family.SYSTEM:
        parts.append(event.reason.partition(":")[0] or "-")
    return "|".join(str(part) for part in parts)


def may_open(event: Event) -> bool:
    """Say whether the event opens an alert when it has none to join.

    Leaving and recovering never do. Repeats do not either, except of what is dangerous while it lasts:
    an alert resolved by mistake with the wearer still inside must come back by itself.
    """
    if event.kind in _ENDINGS:
        return False
    lasts = event.kind in _LASTING or family_of(event) == Family.SUPERVISION
    return not event.repeat or lasts


def holding_after(holding: frozenset[str], event: Event) -> frozenset[str]:
    """Return what still holds after the event: the zones, people and devices that keep an alert ongoing.

    Kept one by one because leaving one of two zones is not the end of the approach.
    """
    if not event.live and family_of(event) == Family.LATE:
        return holding
    if event.kind in _MOMENTARY:
        return holding
    subject = _subject(event)
    left = holding - {subject, _COVERED + subject}
    if event.kind in _ENDINGS:
        return left
    return left | {_COVERED + subject if is_exempted(event) else subject}


_COVERED = "exempted "
"""Before what holds under an agreed exception: when the exception is over, the same thing is news."""


def is_exempted(event: Event) -> bool:
    """Say whether an agreed exception covers the event."""
    return event.exemption_id is not None and event.kind in EXEMPTABLE


def holds_covered(holding: frozenset[str]) -> bool:
    """Say whether something of this still holds under an agreed exception, and has rung nowhere."""
    return any(subject.startswith(_COVERED) for subject in holding)


def _is_uncovered(holding: frozenset[str], event: Event) -> bool:
    """Say whether what an exception covered so far goes on without it: it begins now, whatever was told."""
    if event.kind in _ENDINGS or is_exempted(event):
        return False
    return _COVERED + _subject(event) in holding


_CONDITIONS = frozenset({Family.HEALTH, Family.SUPERVISION, Family.STATUS})
_TOLD_APART = frozenset({EventKind.PROTECTED_DEVICE_DEGRADED, EventKind.STATUS_CONFLICT})
"""Several of a kind may hold at once: their reasons say which."""
_STAGES = {
    EventKind.BATTERY_CRITICAL.value: EventKind.BATTERY_LOW.value,
    f"{EventKind.PROTECTED_DEVICE_DEGRADED}:{EventKind.BATTERY_CRITICAL}": (
        f"{EventKind.PROTECTED_DEVICE_DEGRADED}:{EventKind.BATTERY_LOW}"
    ),
}
"""A low battery and an almost empty one are one matter: charging ends both."""


def ended_kind(event: Event) -> str:
    """Return which kind of condition a CONDITION_ENDED tells the end of: `kind` or `kind:what`."""
    return event.reason.partition(":")[0]


def _subject(event: Event) -> str:
    family = family_of(event)
    if family == Family.APPROACH:
        return f"zone {event.zone_id}" if event.zone_id else f"person {event.person_id}"
    what = event.kind.value
    if event.kind == EventKind.CONDITION_ENDED:
        what = event.reason
    elif event.kind in _TOLD_APART:
        what = f"{event.kind}:{event.reason}"
    if family in _CONDITIONS or what == EventKind.PAIRING_LOST:
        return f"{_STAGES.get(what, what)} {event.zone_id or event.device_id or event.person_id or '-'}"
    return f"device {event.device_id}"


TAKEN_FOR = timedelta(minutes=10)
"""So long whoever took an alert answers for what is new in it; later somebody has to take it anew: the shift
may have changed, and a mild alert that was taken must not hide the breach that it becomes. Proposal."""


def _taken_again(alert: Alert, severity: int, now: datetime, *, is_new: bool) -> Alert:
    """Return the alert, open again where nobody answers any more for what is new in it."""
    if alert.state is not AlertState.ACKNOWLEDGED or alert.acknowledged_at is None:
        return alert
    if not is_new or severity > 2 or now - alert.acknowledged_at <= TAKEN_FOR:
        return alert
    return replace(alert, state=AlertState.OPEN, acknowledged_at=None, acknowledged_by=None)


TOGGLED_S = 60.0
"""A strap or case that opens again this soon is the same matter: who makes it flicker on purpose could
ring her phone until nobody looks. As often as a lasting breach is told (`repeat_s`); proposal."""
_TOGGLED = frozenset({EventKind.STRAP_TAMPER, EventKind.CASE_OPEN})


def _is_flicker(alert: Alert, holding: frozenset[str], event: Event) -> bool:
    """Say whether the alert has told this very thing of this device, and it goes on and off."""
    if event.kind not in _TOGGLED or event.kind.value != alert.kind or _subject(event) not in holding:
        return False
    return (event.occurred_at - alert.last_event_at).total_seconds() < TOGGLED_S


@dataclass(frozen=True, slots=True)
class Step:
    """What one event made of an alert.

    Attributes:
        holding: See `holding_after`.
        is_news: Somebody beyond the log has to be told: it opened, got worse, or began (again).
        came_back: What had ended, or was covered by an exception, began anew within the same alert.
        is_other: It is of another zone, person, device or condition than what is known to hold already.
    """

    alert: Alert
    holding: frozenset[str]
    kind: EntryKind
    is_news: bool
    came_back: bool
    is_other: bool


def next_step(
    alert: Alert | None,
    holding: frozenset[str],
    event: Event,
    watch: Watch | None,
    now: datetime,
    new_id: UUID,
) -> Step | None:
    """Return the alert that the event joins or opens, as it is afterwards; None if it does neither.

    `alert` is the unresolved alert with the event's `join_key`, if there is one, and `holding` what keeps
    it ongoing; `watch` the event's order, None if there is none or it is not to be found; `new_id` is the
    alert's should it be opened.
    """
    people = concerned_people(event, watch)
    severity = severity_of(event)
    if alert is None:
        if not may_open(event):
            return None
        holding = holding_after(frozenset(), event)
        return Step(
            _opened(event, severity, people, ongoing=bool(holding), now=now, new_id=new_id),
            holding,
            EntryKind.OPENED,
            is_news=True,
            came_back=False,
            is_other=True,
        )
    after, raised = holding_after(holding, event), severity < alert.severity
    uncovered = _is_uncovered(holding, event)
    is_other = event.kind not in _ENDINGS and _subject(event) not in holding
    alert = _taken_again(alert, severity, now, is_new=raised or is_other)
    joined = replace(
        alert,
        kind=event.kind.value if raised else alert.kind,
        severity=min(severity, alert.severity),
        ongoing=bool(after),
        exercise=alert.exercise and event.exercise,  # one real event makes the whole alert real
        concealed=alert.concealed or event.concealed,
        person_ids=tuple(dict.fromkeys((*alert.person_ids, *people))),
        last_event_at=max(alert.last_event_at, event.occurred_at),
    )
    return Step(
        joined,
        after,
        EntryKind.RAISED if raised else EntryKind.UPDATED,
        is_news=raised or uncovered or not (event.repeat or _is_flicker(alert, holding, event)),
        came_back=uncovered or (bool(after) and not alert.ongoing),
        is_other=is_other,
    )


def _opened(
    event: Event, severity: int, people: tuple[UUID, ...], *, ongoing: bool, now: datetime, new_id: UUID
) -> Alert:
    by_device = event.order_id is None or family_of(event) in _BY_DEVICE
    return Alert(
        id=new_id,
        order_id=event.order_id,
        device_id=event.device_id if by_device else None,
        family=family_of(event),
        kind=event.kind.value,
        severity=severity,
        state=AlertState.OPEN,
        ongoing=ongoing,
        exercise=event.exercise,
        concealed=event.concealed,
        person_ids=people,
        opened_at=now,
        last_event_at=event.occurred_at,
        acknowledged_at=None,
        acknowledged_by=None,
        resolved_at=None,
        resolved_by=None,
        resolve_reason=None,
        resolution_note="",
    )


def concerned_people(event: Event, watch: Watch | None) -> tuple[UUID, ...]:
    """Return whom the event is about: one person where the event names her, else all of the order."""
    if event.person_id is not None:
        return (event.person_id,)
    return watch.order.protected_person_ids if watch else ()

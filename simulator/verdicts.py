"""Holds what was seen against what was expected: seen, missed, too late, false."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from simulator import truth
from simulator.exercise import Exercise, OrderDraft
from simulator.listen import Arrival
from simulator.plan import Plan
from simulator.schedule import Party, Sending
from simulator.stories import ANY, Expectation, Must
from simulator.world import Place, distance_m

SAME_PLACE_M = 0.5
"""Two roundings of one coordinate are closer than this; forgeries lie hundreds of metres away."""


LEAST_SEVERE = 5
BREACHES = frozenset({"zone_breach", "proximity_breach", "proximity_rf"})
GRAVE = BREACHES | {"sos", "strap_tamper", "case_open", "external_sighting", "system_degraded"}
"""Kinds of severity 1 (field/monitoring.md section 8b)."""
ENDINGS = frozenset({"zone_left", "proximity_left", "contact_restored", "condition_ended", "system_restored"})
"""Kinds that tell that something is over."""


class Outcome(StrEnum):
    """What became of one expectation."""

    SEEN = "seen"
    QUIET = "quiet"
    MISSED = "missed"
    LATE = "too late"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Sighted:
    """One geofence event on the control-room stream; times are monotonic seconds.

    Attributes:
        fix_tst: Stamp of the message it rests on, None when it names none.
        order: Name of the story's order.
        whose: Name of the protected person, None for what is about none.
        severity: Of the event's alert after it, 1 (highest) .. 5.
        is_grave: The event by itself is of severity 1: not a doubtful breach, nor one that is exempted.
    """

    at_s: float
    kind: str
    party: Party | None
    zone: str | None
    alert_id: str
    repeat: bool
    fix_tst: float | None
    place: Place | None
    order: str = "order"
    whose: str | None = None
    severity: int = 5
    is_grave: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the closing table; delays in seconds.

    Attributes:
        delay_s: From the publishing of the first message that shows it to the control room.
        fix_delay_s: From the publishing of the very message that the event rests on.
        person_delay_s: From the same beginning as `delay_s` to her stream.
    """

    expected: str
    outcome: Outcome
    seen: str = ""
    delay_s: float | None = None
    fix_delay_s: float | None = None
    person_delay_s: float | None = None
    note: str = ""

    @property
    def is_good(self) -> bool:
        """Say whether this line is as it should be."""
        return self.outcome in {Outcome.SEEN, Outcome.QUIET}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run left behind; all moments are of one clock, the machine's or the rehearsal's.

    Attributes:
        begin_s: Moment of the run's beginning.
        begin_tst: The same as a Unix second.
        published: Moment of each sending's publishing, in the plan's order.
        messages: Arrivals on her stream.
        commands: How many commands the wearer's device was sent.
        paged: How many messages left for police, her or a device; 0 when nobody counted.
        approach_alerts: How many alerts about approaches each order has; None when nobody counted.
    """

    begin_s: float
    begin_tst: int
    published: tuple[float, ...]
    events: tuple[Sighted, ...]
    messages: tuple[float, ...]
    commands: int
    approach_alerts: Mapping[str, int] | None = None
    paged: int = 0


def read_event(arrival: Arrival, exercise: Exercise) -> Sighted | None:
    """Return the event of an arrival on the control-room stream, None when it is not of this exercise."""
    entry = arrival.data.get("entry") or {}
    event: dict[str, Any] | None = entry.get("event")
    if arrival.name != "alert" or event is None:
        return None
    parties = {device.id: party for party, device in exercise.devices.items()}
    party = parties.get(str(event.get("device_id")))
    if event.get("order_id") != exercise.order_id and party is None:
        return None
    zones = {zone_id: name for name, zone_id in exercise.zone_ids.items()}
    return sighted(
        event,
        at_s=arrival.at_s,
        party=party,
        zone=zones.get(str(event.get("zone_id"))),
        alert_id=str(entry.get("alert_id", "")),
        severity=int(entry.get("severity", LEAST_SEVERE)),
    )


def sighted(
    event: Mapping[str, Any],
    *,
    at_s: float,
    party: Party | None,
    zone: str | None,
    alert_id: str,
    severity: int,
    order: str = "order",
    whose: str | None = None,
) -> Sighted:
    """Return an event of the log together with the names that the story has for what it is about."""
    sighting = event.get("protected" if party is Party.PROTECTED else "wearer") or {}
    point = sighting.get("point") or {}
    return Sighted(
        at_s=at_s,
        kind=str(event["kind"]),
        party=party,
        zone=zone,
        alert_id=alert_id,
        repeat=bool(event.get("repeat")),
        fix_tst=_unix(sighting.get("fixed_at") or event.get("occurred_at")),
        place=Place(point["lat"], point["lon"]) if {"lat", "lon"} <= point.keys() else None,
        order=order,
        whose=whose,
        severity=severity,
        is_grave=_is_grave(event),
    )


def _is_grave(event: Mapping[str, Any]) -> bool:
    """Say whether an event is of severity 1 by itself, as ops/docs/alerts.md has it."""
    kind = event["kind"]
    if kind not in GRAVE or (event.get("exemption_id") and kind in BREACHES):
        return False
    return kind not in BREACHES or not (event.get("doubts") or event.get("mover") == "traffic")


def judge(
    expect: Expectation, drafts: Sequence[OrderDraft], plan: Plan, speed: float, evidence: Evidence
) -> list[Row]:
    """Return the closing table's rows: what had to come, what must not, and what nobody may have caused."""
    rows = [_judge_must(must, drafts, plan, speed, evidence) for must in expect.must]
    for kind in sorted(expect.must_not):
        found = [event for event in evidence.events if kind in {ANY, event.kind}]
        what = "no event at all" if kind == ANY else f"no {kind}"
        if found:
            rows.append(Row(what, Outcome.FALSE, _name(found[0]), note=f"{len(found)} seen"))
        else:
            rows.append(Row(what, Outcome.QUIET))
    for kind, count in expect.at_most:
        found = [event for event in evidence.events if event.kind == kind and not event.repeat]
        outcome = Outcome.FALSE if len(found) > count else Outcome.SEEN
        rows.append(Row(f"at most {count} × {kind}", outcome, f"{len(found)} ×"))
    if expect.silent_wearer:
        outcome = Outcome.FALSE if evidence.commands else Outcome.QUIET
        rows.append(Row("nothing reaches the wearer", outcome, f"{evidence.commands} commands"))
    if expect.nobody_paged:
        outcome = Outcome.FALSE if evidence.paged else Outcome.QUIET
        rows.append(Row("nobody is paged", outcome, f"{evidence.paged} messages"))
    if expect.no_worse_than is not None:
        rows.append(_mildness(expect.no_worse_than, evidence))
    return [
        *rows,
        *_forged(plan, evidence),
        *_unfounded(expect, drafts, plan, evidence),
        *_one_alert_each(drafts, plan, evidence),
    ]


def _judge_must(
    must: Must, drafts: Sequence[OrderDraft], plan: Plan, speed: float, evidence: Evidence
) -> Row:
    expected = _describe(must)
    cause = truth.due(must, truth.draft_of(must, drafts), plan)
    earliest_s = evidence.begin_s + (must.since_s or 0.0) / speed
    since_s = earliest_s if cause is None else evidence.published[plan.sendings.index(cause)]
    found = next((event for event in evidence.events if _fits(must, event)), None)
    if found is None:
        return Row(expected, Outcome.MISSED)
    if must.since_s is not None and found.at_s < earliest_s:
        return Row(expected, Outcome.FALSE, _name(found), note="before it can be known")
    delay_s = None if cause is None and must.since_s is None else found.at_s - since_s
    person_s = next((at_s for at_s in evidence.messages if at_s >= min(since_s, found.at_s - 1)), None)
    row_person_s = None
    if must.person and person_s is not None and cause is not None:
        row_person_s = person_s - since_s
    late = cause is not None and found.at_s - since_s > must.within_s
    late |= must.by_s is not None and found.at_s - evidence.begin_s > must.by_s / speed
    outcome, note = Outcome.LATE if late else Outcome.SEEN, ""
    if must.person and (person_s is None or person_s - max(since_s, found.at_s) > must.within_s):
        outcome, note = Outcome.MISSED, "nothing reached her in time"
    return Row(
        expected, outcome, _name(found), delay_s, _fix_delay_s(found, plan, evidence), row_person_s, note
    )


def _fits(must: Must, event: Sighted) -> bool:
    return (
        event.kind == must.kind
        and must.party in {None, event.party}
        and must.zone in {None, event.zone}
        and must.order in {None, event.order}
        and must.whose in {None, event.whose}
        and (must.severity is None or event.severity <= must.severity)
    )


def _mildness(no_worse_than: int, evidence: Evidence) -> Row:
    worse = [event for event in evidence.events if event.severity < no_worse_than]
    expected = f"nothing worse than severity {no_worse_than}"
    if worse:
        return Row(expected, Outcome.FALSE, _name(worse[0]), note=f"{len(worse)} seen")
    return Row(expected, Outcome.QUIET)


def _fix_delay_s(event: Sighted, plan: Plan, evidence: Evidence) -> float | None:
    """Return the delay since the publishing of the message with the event's stamp, by its own device."""
    for sending, published_s in zip(plan.sendings, evidence.published, strict=True):
        same = _is_of(event, sending) and evidence.begin_tst + sending.stamp_s == event.fix_tst
        if same and (event.place is None or _is_at(sending, event.place)):
            return event.at_s - published_s
    return None


def _forged(plan: Plan, evidence: Evidence) -> list[Row]:
    """Return a row when messages were forged: no event may rest on one."""
    forged = [sending for sending in plan.sendings if truth.is_forged(sending)]
    if not forged:
        return []
    for event in evidence.events:
        if event.place is not None and any(_is_at(sending, event.place) for sending in forged):
            return [Row("nothing rests on a forged message", Outcome.FALSE, _name(event))]
    return [Row("nothing rests on a forged message", Outcome.QUIET)]


def _unfounded(
    expect: Expectation, drafts: Sequence[OrderDraft], plan: Plan, evidence: Evidence
) -> list[Row]:
    """Return a row per groundless event; a kind that must not come at all has its row already."""
    rows = []
    for event in groundless(drafts, plan, evidence):
        if expect.must_not & {event.kind, ANY}:
            continue
        sending = _sending_of(event, plan, evidence)
        zone = next((zone for d in drafts for zone in d.zones if zone.name == event.zone), None)
        note = ""
        if sending is not None and sending.reading is not None and zone is not None:
            note = f"truly {zone.shape.edge_distance_m(sending.reading.true):.0f} m outside"
        rows.append(Row("no severity 1 without a ground", Outcome.FALSE, _name(event), note=note))
    return rows


def groundless(drafts: Sequence[OrderDraft], plan: Plan, evidence: Evidence) -> list[Sighted]:
    """Return the events of severity 1 that nothing true stands behind; repeats are left out."""
    found = []
    for event in evidence.events:
        if not event.is_grave or event.repeat:
            continue
        sending = _sending_of(event, plan, evidence)
        draft = next((draft for draft in drafts if draft.name == event.order), drafts[0])
        if sending is None or not truth.is_founded(event.kind, sending, event.zone, draft, plan):
            found.append(event)
    return found


def _one_alert_each(drafts: Sequence[OrderDraft], plan: Plan, evidence: Evidence) -> list[Row]:
    """Return a row per order whose approaches made more alerts than there were approaches."""
    rows = []
    for draft in drafts if evidence.approach_alerts is not None else ():
        count = (evidence.approach_alerts or {}).get(draft.name, 0)
        if count > 1 and count > truth.approaches(draft, plan):
            rows.append(Row("one approach, one alert", Outcome.FALSE, f"{count} alerts ({draft.name})"))
    return rows


def _sending_of(event: Sighted, plan: Plan, evidence: Evidence) -> Sending | None:
    """Return the message with the event's stamp by its own device; an alarm before a position."""
    of_then = [
        sending
        for sending in plan.sendings
        if _is_of(event, sending) and evidence.begin_tst + sending.stamp_s == event.fix_tst
    ]
    as_alarm = (s for s in of_then if truth.EVENT_OF_ALARM.get(s.alarm) == event.kind)
    as_fix = (s for s in of_then if s.reading is not None and not s.alarm)
    return next(as_alarm, None) or next(as_fix, None)


def _is_of(event: Sighted, sending: Sending) -> bool:
    """Say whether it is the device of the event; her name tells which, where there are several people."""
    if sending.party is not event.party:
        return False
    return not sending.name or event.whose in {None, sending.name}


def _is_at(sending: Sending, place: Place) -> bool:
    return sending.reading is not None and distance_m(sending.reading.place, place) < SAME_PLACE_M


def _describe(must: Must) -> str:
    parts = [must.kind]
    if must.zone:
        parts.append(f"({must.zone})")
    if must.party:
        parts.append(f"by {must.party}")
    parts += [f"[{name}]" for name in (must.order, must.whose) if name]
    if must.person:
        parts.append("+ her stream")
    if must.severity is not None:
        parts.append(f"at severity {must.severity}")
    return " ".join(parts)


def _name(event: Sighted) -> str:
    where = f" ({event.zone})" if event.zone else ""
    return f"{event.kind}{where}"


def _unix(text: object) -> float | None:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None


def is_good(rows: Sequence[Row]) -> bool:
    """Say whether nothing was missed, late or false."""
    return all(row.is_good for row in rows)

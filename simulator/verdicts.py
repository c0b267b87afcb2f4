"""Holds what was seen against what was expected: seen, missed, too late, false."""

from collections.abc import Sequence
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
    """

    at_s: float
    kind: str
    party: Party | None
    zone: str | None
    alert_id: str
    repeat: bool
    fix_tst: float | None
    place: Place | None


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
    """What a run left behind.

    Attributes:
        begin_s: Monotonic moment of the run's beginning.
        begin_tst: The same as a Unix second.
        published: Monotonic moment of each sending's publishing, in the plan's order.
        messages: Monotonic arrivals on her stream.
        commands: How many commands the wearer's device was sent.
    """

    begin_s: float
    begin_tst: int
    published: tuple[float, ...]
    events: tuple[Sighted, ...]
    messages: tuple[float, ...]
    commands: int


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
    sighting = event.get("protected" if party is Party.PROTECTED else "wearer") or {}
    point = sighting.get("point") or {}
    return Sighted(
        at_s=arrival.at_s,
        kind=str(event["kind"]),
        party=party,
        zone=zones.get(str(event.get("zone_id"))),
        alert_id=str(entry.get("alert_id", "")),
        repeat=bool(event.get("repeat")),
        fix_tst=_unix(sighting.get("fixed_at") or event.get("occurred_at")),
        place=Place(point["lat"], point["lon"]) if {"lat", "lon"} <= point.keys() else None,
    )


def judge(expect: Expectation, draft: OrderDraft, plan: Plan, speed: float, evidence: Evidence) -> list[Row]:
    """Return the closing table's rows: what had to come, what must not, and what nobody may have caused."""
    rows = [_judge_must(must, draft, plan, speed, evidence) for must in expect.must]
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
    return rows + _forged(plan, evidence) + _unfounded(expect, draft, plan, evidence)


def _judge_must(must: Must, draft: OrderDraft, plan: Plan, speed: float, evidence: Evidence) -> Row:
    expected = _describe(must)
    cause = truth.due(must, draft, plan)
    since_s = evidence.begin_s if cause is None else evidence.published[plan.sendings.index(cause)]
    found = next((event for event in evidence.events if _fits(must, event)), None)
    if found is None:
        return Row(expected, Outcome.MISSED)
    delay_s = None if cause is None else found.at_s - since_s
    person_s = next((at_s for at_s in evidence.messages if at_s >= min(since_s, found.at_s - 1)), None)
    row_person_s = None
    if must.person and person_s is not None and cause is not None:
        row_person_s = person_s - since_s
    late = delay_s is not None and delay_s > must.within_s
    late |= must.by_s is not None and found.at_s - evidence.begin_s > must.by_s / speed
    outcome, note = Outcome.LATE if late else Outcome.SEEN, ""
    if must.person and (person_s is None or person_s - max(since_s, found.at_s) > must.within_s):
        outcome, note = Outcome.MISSED, "nothing reached her in time"
    return Row(
        expected, outcome, _name(found), delay_s, _fix_delay_s(found, plan, evidence), row_person_s, note
    )


def _fits(must: Must, event: Sighted) -> bool:
    return event.kind == must.kind and must.party in {None, event.party} and must.zone in {None, event.zone}


def _fix_delay_s(event: Sighted, plan: Plan, evidence: Evidence) -> float | None:
    """Return the delay since the publishing of the message with the event's stamp, by its own device."""
    for sending, published_s in zip(plan.sendings, evidence.published, strict=True):
        same = sending.party is event.party and evidence.begin_tst + sending.stamp_s == event.fix_tst
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


def _unfounded(expect: Expectation, draft: OrderDraft, plan: Plan, evidence: Evidence) -> list[Row]:
    """Return a row per live zone breach whose own position, with its doubt, does not touch the zone."""
    if "zone_breach" in expect.must_not:
        return []
    rows = []
    for event in evidence.events:
        sending = _sending_of(event, plan, evidence) if event.kind == "zone_breach" else None
        zone = next((zone for zone in draft.zones if zone.name == event.zone), None)
        if sending is None or sending.reading is None or zone is None:
            continue
        doubt_m = sending.reading.accuracy_m or 100.0  # what the field gives a fix without accuracy
        outside_m = zone.shape.edge_distance_m(sending.reading.place)
        if outside_m > doubt_m + 1:
            note = f"{outside_m:.0f} m outside, accuracy {doubt_m:.0f} m"
            rows.append(Row("no breach from outside", Outcome.FALSE, _name(event), note=note))
    return rows


def _sending_of(event: Sighted, plan: Plan, evidence: Evidence) -> Sending | None:
    for sending in plan.sendings:
        if sending.party is event.party and evidence.begin_tst + sending.stamp_s == event.fix_tst:
            return sending
    return None


def _is_at(sending: Sending, place: Place) -> bool:
    return sending.reading is not None and distance_m(sending.reading.place, place) < SAME_PLACE_M


def _describe(must: Must) -> str:
    parts = [must.kind]
    if must.zone:
        parts.append(f"({must.zone})")
    if must.party:
        parts.append(f"by {must.party}")
    if must.person:
        parts.append("+ her stream")
    return " ".join(parts)


def _name(event: Sighted) -> str:
    where = f" ({event.zone})" if event.zone else ""
    return f"{event.kind}{where}"


def _unix(text: object) -> float | None:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None


def is_good(rows: Sequence[Row]) -> bool:
    """Say whether nothing was missed, late or false."""
    return all(row.is_good for row in rows)

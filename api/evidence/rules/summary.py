"""The first page of a report: what happened, in sentences that need no explanation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from api.alerts.model import AlertEntry, Attempt, Channel, EntryKind, Notification
from api.evidence.model.material import Distance, Material, Place
from api.evidence.rules.awaited import call_words, entry_words
from api.evidence.rules.wording import (
    CHANNELS,
    RESOLVED,
    clock_time,
    doubt_words,
    kind_words,
    metres,
    seconds,
)


class Fact(msgspec.Struct, frozen=True):
    """A question that a reader has, and its answers."""

    question: str
    answers: tuple[str, ...]


def facts(material: Material) -> list[Fact]:
    """Return the summary, in the order in which it is read."""
    awaited = () if material.is_reduced else (Fact("What was awaited", tuple(_awaited(material))),)
    return [
        Fact("What was told", tuple(_told(material))),
        Fact("How near", tuple(_nearest(material))),
        Fact("How late", tuple(_delays(material))),
        Fact("Who was told", tuple(_recipients(material))),
        *awaited,
        Fact("What people did", tuple(_acts(material))),
        Fact("What was doubtful", tuple(_doubts(material))),
        Fact("Computed again", tuple(_recomputed(material))),
        Fact("What is missing", material.lacking or ("Nothing is known to be missing.",)),
    ]


def _events(material: Material) -> list[tuple[AlertEntry, Mapping[str, Any]]]:
    return [(entry, entry.event) for entry in material.entries if entry.event is not None]


def _told(material: Material) -> list[str]:
    """Return each kind of event with when it was first told and how often, in that order."""
    first: dict[str, datetime] = {}
    count: Counter[str] = Counter()
    for entry, event in _events(material):
        first.setdefault(event["kind"], entry.at)
        count[event["kind"]] += 1
    said = [f"{clock_time(at)}  {kind_words(kind)}{_times(count[kind])}." for kind, at in first.items()]
    return said or ["No event is part of this alert."]


def _times(count: int) -> str:
    return f" (told {count} times)" if count > 1 else ""


def _nearest(material: Material) -> list[str]:
    """Return the smallest distance measured, what the events tell of it, and what the court allows.

    Not every position makes an event: what is repeated waits, and the two may come nearer meanwhile.
    """
    said = []
    measured = _smallest(material)
    if measured is not None:
        said.append(
            f"The smallest distance measured during the alert was {metres(measured.distance_m)}, at "
            f"{clock_time(measured.at)}, between the last positions of both at that moment; their accuracies "
            f"add up to {metres(measured.doubt_m)}."
        )
    between = [
        one for _entry, one in _events(material) if one.get("person_id") and one.get("distance_m") is not None
    ]
    if between:
        event = min(between, key=lambda one: float(one["distance_m"]))
        doubt = _together(event)
        exact = f"; the accuracies of both positions add up to {metres(doubt)}" if doubt is not None else ""
        whose = "The two" if measured is None else "By the nearest event the two"
        said.append(f"{whose} were {metres(event['distance_m'])} apart at {_at(event)}{exact}.")
    inside = [
        one
        for _entry, one in _events(material)
        if one.get("zone_id") and one.get("distance_m") is not None and one["distance_m"] < 0
    ]
    if inside:
        event = min(inside, key=lambda one: float(one["distance_m"]))
        said.append(f"He was {metres(-event['distance_m'])} inside the edge of a zone at {_at(event)}.")
    if material.orders:
        order = material.orders[-1].order
        said.append(
            f"The court's order: a breach at {metres(order.alert_radius_m)} or less from her, "
            f"a warning at {metres(order.warning_radius_m)}."
        )
    return said or ["No event of this alert tells a distance."]


def _smallest(material: Material) -> Distance | None:
    """Return the smallest distance from the first event to the last, or to the closing if that is later.

    None when nothing was measured then, and for the defence, who gets the distances at the events alone.
    """
    moments = [msgspec.convert(event["occurred_at"], datetime) for _entry, event in _events(material)]
    if material.is_reduced or not moments:
        return None
    begin = min(material.alert.opened_at, *moments)
    end = max(material.alert.resolved_at or material.window.end, *moments)
    return min(
        (one for one in material.distances if begin <= one.at <= end),
        key=lambda one: one.distance_m,
        default=None,
    )


def _together(event: Mapping[str, Any]) -> float | None:
    both = [(event.get(side) or {}).get("accuracy_m") for side in ("wearer", "protected")]
    return None if None in both else sum(float(one) for one in both if one is not None)


def _delays(material: Material) -> list[str]:
    """Return the way of the first event that rests on a stored position, step by step."""
    stored = {
        (str(track.carrier.device_id), place.fixed_at): place
        for track in material.tracks
        for place in track.places
    }
    for entry, event in _events(material):
        seen = event.get("wearer") or {}
        if not seen.get("fixed_at"):
            continue
        fixed_at = msgspec.convert(seen["fixed_at"], datetime)
        place: Place | None = stored.get((str(seen.get("device_id")), fixed_at))
        if place is None:
            continue
        sent_s = (place.received_at - place.fixed_at).total_seconds()
        told_s = (entry.at - place.received_at).total_seconds()
        fixed = f"The position behind the first event was fixed at {clock_time(place.fixed_at)}"
        return [f"{fixed}, reached the system {sent_s:.1f} s later and was told {_after(told_s)}."]
    return ["No event of this alert rests on one stored position of his."]


def _after(told_s: float) -> str:
    return f"{told_s:.1f} s after that" if told_s >= 0.05 else "at once"


def _recipients(material: Material) -> list[str]:
    said = ["The control room: each event as it was told (it reads the log itself)."]
    groups: dict[str, list[tuple[Notification, Sequence[Attempt]]]] = {}
    for sent, attempts in material.messages_out:
        if sent.alert_id is not None:
            groups.setdefault(str(sent.channel), []).append((sent, attempts))
    for channel, pairs in groups.items():
        name = CHANNELS.get(channel, channel.replace("_", " "))
        said.append(f"{name[0].upper()}{name[1:]}: {len(pairs)} made; {_fate(pairs)}.")
    return said


def _fate(pairs: Sequence[tuple[Notification, Sequence[Attempt]]]) -> str:
    """Say when the first was made and delivered, and how many never were."""
    first, attempts = pairs[0]
    done = next((attempt for attempt in attempts if attempt.succeeded), None)
    made = f"the first at {clock_time(first.created_at)}, "
    if done is None:
        tries = f"{len(attempts)} attempt{'' if len(attempts) == 1 else 's'}"
        fate = f"{made}not delivered ({tries})"
    else:
        fate = f"{made}delivered {(done.at - first.created_at).total_seconds():.1f} s later"
    failed = sum(not any(attempt.succeeded for attempt in tries) for _sent, tries in pairs)
    return f"{fate}; {failed} of {len(pairs)} not delivered" if failed and len(pairs) > 1 else fate


def _acts(material: Material) -> list[str]:
    alert, said = material.alert, []
    if alert.acknowledged_at is not None:
        after = seconds((alert.acknowledged_at - alert.opened_at).total_seconds())
        said.append(f"Taken by an operator at {clock_time(alert.acknowledged_at)}, {after} after it opened.")
    else:
        said.append("Nobody has taken it by pressing the button.")
    if alert.resolved_at is not None and alert.resolve_reason is not None:
        after = seconds((alert.resolved_at - alert.opened_at).total_seconds())
        why = RESOLVED[alert.resolve_reason]
        said.append(f"Closed at {clock_time(alert.resolved_at)}, {after} after it opened: {why}.")
    else:
        said.append("It was not closed when this report was made.")
    others = Counter(
        str(entry.kind) for entry in material.entries if entry.event is None and entry.kind not in _NAMED
    )
    return said + [f"{kind.replace('_', ' ')}: {count}" for kind, count in sorted(others.items())]


_AWAITED = frozenset({EntryKind.ESCALATED, EntryKind.TASK_DONE, EntryKind.POLICE_ACKNOWLEDGED})
_NAMED = frozenset({EntryKind.ACKNOWLEDGED, EntryKind.RESOLVED}) | _AWAITED


def _awaited(material: Material) -> list[str]:
    """Return whether the police confirmed, which deadlines went by, and what became of the calls."""
    late = [entry for entry in material.entries if entry.kind == EntryKind.ESCALATED]
    missed = [
        f"{clock_time(entry.at)}  after {entry_words(entry.kind, entry.detail or {}, material.steps)}."
        for entry in late
    ]
    return [
        _police(material),
        *(missed or ["No deadline for an answer went by."]),
        *(f"{clock_time(task.created_at)}  {call_words(task)}." for task in material.tasks),
    ]


def _police(material: Material) -> str:
    opened_at = material.alert.opened_at
    for entry in material.entries:
        if entry.kind == EntryKind.POLICE_ACKNOWLEDGED:
            after = seconds((entry.at - opened_at).total_seconds())
            who = (entry.detail or {}).get("who", "unnamed")
            return f"The police confirmed at {clock_time(entry.at)}, {after} after it opened ({who})."
    if any(
        sent.alert_id is not None and sent.channel is Channel.POLICE_WEBHOOK
        for sent, _attempts in material.messages_out
    ):
        made = clock_time(material.made_at)
        return f"The police never confirmed that they have it, until this report was made at {made}."
    return "No message to the police belongs to this alert, and they confirmed nothing."


def _doubts(material: Material) -> list[str]:
    events = _events(material)
    count = Counter(doubt for _entry, event in events for doubt in event.get("doubts", ()))
    if not count:
        return ["The rules doubted none of the positions that the events rest on."]
    return [
        f"In {number} of {len(events)} events {words}."
        for (doubt, number) in sorted(count.items())
        for words in doubt_words([doubt])
    ]


def _recomputed(material: Material) -> list[str]:
    outcome = material.replay
    if "events" not in outcome:
        return [f"Not computed again. {outcome.get('error', '')}".strip()]
    count = Counter(one["verdict"] for one in outcome["events"])
    if outcome["is_identical"]:
        return [f"Identical: all {count['identical']} events follow from the stored messages and rules."]
    told = ", ".join(f"{number} {verdict}" for verdict, number in sorted(count.items()))
    return [f"NOT identical ({told}); replay.json says what differs."]


def _at(event: Mapping[str, Any]) -> str:
    return clock_time(msgspec.convert(event["occurred_at"], datetime))

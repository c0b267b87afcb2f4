"""What a protected person reads of an alert: words made from the alert, its log and its messages.

Whatever is not known is said to be unknown, and no sentence says that nothing can happen. Nothing of another
protected person of the same order is used: an event about her, and where she was, are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
from api.alerts.model.her_view import (
    COULD_BE_NEARER,
    OVER,
    UNITS,
    Band,
    HerItem,
    HerWords,
    Said,
    Step,
    Told,
    Trend,
)
from api.alerts.model.playbooks import Task, TaskKind, TaskOutcome
from api.alerts.model.policies import Decider, Reach
from api.alerts.rules.event_json import event_of
from api.alerts.rules.her_words import KINDS
from api.alerts.rules.joining import severity_of
from api.kernel.geo import distance_m

LATE_S = 120.0
"""What reaches her later than this after it happened is shown as LATE (field/monitoring.md 8b, kind 26)."""
STALE_S = 600.0
"""A position older than this, when the event was judged, tells no distance; proposal."""
TREND_M_S = 0.5
"""Below this the distance is not said to change: half a walker's speed, above GPS noise. Proposal."""
POLICE_ACK = "police_ack"
"""Outcome of the attempt that notes the police's own acknowledgement (`service.acks`)."""
_BANDS = ((500.0, Band.UNDER_500_M), (1000.0, Band.TO_1_KM), (2000.0, Band.TO_2_KM), (5000.0, Band.TO_5_KM))
_BETWEEN_THE_TWO = frozenset(
    {
        EventKind.PROXIMITY_BREACH,
        EventKind.PROXIMITY_WARNING,
        EventKind.PROXIMITY_LEFT,
        EventKind.CLOSING_FAST,
        EventKind.PROTECTED_APPROACHES,
    }
)
"""Of these `distance_m` is the distance between the two; of a zone it is that to the zone's edge."""
_GOING_AWAY = frozenset({EventKind.PROXIMITY_LEFT, EventKind.ZONE_LEFT})
_SECONDS = (1.0, 60.0, 3600.0, 86400.0)


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that is kept of one alert."""

    alert: Alert
    entries: Sequence[AlertEntry]
    messages: Sequence[tuple[Notification, Sequence[Attempt]]]
    tasks: Sequence[Task]
    reaches: Sequence[Reach]


@dataclass(frozen=True, slots=True)
class _Seen:
    """An event of the log and when it was judged."""

    at: datetime
    event: Event


def her_item(record: Record, person_id: UUID, words: HerWords, now: datetime) -> HerItem | None:
    """Return what she reads of an alert; None for what is not hers to read.

    Hers is what she was told of and what was kept back from her, by her choice or by default. What came
    late is hers once somebody of the control room has looked into it (kind 26: "only after review").
    """
    alert = record.alert
    reach = next((one for one in record.reaches if one.person_id == person_id), None)
    seen = [one for one in map(_seen, record.entries) if one and one.event.person_id in {None, person_id}]
    causes = [one for one in seen if one.event.kind.value in KINDS]
    if reach is None or not causes or not _is_hers(alert, reach):
        return None
    is_over = alert.state is AlertState.RESOLVED
    cause = min(causes, key=lambda one: severity_of(one.event))
    told, told_at = _told(record, reach, person_id, cause.at)
    picture = _picture(seen, person_id, is_alone=len(alert.person_ids) == 1)
    kind = cause.event.kind.value
    return HerItem(
        id=alert.id,
        what=words.what[kind],
        notes=(words.sentences[Said.TEST],) if alert.exercise else (),
        is_test=alert.exercise,
        happened_at=cause.event.occurred_at,
        told=words.told[told].format(who=reach.decided_by) if told is Told.BY_DEFAULT else words.told[told],
        told_at=told_at,
        late=_late(cause, told_at, words),
        distance=words.bands[picture.band],
        trend=words.trends[picture.trend],
        ages=_ages(picture, picture.at if is_over and picture.at else now, words),
        as_of=picture.at,
        doubts=tuple(words.doubts[doubt] for doubt in picture.doubts),
        advice=words.advice[OVER if is_over else words.advice_of[kind]],
        steps=tuple(_steps(record, words)),
        ended=_ended(alert, words),
    )


def _is_hers(alert: Alert, reach: Reach) -> bool:
    if alert.family is Family.LATE and alert.state is not AlertState.RESOLVED:
        return False
    return reach.is_told or reach.withheld_by is not None or alert.family is Family.LATE


def _seen(entry: AlertEntry) -> _Seen | None:
    return None if entry.event is None else _Seen(entry.at, event_of(entry.event))


def _told(record: Record, reach: Reach, person_id: UUID, since: datetime) -> tuple[Told, datetime | None]:
    """Return whether and when she was told of what happened, not of its end."""
    end = record.alert.resolved_at
    hers = [
        (message, tries)
        for message, tries in record.messages
        if message.person_id == person_id and (end is None or message.created_at < end)
    ]
    times = [
        (message.created_at < since, attempt.at)
        for message, tries in hers
        for attempt in tries
        if attempt.succeeded
    ]
    if times:
        return Told.TOLD, min(times)[1]
    if hers:
        return Told.TRIED, None
    by = {Decider.HER: Told.BY_HER, Decider.DEFAULT: Told.BY_DEFAULT, None: Told.NOT_MEANT}
    return by[reach.withheld_by], None


def _late(cause: _Seen, told_at: datetime | None, words: HerWords) -> str | None:
    happened_at = cause.event.occurred_at
    said, at = (Said.LATE_KNOWN, cause.at) if told_at is None else (Said.LATE_TOLD, told_at)
    late_s = (at - happened_at).total_seconds()
    return words.sentences[said].format(age=_age(late_s, words)) if late_s > LATE_S else None


@dataclass(frozen=True, slots=True)
class _Picture:
    """Where the two were to each other, at the last moment of which anything is known."""

    at: datetime | None
    his: Sighting | None
    hers: Sighting | None
    band: Band
    trend: Trend
    doubts: tuple[str, ...]


def _picture(seen: Sequence[_Seen], person_id: UUID, *, is_alone: bool) -> _Picture:
    """Return the newest picture; one that shows both of them comes before one that shows him alone.

    Whose place `protected` is, an event says by its person, or the alert by being about one person alone.
    """
    best: _Picture | None = None
    for one in reversed(seen):
        event = one.event
        hers = event.protected if is_alone or event.person_id == person_id else None
        tells = event.wearer is not None or hers is not None or event.kind is EventKind.PROXIMITY_RF
        if event.kind is EventKind.EXTERNAL_SIGHTING or not tells:
            continue
        made = _picture_of(one, hers)
        if made.band is not Band.UNKNOWN:
            return made
        best = best or made
    return best or _Picture(None, None, None, Band.UNKNOWN, Trend.UNKNOWN, ())


def _picture_of(seen: _Seen, hers: Sighting | None) -> _Picture:
    event, his = seen.event, seen.event.wearer
    band, doubts = Band.UNKNOWN, [doubt.value for doubt in event.doubts]
    for sighting in (his, hers):
        doubts += [doubt.value for doubt in sighting.doubts] if sighting else []
    if event.kind is EventKind.PROXIMITY_RF:
        band = Band.UNDER_500_M  # heard by radio, which reaches no further
    elif his is not None and hers is not None and max(_old_s(his, seen.at), _old_s(hers, seen.at)) <= STALE_S:
        apart_m = event.distance_m if event.kind in _BETWEEN_THE_TWO else None
        apart_m = distance_m(his.point, hers.point) if apart_m is None else apart_m
        band = _band(apart_m)
        if band is not _band(apart_m - (his.accuracy_m or 0.0) - (hers.accuracy_m or 0.0)):
            doubts.append(COULD_BE_NEARER)
    return _Picture(seen.at, his, hers, band, _trend(event), tuple(dict.fromkeys(doubts)))


def _band(apart_m: float) -> Band:
    return next((band for limit_m, band in _BANDS if apart_m < limit_m), Band.OVER_5_KM)


def _trend(event: Event) -> Trend:
    closing_m_s = event.closing_m_s
    if closing_m_s is not None and abs(closing_m_s) >= TREND_M_S:
        return Trend.NEARER if closing_m_s > 0.0 else Trend.AWAY
    return Trend.AWAY if event.kind in _GOING_AWAY else Trend.UNKNOWN


def _ages(picture: _Picture, at: datetime, words: HerWords) -> tuple[str, ...]:
    """Say how old both positions are at a moment: now, or for what is over when it was judged."""
    said = []
    for sighting, age, unknown in (
        (picture.his, Said.HIS_AGE, Said.HIS_UNKNOWN),
        (picture.hers, Said.HER_AGE, Said.HER_UNKNOWN),
    ):
        if sighting is None:
            said.append(words.sentences[unknown])
        else:
            said.append(words.sentences[age].format(age=_age(_old_s(sighting, at), words)))
    return tuple(said)


def _old_s(sighting: Sighting, at: datetime) -> float:
    return max(0.0, (at - sighting.fixed_at).total_seconds())


def _age(seconds: float, words: HerWords) -> str:
    """Return a duration in its largest whole unit, rounded down: `26 minutes`."""
    unit, size_s = next(
        (pair for pair in reversed(list(zip(UNITS, _SECONDS, strict=True))) if seconds >= pair[1]),
        (UNITS[0], 1.0),
    )
    count = int(seconds / size_s)
    return f"{count} {words.durations[unit][0 if count == 1 else 1]}"


def _steps(record: Record, words: HerWords) -> Iterable[Step]:
    """Yield who is on it: the control room first, then the police."""
    first = _first_at(record.entries)
    if EntryKind.ACKNOWLEDGED in first:
        yield Step(words.sentences[Said.TAKEN], first[EntryKind.ACKNOWLEDGED])
    elif record.alert.state is AlertState.OPEN:
        yield Step(words.sentences[Said.NOBODY], None)
    said, at = _police(record)
    yield Step(words.sentences[said], at)
    called = [
        task.done_at
        for task in record.tasks
        if task.kind is TaskKind.CALL_POLICE and task.outcome is TaskOutcome.REACHED and task.done_at
    ]
    if called:
        yield Step(words.sentences[Said.POLICE_CALLED], min(called))
    if confirmed := [at for outcome, at in _arrived(record) if outcome == POLICE_ACK]:
        yield Step(words.sentences[Said.POLICE_CONFIRMED], min(confirmed))


def _first_at(entries: Iterable[AlertEntry]) -> Mapping[EntryKind, datetime]:
    first: dict[EntryKind, datetime] = {}
    for entry in entries:
        first.setdefault(entry.kind, entry.at)
    return first


def _police(record: Record) -> tuple[Said, datetime | None]:
    if arrived := _arrived(record):
        return Said.POLICE_TOLD, min(at for _outcome, at in arrived)
    theirs = [message for message, _tries in record.messages if message.channel is Channel.POLICE_WEBHOOK]
    if any(message.state is NotificationState.PENDING for message in theirs):
        return Said.POLICE_TRYING, None
    return (Said.POLICE_NOT_REACHED if theirs else Said.POLICE_NOT_TOLD), None


def _arrived(record: Record) -> list[tuple[str, datetime]]:
    """Return what arrived at the police, and what they answered later, as outcome and time."""
    return [
        (attempt.outcome, attempt.at)
        for message, tries in record.messages
        if message.channel is Channel.POLICE_WEBHOOK
        for attempt in tries
        if attempt.succeeded
    ]


def _ended(alert: Alert, words: HerWords) -> Step | None:
    if alert.resolve_reason is None:
        return None
    return Step(words.reasons[alert.resolve_reason], alert.resolved_at)

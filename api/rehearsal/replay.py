"""`python -m api replay ALERT`: an alert judged again from what is stored, and held against what was told.

Played in the order in which it was judged: the register in its versions, every message with the moment of
its arrival and of its judging, the timers at the moments at which they told something, and what people did
with the alerts. What it proves and what it does not is in ops/docs/replay.md.
"""

import json
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import TextIO
from uuid import UUID

import msgspec
from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import RULE_VERSION, Alert, AlertEntry, AlertNotFound, AlertState, EntryKind
from api.geofence.model import Limits
from api.geofence.service import evidence, sightings
from api.geofence.service.evidence import UNREADABLE_ALARM, Judge, Judged, LimitsStep, ZoneStep
from api.geofence.service.health import WORKER
from api.geofence.service.judging import Received
from api.kernel import clock, heartbeats
from api.kernel.crypto import Undecipherable
from api.kernel.db import reading, transaction
from api.kernel.mqtt import topic_of
from api.orders import service as orders
from api.orders.model import Device
from api.orders.service import RegisterStep
from api.rehearsal.case import Case, NotReplayable, read_case
from api.rehearsal.comparing import Compared, Line, Verdict, compare
from api.rehearsal.stage import Stage

STAND_IN = b'{"_type":"status"}'
"""For a message whose text was too long to be kept: contact, as it was."""


class Outcome(msgspec.Struct, frozen=True):
    """What a replay found.

    Attributes:
        notes: What has to be known to read it: other rules, missing evidence.
    """

    alert: UUID
    is_identical: bool
    stored_rules: tuple[str, ...]
    computed_rules: str
    messages: int
    notes: tuple[str, ...]
    events: tuple[Compared, ...]


def replay(
    engine: Engine, house: Limits, alert_id: UUID, now: datetime, actor_id: UUID | None = None
) -> Outcome:
    """Judge an alert again by the limits of that time, the house's and the order's own.

    `house` are those of today; they stand in where those of then were not kept yet. `actor_id` None is the
    command line.

    Raises AlertNotFound, NotReplayable, or Undecipherable for a wrong server key.
    """
    with transaction(engine) as session:
        alerts.note_replayed(session, alert_id, actor_id, now)
    with reading(engine) as session:  # it may be long: nobody who writes waits for it
        case = read_case(session, alert_id)
    computed = _Play(case, house).run()
    stored = [_line(entry) for entry, alert in case.log if alert.id == case.alert.id and entry.event]
    compared = compare(stored, _counterpart(case.alert, stored, computed))
    rules = tuple(sorted({str(line.event.get("rule_version")) for line in stored}))
    notes = case.lacking
    if others := [name for name in rules if name != RULE_VERSION]:
        notes = (f"Judged by rules {', '.join(others)}, computed by {RULE_VERSION}.", *notes)
    return Outcome(
        alert=alert_id,
        is_identical=all(one.verdict is Verdict.IDENTICAL for one in compared),
        stored_rules=rules,
        computed_rules=RULE_VERSION,
        messages=sum(len(messages) for messages in case.messages.values()),
        notes=notes,
        events=tuple(compared),
    )


class _Play:
    """A case on a stage."""

    def __init__(self, case: Case, house: Limits) -> None:
        self._case = case
        steps: list[RegisterStep | ZoneStep | LimitsStep] = [*case.register.steps, *case.zones]
        begin = min([step.at for step in steps] + [batch.judged_at for batch in case.batches])
        self._stage = Stage(house, begin)
        self._limits = deque(case.house)
        # Stable: of one moment, what was entered into the register comes before its zones.
        self._steps: deque[RegisterStep | ZoneStep | LimitsStep] = deque(
            sorted(steps, key=lambda step: step.at)
        )
        self._outages = deque(case.outages)
        self._sightings = list(case.sightings)
        self._acts = deque(pair for pair in case.log if pair[0].kind is EntryKind.RESOLVED)
        self._devices: dict[UUID, Device] = {}
        self._restored_at: datetime | None = None
        self._told: list[tuple[AlertEntry, Alert]] = []
        with self._stage.change() as session:
            orders.enact_people(session, case.register.wearer_ids, case.register.person_ids, begin)

    def run(self) -> list[tuple[AlertEntry, Alert]]:
        """Play everything; returns the log that it makes."""
        stage = self._stage
        for batch in self._case.batches:
            self._use(batch.restored_at or batch.judged_at)
            self._enact(self._case.reached.get(batch.revision, batch.judged_at))
            self._resolve(batch.judged_at)
            if batch.judge is Judge.STAFF:
                self._see(batch.judged_at)
            elif batch.judge is Judge.WATCHDOG:
                self._note_outages(batch.judged_at)
                stage.sweep(batch.judged_at)
            else:
                if batch.restored_at is not None and batch.restored_at != self._restored_at:
                    self._restored_at = batch.restored_at
                    stage.restore(batch.restored_at)
                messages = self._received(self._case.messages[batch.number])
                if not stage.judge(messages, batch.judged_at):
                    continue  # nearly all: asking for news costs as much as judging
            self._told += stage.news()[0]
        stage.close()
        return [(entry, alert) for entry, alert in self._told if entry.event is not None]

    def _use(self, until: datetime) -> None:
        """Let the house have the limits that it had at that moment; a worker reads them when it starts."""
        while self._limits and self._limits[0][0] <= until:
            self._stage.use(self._limits.popleft()[1], until)

    def _enact(self, until: datetime) -> None:
        """Let the register become what it was at that moment."""
        if not self._steps or self._steps[0].at > until:
            return
        with self._stage.change() as session:
            while self._steps and self._steps[0].at <= until:
                step = self._steps.popleft()
                if isinstance(step, ZoneStep | LimitsStep):
                    evidence.enact(session, step)
                    continue
                orders.enact(session, step)
                if isinstance(step.subject, Device):
                    self._devices[step.subject.id] = step.subject
        self._stage.refresh()

    def _see(self, at: datetime) -> None:
        with self._stage.change() as session:
            for seen in [one for one in self._sightings if one.received_at == at]:
                self._sightings.remove(seen)  # two entered at one moment are two batches
                sightings.take_sighting(session, seen, self._stage.memory.limits)

    def _note_outages(self, until: datetime) -> None:
        with self._stage.change() as session:
            while self._outages and self._outages[0][1] <= until:
                heartbeats.add_outage(session, WORKER, *self._outages.popleft())

    def _resolve(self, until: datetime) -> None:
        """Close what people had closed by then: the next event of its kind opens another alert."""
        while self._acts and self._acts[0][0].at <= until:
            entry, stored = self._acts.popleft()
            ours = [alert for _entry, alert in self._told if _is_alike(alert, stored)]
            if not ours or entry.author_id is None or stored.resolve_reason is None:
                continue
            with self._stage.change() as session:
                latest = ours[-1].id
                detail = alerts.get_alert(session, latest, entry.author_id, entry.at)
                if detail.view.alert.state is not AlertState.RESOLVED:
                    alerts.resolve(session, latest, entry.author_id, stored.resolve_reason, "", entry.at)

    def _received(self, messages: Sequence[Judged]) -> list[Received]:
        return [
            Received(
                topic_of(
                    self._devices[message.device_id].shard,
                    message.device_id,
                    "alarm" if message.kind == UNREADABLE_ALARM else "",
                ),
                STAND_IN if message.payload is None else message.payload,
                message.received_at,
            )
            for message in messages
            if message.device_id in self._devices
        ]


def _is_alike(one: Alert, other: Alert) -> bool:
    return (one.family, one.order_id, one.device_id) == (other.family, other.order_id, other.device_id)


def _counterpart(
    stored: Alert, lines: Sequence[Line], computed: Sequence[tuple[AlertEntry, Alert]]
) -> list[Line]:
    """Return the computed log of what answers to the stored alert: of its kind, within its time."""
    until = lines[-1].at
    alike = [(entry, alert) for entry, alert in computed if _is_alike(alert, stored) and entry.at <= until]
    ours = {alert.id for entry, alert in alike if entry.at >= stored.opened_at}
    return [_line(entry) for entry, alert in alike if alert.id in ours]


def _line(entry: AlertEntry) -> Line:
    return Line(entry.at, entry.kind.value, entry.severity, entry.event or {})


def run(engine: Engine, house: Limits, alert: str, out: TextIO, *, as_json: bool) -> int:
    """Replay and print; returns 0 when everything is identical, 1 when not, 2 when nothing was compared."""
    try:
        outcome = replay(engine, house, UUID(alert), clock.now())
    except (AlertNotFound, ValueError):
        return _fail(out, f"There is no alert {alert}: nothing was compared.", as_json=as_json)
    except NotReplayable as error:
        return _fail(out, f"This alert cannot be judged again. {error}", as_json=as_json)
    except Undecipherable:
        return _fail(out, "The server key does not open this database's sealing keys.", as_json=as_json)
    if as_json:
        out.write(msgspec.json.format(msgspec.json.encode(outcome), indent=2).decode() + "\n")
    else:
        _print(outcome, out)
    return 0 if outcome.is_identical else 1


def _print(outcome: Outcome, out: TextIO) -> None:
    out.writelines(f"note: {note}\n" for note in outcome.notes)
    for one in outcome.events:
        out.write(f"{one.verdict.value:9} {one.at.isoformat()} {one.kind}\n")
        for difference in one.differences:
            stored, computed = json.dumps(difference.stored), json.dumps(difference.computed)
            out.write(f"          {difference.field}: stored {stored}, computed {computed}\n")
    out.write("identical\n" if outcome.is_identical else "NOT identical\n")


def _fail(out: TextIO, sentence: str, *, as_json: bool) -> int:
    out.write(json.dumps({"error": sentence}) + "\n" if as_json else sentence + "\n")
    return 2

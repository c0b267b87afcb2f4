"""The service's own judging in virtual time: the process, and one run of a story through it.

What both keep to is `ops/contracts/judge.md`; the process is started as a program, never imported.
"""

import base64
import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import IO, Any, Self

from simulator import verdicts
from simulator.exercise import BEFORE, OrderDraft, drafts_of
from simulator.plan import Plan
from simulator.schedule import Party, Sending
from simulator.stories import Exemption, Story
from simulator.verdicts import Evidence, Sighted
from simulator.wire import DeviceAccess, Encoder

COMMAND = (sys.executable, "-m", "api", "judge")
USUAL_BEGIN = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
"""A Wednesday morning, for stories that do not care."""
ANSWER_S = 300.0
"""No run of a story may take longer to judge than this; proposal, a day takes a few seconds."""
WEARER = "wearer"

Said = dict[str, Any]


class JudgeError(Exception):
    """The judging process cannot be used; the message says why."""


def lines_of(lines: Iterable[Said]) -> str:
    """Return lines as they go to the process."""
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


class Judge:
    """The process: takes lines, gives lines; one for many runs, each of which begins a new world."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        """Take the command; `with` starts and ends it."""
        self._command = tuple(command)
        self._heard: queue.SimpleQueue[Said | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        """Start the process; raises JudgeError when there is no such program."""
        self._errors: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                encoding="utf-8",
            )
        except OSError as error:
            self._errors.close()
            raise JudgeError(f"{self._command[0]} cannot be started: {error.strerror}") from error
        self._reader = threading.Thread(target=self._read, name="judge", daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it: it stops by itself at the end of its input."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it ended by itself, which `ask` has told
                self._process.stdin.close()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5.0)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def ask(self, lines: Iterable[Said], until: str) -> list[Said]:
        """Say the lines; return everything told up to the first answer of the kind `until`.

        Raises:
            JudgeError: It ended, refused a line, or took longer than `ANSWER_S`.
        """
        return self.ask_text(lines_of(lines), until)

    def ask_text(self, said: str, until: str) -> list[Said]:
        """Say lines that are written already; otherwise as `ask`."""
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(said)
                self._process.stdin.flush()
        except BrokenPipeError as error:
            raise JudgeError(self._last_words()) from error
        told: list[Said] = []
        while not told or told[-1]["told"] != until:
            try:
                heard = self._heard.get(timeout=ANSWER_S)
            except queue.Empty as error:
                raise JudgeError(f"the judge did not answer within {ANSWER_S:.0f} s") from error
            if heard is None:
                raise JudgeError(self._last_words())
            if heard["told"] == "error":
                raise JudgeError(f"the judge refused line {heard.get('line')}: {heard.get('reason')}")
            told.append(heard)
        return told

    def _read(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._heard.put(json.loads(line))
        self._heard.put(None)

    def _last_words(self) -> str:
        self._process.wait(10.0)
        self._errors.seek(0)
        words = self._errors.read().strip().splitlines() or ["it said nothing"]
        return f"{' '.join(self._command[1:])} ended with status {self._process.returncode}: {words[-1]}"


@dataclass(frozen=True, slots=True)
class Opened:
    """An alert as it was at the end of a run."""

    id: str
    order: str | None
    family: str
    kind: str
    severity: int


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a run through the judge left behind; `evidence` is in its virtual Unix seconds.

    Attributes:
        began: The events that somebody had to answer: each first one of an alert, and each that came after
            it had ended. Nobody closes alerts here; a control room would have, and been called again.
    """

    evidence: Evidence
    began: tuple[Sighted, ...]
    alerts: tuple[Opened, ...]
    rejected: Mapping[str, int]
    dropped: int


def rehearse(judge: Judge, story: Story, plan: Plan) -> Rehearsed:
    """Return what the service makes of a plan at speed 1.

    Args:
        judge: Started.
        story: Whose orders, devices and exemptions are provisioned.
        plan: Its messages, in the order of sending.
    """
    begin = story.start_at or USUAL_BEGIN
    begin_s = int(begin.timestamp())
    drafts = drafts_of(story)
    since_s = (begin - BEFORE).timestamp()
    judge_lines = [
        {"say": "begin", "at": begin_s - 1.0},
        *(_order_line(draft, since_s) for draft in drafts),
    ]
    devices: dict[str, DeviceAccess] = {}
    for actor in story.actors:
        line = {
            "say": "device",
            "device": actor.whose,
            "holder": actor.whose,
            "kind": actor.device.kind.value,
            "sealed": actor.device.sealed,
            "require_sealed": actor.device.sealed,
            "since": since_s,
        }
        devices[actor.whose] = _access(judge.ask([*judge_lines, line], "device")[-1])
        judge_lines = []
    lines = [_exemption_line(order.name, item, begin) for order in story.orders for item in order.exemptions]
    encoder = Encoder(begin_s)
    lines += [_message_line(sending, devices, encoder, begin_s) for sending in plan.sendings]
    lines += [{"say": "until", "at": begin_s + end_s(story, plan)}, {"say": "end"}]
    return read_told(judge.ask(lines, "end"), plan, begin_s)


def end_s(story: Story, plan: Plan) -> float:
    """Return until when, seconds after the beginning, something may still be told."""
    due_s = [must.by_s for must in story.expect.must if must.by_s is not None]
    return max(max(story.duration_s(), plan.real_s) + story.listen_s, *due_s, 0.0)


def _order_line(draft: OrderDraft, since_s: float) -> Said:
    return {
        "say": "order",
        "order": draft.name,
        "wearer": WEARER,
        "people": list(draft.people) or [Party.PROTECTED.value],  # an order protects somebody, always
        "alert_radius_m": draft.alert_radius_m,
        "warning_radius_m": draft.warning_radius_m,
        "valid_from": since_s,
        "zones": [zone.to_json() for zone in draft.zones],
    }


def _exemption_line(order: str, item: Exemption, begin: datetime) -> Said:
    body: Said = {
        "say": "exemption",
        "order": order,
        "kind": item.kind,
        "valid_from": (begin + timedelta(seconds=item.from_s)).isoformat(),
        "valid_until": (begin + timedelta(seconds=item.to_s)).isoformat(),
        "reason": "agreed for the exercise",
    }
    if item.place is not None:
        center = item.place.center
        body["place"] = {"lat": center.lat, "lon": center.lon, "radius_m": item.place.radius_m}
    return body


def _access(told: Said) -> DeviceAccess:
    key = told.get("sealing_key")
    return DeviceAccess(told["id"], told["topic"], "", "", bytes.fromhex(key) if key else None)


def _message_line(
    sending: Sending, devices: Mapping[str, DeviceAccess], encoder: Encoder, begin_s: int
) -> Said:
    payload = encoder.payload(sending, devices[sending.whose])
    line: Said = {
        "say": "message",
        "at": begin_s + sending.at_s,
        "device": sending.whose,
        "lane": sending.lane.value,
        "payload": base64.b64encode(payload).decode(),
    }
    return line if sending.by is sending.party else line | {"as": sending.by.value}


def read_told(told: Sequence[Said], plan: Plan, begin_s: int) -> Rehearsed:
    """Return the evidence in what the judge told, the `end` last."""
    end = told[-1]
    alerts = tuple(
        Opened(str(a["id"]), a.get("order"), a["family"], a["kind"], int(a["severity"]))
        for a in end["alerts"]
    )
    approach = [alert.order for alert in alerts if alert.family == "approach" and alert.order]
    commands = [line for line in told if line["told"] == "command" and line.get("device") == WEARER]
    evidence = Evidence(
        begin_s=float(begin_s),
        begin_tst=begin_s,
        published=tuple(begin_s + sending.at_s for sending in plan.sendings),
        events=tuple(_event(line) for line in told if line["told"] == "event"),
        messages=tuple(
            float(line["at"])
            for line in told
            if line["told"] == "notification" and line["channel"] == "person_stream"
        ),
        commands=len(commands),
        paged=sum(line["told"] == "notification" for line in told),
        approach_alerts={order: approach.count(order) for order in approach},
    )
    return Rehearsed(
        evidence,
        _beginnings(evidence.events),
        alerts,
        dict(end.get("rejected", {})),
        int(end.get("dropped", 0)),
    )


def _beginnings(events: Iterable[Sighted]) -> tuple[Sighted, ...]:
    began: list[Sighted] = []
    lasting: set[str] = set()
    for event in events:
        if event.kind in verdicts.ENDINGS:
            lasting.discard(event.alert_id)
        elif event.alert_id not in lasting:
            lasting.add(event.alert_id)
            began.append(event)
    return tuple(began)


def _event(line: Said) -> Sighted:
    device = line.get("device")
    party = None
    if device is not None:
        party = Party.WEARER if device == WEARER else Party.PROTECTED
    return verdicts.sighted(
        line["event"],
        at_s=float(line["at"]),
        party=party,
        zone=line.get("zone"),
        alert_id=str(line["alert"]),
        severity=int(line["severity"]),
        order=line.get("order") or "",
        whose=line.get("person"),
    )

"""Nouns of playbooks: who is told in which order by which channel, what answers, and what comes without."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from api.alerts.model import Channel
from api.kernel.errors import Conflict, Invalid, NotFound


class Target(StrEnum):
    """Whom a step tells. OPERATOR reads the log of the control room; nothing has to be sent."""

    PROTECTED_PERSON = "protected_person"
    WEARER = "wearer"
    POLICE = "police"
    OFFICER = "officer"
    STANDBY = "standby"
    OPERATOR = "operator"


class TaskKind(StrEnum):
    """What an operator does by telephone."""

    CALL_POLICE = "call_police"
    CALL_OFFICER = "call_officer"
    CALL_PROTECTED_PERSON = "call_protected_person"
    CALL_WEARER = "call_wearer"
    CALL_STANDBY = "call_standby"


class Answer(StrEnum):
    """What counts as an answer to a step.

    RECEIVED: the receiver's own receipt. POLICE_ACK: the police's signed acknowledgement. ACKNOWLEDGED:
    somebody of the control room took the alert. DONE: the operator reached whom the task names.
    """

    NONE = "none"
    RECEIVED = "received"
    POLICE_ACK = "police_ack"
    ACKNOWLEDGED = "acknowledged"
    DONE = "done"


class Side(StrEnum):
    """Whose place decides which police are told."""

    WEARER = "wearer"
    PROTECTED = "protected"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class PlaybookStep:
    """One step; it either tells somebody or gives the operator a task.

    Attributes:
        channels: By which ways out, all at the same time; empty for OPERATOR and for tasks.
        within_s: Without an answer after this, 1..MAX_WITHIN_S, the steps `otherwise` begin; None never.
        severities: The step is for alerts of these severities, 1 (the worst) .. 5.
    """

    name: str
    target: Target | None
    task: TaskKind | None
    channels: tuple[Channel, ...]
    side: Side
    answer: Answer
    within_s: float | None
    otherwise: tuple[str, ...]
    severities: frozenset[int]


@dataclass(frozen=True, slots=True)
class HerDefault:
    """What reaches a protected person who has decided nothing herself.

    Attributes:
        decided_by: The authority that answers for it, by name.
        kinds: `EventKind` values.
    """

    decided_by: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Playbook:
    """A house's answer to every kind of alert.

    Attributes:
        decided_by: Who answers for it.
        standby: Reference of the police station, or desk, whose officer on duty is STANDBY; None: nobody.
        drill_every_days: So long after the last test run of an order the next is due.
        kinds: Per `EventKind` value the steps that begin at once.
        digest: SHA-256 of the file's text: what a step that began is carried on by.
    """

    name: str
    version: str
    country: str
    decided_by: str
    standby: str | None
    drill_every_days: int
    steps: Mapping[str, PlaybookStep]
    kinds: Mapping[str, tuple[str, ...]]
    her: HerDefault
    digest: str


class RunState(StrEnum):
    """What became of a step: ENDED without either: its alert was resolved, or left for another house."""

    WAITING = "waiting"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step with a deadline that began for one alert.

    Attributes:
        playbook: Digest of the playbook that it belongs to.
        due_at: Without an answer until then the steps after it begin.
        ended_at: When it was answered, or was over otherwise; None while it waits, and of one that moved.
    """

    id: UUID
    alert_id: UUID
    playbook: str
    step: str
    answer: Answer
    state: RunState
    started_at: datetime
    due_at: datetime
    ended_at: datetime | None


class TaskOutcome(StrEnum):
    """What came of a call; only REACHED is an answer. CANCELLED: the alert was resolved before."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Task:
    """A call that an operator is to make.

    Attributes:
        run_id: The step's run, when it has a deadline.
        about: Station or officer to call, where known.
        note: Staff's words, at most MAX_TASK_NOTE characters; never leaves the control room.
    """

    id: UUID
    alert_id: UUID
    run_id: UUID | None
    kind: TaskKind
    about: UUID | None
    created_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    done_by: UUID | None
    outcome: TaskOutcome | None
    note: str


class BadPlaybook(Invalid):
    """The playbook cannot be used; `path` says where in it, for the line of the file."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        """Keep where the fault is and what it is."""
        super().__init__(reason)
        self.path = path


class TaskNotFound(NotFound):
    """There is no such task."""


class TaskDone(Conflict):
    """Somebody has noted an outcome of this task already; theirs stands."""

"""Nouns of test runs: a drill walks an order's whole chain and tells which link failed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.alerts.model import Sighting
from api.kernel.errors import Conflict, NotFound

DRILL_LASTS = timedelta(minutes=5)
"""What has not answered by then has failed: devices hear a command within one interval of 60 s, a room takes
an alert within 90 s. Proposal."""
HEARD_WITHIN = timedelta(minutes=11)
"""A device may be told to report every 10 minutes at the rarest (`rules/horizon.py` of the geofence)."""


class LinkName(StrEnum):
    """One link of an order's chain."""

    WEARER_DEVICE_HEARD = "wearer_device_heard"
    WEARER_DEVICE_REACHED = "wearer_device_reached"
    HER_DEVICE_HEARD = "her_device_heard"
    HER_DEVICE_REACHED = "her_device_reached"
    HER_APP = "her_app"
    HER_PUSH = "her_push"
    POLICE = "police"
    OFFICER = "officer"
    STANDBY = "standby"
    ROOM = "room"


class LinkState(StrEnum):
    """OK: proved. HANDED_OVER: taken by somebody who sends no receipt. WAITING: the time is not over yet."""

    OK = "ok"
    HANDED_OVER = "handed_over"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Link:
    """One link as a drill found it.

    Attributes:
        about: Person or device, where there are several of the kind.
        why: A code: the last attempt's outcome, `no_receipt`, `not_heard`, `nobody`, `not_taken` or
            `her_choice`; empty: OK.
        at: When it was proved, handed over, or last heard.
    """

    name: LinkName
    state: LinkState
    about: UUID | None = None
    why: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Drill:
    """A test run that somebody started; everything that it sends is marked as an exercise."""

    id: UUID
    order_id: UUID
    alert_id: UUID
    started_at: datetime
    started_by: UUID | None


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a drill found so far.

    Attributes:
        state: FAILED as soon as one link has failed, WAITING while one is waited for, else OK.
        links: In the order of the chain.
    """

    drill: Drill
    state: LinkState
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """When anything of a device last reached us, and its last position; None when it never had one."""

    at: datetime
    place: Sighting | None


@dataclass(frozen=True, slots=True)
class DueDrill:
    """An order whose chain is to be tested.

    Attributes:
        last_at: The start of the last test run; None while there was none.
        due_at: Since then, or from then on.
    """

    order_id: UUID
    last_at: datetime | None
    due_at: datetime


class DrillGoesOn(Conflict):
    """A test run of this order is not over: resolve its alert first."""


class NotDrillable(Conflict):
    """The order is not in force: nothing of its chain is alive."""


class DrillNotFound(NotFound):
    """There is no such test run."""

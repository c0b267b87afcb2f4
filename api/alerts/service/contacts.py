"""Which station an alert is for, which officer is on duty there, and what to do when nobody can be told."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.alerts.model import Alert, Channel, Event
from api.alerts.model.playbooks import Side, Target, Task, TaskKind
from api.alerts.rules.telling import Recipient
from api.alerts.store import runs
from api.kernel.geo import Point
from api.kernel.logs import Log
from api.policing import service as policing
from api.policing.model import Routing

TEXT_KEY = "alert_waits"
_log = Log("contacts")
_CALLS = {Target.OFFICER: TaskKind.CALL_OFFICER, Target.STANDBY: TaskKind.CALL_STANDBY}


@dataclass(frozen=True, slots=True)
class Wanted:
    """For which sides of an alert stations are asked.

    Attributes:
        event: Holds the positions of both sides, as far as they are known.
        standby: Reference of the desk that stands by.
    """

    alert_id: UUID
    event: Event | None
    sides: frozenset[Side]
    standby: str | None


@dataclass(frozen=True, slots=True)
class Routings:
    """What was found for one alert: per side, and for the desk that stands by."""

    by_side: Mapping[Side, Routing]
    standby: Routing | None

    def on(self, side: Side) -> list[tuple[Side, Routing]]:
        """Return the stations of a side, or of both; of a side without a position the other's."""
        wanted = (Side.WEARER, Side.PROTECTED) if side is Side.BOTH else (side,)
        found = [(one, self.by_side[one]) for one in wanted if one in self.by_side]
        return found or list(self.by_side.items())[:1]


def route_alerts(session: Session, wanted: Sequence[Wanted], now: datetime) -> dict[UUID, Routings]:
    """Return the stations of each alert; the stations are read once, and only when somebody asks.

    No fault of an area or a roster may cost an alert: then it goes out without stations, and an operator is
    asked to call the officer.
    """
    try:
        return _routed(session, wanted, now)
    except DBAPIError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        _log.error("routing failed", error=type(error).__name__, count=len(wanted))
        return {one.alert_id: Routings({}, None) for one in wanted}


def _routed(session: Session, wanted: Sequence[Wanted], now: datetime) -> dict[UUID, Routings]:
    asked = [(one.alert_id, side, _point(one.event, side)) for one in wanted if one.sides for side in _BOTH]
    found = policing.route_all(session, [point for _id, _side, point in asked], now) if asked else []
    by_side: dict[UUID, dict[Side, Routing]] = {one.alert_id: {} for one in wanted}
    for (alert_id, side, _found), routing in zip(asked, found, strict=True):
        if routing is not None:
            by_side[alert_id][side] = routing
    desks = {one.standby for one in wanted if one.standby and one.sides}
    standing = {desk: policing.route_to(session, desk, now) for desk in desks}
    return {
        one.alert_id: Routings(by_side[one.alert_id], standing.get(one.standby) if one.standby else None)
        for one in wanted
    }


_BOTH = (Side.WEARER, Side.PROTECTED)


def _point(event: Event | None, side: Side) -> Point | None:
    party = None if event is None else (event.wearer if side is Side.WEARER else event.protected)
    return None if party is None else party.point


def texts_of(
    alert: Alert, recipients: Mapping[Recipient, UUID | None], routings: Routings
) -> dict[Recipient, list[dict[str, Any]]]:
    """Return what to send to each officer or desk: nobody twice, ids only, never a number or a name."""
    told: set[UUID] = set()
    texts: dict[Recipient, list[dict[str, Any]]] = {}
    for recipient in recipients:
        if recipient.channel is not Channel.SMS:
            continue
        texts[recipient] = []
        for routing in _desks(recipient, routings):
            to = routing.officer_id or routing.station_id
            if to not in told:
                told.add(to)
                texts[recipient].append(_text(alert, recipient, to))
    return texts


def _text(alert: Alert, recipient: Recipient, to: UUID) -> dict[str, Any]:
    return {
        "recipient_id": str(to),
        "text_key": TEXT_KEY,
        "reference": alert.id.hex[:8],
        "severity": alert.severity,
        "exercise": alert.exercise,
        "target": recipient.target.value if recipient.target else "",
    }


def _desks(recipient: Recipient, routings: Routings) -> list[Routing]:
    if recipient.target is Target.STANDBY:
        return [] if routings.standby is None else [routings.standby]
    return [routing for _side, routing in routings.on(recipient.side or Side.WEARER)]


def call_instead(
    session: Session,
    told: Sequence[tuple[Alert, Mapping[Recipient, UUID | None], Routings]],
    now: datetime,
) -> None:
    """Ask the operator to call where no officer is on duty, or the place belongs to no station.

    A house without any station does not route at all: nobody could say whom to call.
    """
    if not any(recipient.target for _alert, recipients, _routings in told for recipient in recipients):
        return
    routes = policing.count_stations(session) > 0
    wanted: dict[tuple[UUID, TaskKind], UUID | None] = {}
    for alert, recipients, routings in told:
        for recipient in recipients:
            if recipient.target is None or (recipient.target is Target.OFFICER and not routes):
                continue
            desks = _desks(recipient, routings)
            if not desks or any(routing.officer_id is None for routing in desks):
                about = next((routing.station_id for routing in desks if routing.officer_id is None), None)
                wanted.setdefault((alert.id, _CALLS[recipient.target]), about)
    if not wanted:
        return
    ids = {alert_id for alert_id, _kind in wanted}
    asked = {(task.alert_id, task.kind) for task in runs.list_open_tasks(session, ids, len(ids) * 10)}
    tasks = [
        Task(uuid.uuid4(), alert_id, None, kind, about, now, None, None, None, None, "")
        for (alert_id, kind), about in wanted.items()
        if (alert_id, kind) not in asked
    ]
    runs.add_tasks(session, tasks)

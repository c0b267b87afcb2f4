"""Builds stations, officers and rosters, with harmless defaults."""

import uuid
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from api.kernel.db import reading
from api.kernel.geo import Point
from api.policing import service
from api.policing.model import (
    Absence,
    AbsenceKind,
    Area,
    Dated,
    Duty,
    DutyRole,
    Officer,
    OfficerDraft,
    SlotDraft,
    Station,
    StationDraft,
    Weekly,
)
from tests.factories import NOW, PLACE

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
ALWAYS = Weekly(EVERY_DAY, 0, 1440)
LONG_AGO = NOW - timedelta(days=4000)
ACTOR = uuid.UUID(int=9)
ANNA, BEA, CAS = (uuid.UUID(int=n) for n in (11, 12, 13))


def square(center: Point = PLACE, half_deg: float = 0.1) -> Area:
    """A closed ring of four corners round a place."""
    lat, lon = center
    corners = [
        Point(lat + half_deg * up, _turned(lon + half_deg * right))
        for up, right in ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
    ]
    return ((tuple(corners),),)


def _turned(lon: float) -> float:
    return (lon + 180.0) % 360.0 - 180.0


def make_draft(**more: Any) -> StationDraft:
    values: dict[str, Any] = {
        "reference": f"S-{uuid.uuid4().hex[:8]}",
        "name": "Made-up station",
        "area": square(),
        "seat": PLACE,
        "phone": "+441632960001",
        "desk_address": "politie.rotterdam-centrum",
        "time_zone": "Europe/Amsterdam",
    }
    return StationDraft(**(values | more))


def make_station(**more: Any) -> Station:
    draft = asdict(make_draft()) | {"area": square(), "seat": PLACE}
    del draft["phone"]
    values = draft | {"id": uuid.uuid4(), "version": 1, "phone_end": "01", "retired_at": None}
    return Station(**(values | more))


def make_duty(officer_id: UUID = ANNA, when: Weekly | Dated = ALWAYS, **more: Any) -> Duty:
    """The officer, always in force."""
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "station_id": uuid.UUID(int=1),
        "role": DutyRole.OFFICER,
        "order": 0,
        "position": 0,
        "valid_from": LONG_AGO,
        "valid_until": None,
    }
    return Duty(officer_id=officer_id, when=when, **(values | more))


def stand_in(officer_id: UUID, order: int = 1, **more: Any) -> Duty:
    return make_duty(officer_id, role=DutyRole.STAND_IN, order=order, **more)


def make_absence(officer_id: UUID, since: datetime, until: datetime, **more: Any) -> Absence:
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "kind": AbsenceKind.LEAVE,
        "created_at": LONG_AGO,
        "ended_at": None,
    }
    return Absence(officer_id=officer_id, since=since, until=until, **(values | more))


def make_officer_draft(station_id: UUID, **more: Any) -> OfficerDraft:
    values: dict[str, Any] = {
        "reference": f"O-{uuid.uuid4().hex[:8]}",
        "name": "Noor Visser",
        "phone": "+447700900077",
        "account_id": None,
    }
    return OfficerDraft(station_id=station_id, **(values | more))


def add_station(session: Session, now: datetime = NOW, **more: Any) -> Station:
    return service.add_station(session, make_draft(**more), None, now)


def add_officer(session: Session, station_id: UUID, now: datetime = NOW, **more: Any) -> Officer:
    return service.add_officer(session, make_officer_draft(station_id, **more), None, now)


def make_slot(officer_id: UUID, when: Weekly | Dated = ALWAYS, order: int = 0) -> SlotDraft:
    """A slot of the officer or, with an order, of a stand-in."""
    return SlotDraft(officer_id, DutyRole.STAND_IN if order else DutyRole.OFFICER, order, when)


def put_roster(session: Session, station_id: UUID, slots: list[SlotDraft], now: datetime = NOW) -> None:
    service.replace_roster(session, service.get_roster(session, station_id), slots, None, now)


def draft_of(station: Station, **more: Any) -> StationDraft:
    names = ("reference", "name", "area", "seat", "desk_address", "time_zone")
    values = {name: getattr(station, name) for name in names} | {"phone": None}
    return StationDraft(**(values | more))


def hours(days: tuple[int, ...], since: str, until: str) -> Weekly:
    """Weekly hours from clock texts, `22:00` to `06:00`."""
    return Weekly(days, *(int(clock[:2]) * 60 + int(clock[3:]) for clock in (since, until)))


def in_force(duty: Duty, since: datetime, until: datetime | None) -> Duty:
    return replace(duty, valid_from=since, valid_until=until)


def audited(engine: Engine, act: str) -> list[UUID]:
    query = text("SELECT object_id FROM audit WHERE act = :act AND actor_id = :actor")
    with reading(engine) as session:
        actor: object = ACTOR.hex if engine.dialect.name == "sqlite" else ACTOR
        return [UUID(str(value)) for value in session.scalars(query, {"act": act, "actor": actor})]

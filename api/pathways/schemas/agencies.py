"""JSON of agencies, their people and duty times."""

from typing import Any

import marshmallow as ma

from api.kernel.fields import Moment, line_of_text
from api.kernel.http import Schema
from api.pathways.model.agencies import (
    DAYS_A_WEEK,
    MAX_DUTIES,
    MAX_STAND_IN_ORDER,
    AgencyDraft,
    AgencyKind,
    DutySlot,
    MemberDraft,
    MemberRole,
)
from api.pathways.model.contacts import Hours

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOUR_MINUTES = 60
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"


class AgencySchema(Schema):
    """An agency."""

    id = ma.fields.UUID(dump_only=True)
    name = line_of_text(200)
    kind = ma.fields.Enum(AgencyKind, by_value=True, required=True)
    region = line_of_text(100)
    time_zone = line_of_text(100)
    retired_at = Moment(dump_only=True, allow_none=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> AgencyDraft:
        return AgencyDraft(**data)


class AgencyMemberSchema(Schema):
    """Somebody who works at an agency."""

    id = ma.fields.UUID(dump_only=True)
    agency_id = ma.fields.UUID(dump_only=True)
    account_id = ma.fields.UUID(required=True)
    role = ma.fields.Enum(MemberRole, by_value=True, required=True)
    name = line_of_text(200)
    away_until = Moment(load_default=None, allow_none=True)
    left_at = Moment(dump_only=True, allow_none=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> MemberDraft:
        return MemberDraft(**data)


def _clock(pattern: str, error: str) -> ma.validate.And:
    # By itself the pattern lets a line break at the end pass.
    return ma.validate.And(ma.validate.Length(equal=5, error=error), ma.validate.Regexp(pattern, error=error))


class AgencyWeekSchema(Schema):
    """The same hours on some days of every week; to 24:00, or to the next day."""

    days = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(DAYS)),
        required=True,
        validate=ma.validate.Length(1, DAYS_A_WEEK),
        metadata={"description": "On which it begins."},
    )
    begin = ma.fields.String(
        required=True, data_key="from", validate=_clock(f"^{_CLOCK}$", "Must be HH:MM, 00:00 to 23:59.")
    )
    until = ma.fields.String(
        required=True,
        validate=_clock(f"^({_CLOCK}|24:00)$", "Must be HH:MM, 00:00 to 24:00."),
        metadata={"description": "No more part of it; not later than `from`: on the next day."},
    )


def hours_of(data: dict[str, Any]) -> Hours:
    """Return the stretch of the week that JSON says."""
    days = tuple(sorted(DAYS.index(day) for day in data["days"]))
    return Hours(days, _minutes(data["begin"]), _minutes(data["until"]))


def week_json(hours: Hours | DutySlot) -> dict[str, Any]:
    """Return a stretch of the week as JSON says it."""
    return {
        "days": [DAYS[day] for day in hours.days],
        "begin": _hour(hours.from_minute),
        "until": _hour(hours.until_minute),
    }


def _minutes(clock: str) -> int:
    return int(clock[:2]) * HOUR_MINUTES + int(clock[3:])


def _hour(minute: int) -> str:
    return f"{minute // HOUR_MINUTES:02d}:{minute % HOUR_MINUTES:02d}"


class AgencyDutySchema(AgencyWeekSchema):
    """When somebody is there every week."""

    member_id = ma.fields.UUID(required=True)
    order = ma.fields.Integer(
        strict=True,
        load_default=0,
        validate=ma.validate.Range(0, MAX_STAND_IN_ORDER),
        metadata={"description": "0: regularly; from 1: a stand-in, the lowest asked first."},
    )

    @ma.post_load
    def _slot(self, data: dict[str, Any], **_more: object) -> DutySlot:
        hours = hours_of(data)
        return DutySlot(data["member_id"], hours.days, hours.from_minute, hours.until_minute, data["order"])

    @ma.pre_dump
    def _shown(self, slot: DutySlot, **_more: object) -> dict[str, Any]:
        return {"member_id": slot.member_id, "order": slot.order, **week_json(slot)}


class AgencyDutiesSchema(Schema):
    """All duty times of an agency."""

    slots = ma.fields.List(
        ma.fields.Nested(AgencyDutySchema), required=True, validate=ma.validate.Length(0, MAX_DUTIES)
    )


class AtQuerySchema(Schema):
    """At which moment; without it now."""

    at = Moment(load_default=None)

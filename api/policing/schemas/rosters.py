"""JSON of rosters, their holes and absences."""

from typing import Any

import marshmallow as ma

from api.kernel.fields import Moment
from api.kernel.http import Schema
from api.policing.model import (
    DAYS_A_WEEK,
    MAX_SLOTS,
    MAX_STAND_IN_ORDER,
    AbsenceDraft,
    AbsenceKind,
    Dated,
    Duty,
    DutyRole,
    SlotDraft,
    Weekly,
)

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOUR_MINUTES = 60
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"


class AbsenceSchema(Schema):
    """When an officer is away."""

    id = ma.fields.UUID(dump_only=True)
    officer_id = ma.fields.UUID(dump_only=True)
    kind = ma.fields.Enum(AbsenceKind, by_value=True, required=True)
    since = Moment(required=True, data_key="from")
    until = Moment(required=True, metadata={"description": "The first moment back."})
    created_at = Moment(dump_only=True)
    ended_at = Moment(dump_only=True, allow_none=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> AbsenceDraft:
        return AbsenceDraft(**data)


def _clock(pattern: str, error: str) -> ma.validate.And:
    # By itself the pattern lets a line break at the end pass.
    return ma.validate.And(ma.validate.Length(equal=5, error=error), ma.validate.Regexp(pattern, error=error))


class WeeklySchema(Schema):
    """The same hours on some days of every week, by the station's clocks; to 24:00, or to the next day."""

    days = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(DAYS)),
        required=True,
        validate=ma.validate.Length(1, DAYS_A_WEEK),
        metadata={"description": "On which it begins."},
    )
    begin = ma.fields.String(
        required=True,
        data_key="from",
        validate=_clock(f"^{_CLOCK}$", "Must be HH:MM, 00:00 to 23:59."),
    )
    until = ma.fields.String(
        required=True,
        validate=_clock(f"^({_CLOCK}|24:00)$", "Must be HH:MM, 00:00 to 24:00."),
        metadata={"description": "No more part of it; not later than `from`: on the next day."},
    )

    @ma.post_load
    def _weekly(self, data: dict[str, Any], **_more: object) -> Weekly:
        days = tuple(sorted(DAYS.index(day) for day in data["days"]))
        return Weekly(days, _minutes(data["begin"]), _minutes(data["until"]))

    @ma.pre_dump
    def _named(self, weekly: Weekly, **_more: object) -> dict[str, Any]:
        return {
            "days": [DAYS[day] for day in weekly.days],
            "begin": _hour(weekly.from_minute),
            "until": _hour(weekly.until_minute),
        }


def _minutes(clock: str) -> int:
    return int(clock[:2]) * HOUR_MINUTES + int(clock[3:])


def _hour(minute: int) -> str:
    return f"{minute // HOUR_MINUTES:02d}:{minute % HOUR_MINUTES:02d}"


class DatedSchema(Schema):
    """One stretch of time, once."""

    since = Moment(required=True, data_key="from")
    until = Moment(required=True)

    @ma.post_load
    def _dated(self, data: dict[str, Any], **_more: object) -> Dated:
        return Dated(**data)


class SlotSchema(Schema):
    """One line of a roster: `weekly` or `dated`."""

    officer_id = ma.fields.UUID(required=True)
    role = ma.fields.Enum(DutyRole, by_value=True, required=True)
    order = ma.fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=ma.validate.Range(1, MAX_STAND_IN_ORDER),
        metadata={"description": "Of a stand-in: who is asked first. Null for an officer."},
    )
    weekly = ma.fields.Nested(WeeklySchema, load_default=None, allow_none=True)
    dated = ma.fields.Nested(DatedSchema, load_default=None, allow_none=True)

    @ma.validates_schema
    def _is_one(self, data: dict[str, Any], **_more: object) -> None:
        if (data["weekly"] is None) == (data["dated"] is None):
            raise ma.ValidationError("Give either weekly or dated.", "weekly")

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> SlotDraft:
        when = data["weekly"] or data["dated"]
        return SlotDraft(data["officer_id"], data["role"], data["order"] or 0, when)

    @ma.pre_dump
    def _shown(self, duty: Duty, **_more: object) -> dict[str, Any]:
        return {
            "officer_id": duty.officer_id,
            "role": duty.role,
            "order": duty.order or None,
            "weekly": duty.when if isinstance(duty.when, Weekly) else None,
            "dated": duty.when if isinstance(duty.when, Dated) else None,
        }


class HoleSchema(Schema):
    """A time at which nobody is on duty."""

    since = Moment(data_key="from")
    until = Moment()


class RosterSchema(Schema):
    """A station's whole roster."""

    station_id = ma.fields.UUID(dump_only=True)
    slots = ma.fields.List(
        ma.fields.Nested(SlotSchema),
        required=True,
        attribute="duties",
        validate=ma.validate.Length(0, MAX_SLOTS),
    )


class ReplacedRosterSchema(Schema):
    """A roster as it was put in place, and when it leaves nobody on duty within the next 14 days."""

    station_id = ma.fields.UUID()
    slots = ma.fields.List(ma.fields.Nested(SlotSchema))
    holes = ma.fields.List(ma.fields.Nested(HoleSchema))


class HolesQuerySchema(Schema):
    """From when until when; without them the next 14 days."""

    since = Moment(load_default=None, data_key="from")
    until = Moment(load_default=None)


class HolesSchema(Schema):
    """When nobody is on duty."""

    holes = ma.fields.List(ma.fields.Nested(HoleSchema))


class RosterGapSchema(Schema):
    """A station at which nobody will be on duty for a while within the next 24 hours."""

    station_id = ma.fields.UUID()
    station_reference = ma.fields.String()
    holes = ma.fields.List(ma.fields.Nested(HoleSchema))

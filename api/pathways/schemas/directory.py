"""JSON of the directory of help, in one language and at one moment."""

from datetime import datetime
from typing import Any

from marshmallow import fields

from api.kernel.content import Language
from api.kernel.http import Schema
from api.pathways.model.directory import (
    Channel,
    ChannelKind,
    Directory,
    Entry,
    Hours,
    HoursKind,
    Known,
    OnHoliday,
    OpenState,
    Serves,
    Span,
)
from api.pathways.rules.directory import before_call, is_expired, is_open

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class LanguageSchema(Schema):
    """In which language."""

    language = fields.Enum(Language, by_value=True, load_default=Language.NL)


class OpenHoursSchema(Schema):
    """When somebody answers, by local time; `holidays` has `usual`, `closed`, `unknown` or hours."""

    kind = fields.Enum(HoursKind, by_value=True)
    days = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    holidays = fields.Dict(keys=fields.String(), values=fields.String())


class ChannelSchema(Schema):
    """One way to reach somebody; `before` is to be read before `address` is used."""

    before = fields.List(fields.String())
    kind = fields.Enum(ChannelKind, by_value=True)
    address = fields.String()
    state = fields.Enum(OpenState, by_value=True)
    until = fields.AwareDateTime(allow_none=True)
    opens_at = fields.AwareDateTime(allow_none=True)
    hours = fields.Nested(OpenHoursSchema)
    verified = fields.Boolean()
    shows_on_bill = fields.Enum(Known, by_value=True)
    notes = fields.List(fields.String())


class HelpSchema(Schema):
    """Somebody who helps; `out_of_date` is a sentence when nothing here may be relied upon any more."""

    id = fields.String()
    name = fields.String()
    purpose = fields.String()
    serves = fields.List(fields.Enum(Serves, by_value=True), data_key="for")
    cost = fields.String()
    anonymous = fields.Enum(Known, by_value=True)
    out_of_date = fields.String(allow_none=True)
    channels = fields.List(fields.Nested(ChannelSchema))
    checked_on = fields.Date()
    expires_on = fields.Date()
    owner = fields.String()
    source = fields.String()


class DirectorySchema(Schema):
    """Everybody who helps."""

    version = fields.String()
    author = fields.String()
    time_zone = fields.String()
    notice = fields.String()
    as_of = fields.AwareDateTime()
    entries = fields.List(fields.Nested(HelpSchema))


def directory_json(directory: Directory, language: Language, now: datetime) -> dict[str, Any]:
    """Return what `DirectorySchema` writes at a moment."""
    return {
        "version": directory.version,
        "author": directory.author,
        "time_zone": directory.time_zone,
        "notice": directory.notice[language],
        "as_of": now,
        "entries": [_entry_json(directory, entry, language, now) for entry in directory.entries],
    }


def _entry_json(directory: Directory, entry: Entry, language: Language, now: datetime) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "purpose": entry.purpose[language],
        "serves": entry.serves,
        "cost": entry.cost[language],
        "anonymous": entry.anonymous,
        "out_of_date": directory.out_of_date[language] if is_expired(entry, now) else None,
        "channels": [_channel_json(directory, entry, one, language, now) for one in entry.channels],
        "checked_on": entry.checked_on,
        "expires_on": entry.expires_on,
        "owner": entry.owner,
        "source": entry.source,
    }


def _channel_json(
    directory: Directory, entry: Entry, channel: Channel, language: Language, now: datetime
) -> dict[str, Any]:
    opening = is_open(entry, channel, now)
    notes = [] if channel.is_verified else [directory.not_verified[language]]
    return {
        "before": [directory.before_call[one][language] for one in before_call(channel)],
        "kind": channel.kind,
        "address": channel.address,
        "state": opening.state,
        "until": opening.until,
        "opens_at": opening.opens_at,
        "hours": _hours_json(channel.hours),
        "verified": channel.is_verified,
        "shows_on_bill": channel.shows_on_bill,
        "notes": [*notes, *([channel.note[language]] if channel.note else [])],
    }


def _hours_json(hours: Hours) -> dict[str, Any]:
    return {
        "kind": hours.kind,
        "days": {
            name: [_span_text(span) for span in spans]
            for name, spans in zip(_WEEK, hours.weekly, strict=True)
            if spans
        },
        "holidays": {
            holiday.value: rule.value if isinstance(rule, OnHoliday) else ", ".join(map(_span_text, rule))
            for holiday, rule in hours.holidays.items()
        },
    }


def _span_text(span: Span) -> str:
    begin, end = span.begin_min, span.end_min
    past = end if end <= 24 * 60 else end - 24 * 60
    return f"{begin // 60:02}:{begin % 60:02}-{past // 60:02}:{past % 60:02}"

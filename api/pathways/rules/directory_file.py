"""Reads the directory of help out of plain data and refuses one that could send somebody to a closed door."""

import re
from collections.abc import Mapping
from typing import Any

from api.kernel.content import BadContent, Where, day, flag, items, mapping, sentence, words
from api.pathways.model.directory import (
    DAY_MIN,
    Before,
    Channel,
    ChannelKind,
    Directory,
    Entry,
    Holiday,
    Hours,
    HoursKind,
    Known,
    OnHoliday,
    Serves,
    Span,
)
from api.pathways.rules.directory import ZONE

_TOP = (
    *("version", "author", "time_zone", "notice", "out_of_date", "not_verified"),
    *("before_call", "entries"),
)
_ENTRY = (
    *("name", "purpose", "for", "channels", "cost", "anonymous"),
    *("checked_on", "expires_on", "owner", "source"),
)
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)")
_NUMBER = re.compile(r"[0-9]{2,4}(-[0-9]{4,7})?|[0-9]{6}")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def parse_directory(data: Any) -> Directory:  # noqa: ANN401 - whatever a file holds
    """Return the directory that plain data describes.

    Raises:
        BadContent: With the path to what is wrong and what to do about it.
    """
    top = mapping(data, (), _TOP)
    if top["time_zone"] != ZONE.key:
        raise BadContent(("time_zone",), f"hours and holidays are known for {ZONE.key} only")
    before = mapping(top["before_call"], ("before_call",), Before)
    return Directory(
        version=sentence(top["version"], ("version",)),
        author=sentence(top["author"], ("author",)),
        time_zone=ZONE.key,
        notice=words(top["notice"], ("notice",)),
        out_of_date=words(top["out_of_date"], ("out_of_date",)),
        not_verified=words(top["not_verified"], ("not_verified",)),
        before_call={one: words(before[one], ("before_call", one)) for one in Before},
        entries=tuple(_entry(name, said) for name, said in mapping(top["entries"], ("entries",)).items()),
    )


def _entry(name: str, said: Any) -> Entry:  # noqa: ANN401 - as above
    at: Where = ("entries", name)
    given = mapping(said, at, _ENTRY)
    channels = tuple(
        _channel(one, (*at, "channels", place))
        for place, one in enumerate(items(given["channels"], (*at, "channels")))
    )
    is_phone = [channel.kind is ChannelKind.PHONE for channel in channels]
    if is_phone != sorted(is_phone):
        raise BadContent((*at, "channels"), "name telephones last: they leave the most traces")
    checked_on, expires_on = (
        day(given["checked_on"], (*at, "checked_on")),
        day(given["expires_on"], (*at, "expires_on")),
    )
    if expires_on <= checked_on:
        raise BadContent((*at, "expires_on"), "give a day after checked_on")
    return Entry(
        id=name,
        name=sentence(given["name"], (*at, "name")),
        purpose=words(given["purpose"], (*at, "purpose")),
        serves=tuple(Serves(_one_of(Serves, one, (*at, "for"))) for one in items(given["for"], (*at, "for"))),
        channels=channels,
        cost=words(given["cost"], (*at, "cost")),
        anonymous=Known(_one_of(Known, given["anonymous"], (*at, "anonymous"))),
        checked_on=checked_on,
        expires_on=expires_on,
        owner=sentence(given["owner"], (*at, "owner")),
        source=sentence(given["source"], (*at, "source")),
    )


def _channel(said: Any, at: Where) -> Channel:  # noqa: ANN401 - as above
    given = mapping(said, at, ("kind", "address", "hours", "verified"), ("shows_on_bill", "note"))
    kind = ChannelKind(_one_of(ChannelKind, given["kind"], (*at, "kind")))
    if (kind is ChannelKind.PHONE) != ("shows_on_bill" in given):
        raise BadContent((*at, "shows_on_bill"), "say it of telephones, and of nothing else")
    return Channel(
        kind=kind,
        address=_address(kind, given["address"], (*at, "address")),
        hours=_hours(given["hours"], (*at, "hours")),
        is_verified=flag(given["verified"], (*at, "verified")),
        shows_on_bill=Known(
            _one_of(Known, given.get("shows_on_bill", Known.UNKNOWN), (*at, "shows_on_bill"))
        ),
        note=words(given["note"], (*at, "note")) if "note" in given else None,
    )


def _address(kind: ChannelKind, said: Any, at: Where) -> str:  # noqa: ANN401 - as above
    text = sentence(said, at)
    form = {ChannelKind.PHONE: _NUMBER, ChannelKind.CHAT: _HOST, ChannelKind.WEB: _HOST}.get(kind)
    if form and not form.fullmatch(text):
        raise BadContent(at, "give a number such as 0800-2000, a host name, or the place of a walk-in")
    return text


def _one_of(kind: type[Known | Serves | ChannelKind | OnHoliday], said: Any, at: Where) -> str:  # noqa: ANN401 - as above
    if said not in list(kind):
        raise BadContent(at, f"give one of {', '.join(kind)}, in quotes")
    return str(said)


def _hours(said: Any, at: Where) -> Hours:  # noqa: ANN401 - as above
    if said in (HoursKind.ALWAYS, HoursKind.UNKNOWN):
        return Hours(HoursKind(said), ((),) * 7, {})
    given = mapping(said, at, ("days", "holidays"))
    weekly: list[tuple[Span, ...]] = [()] * 7
    for name, spans in mapping(given["days"], (*at, "days")).items():
        for weekday in _days(name, (*at, "days", name)):
            if weekly[weekday]:
                raise BadContent((*at, "days", name), f"{_WEEK[weekday]} has hours already")
            weekly[weekday] = _spans(spans, (*at, "days", name))
    return Hours(HoursKind.WEEKLY, tuple(weekly), _holidays(given["holidays"], (*at, "holidays")))


def _days(name: str, at: Where) -> range:
    begin, dash, end = name.partition("-")
    end = end if dash else begin
    if begin not in _WEEK or end not in _WEEK or _WEEK.index(begin) > _WEEK.index(end):
        raise BadContent(at, "give a day or days in a row, for example mon or mon-fri")
    return range(_WEEK.index(begin), _WEEK.index(end) + 1)


def _spans(said: Any, at: Where) -> tuple[Span, ...]:  # noqa: ANN401 - as above
    return tuple(_span(one, at) for one in items(said, at))


def _span(said: Any, at: Where) -> Span:  # noqa: ANN401 - as above
    match = _SPAN.fullmatch(said) if isinstance(said, str) else None
    if match is not None:
        hour, minute, end_hour, end_minute = map(int, match.groups())
        begin, end = hour * 60 + minute, end_hour * 60 + end_minute
        if max(minute, end_minute) < 60 and begin < DAY_MIN and end <= DAY_MIN and begin != end:
            return Span(begin, end if begin < end else end + DAY_MIN)
    raise BadContent(at, 'give hours such as "9:00-12:30"; an end before the beginning is on the next day')


def _holidays(said: Any, at: Where) -> Mapping[Holiday, OnHoliday | tuple[Span, ...]]:  # noqa: ANN401 - as above
    given = mapping(said, at, ("default",), Holiday)
    default = given.pop("default")
    return {one: _on_holiday(given.get(one, default), (*at, one)) for one in Holiday}


def _on_holiday(said: Any, at: Where) -> OnHoliday | tuple[Span, ...]:  # noqa: ANN401 - as above
    return _spans(said, at) if isinstance(said, list) else OnHoliday(_one_of(OnHoliday, said, at))

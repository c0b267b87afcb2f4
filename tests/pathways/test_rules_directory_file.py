"""The shipped directory is whole and honest, and one that could mislead is refused with the place."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.kernel.config import CONTENT, SettingError
from api.kernel.content import Language
from api.pathways.model.directory import (
    ChannelKind,
    Holiday,
    HoursKind,
    Known,
    OnHoliday,
    Serves,
    Span,
)
from api.pathways.rules.directory_file import parse_directory
from api.pathways.service.directory import FILE, read_directory

DIRECTORY = read_directory(CONTENT)
PLAIN: dict[str, Any] = yaml.safe_load((CONTENT / FILE).read_text(encoding="utf-8"))
CHAT: dict[str, Any] = PLAIN["entries"]["veilig_thuis"]["channels"][0]
VERDICT = re.compile(
    r"\b(safe|undetectable|onvindbaar)\b|\bveilig\b(?! Thuis)|(?<!Veilig )\bThuis veilig", re.IGNORECASE
)


def test_the_shipped_directory_leads_from_112_to_those_who_are_left_behind() -> None:
    ids = [entry.id for entry in DIRECTORY.entries]
    assert ids[:2] == ["emergency", "veilig_thuis"]
    bereaved = [entry.id for entry in DIRECTORY.entries if Serves.BEREAVED in entry.serves]
    assert bereaved == ["victim_support", "trauma_treatment", "bereaved"]
    for wanted in (
        "csg",
        "suicide_prevention",
        "children",
        "legal_help",
        "mental_health",
        "fier",
        "stop_it_now",
    ):
        assert wanted in ids


def test_no_text_is_a_verdict_about_her() -> None:
    texts = [
        words[one] for entry in DIRECTORY.entries for words in (entry.purpose, entry.cost) for one in Language
    ]
    texts += [DIRECTORY.notice[one] for one in Language]
    texts += [words[one] for words in DIRECTORY.before_call.values() for one in Language]
    assert [text for text in texts if VERDICT.search(text)] == []


def test_what_is_from_memory_or_old_is_not_called_verified() -> None:
    for entry in DIRECTORY.entries:
        from_memory = "memory" in entry.source or "hours not found" in entry.source
        reached = [channel for channel in entry.channels if channel.kind is not ChannelKind.WEB]
        if from_memory:
            assert not any(channel.is_verified for channel in reached), entry.id


def test_no_charge_free_number_is_said_to_stay_off_the_bill() -> None:
    phones = [one for entry in DIRECTORY.entries for one in entry.channels if one.kind is ChannelKind.PHONE]
    assert phones
    for phone in phones:
        assert phone.shows_on_bill is (Known.YES if phone.address.startswith("0900") else Known.UNKNOWN)


def test_hours_are_read_as_written() -> None:
    plain = copy.deepcopy(PLAIN)
    plain["entries"]["veilig_thuis"]["channels"][0]["hours"] = {
        "days": {"mon-wed": ["9:00-12:30", "13:00-24:00"], "sun": ["22:00-2:00", "0:00-0:30"]},
        "holidays": {"default": "closed", "kings_day": ["10:00-11:00"], "easter_monday": "usual"},
    }
    hours = parse_directory(plain).entries[1].channels[0].hours
    assert hours.kind is HoursKind.WEEKLY
    assert hours.weekly[0] == hours.weekly[2] == (Span(540, 750), Span(780, 1440))
    assert hours.weekly[3] == ()
    assert hours.weekly[6] == (Span(1320, 1560), Span(0, 30))
    assert hours.holidays[Holiday.KINGS_DAY] == (Span(600, 660),)
    assert hours.holidays[Holiday.EASTER_MONDAY] is OnHoliday.USUAL
    assert hours.holidays[Holiday.NEW_YEAR] is OnHoliday.CLOSED


def edited(change: Callable[[Any], None]) -> Any:
    plain = copy.deepcopy(PLAIN)
    change(plain)
    return plain


def of_chat(name: str, said: Any) -> Callable[[Any], None]:
    def change(plain: Any) -> None:
        plain["entries"]["veilig_thuis"]["channels"][0][name] = said

    return change


def of_entry(name: str, said: Any) -> Callable[[Any], None]:
    def change(plain: Any) -> None:
        plain["entries"]["veilig_thuis"][name] = said

    return change


def of_top(name: str, said: Any) -> Callable[[Any], None]:
    def change(plain: Any) -> None:
        plain[name] = said

    return change


def hours(days: Any, holidays: Any = None) -> Callable[[Any], None]:
    return of_chat("hours", {"days": days, "holidays": holidays or {"default": "unknown"}})


def _no_bill(plain: Any) -> None:
    del plain["entries"]["veilig_thuis"]["channels"][1]["shows_on_bill"]


def _phone_first(plain: Any) -> None:
    plain["entries"]["veilig_thuis"]["channels"].reverse()


BAD: list[tuple[Callable[[Any], None], str]] = [
    (of_top("time_zone", "Europe/Madrid"), "known for Europe/Amsterdam only"),
    (of_top("entries", {}), "entries: give names"),
    (of_top("before_call", {"call_log": {"nl": "x", "en": "x"}}), "before_call: missing"),
    (of_top("more", 1), r"not known \['more'\]"),
    (_no_bill, r"channels\.1\.shows_on_bill: say it of telephones"),
    (of_chat("shows_on_bill", "yes"), r"channels\.0\.shows_on_bill: say it of telephones"),
    (_phone_first, "name telephones last"),
    (
        of_entry("expires_on", PLAIN["entries"]["veilig_thuis"]["checked_on"]),
        "give a day after checked_on",
    ),
    (of_entry("checked_on", "2026-11-25"), "checked_on: give a date"),
    (of_entry("for", ["partner"]), "give one of herself"),
    (of_entry("for", []), "for: give a list"),
    (of_entry("anonymous", True), "anonymous: give one of yes, no, unknown, in quotes"),
    (of_entry("channels", []), "channels: give a list"),
    (of_entry("owner", ""), "owner: give a text"),
    (of_entry("purpose", {"nl": "x"}), r"purpose: missing \['en'\]"),
    (of_chat("kind", "fax"), "kind: give one of"),
    (of_chat("kind", ["chat"]), "kind: give one of"),
    (of_chat("address", "call us"), "address: give a number such as"),
    (of_chat("verified", "yes"), "verified: give true or false"),
    (of_chat("note", {"nl": "x", "en": 7}), r"note\.en: give a text"),
    (of_chat("hours", "sometimes"), "hours: give names with values"),
    (of_chat("hours", ["always"]), "hours: give names with values"),
    (of_chat("hours", {"days": {"mon": ["9:00-17:00"]}}), r"hours: missing \['holidays'\]"),
    (hours({"mon": []}), "give a list"),
    (hours({"mon": "9:00-17:00"}), "give a list"),
    (hours({"mon": [900]}), "give hours such as"),
    (hours({"mon": ["9-17"]}), "give hours such as"),
    (hours({"mon": ["9:00-9:00"]}), "give hours such as"),
    (hours({"mon": ["9:60-17:00"]}), "give hours such as"),
    (hours({"mon": ["24:00-25:00"]}), "give hours such as"),
    (hours({"mon": ["9:00-24:30"]}), "give hours such as"),
    (hours({"day": ["9:00-17:00"]}), "give a day or days in a row"),
    (hours({"mon-": ["9:00-17:00"]}), "give a day or days in a row"),
    (hours({"mon-day": ["9:00-17:00"]}), "give a day or days in a row"),
    (hours({"sun-mon": ["9:00-17:00"]}), "give a day or days in a row"),
    (hours({"mon-fri": ["9:00-17:00"], "fri": ["9:00-17:00"]}), "fri has hours already"),
    (hours({"mon": ["9:00-17:00"]}, {"kings_day": "closed"}), r"holidays: missing \['default'\]"),
    (hours({"mon": ["9:00-17:00"]}, {"default": "closed", "carnival": "closed"}), "not known"),
    (hours({"mon": ["9:00-17:00"]}, {"default": "open"}), "give one of usual, unknown, closed"),
    (hours({"mon": ["9:00-17:00"]}, {"default": "usual", "new_year": [7]}), "give hours such as"),
]


@pytest.mark.parametrize(("change", "said"), BAD, ids=range(len(BAD)))
def test_a_directory_that_could_mislead_is_refused_with_the_place(
    change: Callable[[Any], None], said: str, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text(yaml.safe_dump(edited(change), allow_unicode=True), encoding="utf-8")
    with pytest.raises(SettingError, match=said):
        read_directory(tmp_path)


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="set BAKEN_CONTENT"):
        read_directory(tmp_path)

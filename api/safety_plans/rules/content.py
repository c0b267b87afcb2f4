"""Reads the content of plans out of plain data, and refuses it with the file, the entry and what to do."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from api.kernel.content import Language
from api.safety_plans.model.content import (
    ACUTE_SECTIONS,
    CODE,
    DANGER_LEVELS,
    MUST_WARN,
    SECTIONS,
    BadContent,
    Item,
    Letter,
    Phase,
    PlanContent,
    Section,
    Tailoring,
    Text,
    Wish,
)

ABOUT = "about.yaml"
MAX_TITLE, MAX_TEXT, MAX_LETTER, MAX_SOURCE = 60, 320, 1000, 160
"""Characters: what fits a line, and three sentences, on a small phone; proposal."""
MAX_ACUTE_SCREENS, MAX_ON_SCREEN = 7, 4
"""Seven as field/safety_planning.md c2 has it; four is what one looks over at a bad moment: proposal."""
_ABOUT = ("version", "decided_by", "intro", "call_warning", "danger", "acute")
_ITEM = ("code", "title", "text", "phase", "danger", "source")
_ITEM_MORE = ("when", "warning", "calls")
_LETTER = ("code", "title", "text", "checked_by", "checked_on", "source")
_VERSION = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?:\.([1-9]\d{0,2}))?")
_DAY = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_TAILORING = tuple(field.name for field in fields(Tailoring))


@dataclass(frozen=True, slots=True)
class _At:
    """A place in the files: for what is wrong there."""

    file: str
    path: tuple[str | int, ...] = ()

    def __truediv__(self, part: str | int) -> "_At":
        return _At(self.file, (*self.path, part))

    def bad(self, reason: str) -> BadContent:
        return BadContent(self.file, self.path, reason)


def parse_content(files: Mapping[str, Any]) -> PlanContent:
    """Return the content that these files say.

    Args:
        files: Per name of a file what it holds as plain data; `ABOUT` and any number with sections.

    Raises:
        BadContent: Something is missing, unknown, too long or there twice.
    """
    if ABOUT not in files:
        raise _At(ABOUT).bad("this file is missing: it says the version and what holds for all sections")
    at = _At(ABOUT)
    about = _mapping(files[ABOUT], at, _ABOUT)
    versions = [_version(about["version"], at / "version")]
    sections: dict[str, tuple[Section, _At]] = {}
    for name in sorted(files.keys() - {ABOUT}):
        top = _mapping(files[name], _At(name), ("version", "sections"))
        versions.append(_version(top["version"], _At(name, ("version",))))
        for section, where in _sections(top["sections"], _At(name, ("sections",))):
            if section.code in sections:
                raise (where / "code").bad(f"section {section.code!r} stands in two places: remove one")
            sections[section.code] = (section, where)
    if missing := [code for code in SECTIONS if code not in sections]:
        raise _At(ABOUT).bad(f"section {missing[0]!r} is in no file: add it, a plan has all {len(SECTIONS)}")
    _check_codes(sections.values())
    ordered = tuple(sections[code][0] for code in SECTIONS)
    return PlanContent(
        version=_newest(versions),
        decided_by=_line(about["decided_by"], at / "decided_by", MAX_SOURCE),
        intro=_text(about["intro"], at / "intro", MAX_TEXT),
        call_warning=_text(about["call_warning"], at / "call_warning", MAX_TEXT),
        danger=_dangers(about["danger"], at / "danger"),
        sections=ordered,
        acute=_acute(about["acute"], at / "acute", ordered),
    )


def _sections(said: Any, at: _At) -> Iterator[tuple[Section, _At]]:  # noqa: ANN401 - whatever a file holds
    for place, one in enumerate(_list(said, at)):
        where = at / place
        top = _mapping(one, where, ("code", "title", "intro", "items"), ("letters",))
        code = _one_of(top["code"], where / "code", SECTIONS)
        items = [
            _item(item, where / "items" / number, code)
            for number, item in enumerate(_list(top["items"], where / "items"))
        ]
        letters = [
            _letter(letter, where / "letters" / number)
            for number, letter in enumerate(
                _list(top["letters"], where / "letters") if "letters" in top else ()
            )
        ]
        title = _text(top["title"], where / "title", MAX_TITLE)
        intro = _text(top["intro"], where / "intro", MAX_TEXT)
        yield Section(code, title, intro, tuple(items), tuple(letters)), where


def _item(said: Any, at: _At, section: str) -> Item:  # noqa: ANN401 - as above
    top = _mapping(said, at, _ITEM, _ITEM_MORE)
    if section == MUST_WARN and "warning" not in top:
        raise at.bad("'warning' is missing: say what the other person may see of it, and to ask a lawyer")
    danger, calls = top["danger"], top.get("calls", False)
    if isinstance(danger, bool) or not isinstance(danger, int) or danger not in DANGER_LEVELS:
        raise (at / "danger").bad(
            f"{danger!r} is no level: give a whole number from 0 to {DANGER_LEVELS[-1]}"
        )
    if not isinstance(calls, bool):
        raise (at / "calls").bad(f"{calls!r} is neither true nor false: write one of them, or leave it out")
    return Item(
        code=_code(top["code"], at / "code"),
        title=_text(top["title"], at / "title", MAX_TITLE),
        text=_text(top["text"], at / "text", MAX_TEXT),
        phase=Phase(_one_of(top["phase"], at / "phase", tuple(Phase))),
        danger=danger,
        when=_when(top["when"], at / "when") if "when" in top else {},
        warning=_text(top["warning"], at / "warning", MAX_TEXT) if "warning" in top else None,
        calls=calls,
        source=_line(top["source"], at / "source", MAX_SOURCE),
    )


def _when(said: Any, at: _At) -> dict[str, frozenset[bool | Wish]]:  # noqa: ANN401 - as above
    if not isinstance(said, dict) or not said:
        raise at.bad("this must say for which answers the item is shown: leave `when` out to show it always")
    return {name: _answers(value, at / name) for name, value in said.items()}


def _answers(said: Any, at: _At) -> frozenset[bool | Wish]:  # noqa: ANN401 - as above
    name = _one_of(at.path[-1], at, _TAILORING)
    if name != "wants":
        if not isinstance(said, bool):
            raise at.bad(f"{said!r} is neither true nor false: write one of them")
        return frozenset({said})
    wishes = _list(said, at)
    return frozenset(Wish(_one_of(wish, at / place, tuple(Wish))) for place, wish in enumerate(wishes))


def _letter(said: Any, at: _At) -> Letter:  # noqa: ANN401 - as above
    top = _mapping(said, at, _LETTER)
    who, day = top["checked_by"], top["checked_on"]
    if (who is None) != (day is None):
        raise at.bad(
            "'checked_by' and 'checked_on' go together: give the lawyer's name and the date, or null"
        )
    if day is not None and not (isinstance(day, str) and _DAY.fullmatch(day)):
        raise (at / "checked_on").bad(f'{day!r} is no date: write it as "2026-11-25", in quotes')
    return Letter(
        code=_code(top["code"], at / "code"),
        title=_text(top["title"], at / "title", MAX_TITLE),
        text=_text(top["text"], at / "text", MAX_LETTER),
        checked_by=None if who is None else _line(who, at / "checked_by", MAX_SOURCE),
        checked_on=day,
        source=_line(top["source"], at / "source", MAX_SOURCE),
    )


def _check_codes(sections: Any) -> None:  # noqa: ANN401 - the values of a mapping
    """Refuse a code that stands twice: her document would say the same of both."""
    seen: set[str] = set()
    for section, at in sections:
        for kind, entries in (("items", section.items), ("letters", section.letters)):
            for place, entry in enumerate(entries):
                if entry.code in seen:
                    where = at / kind / place / "code"
                    raise where.bad(f"{entry.code!r} stands twice: give one of the two another code")
                seen.add(entry.code)


def _dangers(said: Any, at: _At) -> tuple[Text, ...]:  # noqa: ANN401 - as above
    levels = _list(said, at)
    if len(levels) != len(DANGER_LEVELS):
        raise at.bad(f"this must say what each of the levels 0 to {DANGER_LEVELS[-1]} means, in this order")
    return tuple(_text(level, at / place, MAX_TEXT) for place, level in enumerate(levels))


def _acute(said: Any, at: _At, sections: Sequence[Section]) -> tuple[Section, ...]:  # noqa: ANN401 - as above
    known = {item.code: item for one in sections if one.code in ACUTE_SECTIONS for item in one.items}
    screens, used = list[Section](), set[str]()
    wanted = _list(said, at)
    if len(wanted) > MAX_ACUTE_SCREENS:
        raise at.bad(f"{len(wanted)} screens are too many for a bad moment: at most {MAX_ACUTE_SCREENS}")
    for place, one in enumerate(wanted):
        where = at / place
        top = _mapping(one, where, ("code", "title", "items"))
        codes = _list(top["items"], where / "items")
        if len(codes) > MAX_ON_SCREEN:
            raise (where / "items").bad(
                f"{len(codes)} items are too many: at most {MAX_ON_SCREEN} on a screen"
            )
        for number, code in enumerate(codes):
            here = where / "items" / number
            if not isinstance(code, str) or code not in known:
                raise here.bad(f"{code!r} is no item of {', '.join(ACUTE_SECTIONS)}: name one of theirs")
            if code in used:
                raise here.bad(f"{code!r} stands on two screens: remove one")
            used.add(code)
        name = _code(top["code"], where / "code")
        if name in SECTIONS or name in {screen.code for screen in screens}:
            raise (where / "code").bad(f"{name!r} stands twice: give the screen another code")
        title = _text(top["title"], where / "title", MAX_TITLE)
        screens.append(Section(name, title, Text("", ""), tuple(known[code] for code in codes)))
    return tuple(screens)


def _version(said: Any, at: _At) -> tuple[str, int]:  # noqa: ANN401 - as above
    match = _VERSION.fullmatch(said) if isinstance(said, str) else None
    if not match:
        raise at.bad(f'{said!r} is no version: write the date in quotes, "2026-11-25", or "2026-11-25.2"')
    return match[1], int(match[2] or 0)


def _newest(versions: Sequence[tuple[str, int]]) -> str:
    day, number = max(versions)
    return f"{day}.{number}" if number else day


def _mapping(
    said: Any,  # noqa: ANN401 - as above
    at: _At,
    required: Sequence[str],
    optional: Sequence[str] = (),
) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise at.bad(f"this must be a mapping with {', '.join(required)}")
    for name in said:
        if name not in (*required, *optional):
            known = ", ".join((*required, *optional))
            raise (at / name).bad(f"unknown key {name!r}: remove it, or choose one of {known}")
    if missing := [name for name in required if name not in said]:
        raise at.bad(f"{missing[0]!r} is missing: add it")
    return said


def _list(said: Any, at: _At) -> list[Any]:  # noqa: ANN401 - as above
    if not isinstance(said, list) or not said:
        raise at.bad("this must be a list with at least one entry")
    return said


def _text(said: Any, at: _At, most: int) -> Text:  # noqa: ANN401 - as above
    languages = tuple(language.value for language in Language)
    top = _mapping(said, at, languages)
    return Text(**{language: _line(top[language], at / language, most) for language in languages})


def _line(said: Any, at: _At, most: int) -> str:  # noqa: ANN401 - as above
    if not isinstance(said, str) or not said.strip():
        raise at.bad("this must be a text: write one")
    if said != said.strip() or not said.isprintable():
        raise at.bad("this must be one line without blanks at its ends: remove them, tabs and line breaks")
    if len(said) > most:
        raise at.bad(
            f"the text has {len(said)} characters: make it {len(said) - most} shorter, {most} at most"
        )
    return said


def _code(said: Any, at: _At) -> str:  # noqa: ANN401 - as above
    if not isinstance(said, str) or not re.fullmatch(CODE, said):
        raise at.bad(f"{said!r} is no code: write 2 to 40 small letters, digits and _, a letter first")
    return said


def _one_of(said: Any, at: _At, words: Sequence[str]) -> str:  # noqa: ANN401 - as above
    if said not in words:
        raise at.bad(f"{said!r} is unknown: choose one of {', '.join(words)}")
    return str(said)

"""Reads the pathway's content out of plain data and refuses what would leave a step without words."""

from collections.abc import Mapping
from typing import Any

from api.pathways.model.agencies import AgencyKind
from api.pathways.model.content import (
    LANGUAGES,
    NEXT_CONTACT_STEP,
    PLACE_STEP,
    STEP_COUNT,
    BadContent,
    CountsFrom,
    HandoffLimits,
    PathwayContent,
    StepContent,
    Target,
)

MAX_TEXT = 300
"""A sentence that is longer is not plain; proposal."""
MAX_MINUTES = 366 * 24 * 60
MAX_WORKING_DAYS = 260
MAX_RUNG_MINUTES = 7 * 24 * 60
"""Nobody waits longer than a week for one person to answer; proposal."""
_TOP = {"version", "decided_by", "handoff", "steps", "kind_words"}
_STEP = {"number", "key", "title", "sentence", "kinds", "target", "record", "basis"}
_TARGET = {"from", "source"}
_TARGET_MORE = {"acute", "minutes", "working_days"}


def parse_content(data: Any) -> PathwayContent:  # noqa: ANN401 - whatever a file holds
    """Return the content that plain data (mappings, lists, texts, numbers) describes.

    Raises:
        BadContent: With the entry that is wrong and what to do about it.
    """
    top = _mapping(data, "the file", _TOP)
    handoff = _mapping(top["handoff"], "handoff", {"acute", "ordinary"})
    return PathwayContent(
        version=_text(top["version"], "version"),
        decided_by=_text(top["decided_by"], "decided_by"),
        acute=_limits(handoff["acute"], "handoff.acute"),
        ordinary=_limits(handoff["ordinary"], "handoff.ordinary"),
        steps=_steps(top["steps"]),
        kind_words=_kind_words(top["kind_words"]),
    )


def _steps(said: Any) -> tuple[StepContent, ...]:  # noqa: ANN401 - as above
    if not isinstance(said, list):
        raise BadContent("steps", "give a list of steps")
    found: dict[int, StepContent] = {}
    for place, one in enumerate(said):
        step = _step(one, place)
        if step.number in found:
            raise BadContent(_name(step.number, step.key), "this number stands twice: remove one")
        found[step.number] = step
    if missing := [number for number in range(STEP_COUNT) if number not in found]:
        raise BadContent(f"step {missing[0]}", f"is missing: give every step from 0 to {STEP_COUNT - 1}")
    if not found[PLACE_STEP].hides_place:
        raise BadContent(_name(PLACE_STEP, found[PLACE_STEP].key), "must have `hides_place: true`")
    if found[NEXT_CONTACT_STEP].target.minutes is None:
        raise BadContent(
            _name(NEXT_CONTACT_STEP, found[NEXT_CONTACT_STEP].key),
            "needs `target.minutes`: an open pathway always has a next contact",
        )
    return tuple(found[number] for number in range(STEP_COUNT))


def _name(number: object, key: object) -> str:
    return f"step {number} ({key})"


def _step(said: Any, place: int) -> StepContent:  # noqa: ANN401 - as above
    where = f"steps[{place}]"
    fields = _mapping(said, where, _STEP, {"hides_place"})
    number = _whole(fields["number"], f"{where}.number", 0, STEP_COUNT - 1)
    key = _text(fields["key"], f"step {number}.key")
    name = _name(number, key)
    hides_place = fields.get("hides_place", False)
    if not isinstance(hides_place, bool):
        raise BadContent(name, "`hides_place` is true or false")
    return StepContent(
        number=number,
        key=key,
        titles=_texts(fields["title"], f"{name}.title"),
        sentences=_texts(fields["sentence"], f"{name}.sentence"),
        kinds=_kinds(fields["kinds"], f"{name}.kinds"),
        target=_target(fields["target"], f"{name}.target"),
        record=_text(fields["record"], f"{name}.record"),
        basis=_text(fields["basis"], f"{name}.basis"),
        hides_place=hides_place,
    )


def _target(said: Any, where: str) -> Target:  # noqa: ANN401 - as above
    fields = _mapping(said, where, _TARGET, _TARGET_MORE)
    if fields["from"] not in list(CountsFrom):
        raise BadContent(f"{where}.from", f"must be one of {', '.join(CountsFrom)}")
    if "minutes" in fields and "working_days" in fields:
        raise BadContent(where, "give either `minutes` or `working_days`")
    acute, minutes, days = (
        None if name not in fields else _whole(fields[name], f"{where}.{name}", 1, most)
        for name, most in (
            ("acute", MAX_MINUTES),
            ("minutes", MAX_MINUTES),
            ("working_days", MAX_WORKING_DAYS),
        )
    )
    if acute is not None and minutes is not None and acute > minutes:
        raise BadContent(f"{where}.acute", "must not be longer than `minutes`: acute comes first")
    source = _text(fields["source"], f"{where}.source")
    return Target(CountsFrom(fields["from"]), acute, minutes, days, source)


def _limits(said: Any, where: str) -> HandoffLimits:  # noqa: ANN401 - as above
    fields = _mapping(said, where, {"worker", "deputy", "coordinator"})
    minutes = {rung: _whole(value, f"{where}.{rung}", 1, MAX_RUNG_MINUTES) for rung, value in fields.items()}
    return HandoffLimits(**minutes)


def _kinds(said: Any, where: str) -> tuple[AgencyKind, ...]:  # noqa: ANN401 - as above
    if not isinstance(said, list) or not said:
        raise BadContent(where, "name at least one kind of agency")
    for one in said:
        if one not in list(AgencyKind):
            raise BadContent(where, f"there is no kind {one!r}; kinds are {', '.join(AgencyKind)}")
    return tuple(AgencyKind(one) for one in said)


def _kind_words(said: Any) -> dict[str, dict[AgencyKind, str]]:  # noqa: ANN401 - as above
    languages = _mapping(said, "kind_words", set(LANGUAGES))
    return {
        language: {
            AgencyKind(kind): _text(word, f"kind_words.{language}.{kind}")
            for kind, word in _mapping(words, f"kind_words.{language}", set(AgencyKind)).items()
        }
        for language, words in languages.items()
    }


def _texts(said: Any, where: str) -> dict[str, str]:  # noqa: ANN401 - as above
    fields = _mapping(said, where, set(LANGUAGES))
    return {language: _text(text, f"{where}.{language}") for language, text in fields.items()}


def _mapping(
    said: Any,  # noqa: ANN401 - as above
    where: str,
    needed: set[str],
    more: set[str] | frozenset[str] = frozenset(),
) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise BadContent(where, f"give {', '.join(sorted(needed))}")
    if missing := sorted(map(str, needed - said.keys())):
        raise BadContent(where, f"{missing[0]!r} is missing: give it")
    if strange := sorted(map(str, said.keys() - needed - more)):
        raise BadContent(where, f"{strange[0]!r} is unknown: remove it, or correct its spelling")
    return said


def _text(said: Any, where: str) -> str:  # noqa: ANN401 - as above
    if not isinstance(said, str) or not said.strip() or len(said) > MAX_TEXT:
        raise BadContent(where, f"give a text of 1 to {MAX_TEXT} characters, in quotes")
    return said.strip()


def _whole(said: Any, where: str, least: int, most: int) -> int:  # noqa: ANN401 - as above
    if not isinstance(said, int) or isinstance(said, bool) or not least <= said <= most:
        raise BadContent(where, f"give a whole number from {least} to {most}")
    return said

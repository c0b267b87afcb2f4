"""Reads a playbook out of plain data and refuses one that would leave somebody untold."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from api.alerts.model import Channel, EventKind
from api.alerts.model.playbooks import (
    Answer,
    BadPlaybook,
    HerDefault,
    Playbook,
    PlaybookStep,
    Side,
    Target,
    TaskKind,
)
from api.alerts.rules.joining import LEAST_SEVERE, opens_alerts, severities_of

MAX_WITHIN_S = 3600.0
"""A step that may wait longer than an hour is no escalation; proposal."""
POLICE_WITHIN_S = 180.0
"""So long, at most, may a chain take from a breach or a call for help to the police; proposal. Spain calls
the wearer first and then the police (field/monitoring.md section 1), which fits."""
MAX_DRILL_DAYS = 366
_WAYS = {
    "app": Channel.PERSON_STREAM,
    "push": Channel.WEB_PUSH,
    "device": Channel.DEVICE,
    "webhook": Channel.POLICE_WEBHOOK,
    "sms": Channel.SMS,
}
_WAYS_TO = {
    Target.PROTECTED_PERSON: ("app", "push", "device"),
    Target.WEARER: ("device",),
    Target.POLICE: ("webhook",),
    Target.OFFICER: ("sms",),
    Target.STANDBY: ("sms",),
    Target.OPERATOR: (),
}
_ANSWERS_OF = {
    Target.PROTECTED_PERSON: (Answer.RECEIVED,),
    Target.WEARER: (Answer.RECEIVED,),
    Target.POLICE: (Answer.POLICE_ACK, Answer.RECEIVED),
    Target.OFFICER: (Answer.ACKNOWLEDGED,),
    Target.STANDBY: (Answer.ACKNOWLEDGED,),
    Target.OPERATOR: (Answer.ACKNOWLEDGED,),
}
"""What can answer a step; the first is meant when the playbook says nothing."""
_MAY_TELL_WEARER = frozenset(
    {EventKind.ZONE_BUFFER.value, EventKind.ZONE_BREACH.value, EventKind.DRILL.value}
)
"""A message for anything else would show the wearer where she is; in a test run his device is only asked to
report."""
_POLICE_AT = {
    EventKind.SOS.value: (1,),
    EventKind.PROXIMITY_BREACH.value: (1, 2),
    EventKind.PROXIMITY_RF.value: (1, 2),
    EventKind.ZONE_BREACH.value: (1, 2),
    EventKind.STRAP_TAMPER.value: (1,),
    EventKind.CASE_OPEN.value: (1,),
    EventKind.EXTERNAL_SIGHTING.value: (1,),
}
"""At which severities the police must hear of which kinds."""
_TOP = {"name", "version", "country", "decided_by", "standby", "drill_every_days", "her", "steps", "kinds"}
_OPTIONAL_TOP = {"standby"}
_STEP = {"tell", "by", "task", "side", "answer", "within_s", "otherwise", "severity"}
MAX_STEPS = 100
"""No emergency has as many; bounds what a check has to follow. Proposal."""
Path = tuple[str | int, ...]
_Word = TypeVar("_Word", Target, TaskKind, Side, Answer)


def parse_playbook(data: Any, digest: str, *, is_past: bool = False) -> Playbook:  # noqa: ANN401 - whatever a file holds
    """Return the playbook that plain data (mappings, lists, texts, numbers) describes.

    `is_past`: it was good when it was taken into use, under an older version of ours; what has come to be
    asked of a playbook since then is not asked of it.

    Raises:
        BadPlaybook: With the path to what is wrong and what to do about it.
    """
    top = _mapping(data, (), _TOP, _TOP - _OPTIONAL_TOP)
    steps = {
        _text(name, ("steps", name)): _step(name, said)
        for name, said in _mapping(top["steps"], ("steps",)).items()
    }
    if len(steps) > MAX_STEPS:
        raise BadPlaybook(("steps",), f"there are more than {MAX_STEPS} steps")
    kinds = {kind: _names(said, ("kinds", kind)) for kind, said in _mapping(top["kinds"], ("kinds",)).items()}
    _check_names(steps, kinds)
    _check_loops(steps)
    _check_standby(steps, top.get("standby"))
    if not is_past:
        _check_complete(kinds)
        _check_used(steps, kinds)
        _check_floors(steps, kinds)
    return Playbook(
        name=_text(top["name"], ("name",)),
        version=_text(top["version"], ("version",)),
        country=_text(top["country"], ("country",)),
        decided_by=_text(top["decided_by"], ("decided_by",)),
        standby=None if top.get("standby") is None else _text(top["standby"], ("standby",)),
        drill_every_days=_whole(top["drill_every_days"], ("drill_every_days",), MAX_DRILL_DAYS),
        steps=steps,
        kinds=kinds,
        her=_her(top["her"]),
        digest=digest,
    )


def _her(said: Any) -> HerDefault:  # noqa: ANN401 - as above
    her = _mapping(said, ("her",), {"decided_by", "kinds"}, {"decided_by", "kinds"})
    kinds = _names(her["kinds"], ("her", "kinds"))
    for place, kind in enumerate(kinds):
        if kind not in _known_kinds():
            raise BadPlaybook(("her", "kinds", place), f"there is no kind {kind!r}")
    return HerDefault(_text(her["decided_by"], ("her", "decided_by")), frozenset(kinds))


def _step(name: str, said: Any) -> PlaybookStep:  # noqa: ANN401 - as above
    path: Path = ("steps", name)
    fields = _mapping(said, path, _STEP)
    if ("tell" in fields) == ("task" in fields):
        raise BadPlaybook(path, f"{name}: give either `tell` or `task`")
    target = _one_of(Target, fields["tell"], (*path, "tell")) if "tell" in fields else None
    task = _one_of(TaskKind, fields["task"], (*path, "task")) if "task" in fields else None
    within_s = fields.get("within_s")
    if target is Target.WEARER and within_s is not None:
        raise BadPlaybook(path, f"{name}: nothing may wait for the wearer: his device could hold it up")
    if (within_s is None) != ("otherwise" not in fields):
        raise BadPlaybook(path, f"{name}: `within_s` and `otherwise` go together: give both or neither")
    return PlaybookStep(
        name=name,
        target=target,
        task=task,
        channels=_channels(name, target, fields.get("by"), path),
        side=_one_of(Side, fields.get("side", Side.WEARER), (*path, "side")),
        answer=_answer(name, target, fields.get("answer"), path, waits=within_s is not None),
        within_s=None if within_s is None else _number(within_s, (*path, "within_s"), MAX_WITHIN_S),
        otherwise=_names(fields.get("otherwise", []), (*path, "otherwise")),
        severities=_severities(fields.get("severity"), (*path, "severity")),
    )


def _channels(
    name: str,
    target: Target | None,
    said: Any,  # noqa: ANN401 - as above
    path: Path,
) -> tuple[Channel, ...]:
    ways = _WAYS_TO[target] if target else ()
    if said is None and not ways:
        return ()
    if not ways:
        raise BadPlaybook((*path, "by"), f"{name}: `by` is not for this step: nothing is sent")
    words = _names(said if said is not None else [], (*path, "by"))
    if not words or len(set(words)) < len(words):
        raise BadPlaybook((*path, "by"), f"{name}: `by` names each way once: {', '.join(ways)}")
    for place, word in enumerate(words):
        if word not in ways:
            wrong = f"{name}: {target} cannot be told by {word!r}; ways are {', '.join(ways)}"
            raise BadPlaybook((*path, "by", place), wrong)
    return tuple(_WAYS[word] for word in words)


def _answer(
    name: str,
    target: Target | None,
    said: Any,  # noqa: ANN401 - as above
    path: Path,
    *,
    waits: bool,
) -> Answer:
    possible = _ANSWERS_OF[target] if target else (Answer.DONE,)
    if not waits:
        if said is not None:
            raise BadPlaybook((*path, "answer"), f"{name}: an answer needs `within_s` and `otherwise`")
        return Answer.NONE
    answer = possible[0] if said is None else _one_of(Answer, said, (*path, "answer"))
    if answer not in possible:
        words = ", ".join(possible)
        raise BadPlaybook((*path, "answer"), f"{name}: {answer} cannot answer this step; possible: {words}")
    return answer


def _severities(said: Any, path: Path) -> frozenset[int]:  # noqa: ANN401 - as above
    if said is None:
        return frozenset(range(1, LEAST_SEVERE + 1))
    several = said if isinstance(said, list) and said else [said]
    return frozenset(int(_whole(one, path, LEAST_SEVERE)) for one in several)


def _check_names(steps: Mapping[str, PlaybookStep], kinds: Mapping[str, tuple[str, ...]]) -> None:
    known = _known_kinds()
    for kind, names in kinds.items():
        if kind not in known:
            raise BadPlaybook(("kinds", kind), f"there is no kind {kind!r}; kinds are {', '.join(known)}")
        for place, name in enumerate(names):
            if name not in steps:
                raise BadPlaybook(("kinds", kind, place), f"there is no step {name!r}")
            if steps[name].target is Target.WEARER and kind not in _MAY_TELL_WEARER:
                wrong = f"{kind}: telling the wearer of this would show him where she is"
                raise BadPlaybook(("kinds", kind, place), wrong)
    for step in steps.values():
        for place, name in enumerate(step.otherwise):
            where = ("steps", step.name, "otherwise", place)
            if name not in steps:
                raise BadPlaybook(where, f"there is no step {name!r}")
            if steps[name].target is Target.WEARER:
                wrong = f"{step.name}: the wearer is told at once or never: later shows what others do"
                raise BadPlaybook(where, wrong)


def _check_complete(kinds: Mapping[str, tuple[str, ...]]) -> None:
    for kind in _known_kinds():
        if not kinds.get(kind):
            raise BadPlaybook(("kinds",), f"{kind}: nobody is told; give at least one step")


def _check_loops(steps: Mapping[str, PlaybookStep]) -> None:
    done: set[str] = set()
    for start in steps:
        _follow(steps, start, [], done)


def _follow(steps: Mapping[str, PlaybookStep], name: str, way: list[str], done: set[str]) -> None:
    if name in way:
        loop = " → ".join([*way[way.index(name) :], name])
        wrong = f"the steps go in a loop: {loop}; nobody new is told"
        raise BadPlaybook(("steps", way[-1], "otherwise"), wrong)
    if name in done:
        return
    for after in steps[name].otherwise:
        _follow(steps, after, [*way, name], done)
    done.add(name)


def _check_used(steps: Mapping[str, PlaybookStep], kinds: Mapping[str, tuple[str, ...]]) -> None:
    used = {name for names in kinds.values() for name in names}
    used |= {name for step in steps.values() for name in step.otherwise}
    for name in steps:
        if name not in used:
            raise BadPlaybook(("steps", name), f"{name}: nothing leads to it: remove it or use it")


def _check_floors(steps: Mapping[str, PlaybookStep], kinds: Mapping[str, tuple[str, ...]]) -> None:
    """Hold the playbook against what no authority may leave out, severity by severity.

    A breach that rests on doubtful positions is of severity 2 and must reach the police as well.
    """
    for kind, names in kinds.items():
        for severity in sorted(severities_of(EventKind(kind))):
            at_once = [steps[name] for name in names if severity in steps[name].severities]
            if not any(step.target in {Target.OPERATOR, Target.POLICE} for step in at_once):
                wrong = f"{kind}: at severity {severity} neither the control room nor the police hear at once"
                raise BadPlaybook(("kinds", kind), wrong)
        for severity in _POLICE_AT.get(kind, ()):
            begun = [name for name in names if severity in steps[name].severities]
            if min(_police_after_s(steps, name, severity) for name in begun) > POLICE_WITHIN_S:
                wrong = (
                    f"{kind}: at severity {severity}, without an answer, the police must hear of it within "
                    f"{POLICE_WITHIN_S:.0f} s, whatever a protected person has chosen"
                )
                raise BadPlaybook(("kinds", kind), wrong)


def _police_after_s(steps: Mapping[str, PlaybookStep], name: str, severity: int) -> float:
    """Return after how long the police are told at the latest when nobody answers; infinite for never.

    A call that somebody is to make is no way to the police by itself. What waits for a protected person is
    none either: she may have chosen not to be told, and then it does not begin.
    """
    step = steps[name]
    if severity not in step.severities or step.target is Target.PROTECTED_PERSON:
        return float("inf")
    if step.target is Target.POLICE:
        return 0.0
    later = [_police_after_s(steps, after, severity) for after in step.otherwise]
    return (step.within_s or 0.0) + min(later) if later else float("inf")


def _check_standby(steps: Mapping[str, PlaybookStep], standby: Any) -> None:  # noqa: ANN401 - as above
    for step in steps.values():
        if step.target is Target.STANDBY and not standby:
            wrong = f"{step.name}: name the desk whose officer stands by: `standby: <its reference>`"
            raise BadPlaybook(("steps", step.name), wrong)


def _known_kinds() -> tuple[str, ...]:
    return tuple(kind.value for kind in EventKind if opens_alerts(kind))


def _mapping(
    said: Any,  # noqa: ANN401 - as above
    path: Path,
    known: Iterable[str] | None = None,
    required: Iterable[str] = (),
) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise BadPlaybook(path, "this must be a mapping of names to values")
    for name in said:
        if known is not None and name not in known:
            raise BadPlaybook((*path, name), f"unknown key {name!r}; known are {', '.join(sorted(known))}")
    if missing := [name for name in sorted(required) if name not in said]:
        raise BadPlaybook(path, f"{missing[0]!r} is missing")
    return said


def _names(said: Any, path: Path) -> tuple[str, ...]:  # noqa: ANN401 - as above
    if not isinstance(said, list):
        raise BadPlaybook(path, "this must be a list of names")
    return tuple(_text(name, (*path, place)) for place, name in enumerate(said))


def _text(said: Any, path: Path) -> str:  # noqa: ANN401 - as above
    if not isinstance(said, str) or not said.strip() or len(said) > 200:
        raise BadPlaybook(path, "this must be a text of 1 to 200 characters")
    return said


def _number(said: Any, path: Path, most: float) -> float:  # noqa: ANN401 - as above
    if isinstance(said, bool) or not isinstance(said, int | float) or not 1 <= said <= most:
        raise BadPlaybook(path, f"this must be a number from 1 to {most:.0f}")
    return float(said)


def _whole(said: Any, path: Path, most: int) -> int:  # noqa: ANN401 - as above
    if isinstance(said, float):
        raise BadPlaybook(path, f"this must be a whole number from 1 to {most}")
    return int(_number(said, path, most))


def _one_of(words: type[_Word], said: Any, path: Path) -> _Word:  # noqa: ANN401 - as above
    try:
        return words(said)
    except ValueError:
        raise BadPlaybook(path, f"{said!r} is unknown; choose one of {', '.join(words)}") from None

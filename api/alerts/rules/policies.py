"""What reaches a protected person: her own wish first, else what the playbook's authority decided."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.alerts.model import Channel, EventKind
from api.alerts.model.playbooks import HerDefault, Playbook, PlaybookStep, Target
from api.alerts.model.policies import WORDINGS, AlertPolicy, BadPolicy, Decider, PolicyDraft, QuietHours
from api.alerts.rules.telling import Recipient

_HER_WAYS = frozenset({Channel.PERSON_STREAM, Channel.WEB_PUSH, Channel.DEVICE})
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
MAX_TIME_ZONE_CHARACTERS = 64
"""The longest name of the IANA database has 32; bounds what is looked up. Proposal."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """What is left of the messages of some steps.

    Attributes:
        told: Who is told, with the step's name.
        withheld: Whom a message did not reach, and by whose decision.
        silent: Steps that would have told somebody and now tell nobody: they wait for no receipt either.
    """

    told: dict[Recipient, str]
    withheld: dict[UUID, Decider]
    silent: frozenset[str]


def reaches_her(
    policy: AlertPolicy | None, default: HerDefault, kind: str, severity: int, now: datetime
) -> bool:
    """Say whether an alert of this kind and severity (1 the worst) reaches her at this moment."""
    return withheld_by(policy, default, kind, severity, now) is None


def withheld_by(
    policy: AlertPolicy | None, default: HerDefault, kind: str, severity: int, now: datetime
) -> Decider | None:
    """Return who decided that it does not reach her; None when it does.

    A kind that she switched off never reaches her, her own call for help included: it is hers to decide.
    """
    wish = None if policy is None else policy.wish
    if wish is None or wish.kinds is None:
        if kind not in default.kinds:
            return Decider.DEFAULT
    elif kind not in wish.kinds:
        return Decider.HER
    if wish is None or wish.quiet is None or (severity == 1 and wish.rings_severity_1):
        return None
    return Decider.HER if is_quiet(wish.quiet, now) else None


def is_quiet(quiet: QuietHours, now: datetime) -> bool:
    """Say whether a moment is within the hours; their beginning is, their end is not.

    The moment is turned into local time, never the hours into moments: an hour that the clocks show twice
    is quiet both times, one that they skip never comes. A time zone that is known no more is not quiet:
    she is rather told too often. `now` is aware.
    """
    clocks = _clocks(quiet.time_zone)
    if clocks is None:
        return False
    local = now.astimezone(clocks)
    clock = f"{local.hour:02d}:{local.minute:02d}"
    if quiet.begin < quiet.until:
        return quiet.begin <= clock < quiet.until
    return clock >= quiet.begin or clock < quiet.until


@cache
def _clocks(time_zone: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown; not a name; a folder of the database
        return None


def is_to_her(recipient: Recipient) -> bool:
    """Say whether a message is for a protected person: not for the wearer, the police or the control room."""
    return recipient.person_id is not None and recipient.channel in _HER_WAYS


SILENT = "silent"
"""Reason of an SOS that her second PIN calls."""


def sift(
    recipients: Mapping[Recipient, str],
    policies: Mapping[UUID, AlertPolicy],
    default: HerDefault,
    kind: str,
    severity: int,
    now: datetime,
    *,
    is_silent: bool = False,
) -> Sifted:
    """Leave out what does not reach the protected people; everybody else stays told.

    Of a silent call nothing reaches them: somebody else may hold her phone.
    """
    told: dict[Recipient, str] = {}
    withheld: dict[UUID, Decider] = {}
    for recipient, step in recipients.items():
        person_id = recipient.person_id
        decider = None
        if is_silent and is_to_her(recipient):
            continue
        if person_id is not None and is_to_her(recipient):
            decider = withheld_by(policies.get(person_id), default, kind, severity, now)
        if person_id is None or decider is None:
            told[recipient] = step
        else:
            withheld[person_id] = decider
    return Sifted(told, withheld, frozenset(recipients.values()) - frozenset(told.values()))


def offered_kinds(playbook: Playbook) -> frozenset[str]:
    """Return the kinds of which the playbook can tell her at all: those that she can choose from.

    A sighting is none of them: what a camera saw never goes to a device (`rules.telling`).
    """
    return frozenset(
        kind
        for kind, names in playbook.kinds.items()
        if kind != EventKind.EXTERNAL_SIGHTING and any(_tells_her(one) for one in _reached(playbook, names))
    )


def _tells_her(step: PlaybookStep) -> bool:
    return step.target is Target.PROTECTED_PERSON


def _reached(playbook: Playbook, names: Iterable[str]) -> Iterable[PlaybookStep]:
    """Yield these steps and all that come without an answer; a playbook has no loops."""
    for name in names:
        step = playbook.steps[name]
        yield step
        yield from _reached(playbook, step.otherwise)


def check_policy(wish: PolicyDraft, offered: frozenset[str]) -> None:
    """Raise BadPolicy, naming every field at fault in the words of her page, unless the wish can be kept."""
    faults: dict[str, list[str]] = {}
    if wish.kinds is not None and (strange := sorted(wish.kinds - offered)):
        faults["topics"] = [f"Cannot be chosen: {', '.join(strange)}."]
    if wish.quiet is not None:
        if not (_CLOCK.fullmatch(wish.quiet.begin) and _CLOCK.fullmatch(wish.quiet.until)):
            faults["quiet"] = ["Give both times as HH:MM."]
        elif wish.quiet.begin == wish.quiet.until:
            faults["quiet"] = ["The two times must differ."]
        if len(wish.quiet.time_zone) > MAX_TIME_ZONE_CHARACTERS or _clocks(wish.quiet.time_zone) is None:
            faults.setdefault("quiet", []).append("Give tz as a name such as Europe/Amsterdam.")
    if not 0 <= wish.wording < WORDINGS:
        faults["text"] = [f"Must be from 0 to {WORDINGS - 1}."]
    if faults:
        raise BadPolicy("These preferences cannot be kept as they are.", faults)

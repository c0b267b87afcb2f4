"""Which class answers to the red flags come to, and when they are to be asked again.

Doubt counts as danger: what somebody does not know or does not want to say counts as if it were so, because a
list that becomes calmer by silence would reward those who silence. A result says when it rests on that.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from api.safety_plans.model.screening import (
    CHANGES,
    CORE,
    RISING,
    Answer,
    Answers,
    Change,
    Concern,
    ReaskReason,
    RedFlags,
    Reply,
    Screening,
    Term,
    UnknownCode,
)

_NOT_KNOWN = frozenset({Reply.UNKNOWN, Reply.WONT_SAY})


def screen(flags: RedFlags, answers: Answers) -> Screening:
    """Return what answers come to; they may be incomplete.

    Laws: a yes more never lowers the class; unknown or not to say never gives a lower class than any other
    answer in its place; the person's own fear gives at least one class more than the same answers without it.

    Raises:
        UnknownCode: An answer names nothing on the list.
    """
    codes = [item.code for item in flags.items]
    if not set(answers) <= set(codes):
        raise UnknownCode("There is an answer to something that is not on the list: read the list again.")
    concern = _concern(flags, _present(flags, answers, is_doubt_present=True))
    certain = _concern(flags, _present(flags, answers, is_doubt_present=False))
    return Screening(
        concern=concern,
        from_unknown=concern is not certain,
        ticked=tuple(code for code in codes if _reply(answers, code) is Reply.YES),
        not_known=tuple(code for code in codes if _reply(answers, code) in _NOT_KNOWN),
        not_answered=tuple(code for code in codes if code not in answers),
    )


def borg_refusal(answers: Answers) -> str | None:
    """Return why BORG may not be offered; None when nothing in these answers speaks against it.

    BORG is a training for whoever used light violence; it is refused where any core flag is ticked, not known
    or not asked (seed points 2.7, 4.2 and 4.3). It is never a condition for her help.
    """
    against = [code for code in CORE if _reply(answers, code) is not Reply.NO]
    if not against:
        return None
    named = ", ".join(against)
    return (
        f"BORG is not offered: {named} ticked or not known. Help for the person concerned goes on without it."
    )


def reask_due(
    screened_at: datetime | None, changes: Iterable[Change], now: datetime, after_days: int
) -> tuple[ReaskReason, ...]:
    """Return why the list is due again, in the order of `ReaskReason`; nothing when it is not due.

    A change at the very moment of the last time counts: nobody knows which came first. A change to come does
    not count before it has come.

    Args:
        screened_at: The last time; None: never.
        changes: What has happened or is going to happen.
        now: An aware moment.
        after_days: Days after which the list is old, from the list's file.

    Raises:
        ValueError: A change is of a kind that does not happen to anybody.
    """
    seen = list(changes)
    if any(change.kind not in CHANGES for change in seen):
        raise ValueError("a change is a separation, a pregnancy, a court date or an order's end")
    if screened_at is None:
        return (ReaskReason.FIRST,)
    reasons = {change.kind for change in seen if screened_at <= change.at <= now}
    if now - screened_at >= timedelta(days=after_days):
        reasons.add(ReaskReason.TIME)
    return tuple(reason for reason in ReaskReason if reason in reasons)


def _reply(answers: Answers, code: str) -> Reply | None:
    answer = answers.get(code)
    return answer.reply if answer else None


def _present(flags: RedFlags, answers: Answers, *, is_doubt_present: bool) -> Mapping[str, bool]:
    """Return the codes that are taken to be so, and whether recent."""
    found: dict[str, bool] = {}
    for code, answer in answers.items():
        if not _counts(answer, is_doubt_present=is_doubt_present):
            continue
        found[code] = found.get(code, False) or _detail(answer.is_recent, answer, is_doubt_present)
        if code in CORE and _detail(answer.is_increasing, answer, is_doubt_present):
            found[flags.escalation] = True
    return found


def _counts(answer: Answer, *, is_doubt_present: bool) -> bool:
    return answer.reply is Reply.YES or (is_doubt_present and answer.reply in _NOT_KNOWN)


def _detail(said: bool | None, answer: Answer, is_doubt_present: bool) -> bool:  # noqa: FBT001 - private
    """Say whether a detail of an answer that counts is taken to be so."""
    if said is None or answer.reply in _NOT_KNOWN:
        return is_doubt_present
    return said


def _concern(flags: RedFlags, present: Mapping[str, bool]) -> Concern:
    """Return the highest class that is reached, raised by one for fear."""
    reached = 0
    for place, concern in enumerate(RISING):
        if any(_all_hold(way, present) for way in flags.thresholds.get(concern, ())):
            reached = place
    if flags.fear & set(present):
        reached = min(reached + 1, len(RISING) - 1)
    return RISING[reached]


def _all_hold(way: tuple[Term, ...], present: Mapping[str, bool]) -> bool:
    return all(term.code in present and (present[term.code] or not term.is_recent) for term in way)

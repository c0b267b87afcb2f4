"""Decisions about speaking with her: what she set can be, and whether a try may be made now."""

import hmac
from datetime import datetime

from api.pathways.model.contacts import (
    MAX_HOURS,
    SEEN_FOR,
    BadSafeContact,
    ContactChannel,
    SafeContact,
    SafeContactDraft,
    Seen,
)
from api.pathways.rules.duties import NO_ZONE, is_time_zone, is_within, week_faults
from api.pathways.rules.names import normal_name

_READ_FIRST = (
    f"Read how she may be reached first: what you read counts for {SEEN_FOR.seconds // 60} minutes, "
    "and for that version of it."
)


def check_safe_contact(draft: SafeContactDraft) -> None:
    """Raise BadSafeContact unless there is a way, a time and a word that can be told apart from the sign."""
    faults: dict[str, list[str]] = {}
    if not draft.channels or len(set(draft.channels)) < len(draft.channels):
        faults["channels"] = ["Name at least one way, and each once."]
    if not 1 <= len(draft.hours) <= MAX_HOURS:
        faults["hours"] = [f"Give 1 to {MAX_HOURS} stretches of the week."]
    for place, hours in enumerate(draft.hours):
        if found := [*week_faults(hours)]:
            faults[f"hours[{place}]"] = found
    if not is_time_zone(draft.time_zone):
        faults["time_zone"] = [NO_ZONE]
    if not normal_name(draft.code_word):
        faults["code_word"] = ["Must have a letter or a digit."]
    elif normal_name(draft.code_word) == normal_name(draft.sign):
        faults["sign"] = ["Must differ from the code word, or nobody could tell which was meant."]
    if faults:
        raise BadSafeContact("It cannot be kept like this.", faults)


def why_not(
    safe: SafeContact | None, seen: Seen | None, channel: ContactChannel, now: datetime
) -> str | None:
    """Return why she may not be contacted now in this way and what to do, or None when she may."""
    if safe is None:
        return "Nothing says yet how she may be reached: agree it with her first (step 2)."
    if seen is None or seen.version != safe.version or now - seen.at > SEEN_FOR:
        return _READ_FIRST
    if safe.not_safe_since is not None:
        return "She gave her sign that she cannot be spoken to: wait until her fixed contact has cleared it."
    if channel not in safe.channels:
        return f"She did not name this way; she named: {', '.join(safe.channels)}."
    if not any(is_within(hours, safe.time_zone, now) for hours in safe.hours):
        return (
            "It is outside the hours that she named: look at them and wait, or pass it to her fixed contact."
        )
    return None


def is_code_word(safe: SafeContact, said: str) -> bool:
    """Say whether what somebody said is the code word; case, accents and order of words do not count."""
    return hmac.compare_digest(normal_name(safe.code_word).encode(), normal_name(said).encode())

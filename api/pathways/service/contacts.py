"""Use cases of speaking with her: how she may be reached comes before any try; her sign stops them all."""

import uuid
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts.model import Account
from api.kernel import audit
from api.pathways.model.contacts import (
    Attempt,
    AttemptNoted,
    AttemptNotFound,
    AttemptOutcome,
    ContactChanged,
    ContactChannel,
    ContactRefused,
    NoSafeContact,
    OnlyFixedContact,
    SafeContact,
    SafeContactDraft,
    Seen,
)
from api.pathways.model.pathways import EventKind, ReadReason
from api.pathways.rules import contacts as rules
from api.pathways.service.needs import lock, look
from api.pathways.service.opening import must_be_open
from api.pathways.store import contacts, pathways

_NOBODY_KNEW = "Nothing says yet how she may be reached: agree it with her first (step 2)."


def read_safe_contact(
    session: Session, account: Account, pathway_id: UUID, reason: ReadReason, now: datetime
) -> SafeContact:
    """Return how she may be reached; the reading is an audit row, and counts before a try for SEEN_FOR.

    Raises:
        PathwayNotFound: Not there, or not for this account.
        NoSafeContact: Nothing has been agreed with her yet.
    """
    lock(session, account, pathway_id)
    audit.record(session, now, account.id, "pathways.read_safe_contact", pathway_id, reason.value)
    safe = contacts.find_safe_contact(session, pathway_id)
    if safe is None:
        raise NoSafeContact(_NOBODY_KNEW)
    contacts.put_seen(session, pathway_id, account.id, Seen(now, safe.version))
    return safe


def set_safe_contact(
    session: Session,
    account: Account,
    pathway_id: UUID,
    draft: SafeContactDraft,
    seen_version: int,
    now: datetime,
) -> SafeContact:
    """Keep how she may be reached, as she said; her sign, if she gave it, stays until it is cleared.

    `seen_version` is 0 for the first, later the version that the caller has read.

    Raises:
        ContactChanged: Somebody else has set another version meanwhile.
        BadSafeContact: It cannot be.
    """
    insight = lock(session, account, pathway_id)
    insight.must_be_of_contact()
    must_be_open(insight.pathway)
    known = contacts.find_safe_contact(session, pathway_id)
    version = 0 if known is None else known.version
    if version != seen_version:
        raise ContactChanged("Somebody else changed how she may be reached meanwhile: read it again.")
    rules.check_safe_contact(draft)
    safe = SafeContact(
        pathway_id=pathway_id,
        version=version + 1,
        channels=draft.channels,
        hours=draft.hours,
        time_zone=draft.time_zone,
        words=draft.words,
        code_word=draft.code_word,
        sign=draft.sign,
        set_at=now,
        set_by=account.id,
        not_safe_since=None if known is None else known.not_safe_since,
    )
    contacts.put_safe_contact(session, safe)
    _note(session, pathway_id, EventKind.SAFE_CONTACT, account.id, now, {"version": str(safe.version)})
    return safe


def is_code_word(session: Session, account: Account, pathway_id: UUID, said: str, now: datetime) -> bool:
    """Say whether what somebody said is her code word; every check is an audit row."""
    look(session, account, pathway_id)
    safe = contacts.find_safe_contact(session, pathway_id)
    if safe is None:
        raise NoSafeContact(_NOBODY_KNEW)
    is_right = rules.is_code_word(safe, said)
    reason = "right" if is_right else "wrong"
    audit.record(session, now, account.id, "pathways.check_code_word", pathway_id, reason)
    return is_right


def give_sign(session: Session, account: Account, pathway_id: UUID, now: datetime) -> datetime:
    """Note that she cannot be spoken to: nobody tries until her fixed contact has cleared it.

    Returns since when; raises NoSafeContact.
    """
    lock(session, account, pathway_id)
    safe = contacts.find_safe_contact(session, pathway_id)
    if safe is None:
        raise NoSafeContact(_NOBODY_KNEW)
    return _give_sign(session, safe, account.id, now)


def _give_sign(session: Session, safe: SafeContact, by: UUID, now: datetime) -> datetime:
    if safe.not_safe_since is not None:
        return safe.not_safe_since
    contacts.save_sign(session, safe.pathway_id, now)
    _note(session, safe.pathway_id, EventKind.NOT_SAFE, by, now, {})
    return now


def clear_sign(session: Session, account: Account, pathway_id: UUID, reason: str, now: datetime) -> None:
    """Note that she can be spoken to again, and how that is known.

    Only her fixed contact or the deputy may; raises OnlyFixedContact or NoSafeContact.
    """
    insight = lock(session, account, pathway_id)
    if account.id not in {insight.pathway.contact_id, insight.pathway.deputy_id}:
        raise OnlyFixedContact("Only her fixed contact or the deputy may clear her sign: ask there.")
    if contacts.find_safe_contact(session, pathway_id) is None:
        raise NoSafeContact(_NOBODY_KNEW)
    contacts.save_sign(session, pathway_id, None)
    _note(session, pathway_id, EventKind.CLEARED, account.id, now, {}, reason)


def begin_attempt(
    session: Session, account: Account, pathway_id: UUID, channel: ContactChannel, now: datetime
) -> Attempt:
    """Let somebody try to speak with her now in this way, and keep that they do.

    Raises:
        ContactRefused: They may not; the sentence says what to do.
    """
    insight = lock(session, account, pathway_id)
    must_be_open(insight.pathway)
    safe = contacts.find_safe_contact(session, pathway_id)
    seen = contacts.find_seen(session, pathway_id, account.id)
    if refusal := rules.why_not(safe, seen, channel, now):
        raise ContactRefused(refusal)
    attempt = Attempt(uuid.uuid4(), pathway_id, now, account.id, channel, None, None)
    contacts.add_attempt(session, attempt)
    detail = {"channel": channel.value, "attempt": str(attempt.id)}
    _note(session, pathway_id, EventKind.ATTEMPT, account.id, now, detail)
    return attempt


def note_outcome(
    session: Session,
    account: Account,
    pathway_id: UUID,
    attempt_id: UUID,
    outcome: AttemptOutcome,
    now: datetime,
) -> Attempt:
    """Note what came of a try; her sign, and a wrong code word, stop every further one.

    Raises:
        AttemptNotFound: Not there, or somebody else's.
        AttemptNoted: It has an outcome already.
    """
    lock(session, account, pathway_id)
    attempt = contacts.get_attempt(session, pathway_id, attempt_id)
    if attempt.by != account.id:
        raise AttemptNotFound("There is no such try.")
    if attempt.outcome is not None:
        raise AttemptNoted("The outcome of this try is noted already; it stands.")
    contacts.save_outcome(session, attempt_id, outcome, now)
    detail = {"attempt": str(attempt_id), "outcome": outcome.value}
    _note(session, pathway_id, EventKind.ATTEMPT, account.id, now, detail)
    safe = contacts.find_safe_contact(session, pathway_id)
    if safe is not None and outcome in {AttemptOutcome.NOT_SAFE, AttemptOutcome.WRONG_WORD}:
        _give_sign(session, safe, account.id, now)
    return replace(attempt, outcome=outcome, outcome_at=now)


def _note(
    session: Session,
    pathway_id: UUID,
    kind: EventKind,
    by: UUID,
    now: datetime,
    detail: dict[str, str],
    note: str = "",
) -> None:
    pathways.add_event(session, pathway_id, None, kind, by, now, dict(detail), note)
    audit.record(session, now, by, f"pathways.{kind.value}", pathway_id)

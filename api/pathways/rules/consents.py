"""What may stand in the consent ledger, and when it counts."""

from collections.abc import Collection
from datetime import datetime

from api.pathways.model.consents import (
    MAX_CONSENT,
    MAX_PURPOSE,
    MAX_REASON,
    MAX_UNINFORMED,
    OVERRIDES,
    PARTS,
    BadConsent,
    Consent,
    ConsentDraft,
    Override,
    OverrideDraft,
)


def is_valid(consent: Consent, now: datetime) -> bool:
    """Say whether an agency may still read its copy."""
    return consent.revoked_at is None and now < consent.until


def check_consent(draft: ConsentDraft, sections: Collection[str], now: datetime) -> None:
    """Raise BadConsent, naming each field at fault."""
    faults: dict[str, list[str]] = {}
    if not draft.parts or set(draft.parts) - {*sections, *PARTS}:
        faults["parts"] = ["Name at least one part that there is, and none that there is not."]
    if len(draft.purpose) > MAX_PURPOSE or not draft.purpose.strip():
        faults["purpose"] = [f"Say for what, in at most {MAX_PURPOSE} characters."]
    if not now < draft.until <= now + MAX_CONSENT:
        faults["until"] = [f"Must be after now and within {MAX_CONSENT.days} days."]
    if faults:
        raise BadConsent("This cannot be shared like this.", faults)


def check_override(draft: OverrideDraft, now: datetime) -> None:
    """Raise BadConsent, naming each field at fault."""
    faults: dict[str, list[str]] = {}
    if draft.ground not in OVERRIDES:
        faults["ground"] = ["Without her consent a ground of law is needed."]
    for name, text in (("what", draft.what), ("reason", draft.reason)):
        if not text.strip() or len(text) > MAX_REASON:
            faults[name] = [f"Write it down, in at most {MAX_REASON} characters."]
    if not now.date() <= draft.inform_on <= (now + MAX_UNINFORMED).date():
        faults["inform_on"] = [f"Must be today or within {MAX_UNINFORMED.days} days."]
    if faults:
        raise BadConsent("This cannot be passed on like this.", faults)


def may_know(override: Override, now: datetime) -> bool:
    """Say whether she is shown it: it was confirmed, and she was told or the day has come."""
    is_due = override.informed_at is not None or override.inform_on <= now.date()
    return override.confirmed_by is not None and is_due

"""Decisions about sessions of staff: how long they last, whether one is still good."""

from datetime import datetime, timedelta

from api.accounts.model import STAFF, Account
from api.accounts.model.staff import ENROLMENT_LIFE, IDLE_LIFE, SEEN_EVERY, OpenSession, Purpose
from api.accounts.rules import session_life


def life_of(account: Account, purpose: Purpose) -> timedelta:
    """Return how long a session lasts that is opened now."""
    return ENROLMENT_LIFE if purpose is Purpose.ENROLMENT else session_life(account.role)


def is_alive(account: Account, opened: OpenSession, now: datetime) -> bool:
    """Say whether a session still opens anything: its account may be used, and it is neither over nor idle.

    A protected person's session knows no idleness: her stream must not end while her phone sleeps.
    """
    if account.disabled_at is not None or now >= opened.expires_at:
        return False
    return account.role not in STAFF or now < opened.seen_at + IDLE_LIFE


def is_note_due(account: Account, opened: OpenSession, now: datetime) -> bool:
    """Say whether this use of a session is to be written down."""
    return account.role in STAFF and now >= opened.seen_at + SEEN_EVERY

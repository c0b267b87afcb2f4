"""Decisions about signing in: whether a try is let in, how long an account rests, which PIN is weak."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from api.accounts.model import (
    LOCK_AFTER_FAILURES,
    LOCK_AT_MOST,
    LOCK_FOR,
    PERSON_SESSION_LIFE,
    SESSION_LIFE,
    Account,
    Role,
)


@dataclass(frozen=True, slots=True)
class LoginVerdict:
    """What one try means: whether it is let in, and what the account remembers of it."""

    admitted: bool
    failures: int
    locked_until: datetime | None


def judge_login(account: Account, is_right: bool, now: datetime) -> LoginVerdict:  # noqa: FBT001 - a fact
    """Return whether a try is let in and the account's new failures and rest.

    While the account rests even the right secret is refused, and nothing is counted: a rest that grew
    with each try in it would let anybody who knows the login keep its owner out for ever. A disabled
    account does the same without an end.
    """
    if account.disabled_at is not None:
        return LoginVerdict(admitted=False, failures=account.failures, locked_until=account.locked_until)
    if account.locked_until is not None and now < account.locked_until:
        return LoginVerdict(admitted=False, failures=account.failures, locked_until=account.locked_until)
    if is_right:
        return LoginVerdict(admitted=True, failures=0, locked_until=None)
    failures = account.failures + 1
    if failures < LOCK_AFTER_FAILURES:
        return LoginVerdict(admitted=False, failures=failures, locked_until=None)
    return LoginVerdict(admitted=False, failures=failures, locked_until=now + rest_after(failures))


def rest_after(failures: int) -> timedelta:
    """Return how long an account rests after its `failures`-th wrong secret, >= LOCK_AFTER_FAILURES."""
    doublings = min(failures - LOCK_AFTER_FAILURES, 16)  # far beyond LOCK_AT_MOST; keeps the number small
    return min(LOCK_FOR * (1 << doublings), LOCK_AT_MOST)


def session_life(role: Role) -> timedelta:
    """Return how long a session of this role lasts."""
    return PERSON_SESSION_LIFE if role is Role.PROTECTED_PERSON else SESSION_LIFE


def is_weak_pin(pin: str) -> bool:
    """Say whether a PIN is among the first that somebody would try: runs, repeats, few digits.

    Args:
        pin: Digits only.
    """
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    is_run = len(steps) == 1 and steps <= {0, 1, 9}
    is_repeat = any(pin == (pin[:n] * len(pin))[: len(pin)] for n in (1, 2, 3))
    return is_run or is_repeat or len(set(pin)) < 3

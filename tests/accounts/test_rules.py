"""Laws of letting somebody in, or not."""

import uuid
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.accounts.model import (
    LOCK_AFTER_FAILURES,
    LOCK_AT_MOST,
    LOCK_FOR,
    Account,
    Role,
)
from api.accounts.rules import is_weak_pin, judge_login, rest_after, session_life
from tests.factories import NOW


def make_account(failures: int = 0, rests_s: float | None = None) -> Account:
    locked_until = None if rests_s is None else NOW + timedelta(seconds=rests_s)
    return Account(uuid.UUID(int=1), "x", Role.OPERATOR, None, "", failures, locked_until)


def test_the_right_secret_is_let_in_and_forgets_failures() -> None:
    verdict = judge_login(make_account(failures=4), is_right=True, now=NOW)
    assert (verdict.admitted, verdict.failures, verdict.locked_until) == (True, 0, None)


def test_the_fifth_wrong_secret_makes_the_account_rest() -> None:
    fourth = judge_login(make_account(failures=LOCK_AFTER_FAILURES - 2), is_right=False, now=NOW)
    fifth = judge_login(make_account(failures=LOCK_AFTER_FAILURES - 1), is_right=False, now=NOW)
    assert fourth.locked_until is None
    assert fifth.locked_until == NOW + LOCK_FOR


@given(st.integers(0, 10_000), st.floats(0.001, 1e6), st.booleans())
def test_a_resting_account_lets_nobody_in_and_its_rest_never_grows(
    failures: int,
    rests_s: float,
    is_right: bool,
) -> None:
    account = make_account(failures, rests_s)
    verdict = judge_login(account, is_right, NOW)
    assert (verdict.admitted, verdict.failures, verdict.locked_until) == (
        False,
        failures,
        account.locked_until,
    )


@given(st.integers(0, 10_000), st.none() | st.floats(-1e6, 0))
def test_the_right_secret_after_the_rest_is_let_in(failures: int, rests_s: float | None) -> None:
    assert judge_login(make_account(failures, rests_s), is_right=True, now=NOW).admitted


@given(st.integers(LOCK_AFTER_FAILURES, 10_000))
def test_rest_grows_with_failures_and_stays_bounded(failures: int) -> None:
    assert LOCK_FOR <= rest_after(failures) <= rest_after(failures + 1) <= LOCK_AT_MOST


def test_a_year_of_guessing_finds_a_pin_with_less_than_one_chance_in_twenty() -> None:
    guesses = timedelta(days=365) / LOCK_AT_MOST + 20
    assert guesses / 10**6 < 0.05


def test_a_protected_persons_session_outlives_a_shift() -> None:
    assert session_life(Role.PROTECTED_PERSON) > session_life(Role.SUPERVISOR)


def test_runs_repeats_and_few_digits_are_weak() -> None:
    for pin in ("000000", "123456", "890123", "654321", "210987", "121212", "123123", "112211", "799997"):
        assert is_weak_pin(pin), pin


def test_most_pins_are_not_weak() -> None:
    weak = sum(is_weak_pin(f"{n:06d}") for n in range(0, 1_000_000, 37))
    assert weak < 0.02 * 1_000_000 / 37
    assert not is_weak_pin("295071")

"""Laws of one-time codes, of sessions, and of how often a key may call."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts.memory import KeyRates
from api.accounts.model import PERSON_SESSION_LIFE, SESSION_LIFE, Account, Role
from api.accounts.model.keys import BURST, CALLS_PER_MINUTE, INTEGRATOR, MAX_BUCKETS, ApiKey
from api.accounts.model.staff import (
    ENROLLING,
    ENROLMENT_LIFE,
    IDLE_LIFE,
    RECOVERY_CHARACTERS,
    SEEN_EVERY,
    Enrolling,
    OpenSession,
    Purpose,
    Totp,
)
from api.accounts.rules import totp
from api.accounts.rules.rate import FULL, Bucket, take
from api.accounts.rules.sessions import is_alive, is_note_due, life_of
from tests.factories import NOW

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""The secret of RFC 6238's test vectors, in base32."""
STEP = timedelta(seconds=30)
ACCOUNT = uuid.UUID(int=1)


def factor(last_step: int = -1) -> Totp:
    return Totp(ACCOUNT, SECRET, NOW, last_step)


def account_of(role: Role, disabled_at: datetime | None = None) -> Account:
    return Account(ACCOUNT, "x", role, None, "", 0, None, disabled_at)


def session_of(purpose: Purpose = Purpose.FULL) -> OpenSession:
    return OpenSession(uuid.UUID(int=2), ACCOUNT, purpose, NOW, NOW, NOW + SESSION_LIFE)


@pytest.mark.parametrize(
    ("at_s", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924")],
)
def test_codes_are_those_of_the_standard(at_s: int, code: str) -> None:
    """RFC 6238 appendix B, SHA-1, the last six of its eight digits."""
    at = datetime.fromtimestamp(at_s, UTC)
    assert totp.code_at(SECRET, totp.step_of(at)) == code
    assert totp.matching_step(factor(), code, at) == totp.step_of(at)


@given(st.integers(-5, 5), st.floats(0, 29.9))
def test_a_phone_may_be_one_step_off_and_no_more(steps: int, seconds: float) -> None:
    here = totp.step_of(NOW)
    code = totp.code_at(SECRET, here + steps)
    found = totp.matching_step(factor(), code, NOW + timedelta(seconds=seconds))
    assert found == (here + steps if abs(steps) <= 1 else None)


@given(st.integers(-1, 1), st.integers(-3, 3))
def test_a_code_counts_once_and_no_older_one_after_it(steps: int, last: int) -> None:
    here = totp.step_of(NOW)
    found = totp.matching_step(factor(here + last), totp.code_at(SECRET, here + steps), NOW)
    assert found == (here + steps if steps > last else None)


@given(st.text(max_size=12))
def test_any_other_text_is_no_code(text: str) -> None:
    here = totp.step_of(NOW)
    right = {totp.code_at(SECRET, here + steps) for steps in (-1, 0, 1)}
    assert (totp.matching_step(factor(), text, NOW) is not None) is (text in right)


def test_the_address_in_the_picture_names_house_login_and_secret() -> None:
    uri = totp.uri_of(SECRET, "m de vries")
    assert uri.startswith("otpauth://totp/Baken:m%20de%20vries?")
    assert f"secret={SECRET}" in uri
    assert "issuer=Baken" in uri


@given(st.text(totp.RECOVERY_ALPHABET, min_size=RECOVERY_CHARACTERS, max_size=RECOVERY_CHARACTERS))
def test_a_recovery_code_is_read_back_however_it_is_typed(code: str) -> None:
    shown = totp.written_code(code)
    assert len(shown.split("-")) == 4
    for typed in (shown, shown.lower(), f" {shown.replace('-', ' ')} ", code):
        plain = totp.plain_code(typed)
        assert plain == code
        assert totp.is_recovery_code(plain)


@pytest.mark.parametrize("text", ["", "A" * 15, "A" * 17, "0" * 16, "١" * 16, "123456"])
def test_what_cannot_be_a_recovery_code_is_none(text: str) -> None:
    assert not totp.is_recovery_code(totp.plain_code(text))


@pytest.mark.parametrize(
    ("text", "is_code"), [("123456", True), ("12345", False), ("12345a", False), ("12345٣", False)]
)
def test_six_digits_are_a_code(text: str, is_code: bool) -> None:
    assert totp.is_totp_code(text) is is_code


def test_a_session_of_staff_ends_idle_over_or_with_its_account() -> None:
    staff, opened = account_of(Role.OPERATOR), session_of()
    assert is_alive(staff, opened, NOW + IDLE_LIFE - STEP)
    assert not is_alive(staff, opened, NOW + IDLE_LIFE)
    used = replace(opened, seen_at=NOW + SESSION_LIFE - STEP)
    assert is_alive(staff, used, NOW + SESSION_LIFE - STEP)
    assert not is_alive(staff, used, NOW + SESSION_LIFE)
    assert not is_alive(account_of(Role.OPERATOR, disabled_at=NOW), opened, NOW)


def test_a_protected_persons_session_is_never_idle_and_no_use_of_it_is_written_down() -> None:
    person = account_of(Role.PROTECTED_PERSON)
    assert is_alive(person, session_of(), NOW + SESSION_LIFE - STEP)
    assert not is_note_due(person, session_of(), NOW + SESSION_LIFE)


def test_the_use_of_a_session_is_written_down_once_a_minute() -> None:
    staff = account_of(Role.OPERATOR)
    assert not is_note_due(staff, session_of(), NOW + SEEN_EVERY - STEP)
    assert is_note_due(staff, session_of(), NOW + SEEN_EVERY)


def test_a_session_for_enrolment_is_short_whoevers_it_is() -> None:
    assert life_of(account_of(Role.OPERATOR), Purpose.ENROLMENT) == ENROLMENT_LIFE
    assert life_of(account_of(Role.OPERATOR), Purpose.FULL) == SESSION_LIFE
    assert life_of(account_of(Role.PROTECTED_PERSON), Purpose.FULL) == PERSON_SESSION_LIFE


@given(st.lists(st.floats(0, 5), max_size=300))
def test_in_no_stretch_of_time_does_a_key_call_oftener_than_it_may(gaps_s: list[float]) -> None:
    bucket, now_s, taken = Bucket(FULL, 0.0), 0.0, 0
    for gap_s in gaps_s:
        now_s += gap_s
        bucket, wait_s = take(bucket, now_s)
        taken += wait_s == 0
        assert wait_s >= 0
    assert taken <= BURST + now_s * CALLS_PER_MINUTE / 60 + 1e-6


def test_whoever_waits_as_long_as_was_said_gets_in() -> None:
    bucket, wait_s = take(Bucket(0.25, 0.0), 0.0)
    assert wait_s == pytest.approx(0.075)
    assert take(bucket, wait_s + 1e-9)[1] == 0


def test_a_clock_that_stands_still_gives_nothing() -> None:
    assert take(Bucket(0.0, 10.0), 9.0)[1] > 0


def test_keys_do_not_count_for_each_other_and_only_so_many_are_remembered() -> None:
    rates = KeyRates()
    first = uuid.uuid4()
    assert [rates.wait_s(first, 0.0) for _ in range(BURST)] == [0.0] * BURST
    assert rates.wait_s(first, 0.0) > 0
    for _ in range(MAX_BUCKETS + 50):
        assert rates.wait_s(uuid.uuid4(), 0.0) == 0
    assert len(rates) == MAX_BUCKETS


def test_whoever_enrols_and_whatever_holds_a_key_have_a_role_that_no_account_has() -> None:
    enrolling = Enrolling(account_of(Role.SUPERVISOR))
    key = ApiKey(ACCOUNT, "x", "bk_x", frozenset(), None, NOW, NOW, None, None)
    assert (enrolling.id, enrolling.role, key.role) == (ACCOUNT, ENROLLING, INTEGRATOR)
    assert not {ENROLLING, INTEGRATOR} & set(Role)

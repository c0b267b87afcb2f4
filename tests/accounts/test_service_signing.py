"""Staff's sign-in with password and code, on both databases."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from api.accounts import service
from api.accounts.model import LOCK_AFTER_FAILURES, LOCK_FOR, Account, Refused, Role, SignedIn, WeakSecret
from api.accounts.model.staff import RECOVERY_CODES, AlreadyEnrolled, NoEnrolment
from api.accounts.service import signing
from api.kernel.db import reading, transaction
from tests.accounts.staff import SECRET, acts, add, code_of, enrol, is_in, try_in

STEP = timedelta(seconds=30)


@pytest.fixture
def olga(engine: Engine, now: datetime) -> Account:
    return add(engine, "olga", Role.OPERATOR, now)


def test_without_a_second_factor_the_password_opens_enrolment_and_nothing_else(
    engine: Engine, olga: Account, now: datetime
) -> None:
    outcome = try_in(engine, olga.login, "", now)
    assert isinstance(outcome, SignedIn)
    assert outcome.is_enrolling
    assert not is_in(engine, outcome, now)


def test_where_a_second_factor_is_optional_the_password_opens_everything(
    engine: Engine, olga: Account, now: datetime
) -> None:
    assert is_in(engine, try_in(engine, olga.login, "", now, is_demanded=False), now)


@pytest.mark.parametrize("is_demanded", [True, False])
def test_who_has_a_second_factor_needs_its_code_whatever_the_house_demands(
    engine: Engine, olga: Account, now: datetime, is_demanded: bool
) -> None:
    secret, _codes = enrol(engine, olga, now)
    later = now + STEP
    for code in ("", "000000", code_of(secret, now - 10 * STEP)):
        assert isinstance(try_in(engine, "olga", code, later, is_demanded=is_demanded), Refused)
    outcome = try_in(engine, "olga", code_of(secret, later), later, is_demanded=is_demanded)
    assert is_in(engine, outcome, later)


def test_a_code_counts_once_that_of_enrolment_too(engine: Engine, olga: Account, now: datetime) -> None:
    secret, _codes = enrol(engine, olga, now)
    assert isinstance(try_in(engine, "olga", code_of(secret, now), now), Refused)
    later = now + STEP
    assert is_in(engine, try_in(engine, "olga", code_of(secret, later), later), later)
    assert isinstance(try_in(engine, "olga", code_of(secret, later), later), Refused)


def test_a_right_code_with_a_wrong_password_stays_good_for_its_owner(
    engine: Engine, olga: Account, now: datetime
) -> None:
    secret, _codes = enrol(engine, olga, now)
    later = now + STEP
    assert isinstance(try_in(engine, "olga", code_of(secret, later), later, secret="wrong"), Refused)
    assert is_in(engine, try_in(engine, "olga", code_of(secret, later), later), later)


def test_wrong_codes_and_wrong_passwords_count_together(engine: Engine, olga: Account, now: datetime) -> None:
    secret, _codes = enrol(engine, olga, now)
    later = now + STEP
    for number in range(LOCK_AFTER_FAILURES):
        secret_given = SECRET if number % 2 else "wrong"
        assert isinstance(try_in(engine, "olga", "000000", later, secret=secret_given), Refused)
    assert isinstance(try_in(engine, "olga", code_of(secret, later), later), Refused)
    after = later + LOCK_FOR
    assert is_in(engine, try_in(engine, "olga", code_of(secret, after), after), after)


def test_each_recovery_code_opens_once(engine: Engine, olga: Account, now: datetime) -> None:
    _secret, codes = enrol(engine, olga, now)
    assert len(set(codes)) == RECOVERY_CODES
    assert is_in(engine, try_in(engine, "olga", codes[0].lower(), now), now)
    assert isinstance(try_in(engine, "olga", codes[0], now), Refused)
    assert is_in(engine, try_in(engine, "olga", codes[1].replace("-", " "), now), now)
    with reading(engine) as session:
        assert signing.factor_state(session, olga.id) == (True, RECOVERY_CODES - 2)
    assert "accounts.use_recovery_code" in acts(engine)


def test_a_recovery_code_of_somebody_else_opens_nothing(engine: Engine, olga: Account, now: datetime) -> None:
    enrol(engine, olga, now)
    _secret, codes = enrol(engine, add(engine, "omar", Role.OPERATOR, now), now)
    assert isinstance(try_in(engine, "olga", codes[0], now), Refused)


def test_a_stolen_database_shows_neither_secret_nor_recovery_codes(
    engine: Engine, olga: Account, now: datetime
) -> None:
    secret, codes = enrol(engine, olga, now)
    with reading(engine) as session:
        stored = str(session.execute(text("SELECT * FROM totp")).all())
        stored += str(session.execute(text("SELECT * FROM recovery_code")).all())
    for given in (secret, *codes, *(code.replace("-", "") for code in codes)):
        assert given not in stored


def test_asking_again_makes_another_secret_and_only_the_last_counts(
    engine: Engine, olga: Account, now: datetime
) -> None:
    with transaction(engine) as session:
        first, _uri = signing.begin_enrolment(session, olga, now)
        second, _uri = signing.begin_enrolment(session, olga, now)
    assert first != second
    with transaction(engine) as session:
        assert isinstance(signing.confirm_enrolment(session, olga, code_of(first, now), now), Refused)
    with transaction(engine) as session:
        assert isinstance(signing.confirm_enrolment(session, olga, code_of(second, now), now), list)


def test_a_second_factor_is_set_up_once(engine: Engine, olga: Account, now: datetime) -> None:
    with pytest.raises(NoEnrolment), transaction(engine) as session:
        signing.confirm_enrolment(session, olga, "000000", now)
    secret, _codes = enrol(engine, olga, now)
    with pytest.raises(AlreadyEnrolled), transaction(engine) as session:
        signing.begin_enrolment(session, olga, now)
    later = now + STEP
    with pytest.raises(AlreadyEnrolled), transaction(engine) as session:
        signing.confirm_enrolment(session, olga, code_of(secret, later), later)


def test_guessing_at_the_code_of_enrolment_makes_the_account_rest(
    engine: Engine, olga: Account, now: datetime
) -> None:
    with transaction(engine) as session:
        secret, _uri = signing.begin_enrolment(session, olga, now)
    for _ in range(LOCK_AFTER_FAILURES):
        with transaction(engine) as session:
            signing.confirm_enrolment(session, olga, "000000", now)
    with transaction(engine) as session:
        assert isinstance(signing.confirm_enrolment(session, olga, code_of(secret, now), now), Refused)


def test_enrolling_ends_every_other_session(engine: Engine, olga: Account, now: datetime) -> None:
    before = try_in(engine, "olga", "", now, is_demanded=False)
    enrol(engine, olga, now)
    assert not is_in(engine, before, now)


def test_own_sessions_are_listed_and_ended_and_no_colleagues(
    engine: Engine, olga: Account, now: datetime
) -> None:
    omar = add(engine, "omar", Role.OPERATOR, now)
    his = try_in(engine, "omar", "", now, is_demanded=False)
    first, second, third = (try_in(engine, "olga", "", now, is_demanded=False) for _ in range(3))
    assert isinstance(first, SignedIn)
    assert isinstance(second, SignedIn)
    with transaction(engine) as session:
        own = service.find_session(session, first.token, now)
        other = service.find_session(session, second.token, now)
        assert own is not None
        assert other is not None
        his_id = signing.list_sessions(session, omar, now)[0].id
        assert signing.end_sessions(session, olga, his_id, own[1].id, now) == 0
        assert signing.end_sessions(session, olga, other[1].id, own[1].id, now) == 1
        assert len(signing.list_sessions(session, olga, now)) == 2
        assert signing.end_sessions(session, olga, None, own[1].id, now) == 1
        assert [one.id for one in signing.list_sessions(session, olga, now)] == [own[1].id]
        assert signing.list_sessions(session, olga, now + timedelta(days=1)) == []
    assert is_in(engine, first, now)
    assert not is_in(engine, second, now)
    assert not is_in(engine, third, now)
    assert is_in(engine, his, now)


def test_one_changes_ones_own_password_with_the_old_one(engine: Engine, olga: Account, now: datetime) -> None:
    other = try_in(engine, "olga", "", now, is_demanded=False)
    this = try_in(engine, "olga", "", now, is_demanded=False)
    assert isinstance(this, SignedIn)
    hashed = signing.hash_secret("a new horse")
    with transaction(engine) as session:
        found = service.find_session(session, this.token, now)
        assert found is not None
        assert not signing.change_secret(session, olga, False, hashed, found[1].id, now)
    assert is_in(engine, other, now)
    with transaction(engine) as session:
        assert signing.change_secret(session, olga, True, hashed, found[1].id, now)
    assert not is_in(engine, other, now)
    assert is_in(engine, this, now)
    assert isinstance(try_in(engine, "olga", "", now), Refused)
    assert isinstance(try_in(engine, "olga", "", now, secret="a new horse"), SignedIn)


def test_a_new_password_that_is_short_is_refused() -> None:
    with pytest.raises(WeakSecret):
        signing.hash_secret("seven77")


def test_an_unknown_login_is_refused_whatever_the_code(engine: Engine, now: datetime) -> None:
    assert try_in(engine, "nobody", "123456", now) == Refused()
    assert acts(engine) == ["accounts.sign_in_refused"]

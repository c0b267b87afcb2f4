"""Signing in on both databases."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from api.accounts import service
from api.accounts.model import (
    LOCK_AFTER_FAILURES,
    LOCK_FOR,
    SESSION_LIFE,
    STAFF,
    Account,
    LoginTaken,
    Refused,
    Role,
    SignedIn,
    WeakSecret,
)
from api.accounts.service import signing
from api.kernel.db import reading, transaction

PERSON = frozenset({Role.PROTECTED_PERSON})


@pytest.fixture
def operator(engine: Engine, now: datetime) -> Account:
    with transaction(engine) as session:
        return service.add_account(session, "olga", "correct horse", Role.OPERATOR, None, now)


def try_in(
    engine: Engine, login: str, secret: str, now: datetime, roles: frozenset[Role] = STAFF
) -> SignedIn | Refused:
    with reading(engine) as session:
        account = service.find_account(session, login, roles)
    is_right = service.is_secret_of(account, secret)
    with transaction(engine) as session:
        return signing.sign_in(session, account, is_right, "", now, is_demanded=False)


def who(engine: Engine, token: str, now: datetime) -> Account | None:
    with reading(engine) as session:
        return service.identify(session, token, now)


@pytest.mark.usefixtures("operator")
def test_a_session_names_its_account_until_it_expires(engine: Engine, now: datetime) -> None:
    signed_in = try_in(engine, "olga", "correct horse", now)
    assert isinstance(signed_in, SignedIn)
    for at in (now + timedelta(minutes=25) * count for count in range(1, 29)):  # in use all the time
        with transaction(engine) as session:
            found = service.find_session(session, signed_in.token, at)
            assert found is not None
            service.note_seen(session, found[1], at)
    account = who(engine, signed_in.token, now + SESSION_LIFE - timedelta(seconds=1))
    assert account is not None
    assert account.login == "olga"
    assert who(engine, signed_in.token, now + SESSION_LIFE) is None


@pytest.mark.usefixtures("operator")
def test_signing_out_ends_this_session_and_no_other(engine: Engine, now: datetime) -> None:
    first, second = (try_in(engine, "olga", "correct horse", now) for _ in range(2))
    assert isinstance(first, SignedIn)
    assert isinstance(second, SignedIn)
    with transaction(engine) as session:
        service.sign_out(session, first.token)
    assert who(engine, first.token, now) is None
    assert who(engine, second.token, now) is not None


@pytest.mark.usefixtures("operator")
def test_no_token_and_no_secret_is_stored_in_clear(engine: Engine, now: datetime) -> None:
    signed_in = try_in(engine, "olga", "correct horse", now)
    assert isinstance(signed_in, SignedIn)
    with reading(engine) as session:
        stored = str(session.execute(text("SELECT * FROM session")).all())
        stored += str(session.execute(text("SELECT * FROM account")).all())
    assert signed_in.token not in stored
    assert "correct horse" not in stored


@pytest.mark.usefixtures("operator")
def test_failures_are_counted_until_the_account_rests_and_the_right_secret_is_refused_too(
    engine: Engine, now: datetime
) -> None:
    for _ in range(LOCK_AFTER_FAILURES):
        assert isinstance(try_in(engine, "olga", "wrong", now), Refused)
    assert isinstance(try_in(engine, "olga", "correct horse", now), Refused)
    assert isinstance(try_in(engine, "olga", "correct horse", now + LOCK_FOR), SignedIn)


def test_guesses_sent_at_once_are_judged_one_after_the_other(
    engine: Engine, operator: Account, now: datetime
) -> None:
    """All read the account before any failure was written; the right one among them comes too late."""
    for _ in range(LOCK_AFTER_FAILURES):
        with transaction(engine) as session:
            signing.sign_in(session, operator, False, "", now, is_demanded=False)
    with transaction(engine) as session:
        outcome = signing.sign_in(session, operator, True, "", now, is_demanded=False)
    assert isinstance(outcome, Refused)


@pytest.mark.usefixtures("operator")
def test_an_unknown_login_is_refused_like_a_wrong_secret(engine: Engine, now: datetime) -> None:
    assert try_in(engine, "nobody", "correct horse", now) == try_in(engine, "olga", "wrong", now)


@pytest.mark.usefixtures("operator")
def test_staff_cannot_sign_in_where_protected_persons_do(engine: Engine, now: datetime) -> None:
    assert isinstance(try_in(engine, "olga", "correct horse", now, PERSON), Refused)


@pytest.mark.usefixtures("operator")
def test_a_login_belongs_to_one_account(engine: Engine, now: datetime) -> None:
    with pytest.raises(LoginTaken), transaction(engine) as session:
        service.add_account(session, "olga", "another one", Role.SUPERVISOR, None, now)


def test_a_short_password_is_refused(engine: Engine, now: datetime) -> None:
    with pytest.raises(WeakSecret) as refusal, transaction(engine) as session:
        service.add_account(session, "olga", "seven77", Role.OPERATOR, None, now)
    assert "secret" in refusal.value.fields


@pytest.mark.usefixtures("operator")
def test_expired_sessions_are_forgotten_at_the_next_sign_in(engine: Engine, now: datetime) -> None:
    try_in(engine, "olga", "correct horse", now)
    try_in(engine, "olga", "correct horse", now + SESSION_LIFE)
    with reading(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM session")) == 1


def test_every_try_is_in_the_audit_trail(engine: Engine, operator: Account, now: datetime) -> None:
    try_in(engine, "olga", "wrong", now)
    try_in(engine, "nobody", "wrong", now)
    try_in(engine, "olga", "correct horse", now)
    with reading(engine) as session:
        acts = session.execute(text("SELECT act, object_id FROM audit")).all()
    assert sorted(act for act, _ in acts) == [
        "accounts.add",
        "accounts.sign_in",
        "accounts.sign_in_refused",
        "accounts.sign_in_refused",
    ]
    named = {uuid.UUID(str(object_id)) for _, object_id in acts if object_id}
    assert named == {operator.id}

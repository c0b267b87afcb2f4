"""What a supervisor does with colleagues' accounts, on both databases."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.accounts.model import Account, LoginTaken, Refused, Role, SignedIn
from api.accounts.model.staff import AccountNotFound, NotSupervisor, OwnAccount
from api.accounts.service import administration, signing
from api.kernel.db import reading, transaction
from tests.accounts.persons import account_of, add_person
from tests.accounts.staff import acts, add, enrol, is_in, try_in

HASH = administration.new_secret()[1]
Act = Callable[[Session, uuid.UUID, uuid.UUID, datetime], Any]


def make_auditor(session: Session, whose: uuid.UUID, actor: uuid.UUID, now: datetime) -> Any:
    return administration.give_role(session, whose, Role.AUDITOR, actor, now)


def reset_secret(session: Session, whose: uuid.UUID, actor: uuid.UUID, now: datetime) -> Any:
    return administration.reset_secret(session, whose, HASH, actor, now)


ACTS: list[Act] = [
    make_auditor,
    administration.disable,
    administration.enable,
    administration.reset_totp,
    reset_secret,
]


@pytest.fixture
def chief(engine: Engine, now: datetime) -> Account:
    return add(engine, "chief", Role.SUPERVISOR, now)


@pytest.fixture
def olga(engine: Engine, now: datetime) -> Account:
    return add(engine, "olga", Role.OPERATOR, now)


def test_an_account_is_made_with_a_password_that_works(engine: Engine, chief: Account, now: datetime) -> None:
    secret, hashed = administration.new_secret()
    assert len(secret) == 16
    with transaction(engine) as session:
        made = administration.add_staff(session, "omar", Role.AUDITOR, hashed, chief.id, now)
        assert administration.count_staff(session) == 2
        assert [one.login for one in administration.page_staff(session, 0, 10)] == ["chief", "omar"]
        assert administration.page_staff(session, 1, 10) == [made]
        assert administration.find_staff_named(session, "omar") == made
    assert (made.role, made.has_totp, made.has_oidc, made.disabled_at) == ("auditor", False, False, None)
    assert isinstance(try_in(engine, "omar", "", now, secret=secret), SignedIn)


def test_a_login_is_one_accounts(engine: Engine, chief: Account, now: datetime) -> None:
    with pytest.raises(LoginTaken), transaction(engine) as session:
        administration.add_staff(session, "chief", Role.AUDITOR, HASH, chief.id, now)


def test_no_protected_person_is_made_as_staff(engine: Engine, chief: Account, now: datetime) -> None:
    with pytest.raises(ValueError, match="protected person"), transaction(engine) as session:
        administration.add_staff(session, "x", Role.PROTECTED_PERSON, HASH, chief.id, now)


@pytest.mark.parametrize("act", ACTS)
def test_a_protected_persons_account_is_not_there(
    engine: Engine, chief: Account, now: datetime, act: Act
) -> None:
    with transaction(engine) as session:
        number, _pin = add_person(session, uuid.uuid4(), now)
        hers = account_of(session, number)
    assert hers is not None
    for account_id in (hers.id, uuid.uuid4()):
        with pytest.raises(AccountNotFound), transaction(engine) as session:
            act(session, account_id, chief.id, now)
    with reading(engine) as session:
        assert account_of(session, number) == hers
        with pytest.raises(AccountNotFound):
            administration.find_staff_named(session, hers.login)


@pytest.mark.parametrize("act", ACTS)
def test_nobody_does_it_to_her_own_account(engine: Engine, chief: Account, now: datetime, act: Act) -> None:
    with pytest.raises(OwnAccount), transaction(engine) as session:
        act(session, chief.id, chief.id, now)


@pytest.mark.parametrize("act", ACTS)
def test_whoever_is_no_longer_a_supervisor_does_nothing(
    engine: Engine, chief: Account, olga: Account, now: datetime, act: Act
) -> None:
    """Two who close each other's account at once: the second one comes too late."""
    second = add(engine, "second", Role.SUPERVISOR, now)
    with transaction(engine) as session:
        administration.disable(session, second.id, chief.id, now)
    for actor in (second.id, olga.id, uuid.uuid4()):
        with pytest.raises(NotSupervisor), transaction(engine) as session:
            act(session, chief.id, actor, now)


@pytest.mark.parametrize("act", ACTS)
def test_the_colleagues_sessions_end(
    engine: Engine, chief: Account, olga: Account, now: datetime, act: Act
) -> None:
    before = try_in(engine, "olga", "", now, is_demanded=False)
    with transaction(engine) as session:
        act(session, olga.id, chief.id, now)
    assert not is_in(engine, before, now)


def test_a_closed_account_is_closed_until_it_is_opened(
    engine: Engine, chief: Account, olga: Account, now: datetime
) -> None:
    later = now + timedelta(hours=1)
    with transaction(engine) as session:
        assert administration.disable(session, olga.id, chief.id, now).disabled_at == now
        assert administration.disable(session, olga.id, chief.id, later).disabled_at == now
    assert isinstance(try_in(engine, "olga", "", now), Refused)
    with transaction(engine) as session:
        assert administration.enable(session, olga.id, chief.id, now).disabled_at is None
    assert isinstance(try_in(engine, "olga", "", now), SignedIn)
    assert [act for act in acts(engine) if act in {"accounts.disable", "accounts.enable"}] == [
        "accounts.disable",
        "accounts.enable",
    ]


def test_a_lost_phone_is_answered_by_enrolling_anew(
    engine: Engine, chief: Account, olga: Account, now: datetime
) -> None:
    _secret, codes = enrol(engine, olga, now)
    with reading(engine) as session:
        assert administration.get_staff(session, olga.id).has_totp
    with transaction(engine) as session:
        assert not administration.reset_totp(session, olga.id, chief.id, now).has_totp
        assert signing.factor_state(session, olga.id) == (False, 0)
    outcome = try_in(engine, "olga", codes[0], now)
    assert isinstance(outcome, SignedIn)
    assert outcome.is_enrolling


def test_a_new_password_leaves_the_second_factor_as_it_is(
    engine: Engine, chief: Account, olga: Account, now: datetime
) -> None:
    enrol(engine, olga, now)
    secret, hashed = administration.new_secret()
    with transaction(engine) as session:
        assert administration.reset_secret(session, olga.id, hashed, chief.id, now).has_totp
    assert isinstance(try_in(engine, "olga", "", now, secret=secret), Refused)


def test_another_role_counts_at_once(engine: Engine, chief: Account, olga: Account, now: datetime) -> None:
    with transaction(engine) as session:
        assert administration.give_role(session, olga.id, Role.AUDITOR, chief.id, now).role == "auditor"
    outcome = try_in(engine, "olga", "", now, is_demanded=False)
    assert isinstance(outcome, SignedIn)
    assert outcome.account.role is Role.AUDITOR


def test_the_command_line_needs_no_supervisor(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        made = administration.add_staff(session, "first", Role.SUPERVISOR, HASH, None, now)
        administration.reset_totp(session, made.id, None, now)
    assert acts(engine) == ["accounts.add", "accounts.reset_totp"]

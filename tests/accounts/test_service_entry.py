"""What a protected person's PIN opens, on both databases."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from api.accounts import service
from api.accounts.model import PERSON_SESSION_LIFE, Account, Role
from api.accounts.model.entry import (
    CODE_LIFE,
    ENTRY_LIFE,
    TRY_COSTS,
    Closed,
    CodeNotFound,
    Duress,
    Entered,
    EntryNotFound,
    PersonHasAccount,
    Side,
    UnfitPin,
)
from api.accounts.rules import is_weak_pin
from api.kernel.db import Base, make_engine, reading, transaction
from tests.accounts.her import PIN, SECOND, WRONG, Her
from tests.conftest import SERVER_KEY


@pytest.fixture
def her(engine: Engine, now: datetime) -> Her:
    return Her(engine, now)


def test_a_number_is_like_a_phones_and_a_pin_of_ours_is_not_weak() -> None:
    new = service.prepare_person()
    assert len(new.number) == 16
    assert new.number.isdigit()
    assert new.number.startswith("00")
    assert len(new.pin) == 6
    assert not is_weak_pin(new.pin)


def test_a_weak_pin_of_hers_is_refused() -> None:
    with pytest.raises(UnfitPin):
        service.prepare_person("123456")


def test_her_pin_opens_the_real_side_and_a_wrong_one_nothing(her: Her) -> None:
    outcome = her.enter(PIN)
    assert isinstance(outcome, Entered)
    assert outcome.opened.side is Side.REAL
    with reading(her.engine) as session:
        assert service.find_opened(session, her.account, outcome.token, her.now) == outcome.opened
    wrong = her.enter(WRONG)
    assert isinstance(wrong, Closed)
    with reading(her.engine) as session, pytest.raises(EntryNotFound):
        service.find_opened(session, her.account, wrong.token, her.now)


def test_what_is_open_closes_by_itself_by_her_and_is_nobody_elses(her: Her, engine: Engine) -> None:
    outcome = her.enter(PIN)
    other = Her(engine, her.now)
    with reading(engine) as session:
        with pytest.raises(EntryNotFound):
            service.find_opened(session, her.account, outcome.token, her.now + ENTRY_LIFE)
        with pytest.raises(EntryNotFound):
            service.find_opened(session, other.account, outcome.token, her.now)
    with transaction(engine) as session:
        service.close(session, outcome.token)
    with reading(engine) as session, pytest.raises(EntryNotFound):
        service.find_opened(session, her.account, outcome.token, her.now)


def test_the_right_pin_with_another_number_opens_nothing(her: Her) -> None:
    with reading(her.engine) as session:
        held = service.hold(session, her.account)
    assert service.try_pin(held, bytes(32), PIN).content is None


def test_wrong_tries_are_spent_and_no_right_one_gives_them_back(her: Her) -> None:
    """Each use of the second PIN forgot the guesses: who had it could guess hers without end."""
    her.set_second()
    for _try in range(5):
        assert isinstance(her.enter(PIN), Entered)
        assert isinstance(her.enter(SECOND), Entered)
        assert isinstance(her.enter(WRONG), Closed)
    for pin in (PIN, SECOND, WRONG):
        assert isinstance(her.enter(pin), Closed)
    assert isinstance(her.enter(PIN, TRY_COSTS), Entered)
    assert isinstance(her.enter(WRONG, TRY_COSTS), Closed)
    assert isinstance(her.enter(PIN, TRY_COSTS), Closed)


def test_a_second_pin_opens_the_other_side_whose_key_she_holds(her: Her) -> None:
    her.set_second()
    real, decoy = her.opened(PIN), her.opened(SECOND)
    assert (real.side, decoy.side) == (Side.REAL, Side.DECOY)
    assert decoy.key == real.decoy_key
    assert decoy.decoy_key is None
    assert {real.index, decoy.index} == {0, 1}
    assert real.key != decoy.key


def test_a_second_pin_is_set_from_her_side_only_and_can_be_taken_away(her: Her) -> None:
    her.set_second()
    with pytest.raises(EntryNotFound):
        her.set_second("551738", by=SECOND)
    with pytest.raises(EntryNotFound):
        her.set_second("551738", by=WRONG)
    her.set_second(None)
    assert isinstance(her.enter(SECOND), Closed)
    assert her.opened(PIN).side is Side.REAL


@pytest.mark.parametrize("unfit", ["111111", "123456", PIN])
def test_a_second_pin_is_no_weak_one_and_not_her_own(her: Her, unfit: str) -> None:
    with pytest.raises(UnfitPin):
        her.set_second(unfit)


def test_either_side_changes_its_own_pin(her: Her) -> None:
    her.set_second()
    her.change(PIN, "381640")
    her.change(SECOND, "602947")
    assert her.opened("381640").side is Side.REAL
    assert her.opened("602947").side is Side.DECOY
    assert isinstance(her.enter(PIN), Closed)
    with pytest.raises(UnfitPin):
        her.change("381640", "602947")
    with pytest.raises(EntryNotFound):
        her.change(PIN, "917350")


def test_the_other_side_is_never_told_whether_a_pin_is_hers(her: Her) -> None:
    her.set_second()
    her.change(SECOND, PIN)  # as any other: no answer says that somebody has this one
    assert her.opened(PIN).side is Side.DECOY
    her.change(PIN, "602947")
    assert her.opened(PIN).side is Side.REAL


def test_two_who_change_at_once_do_not_overwrite_each_other(her: Her) -> None:
    with reading(her.engine) as session:
        held = service.hold(session, her.account)
    trial = service.try_pin(held, her.new.number_key, PIN)
    changed = service.change_pin(held, her.new.number_key, trial, "381640")
    her.change(PIN, "602947")
    with pytest.raises(EntryNotFound), transaction(her.engine) as session:
        service.save_slots(session, held, changed, "")
    assert isinstance(her.enter("602947"), Entered)


def test_a_pin_that_was_changed_while_it_was_tried_opens_nothing(her: Her) -> None:
    with reading(her.engine) as session:
        held = service.hold(session, her.account)
    trial = service.try_pin(held, her.new.number_key, PIN)
    her.change(PIN, "381640")
    with transaction(her.engine) as session:
        assert isinstance(service.enter(session, held, trial, her.now), Closed)


def test_hiding_for_days_shows_the_other_side_for_her_own_pin_too(her: Her) -> None:
    her.set_second(duress=Duress(hide_days=3))
    before = her.enter(PIN)
    assert isinstance(before, Entered)
    assert before.opened.side is Side.REAL
    her.opened(SECOND)
    with reading(her.engine) as session, pytest.raises(EntryNotFound):
        service.find_opened(session, her.account, before.token, her.now)
    hidden = her.opened(PIN, timedelta(days=2, hours=23))
    assert hidden == replace(her.opened(SECOND, timedelta(days=1)), duress=Duress())
    assert her.opened(PIN, timedelta(days=3)).side is Side.REAL  # later uses did not make it longer


def test_while_hers_is_hidden_her_own_pin_changes_and_ends_nothing_of_it(her: Her) -> None:
    her.set_second(duress=Duress(hide_days=3))
    her.opened(SECOND)
    her.change(PIN, "381640")
    with pytest.raises(EntryNotFound):
        her.set_second("602947")
    assert not her.forget(PIN)
    assert isinstance(her.enter(SECOND), Closed)
    assert her.opened(PIN, timedelta(days=3)).side is Side.REAL


def test_erasing_destroys_her_side_and_leaves_the_other(her: Her) -> None:
    her.set_second(duress=Duress(erases=True))
    open_elsewhere = her.enter(PIN)
    decoy = her.opened(SECOND)
    assert decoy.side is Side.DECOY
    assert isinstance(her.enter(PIN), Closed)
    with reading(her.engine) as session, pytest.raises(EntryNotFound):
        service.find_opened(session, her.account, open_elsewhere.token, her.now)
    assert her.opened(SECOND) == decoy


def test_a_backup_without_the_halves_opens_nothing_after_she_had_it_forgotten(her: Her) -> None:
    her.set_second()
    with reading(her.engine) as session:
        backup = service.hold(session, her.account).slots
    assert her.forget(PIN)
    with reading(her.engine) as session:
        after = service.hold(session, her.account)
    restored = replace(after, slots=replace(backup, halves=after.slots.halves))
    for pin in (PIN, SECOND):
        assert service.try_pin(after, her.new.number_key, pin).content is None
        assert service.try_pin(restored, her.new.number_key, pin).content is None


def test_who_forgets_from_the_other_side_leaves_hers_as_it_was(her: Her) -> None:
    her.set_second()
    before = her.opened(PIN)
    assert not her.forget(SECOND)
    assert isinstance(her.enter(SECOND), Closed)
    assert her.opened(PIN) == before
    with pytest.raises(EntryNotFound):
        her.forget(WRONG)


def test_only_a_second_pin_that_she_chose_so_calls_for_help(her: Her) -> None:
    her.set_second(duress=Duress(calls_help=True))
    own, second = her.enter(PIN), her.enter(SECOND)
    assert isinstance(own, Entered)
    assert isinstance(second, Entered)
    assert (own.calls_help, second.calls_help) == (False, True)


def test_every_try_makes_the_same_statements_and_rows_of_the_same_size(her: Her) -> None:
    her.set_second(duress=Duress(hide_days=1))
    seen: list[list[str]] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen[-1].append(statement)

    event.listen(her.engine, "before_cursor_execute", note)
    sizes = []
    for pin in (PIN, SECOND, WRONG, PIN):
        seen.append([])
        her.enter(pin)
        with her.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT length(salt), length(first), length(second), length(hidden_until) FROM pin_slots"
                )
            ).all()
            entries = connection.execute(text("SELECT length(box), length(token_hash) FROM entry")).all()
        sizes.append((rows, entries[-1]))
    event.remove(her.engine, "before_cursor_execute", note)
    seen.append([])
    assert all(statements == seen[0] for statements in seen[:4])
    assert all(size == sizes[0] for size in sizes)


def test_a_try_at_a_number_that_nobody_has_makes_the_same_statements(her: Her) -> None:
    seen: list[list[str]] = [[], []]

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen[-1].append(statement)

    def enter(account: Account | None) -> None:
        with reading(her.engine) as session:
            held = service.hold(session, account)
        trial = service.try_pin(held, her.new.number_key, WRONG)
        with transaction(her.engine) as session:
            assert isinstance(service.enter(session, held, trial, her.now), Closed)

    event.listen(her.engine, "before_cursor_execute", note)
    enter(None)
    seen.append([])
    enter(her.account)
    event.remove(her.engine, "before_cursor_execute", note)
    assert seen[-1] == seen[-2]


def test_no_row_holds_number_pin_or_whether_there_is_a_second_one(her: Her) -> None:
    def dump() -> str:
        with her.engine.connect() as connection:
            tables = ("account", "pin_slots", "pin_half", "entry", "audit")
            return "".join(
                str(connection.execute(Base.metadata.tables[one].select()).all()) for one in tables
            )

    her.set_second()
    her.enter(SECOND)
    stored = dump()
    for secret in (her.new.number, PIN, SECOND, "decoy", "real"):
        assert secret not in stored


def test_a_stolen_database_and_its_key_do_not_open_without_the_number(her: Her) -> None:
    """What is stored is opened with the server key by the store itself; the number's key is in no table."""
    with reading(her.engine) as session:
        held = service.hold(session, her.account)
    assert held.account is not None
    assert service.try_pin(held, bytes.fromhex(held.account.login), PIN).content is None


def test_a_session_can_try_pins_and_only_with_its_token(her: Her) -> None:
    with transaction(her.engine) as session:
        token = service.open_session(session, her.account, her.now)
        service.remember_number(session, token, her.new.number_key)
    with reading(her.engine) as session:
        assert service.number_key_of(session, token) == her.new.number_key
        assert service.number_key_of(session, "another") != her.new.number_key
        later = her.now + PERSON_SESSION_LIFE - timedelta(seconds=1)
        assert service.identify(session, token, later) is not None
    with transaction(her.engine) as session:
        service.sign_out(session, token)
        assert service.number_key_of(session, token) != her.new.number_key


def test_another_account_takes_the_place_of_the_first_which_keeps_what_is_its_own(her: Her) -> None:
    person_id = her.account.person_id
    assert person_id is not None
    with transaction(her.engine) as session:
        old = service.open_session(session, her.account, her.now)
    before, again = her.opened(PIN), service.prepare_person(PIN)
    with transaction(her.engine) as session:
        account = service.add_person_account(session, person_id, again, her.now)
    assert account.id != her.account.id
    assert account.person_id == person_id
    with reading(her.engine) as session:
        assert service.identify(session, old, her.now) is None
        kept = service.find_account(session, her.new.lookup, {Role.PROTECTED_PERSON})
        held = service.hold(session, account)
    assert kept is not None
    assert kept.person_id != person_id  # no alert of hers reaches it any more
    assert her.opened(PIN) == before
    content = service.try_pin(held, again.number_key, PIN).content
    assert content is not None
    assert content.vault_id != before.vault_id


def test_a_code_makes_one_account_and_then_nothing(engine: Engine, now: datetime) -> None:
    staff = uuid.uuid4()
    with transaction(engine) as session:
        code, typed = service.make_code(session, None, staff, now)
    assert code.expires_at == now + CODE_LIFE
    with transaction(engine) as session:
        account, for_id = service.start(session, typed, service.prepare_person(PIN), now)
    assert for_id is None
    assert account.person_id == code.person_id
    with pytest.raises(CodeNotFound), transaction(engine) as session:
        service.start(session, typed, service.prepare_person(PIN), now)


def test_a_code_that_is_too_old_wrong_or_overtaken_makes_nothing(engine: Engine, now: datetime) -> None:
    person_id, new = uuid.uuid4(), service.prepare_person(PIN)
    with transaction(engine) as session:
        _code, old = service.make_code(session, None, uuid.uuid4(), now)
        _code, hers = service.make_code(session, person_id, uuid.uuid4(), now)
        service.add_person_account(session, person_id, new, now)
        with pytest.raises(PersonHasAccount):
            service.make_code(session, person_id, uuid.uuid4(), now)
    for typed, at in ((old, now + CODE_LIFE), ("0123456789", now), (hers, now)):
        with pytest.raises(CodeNotFound), transaction(engine) as session:
            service.start(session, typed, service.prepare_person("840362"), at)


def test_a_changed_server_key_is_taken_over_and_can_be_repeated(engine: Engine, now: datetime) -> None:
    her = Her(engine, now)
    her.set_second()
    other = make_engine(str(engine.url.render_as_string(hide_password=False)), bytes(32))
    for _twice in range(2):
        with transaction(other) as session:
            last, count = service.reseal_slots(session, SERVER_KEY, 10, None)
            assert (last, count) == (her.account.id, 1)
            assert service.reseal_slots(session, SERVER_KEY, 10, last) == (None, 0)
    her.engine = other
    assert her.opened(PIN).side is Side.REAL
    assert her.opened(SECOND).side is Side.DECOY
    other.dispose()

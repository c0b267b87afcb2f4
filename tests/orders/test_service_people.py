"""Wearers and protected persons on both databases."""

import uuid
from datetime import datetime

import pytest
from sqlalchemy import Engine, text

from api.accounts import service as accounts
from api.kernel.crypto import Undecipherable
from api.kernel.db import make_engine, reading, transaction
from api.orders import service
from api.orders.model import PersonNotFound, ReferenceTaken, WearerNotFound
from tests.accounts.persons import account_of
from tests.orders.register import add_person, add_wearer

ACTOR = uuid.UUID(int=9)


def audited(engine: Engine, act: str) -> list[uuid.UUID]:
    query = text("SELECT object_id FROM audit WHERE act = :act AND actor_id = :actor ORDER BY at")
    with reading(engine) as session:
        actor: object = ACTOR.hex if engine.dialect.name == "sqlite" else ACTOR
        return [uuid.UUID(str(value)) for value in session.scalars(query, {"act": act, "actor": actor})]


def test_people_are_given_back_as_they_were_registered(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        wearer = service.add_wearer(session, "W-1", "Jan Łukasz 李", ACTOR, now)
        person = service.add_person(session, "P-1", "Zoë O'Neill", ACTOR, now)
    with transaction(engine) as session:
        assert service.get_wearer(session, wearer.id, ACTOR, now) == wearer
        assert service.get_person(session, person.id, ACTOR, now) == person


def test_no_name_stands_in_the_database(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        service.add_wearer(session, "W-1", "Jan Jansen", ACTOR, now)
        service.add_person(session, "P-1", "Anna de Vries", ACTOR, now)
    with reading(engine) as session:
        stored = [
            bytes(value)
            for table in ("wearer", "protected_person")
            for value in session.scalars(text(f"SELECT name_sealed FROM {table}"))  # noqa: S608 - fixed words
        ]
    assert len(stored) == 2
    assert not any(b"Jan" in value or b"Anna" in value for value in stored)


def test_a_name_opens_with_its_key_and_in_its_row_only(
    engine: Engine, database_url: str, now: datetime
) -> None:
    with transaction(engine) as session:
        first = service.add_person(session, "P-1", "Anna", ACTOR, now)
        service.add_person(session, "P-2", "Bea", ACTOR, now)
    stranger = make_engine(database_url, bytes(32))
    with pytest.raises(Undecipherable), transaction(stranger) as session:
        service.get_person(session, first.id, ACTOR, now)
    stranger.dispose()
    swap = "UPDATE protected_person SET name_sealed = (SELECT name_sealed FROM protected_person o"
    with transaction(engine) as session:
        session.execute(text(f"{swap} WHERE o.reference = 'P-2') WHERE reference = 'P-1'"))
    with pytest.raises(Undecipherable), transaction(engine) as session:
        service.get_person(session, first.id, ACTOR, now)


def test_without_a_key_nothing_is_written_in_clear(database_url: str, now: datetime) -> None:
    keyless = make_engine(database_url)
    with pytest.raises(RuntimeError, match="server_key"), transaction(keyless) as session:
        service.add_person(session, "P-1", "Anna", ACTOR, now)
    keyless.dispose()


def test_a_reference_belongs_to_one_wearer_and_one_person(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        service.add_wearer(session, "R-1", "Jan", ACTOR, now)
        service.add_person(session, "R-1", "Anna", ACTOR, now)
    with pytest.raises(ReferenceTaken), transaction(engine) as session:
        service.add_wearer(session, "R-1", "Piet", ACTOR, now)
    with pytest.raises(ReferenceTaken), transaction(engine) as session:
        service.add_person(session, "R-1", "Bea", ACTOR, now)


def test_people_who_are_not_there_are_not_found(engine: Engine, now: datetime) -> None:
    with pytest.raises(WearerNotFound), transaction(engine) as session:
        service.get_wearer(session, uuid.uuid4(), ACTOR, now)
    with pytest.raises(PersonNotFound), transaction(engine) as session:
        service.get_person(session, uuid.uuid4(), ACTOR, now)
    with pytest.raises(PersonNotFound), transaction(engine) as session:
        service.give_account(session, uuid.uuid4(), accounts.prepare_person(), ACTOR, now)


def test_whoever_reads_a_name_alone_or_in_a_list_is_written_down(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        one, two = (
            service.add_person(session, reference, "Anna", ACTOR, now).id for reference in ("P-1", "P-2")
        )
        wearer = service.add_wearer(session, "W-1", "Jan", ACTOR, now).id
    with transaction(engine) as session:
        service.get_person(session, one, ACTOR, now)
        service.get_wearer(session, wearer, ACTOR, now)
        service.list_persons(session, 1, 10, ACTOR, now)
    assert sorted(audited(engine, "orders.read_name"), key=str) == sorted([one, wearer, two], key=str)


def test_lists_are_cut_by_reference(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        for n in (3, 1, 2):
            service.add_wearer(session, f"W-{n}", "Jan", ACTOR, now)
            service.add_person(session, f"P-{n}", "Anna", ACTOR, now)
    with transaction(engine) as session:
        assert service.count_wearers(session) == service.count_persons(session) == 3
        assert [w.reference for w in service.list_wearers(session, 1, 2, ACTOR, now)] == ["W-2", "W-3"]
        assert [p.reference for p in service.list_persons(session, 0, 1, ACTOR, now)] == ["P-1"]


def test_references_are_read_for_both_sides_without_names(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        wearer = service.add_wearer(session, "W-1", "Jan", ACTOR, now)
        person = service.add_person(session, "P-1", "Anna", ACTOR, now)
        add_wearer(session)
        add_person(session)
    with reading(engine) as session:
        found = service.list_references(session, [wearer.id, person.id, uuid.uuid4()])
    assert found == {wearer.id: "W-1", person.id: "P-1"}
    assert audited(engine, "orders.read_name") == []


def test_a_given_account_is_hers(engine: Engine, now: datetime) -> None:
    new = accounts.prepare_person()
    with transaction(engine) as session:
        person_id = add_person(session)
        service.give_account(session, person_id, new, ACTOR, now)
    with reading(engine) as session:
        account = account_of(session, new.number)
        held = accounts.hold(session, account)
    assert account is not None
    assert account.person_id == person_id
    assert accounts.try_pin(held, new.number_key, new.pin).content
    assert audited(engine, "orders.give_account") == [person_id]

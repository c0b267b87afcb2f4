"""Use cases of wearers and protected persons."""

import uuid
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.model.entry import NewPerson
from api.kernel import audit
from api.kernel.db import serialise
from api.orders.model import ProtectedPerson, ReferenceTaken, Wearer
from api.orders.service.watches import REGISTER
from api.orders.store import people


def add_wearer(session: Session, reference: str, name: str, actor_id: UUID | None, now: datetime) -> Wearer:
    """Register a wearer; raises ReferenceTaken."""
    serialise(session, REGISTER)
    if people.is_wearer_reference(session, reference):
        raise _taken("wearer")
    wearer = Wearer(uuid.uuid4(), reference, name)
    people.add_wearer(session, wearer, now)
    audit.record(session, now, actor_id, "orders.add_wearer", wearer.id)
    return wearer


def add_person(
    session: Session, reference: str, name: str, actor_id: UUID | None, now: datetime
) -> ProtectedPerson:
    """Register a protected person; raises ReferenceTaken."""
    serialise(session, REGISTER)
    if people.is_person_reference(session, reference):
        raise _taken("protected person")
    person = ProtectedPerson(uuid.uuid4(), reference, name)
    people.add_person(session, person, now)
    audit.record(session, now, actor_id, "orders.add_person", person.id)
    return person


def get_wearer(session: Session, wearer_id: UUID, actor_id: UUID | None, now: datetime) -> Wearer:
    """Return a wearer with the name; raises WearerNotFound."""
    wearer = people.get_wearer(session, wearer_id)
    audit.record(session, now, actor_id, "orders.read_name", wearer_id)
    return wearer


def get_person(session: Session, person_id: UUID, actor_id: UUID | None, now: datetime) -> ProtectedPerson:
    """Return a protected person with the name; raises PersonNotFound."""
    person = people.get_person(session, person_id)
    audit.record(session, now, actor_id, "orders.read_name", person_id)
    return person


def count_wearers(session: Session) -> int:
    """Return how many wearers there are."""
    return people.count_wearers(session)


def count_persons(session: Session) -> int:
    """Return how many protected persons there are."""
    return people.count_persons(session)


def list_wearers(
    session: Session, first: int, limit: int, actor_id: UUID | None, now: datetime
) -> list[Wearer]:
    """Return part of all wearers, with names, from the `first`-th (0 = first)."""
    wearers = people.page_wearers(session, first, limit)
    for wearer in wearers:  # one row each: "who has read my name?" must find the lists too
        audit.record(session, now, actor_id, "orders.read_name", wearer.id, "list")
    return wearers


def list_persons(
    session: Session, first: int, limit: int, actor_id: UUID | None, now: datetime
) -> list[ProtectedPerson]:
    """Return part of all protected persons, with names, from the `first`-th (0 = first)."""
    persons = people.page_persons(session, first, limit)
    for person in persons:
        audit.record(session, now, actor_id, "orders.read_name", person.id, "list")
    return persons


def list_references(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the references, never the names, of those ids that are wearers or protected persons."""
    return people.list_wearer_references(session, ids) | people.list_person_references(session, ids)


def is_person(session: Session, person_id: UUID) -> bool:
    """Say whether there is a protected person with this id; no name is read."""
    return bool(people.list_person_references(session, [person_id]))


def give_account(
    session: Session, person_id: UUID, new: NewPerson, actor_id: UUID | None, now: datetime
) -> None:
    """Make a protected person's account, or another one in its place, whose number and PIN are in `new`.

    `new` comes from `accounts.prepare_person`, outside of any transaction.
    """
    people.get_person(session, person_id)
    audit.record(session, now, actor_id, "orders.give_account", person_id)
    accounts.add_person_account(session, person_id, new, now)


def _taken(whose: str) -> ReferenceTaken:
    message = f"Another {whose} has this reference already."
    return ReferenceTaken(message, {"reference": [message]})

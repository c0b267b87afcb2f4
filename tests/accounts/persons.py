"""A protected person's account for tests of other rooms."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import service
from api.accounts.model import Account, Role


def add_person(session: Session, person_id: UUID, now: datetime) -> tuple[str, str]:
    """Number and PIN of her account, or of another one in its place."""
    new = service.prepare_person()
    service.add_person_account(session, person_id, new, now)
    return new.number, new.pin


def account_of(session: Session, number: str) -> Account | None:
    """The account that a number finds."""
    lookup, _key = service.keys_of(number)
    return service.find_account(session, lookup, {Role.PROTECTED_PERSON})

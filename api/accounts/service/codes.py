"""Codes that staff hand over: with one a person makes an account that staff cannot open."""

import secrets
import uuid
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import store
from api.accounts.model import Account
from api.accounts.model.entry import (
    CODE_CHARACTERS,
    CODE_LENGTH,
    CODE_LIFE,
    CodeNotFound,
    EntryCode,
    NewPerson,
    PersonHasAccount,
)
from api.accounts.service.entry import add_person_account
from api.accounts.store import slots as slot_store
from api.kernel import audit, crypto


def make_code(
    session: Session, person_id: UUID | None, made_by: UUID, now: datetime, for_id: UUID | None = None
) -> tuple[EntryCode, str]:
    """Make a code for one use; the code itself is shown once and stored nowhere.

    `person_id`: a protected person of an order, so that her alerts reach the account; None for somebody
    whom no order protects. Raises PersonHasAccount.
    """
    if person_id is not None and store.find_person_account(session, person_id) is not None:
        raise PersonHasAccount("This person has an account already. Give her another number and PIN instead.")
    slot_store.void_codes(session, person_id, for_id, now)
    text = "".join(secrets.choice(CODE_CHARACTERS) for _ in range(CODE_LENGTH))
    code = EntryCode(uuid.uuid4(), person_id or uuid.uuid4(), now + CODE_LIFE, for_id)
    slot_store.add_code(session, code, crypto.hash_token(text), made_by)
    audit.record(session, now, made_by, "accounts.make_code", code.id)
    return code, text


def find_code(session: Session, text: str, now: datetime) -> None:
    """Raise CodeNotFound unless the code can be used."""
    if not slot_store.is_code(session, crypto.hash_token(text), now):
        raise CodeNotFound("Not found.")


def start(session: Session, text: str, new: NewPerson, now: datetime) -> tuple[Account, UUID | None]:
    """Make the account that a code is for, and return what it is for besides.

    Raises CodeNotFound for a code that is wrong, used or too old.
    """
    code = slot_store.use_code(session, crypto.hash_token(text), now)
    if code is None or store.find_person_account(session, code.person_id) is not None:
        raise CodeNotFound("Not found.")
    return add_person_account(session, code.person_id, new, now), code.for_id

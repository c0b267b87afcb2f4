"""Use cases of machines' keys: made by a supervisor, shown once, checked at each call."""

import uuid
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts.model.keys import (
    LONGEST_LIFE,
    MAX_KEYS,
    ApiKey,
    BadKey,
    KeyDraft,
    KeyNotFound,
    NewKey,
    TooManyKeys,
)
from api.accounts.store import keys
from api.kernel import audit, crypto
from api.kernel.db import serialise

_KEYS = "accounts.keys"
_PREFIX_CHARACTERS = 11


def add_key(session: Session, draft: KeyDraft, actor_id: UUID, now: datetime) -> NewKey:
    """Make a key and return its text, which is stored nowhere; raises BadKey and TooManyKeys."""
    if not now < draft.expires_at <= now + LONGEST_LIFE:
        message = f"Give a moment within the next {LONGEST_LIFE.days} days."
        raise BadKey(message, {"expires_at": [message]})
    serialise(session, _KEYS)
    if keys.count_good_keys(session, now) >= MAX_KEYS:
        raise TooManyKeys(f"There are {MAX_KEYS} keys: revoke one that is no longer used.")
    text = f"bk_{crypto.new_token()}"
    prefix = text[:_PREFIX_CHARACTERS]
    key = ApiKey(uuid.uuid4(), draft.name, prefix, draft.scopes, actor_id, now, draft.expires_at, None, None)
    keys.add_key(session, key, crypto.hash_token(text))
    audit.record(session, now, actor_id, "accounts.add_key", key.id, " ".join(sorted(key.scopes)))
    return NewKey(key, text)


def list_keys(session: Session, first: int, limit: int) -> list[ApiKey]:
    """Return keys, the newest first, revoked and expired ones too."""
    return keys.list_keys(session, first, limit)


def count_keys(session: Session) -> int:
    """Return how many keys `list_keys` goes through."""
    return keys.count_keys(session)


def revoke_key(session: Session, key_id: UUID, actor_id: UUID, now: datetime) -> ApiKey:
    """Let a key open nothing from now on; doing it again keeps the first moment. Raises KeyNotFound."""
    serialise(session, _KEYS)
    key = keys.find_key_by_id(session, key_id)
    if key is None:
        raise KeyNotFound("There is no such key.")
    if key.revoked_at is None:
        keys.save_revoked(session, key_id, now)
        audit.record(session, now, actor_id, "accounts.revoke_key", key_id)
    return keys.find_key_by_id(session, key_id) or key


def find_key(session: Session, text: str, now: datetime) -> ApiKey | None:
    """Return the key that this is the text of; None when it is none, expired or revoked."""
    key = keys.find_key(session, crypto.hash_token(text))
    if key is None or key.revoked_at is not None or now >= key.expires_at:
        return None
    return key


def note_used(session: Session, key: ApiKey, now: datetime) -> None:
    """Remember that a key was used today."""
    keys.save_used(session, key.id, now.date())

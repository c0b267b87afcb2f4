"""Use cases of signing in by a provider: which account somebody is let into."""

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import service, store
from api.accounts.model import Account, Role, SignedIn
from api.accounts.model.oidc import Identity, IdentityTaken, Refusal
from api.accounts.model.staff import StaffAccount
from api.accounts.service import administration
from api.accounts.store import staff
from api.kernel import audit, crypto
from api.kernel.db import serialise, server_key

_LINKS = "accounts.identity"


def sign_in(
    session: Session,
    issuer: str,
    identity: Identity,
    unusable_hash: str | None,
    now: datetime,
) -> SignedIn | Refusal:
    """Open a session of the account that this identity signs in with, or say why not.

    Args:
        session: The transaction; a refusal is written down in it and must be committed.
        issuer: The provider's address: two providers may call two people by the same id.
        identity: Whom the provider has found.
        unusable_hash: The hash of a secret that nobody knows, when an account may be made for somebody
            unknown; None when an account must exist.
        now: The present moment.

    An account keeps the role that a supervisor gave it, and the provider must still grant that role: who
    was taken out of the group there gets in no more.
    """
    serialise(session, _LINKS)
    hashed = _hash_of(session, issuer, identity.subject)
    found = staff.find_identity_account(session, hashed)
    account = None if found is None else store.get_account_locked(session, found.id)
    if account is None:
        if unusable_hash is None:
            return _refused(session, None, Refusal.UNKNOWN, now)
        account = _make(session, identity, hashed, unusable_hash, now)
    if account.disabled_at is not None:
        return _refused(session, account.id, Refusal.UNKNOWN, now)
    if account.role not in identity.roles:
        return _refused(session, account.id, Refusal.NO_ROLE, now)
    audit.record(session, now, account.id, "accounts.sign_in_by_provider", account.id)
    return SignedIn(account, service.open_session(session, account, now))


def give_identity(
    session: Session, account_id: UUID, issuer: str, subject: str | None, actor_id: UUID, now: datetime
) -> StaffAccount:
    """Let a person of the provider sign in with a colleague's account, or nobody; raises IdentityTaken."""
    administration.check(session, account_id, actor_id)
    serialise(session, _LINKS)
    hashed = None if subject is None else _hash_of(session, issuer, subject)
    if hashed is not None:
        holder = staff.find_identity_account(session, hashed)
        if holder is not None and holder.id != account_id:
            raise IdentityTaken("Another account signs in with this identity: take it away there first.")
    staff.save_identity(session, account_id, hashed)
    act = "accounts.take_identity" if subject is None else "accounts.give_identity"
    return administration.done(session, account_id, act, actor_id, now)


def _make(session: Session, identity: Identity, hashed: str, unusable_hash: str, now: datetime) -> Account:
    """Make an account with the least of the roles that the provider grants."""
    role = min(identity.roles, key=_LEAST_FIRST.index)
    login = identity.name
    if store.find_account(session, login) is not None:
        login = f"{login}-{secrets.token_hex(3)}"
    account = service.add_hashed_account(session, login, unusable_hash, role, None, None, now)
    staff.save_identity(session, account.id, hashed)
    return account


_LEAST_FIRST = [Role.AUDITOR, Role.OFFICER, Role.CASE_WORKER, Role.OPERATOR, Role.SUPERVISOR]


def _hash_of(session: Session, issuer: str, subject: str) -> str:
    """Return what is kept of an identity: a stolen database does not say who works here."""
    key = crypto.derive(server_key(session), "accounts.identity")
    return crypto.sign(key, f"{issuer}\n{subject}".encode(errors="replace"))


def _refused(session: Session, account_id: UUID | None, refusal: Refusal, now: datetime) -> Refusal:
    audit.record(session, now, None, "accounts.sign_in_by_provider_refused", account_id, refusal.value)
    return refusal

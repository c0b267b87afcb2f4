"""Who may see a pathway: whoever's agency has a part in it, and whom she has not excluded.

Whoever may not gets the answer for an id that does not exist. Names of excluded people are kept as keyed
hashes, of another key for each pathway: the same name cannot be found again in another.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.model import Account
from api.kernel import audit
from api.kernel.crypto import derive, sign
from api.kernel.db import serialise, server_key
from api.pathways.model.agencies import Agency, Member, MemberRole
from api.pathways.model.contacts import OnlyFixedContact
from api.pathways.model.pathways import BadPathway, EventKind, Pathway, PathwayNotFound
from api.pathways.rules.duties import who_is_there
from api.pathways.rules.names import normal_name
from api.pathways.store import agencies, pathways, steps


@dataclass(frozen=True, slots=True)
class Insight:
    """A pathway that an account may see, and where that account works."""

    pathway: Pathway
    account: Account
    memberships: dict[UUID, Member]

    @property
    def is_of_contact(self) -> bool:
        """Say whether the account works where her fixed contact works."""
        return self.pathway.agency_id in self.memberships

    def must_be_of_contact(self) -> None:
        """Raise OnlyFixedContact unless the account works where her fixed contact works."""
        if not self.is_of_contact:
            raise OnlyFixedContact("Only the agency of the fixed contact may do this: ask there.")


def look(session: Session, account: Account, pathway_id: UUID) -> Insight:
    """Return a pathway that this account may see; raises PathwayNotFound for every other id."""
    pathway = pathways.get_pathway(session, pathway_id)
    memberships = memberships_of(session, account.id)
    is_part = pathway.agency_id in memberships or pathways.has_step(session, pathway_id, memberships)
    if not is_part or is_excluded(session, pathway_id, [account.id]):
        raise PathwayNotFound
    return Insight(pathway, account, memberships)


def lock(session: Session, account: Account, pathway_id: UUID) -> Insight:
    """Return it as `look` does, and let nobody else change it until the transaction ends."""
    serialise_pathway(session, pathway_id)
    return look(session, account, pathway_id)


def serialise_pathway(session: Session, pathway_id: UUID) -> None:
    """Let one transaction at a time change a pathway."""
    serialise(session, f"pathway:{pathway_id}")


def list_seen(session: Session, account: Account) -> tuple[dict[UUID, Pathway], dict[UUID, Member]]:
    """Return the open pathways that this account may see, and where it works."""
    memberships = memberships_of(session, account.id)
    found = pathways.list_of_agencies(session, memberships)
    exclusions = pathways.list_exclusions(session, [pathway.id for pathway in found])
    names = names_of(session, [account.id]) if exclusions else set()
    seen = {
        pathway.id: pathway
        for pathway in found
        if not _hashes(session, pathway.id, names) & exclusions.get(pathway.id, set())
    }
    return seen, memberships


def memberships_of(session: Session, account_id: UUID) -> dict[UUID, Member]:
    """Return per agency where an account works."""
    return {member.agency_id: member for member in agencies.list_memberships(session, account_id)}


def exclude(session: Session, pathway_id: UUID, name: str, by: UUID | None, now: datetime) -> None:
    """Let nobody of this name or log-in see the pathway from now on; the name itself is kept nowhere.

    An excluded contact is one no more: the deputy takes over, and without one the pathway is on the overdue
    list of the agency's coordinator. The caller has found out that `by` may do this.

    Raises:
        BadPathway: There is no letter or digit in the name.
    """
    if not normal_name(name):
        raise BadPathway("Nobody can be excluded by this.", {"name": ["Must have a letter or a digit."]})
    serialise_pathway(session, pathway_id)
    pathway = pathways.get_pathway(session, pathway_id)
    (name_hash,) = _hashes(session, pathway_id, {name})
    pathways.add_exclusion(session, pathway_id, name_hash, by, now)
    pathways.add_event(session, pathway_id, None, EventKind.EXCLUDED, by, now)
    audit.record(session, now, by, "pathways.exclude", pathway_id)
    left = [
        one
        for one in (pathway.contact_id, pathway.deputy_id)
        if one is not None and not is_excluded(session, pathway_id, [one])
    ]
    contact_id, deputy_id = (*left, None, None)[:2]
    pathways.save_pathway(session, replace(pathway, contact_id=contact_id, deputy_id=deputy_id))
    for step in steps.list_steps(session, [pathway_id]):
        if step.owner_id is not None and is_excluded(session, pathway_id, [step.owner_id]):
            owner_id = contact_id if step.agency_id == pathway.agency_id else None
            steps.save_step(session, replace(step, owner_id=owner_id))


def is_excluded(session: Session, pathway_id: UUID, account_ids: Collection[UUID]) -> bool:
    """Say whether she excluded somebody of these accounts, by log-in or by any name they had here."""
    excluded = pathways.list_exclusions(session, [pathway_id]).get(pathway_id)
    if excluded is None:
        return False
    return bool(_hashes(session, pathway_id, names_of(session, account_ids)) & excluded)


def names_of(session: Session, account_ids: Collection[UUID]) -> set[str]:
    """Return the log-ins of accounts and every name that they have or had at an agency."""
    logins = accounts.list_logins(session, account_ids).values()
    members = agencies.list_memberships_ever(session, account_ids)
    return {*logins, *(member.name for member in members)}


def present_roles(session: Session, pathway_id: UUID, agency: Agency, now: datetime) -> set[MemberRole]:
    """Return of which rungs somebody is there now who may see the pathway."""
    members = agencies.list_members(session, agency.id)
    there = who_is_there(agency.time_zone, members, agencies.list_duties(session, agency.id), now)
    return {one.role for one in there if not is_excluded(session, pathway_id, [one.account_id])}


def _hashes(session: Session, pathway_id: UUID, names: Collection[str]) -> set[str]:
    key = derive(server_key(session), f"pathways.exclusion:{pathway_id.hex}")
    return {sign(key, normal_name(name).encode()) for name in names}

"""Use cases of agencies: register them, who works there, when somebody is there."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.kernel import audit
from api.kernel.db import serialise
from api.pathways.model.agencies import (
    Agency,
    AgencyChanged,
    AgencyDraft,
    AgencyRetired,
    BadMember,
    DutySlot,
    Member,
    MemberDraft,
    MemberTaken,
)
from api.pathways.rules import duties
from api.pathways.store import agencies as store

_REGISTER = "agencies"


def add_agency(session: Session, draft: AgencyDraft, actor_id: UUID | None, now: datetime) -> Agency:
    """Register an agency; raises BadAgency."""
    duties.check_agency(draft)
    agency = Agency(uuid.uuid4(), draft.name, draft.kind, draft.region, draft.time_zone, None, None)
    store.add_agency(session, agency, now)
    audit.record(session, now, actor_id, "pathways.add_agency", agency.id)
    return agency


def change_agency(
    session: Session, seen: Agency, draft: AgencyDraft, actor_id: UUID | None, now: datetime
) -> Agency:
    """Change an agency that is still as seen; raises AgencyChanged, AgencyRetired or BadAgency."""
    serialise(session, _REGISTER)
    if store.get_agency(session, seen.id) != seen:
        raise AgencyChanged("Somebody else changed the agency meanwhile: read it again.")
    _must_be_open(seen)
    duties.check_agency(draft)
    agency = replace(seen, name=draft.name, kind=draft.kind, region=draft.region, time_zone=draft.time_zone)
    store.save_agency(session, agency)
    audit.record(session, now, actor_id, "pathways.change_agency", seen.id)
    return agency


def retire_agency(session: Session, agency_id: UUID, actor_id: UUID | None, now: datetime) -> Agency:
    """Close an agency: nothing is offered to it any more. Doing it again changes nothing."""
    serialise(session, _REGISTER)
    agency = store.get_agency(session, agency_id)
    if agency.retired_at is not None:
        return agency
    closed = replace(agency, retired_at=now)
    store.save_agency(session, closed)
    audit.record(session, now, actor_id, "pathways.retire_agency", agency_id)
    return closed


def get_agency(session: Session, agency_id: UUID) -> Agency:
    """Return one agency; raises AgencyNotFound."""
    return store.get_agency(session, agency_id)


def count_agencies(session: Session) -> int:
    """Return how many agencies there are, closed ones included."""
    return store.count_agencies(session)


def list_agencies(session: Session, first: int, limit: int) -> list[Agency]:
    """Return part of all agencies by name, from the `first`-th (0 = first)."""
    return store.page_agencies(session, first, limit)


def add_member(
    session: Session, agency_id: UUID, draft: MemberDraft, actor_id: UUID | None, now: datetime
) -> Member:
    """Let an account work at an agency.

    Raises:
        AgencyNotFound, AgencyRetired: Not at this one.
        BadMember: It is no account of staff, or the absence cannot be.
        MemberTaken: The account works there already.
    """
    serialise(session, _REGISTER)
    _must_be_open(store.get_agency(session, agency_id))
    duties.check_member(draft, now)
    if not accounts.is_staff_account(session, draft.account_id):
        fault = "There is no such account of staff."
        raise BadMember("The person cannot be entered like this.", {"account_id": [fault]})
    if any(one.account_id == draft.account_id for one in store.list_members(session, agency_id)):
        raise MemberTaken("This account works at this agency already: change what is so of it.")
    member = _member(draft, uuid.uuid4(), agency_id)
    store.add_member(session, member, now)
    audit.record(session, now, actor_id, "pathways.add_member", member.id, str(agency_id))
    return member


def change_member(
    session: Session, seen: Member, draft: MemberDraft, actor_id: UUID | None, now: datetime
) -> Member:
    """Change role, name or absence of somebody who is still as the caller has seen; the account stays.

    Raises AgencyChanged or BadMember.
    """
    serialise(session, _REGISTER)
    if store.get_member(session, seen.agency_id, seen.id) != seen or seen.left_at is not None:
        raise AgencyChanged("Somebody else changed this meanwhile, or the person has left: read it again.")
    duties.check_member(draft, now)
    if draft.account_id != seen.account_id:
        fault = "Another account is another person: enter that one."
        raise BadMember("The person cannot be changed like this.", {"account_id": [fault]})
    member = _member(draft, seen.id, seen.agency_id)
    store.save_member(session, member)
    audit.record(session, now, actor_id, "pathways.change_member", seen.id, str(seen.agency_id))
    return member


def end_member(
    session: Session, agency_id: UUID, member_id: UUID, actor_id: UUID | None, now: datetime
) -> Member:
    """Let somebody work at an agency no more; doing it again changes nothing.

    Duty times of theirs go with them; what they own stays with the agency.
    """
    serialise(session, _REGISTER)
    member = store.get_member(session, agency_id, member_id)
    if member.left_at is not None:
        return member
    gone = replace(member, left_at=now)
    store.save_member(session, gone)
    slots = [slot for slot in store.list_duties(session, agency_id) if slot.member_id != member_id]
    store.replace_duties(session, agency_id, slots)
    audit.record(session, now, actor_id, "pathways.end_member", member_id, str(agency_id))
    return gone


def get_member(
    session: Session, agency_id: UUID, member_id: UUID, actor_id: UUID | None, now: datetime
) -> Member:
    """Return somebody of an agency with the name; raises MemberNotFound."""
    member = store.get_member(session, agency_id, member_id)
    audit.record(session, now, actor_id, "pathways.read_name", member_id)
    return member


def list_members(session: Session, agency_id: UUID, actor_id: UUID | None, now: datetime) -> list[Member]:
    """Return who works at an agency, with names; raises AgencyNotFound."""
    store.get_agency(session, agency_id)
    return _names_read(session, store.list_members(session, agency_id), actor_id, now)


def get_duties(session: Session, agency_id: UUID) -> list[DutySlot]:
    """Return an agency's duty times; raises AgencyNotFound."""
    store.get_agency(session, agency_id)
    return store.list_duties(session, agency_id)


def replace_duties(
    session: Session,
    agency_id: UUID,
    seen: Sequence[DutySlot],
    slots: Sequence[DutySlot],
    actor_id: UUID | None,
    now: datetime,
) -> list[DutySlot]:
    """Put duty times in the place of those that the caller has seen.

    Raises:
        AgencyChanged: Somebody else replaced them meanwhile.
        BadDuties: One cannot be, or names nobody who works here.
    """
    serialise(session, _REGISTER)
    _must_be_open(store.get_agency(session, agency_id))
    if store.list_duties(session, agency_id) != list(seen):
        raise AgencyChanged("Somebody else replaced the duty times meanwhile: read them again.")
    duties.check_duties(slots, store.list_members(session, agency_id))
    store.replace_duties(session, agency_id, slots)
    audit.record(session, now, actor_id, "pathways.replace_duties", agency_id)
    return store.list_duties(session, agency_id)


def who_is_there(
    session: Session, agency_id: UUID, at: datetime, actor_id: UUID | None, now: datetime
) -> list[Member]:
    """Return who is, was or will be there at a moment, by the duty times of now, in the order of asking."""
    agency = store.get_agency(session, agency_id)
    members, slots = store.list_members(session, agency_id), store.list_duties(session, agency_id)
    there = duties.who_is_there(agency.time_zone, members, slots, at)
    return _names_read(session, there, actor_id, now)


def _names_read(
    session: Session, members: list[Member], actor_id: UUID | None, now: datetime
) -> list[Member]:
    for member in members:  # one row each: "who has read my name?" must find the lists too
        audit.record(session, now, actor_id, "pathways.read_name", member.id, "list")
    return members


def _must_be_open(agency: Agency) -> None:
    if agency.retired_at is not None:
        raise AgencyRetired("The agency is closed: register another.")


def _member(draft: MemberDraft, member_id: UUID, agency_id: UUID) -> Member:
    return Member(member_id, agency_id, draft.account_id, draft.role, draft.name, draft.away_until, None)

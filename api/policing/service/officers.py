"""Use cases of officers and their absences."""

import uuid
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.kernel import audit
from api.kernel.db import serialise
from api.policing import rules
from api.policing.model import (
    MAX_ABSENCES,
    Absence,
    AbsenceDraft,
    BadOfficer,
    Changed,
    Officer,
    OfficerDraft,
    ReferenceTaken,
    Retired,
    StationNotFound,
    TooMany,
)
from api.policing.service.stations import REGISTER
from api.policing.store import duties, officers, stations


def add_officer(session: Session, draft: OfficerDraft, actor_id: UUID | None, now: datetime) -> Officer:
    """Register an officer; raises BadOfficer or ReferenceTaken."""
    serialise(session, REGISTER)
    officer = _officer(draft, uuid.uuid4(), rules.end_of(draft.phone or ""))
    _check(session, draft, officer)
    officers.add_officer(session, officer, draft.phone, now)
    audit.record(session, now, actor_id, "policing.add_officer", officer.id)
    return officer


def change_officer(
    session: Session, seen: Officer, draft: OfficerDraft, actor_id: UUID | None, now: datetime
) -> Officer:
    """Change an officer who is still as the caller has seen.

    Raises:
        Changed: It is not so.
        Retired: The officer has left.
        BadOfficer, ReferenceTaken: The draft cannot be.
    """
    serialise(session, REGISTER)
    if officers.get_officer(session, seen.id) != seen:
        raise Changed("Somebody else changed the officer meanwhile: read again.")
    if seen.retired_at is not None:
        raise Retired("The officer has left: register another.")
    phone_end = seen.phone_end if draft.phone is None else rules.end_of(draft.phone)
    officer = _officer(draft, seen.id, phone_end)
    _check(session, draft, officer)
    officers.save_officer(session, officer, draft.phone)
    audit.record(session, now, actor_id, "policing.change_officer", seen.id)
    return officer


def retire_officer(session: Session, officer_id: UUID, actor_id: UUID | None, now: datetime) -> Officer:
    """Take an officer out of every roster for good; doing it again changes nothing.

    What that leaves open is a hole of those rosters from now on.
    """
    serialise(session, REGISTER)
    officer = officers.get_officer(session, officer_id)
    if officer.retired_at is not None:
        return officer
    left = replace(officer, retired_at=now)
    officers.save_officer(session, left, None)
    duties.end_duties_of(session, officer_id, now)
    audit.record(session, now, actor_id, "policing.retire_officer", officer_id)
    return left


def get_officer(session: Session, officer_id: UUID, actor_id: UUID | None, now: datetime) -> Officer:
    """Return an officer with the name; raises OfficerNotFound."""
    officer = officers.get_officer(session, officer_id)
    audit.record(session, now, actor_id, "policing.read_name", officer_id)
    return officer


def count_officers(session: Session) -> int:
    """Return how many officers there are, those who have left included."""
    return officers.count_officers(session)


def list_officers(
    session: Session, first: int, limit: int, actor_id: UUID | None, now: datetime
) -> list[Officer]:
    """Return part of all officers by reference, with names, from the `first`-th (0 = first)."""
    found = officers.page_officers(session, first, limit)
    for officer in found:  # one row each: "who has read my name?" must find the lists too
        audit.record(session, now, actor_id, "policing.read_name", officer.id, "list")
    return found


def add_absence(
    session: Session, officer_id: UUID, draft: AbsenceDraft, actor_id: UUID | None, now: datetime
) -> Absence:
    """Enter that an officer is away; nobody is asked who: the stand-ins are.

    Raises:
        OfficerNotFound: There is no such officer.
        Retired: The officer has left.
        BadAbsence: It is too long or over already.
        TooMany: The officer has MAX_ABSENCES that are not over.
    """
    serialise(session, REGISTER)
    if not officers.list_working(session, [officer_id]):
        officers.get_reference(session, officer_id)
        raise Retired("The officer has left: there is nothing to be away from.")
    rules.check_absence(draft, now)
    if officers.count_absences(session, officer_id, now) >= MAX_ABSENCES:
        raise TooMany(f"An officer has at most {MAX_ABSENCES} absences ahead: end some.")
    absence = Absence(uuid.uuid4(), officer_id, draft.kind, draft.since, draft.until, now, None)
    officers.add_absence(session, absence, actor_id)
    audit.record(session, now, actor_id, "policing.add_absence", absence.id, str(officer_id))
    return absence


def end_absence(
    session: Session, officer_id: UUID, absence_id: UUID, actor_id: UUID | None, now: datetime
) -> Absence:
    """End an absence now, or call off one that has not begun; what is over stays as it is.

    Doing it again changes nothing. Raises AbsenceNotFound.
    """
    serialise(session, REGISTER)
    absence = officers.get_absence(session, officer_id, absence_id)
    if absence.ended_at is not None or absence.until <= now:
        return absence
    officers.save_end(session, absence_id, now, actor_id)
    audit.record(session, now, actor_id, "policing.end_absence", absence_id, str(officer_id))
    return replace(absence, ended_at=now)


def list_absences(session: Session, officer_id: UUID, actor_id: UUID | None, now: datetime) -> list[Absence]:
    """Return the latest MAX_ABSENCES absences of an officer, latest first; the reading is an audit row.

    They tell when somebody was ill. Raises OfficerNotFound.
    """
    officers.get_reference(session, officer_id)
    audit.record(session, now, actor_id, "policing.list_absences", officer_id)
    return officers.page_absences(session, officer_id, MAX_ABSENCES)


def _officer(draft: OfficerDraft, officer_id: UUID, phone_end: str) -> Officer:
    return Officer(
        id=officer_id,
        station_id=draft.station_id,
        reference=draft.reference,
        name=draft.name,
        phone_end=phone_end,
        account_id=draft.account_id,
        retired_at=None,
    )


def _check(session: Session, draft: OfficerDraft, officer: Officer) -> None:
    rules.check_officer(draft)
    faults: dict[str, list[str]] = {}
    try:
        is_open = stations.get_station(session, draft.station_id).retired_at is None
    except StationNotFound:
        is_open = False
    if not is_open:
        faults["station_id"] = ["There is no such open police station."]
    if draft.account_id is not None and not accounts.is_staff_account(session, draft.account_id):
        faults["account_id"] = ["There is no such account of staff."]
    if faults:
        raise BadOfficer("The officer names what is not there.", faults)
    if officers.find_officer_id(session, draft.reference) not in {None, officer.id}:
        message = "Another officer has this reference already."
        raise ReferenceTaken(message, {"reference": [message]})

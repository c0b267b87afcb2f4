"""Use cases of the consent ledger: she gives, revokes and reads who looked; staff look, with a reason."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts.model import Account
from api.kernel import audit
from api.kernel.crypto import new_key_pair, open_sealed, seal_to
from api.kernel.db import serialise
from api.pathways.model.agencies import Agency, AgencyRetired
from api.pathways.model.consents import (
    MAX_REASON,
    BadConsent,
    Consent,
    ConsentDraft,
    ConsentNotFound,
    ConsentOver,
    Override,
    OverrideDraft,
    Reading,
    SamePerson,
)
from api.pathways.rules.consents import check_consent, check_override, is_valid, may_know
from api.pathways.service import needs
from api.pathways.store import agencies, consents, pathways


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looked at what she gave: who, of which agency, when, why."""

    consent_id: UUID
    agency: str
    name: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class HerLedger:
    """All that she gave, who looked, and what was passed on without her and may be known to her."""

    consents: list[Consent]
    looks: list[Look]
    overrides: list[Override]
    agencies: dict[UUID, Agency]


def give(
    session: Session,
    account_id: UUID,
    draft: ConsentDraft,
    copy: bytes,
    sections: Collection[str],
    now: datetime,
) -> Consent:
    """Let an agency read a copy of just these parts, sealed to its key.

    `copy`: the parts as text; `sections`: codes that there are. Raises BadConsent, AgencyNotFound or
    AgencyRetired.
    """
    check_consent(draft, sections, now)
    serialise(session, "agencies")
    agency = agencies.get_agency(session, draft.agency_id)
    if agency.retired_at is not None:
        raise AgencyRetired("This agency is closed.")
    if agency.public_key is None:
        private, public = new_key_pair()
        agency = replace(agency, public_key=public)
        agencies.save_agency(session, agency)
        consents.add_key(session, agency.id, private)
    consent = Consent(
        uuid.uuid4(), account_id, agency.id, draft.parts, draft.purpose, now, draft.until, revoked_at=None
    )
    consents.add_consent(session, consent, seal_to(agency.public_key or b"", copy))
    audit.record(session, now, account_id, "pathways.give_consent", consent.id)
    return consent


def revoke(session: Session, account_id: UUID, consent_id: UUID, now: datetime) -> None:
    """End a consent of hers and delete the copy; doing it again changes nothing."""
    found = consents.find_consent(session, consent_id)
    if found is None or found[0].account_id != account_id:
        raise ConsentNotFound("Not found.")
    if found[0].revoked_at is None:
        consents.revoke(session, consent_id, now)
        audit.record(session, now, account_id, "pathways.revoke_consent", consent_id)


def revoke_all(session: Session, account_id: UUID, now: datetime) -> None:
    """End every consent of hers: she has everything forgotten."""
    for consent in consents.list_of_person(session, account_id):
        if consent.revoked_at is None:
            consents.revoke(session, consent.id, now)


def has_old_copies(session: Session, now: datetime) -> bool:
    """Say whether a consent has ended whose copy is still there."""
    return consents.has_old_copies(session, now)


def delete_old_copies(session: Session, now: datetime) -> int:
    """Delete the copies of consents that have ended; returns how many."""
    return consents.delete_old_copies(session, now)


def read_ledger(session: Session, account_id: UUID, now: datetime) -> HerLedger:
    """Return what stands in her ledger, for her."""
    given = consents.list_of_person(session, account_id)
    read = consents.list_readings(session, account_id)
    pathway = pathways.find_of_account(session, account_id)
    passed = consents.list_overrides(session, [pathway.id]) if pathway else []
    known = [one for one in passed if may_know(one, now)]
    ids = {one.agency_id for one in given} | {one.agency_id for one in known}
    told = agencies.list_agencies(session, ids)
    looks = [
        Look(one.consent_id, told[one.agency_id].name, _name_of(session, one), one.at, one.reason)
        for one in read
    ]
    return HerLedger(given, looks, known, told)


def list_shared(session: Session, account: Account, now: datetime) -> list[Consent]:
    """Return what the account's agencies may read now; what excluded people may not is not there for them."""
    memberships = needs.memberships_of(session, account.id)
    found = consents.list_of_agencies(session, list(memberships))
    return [one for one in found if is_valid(one, now) and not _is_excluded(session, one, account)]


def read_copy(session: Session, account: Account, consent_id: UUID, reason: str, now: datetime) -> str:
    """Return the text that she lets this agency read; she can see who looked, when and why.

    Raises ConsentNotFound for everybody else, ConsentOver once she revoked it or it ended.
    """
    found = consents.find_consent(session, consent_id)
    if found is None or found[0].agency_id not in needs.memberships_of(session, account.id):
        raise ConsentNotFound("There is no such consent.")
    consent, copy = found
    if _is_excluded(session, consent, account):
        raise ConsentNotFound("There is no such consent.")
    if not reason.strip() or len(reason) > MAX_REASON:
        raise BadConsent(
            "Say why you look.", {"reason": [f"Write it down, in at most {MAX_REASON} characters."]}
        )
    private = consents.find_key(session, consent.agency_id)
    if not is_valid(consent, now) or copy is None or private is None:
        raise ConsentOver("This consent was revoked or has ended: the copy is gone. Ask her.")
    reading = Reading(consent_id, consent.agency_id, account.id, now, reason)
    consents.add_reading(session, uuid.uuid4(), reading)
    audit.record(session, now, account.id, "pathways.read_copy", consent_id)
    return open_sealed(private, copy).decode()


def ask_override(session: Session, account: Account, draft: OverrideDraft, now: datetime) -> Override:
    """Write down what is to be passed on without her consent; a second person must confirm it first.

    Raises PathwayNotFound, OnlyFixedContact, AgencyNotFound or BadConsent.
    """
    needs.look(session, account, draft.pathway_id).must_be_of_contact()
    agencies.get_agency(session, draft.agency_id)
    check_override(draft, now)
    override = Override(
        uuid.uuid4(),
        draft.pathway_id,
        draft.agency_id,
        draft.ground,
        draft.what,
        draft.reason,
        draft.inform_on,
        account.id,
        now,
        confirmed_by=None,
        confirmed_at=None,
        informed_at=None,
    )
    consents.add_override(session, override)
    audit.record(session, now, account.id, "pathways.ask_override", override.id, draft.ground.value)
    return override


def confirm_override(session: Session, account: Account, override_id: UUID, now: datetime) -> Override:
    """Be the second person; raises ConsentNotFound, SamePerson, or as `needs.look`."""
    override = _override(session, account, override_id)
    if override.asked_by == account.id:
        raise SamePerson("Whoever asked for it cannot confirm it: a second person must.")
    if override.confirmed_by is None:
        override = replace(override, confirmed_by=account.id, confirmed_at=now)
        consents.save_override(session, override)
        audit.record(session, now, account.id, "pathways.confirm_override", override_id)
    return override


def note_informed(session: Session, account: Account, override_id: UUID, now: datetime) -> Override:
    """Note that she was told what was passed on without her; raises as `confirm_override`."""
    override = _override(session, account, override_id)
    if override.informed_at is None:
        override = replace(override, informed_at=now)
        consents.save_override(session, override)
        audit.record(session, now, account.id, "pathways.inform_override", override_id)
    return override


def list_overrides(session: Session, account: Account, pathway_id: UUID) -> list[Override]:
    """Return what was passed on of a pathway without her; raises PathwayNotFound, OnlyFixedContact."""
    needs.look(session, account, pathway_id).must_be_of_contact()
    return consents.list_overrides(session, [pathway_id])


def _override(session: Session, account: Account, override_id: UUID) -> Override:
    override = consents.find_override(session, override_id)
    if override is None:
        raise ConsentNotFound("There is no such line.")
    needs.look(session, account, override.pathway_id).must_be_of_contact()
    return override


def _is_excluded(session: Session, consent: Consent, account: Account) -> bool:
    """Say whether she excluded this account, in any pathway that she ever had: an exclusion outlives it."""
    ever = pathways.ids_of_account(session, consent.account_id)
    return any(needs.is_excluded(session, pathway_id, [account.id]) for pathway_id in ever)


def _name_of(session: Session, reading: Reading) -> str:
    """Return who it was, by the name they have at the agency."""
    members = agencies.list_memberships_ever(session, [reading.account_id])
    return next((one.name for one in members if one.agency_id == reading.agency_id), "")

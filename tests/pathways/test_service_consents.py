"""The consent ledger: what she gives, who looks, what is passed on without her."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api.kernel import ledger
from api.kernel.crypto import Undecipherable, new_key_pair, open_sealed, seal_to
from api.kernel.db import reading, transaction
from api.pathways.model.agencies import AgencyNotFound, AgencyRetired
from api.pathways.model.consents import (
    BadConsent,
    Consent,
    ConsentDraft,
    ConsentNotFound,
    ConsentOver,
    Ground,
    Override,
    OverrideDraft,
    SamePerson,
)
from api.pathways.model.contacts import OnlyFixedContact
from api.pathways.model.pathways import Pathway, PathwayNotFound
from api.pathways.rules.consents import is_valid, may_know
from api.pathways.service import agencies, consents, needs, opening
from api.pathways.store import consents as store
from tests.pathways.cases import NOW, Town

HER = uuid.UUID(int=78)
SECRET = "He works nights; the bag is with Sam."
SECTIONS = ("vluchttas", "vertrek")
WEEK = NOW + timedelta(days=7)


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


def give(town: Town, to: str = "police", **more: Any) -> Consent:
    draft = ConsentDraft(town.agencies[to].id, ("vertrek", "people"), "To bring me away", WEEK)
    with transaction(town.engine) as session:
        return consents.give(session, HER, replace(draft, **more), SECRET.encode(), SECTIONS, NOW)


def read(town: Town, who: str, consent: Consent, days: int = 0, reason: str = "Driving her") -> str:
    with transaction(town.engine) as session:
        now = NOW + timedelta(days=days)
        return consents.read_copy(session, town.accounts[who], consent.id, reason, now)


def her_pathway(town: Town) -> Pathway:
    pathway = town.open()
    with transaction(town.engine) as session:
        opening.link_account(session, pathway.id, HER, None, NOW)
    return pathway


def hers(town: Town, days: int = 0) -> consents.HerLedger:
    with reading(town.engine) as session:
        return consents.read_ledger(session, HER, NOW + timedelta(days=days))


def test_the_agency_reads_its_copy_and_she_reads_who_looked(town: Town) -> None:
    consent = give(town)
    assert read(town, "police worker", consent) == SECRET
    ledger_of_hers = hers(town)
    assert ledger_of_hers.consents == [consent]
    (look,) = ledger_of_hers.looks
    assert (look.agency, look.name, look.reason) == (
        "The police of Haarlem",
        "Police Worker Jansen",
        "Driving her",
    )


def test_another_agency_sees_and_reads_nothing(town: Town) -> None:
    consent = give(town)
    for who, found in (("police deputy", [consent]), ("shelter worker", [])):
        with transaction(town.engine) as session:
            assert consents.list_shared(session, town.accounts[who], NOW) == found
    with pytest.raises(ConsentNotFound):
        read(town, "shelter worker", consent)


def test_what_was_revoked_or_has_ended_is_gone(town: Town) -> None:
    revoked, ended = give(town), give(town, until=NOW + timedelta(days=1))
    with transaction(town.engine) as session:
        for _twice in range(2):
            consents.revoke(session, HER, revoked.id, NOW)
    for consent, days in ((revoked, 0), (ended, 2)):
        with pytest.raises(ConsentOver, match="Ask her"):
            read(town, "police worker", consent, days)
    with transaction(town.engine) as session:
        assert store.delete_old_copies(session, NOW + timedelta(days=2)) == 1
        assert store.delete_old_copies(session, NOW + timedelta(days=2)) == 0
        kept = session.execute(text("SELECT count(copy) FROM consent")).scalar()
        assert kept == 0
        assert consents.list_shared(session, town.accounts["police worker"], NOW + timedelta(days=2)) == []
    assert len(hers(town).consents) == 2


def test_nobody_but_she_revokes(town: Town) -> None:
    consent = give(town)
    for who, which in ((uuid.uuid4(), consent.id), (HER, uuid.uuid4())):
        with pytest.raises(ConsentNotFound), transaction(town.engine) as session:
            consents.revoke(session, who, which, NOW)
    assert read(town, "police worker", consent) == SECRET


def test_whom_she_excluded_finds_nothing(town: Town) -> None:
    pathway, consent = her_pathway(town), give(town)
    with transaction(town.engine) as session:
        needs.exclude(session, pathway.id, "police worker jansen", None, NOW)
        assert consents.list_shared(session, town.accounts["police worker"], NOW) == []
    with pytest.raises(ConsentNotFound):
        read(town, "police worker", consent)
    assert read(town, "police deputy", consent) == SECRET


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"parts": ()}, "parts"),
        ({"parts": ("all",)}, "parts"),
        ({"purpose": " "}, "purpose"),
        ({"purpose": "x" * 501}, "purpose"),
        ({"until": NOW}, "until"),
        ({"until": NOW + timedelta(days=367)}, "until"),
    ],
)
def test_what_cannot_be_shared_says_which_field(town: Town, more: dict[str, Any], field: str) -> None:
    with pytest.raises(BadConsent) as refusal:
        give(town, **more)
    assert set(refusal.value.fields) == {field}


def test_only_an_agency_that_is_open_is_given_anything(town: Town) -> None:
    with pytest.raises(AgencyNotFound):
        give(town, agency_id=uuid.uuid4())
    with transaction(town.engine) as session:
        agencies.retire_agency(session, town.agencies["police"].id, None, NOW)
    with pytest.raises(AgencyRetired):
        give(town)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
def test_who_looks_says_why(town: Town, reason: str) -> None:
    consent = give(town)
    with pytest.raises(BadConsent):
        read(town, "police worker", consent, reason=reason)
    assert hers(town).looks == []


def test_no_row_holds_what_she_shared_or_why_in_clear(town: Town) -> None:
    read(town, "police worker", give(town))
    with town.engine.connect() as connection:
        rows = [
            connection.execute(table.select()).all()
            for table in (
                store._ConsentRow.__table__,
                store._ReadingRow.__table__,
                store._AgencyKeyRow.__table__,
            )
        ]
    assert not {"bag", "Sam", "bring me", "Driving"} & set(str(rows).split())
    assert "Sam" not in str(rows)
    assert "bring me" not in str(rows)
    assert "Driving" not in str(rows)


def test_an_altered_line_is_found(town: Town) -> None:
    give(town)
    with town.engine.begin() as connection:
        connection.execute(text("UPDATE consent SET parts = '[\"everything\"]'"))
    with reading(town.engine) as session:
        verified = ledger.verify(session)
    assert [fault.where.split()[0] for fault in verified.faults] == ["consent"]


def draft_of(town: Town, pathway: Pathway, **more: Any) -> OverrideDraft:
    draft = OverrideDraft(
        pathway.id,
        town.agencies["police"].id,
        Ground.VITAL_INTEREST,
        "That he has a weapon",
        "She cannot be reached and he is on his way",
        WEEK.date(),
    )
    return replace(draft, **more)


def ask(town: Town, pathway: Pathway, by: str = "centre worker", **more: Any) -> Override:
    with transaction(town.engine) as session:
        return consents.ask_override(session, town.accounts[by], draft_of(town, pathway, **more), NOW)


def test_without_her_consent_a_second_person_is_needed(town: Town) -> None:
    override = ask(town, her_pathway(town))
    with pytest.raises(SamePerson), transaction(town.engine) as session:
        consents.confirm_override(session, town.accounts["centre worker"], override.id, NOW)
    assert hers(town, days=7).overrides == []
    deputy = town.accounts["centre deputy"]
    with transaction(town.engine) as session:
        consents.confirm_override(session, deputy, override.id, NOW)
        again = consents.confirm_override(session, deputy, override.id, NOW)
    assert again.confirmed_by == deputy.id
    assert hers(town).overrides == []
    assert [one.id for one in hers(town, days=7).overrides] == [override.id]


def test_she_is_shown_it_once_she_was_told(town: Town) -> None:
    pathway = her_pathway(town)
    override = ask(town, pathway)
    with transaction(town.engine) as session:
        deputy = town.accounts["centre deputy"]
        consents.confirm_override(session, deputy, override.id, NOW)
        for _twice in range(2):
            consents.note_informed(session, deputy, override.id, NOW)
        (listed,) = consents.list_overrides(session, deputy, pathway.id)
    assert listed.informed_at == NOW
    assert [one.what for one in hers(town).overrides] == ["That he has a weapon"]


def test_only_the_fixed_contacts_agency_passes_anything_on(town: Town) -> None:
    pathway = her_pathway(town)
    with pytest.raises(PathwayNotFound):
        ask(town, pathway, "shelter worker")
    override = ask(town, pathway)
    for act in (consents.confirm_override, consents.note_informed):
        for who, which in (("police worker", override.id), ("centre deputy", uuid.uuid4())):
            refusals = (ConsentNotFound, PathwayNotFound, OnlyFixedContact)
            with pytest.raises(refusals), transaction(town.engine) as session:
                act(session, town.accounts[who], which, NOW)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"ground": Ground.CONSENT}, "ground"),
        ({"what": ""}, "what"),
        ({"reason": "x" * 2001}, "reason"),
        ({"inform_on": (NOW - timedelta(days=1)).date()}, "inform_on"),
        ({"inform_on": (NOW + timedelta(days=91)).date()}, "inform_on"),
    ],
)
def test_an_override_without_ground_reason_and_day_is_refused(
    town: Town, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadConsent) as refusal:
        ask(town, her_pathway(town), **more)
    assert set(refusal.value.fields) == {field}


def test_only_the_private_key_opens_what_was_sealed_to_the_public_one() -> None:
    private, public = new_key_pair()
    other, _public = new_key_pair()
    sealed = seal_to(public, b"copy")
    assert open_sealed(private, sealed) == b"copy"
    for key, body in ((other, sealed), (private, sealed[:-1]), (private, b"")):
        with pytest.raises(Undecipherable):
            open_sealed(key, body)


def test_when_a_line_counts() -> None:
    consent = Consent(uuid.uuid4(), HER, uuid.uuid4(), ("own",), "x", NOW, WEEK, None)
    assert is_valid(consent, NOW)
    assert not is_valid(consent, WEEK)
    assert not is_valid(replace(consent, revoked_at=NOW), NOW)
    override = Override(
        uuid.uuid4(), HER, HER, Ground.LEGAL_DUTY, "", "", WEEK.date(), HER, NOW, None, None, None
    )
    assert not may_know(override, WEEK)
    confirmed = replace(override, confirmed_by=uuid.uuid4())
    assert may_know(confirmed, WEEK)
    assert not may_know(confirmed, NOW)
    assert may_know(replace(confirmed, informed_at=NOW), NOW)

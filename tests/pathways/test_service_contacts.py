"""Speaking with her: what was read counts, her sign stops everybody, only her contact clears it."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from api.kernel import audit
from api.kernel.db import reading, transaction
from api.pathways.model.contacts import (
    Attempt,
    AttemptNoted,
    AttemptNotFound,
    AttemptOutcome,
    ContactChanged,
    ContactChannel,
    ContactRefused,
    NoSafeContact,
    OnlyFixedContact,
    SafeContact,
)
from api.pathways.model.pathways import Pathway, PathwayNotFound, ReadReason
from api.pathways.model.steps import StepAct
from api.pathways.service import contacts as service
from tests.pathways.cases import NOW, WORDS, Town

WORKER, DEPUTY, POLICE = "centre worker", "centre deputy", "police worker"


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


def read(town: Town, who: str, pathway: Pathway, later: int = 0) -> SafeContact:
    at = NOW + timedelta(minutes=later)
    with transaction(town.engine) as session:
        return service.read_safe_contact(session, town.accounts[who], pathway.id, ReadReason.CONTACT, at)


def attempt(
    town: Town, who: str, pathway: Pathway, later: int = 0, channel: ContactChannel = ContactChannel.PHONE
) -> Attempt:
    at = NOW + timedelta(minutes=later)
    with transaction(town.engine) as session:
        return service.begin_attempt(session, town.accounts[who], pathway.id, channel, at)


def outcome(town: Town, who: str, pathway: Pathway, one: uuid.UUID, what: AttemptOutcome) -> Attempt:
    with transaction(town.engine) as session:
        return service.note_outcome(session, town.accounts[who], pathway.id, one, what, NOW)


def test_nobody_contacts_her_before_something_was_agreed_and_read(town: Town) -> None:
    pathway = town.open()
    with pytest.raises(NoSafeContact):
        read(town, WORKER, pathway)
    with pytest.raises(ContactRefused, match="step 2"):
        attempt(town, WORKER, pathway)
    town.agree(pathway)
    with pytest.raises(ContactRefused, match="Read how she may be reached first"):
        attempt(town, WORKER, pathway)
    read(town, DEPUTY, pathway)
    with pytest.raises(ContactRefused):  # a colleague's reading does not count
        attempt(town, WORKER, pathway)
    read(town, WORKER, pathway)
    with pytest.raises(ContactRefused):
        attempt(town, WORKER, pathway, later=16)
    assert attempt(town, WORKER, pathway, later=15).outcome is None


def test_a_newer_version_has_to_be_read_again(town: Town) -> None:
    pathway = town.open()
    town.agree(pathway)
    read(town, WORKER, pathway)
    town.agree(pathway, by=DEPUTY, seen=1, words="Only by the library.")
    with pytest.raises(ContactRefused, match="for that version"):
        attempt(town, WORKER, pathway)
    with pytest.raises(ContactChanged):
        town.agree(pathway, seen=1)
    assert read(town, WORKER, pathway).words == "Only by the library."


@pytest.mark.parametrize("what", [AttemptOutcome.NOT_SAFE, AttemptOutcome.WRONG_WORD])
def test_her_sign_or_a_wrong_word_stops_everybody_until_her_contact_clears_it(
    town: Town, what: AttemptOutcome
) -> None:
    pathway = town.open()
    town.agree(pathway)
    read(town, WORKER, pathway)
    outcome(town, WORKER, pathway, attempt(town, WORKER, pathway).id, what)
    with pytest.raises(ContactRefused, match="her sign"):
        attempt(town, WORKER, pathway)
    assert read(town, WORKER, pathway).not_safe_since == NOW
    town.agree(pathway, seen=1)  # a new version does not clear it
    with transaction(town.engine) as session, pytest.raises(OnlyFixedContact):
        service.clear_sign(session, town.accounts[DEPUTY], pathway.id, "I think so", NOW)
    with transaction(town.engine) as session:
        service.clear_sign(session, town.accounts[WORKER], pathway.id, "She came to the desk.", NOW)
    read(town, WORKER, pathway)
    assert attempt(town, WORKER, pathway).channel is ContactChannel.PHONE


def test_anybody_who_sees_the_pathway_can_note_her_sign_and_twice_is_once(town: Town) -> None:
    pathway = town.open()
    with transaction(town.engine) as session, pytest.raises(NoSafeContact):
        service.give_sign(session, town.accounts[WORKER], pathway.id, NOW)
    with transaction(town.engine) as session, pytest.raises(NoSafeContact):
        service.clear_sign(session, town.accounts[WORKER], pathway.id, "x", NOW)
    town.agree(pathway)
    town.act(WORKER, pathway, 8, StepAct.OFFER, to="police")
    for later in (0, 5):
        with transaction(town.engine) as session:
            at = NOW + timedelta(minutes=later)
            assert service.give_sign(session, town.accounts[POLICE], pathway.id, at) == NOW


def test_only_her_contacts_agency_sets_how_she_may_be_reached(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, StepAct.OFFER, to="police")
    with pytest.raises(OnlyFixedContact):
        town.agree(pathway, by=POLICE)
    with pytest.raises(PathwayNotFound):
        town.agree(pathway, by="shelter worker")


def test_an_outcome_is_noted_once_by_whoever_tried(town: Town) -> None:
    pathway = town.open()
    town.agree(pathway)
    read(town, WORKER, pathway)
    one = attempt(town, WORKER, pathway)
    for who, attempt_id in ((DEPUTY, one.id), (WORKER, uuid.uuid4())):
        with pytest.raises(AttemptNotFound):
            outcome(town, who, pathway, attempt_id, AttemptOutcome.REACHED)
    assert outcome(town, WORKER, pathway, one.id, AttemptOutcome.REACHED).outcome_at == NOW
    with pytest.raises(AttemptNoted):
        outcome(town, WORKER, pathway, one.id, AttemptOutcome.NO_ANSWER)
    assert read(town, WORKER, pathway).not_safe_since is None


def test_the_code_word_is_checked_under_audit_and_stored_sealed(town: Town) -> None:
    pathway = town.open()
    account = town.accounts[WORKER]
    with transaction(town.engine) as session, pytest.raises(NoSafeContact):
        service.is_code_word(session, account, pathway.id, "x", NOW)
    town.agree(pathway)
    with transaction(town.engine) as session:
        assert service.is_code_word(session, account, pathway.id, "BLAUWE regen", NOW)
        assert not service.is_code_word(session, account, pathway.id, "rode regen", NOW)
    with reading(town.engine) as session:
        acts = [(one.act, one.reason) for one in audit.list_about(session, pathway.id)]
        row = session.execute(text("SELECT * FROM safe_contact")).one()
    assert ("pathways.check_code_word", "right") in acts
    assert ("pathways.check_code_word", "wrong") in acts
    stored = b"".join(bytes(value) for value in row if isinstance(value, bytes | memoryview))
    for secret in (WORDS.code_word, WORDS.sign, WORDS.words):
        assert secret.encode() not in stored
        assert secret not in str(row)


def test_no_history_or_audit_holds_her_words(town: Town) -> None:
    pathway = town.open()
    town.agree(pathway)
    read(town, WORKER, pathway)
    with reading(town.engine) as session:
        told = str(audit.list_about(session, pathway.id)) + str(town.history(pathway))
    for secret in (WORDS.code_word, WORDS.sign, WORDS.words):
        assert secret not in told

"""Hand-offs against both databases: who owns what, who may do what, and what her no leaves alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from api.kernel import audit
from api.kernel.db import reading, transaction
from api.pathways.model.agencies import AgencyKind, MemberRole
from api.pathways.model.pathways import CloseReason, PathwayClosed, PathwayNotFound, Urgency
from api.pathways.model.steps import (
    BadAct,
    BadOffer,
    HandoffState,
    ImpossibleReason,
    StepAct,
    StepConflict,
    StepNotFound,
    StepState,
)
from api.pathways.service import agencies, opening, work
from tests.pathways.cases import HER, NOW, Town, content

A, S = StepAct, StepState
WORKER, POLICE = "centre worker", "police worker"


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


def test_a_step_is_the_senders_until_the_receiver_accepts(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, A.OFFER, to="police")
    offered = town.step(pathway, 8)
    assert (offered.state, offered.agency_id) == (S.OFFERED, town.agencies["centre"].id)
    assert offered.owner_id == town.accounts[WORKER].id
    assert offered.due_at == NOW + timedelta(minutes=2880)
    town.act(POLICE, pathway, 8, A.ACCEPT)
    accepted = town.step(pathway, 8)
    assert (accepted.state, accepted.agency_id) == (S.ACCEPTED, town.agencies["police"].id)
    assert accepted.owner_id == town.accounts[POLICE].id
    assert town.waiting(pathway, 8) is None


def test_only_who_is_asked_can_answer(town: Town) -> None:
    pathway = town.open()
    with pytest.raises(StepConflict, match="Nobody offered"):
        town.act(WORKER, pathway, 8, A.ACCEPT)
    town.act(WORKER, pathway, 8, A.OFFER, to="police")
    with pytest.raises(StepConflict, match="only who is asked"):
        town.act(WORKER, pathway, 8, A.ACCEPT)
    with pytest.raises(StepNotFound):
        town.act(POLICE, pathway, 9, A.ACCEPT)
    with pytest.raises(StepConflict, match="another agency's"):
        town.act(POLICE, pathway, 8, A.WITHDRAW)


def test_any_rung_of_the_agency_may_accept_whoever_is_asked_now(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, A.OFFER, to="police")
    assert town.act("police coordinator", pathway, 8, A.ACCEPT).state is S.ACCEPTED


def test_what_is_declined_for_lack_of_a_place_goes_back_and_is_written_down(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 10, A.OFFER, to="shelter")
    with pytest.raises(BadAct):
        town.act("shelter worker", pathway, 10, A.DECLINE)
    town.act("shelter worker", pathway, 10, A.DECLINE, reason=ImpossibleReason.NO_PLACE)
    assert (town.step(pathway, 10).state, town.step(pathway, 10).reason) == (S.OPEN, None)
    act, detail = town.history(pathway)[-1]
    assert (act, detail["act"], detail["reason"]) == ("step", "decline", "no_place")
    with pytest.raises(PathwayNotFound):  # the shelter has no part in it any more
        town.act("shelter worker", pathway, 10, A.DECLINE)


def test_an_accepted_step_can_be_handed_on_and_stays_with_the_hander_meanwhile(town: Town) -> None:
    town.add_agency("other police", AgencyKind.POLICE)
    pathway = town.open()
    town.act(WORKER, pathway, 8, A.OFFER, to="police")
    town.act(POLICE, pathway, 8, A.ACCEPT)
    town.act(POLICE, pathway, 8, A.OFFER, to="other police")
    assert town.step(pathway, 8).agency_id == town.agencies["police"].id
    with pytest.raises(StepConflict):
        town.act(WORKER, pathway, 8, A.WITHDRAW)
    town.act(POLICE, pathway, 8, A.WITHDRAW)
    assert town.step(pathway, 8).state is S.ACCEPTED
    town.act(POLICE, pathway, 8, A.BEGIN)
    assert town.act(POLICE, pathway, 8, A.FINISH).state is S.DONE


def test_her_no_to_one_step_leaves_every_other_as_it_was(town: Town) -> None:
    pathway = town.open(Urgency.ACUTE)
    town.act(WORKER, pathway, 8, A.OFFER, to="police")
    town.act(WORKER, pathway, 10, A.OFFER, to="shelter")
    with transaction(town.engine) as session:
        opening.link_account(session, pathway.id, HER, None, NOW)
    before = {step.number: step for step in town.steps(pathway)}
    with transaction(town.engine) as session:
        refused = work.decide_herself(session, HER, 8, A.REFUSE, NOW)
    after = {step.number: step for step in town.steps(pathway)}
    assert refused.state is S.REFUSED_BY_HER
    assert {n for n in after if after[n] != before[n]} == {8}
    assert town.waiting(pathway, 8) is None
    assert town.waiting(pathway, 10) is not None
    assert town.pathway(pathway).closed_at is None
    for number in (5, 9, 14):  # nothing waits for her yes
        assert town.act(WORKER, pathway, number, A.TAKE).state is S.ACCEPTED


def test_what_she_refused_nobody_of_staff_takes_up_without_her_word(town: Town) -> None:
    pathway = town.open()
    with pytest.raises(BadAct) as caught:
        town.act(WORKER, pathway, 8, A.REFUSE)
    assert "at_her_word" in caught.value.fields
    town.act(WORKER, pathway, 8, A.REFUSE, at_her_word=True)
    for act in (A.TAKE, A.REOPEN):
        with pytest.raises(StepConflict, match="only a word from the person herself"):
            town.act(WORKER, pathway, 8, act)
    assert town.act(WORKER, pathway, 8, A.RESUME, at_her_word=True).state is S.OPEN


def test_a_pause_withdraws_the_offer_and_gives_the_time_back(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, A.OFFER, to="police")
    due_at = town.step(pathway, 8).due_at
    town.act(WORKER, pathway, 8, A.PAUSE, at_her_word=True)
    assert town.waiting(pathway, 8) is None
    later = NOW + timedelta(days=2)
    resumed = town.act(WORKER, pathway, 8, A.RESUME, at_her_word=True, now=later)
    assert due_at is not None
    assert (resumed.state, resumed.due_at) == (S.OPEN, due_at + timedelta(days=2))


def test_the_fixed_contacts_agency_reopens_what_another_gave_up(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 10, A.OFFER, to="shelter")
    town.act("shelter worker", pathway, 10, A.ACCEPT)
    town.act("shelter worker", pathway, 10, A.GIVE_UP, reason=ImpossibleReason.NO_PLACE)
    with pytest.raises(StepConflict, match="another agency's"):
        town.act(WORKER, pathway, 10, A.TAKE)
    reopened = town.act("centre deputy", pathway, 10, A.REOPEN)
    assert (reopened.state, reopened.agency_id) == (S.OPEN, town.agencies["centre"].id)
    assert reopened.due_at == NOW + timedelta(minutes=2880)


def test_nothing_is_noted_where_a_place_could_be_told(town: Town) -> None:
    pathway = town.open()
    for number in (10, 11, 13):
        with pytest.raises(BadAct) as caught:
            town.act(WORKER, pathway, number, A.TAKE, note="Dorpsstraat 5")
        assert "note" in caught.value.fields
    town.act(WORKER, pathway, 8, A.TAKE, note="She comes at ten.")
    with reading(town.engine) as session:
        stored = session.execute(text("SELECT note_sealed FROM pathway_event WHERE note_sealed IS NOT NULL"))
        (row,) = stored.all()
        assert b"ten" not in bytes(row[0])


@pytest.mark.parametrize(
    ("number", "to", "told"),
    [
        (8, "shelter", "can go to: police"),
        (8, "closed", "is closed"),
        (8, "empty", "Nobody works"),
        (5, "centre", "owns the step already"),
    ],
)
def test_an_agency_that_cannot_take_a_step_is_refused(town: Town, number: int, to: str, told: str) -> None:
    town.add_agency("closed", AgencyKind.POLICE)
    town.add_agency("empty", AgencyKind.POLICE)
    with transaction(town.engine) as session:
        agencies.retire_agency(session, town.agencies["closed"].id, None, NOW)
        for role in MemberRole:
            member = town.members[f"empty {role.value}"]
            agencies.end_member(session, member.agency_id, member.id, None, NOW)
    with pytest.raises(BadOffer) as caught:
        town.act(WORKER, town.open(), number, A.OFFER, to=to)
    assert told in caught.value.fields["agency_id"][0]


def test_an_offer_names_an_agency_and_nothing_else_does(town: Town) -> None:
    pathway = town.open()
    for act, to in ((A.OFFER, None), (A.TAKE, "police")):
        with pytest.raises(BadAct):
            town.act(WORKER, pathway, 8, act, to=to)


def test_an_offer_to_nobody_known_is_refused(town: Town) -> None:
    pathway = town.open()
    town.agencies["ghost"] = replace(town.agencies["police"], id=HER)
    with pytest.raises(BadOffer) as caught:
        town.act(WORKER, pathway, 8, A.OFFER, to="ghost")
    assert caught.value.fields == {"agency_id": ["There is no such agency."]}


def test_every_change_has_author_time_and_an_audit_row(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, A.OFFER, to="police")
    town.act(POLICE, pathway, 8, A.ACCEPT)
    with reading(town.engine) as session:
        acts = {(act.act, act.actor_id) for act in audit.list_about(session, pathway.id)}
    assert {
        ("pathways.open", town.accounts[WORKER].id),
        ("pathways.offer", town.accounts[WORKER].id),
        ("pathways.handoff_asked", None),
        ("pathways.accept", town.accounts[POLICE].id),
    } <= acts


def test_nothing_is_done_with_a_closed_pathway_and_its_offers_wait_no_more(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, A.OFFER, to="police")
    with transaction(town.engine) as session:
        opening.close_pathway(session, town.accounts[WORKER], pathway.id, CloseReason.HER_WISH, NOW)
    assert town.waiting(pathway, 8) is None
    with pytest.raises(PathwayClosed):
        town.act(WORKER, pathway, 5, A.TAKE)
    with transaction(town.engine) as session:
        again = opening.reopen_pathway(session, town.accounts[WORKER], pathway.id, content(), NOW)
    assert again.next_contact_at == NOW + timedelta(minutes=10080)
    assert town.step(pathway, 8).state is S.OPEN


def test_a_waiting_offer_is_withdrawn_by_whoever_made_it(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, A.OFFER, to="police")
    waiting = town.waiting(pathway, 8)
    assert waiting is not None
    assert waiting.state is HandoffState.WAITING
    town.act("centre deputy", pathway, 8, A.WITHDRAW)
    assert town.step(pathway, 8).state is S.OPEN

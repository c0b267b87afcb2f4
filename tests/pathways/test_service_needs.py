"""Who may see a pathway: by need, never whom she excluded, and both like an id that does not exist."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from api.accounts import service as accounts
from api.accounts.model import Role
from api.kernel import audit
from api.kernel.db import reading, transaction
from api.pathways.model.agencies import (
    AgencyChanged,
    AgencyDraft,
    AgencyKind,
    AgencyNotFound,
    AgencyRetired,
    BadMember,
    MemberDraft,
    MemberTaken,
)
from api.pathways.model.contacts import OnlyFixedContact
from api.pathways.model.pathways import (
    AccountTaken,
    BadPathway,
    CloseReason,
    PathwayDraft,
    PathwayNotFound,
    PathwayOpen,
    ReadReason,
    Urgency,
)
from api.pathways.model.steps import StepAct, StepNotFound
from api.pathways.service import agencies, needs, opening, work
from tests.pathways.cases import HER, NOW, Town, content

WORKER, POLICE = "centre worker", "police worker"
WHY = ReadReason.OWN_STEP


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


def sees(town: Town, who: str, pathway_id: uuid.UUID) -> set[int]:
    """The steps that somebody sees of a pathway."""
    with transaction(town.engine) as session:
        view = opening.view_pathway(session, town.accounts[who], pathway_id, WHY, NOW)
    return {step.number for step in view.steps}


def exclude(town: Town, pathway_id: uuid.UUID, name: str) -> None:
    with transaction(town.engine) as session:
        needs.exclude(session, pathway_id, name, None, NOW)


def test_an_agency_without_a_part_in_it_cannot_tell_it_from_one_that_is_not_there(town: Town) -> None:
    pathway = town.open()
    for pathway_id in (pathway.id, uuid.uuid4()):
        with pytest.raises(PathwayNotFound) as caught:
            sees(town, POLICE, pathway_id)
        assert caught.value.message == "There is no such pathway."


def test_another_agency_sees_its_own_steps_and_no_other(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, StepAct.OFFER, to="police")
    town.act(WORKER, pathway, 10, StepAct.OFFER, to="shelter")
    assert sees(town, WORKER, pathway.id) == set(range(19))
    assert sees(town, POLICE, pathway.id) == {8}
    with transaction(town.engine) as session:
        view = opening.view_pathway(session, town.accounts[POLICE], pathway.id, WHY, NOW)
    assert {event.number for event in view.events} == {8}
    with pytest.raises(StepNotFound):
        town.act(POLICE, pathway, 10, StepAct.TAKE)


def test_whoever_has_left_the_agency_sees_nothing_any_more(town: Town) -> None:
    pathway = town.open()
    member = town.members["centre deputy"]
    assert sees(town, "centre deputy", pathway.id)
    with transaction(town.engine) as session:
        agencies.end_member(session, member.agency_id, member.id, None, NOW)
    with pytest.raises(PathwayNotFound):
        sees(town, "centre deputy", pathway.id)


@pytest.mark.parametrize("name", ["centre.deputy", "Jansen, Centre Deputy", "CENTRE DEPUTY JANSEN"])
def test_whom_she_excluded_by_name_or_log_in_finds_nothing(town: Town, name: str) -> None:
    pathway = town.open()
    exclude(town, pathway.id, name)
    with pytest.raises(PathwayNotFound):
        sees(town, "centre deputy", pathway.id)
    with transaction(town.engine) as session:
        assert needs.list_seen(session, town.accounts["centre deputy"])[0] == {}
        assert list(needs.list_seen(session, town.accounts[WORKER])[0]) == [pathway.id]
    assert sees(town, WORKER, pathway.id)


def test_a_name_that_was_changed_does_not_help_whom_she_excluded(town: Town) -> None:
    pathway = town.open()
    member = town.members["centre deputy"]
    exclude(town, pathway.id, "Centre Deputy Jansen")
    with transaction(town.engine) as session:
        agencies.end_member(session, member.agency_id, member.id, None, NOW)
        draft = MemberDraft(member.account_id, member.role, "Somebody Else", None)
        agencies.add_member(session, member.agency_id, draft, None, NOW)
    with pytest.raises(PathwayNotFound):
        sees(town, "centre deputy", pathway.id)


def test_the_name_itself_is_kept_nowhere_and_its_hash_differs_between_pathways(town: Town) -> None:
    first, second = town.open(), town.open()
    for pathway in (first, second, second):
        exclude(town, pathway.id, "Kees Zwartenhond")
    with reading(town.engine) as session:
        hashes = session.scalars(text("SELECT name_hash FROM pathway_exclusion")).all()
        acts = str(audit.list_about(session, first.id)) + str(town.history(first))
    assert len(set(hashes)) == len(hashes) == 2
    assert "wartenhond" not in (acts + str(hashes)).lower()


def test_nobody_is_excluded_by_a_name_without_letters(town: Town) -> None:
    with pytest.raises(BadPathway):
        exclude(town, town.open().id, " … ")


def test_an_excluded_contact_gives_way_to_the_deputy_and_then_to_the_overdue_list(town: Town) -> None:
    pathway = town.open()
    worker, deputy = town.accounts[WORKER], town.accounts["centre deputy"]
    with transaction(town.engine) as session:
        opening.set_contact(session, worker, pathway.id, worker.id, deputy.id, NOW)
    exclude(town, pathway.id, worker.login)
    now = town.pathway(pathway)
    assert (now.contact_id, now.deputy_id) == (deputy.id, None)
    assert {step.owner_id for step in town.steps(pathway)} == {deputy.id}
    exclude(town, pathway.id, deputy.login)
    assert town.pathway(pathway).contact_id is None
    with transaction(town.engine) as session:
        overdue = work.list_work(session, town.accounts["centre coordinator"], NOW).overdue
    assert [item.kind.value for item in overdue] == ["no_fixed_contact"]


def test_whom_she_excluded_is_not_asked_either(town: Town) -> None:
    pathway = town.open()
    exclude(town, pathway.id, town.accounts[POLICE].login)
    town.act(WORKER, pathway, 8, StepAct.OFFER, to="police")
    waiting = town.waiting(pathway, 8)
    assert waiting is not None
    assert waiting.rung.value == "deputy"


def test_every_reading_is_an_audit_row_with_its_reason(town: Town) -> None:
    pathway = town.open()
    sees(town, WORKER, pathway.id)
    with reading(town.engine) as session:
        (act,) = [one for one in audit.list_about(session, pathway.id) if one.act == "pathways.read"]
    assert (act.actor_id, act.reason) == (town.accounts[WORKER].id, "own_step")


def test_whoever_opens_a_pathway_works_at_an_open_agency_that_has_fixed_contacts(town: Town) -> None:
    centre, police = town.agencies["centre"], town.agencies["police"]
    with transaction(town.engine) as session:
        draft = PathwayDraft(centre.id, Urgency.ACUTE, "nl")
        with pytest.raises(AgencyNotFound):
            opening.open_pathway(session, town.accounts[POLICE], draft, content(), NOW)
        draft = PathwayDraft(police.id, Urgency.ACUTE, "nl")
        with pytest.raises(BadPathway):
            opening.open_pathway(session, town.accounts[POLICE], draft, content(), NOW)
        agencies.retire_agency(session, centre.id, None, NOW)
    with pytest.raises(BadPathway):
        town.open()


def test_an_acute_pathway_begins_with_the_short_deadlines(town: Town) -> None:
    ordinary, pathway = town.open(), town.open(Urgency.ACUTE)
    assert town.step(ordinary, 5).due_at is None
    assert town.step(pathway, 5).due_at == NOW + timedelta(minutes=60)
    assert town.step(pathway, 8).due_at is None
    assert len(pathway.reference) == 11
    assert pathway.contact_id == town.accounts[WORKER].id


def test_becoming_acute_shortens_what_runs_and_becoming_ordinary_lengthens_nothing(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, StepAct.OFFER, to="police")
    account = town.accounts[WORKER]
    with transaction(town.engine) as session:
        opening.set_urgency(session, account, pathway.id, Urgency.ACUTE, content(), NOW)
    assert town.step(pathway, 5).due_at == NOW + timedelta(minutes=60)
    assert town.step(pathway, 8).due_at == NOW + timedelta(minutes=1440)
    waiting = town.waiting(pathway, 8)
    assert waiting is not None
    assert waiting.due_at == NOW + timedelta(minutes=15)
    assert town.pathway(pathway).next_contact_at == NOW + timedelta(minutes=1440)
    before = town.steps(pathway)
    for _again in range(2):
        with transaction(town.engine) as session:
            opening.set_urgency(session, account, pathway.id, Urgency.ORDINARY, content(), NOW)
    assert town.steps(pathway) == before


def test_only_the_contacts_agency_decides_over_the_pathway(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 8, StepAct.OFFER, to="police")
    account = town.accounts[POLICE]
    with transaction(town.engine) as session:
        with pytest.raises(OnlyFixedContact):
            opening.set_next_contact(session, account, pathway.id, NOW + timedelta(days=1), NOW)
        with pytest.raises(OnlyFixedContact):
            opening.close_pathway(session, account, pathway.id, CloseReason.MISTAKE, NOW)
        with pytest.raises(OnlyFixedContact):
            opening.reopen_pathway(session, account, pathway.id, content(), NOW)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_next_contact_lies_ahead_within_a_year(town: Town, days: int) -> None:
    pathway = town.open()
    with transaction(town.engine) as session:
        at = NOW + timedelta(days=days)
        with pytest.raises(BadPathway):
            opening.set_next_contact(session, town.accounts[WORKER], pathway.id, at, NOW)
        soon = NOW + timedelta(days=2)
        changed = opening.set_next_contact(session, town.accounts[WORKER], pathway.id, soon, NOW)
    assert changed.next_contact_at == soon


def test_a_contact_works_at_the_agency_and_is_not_the_own_deputy(town: Town) -> None:
    pathway = town.open()
    exclude(town, pathway.id, "centre.coordinator")
    ids = {name: account.id for name, account in town.accounts.items()}
    with transaction(town.engine) as session:
        for contact, deputy, field in (
            (POLICE, None, "contact_id"),
            (WORKER, POLICE, "deputy_id"),
            (WORKER, WORKER, "deputy_id"),
            ("centre coordinator", None, "contact_id"),
        ):
            with pytest.raises(BadPathway) as caught:
                opening.set_contact(
                    session, town.accounts[WORKER], pathway.id, ids[contact], ids.get(deputy or ""), NOW
                )
            assert list(caught.value.fields) == [field]
        given = (ids["centre deputy"], ids[WORKER])
        changed = opening.set_contact(session, town.accounts[WORKER], pathway.id, *given, NOW)
    assert (changed.contact_id, changed.deputy_id) == given
    assert {step.owner_id for step in town.steps(pathway)} == {ids["centre deputy"]}


def test_an_account_has_one_open_pathway_and_an_open_one_is_not_opened_again(town: Town) -> None:
    first, second = town.open(), town.open()
    with transaction(town.engine) as session:
        for _again in range(2):
            opening.link_account(session, first.id, HER, None, NOW)
        with pytest.raises(AccountTaken):
            opening.link_account(session, second.id, HER, None, NOW)
        opening.link_account(session, first.id, None, None, NOW)
        opening.link_account(session, second.id, HER, None, NOW)
        with pytest.raises(PathwayOpen):
            opening.reopen_pathway(session, town.accounts[WORKER], first.id, content(), NOW)


def test_who_has_no_pathway_reads_an_empty_schedule_and_decides_nothing(town: Town) -> None:
    with transaction(town.engine) as session:
        assert work.read_schedule(session, HER, content(), None, NOW).lines == ()
        with pytest.raises(PathwayNotFound):
            work.decide_herself(session, HER, 3, StepAct.PAUSE, NOW)


def test_she_reads_who_does_what_and_when_and_never_a_place(town: Town) -> None:
    pathway = town.open()
    town.act(WORKER, pathway, 10, StepAct.OFFER, to="shelter")
    town.act("shelter worker", pathway, 10, StepAct.ACCEPT)
    town.act(WORKER, pathway, 8, StepAct.OFFER, to="police")
    town.act(POLICE, pathway, 8, StepAct.ACCEPT)
    with transaction(town.engine) as session:
        opening.link_account(session, pathway.id, HER, None, NOW)
        schedule = work.read_schedule(session, HER, content(), "en", NOW)
    by_number = {line.number: line for line in schedule.lines}
    assert by_number[8].who == "The police of Haarlem"
    assert by_number[10].who == "shelter"
    assert "The shelter of" not in repr(schedule)
    assert schedule.contact == "Centre Worker Jansen"
    assert schedule.next_contact_at is not None


def test_no_account_that_is_not_staffs_works_at_an_agency(town: Town) -> None:
    with transaction(town.engine) as session:
        hers = accounts.add_account(session, "1" * 16, "123456", Role.PROTECTED_PERSON, uuid.uuid4(), NOW)
        centre = town.agencies["centre"]
        draft = MemberDraft(hers.id, town.members[WORKER].role, "x", None)
        with pytest.raises(BadMember):
            agencies.add_member(session, centre.id, draft, None, NOW)
        worker = town.members[WORKER]
        with pytest.raises(MemberTaken):
            agencies.add_member(
                session, centre.id, MemberDraft(worker.account_id, worker.role, "x", None), None, NOW
            )


def test_what_is_changed_of_an_agency_is_what_was_seen(town: Town) -> None:
    centre, worker = town.agencies["centre"], town.members[WORKER]
    draft = AgencyDraft("Other", AgencyKind.CENTRE, "R", "Europe/Amsterdam")
    person = MemberDraft(worker.account_id, worker.role, "Other", None)
    with transaction(town.engine) as session:
        changed = agencies.change_agency(session, centre, draft, None, NOW)
        assert changed.name == "Other"
        with pytest.raises(AgencyChanged):
            agencies.change_agency(session, centre, draft, None, NOW)
        assert agencies.change_member(session, worker, person, None, NOW).name == "Other"
        with pytest.raises(AgencyChanged):
            agencies.change_member(session, worker, person, None, NOW)
        seen = agencies.get_member(session, centre.id, worker.id, None, NOW)
        with pytest.raises(BadMember):
            agencies.change_member(session, seen, MemberDraft(HER, worker.role, "Other", None), None, NOW)
        slots = agencies.get_duties(session, centre.id)
        agencies.replace_duties(session, centre.id, slots, [], None, NOW)
        with pytest.raises(AgencyChanged):
            agencies.replace_duties(session, centre.id, slots, [], None, NOW)
        assert agencies.who_is_there(session, centre.id, NOW, None, NOW) == []
        gone = agencies.end_member(session, centre.id, worker.id, None, NOW)
        assert agencies.end_member(session, centre.id, worker.id, None, NOW + timedelta(days=1)) == gone
        closed = agencies.retire_agency(session, centre.id, None, NOW)
        assert agencies.retire_agency(session, centre.id, None, NOW + timedelta(days=1)) == closed
        with pytest.raises(AgencyRetired):
            agencies.change_agency(session, closed, draft, None, NOW)

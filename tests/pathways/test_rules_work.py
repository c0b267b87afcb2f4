"""Whose list a thing is on, in which order; and what she reads of it, without a place."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.pathways.model.agencies import Agency, AgencyKind, MemberRole
from api.pathways.model.pathways import Pathway, Urgency
from api.pathways.model.steps import StepState
from api.pathways.model.work import WorkKind
from api.pathways.rules.hers import schedule_lines
from api.pathways.rules.work import Desk, todays_work
from tests.pathways.cases import NOW, ZONE, content, make_handoff, make_member, make_pathway, make_step

ME, OTHER = UUID(int=3), UUID(int=30)
OURS, THEIRS = UUID(int=2), UUID(int=5)
HOUR = timedelta(hours=1)


def desk(**more: Any) -> Desk:
    role: MemberRole = more.pop("role", MemberRole.WORKER)
    at: UUID = more.pop("at", OURS)
    pathways: Mapping[UUID, Pathway] = {one.id: one for one in more.pop("pathways", [make_pathway()])}
    values: dict[str, Any] = {
        "account_id": ME,
        "memberships": {at: make_member(agency_id=at, account_id=ME, role=role)},
        "pathways": pathways,
        "steps": (),
        "handoffs": (),
        "signs": {},
    }
    return Desk(**values | more)


def test_an_offer_is_on_the_list_of_the_agency_that_is_asked_and_mine_when_my_rung_is() -> None:
    handoff = make_handoff(rung=MemberRole.DEPUTY, due_at=NOW + HOUR)
    for role, mine in ((MemberRole.DEPUTY, True), (MemberRole.WORKER, False)):
        (item,) = todays_work(desk(at=THEIRS, role=role, handoffs=(handoff,)), NOW).accept
        assert (item.kind, item.number, item.rung, item.is_mine) == (
            WorkKind.ACCEPT,
            7,
            MemberRole.DEPUTY,
            mine,
        )
    assert todays_work(desk(handoffs=(handoff,)), NOW).accept == ()


def test_what_nobody_accepted_is_overdue_with_whoever_offered() -> None:
    handoff = make_handoff()
    work = todays_work(desk(handoffs=(handoff,)), NOW)
    assert [(item.kind, item.is_mine) for item in work.overdue] == [(WorkKind.UNACCEPTED, True)]
    assert todays_work(desk(at=THEIRS, handoffs=(handoff,)), NOW).overdue == ()
    asked = make_handoff(due_at=NOW + HOUR)
    assert todays_work(desk(handoffs=(asked,)), NOW).overdue == ()


def test_a_step_is_overdue_due_today_or_on_no_list() -> None:
    steps = (
        make_step(number=1, due_at=NOW),
        make_step(number=2, due_at=NOW + HOUR, owner_id=OTHER, remind_at=NOW),
        make_step(number=3, due_at=NOW + timedelta(hours=25)),
        make_step(number=4),
        make_step(number=5, due_at=NOW, state=StepState.PAUSED),
        make_step(number=6, due_at=NOW, agency_id=THEIRS),
    )
    work = todays_work(desk(steps=steps), NOW)
    assert [(item.number, item.is_mine, item.is_reminded) for item in work.overdue] == [(1, True, True)]
    assert [(item.number, item.is_mine, item.is_reminded) for item in work.due] == [(2, False, False)]


def test_a_pathway_without_a_next_contact_is_overdue() -> None:
    for at in (None, NOW):
        work = todays_work(desk(pathways=[make_pathway(next_contact_at=at)]), NOW)
        assert [item.kind for item in work.overdue] == [WorkKind.NO_NEXT_CONTACT]
    work = todays_work(desk(), NOW)
    assert [(item.kind, item.is_mine) for item in work.contacts] == [(WorkKind.NEXT_CONTACT, True)]
    assert work.overdue == ()
    assert todays_work(desk(at=THEIRS), NOW).contacts == ()


def test_a_pathway_without_a_fixed_contact_is_the_coordinators() -> None:
    lost = make_pathway(contact_id=None)
    for role, mine in ((MemberRole.COORDINATOR, True), (MemberRole.WORKER, False)):
        work = todays_work(desk(role=role, pathways=[lost]), NOW)
        assert [(item.kind, item.is_mine) for item in work.overdue] == [(WorkKind.NO_FIXED_CONTACT, mine)]


def test_acute_comes_first_then_ones_own_then_what_is_due_earlier() -> None:
    acute = make_pathway(id=UUID(int=11), urgency=Urgency.ACUTE, reference="Z")
    steps = (
        make_step(number=1, due_at=NOW - 9 * HOUR, owner_id=OTHER),
        make_step(number=2, due_at=NOW - HOUR),
        make_step(number=3, due_at=NOW - 2 * HOUR),
        make_step(number=4, due_at=NOW, pathway_id=acute.id, owner_id=OTHER),
    )
    work = todays_work(desk(pathways=[make_pathway(), acute], steps=steps), NOW)
    assert [item.number for item in work.overdue] == [4, 3, 2, 1]


def test_her_sign_is_shown_with_everything_about_her() -> None:
    work = todays_work(desk(steps=(make_step(due_at=NOW),), signs={UUID(int=1): NOW}), NOW)
    assert all(item.not_safe for item in (*work.overdue, *work.contacts))


def agency(kind: AgencyKind) -> Agency:
    return Agency(OURS, "Blue House, Dorpsstraat 5, Haarlem", kind, "Kennemerland", ZONE, None, None)


def test_she_reads_who_does_what_in_her_language() -> None:
    step = make_step(number=8, due_at=NOW + HOUR)
    for language, what in (("nl", "Melding of aangifte"), ("en", "Telling or reporting to the police")):
        (line,) = schedule_lines(content(), [step], {OURS: agency(AgencyKind.POLICE)}, language)
        assert (line.what, line.who, line.when) == (what, "Blue House, Dorpsstraat 5, Haarlem", NOW + HOUR)
        assert (line.may_refuse, line.may_pause, line.may_resume) == (True, True, False)


def test_of_a_place_to_stay_she_reads_the_kind_of_agency_and_never_its_name() -> None:
    for number in (10, 11, 13):
        step = make_step(number=number)
        (line,) = schedule_lines(content(), [step], {OURS: agency(AgencyKind.SHELTER)}, "en")
        assert line.who == "shelter"
        assert "Dorpsstraat" not in repr(line)


def test_what_rests_or_is_over_has_no_hour() -> None:
    step = make_step(due_at=NOW)
    for state in (StepState.PAUSED, StepState.REFUSED_BY_HER, StepState.DONE):
        stopped = replace(step, state=state)
        (line,) = schedule_lines(content(), [stopped], {OURS: agency(AgencyKind.MEDICAL)}, "nl")
        assert line.when is None
        assert line.may_resume == (state is not StepState.DONE)

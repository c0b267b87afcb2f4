"""What the room gives an operator to do: steps with clocks, calls, test runs, evidence packs."""

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Route, expect

from api.accounts.model import Role
from api.alerts import service as alerts
from api.alerts.model import Event, EventKind
from api.alerts.model.playbooks import TaskOutcome
from api.kernel import clock
from api.kernel.db import transaction
from tests.browser.conftest import Visit
from tests.browser.stage import Stage
from tests.browser.test_control_room import CONTRAST, HOSTILE, rows

pytestmark = pytest.mark.enable_socket
supervisor = pytest.mark.parametrize("role", [Role.SUPERVISOR])
COUNTED_RINGS = """
window.rings = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { window.rings += 1; return start.call(this, at); };
"""
WIDTH = "document.documentElement.scrollWidth"


def calls(visit: Visit) -> Locator:
    return visit.page.locator("#calls-list > li")


def lose_contact(stage: Stage, reference: str = "C-1") -> None:
    """An alert that by the Dutch playbook asks at once to call the wearer."""
    scene = stage.add_order(reference=reference)
    stage.open_alert(EventKind.LOST_CONTACT, order_id=scene.order_id, device_id=scene.ankle.id, exercise=True)


def press_sos(stage: Stage, reference: str = "C-1") -> None:
    """An alert of severity 1: the police have 30 s, and so has the room."""
    scene = stage.add_order(reference=reference)
    stage.open_alert(EventKind.SOS, order_id=scene.order_id, device_id=scene.phone.id, exercise=True)


def test_each_waiting_step_has_its_words_and_a_clock(control: Visit, stage: Stage) -> None:
    press_sos(stage)
    control.sign_in()
    steps = control.page.locator("#steps > li")
    police = steps.filter(has_text="Tell the police by webhook")
    expect(police).to_contain_text("Waits for the signed acknowledgement of the police")
    expect(police).to_contain_text(re.compile(r"\d+ s left, then: call the police"))
    room = steps.filter(has_text="Have somebody here take the alert")
    expect(room).to_contain_text("Waits for somebody here to take the alert")
    control.page.get_by_role("button", name="Acknowledge").click()
    expect(room).to_contain_text(re.compile(r"Answered at \d\d:\d\d:\d\d, after \d+ s"))


def test_the_clock_is_the_servers_however_wrong_the_desks_is(control: Visit, stage: Stage) -> None:
    control.page.clock.set_system_time(clock.now() - timedelta(hours=3))
    press_sos(stage)
    control.sign_in()
    police = control.page.locator("#steps > li", has_text="Tell the police")
    expect(police).to_contain_text(re.compile(r"\b\d+ s (left|ago)"))


def test_nobody_answered_is_told_in_the_log_and_becomes_a_call(control: Visit, stage: Stage) -> None:
    press_sos(stage, "C-77")
    control.sign_in()
    expect(control.page.locator("#calls-title")).to_have_text("No calls to make")
    assert stage.escalate(after_s=31) > 0
    log = control.page.locator(".log")
    expect(log).to_contain_text(
        re.compile(r"Escalated: nobody answered “police” within 3\d s: call the police")
    )
    expect(control.page.locator("#steps > li", has_text="Tell the police")).to_contain_text("Not answered at")
    expect(calls(control).first).to_contain_text("Call the police")
    expect(calls(control).first).to_contain_text("C-77 · SOS pressed")
    expect(calls(control).first).to_contain_text("Exercise")
    expect(control.page.locator("#calls-title")).to_have_text(re.compile(r"\d calls? to make"))
    expect(control.page.locator("#news")).to_have_text(
        re.compile("To call: Call the police, C-77|more calls")
    )


def test_what_the_page_does_not_know_is_shown_as_it_is(control: Visit, stage: Stage) -> None:
    press_sos(stage)
    alert = stage.unresolved()[0]

    def more(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        line = told["entries"][-1] | {"event": None, "severity": 1}
        told["entries"] += [
            line | {"kind": "police_acknowledged", "detail": {"station": "S-4"}},
            line | {"kind": "of_tomorrow", "detail": {"what": HOSTILE, "n": [1]}},
        ]
        route.fulfill(response=answer, body=json.dumps(told))

    control.page.route(f"**/api/alerts/{alert.id}", more)
    control.sign_in()
    log = control.page.locator(".log")
    expect(log).to_contain_text("Acknowledged by the police: station S-4")
    expect(log).to_contain_text(f"of_tomorrow: what {HOSTILE}, n [1]")


def test_an_outcome_is_noted_with_its_words_and_shown_at_the_alert(control: Visit, stage: Stage) -> None:
    lose_contact(stage)
    control.sign_in()
    expect(calls(control)).to_have_count(1)
    calls(control).get_by_label("What was said").fill("His mother says he sleeps.")
    calls(control).get_by_role("button", name="No answer").click()
    expect(calls(control)).to_have_count(0)
    assert stage.tasks() == []
    (task,) = stage.detail(stage.unresolved()[0].id).tasks
    assert (task.outcome, task.note) == (TaskOutcome.NO_ANSWER, "His mother says he sleeps.")
    expect(control.page.locator("#made-calls")).to_contain_text("No answer at")
    expect(control.page.locator("#made-calls")).to_contain_text("His mother says he sleeps.")
    expect(control.page.locator(".log")).to_contain_text("Call noted: call the wearer: no answer")
    expect(control.page.locator("#calls-title")).to_be_focused()


def test_a_call_is_made_with_the_keyboard_alone(control: Visit, stage: Stage) -> None:
    lose_contact(stage, "C-1")
    lose_contact(stage, "C-2")
    control.sign_in()
    expect(calls(control)).to_have_count(2)
    press = control.page.keyboard.press
    press("c")
    expect(calls(control).first.get_by_role("button", name="Call the wearer")).to_be_focused()
    press("Enter")
    press("Tab")
    expect(calls(control).first.get_by_role("button", name="Reached")).to_be_focused()
    press("r")  # on a call's button letters are no commands
    expect(control.page.locator("#resolution")).to_be_hidden()
    press("Enter")
    expect(calls(control)).to_have_count(1)
    expect(calls(control).first.get_by_role("button", name="Call the wearer")).to_be_focused()
    press("Escape")
    expect(control.page.locator("#alerts")).to_be_focused()


def test_whoever_is_slower_is_told_so_and_the_call_is_gone(control: Visit, stage: Stage) -> None:
    lose_contact(stage, "C-1")
    control.sign_in()
    expect(calls(control)).to_have_count(1)
    control.page.route("**/api/tasks", lambda route: route.abort())  # the page cannot hear of it
    (task,) = stage.tasks()
    stage.note(task, TaskOutcome.REACHED)
    calls(control).get_by_role("button", name="Voicemail").click()
    expect(control.page.locator("#calls-problem")).to_contain_text("Somebody was faster")
    expect(calls(control)).to_have_count(0)
    assert stage.detail(task.alert_id).tasks[0].outcome is TaskOutcome.REACHED
    expect(control.page.locator("#calls-stale")).to_contain_text("there may be more calls")
    control.page.unroute("**/api/tasks")
    expect(control.page.locator("#calls-stale")).to_be_empty()


def test_a_call_shows_its_alert(control: Visit, stage: Stage) -> None:
    lose_contact(stage, "C-1")
    press_sos(stage, "C-2")
    control.sign_in()
    expect(rows(control).nth(0)).to_have_attribute("aria-selected", "true")
    calls(control).get_by_role("button", name="Call the wearer").click()
    expect(rows(control).nth(1)).to_have_attribute("aria-selected", "true")
    expect(control.page.locator("#detail-title")).to_have_text("No contact with a device")


def test_a_call_that_somebody_noted_while_one_writes_is_told(control: Visit, stage: Stage) -> None:
    lose_contact(stage, "C-9")
    control.sign_in()
    calls(control).get_by_label("What was said").fill("half a sen")
    stage.note(stage.tasks()[0], TaskOutcome.REACHED)
    expect(control.page.locator("#calls-problem")).to_contain_text(
        "“Call the wearer, C-9” is no longer to be made"
    )
    expect(calls(control)).to_have_count(0)


def test_an_outcome_that_did_not_arrive_stays_to_be_noted(control: Visit, stage: Stage) -> None:
    lose_contact(stage)
    control.sign_in()
    control.page.route("**/api/tasks/*/outcome", lambda route: route.abort())
    calls(control).get_by_role("button", name="Refused").click()
    expect(calls(control)).to_contain_text("Not noted. The server does not answer.")
    control.page.unroute("**/api/tasks/*/outcome")
    calls(control).get_by_role("button", name="Refused").click()
    expect(calls(control)).to_have_count(0)


def test_an_overdue_call_stands_first_says_so_in_words_and_rings(control: Visit, stage: Stage) -> None:
    stage.go_by(
        (
            "call_wearer: {task: call_wearer}",
            "call_wearer: {task: call_wearer, within_s: 5, otherwise: [call_police]}",
        )
    )
    control.page.add_init_script(COUNTED_RINGS)
    control.sign_in()
    control.page.get_by_role("button", name="Sound off").click()
    expect(control.page.locator("#signs li").first).to_contain_text("live")
    press_sos(stage, "C-1")
    stage.escalate(after_s=31)  # to call the police, for a worse alert, without a deadline
    lose_contact(stage, "C-2")
    late = calls(control).filter(has_text="Call the wearer")
    expect(late).to_contain_text("due in")
    control.page.wait_for_function("window.rings >= 1")
    expect(late).to_contain_text("OVERDUE by")
    expect(late).to_have_class("overdue")
    expect(calls(control).first).to_contain_text("Call the wearer")
    expect(control.page.locator("#news-now")).to_contain_text("Overdue: Call the wearer, C-2")
    assert control.page.evaluate(CONTRAST) == []


def test_typing_goes_on_while_the_list_changes_around_it(control: Visit, stage: Stage) -> None:
    lose_contact(stage, "C-1")
    control.sign_in()
    field = calls(control).get_by_label("What was said: Call the wearer, C-1")
    field.fill("one ")
    field.press("End")
    press_sos(stage, "C-2")
    stage.escalate(after_s=31)  # worse calls come in before it
    expect(calls(control).first).to_contain_text("Call the police")
    control.page.keyboard.type("two")
    expect(field).to_be_focused()
    expect(field).to_have_value("one two")


def test_a_flood_of_calls_draws_the_most_urgent_and_asks_the_server_seldom(
    control: Visit, stage: Stage
) -> None:
    scene = stage.add_order()
    control.sign_in()
    expect(control.page.locator("#signs li").first).to_contain_text("live")
    with transaction(stage.engine) as session:
        lost = EventKind.LOST_CONTACT
        events = [Event(kind=lost, occurred_at=clock.now(), device_id=uuid4()) for _ in range(700)]
        alerts.open_alerts(session, events, clock.now())
    expect(rows(control)).to_have_count(700, timeout=60_000)
    expect(control.page.locator("#calls-title")).to_have_text("700 calls to make")
    asked = [request for request in control.requests if request.url.endswith("/api/tasks")]
    assert len(asked) < 200  # news came 700 times
    expect(calls(control)).to_have_count(20)
    expect(control.page.locator("#calls-more")).to_contain_text("680 more wait")
    stage.open_alert(EventKind.SOS, order_id=scene.order_id, device_id=scene.phone.id)
    expect(rows(control).first).to_contain_text("SOS pressed")
    rows(control).first.click()
    expect(rows(control).first).to_have_attribute("aria-selected", "true")
    control.page.keyboard.press("a")
    expect(rows(control).first).to_contain_text("Taken")


@supervisor
def test_a_test_run_is_asked_for_started_and_followed_link_by_link(control: Visit, stage: Stage) -> None:
    scene = stage.add_order(reference="C-31")
    control.sign_in()
    page = control.page
    page.get_by_role("button", name="Test runs: 1 due").click()
    due = page.locator("#drills-due > li")
    expect(due).to_contain_text("C-31")
    expect(due).to_contain_text("never tested")
    page.get_by_role("button", name="Start a test run: C-31").click()
    expect(page.locator("#drill-confirm")).to_contain_text("Tell the police by webhook")
    expect(page.locator("#drill-confirm")).to_contain_text("Tell the protected person by app, push, device")
    expect(page.locator("#drill-cancel")).to_be_focused()
    assert stage.unresolved() == []
    page.get_by_role("button", name="Start the test run").click()
    expect(page.locator("#drill-report")).to_contain_text("Test run of C-31")
    expect(page.locator("#drill-report .badge")).to_have_text("Exercise")
    expect(page.locator("#drill-links")).to_contain_text("Police waiting")
    expect(rows(control).first).to_contain_text("Test run of the whole chain")
    expect(rows(control).first).to_contain_text("Exercise")
    expect(due).to_contain_text("due in")
    room = page.locator("#drill-links > li", has_text="Control room")
    expect(room).to_contain_text("nobody took the alert")
    page.get_by_role("button", name="Show its alert").click()
    page.get_by_role("button", name="Acknowledge").click()
    expect(room).to_contain_text("held")
    assert [one.order_id for one in stage.unresolved()] == [scene.order_id]
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="Start a test run: C-31").click()
    page.get_by_role("button", name="Start the test run").click()
    expect(page.locator("#drills-problem")).to_contain_text("resolve it first")


@supervisor
def test_a_test_run_that_is_cancelled_sends_nothing(control: Visit, stage: Stage) -> None:
    stage.add_order(reference="C-31")
    control.sign_in()
    page = control.page
    page.get_by_role("button", name="Test runs").click()
    page.get_by_role("button", name="Start a test run: C-31").click()
    page.keyboard.press("Escape")
    expect(page.locator("#drill-confirm")).to_be_hidden()
    expect(page.locator("#drills")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#drills")).to_be_hidden()
    expect(page.locator("#drills-open")).to_be_focused()
    assert stage.unresolved() == []


def test_an_operator_reads_reports_and_starts_none(control: Visit, stage: Stage) -> None:
    stage.add_order(reference="C-31")
    press_sos(stage, "C-32")
    control.sign_in()
    expect(control.page.get_by_role("button", name="Evidence pack …")).to_be_hidden()
    control.page.get_by_role("button", name="Test runs").click()
    expect(control.page.locator("#drills-due > li")).to_have_count(2)
    assert control.page.get_by_role("button", name="Start a test run: C-31").count() == 0


@supervisor
def test_an_evidence_pack_is_asked_for_with_a_reason_and_saved(control: Visit, stage: Stage) -> None:
    press_sos(stage)
    alert = stage.unresolved()[0]
    asked: list[object] = []

    def give(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or ""))
        name = 'attachment; filename="evidence-defence-1.zip"'
        route.fulfill(body=b"PK", content_type="application/zip", headers={"Content-Disposition": name})

    control.page.route(f"**/api/alerts/{alert.id}/evidence", give)
    control.sign_in()
    page = control.page
    page.get_by_role("button", name="Evidence pack …").click()
    page.get_by_label("For whom").select_option("defence")
    page.get_by_role("button", name="Make the pack").click()
    assert asked == []  # no reason, no pack
    page.get_by_label("Reason (kept").fill("Case 12/2026")
    with page.expect_download() as download:
        page.get_by_role("button", name="Make the pack").click()
    assert download.value.suggested_filename == "evidence-defence-1.zip"
    assert download.value.path().read_bytes() == b"PK"
    assert asked == [{"variant": "defence", "reason": "Case 12/2026"}]
    expect(page.locator("#evidence")).to_contain_text("The pack was made: evidence-defence-1.zip")


@supervisor
def test_a_resolved_alert_is_read_again_and_its_pack_made(control: Visit, stage: Stage) -> None:
    press_sos(stage, "C-1")
    press_sos(stage, "C-2")
    control.sign_in()
    page = control.page
    expect(rows(control)).to_have_count(2)
    alert_id = rows(control).first.get_attribute("data-id")
    page.keyboard.press("r")
    page.get_by_label("Why it is closed").select_option("false_alarm")
    page.get_by_label("Note").fill(HOSTILE)
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(rows(control)).to_have_count(1)
    page.get_by_role("button", name="Resolved", exact=True).click()
    expect(page.locator("#closed-list > li")).to_have_count(1)
    expect(page.locator("#closed-list > li")).to_contain_text("False alarm")
    page.locator("#closed-list").get_by_role("button", name="SOS pressed").click()
    expect(page.locator("#detail dl")).to_contain_text(HOSTILE)
    expect(page.get_by_role("button", name="Acknowledge")).to_be_disabled()
    expect(page.get_by_role("button", name="Resolve …")).to_be_disabled()
    page.route(f"**/api/alerts/{alert_id}/evidence", lambda route: route.fulfill(body=b"PK"))
    page.get_by_role("button", name="Evidence pack …").click()
    page.get_by_label("For whom").select_option("full")
    page.get_by_label("Reason (kept").fill("Case 12/2026")
    with page.expect_download() as download:
        page.get_by_role("button", name="Make the pack").click()
    assert download.value.suggested_filename == "evidence-full.zip"
    page.get_by_role("button", name="Test runs").click()  # one sheet at a time
    expect(page.locator("#closed")).to_be_hidden()
    page.keyboard.press("Escape")
    rows(control).first.click()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_enabled()


@supervisor
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "no such alert any more"),
        (409, "Nothing of this alert may go to the defence."),
        (422, "Give a variant and a reason of 1 to 500 characters."),
    ],
    ids=["gone", "nothing-for-them", "no-reason"],
)
def test_a_pack_that_is_refused_is_explained(control: Visit, stage: Stage, status: int, said: str) -> None:
    press_sos(stage)
    body = json.dumps({"message": "Nothing of this alert may go to the defence."})
    control.page.route(
        "**/api/alerts/*/evidence",
        lambda route: route.fulfill(status=status, body=body, content_type="application/json"),
    )
    control.sign_in()
    page = control.page
    page.get_by_role("button", name="Evidence pack …").click()
    page.get_by_label("For whom").select_option("full")
    page.get_by_label("Reason (kept").fill("Case 12/2026")
    page.get_by_role("button", name="Make the pack").click()
    expect(page.locator("#evidence")).to_contain_text("No pack was made.")
    expect(page.locator("#evidence")).to_contain_text(said)
    expect(page.get_by_label("Reason (kept")).to_have_value("Case 12/2026")


@supervisor
def test_the_room_can_be_used_on_320_pixels(control: Visit, stage: Stage) -> None:
    press_sos(stage, "C-1")
    stage.escalate(after_s=31)
    control.page.set_viewport_size({"width": 320, "height": 640})
    control.sign_in()
    page = control.page
    expect(calls(control).first).to_contain_text("Call the police")
    assert page.evaluate(WIDTH) <= 320
    page.get_by_role("button", name="Evidence pack …").click()
    page.get_by_role("button", name="Test runs").click()
    expect(page.locator("#drills-due > li")).to_have_count(1)
    page.get_by_role("button", name="Start a test run: C-1").click()
    assert page.evaluate(WIDTH) <= 320
    page.get_by_role("button", name="Cancel", exact=True).click()
    calls(control).first.get_by_role("button", name="Reached").click()
    expect(page.locator("#calls-problem")).to_be_empty()

"""What the room gives an operator to do: steps with clocks, and calls with their outcomes."""

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Route, expect

from api.alerts import service as alerts
from api.alerts.model import Channel, Event, EventKind
from api.alerts.model.playbooks import TaskOutcome
from api.kernel import clock
from api.kernel.db import transaction
from api.policing import service as policing
from tests.browser.conftest import Visit
from tests.browser.stage import Stage
from tests.browser.test_control_room import CONTRAST, HOSTILE, rows
from tests.policing.station import make_draft, square
from tests.scene import HOME

pytestmark = pytest.mark.enable_socket
COUNTED_RINGS = """
window.rings = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { window.rings += 1; return start.call(this, at); };
"""


def calls(visit: Visit) -> Locator:
    return visit.page.locator("#calls-list > li")


def test_each_waiting_step_has_its_words_and_a_clock(control: Visit, stage: Stage) -> None:
    stage.press_sos()
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
    stage.press_sos()
    control.sign_in()
    police = control.page.locator("#steps > li", has_text="Tell the police")
    expect(police).to_contain_text(re.compile(r"\b\d+ s (left|ago)"))


def test_an_answer_without_news_is_seen_when_the_time_is_over(control: Visit, stage: Stage) -> None:
    stage.go_by(
        (
            "severity: 1, within_s: 60, otherwise: [call_her]",
            "severity: 1, within_s: 12, otherwise: [call_her]",
        )
    )
    stage.press_sos()
    alert = stage.unresolved()[0]
    control.sign_in()
    step = control.page.locator("#steps > li", has_text="Tell the protected person by device")
    expect(step).to_contain_text("Waits for a receipt")
    url = f"/api/alerts/{alert.id}"
    while (
        len([one for one in control.requests if one.url.endswith(url)]) < 2
    ):  # the page reads twice by itself
        control.page.wait_for_event("request")
    command = next(
        one for one, _tries in stage.detail(alert.id).notifications if one.channel is Channel.DEVICE
    )
    assert command.device_id
    with transaction(stage.engine) as session:
        assert alerts.receive_receipt(session, command.device_id, command.id, "done", clock.now())
    expect(step).to_contain_text("Answered at", timeout=30_000)


def test_nobody_answered_is_told_in_the_log_and_becomes_a_call(control: Visit, stage: Stage) -> None:
    stage.press_sos("C-77")
    control.sign_in()
    expect(control.page.locator("#calls-title")).to_have_text("No calls to make")
    assert stage.escalate(after_s=31) > 0
    log = control.page.locator(".log")
    expect(log).to_contain_text(
        re.compile(r"Escalated: nobody answered “police” within 3\d s: call the police")
    )
    expect(control.page.locator("#steps > li", has_text="Tell the police")).to_contain_text("Not answered at")
    police = calls(control).filter(has_text="Call the police")
    expect(police).to_contain_text("C-77 · SOS pressed")
    expect(police).to_contain_text("Exercise")
    expect(control.page.locator("#calls-title")).to_have_text(re.compile(r"\d calls? to make"))
    expect(control.page.locator("#news")).to_have_text(re.compile("To call: .*, C-77|more calls"))


def test_what_the_page_does_not_know_is_shown_as_it_is(control: Visit, stage: Stage) -> None:
    stage.press_sos()
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
    stage.lose_contact()
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
    stage.lose_contact("C-1")
    stage.lose_contact("C-2")
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
    stage.lose_contact("C-1")
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
    stage.lose_contact("C-1")
    stage.press_sos("C-2")
    control.sign_in()
    expect(rows(control).nth(0)).to_have_attribute("aria-selected", "true")
    calls(control).get_by_role("button", name="Call the wearer").click()
    expect(rows(control).nth(1)).to_have_attribute("aria-selected", "true")
    expect(control.page.locator("#detail-title")).to_have_text("No contact with a device")


def test_a_call_says_which_station_it_is_about(control: Visit, stage: Stage) -> None:
    with transaction(stage.engine) as session:
        draft = make_draft(name=HOSTILE, area=square(HOME), seat=HOME)
        policing.add_station(session, draft, None, clock.now())  # nobody is on duty there
    stage.approach(stage.add_order(reference="C-5"))
    control.sign_in()
    officer = calls(control).filter(has_text="Call the officer on duty")
    expect(officer).to_contain_text(f"{HOSTILE}, number ending in")
    expect(officer).to_contain_text("C-5")
    asked = [request for request in control.requests if "/api/police-stations/" in request.url]
    assert len(asked) == 1


def test_a_call_that_somebody_noted_while_one_writes_is_told(control: Visit, stage: Stage) -> None:
    stage.lose_contact("C-9")
    control.sign_in()
    calls(control).get_by_label("What was said").fill("half a sen")
    stage.note(stage.tasks()[0], TaskOutcome.REACHED)
    expect(control.page.locator("#calls-problem")).to_contain_text(
        "“Call the wearer, C-9” is no longer to be made"
    )
    expect(calls(control)).to_have_count(0)


def test_an_outcome_that_did_not_arrive_stays_to_be_noted(control: Visit, stage: Stage) -> None:
    stage.lose_contact()
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
    stage.press_sos("C-1")
    stage.escalate(after_s=31)  # to call the police, for a worse alert, without a deadline
    stage.lose_contact("C-2")
    late = calls(control).filter(has_text="Call the wearer")
    expect(late).to_contain_text("due in")
    control.page.wait_for_function("window.rings >= 1")
    expect(late).to_contain_text("OVERDUE by")
    expect(late).to_have_class("overdue")
    expect(calls(control).first).to_contain_text("Call the wearer")
    expect(control.page.locator("#news-now")).to_contain_text("Overdue: Call the wearer, C-2")
    assert control.page.evaluate(CONTRAST) == []


def test_typing_goes_on_while_the_list_changes_around_it(control: Visit, stage: Stage) -> None:
    stage.lose_contact("C-1")
    control.sign_in()
    field = calls(control).get_by_label("What was said: Call the wearer, C-1")
    field.fill("one ")
    field.press("End")
    stage.press_sos("C-2")
    stage.escalate(after_s=31)  # worse calls come in before it
    expect(calls(control).first).to_contain_text("C-2")
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

"""Test runs, resolved alerts and evidence packs, and the room on a narrow screen."""

import json
import zipfile

import pytest
from playwright.sync_api import Route, expect

from api.accounts.model import Role
from tests.browser.conftest import Visit
from tests.browser.stage import Stage
from tests.browser.test_control_room import CONTRAST, HOSTILE, rows
from tests.browser.test_control_room_calls import calls

pytestmark = pytest.mark.enable_socket
supervisor = pytest.mark.parametrize("role", [Role.SUPERVISOR])
WIDTH = "document.documentElement.scrollWidth"


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
    stage.press_sos("C-32")
    control.sign_in()
    expect(control.page.get_by_role("button", name="Evidence pack …")).to_be_hidden()
    control.page.get_by_role("button", name="Test runs").click()
    expect(control.page.locator("#drills-due > li")).to_have_count(2)
    assert control.page.get_by_role("button", name="Start a test run: C-31").count() == 0


@supervisor
def test_an_evidence_pack_is_asked_for_with_a_reason_and_saved(control: Visit, stage: Stage) -> None:
    stage.press_sos()
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
def test_a_real_pack_comes_from_the_server(control: Visit, stage: Stage) -> None:
    stage.press_sos()
    control.sign_in()
    page = control.page
    page.get_by_role("button", name="Evidence pack …").click()
    page.get_by_label("For whom").select_option("full")
    page.get_by_label("Reason (kept").fill("Case 12/2026")
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="Make the pack").click()
    assert download.value.suggested_filename.startswith("evidence-full-")
    assert zipfile.is_zipfile(download.value.path())


@supervisor
def test_a_resolved_alert_is_read_again_and_its_pack_made(control: Visit, stage: Stage) -> None:
    stage.press_sos("C-1")
    stage.press_sos("C-2")
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
    stage.press_sos()
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
    stage.press_sos("C-1")
    stage.escalate(after_s=31)
    control.page.set_viewport_size({"width": 320, "height": 640})
    control.sign_in()
    page = control.page
    expect(calls(control).filter(has_text="Call the police")).to_be_visible()
    assert page.evaluate(WIDTH) <= 320
    page.get_by_role("button", name="Evidence pack …").click()
    page.get_by_role("button", name="Test runs").click()
    expect(page.locator("#drills-due > li")).to_have_count(1)
    page.get_by_role("button", name="Start a test run: C-1").click()
    assert page.evaluate(WIDTH) <= 320
    page.get_by_role("button", name="Cancel", exact=True).click()
    calls(control).first.get_by_role("button", name="Reached").click()
    expect(page.locator("#calls-problem")).to_be_empty()

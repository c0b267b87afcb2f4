"""An operator at the control room, from signing in to closing an alert, and when things break."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from api.accounts.model import Role
from api.alerts.model import AlertState, EventKind, ResolveReason
from api.kernel import clock
from tests.browser.conftest import Visit
from tests.browser.stage import CLOSE, Stage
from tests.house import House, wait_until
from tests.scene import FAR, HOME

pytestmark = pytest.mark.enable_socket
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def processes_of(house: House, name: str) -> list[int]:
    """A process of the house and its children."""
    pid = house.running[name].pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def rows(visit: Visit) -> Locator:
    return visit.page.locator("#alerts > li")


def test_a_wrong_password_shows_no_room(control: Visit) -> None:
    control.sign_in(secret="wrong")
    expect(control.page.get_by_role("alert").first).to_contain_text("do not belong together")
    expect(control.page.locator("#room")).to_be_hidden()


def test_an_alert_appears_without_reloading(control: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    control.sign_in()
    expect(control.page.locator("#queue-empty")).to_have_text("No alert waits for an answer.")
    expect(control.page.locator("#signs li").first).to_contain_text("live")
    stage.approach(scene)
    expect(rows(control).first).to_contain_text("Inside an exclusion zone")
    expect(rows(control).first).to_contain_text("Exercise")
    expect(rows(control).first).to_contain_text("nobody has answered")
    expect(control.page.locator("#news-now")).to_contain_text("New alert")


def test_the_row_says_how_far_and_how_old(control: Visit, stage: Stage) -> None:
    stage.approach(stage.add_order())
    control.sign_in()
    expect(rows(control).first).to_contain_text("300 m apart")
    expect(rows(control).first).to_contain_text("wearer seen")
    expect(rows(control).first).to_contain_text("protected person seen")


def test_a_doubt_is_said_in_words(control: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    stage.move(scene.phone, HOME, age_s=400)
    stage.move(scene.ankle, CLOSE, age_s=1, acc=None)
    control.sign_in()
    expect(rows(control).first).to_contain_text("accuracy not reported")


def test_the_worst_alert_stands_first_then_the_oldest(control: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    now = clock.now()
    for kind in (EventKind.JAM_SHIELD, EventKind.LOST_CONTACT, EventKind.SOS):
        stage.open_alert(kind, order_id=scene.order_id, device_id=scene.ankle.id)
    control.sign_in()
    expect(rows(control)).to_have_count(len(stage.unresolved()))
    shown = [row.get_attribute("data-id") for row in rows(control).all()]
    ranked = sorted(stage.unresolved(), key=lambda alert: (alert.severity, alert.opened_at))
    assert shown == [str(alert.id) for alert in ranked]
    assert ranked[0].opened_at - now < timedelta(minutes=1)


def test_acknowledge_and_resolve_by_click_change_the_database(control: Visit, stage: Stage) -> None:
    stage.approach(stage.add_order())
    alert = stage.unresolved()[0]
    control.sign_in()
    control.page.get_by_role("button", name="Acknowledge").click()
    expect(rows(control).first).to_contain_text("Taken")
    assert stage.alert(alert.id).state is AlertState.ACKNOWLEDGED
    control.page.get_by_role("button", name="Resolve …").click()
    control.page.get_by_label("Why it is closed").select_option("police_attended")
    control.page.get_by_label("Note").fill("A patrol spoke with him.")
    control.page.get_by_role("button", name="Resolve", exact=True).click()
    expect(control.page.locator("#toast")).to_contain_text("Resolved: Police attended")
    resolved = stage.alert(alert.id)
    assert resolved.state is AlertState.RESOLVED
    assert resolved.resolve_reason is ResolveReason.POLICE_ATTENDED
    assert resolved.resolution_note == "A patrol spoke with him."
    assert str(alert.id) not in [row.get_attribute("data-id") for row in rows(control).all()]


def test_the_whole_work_can_be_done_with_the_keyboard(control: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    stage.open_alert(EventKind.SOS, order_id=scene.order_id, device_id=scene.phone.id)
    stage.open_alert(EventKind.LOST_CONTACT, order_id=scene.order_id, device_id=scene.ankle.id)
    control.sign_in()
    expect(rows(control)).to_have_count(2)
    press = control.page.keyboard.press
    expect(rows(control).nth(0)).to_have_attribute("aria-selected", "true")
    press("j")
    expect(rows(control).nth(1)).to_have_attribute("aria-selected", "true")
    press("ArrowUp")
    expect(rows(control).nth(0)).to_have_attribute("aria-selected", "true")
    press("a")
    expect(rows(control).nth(0)).to_contain_text("Taken")
    press("r")
    press("ArrowDown")  # the first reason of the list
    control.page.get_by_label("Note").focus()
    control.page.keyboard.type("rja")  # letters of a note are no commands
    press("Tab")
    press("Enter")
    expect(rows(control)).to_have_count(1)
    states = {alert.kind: alert.state for alert in stage.unresolved()}
    assert states == {EventKind.LOST_CONTACT: AlertState.OPEN}


def test_escape_closes_the_form_and_resolves_nothing(control: Visit, stage: Stage) -> None:
    stage.approach(stage.add_order())
    control.sign_in()
    expect(rows(control).first).to_be_visible()
    control.page.keyboard.press("r")
    expect(control.page.get_by_label("Why it is closed")).to_be_focused()
    control.page.keyboard.press("Escape")
    expect(control.page.locator("#resolution")).to_be_hidden()
    assert stage.unresolved()[0].state is AlertState.OPEN


def test_another_operators_act_is_seen_at_once(control: Visit, stage: Stage) -> None:
    stage.approach(stage.add_order())
    control.sign_in()
    expect(rows(control).first).to_contain_text("Unanswered")
    other = Visit(control.context, control.host)
    other.page.goto(other.host)
    other.page.get_by_role("button", name="Acknowledge").click()
    expect(rows(control).first).to_contain_text("Taken")


def test_hostile_text_is_shown_and_never_run(control: Visit, stage: Stage) -> None:
    scene = stage.add_order(reference=HOSTILE)
    stage.add_zone(scene, HOSTILE)
    stage.approach(scene)
    control.sign_in()
    expect(rows(control).first).to_contain_text(HOSTILE)
    expect(control.page.locator(".zone-name", has_text=HOSTILE)).to_contain_text("concealed from the wearer")
    control.page.keyboard.press("r")
    control.page.get_by_label("Why it is closed").select_option("false_alarm")
    control.page.get_by_label("Note").fill(HOSTILE)
    control.page.get_by_role("button", name="Resolve", exact=True).click()
    expect(control.page.locator("#toast")).to_contain_text(HOSTILE)
    assert control.page.locator("img[src=x]").count() == 0


def test_the_map_draws_zone_parties_accuracy_and_tracks(control: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    stage.approach(scene)
    control.sign_in()
    page = control.page
    expect(page.locator("path.zone")).to_have_count(1)
    expect(page.locator("path.buffer")).to_have_count(1)
    expect(page.locator("path.disc")).to_have_count(2)
    expect(page.locator("#map .mark.wearer")).to_be_in_viewport()
    expect(page.locator("#map .mark.protected")).to_be_in_viewport()
    expect(page.locator("path.track.wearer")).to_have_count(1)
    expect(page.locator(".mark-label.wearer")).to_contain_text("± 8 m")
    expect(page.locator(".leaflet-control-scale-line")).to_contain_text("m")
    expect(page.locator(".zone-name")).to_have_text("home")
    assert page.locator(".leaflet-tile").count() == 0


def test_the_map_follows_the_wearer_while_the_alert_is_open(control: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    stage.approach(scene)
    control.sign_in()
    mark = control.page.locator(".leaflet-marker-icon:has(.mark.wearer)")
    expect(mark).to_be_visible()
    control.page.get_by_role("button", name="Zoom in").click()
    before = mark.get_attribute("style")
    stage.move(scene.ankle, FAR)
    expect(mark).not_to_have_attribute("style", before or "")


def test_a_lost_server_turns_the_page_red_and_its_return_heals_it(
    control: Visit, stage: Stage, house: House
) -> None:
    scene = stage.add_order()
    control.sign_in()
    troubles = control.page.locator("#troubles")
    expect(control.page.locator("#signs li").first).to_contain_text("live")
    expect(troubles).to_be_empty()
    house.kill("web-control", signal.SIGTERM)
    expect(troubles).to_contain_text("Connection lost since")
    stage.approach(scene)  # while the page sees nothing
    house.start("web-control")
    expect(rows(control).first).to_contain_text("Inside an exclusion zone")
    expect(troubles).to_be_empty()


def test_a_connection_that_is_dead_but_open_is_noticed(control: Visit, house: House) -> None:
    control.page.clock.install()
    control.sign_in()
    expect(control.page.locator("#signs li").first).to_contain_text("live")
    frozen = processes_of(house, "web-control")
    try:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        control.page.clock.fast_forward(30_000)  # three heartbeats that never come
        expect(control.page.locator("#troubles")).to_contain_text("Connection lost since")
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    expect(control.page.locator("#signs li").first).to_contain_text("live")


def test_a_silent_worker_is_a_red_bar(control: Visit, stage: Stage) -> None:
    control.sign_in()
    expect(control.page.locator("#signs li").first).to_contain_text("live")
    stage.beat(seconds_ago=45)
    expect(control.page.locator("#troubles")).to_contain_text("Monitoring is blind")
    expect(control.page.locator("#signs .ill").first).to_contain_text("Judging")


def test_an_ended_session_shows_the_door_and_nothing_of_the_room(
    control: Visit, stage: Stage, house: House
) -> None:
    stage.approach(stage.add_order())
    control.sign_in()
    expect(rows(control).first).to_be_visible()
    control.context.clear_cookies()
    house.kill("web-control", signal.SIGTERM)
    house.start("web-control")
    expect(control.page.locator("#sign-in-problem")).to_contain_text("no longer signed in")
    assert rows(control).count() == 0


def test_signing_out_leaves_the_door_also_after_a_reload(control: Visit) -> None:
    control.sign_in()
    expect(control.page.locator("#who")).to_contain_text(Role.OPERATOR)
    control.page.get_by_role("button", name="Sign out").click()
    expect(control.page.locator("#door")).to_be_visible()
    control.page.reload()
    expect(control.page.locator("#door")).to_be_visible()


CONTRAST = """() => {
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((v, i) => v * a + below[i] * (1 - a));
  const ground = (element) => {
    const color = parse(getComputedStyle(element).backgroundColor);
    const alpha = color.length > 3 ? color[3] : 1;
    if (alpha === 1 && color.length) return color.slice(0, 3);
    const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
    return over([...color.slice(0, 3), alpha], below);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    if (element.closest("select, .unseen, script")) continue;
    const behind = ground(element);
    const text = luminance(over(parse(getComputedStyle(element).color), behind));
    const back = luminance(behind);
    const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${walker.currentNode.textContent.trim().slice(0, 40)}`);
  }
  return faint;
}"""


def test_every_text_has_the_contrast_of_wcag_aa(control: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    stage.approach(scene)
    stage.open_alert(EventKind.LOST_CONTACT, order_id=scene.order_id, device_id=scene.ankle.id)
    control.page.goto(control.host)
    expect(control.page.locator("#door")).to_be_visible()
    assert control.page.evaluate(CONTRAST) == []
    control.sign_in()
    control.page.get_by_role("button", name="Acknowledge").click()
    expect(rows(control).first).to_contain_text("Taken")
    control.page.keyboard.press("r")
    assert control.page.evaluate(CONTRAST) == []
    stage.beat(seconds_ago=45)
    expect(control.page.locator("#troubles")).to_contain_text("Monitoring is blind")
    assert control.page.evaluate(CONTRAST) == []


def test_the_page_asks_only_its_own_host(control: Visit, stage: Stage) -> None:
    stage.approach(stage.add_order())
    control.sign_in()
    expect(control.page.locator("path.zone")).to_have_count(1)
    wait_until(lambda: any("/tracks" in request.url for request in control.requests))
    assert len(control.requests) > 15
    assert control.strangers() == []


def test_an_old_position_is_shown_as_unknown_with_how_far_he_can_be(control: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    stage.move(scene.phone, HOME, age_s=3)
    stage.move(scene.ankle, CLOSE, age_s=400)
    stage.open_alert(EventKind.LOST_CONTACT, order_id=scene.order_id, device_id=scene.ankle.id)
    control.sign_in()
    rows(control).first.click()
    label = control.page.locator(".mark-label.wearer")
    expect(label).to_contain_text("UNKNOWN")
    expect(label).to_contain_text("can be 8")  # 400 s and more at 72 km/h: 8.0 km
    expect(control.page.locator("path.reach")).to_have_count(1)
    expect(control.page.locator(".mark-label.protected")).not_to_contain_text("UNKNOWN")

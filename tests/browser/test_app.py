"""Her page: a tool that works, neutral words after signing in, and nothing left when she leaves."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from api.safety_plans.model import cover_named
from tests.browser.conftest import Visit
from tests.browser.stage import Stage
from tests.house import House, open_house, sqlite_of

pytestmark = pytest.mark.enable_socket
TIMER = cover_named("timer")
TELLING = re.compile(r"alert|zone|police|wearer|partner|violen|protect|danger|distance|baken", re.IGNORECASE)


@pytest.fixture
def converter(tmp_path: Path, sqlite_template: Path, browser: Browser) -> Iterator[Visit]:
    home = tmp_path / "other"
    with open_house(home, sqlite_of(sqlite_template, home), BAKEN_COVER="converter") as house:
        house.start("web-app")
        with browser.new_context() as context:
            visit = Visit(context, f"http://127.0.0.1:{house.settings.app_port}/")
            yield visit
            assert visit.faults == []
            assert visit.strangers() == []


def open_menu(app: Visit, number: str, code: str) -> None:
    app.page.goto(app.host)
    app.page.get_by_role("button", name="Menu").click()
    app.page.get_by_label("Number").fill(number)
    app.page.get_by_label("Code").fill(code)
    app.page.get_by_role("button", name="Open").click()


def test_the_timer_counts_stops_and_ends(app: Visit) -> None:
    app.page.clock.install()
    app.page.goto(app.host)
    page = app.page
    page.get_by_label("What for").fill("Eggs")
    page.get_by_label("Minutes").fill("7")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="3 min", exact=True).click()
    expect(page.locator("#timers li")).to_have_count(2)
    page.clock.fast_forward(60_000)
    expect(page.locator("#timers .clock").nth(0)).to_have_text("06:00")
    expect(page.locator("#timers .clock").nth(1)).to_have_text("02:00")
    page.locator("#timers li").nth(0).get_by_role("button", name="Stop").click()
    page.clock.fast_forward(120_000)
    expect(page.locator("#timers .clock").nth(0)).to_have_text("06:00")
    expect(page.locator("#done")).to_have_text("Timer: time is up.")
    page.locator("#timers li").nth(0).get_by_role("button", name="Start").click()
    page.clock.fast_forward(30_000)
    expect(page.locator("#timers .clock").nth(0)).to_have_text("05:30")
    page.locator("#timers li").nth(1).get_by_role("button", name="Remove").click()
    expect(page.locator("#timers li")).to_have_count(1)


def test_closing_the_menu_unused_leaves_the_timers_running(app: Visit) -> None:
    app.page.goto(app.host)
    app.page.get_by_role("button", name="30 min", exact=True).click()
    app.page.get_by_role("button", name="Menu").click()
    app.page.get_by_label("Number").fill("1234")
    app.page.keyboard.press("Escape")
    expect(app.page.locator("#panel")).to_be_hidden()
    expect(app.page.locator("#timers li")).to_have_count(1)
    assert "1234" not in app.page.content()


@pytest.mark.parametrize(
    ("quantity", "amount", "start", "end", "result"),
    [
        ("Length", "2", "mile", "km", "2 mile = 3.218688 km"),
        ("Weight", "1", "pound", "kg", "1 pound = 0.45359237 kg"),
        ("Temperature", "100", "°C", "°F", "100 °C = 212 °F"),
        ("Temperature", "-40", "°F", "°C", "-40 °F = -40 °C"),
        ("Speed", "36", "km/h", "m/s", "36 km/h = 10 m/s"),
    ],
    ids=["miles", "pounds", "boiling", "coldest", "speed"],
)
def test_the_converter_converts(
    converter: Visit, quantity: str, amount: str, start: str, end: str, result: str
) -> None:
    page = converter.page
    page.goto(converter.host)
    page.get_by_label("What").select_option(quantity)
    page.get_by_label("From").select_option(start)
    page.get_by_label("To").select_option(end)
    page.get_by_label("Amount").fill(amount)
    expect(page.get_by_role("status")).to_have_text(result)


def test_a_currency_is_converted_at_her_own_rate(converter: Visit) -> None:
    page = converter.page
    page.goto(converter.host)
    page.get_by_label("What").select_option("Currency")
    page.get_by_label("USD for 1 EUR").fill("1.25")
    page.get_by_label("Amount").fill("80")
    expect(page.get_by_role("status")).to_have_text("80 EUR = 100 USD")
    page.get_by_role("button", name="Swap").click()
    expect(page.get_by_role("status")).to_have_text("80 USD = 64 EUR")


def test_she_reads_the_neutral_text_and_nothing_else(app: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    number, code = stage.give_account(scene)
    open_menu(app, number, code)
    expect(app.page.get_by_text("Nothing new.")).to_be_visible()
    stage.approach(scene)
    expect(app.page.locator("#reminders li").first).to_contain_text(TIMER.neutral_text)
    assert not TELLING.search(app.page.content())
    assert app.page.title() == TIMER.title
    expect(app.page.locator("#reminders li span").first).to_have_text(TIMER.neutral_text)


def test_what_she_has_seen_is_receipted(app: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    number, code = stage.give_account(scene)
    open_menu(app, number, code)
    expect(app.page.get_by_text("Nothing new.")).to_be_visible()
    with app.page.expect_response(re.compile(r"/messages/.+/receipt$")) as receipt:
        stage.approach(scene)
    assert receipt.value.status == 204


def test_a_wrong_code_says_nothing_of_what_is_behind(app: Visit, stage: Stage) -> None:
    number, code = stage.give_account(stage.add_order())
    open_menu(app, number, str((int(code) + 1) % 1_000_000).zfill(6))
    expect(app.page.locator("#problem")).to_have_text("That did not work.")
    assert not TELLING.search(app.page.content())


def test_leaving_empties_the_page_and_back_shows_nothing(app: Visit, stage: Stage) -> None:
    scene = stage.add_order()
    number, code = stage.give_account(scene)
    open_menu(app, number, code)
    expect(app.page.get_by_text("Nothing new.")).to_be_visible()
    stage.approach(scene)
    expect(app.page.locator("#reminders li").first).to_be_visible()
    app.page.keyboard.press("Escape")
    expect(app.page.locator("#panel")).to_be_hidden()
    expect(app.page.locator("#timers")).to_be_attached()
    assert TIMER.neutral_text not in app.page.content()
    app.page.goto("about:blank")
    app.page.go_back()
    expect(app.page.locator("#panel")).to_be_hidden()
    assert TIMER.neutral_text not in app.page.content()
    assert app.context.cookies() == []
    assert app.page.evaluate("localStorage.length + sessionStorage.length") == 0
    answer = app.context.request.get(f"{app.host}stream")
    assert answer.status == 401


def test_leaving_works_with_the_network_dead(app: Visit, stage: Stage, house: House) -> None:
    scene = stage.add_order()
    number, code = stage.give_account(scene)
    open_menu(app, number, code)
    stage.approach(scene)
    expect(app.page.locator("#reminders li").first).to_be_visible()
    house.kill("web-app", signal.SIGTERM)
    app.page.keyboard.press("Escape")
    app.page.wait_for_timeout(200)
    assert TIMER.neutral_text not in app.page.content()

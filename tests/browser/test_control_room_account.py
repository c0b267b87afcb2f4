"""Signing in with a code, one's own account, and a supervisor's administration, in a real browser."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from api.accounts.model import Role
from api.accounts.rules import totp
from api.accounts.service.keys import find_key
from api.kernel import clock
from api.kernel.db import reading
from tests.browser.conftest import SLOW_MS, Visit
from tests.browser.stage import LOGIN, SECRET, Stage
from tests.browser.test_control_room import CONTRAST
from tests.house import House, open_house, sqlite_of

pytestmark = pytest.mark.enable_socket
supervisor = pytest.mark.parametrize("role", [Role.SUPERVISOR])


@pytest.fixture
def house(tmp_path: Path, sqlite_template: Path) -> Iterator[House]:
    """A house that demands a second factor, as every house does that does not say otherwise."""
    home = tmp_path / "home"
    with open_house(home, sqlite_of(sqlite_template, home), BAKEN_STAFF_TOTP="required") as house:
        yield house


def set_up(page: Page) -> tuple[str, list[str]]:
    """Do what the page asks for; returns the secret and the recovery codes.

    The code of the step before is as good, and leaves this one's for the sign-in that follows.
    """
    secret = page.locator("#enrol p.secret").inner_text().replace(" ", "")
    step = totp.step_of(clock.now()) - 1
    page.get_by_label("The six digits that the app shows").fill(totp.code_at(secret, step))
    page.get_by_role("button", name="Set up", exact=True).click()
    expect(page.locator("ol.codes li")).to_have_count(10)
    return secret, page.locator("ol.codes li").all_inner_texts()


def enrol(control: Visit) -> tuple[str, list[str]]:
    control.sign_in()
    expect(control.page.locator("#enrol")).to_contain_text("Set up the code for signing in")
    found = set_up(control.page)
    control.page.get_by_role("button", name="I have put them away").click()
    expect(control.page.locator("#room")).to_be_visible()
    return found


def test_the_first_sign_in_sets_up_a_code_and_the_next_asks_for_it(control: Visit) -> None:
    page = control.page
    control.sign_in()
    expect(page.locator("#enrol img.picture")).to_be_visible()
    assert page.locator("#enrol img.picture").evaluate("image => image.naturalWidth") > 100
    expect(page.locator("#room")).to_be_hidden()
    assert page.evaluate(CONTRAST) == []
    page.get_by_label("The six digits that the app shows").fill("000000")
    page.get_by_role("button", name="Set up", exact=True).click()
    expect(page.locator("#enrol .problem")).to_contain_text("not the code that the app shows now")
    page.reload()
    expect(page.locator("#enrol")).to_contain_text("Set up the code")
    secret, codes = set_up(page)
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="I have put them away").click()
    expect(page.locator("#room")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    control.sign_in()
    expect(page.locator("#sign-in-problem")).to_contain_text("do not belong together")
    page.get_by_label("Password").fill(SECRET)
    page.get_by_label("Code of your app").fill(totp.code_at(secret, totp.step_of(clock.now())))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#room")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Name").fill(LOGIN)
    page.get_by_label("Password").fill(SECRET)
    page.get_by_label("Code of your app").fill(codes[0].lower())
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#room")).to_be_visible()
    page.get_by_role("button", name="Account").click()
    expect(page.locator("#account-content")).to_contain_text("9 recovery codes are left")


def test_own_sessions_are_shown_and_ended_and_the_password_changed(control: Visit, browser: Browser) -> None:
    page = control.page
    _secret, codes = enrol(control)
    with browser.new_context() as context:
        elsewhere = context.new_page()
        elsewhere.set_default_timeout(SLOW_MS)
        elsewhere.goto(control.host)
        elsewhere.get_by_label("Name").fill(LOGIN)
        elsewhere.get_by_label("Password").fill(SECRET)
        elsewhere.get_by_label("Code of your app").fill(codes[0])
        elsewhere.get_by_role("button", name="Sign in").click()
        expect(elsewhere.locator("#room")).to_be_visible()
        page.get_by_role("button", name="Account").click()
        expect(page.locator("#account-sessions li")).to_have_count(2)
        assert page.evaluate(CONTRAST) == []
        page.get_by_role("button", name="End all others").click()
        expect(page.locator("#account-sessions li")).to_have_count(1)
        expect(elsewhere.locator("#sign-in-problem")).to_contain_text("no longer signed in")
    page.get_by_label("The one you have").fill("wrong")
    page.get_by_label("The new one").fill("another horse")
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("#account-problem")).to_contain_text("Not done")
    page.get_by_label("The one you have").fill(SECRET)
    page.get_by_label("The new one").fill("another horse")
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("#account-done")).to_contain_text("Changed")
    page.keyboard.press("Escape")
    expect(page.locator("#account")).to_be_hidden()


@supervisor
def test_a_supervisor_makes_an_account_and_closes_it(control: Visit, browser: Browser) -> None:
    page = control.page
    enrol(control)
    page.get_by_role("button", name="Staff").click()
    expect(page.locator("#staff-list li")).to_have_count(1)
    expect(page.locator("#staff-list li")).to_contain_text("you")
    page.get_by_label("Log-in of a new colleague").fill("<b>zoe</b>")
    page.locator("#staff-role").select_option("auditor")
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator("#staff-once")).to_contain_text("shown this once")
    secret = page.locator("#staff-once").inner_text().rpartition(" ")[2]
    expect(page.locator("#staff-list li")).to_have_count(2)
    assert page.evaluate(CONTRAST) == []
    with browser.new_context() as context:
        hers = context.new_page()
        hers.set_default_timeout(SLOW_MS)
        hers.goto(control.host)
        hers.get_by_label("Name").fill("<b>zoe</b>")
        hers.get_by_label("Password").fill(secret)
        hers.get_by_role("button", name="Sign in").click()
        set_up(hers)
        hers.get_by_role("button", name="I have put them away").click()
        expect(hers.locator("#elsewhere")).to_contain_text(
            "Auditor. The control room is not part of your work"
        )
        expect(hers.locator("#room")).to_be_hidden()
        page.get_by_role("button", name="Close: <b>zoe</b>").click()
        expect(page.locator("#staff-list")).to_contain_text("closed")
        hers.reload()
        expect(hers.locator("#sign-in")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#staff")).to_be_hidden()
    assert secret not in page.content()


@supervisor
def test_a_key_is_made_shown_once_and_revoked(control: Visit, house: House) -> None:
    page = control.page
    enrol(control)
    page.get_by_role("button", name="Staff").click()
    page.get_by_label("Whose program a new key is for").fill("Dispatch room")
    page.get_by_label("read alerts").check()
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#staff-once")).to_contain_text("bk_")
    found = re.search(r"bk_\S+", page.locator("#staff-once").inner_text())
    assert found
    expect(page.locator("#keys-list li")).to_contain_text("read alerts · never used")
    page.get_by_role("button", name="Revoke: Dispatch room").click()
    expect(page.locator("#keys-list li")).to_contain_text("revoked")
    expect(page.locator("#staff-once")).to_be_hidden()
    with reading(house.engine) as session:
        assert find_key(session, found[0], clock.now() - timedelta(seconds=1)) is None


def test_an_operator_has_no_administration(control: Visit) -> None:
    enrol(control)
    expect(control.page.locator("#staff-open")).to_be_hidden()


def test_why_the_organisations_sign_in_failed_stands_at_the_door(control: Visit, stage: Stage) -> None:
    assert stage.unresolved() == []
    control.page.goto(f"{control.host}#provider-away")
    expect(control.page.locator("#sign-in-problem")).to_contain_text("organisation's sign-in does not answer")
    expect(control.page.locator("#provider")).to_be_hidden()
    expect(control.page.locator("#no-code")).to_be_hidden()
    assert "#" not in control.page.url

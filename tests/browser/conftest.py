"""A real Chromium, and both hosts as real processes over a real database."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from api.accounts.model import Role
from tests.browser.stage import LOGIN, SECRET, Stage
from tests.house import House, open_house, sqlite_of

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SLOW_MS = 15_000
"""How long a page may take on a busy machine before a test gives up; nothing here measures speed."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one file of tests: while Playwright is up, no other event loop can run in the thread."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"no {CHROMIUM}: .ci/run must install it")
        pytest.skip(f"no {CHROMIUM}: install the package chromium to run these")
    with sync_playwright() as playwright:
        expect.set_options(timeout=SLOW_MS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """One person's browser: a page, every address it asked for, and every fault it reported."""

    def __init__(self, context: BrowserContext, host: str) -> None:
        self.context = context
        self.host = host
        self.requests: list[Request] = []
        self.faults: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(SLOW_MS)
        context.on("request", self._note)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self._refuse(dialog.message, dialog.dismiss))
        self.page.on("console", lambda said: self._hear(said.text))

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def _refuse(self, message: str, dismiss: object) -> None:
        self.faults.append(f"dialog: {message}")
        if callable(dismiss):
            dismiss()

    def _hear(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.faults.append(text)

    def strangers(self) -> list[str]:
        """Every address asked for that is not this host's."""
        own = (self.host, "data:")
        return [request.url for request in self.requests if not request.url.startswith(own)]

    def sign_in(self, login: str = LOGIN, secret: str = SECRET) -> None:
        """Open the control room as staff."""
        self.page.goto(self.host)
        self.page.get_by_label("Name").fill(login)
        self.page.get_by_label("Password").fill(secret)
        self.page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def house(tmp_path: Path, sqlite_template: Path) -> Iterator[House]:
    """A home with a database; nothing runs yet."""
    home = tmp_path / "home"
    with open_house(home, sqlite_of(sqlite_template, home)) as house:
        yield house


@pytest.fixture
def stage(house: House) -> Stage:
    return Stage(house.engine)


@pytest.fixture
def role() -> Role:
    """Whose browser `control` is; a test may say otherwise."""
    return Role.OPERATOR


@pytest.fixture
def control(house: House, stage: Stage, browser: Browser, role: Role) -> Iterator[Visit]:
    """A member of staff's browser at the control host; monitoring is well."""
    stage.add_staff(role)
    stage.beat_for_a_while()
    house.start("web-control")
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        visit = Visit(context, f"http://127.0.0.1:{house.settings.control_port}/")
        yield visit
        assert visit.faults == []
        assert visit.strangers() == []


@pytest.fixture
def app(house: House, browser: Browser) -> Iterator[Visit]:
    """Her browser at the app host, on a phone's screen."""
    house.start("web-app")
    with browser.new_context(viewport={"width": 390, "height": 780}) as context:
        visit = Visit(context, f"http://127.0.0.1:{house.settings.app_port}/")
        yield visit
        assert visit.faults == []
        assert visit.strangers() == []

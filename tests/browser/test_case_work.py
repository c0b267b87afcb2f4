"""A case worker's day in a browser: what to accept, how she may be reached before anything else, her sign."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from api.kernel import clock
from api.kernel.db import transaction
from api.pathways.model.contacts import Hours
from api.pathways.model.pathways import PathwayDraft, Urgency
from api.pathways.model.steps import StepAct
from api.pathways.service import opening
from tests.browser.conftest import Visit
from tests.house import House
from tests.pathways.cases import EVERY_DAY, Town, content

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def town(house: House) -> Town:
    return Town(house.engine)


@pytest.fixture
def desk(house: House, browser: Browser) -> Iterator[Visit]:
    """The browser of somebody who works for an agency."""
    house.start("web-control")
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        visit = Visit(context, f"http://127.0.0.1:{house.settings.control_port}/pathways")
        yield visit
        assert visit.faults == []
        assert [one for one in visit.requests if "127.0.0.1" not in one.url and "data:" not in one.url] == []


def test_a_case_worker_accepts_reads_how_to_reach_her_first_and_heeds_her_sign(
    desk: Visit, town: Town
) -> None:
    now = clock.now()
    with transaction(town.engine) as session:
        draft = PathwayDraft(town.agencies["centre"].id, Urgency.ACUTE, "nl")
        pathway = opening.open_pathway(session, town.accounts["centre worker"], draft, content(), now)
    town.agree(pathway, hours=(Hours(EVERY_DAY, 0, 1440),), now=now)
    town.act("centre worker", pathway, 8, StepAct.OFFER, to="police", now=now)
    desk.sign_in("police.worker", "correct horse")
    page = desk.page
    expect(page.locator("#accept button")).to_contain_text("Telling or reporting to the police")
    expect(page.locator("#accept button")).to_contain_text("Acute")
    page.locator("#accept button").click()
    expect(page.locator("#chosen > section").first).to_contain_text("read this first")
    expect(page.locator("#reach")).to_contain_text("Blauwe regen")
    expect(page.locator("#steps > li")).to_have_count(1)
    page.get_by_role("button", name="Accept", exact=True).click()
    expect(page.locator("#steps > li")).to_contain_text("accepted · The police of Haarlem")
    expect(page.locator("#accept")).to_contain_text("Nothing waits for your answer.")
    page.get_by_role("button", name="Speak with her now").click()
    page.get_by_role("button", name="She gave her sign").click()
    expect(page.locator("#reach")).to_contain_text("Do not contact her")
    expect(page.get_by_role("button", name="Speak with her now")).to_have_count(0)
    page.get_by_label("How is it known").fill("A guess.")
    page.get_by_role("button", name="Clear her sign").click()
    expect(page.locator("#problem")).to_contain_text("Only her fixed contact or the deputy")
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.locator("#steps > li")).to_contain_text("done · The police of Haarlem")

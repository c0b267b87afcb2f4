"""The files of both hosts: where they come from, what they say, and how they are sent."""

import re
from enum import StrEnum
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.accounts.model import STAFF
from api.accounts.model.keys import Scope
from api.accounts.model.oidc import Refusal
from api.alerts.model import (
    AlertState,
    Channel,
    Doubt,
    EntryKind,
    EventKind,
    NotificationState,
    ResolveReason,
)
from api.alerts.model.drills import LinkName, LinkState
from api.alerts.model.playbooks import Answer, RunState, Target, TaskKind, TaskOutcome
from api.alerts.service.sending import RECEIPT_OUTCOMES
from api.kernel.config import COVERS
from api.orders.model import Party
from api.safety_plans.model import cover_named
from api.web.routes import APP, CONSOLE, PATHWAYS
from tests.web.hosts import app_host, control_host

ALERTS = APP.parents[1] / "alerts"
SCRIPTS = [path.name for path in sorted(CONSOLE.glob("*.js"))]
OUTSIDE = re.compile(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE)
TELLING = (
    "abuse", "alarm", "alert", "baken", "beacon", "breach", "court", "danger", "emergency", "escape",
    "exclusion", "femicide", "geofence", "guard", "harm", "offender", "partner", "police", "politie",
    "protect", "refuge", "rescue", "restrain", "safe", "shelter", "sos", "stalk", "survivor", "terror",
    "threat", "veilig", "victim", "violen", "watchdog", "wearer", "zone",
)  # fmt: skip


@pytest.fixture
def control() -> FlaskClient:
    return control_host().test_client()


@pytest.fixture(params=COVERS)
def app(request: pytest.FixtureRequest) -> Flask:
    return app_host(request.param)


def get(client: FlaskClient, path: str) -> TestResponse:
    return client.get(path, buffered=True)  # closes the file at once


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


PAGE_FILES = _files(CONSOLE) + _files(PATHWAYS) + _files(APP)
EACH_FILE = pytest.mark.parametrize(
    "path",
    PAGE_FILES,
    ids=lambda path: f"{path.parent.name}-{path.name}",
)


def test_the_control_room_is_the_first_page_and_is_not_kept(control: FlaskClient) -> None:
    page = get(control, "/")
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_is_served_as_a_module_needs_it(control: FlaskClient, name: str) -> None:
    script = get(control, f"/console/{name}")
    assert script.status_code == 200
    assert script.mimetype == "text/javascript"
    assert script.headers["ETag"]
    assert script.headers["X-Content-Type-Options"] == "nosniff"


def test_every_file_that_a_page_names_is_there(control: FlaskClient) -> None:
    page = get(control, "/").get_data(as_text=True)
    names = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    for path in CONSOLE.glob("*.js"):
        text = path.read_text()
        names += [f"/console/{name}" for name in re.findall(r'from "\./([^"]+)"', text)]
        names += re.findall(r'from "(/[^"]+)"', text)
    assert "/leaflet/leaflet-src.esm.js" in names
    for name in {name for name in names if not name.startswith("/api/")}:
        assert get(control, name).status_code == 200, name


def test_the_policy_allows_nothing_inline_and_nothing_from_outside(control: FlaskClient) -> None:
    policy = get(control, "/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "path",
    PAGE_FILES,
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_no_file_names_an_address_outside(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
    assert OUTSIDE.findall(text) == []


@pytest.mark.parametrize(
    "path",
    PAGE_FILES,
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_no_script_makes_markup_from_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "bindPopup("):
        assert way not in text
    assert not re.search(r"<script>|\son[a-z]+=|\sstyle=", text)


@pytest.mark.parametrize(
    "way", ["/console/../routes.py", "/console/..%2froutes.py", "/leaflet/../../__init__.py"]
)
def test_a_path_that_climbs_out_finds_nothing(control: FlaskClient, way: str) -> None:
    assert get(control, way).status_code == 404


def test_pages_are_no_part_of_the_interface_description(control: FlaskClient) -> None:
    description = get(control, "/openapi.json").get_json()
    assert not [path for path in description["paths"] if not path.startswith("/api")]


def test_the_app_page_has_its_cover_as_title(app: Flask) -> None:
    page = get(app.test_client(), "/").get_data(as_text=True)
    cover = cover_named(app.extensions["baken.settings"].cover)
    assert f"<title>{cover.title}</title>" in page
    assert f"<h1>{cover.title}</h1>" in page


def test_nothing_of_the_app_host_is_kept(app: Flask) -> None:
    client = app.test_client()
    for path in ("/", "/assets/tool.js", "/assets/menu.js", "/assets/page.css"):
        answer = get(client, path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers


def test_the_app_host_says_no_word_of_its_purpose(app: Flask) -> None:
    client = app.test_client()
    page = get(client, "/").get_data(as_text=True)
    assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert len(assets) == 4
    for path in ("/", *assets, "/session", "/none", "/assets/none.js"):
        answer = get(client, path)
        said = f"{answer.headers}\n{answer.get_data(as_text=True)}".lower()
        said = said.replace('event.key === "escape"', "")  # the browser's own name of a key
        assert [word for word in TELLING if word in said] == [], path
        assert not re.search(r"\border\b", said), path


def test_the_app_host_has_neither_the_control_room_nor_a_map(app: Flask) -> None:
    client = app.test_client()
    for path in ("/console/main.js", "/leaflet/leaflet.css", "/docs/", "/openapi.json", "/api/alerts"):
        assert get(client, path).status_code == 404


def test_a_deployment_does_not_hold_the_other_covers_tool(app: Flask) -> None:
    client = app.test_client()
    own = app.extensions["baken.settings"].cover
    for cover in COVERS:
        script = (APP / cover / "tool.js").read_text()
        assert (get(client, "/assets/tool.js").get_data(as_text=True) == script) == (cover == own)


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        ("KINDS", EventKind), ("DOUBTS", Doubt), ("STATES", AlertState), ("REASONS", ResolveReason),
        ("ENTRIES", EntryKind), ("CHANNELS", Channel), ("DELIVERIES", NotificationState), ("PARTIES", Party),
        ("WAYS", Channel), ("TARGETS", Target), ("TASKS", TaskKind), ("ANSWERS", Answer), ("RUNS", RunState),
        ("OUTCOMES", TaskOutcome), ("LINKS", LinkName), ("LINK_STATES", LinkState),
    ],
)  # fmt: skip
def test_each_code_has_its_words(table: str, codes: type[StrEnum]) -> None:
    assert codes_of(table) == {code.value for code in codes}


def test_each_reason_why_a_link_failed_has_its_words() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in sorted(ALERTS.rglob("*.py")))
    written = set(re.findall(r"\b(?:code|why|outcome)=\"([a-z_]+)\"", source))
    for either in re.findall(r"\bcode = \"([a-z_]+)\" if \w+ else \"([a-z_]+)\"", source):
        written |= set(either)
    receipts = {f"receipt_{outcome}" for outcome in (*RECEIPT_OUTCOMES, "unknown")}
    links = {"no_receipt", "not_heard", "nobody", "not_taken", "not_sent", "not_open"}
    assert {"timeout", "nobody", "expired", "police_error"} <= written
    assert written | receipts | links <= codes_of("WHYS")


def test_the_outcomes_that_an_operator_can_choose_are_those_that_the_server_takes() -> None:
    text = (CONSOLE / "calls.js").read_text(encoding="utf-8")
    body = re.search(r"const CHOICES = \[(.*?)\];", text)
    assert body
    assert set(re.findall(r"\"([a-z_]+)\"", body[1])) == set(TaskOutcome) - {TaskOutcome.CANCELLED}


def test_roles_scopes_and_the_providers_refusals_have_words() -> None:
    assert codes_of("ROLES") == STAFF
    assert codes_of("SCOPES") == set(Scope)
    assert codes_of("PROVIDER") == set(Refusal)


def codes_of(table: str) -> set[str]:
    """The codes that a table of the control room has words for."""
    text = (CONSOLE / "words.js").read_text(encoding="utf-8")
    body = re.search(rf"export const {table} = {{(.*?)}};", text, re.DOTALL)
    assert body
    return set(re.findall(r"([a-z_:-]+)\"?: \"", body[1]))

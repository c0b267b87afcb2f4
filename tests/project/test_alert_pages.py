"""The pages of the alert kinds, held against the code: kinds, severities, limits, files and links."""

import re
from pathlib import Path

import pytest

from api.alerts.model import EventKind
from api.alerts.rules.joining import severity_of
from api.geofence.model import Limits
from api.geofence.rules.limits import BOUNDS, Scope
from tests.alerts.stage import make_event
from tests.project.sources import ROOT

DOCS = ROOT / "ops/docs"
INDEX = DOCS / "alerts/README.md"
PAGES = sorted((DOCS / "alerts").glob("[0-9][0-9]-*.md"))
FURNITURE = [
    "What it means",
    "Trigger",
    "Limits",
    "Severity and who is told",
    "What the wearer can notice",
    "Begins, repeats, ends",
    "What to do",
    "Blind spots",
    "Proved by",
]
MAY_DIFFER = {Scope.ORDER: "yes", Scope.DEVICE: "no: device", Scope.HOUSE: "no: house"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LINKING = sorted([*DOCS.rglob("*.md"), *(ROOT / "ops/runbooks").glob("*.md")])


def _rows(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]


def _limit_rows(path: Path) -> list[list[str]]:
    rows = _rows(path)
    heads = [place for place, row in enumerate(rows) if row[0] == "limit"]
    return rows[heads[0] + 1 :] if heads else []


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as its readers make them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_is_a_page_for_each_kind_and_the_index_has_them_all() -> None:
    rows = [row for row in _rows(INDEX) if row[0].isdecimal()]
    numbers = range(1, 27)  # field/monitoring.md section 8b
    assert [int(page.name[:2]) for page in PAGES] == list(numbers)
    assert [int(row[0]) for row in rows] == list(numbers)
    assert [row[4] for row in rows] == [f"[{page.name[:2]}]({page.name})" for page in PAGES]


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_of_event_is_explained_on_a_page(kind: EventKind) -> None:
    pages = [*PAGES, DOCS / "drills.md"]
    assert [page.name for page in pages if f"`{kind}`" in page.read_text(encoding="utf-8")] != []


def test_the_index_names_every_kind_that_its_pages_head_and_its_severity() -> None:
    known = {kind.value for kind in EventKind}
    for row, page in zip([row for row in _rows(INDEX) if row[0].isdecimal()], PAGES, strict=True):
        named = re.findall(r"`(\w+)`", row[2])
        head = page.read_text(encoding="utf-8").splitlines()[2]
        assert [code for code in named if code not in known or f"`{code}`" not in head] == [], page.name
        told = {severity_of(make_event(EventKind(code))) for code in named} - {5}
        assert [severity for severity in told if str(severity) not in row[3]] == [], page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_has_the_same_furniture(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == FURNITURE
    assert re.findall(r"^## .+\n\n*(?=## |\Z)", text, re.MULTILINE) == []


@pytest.mark.parametrize("page", [INDEX, *PAGES], ids=lambda page: page.stem)
def test_the_limits_of_a_page_are_those_of_the_code(page: Path) -> None:
    sources = {row[0]: row[6] for row in _rows(DOCS / "limits.md") if row[0].startswith("`")}
    for row in _limit_rows(page):
        name = row[0].strip("`")
        bounds = BOUNDS[name]
        assert row == [
            f"`{name}`",
            f"{getattr(Limits(), name):.10g}",
            bounds.unit,
            sources[f"`{name}`"],
            MAY_DIFFER[bounds.scope],
        ]


def test_the_pages_name_the_limits_that_decide_them() -> None:
    named = {row[0].strip("`") for page in [INDEX, *PAGES] for row in _limit_rows(page)}
    # How often a device reports is no kind of alert: ops/docs/horizon.md.
    assert set(BOUNDS) - named == {"longest_interval_s", "wearer_longest_interval_s"}


@pytest.mark.parametrize("page", [INDEX, *PAGES], ids=lambda page: page.stem)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`(api/[\w/]+\.py)`", page.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_the_documentation_leads_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            dead.append(link)
    assert dead == []

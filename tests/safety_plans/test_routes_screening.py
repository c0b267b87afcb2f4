"""The red flags over HTTP: nothing is kept of answers, and bad input gets one plain sentence."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, literal_column, select, table, text

from api.accounts import routes as accounts
from api.accounts.model import STAFF, Role
from api.kernel.db import reading
from api.safety_plans import routes
from api.safety_plans.model.screening import CORE
from tests.accounts.hosts import make_host, signed_in, unlocked

TELLING = re.compile(
    r"baken|violence|geweld|protect|police|politie|victim|safety|flag|danger|fear", re.IGNORECASE
)
YES = {"answer": "yes", "recent": True, "increasing": None}
CANARY = "canary 7c1f"


@pytest.fixture
def control(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, routes.control_blueprints)


@pytest.fixture
def app(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, routes.app_blueprints, accounts.identify_person)


def acts(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as session:
        rows = session.execute(text("SELECT act, reason FROM audit WHERE act LIKE 'safety_plans%'"))
        return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("role", sorted(STAFF))
def test_every_staff_role_reads_the_list_in_its_words(control: Flask, role: Role) -> None:
    answer = signed_in(control, role).get("/api/red-flags?language=en")
    assert answer.status_code == 200
    shown = answer.json or {}
    assert [item["code"] for item in shown["core"]] == list(CORE)
    assert shown["core"][0]["text"].startswith("Is there stalking")
    assert (shown["reviewer"], shown["validated"]) == ("none", False)
    assert shown["notice"].startswith("This list and its thresholds are a proposal")
    assert shown["answers"] == ["yes", "no", "unknown", "wont_say"]
    assert (shown["recent_months"], shown["again_after_days"]) == (12, 90)
    assert shown["date"] == "2026-11-25"
    assert [item["details"] for item in (shown["questions"][0], shown["core"][0])] == [False, True]


def test_a_bystander_reads_how_to_talk_and_what_not_to_do(control: Flask) -> None:
    shown = signed_in(control, Role.CASE_WORKER).get("/api/red-flags?asker=bystander").json or {}
    assert any("niet op aan" in one for one in shown["avoid"])
    assert any("Luister en geloof" in one for one in shown["do"])


def test_acute_danger_shows_112_then_veilig_thuis_then_the_way_out(control: Flask) -> None:
    body = {"language": "en", "answers": {"RV08": YES, "K02": {"answer": "yes"}, "RV01": {"answer": "no"}}}
    shown = signed_in(control, Role.OFFICER).post("/api/red-flags/result", json=body).json or {}
    assert shown["class"] == "acute_danger"
    assert [step["to"] for step in shown["steps"]][:3] == ["emergency", "veilig_thuis", "pathway"]
    assert [one["code"] for one in shown["ticked"]] == ["RV08", "K02"]
    assert shown["ticked"][0]["text"].startswith("Was strangling")
    assert shown["doubt"] is None
    assert shown["validated"] is False


def test_a_result_that_rests_on_what_is_not_known_says_so(control: Flask) -> None:
    body = {"language": "en", "answers": {"RV06": {"answer": "wont_say"}}}
    shown = signed_in(control, Role.OFFICER).post("/api/red-flags/result", json=body).json or {}
    assert shown["class"] == "serious_signs"
    assert shown["doubt"].startswith("Not everything is known")
    assert [one["code"] for one in shown["not_known"]] == ["RV06"]


def test_the_trail_keeps_that_staff_used_the_list_and_none_of_the_answers(
    control: Flask, sqlite_engine: Engine
) -> None:
    client = signed_in(control, Role.CASE_WORKER)
    for answers in ({"RV06": YES}, {}):
        assert client.post("/api/red-flags/result", json={"answers": answers}).status_code == 200
    assert acts(sqlite_engine) == [("safety_plans.red_flags", "professional")] * 2
    assert client.post("/api/red-flags/result", json={"answers": {"RV99": YES}}).status_code == 422
    assert len(acts(sqlite_engine)) == 2


def test_her_answers_leave_nothing_behind(
    app: Flask, sqlite_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    client = unlocked(app)
    before = _dump(sqlite_engine)
    shown = client.post("/lists/result", json={"language": "en", "answers": {"RV06": YES}})
    assert (shown.json or {})["title"] == "These are serious signs"
    assert (client.get("/lists?language=en").json or {})["core"][0]["text"].startswith("Does your partner")
    assert client.post("/lists/result", json={"answers": {}}).status_code == 200
    assert _dump(sqlite_engine) == before
    assert not [record for record in caplog.records if "RV06" in str(vars(record))]


def _dump(engine: Engine) -> str:
    with reading(engine) as session:
        tables = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars()
        rows: dict[str, Any] = {
            name: session.execute(select(literal_column("*")).select_from(table(name))).all()
            for name in tables
        }
    return str(rows)


BAD: list[tuple[Any, int]] = [
    (None, 422),
    ([], 422),
    ("text", 422),
    ({}, 422),
    ({"answers": None}, 422),
    ({"answers": []}, 422),
    ({"answers": "yes"}, 422),
    ({"answers": {"RV08": "yes"}}, 422),
    ({"answers": {"RV08": {}}}, 422),
    ({"answers": {"RV08": {"answer": "maybe"}}}, 422),
    ({"answers": {"RV08": {"answer": 1}}}, 422),
    ({"answers": {"RV08": {"answer": "yes", "recent": "true"}}}, 422),
    ({"answers": {"RV08": {"answer": "no", "recent": True}}}, 422),
    ({"answers": {"RV08": {"answer": "unknown", "increasing": False}}}, 422),
    ({"answers": {"RV08": {"answer": "yes", "note": CANARY}}}, 422),
    ({"answers": {"RV12": {"answer": "yes"}}}, 422),
    ({"answers": {"V0": {"answer": "no"}}}, 422),
    ({"answers": {CANARY: {"answer": "yes"}}}, 422),
    ({"answers": {"RV08\n": {"answer": "yes"}}}, 422),
    ({"answers": {f"K{number}": {"answer": "no"} for number in range(101)}}, 422),
    ({"answers": {}, "asker": "partner"}, 422),
    ({"answers": {}, "language": "de"}, 422),
    ({"answers": {}, "note": CANARY}, 422),
    ({"answers": {}, "note": "x" * (1024 * 1024)}, 413),
]


@pytest.mark.parametrize(("body", "status"), BAD)
def test_bad_input_is_refused_in_words_that_tell_nothing(app: Flask, body: Any, status: int) -> None:
    answer = unlocked(app).post("/lists/result", json=body)
    assert answer.status_code == status
    said = answer.get_data(as_text=True)
    assert TELLING.search(said) is None
    assert "x" * 100 not in said


@pytest.mark.parametrize("query", ["asker=partner", "language=de", "asker=", "language=xx&language=nl"])
def test_a_bad_question_is_refused_at_both_hosts(app: Flask, control: Flask, query: str) -> None:
    assert unlocked(app).get(f"/lists?{query}").status_code == 422
    assert signed_in(control, Role.AUDITOR).get(f"/api/red-flags?{query}").status_code == 422


def test_broken_json_is_refused(control: Flask) -> None:
    client = signed_in(control, Role.OFFICER)
    for body in ("{", '{"answers": ' + "[" * 100_000, b"\xff\xfe"):
        answer = client.post("/api/red-flags/result", data=body, content_type="application/json")
        assert answer.status_code in {400, 422}


def test_the_lists_are_hers_alone_once_her_pin_has_opened_them(app: Flask) -> None:
    locked = signed_in(app, Role.PROTECTED_PERSON)
    assert locked.get("/lists").status_code == 404
    assert locked.post("/lists/result", json={"answers": {}}).status_code == 404

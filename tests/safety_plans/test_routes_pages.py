"""Her page over HTTP at the app host: opened, saved, hidden behind second digits."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.accounts import service
from api.accounts.model import Role
from api.alerts.model import EventKind
from api.app import Audience, create_app
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import transaction
from api.kernel.padding import ANSWER_BYTES
from tests.accounts.hosts import make_host, signed_in
from tests.accounts.persons import add_person
from tests.alerts.stage import Stage, breach, make_stage
from tests.safety_plans.documents import notes, plan

PIN, SECOND = "295071", "840362"
TELLING = re.compile(r"baken|plan|vault|duress|decoy|real|violen|partner|police|geheim|safe", re.IGNORECASE)


def make_app(engine: Engine, home: Path) -> Flask:
    environ = {"BAKEN_HOME": str(home), "BAKEN_SERVER_KEY": "0" * 64}
    return create_app(Settings.from_env(environ), engine, Audience.APP)


class Her:
    """Her browser."""

    def __init__(self, app: Flask, number: str, pin: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.number, self.pin = number, pin
        assert self.client.post("/session", json={"number": number, "pin": pin}).status_code == 200

    def key(self, pin: str | None = None) -> dict[str, str]:
        answer = self.client.post("/entry", json={"secret": pin or self.pin})
        assert answer.status_code == 200
        assert answer.json is not None
        return {"X-Key": answer.json["key"]}

    def page(self, key: dict[str, str]) -> Any:
        return self.client.get("/pages", headers=key)

    def save(self, key: dict[str, str], number: int, content: Any, path: str = "/pages") -> Any:
        return self.client.put(path, json={"number": number, "content": content}, headers=key)

    def behind(self, key: dict[str, str]) -> Any:
        answer: Any = self.client.get("/second/page", headers=key)
        return answer.json["content"]

    def is_open(self, pin: str) -> bool:
        answer: Any = self.client.post("/entry", json={"secret": pin})
        return bool(answer.json["open"])

    def second(self, key: dict[str, str], **body: Any) -> Any:
        return self.client.put("/second", json={"secret": self.pin, "new": SECOND} | body, headers=key)


@pytest.fixture
def stage(sqlite_engine: Engine) -> Stage:
    return make_stage(sqlite_engine)


@pytest.fixture
def app(stage: Stage, tmp_path: Path) -> Flask:
    return make_app(stage.engine, tmp_path)


@pytest.fixture
def her(stage: Stage, app: Flask) -> Her:
    with transaction(stage.engine) as session:
        number, pin = add_person(session, stage.people[0], clock.now())
    return Her(app, number, pin)


def test_a_code_makes_an_account_of_her_own_over_http(sqlite_engine: Engine, tmp_path: Path) -> None:
    from api.accounts import routes

    staff = signed_in(make_host(sqlite_engine, routes.control_blueprints), Role.CASE_WORKER)
    made: Any = staff.post("/api/entry-codes", json={}).json
    client = make_app(sqlite_engine, tmp_path).test_client()
    weak = client.post("/start", json={"code": made["code"], "pin": "123456"})
    assert weak.status_code == 422
    typed = made["code"].lower().replace("0", "o")
    answer: Any = client.post("/start", json={"code": f"{typed[:5]} {typed[5:]}", "pin": PIN})
    assert answer.status_code == 201
    assert re.fullmatch(r"[0-9]{16}", answer.json["number"])
    again = client.post("/start", json={"code": made["code"], "pin": PIN})
    assert again.status_code == 404
    Her(make_app(sqlite_engine, tmp_path), answer.json["number"], PIN)


@pytest.mark.parametrize(
    "body",
    [{"code": "short", "pin": PIN}, {"code": "U" * 10, "pin": PIN}, {}],
)
def test_a_bad_start_says_which_field(app: Flask, body: dict[str, str]) -> None:
    answer = app.test_client().post("/start", json=body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"]["json"]


def test_what_she_saves_she_reads_again_and_nobody_without_the_key(her: Her) -> None:
    key = her.key()
    empty = her.page(key)
    assert (empty.json["number"], empty.json["content"]) == (0, None)
    content = plan("صباح الخير 🌷", code_word="tulp")
    assert her.save(key, 0, content).json == {"number": 1}
    assert her.page(key).json["content"] == content
    assert her.page(her.key()).json["content"] == content
    for wrong in ({}, {"X-Key": "nothing"}, her.key("714926")):
        assert her.page(wrong).status_code == 404
        assert her.save(wrong, 1, plan()).status_code == 404
    her.client.delete("/entry", headers=key)
    assert her.page(key).status_code == 404


def test_trying_digits_answers_in_one_form_and_size_whatever_they_are(her: Her) -> None:
    her.second(her.key())
    answers = [her.client.post("/entry", json={"secret": pin}) for pin in (her.pin, SECOND, "714926")]
    assert {answer.status_code for answer in answers} == {200}
    assert len({len(answer.data) for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.keys())) for answer in answers}) == 1
    assert [answer.json["open"] for answer in answers if answer.json] == [True, True, False]


def test_every_page_is_as_long_as_any_other(her: Her) -> None:
    key = her.key()
    lengths = {len(her.page(key).data)}
    full = {"title": "é🌷" * 50, "note": "é🌷" * 900, "phase": "after"}
    assert her.save(key, 0, plan(own_items=[full] * 9)).status_code == 200
    lengths.add(len(her.page(key).data))
    lengths.add(len(her.client.get("/pages/other", headers=key).data))
    her.second(key)
    lengths.add(len(her.page(her.key(SECOND)).data))
    assert lengths == {ANSWER_BYTES}


def test_two_devices_that_save_at_once_lose_nothing(her: Her) -> None:
    phone, tablet = her.key(), her.key()
    her.save(phone, 0, plan("phone"))
    refused: Any = her.save(tablet, 0, plan("tablet"))
    assert refused.status_code == 409
    assert "Both versions are kept" in refused.json["message"]
    assert her.page(tablet).json["content"] == plan("phone")
    assert her.page(tablet).json["other"] is True
    other: Any = her.client.get("/pages/other", headers=tablet)
    assert other.json["content"] == plan("tablet")
    third = her.save(tablet, 0, plan("a third"))
    assert third.status_code == 409
    assert "still waits" in third.json["message"]
    assert her.client.delete("/pages/other", headers=phone).status_code == 204
    assert her.page(phone).json["other"] is False
    assert her.save(phone, 1, plan("both")).json == {"number": 2}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (plan(own_items=[{"title": "", "note": "x" * 2000, "phase": "home"}] * 31), "bytes too long"),
        (plan("x" * 2001), "own_items.0.note"),
        (plan(surprise=1), "unknown key"),
        (plan(tailoring={}), "tailoring"),
        ({"form": 1, "notes": []}, "unknown key"),
        ([1], "Not a valid mapping type"),
        (None, "may not be null"),
    ],
)
def test_what_cannot_be_stored_is_said_and_changes_nothing(her: Her, content: Any, says: str) -> None:
    key = her.key()
    her.save(key, 0, plan("kept"))
    answer = her.save(key, 1, content)
    assert answer.status_code == 422
    assert says in answer.get_data(as_text=True)
    assert her.page(key).json["content"] == plan("kept")


def test_half_of_a_character_is_refused_clearly(her: Her) -> None:
    content = json.dumps(plan("HALF")).replace("HALF", "\\ud800")
    body = f'{{"number": 0, "content": {content}}}'
    answer = her.client.put("/pages", data=body, content_type="application/json", headers=her.key())
    assert answer.status_code == 422
    assert "half of a character" in answer.get_data(as_text=True)


def test_a_page_that_was_altered_is_said_and_not_written_over(her: Her, stage: Stage) -> None:
    key = her.key()
    her.save(key, 0, plan("kept"))
    with stage.engine.begin() as connection:
        connection.execute(text("UPDATE document SET body = randomblob(65576)"))
    for answer in (her.page(key), her.save(key, 1, plan())):
        assert answer.status_code == 409
        assert "left as it is" in answer.json["message"]


def test_second_digits_open_a_page_of_their_own_that_she_can_write(her: Her) -> None:
    key = her.key()
    her.save(key, 0, plan("mine"))
    assert her.second(key).status_code == 204
    key = her.key()  # the one before is closed
    begun = her.page(her.key(SECOND)).json["content"]["notes"]
    assert len(begun) >= 4
    assert her.save(key, 0, notes("dull"), "/second/page").status_code == 204
    assert her.behind(key) == notes("dull")
    second = her.key(SECOND)
    assert her.page(second).json["content"] == notes("dull")
    assert her.save(second, 2, notes("edited")).status_code == 200
    assert her.second(key).status_code == 204  # set again, it keeps what is there
    key, second = her.key(), her.key(SECOND)
    assert her.page(key).json["content"] == plan("mine")
    assert her.behind(key) == notes("edited")
    for method in ("get", "put"):
        answer = getattr(her.client, method)(
            "/second/page",
            headers=second,
            json={"number": 0, "content": notes("")} if method == "put" else None,
        )
        assert answer.status_code == 404


def test_the_texts_fit_what_she_said_and_are_hers_alone(her: Her) -> None:
    key = her.key()
    everything: Any = her.client.get("/texts", headers=key)
    codes = {section["code"] for section in everything.json["sections"]}
    assert {"kinderen", "huisdieren"} <= codes
    said = plan()["tailoring"] | {"children": False, "pets": False}
    her.save(key, 0, plan(tailoring=said))
    fitting: Any = her.client.get("/texts?language=en", headers=key)
    assert not {"kinderen", "huisdieren"} & {section["code"] for section in fitting.json["sections"]}
    short: Any = her.client.get("/texts?depth=acute", headers=key)
    assert 1 <= len(short.json["sections"]) <= 7
    assert {len(one.data) % ANSWER_BYTES for one in (everything, fitting, short)} == {0}
    her.second(key)
    for address in ("/texts", "/texts/paper"):
        assert her.client.get(address, headers=her.key(SECOND)).status_code == 404
        assert her.client.get(address).status_code == 404


def test_all_that_she_wrote_can_be_read_on_paper(her: Her) -> None:
    key = her.key()
    items = {
        "gone_code": {"status": "done", "note": "an old note", "place": "attic"},
        "noodnummer": {"status": "busy", "note": "", "place": ""},
    }
    contact = {"name": "Sam", "reach": "at work", "knows": "", "when": "before noon"}
    reach = {"channel": "mail", "hours": "", "code_word": "tulip", "not_now": ""}
    her.save(
        key, 0, plan("my own note", items=items, contacts=[contact], code_word="yellow", safe_contact=reach)
    )
    paper = her.client.get("/texts/paper?language=en", headers=key)
    assert paper.mimetype == "text/plain"
    written = paper.get_data(as_text=True)
    for part in (
        "an old note",
        "Where: attic",
        "mine: my own note",
        "Sam, at work, before noon",
        "yellow",
        "tulip",
    ):
        assert part in written


def test_a_silent_call_reaches_the_control_room_and_nothing_of_hers(her: Her, stage: Stage) -> None:
    assert her.second(her.key(), call=True).status_code == 204
    her.key()
    assert not stage.alerts()
    her.key(SECOND)
    (alert,) = stage.alerts()
    assert (alert.kind, alert.severity) == (EventKind.SOS, 1)
    channels = {one.channel.value for one, _tries in stage.detail(alert).notifications}
    assert "police_webhook" in channels
    assert not channels & {"person_stream", "web_push", "device"}


def test_a_call_that_nobody_would_hear_is_refused(stage: Stage, app: Flask) -> None:
    new = service.prepare_person(PIN)
    with transaction(stage.engine) as session:
        _code, typed = service.make_code(session, None, stage.people[0], clock.now())
        service.start(session, typed, new, clock.now())
    someone = Her(app, new.number, PIN)
    answer = someone.second(someone.key(), call=True)
    assert answer.status_code == 409
    assert "Nobody would hear" in answer.json["message"]
    assert not someone.is_open(SECOND)


def test_behind_second_digits_no_message_of_hers_is_shown(her: Her, stage: Stage) -> None:
    stage.tell(breach(stage, occurred_at=clock.now()), now=clock.now())
    mine: Any = her.client.post("/details", json={"secret": her.pin})
    assert len(mine.json["items"]) == 1
    her.second(her.key())
    answer: Any = her.client.post("/details", json={"secret": SECOND})
    assert answer.status_code == 200
    assert answer.json["items"] == []


def test_the_answers_hold_no_telling_word(her: Her) -> None:
    key = her.key()
    her.second(key)
    for answer in (
        her.page(key),
        her.client.post("/entry", json={"secret": "714926"}),
        her.save(key, 99, plan()),
        her.page({}),
        her.client.put("/second", json={"secret": "1"}, headers=key),
        her.client.post("/start", json={"code": "0123456789", "pin": PIN}),
    ):
        assert not TELLING.search(answer.get_data(as_text=True)), answer.data[:200]


def test_a_stolen_database_holds_nothing_of_what_she_wrote(her: Her, stage: Stage) -> None:
    canary = "canary-4711-kanarie"
    key = her.key()
    her.save(key, 0, plan(canary))
    her.save(her.key(), 0, plan(canary))  # a conflict, kept beside
    her.save(key, 7, plan(canary * 90))  # an error
    database = stage.engine.url.database
    assert database is not None
    for path in Path(database).parent.rglob("*"):
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path
    assert json.dumps(canary) not in her.page({}).get_data(as_text=True)


def test_forgetting_ends_the_session_and_from_her_side_takes_the_pages(her: Her, stage: Stage) -> None:
    def pages() -> int:
        with stage.engine.connect() as connection:
            return connection.execute(text("SELECT count(*) FROM document")).scalar() or 0

    her.second(her.key())
    number = her.number
    answer = her.client.post("/forget", json={"secret": SECOND}, headers=her.key(SECOND))
    assert answer.status_code == 204
    assert her.page({}).status_code == 401
    assert pages() == 2
    again = Her(her.client.application, number, her.pin)
    assert again.client.post("/forget", json={"secret": her.pin}, headers=again.key()).status_code == 204
    assert pages() == 0
    gone = her.client.application.test_client().post("/session", json={"number": number, "pin": her.pin})
    assert gone.status_code == 403


def test_another_account_in_its_place_begins_empty_and_takes_nothing_away(her: Her, stage: Stage) -> None:
    her.save(her.key(), 0, plan("of the first"))
    with transaction(stage.engine) as session:
        number, pin = add_person(session, stage.people[0], clock.now())
    again = Her(her.client.application, number, pin)
    key = again.key()
    assert again.page(key).json["content"] is None
    assert again.save(key, 0, plan("of the second")).status_code == 200
    first = Her(her.client.application, her.number, her.pin)
    assert first.page(first.key()).json["content"] == plan("of the first")
    with stage.engine.connect() as connection:
        rows = connection.execute(text("SELECT vault_id FROM document")).scalars().all()
        accounts = connection.execute(text("SELECT id FROM account")).scalars().all()
    assert len(set(rows)) == 2
    assert not set(rows) & set(accounts)


def test_changing_digits_ends_every_other_session(her: Her) -> None:
    other = Her(her.client.application, her.number, her.pin)
    key = her.key()
    changed = her.client.put("/entry", json={"secret": her.pin, "new": "602947"}, headers=key)
    assert changed.status_code == 204
    assert other.page({}).status_code == 401
    assert her.page(key).status_code == 404
    assert her.page(her.key("602947")).status_code == 200

"""What she reads and sets over HTTP: her digits are asked for each time, and nothing betrays what it is."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.accounts.model import LOCK_AFTER_FAILURES, Role
from api.alerts import service
from api.alerts.model import EventKind, ResolveReason
from api.app import Audience, create_app
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import transaction
from tests.accounts.hosts import signed_in
from tests.accounts.persons import add_person
from tests.alerts.stage import Stage, breach, make_stage
from tests.house import House, open_house, sqlite_of, wait_until

TELLING = re.compile(
    r"baken|alert|zone|wearer|protect|police|politie|geofence|victim|safety|monitor", re.IGNORECASE
)
PLACES = re.compile(r"51\.9|4\.48|4\.47|Name|Dorpsstraat|\bW-|\bC-")


class Her:
    """Her browser: signed in, and her digits known to the test."""

    def __init__(self, app: Flask, stage: Stage) -> None:
        with transaction(stage.engine) as session:
            number, self.pin = add_person(session, stage.people[0], clock.now())
        self.client: FlaskClient = app.test_client()
        assert self.client.post("/session", json={"number": number, "pin": self.pin}).status_code == 200
        self.number = number

    @property
    def wrong(self) -> str:
        return "295071" if self.pin != "295071" else "295072"

    def details(self, **more: Any) -> Any:
        return self.client.post("/details", json={"secret": self.pin} | more)

    def prefer(self, **more: Any) -> Any:
        body = {"secret": self.pin, "topics": None, "quiet": None}
        return self.client.put("/preferences", json=body | more)


@pytest.fixture
def stage(sqlite_engine: Engine) -> Stage:
    return make_stage(sqlite_engine, people=2)


def make_app(engine: Engine, audience: Audience, home: Path) -> Flask:
    environ = {"BAKEN_HOME": str(home), "BAKEN_SERVER_KEY": "0" * 64}
    return create_app(Settings.from_env(environ), engine, audience)


@pytest.fixture
def her(stage: Stage, tmp_path: Path) -> Her:
    return Her(make_app(stage.engine, Audience.APP, tmp_path), stage)


def tell(stage: Stage, kind: EventKind = EventKind.PROXIMITY_BREACH, **more: Any) -> Any:
    now = clock.now()
    (alert,) = stage.tell(breach(stage, kind, occurred_at=now, **more), now=now)
    return alert


def close(stage: Stage, alert: Any) -> None:
    with transaction(stage.engine) as session:
        service.resolve(
            session, alert.id, uuid4(), ResolveReason.WEARER_LEFT, "He lives in the Dorpsstraat.", clock.now()
        )


def test_she_reads_what_happened_and_how_it_ended(stage: Stage, her: Her) -> None:
    close(stage, tell(stage))
    tell(stage, EventKind.BOUNDARY_LOITER)
    answer = her.details()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    (item,) = answer.json["items"]
    assert item["what"] == "The other person came closer to you than allowed."
    assert item["ended"]["text"] == "The other person went away."
    assert item["is_test"] is True
    assert answer.json["shown_at"].endswith("+00:00")
    assert answer.json["preferences"]["version"] == 0
    said = answer.get_data(as_text=True)
    assert PLACES.search(said) is None
    assert not re.search(r"\bsafe\b", said)
    dutch = her.details(language="nl").json["items"][0]
    assert dutch["what"] == "De ander kwam dichter bij u dan mag."


def test_the_newest_come_first_and_what_concerns_another_person_is_not_there(stage: Stage, her: Her) -> None:
    tell(stage, EventKind.SOS, person_id=stage.people[1])
    for _ in range(32):
        close(stage, tell(stage))
    tell(stage, EventKind.STRAP_TAMPER)
    items = her.details().json["items"]
    assert len(items) == 30
    assert items[0]["what"].startswith("The strap")
    assert not any(one["what"].startswith("You called") for one in items)


def test_she_sees_when_all_of_it_was_last_tested_and_when_her_own_device_was_heard(
    stage: Stage, her: Her
) -> None:
    before = her.details().json
    assert (before["checked_at"], before["check"], before["heard_at"]) == (None, None, None)
    now = clock.now()
    with transaction(stage.engine) as session:
        service.start_drill(session, stage.order_id, None, lambda _session, _ids: {}, now)
    after = her.details().json
    assert datetime.fromisoformat(after["checked_at"]) == now
    assert after["check"] == "failed"  # nobody is on duty, and she has no browser that is told


def test_the_reading_is_an_audit_row_that_does_not_say_behind_which_digits(stage: Stage, her: Her) -> None:
    her.details()
    with stage.engine.connect() as connection:
        trail = connection.execute(text("SELECT act, actor_id, object_id FROM audit ORDER BY at")).all()
    act, actor_id, object_id = trail[-1]
    assert act == "alerts.details"
    assert actor_id == object_id
    assert not any("entry" in one.act for one in trail)


def test_wrong_digits_are_answered_as_a_wrong_sign_in_and_count_as_one(stage: Stage, her: Her) -> None:
    tell(stage)
    sign_in = her.client.post("/session", json={"number": her.number, "pin": her.wrong})
    answers = [her.details(secret=her.wrong), her.prefer(secret=her.wrong)]
    for answer in answers:
        assert (answer.status_code, answer.data) == (403, sign_in.data)
        assert dict(answer.headers) == dict(sign_in.headers)
        assert TELLING.search(answer.get_data(as_text=True)) is None
    for _ in range(LOCK_AFTER_FAILURES - 3):
        her.details(secret=her.wrong)
    assert her.details().status_code == 403
    assert her.client.post("/session", json={"number": her.number, "pin": her.pin}).status_code == 403
    assert her.prefer().status_code == 403


def test_a_right_one_opens_no_session_and_gives_no_try_back(stage: Stage, her: Her) -> None:
    for _ in range(LOCK_AFTER_FAILURES - 1):
        her.details(secret=her.wrong)
    answer = her.details()
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    her.details(secret=her.wrong)
    assert her.details().status_code == 403
    with stage.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM session")).scalar() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"secret": None}, "secret"),
        ({"secret": "12345"}, "secret"),
        ({"secret": "12345٣"}, "secret"),
        ({"secret": 123456}, "secret"),
        ({"language": "xx"}, "language"),
        ({"topics": "all"}, "topics"),
        ({"topics": [7]}, "topics"),
        ({"topics": ["x" * 41]}, "topics"),
        ({"topics": ["x"] * 101}, "topics"),
        ({"quiet": {"from": "22:00"}}, "quiet"),
        ({"quiet": {"from": "22:00:00", "until": "07:00", "tz": "UTC"}}, "quiet"),
        ({"quiet": {"from": "22:00", "until": "07:00", "tz": "x" * 65}}, "quiet"),
        ({"urgent": "perhaps"}, "urgent"),
        ({"text": "1"}, "text"),
        ({"more": 1}, "more"),
    ],
)
def test_a_body_that_cannot_be_names_its_field_and_tells_nothing(her: Her, change: Any, field: str) -> None:
    answer = her.prefer(**change)
    assert answer.status_code == 422
    assert field in answer.json["errors"]["json"]
    assert TELLING.search(answer.get_data(as_text=True)) is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"topics": ["battery_low"]}, "topics"),
        ({"topics": ["\ud800"]}, "topics"),
        ({"quiet": {"from": "22:00", "until": "07:00", "tz": "No/Where"}}, "quiet"),
        ({"quiet": {"from": "22:00", "until": "07:00", "tz": "\ud800"}}, "quiet"),
        ({"quiet": {"from": "99:99", "until": "07:00", "tz": "UTC"}}, "quiet"),
        ({"text": 3}, "text"),
        ({"text": 10**30}, "text"),
    ],
)
def test_what_cannot_be_kept_is_told_only_to_her(her: Her, change: Any, field: str) -> None:
    assert her.prefer(secret=her.wrong, **change).status_code == 403
    answer = her.prefer(**change)
    assert answer.status_code == 422
    assert field in answer.json["errors"]["json"]
    assert her.details().json["preferences"]["version"] == 0


def test_what_she_sets_counts_and_is_shown_with_what_she_can_choose(stage: Stage, her: Her) -> None:
    quiet = {"from": "22:30", "until": "07:00", "tz": "Europe/Amsterdam"}
    kept = her.prefer(topics=["sos"], quiet=quiet, urgent=False, text=1)
    assert kept.status_code == 200
    assert kept.headers["Cache-Control"] == "no-store"
    assert kept.json["topics"] == ["sos"]
    assert (kept.json["quiet"], kept.json["urgent"], kept.json["text"]) == (quiet, False, 1)
    assert kept.json["version"] == 1
    choice = next(one for one in kept.json["choices"] if one["id"] == "sos")
    assert choice == {"id": "sos", "text": "You called for help, or your device did.", "standard": True}
    assert len(kept.json["texts"]) == 3
    assert her.details().json["preferences"] == kept.json
    tell(stage)
    assert [one for one in stage.outbox() if one.person_id == stage.people[0]] == []
    assert her.details().json["items"][0]["told"].endswith("because of your own choice.")


# Staff ----------------------------------------------------------------------------------------------------


@pytest.fixture
def staff(stage: Stage, tmp_path: Path) -> FlaskClient:
    return signed_in(make_app(stage.engine, Audience.CONTROL, tmp_path), Role.OPERATOR)


def test_staff_see_her_policy_and_who_was_not_told_by_whose_choice(
    stage: Stage, her: Her, staff: FlaskClient
) -> None:
    path = f"/api/protected-persons/{stage.people[0]}/alert-policy"
    fresh = staff.get(path).json or {}
    assert (fresh["version"], fresh["kinds"], fresh["rings_severity_1"]) == (None, None, True)
    assert fresh["default_decided_by"].startswith("proposal")
    her.prefer(topics=["sos"], quiet={"from": "01:00", "until": "02:00", "tz": "UTC"})
    shown = staff.get(path).json or {}
    assert (shown["version"], shown["kinds"]) == (1, ["sos"])
    assert shown["quiet"] == {"from": "01:00", "until": "02:00", "tz": "UTC"}
    for method in ("PUT", "POST", "PATCH", "DELETE"):
        assert staff.open(path, method=method, json={}).status_code in {404, 405}
    alert = tell(stage)
    (reach,) = (staff.get(f"/api/alerts/{alert.id}").json or {})["policies"]
    assert reach == {
        "person_id": str(stage.people[0]),
        "is_told": False,
        "withheld_by": "her",
        "decided_by": None,
        "policy_version": 1,
    }
    assert staff.get(f"/api/protected-persons/{uuid4()}/alert-policy").status_code == 404


# The real process -----------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path, sqlite_template: Path) -> Iterator[House]:
    home = tmp_path / "home"
    with open_house(home, sqlite_of(sqlite_template, home)) as house:
        yield house


def test_the_web_process_shows_it_to_whoever_has_the_digits_and_sends_her_words(house: House) -> None:
    stage = make_stage(house.engine)
    with transaction(house.engine) as session:
        number, pin = add_person(session, stage.people[0], clock.now())
    house.start("web-app")
    base = f"http://127.0.0.1:{house.settings.app_port}"
    with httpx.Client(base_url=base, trust_env=False, timeout=30) as client:
        assert client.post("/details", json={"secret": pin}).status_code == 401
        assert client.post("/session", json={"number": number, "pin": pin}).status_code == 200
        body = {"secret": pin, "topics": None, "quiet": None, "text": 2}
        assert client.put("/preferences", json=body).status_code == 200
        close(stage, tell(stage))
        texts: list[str] = []
        with client.stream("GET", "/stream") as stream:
            lines = stream.iter_lines()
            while len(texts) < 2:
                line = next(lines)
                if line.startswith("data: "):
                    texts.append(json.loads(line.removeprefix("data: "))["text"])
        assert texts == ["Weekly tip: let the dough rest."] * 2  # the alert, and its end
        wait_until(lambda: all(one.attempts for one in stage.outbox() if one.channel == "person_stream"))
        (item,) = client.post("/details", json={"secret": pin}).json()["items"]
        assert item["told"] == "We sent you a message."
        assert item["told_at"] is not None
        assert item["ended"]["text"] == "The other person went away."
    assert pin not in house.log_text("web-app")

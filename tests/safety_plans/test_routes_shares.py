"""Sharing over HTTP: she gives a part, the agency reads it, she sees who looked and takes it back."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import routes as accounts
from api.accounts import service
from api.app import Audience, create_app
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import transaction
from tests.accounts.hosts import unlocked
from tests.pathways.cases import Town
from tests.safety_plans.documents import plan

ITEMS = {
    "sleutels": {"status": "done", "note": "in the blue jar", "place": ""},
    "gone": {"status": "done", "note": "of no section", "place": ""},
}


class Place:
    """Both hosts, a town of agencies, and her."""

    def __init__(self, engine: Engine, home: Path) -> None:
        environ = {"BAKEN_HOME": str(home), "BAKEN_SERVER_KEY": "0" * 64}
        settings = Settings.from_env(environ)
        self.control = create_app(settings, engine, Audience.CONTROL)
        self.app: Flask = create_app(settings, engine, Audience.APP)
        self.town = Town(engine)
        self.her: Any = unlocked(self.app)

    def staff(self, name: str) -> FlaskClient:
        client = self.control.test_client()
        with transaction(self.town.engine) as session:
            token = service.open_session(session, self.town.accounts[name], clock.now())
        client.set_cookie(accounts.STAFF_COOKIE, token)
        return client

    def share(self, **more: Any) -> Any:
        body = {
            "who": str(self.town.agencies["police"].id),
            "parts": ["people", "own"],
            "purpose": "To bring me away",
            "until": (clock.now() + timedelta(days=7)).isoformat(),
        }
        return self.her.post("/shares", json=body | more)


@pytest.fixture
def place(sqlite_engine: Engine, tmp_path: Path) -> Place:
    return Place(sqlite_engine, tmp_path)


def test_just_the_parts_that_she_gave_are_read_and_she_sees_by_whom(place: Place) -> None:
    contact = {"name": "Sam", "reach": "at work", "knows": "", "when": ""}
    saved = plan("mine alone", items=ITEMS, contacts=[contact], code_word="tulip")
    place.her.put("/pages", json={"number": 0, "content": saved})
    names = [one["name"] for one in place.her.get("/shares/who").json["who"]]
    assert "The police of Haarlem" in names
    shared = place.share().json["id"]
    desk: Any = place.staff("police worker")
    assert [one["id"] for one in desk.get("/api/consents").json] == [shared]
    read = desk.post(f"/api/consents/{shared}/reading", json={"reason": "Driving her"})
    assert "Sam, at work" in read.json["text"]
    assert "mine alone" in read.json["text"]
    for hidden in ("blue jar", "of no section", "tulip"):
        assert hidden not in read.json["text"]
    (look,) = place.her.get("/shares").json["looks"]
    assert (look["name"], look["reason"]) == ("Police Worker Jansen", "Driving her")
    assert place.her.delete(f"/shares/{shared}").status_code == 204
    gone = desk.post(f"/api/consents/{shared}/reading", json={"reason": "Again"})
    assert gone.status_code == 409
    assert "Ask her" in gone.json["message"]
    assert desk.get("/api/consents").json == []


def test_another_agency_gets_the_answer_for_what_is_not_there(place: Place) -> None:
    shared = place.share().json["id"]
    other = place.staff("shelter worker")
    answer: Any = other.post(f"/api/consents/{shared}/reading", json={"reason": "Curious"})
    missing = other.post("/api/consents/00000000-0000-0000-0000-000000000000/reading", json={"reason": "x"})
    assert (answer.status_code, answer.data) == (missing.status_code, missing.data) == (404, answer.data)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"parts": ["all"]}, "parts"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"purpose": ""}, "purpose"),
    ],
)
def test_a_bad_share_says_which_field(place: Place, more: dict[str, Any], field: str) -> None:
    answer = place.share(**more)
    assert answer.status_code == 422
    assert field in answer.json["errors"]["json"]


def test_a_code_of_a_pathway_makes_an_account_that_reads_it(place: Place) -> None:
    pathway = place.town.open()
    worker: Any = place.staff("centre worker")
    made = worker.post(f"/api/pathways/{pathway.id}/entry-code").json
    client: Any = place.app.test_client()
    assert client.post("/start", json={"code": made["code"], "pin": "295071"}).status_code == 201
    key = client.post("/entry", json={"secret": "295071"}).json["key"]
    assert client.get("/schedule").status_code == 404
    shown = client.get("/schedule", headers={"X-Key": key})
    assert shown.status_code == 200
    assert len(shown.json["lines"]) > 5


def test_an_override_needs_a_second_person_over_http(place: Place) -> None:
    pathway = place.town.open()
    worker: Any = place.staff("centre worker")
    body = {
        "agency_id": str(place.town.agencies["police"].id),
        "ground": "vital_interest",
        "what": "That he has a weapon",
        "reason": "She cannot be reached",
        "inform_on": clock.now().date().isoformat(),
    }
    asked = worker.post(f"/api/pathways/{pathway.id}/overrides", json=body)
    assert asked.status_code == 201
    override = asked.json["id"]
    assert worker.post(f"/api/overrides/{override}/confirmation").status_code == 409
    deputy: Any = place.staff("centre deputy")
    assert deputy.post(f"/api/overrides/{override}/confirmation").json["confirmed_by"]
    assert deputy.post(f"/api/overrides/{override}/informing").json["informed_at"]
    (listed,) = worker.get(f"/api/pathways/{pathway.id}/overrides").json
    assert listed["ground"] == "vital_interest"
    refused = worker.post(f"/api/pathways/{pathway.id}/overrides", json=body | {"ground": "consent"})
    assert refused.status_code == 422

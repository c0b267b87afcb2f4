"""Pathways over HTTP: what goes in, what comes out, what is refused and never told."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import routes as account_routes
from api.accounts.model import Role
from api.accounts.routes.hers import app_blueprints as person_blueprints
from api.kernel import clock
from api.kernel.config import SettingError
from api.kernel.db import transaction
from api.pathways.routes import app_blueprints, control_blueprints
from api.pathways.service import opening
from api.pathways.service.content import read_content
from tests.accounts.hosts import make_host, signed_in
from tests.accounts.persons import account_of, add_person
from tests.pathways.cases import Town, client_of, content_file

Json = dict[str, Any]
ALWAYS = {
    "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    "from": "00:00",
    "until": "24:00",
}
REACH: Json = {
    "channels": ["phone"],
    "hours": [ALWAYS],
    "time_zone": "Europe/Amsterdam",
    "words": "Only at work.",
    "code_word": "Blauwe regen",
    "sign": "I will look for the book.",
    "seen_version": 0,
}
AGENCY = {"name": "Centre", "kind": "centre", "region": "Rotterdam", "time_zone": "Europe/Amsterdam"}


@pytest.fixture
def town(sqlite_engine: Engine) -> Town:
    return Town(sqlite_engine)


@pytest.fixture
def control(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, control_blueprints)


@pytest.fixture
def worker(control: Flask, town: Town) -> FlaskClient:
    return client_of(control, town, "centre worker")


def call(client: FlaskClient, method: str, path: str, body: Json | None = None, status: int = 200) -> Any:
    answer = client.open(f"/api{path}", method=method, json=body)
    assert answer.status_code == status, answer.data
    return answer.get_json(silent=True)


@pytest.fixture
def pathway(worker: FlaskClient, town: Town) -> Json:
    body = {"agency_id": str(town.agencies["centre"].id), "urgency": "acute"}
    opened: Json = call(worker, "POST", "/pathways", body, 201)
    return opened


def act(
    client: FlaskClient, pathway: Json, number: int | str, what: str, status: int = 200, **more: Any
) -> Any:
    return call(
        client, "POST", f"/pathways/{pathway['id']}/steps/{number}/acts", {"act": what, **more}, status
    )


def test_a_pathway_is_opened_with_a_code_and_a_next_contact_and_without_a_name(pathway: Json) -> None:
    assert len(pathway["reference"]) == 11
    assert pathway["next_contact_at"] is not None
    assert not {key for key in pathway if "name" in key}


def test_a_step_goes_from_hand_to_hand(
    control: Flask, town: Town, worker: FlaskClient, pathway: Json
) -> None:
    police = client_of(control, town, "police worker")
    call(police, "GET", f"/pathways/{pathway['id']}?reason=own_step", status=404)
    agency_id = str(town.agencies["police"].id)
    assert act(worker, pathway, 8, "offer", agency_id=agency_id)["state"] == "offered"
    (offer,) = call(police, "GET", "/pathways/work")["accept"]
    assert (offer["number"], offer["urgency"], offer["is_mine"], offer["rung"]) == (
        8,
        "acute",
        True,
        "worker",
    )
    assert act(police, pathway, 8, "accept")["agency_id"] == agency_id
    view = call(police, "GET", f"/pathways/{pathway['id']}?reason=own_step")
    assert [step["number"] for step in view["steps"]] == [8]
    whole = call(worker, "GET", f"/pathways/{pathway['id']}?reason=contact")
    assert len(whole["steps"]) == 19
    assert whole["contact_name"] == "Centre Worker Jansen"
    assert [event["kind"] for event in whole["events"]][-1] == "opened"


def test_a_reading_says_why(worker: FlaskClient, pathway: Json) -> None:
    path = f"/pathways/{pathway['id']}"
    for wrong in ("", "?reason=", "?reason=curious"):
        call(worker, "GET", path + wrong, status=422)


@pytest.mark.parametrize("number", ["19", "-1", "x", "1.5", "٣", "007", ""])
def test_a_step_that_is_none_is_not_there(worker: FlaskClient, pathway: Json, number: str) -> None:
    act(worker, pathway, number, "take", 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"act": "jump"}, "act"),
        ({"act": "offer", "agency_id": 5}, "agency_id"),
        ({"act": "take", "note": "x" * 501}, "note"),
        ({"act": "take", "note": "a\u0000b"}, "note"),
        ({"act": "take", "at_her_word": "yes"}, "at_her_word"),
        ({"act": "take", "colour": "red"}, "colour"),
        ({}, "act"),
    ],
)
def test_what_cannot_be_understood_is_named(
    worker: FlaskClient, pathway: Json, body: Json, field: str
) -> None:
    answer = call(worker, "POST", f"/pathways/{pathway['id']}/steps/5/acts", body, 422)
    assert field in json.dumps(answer["errors"])


def test_emoji_and_right_to_left_text_in_a_note_come_back_as_sent(worker: FlaskClient, pathway: Json) -> None:
    note = "مرحبا 🌧️ \u202eabc"
    act(worker, pathway, 5, "take", note=note)
    view = call(worker, "GET", f"/pathways/{pathway['id']}?reason=contact")
    assert view["events"][0]["note"] == note


def test_nobody_tries_to_speak_with_her_before_reading_how(worker: FlaskClient, pathway: Json) -> None:
    path = f"/pathways/{pathway['id']}"
    call(worker, "GET", f"{path}/safe-contact?reason=contact", status=404)
    refused = call(worker, "POST", f"{path}/contact-attempts", {"channel": "phone"}, 409)
    assert "step 2" in refused["message"]
    call(worker, "PUT", f"{path}/safe-contact", REACH)
    refused = call(worker, "POST", f"{path}/contact-attempts", {"channel": "phone"}, 409)
    assert refused["message"].startswith("Read how she may be reached first")
    read = call(worker, "GET", f"{path}/safe-contact?reason=contact")
    assert (read["code_word"], read["hours"], read["version"]) == ("Blauwe regen", [ALWAYS], 1)
    tried = call(worker, "POST", f"{path}/contact-attempts", {"channel": "phone"}, 201)
    outcome = f"{path}/contact-attempts/{tried['id']}/outcome"
    assert call(worker, "POST", outcome, {"outcome": "not_safe"})["outcome"] == "not_safe"
    call(worker, "POST", outcome, {"outcome": "reached"}, 409)
    assert (
        "her sign" in call(worker, "POST", f"{path}/contact-attempts", {"channel": "phone"}, 409)["message"]
    )
    assert call(worker, "GET", "/pathways/work")["contacts"][0]["not_safe"] is True
    cleared = call(worker, "POST", f"{path}/safe-contact/clearing", {"reason": "She came by."})
    assert cleared == {"not_safe_since": None}
    assert call(worker, "POST", f"{path}/safe-contact/sign")["not_safe_since"] is not None


def test_the_code_word_is_checked(worker: FlaskClient, pathway: Json) -> None:
    path = f"/pathways/{pathway['id']}"
    call(worker, "PUT", f"{path}/safe-contact", REACH)
    for word, is_right in (("blauwe regen", True), ("regen", False)):
        assert call(worker, "POST", f"{path}/code-word", {"word": word}) == {"is_right": is_right}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channels": []}, "channels"),
        ({"channels": ["pigeon"]}, "channels"),
        ({"hours": []}, "hours"),
        ({"hours": [ALWAYS | {"from": "9:00"}]}, "hours"),
        ({"hours": [ALWAYS | {"until": "24:01"}]}, "hours"),
        ({"hours": [ALWAYS | {"from": "09:00\n"}]}, "hours"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"sign": "Blauwe regen"}, "sign"),
        ({"code_word": " "}, "code_word"),
        ({"words": "x" * 501}, "words"),
        ({"seen_version": "0"}, "seen_version"),
    ],
)
def test_how_she_may_be_reached_has_to_be_something_to_go_by(
    worker: FlaskClient, pathway: Json, change: Json, field: str
) -> None:
    answer = call(worker, "PUT", f"/pathways/{pathway['id']}/safe-contact", REACH | change, 422)
    assert field in json.dumps(answer["errors"])


def test_two_who_set_it_at_once_do_not_overwrite_each_other(worker: FlaskClient, pathway: Json) -> None:
    path = f"/pathways/{pathway['id']}/safe-contact"
    call(worker, "PUT", path, REACH)
    call(worker, "PUT", path, REACH, 409)
    assert call(worker, "PUT", path, REACH | {"seen_version": 1})["version"] == 2


def test_an_excluded_member_of_staff_gets_the_answer_of_an_unknown_id(
    control: Flask, town: Town, worker: FlaskClient, pathway: Json
) -> None:
    deputy = client_of(control, town, "centre deputy")
    call(deputy, "GET", f"/pathways/{pathway['id']}?reason=stand_in")
    call(worker, "POST", f"/pathways/{pathway['id']}/exclusions", {"name": "Jansen, Centre Deputy"}, 204)
    answers = [
        deputy.get(f"/api/pathways/{one}?reason=stand_in") for one in (pathway["id"], uuid.UUID(int=5))
    ]
    assert answers[0].status_code == answers[1].status_code == 404
    assert answers[0].data == answers[1].data
    assert dict(answers[0].headers) == dict(answers[1].headers)
    assert call(deputy, "GET", "/pathways/work")["contacts"] == []


def test_contact_urgency_next_contact_and_end_of_a_pathway(
    town: Town, worker: FlaskClient, pathway: Json
) -> None:
    path = f"/pathways/{pathway['id']}"
    ids = {name: str(account.id) for name, account in town.accounts.items()}
    given = {"contact_id": ids["centre worker"], "deputy_id": ids["centre deputy"]}
    assert call(worker, "PUT", f"{path}/contact", given)["deputy_id"] == ids["centre deputy"]
    assert call(worker, "PUT", f"{path}/urgency", {"urgency": "ordinary"})["urgency"] == "ordinary"
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    assert call(worker, "PUT", f"{path}/next-contact", {"at": soon})["next_contact_at"] is not None
    call(worker, "PUT", f"{path}/next-contact", {"at": "2020-01-01T00:00:00Z"}, 422)
    assert call(worker, "POST", f"{path}/closing", {"reason": "her_wish"})["close_reason"] == "her_wish"
    act(worker, pathway, 5, "take", 409)
    assert call(worker, "POST", f"{path}/reopening")["closed_at"] is None


def test_the_steps_in_words_come_with_their_source(worker: FlaskClient) -> None:
    told = call(worker, "GET", "/pathways/steps")
    assert len(told["steps"]) == 19
    assert all(step["source"] and step["titles"]["nl"] for step in told["steps"])


def test_a_supervisor_enters_agencies_people_and_duty_times(control: Flask, town: Town) -> None:
    client = signed_in(control, Role.SUPERVISOR)
    agency = call(client, "POST", "/agencies", AGENCY, 201)
    path = f"/agencies/{agency['id']}"
    body = {"account_id": str(town.accounts["police worker"].id), "role": "worker", "name": "Noor"}
    member = call(client, "POST", f"{path}/members", body, 201)
    call(client, "POST", f"{path}/members", body, 409)
    slot = {"member_id": member["id"], "order": 0, **ALWAYS}
    etag = {"If-Match": client.get(f"/api{path}/duties").headers["ETag"]}
    put = client.put(f"/api{path}/duties", json={"slots": [slot]}, headers=etag)
    assert put.json == {"slots": [slot]}
    assert client.put(f"/api{path}/duties", json={"slots": []}, headers=etag).status_code == 412
    assert [one["name"] for one in call(client, "GET", f"{path}/presence")] == ["Noor"]
    person = f"{path}/members/{member['id']}"
    etag = {"If-Match": client.get(f"/api{person}").headers["ETag"]}
    away = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    put = client.put(f"/api{person}", json=body | {"away_until": away}, headers=etag)
    assert put.status_code == 200, put.data
    assert call(client, "GET", f"{path}/presence") == []
    etag = {"If-Match": client.get(f"/api{path}").headers["ETag"]}
    put = client.put(f"/api{path}", json=AGENCY | {"name": "Other"}, headers=etag)
    assert put.json is not None
    assert put.json["name"] == "Other"
    assert call(client, "POST", f"{person}/end")["left_at"] is not None
    assert call(client, "GET", f"{path}/members") == []
    assert call(client, "POST", f"{path}/retirement")["retired_at"] is not None
    assert agency["id"] in [one["id"] for one in call(client, "GET", "/agencies")]


def opened(app: Flask, town: Town) -> tuple[FlaskClient, uuid.UUID]:
    """The browser of a new protected person who has opened her own side, and her account."""
    with transaction(town.engine) as session:
        number, pin = add_person(session, uuid.uuid4(), clock.now())
        account = account_of(session, number)
    assert account is not None
    client = app.test_client()
    assert client.post("/session", json={"number": number, "pin": pin}).status_code == 200
    client.environ_base["HTTP_X_KEY"] = client.post("/entry", json={"secret": pin}).get_json()["key"]
    return client, account.id


@pytest.fixture
def her(sqlite_engine: Engine, town: Town, pathway: Json) -> FlaskClient:
    """Her browser at the app host, with the pathway as her own."""
    blueprints = (*app_blueprints, *person_blueprints)
    app = make_host(sqlite_engine, blueprints, account_routes.identify_person)
    client, account_id = opened(app, town)
    with transaction(town.engine) as session:
        opening.link_account(session, uuid.UUID(pathway["id"]), account_id, None, clock.now())
    return client


def test_she_reads_her_schedule_and_decides_for_herself(her: FlaskClient, pathway: Json) -> None:
    assert pathway["urgency"] == "acute"
    lines = her.get("/schedule?language=en").get_json()["lines"]
    assert len(lines) == 19
    assert lines[8]["what"] == "Telling or reporting to the police"
    assert her.post("/schedule/steps/8/refusal").get_json() == {"number": 8, "state": "refused_by_her"}
    assert her.post("/schedule/steps/9/pause").get_json() == {"number": 9, "state": "paused"}
    after = her.get("/schedule").get_json()["lines"]
    assert after[8]["what"] == "Melding of aangifte"
    assert {n for n in range(19) if after[n]["state"] != "open"} == {8, 9}
    for number in (8, 9):
        assert her.post(f"/schedule/steps/{number}/resume").get_json()["state"] == "open"


def test_no_refusal_of_the_neutral_host_says_what_it_is_for(her: FlaskClient, town: Town) -> None:
    stranger, _account_id = opened(her.application, town)
    assert stranger.get("/schedule").get_json()["lines"] == []
    answers = [
        stranger.post("/schedule/steps/3/pause"),
        her.post("/schedule/steps/99/pause"),
        her.post("/schedule/steps/3/resume"),
        her.get("/schedule?language=xx"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 409, 422]
    for answer in answers:
        said = answer.get_data(as_text=True).lower()
        assert [word for word in ("pathway", "escape", "safe", "agency", "her") if f" {word}" in said] == []


def test_content_that_cannot_be_used_is_told_by_file_and_entry(tmp_path: Path) -> None:
    wrong = content_file(tmp_path, ("    key: shelter_place\n", '    key: ""\n'))
    with pytest.raises(SettingError, match=rf"{wrong}: step 10\.key: give a text"):
        read_content(wrong)
    for body, told in ((b"\xff", "not UTF-8"), (b"a: [", "not YAML"), (b"x" * 300_000, "larger")):
        wrong.write_bytes(body)
        with pytest.raises(SettingError, match=told):
            read_content(wrong)
    with pytest.raises(SettingError, match="cannot be read"):
        read_content(tmp_path / "none.yaml")

"""The directory over HTTP: hours, doubt and warnings are told, and nobody is sent to a closed door."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from api.accounts import routes as accounts
from api.accounts.model import STAFF, Role
from api.kernel.config import CONTENT
from api.kernel.content import Language
from api.pathways.model.directory import Span
from api.pathways.routes import directory as routes
from api.pathways.schemas import directory as schemas
from api.pathways.schemas.directory import DirectorySchema, directory_json
from api.pathways.service.directory import read_directory
from tests.accounts.hosts import make_host, signed_in, unlocked

TELLING = re.compile(r"baken|violence|geweld|protect|police|politie|victim|safety|help", re.IGNORECASE)
NIGHT = datetime(2026, 11, 26, 2, tzinfo=UTC)
LATER = datetime(2028, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def control(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, (routes.control_blueprint,))


@pytest.fixture
def app(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, (routes.app_blueprint,), accounts.identify_person)


def shown_at(now: datetime, language: Language = Language.EN) -> dict[str, Any]:
    shown = DirectorySchema().dump(directory_json(read_directory(CONTENT), language, now))
    return {entry["id"]: entry for entry in shown["entries"]} | {"": shown}


def channels(shown: dict[str, Any]) -> Iterator[Any]:
    for entry in shown[""]["entries"]:
        yield from entry["channels"]


@pytest.mark.parametrize("role", sorted(STAFF))
def test_every_staff_role_reads_the_directory(control: Flask, role: Role) -> None:
    answer = signed_in(control, role).get("/api/directory?language=en")
    assert answer.status_code == 200
    assert (answer.json or {})["entries"][0]["name"] == "112"


def test_she_reads_the_same_under_a_neutral_address(app: Flask) -> None:
    shown = unlocked(app).get("/addresses").json or {}
    assert shown["entries"][1]["purpose"].startswith("Advies, hulp")
    assert shown["notice"].startswith("Openingstijden kunnen veranderen")


def test_at_night_the_telephone_is_open_and_the_chat_is_not() -> None:
    chat, phone = shown_at(NIGHT)["veilig_thuis"]["channels"]
    assert (chat["kind"], chat["state"]) == ("chat", "closed")
    assert chat["opens_at"] == "2026-11-26T08:00:00+00:00"
    assert chat["hours"]["days"]["fri"] == ["09:00-17:00"]
    assert chat["hours"]["holidays"]["christmas_day"] == "unknown"
    assert "sat" not in chat["hours"]["days"]
    assert (phone["state"], phone["until"], phone["hours"]["kind"]) == ("open", None, "always")


def test_every_telephone_comes_with_its_warning_first() -> None:
    for channel in channels(shown_at(NIGHT)):
        assert bool(channel["before"]) is (channel["kind"] == "phone")
        assert next(iter(channel)) == "before"
        if channel["before"]:
            assert channel["before"][0].startswith("A call stays visible")
            assert len(channel["before"]) == 2


def test_what_is_not_verified_says_so_and_is_not_open() -> None:
    for channel in channels(shown_at(NIGHT)):
        if not channel["verified"]:
            assert channel["state"] == "unknown"
            assert channel["notes"][0].startswith("These hours have not been checked")


def test_an_expired_entry_may_be_out_of_date_and_is_never_open() -> None:
    assert all(entry["out_of_date"] is None for entry in shown_at(NIGHT)[""]["entries"])
    later = shown_at(LATER, Language.NL)
    assert all(entry["out_of_date"].startswith("Deze gegevens kunnen") for entry in later[""]["entries"])
    assert {channel["state"] for channel in channels(later)} == {"unknown"}


def test_hours_past_midnight_are_written_by_the_clock() -> None:
    assert schemas._span_text(Span(1320, 1560)) == "22:00-02:00"
    assert schemas._span_text(Span(0, 1440)) == "00:00-24:00"


@pytest.mark.parametrize("query", ["language=de", "language=", "language=NL"])
def test_a_language_that_is_not_there_is_refused_in_words_that_tell_nothing(
    app: Flask, control: Flask, query: str
) -> None:
    answer = unlocked(app).get(f"/addresses?{query}")
    assert answer.status_code == 422
    assert TELLING.search(answer.get_data(as_text=True)) is None
    assert signed_in(control, Role.AUDITOR).get(f"/api/directory?{query}").status_code == 422


def test_who_is_not_signed_in_sees_nothing(app: Flask, control: Flask) -> None:
    for client, address in ((app.test_client(), "/addresses"), (control.test_client(), "/api/directory")):
        answer = client.get(address)
        assert answer.status_code == 401
        assert TELLING.search(answer.get_data(as_text=True)) is None

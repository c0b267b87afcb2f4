"""The guard, the one shape of errors and the headers, on a small application with real rules."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import marshmallow as ma
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from flask.views import MethodView

from api.kernel.config import Settings
from api.kernel.db import make_engine, reading
from api.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from api.kernel.http import (
    MAX_BODY_BYTES,
    Blueprint,
    Schema,
    actor,
    add_api_pages,
    allow,
    allowed_roles,
    guard,
    make_api,
    public,
    settings,
)


@dataclass(frozen=True)
class Somebody:
    id: UUID
    role: str


class BodySchema(Schema):
    size = ma.fields.Integer(required=True, validate=ma.validate.Range(1, 9))


ERRORS: dict[str, tuple[DomainError, int]] = {
    "there": (NotFound("Not there."), 404),
    "may": (Forbidden("May not."), 403),
    "now": (Conflict("Not now."), 409),
    "right": (Invalid("Not right.", {"size": ["Too big."]}), 422),
}


def make_blueprint() -> Blueprint:
    things = Blueprint("things", __name__, url_prefix="/things")

    @things.route("/open")
    @public
    def open_thing() -> str:
        return "open"

    @things.route("/forgotten")
    def forgotten() -> str:
        return "nobody said who may call this"

    @things.route("/own")
    @allow("officer")
    def own() -> dict[str, str]:
        return {"role": actor().role}

    @things.route("/error/<name>")
    @public
    def error(name: str) -> str:
        raise ERRORS[name][0]

    @things.route("/bug")
    @public
    def bug() -> str:
        raise ZeroDivisionError("a secret in a message")

    @things.route("/away")
    @public
    def away() -> str:
        with reading(make_engine("sqlite:////nonexistent/folder/x.db")):
            return "read"

    @things.route("/view")
    class View(MethodView):
        @allow("officer", "chief")
        def get(self) -> str:
            return "read"

        @allow("chief")
        @things.arguments(BodySchema)
        @things.response(201, BodySchema)
        def post(self, body: dict[str, Any]) -> dict[str, Any]:
            return body

        def delete(self) -> str:
            return "nobody said who may call this"

    return things


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__, static_folder=None)
    environ = {"BAKEN_HOME": "/nonexistent", "BAKEN_SERVER_KEY": "0" * 64}
    app.extensions["baken.settings"] = Settings.from_env(environ)
    app.config["ROLE"] = None
    guard(app, lambda: Somebody(uuid.uuid4(), app.config["ROLE"]) if app.config["ROLE"] else None)
    add_api_pages(app, make_api(app, "Things", [make_blueprint()]))
    return app


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as client:
        yield client


def as_role(client: Any, role: str | None) -> Any:
    client.application.config["ROLE"] = role
    return client


@pytest.mark.parametrize("role", [None, "officer", "chief"])
def test_a_route_without_a_mark_answers_404_to_everybody(client: Any, role: str | None) -> None:
    client = as_role(client, role)
    for answer in (client.get("/things/forgotten"), client.delete("/things/view")):
        assert (answer.status_code, answer.json) == (404, {"code": 404, "message": "Not found."})
    assert client.options("/things/view").status_code == 404


def test_a_missing_url_looks_like_a_forgotten_or_a_forbidden_one(client: Any) -> None:
    body = {"size": 1}
    missing: Any = client.get("/nothing")
    assert missing.status_code == 404
    forbidden: Any = as_role(client, "officer").post("/things/view", json=body)
    assert forbidden.status_code == 404
    assert forbidden.json.keys() == missing.json.keys() == {"code", "message"}


def test_a_public_route_asks_nobody(client: Any) -> None:
    assert client.get("/things/open").data == b"open"
    assert "actor" not in g


def test_who_is_not_signed_in_is_told_so(client: Any) -> None:
    answer = client.get("/things/own")
    assert (answer.status_code, answer.json["code"]) == (401, 401)


def test_the_right_role_may_and_is_known_to_the_view(client: Any) -> None:
    assert as_role(client, "officer").get("/things/own").json == {"role": "officer"}


def test_each_method_has_its_own_rule(client: Any) -> None:
    assert as_role(client, "officer").get("/things/view").status_code == 200
    assert client.head("/things/view").status_code == 200
    assert as_role(client, "chief").post("/things/view", json={"size": 3}).status_code == 201
    assert client.put("/things/view").status_code == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_another_site_sends_is_refused(client: Any, headers: dict[str, str]) -> None:
    answer = as_role(client, "chief").post("/things/view", json={"size": 3}, headers=headers)
    assert answer.status_code == 403
    assert client.get("/things/view", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
)
def test_what_our_own_pages_and_programs_send_is_heard(client: Any, headers: dict[str, str]) -> None:
    answer = as_role(client, "chief").post("/things/view", json={"size": 3}, headers=headers)
    assert (answer.status_code, answer.json) == (201, {"size": 3})


@pytest.mark.parametrize("name", ERRORS)
def test_each_kind_of_error_has_its_status_and_one_shape(client: Any, name: str) -> None:
    error, status = ERRORS[name]
    answer = client.get(f"/things/error/{name}")
    expected: dict[str, Any] = {"code": status, "message": error.message}
    if error.fields:
        expected["errors"] = {"json": error.fields}
    assert (answer.status_code, answer.json) == (status, expected)


def test_a_subclass_of_a_kind_answers_like_the_kind(client: Any) -> None:
    class ThingGone(NotFound):
        """There is no such thing."""

    ERRORS["gone"] = (ThingGone("There is no such thing."), 404)
    assert client.get("/things/error/gone").status_code == 404
    del ERRORS["gone"]


@pytest.mark.parametrize(
    ("body", "field"), [({}, "size"), ({"size": 10}, "size"), ({"size": "x"}, "size"), ({"siez": 1}, "siez")]
)
def test_a_wrong_body_is_422_and_names_the_field(client: Any, body: dict[str, Any], field: str) -> None:
    answer = as_role(client, "chief").post("/things/view", json=body)
    assert answer.status_code == 422
    assert field in answer.json["errors"]["json"]


@pytest.mark.parametrize("body", ["[" * 10_000, '{"size":' + "9" * 5_000 + "}", "{", b"\xff"])
def test_a_body_that_no_reader_of_json_can_take_is_the_sender_s_fault(client: Any, body: str | bytes) -> None:
    answer = as_role(client, "chief").post("/things/view", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["message"]


def test_a_body_that_is_too_large_is_not_read(client: Any) -> None:
    answer = as_role(client, "chief").post(
        "/things/view", data=b"x" * (MAX_BODY_BYTES + 1), content_type="application/json"
    )
    assert (answer.status_code, answer.json["code"]) == (413, 413)


def test_our_own_bug_is_a_500_that_tells_nothing(app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = app.test_client().get("/things/bug")
    assert answer.status_code == 500
    assert answer.is_json
    assert b"secret" not in answer.data
    assert b"ZeroDivision" not in answer.data


def test_a_database_that_is_away_is_a_503_to_try_again(client: Any) -> None:
    answer = client.get("/things/away")
    assert (answer.status_code, answer.json["code"]) == (503, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert b"sqlite" not in answer.data


@pytest.mark.parametrize("path", ["/things/open", "/things/own", "/nothing", "/things/error/may", "/docs/"])
def test_every_answer_forbids_caching_framing_and_sniffing(client: Any, path: str) -> None:
    headers = client.get(path).headers
    assert headers["Cache-Control"] == "no-store" or path == "/docs/"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_the_api_page_and_its_description_come_from_here(client: Any) -> None:
    page = client.get("/docs/").get_data(as_text=True)
    assert "http" not in page.replace("http-equiv", "")
    for path in ("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        answer.close()
    assert client.get("/openapi.json").json["info"]["title"] == "Things"
    assert client.get("/docs/../../etc/passwd").status_code == 404


def test_a_rule_can_be_asked_for_by_endpoint_and_method(app: Flask) -> None:
    assert allowed_roles(app, "things.View", "HEAD") == frozenset({"officer", "chief"})
    assert allowed_roles(app, "things.View", "POST") == frozenset({"chief"})
    assert allowed_roles(app, "things.View", "DELETE") is None
    assert allowed_roles(app, "things.forgotten", "GET") is None


def test_settings_are_those_of_the_application(app: Flask) -> None:
    with app.app_context():
        assert settings() is app.extensions["baken.settings"]

"""Staff accounts, machines' keys and the audit trail over HTTP."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask.views import MethodView
from sqlalchemy import Engine, text

from api.accounts import routes
from api.accounts.model import Role
from api.accounts.model.keys import BURST, MAX_KEYS, KeyDraft, Scope, TooManyKeys
from api.accounts.routes import administration, keys, own, trail
from api.accounts.service import trail as verifying
from api.accounts.service.keys import add_key
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow
from tests.accounts.hosts import make_host, signed_in

machines = Blueprint("machines", __name__, url_prefix="/api/machines")


@machines.route("")
class Machines(MethodView):
    """A route that keys open."""

    @allow(Role.SUPERVISOR, scope=Scope.HEALTH_READ)
    @machines.response(204)
    def get(self) -> None:
        """Note who came."""
        assert actor().id


@pytest.fixture
def cut() -> list[uuid.UUID]:
    """Whose streams were cut off."""
    return []


@pytest.fixture
def house(sqlite_engine: Engine, cut: list[uuid.UUID]) -> Flask:
    rooms = (routes, own, administration, keys, trail)
    app = make_host(sqlite_engine, [*(one for room in rooms for one in room.control_blueprints), machines])
    app.extensions["baken.end_streams"] = cut.append
    return app


@pytest.fixture
def chief(house: Flask) -> FlaskClient:
    return signed_in(house, Role.SUPERVISOR, "chief")


def make(chief: Any, **more: Any) -> Any:
    answer = chief.post("/api/staff-accounts", json={"login": "olga", "role": "operator"} | more)
    assert answer.status_code == 201, answer.json
    return answer.json


def sign_in(house: Flask, secret: str) -> tuple[FlaskClient, int]:
    client = house.test_client()
    return client, client.post("/api/session", json={"login": "olga", "secret": secret}).status_code


def test_an_account_is_made_shown_once_and_listed_without_its_password(house: Flask, chief: Any) -> None:
    made = make(chief)
    assert sign_in(house, made["secret"])[1] == 200
    answer = chief.get("/api/staff-accounts")
    assert [one["login"] for one in answer.json] == ["chief", "olga"]
    assert made["secret"] not in answer.get_data(as_text=True)
    account = made["account"]
    assert chief.get(f"/api/staff-accounts/{account['id']}").json == account
    assert account["has_totp"] is False
    assert chief.get(f"/api/staff-accounts/{uuid.uuid4()}").status_code == 404
    assert chief.get("/api/staff-accounts?page=999999999999").json == []


def test_closing_an_account_ends_its_sessions_and_its_streams_at_once(
    house: Flask, chief: Any, cut: list[uuid.UUID]
) -> None:
    made = make(chief)
    client, _status = sign_in(house, made["secret"])
    address = f"/api/staff-accounts/{made['account']['id']}"
    assert chief.post(f"{address}/disabling").json["disabled_at"]
    assert client.get("/api/session").status_code == 401
    assert [str(one) for one in cut] == [made["account"]["id"]]
    assert sign_in(house, made["secret"])[1] == 403
    assert chief.delete(f"{address}/disabling").json["disabled_at"] is None
    assert sign_in(house, made["secret"])[1] == 200


def test_role_password_and_second_factor_are_given_anew(
    house: Flask, chief: Any, cut: list[uuid.UUID]
) -> None:
    made = make(chief)
    address = f"/api/staff-accounts/{made['account']['id']}"
    assert chief.put(f"{address}/role", json={"role": "auditor"}).json["role"] == "auditor"
    assert chief.delete(f"{address}/totp").status_code == 200
    again = chief.post(f"{address}/secret").json
    assert again is not None
    assert sign_in(house, made["secret"])[1] == 403
    client, status = sign_in(house, again["secret"])
    assert status == 200
    assert client.get("/api/session").json == {"login": "olga", "role": "auditor"}
    assert len(cut) == 3


def test_a_supervisor_leaves_her_own_account_alone(chief: Any) -> None:
    (own_account,) = chief.get("/api/staff-accounts").json or []
    for method, path in [("POST", "disabling"), ("DELETE", "totp"), ("POST", "secret")]:
        answer = chief.open(f"/api/staff-accounts/{own_account['id']}/{path}", method=method)
        assert answer.status_code == 409
    answer = chief.put(f"/api/staff-accounts/{own_account['id']}/role", json={"role": "auditor"})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"login": ""}, "login"),
        ({"login": " olga"}, "login"),
        ({"login": "0612345678901234"}, "login"),
        ({"login": "06 1234"}, "login"),
        ({"login": "ol\nga"}, "login"),
        ({"login": "x" * 101}, "login"),
        ({"login": 7}, "login"),
        ({"role": "protected_person"}, "role"),
        ({"role": "enrolling"}, "role"),
        ({"role": "integrator"}, "role"),
        ({"role": None}, "role"),
        ({"secret": "chosen by the supervisor"}, "secret"),
    ],
)
def test_an_account_that_cannot_be_is_422(chief: Any, change: dict[str, Any], field: str) -> None:
    answer = chief.post("/api/staff-accounts", json={"login": "olga", "role": "operator"} | change)
    assert answer.status_code == 422
    assert field in answer.json["errors"]["json"]


def test_a_login_that_is_taken_is_409(chief: Any) -> None:
    make(chief)
    answer = chief.post("/api/staff-accounts", json={"login": "olga", "role": "operator"})
    assert answer.status_code == 409


def key_body(**more: Any) -> dict[str, Any]:
    expires_at = (clock.now() + timedelta(days=30)).isoformat()
    return {"name": "dispatch room", "scopes": ["health:read"], "expires_at": expires_at} | more


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_is_shown_once_opens_its_scope_and_is_revoked(
    house: Flask, chief: Any, sqlite_engine: Engine
) -> None:
    made = chief.post("/api/keys", json=key_body()).json
    assert made is not None
    key = made["text"]
    assert key.startswith(made["key"]["prefix"])
    with reading(sqlite_engine) as session:
        stored = str(session.execute(text("SELECT * FROM api_key")).all())
    assert key not in stored
    client = house.test_client()
    assert client.get("/api/machines", headers=bearer(key)).status_code == 204
    listed = chief.get("/api/keys")
    assert key not in listed.get_data(as_text=True)
    (one,) = listed.json or []
    assert one["used_on"] == clock.now().date().isoformat()
    assert one["scopes"] == ["health:read"]
    gone = chief.delete(f"/api/keys/{one['id']}").json
    assert gone is not None
    assert gone["revoked_at"]
    assert chief.delete(f"/api/keys/{one['id']}").json == gone
    assert client.get("/api/machines", headers=bearer(key)).status_code == 401
    assert chief.delete(f"/api/keys/{uuid.uuid4()}").status_code == 404


def test_a_key_ends_by_itself(house: Flask, chief: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    key = chief.post("/api/keys", json=key_body()).json["text"]
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert house.test_client().get("/api/machines", headers=bearer(key)).status_code == 401


def test_a_key_that_calls_too_often_is_told_to_wait_and_no_other_is(
    house: Flask, chief: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "monotonic_s", lambda: 1000.0)
    first, second = (chief.post("/api/keys", json=key_body()).json["text"] for _ in range(2))
    client = house.test_client()
    for _ in range(BURST):
        assert client.get("/api/machines", headers=bearer(first)).status_code == 204
    answer = client.get("/api/machines", headers=bearer(first))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) == 1
    assert client.get("/api/machines", headers=bearer(second)).status_code == 204


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "bearer bk_", "Bearer \xff", f"Bearer {'x' * 5000}"]
)
def test_what_is_no_key_opens_nothing_beside_a_session_either(chief: Any, header: str) -> None:
    assert chief.get("/api/machines", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": "health:read"}, "scopes"),
        ({"name": " "}, "name"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2199-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"key": "mine"}, "key"),
    ],
)
def test_a_key_that_cannot_be_is_422(chief: Any, change: dict[str, Any], field: str) -> None:
    answer = chief.post("/api/keys", json=key_body(**change))
    assert answer.status_code == 422
    assert field in answer.json["errors"]["json"]


def test_there_are_only_so_many_good_keys(engine: Engine) -> None:
    now = clock.now()
    draft = KeyDraft("x", frozenset({Scope.HEALTH_READ}), now + timedelta(days=1))
    with transaction(engine) as session:
        for _ in range(MAX_KEYS):
            add_key(session, draft, uuid.uuid4(), now)
        with pytest.raises(TooManyKeys):
            add_key(session, draft, uuid.uuid4(), now)
        late = KeyDraft("x", draft.scopes, now + timedelta(days=3))
        add_key(session, late, uuid.uuid4(), now + timedelta(days=2))


def test_a_scope_that_this_version_does_not_know_opens_nothing(
    house: Flask, chief: Any, sqlite_engine: Engine
) -> None:
    key = chief.post("/api/keys", json=key_body()).json["text"]
    with transaction(sqlite_engine) as session:
        session.execute(text("""UPDATE api_key SET scopes = '["everything:write"]'"""))
    assert house.test_client().get("/api/machines", headers=bearer(key)).status_code == 404


@pytest.fixture
def auditor(house: Flask) -> FlaskClient:
    return signed_in(house, Role.AUDITOR, "aud")


def test_an_auditor_reads_ids_and_kinds_newest_first_and_that_is_an_act_too(chief: Any, auditor: Any) -> None:
    made = make(chief, login="Zoe van den Berg")
    answer = auditor.get("/api/audit")
    assert answer.status_code == 200
    rows = answer.json
    assert rows is not None
    assert rows[0]["act"] == "accounts.add"
    assert rows[0]["object_id"] == made["account"]["id"]
    assert rows[0]["has_reason"] is True
    assert set(rows[0]) == {"id", "at", "actor_id", "act", "object_id", "has_reason"}
    assert "Zoe" not in answer.get_data(as_text=True)
    assert auditor.get("/api/audit").json[0]["act"] == "audit.read"


def test_the_trail_is_filtered_and_paged(chief: Any, auditor: Any) -> None:
    made = make(chief)["account"]
    chief.post(f"/api/staff-accounts/{made['id']}/disabling")
    chief_id = next(
        one["id"] for one in chief.get("/api/staff-accounts").json or [] if one["login"] == "chief"
    )

    def acts(query: str) -> list[str]:
        answer = auditor.get(f"/api/audit?{query}")
        assert answer.status_code == 200, answer.json
        return [one["act"] for one in answer.json or []]

    assert acts(f"object_id={made['id']}") == ["accounts.disable", "accounts.add"]
    assert acts(f"actor_id={chief_id}") == ["accounts.disable", "accounts.add"]
    assert acts("act=accounts.disable") == ["accounts.disable"]
    assert set(acts("act=accounts")) == {"accounts.disable", "accounts.add"}
    assert acts("act=account") == []
    assert acts("since=2200-01-01T00:00:00Z") == []
    assert acts("until=2001-01-01T00:00:00Z") == []
    assert acts("since=2001-01-01T00:00:00Z&act=accounts.disable&until=2200-01-01T00:00:00Z") != []
    assert acts(f"object_id={made['id']}&act=accounts&page=2&page_size=1") == ["accounts.add"]
    assert acts("act=accounts&page=99999999999") == []


@pytest.mark.parametrize(
    "query", ["act=%25", "act=a_b.%25", "act=DROP TABLE", "actor_id=x", "since=now", "act="]
)
def test_a_question_that_cannot_be_is_422(auditor: Any, query: str) -> None:
    assert auditor.get(f"/api/audit?{query}").status_code == 422


def test_an_auditor_has_the_chain_looked_through(auditor: Any, chief: Any, sqlite_engine: Engine) -> None:
    make(chief)
    found = auditor.post("/api/audit/verification").json
    assert found is not None
    assert found["faults"] == []
    assert found["rows"] == found["links"] == 3
    with transaction(sqlite_engine) as session:
        session.execute(text("UPDATE audit SET act = 'accounts.nothing' WHERE act = 'accounts.add'"))
    found = auditor.post("/api/audit/verification").json
    assert found is not None
    assert len(found["faults"]) == 3
    with reading(sqlite_engine) as session:
        told = session.execute(text("SELECT reason FROM audit WHERE act = 'audit.verify'")).scalars().all()
    assert sorted(told) == ["0 faults", "3 faults"]


def test_two_do_not_have_it_looked_through_at_once(auditor: Any) -> None:
    with verifying._one_at_a_time:
        assert auditor.post("/api/audit/verification").status_code == 409
    assert auditor.post("/api/audit/verification").status_code == 200

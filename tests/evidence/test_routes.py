"""Evidence over the interface: a supervisor gets a signed file, and everybody of the staff the key."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.accounts.model import Role
from api.evidence import routes
from api.evidence.model.pack import Result, Variant
from api.evidence.rules.manifest import fingerprint
from api.evidence.rules.verifying import verify
from api.kernel.db import reading
from tests.accounts.hosts import make_host, signed_in
from tests.conftest import SERVER_KEY
from tests.evidence.stage import Played


@pytest.fixture
def played(sqlite_engine: Engine) -> Played:
    played = Played(sqlite_engine)
    played.play()
    return played


@pytest.fixture
def app(sqlite_engine: Engine) -> Flask:
    return make_host(sqlite_engine, [routes.control_blueprint], BAKEN_SERVER_KEY=SERVER_KEY.hex())


@pytest.fixture
def chief(app: Flask) -> FlaskClient:
    return signed_in(app, Role.SUPERVISOR)


def ask(client: FlaskClient, alert_id: object, **more: Any) -> Any:
    body = {"variant": "full", "reason": "for the hearing"} | more
    return client.post(f"/api/alerts/{alert_id}/evidence", json=body)


@pytest.mark.parametrize("variant", list(Variant))
def test_a_supervisor_gets_a_pack_whose_name_tells_nothing(
    played: Played, chief: FlaskClient, variant: Variant
) -> None:
    answer = ask(chief, played.alert(), variant=variant.value)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith(f'attachment; filename="evidence-{variant.value}-20')
    assert str(played.alert()) not in disposition
    assert answer.headers["Cache-Control"] == "no-store"
    key = chief.get("/api/evidence/key").get_json()
    verdict = verify(answer.data, key["public_key"])
    assert verdict.result is Result.GENUINE
    assert verdict.manifest is not None
    assert verdict.manifest.made_by is not None


def test_the_asking_is_kept_with_its_reason(played: Played, chief: FlaskClient) -> None:
    ask(chief, played.alert(), variant="defence")
    with reading(played.engine) as session:
        reasons = list(session.scalars(text("SELECT reason FROM audit WHERE act = 'evidence.pack'")))
    assert reasons == ["defence: for the hearing"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"variant": "short"},
        {"variant": None},
        {"reason": ""},
        {"reason": " "},
        {"reason": "x" * 501},
        {"more": 1},
    ],
)
def test_what_is_asked_for_wrongly_is_refused(
    played: Played, chief: FlaskClient, wrong: dict[str, Any]
) -> None:
    answer = ask(chief, played.alert(), **wrong)
    assert answer.status_code == 422
    with reading(played.engine) as session:
        assert session.scalar(text("SELECT count(*) FROM audit WHERE act = 'evidence.pack'")) == 0


def test_there_is_no_evidence_of_an_unknown_alert(chief: FlaskClient) -> None:
    assert ask(chief, uuid4()).status_code == 404


def test_an_operator_sees_the_key_and_gets_no_pack(played: Played, app: Flask) -> None:
    operator = signed_in(app, Role.OPERATOR)
    assert ask(operator, played.alert()).status_code == 404
    key = operator.get("/api/evidence/key").get_json()
    assert key["algorithm"] == "Ed25519"
    assert key["fingerprint"] == fingerprint(key["public_key"])

"""What machines call: no cookie, a signature over the exact body."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import Engine

from api.accounts import routes as accounts
from api.alerts import routes
from api.alerts.model import Channel, NotificationState
from api.kernel import clock
from api.kernel.crypto import signature
from tests.accounts.hosts import make_host
from tests.alerts.stage import Stage, breach, make_stage
from tests.alerts.test_wire_acks import as_cap

SECRET = "agreed upon with the police"
ACKS = "/api/police/acknowledgements"


@pytest.fixture
def stage(sqlite_engine: Engine) -> Stage:
    made = make_stage(sqlite_engine)
    made.tell(breach(made))
    return made


@pytest.fixture
def host(sqlite_engine: Engine) -> Flask:
    blueprints = [routes.control_blueprint]
    return make_host(sqlite_engine, blueprints, accounts.identify_staff, BAKEN_WEBHOOK_SECRET=SECRET)


def police_message(stage: Stage) -> UUID:
    return next(one.id for one in stage.outbox() if one.channel == Channel.POLICE_WEBHOOK)


def ack_of(message_id: object, **more: Any) -> bytes:
    said = {
        "id": "ack-1",
        "msgType": "Ack",
        "references": [str(message_id)],
        "sent": "2026-11-25T12:00:00+00:00",
        "who": "desk-1",
    }
    return json.dumps(said | more).encode()


def post(
    host: Flask, body: bytes, *, secret: str = SECRET, off_s: int = 0, url: str = ACKS, **more: Any
) -> Any:
    header = signature(secret.encode(), int(clock.now().timestamp()) + off_s, body)
    return host.test_client().post(url, data=body, headers={"X-Baken-Signature": header} | more)


def test_the_desks_machine_acknowledges_in_json_and_again(host: Flask, stage: Stage) -> None:
    body = ack_of(police_message(stage))
    answers = [post(host, body), post(host, body)]
    assert [answer.status_code for answer in answers] == [200, 200]
    said = {"received": "ack-1", "alert_id": str(stage.alerts()[0].id)}
    assert answers[0].get_json() == answers[1].get_json() == said
    (one,) = [one for one in stage.outbox() if one.channel == Channel.POLICE_WEBHOOK]
    assert one.state == NotificationState.RECEIVED


def test_the_desks_machine_acknowledges_in_cap(host: Flask, stage: Stage) -> None:
    triple = f"baken,{police_message(stage)},2026-11-25T11:59:00-00:00"
    assert post(host, as_cap(references=triple)).status_code == 200


def test_a_signature_that_is_wrong_missing_or_old_is_refused(host: Flask, stage: Stage) -> None:
    body = ack_of(police_message(stage))
    refused = [
        post(host, body, secret="a guess"),
        post(host, body, off_s=-301),
        post(host, body, off_s=301),
        host.test_client().post(ACKS, data=body),
        host.test_client().post(ACKS, data=body, headers={"X-Baken-Signature": "t=1,v1="}),
        host.test_client().post(ACKS, data=body, headers={"X-Baken-Signature": "t=x,v1=ab"}),
    ]
    assert [answer.status_code for answer in refused] == [401] * len(refused)
    words = [answer.get_json()["message"] for answer in refused]
    assert "exact bytes" in words[0]
    assert "300 s off" in words[1]
    assert "Sign the body" in words[3]
    (one,) = [one for one in stage.outbox() if one.channel == Channel.POLICE_WEBHOOK]
    assert one.state == NotificationState.PENDING
    assert post(host, body, off_s=-290).status_code == 200


def test_the_signature_covers_every_byte(host: Flask, stage: Stage) -> None:
    body = ack_of(police_message(stage))
    header = signature(SECRET.encode(), int(clock.now().timestamp()), body)
    answer = host.test_client().post(ACKS, data=body + b" ", headers={"X-Baken-Signature": header})
    assert answer.status_code == 401


def test_without_a_secret_nobody_is_trusted(sqlite_engine: Engine, stage: Stage) -> None:
    """Everybody can sign with an empty secret."""
    host = make_host(sqlite_engine, [routes.control_blueprint])
    answer = post(host, ack_of(police_message(stage)), secret="")
    assert answer.status_code == 401
    assert "no secret" in answer.get_json()["message"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{}", 400, "id must be"),
        (b"<a/>", 400, "no CAP 1.2"),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', 400, "DTD"),
        (b"x" * 70_000, 400, "too long"),
        (b"x" * (1024 * 1024 + 1), 413, ""),
        (ack_of(uuid4()), 404, "No message to the police has this id"),
    ],
)
def test_what_is_wrong_is_said(host: Flask, body: bytes, status: int, words: str) -> None:
    answer = post(host, body)
    assert answer.status_code == status
    assert words in answer.get_json()["message"]


def test_another_sites_page_cannot_call_it(host: Flask, stage: Stage) -> None:
    assert post(host, ack_of(police_message(stage)), Origin="https://elsewhere.example").status_code == 403


def test_an_id_that_was_used_for_another_message_is_a_conflict(host: Flask, stage: Stage) -> None:
    assert post(host, ack_of(police_message(stage))).status_code == 200
    stage.acknowledge(stage.alerts()[0].id)
    other = [one.id for one in stage.outbox() if one.channel == Channel.POLICE_WEBHOOK][-1]
    assert post(host, ack_of(other)).status_code == 409

"""Who may call what: the whole table, so that a change of it is seen in review, and the guard keeping it."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import routes as accounts
from api.accounts import service
from api.accounts.model import Account, Role
from api.app import Audience, create_app
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import transaction
from api.kernel.http import allowed_roles

TABLES = {
    Audience.CONTROL: """
/ GET public
/api/agencies GET case_worker officer supervisor
/api/agencies POST supervisor
/api/agencies/<uuid:agency_id> GET case_worker officer supervisor
/api/agencies/<uuid:agency_id> PUT supervisor
/api/agencies/<uuid:agency_id>/duties GET case_worker officer supervisor
/api/agencies/<uuid:agency_id>/duties PUT supervisor
/api/agencies/<uuid:agency_id>/members GET case_worker officer supervisor
/api/agencies/<uuid:agency_id>/members POST supervisor
/api/agencies/<uuid:agency_id>/members/<uuid:member_id> GET case_worker officer supervisor
/api/agencies/<uuid:agency_id>/members/<uuid:member_id> PUT supervisor
/api/agencies/<uuid:agency_id>/members/<uuid:member_id>/end POST supervisor
/api/agencies/<uuid:agency_id>/presence GET case_worker officer supervisor
/api/agencies/<uuid:agency_id>/retirement POST supervisor
/api/alerts GET operator supervisor
/api/alerts/<uuid:alert_id> GET operator supervisor
/api/alerts/<uuid:alert_id>/acknowledgement POST operator supervisor
/api/alerts/<uuid:alert_id>/evidence POST supervisor
/api/alerts/<uuid:alert_id>/resolution POST operator supervisor
/api/alerts/<uuid:alert_id>/tracks GET operator supervisor
/api/devices GET operator supervisor
/api/devices POST supervisor
/api/devices/<uuid:device_id> GET operator supervisor
/api/devices/<uuid:device_id>/assignment DELETE supervisor
/api/devices/<uuid:device_id>/assignment POST supervisor
/api/devices/<uuid:device_id>/assignments GET operator supervisor
/api/devices/<uuid:device_id>/retirement POST supervisor
/api/devices/<uuid:device_id>/secret POST supervisor
/api/directory GET auditor case_worker officer operator supervisor
/api/drills/<uuid:drill_id> GET operator supervisor
/api/drills/due GET operator supervisor
/api/entry-codes POST case_worker supervisor
/api/evidence/key GET operator supervisor
/api/health GET operator supervisor
/api/limits GET operator supervisor
/api/map GET operator supervisor
/api/orders GET operator supervisor
/api/orders POST supervisor
/api/orders/<uuid:order_id> GET operator supervisor
/api/orders/<uuid:order_id> PUT supervisor
/api/orders/<uuid:order_id>/drills GET operator supervisor
/api/orders/<uuid:order_id>/drills POST supervisor
/api/orders/<uuid:order_id>/exemptions GET operator supervisor
/api/orders/<uuid:order_id>/exemptions POST supervisor
/api/orders/<uuid:order_id>/exemptions/<uuid:exemption_id>/end POST supervisor
/api/orders/<uuid:order_id>/limits GET operator supervisor
/api/orders/<uuid:order_id>/limits PUT supervisor
/api/orders/<uuid:order_id>/revocation POST supervisor
/api/orders/<uuid:order_id>/sightings GET operator supervisor
/api/orders/<uuid:order_id>/sightings POST operator supervisor
/api/orders/<uuid:order_id>/zones GET operator supervisor
/api/orders/<uuid:order_id>/zones POST supervisor
/api/orders/<uuid:order_id>/zones/<uuid:zone_id> DELETE supervisor
/api/orders/<uuid:order_id>/zones/<uuid:zone_id> GET operator supervisor
/api/orders/<uuid:order_id>/zones/<uuid:zone_id> PUT supervisor
/api/pathways POST case_worker officer
/api/pathways/<uuid:pathway_id> GET case_worker officer
/api/pathways/<uuid:pathway_id>/closing POST case_worker officer
/api/pathways/<uuid:pathway_id>/code-word POST case_worker officer
/api/pathways/<uuid:pathway_id>/contact PUT case_worker officer
/api/pathways/<uuid:pathway_id>/contact-attempts POST case_worker officer
/api/pathways/<uuid:pathway_id>/contact-attempts/<uuid:attempt_id>/outcome POST case_worker officer
/api/pathways/<uuid:pathway_id>/exclusions POST case_worker officer
/api/pathways/<uuid:pathway_id>/next-contact PUT case_worker officer
/api/pathways/<uuid:pathway_id>/reopening POST case_worker officer
/api/pathways/<uuid:pathway_id>/safe-contact GET case_worker officer
/api/pathways/<uuid:pathway_id>/safe-contact PUT case_worker officer
/api/pathways/<uuid:pathway_id>/safe-contact/clearing POST case_worker officer
/api/pathways/<uuid:pathway_id>/safe-contact/sign POST case_worker officer
/api/pathways/<uuid:pathway_id>/steps/<number>/acts POST case_worker officer
/api/pathways/<uuid:pathway_id>/urgency PUT case_worker officer
/api/pathways/steps GET case_worker officer
/api/pathways/work GET case_worker officer
/api/playbook GET operator supervisor
/api/police-officers GET operator supervisor
/api/police-officers POST supervisor
/api/police-officers/<uuid:officer_id> GET operator supervisor
/api/police-officers/<uuid:officer_id> PUT supervisor
/api/police-officers/<uuid:officer_id>/absences GET operator supervisor
/api/police-officers/<uuid:officer_id>/absences POST supervisor
/api/police-officers/<uuid:officer_id>/absences/<uuid:absence_id>/end POST supervisor
/api/police-officers/<uuid:officer_id>/retirement POST supervisor
/api/police-stations GET operator supervisor
/api/police-stations POST supervisor
/api/police-stations/<uuid:station_id> GET operator supervisor
/api/police-stations/<uuid:station_id> PUT supervisor
/api/police-stations/<uuid:station_id>/retirement POST supervisor
/api/police-stations/<uuid:station_id>/roster GET operator supervisor
/api/police-stations/<uuid:station_id>/roster PUT supervisor
/api/police-stations/<uuid:station_id>/roster/holes GET operator supervisor
/api/police-stations/gaps GET operator supervisor
/api/police-stations/import POST supervisor
/api/police-stations/routing GET operator supervisor
/api/police/acknowledgements POST signed
/api/protected-persons GET operator supervisor
/api/protected-persons POST supervisor
/api/protected-persons/<uuid:person_id> GET operator supervisor
/api/protected-persons/<uuid:person_id>/account POST supervisor
/api/protected-persons/<uuid:person_id>/alert-policy GET operator supervisor
/api/red-flags GET auditor case_worker officer operator supervisor
/api/red-flags/result POST auditor case_worker officer operator supervisor
/api/session DELETE auditor case_worker officer operator supervisor
/api/session GET auditor case_worker officer operator supervisor
/api/session POST public
/api/sms/receipts POST signed
/api/stream GET operator supervisor
/api/tasks GET operator supervisor
/api/tasks/<uuid:task_id>/outcome POST operator supervisor
/api/wearers GET operator supervisor
/api/wearers POST supervisor
/api/wearers/<uuid:wearer_id> GET operator supervisor
/console/<name> GET public
/docs/ GET public
/docs/<path:name> GET public
/docs/start.js GET public
/leaflet/<path:name> GET public
/openapi.json GET public
/pathways GET public
/pathways/<name> GET public
""",
    Audience.APP: """
/ GET public
/addresses GET protected_person
/assets/<name> GET public
/details POST protected_person
/entry DELETE protected_person
/entry POST protected_person
/entry PUT protected_person
/forget POST protected_person
/lists GET protected_person
/lists/result POST protected_person
/messages/<uuid:message_id>/receipt POST protected_person
/notices PUT protected_person
/notices/<uuid:notice_id> DELETE protected_person
/notices/key GET protected_person
/pages GET protected_person
/pages PUT protected_person
/pages/other DELETE protected_person
/pages/other GET protected_person
/preferences PUT protected_person
/pub POST public
/schedule GET protected_person
/schedule/steps/<number>/pause POST protected_person
/schedule/steps/<number>/refusal POST protected_person
/schedule/steps/<number>/resume POST protected_person
/second PUT protected_person
/second/page GET protected_person
/second/page PUT protected_person
/session DELETE protected_person
/session POST public
/start POST public
/stream GET protected_person
/texts GET protected_person
/texts/paper GET protected_person
""",
}
COOKIES = {Audience.CONTROL: accounts.STAFF_COOKIE, Audience.APP: accounts.PERSON_COOKIE}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def rules_of(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Method, address and endpoint of everything that can be called."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & METHODS):
            yield method, rule.rule, rule.endpoint


def table_of(app: Flask) -> list[str]:
    return sorted(
        " ".join([address, method, *sorted(allowed_roles(app, endpoint, method) or {"NOBODY"})])
        for method, address, endpoint in rules_of(app)
    )


@pytest.fixture(params=list(Audience))
def audience(request: pytest.FixtureRequest) -> Audience:
    given: Audience = request.param
    return given


@pytest.fixture
def app(sqlite_engine: Engine, server_key: bytes, audience: Audience) -> Flask:
    settings = Settings.from_env({"BAKEN_HOME": "nowhere", "BAKEN_SERVER_KEY": server_key.hex()})
    return create_app(settings, sqlite_engine, audience)


@pytest.fixture
def people(sqlite_engine: Engine) -> dict[Role, Account]:
    with transaction(sqlite_engine) as session:
        return {
            role: service.add_account(session, role.value, "correct horse", role, None, clock.now())
            for role in Role
        }


def client_of(app: Flask, account: Account, cookie: str) -> FlaskClient:
    with transaction(app.extensions["baken.engine"]) as session:
        token = service.open_session(session, account, clock.now())
    client = app.test_client()
    client.set_cookie(cookie, token)
    return client


def call(client: FlaskClient, method: str, address: str) -> Any:
    """Call with an id that belongs to nothing; the answer is not read: a stream would not end."""
    filled = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=0)), address)
    filled = re.sub(r"<(\w+:)?\w+>", "x", filled)
    body: dict[str, Any] | None = None if method in {"GET", "DELETE"} else {}
    response = client.open(filled, method=method, json=body)
    response.close()
    return response


def test_every_route_says_who_may_call_it(app: Flask, audience: Audience) -> None:
    assert table_of(app) == TABLES[audience].split("\n")[1:-1]


def test_who_has_not_signed_in_gets_nothing_but_what_is_public(app: Flask) -> None:
    for method, address, endpoint in rules_of(app):
        if "public" not in (allowed_roles(app, endpoint, method) or ()):
            assert call(app.test_client(), method, address).status_code == 401, (method, address)


def test_who_has_the_wrong_role_cannot_tell_that_a_route_exists(
    app: Flask, audience: Audience, people: dict[Role, Account]
) -> None:
    for method, address, endpoint in rules_of(app):
        allowed = allowed_roles(app, endpoint, method) or frozenset()
        for role, account in people.items():
            if not allowed & {role.value, "public"}:
                response = call(client_of(app, account, COOKIES[audience]), method, address)
                assert response.status_code in {401, 404}, (method, address, role)


def test_who_has_the_right_role_gets_past_the_guard(
    app: Flask, audience: Audience, people: dict[Role, Account]
) -> None:
    passed: list[str | None] = []
    app.before_request(lambda: passed.append(request.endpoint))  # runs when the guard has not answered
    for method, address, endpoint in rules_of(app):
        for role in allowed_roles(app, endpoint, method) or frozenset():
            if role not in {"public", "signed"}:
                response = call(client_of(app, people[Role(role)], COOKIES[audience]), method, address)
                assert passed.pop() == endpoint, (method, address, role)
                assert response.status_code < 500


def test_a_session_of_one_host_opens_nothing_at_the_other(
    app: Flask, audience: Audience, people: dict[Role, Account]
) -> None:
    strangers = {
        Audience.CONTROL: [Role.PROTECTED_PERSON],
        Audience.APP: [Role.OPERATOR, Role.SUPERVISOR],
    }
    for role in strangers[audience]:
        for cookie in COOKIES.values():
            client = client_of(app, people[role], cookie)
            for method, address, endpoint in rules_of(app):
                if "public" not in (allowed_roles(app, endpoint, method) or ()):
                    assert call(client, method, address).status_code in {401, 404}


def test_the_hosts_share_no_address_but_their_front_page(sqlite_engine: Engine, server_key: bytes) -> None:
    settings = Settings.from_env({"BAKEN_HOME": "nowhere", "BAKEN_SERVER_KEY": server_key.hex()})
    control, neutral = (
        {address for _method, address, _endpoint in rules_of(create_app(settings, sqlite_engine, audience))}
        for audience in Audience
    )
    assert control & neutral == {"/"}

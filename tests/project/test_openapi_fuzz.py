"""Calls every operation of the control host with what its description allows and what it does not."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from api.accounts.model import Role
from api.alerts.model import Event, EventKind
from api.alerts.service import open_alerts
from api.app import Audience, create_app, openapi_of
from api.geofence.model import Circle, Visibility
from api.geofence.service.zones import ZoneDraft, add_zone
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import make_engine, transaction
from api.pathways.model.agencies import AgencyDraft, AgencyKind, MemberDraft, MemberRole
from api.pathways.service import agencies
from tests.accounts.hosts import signed_in
from tests.factories import NOW, PLACE
from tests.orders import register
from tests.pathways.cases import Town, client_of
from tests.policing import station as policing

EXAMPLES = 40
"""Per operation, half of them as described and half not; all together stay under a minute."""
LEFT_OUT = {("get", "/api/stream"), ("delete", "/api/session")}
"""The one never ends by itself; the other would sign the rest out."""
KEY = "7a" * 32


class Host:
    """The control host with one order and one pathway in it; a supervisor and a case worker are signed in."""

    def __init__(self, database: Path) -> None:
        self.engine = make_engine(f"sqlite:///{database}", bytes.fromhex(KEY))
        environ = {"BAKEN_HOME": str(database.parent), "BAKEN_SERVER_KEY": KEY}
        self.app = create_app(Settings.from_env(environ), self.engine, Audience.CONTROL)
        self.client: FlaskClient = signed_in(self.app, Role.SUPERVISOR)
        self.town = Town(self.engine)
        self.worker = client_of(self.app, self.town, "centre worker")
        self.description = schemathesis.openapi.from_wsgi("/openapi.json", self.app)
        self.known: dict[str, Any] = {}

    def renew(self) -> None:
        """Put things into the register that no operation has ended yet."""
        self.turn = count()
        with transaction(self.engine) as session:
            order = register.add_order(session)
            draft = ZoneDraft("home", Circle(PLACE, 500.0), 250.0, Visibility.DECLARED)
            station_id = policing.add_station(session).id
            officer_id = policing.add_officer(session, station_id).id
            policing.put_roster(session, station_id, [policing.make_slot(officer_id)])
            event = Event(kind=EventKind.ZONE_BREACH, occurred_at=NOW, order_id=order.id)
            self.known = {
                "alert_id": str(open_alerts(session, [event], NOW)[0].id),
                "order_id": str(order.id),
                "wearer_id": str(order.wearer_id),
                "person_id": str(order.protected_person_ids[0]),
                "protected_person_ids": [str(order.protected_person_ids[0])],
                "zone_id": str(add_zone(session, order.id, draft, None, NOW).id),
                "station_id": str(station_id),
                "officer_id": str(officer_id),
                "device_id": str(register.add_device(session).id),
            }
        self.known |= self._renew_pathway()

    def _renew_pathway(self) -> dict[str, Any]:
        """A pathway of which step 5 is offered, and an agency of its own that may take it."""
        worker, now = self.town.accounts["centre worker"], clock.now()
        with transaction(self.engine) as session:
            draft = AgencyDraft("Another centre", AgencyKind.CENTRE, "Haarlem", "Europe/Amsterdam")
            agency = agencies.add_agency(session, draft, None, now)
            person = MemberDraft(worker.id, MemberRole.WORKER, "Noor", None)
            member = agencies.add_member(session, agency.id, person, None, now)
        pathway = self.town.open(now=now)
        self.town.agree(pathway, now=now)
        return {
            "agency_id": str(agency.id),
            "member_id": str(member.id),
            "account_id": str(worker.id),
            "contact_id": str(worker.id),
            "deputy_id": None,
            "pathway_id": str(pathway.id),
            "number": "5",
        }

    def client_for(self, path: str) -> FlaskClient:
        """Whoever may call it: a case worker has the pathways, a supervisor everything else."""
        return self.worker if path.startswith("/api/pathways") else self.client

    def aim(self, case: Case[Any]) -> dict[str, str]:
        """Turn every other call to what is there; returns the header of who has read it.

        Ids at random end at the first query.
        """
        if next(self.turn) % 2 == 0:
            return {}
        for names in (case.path_parameters, case.body):
            if isinstance(names, dict):
                names.update({name: self.known[name] for name in names if name in self.known})
        etag = self.client_for(case.formatted_path).get(case.formatted_path).headers.get("ETag")
        return {"If-Match": etag} if etag else {}

    def cookies(self, path: str) -> dict[str, str]:
        cookie = self.client_for(path).get_cookie("session")
        assert cookie is not None
        return {"session": cookie.value}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Host]:
    database = tmp_path_factory.mktemp("fuzz") / "baken.db"
    shutil.copy(sqlite_template, database)
    made = Host(database)
    yield made
    made.engine.dispose()


def _operations() -> list[tuple[str, str]]:
    environ = {"BAKEN_HOME": "nowhere", "BAKEN_SERVER_KEY": KEY}
    return [
        (method, path)
        for path, operations in openapi_of(Settings.from_env(environ))["paths"].items()
        for method in operations
        if method != "parameters" and (method, path) not in LEFT_OUT
    ]


@pytest.mark.parametrize(("method", "path"), _operations())
def test_nothing_that_is_sent_breaks_the_server(method: str, path: str, host: Host) -> None:
    host.renew()
    operation = host.description[path][method]
    sent = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(sent)
    def send(case: Case[Any]) -> None:
        response = case.call(headers=host.aim(case), cookies=host.cookies(path))
        case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])

    send()

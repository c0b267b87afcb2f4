import uuid
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts.model import Role
from api.geofence.model import Hours, Purpose, Schedule
from api.geofence.routes import zones
from api.geofence.service import zones as service
from api.kernel.db import reading, transaction
from tests.accounts.hosts import make_host, signed_in
from tests.orders import register

NIGHTS = [
    {"day": "friday", "from": "22:00", "until": "06:00"},
    {"day": "sunday", "from": "00:00", "until": "24:00"},
]
SCHEDULE = {"time_zone": "Europe/Amsterdam", "hours": NIGHTS}
BODY: dict[str, Any] = {
    "name": "home",
    "shape": {"type": "Circle", "center": [4.5, 52.0], "radius_m": 100.0},
    "buffer_m": 0.0,
    "visibility": "declared",
    "purpose": "inclusion",
    "schedule": SCHEDULE,
}


@pytest.fixture
def client(sqlite_engine: Engine) -> FlaskClient:
    return signed_in(make_host(sqlite_engine, (zones.blueprint,)), Role.SUPERVISOR)


@pytest.fixture
def order_id(sqlite_engine: Engine) -> UUID:
    with transaction(sqlite_engine) as session:
        return register.add_order(session).id


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"schedule": None},
        {"purpose": "territory", "schedule": None},
        {"purpose": "exclusion", "schedule": None, "buffer_m": 9.0},
    ],
)
def test_a_zone_is_given_back_with_its_purpose_and_hours(
    client: FlaskClient, order_id: UUID, more: dict[str, Any]
) -> None:
    answer = client.post(f"/api/orders/{order_id}/zones", json=BODY | more)
    assert answer.status_code == 201
    zone = answer.get_json()
    assert zone == BODY | more | {"id": zone["id"], "version": 1, "order_id": str(order_id)}
    assert client.get(f"/api/orders/{order_id}/zones").get_json() == [zone]


def test_hours_are_kept_as_they_were_said(client: FlaskClient, order_id: UUID, sqlite_engine: Engine) -> None:
    zone = client.post(f"/api/orders/{order_id}/zones", json=BODY).get_json()
    with reading(sqlite_engine) as session:
        kept = service.get_zone(session, order_id, uuid.UUID(zone["id"]))
    assert kept.purpose is Purpose.INCLUSION
    hours = (Hours(4, "22:00", "06:00"), Hours(6, "00:00", "24:00"))
    assert kept.schedule == Schedule("Europe/Amsterdam", hours)


def hours(**more: Any) -> dict[str, Any]:
    return SCHEDULE | {"hours": [NIGHTS[0] | more]}


@pytest.mark.parametrize(
    ("more", "place", "said"),
    [
        ({"purpose": "hidden"}, "purpose", "Must be one of"),
        ({"purpose": None}, "purpose", "may not be null"),
        ({"visibility": "concealed"}, "visibility", "must know where to be"),
        ({"purpose": "territory", "schedule": None, "visibility": "concealed"}, "visibility", "must know"),
        ({"buffer_m": 1.0}, "buffer_m", "Must be 0"),
        ({"purpose": "exclusion"}, "schedule", "only an inclusion zone has hours"),
        ({"purpose": "territory"}, "schedule", "only an inclusion zone has hours"),
        (
            {"schedule": SCHEDULE | {"time_zone": "Europe/Atlantis"}},
            "schedule.time_zone",
            "Unknown time zone",
        ),
        ({"schedule": SCHEDULE | {"time_zone": "localtime"}}, "schedule.time_zone", "Unknown time zone"),
        ({"schedule": SCHEDULE | {"time_zone": "../UTC"}}, "schedule.time_zone", "Unknown time zone"),
        ({"schedule": SCHEDULE | {"hours": []}}, "schedule.hours", "1 to 50"),
        ({"schedule": SCHEDULE | {"hours": NIGHTS * 26}}, "schedule.hours", "1 to 50"),
        ({"schedule": {"hours": NIGHTS}}, "schedule.time_zone", "Missing"),
        ({"schedule": hours(day="Friday")}, "schedule.hours.0.day", "Must be one of"),
        ({"schedule": hours(until="22:00")}, "schedule.hours.0.until", "00:00 to 24:00"),
        ({"schedule": hours(until="24:01")}, "schedule.hours.0.until", "HH:MM"),
        ({"schedule": hours(until="06:00\n")}, "schedule.hours.0.until", "HH:MM"),
        ({"schedule": hours(**{"from": "24:00"})}, "schedule.hours.0.from", "00:00 to 23:59"),
        ({"schedule": hours(**{"from": "7:00"})}, "schedule.hours.0.from", "00:00 to 23:59"),
    ],
)
def test_what_does_not_fit_is_said_of_its_field(
    client: FlaskClient, order_id: UUID, more: dict[str, Any], place: str, said: str
) -> None:
    answer = client.post(f"/api/orders/{order_id}/zones", json=BODY | more)
    assert answer.status_code == 422
    fault = answer.get_json()["errors"]["json"]
    for key in place.split("."):
        assert list(fault) == [key]
        fault = fault[key]
    assert said in " ".join(fault)


def test_a_zone_keeps_its_purpose_and_may_change_its_hours(client: FlaskClient, order_id: UUID) -> None:
    zone = client.post(f"/api/orders/{order_id}/zones", json=BODY).get_json()
    address = f"/api/orders/{order_id}/zones/{zone['id']}"
    etag = {"If-Match": client.get(address).headers["ETag"]}
    refused = client.put(address, json=BODY | {"purpose": "territory", "schedule": None}, headers=etag)
    assert refused.status_code == 422
    assert "Stays inclusion" in str(refused.get_json()["errors"])
    changed = client.put(address, json=BODY | {"schedule": None}, headers=etag)
    assert (changed.status_code, changed.get_json()["version"]) == (200, 2)
    assert changed.get_json()["schedule"] is None

import uuid
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from api.accounts.model import Role
from api.geofence.geometry.validity import check_shape
from api.geofence.model import Circle, Polygon
from api.geofence.routes import zones
from api.geofence.schemas.zones import to_geojson
from api.kernel.db import transaction
from api.kernel.geo import Point
from tests.accounts.hosts import make_host, signed_in
from tests.orders import register

SQUARE = [[4.0, 52.0], [4.1, 52.0], [4.1, 52.1], [4.0, 52.1], [4.0, 52.0]]
SHAPES: list[dict[str, Any]] = [
    {"type": "Circle", "center": [4.5, 52.0], "radius_m": 500.0},
    {"type": "Polygon", "coordinates": [SQUARE]},
    {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[x + 0.2, y] for x, y in SQUARE]]]},
]
BODY: dict[str, Any] = {"name": "home", "shape": SHAPES[0], "buffer_m": 250.0, "visibility": "declared"}


@pytest.fixture
def client(sqlite_engine: Engine) -> FlaskClient:
    return signed_in(make_host(sqlite_engine, (zones.blueprint,)), Role.SUPERVISOR)


@pytest.fixture
def order_id(sqlite_engine: Engine) -> UUID:
    with transaction(sqlite_engine) as session:
        return register.add_order(session).id


@pytest.mark.parametrize("shape", SHAPES)
def test_a_drawn_zone_is_given_back_as_drawn(
    client: FlaskClient, order_id: UUID, shape: dict[str, Any]
) -> None:
    answer = client.post(f"/api/orders/{order_id}/zones", json=BODY | {"shape": shape})
    assert answer.status_code == 201
    zone = answer.get_json()
    more = {
        "id": zone["id"],
        "version": 1,
        "order_id": str(order_id),
        "purpose": "exclusion",
        "schedule": None,
    }
    assert zone == BODY | {"shape": shape} | more
    assert client.get(f"/api/orders/{order_id}/zones").get_json() == [zone]
    assert client.get(f"/api/orders/{order_id}/zones/{zone['id']}").get_json() == zone


def test_a_zone_is_changed_and_removed_by_who_has_read_it(client: FlaskClient, order_id: UUID) -> None:
    zone = client.post(f"/api/orders/{order_id}/zones", json=BODY).get_json()
    address = f"/api/orders/{order_id}/zones/{zone['id']}"
    etag = client.get(address).headers["ETag"]
    changed = client.put(address, json=BODY | {"buffer_m": 900.0}, headers={"If-Match": etag})
    assert (changed.status_code, changed.get_json()["version"], changed.get_json()["buffer_m"]) == (
        200,
        2,
        900.0,
    )
    assert client.delete(address, headers={"If-Match": etag}).status_code == 412
    etag = changed.headers["ETag"]
    assert client.delete(address, headers={"If-Match": etag}).status_code == 204
    assert client.get(address).status_code == 404
    assert client.get(f"/api/orders/{order_id}/zones").get_json() == []


def test_a_change_without_saying_what_was_read_is_refused(client: FlaskClient, order_id: UUID) -> None:
    zone = client.post(f"/api/orders/{order_id}/zones", json=BODY).get_json()
    address = f"/api/orders/{order_id}/zones/{zone['id']}"
    assert client.put(address, json=BODY).status_code == 428
    assert client.delete(address).status_code == 428
    assert client.put(address, json=BODY, headers={"If-Match": '"other"'}).status_code == 412
    assert client.get(address).get_json() == zone


def test_a_shape_that_cannot_be_used_is_named_with_its_place(client: FlaskClient, order_id: UUID) -> None:
    bow_tie = [[4.0, 52.0], [4.1, 52.1], [4.1, 52.0], [4.0, 52.1], [4.0, 52.0]]
    shape = {"type": "Polygon", "coordinates": [bow_tie]}
    answer = client.post(f"/api/orders/{order_id}/zones", json=BODY | {"shape": shape})
    assert answer.status_code == 422
    (said,) = answer.get_json()["errors"]["json"]["shape"]
    assert said.startswith("coordinates[0]: the outline crosses or touches itself at lat 52.05")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "a\x00b"),
        ("name", "a\ud800b"),
        ("name", "x" * 101),
        ("name", 5),
        ("shape", None),
        ("shape", {}),
        ("shape", {"type": "Polygon", "coordinates": []}),
        ("shape", {"type": "Circle", "center": [52, 104], "radius_m": 500}),
        ("buffer_m", -1),
        ("buffer_m", 10_001),
        ("buffer_m", float("nan")),
        ("buffer_m", float("inf")),
        ("buffer_m", None),
        ("visibility", "secret"),
        ("visibility", ["declared"]),
        ("radius_m", 500),
    ],
)
def test_what_is_wrong_with_a_zone_is_said_of_its_field(
    client: FlaskClient, order_id: UUID, field: str, value: Any
) -> None:
    answer = client.post(f"/api/orders/{order_id}/zones", json=BODY | {field: value})
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]["json"]) == [field]


def test_an_order_or_zone_that_is_not_there_is_404(client: FlaskClient, order_id: UUID) -> None:
    nobody = uuid.uuid4()
    zone = client.post(f"/api/orders/{order_id}/zones", json=BODY).get_json()
    assert client.get(f"/api/orders/{nobody}/zones").status_code == 404
    assert client.post(f"/api/orders/{nobody}/zones", json=BODY).status_code == 404
    for address in (f"/api/orders/{order_id}/zones/{nobody}", f"/api/orders/{nobody}/zones/{zone['id']}"):
        assert client.get(address).status_code == 404
        assert client.put(address, json=BODY, headers={"If-Match": '"x"'}).status_code == 404
        assert client.delete(address, headers={"If-Match": '"x"'}).status_code == 404


def test_operators_see_zones_and_change_none(sqlite_engine: Engine, order_id: UUID) -> None:
    app = make_host(sqlite_engine, (zones.blueprint,))
    zone = signed_in(app, Role.SUPERVISOR).post(f"/api/orders/{order_id}/zones", json=BODY).get_json()
    operator = signed_in(app, Role.OPERATOR)
    address = f"/api/orders/{order_id}/zones/{zone['id']}"
    etag = operator.get(address).headers["ETag"]
    assert operator.get(f"/api/orders/{order_id}/zones").get_json() == [zone]
    assert operator.post(f"/api/orders/{order_id}/zones", json=BODY).status_code == 404
    assert operator.put(address, json=BODY, headers={"If-Match": etag}).status_code == 404
    assert operator.delete(address, headers={"If-Match": etag}).status_code == 404
    assert app.test_client().get(address).status_code == 401


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(10, 300_000))
def test_every_circle_survives_the_way_out_and_in(lat: float, lon: float, radius_m: float) -> None:
    circle = Circle(Point(lat, lon), radius_m)
    assert check_shape(to_geojson(circle)) == circle


def test_polygons_survive_the_way_out_and_in() -> None:
    for geojson in SHAPES[1:]:
        shape = check_shape(geojson)
        assert isinstance(shape, tuple)
        assert all(isinstance(part, Polygon) for part in shape)
        assert to_geojson(shape) == geojson


def test_only_a_territory_may_be_as_large_as_the_largest_countries(
    client: FlaskClient, order_id: UUID
) -> None:
    address = f"/api/orders/{order_id}/zones"
    corners = [[0.0, 44.0], [12.0, 44.0], [12.0, 55.0], [0.0, 55.0], [0.0, 44.0]]
    circle = {"type": "Circle", "center": [4.5, 52.0], "radius_m": 900_000.0}
    for shape in (circle, {"type": "Polygon", "coordinates": [corners]}):
        body = BODY | {"buffer_m": 0.0, "purpose": "territory", "shape": shape}
        assert client.post(address, json=body).status_code == 201
        refused = client.post(address, json=body | {"purpose": "inclusion"})
        assert list(refused.get_json()["errors"]["json"]) == ["shape"]
    too_large = BODY | {"buffer_m": 0.0, "purpose": "territory", "shape": circle | {"radius_m": 1_000_001.0}}
    assert client.post(address, json=too_large).status_code == 422

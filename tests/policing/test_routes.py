"""Stations, officers and rosters over HTTP: what goes in, what comes out, what is refused and never told."""

import copy
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts.model import Role
from api.policing.routes import control_blueprints
from tests.accounts.hosts import make_host, signed_in
from tests.project.sources import ROOT

Json = dict[str, Any]

SQUARE = [[4.4, 51.9], [4.6, 51.9], [4.6, 52.1], [4.4, 52.1], [4.4, 51.9]]
STATION: Json = {
    "reference": "CENTRUM",
    "name": "Made-up station",
    "area": {"type": "Polygon", "coordinates": [SQUARE]},
    "seat": {"type": "Point", "coordinates": [4.48, 51.92]},
    "phone": "+441632960001",
    "desk_address": "politie.rotterdam-centrum",
    "time_zone": "Europe/Amsterdam",
}
DEMO = ROOT / "ops/playbooks/stations-demo.geojson"
ALWAYS: Json = {
    "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    "from": "00:00",
    "until": "24:00",
}


@pytest.fixture
def client(sqlite_engine: Engine) -> FlaskClient:
    return signed_in(make_host(sqlite_engine, control_blueprints), Role.SUPERVISOR)


def send(client: Any, path: str, body: Json | None = None, status: int = 201) -> Any:
    answer = client.post(f"/api{path}", json=body) if body is not None else client.post(f"/api{path}")
    assert answer.status_code == status, answer.data
    return answer.json


def read(client: Any, path: str, status: int = 200) -> Any:
    answer = client.get(f"/api{path}")
    assert answer.status_code == status, answer.data
    return answer.json


def put(client: Any, path: str, body: Json, status: int = 200, etag: str | None = None) -> Any:
    etag = etag or client.get(f"/api{path}").headers["ETag"]
    answer = client.put(f"/api{path}", json=body, headers={"If-Match": etag})
    assert answer.status_code == status, answer.data
    return answer.json


@pytest.fixture
def station_id(client: FlaskClient) -> str:
    entered: str = send(client, "/police-stations", STATION)["id"]
    return entered


def officer_body(station_id: str, **more: Any) -> Json:
    body = {"station_id": station_id, "reference": "O-1", "name": "Noor Visser", "phone": "+447700900077"}
    return body | more


@pytest.fixture
def officer_id(client: FlaskClient, station_id: str) -> str:
    entered: str = send(client, "/police-officers", officer_body(station_id))["id"]
    return entered


@pytest.mark.parametrize(
    "area",
    [
        STATION["area"],
        {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[lon + 1, lat] for lon, lat in SQUARE]]]},
    ],
    ids=["polygon", "multipolygon"],
)
def test_a_station_is_given_back_as_sent_but_for_its_number(client: FlaskClient, area: Json) -> None:
    entered = send(client, "/police-stations", STATION | {"area": area})
    wanted = STATION | {
        "area": area,
        "id": entered["id"],
        "version": 1,
        "phone_end": "01",
        "retired_at": None,
    }
    del wanted["phone"]
    assert entered == wanted
    assert read(client, f"/police-stations/{entered['id']}") == wanted
    assert read(client, "/police-stations") == [wanted]


def test_no_answer_ever_shows_a_number(client: FlaskClient, station_id: str, officer_id: str) -> None:
    paths = [
        "/police-stations",
        f"/police-stations/{station_id}",
        "/police-officers",
        f"/police-officers/{officer_id}",
    ]
    shown = "".join(json.dumps(read(client, path)) for path in paths)
    assert "1632960001" not in shown
    assert "7700900077" not in shown
    assert '"phone_end": "77"' in shown


def test_a_station_is_changed_by_who_has_read_it_and_closed(client: FlaskClient, station_id: str) -> None:
    path = f"/police-stations/{station_id}"
    body = {name: value for name, value in STATION.items() if name != "phone"} | {"name": "Other"}
    etag = client.get(f"/api{path}").headers["ETag"]
    changed = put(client, path, body)
    assert (changed["name"], changed["version"], changed["phone_end"]) == ("Other", 2, "01")
    put(client, path, body, 412, etag)
    assert client.put(f"/api{path}", json=body).status_code == 428
    assert send(client, f"{path}/retirement", status=200)["retired_at"] is not None
    put(client, path, body, 409)


AREA_FAULTS: list[tuple[Any, str]] = [
    (
        {"type": "Polygon", "coordinates": [[[4, 52], [5, 53], [4, 53], [5, 52], [4, 52]]]},
        "self-intersection",
    ),
    ({"type": "Polygon", "coordinates": [[[52, 104], [52, 105], [53, 105], [52, 104]]]}, "look swapped"),
    ({"type": "Polygon", "coordinates": [[[4, 91], [5, 91], [5, 92], [4, 91]]]}, "must be in -180..180"),
    ({"type": "Polygon", "coordinates": [[[181, 5], [182, 5], [182, 6], [181, 5]]]}, "must be in -180..180"),
    ({"type": "Polygon", "coordinates": []}, "not empty"),
    ({"type": "Polygon", "coordinates": [[]]}, "not empty"),
    ({"type": "Polygon", "coordinates": [[4, 52]]}, "must be"),
    ({"type": "Polygon", "coordinates": [[["4", "52"], [5, 52], [5, 53], [4, 52]]]}, "must be"),
    ({"type": "Polygon", "coordinates": [[[True, 52], [5, 52], [5, 53], [4, 52]]]}, "must be"),
    ({"type": "Polygon", "coordinates": [[[4], [5, 52], [5, 53], [4, 52]]]}, "must be"),
    ({"type": "Polygon", "coordinates": [[[10**400, 52], [5, 52], [5, 53], [4, 52]]]}, "must be"),
    ({"type": "Polygon", "coordinates": [SQUARE[:-1]]}, "not closed"),
    ({"type": "Polygon"}, "not empty"),
    ({"type": "MultiPolygon", "coordinates": [[SQUARE], []]}, r"coordinates[1]"),
    ({"type": "Polygon", "coordinates": [SQUARE], "crs": "EPSG:28992"}, "crs"),
    ({"type": "Circle", "center": [4, 52], "radius_m": 9}, "of type Polygon or MultiPolygon"),
    ("Rotterdam", "GeoJSON object"),
    (None, "null"),
]


@pytest.mark.parametrize(("area", "what"), AREA_FAULTS)
def test_an_area_that_cannot_be_is_refused_with_what_is_wrong(
    client: FlaskClient, area: Any, what: str
) -> None:
    answer = send(client, "/police-stations", STATION | {"area": area}, 422)
    assert what in answer["errors"]["json"]["area"][0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seat", {"type": "Point", "coordinates": [51.92, 4.48]}),
        ("seat", {"type": "Point", "coordinates": [4.48, 151.92]}),
        ("seat", {"type": "Polygon", "coordinates": [SQUARE]}),
        ("phone", "0612345678"),
        ("phone", None),
        ("time_zone", "Europe/Rotterdam"),
        ("desk_address", "politie rotterdam"),
        ("name", " "),
        ("name", "a\x00b"),
        ("reference", ""),
        ("reference", "x" * 101),
    ],
)
def test_a_field_that_cannot_be_is_named(client: FlaskClient, field: str, value: Any) -> None:
    answer = send(client, "/police-stations", STATION | {field: value}, 422)
    assert set(answer["errors"]["json"]) == {field}


def demo() -> Json:
    loaded: Json = json.loads(DEMO.read_text(encoding="utf-8"))
    return loaded


def test_the_demo_stations_are_imported_and_found(client: FlaskClient) -> None:
    entered = send(client, "/police-stations/import", demo())["stations"]
    assert [one["reference"] for one in entered] == ["DEMO-NOORD", "DEMO-ZUID"]
    for lat, lon, how, reference in (
        (51.9244, 4.4777, "area", "DEMO-NOORD"),
        (51.885, 4.49, "area", "DEMO-ZUID"),
        (51.96, 4.05, "area", "DEMO-ZUID"),
        (52.05, 4.46, "nearest", "DEMO-NOORD"),
    ):
        told = read(client, f"/police-stations/routing?lat={lat}&lon={lon}")
        assert (told["how"], told["station_reference"]) == (how, reference)
        assert (told["distance_m"] == 0) == (how == "area")


def test_the_demo_says_that_it_is_made_up_and_calls_nobody() -> None:
    collection = demo()
    assert "MADE UP" in collection["name"]
    for feature in collection["features"]:
        said = feature["properties"]
        assert said["reference"].startswith("DEMO-")
        assert said["name"].startswith("Made-up")
        assert said["phone"].startswith("+441632960")  # Ofcom's numbers for drama: nobody has them


def test_an_import_names_every_feature_at_fault_and_enters_none(client: FlaskClient) -> None:
    body = demo()
    bad = copy.deepcopy(body["features"])
    bad[0]["properties"]["time_zone"] = "Mars/Olympus"
    answer = send(client, "/police-stations/import", body | {"features": bad}, 422)
    assert set(answer["errors"]["json"]) == {"features[0] (DEMO-NOORD)"}
    bad[1]["geometry"]["coordinates"][0][0][0] = [51.9, 104.4]
    del bad[1]["properties"]["phone"]
    answer = send(
        client, "/police-stations/import", body | {"features": [*bad, "x", {"type": "Feature"}]}, 422
    )
    named = answer["errors"]["json"]["features"]
    assert set(named) == {"features[1] (DEMO-ZUID)", "features[2]", "features[3]"}
    assert set(named["features[1] (DEMO-ZUID)"]) == {"geometry", "properties"}
    assert read(client, "/police-stations") == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": []},
        {"type": "FeatureCollection", "features": "x"},
        {"type": "FeatureCollection", "features": [None] * 501},
        {"type": "Feature", "features": []},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"reference": 7}}]},
    ],
)
def test_what_is_no_collection_of_stations_is_refused(client: FlaskClient, body: Json) -> None:
    send(client, "/police-stations/import", body, 422)


def test_an_officer_is_registered_changed_and_leaves(client: FlaskClient, station_id: str) -> None:
    body = officer_body(station_id)
    entered = send(client, "/police-officers", body)
    path = f"/police-officers/{entered['id']}"
    wanted = body | {"id": entered["id"], "phone_end": "77", "account_id": None, "retired_at": None}
    del wanted["phone"]
    assert entered == read(client, path) == wanted
    assert read(client, "/police-officers") == [wanted]
    del body["phone"]
    assert put(client, path, body | {"name": "Noor de Wit"})["phone_end"] == "77"
    assert put(client, path, body | {"phone": None})["phone_end"] == ""
    put(client, path, body | {"phone": "112"}, 422)
    assert send(client, f"{path}/retirement", status=200)["retired_at"] is not None


def slot(officer_id: str, **more: Any) -> Json:
    return {
        "officer_id": officer_id,
        "role": "officer",
        "order": None,
        "weekly": ALWAYS,
        "dated": None,
    } | more


def test_a_roster_is_given_back_as_sent_and_its_holes_are_told(
    client: FlaskClient, station_id: str, officer_id: str
) -> None:
    path = f"/police-stations/{station_id}/roster"
    night = ALWAYS | {"from": "04:00", "until": "03:00"}
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    dated = {"from": tomorrow.isoformat(), "until": (tomorrow + timedelta(hours=8)).isoformat()}
    slots = [
        slot(officer_id, weekly=night),
        slot(officer_id, role="stand_in", order=2, weekly=None, dated=dated),
    ]
    answer = put(client, path, {"slots": slots})
    assert answer["slots"] == slots
    assert len(answer["holes"]) in {13, 14, 15}
    told = read(client, path)
    assert told == {"station_id": station_id, "slots": slots}
    assert read(client, f"{path}/holes")["holes"][1:-1] == answer["holes"][1:-1]
    assert put(client, path, {"slots": [slot(officer_id)]})["holes"] == []
    assert read(client, f"{path}/holes") == {"holes": []}


def test_a_roster_with_a_hole_soon_is_told_to_the_room(
    client: FlaskClient, station_id: str, officer_id: str
) -> None:
    (gap,) = read(client, "/police-stations/gaps")
    assert gap["station_id"] == station_id
    assert len(gap["holes"]) == 1
    put(client, f"/police-stations/{station_id}/roster", {"slots": [slot(officer_id)]})
    assert read(client, "/police-stations/gaps") == []


def test_the_etag_of_a_replaced_roster_serves_to_replace_it_again(
    client: FlaskClient, station_id: str, officer_id: str
) -> None:
    path = f"/api/police-stations/{station_id}/roster"
    first = client.get(path).headers["ETag"]
    answer = client.put(path, json={"slots": [slot(officer_id)]}, headers={"If-Match": first})
    assert answer.headers["ETag"] == client.get(path).headers["ETag"] != first
    for etag, status in ((first, 412), (answer.headers["ETag"], 200)):
        assert client.put(path, json={"slots": []}, headers={"If-Match": etag}).status_code == status


@pytest.mark.parametrize(
    "more",
    [
        {"weekly": None},
        {"dated": {"from": "2026-11-23T12:00:00Z", "until": "2026-11-24T12:00:00Z"}},
        {"weekly": ALWAYS | {"from": "06:00", "until": "06:00"}},
        {"weekly": ALWAYS | {"from": "24:00"}},
        {"weekly": ALWAYS | {"until": "24:01"}},
        {"weekly": ALWAYS | {"until": "06:00\n"}},
        {"weekly": ALWAYS | {"days": []}},
        {"weekly": ALWAYS | {"days": ["monday", "monday"]}},
        {"weekly": ALWAYS | {"days": ["maandag"]}},
        {"weekly": None, "dated": {"from": "2026-11-23T12:00:00Z", "until": "2026-11-23T12:00:00Z"}},
        {"weekly": None, "dated": {"from": "2026-11-23T12:00:00", "until": "2026-11-23T13:00:00"}},
        {"role": "stand_in"},
        {"role": "stand_in", "order": 0},
        {"role": "stand_in", "order": 21},
        {"order": 1},
        {"role": "chief"},
        {"officer_id": str(uuid.UUID(int=0))},
    ],
)
def test_a_slot_that_cannot_be_is_refused(
    client: FlaskClient, station_id: str, officer_id: str, more: Json
) -> None:
    put(client, f"/police-stations/{station_id}/roster", {"slots": [slot(officer_id) | more]}, 422)


def test_a_roster_of_too_many_slots_is_refused(client: FlaskClient, station_id: str, officer_id: str) -> None:
    put(client, f"/police-stations/{station_id}/roster", {"slots": [slot(officer_id)] * 501}, 422)


def test_holes_are_told_of_the_time_that_was_asked_for(client: FlaskClient, station_id: str) -> None:
    path = f"/police-stations/{station_id}/roster/holes"
    told = read(client, f"{path}?from=2027-01-01T00:00:00Z&until=2027-01-02T00:00:00Z")
    assert told == {"holes": [{"from": "2027-01-01T00:00:00+00:00", "until": "2027-01-02T00:00:00+00:00"}]}
    assert read(client, f"{path}?from=2027-01-01T00:00:00Z")["holes"][0]["until"].startswith("2027-01-15")
    for query in (
        "from=2027-01-02T00:00:00Z&until=2027-01-01T00:00:00Z",
        "from=2027-01-01T00:00:00Z&until=2028-01-01T00:00:00Z",
        "from=tomorrow",
        "from=2027-01-01T00:00:00",
    ):
        read(client, f"{path}?{query}", 422)


def test_an_absence_is_entered_and_ended(client: FlaskClient, station_id: str, officer_id: str) -> None:
    put(client, f"/police-stations/{station_id}/roster", {"slots": [slot(officer_id)]})
    path = f"/police-officers/{officer_id}/absences"
    body = {"kind": "sick", "from": "2027-01-01T00:00:00+00:00", "until": "2027-01-02T00:00:00+00:00"}
    entered = send(client, path, body)
    assert entered == body | {
        "id": entered["id"],
        "officer_id": officer_id,
        "created_at": entered["created_at"],
        "ended_at": None,
    }
    asked = "from=2027-01-01T00:00:00Z&until=2027-02-01T00:00:00Z"
    holes = f"/police-stations/{station_id}/roster/holes?{asked}"
    assert read(client, holes)["holes"] == [{"from": body["from"], "until": body["until"]}]
    told = read(client, "/police-stations/routing?lat=52&lon=4.5&at=2027-01-01T12:00:00Z")
    assert told["problem"] == "nobody_on_duty"
    ended = send(client, f"{path}/{entered['id']}/end", status=200)
    assert ended["ended_at"] is not None
    assert read(client, path) == [ended]
    assert read(client, holes)["holes"] == []
    for bad in ({"kind": "tired"}, {"until": body["from"]}, {"until": "2029-01-01T00:00:00+00:00"}):
        send(client, path, body | bad, 422)


def test_where_an_alert_would_go_is_told(client: FlaskClient, station_id: str, officer_id: str) -> None:
    put(client, f"/police-stations/{station_id}/roster", {"slots": [slot(officer_id)]})
    told = read(client, "/police-stations/routing?lat=52.0&lon=4.5")
    assert told == {
        "station_id": station_id,
        "station_reference": "CENTRUM",
        "desk_address": "politie.rotterdam-centrum",
        "how": "area",
        "distance_m": 0.0,
        "officer_id": officer_id,
        "officer_reference": "O-1",
        "is_stand_in": False,
        "problem": "",
    }
    nowhere = read(client, "/police-stations/routing")
    assert (nowhere["how"], nowhere["distance_m"]) == ("only", None)
    read(client, "/police-stations/routing?at=2020-01-01T00:00:00Z", 404)
    for query in ("lat=52", "lon=4.5", "lat=91&lon=4", "lat=52&lon=181", "lat=x&lon=4", "at=yesterday"):
        read(client, f"/police-stations/routing?{query}", 422)

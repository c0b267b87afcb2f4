"""One alert's evidence, from the real judging to a signed file: what is in it, and who waits for it."""

import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pypdf
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import AlertNotFound, Event, EventKind, Family
from api.evidence.model.pack import BadReason, Result, Variant
from api.evidence.rules.verifying import verify
from api.evidence.service import packing
from api.evidence.service.collecting import Asked, collect, window_of
from api.evidence.service.packing import make_pack, signing_key, write_pack
from api.geofence.model import Limits
from api.kernel.db import reading, transaction
from api.orders import service as orders
from api.orders.model import DeviceDraft, DeviceKind, OrderDraft
from tests.conftest import SERVER_KEY
from tests.evidence.packs import contents
from tests.evidence.stage import CHIEF, DESK, Played, near
from tests.rehearsal.house import at
from tests.rehearsal.test_replay import sealed
from tests.scene import HOME, position, received


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def text_of(report: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(report)).pages)


@pytest.fixture
def played(engine: Engine) -> Played:
    played = Played(engine)
    played.play(is_seen=True)
    played.answer()
    return played


def test_a_full_pack_holds_everything_and_is_genuine(played: Played) -> None:
    pack = played.pack()
    key = bytes(signing_key(SERVER_KEY).verify_key).hex()
    assert verify(pack, key).result is Result.GENUINE
    files = contents(pack)
    assert list(files) == [
        "manifest.sig", "manifest.json", "README.txt", "report.pdf", "incident.geojson", "log.jsonl",
        "messages.jsonl", "state.json", "replay.json", "people.json",
    ]  # fmt: skip
    log = lines(files["log.jsonl"])
    events = [line["event"] for line in log if line.get("event")]
    breach = next(event for event in events if event["kind"] == "proximity_breach")
    assert {"wearer", "protected", "distance_m", "protected_age_s", "doubts", "mover", "rule_version"} <= set(
        breach
    )
    assert breach["wearer"]["accuracy_m"] == 9.5
    told = {(line["what"], line["kind"]) for line in log}
    assert {
        ("message", "police_webhook"),
        ("command", "vibrate"),
        ("attempt", "timeout"),
        ("attempt", "200"),
    } <= told
    assert {
        ("act", "alerts.read"),
        ("act", "alerts.acknowledged"),
        ("log", "resolved"),
        ("act", "evidence.pack"),
    } <= told
    assert json.loads(files["replay.json"])["is_identical"]
    state = json.loads(files["state.json"])
    assert {zone["zone"]["name"] for zone in state["zones"]} == {"home", "Hiding place 77"}
    assert sorted(one["party"] for one in state["sightings"]) == ["protected", "wearer"]
    assert len(state["exemptions"]) == 1
    assert state["house_limits"][0]["limits"]["late_s"] == 120
    assert [one["positions"] for one in state["device_health_before"]] == [4, 2]
    links = state["ledger"][:-1]
    assert {"alert", "alert_entry", "notification"} == {link["table"] for link in links}
    assert sum(link["table"] == "alert_entry" for link in links) == sum(line["what"] == "log" for line in log)
    assert state["ledger"][-1]["head"]["number"] >= links[-1]["number"]


def test_messages_are_told_byte_for_byte_as_they_came(played: Played) -> None:
    said = lines(contents(played.pack())["messages.jsonl"])
    with reading(played.engine) as session:
        stored = {bytes(payload) for (payload,) in session.execute(text("SELECT payload FROM fix"))}
    assert len(said) == len(stored) == 32
    assert {line["received"].encode() for line in said} == stored
    assert [line["n"] for line in said] == list(range(1, 33))


def test_names_stand_in_one_file_alone(played: Played) -> None:
    files = contents(played.pack())
    people = json.loads(files.pop("people.json"))
    assert [(one["party"], one["name"]) for one in people] == [
        ("wearer", "Wearer Name"),
        ("protected", "Person Name"),
    ]
    for name, content in files.items():
        assert b"Wearer Name" not in content, name
        assert b"Person Name" not in content, name
    assert "Name" not in text_of(files["report.pdf"])


def test_the_same_material_gives_the_same_bytes(played: Played) -> None:
    asked = Asked(played.alert(), CHIEF, at(3000), "why", (), {"error": "not asked for."})
    with reading(played.engine) as session:
        material = collect(session, asked, Limits())
    with reading(played.engine) as session:
        again = collect(session, asked, Limits())
    assert write_pack(material, SERVER_KEY) == write_pack(again, SERVER_KEY)


def test_who_takes_a_pack_and_whose_names_were_read_is_kept_with_the_reason(played: Played) -> None:
    played.pack()
    with reading(played.engine) as session:
        query = text("SELECT act, reason FROM audit WHERE actor_id = :who ORDER BY at, act")
        who = CHIEF.hex if played.engine.dialect.name == "sqlite" else CHIEF
        acts = [tuple(row) for row in session.execute(query, {"who": who})]
    assert ("evidence.pack", "full: for the hearing") in acts
    assert [act for act, _reason in acts].count("orders.read_name") == 2
    assert ("alerts.replay", "") in acts


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "a\0b", "\ud800"])
def test_a_pack_without_a_reason_is_not_made_and_nothing_is_written(played: Played, reason: str) -> None:
    with pytest.raises(BadReason):
        make_pack(played.engine, Limits(), SERVER_KEY, played.alert(), Variant.FULL, reason, None, at(3000))
    with reading(played.engine) as session:
        assert session.scalar(text("SELECT count(*) FROM audit WHERE act = 'evidence.pack'")) == 0


def test_there_is_no_pack_of_an_alert_that_is_not_there(engine: Engine) -> None:
    with pytest.raises(AlertNotFound):
        make_pack(engine, Limits(), SERVER_KEY, uuid4(), Variant.FULL, "why", None, at(0))


def test_nobody_who_writes_waits_for_a_pack(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """While everything is read, and while it is drawn, somebody else writes."""
    wrote = []

    def writing(work: Any) -> Any:
        def do(*arguments: Any) -> Any:
            with transaction(played.engine) as session:
                alerts.note_watching(session, DESK, at(2990))
            wrote.append(work.__name__)
            return work(*arguments)

        return do

    for name in ("collect", "draw"):
        monkeypatch.setattr(packing, name, writing(getattr(packing, name)))
    assert verify(played.pack()).result is Result.GENUINE
    assert wrote == ["collect", "draw"]


def test_sealed_messages_are_told_as_sealed_and_as_opened(engine: Engine) -> None:
    played = Played(engine, sealed=True)
    plain = [position(played.scene.ankle, near(HOME, 100), at(30 * n), seq=n) for n in range(3)]
    for message in plain:
        played.house.take(sealed(played.scene, message))
    played.house.take(received(played.scene.ankle, b"\xff\xfe not JSON", at(100)))
    said = lines(contents(played.pack(seconds=200))["messages.jsonl"])
    assert [json.loads(line["received"])["_type"] for line in said[:3]] == ["encrypted"] * 3
    assert [line["opened"].encode() for line in said[:3]] == [message.payload for message in plain]
    assert (said[3]["kind"], said[3]["reason"]) == ("kept_aside", "malformed")
    assert said[3]["received_base64"] == "//4gbm90IEpTT04="


def test_alerts_about_the_system_are_packed_without_anybodys_way(engine: Engine) -> None:
    with transaction(engine) as session:
        event = Event(kind=EventKind.SYSTEM_DEGRADED, occurred_at=at(0), reason="worker:silent")
        alert_id = alerts.open_alerts(session, [event], at(0))[0].id
    for variant in Variant:
        pack = make_pack(engine, Limits(), SERVER_KEY, alert_id, variant, "why", None, at(60))
        assert verify(pack).result is Result.GENUINE
        files = contents(pack)
        assert "people.json" not in files
        assert files["messages.jsonl"] == b""
        assert "our own system" in files["replay.json"].decode()
        said = text_of(files["report.pdf"])
        assert "A part of the system itself did not work" in said
        assert "No position belongs to this alert" in said


def test_the_pack_of_a_test_run_says_that_there_is_nothing_to_compute(engine: Engine) -> None:
    played = Played(engine)
    with transaction(engine) as session:
        report = alerts.start_drill(session, played.scene.order_id, None, lambda _session, _ids: {}, at(5))
    for variant in Variant:
        pack = make_pack(engine, Limits(), SERVER_KEY, report.drill.alert_id, variant, "why", None, at(60))
        files = contents(pack)
        assert "started by a person" in files["replay.json"].decode()
        said = " ".join(text_of(files["report.pdf"]).split())
        assert "Not computed again. It is a test run: it was started by a person" in said
        assert "NOT identical" not in said


def test_an_alert_about_a_device_that_nobody_carries_tells_of_that_device(engine: Engine) -> None:
    played = Played(engine)
    with transaction(engine) as session:
        event = Event(
            kind=EventKind.DEVICE_ALARM, occurred_at=at(5), device_id=played.scene.ankle.id, exercise=True
        )
        alert_id = alerts.open_alerts(session, [event], at(5))[0].id
    played.house.take(position(played.scene.ankle, near(HOME, 5000), at(2)))
    pack = make_pack(engine, Limits(), SERVER_KEY, alert_id, Variant.FULL, "why", None, at(60))
    state = json.loads(contents(pack)["state.json"])
    assert [one["device_id"] for one in state["devices"]] == [str(played.scene.ankle.id)]
    assert state["order"] == []


def phone(session: Session, holder_id: UUID, seconds: float) -> UUID:
    """Another phone in somebody's hands from this moment on."""
    draft = DeviceDraft(DeviceKind.PHONE, "", sealed=False, require_sealed=False, simulated=True)
    device, _secret = orders.add_device(session, draft, None, at(seconds))
    orders.assign_device(session, device.id, None, holder_id, None, at(seconds))
    return device.id


def test_a_device_entered_a_minute_before_was_silent_for_a_minute(engine: Engine) -> None:
    played = Played(engine)
    with transaction(engine) as session:
        draft = DeviceDraft(DeviceKind.PHONE, "", sealed=False, require_sealed=False, simulated=True)
        device, _secret = orders.add_device(session, draft, None, at(0))
        holder = played.scene.person_id
        orders.assign_device(session, device.id, None, holder, None, at(0), since=at(-7200))
        low = Event(
            kind=EventKind.BATTERY_LOW, device_id=device.id, order_id=played.scene.order_id, person_id=holder,
            occurred_at=at(60),
        )  # fmt: skip
        alert_id = alerts.open_alerts(session, [low], at(60))[0].id
    pack = make_pack(engine, Limits(), SERVER_KEY, alert_id, Variant.FULL, "why", None, at(90))
    files = contents(pack)
    health = {one["device_id"]: one for one in json.loads(files["state.json"])["device_health_before"]}
    assert health[str(device.id)]["longest_silence_s"] == 60.0
    assert f"60 s from {at(0):%H:%M:%S}" in " ".join(text_of(files["report.pdf"]).split())


def test_of_several_people_only_those_whom_the_alert_concerns_are_told_of(engine: Engine) -> None:
    played = Played(engine)
    with transaction(engine) as session:
        other = orders.add_person(session, "P-other", "Other Name", None, at(0))
        order = orders.get_order(session, played.scene.order_id)
        draft = {name: getattr(order, name) for name in OrderDraft.__dataclass_fields__}
        draft |= {"protected_person_ids": (played.scene.person_id, other.id)}
        orders.change_order(session, order, OrderDraft(**draft), None, at(0))
        theirs = phone(session, other.id, 0)
        orders.unassign_device(session, phone(session, played.scene.person_id, -9000), None, at(-8000))
        about: dict[str, Any] = {"occurred_at": at(7), "order_id": played.scene.order_id, "exercise": True}
        low = Event(kind=EventKind.BATTERY_LOW, device_id=played.scene.ankle.id, **about)
        sos = Event(
            kind=EventKind.SOS, device_id=played.scene.phone.id, person_id=played.scene.person_id, **about
        )
        of_all, of_one = alerts.open_alerts(session, [low, sos], at(7))
    ids = {str(played.scene.ankle.id), str(played.scene.phone.id)}
    assert (set(of_all.person_ids), of_one.person_ids) == (
        {played.scene.person_id, other.id},
        (played.scene.person_id,),
    )
    for alert, devices, people in ((of_one, ids, 2), (of_all, ids | {str(theirs)}, 3)):
        pack = make_pack(engine, Limits(), SERVER_KEY, alert.id, Variant.FULL, "why", None, at(900))
        files = contents(pack)
        assert {one["device_id"] for one in json.loads(files["state.json"])["devices"]} == devices
        assert len(json.loads(files["people.json"])) == people


def test_a_window_is_an_hour_before_ten_minutes_after_and_a_day_at_most() -> None:
    window = window_of(at(0), at(900), at(90_000))
    assert (window.begin, window.end) == (at(-3600), at(1500))
    assert window_of(at(0), None, at(300)).end == at(300)
    assert window_of(at(0), None, at(999_999)).end == at(86_400)
    assert window_of(at(0), None, at(-5)).end == at(0)


def test_commands_that_no_alert_caused_are_part_of_it(played: Played) -> None:
    with transaction(played.engine) as session:
        alerts.tell_interval(session, played.scene.ankle.id, 15, at(100))
        alerts.tell_interval(session, uuid4(), 15, at(100))
    log = lines(contents(played.pack())["log.jsonl"])
    assert [line["payload"]["interval_s"] for line in log if line["kind"] == "setInterval"] == [15]


def test_a_message_too_long_to_be_kept_is_said_to_be_missing(played: Played) -> None:
    long = json.dumps({"_type": "waypoints", "x": "y" * 5000}).encode()
    played.play(begin_s=5000)
    played.house.take(received(played.scene.ankle, long, at(5001)))
    played.house.take(position(played.scene.ankle, near(HOME, 9000), at(5900)))
    alert_id = played.house.alerts()[Family.APPROACH][-1]
    pack = make_pack(played.engine, Limits(), SERVER_KEY, alert_id, Variant.FULL, "why", None, at(9000))
    state = json.loads(contents(pack)["state.json"])
    assert any("too long to be kept" in said for said in state["lacking"])


def test_a_zone_that_was_changed_is_told_in_both_versions(engine: Engine) -> None:
    from api.geofence.model import Circle, Visibility
    from api.geofence.service import zones
    from api.geofence.service.zones import ZoneDraft

    played = Played(engine)
    played.play()
    with transaction(engine) as session:
        seen = zones.get_zone(session, played.scene.order_id, played.scene.zone_id)
        zones.change_zone(
            session, seen, ZoneDraft("home", Circle(HOME, 600.0), 0.0, Visibility.DECLARED), None, at(700)
        )
    state = json.loads(contents(played.pack())["state.json"])
    versions = [
        (one["zone"]["version"], one["until"]) for one in state["zones"] if one["zone"]["name"] == "home"
    ]
    assert [version for version, _until in versions] == [1, 2]
    assert versions[0][1] is not None


def test_the_command_writes_a_new_file_that_only_its_owner_can_read(played: Played, tmp_path: Path) -> None:
    path, out = tmp_path / "pack.zip", io.StringIO()
    given = (played.engine, Limits(), SERVER_KEY, str(played.alert()), "full", "why", path, out)
    assert packing.run(*given) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert verify(path.read_bytes()).result is Result.GENUINE
    before = path.read_bytes()
    assert packing.run(*given) == 1
    assert path.read_bytes() == before
    assert "is there already" in out.getvalue()


@pytest.mark.parametrize(
    ("alert", "folder", "key", "told"),
    [
        ("nonsense", ".", SERVER_KEY, "There is no alert nonsense."),
        (str(UUID(int=1)), ".", SERVER_KEY, "There is no such alert."),
        (None, "nowhere", SERVER_KEY, "cannot be written: No such file"),
    ],
)
def test_what_the_command_cannot_do_is_one_sentence(
    played: Played, tmp_path: Path, alert: str | None, folder: str, key: bytes, told: str
) -> None:
    out = io.StringIO()
    path = tmp_path / folder / "pack.zip"
    given = alert or str(played.alert())
    assert packing.run(played.engine, Limits(), key, given, "full", "why", path, out) == 1
    assert told in out.getvalue()
    assert not path.exists()


def test_a_wrong_server_key_is_one_sentence(played: Played, tmp_path: Path) -> None:
    out = io.StringIO()
    wrong = played.engine.execution_options(baken_server_key=bytes(32))
    assert (
        packing.run(wrong, Limits(), bytes(32), str(played.alert()), "full", "why", tmp_path / "p", out) == 1
    )
    assert "server key does not open" in out.getvalue()


def test_the_key_is_printed_and_follows_from_the_server_key() -> None:
    out = io.StringIO()
    packing.print_key(SERVER_KEY, out)
    assert out.getvalue() == bytes(signing_key(SERVER_KEY).verify_key).hex() + "\n"
    assert signing_key(bytes(32)) != signing_key(SERVER_KEY)

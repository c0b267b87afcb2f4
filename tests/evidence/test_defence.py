"""Nothing that may lead to her is in the defence's pack, nor a trace of what was left out."""

import io
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pypdf
import pytest
from sqlalchemy import Engine

from api.alerts.model import Alert, AlertEntry, EntryKind, Event, EventKind, Mover
from api.alerts.rules.event_json import event_json
from api.alerts.service import open_alerts
from api.evidence.model.material import Material
from api.evidence.model.pack import NothingForDefence, Variant
from api.evidence.rules.redaction import for_defence, opening_for_defence
from api.evidence.rules.verifying import verify
from api.evidence.service.collecting import Asked, collect
from api.evidence.service.packing import make_pack
from api.geofence.model import Circle, Limits, Visibility
from api.geofence.service import zones
from api.geofence.service.limits import change_limits, show_limits
from api.geofence.service.zones import ZoneDraft
from api.kernel.db import make_engine, reading, transaction
from api.kernel.geo import Point
from api.orders import service as orders
from tests.accounts.persons import add_person
from tests.conftest import SERVER_KEY
from tests.evidence.packs import contents
from tests.evidence.stage import CHIEF, DESK, HIDDEN, Played, near, says
from tests.factories import NOW, make_exemption_draft
from tests.house import sqlite_of
from tests.rehearsal.house import at

HER_MORNING, HER_EVENING = Point(51.8812345, 4.3912345), Point(51.8654321, 4.6154321)


def streams(report: bytes) -> bytes:
    """Everything in a PDF, unpacked."""
    found = [report]
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", report, re.DOTALL):
        try:
            found.append(zlib.decompress(match[1]))
        except zlib.error:
            found.append(match[1])
    reader = pypdf.PdfReader(io.BytesIO(report))
    found += [page.extract_text().encode() for page in reader.pages]
    found += [str(reader.metadata).encode()]
    return b"\n".join(found)


@pytest.fixture
def played(sqlite_engine: Engine) -> Played:
    """She was elsewhere before and after; everybody wrote something down that says too much."""
    played = Played(sqlite_engine)
    for number in range(4):
        played.house.take(
            says(played.scene, "hers", HER_MORNING, -1500 + 300 * number, batt=43, seq=900 + number)
        )
    played.play(is_seen=True)
    played.house.take(says(played.scene, "hers", HER_EVENING, 880, batt=41, seq=990))
    played.answer()
    with transaction(sqlite_engine) as session:
        agreed = make_exemption_draft(
            reason="Lives with her aunt", zone_ids=(played.hidden,), valid_from=at(700), valid_until=at(4000)
        )
        orders.add_exemption(session, played.scene.order_id, agreed, DESK, at(30))
        seen = show_limits(session, played.scene.order_id, Limits())
        change_limits(session, seen, {"repeat_s": 50}, "She works at the bakery", DESK, at(1))
    return played


def test_no_canary_is_in_any_file_of_the_pack_and_all_of_them_are_in_the_full_one(played: Played) -> None:
    with transaction(played.engine) as session:
        number, _pin = add_person(session, played.scene.person_id, NOW)
        reference = orders.list_references(session, [played.scene.person_id])[played.scene.person_id]
    canaries = [
        "51.88123", "4.391234", "51.8654", "4.61543", "51.931234", "4.451234", "Person Name", "Wearer Name",
        reference, "Hiding place 77", str(played.hidden), played.hidden.hex, "Rosenlaan", "K4711", "aunt",
        "children", "bakery", "for the hearing", str(played.scene.phone.id), played.scene.phone.id.hex,
        str(played.scene.person_id), played.scene.person_id.hex,
    ]  # fmt: skip
    full, reduced = (contents(played.pack(variant)) for variant in (Variant.FULL, Variant.DEFENCE))
    everything = b"\n".join([*full.values(), streams(full["report.pdf"])])
    missing = [one for one in canaries if one.encode() not in everything]
    only_dashed = [played.hidden.hex, played.scene.phone.id.hex, played.scene.person_id.hex]
    assert missing == only_dashed  # the search would find what is there
    reduced["report.pdf"] = streams(reduced["report.pdf"])
    found = [
        (name, one)
        for name, content in reduced.items()
        for one in [*canaries, number]
        if one.encode() in content
    ]
    assert found == []
    assert "people.json" not in reduced


def test_nothing_in_the_reduced_pack_is_called_concealed(played: Played) -> None:
    files = contents(played.pack(Variant.DEFENCE))
    files["report.pdf"] = streams(files["report.pdf"])
    for name, content in files.items():
        assert not re.search(rb"conceal|hidden|hiding", content, re.IGNORECASE), name


def test_her_places_in_it_are_those_that_events_rest_on(played: Played) -> None:
    files = contents(played.pack(Variant.DEFENCE))
    log = [json.loads(line) for line in files["log.jsonl"].splitlines()]
    near_her = [line["event"] for line in log if line.get("event") and line["event"].get("protected")]
    assert len(near_her) > 4
    assert all(event["protected"]["device_id"] is None for event in near_her)
    others = [line["event"] for line in log if line.get("event") and not line["event"].get("protected")]
    assert {event["kind"] for event in others} == {
        "zone_buffer",
        "zone_breach",
        "zone_left",
        "external_sighting",
    }
    told = {(event["protected"]["point"]["lat"], event["protected"]["point"]["lon"]) for event in near_her}
    features = json.loads(files["incident.geojson"])["features"]
    hers = [one for one in features if one["properties"].get("party") == "protected"]
    assert {tuple(one["geometry"]["coordinates"][::-1]) for one in hers} == told
    assert {one["properties"]["what"] for one in hers} == {"event"}


def same_names(files: dict[str, bytes], played: Played) -> dict[str, str]:
    """The files with ids and references that differ by chance alone called by their order of appearance."""
    with reading(played.engine) as session:
        order = orders.get_order(session, played.scene.order_id)
        wearer = orders.list_references(session, [played.scene.wearer_id])[played.scene.wearer_id]
    texts = {name: content.decode() for name, content in files.items() if name.endswith(("n", "l", "t"))}
    texts.pop("manifest.json")
    texts["report"] = "\n".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO(files["report.pdf"])).pages
    )
    ids: dict[str, str] = {}
    pattern = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
    for name in sorted(texts, key=lambda one: one == "report"):
        for found in pattern.findall(texts[name]):
            ids.setdefault(found, f"id{len(ids)}")
    short = {found[:8]: called for found, called in ids.items()}
    for name, content in texts.items():
        plain = pattern.sub(lambda match: ids[match[0]], content)
        for found, called in short.items():
            plain = plain.replace(found, called)
        texts[name] = plain.replace(order.reference, "ORDER").replace(wearer, "WEARER")
    return texts


def test_two_worlds_that_differ_only_in_a_concealed_zone_give_the_defence_the_same(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """In one he went through it, and the alert was opened and told because of it; in the other not."""
    packs = []
    for number, hidden in enumerate((HIDDEN, near(HIDDEN, 60_000))):
        engine = make_engine(sqlite_of(sqlite_template, tmp_path / str(number)), SERVER_KEY)
        played = Played(engine, hidden=hidden)
        played.play(is_seen=True)
        played.answer()
        packs.append(same_names(contents(played.pack(Variant.DEFENCE)), played))
        engine.dispose()
    through, beside = packs
    assert through.keys() == beside.keys()
    for name in through:
        assert through[name] == beside[name], name


def material_of(played: Played, alert_id: UUID | None = None) -> Material:
    asked = Asked(alert_id or played.alert(), CHIEF, at(3000), "why", (), {"error": "not asked for."})
    with reading(played.engine) as session:
        return collect(session, asked, Limits())


def entry(number: int, event: Event | None, kind: EntryKind = EntryKind.UPDATED) -> AlertEntry:
    author = None if event else DESK
    return AlertEntry(number, UUID(int=5), at(number), kind, 1, author, event_json(event) if event else None)


def seen_by_defence(material: Material, *entries: AlertEntry) -> Material:
    return for_defence(msgspec.structs.replace(material, entries=entries))


def event(kind: EventKind, number: int, **more: Any) -> Event:
    return Event(kind=kind, occurred_at=at(number), exercise=True, **more)


def test_an_alert_about_nothing_but_a_concealed_zone_has_no_pack_for_the_defence(played: Played) -> None:
    material = material_of(played)
    hidden = event(EventKind.ZONE_BREACH, 1, zone_id=played.hidden, zone_version=1, concealed=True)
    with pytest.raises(NothingForDefence):
        seen_by_defence(material, entry(1, hidden), entry(2, None, EntryKind.ACKNOWLEDGED))
    with pytest.raises(NothingForDefence):
        opening_for_defence(msgspec.structs.replace(material, entries=()))


def test_lines_are_numbered_named_and_rated_as_if_the_rest_had_never_been(played: Played) -> None:
    hidden = event(EventKind.ZONE_BREACH, 1, zone_id=played.hidden, zone_version=1, concealed=True)
    told = seen_by_defence(
        material_of(played),
        entry(1, hidden, EntryKind.OPENED),
        entry(2, None, EntryKind.ACKNOWLEDGED),
        entry(3, event(EventKind.ZONE_BUFFER, 3, zone_id=played.scene.zone_id, zone_version=1)),
        entry(4, event(EventKind.ZONE_BREACH, 4, zone_id=played.scene.zone_id, zone_version=1)),
        entry(5, event(EventKind.ZONE_LEFT, 5, zone_id=played.scene.zone_id, zone_version=1)),
        entry(6, hidden),
        entry(7, None, EntryKind.RESOLVED),
    )
    assert [(one.seq, one.kind.value, one.severity) for one in told.entries] == [
        (1, "opened", 3),
        (2, "raised", 1),
        (3, "updated", 1),
        (4, "resolved", 1),
    ]
    alert: Alert = told.alert
    assert (alert.kind, alert.severity, alert.opened_at, alert.last_event_at) == (
        "zone_breach",
        1,
        at(3),
        at(5),
    )
    assert (alert.concealed, alert.resolution_note) == (False, "")


def test_an_alert_taken_before_its_first_event_that_is_told_was_not_taken(played: Played) -> None:
    material = material_of(played)
    early = msgspec.structs.replace(material, alert=replace(material.alert, acknowledged_at=at(2)))
    told = seen_by_defence(early, entry(3, event(EventKind.STRAP_TAMPER, 3, device_id=played.scene.ankle.id)))
    assert (told.alert.acknowledged_at, told.alert.acknowledged_by) == (None, None)
    assert told.entries[0].event is not None
    assert told.entries[0].event["device_id"] == str(played.scene.ankle.id)


def test_of_her_device_it_is_told_that_something_was_the_matter_and_not_what(played: Played) -> None:
    hers = {"device_id": played.scene.phone.id, "person_id": played.scene.person_id}
    told = seen_by_defence(
        material_of(played),
        entry(1, event(EventKind.SOS, 1, reason="sos", **hers)),
        entry(2, event(EventKind.PROTECTED_DEVICE_DEGRADED, 2, reason="battery_critical", **hers)),
        entry(
            3,
            event(EventKind.CONDITION_ENDED, 3, reason="protected_device_degraded:battery_critical", **hers),
        ),
        entry(4, event(EventKind.CONDITION_ENDED, 4, reason="battery_low", device_id=played.scene.ankle.id)),
    )
    events = [one.event or {} for one in told.entries]
    assert [one["reason"] for one in events] == ["", "", "protected_device_degraded", "battery_low"]
    assert [one["device_id"] for one in events] == [None, None, None, str(played.scene.ankle.id)]
    assert {one["person_id"] for one in events} == {"protected person 1", None}
    assert told.distances == ()


def test_no_silence_of_his_device_is_told_for_it_says_how_near_she_was(played: Played) -> None:
    his = {"device_id": played.scene.ankle.id}
    early = event(EventKind.LOST_CONTACT, 3, reason="reaches", reach_m=900.0, distance_m=70.0, **his)
    late = event(EventKind.LOST_CONTACT, 4, reason="silent", reach_m=900.0, **his)
    back = event(EventKind.CONTACT_RESTORED, 5, **his)
    over = event(EventKind.CONDITION_ENDED, 6, reason="lost_contact:silent", **his)
    with pytest.raises(NothingForDefence):
        seen_by_defence(
            material_of(played), *(entry(n, one) for n, one in enumerate((early, late, back, over)))
        )
    strap = entry(9, event(EventKind.STRAP_TAMPER, 9, **his))
    told = seen_by_defence(material_of(played), entry(3, early), entry(5, back), strap)
    assert [(one.seq, one.kind.value, one.event["kind"]) for one in told.entries if one.event] == [
        (1, "opened", "strap_tamper")
    ]
    assert told.alert.opened_at == at(9)


def test_a_sighting_of_her_away_from_her_device_is_not_told(played: Played) -> None:
    with pytest.raises(NothingForDefence):
        seen_by_defence(
            material_of(played),
            entry(
                1,
                event(EventKind.EXTERNAL_SIGHTING, 1, person_id=played.scene.person_id, mover=Mover.NEITHER),
            ),
        )


def test_versions_of_a_zone_are_numbered_from_when_he_was_told_of_it(played: Played) -> None:
    with transaction(played.engine) as session:
        seen = zones.get_zone(session, played.scene.order_id, played.hidden)
        open_now = ZoneDraft("Hiding place 77", Circle(HIDDEN, 200.0), 0.0, Visibility.DECLARED)
        zones.change_zone(session, seen, open_now, DESK, at(890))
    told = seen_by_defence(
        material_of(played),
        entry(1, event(EventKind.ZONE_BREACH, 1, zone_id=played.hidden, zone_version=1)),
        entry(2, event(EventKind.ZONE_BREACH, 2, zone_id=played.hidden, zone_version=2, distance_m=-4.0)),
    )
    (line,) = told.entries
    assert line.event is not None
    assert (line.event["zone_version"], line.event["distance_m"]) == (1, -4.0)
    assert [(one.zone.name, one.zone.version) for one in told.zones] == [("zone 1", 1), ("zone 2", 1)]


def test_what_was_agreed_is_told_without_where_and_why(played: Played) -> None:
    with transaction(played.engine) as session:
        both = make_exemption_draft(
            zone_ids=(played.hidden, played.scene.zone_id), valid_from=at(700), valid_until=at(4000)
        )
        agreed = orders.add_exemption(session, played.scene.order_id, both, DESK, at(40))
    covered = event(
        EventKind.ZONE_BREACH, 1, zone_id=played.scene.zone_id, zone_version=1, exemption_id=agreed.id
    )
    told = seen_by_defence(material_of(played), entry(1, covered))
    mine = next(one for one in told.exemptions if one.id == agreed.id)
    assert (mine.zone_ids, mine.reason, mine.place, mine.created_by) == (
        (played.scene.zone_id,),
        "",
        None,
        None,
    )
    assert len(told.exemptions) == 2  # of three: one covers nothing that he knows of
    assert told.entries[0].event is not None
    assert told.entries[0].event["exemption_id"] == str(agreed.id)


def test_what_a_recomputation_found_is_told_of_the_events_that_are_told(played: Played) -> None:
    difference = {"field": "protected", "stored": "51.9", "computed": "51.8"}
    hidden = event(EventKind.ZONE_BREACH, 1, zone_id=played.hidden, zone_version=1, concealed=True)
    outcome = {
        "alert": "a",
        "is_identical": False,
        "stored_rules": ["1"],
        "computed_rules": "1",
        "messages": 9,
        "notes": ["2 messages"],
        "events": [
            {"verdict": "differs", "at": "t", "kind": "zone_breach", "differences": [difference]},
            {"verdict": "identical", "at": "t", "kind": "strap_tamper", "differences": []},
            {"verdict": "differs", "at": "t", "kind": "sos", "differences": [difference]},
        ],
    }
    material = msgspec.structs.replace(material_of(played), replay=outcome)
    strap, sos = event(EventKind.STRAP_TAMPER, 2), event(EventKind.SOS, 3)
    told = seen_by_defence(material, entry(1, hidden), entry(2, strap)).replay
    assert (told["is_identical"], [one["kind"] for one in told["events"]]) == (True, ["strap_tamper"])
    told = seen_by_defence(material, entry(1, hidden), entry(2, strap), entry(3, sos)).replay
    assert told["is_identical"] is False
    assert told["events"][1]["differences"] == [{"field": "protected"}]
    assert "messages" not in told


def test_his_long_messages_are_said_to_be_missing_and_hers_are_not(played: Played) -> None:
    material = material_of(played)
    strap = entry(2, event(EventKind.STRAP_TAMPER, 2))
    for device, lacking in ((played.scene.ankle.id, 1), (played.scene.phone.id, 0)):
        long = msgspec.structs.replace(material.messages[0], device_id=device, payload=None)
        told = seen_by_defence(msgspec.structs.replace(material, messages=(long,)), strap)
        assert len(told.lacking) == lacking


def test_the_defences_pack_of_a_device_alarm_of_hers_names_no_device(sqlite_engine: Engine) -> None:
    played = Played(sqlite_engine)
    with transaction(sqlite_engine) as session:
        pressed = event(EventKind.SOS, 5, device_id=played.scene.phone.id, order_id=played.scene.order_id)
        alert_id = open_alerts(session, [pressed], at(5))[0].id
    pack = make_pack(sqlite_engine, Limits(), SERVER_KEY, alert_id, Variant.DEFENCE, "why", None, at(60))
    assert verify(pack).manifest is not None
    for name, content in contents(pack).items():
        assert str(played.scene.phone.id).encode() not in content, name


def test_the_reason_of_a_pack_for_the_defence_stays_in_the_house(played: Played) -> None:
    manifest = verify(played.pack(Variant.DEFENCE)).manifest
    assert manifest is not None
    assert (manifest.variant, manifest.reason) == (Variant.DEFENCE, "")

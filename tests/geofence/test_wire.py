import base64
import contextlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import nacl.secret
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from api.geofence.model import AlarmKind, DeviceAlarm, DeviceReceipt, DeviceReport, Fix, FixSource, Gnss
from api.geofence.wire import (
    CONTACT_ONLY,
    MAX_PAYLOAD_BYTES,
    BadMessage,
    RejectReason,
    opened,
    parse_message,
    parse_topic,
)
from api.orders.model import Device, DeviceKind

CONTRACTS = Path(__file__).parents[2] / "ops" / "contracts"
GOOD = sorted((CONTRACTS / "examples").glob("*.json"))
BAD = sorted((CONTRACTS / "examples" / "bad").glob("*.json"))
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ID = UUID(int=7)
KEY = bytes(range(32))


def make_device(*, sealing_key: bytes | None = None, require_sealed: bool = False) -> Device:
    return Device(
        id=ID,
        kind=DeviceKind.ANKLE_MONITOR,
        label="x",
        shard=3,
        secret_hash="",
        sealing_key=sealing_key,
        require_sealed=require_sealed,
        simulated=False,
        retired_at=None,
    )


def seal(message: dict[str, Any], key: bytes = KEY) -> bytes:
    box = bytes(nacl.secret.SecretBox(key).encrypt(json.dumps(message).encode()))
    return json.dumps({"_type": "encrypted", "data": base64.b64encode(box).decode()}).encode()


def encode(**fields: Any) -> bytes:
    message = {"_type": "location", "lat": 52.0, "lon": 4.5, "tst": 1795435200}
    return json.dumps(message | fields).encode()


def reason_of(payload: bytes, device: Device | None = None) -> RejectReason:
    with pytest.raises(BadMessage) as caught:
        parse_message(device or make_device(), payload, NOW)
    return caught.value.reason


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_every_example_of_the_contract_is_understood(path: Path) -> None:
    assert isinstance(
        parse_message(make_device(), path.read_bytes(), NOW), Fix | DeviceAlarm | DeviceReceipt | DeviceReport
    )


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_every_example_fits_its_schema(path: Path) -> None:
    message = json.loads(path.read_text())
    schema = CONTRACTS / f"{message['_type']}.schema.json"
    if not schema.exists():  # types that count as a sign of life only have no schema of ours
        assert message["_type"] in CONTACT_ONLY
        return
    Draft202012Validator(json.loads(schema.read_text())).validate(message)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_bad_example_is_kept_aside_with_the_reason_in_its_name(path: Path) -> None:
    assert reason_of(path.read_bytes()) == path.stem.split("-")[0]


@pytest.mark.parametrize("name", CONTACT_ONLY)
def test_every_other_type_that_a_phone_sends_is_a_sign_of_life(name: str) -> None:
    said = parse_message(make_device(), json.dumps({"_type": name, "batt": 40, "x": [1]}).encode(), NOW)
    assert said == DeviceReport(ID, NOW, name, 40)


def test_a_position_is_read_with_its_units() -> None:
    said = parse_message(
        make_device(),
        encode(acc=12, alt=3, vel=36, cog=90, batt=80, seq=17, src="gnss", strap="closed"),
        NOW,
    )
    assert isinstance(said, Fix)
    assert said.fixed_at == datetime.fromtimestamp(1795435200, UTC)
    assert said.speed_m_s == pytest.approx(10.0)
    assert (said.accuracy_m, said.seq, said.battery_pct) == (12.0, 17, 80)
    assert said.source is FixSource.GNSS
    assert said.strap_closed is True


@pytest.mark.parametrize("acc", [None, 0, -5, "good", True, 1e9])
def test_an_accuracy_that_makes_no_sense_is_unknown_not_perfect(acc: Any) -> None:
    said = parse_message(make_device(), encode(acc=acc), NOW)
    assert isinstance(said, Fix)
    assert said.accuracy_m is None


@given(
    junk=st.one_of(
        st.none(),
        st.text(max_size=5),
        st.booleans(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(),
        st.lists(st.integers(), max_size=2),
        st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    ),
    field=st.sampled_from(
        ["acc", "alt", "vel", "cog", "batt", "seq", "src", "strap", "sats", "motion", "mock", "new"]
    ),
)
def test_nonsense_beside_the_position_never_costs_the_position(junk: Any, field: str) -> None:
    payload = encode(**{field: junk})
    if isinstance(junk, int) and abs(junk) >= 2**63:
        return  # beyond what the decoder takes as a number at all; covered by the malformed examples
    said = parse_message(make_device(), payload, NOW)
    assert isinstance(said, Fix)
    assert said.point == (52.0, 4.5)


def status(**fields: Any) -> DeviceReport:
    said = parse_message(make_device(), json.dumps({"_type": "status"} | fields).encode(), NOW)
    assert isinstance(said, DeviceReport)
    return said


def test_a_status_tells_how_the_device_is() -> None:
    said = status(
        batt=71.4, motion=True, mock=True, fix=False, gnss="jammed", strap="open", permission="denied"
    )
    assert said == DeviceReport(
        ID,
        NOW,
        "status",
        battery_pct=71,
        moving=True,
        has_fix=False,
        gnss=Gnss.JAMMED,
        strap_closed=False,
        permission=False,
        mocked=True,
    )
    assert status(fix=True, strap="closed", permission="granted", motion=False) == DeviceReport(
        ID, NOW, "status", moving=False, has_fix=True, strap_closed=True, permission=True
    )


_JUNK: dict[str, list[Any]] = {
    "motion": ["true", 1, 0, None, [True]],
    "mock": ["true", 1, None, {}],
    "fix": ["false", 0, None],
    "gnss": ["OK", True, 3, ["ok"], None],
    "strap": ["Closed", False, 1, {"a": 1}],
    "permission": [True, "yes", [], None],
    "batt": ["full", -1, 101, True],
}


@pytest.mark.parametrize(("field", "junk"), [(f, junk) for f, values in _JUNK.items() for junk in values])
def test_nonsense_in_a_status_is_dropped_and_never_costs_the_rest(field: str, junk: Any) -> None:
    good = {"motion": True, "fix": False, "gnss": "none", "strap": "closed", "permission": "granted"}
    assert status(**(good | {field: junk})) == status(
        **{name: value for name, value in good.items() if name != field}
    )


@pytest.mark.parametrize("name", [name for name in CONTACT_ONLY if name != "status"])
def test_only_a_status_tells_how_the_device_is(name: str) -> None:
    payload = {"_type": name, "motion": True, "fix": False, "gnss": "jammed", "strap": "open"}
    assert parse_message(make_device(), json.dumps(payload).encode(), NOW) == DeviceReport(ID, NOW, name)


@pytest.mark.parametrize("kind", ["location", "transition"])
def test_a_position_tells_whether_the_device_moves_and_whether_it_is_mocked(kind: str) -> None:
    for motion in (True, False):
        said = parse_message(make_device(), encode(_type=kind, motion=motion, mock=motion), NOW)
        assert isinstance(said, Fix)
        assert (said.moving, said.mocked) == (motion, motion)


@pytest.mark.parametrize("junk", ["true", 1, None, [], {}])
def test_a_motion_or_mock_that_makes_no_sense_was_not_said(junk: Any) -> None:
    said = parse_message(make_device(), encode(motion=junk, mock=junk), NOW)
    assert isinstance(said, Fix)
    assert (said.moving, said.mocked) == (None, False)


@given(st.binary(max_size=200))
def test_any_bytes_are_either_understood_or_kept_aside(payload: bytes) -> None:
    with contextlib.suppress(BadMessage):  # any other exception fails the test
        parse_message(make_device(sealing_key=KEY), payload, NOW)


@given(
    lat=st.floats(allow_nan=False, allow_infinity=False),
    lon=st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_place_off_the_earth_is_refused_and_one_on_it_is_kept_exactly(lat: float, lon: float) -> None:
    payload = encode(lat=lat, lon=lon)
    if abs(lat) <= 90 and abs(lon) <= 180 and (lat, lon) != (0, 0):
        said = parse_message(make_device(), payload, NOW)
        assert isinstance(said, Fix)
        assert said.point == (lat, lon)
    else:
        assert reason_of(payload) in {RejectReason.OUT_OF_RANGE, RejectReason.NULL_ISLAND}


def test_a_clock_of_1901_is_a_time_that_the_rules_refuse_later() -> None:
    said = parse_message(make_device(), encode(tst=-2147483648), NOW)
    assert isinstance(said, Fix)
    assert said.fixed_at.year == 1901


def test_too_long_a_message_is_refused_before_it_is_read() -> None:
    assert reason_of(b" " * (MAX_PAYLOAD_BYTES + 1)) is RejectReason.TOO_LARGE


def test_deep_nesting_is_malformed_and_does_not_crash() -> None:
    assert reason_of(b'{"_type":"location","x":' + b"[" * 30_000) is RejectReason.MALFORMED


def test_a_sealed_message_is_opened_with_its_devices_key() -> None:
    message = json.loads(encode(acc=5))
    plain = parse_message(make_device(), json.dumps(message).encode(), NOW)
    assert parse_message(make_device(sealing_key=KEY), seal(message), NOW) == plain


def test_a_message_sealed_with_another_key_is_refused() -> None:
    sealed = seal(json.loads(encode()), bytes(32))
    assert reason_of(sealed, make_device(sealing_key=KEY)) is RejectReason.BAD_SEAL


def test_a_sealed_message_of_a_device_without_a_key_is_refused() -> None:
    assert reason_of(seal(json.loads(encode()))) is RejectReason.BAD_SEAL


def test_sealing_cannot_be_talked_down_where_it_is_required() -> None:
    device = make_device(sealing_key=KEY, require_sealed=True)
    assert reason_of(encode(), device) is RejectReason.NOT_SEALED
    assert isinstance(parse_message(device, seal(json.loads(encode())), NOW), Fix)


def test_a_seal_inside_a_seal_is_refused() -> None:
    inner = json.loads(seal(json.loads(encode())))
    assert reason_of(seal(inner), make_device(sealing_key=KEY)) is RejectReason.UNKNOWN_TYPE


def test_an_alarm_of_an_unknown_kind_is_still_an_alarm() -> None:
    said = parse_message(make_device(), b'{"_type":"alarm","kind":"volcano","tst":1795435200}', NOW)
    assert isinstance(said, DeviceAlarm)
    assert (said.kind, said.kind_said) == (AlarmKind.UNKNOWN, "volcano")


@pytest.mark.parametrize(
    "place", [{"lat": 91, "lon": 4}, {"lat": "x", "lon": 4}, {"lat": 52}, {"lat": 0, "lon": 0}]
)
def test_a_bad_place_never_costs_the_alarm(place: dict[str, Any]) -> None:
    payload = json.dumps({"_type": "alarm", "kind": "sos", "tst": 1795435200} | place).encode()
    said = parse_message(make_device(), payload, NOW)
    assert isinstance(said, DeviceAlarm)
    assert said.point is None


def test_a_broken_clock_never_costs_the_alarm() -> None:
    said = parse_message(make_device(), b'{"_type":"alarm","kind":"sos","tst":1e300}', NOW)
    assert isinstance(said, DeviceAlarm)
    assert said.occurred_at == NOW


def test_a_receipt_names_its_command() -> None:
    said = parse_message(
        make_device(),
        json.dumps({"_type": "receipt", "id": str(UUID(int=9)), "outcome": "done"}).encode(),
        NOW,
    )
    assert said == DeviceReceipt(ID, NOW, UUID(int=9), "done")


def test_a_topic_gives_shard_device_and_lane() -> None:
    assert parse_topic(f"em/v1/3/{ID.hex}") == (3, ID, "")
    assert parse_topic(f"em/v1/63/{ID.hex}/alarm") == (63, ID, "alarm")


@pytest.mark.parametrize(
    "topic",
    ["em/v1/3", "em/v2/3/" + ID.hex, f"em/v1/x/{ID.hex}", "em/v1/3/" + "g" * 32, f"em/v1/3/{ID.hex}/a/b"],
)
def test_a_topic_that_is_not_ours_is_refused(topic: str) -> None:
    with pytest.raises(BadMessage):
        parse_topic(topic)


@given(st.floats(min_value=1e9, max_value=4e9))
def test_parts_of_a_second_are_cut_never_rounded_into_the_future(tst: float) -> None:
    said = parse_message(make_device(), encode(tst=tst), NOW)
    assert isinstance(said, Fix)
    assert said.fixed_at.timestamp() == math.floor(tst)


def test_the_text_of_a_sealed_message_can_be_read_and_of_others_there_is_none() -> None:
    device = make_device(sealing_key=KEY)
    message = json.loads(encode())
    assert json.loads(opened(device, seal(message)) or b"") == message
    for payload in (encode(), b"{", b'{"_type":"encrypted","data":7}', seal(message, bytes(32))):
        assert opened(device, payload) is None

"""The protocol of `python -m api judge`, line by line; time is virtual and the judging is the real one."""

import base64
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from api.geofence.model import Limits
from api.geofence.watchdog import SWEEP_S
from api.rehearsal.judge import run
from tests.project.sources import ROOT
from tests.scene import HOME, north_of

T = 1_790_000_000.0
ZONE = {
    "name": "home",
    "shape": {"type": "Circle", "center": [HOME.lon, HOME.lat], "radius_m": 500},
    "buffer_m": 250,
    "visibility": "declared",
}
ORDER: dict[str, Any] = {
    "say": "order",
    "order": "o1",
    "wearer": "w1",
    "people": ["p1"],
    "alert_radius_m": 500,
    "warning_radius_m": 1000,
    "valid_from": T - 100,
    "zones": [ZONE],
}
BEGIN: dict[str, Any] = {"say": "begin", "at": T}
ANKLE = {"say": "device", "device": "d1", "holder": "w1", "kind": "ankle_monitor", "since": T - 50}
PHONE = {"say": "device", "device": "d2", "holder": "p1", "kind": "phone", "since": T - 50}
WORLD = [BEGIN, ORDER, ANKLE, PHONE]
END = {"say": "end"}


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(T + seconds, UTC).isoformat()


AGREED: dict[str, Any] = {
    "order": "o1",
    "kind": "agreed_handover",
    "valid_from": iso(0),
    "valid_until": iso(3600),
    "people": ["p1"],
    "zones": ["home"],
}
SEEN: dict[str, Any] = {
    "at": T + 40,
    "order": "o1",
    "seen_at": iso(35),
    "point": {"lat": HOME.lat, "lon": HOME.lon},
    "accuracy_m": 20,
    "source": "camera",
}


def play(*said: dict[str, Any] | str) -> tuple[int, list[dict[str, Any]]]:
    """What is told of these lines, and the exit status."""
    source = [(line if isinstance(line, str) else json.dumps(line)).encode() + b"\n" for line in said]
    out = io.StringIO()
    status = run(source, out)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def until(seconds: float) -> dict[str, Any]:
    return {"say": "until", "at": T + seconds}


def position(
    device: str, seconds: float, metres: float, *, delay_s: float = 1.0, **more: Any
) -> dict[str, Any]:
    """Where a device is, so many metres north of the zone's centre."""
    point = north_of(HOME, metres)
    said = {"_type": "location", "lat": point.lat, "lon": point.lon, "tst": int(T + seconds), "acc": 8}
    return {"say": "message", "at": T + seconds + delay_s, "device": device, "json": said} | more


def of(told: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in told if line["told"] == kind]


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [line["event"]["kind"] for line in of(told, "event")]


def visit() -> list[dict[str, Any]]:
    """Two hours of both, with one approach into the zone that she is in."""
    lines = []
    for minute in range(120):
        metres = 3000 if not 40 <= minute < 60 else 3000 - 280 * min(minute - 39, 60 - minute)
        lines += [position("d2", 60 * minute, minute / 10), position("d1", 60 * minute + 20, metres)]
    return lines


def test_a_device_is_told_under_its_name_at_the_broker() -> None:
    status, told = play(*WORLD, ANKLE | {"device": "d3", "sealed": True}, END)
    plain, _phone, sealed = of(told, "device")
    assert status == 0
    assert plain["topic"].endswith(plain["id"])
    assert plain["sealing_key"] is None
    assert len(sealed["sealing_key"]) == 64


def test_an_approach_is_told_by_the_callers_names_with_every_message_that_it_causes() -> None:
    status, told = play(*WORLD, position("d2", 1, 0), position("d1", 2, 600), position("d1", 32, 100), END)
    assert status == 0
    assert kinds(told) == ["zone_buffer", "proximity_warning", "zone_breach", "proximity_breach"]
    breach = of(told, "event")[2]
    assert (breach["order"], breach["device"], breach["zone"]) == ("o1", "d1", "home")
    assert (breach["entry"], breach["severity"], breach["at"]) == ("raised", 1, T + 33)
    assert of(told, "event")[3]["person"] == "p1"
    assert {line["channel"] for line in of(told, "notification")} == {
        "police_webhook",
        "person_stream",
        "device",
    }
    commands = of(told, "command")
    assert {line["device"] for line in commands} == {"d1", "d2"}
    assert all(line["json"]["_type"] == "cmd" for line in commands)
    (end,) = of(told, "end")
    (alert,) = end["alerts"]
    assert alert["id"] == breach["alert"]
    assert (alert["family"], alert["severity"], alert["order"], alert["events"]) == ("approach", 1, "o1", 4)
    assert (end["messages"], end["fixes"], end["rejected"], end["dropped"]) == (3, 3, {}, 0)


def test_raw_bytes_bad_messages_and_a_strangers_log_in_are_counted_as_the_service_counts() -> None:
    raw = base64.b64encode(b"\x00\x01").decode()
    status, told = play(
        *WORLD,
        {"say": "message", "at": T + 1, "device": "d1", "payload": raw},
        {"say": "message", "at": T + 2, "device": "d1", "lane": "alarm", "payload": raw},
        position("d1", 3, 0) | {"as": "d2"},
        position("d1", 4, 5000) | {"as": "d1"},
        END,
    )
    assert status == 0
    assert kinds(told) == ["device_alarm"]
    (end,) = of(told, "end")
    assert (end["messages"], end["fixes"], end["rejected"], end["dropped"]) == (3, 1, {"malformed": 2}, 1)


@pytest.mark.parametrize("batch", [1, 500])
def test_silence_is_told_within_its_limit_and_one_tick(batch: int) -> None:
    begin = BEGIN | {"batch": batch, "limits": {"silence_s": 300}}
    far = [position("d1", 60 * i, 100_000) for i in range(5)] + [position("d2", 240, 0)]
    _status, told = play(begin, *WORLD[1:], *far, until(1000), END)
    lost, hers = of(told, "event")
    assert lost["event"]["kind"] == "lost_contact"
    assert T + 241 + 300 <= lost["at"] + 1 <= T + 241 + 300 + SWEEP_S + 1
    assert hers["at"] <= T + 241 + 300 + SWEEP_S
    assert of(told, "until") == [{"told": "until", "at": T + 1000}]


def strip(told: list[dict[str, Any]]) -> list[Any]:
    """What was told without the ids that each world makes for itself."""
    names = {"order_id", "device_id", "zone_id", "person_id", "wearer", "protected"}
    events = [{k: v for k, v in line["event"].items() if k not in names} for line in of(told, "event")]
    sides = [
        [side and side["point"] for side in (line["event"]["wearer"], line["event"]["protected"])]
        for line in of(told, "event")
    ]
    return [events, sides]


def test_the_same_messages_in_batches_give_the_same_events() -> None:
    broken = {"say": "message", "at": T + 60 * 50 + 30, "device": "d1", "json": {"_type": "location"}}
    quiet = [position("d2", 60 * minute, 0) for minute in range(120, 150)]
    lines = [*visit(), *quiet, position("d1", 60 * 150, 3000), position("d2", 60 * 150, 0)]
    lines = sorted([*lines, broken], key=lambda line: line["at"])
    one, many = (
        play(BEGIN | {"batch": batch}, *WORLD[1:], *lines, until(9010), END)[1] for batch in (1, 500)
    )
    assert strip(one) == strip(many)
    assert {"zone_breach", "proximity_breach", "zone_left", "lost_contact", "contact_restored"} <= set(
        kinds(one)
    )
    assert of(many, "end")[0]["rejected"] == {"wrong_field": 1}
    silences = [[e["at"] for e in of(told, "event") if "lost" in e["event"]["kind"]] for told in (one, many)]
    assert silences[0] == silences[1]


def test_an_order_that_has_ended_causes_nothing_more() -> None:
    ended = {"say": "end_order", "order": "o1", "at": T + 10}
    status, told = play(*WORLD, position("d1", 1, 5000), ended, position("d1", 20, 0), until(5000), END)
    assert (status, kinds(told)) == (0, [])
    assert of(told, "end")[0]["rejected"] == {"order_not_in_force": 1}


def test_a_new_world_knows_nothing_of_the_one_before() -> None:
    status, told = play(*WORLD, position("d1", 2, 0), BEGIN, ORDER, END)
    assert status == 0
    assert of(told, "end")[0]["messages"] == 0


FAULTS: list[tuple[dict[str, Any] | str, str]] = [
    ("{", "truncated"),
    ('{"say":"nothing"}', "nothing"),
    ('{"say":"until"}', "at"),
    ('{"say":"until","at":1e300}', "Unix"),
    (until(-5), "backwards"),
    (ORDER, "already"),
    (ORDER | {"order": "o2", "alert_radius_m": 2000}, "hold together"),
    (ORDER | {"order": "o2", "zones": [ZONE | {"buffer_m": -1}]}, "buffer_m"),
    (ORDER | {"order": "o2", "zones": [ZONE | {"nonsense": 1}]}, "nonsense"),
    (ANKLE, "already"),
    (ANKLE | {"device": "d9", "holder": "nobody"}, "nobody"),
    (ANKLE | {"device": "d9", "require_sealed": True}, "seal"),
    (ANKLE | {"device": "d9", "kind": "drone"}, "kind"),
    (position("d9", 1, 0), "d9"),
    (position("d1", 1, 0, lane="cmd"), "lane"),
    (position("d1", 1, 0) | {"as": "d9"}, "d9"),
    ({"say": "message", "at": T + 1, "device": "d1", "payload": "!"}, "base64"),
    ({"say": "end_order", "order": "o9", "at": T}, "o9"),
    ({"say": "exemption", "order": "o1"}, "kind"),
    ({"say": "exemption", **AGREED, "kind": "holiday"}, "kind"),
    ({"say": "exemption", **AGREED, "people": ["nobody"]}, "nobody"),
    ({"say": "exemption", **AGREED, "order": "o9"}, "o9"),
    ({"say": "sighting", "order": "o1"}, "at"),
    ({"say": "sighting", **SEEN, "source": "dream"}, "source"),
    (BEGIN | {"batch": 0}, "batch"),
    (BEGIN | {"limits": {"speed_limit": 1}}, "speed_limit"),
    (BEGIN | {"limits": {"confirm_fixes": 1.5}}, "limits"),
    (BEGIN | {"limits": {"silence_s": -5}}, "silence_s"),
    (BEGIN | {"limits": {"near_silence_s": 3000}}, "near_silence_s"),
]


@pytest.mark.parametrize(("line", "word"), FAULTS, ids=range(len(FAULTS)))
def test_a_line_that_cannot_be_followed_is_told_with_its_number_and_nothing_else_is_lost(
    line: dict[str, Any] | str, word: str
) -> None:
    status, told = play(*WORLD, position("d1", 0, 0), line, position("d1", 30, 0), END)
    (fault,) = of(told, "error")
    assert status == 2
    assert fault["line"] == 6
    assert word in fault["reason"]
    assert of(told, "end")[0]["fixes"] == 2


def test_what_is_agreed_pages_nobody_and_what_a_camera_sees_is_told() -> None:
    say = {"say": "exemption", **AGREED}
    _status, told = play(*WORLD, say, position("d2", 0, 0), position("d1", 5, 100), END)
    assert {line["severity"] for line in of(told, "event")} == {4}
    assert of(told, "notification") == []
    _status, told = play(*WORLD, position("d1", 30, 40_000), {"say": "sighting", **SEEN}, END)
    found = {(line["event"]["kind"], line["event"]["reason"]) for line in of(told, "event")}
    assert found == {("external_sighting", "contradicts_device"), ("external_sighting", "breach")}


def test_nothing_can_be_said_before_a_world_begins_or_after_it_ended() -> None:
    status, told = play(until(1), *WORLD, END, "", until(1))
    assert status == 2
    assert [line["line"] for line in of(told, "error")] == [1, 8]


def test_the_command_reads_lines_and_ends_with_the_number_of_the_protocol() -> None:
    lines = [*WORLD, position("d1", 1, 0), END]
    done = [
        subprocess.run(
            [sys.executable, "-m", "api", "judge"],
            cwd=ROOT,
            input="".join(json.dumps(line) + "\n" for line in said),
            capture_output=True,
            text=True,
            check=False,
        )
        for said in (lines, [*lines, END])
    ]
    assert [one.returncode for one in done] == [0, 2], done[0].stderr
    assert json.loads(done[0].stdout.splitlines()[-1])["fixes"] == 1


def test_a_limit_that_counts_is_a_whole_number() -> None:
    status, told = play(BEGIN | {"limits": {"confirm_fixes": 3, "loiter_count": 4}}, *WORLD[1:], END)
    assert (status, of(told, "error")) == (0, [])


def test_the_default_limits_are_the_services_own() -> None:
    far = [position("d1", 0, 100_000), position("d2", 0, 0)]
    _status, told = play(*WORLD, *far, until(2000), END)
    assert of(told, "event")[0]["at"] >= T + Limits().silence_s

"""Nothing that reaches the wearer's device tells where a concealed zone is, or where she is.

The same way of his is judged in worlds that differ only in what he must not learn; every command to his
device is compared, byte for byte and moment for moment. What the broker and the HTTP intake answer him
comes before anything is judged, so it cannot differ (ops/docs/architecture.md).
"""

import io
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.rehearsal.judge import run
from tests.rehearsal.test_judge import ANKLE, BEGIN, END, ORDER, PHONE, ZONE, T, iso
from tests.scene import HOME, north_of

DECLARED = ZONE | {
    "name": "declared",
    "shape": {"type": "Circle", "center": [4.4792, 51.96], "radius_m": 300},
}
STEP_S = 15
WAYS = st.lists(st.floats(-900, 900), min_size=3, max_size=14)
"""His way north and south of HOME, metres; 15 s apart, so that steps are those of a walk up to a car."""
PLACES = st.floats(-1500, 1500)


def concealed(north_m: float, radius_m: float) -> dict[str, Any]:
    center = north_of(HOME, north_m)
    shape = {"type": "Circle", "center": [center.lon, center.lat], "radius_m": radius_m}
    return ZONE | {"name": "hers", "shape": shape, "visibility": "concealed"}


def says(device: str, at_s: float, north_m: float, **more: Any) -> dict[str, Any]:
    place = north_of(HOME, north_m)
    said = {"_type": "location", "lat": place.lat, "lon": place.lon, "tst": int(T + at_s), "acc": 8} | more
    return {"say": "message", "at": T + at_s, "device": device, "json": said}


def observed(
    way: list[float], zones: list[dict[str, Any]], her_m: float, *more: dict[str, Any], silent_s: float = 0.0
) -> list[dict[str, Any]]:
    """Every command that reaches his device, with its moment; only its random id is left out."""
    limits = {"longest_interval_s": 600, "wearer_longest_interval_s": 600}
    his = [says("d1", STEP_S * n, north_m, batt=60 - n) for n, north_m in enumerate(way, start=1)]
    hers = [says("d2", STEP_S * n + 1, her_m) for n in range(1, len(way) + 1)]
    messages = sorted([*his, *hers], key=lambda line: line["at"])
    lines = [BEGIN | {"limits": limits}, ORDER | {"zones": zones}, ANKLE, PHONE, *more, *messages]
    lines += [{"say": "until", "at": T + STEP_S * len(way) + 2 + silent_s}, END]
    out = io.StringIO()
    assert run([json.dumps(line).encode() for line in lines], out) == 0
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    commands = [line for line in told if line["told"] == "command" and line["device"] == "d1"]
    for command in commands:
        del command["json"]["id"]
    return commands


@given(WAYS, PLACES, st.floats(50, 600), PLACES, PLACES)
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_inside_at_the_edge_and_outside_a_concealed_zone_his_device_gets_the_same(
    way: list[float], zone_m: float, radius_m: float, her_m: float, other_her_m: float
) -> None:
    somewhere = observed(way, [DECLARED, concealed(zone_m, radius_m)], her_m)
    far_away = observed(way, [DECLARED, concealed(60_000, radius_m)], other_her_m)
    on_his_way = observed(way, [DECLARED, concealed(way[-1], radius_m)], way[-1])
    assert somewhere == far_away == on_his_way


def test_a_declared_zone_tells_him_to_turn_back_whatever_lies_concealed_in_it() -> None:
    way = [1200.0, 800.0, 600.0, 400.0, 100.0]
    own = ZONE | {"name": "declared"}
    alone = observed(way, [own, concealed(60_000, 400)], 5_000)
    assert [command["json"]["action"] for command in alone] == ["message", "message"]
    assert observed(way, [own, concealed(0, 400)], 5_000) == alone
    assert observed(way, [own, concealed(0, 400)], 0) == alone


def test_neither_silence_nor_what_was_agreed_shows_him_a_concealed_zone() -> None:
    way = [1200.0, 900.0, 700.0]
    agreed = {
        "say": "exemption", "order": "o1", "kind": "agreed_handover",
        "valid_from": iso(0), "valid_until": iso(3600), "zones": ["hers"],
    }  # fmt: skip
    worlds = [
        observed(way, [concealed(0, 500)], 0, silent_s=900),
        observed(way, [concealed(60_000, 500)], 60_000, silent_s=900),
        observed(way, [concealed(0, 500)], 0, agreed, silent_s=900),
    ]
    assert worlds == [[], [], []]

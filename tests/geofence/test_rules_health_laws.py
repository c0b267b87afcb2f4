"""What holds of a device's health whatever it says."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from api.geofence.model import STATUS, WELL, DeviceReport, Fix, FixSource, Gnss
from tests.geofence.judged import fix_at, moment
from tests.geofence.watched import Watched, status, walk

_SAID: dict[str, st.SearchStrategy[Any]] = {
    "battery_pct": st.one_of(st.none(), st.integers(0, 100), st.sampled_from([10, 25, 30, 31])),
    "moving": st.sampled_from([None, True, False]),
    "strap_closed": st.sampled_from([None, None, True]),
    "mocked": st.sampled_from([False, False, True]),
}


@st.composite
def conversations(draw: st.DrawFn) -> list[Fix | DeviceReport]:
    """Fixes and reports in order of time with anything in them, at few places, so that they meet again."""
    said: list[Fix | DeviceReport] = []
    t_s = 0
    for _ in range(draw(st.integers(1, 15))):
        t_s += draw(st.sampled_from([1, 15, 60, 130, 310, 700, 2000]))
        more = draw(st.fixed_dictionaries(_SAID))
        if draw(st.booleans()):
            north_m = draw(st.sampled_from([0.0, 0.0, 10.0, 90_000.0]))
            said.append(fix_at(t_s, north_m, source=draw(st.sampled_from(FixSource)), **more))
            continue
        more |= {
            "kind": draw(st.sampled_from([STATUS, STATUS, STATUS, "lwt"])),
            "has_fix": draw(st.sampled_from([None, False, False, True])),
            "gnss": draw(st.sampled_from([None, *Gnss])),
            "permission": draw(st.sampled_from([None, True, False])),
        }
        said.append(status(t_s, **more))
    return said


@given(conversations())
def test_a_report_that_comes_twice_changes_nothing(said: list[Fix | DeviceReport]) -> None:
    once, twice = Watched(), Watched()
    for message in said:
        once.take(message)
        twice.take(message)
        if isinstance(message, DeviceReport):
            assert twice.take(message) == []
        assert once.health == twice.health
    assert once.told == twice.told


def _only(told: Iterable[str], kind: str) -> list[str]:
    return [word for word in told if kind in word]


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        (
            "battery",
            {"mocked": False, "strap_closed": None, "gnss": None, "permission": None, "has_fix": None},
        ),
        (
            "pairing",
            {"mocked": False, "battery_pct": None, "gnss": None, "permission": None, "has_fix": None},
        ),
        ("jam", {"mocked": False, "battery_pct": None, "strap_closed": None, "permission": None}),
        ("no_fix", {"mocked": False, "battery_pct": None, "strap_closed": None, "gnss": None}),
        ("frozen", {"mocked": False, "battery_pct": None, "strap_closed": None, "gnss": None}),
        ("implausible", {"battery_pct": None, "strap_closed": None, "gnss": None, "has_fix": None}),
    ],
)
@given(said=conversations())
def test_one_trouble_neither_hides_nor_makes_another(
    kind: str, others: dict[str, Any], said: list[Fix | DeviceReport]
) -> None:
    alone, all_of_it = Watched(), Watched()
    all_of_it.take(*said)
    alone.take(*[_without(message, others) for message in said])
    assert _only(alone.told, kind) == _only(all_of_it.told, kind)


def _without(message: Fix | DeviceReport, others: dict[str, Any]) -> Fix | DeviceReport:
    fields = {name: value for name, value in others.items() if name in message.__struct_fields__}
    return replace(message, **fields)


@given(conversations())
def test_every_end_follows_its_beginning_and_no_lasting_trouble_is_told_twice(
    said: list[Fix | DeviceReport],
) -> None:
    told = Watched().take(*said)
    for kind in ("no_fix_motion", "position_frozen", "pairing_lost", "protected_device_degraded"):
        words = _only(told, kind)
        if kind == "pairing_lost":  # its end is told also of what only the watchdog may have told
            words = [w for before, w in pairwise(["-", *words]) if not (before[0] == w[0] == "-")]
        assert words == [("-" + kind if i % 2 else kind) for i in range(len(words))]


_SETTLED: list[Callable[[float], Fix | DeviceReport]] = [
    lambda t_s: walk(t_s, battery_pct=100, strap_closed=True),
    lambda t_s: status(t_s, battery_pct=100, strap_closed=True, permission=True, gnss=Gnss.OK),
]


@given(conversations())
def test_a_device_that_is_well_again_is_as_if_nothing_had_been(said: list[Fix | DeviceReport]) -> None:
    watched = Watched()
    watched.take(*said)
    last_s = (said[-1].received_at - moment(0)).total_seconds()
    for i, settle in enumerate(_SETTLED * 3):
        watched.take(settle(last_s + 4000 * (i + 1)))
    assert watched.health is WELL

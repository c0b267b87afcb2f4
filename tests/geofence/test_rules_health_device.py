"""The ankle monitor of a device, its being switched off, and what its troubles are called on each side."""

import pytest

from api.alerts.model import EventKind
from api.geofence.model import WELL, Health
from api.geofence.rules.health import Finding, told_as
from api.orders.model import Party
from tests.geofence.judged import moment
from tests.geofence.watched import Watched, status, walk

K = EventKind

# The ankle monitor of a two-piece device


def test_a_tracker_that_speaks_without_its_ankle_monitor_has_lost_it() -> None:
    said = Watched()
    assert said.take(status(0, strap_closed=True), *(walk(t_s) for t_s in range(15, 120, 15))) == []
    assert said.take(walk(118)) == []
    assert said.take(walk(119)) == ["pairing_lost"], "it came 120 s after the strap was last heard"
    assert said.take(walk(150), status(160)) == []
    assert said.take(status(170, strap_closed=True)) == ["-pairing_lost"]
    assert said.health is WELL


def test_its_first_word_after_a_silence_need_not_carry_the_strap() -> None:
    said = Watched()
    assert said.take(status(0, strap_closed=True), walk(15), walk(3600)) == []
    assert said.take(status(3610, strap_closed=True)) == []
    assert said.health is WELL


@pytest.mark.parametrize("back_s", [110, 200, 3600])
def test_a_dead_zone_is_no_lost_ankle_monitor_however_long(back_s: float) -> None:
    said = Watched()
    assert said.take(status(0, strap_closed=True), walk(4), status(95, kind="lwt")) == []
    assert said.take(*[walk(t_s, delay_s=back_s - t_s) for t_s in range(20, 80, 20)]) == []
    assert said.take(walk(back_s), walk(back_s + 15)) == []
    assert said.take(status(back_s + 20, strap_closed=True)) == []


def test_a_tracker_that_speaks_rarely_is_caught_at_its_second_word() -> None:
    said = Watched()
    assert said.take(status(0, strap_closed=True), walk(400)) == []
    assert said.take(walk(800)) == ["pairing_lost"]


def test_who_never_told_of_a_strap_has_none_to_lose() -> None:
    said = Watched()
    assert said.take(walk(0), status(500), walk(1000)) == []
    assert said.health is WELL


def test_a_last_will_says_nothing_of_the_ankle_monitor_and_late_data_does() -> None:
    said = Watched()
    assert said.take(status(0, strap_closed=True), status(100, kind="lwt"), status(200, kind="lwt")) == []
    assert said.health is WELL
    said.take(walk(30, delay_s=200.0))
    assert said.health.unpaired_since is not None
    assert said.take(walk(50, delay_s=230.0, strap_closed=True)) == []
    assert said.health is WELL


# Switched off, and her permission


def off(t_s: float) -> Watched:
    said = Watched()
    said.health = Health(powered_off_at=moment(t_s))
    return said


def test_a_device_is_on_again_when_it_is_heard_of_a_later_time() -> None:
    assert off(100).take(walk(100)) == []
    assert off(100).take(walk(101)) == ["-power_off"]


def test_what_was_under_way_when_it_went_off_is_no_sign_of_life() -> None:
    assert off(100).take(status(110), status(500, kind="lwt")) == []
    assert off(100).take(status(111)) == ["-power_off"]


def test_permission_that_is_taken_and_given_back_is_told_once_each() -> None:
    said = Watched()
    assert said.take(status(0, permission=True), status(1)) == []
    assert said.take(status(2, permission=False), status(3, permission=False), status(4)) == [
        "protected_device_degraded"
    ]
    assert said.take(status(5, permission=True), status(6, permission=True)) == ["-protected_device_degraded"]
    assert said.health is WELL


# Whose device it is


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (K.BATTERY_LOW, "battery_low"),
        (K.BATTERY_CRITICAL, "battery_critical"),
        (K.POWER_OFF, "power_off"),
        (K.NO_FIX_MOTION, "no_fix"),
        (K.POSITION_FROZEN, "frozen"),
        (K.IMPLAUSIBLE_POSITION, "implausible"),
        (K.PROTECTED_DEVICE_DEGRADED, "permission_denied"),
    ],
)
def test_a_trouble_of_her_device_has_a_kind_of_its_own(kind: EventKind, what: str) -> None:
    assert told_as(Finding(kind, "any"), Party.PROTECTED) == (K.PROTECTED_DEVICE_DEGRADED, what)
    ended = told_as(Finding(kind, is_end=True), Party.PROTECTED)
    assert ended == (K.CONDITION_ENDED, f"protected_device_degraded:{what}")


@pytest.mark.parametrize("kind", [K.SOS, K.JAM_SHIELD, K.STRAP_TAMPER])
def test_an_alarm_of_her_device_stays_what_it_is(kind: EventKind) -> None:
    assert told_as(Finding(kind, "why"), Party.PROTECTED) == (kind, "why")


def test_she_wears_no_ankle_monitor_and_he_needs_no_permission() -> None:
    assert told_as(Finding(K.PAIRING_LOST), Party.PROTECTED) is None
    assert told_as(Finding(K.PROTECTED_DEVICE_DEGRADED), Party.WEARER) is None


@pytest.mark.parametrize("kind", [K.BATTERY_LOW, K.NO_FIX_MOTION, K.POSITION_FROZEN, K.PAIRING_LOST])
def test_conditions_of_his_device_end(kind: EventKind) -> None:
    assert told_as(Finding(kind), Party.WEARER) == (kind, "")
    assert told_as(Finding(kind, is_end=True), Party.WEARER) == (K.CONDITION_ENDED, kind)


@pytest.mark.parametrize("kind", [K.IMPLAUSIBLE_POSITION, K.POWER_OFF])
def test_tampering_with_his_device_has_no_end(kind: EventKind) -> None:
    assert told_as(Finding(kind, "why"), Party.WEARER) == (kind, "why")
    assert told_as(Finding(kind, is_end=True), Party.WEARER) is None

"""Silence, health, exemptions and replay through the real processes; timers outlive a kill -9."""

import json
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest

from api.alerts import service as alerts
from api.alerts.model import Channel
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.heartbeats import list_heartbeats
from api.orders import service as orders
from tests.factories import make_exemption_draft
from tests.house import House, wait_until
from tests.pipeline.test_chain import publish
from tests.project.sources import ROOT
from tests.scene import HOME, Scene, location, make_scene, north_of

pytestmark = pytest.mark.timeout(180)
NEAR_SILENCE_S, TOLD_WITHIN_S = 30.0, 5.0


@pytest.fixture
def scene(house: House) -> Scene:
    """An order under strict limits, with everything running that judges."""
    limits = house.settings.home / "limits.toml"
    limits.write_text(f"[limits]\nnear_silence_s = {NEAR_SILENCE_S}\npartner_stale_s = 3600\n")
    house.environ["BAKEN_LIMITS"] = str(limits)
    scene = make_scene(house.engine, clock.now())
    house.write_accounts()
    house.start("nats", "worker", "watchdog")
    wait_until(lambda: is_listening_to_devices(house), 20)
    return scene


def is_listening_to_devices(house: House) -> bool:
    with reading(house.engine) as session:
        worker = list_heartbeats(session).get("worker")
    return worker is not None and worker.able


def told(house: House) -> list[dict[str, Any]]:
    with reading(house.engine) as session:
        entries = alerts.entries_after(session, 0, 1000)
    return [
        entry.event | {"severity": entry.severity, "alert": entry.alert_id}
        for entry in entries
        if entry.event
    ]


def kinds(house: House) -> set[str]:
    return {event["kind"] for event in told(house)}


def pages(house: House) -> int:
    with reading(house.engine) as session:
        return sum(
            pending.count
            for channel, pending in alerts.count_pending(session).items()
            if channel is not Channel.DEVICE
        )


def replayed(house: House, alert: Any) -> str:
    command = [sys.executable, "-m", "api", "replay", str(alert)]
    done = subprocess.run(command, cwd=ROOT, env=house.environ, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[-1]


def test_a_silence_near_her_is_told_in_time_by_a_watchdog_that_was_killed_meanwhile(
    house: House, scene: Scene
) -> None:
    near = north_of(HOME, 1050)
    publish(house, scene.phone, scene.phone_secret, location(HOME, clock.now()))
    publish(house, scene.ankle, scene.ankle_secret, location(near, clock.now(), batt=8, mock=True))
    begun = clock.now()
    wait_until(lambda: {"battery_critical", "implausible_position"} <= kinds(house), 10)
    time.sleep(NEAR_SILENCE_S / 2)
    house.kill("watchdog")
    house.start("watchdog")
    wait_until(lambda: "lost_contact" in kinds(house), NEAR_SILENCE_S + TOLD_WITHIN_S)
    (lost,) = [event for event in told(house) if event["kind"] == "lost_contact"]
    late_s = (clock.now() - begun).total_seconds() - NEAR_SILENCE_S
    assert (lost["reason"], lost["severity"]) == ("reaches", 2)
    assert -1.0 <= late_s <= TOLD_WITHIN_S
    assert pages(house) > 0
    house.kill("watchdog")
    house.start("watchdog")
    publish(house, scene.ankle, scene.ankle_secret, location(near, clock.now(), batt=8))
    wait_until(lambda: "contact_restored" in kinds(house), 10)
    assert len([event for event in told(house) if event["kind"] == "lost_contact"]) == 1
    assert replayed(house, lost["alert"]) == "identical"


def test_what_was_agreed_pages_nobody_until_it_ends_and_is_judged_again_to_the_same(
    house: House, scene: Scene
) -> None:
    now = clock.now()
    with transaction(house.engine) as session:
        draft = make_exemption_draft(valid_from=now, valid_until=now + timedelta(hours=1))
        agreed = orders.add_exemption(session, scene.order_id, draft, None, now)
    time.sleep(1.0)  # a change of the register takes effect within 1 s
    publish(house, scene.ankle, scene.ankle_secret, location(HOME, clock.now()))
    wait_until(lambda: "zone_breach" in kinds(house), 10)
    assert {event["severity"] for event in told(house)} == {4}
    assert pages(house) == 0
    publish(house, scene.phone, scene.phone_secret, json.dumps(
        {"_type": "alarm", "kind": "sos", "tst": int(clock.now().timestamp()), "seq": 1}
    ).encode(), "alarm")  # fmt: skip
    wait_until(lambda: "sos" in kinds(house), 10)
    assert pages(house) > 0
    (breach,) = [event for event in told(house) if event["kind"] == "zone_breach"]
    assert breach["exemption_id"] == str(agreed.id)
    assert replayed(house, breach["alert"]) == "identical"

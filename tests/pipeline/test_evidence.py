"""From a device's message through the real processes to a pack that is checked without any of them."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.accounts import service as accounts
from api.accounts.model import Role
from api.kernel import clock
from api.kernel.db import transaction
from tests.evidence.packs import contents
from tests.house import House, wait_until
from tests.pipeline.test_chain import publish
from tests.project.sources import ROOT
from tests.scene import HOME, location, make_scene, north_of

pytestmark = pytest.mark.timeout(180)


def command(house: House, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "api", *words],
        env=house.environ, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def test_a_pack_asked_for_over_the_interface_or_by_command_is_genuine_and_replayed(
    house: House, tmp_path: Path
) -> None:
    scene = make_scene(house.engine, clock.now())
    with transaction(house.engine) as session:
        accounts.add_account(session, "chief", "a-long-secret", Role.SUPERVISOR, None, clock.now())
    house.write_accounts()
    house.start("nats", "worker", "web-control")
    publish(house, scene.phone, scene.phone_secret, location(HOME, clock.now()))
    publish(house, scene.ankle, scene.ankle_secret, location(north_of(HOME, 200), clock.now()))
    with httpx.Client(base_url=f"http://127.0.0.1:{house.settings.control_port}", timeout=60) as chief:
        chief.post("/api/session", json={"login": "chief", "secret": "a-long-secret"}).raise_for_status()
        (alert,) = wait_until(lambda: chief.get("/api/alerts", params={"state": "unresolved"}).json(), 20)
        answer = chief.post(
            f"/api/alerts/{alert['id']}/evidence", json={"variant": "full", "reason": "for the hearing"}
        )
        assert answer.status_code == 200, answer.text
        key = chief.get("/api/evidence/key").json()["public_key"]
    assert json.loads(contents(answer.content)["replay.json"])["is_identical"]
    assert len(contents(answer.content)["messages.jsonl"].splitlines()) == 2
    path, other = tmp_path / "pack.zip", tmp_path / "defence.zip"
    path.write_bytes(answer.content)
    given = ("pack", alert["id"], "--variant", "defence", "--reason", "asked for", "--out", str(other))
    made = command(house, *given)
    assert made.returncode == 0, made.stdout + made.stderr
    assert command(house, *given).returncode == 1
    printed = command(house, "evidence-key")
    assert (printed.returncode, printed.stdout.strip()) == (0, key)
    for one in (path, other):
        checked = command(house, "verify", str(one), "--key", key)
        assert checked.returncode == 0, checked.stdout
    spoilt = bytearray(answer.content)
    spoilt[len(spoilt) // 2] ^= 1
    path.write_bytes(spoilt)
    assert command(house, "verify", str(path), "--key", key).returncode == 1

"""Takes the pictures of `ops/docs/pictures`: `python -m ops.screenshots`.

A scene of exercises is put into a fresh database through the services, positions are judged as the worker
judges them, the real web processes serve it, and the system's Chromium photographs what people see.
"""

import itertools
import math
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import api.app  # noqa: F401 - makes every table known to the metadata
from api.accounts import service as accounts
from api.accounts.model import Role
from api.alerts import service as alerts
from api.alerts.model import AlertState, Channel, EventKind
from api.geofence.memory import Memory
from api.geofence.model import Circle, Limits, Polygon, Visibility
from api.geofence.service import zones
from api.geofence.service.judging import Received, process_messages
from api.geofence.service.zones import ZoneDraft
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import Base, make_engine, reading, transaction
from api.kernel.geo import Point
from api.kernel.heartbeats import beat
from api.kernel.mqtt import topic_of
from api.orders import service as orders
from api.orders.model import Device, DeviceDraft, DeviceKind, OrderDraft

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "ops/docs/pictures"
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
LOGIN, SECRET = "m.devries", "only-for-this-picture"
METRES_PER_DEGREE = 111_320.0  # of latitude; the scene needs no better
START_S = 10.0


@dataclass(frozen=True)
class Exercise:
    """One order of the scene, with what its two parties carry."""

    ankle: Device
    phone: Device
    home: Point


def from_place(place: Point, north_m: float, east_m: float) -> Point:
    """Return the place so many metres away."""
    lon_m = METRES_PER_DEGREE * math.cos(math.radians(place.lat))
    return Point(place.lat + north_m / METRES_PER_DEGREE, place.lon + east_m / lon_m)


def add_exercise(engine: Engine, number: int, home: Point, now: datetime) -> tuple[Exercise, str, str]:
    """Put one order with people, devices and a zone round `home` into the register; gives her log-in too."""
    began = now - timedelta(days=30)
    hers = accounts.prepare_person()
    with transaction(engine) as session:
        wearer = orders.add_wearer(session, f"W-{2300 + number}", f"Exercise wearer {number}", None, began)
        person = orders.add_person(session, f"P-{770 + number}", f"Exercise person {number}", None, began)
        draft = OrderDraft(
            reference=f"EX-2026-{1100 + number}",
            court="Exercise court",
            wearer_id=wearer.id,
            protected_person_ids=(person.id,),
            valid_from=began,
            valid_until=None,
            alert_radius_m=500.0,
            warning_radius_m=1000.0,
            exercise=True,
        )
        order = orders.add_order(session, draft, None, began)
        kinds = (DeviceKind.ANKLE_MONITOR, DeviceKind.PHONE)
        drafts = [
            DeviceDraft(kind, "Exercise", sealed=False, require_sealed=False, simulated=True)
            for kind in kinds
        ]
        ankle, phone = (orders.add_device(session, draft, None, began)[0] for draft in drafts)
        orders.assign_device(session, ankle.id, wearer.id, None, None, began)
        orders.assign_device(session, phone.id, None, person.id, None, began)
        corners = [from_place(home, *metres) for metres in ((-180, 560), (-230, 880), (110, 950), (140, 590))]
        school = (Polygon(((*corners, corners[0]),)),)
        for area in (
            ZoneDraft("Home", Circle(home, 300.0), 250.0, Visibility.DECLARED),
            ZoneDraft("School", school, 120.0, Visibility.DECLARED),
        ):
            zones.add_zone(session, order.id, area, None, began)
        orders.give_account(session, person.id, hers, None, began)
    return Exercise(ankle, phone, home), hers.number, hers.pin


def said(device: Device, at: datetime, place: Point, accuracy_m: float | None) -> Received:
    """Return a position message as the broker hands it over, one second after it was fixed."""
    fields = {"_type": "location", "lat": place.lat, "lon": place.lon, "tst": int(at.timestamp())}
    payload = msgspec.json.encode(fields | ({"acc": accuracy_m} if accuracy_m else {}))
    return Received(topic_of(device.shard, device.id), payload, at + timedelta(seconds=1))


def sos(device: Device, at: datetime) -> Received:
    """Return a pressed SOS as the broker hands it over."""
    payload = msgspec.json.encode({"_type": "alarm", "kind": "sos", "tst": int(at.timestamp())})
    return Received(topic_of(device.shard, device.id, "alarm"), payload, at + timedelta(seconds=1))


def walk(device: Device, ways: Sequence[Point], began: datetime, step_s: float) -> list[Received]:
    """Return a position every `step_s` along the way, ten to each leg."""
    places = [
        Point(a.lat + (b.lat - a.lat) * part / 10, a.lon + (b.lon - a.lon) * part / 10)
        for a, b in itertools.pairwise(ways)
        for part in range(10)
    ]
    accuracy_m = 9.0
    return [said(device, began + timedelta(seconds=i * step_s), p, accuracy_m) for i, p in enumerate(places)]


def script(scene: Sequence[Exercise], now: datetime) -> list[Received]:
    """Return what the devices say, in the order in which it arrives."""
    first, second, third, fourth = scene

    def ago(seconds: float) -> datetime:
        return now - timedelta(seconds=seconds)

    def near(one: Exercise, north_m: float, east_m: float) -> Point:
        return from_place(one.home, north_m, east_m)

    messages = [said(one.phone, ago(age), near(one, 20, -30), 14.0) for one in scene for age in (1400, 600)]
    messages += [said(first.phone, ago(s), near(first, 40 - s / 2, -60 + s / 3), 12.0) for s in (200, 90, 12)]
    way = [(1900, 1500), (1300, 900), (820, 640), (420, 60)]
    messages += walk(first.ankle, [near(first, *metres) for metres in way], ago(456), 15.4)
    way = [(-1500, 2400), (-400, 1500), (0, 760)]
    messages += walk(second.ankle, [near(second, *metres) for metres in way], ago(700), 19.0)
    way = [(2300, -300), (1500, 100), (860, -120)]
    messages += walk(third.ankle, [near(third, *metres) for metres in way], ago(1300), 40.0)
    messages += [said(third.phone, ago(30), near(third, 0, 40), None)]
    messages += [said(fourth.ankle, ago(25), near(fourth, 9000, 4000), 20.0)]
    messages += [said(fourth.phone, ago(40), near(fourth, 10, 5), 18.0), sos(fourth.phone, ago(38))]
    return sorted(messages, key=lambda message: message.received_at)


def play(engine: Engine, now: datetime) -> tuple[str, str]:
    """Fill the database with the scene; returns number and code of the first protected person."""
    places = (Point(51.9050, 4.4500), Point(51.9300, 4.5100), Point(51.9620, 4.4700), Point(51.8800, 4.5400))
    made = [add_exercise(engine, number, home, now) for number, home in enumerate(places, 1)]
    memory = Memory(Limits())
    with reading(engine) as session:
        memory.restore(session, now)
    for message in script([one for one, _number, _pin in made], now):
        with transaction(engine) as session:
            changes = process_messages(session, memory, [message], message.received_at)
        memory.take_over(changes)
    with transaction(engine) as session:
        operator = accounts.add_account(session, LOGIN, SECRET, Role.OPERATOR, None, now)
        for view in alerts.list_alerts(session, {AlertState.OPEN}):
            if view.alert.kind == EventKind.PROXIMITY_WARNING:
                alerts.acknowledge(session, view.alert.id, operator.id, now - timedelta(minutes=3))
        deliver(session, now)
        alerts.escalate_due(session, now)
        for process in ("worker", "watchdog", "dispatcher"):
            beat(session, process, now + timedelta(minutes=1), able=True)
    return made[0][1], made[0][2]


def deliver(session: Session, now: datetime) -> None:
    """Let police confirm and devices' broker take what the alerts send; nothing leaves this machine."""
    for channel, code in ((Channel.POLICE_WEBHOOK, "200"), (Channel.DEVICE, "puback")):
        outcome = alerts.Outcome(succeeded=True, code=code, is_received=channel is Channel.POLICE_WEBHOOK)
        for notification in alerts.claim_due(session, now, channel, limit=100):
            alerts.record_attempt(session, notification.id, outcome, now, jitter=0.0)


@contextmanager
def serving(process: str, port: int, environ: dict[str, str]) -> Iterator[str]:
    """Run one web process until the picture is taken; gives its address."""
    command = [sys.executable, "-m", "api", process]
    with subprocess.Popen(command, env=environ, cwd=ROOT, stdin=subprocess.DEVNULL) as running:
        try:
            until = clock.monotonic_s() + START_S
            while not _is_listening(port):
                if clock.monotonic_s() > until or running.poll() is not None:
                    sys.exit(f"{process} does not listen on port {port}")
                clock.sleep_s(0.1)
            yield f"http://127.0.0.1:{port}/"
        finally:
            running.terminate()


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def picture_control_room(browser: Browser, address: str) -> None:
    """Photograph the room with its worst alert chosen."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_label("Name").fill(LOGIN)
        page.get_by_label("Password").fill(SECRET)
        page.get_by_role("button", name="Sign in").click()
        row = page.locator("#alerts > li", has_text="Closer than the alert distance").first
        row.click()
        page.locator("path.track.wearer").wait_for(state="attached")
        page.wait_for_timeout(1000)
        page.screenshot(path=PICTURES / "control-room.png")


def picture_app(browser: Browser, address: str, number: str, code: str) -> None:
    """Photograph the tool on a phone, with the reminders that the scene caused."""
    with browser.new_context(viewport={"width": 390, "height": 780}, device_scale_factor=2) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_label("What for").fill("Pasta")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="3 min", exact=True).click()
        page.get_by_role("button", name="Menu").click()
        page.get_by_label("Number").fill(number)
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Open").click()
        page.locator("#reminders li").first.wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=PICTURES / "app.png")


def main() -> None:
    """Make the scene in a folder of its own and take both pictures."""
    if not CHROMIUM.exists():
        sys.exit(f"{CHROMIUM} is missing: install the package chromium.")
    with tempfile.TemporaryDirectory(prefix="pictures-") as home:
        control_port, app_port = _free_port(), _free_port()
        environ = {
            "BAKEN_HOME": home,
            "BAKEN_SERVER_KEY": "2b" * 32,
            "BAKEN_CONTROL_PORT": str(control_port),
            "BAKEN_APP_PORT": str(app_port),
            "BAKEN_STAFF_TOTP": "optional",
        }
        settings = Settings.from_env(environ)
        engine = make_engine(settings.database_url, settings.server_key)
        Base.metadata.create_all(engine)
        number, code = play(engine, clock.now())
        engine.dispose()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            with serving("web-control", control_port, environ) as address:
                picture_control_room(browser, address)
            with serving("web-app", app_port, environ) as address:
                picture_app(browser, address, number, code)
            browser.close()
    print(f"pictures: {PICTURES}")


if __name__ == "__main__":
    main()

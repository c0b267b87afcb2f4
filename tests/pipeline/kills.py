"""Kills worker, dispatcher and broker with -9 under load and counts what was lost or doubled.

`python -m tests.pipeline.kills [--rate 500] [--seconds 24]` prints the table; the test runs it smaller.
Every position is counted by its device and number: those whose PUBACK came against those in the database.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from api.geofence.model import Circle, ExclusionZone, Visibility
from api.geofence.store.zones import add_version
from api.kernel import clock
from api.kernel.db import make_engine, transaction
from api.kernel.mqtt import topic_of
from api.migrations import upgrade
from api.orders import service as orders
from api.orders.model import Device, DeviceDraft, DeviceKind, OrderDraft
from simulator.clock import Clock
from simulator.publish import Fleet, Publication
from simulator.wire import DeviceAccess
from tests.alerts.receiver import Receiver, open_receiver
from tests.house import House, open_house, wait_until
from tests.scene import HOME, location, north_of

RADIUS_M = 500.0
OUTSIDE, INSIDE = north_of(HOME, RADIUS_M + 45), north_of(HOME, RADIUS_M - 10)
"""A second apart for somebody in a fast car: a step that is no jump, whatever order it is delivered in."""
KILLED = ("worker", "dispatcher", "nats")
SETTLE_S = 30.0
STEP_S = 0.25


@dataclass(frozen=True)
class Outcome:
    """What became of everything that was sent."""

    sent: int
    acknowledged: int
    lost: int
    stored: int
    alerts_expected: int
    alerts: int
    alerts_doubled: int
    messages: int
    messages_undelivered: int
    back_after_s: dict[str, float]

    def is_good(self) -> bool:
        """Nothing lost, nothing doubled."""
        kept = self.lost == 0 and self.messages_undelivered == 0
        return kept and self.alerts == self.alerts_expected and self.alerts_doubled == 0


@dataclass(frozen=True)
class _Wearer:
    device: Device
    access: DeviceAccess
    order_id: UUID


def provision(engine: Engine, count: int, now: datetime, first: int = 0) -> list[_Wearer]:
    """Register so many wearers from a number on, each with an ankle monitor, an order and a zone at HOME."""
    wearers = []
    with transaction(engine) as session:
        person = orders.add_person(session, f"P-{first}", "Person", None, now)
        for number in range(first, first + count):
            wearer = orders.add_wearer(session, f"W-{number}", "Wearer", None, now)
            draft = OrderDraft(
                reference=f"C-{number}",
                court="Court",
                wearer_id=wearer.id,
                protected_person_ids=(person.id,),
                valid_from=now - timedelta(days=1),
                valid_until=None,
                alert_radius_m=500.0,
                warning_radius_m=1000.0,
                exercise=True,
            )
            order = orders.add_order(session, draft, None, now)
            kind = DeviceKind.ANKLE_MONITOR
            device_draft = DeviceDraft(kind, "kills", sealed=False, require_sealed=False, simulated=True)
            device, secret = orders.add_device(session, device_draft, None, now)
            orders.assign_device(session, device.id, wearer.id, None, None, now)
            circle = Circle(HOME, RADIUS_M)
            zone = ExclusionZone(uuid4(), 1, order.id, "home", circle, 0.0, Visibility.DECLARED)
            add_version(session, zone, None, now)
            access = DeviceAccess(
                device.id.hex, topic_of(device.shard, device.id), device.id.hex, secret, None
            )
            wearers.append(_Wearer(device, access, order.id))
    return wearers


def play(house: House, receiver: Receiver, rate: int, seconds: int) -> Outcome:
    """Publish one position a second and device, kill one process after the other, and count."""
    wearers = provision(house.engine, rate, clock.now())
    house.write_accounts()
    house.start("nats", "worker", "dispatcher")
    # A queue at the broker begins with the worker's first subscription, once in the life of a house.
    wait_until(lambda: house.log_text("worker").count('"listening"') == 2)
    fleet = Fleet("127.0.0.1", house.settings.mqtt_port, Clock(clock.now().timestamp()))
    for wearer in wearers:
        fleet.add(wearer.access, listens=False)
    fleet.connect(60.0)
    time.sleep(1.0)
    kills = {(number + 1) * seconds // (len(KILLED) + 1): name for number, name in enumerate(KILLED)}
    chance = random.Random(1)  # the same order of entries in every run
    enters_at = {wearer.device.id: chance.randrange(2, seconds - 1) for wearer in wearers}
    sent: dict[tuple[str, int], Publication] = {}
    back_after_s: dict[str, float] = {}
    for second in range(seconds):
        begin_s = time.monotonic()
        if dying := kills.get(second):
            house.kill(dying)
        for number, wearer in enumerate(wearers):
            place = INSIDE if second >= enters_at[wearer.device.id] else OUTSIDE
            payload = location(place, clock.now(), seq=second)
            sent[wearer.access.id, second] = fleet.publish(wearer.access.id, wearer.access.topic, payload)
            if dying and number == len(wearers) // 2:
                house.start(dying)
                back_after_s[dying] = round(time.monotonic() - begin_s, 2)
            if number % 20 == 0:
                fleet.poll(0.0)
        while time.monotonic() < begin_s + 1.0:
            fleet.poll(0.02)
    fleet.drain(SETTLE_S)
    acknowledged = {key for key, publication in sent.items() if publication.acked_s is not None}
    fleet.close()
    expected = sum(1 for wearer in wearers if enters_at[wearer.device.id] < seconds)
    return _count(house, receiver, len(sent), acknowledged, expected, back_after_s)


def _count(
    house: House,
    receiver: Receiver,
    sent: int,
    acknowledged: set[tuple[str, int]],
    expected: int,
    back_after_s: dict[str, float],
) -> Outcome:
    until_s = time.monotonic() + SETTLE_S
    stored: set[tuple[str, int]] = set()
    pending = 1
    while time.monotonic() < until_s and (pending or not acknowledged <= stored):
        time.sleep(STEP_S)
        with house.engine.connect() as connection:
            stored = {
                (str(device).replace("-", ""), seq)
                for device, seq in connection.execute(text("SELECT device_id, seq FROM fix"))
            }
            waiting = (
                "SELECT count(*) FROM notification WHERE state = 'pending' AND channel = 'police_webhook'"
            )
            pending = connection.execute(text(waiting)).scalar_one()
    with house.engine.connect() as connection:
        per_order = Counter(row[0] for row in connection.execute(text("SELECT order_id FROM alert")))
        told = "SELECT id FROM notification WHERE channel = 'police_webhook'"
        ids = {str(row[0]).replace("-", "") for row in connection.execute(text(told))}
    got = {str(json.loads(delivery.body)["id"]).replace("-", "") for delivery in receiver.deliveries}
    return Outcome(
        sent=sent,
        acknowledged=len(acknowledged),
        lost=len(acknowledged - stored),
        stored=len(stored),
        alerts_expected=expected,
        alerts=len(per_order),
        alerts_doubled=sum(count - 1 for count in per_order.values()),
        messages=len(ids),
        messages_undelivered=len(ids - got),
        back_after_s=back_after_s,
    )


def table_of(outcome: Outcome) -> Table:
    """The outcome as a table."""
    table = Table("what", "count", title="kill -9 of " + ", ".join(KILLED))
    for name in Outcome.__dataclass_fields__:
        table.add_row(name.replace("_", " "), str(getattr(outcome, name)))
    return table


def main(arguments: Sequence[str]) -> int:
    """Run it in a folder of its own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=500, help="positions a second, one a device")
    parser.add_argument("--seconds", type=int, default=24)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, open_receiver() as receiver:
        home = Path(folder) / "home"
        home.mkdir()
        url = f"sqlite:///{home / 'baken.db'}"
        engine = make_engine(url, bytes(32))
        upgrade(engine)
        engine.dispose()
        with open_house(home, url, BAKEN_WEBHOOK_URL=receiver.url) as house:
            outcome = play(house, receiver, min(asked.rate, 1000), min(asked.seconds, 120))
            logs = "" if outcome.is_good() else house.log_text("worker")[-2000:]
    Console().print(table_of(outcome), logs)
    return 0 if outcome.is_good() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How long the evidence pack of a long alert takes, and how big it is.

    python ops/bench/pack.py [--hours 24] [--every 15]

Two devices report for that long while he walks round her home; everything goes through the real judging into
a new SQLite file. Printed are seconds and bytes of both variants, and how long checking takes.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).parents[2]))

from api.alerts import service as alerts
from api.alerts.model import Family
from api.evidence.model.pack import Variant
from api.evidence.rules.verifying import verify
from api.evidence.service.packing import make_pack
from api.geofence.memory import Memory
from api.geofence.model import Circle, Limits, Visibility
from api.geofence.service import limits, zones
from api.geofence.service.judging import Received, process_messages
from api.geofence.service.zones import ZoneDraft
from api.kernel.crypto import new_key
from api.kernel.db import make_engine, reading, transaction
from api.kernel.geo import Point
from api.kernel.mqtt import topic_of
from api.migrations import upgrade
from api.orders import service as orders
from api.orders.model import Device, DeviceDraft, DeviceKind, OrderDraft

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
HOME = Point(51.9225, 4.4792)
BATCH = 8


def main() -> None:
    """Play, pack, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--every", type=int, default=15, help="seconds between two reports of one device")
    chosen = parser.parse_args()
    key = new_key()
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/bench.db", key)
        upgrade(engine)
        devices = _register(engine)
        count = _play(engine, devices, int(chosen.hours * 3600 / chosen.every), chosen.every)
        alert = _first(engine)
        print(f"{count:,} positions stored")
        for variant in Variant:
            now = BEGIN + timedelta(hours=chosen.hours)
            began, worked = time.perf_counter(), time.process_time()
            pack = make_pack(engine, Limits(), key, alert, variant, "bench", None, now)
            took_s, of_this_s = time.perf_counter() - began, time.process_time() - worked
            began = time.perf_counter()
            verdict = verify(pack)
            print(
                f"{variant.value:8} {took_s:6.2f} s ({of_this_s:.2f} s of one core)  {len(pack):10,} bytes  "
                f"{verdict.result.value}, checked in {time.perf_counter() - began:.2f} s"
            )
        engine.dispose()


def _register(engine: Engine) -> tuple[Device, Device]:
    with transaction(engine) as session:
        limits.note_house_limits(session, Limits(), BEGIN)
        wearer = orders.add_wearer(session, "W-1", "Wearer", None, BEGIN)
        person = orders.add_person(session, "P-1", "Person", None, BEGIN)
        draft = OrderDraft("C-1", "Court", wearer.id, (person.id,), BEGIN, None, 500.0, 1000.0, exercise=True)
        order = orders.add_order(session, draft, None, BEGIN)
        kinds = (DeviceKind.ANKLE_MONITOR, DeviceKind.PHONE)
        his, hers = (
            orders.add_device(
                session,
                DeviceDraft(kind, "", sealed=False, require_sealed=False, simulated=True),
                None,
                BEGIN,
            )[0]
            for kind in kinds
        )
        orders.assign_device(session, his.id, wearer.id, None, None, BEGIN)
        orders.assign_device(session, hers.id, None, person.id, None, BEGIN)
        zone = ZoneDraft("home", Circle(HOME, 500.0), 250.0, Visibility.DECLARED)
        zones.add_zone(session, order.id, zone, None, BEGIN)
    return his, hers


def _play(engine: Engine, devices: tuple[Device, Device], steps: int, every_s: int) -> int:
    """He goes in and out between 200 and 1,800 m, she stays within 60 m of home."""
    memory = Memory(Limits())
    with transaction(engine) as session:
        memory.restore(session, BEGIN)
    waiting: list[Received] = []
    for step in range(1, steps + 1):
        at = BEGIN + timedelta(seconds=step * every_s)
        away = 1000 + 800 * math.cos(step * every_s / 900)
        angle = step * every_s / 5000
        his = (away * math.sin(angle), away * math.cos(angle))
        hers = (60 * math.sin(step / 40), 60 * math.cos(step / 31))
        for device, (east, north) in zip(devices, (his, hers), strict=True):
            waiting.append(_says(device, east, north, at, step))
        if len(waiting) >= BATCH or step == steps:
            with transaction(engine) as session:
                changes = process_messages(session, memory, waiting, waiting[-1].received_at)
            memory.take_over(changes)
            waiting.clear()
    return 2 * steps


def _says(device: Device, east: float, north: float, at: datetime, seq: int) -> Received:
    lat, lon = HOME.lat + north / 111_250, HOME.lon + east / 68_700
    said = {"_type": "location", "lat": round(lat, 7), "lon": round(lon, 7), "tst": int(at.timestamp())}
    said |= {"acc": 6 + seq % 17, "batt": 100 - seq % 60, "seq": seq, "vel": seq % 7, "conn": "m"}
    return Received(topic_of(device.shard, device.id), json.dumps(said).encode(), at + timedelta(seconds=1))


def _first(engine: Engine) -> UUID:
    with reading(engine) as session:
        news = alerts.news_after(session, 0, 100)
    return next(view.alert.id for _entry, view in news if view.alert.family is Family.APPROACH)


if __name__ == "__main__":
    main()

"""How fast a history leaves a house and is taken in by another, and how much memory each needs.

    python ops/bench/history.py [--fixes 200000] [--into postgresql+psycopg://…]

Each step runs in a process of its own, so that its peak of memory is its own. `--into` names an empty
database; without it the new house is SQLite.
"""

import argparse
import io
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import Engine

from api import migrations
from api.evidence.service import history
from api.geofence.model import Fix, FixSource, Limits
from api.geofence.service import limits
from api.geofence.store.evidence import Judge, add_batch
from api.geofence.store.fixes import FixRecord, key_of, save_fixes
from api.kernel.db import make_engine, transaction
from api.kernel.geo import Point
from api.launch import history as commands
from api.orders import service as orders
from api.orders.model import DeviceDraft, DeviceKind, OrderDraft

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PER_BATCH = 20
"""Positions of one device that were judged together; live it is one, after a dead zone hundreds."""
PAYLOAD = b'{"_type":"location","lat":51.9225,"lon":4.4792,"tst":1767225600,"acc":8,"seq":123456,"batt":80}'
KEYS = {"old": bytes(32), "new": bytes(range(32))}


def make_house(engine: Engine, fixes: int) -> None:
    """One order whose wearer has reported every minute."""
    migrations.upgrade(engine)
    with transaction(engine) as session:
        wearer = orders.add_wearer(session, "W-1", "Wearer Name", None, BEGIN)
        person = orders.add_person(session, "P-1", "Person Name", None, BEGIN)
        until = BEGIN + timedelta(days=3650)
        draft = OrderDraft(
            "C-1", "Court", wearer.id, (person.id,), BEGIN, until, 500.0, 1000.0, exercise=True
        )
        orders.add_order(session, draft, None, BEGIN)
        ankle = DeviceDraft(DeviceKind.ANKLE_MONITOR, "1", sealed=False, require_sealed=False, simulated=True)
        device, _secret = orders.add_device(session, ankle, None, BEGIN)
        orders.assign_device(session, device.id, wearer.id, None, None, BEGIN)
        limits.note_house_limits(session, Limits(), BEGIN)
        revision = orders.latest_revision(session)
        for first in range(0, fixes, PER_BATCH):
            now = BEGIN + timedelta(minutes=first + PER_BATCH)
            batch = add_batch(session, Judge.WORKER, now, revision, BEGIN, "bench")
            made = [_fix(device.id, number) for number in range(first, min(first + PER_BATCH, fixes))]
            records = {
                key_of(fix): FixRecord(fix, now, "live", (), PAYLOAD, place) for place, fix in enumerate(made)
            }
            save_fixes(session, batch, records)


def _fix(device_id: uuid.UUID, number: int) -> Fix:
    at = BEGIN + timedelta(minutes=number)
    return Fix(
        device_id=device_id,
        fixed_at=at,
        received_at=at + timedelta(seconds=1),
        point=Point(51.9 + number * 1e-7, 4.4 + number * 1e-7),
        accuracy_m=8.0,
        seq=number,
        altitude_m=None,
        speed_m_s=1.25,
        course_deg=90.0,
        battery_pct=80,
        source=FixSource.GNSS,
        strap_closed=True,
    )


def step(name: str, url: str, file: Path) -> None:
    """Do one step and print its row; called in a process of its own."""
    migrations.import_tables()
    silence = commands.progress_on(io.StringIO())
    engine = make_engine(url, KEYS["old" if name == "export" else "new"])
    if name == "import":
        migrations.upgrade(engine)
    began = time.perf_counter()
    if name == "export":
        told = commands.export(engine, "C-1", "bench", file, None, silence)
    else:
        with commands.open_lines(file, None) as lines:
            if name == "import":
                told = commands.take(engine, lines, silence, is_dry=False)
            else:
                told = history.check_history(lines, silence)
    took_s = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    kind = engine.dialect.name if name != "check" else "no database"
    print(f"| {name} | {kind} | {told.rows} | {told.rows / took_s:,.0f} | {peak_mb:.0f} |", flush=True)


def main() -> None:
    """Make the house, then measure each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fixes", type=int, default=200_000)
    parser.add_argument("--into", metavar="URL", help="an empty database")
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.step:
        step(chosen.step[0], chosen.step[1], Path(chosen.step[2]))
        return
    with tempfile.TemporaryDirectory() as place:
        old, new = f"sqlite:///{place}/old.db", chosen.into or f"sqlite:///{place}/new.db"
        make_house(make_engine(old, KEYS["old"]), chosen.fixes)
        print("| step | database | rows | rows/s | peak MiB |\n|---|---|---|---|---|", flush=True)
        for name, url in (("export", old), ("check", old), ("import", new)):
            words = [sys.executable, __file__, "--step", name, url, f"{place}/history.jsonl"]
            subprocess.run(words, check=True)
        print(f"file: {Path(place, 'history.jsonl').stat().st_size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()

"""The police's receiver is down for a while: how long after its return has everything been delivered?

A real dispatcher process, a real database and a real receiver on loopback. While the receiver is down, alerts
of severity 1 and 2 are opened at a steady rate; then it is started, and what it gets is counted.

    python ops/bench/outage.py [--seconds 600] [--rate 2]
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import Engine, text

from api.alerts.model import Doubt, Event, EventKind
from api.alerts.service import open_alerts
from api.kernel import clock
from api.kernel.db import make_engine, transaction
from api.migrations import upgrade
from simulator.clock import Clock
from simulator.police import PoliceDesk

KEY, SECRET = "5e" * 32, "of this measurement"
MOST_SECONDS, MOST_RATE = 3600, 20
GIVE_UP_S = 120.0
TOLD = "SELECT count(*) FROM notification WHERE channel = 'police_webhook'"
WAITING = f"{TOLD} AND state = 'pending'"
TRIES = (
    "SELECT count(*) FROM attempt JOIN notification ON notification.id = attempt.notification_id "
    "WHERE channel = 'police_webhook' AND NOT succeeded"
)


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def count(engine: Engine, query: str) -> int:
    """Return the number that a query counts."""
    with engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())


def fill(engine: Engine, seconds: int, rate: int) -> None:
    """Open `rate` alerts each second, every other one in doubt, which makes it severity 2."""
    for second in range(seconds):
        begin_s = time.monotonic()
        now = clock.now()
        events = [
            Event(
                kind=EventKind.ZONE_BREACH,
                occurred_at=now,
                device_id=uuid4(),
                zone_id=uuid4(),
                exercise=True,
                doubts=(Doubt.COARSE,) if number % 2 else (),
            )
            for number in range(rate)
        ]
        with transaction(engine) as session:
            open_alerts(session, events, now)
        if second % 60 == 59:
            print(f"{second + 1:5d} s down, {count(engine, WAITING)} messages wait", flush=True)
        time.sleep(max(0.0, begin_s + 1.0 - time.monotonic()))


def measure(home: Path, seconds: int, rate: int) -> bool:
    """Play the outage and print what became of the messages; False when one was lost or late."""
    url = f"sqlite:///{home / 'baken.db'}"
    engine = make_engine(url, bytes.fromhex(KEY))
    upgrade(engine)
    port = free_port()
    environ = {
        "PATH": str(Path(sys.executable).parent),
        "BAKEN_HOME": str(home),
        "BAKEN_DATABASE_URL": url,
        "BAKEN_SERVER_KEY": KEY,
        "BAKEN_WEBHOOK_URL": f"http://127.0.0.1:{port}/",
        "BAKEN_WEBHOOK_SECRET": SECRET,
        "BAKEN_MQTT_PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "api", "dispatcher"]
    with (home / "log").open("wb") as log:
        dispatcher = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        fill(engine, seconds, rate)
        waiting, tries = count(engine, WAITING), count(engine, TRIES)
        desk = PoliceDesk(port, SECRET.encode(), Clock(clock.now().timestamp()), lambda _line: None)
        threading.Thread(target=desk.serve_forever, daemon=True).start()
        back_s = time.monotonic()
        while time.monotonic() < back_s + GIVE_UP_S and count(engine, WAITING):
            time.sleep(0.1)
        took_s = time.monotonic() - back_s
        told = count(engine, TOLD)
        desk.shutdown()
    finally:
        dispatcher.terminate()
        dispatcher.wait(20)
        engine.dispose()
    lost = told - len(desk.received)
    print(f"receiver down {seconds} s, {rate} alerts/s: {waiting} messages waited, {tries} tries meanwhile")
    print(f"everything delivered {took_s:.1f} s after its return; {lost} lost, {desk.repeats} repeated")
    return lost == 0 and took_s <= 30.0


def main() -> int:
    """Measure in a folder of its own; status 1 when something was lost or took longer than 30 s."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600, help=f"at most {MOST_SECONDS}")
    parser.add_argument("--rate", type=int, default=2, help=f"alerts a second, at most {MOST_RATE}")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        is_good = measure(Path(folder), min(chosen.seconds, MOST_SECONDS), min(chosen.rate, MOST_RATE))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

"""How late is the next step begun? Alerts that nobody answers, through the real escalator, on SQLite.

`python -m ops.bench.escalation` prints the overrun over the deadline. Ends by itself.
"""

import argparse
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.escalator import run_escalations
from api.alerts.model import AlertEntry, EntryKind
from api.kernel import clock
from api.kernel.config import PLAYBOOKS
from api.kernel.crypto import new_key
from api.kernel.db import make_engine, reading, transaction
from api.launch import setup
from tests.alerts.stage import breach, make_stage

WAIT_S = 5


@contextmanager
def house() -> Iterator[Engine]:
    """A database with the Dutch playbook whose half minutes are seconds."""
    home = Path(tempfile.mkdtemp(prefix="baken-bench-"))
    engine = make_engine(f"sqlite:///{home / 'baken.db'}", new_key())
    try:
        setup.migrate(engine)
        playbook = home / "quick.yaml"
        text = (PLAYBOOKS / "nl.yaml").read_text()
        playbook.write_text(re.sub(r"within_s: \d+", f"within_s: {WAIT_S}", text))
        with transaction(engine) as session:
            alerts.take_over_playbook(session, playbook, clock.now())
        yield engine
    finally:
        engine.dispose()
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=700, help="how many at once; 700 are on record")
    count = parser.parse_args().alerts
    with house() as engine:
        stages = [make_stage(engine) for _ in range(count)]
        for stage in stages:
            now = clock.now()
            stage.tell(breach(stage, occurred_at=now), now=now)
        stop = threading.Event()
        thread = threading.Thread(target=run_escalations, args=(engine, stop))
        thread.start()
        told: list[AlertEntry] = []
        until = clock.now() + timedelta(seconds=WAIT_S + 60)
        while clock.now() < until:
            with reading(engine) as session:
                entries = alerts.entries_after(session, 0, 100 * count)
            told = [entry for entry in entries if entry.kind is EntryKind.ESCALATED and entry.detail]
            if len(told) >= 3 * count:
                break
            clock.sleep_s(1)
        stop.set()
        thread.join()
    over = sorted(float(entry.detail["after_s"]) - WAIT_S for entry in told if entry.detail)
    p99 = over[int(0.99 * (len(over) - 1))]
    print(
        f"{count} alerts, {len(over)} steps of {3 * count} went on; after the deadline: "
        f"p50 {over[len(over) // 2]:.1f} s, p99 {p99:.1f} s, max {over[-1]:.1f} s"
    )


if __name__ == "__main__":
    main()

"""Are her own, the second and a wrong PIN told apart by how long they take? And how long do they take?

    python -m ops.bench.entry [--tries 2000] [--rate 5] [--seconds 30]

First tries each kind of PIN in random order against a new SQLite file, in one process, and compares the times
of any two kinds (Mann-Whitney, two-sided: p > 0.01 means that the difference is within the noise). Then opens
pages at a rate, in threads, as a house's web process does. Ends by itself.
"""

import argparse
import math
import random
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import Engine

from api.accounts import service, store
from api.accounts.model import Account
from api.accounts.model.entry import Duress, Entered, NewPerson
from api.kernel import clock
from api.kernel.crypto import new_key
from api.kernel.db import make_engine, reading, transaction
from api.migrations import upgrade
from api.safety_plans.service import documents

KINDS = {"own": "295071", "second": "840362", "wrong": "714926"}


def main() -> None:
    """Measure twice and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tries", type=int, default=2000, help="of all kinds together")
    parser.add_argument("--rate", type=float, default=5.0, help="sign-ins a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="baken-entry-") as home:
        engine = make_engine(f"sqlite:///{Path(home) / 'baken.db'}", new_key())
        upgrade(engine)
        account, new = _person(engine)
        console = Console()
        console.print(_compared(_tried(engine, account, new, chosen.tries)))
        console.print(_loaded(engine, account, new, chosen.rate, chosen.seconds))
        console.print(_saved(engine, account, new))
        engine.dispose()


def _person(engine: Engine) -> tuple[Account, NewPerson]:
    new = service.prepare_person(KINDS["own"])
    with transaction(engine) as session:
        account = service.add_person_account(session, uuid.uuid4(), new, clock.now())
        held = service.hold(session, account)
    trial = service.try_pin(held, new.number_key, KINDS["own"])
    changed = service.set_second(held, new.number_key, trial, KINDS["second"], Duress())
    with transaction(engine) as session:
        service.save_slots(session, held, changed, "")
    return account, new


def _enter(engine: Engine, account: Account, new: NewPerson, pin: str) -> Entered | None:
    with reading(engine) as session:
        held = service.hold(session, account)
    trial = service.try_pin(held, new.number_key, pin)
    with transaction(engine) as session:
        outcome = service.enter(session, held, trial, clock.now())
    return outcome if isinstance(outcome, Entered) else None


def _tried(engine: Engine, account: Account, new: NewPerson, count: int) -> dict[str, list[float]]:
    chance = random.Random(20261125)  # noqa: S311 - shuffles, keeps no secret
    kinds = [kind for _one in range(count // len(KINDS)) for kind in KINDS]
    chance.shuffle(kinds)
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for kind in track(kinds, "trying"):
        with transaction(engine) as session:  # wrong ones are spent after five: here each begins anew
            store.save_failures(session, account.id, 0, None)
        begun_s = time.perf_counter()
        _enter(engine, account, new, KINDS[kind])
        took[kind].append(time.perf_counter() - begun_s)
    return took


def _compared(took: dict[str, list[float]]) -> Table:
    table = Table("PIN", "tries", "median ms", "p95 ms", "against", "p")
    for kind, times in took.items():
        table.add_row(kind, str(len(times)), _ms(statistics.median(times)), _ms(_part(times, 0.95)), "", "")
    for one, other in combinations(took, 2):
        table.add_row(one, "", "", "", other, f"{_mann_whitney(took[one], took[other]):.3f}")
    return table


def _loaded(engine: Engine, account: Account, new: NewPerson, rate: float, seconds: float) -> Table:
    """Sign in by number and PIN at a rate, as the app host does it."""

    def sign_in() -> None:
        lookup, number_key = service.keys_of(new.number)
        with reading(engine) as session:
            held = service.hold(session, service.find_account(session, lookup, {account.role}))
        trial = service.try_pin(held, number_key, KINDS["own"])
        with transaction(engine) as session:
            service.enter(session, held, trial, clock.now())

    times = _at_rate(sign_in, rate, int(rate * seconds))
    table = Table("sign-ins", "a second", "median ms", "p95 ms", "p99 ms")
    parts = [_ms(statistics.median(times)), _ms(_part(times, 0.95)), _ms(_part(times, 0.99))]
    table.add_row(str(len(times)), f"{rate:g}", *parts)
    return table


def _at_rate(act: Callable[[], None], rate: float, count: int) -> list[float]:
    times: list[float] = []

    def run() -> None:
        begun_s = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun_s)

    threads = [threading.Thread(target=run) for _one in range(count)]
    begin_s = time.perf_counter()
    for number, thread in enumerate(track(threads, "signing in")):
        time.sleep(max(0.0, begin_s + number / rate - time.perf_counter()))
        thread.start()
    for thread in threads:
        thread.join()
    return times


def _saved(engine: Engine, account: Account, new: NewPerson) -> Table:
    """Save a full page, again and again."""
    entered = _enter(engine, account, new, KINDS["own"])
    if entered is None:
        raise SystemExit("her own PIN did not open anything")
    body: dict[str, Any] = {"text": "x" * 55_000}
    times = []
    for revision in range(200):
        begun_s = time.perf_counter()
        with transaction(engine) as session:
            documents.save_page(session, entered.opened, revision, body)
        times.append(time.perf_counter() - begun_s)
    table = Table("saves of 55 kB", "median ms", "p95 ms", "p99 ms")
    table.add_row("200", _ms(statistics.median(times)), _ms(_part(times, 0.95)), _ms(_part(times, 0.99)))
    return table


def _mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the two-sided p of the rank-sum test, by its normal approximation (samples of hundreds)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_value, which) in enumerate(ranked, start=1) if which == 0)
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def _part(times: Sequence[float], part: float) -> float:
    return sorted(times)[int(part * (len(times) - 1))]


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"


if __name__ == "__main__":
    main()

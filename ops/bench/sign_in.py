"""How long staff's sign-in takes: password by Argon2id, code, session, over HTTP at the real control host.

    python ops/bench/sign_in.py [--rate 5] [--count 200] [--cost house]

Sign-ins begin at their times whether or not earlier ones have ended, each of another account, as a code
counts once. `--cost` chooses what the passwords are hashed with: what this house uses, or the first choice of
OWASP's list (46 MiB, 1 pass, 1 lane). Printed are the percentiles of the waiting from the planned beginning
to the whole answer.

It ends after COUNT sign-ins, or after 180 s.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import argon2
import httpx
import pyotp

sys.path.insert(0, str(Path(__file__).parents[2]))

from api.accounts import service as accounts
from api.accounts.model import Role
from api.accounts.model.staff import Totp
from api.accounts.rules import totp
from api.accounts.store import staff
from api.kernel import clock
from api.kernel.crypto import hash_password, is_password
from api.kernel.db import make_engine, transaction
from api.migrations import upgrade

KEY = "5e" * 32
SECRET = "correct horse battery staple"  # noqa: S105 - made up, of accounts that end with this program
AT_MOST_S = 180.0
CHECKS = 10


COSTS = {"house": None, "owasp": argon2.PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1)}


def hashed_at(cost: str) -> str:
    """Return the password's hash at this cost; checking it costs what the hash says."""
    hasher = COSTS[cost]
    return hash_password(SECRET) if hasher is None else hasher.hash(SECRET)


def make_accounts(url: str, hashed: str, count: int) -> list[tuple[str, str]]:
    """Make accounts with one password and each with a code; returns log-ins and the codes' secrets."""
    engine = make_engine(url, bytes.fromhex(KEY))
    upgrade(engine)
    now, made = clock.now(), []
    with transaction(engine) as session:
        for number in range(count):
            login, secret = f"staff-{number}", pyotp.random_base32()
            account = accounts.add_hashed_account(session, login, hashed, Role.OPERATOR, None, None, now)
            staff.save_totp(session, Totp(account.id, secret, now, -1))
            made.append((login, secret))
    engine.dispose()
    return made


def wait_for(port: int) -> None:
    """Wait until something accepts connections there."""
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the control host does not answer")


def measure(address: str, made: list[tuple[str, str]], rate: float) -> tuple[list[float], int]:
    """Sign everybody in, `rate` a second; returns the waits in seconds, and how many were refused."""
    waits: list[float] = []
    refused: list[int] = []
    lock = threading.Lock()

    def sign_in(client: httpx.Client, login: str, secret: str, planned_s: float) -> None:
        code = totp.code_at(secret, totp.step_of(clock.now()))
        body = {"login": login, "secret": SECRET, "code": code}
        status = client.post("/api/session", json=body).status_code
        with lock:
            waits.append(time.monotonic() - planned_s)
            if status != httpx.codes.OK:
                refused.append(status)

    began_s = time.monotonic()
    threads = []
    with httpx.Client(base_url=address, timeout=30) as client:
        for number, (login, secret) in enumerate(made):
            planned_s = began_s + number / rate
            if planned_s - began_s > AT_MOST_S:
                break
            time.sleep(max(0.0, planned_s - time.monotonic()))
            client.cookies.clear()
            threads.append(threading.Thread(target=sign_in, args=(client, login, secret, planned_s)))
            threads[-1].start()
        for thread in threads:
            thread.join()
    return sorted(waits), len(refused)


def main() -> None:
    """Start the control host in a folder of its own, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--cost", choices=COSTS, default="house")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sign-in-") as folder, socket.socket() as free:
        url = f"sqlite:///{folder}/baken.db"
        hashed = hashed_at(chosen.cost)
        made = make_accounts(url, hashed, chosen.count)
        began_s = time.process_time()
        for _ in range(CHECKS):
            is_password(hashed, SECRET)
        used_ms = (time.process_time() - began_s) * 1000 / CHECKS
        print(f"Argon2id at the cost of {chosen.cost}: {used_ms:.0f} ms of one core")
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environ = {
            "PATH": str(Path(sys.executable).parent),
            "BAKEN_HOME": folder,
            "BAKEN_DATABASE_URL": url,
            "BAKEN_SERVER_KEY": KEY,
            "BAKEN_CONTROL_PORT": str(port),
        }
        web = subprocess.Popen([sys.executable, "-m", "api", "web-control"], env=environ)
        try:
            wait_for(port)
            waits, refused = measure(f"http://127.0.0.1:{port}", made, chosen.rate)
        finally:
            web.terminate()
            web.wait(10)
    told = {share: waits[min(len(waits) - 1, int(len(waits) * share / 100))] for share in (50, 95, 99)}
    figures = ", ".join(f"p{share} {wait * 1000:.0f} ms" for share, wait in told.items())
    load = os.getloadavg()[0]
    print(f"{len(waits)} sign-ins at {chosen.rate}/s: {figures}; {refused} refused; load {load:.1f}")


if __name__ == "__main__":
    main()

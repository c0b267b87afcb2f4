"""Do 700 open alerts, failing receivers and malformed messages delay what is of severity 1? Real processes.

`python -m ops.bench.flood` starts a house of its own on free ports and plays the same load twice: in quiet,
then with 700 open alerts whose messages the police's receiver refuses or leaves hanging one time in ten, and
with one message in ten of the devices malformed. Each opened strap (severity 1) counts from its line in the
alert log to the first arrival at the receiver and at the text gateway, and to the first try to give the
command to the broker of the devices. Ends by itself.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.table import Table

from api.alerts import service as alerts
from api.alerts.model import Channel, EntryKind, Event, EventKind
from api.kernel import clock
from api.kernel.db import make_engine, reading, transaction
from api.launch import setup
from api.orders import service as orders
from api.orders.model import DeviceDraft, DeviceKind
from api.policing import service as policing
from api.policing.model import DutyRole, OfficerDraft, Roster, SlotDraft
from simulator.clock import Clock
from simulator.publish import Fleet
from tests.alerts.receiver import Receiver, open_receiver, say
from tests.house import SERVER_KEY, House, open_house, wait_until
from tests.pipeline.kills import OUTSIDE, _Wearer, provision
from tests.policing.station import ALWAYS, make_draft, square
from tests.scene import HOME, location

HANG_S = 20.0
BAD = b'{"_type":"location","lat":"north","tst":0}'
ONE_IN = 10
SETTLE_S = 8.0
Delays = dict[str, list[float]]


def _fail_some(handler: BaseHTTPRequestHandler) -> None:
    """Answer one message in ten badly, half of these never: always the same ones, by their ids."""
    number = int(handler.headers["X-Baken-Id"][:8], 16)
    if number % ONE_IN == 0:
        if number % (2 * ONE_IN) == 0:
            time.sleep(HANG_S)
        say(handler, 500)
        return
    say(handler, 200, b'{"received":"' + handler.headers["X-Baken-Id"].encode() + b'"}')


@dataclass
class Bench:
    """A running house, its receivers, and the load."""

    house: House
    police: Receiver
    texts: Receiver
    straps: int
    rate: int
    seconds: int

    def prepare(self, wearers: Sequence[_Wearer]) -> Fleet:
        """Put an officer on duty and her device into the register, start everything, connect the devices."""
        now = clock.now()
        with transaction(self.house.engine) as session:
            station = policing.add_station(session, make_draft(area=square(HOME), seat=HOME), None, now)
            draft = OfficerDraft(station.id, "DV-1", "Officer", "+441632960022", None)
            officer = policing.add_officer(session, draft, None, now)
            slot = SlotDraft(officer.id, DutyRole.OFFICER, 0, ALWAYS)
            policing.replace_roster(session, Roster(station.id, ()), [slot], None, now)
            (person,) = orders.list_persons(session, 0, 1, None, now)
            phone = DeviceDraft(DeviceKind.PHONE, "bench", sealed=False, require_sealed=False, simulated=True)
            device, _secret = orders.add_device(session, phone, None, now)
            orders.assign_device(session, device.id, None, person.id, None, now)
        self.house.write_accounts()
        self.house.start("nats", "worker", "dispatcher")
        wait_until(lambda: self.house.log_text("worker").count('"listening"') == 2)
        fleet = Fleet("127.0.0.1", self.house.settings.mqtt_port, Clock(clock.now().timestamp()))
        for wearer in wearers:
            fleet.add(wearer.access, listens=False)
        fleet.connect(60.0)
        return fleet

    def play(self, fleet: Fleet, wearers: Sequence[_Wearer], *, malformed: bool) -> Delays:
        """Publish positions and opened straps for a while; returns the delays of the straps' alerts."""
        with reading(self.house.engine) as session:
            begin_seq = alerts.last_entry_seq(session)
        begin_s, number, opened = time.monotonic(), 0, 0
        while (passed_s := time.monotonic() - begin_s) < self.seconds:
            while number < passed_s * self.rate:
                wearer = wearers[number % len(wearers)]
                payload = location(OUTSIDE, clock.now(), seq=1000 + number)
                is_bad = malformed and number % ONE_IN == 0
                fleet.publish(wearer.access.id, wearer.access.topic, BAD if is_bad else payload)
                number += 1
            while opened < min(passed_s * self.straps, len(wearers)):
                wearer = wearers[opened]
                strap = b'{"_type":"alarm","kind":"strap_cut","tst":%d,"seq":%d}' % (
                    clock.now().timestamp(),
                    9_000_000,
                )
                fleet.publish(wearer.access.id, f"{wearer.access.topic}/alarm", strap)
                opened += 1
            fleet.poll(0.01)
        fleet.drain(SETTLE_S)
        time.sleep(SETTLE_S)
        return self._delays(begin_seq)

    def flood(self, count: int, over_s: float) -> None:
        """Open alerts of severity 2, each with a message to the police, spread over a time or in one go."""
        stages = provision(self.house.engine, count, clock.now(), first=100_000)
        at_once = count if over_s == 0 else 1
        for begin in range(0, count, at_once):
            now = clock.now()
            events = [
                Event(
                    kind=EventKind.ZONE_TRANSIT,
                    occurred_at=now,
                    order_id=one.order_id,
                    device_id=one.device.id,
                )
                for one in stages[begin : begin + at_once]
            ]
            with transaction(self.house.engine) as session:
                alerts.open_alerts(session, events, now)
            time.sleep(over_s / count)

    def _delays(self, begin_seq: int) -> Delays:
        delays: Delays = {"police_webhook": [], "sms": [], "device": []}
        arrived: dict[str, datetime] = {}
        for one in list(self.police.deliveries):
            arrived.setdefault(one.headers["X-Baken-Id"], one.at)
        for one in list(self.texts.deliveries):
            arrived.setdefault(json.loads(one.body)["id"], one.at)
        with transaction(self.house.engine) as session:
            entries = alerts.entries_after(session, begin_seq, 1_000_000)
            straps = {
                entry.alert_id: entry.at
                for entry in entries
                if entry.kind is EntryKind.OPENED and entry.event and entry.event["kind"] == "strap_tamper"
            }
            for alert_id, at in straps.items():
                detail = alerts.get_alert(session, alert_id, UUID(int=0), clock.now())
                for message, attempts in detail.notifications:
                    tried = min((attempt.at for attempt in attempts), default=None)
                    first = tried if message.channel is Channel.DEVICE else arrived.get(str(message.id))
                    if message.channel in delays:
                        delay = (first - at).total_seconds() if first else float("inf")
                        delays[message.channel].append(delay)
        return delays


def main() -> None:
    """Measure twice and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=700, help="open alerts; 700 are on record")
    parser.add_argument("--over", type=float, default=60.0, help="s in which they open; 0: in one go")
    parser.add_argument("--seconds", type=int, default=30, help="of each of the two loads")
    parser.add_argument("--straps", type=int, default=8, help="alerts of severity 1 a second")
    parser.add_argument("--rate", type=int, default=100, help="positions a second beside them")
    parser.add_argument("--settle", type=float, default=0.0, help="s between the last opened and measuring")
    chosen = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="baken-flood-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        webhook, gateway = (stack.enter_context(open_receiver()) for _ in range(2))
        more = {"BAKEN_WEBHOOK_URL": webhook.url, "BAKEN_SMS_URL": gateway.url, "BAKEN_SMS_TOKEN": "bench"}
        url = f"sqlite:///{home / 'baken.db'}"
        setup.migrate(make_engine(url, bytes.fromhex(SERVER_KEY)))
        house = stack.enter_context(open_house(home, url, **more))
        wearers = provision(house.engine, 2 * chosen.straps * chosen.seconds, clock.now())
        bench = Bench(house, webhook, gateway, chosen.straps, chosen.rate, chosen.seconds)
        fleet = bench.prepare(wearers)
        half = len(wearers) // 2
        quiet = bench.play(fleet, wearers[:half], malformed=False)
        webhook.answer = _fail_some
        bench.flood(chosen.open, chosen.over)
        time.sleep(chosen.settle)
        flood = bench.play(fleet, wearers[half:], malformed=True)
    _print(quiet, flood)


def _print(quiet: Delays, flood: Delays) -> None:
    table = Table("severity 1: alert → first attempt", "quiet p50 · p99", "flood p50 · p99", "alerts")
    for channel, before in quiet.items():
        after = flood[channel]
        cells = [f"{_part(one, 0.5):.0f} · {_part(one, 0.99):.0f} ms" for one in (before, after)]
        table.add_row(channel, *cells, f"{len(before)} · {len(after)}")
    Console().print(table)


def _part(delays: Sequence[float], part: float) -> float:
    return 1000 * sorted(delays)[int(part * (len(delays) - 1))] if delays else float("nan")


if __name__ == "__main__":
    main()

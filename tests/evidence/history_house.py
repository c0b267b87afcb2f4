"""A house in which everything has happened that a history can hold, and empty houses to take it in."""

import io
import json
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from api import migrations
from api.alerts import service as alerts
from api.alerts.model import Channel, Family, ResolveReason
from api.alerts.model.policies import PolicyDraft
from api.alerts.service import Outcome
from api.alerts.service.acks import take_police_ack
from api.alerts.service.playbooks import DEFAULT
from api.alerts.wire.acks import AckType, PoliceAck
from api.evidence.model.history import Told
from api.evidence.service import history
from api.geofence.model import Limits, SightingSource
from api.geofence.rules.horizon import Reporting
from api.geofence.service import limits, sightings
from api.geofence.service.sightings import SightingDraft
from api.geofence.store.reporting import save_reporting
from api.kernel.db import make_engine, reading, transaction
from api.kernel.heartbeats import add_outage
from api.orders import service as orders
from api.orders.model import OrderDraft, Party
from tests.conftest import _postgres_admin
from tests.factories import make_exemption_draft
from tests.geofence.desk import alarm
from tests.rehearsal.house import House, at, visit
from tests.scene import FAR, HOME, Scene, make_scene, position, received

OTHER_KEY = bytes(range(100, 132))
"""The server key of the house that takes a history."""
STAFF = uuid4()
KINDS = ("sqlite", "postgresql")


@contextmanager
def empty_house(request: pytest.FixtureRequest, kind: str, key: bytes = OTHER_KEY) -> Iterator[Engine]:
    """A second database, of either kind, with a key of its own."""
    name = f"t{uuid.uuid4().hex}"
    if kind == "sqlite":
        path: Path = request.getfixturevalue("tmp_path") / f"{name}.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        url = f"sqlite:///{path}"
    else:
        admin = postgres_of(request)
        _postgres_admin(admin, f"CREATE DATABASE {name} TEMPLATE template_baken")
        url = admin.replace("/postgres?", f"/{name}?")
    engine = make_engine(url, key)
    try:
        yield engine
    finally:
        engine.dispose()
        if kind != "sqlite":
            _postgres_admin(postgres_of(request), f"DROP DATABASE {name} WITH (FORCE)")


def postgres_of(request: pytest.FixtureRequest) -> str:
    """The address of the server of this test run."""
    admin: str = request.getfixturevalue("postgres_template")
    return admin


def quiet(_done: int, _every: int) -> None:
    """Nobody waits for news."""


def everything_happens(engine: Engine, *, sealed: bool = False) -> tuple[Scene, House]:
    """An order with every kind of row: visit, silence, alarm, sighting, exemption, limits, acts, messages."""
    scene = make_scene(engine, sealed=sealed)
    house = House(engine)
    with transaction(engine) as session:
        alerts.take_over_playbook(session, DEFAULT, at(0))
        draft = make_exemption_draft(valid_from=at(3000), valid_until=at(3600))
        orders.add_exemption(session, scene.order_id, draft, STAFF, at(0))
        seen = limits.show_limits(session, scene.order_id, Limits())
        limits.change_limits(session, seen, {"repeat_s": 90.0}, "as agreed", STAFF, at(1))
        alerts.set_preferences(
            session, scene.person_id, PolicyDraft(None, None, rings_severity_1=True, wording=1), STAFF, at(2)
        )
    messages = visit(scene)
    house.take(*messages[:6])
    house.take(messages[4], received(scene.ankle, b'{"_type":"status","batt":9}', at(170)))
    house.take(received(scene.ankle, b"{", at(171)), received(scene.ankle, b'{"_type":"status"}', at(172)))
    house.restart(200)
    house.take(*messages[7:12], received(scene.ankle, alarm("strap_cut"), at(190), "alarm"))
    house.take(*messages[12:])
    with transaction(engine) as session:
        add_outage(session, "worker", at(600), at(640))
        save_reporting(session, {scene.ankle.id: Reporting(300, at(650))})
        place = SightingDraft(Party.WEARER, None, at(690), HOME, 20.0, SightingSource.POLICE, "at the door")
        sightings.add_sighting(session, scene.order_id, place, Limits(), STAFF, at(700))
    for seconds in range(701, 2200, 60):
        house.sweep(seconds)
    house.take(position(scene.ankle, FAR, at(2300)), position(scene.phone, HOME, at(2300)))
    approach = house.alerts()[Family.APPROACH][0]
    house.change(alerts.acknowledge, approach, STAFF, at(2310))
    house.change(alerts.resolve, approach, STAFF, ResolveReason.FALSE_ALARM, "nobody there", at(2320))
    with transaction(engine) as session:
        alerts.start_drill(session, scene.order_id, STAFF, lambda _session, _ids: {}, at(2325))
        for due in alerts.claim_due(session, at(2330), Channel.POLICE_WEBHOOK, 2):
            outcome = Outcome(succeeded=True, code="200", is_received=True)
            alerts.record_attempt(session, due.id, outcome, at(2331), 0.5)
            ack = PoliceAck(f"ack-{due.id}", AckType.ACK, (due.id,), at(2332), "desk")
            take_police_ack(session, ack, at(2332))
    return scene, house


def export(engine: Engine, order_id: uuid.UUID) -> tuple[bytes, Told]:
    """An order's history as the command writes it."""
    out = io.BytesIO()
    with transaction(engine) as session:
        history.note_export(session, order_id, "a test", at(9000))
    with reading(engine) as session:
        told = history.export_history(session, order_id, at(9000), out.write, quiet)
    return out.getvalue(), told


def take(engine: Engine, file: bytes) -> Told:
    """Take a history in, as the command does."""
    with transaction(engine) as session:
        return history.import_history(session, iter(file.splitlines(keepends=True)), at(9100), quiet)


def canonical(file: bytes) -> str:
    """The digest that the command prints."""
    lines = iter(file.splitlines(keepends=True))
    return history.check_history(lines, quiet, canonical=True).canonical


def rows_of(file: bytes, table: str) -> list[dict[str, object]]:
    """The rows of one table in a file."""
    lines = [json.loads(line) for line in file.splitlines()[1:-1]]
    return [line["row"] for line in lines if line["table"] == table]


def add_second_order(engine: Engine, wearer_id: UUID) -> None:
    """Another order against the same wearer, for another person."""
    with transaction(engine) as session:
        person = orders.add_person(session, "P-second", "Second Person", None, at(0))
        draft = OrderDraft(
            reference="C-second",
            court="Rechtbank Breda",
            wearer_id=wearer_id,
            protected_person_ids=(person.id,),
            valid_from=at(0),
            valid_until=at(99_999),
            alert_radius_m=100.0,
            warning_radius_m=200.0,
            exercise=True,
        )
        orders.add_order(session, draft, None, at(0))


def example(folder: Path) -> bytes:
    """A short history for ops/contracts: `python -m tests.evidence.history_house`."""
    engine = make_engine(f"sqlite:///{folder / 'example.db'}", OTHER_KEY)
    migrations.upgrade(engine)
    scene = make_scene(engine)
    house = House(engine)
    messages = [*visit(scene)[:6], received(scene.ankle, alarm("strap_cut"), at(190), "alarm")]
    house.take(*messages)
    return export(engine, scene.order_id)[0]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        sys.stdout.buffer.write(example(Path(place)))

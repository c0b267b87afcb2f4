"""An approach that the real judging told of, with what people did about it: what packs are made of."""

import math
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from api.alerts import service as alerts
from api.alerts.model import Channel, Family, ResolveReason
from api.alerts.service import Outcome
from api.evidence.model.pack import Variant
from api.evidence.service.packing import make_pack
from api.geofence.model import Circle, Limits, SightingSource, Visibility
from api.geofence.service import sightings, zones
from api.geofence.service.judging import Received
from api.geofence.service.sightings import SightingDraft
from api.geofence.service.zones import ZoneDraft
from api.kernel.db import transaction
from api.kernel.geo import Point
from api.orders import service as orders
from api.orders.model import Party
from tests.conftest import SERVER_KEY
from tests.factories import NOW, make_exemption_draft
from tests.rehearsal.house import House, at
from tests.scene import HOME, M_PER_DEG_LAT, Scene, location, make_scene, received

DESK, CHIEF = uuid4(), uuid4()
HIDDEN = Point(51.9312345, 4.4512345)
"""Round this place lies a zone that he was not told of; he comes through it."""


def near(place: Point, north_m: float, east_m: float = 0.0) -> Point:
    east = east_m / (M_PER_DEG_LAT * math.cos(math.radians(place.lat)))
    return Point(place.lat + north_m / M_PER_DEG_LAT, place.lon + east)


def says(scene: Scene, side: str, place: Point, seconds: float, **more: Any) -> Received:
    device = scene.ankle if side == "his" else scene.phone
    said = location(place, at(seconds), **({"acc": 9.5, "batt": 71} | more))
    return received(device, said, at(seconds + 1.4))


def approach(scene: Scene, begin_s: float = 0.0) -> list[Received]:
    """He comes through the hidden zone to her home, stays, and leaves; she moves little."""
    his = [(2400, -2600), (2000, -2300), (1500, -2200), (988, -1925), (900, -1500), (760, -1100), (620, -700)]
    his += [(430, -420), (300, -250), (210, -160), (190, -140), (200, -150), (230, -170), (400, -300)]
    his += [(700, -420), (1100, -600), (1600, -900), (2300, -1500), (3200, -2500)]
    said = [
        says(scene, "his", near(HOME, north, east), begin_s + 30 * n, seq=n, strap="closed")
        for n, (north, east) in enumerate(his)
    ]
    said += [
        says(scene, "hers", near(HOME, 4.0 * n, 3.0 * n), begin_s + 45 * n + 7, seq=n, acc=14, batt=55)
        for n in range(13)
    ]
    return sorted(said, key=lambda message: message.received_at)


class Played:
    """A house in which an approach was played, judged and answered."""

    def __init__(self, engine: Engine, *, hidden: Point = HIDDEN, **scene: Any) -> None:
        self.engine = engine
        self.scene = make_scene(engine, **scene)
        with transaction(engine) as session:
            hidden_zone = ZoneDraft("Hiding place 77", Circle(hidden, 250.0), 100.0, Visibility.CONCEALED)
            self.hidden = zones.add_zone(session, self.scene.order_id, hidden_zone, None, NOW).id
        self.house = House(engine)

    def play(self, begin_s: float = 0.0, *, is_seen: bool = False) -> None:
        """Judge the approach; with `is_seen` what cameras saw is entered in the middle of it."""
        for message in approach(self.scene, begin_s):
            if is_seen and message.received_at > at(400):
                self.see_and_agree()
                is_seen = False
            self.house.take(message)
            self.deliver(message.received_at + timedelta(seconds=0.2))

    def deliver(self, now: datetime) -> None:
        """Send what is due; the police cannot be reached at first."""
        with transaction(self.engine) as session:
            for channel in Channel:
                for sent in alerts.claim_due(session, now, channel, 100):
                    is_lost = channel is Channel.POLICE_WEBHOOK and sent.attempts == 0
                    outcome = Outcome(succeeded=not is_lost, code="timeout" if is_lost else "200")
                    alerts.record_attempt(session, sent.id, outcome, now, 0.5)

    def answer(self) -> None:
        """An operator takes the alert, and a supervisor closes it."""
        alert_id = self.alert()
        with transaction(self.engine) as session:
            alerts.get_alert(session, alert_id, DESK, at(330))
            alerts.acknowledge(session, alert_id, DESK, at(335))
            alerts.resolve(
                session, alert_id, CHIEF, ResolveReason.WEARER_LEFT, "She sits at Rosenlaan 5", at(900)
            )

    def see_and_agree(self) -> None:
        """A camera saw him, a witness her; an exception was agreed for later."""
        with transaction(self.engine) as session:
            for party, place in ((Party.WEARER, near(HOME, 200, -150)), (Party.PROTECTED, near(HOME, 9000))):
                seen = SightingDraft(
                    party, None, at(345), place, 30.0, SightingSource.CAMERA, "note of K4711"
                )
                sightings.add_sighting(session, self.scene.order_id, seen, Limits(), DESK, at(400))
            draft = make_exemption_draft(valid_from=at(700), valid_until=at(4000))
            orders.add_exemption(session, self.scene.order_id, draft, DESK, at(20))

    def alert(self, family: Family = Family.APPROACH) -> UUID:
        return self.house.alerts()[family][0]

    def pack(
        self, variant: Variant = Variant.FULL, seconds: float = 3000, family: Family = Family.APPROACH
    ) -> bytes:
        return make_pack(
            self.engine,
            Limits(),
            SERVER_KEY,
            self.alert(family),
            variant,
            "for the hearing",
            CHIEF,
            at(seconds),
        )

"""The report says everything, on pages that a judge can read, and every form of material can be drawn."""

import io
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import Channel, EntryKind, Event, EventKind
from api.evidence.model.material import Distance, Health, Material, OrderVersion, Track, ZoneVersion
from api.evidence.model.pack import Variant
from api.evidence.report.canvas import WIDTH_MM, Canvas
from api.evidence.report.document import draw
from api.geofence.model import Circle, ExternalSighting, LimitsVersion, Purpose, SightingSource, Visibility
from api.kernel.audit import Act
from api.kernel.geo import Point
from api.orders.model import Party
from tests.evidence.made import (
    ALERT,
    HER,
    HERS,
    HIS,
    SQUARE,
    LaterEntry,
    carrier,
    line,
    material,
    near_event,
    place,
    sent,
    zone,
)
from tests.factories import make_exemption, make_order
from tests.rehearsal.house import at
from tests.scene import HOME, north_of

ORDER = OrderVersion(at(-9000), make_order())


def pages(told: Material) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(draw(told, "test"))).pages]


def said(told: Material) -> str:
    return re.sub(r"\s+", " ", " ".join(pages(told)))


def rich(**more: Any) -> Material:
    his = Track(carrier(Party.WEARER), tuple(place(30 * n, north_of(HOME, 900 - 40 * n)) for n in range(20)))
    hers = Track(
        carrier(Party.PROTECTED), (*(place(30 * n, HOME) for n in range(19)), place(570, HOME, None))
    )
    seen = ExternalSighting(
        UUID(int=8),
        UUID(int=3),
        Party.WEARER,
        None,
        at(1),
        at(2),
        HOME,
        25.0,
        SightingSource.CAMERA,
        "",
        None,
    )
    health = Health(HIS, Party.WEARER, 4, 1, 0, 90.0, at(-90), None, False, None, 2)
    values: dict[str, Any] = {
        "orders": (ORDER,),
        "carriers": (his.carrier, hers.carrier),
        "tracks": (his, hers),
        "entries": (
            *(line(n, near_event(900 - 40 * n, n)) for n in range(0, 600, 30)),
            line(600, near_event(90.0, 600, exemption_id=UUID(int=70), reason="some_code")),
            line(601, None, EntryKind.ACKNOWLEDGED),
            LaterEntry(602, ALERT.id, at(602), "handed_over", 1, None, None, {"to": "supervisor"}),
        ),
        "distances": tuple(Distance(at(30 * n), HER, 900.0 - 40 * n, 20.0) for n in range(20)),
        "messages_out": (sent(1, True), sent(2, False, channel=Channel.DEVICE, device_id=HERS)),
        "acts": (Act(at(40), UUID(int=77), "alerts.read", ""), Act(at(41), None, "evidence.pack", "why")),
        "health": (health,),
        "zones": (ZoneVersion(zone(Circle(HOME, 300.0)), at(-9000), None),),
        "exemptions": (make_exemption(), make_exemption(ended_at=at(5))),
        "sightings": (seen, seen),
        "own_limits": (LimitsVersion(UUID(int=3), 1, {"repeat_s": 30}, at(-10), None, "why"),),
    }
    return material(**(values | more))


def test_every_page_has_its_number_and_says_of_which_alert_it_is() -> None:
    found = pages(rich())
    for number, text in enumerate(found, start=1):
        assert f"page {number} of {len(found)}" in text
        assert str(ALERT.id) in text
        assert "EXERCISE" not in text
    exercise = pages(rich(alert=replace(ALERT, exercise=True)))
    assert all("EXERCISE" in text for text in exercise)


def test_every_event_message_attempt_and_act_has_its_line() -> None:
    text = said(rich())
    for entry in rich().entries:
        assert f"{entry.at:%H:%M:%S}" in text
    for words in (
        "some code; covered by an agreed exception",
        "12:10:01 acknowledged by the system",
        "12:10:02 handed over by the system. to supervisor",
        "message to the police (Alert), now sent",
        "attempt done message to the police: 200",
        "to her device 00000000: message (none)",
        "attempt failed command to a device: timeout",
        "act: read the alert by account 00000000",
        "act: made a pack by the system. why",
        "the wearer was seen (camera), exact to 25 m",
        "Agreed exception (agreed handover)",
        "ended early",
        "repeat 60 s the order's own",
        "his: ankle monitor 00000000 4 (2 doubted) 1 0 90 s from 11:58:30 - - OPEN",
        "Too close: the distance between his position and hers is the alert distance or less",
    ):
        assert words in text, words


def test_the_chart_the_map_and_gaps_are_drawn_for_every_kind_of_material() -> None:
    gap = tuple(
        Distance(at(seconds), HER, metres, 5.0) for seconds, metres in ((-3000, 900), (0, 30_000), (400, 10))
    )
    inclusion = zone((SQUARE,), purpose=Purpose.INCLUSION, buffer_m=0.0, visibility=Visibility.CONCEALED)
    for told in (
        rich(distances=gap),
        rich(variant=Variant.DEFENCE, distances=gap),
        rich(distances=()),
        rich(zones=(ZoneVersion(inclusion, at(0), at(5)),)),
        rich(entries=(), carriers=(), health=()),
        rich(tracks=()),
        rich(tracks=(), entries=(line(1, near_event(100.0)),)),
        rich(orders=(OrderVersion(at(0), make_order(revoked_at=at(1), valid_until=None)),)),
        material(),
    ):
        assert pages(told)


def test_what_is_not_there_is_said_to_be_missing() -> None:
    assert "No position belongs to this alert" in said(material())
    assert "No distance between two people is part of this report" in said(rich(distances=()))
    assert "Reduced for the defence" in said(rich(variant=Variant.DEFENCE))


def test_letters_beyond_the_fonts_do_no_harm() -> None:
    order = OrderVersion(at(0), make_order(reference="Ç-北京-Ж", court="Sąd Okręgowy w Łodzi"))
    assert "Sad Okregowy w Lodzi" in said(rich(orders=(order,)))


def test_the_same_material_gives_the_same_report() -> None:
    assert draw(rich(), "test") == draw(rich(), "test")


def test_a_sighting_far_away_does_not_make_the_map_small() -> None:
    far = Event(
        kind=EventKind.EXTERNAL_SIGHTING, occurred_at=at(1), wearer=near_event(90_000.0).wearer, person_id=HER
    )
    assert pages(rich(entries=(line(1, near_event(100.0)), line(2, far))))
    assert pages(rich(entries=(line(2, far),)))


def test_a_days_events_are_all_told_on_many_pages() -> None:
    entries = tuple(line(60 * n, near_event(300.0, 60 * n)) for n in range(1440))
    found = pages(rich(entries=entries))
    assert sum(text.count("The two were closer than the court allows") for text in found) >= 1440
    assert "2026-11-24 00:00" in " ".join(found)


@pytest.mark.parametrize(
    "point", [Point(89.99, 10.0), Point(-89.99, 0.0), Point(10.0, 179.9999), Point(0.0001, -180.0)]
)
def test_maps_are_drawn_anywhere_on_earth(point: Point) -> None:
    track = Track(carrier(Party.WEARER), (place(0, point), place(30, Point(point.lat, -point.lon))))
    assert pages(rich(tracks=(track,), entries=(), zones=()))


@given(st.text(max_size=300), st.floats(5, 120))
def test_lines_of_tables_always_fit(text: str, width_mm: float) -> None:
    canvas = Canvas("t", "f", at(0), is_exercise=False)
    canvas.set_font("helvetica", "", 8)
    for one in canvas._wrapped(text, width_mm):
        assert canvas.get_string_width(one) <= width_mm or len(one) == 1
    assert width_mm < WIDTH_MM

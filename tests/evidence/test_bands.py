"""How far apart the two were is told to the defence in bands, at the events alone."""

import io
import json
from dataclasses import replace
from uuid import UUID

import pypdf
import pytest
from sqlalchemy import Engine

from api.alerts.model import AlertEntry, EntryKind
from api.alerts.rules.event_json import event_json
from api.evidence.model.material import Band, OrderVersion
from api.evidence.model.pack import Variant
from api.evidence.rules.bands import bands
from tests.evidence.made import near_event
from tests.evidence.packs import contents
from tests.evidence.stage import Played
from tests.factories import make_order
from tests.rehearsal.house import at


def test_how_far_apart_they_were_is_told_at_the_events_alone_and_in_bands(sqlite_engine: Engine) -> None:
    played = Played(sqlite_engine)
    played.play(is_seen=True)
    files = contents(played.pack(Variant.DEFENCE))
    log = [json.loads(line) for line in files["log.jsonl"].splitlines()]
    near_her = [line["event"] for line in log if line.get("event") and line["event"].get("protected")]
    state = json.loads(files["state.json"])
    assert {one["at"] for one in state["distances"]} == {event["occurred_at"] for event in near_her}
    assert {tuple(sorted(one)) for one in state["distances"]} == {("at", "band", "person")}
    assert {one["person"] for one in state["distances"]} == {"protected person 1"}
    assert len({one["band"] for one in state["distances"]}) > 1
    others = [line["event"] for line in log if line.get("event") and not line["event"].get("protected")]
    for event in others:  # her place is not told: nothing that is measured from it is either
        assert event["zone_id"] or event.get("distance_m") is None
        assert not {"eta_s", "closing_m_s", "wearer_part_m_s"} & event.keys()
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(files["report.pdf"])).pages)
    assert "at the alert distance or less" in text
    assert "Line: distance between the two last positions" not in text


@pytest.mark.parametrize(
    ("distance_m", "band"),
    [
        (499.0, Band.ALERT),
        (500.0, Band.ALERT),
        (500.1, Band.WARNING),
        (1000.0, Band.WARNING),
        (1001.0, Band.BEYOND),
    ],
)
def test_a_band_is_that_of_the_order_at_that_moment(distance_m: float, band: Band) -> None:
    told = event_json(near_event(distance_m)) | {"person_id": "protected person 1"}
    lines = [AlertEntry(1, UUID(int=5), at(1), EntryKind.OPENED, 1, None, told)] * 2
    now = OrderVersion(at(-10), make_order(alert_radius_m=500.0, warning_radius_m=1000.0))
    later = OrderVersion(at(500), make_order(alert_radius_m=1.0, warning_radius_m=2.0))
    assert [(one.at, one.band) for one in bands(lines, [now, later])] == [(at(0), band)]
    assert bands(lines, [OrderVersion(at(9), now.order), later])[0].band is band
    assert bands(lines, []) == []
    assert (
        bands([replace(lines[0], event={**told, "protected": None}), replace(lines[0], event=None)], [now])
        == []
    )

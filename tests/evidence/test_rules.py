"""The small rules of a pack: distances, health, shapes, thinning, words, lines of the timeline."""

import math
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import (
    Channel,
    Doubt,
    EventKind,
    Mover,
    ResolveReason,
)
from api.evidence.model.material import (
    Message,
    Track,
    ZoneVersion,
)
from api.evidence.report.text import plain
from api.evidence.rules import wording
from api.evidence.rules.distances import distances
from api.evidence.rules.files import files_of
from api.evidence.rules.geojson import geojson
from api.evidence.rules.health import health_of, longest_silence
from api.evidence.rules.records import hashes, kind_of
from api.evidence.rules.shapes import CIRCLE_CORNERS, Plane, disc, outlines, ring
from api.evidence.rules.thinning import apart, every, lowest, pieces
from api.geofence.model import Circle, Limits, Purpose
from api.kernel.geo import Point, distance_m
from api.orders.model import Party
from tests.evidence.made import (
    HERS,
    HIS,
    SQUARE,
    WINDOW,
    carrier,
    material,
    message,
    place,
    zone,
)
from tests.rehearsal.house import at
from tests.scene import HOME, north_of

# distances


def test_the_distance_is_that_to_the_others_last_place_and_its_doubt_both_accuracies() -> None:
    his = Track(carrier(Party.WEARER), (place(0, north_of(HOME, 800)), place(60, north_of(HOME, 500), None)))
    hers = Track(carrier(Party.PROTECTED), (place(30, HOME, 15.0),))
    told = distances([his, hers], Limits())
    assert [(one.at, round(one.distance_m), one.doubt_m) for one in told] == [
        (at(30), round(distance_m(north_of(HOME, 800), HOME)), 25.0),
        (at(60), round(distance_m(north_of(HOME, 500), HOME)), 115.0),
    ]


def test_no_distance_is_told_to_a_place_that_is_old() -> None:
    his = Track(carrier(Party.WEARER), (place(0), place(301), place(400)))
    hers = Track(carrier(Party.PROTECTED), (place(0, HOME, 15.0), place(500)))
    assert [one.at for one in distances([his, hers], Limits())] == [at(0), at(500)]
    assert distances([his], Limits()) == []


# health


def test_health_says_what_arrived_before_the_opening_and_how_long_nothing_did() -> None:
    places = [
        place(-3000, battery_pct=60, strap_closed=True, doubts=("coarse",)),
        place(-1200, accuracy_m=30.0, battery_pct=50),
        place(100, battery_pct=1, strap_closed=False),
    ]
    said = [message(-2999), message(-1199), message(-600, "status"), message(-500, "kept_aside"), message(5)]
    said += [message(-5000, "status"), message(-60, "status", HERS)]
    health = health_of(carrier(Party.WEARER), places, said, WINDOW)
    assert (health.positions, health.reports, health.kept_aside, health.doubtful) == (2, 1, 1, 1)
    assert (health.battery_pct, health.strap_closed, health.median_accuracy_m) == (50, True, 20.0)
    assert (health.silence_began, health.longest_silence_s) == (at(-2999), 1800.0)


def test_a_device_handed_out_lately_was_silent_only_since_then() -> None:
    health = health_of(carrier(Party.WEARER, since=at(-100)), [], [], WINDOW)
    assert (health.silence_began, health.longest_silence_s) == (at(-100), 100.0)
    assert (health.battery_pct, health.strap_closed, health.median_accuracy_m) == (None, None, None)
    assert health_of(carrier(Party.WEARER, since=at(50)), [], [], WINDOW).longest_silence_s == 0.0


def test_before_a_hand_over_was_entered_nobody_listened_and_nothing_was_a_silence() -> None:
    late = carrier(Party.WEARER, since=at(-9000), entered_at=at(-60))
    health = health_of(late, [], [message(-45, "status")], WINDOW)
    assert (health.silence_began, health.longest_silence_s) == (at(-45), 45.0)
    assert health_of(late, [], [], WINDOW).longest_silence_s == 60.0


@given(st.lists(st.integers(1, 999), max_size=30))
def test_the_longest_silence_holds_nothing_heard(seconds: list[int]) -> None:
    began, length_s = longest_silence([at(one) for one in sorted(seconds)], at(0), at(1000))
    ended = began + timedelta(seconds=length_s)
    assert not any(began < at(one) < ended for one in seconds)
    assert length_s >= 1000 / (len(seconds) + 1)


# shapes


@given(st.floats(-85, 85), st.floats(-179.9, 179.9), st.floats(1, 4000))
def test_discs_and_rings_are_round(lat: float, lon: float, radius_m: float) -> None:
    center = Point(lat, lon)
    for places, within in ((ring(center, radius_m), 1e-5), (disc(center, radius_m), 0.01)):
        assert places[0] == places[-1]
        for one in places:
            straight = Point(one.lat, (one.lon + 180) % 360 - 180)
            assert abs(distance_m(center, straight) - radius_m) < max(radius_m * within, 0.01)


@given(st.floats(-80, 80), st.floats(-170, 170), st.floats(-7000, 7000), st.floats(-7000, 7000))
def test_a_plane_gives_back_what_it_was_given_to_the_metre(
    lat: float, lon: float, east: float, north: float
) -> None:
    plane = Plane(Point(lat, lon))
    back = plane.metres(plane.place(east, north))
    assert math.dist(back, (east, north)) < 1.0


def test_outlines_of_circles_are_drawn_and_those_of_areas_are_their_own() -> None:
    (rings,) = outlines(zone(Circle(HOME, 100.0)))
    assert len(rings[0]) == CIRCLE_CORNERS + 1
    assert list(outlines(zone((SQUARE, SQUARE)))) == [SQUARE.rings, SQUARE.rings]


def test_geojson_marks_what_is_an_approximation_and_keeps_every_digit_of_positions() -> None:
    exact = Point(51.92251234567891, 4.479212345678912)
    tracks = (
        Track(carrier(Party.WEARER), (place(0, exact), place(30, exact, None))),
        Track(carrier(Party.PROTECTED), ()),
    )
    zones = tuple(ZoneVersion(one, at(0), None) for one in (zone(Circle(HOME, 100.0)), zone((SQUARE,))))
    features = geojson(material(tracks=tracks, zones=zones))["features"]
    kinds = [(one["properties"]["what"], one["geometry"]["type"]) for one in features]
    assert kinds == [
        ("track", "LineString"), ("accuracy disc", "Polygon"), ("position", "Point"), ("zone", "Polygon"),
        ("zone", "Polygon"),
    ]  # fmt: skip
    assert (
        features[1]["properties"]["center"]
        == features[2]["geometry"]["coordinates"]
        == [exact.lon, exact.lat]
    )
    assert [one["properties"].get("approximation", False) for one in features] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert features[4]["geometry"]["coordinates"][0][1] == [2, 0]


# thinning


def test_pieces_break_where_nothing_is_known() -> None:
    moments = [at(0), at(701), at(100), at(400)]
    assert pieces(moments, lambda one: one, 300) == [[at(0), at(100), at(400)], [at(701)]]
    assert pieces([at(0), at(301)], lambda one: one, 300) == [[at(0)], [at(301)]]
    assert pieces(list[datetime](), lambda one: one, 300) == []


@given(st.lists(st.tuples(st.floats(0, 99), st.floats(0, 99)), min_size=1, max_size=60))
def test_thinned_tracks_begin_and_end_where_they_do(points: list[tuple[float, float]]) -> None:
    kept = apart(points, 2.0)
    assert (kept[0], kept[-1]) == (0, len(points) - 1)
    assert kept == sorted(set(kept))


@given(st.lists(st.tuples(st.floats(0, 99), st.floats(0, 9e5), st.just(1.0)), min_size=1, max_size=80))
def test_thinned_curves_keep_the_nearest_approach(points: list[tuple[float, float, float]]) -> None:
    kept = lowest(sorted(points), 5.0)
    assert min(y for _x, y, _doubt in kept) == min(y for _x, y, _doubt in points)
    assert len(kept) <= 20


@given(st.lists(st.integers(), max_size=300), st.integers(1, 50))
def test_at_most_so_many_are_chosen_and_the_first_is_one(things: list[int], most: int) -> None:
    chosen = every(things, most)
    assert len(chosen) <= most
    assert chosen[:1] == things[:1]


# words


def test_every_code_has_its_words() -> None:
    assert set(wording.KINDS) == set(EventKind)
    assert set(wording.DOUBTS) == set(Doubt)
    assert set(wording.MOVERS) == set(Mover)
    assert set(wording.RESOLVED) == set(ResolveReason)
    assert {one.value for one in Channel} <= set(wording.CHANNELS)
    values = msgspec.structs.asdict(Limits())
    assert all(words.format(**values) for words in wording.RULES.values())


def test_codes_of_later_versions_are_told_as_they_are() -> None:
    assert wording.kind_words("drone_seen") == "drone seen"
    assert wording.doubt_words(["too_foggy", "coarse"]) == ["too foggy", wording.DOUBTS[Doubt.COARSE]]


def test_numbers_are_told_as_people_say_them() -> None:
    assert [wording.metres(one) for one in (3.2, 1234.0, 12_345.0)] == ["3 m", "1,234 m", "12.3 km"]
    assert [wording.seconds(one) for one in (5.4, 600.0, 9000.0)] == ["5 s", "10 min", "2.5 h"]
    event = {
        "distance_m": 230.4, "protected_age_s": 8.0, "mover": "wearer", "closing_m_s": 5.0, "eta_s": 30.0,
        "live": False, "repeat": True,
    }  # fmt: skip
    assert wording.numbers(event) == (
        "230 m apart, other position 8 s old, he moved towards her, coming together at 18 km/h, "
        "30 s from the alert distance, told late, still so"
    )
    assert wording.numbers({"distance_m": -3.0, "zone_id": "z"}) == "3 m inside the edge"
    assert wording.numbers({"distance_m": 3.0, "zone_id": "z", "closing_m_s": -1.0}) == "3 m outside the edge"
    assert wording.numbers({}) == ""


def test_letters_that_the_fonts_lack_are_told_by_others() -> None:
    assert plain("Jürgen Ćwiklińska – “Łódź”… 北 ≤ 5 €\0") == 'Jürgen Cwiklinska - "Lódz"... ? <= 5 EUR'
    assert plain("two\nlines") == "two\nlines"


# records


@pytest.mark.parametrize(
    ("name", "content", "count"), [("a.jsonl", b"1\n2\n3", 3), ("a.txt", bytes(4097), 2), ("a.txt", b"", 0)]
)
def test_files_fall_into_records(name: str, content: bytes, count: int) -> None:
    assert len(list(hashes(kind_of(name), content))) == count


def test_bytes_that_are_no_text_are_told_in_base64() -> None:
    odd = Message(HIS, at(0), "judged", 1, 0, b"\xff", b"\xfe", "")
    files = files_of(
        material(
            messages=(odd,),
            zones=(ZoneVersion(zone((SQUARE,), purpose=Purpose.INCLUSION, buffer_m=0.0), at(0), None),),
        ),
        b"",
        "test",
    )
    assert b'"received_base64":"/w=="' in files["messages.jsonl"]
    assert b'"opened_base64":"/g=="' in files["messages.jsonl"]
    assert b'"lat"' in files["state.json"]

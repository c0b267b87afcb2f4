from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import gpxpy.gpx
import pytest

import simulator
from simulator.plan import plan_story
from simulator.replay import ReplayDraft, real_moments, scene_of
from simulator.run import Scene
from simulator.schedule import Party
from simulator.stories import ANY
from simulator.story_loader import find_story, load_story
from simulator.tracks import TrackError, clock_fault, read_track, write_track
from simulator.truth import due
from simulator.wire import to_message
from simulator.world import Circle, Place, destination, distance_m

START = Place(45.77, 14.35)
MORNING = datetime(2010, 8, 5, 14, 0, tzinfo=UTC)


def write(path: Path, steps: list[tuple[float, float]], *, broken: bool = False) -> Path:
    """A track eastward: (seconds, metres) from the beginning; `broken` has one time for all, in 1901."""
    gpx = gpxpy.gpx.GPX()
    segment = gpxpy.gpx.GPXTrackSegment()
    for second, along_m in steps:
        place = destination(START, 90, along_m)
        at = datetime(1901, 12, 13, 20, 45, 52, tzinfo=UTC) if broken else MORNING + timedelta(seconds=second)
        segment.points.append(gpxpy.gpx.GPXTrackPoint(place.lat, place.lon, time=at))
    track = gpxpy.gpx.GPXTrack()
    track.segments.append(segment)
    gpx.tracks.append(track)
    path.write_text(gpx.to_xml())
    return path


def replay(wearer: Path, **more: Any) -> tuple[Scene, list[str]]:
    values: dict[str, Any] = {
        "protected": None,
        "zone": None,
        "fraction": 0.5,
        "radius_m": 100.0,
        "buffer_m": 100.0,
        "alert_radius_m": 500.0,
        "warning_radius_m": 1000.0,
        "accuracy_m": 10.0,
        "speed": 1.0,
        "raw_time": False,
    }
    return scene_of(ReplayDraft(wearer=wearer, **(values | more)))


WALK = [(10.0 * n, 14.0 * n) for n in range(101)]


def test_a_zone_is_laid_across_the_walk_and_its_alerts_are_due(tmp_path: Path) -> None:
    scene, notes = replay(write(tmp_path / "walk.gpx", WALK))
    assert [must.kind for must in scene.expect.must] == ["zone_buffer", "zone_breach"]
    buffer, breach = (due(must, scene.draft, scene.plan) for must in scene.expect.must)
    assert buffer is not None
    assert breach is not None
    assert (buffer.stamp_s, breach.stamp_s) == (360, 430)  # 700 m - 200 m and - 100 m at 1.4 m/s
    assert any("does not tell its accuracy" in note for note in notes)
    assert "the zone holds 15 of 101 recorded points, its buffer 14 more" in notes


def test_a_zone_far_away_must_stay_quiet(tmp_path: Path) -> None:
    scene, _ = replay(write(tmp_path / "walk.gpx", WALK), zone=Circle(destination(START, 0, 2000), 100))
    assert scene.expect.must == ()
    assert scene.expect.must_not == {"zone_buffer", "zone_breach"}


def test_near_misses_are_neither_demanded_nor_forbidden(tmp_path: Path) -> None:
    zone = Circle(destination(destination(START, 90, 700), 0, 205), 100)
    scene, _ = replay(write(tmp_path / "walk.gpx", WALK), zone=zone, buffer_m=100.0)
    assert {must.kind for must in scene.expect.must} | scene.expect.must_not == {"zone_breach"}


def test_speed_keeps_stamps_whole_rising_and_believable(tmp_path: Path) -> None:
    steps = [*WALK, (1300.0, 9000.0), (1310.0, 9014.0)]  # a gap with a drive in it
    path = write(tmp_path / "walk.gpx", steps)
    moments = real_moments(read_track(path), 20, has_clock=True)
    assert moments[100] == pytest.approx(50)
    assert moments[101] - moments[100] == pytest.approx(7600 / 45, rel=0.01)
    sent = replay(path, speed=20.0)[0].plan.sendings
    for before, after in pairwise(sent):
        assert after.stamp_s > before.stamp_s
        assert before.reading is not None
        assert after.reading is not None
        assert distance_m(before.reading.place, after.reading.place) / (after.stamp_s - before.stamp_s) < 70


def test_a_recording_that_itself_jumps_is_not_slowed_below_its_own_time(tmp_path: Path) -> None:
    path = write(tmp_path / "jump.gpx", [(0, 0), (10, 14), (11, 2000), (20, 2014)])
    assert real_moments(read_track(path), 10, has_clock=True)[2] == pytest.approx(2.0)


def test_a_broken_clock_is_said_and_replayed_at_a_walking_pace(tmp_path: Path) -> None:
    path = write(tmp_path / "broken.gpx", WALK, broken=True)
    assert "1901" in clock_fault(read_track(path))
    scene, notes = replay(path)
    assert "no usable times" in notes[0]
    assert scene.plan.real_s == pytest.approx(1000, abs=2)
    assert [must.kind for must in scene.expect.must] == ["zone_buffer", "zone_breach"]


def test_raw_time_sends_the_recording_s_own_and_expects_silence(tmp_path: Path) -> None:
    scene, notes = replay(write(tmp_path / "broken.gpx", WALK, broken=True), raw_time=True)
    assert scene.expect.must_not == {ANY}
    assert {to_message(s, 1_790_000_000)["tst"] for s in scene.plan.sendings} == {-2147483648}
    assert len(scene.plan.sendings) == 101
    assert "kept" in notes[0] or "keep" in notes[0]


def test_two_recordings_meet(tmp_path: Path) -> None:
    hers = write(tmp_path / "hers.gpx", [(10.0 * n, 1400 - 14.0 * n) for n in range(101)])
    scene, _ = replay(write(tmp_path / "his.gpx", WALK), protected=hers)
    assert {must.kind for must in scene.expect.must} >= {"proximity_warning", "proximity_breach"}
    assert {s.party for s in scene.plan.sendings} == set(Party)


def test_unusable_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TrackError, match="cannot be read"):
        read_track(tmp_path / "absent.gpx")
    bad = tmp_path / "bad.gpx"
    bad.write_text("not xml")
    with pytest.raises(TrackError, match="not a GPX"):
        read_track(bad)
    with pytest.raises(TrackError, match="no track"):
        read_track(write(tmp_path / "short.gpx", WALK[:1]))


def test_clock_faults_are_told_apart(tmp_path: Path) -> None:
    points = read_track(write(tmp_path / "walk.gpx", WALK))
    assert clock_fault(points) == ""
    assert "backwards" in clock_fault(points[::-1])
    same = read_track(write(tmp_path / "same.gpx", [(0.0, 14.0 * n) for n in range(9)]))
    assert "9 points share 1 times" in clock_fault(same)


def test_a_recorded_story_can_be_replayed(tmp_path: Path) -> None:
    story = load_story(find_story("zone-on-foot"))
    path = tmp_path / "story.gpx"
    write_track(path, "walk", plan_story(story, 1, 1).sendings, 1_790_000_000)
    points = read_track(path)
    assert clock_fault(points) == ""
    assert points[0].unix_s == 1_790_000_000
    assert points[0].accuracy_m == pytest.approx(4.9)
    scene, notes = replay(path)
    assert [must.kind for must in scene.expect.must] == ["zone_buffer", "zone_breach"]
    assert not any("accuracy" in note for note in notes)


def test_the_shipped_track_is_good_for_a_replay() -> None:
    tracks = sorted((Path(simulator.__file__).parent / "tracks").glob("*.gpx"))
    assert tracks
    for path in tracks:
        assert clock_fault(read_track(path)) == ""
        assert replay(path)[0].expect.must

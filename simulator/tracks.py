"""GPX recordings, read and written; a recording whose clock is broken is recognised as such."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import gpxpy
import gpxpy.gpx

from simulator.schedule import Sending
from simulator.world import Place

FIRST_GPS_S = 315_964_800
"""6 January 1980, the beginning of GPS time: no receiver has recorded anything before it."""
M_PER_HDOP = 5.0
"""Usual range error of a receiver in metres per unit of HDOP (gps.gov, about 4-6 m)."""


class TrackError(Exception):
    """A recording cannot be used; the message names the file and the reason."""


@dataclass(frozen=True, slots=True)
class RecordedPoint:
    """One point: Unix seconds as recorded (None without), 68 % radius when the recording tells."""

    place: Place
    unix_s: float | None
    accuracy_m: float | None


def read_track(path: Path) -> list[RecordedPoint]:
    """Return all points of all tracks in the order of the file; raises TrackError."""
    try:
        with path.open(encoding="utf-8") as file:
            gpx = gpxpy.parse(file)
    except OSError as error:
        raise TrackError(f"{path}: cannot be read: {error.strerror}") from error
    except (gpxpy.gpx.GPXException, UnicodeDecodeError) as error:
        raise TrackError(f"{path}: not a GPX recording: {error}") from error
    points = [
        RecordedPoint(
            Place(point.latitude, point.longitude),
            point.time.timestamp() if point.time else None,
            point.horizontal_dilution * M_PER_HDOP if point.horizontal_dilution else None,
        )
        for track in gpx.tracks
        for segment in track.segments
        for point in segment.points
    ]
    if len(points) < 2:
        raise TrackError(f"{path}: holds no track of at least two points")
    return points


def clock_fault(points: Sequence[RecordedPoint]) -> str:
    """Return why the recording's times cannot be used, or nothing."""
    times = [point.unix_s for point in points if point.unix_s is not None]
    if len(times) < len(points):
        return f"{len(points) - len(times)} of {len(points)} points have no time"
    if min(times) < FIRST_GPS_S:
        return f"its clock says {datetime.fromtimestamp(min(times), UTC):%Y}, before there was GPS"
    if len(set(times)) < len(times) / 2:
        return f"its {len(times)} points share {len(set(times))} times"
    if any(later < earlier for earlier, later in pairwise(times)):
        return "its times run backwards"
    return ""


def write_track(path: Path, name: str, sendings: Sequence[Sending], begin_s: int) -> None:
    """Write one device's positions as GPX 1.1, in the order of their stamps."""
    gpx = gpxpy.gpx.GPX()
    gpx.creator = "Baken simulator"
    gpx.name = name
    segment = gpxpy.gpx.GPXTrackSegment()
    for sending in sorted(sendings, key=lambda sending: sending.stamp_s):
        reading = sending.reading
        if reading is None or sending.alarm:
            continue
        dilution = None if reading.accuracy_m is None else round(reading.accuracy_m / M_PER_HDOP, 2)
        segment.points.append(
            gpxpy.gpx.GPXTrackPoint(
                round(reading.place.lat, 7),
                round(reading.place.lon, 7),
                time=datetime.fromtimestamp(begin_s + sending.stamp_s, UTC),
                horizontal_dilution=dilution,
            )
        )
    track = gpxpy.gpx.GPXTrack(name=name)
    track.segments.append(segment)
    gpx.tracks.append(track)
    path.write_text(gpx.to_xml(), encoding="utf-8")

"""`incident.geojson` (RFC 7946): tracks, accuracy discs, zones and the places of events, for any map."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from api.evidence.model.material import Material, Track
from api.evidence.rules.shapes import disc, outlines
from api.geofence.model import Circle
from api.kernel.geo import Point

DECIMALS = 6
"""Of the corners of approximations: 0.11 m. Positions themselves keep every digit."""


def geojson(material: Material) -> dict[str, Any]:
    """Return everything that has a place; `approximation` marks polygons that stand for circles."""
    features = [
        feature
        for track in material.tracks
        for feature in (*_track(track, material), *_positions(track, material))
    ]
    features += [*_zones(material), *_events(material), *_sightings(material)]
    return {"type": "FeatureCollection", "features": features}


def _feature(kind: str, coordinates: Sequence[Any], **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _track(track: Track, material: Material) -> Iterator[dict[str, Any]]:
    if len(track.places) > 1:
        line = [_exact(place.point) for place in track.places]
        yield _feature("LineString", line, what="track", **_whose(track, material))


def _positions(track: Track, material: Material) -> Iterator[dict[str, Any]]:
    for place in track.places:
        told = {
            "fixed_at": place.fixed_at,
            "received_at": place.received_at,
            "accuracy_m": place.accuracy_m,
            "timing": place.timing,
            "doubts": place.doubts,
            **_whose(track, material),
        }
        if place.accuracy_m is None:
            yield _feature("Point", _exact(place.point), what="position", **told)
            continue
        corners = [_near(point) for point in disc(place.point, place.accuracy_m)]
        told |= {"center": _exact(place.point), "approximation": True}
        yield _feature("Polygon", [corners], what="accuracy disc", **told)


def _whose(track: Track, material: Material) -> dict[str, Any]:
    person_id = track.carrier.person_id
    person = material.labels.get(person_id) if person_id else None
    return {"device": track.carrier.device_id, "party": track.carrier.party, "person": person}


def _zones(material: Material) -> Iterator[dict[str, Any]]:
    for version in material.zones:
        zone = version.zone
        told: dict[str, Any] = {
            "zone": zone.id,
            "version": zone.version,
            "name": zone.name,
            "purpose": zone.purpose,
            "visibility": zone.visibility,
            "buffer_m": zone.buffer_m,
            "since": version.since,
            "until": version.until,
        }
        if isinstance(zone.shape, Circle):
            told |= {
                "center": _exact(zone.shape.center),
                "radius_m": zone.shape.radius_m,
                "approximation": True,
            }
        shorten = _near if isinstance(zone.shape, Circle) else _exact
        for rings in outlines(zone):
            yield _feature(
                "Polygon", [[shorten(point) for point in one] for one in rings], what="zone", **told
            )


def _events(material: Material) -> Iterator[dict[str, Any]]:
    for entry in material.entries:
        for side in ("wearer", "protected"):
            seen: Mapping[str, Any] | None = (entry.event or {}).get(side)
            if seen is None or entry.event is None:
                continue
            yield _feature(
                "Point",
                _exact(Point(**seen["point"])),
                what="event",
                at=entry.at,
                event=entry.event["kind"],
                party=side,
                accuracy_m=seen.get("accuracy_m"),
                fixed_at=seen.get("fixed_at"),
            )


def _sightings(material: Material) -> Iterator[dict[str, Any]]:
    for seen in material.sightings:
        told = {
            "seen_at": seen.seen_at,
            "source": seen.source,
            "accuracy_m": seen.accuracy_m,
            "party": seen.party,
        }
        yield _feature("Point", _exact(seen.point), what="sighting", **told)


def _exact(point: Point) -> list[float]:
    return [point.lon, point.lat]


def _near(point: Point) -> list[float]:
    return [round(point.lon, DECIMALS), round(point.lat, DECIMALS)]

"""How far apart two people were over time, from both tracks."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from api.evidence.model.material import Distance, Place, Track
from api.geofence.geometry.earth import distance_m, ecef
from api.geofence.model import Limits
from api.orders.model import Party


def distances(tracks: Sequence[Track], limits: Limits) -> list[Distance]:
    """Return the distance at each moment at which either party was placed, per protected person.

    The other party's place is its last one before, if not older than `limits.partner_stale_s`: with an
    older one nothing is told, and a drawing shows a gap. The doubt is the sum of both accuracies.
    """
    his = [place for track in tracks if track.carrier.party is Party.WEARER for place in track.places]
    hers: dict[UUID, list[Place]] = {}
    for track in tracks:
        if track.carrier.person_id is not None:
            hers.setdefault(track.carrier.person_id, []).extend(track.places)
    return [one for person_id, places in hers.items() for one in _between(his, places, person_id, limits)]


def _between(his: Sequence[Place], hers: Sequence[Place], person_id: UUID, limits: Limits) -> list[Distance]:
    steps = sorted(
        [(place.fixed_at, 0, place) for place in his] + [(place.fixed_at, 1, place) for place in hers],
        key=lambda step: step[:2],
    )
    last: list[Place | None] = [None, None]
    xyz = [(0.0, 0.0, 0.0), (0.0, 0.0, 0.0)]
    found: dict[datetime, Distance] = {}
    for at, side, place in steps:
        last[side], xyz[side] = place, ecef(place.point)
        other = last[1 - side]
        if other is None or (at - other.fixed_at).total_seconds() > limits.partner_stale_s:
            continue
        doubt_m = sum(
            limits.unknown_accuracy_m if one.accuracy_m is None else one.accuracy_m for one in (place, other)
        )
        found[at] = Distance(at, person_id, distance_m(xyz[0], xyz[1]), doubt_m)
    return list(found.values())

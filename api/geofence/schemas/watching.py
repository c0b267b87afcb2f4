"""JSON of the map, of tracks and of the system's health."""

from typing import Any

import marshmallow as ma

from api.geofence.model import Fix
from api.geofence.schemas.zones import ZoneSchema
from api.geofence.service.watching import Position, Track, WatchedPicture
from api.kernel.http import Schema
from api.orders.model import Party


class FixSchema(Schema):
    """One position with its doubt; times are the device's and ours."""

    lat = ma.fields.Float(metadata={"description": "WGS-84 degrees"})
    lon = ma.fields.Float(metadata={"description": "WGS-84 degrees"})
    accuracy_m = ma.fields.Float(allow_none=True, metadata={"description": "68 % radius; null is unknown"})
    fixed_at = ma.fields.AwareDateTime()
    received_at = ma.fields.AwareDateTime()


class PositionSchema(FixSchema):
    """The last position of one device of an order's party."""

    order_id = ma.fields.UUID()
    device_id = ma.fields.UUID()
    party = ma.fields.Enum(Party, by_value=True)
    person_id = ma.fields.UUID(allow_none=True)
    doubts = ma.fields.List(ma.fields.String())


class PictureSchema(Schema):
    """One order on the map."""

    order_id = ma.fields.UUID()
    reference = ma.fields.String()
    alert_radius_m = ma.fields.Float()
    warning_radius_m = ma.fields.Float()
    unknown_after_s = ma.fields.Float(
        metadata={"description": "a position older than this tells no longer where somebody is"}
    )
    reach_speed_m_s = ma.fields.Float(metadata={"description": "m/s; how fast he can travel unseen"})
    zones = ma.fields.List(ma.fields.Nested(ZoneSchema))
    positions = ma.fields.List(ma.fields.Nested(PositionSchema))


class MapSchema(Schema):
    """Every order with an unresolved alert."""

    orders = ma.fields.List(ma.fields.Nested(PictureSchema))


class TrackSchema(Schema):
    """One device's path, oldest fix first."""

    device_id = ma.fields.UUID()
    party = ma.fields.Enum(Party, by_value=True)
    person_id = ma.fields.UUID(allow_none=True)
    points = ma.fields.List(ma.fields.Nested(FixSchema))


class TracksSchema(Schema):
    """The paths of everybody whom an alert concerns."""

    tracks = ma.fields.List(ma.fields.Nested(TrackSchema))


class TracksQuerySchema(Schema):
    """How long before the alert the paths begin."""

    minutes = ma.fields.Integer(
        load_default=30, validate=ma.validate.Range(0, 24 * 60), metadata={"description": "0..1440"}
    )


class ProcessSchema(Schema):
    """One of our processes: `ok` is False when it is overdue or lives without being able to work."""

    heartbeat_age_s = ma.fields.Float(allow_none=True, metadata={"description": "null: never heard of"})
    ok = ma.fields.Boolean()


class HealthSchema(Schema):
    """Whether we see: signs of life per process, what was stored, kept aside and waits to be sent."""

    processes = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Nested(ProcessSchema))
    fixes_stored = ma.fields.Integer()
    rejected = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())
    pending_notifications = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())


def fix_json(fix: Fix) -> dict[str, Any]:
    """Return what FixSchema shows of a fix."""
    return {
        "lat": fix.point.lat,
        "lon": fix.point.lon,
        "accuracy_m": fix.accuracy_m,
        "fixed_at": fix.fixed_at,
        "received_at": fix.received_at,
    }


def position_json(position: Position) -> dict[str, Any]:
    """Return what PositionSchema shows of a position."""
    return {
        **fix_json(position.fix),
        "order_id": position.order_id,
        "device_id": position.fix.device_id,
        "party": position.party,
        "person_id": position.person_id,
        "doubts": list(position.doubts),
    }


def map_json(pictures: list[WatchedPicture]) -> dict[str, Any]:
    """Return what MapSchema shows."""
    return {
        "orders": [
            {
                "order_id": picture.order.id,
                "reference": picture.order.reference,
                "alert_radius_m": picture.order.alert_radius_m,
                "warning_radius_m": picture.order.warning_radius_m,
                "unknown_after_s": picture.limits.near_silence_s,
                "reach_speed_m_s": picture.limits.reach_speed_m_s,
                "zones": picture.zones,
                "positions": [position_json(position) for position in picture.positions],
            }
            for picture in pictures
        ]
    }


def tracks_json(tracks: list[Track]) -> dict[str, Any]:
    """Return what TracksSchema shows."""
    return {
        "tracks": [
            {
                "device_id": track.device_id,
                "party": track.party,
                "person_id": track.person_id,
                "points": [fix_json(fix) for fix in track.fixes],
            }
            for track in tracks
        ]
    }

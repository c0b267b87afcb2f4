"""JSON of people, orders and devices."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

import marshmallow as ma

from api.kernel.fields import Moment, line_of_text, yes_or_no
from api.kernel.geo import Point
from api.kernel.http import Schema
from api.kernel.mqtt import topic_of
from api.orders.model import (
    MAX_RADIUS_M,
    MAX_REASON_CHARACTERS,
    MIN_RADIUS_M,
    AgreedPlace,
    Device,
    DeviceKind,
    ExemptionDraft,
    ExemptionKind,
)


def _radius() -> ma.fields.Float:
    return ma.fields.Float(required=True, validate=ma.validate.Range(MIN_RADIUS_M, MAX_RADIUS_M))


def _ids(description: str) -> ma.fields.List[UUID]:
    return ma.fields.List(
        ma.fields.UUID(),
        load_default=(),
        validate=ma.validate.Length(0, 100),
        metadata={"description": description},
    )


class PersonSchema(Schema):
    """A wearer or a protected person."""

    id = ma.fields.UUID(dump_only=True)
    reference = line_of_text(100)
    name = line_of_text(200)


class CredentialsSchema(Schema):
    """What a protected person signs in with; shown only once."""

    number = ma.fields.String()
    pin = ma.fields.String()


class OrderSchema(Schema):
    """A protective order; `exercise` can be said only when it is made, and is false unless said."""

    id = ma.fields.UUID(dump_only=True)
    reference = line_of_text(100)
    court = line_of_text(200)
    wearer_id = ma.fields.UUID(required=True)
    protected_person_ids = ma.fields.List(
        ma.fields.UUID(), required=True, validate=ma.validate.Length(1, 100)
    )
    valid_from = Moment(required=True)
    valid_until = Moment(load_default=None, allow_none=True)
    revoked_at = Moment(dump_only=True, allow_none=True)
    alert_radius_m = _radius()
    warning_radius_m = _radius()
    exercise = yes_or_no()

    @ma.post_load
    def _freeze(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        return data | {"protected_person_ids": tuple(data["protected_person_ids"])}


class AgreedPlaceSchema(Schema):
    """A circle on the ground: WGS-84 degrees and metres."""

    lat = ma.fields.Float(required=True, validate=ma.validate.Range(-90, 90), attribute="center.lat")
    lon = ma.fields.Float(required=True, validate=ma.validate.Range(-180, 180), attribute="center.lon")
    radius_m = _radius()

    @ma.post_load
    def _place(self, data: dict[str, Any], **_more: object) -> AgreedPlace:
        center = data["center"]
        return AgreedPlace(Point(center["lat"], center["lon"]), data["radius_m"])


class ExemptionSchema(Schema):
    """An agreed exception to an order; without a place it holds anywhere."""

    id = ma.fields.UUID(dump_only=True)
    order_id = ma.fields.UUID(dump_only=True)
    kind = ma.fields.Enum(ExemptionKind, by_value=True, required=True)
    reason = line_of_text(MAX_REASON_CHARACTERS)
    person_ids = _ids("Whom it covers; empty is everybody of the order.")
    zone_ids = _ids("Which zones it covers; empty is all.")
    place = ma.fields.Nested(
        AgreedPlaceSchema,
        load_default=None,
        allow_none=True,
        metadata={"description": "It holds only while the wearer is within."},
    )
    valid_from = Moment(required=True)
    valid_until = Moment(required=True)
    created_by = ma.fields.UUID(dump_only=True, allow_none=True)
    created_at = Moment(dump_only=True)
    ended_at = Moment(dump_only=True, allow_none=True)
    ended_by = ma.fields.UUID(dump_only=True, allow_none=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> ExemptionDraft:
        ids = {name: tuple(data[name]) for name in ("person_ids", "zone_ids")}
        return ExemptionDraft(**(data | ids))


class DeviceDraftSchema(Schema):
    """What is said of a device when it joins the register."""

    kind = ma.fields.Enum(DeviceKind, by_value=True, required=True)
    label = line_of_text(100)
    sealed = yes_or_no(load_default=False)
    require_sealed = yes_or_no(load_default=False)
    simulated = yes_or_no(load_default=False)


class DeviceSchema(Schema):
    """A device without its secrets; `sealed` says whether it has a sealing key."""

    id = ma.fields.UUID()
    kind = ma.fields.Enum(DeviceKind, by_value=True)
    label = ma.fields.String()
    shard = ma.fields.Integer()
    topic = ma.fields.String()
    username = ma.fields.String()
    sealed = ma.fields.Boolean()
    require_sealed = ma.fields.Boolean()
    simulated = ma.fields.Boolean()
    retired_at = Moment(allow_none=True)

    @ma.pre_dump
    def _add_address(self, device: Device, **_more: object) -> dict[str, Any]:
        return _with_address(device)


class NewDeviceSchema(DeviceSchema):
    """A device with its secrets, shown only once; dumps (device, secret)."""

    secret = ma.fields.String()
    sealing_key = ma.fields.String(allow_none=True, metadata={"description": "64 hexadecimal digits."})

    @ma.pre_dump
    def _add_address(self, issued: tuple[Device, str], **_more: object) -> dict[str, Any]:
        device, secret = issued
        key = None if device.sealing_key is None else device.sealing_key.hex()
        return _with_address(device) | {"secret": secret, "sealing_key": key}


class NewSecretSchema(Schema):
    """A device's new broker password, shown only once."""

    id = ma.fields.UUID()
    username = ma.fields.String()
    secret = ma.fields.String()


class HolderSchema(Schema):
    """Who is to carry a device: exactly one of the two."""

    wearer_id = ma.fields.UUID(load_default=None)
    protected_person_id = ma.fields.UUID(load_default=None)
    since = Moment(
        load_default=None, metadata={"description": "When it was handed out, if that was before now."}
    )


class AssignmentSchema(Schema):
    """Who carried a device from when until when."""

    id = ma.fields.UUID()
    device_id = ma.fields.UUID()
    wearer_id = ma.fields.UUID(allow_none=True)
    protected_person_id = ma.fields.UUID(allow_none=True)
    assigned_at = Moment()
    unassigned_at = Moment(allow_none=True)
    entered_at = Moment()


def _with_address(device: Device) -> dict[str, Any]:
    """Return the device as its JSON shows it, with its name and topic at the broker, without secrets."""
    shown = asdict(device)
    del shown["secret_hash"], shown["sealing_key"]
    return shown | {
        "sealed": device.sealing_key is not None,
        "topic": topic_of(device.shard, device.id),
        "username": device.id.hex,
    }

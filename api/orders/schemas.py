"""JSON of people, orders and devices."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import marshmallow as ma

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

FIRST_YEAR, LAST_YEAR = 2000, 2200
"""Dates outside are slips of the keyboard (year 0206, 20266); proposal."""


def line_of_text(max_length: int) -> ma.fields.String:
    """Return a required field for one line that says something, without control characters.

    PostgreSQL stores neither NUL nor half a surrogate pair, and neither belongs into a name.
    """
    printable = r"^(?=[\s\S]*\S)[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*\Z"
    return ma.fields.String(
        required=True,
        validate=[
            ma.validate.Length(1, max_length),
            ma.validate.Regexp(printable, error="Must be one line that is not blank."),
        ],
    )


class Moment(ma.fields.AwareDateTime):
    """A moment with its UTC offset, as ISO 8601; kept and given back in UTC."""

    default_error_messages = {  # noqa: RUF012 - marshmallow's way
        "invalid": "Not a moment: give ISO 8601, for example 2026-11-23T12:00:00+01:00.",
        "invalid_awareness": "Say the UTC offset too, for example 2026-11-23T12:00:00+01:00.",
        "year": "Must be in the years {first} to {last}.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> datetime:  # noqa: ANN401 - marshmallow's
        moment = super()._deserialize(value, attr, data, **more)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise self.make_error("year", first=FIRST_YEAR, last=LAST_YEAR)
        return moment.astimezone(UTC)


def _yes_or_no(**more: Any) -> ma.fields.Boolean:  # noqa: ANN401 - marshmallow's arguments
    """Return a field that takes true and false and no word that looks like one."""
    return ma.fields.Boolean(truthy={True}, falsy={False}, **more)


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
    exercise = _yes_or_no()

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
    sealed = _yes_or_no(load_default=False)
    require_sealed = _yes_or_no(load_default=False)
    simulated = _yes_or_no(load_default=False)


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

"""JSON of limits: the house's with what is allowed, and an order's own with their versions."""

from typing import Any

import marshmallow as ma
import msgspec

from api.geofence.model import Limits
from api.geofence.rules.limits import BOUNDS, Scope
from api.geofence.schemas.texts import free_text
from api.geofence.service.limits import OrderLimits
from api.kernel.http import Schema

_DEFAULTS = Limits()
_BY_NAME = {"type": "object", "additionalProperties": {"type": "number"}}
_PER_ORDER = [name for name, bounds in BOUNDS.items() if bounds.scope is Scope.ORDER]


class LimitSchema(Schema):
    """One limit of this house, and what it may be; `scope` order: a single order may differ."""

    name = ma.fields.String()
    value = ma.fields.Float()
    default = ma.fields.Float()
    low = ma.fields.Float()
    high = ma.fields.Float()
    unit = ma.fields.String()
    scope = ma.fields.Enum(Scope, by_value=True)


class LimitsDraftSchema(Schema):
    """All limits in which an order shall differ from the house; none ends what it had of its own."""

    limits = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Raw(allow_none=True),  # what a value may be is for the rules to say
        required=True,
        validate=ma.validate.Length(max=len(BOUNDS)),
        metadata=_BY_NAME | {"description": f"Number by name: {', '.join(_PER_ORDER)}"},
    )
    reason = free_text(500, required=True)


class LimitsVersionSchema(Schema):
    """What an order had of its own from a moment on, until the next version."""

    version = ma.fields.Integer()
    overrides = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Float())
    since = ma.fields.AwareDateTime()
    author_id = ma.fields.UUID(allow_none=True)
    reason = ma.fields.String()


class OrderLimitsSchema(Schema):
    """The limits of one order.

    `effective` is what it is judged by: `house` with `overrides`. `usable` false: the house has changed its
    limits since, the order's own contradict them, and it is judged by the house's.
    """

    order_id = ma.fields.UUID()
    version = ma.fields.Integer(metadata={"description": "0: it never had any of its own"})
    overrides = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Float())
    usable = ma.fields.Boolean()
    effective = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Float())
    house = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Float())
    versions = ma.fields.List(ma.fields.Nested(LimitsVersionSchema))


def house_json(house: Limits) -> list[dict[str, Any]]:
    """Return what LimitSchema shows, in the order of `BOUNDS`."""
    return [
        {
            "name": name,
            "value": getattr(house, name),
            "default": getattr(_DEFAULTS, name),
            **msgspec.structs.asdict(bounds),
        }
        for name, bounds in BOUNDS.items()
    ]


def order_limits_json(limits: OrderLimits) -> dict[str, Any]:
    """Return what OrderLimitsSchema shows."""
    return {
        "order_id": limits.order_id,
        "version": limits.version,
        "overrides": limits.overrides,
        "usable": limits.usable,
        "effective": msgspec.structs.asdict(limits.effective),
        "house": msgspec.structs.asdict(limits.house),
        "versions": limits.versions,
    }

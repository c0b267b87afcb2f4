"""Limits: the house's, and those of single orders."""

from typing import Any, cast
from uuid import UUID

from flask import current_app
from flask.views import MethodView

from api.accounts.model import MONITORING, Role
from api.geofence.model import Limits
from api.geofence.schemas.limits import (
    LimitSchema,
    LimitsDraftSchema,
    OrderLimitsSchema,
    house_json,
    order_limits_json,
)
from api.geofence.service import limits as service
from api.kernel import clock, http
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, allow

blueprint = Blueprint("limits", __name__, url_prefix="/api", description="Every threshold of the rules")


def house_limits() -> Limits:
    """Return this house's limits, read once when the application was made."""
    return cast("Limits", current_app.extensions["baken.limits"])


@blueprint.route("/limits")
class HouseLimitsView(MethodView):
    """The limits of this house."""

    @allow(*MONITORING)
    @blueprint.response(200, LimitSchema(many=True))
    def get(self) -> list[dict[str, Any]]:
        """Show every limit of this house; they are set by a file, and hold from the next start."""
        return house_json(house_limits())


@blueprint.route("/orders/<uuid:order_id>/limits")
class OrderLimitsView(MethodView):
    """The limits of one order; their ETag is needed to change them."""

    @allow(*MONITORING)
    @blueprint.etag
    @blueprint.response(200, OrderLimitsSchema)
    def get(self, order_id: UUID) -> dict[str, Any]:
        """Show what an order is judged by, what it has of its own, and who decided that when and why."""
        with reading(http.engine()) as session:
            return order_limits_json(service.show_limits(session, order_id, house_limits()))

    @allow(Role.SUPERVISOR)
    @blueprint.etag
    @blueprint.arguments(LimitsDraftSchema)
    @blueprint.response(200, OrderLimitsSchema)
    def put(self, draft: dict[str, Any], order_id: UUID) -> dict[str, Any]:
        """Change what an order has of its own: all of it is said anew, and holds within a second."""
        with transaction(http.engine()) as session:
            seen = service.show_limits(session, order_id, house_limits())
            blueprint.check_etag(order_limits_json(seen), OrderLimitsSchema)
            changed = service.change_limits(
                session, seen, draft["limits"], draft["reason"], http.actor().id, clock.now()
            )
            return order_limits_json(changed)

"""The control room's map, tracks and health."""

from typing import Any, cast
from uuid import UUID

from flask.views import MethodView
from sqlalchemy.orm import Session

from api.accounts.model import Role
from api.accounts.model.keys import Scope
from api.geofence.routes.limits import house_limits
from api.geofence.schemas.watching import (
    HealthSchema,
    MapSchema,
    PositionSchema,
    TracksQuerySchema,
    TracksSchema,
    map_json,
    position_json,
    tracks_json,
)
from api.geofence.service import health, watching
from api.kernel import clock, http
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, allow

blueprint = Blueprint("watching", __name__, url_prefix="/api", description="Map, tracks and health")


@blueprint.route("/map")
class MapView(MethodView):
    """Orders with an unresolved alert."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @blueprint.response(200, MapSchema)
    def get(self) -> dict[str, Any]:
        """Show zones and last positions of every order with an unresolved alert."""
        with transaction(http.engine()) as session:
            return map_json(watching.show_map(session, house_limits(), http.actor().id, clock.now()))


@blueprint.route("/alerts/<uuid:alert_id>/tracks")
class TracksView(MethodView):
    """Paths of those whom an alert concerns."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @blueprint.arguments(TracksQuerySchema, location="query")
    @blueprint.response(200, TracksSchema)
    def get(self, query: dict[str, int], alert_id: UUID) -> dict[str, Any]:
        """Show where the parties of an alert went, from some minutes before it opened."""
        with transaction(http.engine()) as session:
            tracks = watching.show_tracks(session, alert_id, query["minutes"], http.actor().id, clock.now())
            return tracks_json(tracks)


@blueprint.route("/health")
class HealthView(MethodView):
    """Whether monitoring itself sees."""

    @allow(Role.OPERATOR, Role.SUPERVISOR, scope=Scope.HEALTH_READ)
    @blueprint.response(200, HealthSchema)
    def get(self) -> dict[str, Any]:
        """Show signs of life of our processes and what was stored, kept aside and waits to be sent."""
        with reading(http.engine()) as session:
            return health.report_health(session, clock.now())


def positions_json(session: Session, order_ids: list[UUID]) -> list[dict[str, Any]]:
    """Return the last positions of these orders' parties, for the control-room stream."""
    positions = [position_json(position) for position in watching.positions_of(session, order_ids)]
    return cast("list[dict[str, Any]]", PositionSchema(many=True).dump(positions))

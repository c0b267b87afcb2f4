"""Zones of an order: listed, drawn, changed and removed."""

from uuid import UUID

from flask.views import MethodView

from api.accounts.model import Role
from api.geofence.model import ExclusionZone
from api.geofence.schemas.zones import ZoneDraftSchema, ZoneSchema
from api.geofence.service import zones as service
from api.geofence.service.zones import ZoneDraft
from api.kernel import clock, http
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, allow

blueprint = Blueprint("zones", __name__, url_prefix="/api/orders", description="Zones")


@blueprint.route("/<uuid:order_id>/zones")
class ZonesView(MethodView):
    """The zones of one order."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @blueprint.response(200, ZoneSchema(many=True))
    def get(self, order_id: UUID) -> list[ExclusionZone]:
        """List the zones in force of an order."""
        with reading(http.engine()) as session:
            return service.list_order_zones(session, order_id)

    @allow(Role.SUPERVISOR)
    @blueprint.arguments(ZoneDraftSchema)
    @blueprint.response(201, ZoneSchema)
    def post(self, draft: ZoneDraft, order_id: UUID) -> ExclusionZone:
        """Draw a zone; a shape that cannot be used is refused with the fault and its place."""
        with transaction(http.engine()) as session:
            return service.add_zone(session, order_id, draft, http.actor().id, clock.now())


@blueprint.route("/<uuid:order_id>/zones/<uuid:zone_id>")
class ZoneView(MethodView):
    """One zone; its ETag is needed to change or remove it."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @blueprint.etag
    @blueprint.response(200, ZoneSchema)
    def get(self, order_id: UUID, zone_id: UUID) -> ExclusionZone:
        """Show a zone in force."""
        with reading(http.engine()) as session:
            return service.get_zone(session, order_id, zone_id)

    @allow(Role.SUPERVISOR)
    @blueprint.etag
    @blueprint.arguments(ZoneDraftSchema)
    @blueprint.response(200, ZoneSchema)
    def put(self, draft: ZoneDraft, order_id: UUID, zone_id: UUID) -> ExclusionZone:
        """Change a zone: a new version takes the place of the one that was read."""
        with transaction(http.engine()) as session:
            seen = service.get_zone(session, order_id, zone_id)
            blueprint.check_etag(seen, ZoneSchema)
            return service.change_zone(session, seen, draft, http.actor().id, clock.now())

    @allow(Role.SUPERVISOR)
    @blueprint.etag
    @blueprint.response(204)
    def delete(self, order_id: UUID, zone_id: UUID) -> None:
        """Remove a zone; what was judged with it stays explainable."""
        with transaction(http.engine()) as session:
            seen = service.get_zone(session, order_id, zone_id)
            blueprint.check_etag(seen, ZoneSchema)
            service.remove_zone(session, seen, http.actor().id, clock.now())

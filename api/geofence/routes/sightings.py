"""Sightings by other means than a device: entered and listed in the control room."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from api.accounts.model import MONITORING
from api.geofence.model import ExternalSighting
from api.geofence.routes.limits import house_limits
from api.geofence.schemas.sightings import SightingDraftSchema, SightingSchema
from api.geofence.service import sightings as service
from api.geofence.service.sightings import SightingDraft
from api.kernel import clock, http
from api.kernel.db import transaction
from api.kernel.http import Blueprint, allow

blueprint = Blueprint(
    "sightings", __name__, url_prefix="/api/orders", description="Seen by a camera, a witness, the police"
)


@blueprint.route("/<uuid:order_id>/sightings")
class SightingsView(MethodView):
    """Where the parties of an order were seen by other means than their devices."""

    @allow(*MONITORING)
    @blueprint.response(200, SightingSchema(many=True))
    @blueprint.paginate(page_size=100, max_page_size=500)
    def get(self, order_id: UUID, pagination_parameters: Any) -> list[ExternalSighting]:  # noqa: ANN401 - flask-smorest's
        """List what was entered under an order, the last first."""
        page = pagination_parameters
        with transaction(http.engine()) as session:
            page.item_count = service.count_sightings(session, order_id)
            first = min(page.first_item, page.item_count)
            actor_id = http.actor().id
            return service.list_sightings(session, order_id, first, page.page_size, actor_id, clock.now())

    @allow(*MONITORING)
    @blueprint.arguments(SightingDraftSchema)
    @blueprint.response(201, SightingSchema)
    def post(self, draft: SightingDraft, order_id: UUID) -> ExternalSighting:
        """Enter a sighting: it raises an alert if it contradicts the device or shows a breach."""
        with transaction(http.engine()) as session:
            return service.add_sighting(
                session, order_id, draft, house_limits(), http.actor().id, clock.now()
            )

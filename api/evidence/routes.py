"""URLs of evidence, at the control host."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from api.accounts.model import MONITORING, Role
from api.evidence.rules.manifest import fingerprint, public_key
from api.evidence.schemas import KeySchema, PackDraftSchema
from api.evidence.service import packing
from api.geofence.routes.limits import house_limits
from api.kernel import clock, http
from api.kernel.http import Blueprint, allow

control_blueprint = Blueprint("evidence", __name__, url_prefix="/api", description="What a court is given.")


@control_blueprint.route("/alerts/<uuid:alert_id>/evidence")
class Evidence(MethodView):
    """The evidence of one alert."""

    @allow(Role.SUPERVISOR)
    @control_blueprint.arguments(PackDraftSchema)
    @control_blueprint.alt_response(200, content_type="application/zip", description="The signed pack.")
    def post(self, draft: dict[str, Any], alert_id: UUID) -> Response:
        """Make the signed pack of an alert; who did so for whom and why is kept in the audit trail."""
        now, variant = clock.now(), draft["variant"]
        pack = packing.make_pack(
            http.engine(),
            house_limits(),
            http.settings().server_key,
            alert_id,
            variant,
            draft["reason"],
            http.actor().id,
            now,
        )
        response = Response(pack, mimetype="application/zip")
        name = f"evidence-{variant.value}-{now:%Y%m%d-%H%M%S}.zip"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


@control_blueprint.route("/evidence/key")
class Key(MethodView):
    """The key of this house."""

    @allow(*MONITORING)
    @control_blueprint.response(200, KeySchema)
    def get(self) -> dict[str, str]:
        """Show the public key that packs of this house are checked with."""
        key = public_key(packing.signing_key(http.settings().server_key))
        return {"algorithm": "Ed25519", "public_key": key, "fingerprint": fingerprint(key)}

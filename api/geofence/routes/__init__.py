"""HTTP of the geofence: staff's zones, map and health; devices' positions at the app host."""

from api.geofence.routes import intake, limits, sightings, watching, zones
from api.geofence.routes.watching import positions_json
from api.geofence.service.watching import heard_of

__all__ = ["app_blueprints", "control_blueprints", "heard_of", "positions_json"]

control_blueprints = (zones.blueprint, watching.blueprint, limits.blueprint, sightings.blueprint)
app_blueprints = (intake.blueprint,)

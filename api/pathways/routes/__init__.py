"""HTTP of the pathway: staff at the control host, she at the app host under neutral addresses."""

from api.pathways.routes.agencies import agencies
from api.pathways.routes.consents import consents, overrides
from api.pathways.routes.contacts import contacts
from api.pathways.routes.counters import counters
from api.pathways.routes.hers import schedule
from api.pathways.routes.pathways import pathways

control_blueprints = (agencies, pathways, contacts, counters, consents, overrides)
app_blueprints = (schedule,)

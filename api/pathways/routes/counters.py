"""The counters for policy, at the control host."""

from flask.views import MethodView

from api.accounts.model import Account, Role
from api.kernel import clock
from api.kernel.db import transaction
from api.kernel.http import Blueprint, actor, allow, engine
from api.pathways.model.counters import Counters
from api.pathways.routes.pathways import content
from api.pathways.schemas.counters import CountersSchema, QuarterQuerySchema
from api.pathways.service import counters as service

counters = Blueprint("counters", __name__, url_prefix="/api/counters", description="Counters for policy.")


@counters.route("")
class PolicyCounters(MethodView):
    """How late, how long, how often for lack of a place."""

    @allow(Role.SUPERVISOR, Role.AUDITOR)
    @counters.arguments(QuarterQuerySchema, location="query")
    @counters.response(200, CountersSchema)
    def get(self, query: dict[str, str]) -> Counters:
        """Show the counters of a quarter that is over; cells that could point at one person are null."""
        account: Account = actor()
        with transaction(engine()) as session:
            return service.read_counters(session, query["quarter"], content(), account.id, clock.now())

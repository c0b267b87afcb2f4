"""What an auditor may: read who did what, in ids and kinds, and have the chain looked through."""

from typing import Any

from flask.views import MethodView

from api.accounts.model import Account, Role
from api.accounts.schemas.staff import ActSchema, TrailQuerySchema, VerifiedSchema
from api.accounts.service import trail
from api.kernel import clock
from api.kernel.audit import Asked, Row
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine
from api.kernel.ledger import Verified

audit = Blueprint("audit", __name__, url_prefix="/api/audit", description="Who saw or changed what.")
control_blueprints = (audit,)


@audit.route("")
class Trail(MethodView):
    """The audit trail."""

    @allow(Role.AUDITOR)
    @audit.arguments(TrailQuerySchema, location="query")
    @audit.response(200, ActSchema(many=True))
    @audit.paginate(page_size=100, max_page_size=500)
    def get(self, query: dict[str, Any], pagination_parameters: Any) -> list[Row]:  # noqa: ANN401 - flask-smorest's
        """List acts, the newest first; reading them is an act as well."""
        account: Account = actor()
        page = pagination_parameters
        with transaction(engine()) as session:
            page.item_count = trail.count_acts(session, Asked(**query))
            first = min(page.first_item, page.item_count)
            return trail.page_acts(session, Asked(**query), first, page.page_size, account.id, clock.now())


@audit.route("/verification")
class Verification(MethodView):
    """Whether the trail is as it was written."""

    @allow(Role.AUDITOR)
    @audit.response(200, VerifiedSchema)
    def post(self) -> Verified:
        """Look through the whole hash chain, and say where it does not hold."""
        account: Account = actor()
        with reading(engine()) as session:
            found = trail.verify(session)
        with transaction(engine()) as session:
            trail.note_verified(session, found, account.id, clock.now())
        return found

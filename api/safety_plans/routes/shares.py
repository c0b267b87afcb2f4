"""URLs of what she lets others know, and of who looked; behind what her PIN opens."""

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from api.accounts.model import Role
from api.accounts.routes.hers import must_be_hers, opened
from api.kernel import clock
from api.kernel.content import Language
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine, settings
from api.kernel.padding import padded_answer
from api.pathways.model.consents import Consent, ConsentDraft
from api.pathways.service import agencies, consents
from api.pathways.service.consents import HerLedger
from api.safety_plans.schemas.shares import ShareDraftSchema, ShareIdSchema, SharesSchema, WhosSchema
from api.safety_plans.service import load_content
from api.safety_plans.service.reading import read_plan
from api.safety_plans.service.sharing import share

blueprint = Blueprint("shares", __name__, url_prefix="/shares", description="Shares.")
MOST = 500
"""Names that can be chosen from; a region has some dozens."""


@blueprint.route("")
class Shares(MethodView):
    """Who may know what."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.response(200, SharesSchema)
    def get(self) -> Response:
        """Show who may know what, and who looked."""
        must_be_hers()
        with transaction(engine()) as session:
            ledger = consents.read_ledger(session, actor().id, clock.now())
        return padded_answer(SharesSchema().dump(_shown(ledger)))

    @allow(Role.PROTECTED_PERSON)
    @blueprint.arguments(ShareDraftSchema)
    @blueprint.response(201, ShareIdSchema)
    def post(self, body: dict[str, Any]) -> Consent:
        """Let somebody know."""
        key, content = must_be_hers(), load_content(settings().content_dir)
        draft = ConsentDraft(body["who"], tuple(body["parts"]), body["purpose"], body["until"])
        with transaction(engine()) as session:
            plan = read_plan(session, key, content, Language.NL)
            return share(session, actor().id, plan, content, draft, clock.now())


@blueprint.route("/<uuid:share_id>")
class Share(MethodView):
    """One line."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.response(204)
    def delete(self, share_id: UUID) -> None:
        """End it; the copy is deleted."""
        must_be_hers()
        with transaction(engine()) as session:
            consents.revoke(session, actor().id, share_id, clock.now())


@blueprint.route("/who")
class Whos(MethodView):
    """Everybody who can be let know."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.response(200, WhosSchema)
    def get(self) -> Response:
        """Show who can be let know."""
        opened()
        with reading(engine()) as session:
            listed = agencies.list_agencies(session, 0, MOST)
        return padded_answer(WhosSchema().dump({"who": [one for one in listed if one.retired_at is None]}))


def _shown(ledger: HerLedger) -> dict[str, Any]:
    names = {agency_id: agency.name for agency_id, agency in ledger.agencies.items()}
    return {
        "shares": [
            {
                "id": one.id,
                "who": names[one.agency_id],
                "parts": one.parts,
                "purpose": one.purpose,
                "given_at": one.given_at,
                "until": one.until,
                "ended_at": one.revoked_at,
            }
            for one in ledger.consents
        ],
        "looks": [
            {"id": one.consent_id, "who": one.agency, "name": one.name, "at": one.at, "reason": one.reason}
            for one in ledger.looks
        ],
        "passed": [
            {"who": names[one.agency_id], "ground": one.ground.value, "what": one.what, "at": one.asked_at}
            for one in ledger.overrides
        ],
    }

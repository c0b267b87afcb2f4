"""URLs of the consent ledger, for staff: read what she shares with the own agency; overrides."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy.orm import Session

from api.accounts.model import Account, Role
from api.accounts.schemas import EntryCodeSchema
from api.kernel import clock
from api.kernel.db import transaction
from api.kernel.http import Blueprint, actor, allow, engine
from api.pathways.model.consents import Consent, Ground, Override, OverrideDraft
from api.pathways.schemas.consents import (
    ConsentSchema,
    CopySchema,
    OverrideDraftSchema,
    OverrideSchema,
    ReasonSchema,
)
from api.pathways.service import consents as service
from api.pathways.service import opening

consents = Blueprint(
    "consents", __name__, url_prefix="/api/consents", description="What she lets an agency know."
)
overrides = Blueprint(
    "overrides", __name__, url_prefix="/api", description="What is passed on without her consent."
)


def link_started(session: Session, account_id: UUID, pathway_id: UUID) -> None:
    """Let an account that was made with a pathway's code read that pathway."""
    opening.link_account(session, pathway_id, account_id, None, clock.now())


def _account() -> Account:
    account: Account = actor()
    return account


@consents.route("")
class Consents(MethodView):
    """What she lets the own agency know."""

    @allow(Role.CASE_WORKER)
    @consents.response(200, ConsentSchema(many=True))
    def get(self) -> list[Consent]:
        """List what the own agencies may read now."""
        with transaction(engine()) as session:
            return service.list_shared(session, _account(), clock.now())


@consents.route("/<uuid:consent_id>/reading")
class ConsentReading(MethodView):
    """Looking at what she shares."""

    @allow(Role.CASE_WORKER)
    @consents.arguments(ReasonSchema)
    @consents.response(200, CopySchema)
    def post(self, body: dict[str, str], consent_id: UUID) -> dict[str, str]:
        """Read the copy; she can see who looked, when and why."""
        with transaction(engine()) as session:
            text = service.read_copy(session, _account(), consent_id, body["reason"], clock.now())
        return {"text": text}


@overrides.route("/pathways/<uuid:pathway_id>/overrides")
class PathwayOverrides(MethodView):
    """What is passed on of a pathway without her consent."""

    @allow(Role.CASE_WORKER)
    @overrides.response(200, OverrideSchema(many=True))
    def get(self, pathway_id: UUID) -> list[Override]:
        """List what was passed on, and what waits for a second person."""
        with transaction(engine()) as session:
            return service.list_overrides(session, _account(), pathway_id)

    @allow(Role.CASE_WORKER)
    @overrides.arguments(OverrideDraftSchema)
    @overrides.response(201, OverrideSchema)
    def post(self, body: dict[str, Any], pathway_id: UUID) -> Override:
        """Write down ground, reason and day of informing her; a second person must confirm it."""
        draft = OverrideDraft(pathway_id=pathway_id, **body | {"ground": Ground(body["ground"])})
        with transaction(engine()) as session:
            return service.ask_override(session, _account(), draft, clock.now())


@overrides.route("/pathways/<uuid:pathway_id>/entry-code")
class PathwayEntryCode(MethodView):
    """A code with which she makes an account that reads its own pathway."""

    @allow(Role.CASE_WORKER)
    @overrides.response(201, EntryCodeSchema)
    def post(self, pathway_id: UUID) -> dict[str, Any]:
        """Make a code for one use, to be handed over in the talk; staff never see number or PIN."""
        with transaction(engine()) as session:
            code, typed = opening.make_entry_code(session, _account(), pathway_id, clock.now())
        return {"id": code.id, "code": typed, "expires_at": code.expires_at}


@overrides.route("/overrides/<uuid:override_id>/confirmation")
class OverrideConfirmation(MethodView):
    """The second person."""

    @allow(Role.CASE_WORKER)
    @overrides.response(200, OverrideSchema)
    def post(self, override_id: UUID) -> Override:
        """Confirm it, as somebody else than whoever asked."""
        with transaction(engine()) as session:
            return service.confirm_override(session, _account(), override_id, clock.now())


@overrides.route("/overrides/<uuid:override_id>/informing")
class OverrideInforming(MethodView):
    """That she was told."""

    @allow(Role.CASE_WORKER)
    @overrides.response(200, OverrideSchema)
    def post(self, override_id: UUID) -> Override:
        """Note that she was told."""
        with transaction(engine()) as session:
            return service.note_informed(session, _account(), override_id, clock.now())

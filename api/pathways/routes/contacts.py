"""How she may be reached, at the control host: read before any try, and her sign stops them all."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask.views import MethodView

from api.accounts.model import Account
from api.kernel import clock
from api.kernel.db import transaction
from api.kernel.http import Blueprint, actor, allow, engine
from api.pathways.model.contacts import Attempt, AttemptOutcome, ContactChannel, SafeContact
from api.pathways.model.pathways import ReadReason
from api.pathways.routes.agencies import WORKERS
from api.pathways.schemas.pathways import (
    CodeWordAnswerSchema,
    CodeWordSchema,
    ContactAttemptSchema,
    ContactOutcomeSchema,
    ReasonQuerySchema,
    SafeContactBodySchema,
    SafeContactClearSchema,
    SafeContactSchema,
    SafeContactSignSchema,
)
from api.pathways.service import contacts as service

contacts = Blueprint(
    "safe-contact", __name__, url_prefix="/api/pathways", description="How she may be reached."
)


def _account() -> Account:
    account: Account = actor()
    return account


@contacts.route("/<uuid:pathway_id>/safe-contact")
class HowToReach(MethodView):
    """How she may be reached."""

    @allow(*WORKERS)
    @contacts.arguments(ReasonQuerySchema, location="query")
    @contacts.response(200, SafeContactSchema)
    def get(self, query: dict[str, ReadReason], pathway_id: UUID) -> SafeContact:
        """Show how she may be reached; it counts for 15 minutes before a try to speak with her."""
        with transaction(engine()) as session:
            return service.read_safe_contact(session, _account(), pathway_id, query["reason"], clock.now())

    @allow(*WORKERS)
    @contacts.arguments(SafeContactBodySchema)
    @contacts.response(200, SafeContactSchema)
    def put(self, body: dict[str, Any], pathway_id: UUID) -> SafeContact:
        """Keep how she may be reached, in her words; `seen_version` is 0 for the first."""
        with transaction(engine()) as session:
            return service.set_safe_contact(session, _account(), pathway_id, **body, now=clock.now())


@contacts.route("/<uuid:pathway_id>/safe-contact/sign")
class Sign(MethodView):
    """Her sign that she cannot be spoken to."""

    @allow(*WORKERS)
    @contacts.response(200, SafeContactSignSchema)
    def post(self, pathway_id: UUID) -> dict[str, datetime]:
        """Note that she gave her sign: nobody tries until her fixed contact has cleared it."""
        with transaction(engine()) as session:
            return {"not_safe_since": service.give_sign(session, _account(), pathway_id, clock.now())}


@contacts.route("/<uuid:pathway_id>/safe-contact/clearing")
class Clearing(MethodView):
    """The end of her sign."""

    @allow(*WORKERS)
    @contacts.arguments(SafeContactClearSchema)
    @contacts.response(200, SafeContactSignSchema)
    def post(self, body: dict[str, str], pathway_id: UUID) -> dict[str, None]:
        """Note that she can be spoken to again, and how that is known; only for her fixed contact."""
        with transaction(engine()) as session:
            service.clear_sign(session, _account(), pathway_id, body["reason"], clock.now())
        return {"not_safe_since": None}


@contacts.route("/<uuid:pathway_id>/code-word")
class CodeWord(MethodView):
    """Her code word."""

    @allow(*WORKERS)
    @contacts.arguments(CodeWordSchema)
    @contacts.response(200, CodeWordAnswerSchema)
    def post(self, body: dict[str, str], pathway_id: UUID) -> dict[str, bool]:
        """Say whether what somebody said is her code word."""
        with transaction(engine()) as session:
            is_right = service.is_code_word(session, _account(), pathway_id, body["word"], clock.now())
        return {"is_right": is_right}


@contacts.route("/<uuid:pathway_id>/contact-attempts")
class Attempts(MethodView):
    """Tries to speak with her."""

    @allow(*WORKERS)
    @contacts.arguments(ContactAttemptSchema)
    @contacts.response(201, ContactAttemptSchema)
    def post(self, body: dict[str, ContactChannel], pathway_id: UUID) -> Attempt:
        """Ask to speak with her now in this way; refused unless how she may be reached was just read."""
        with transaction(engine()) as session:
            return service.begin_attempt(session, _account(), pathway_id, body["channel"], clock.now())


@contacts.route("/<uuid:pathway_id>/contact-attempts/<uuid:attempt_id>/outcome")
class Outcome(MethodView):
    """What came of a try."""

    @allow(*WORKERS)
    @contacts.arguments(ContactOutcomeSchema)
    @contacts.response(200, ContactAttemptSchema)
    def post(self, body: dict[str, AttemptOutcome], pathway_id: UUID, attempt_id: UUID) -> Attempt:
        """Note what came of a try; her sign, or a wrong code word, stops every further one."""
        given = body["outcome"]
        with transaction(engine()) as session:
            return service.note_outcome(session, _account(), pathway_id, attempt_id, given, clock.now())

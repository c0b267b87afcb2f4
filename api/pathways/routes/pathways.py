"""Pathways at the control host: today's work, steps and hand-offs, the fixed contact.

Whoever has no part in a pathway, or was excluded from it, gets the answer for an id that does not exist.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask.views import MethodView

from api.accounts.model import Account
from api.kernel import clock
from api.kernel.db import transaction
from api.kernel.http import Blueprint, actor, allow, engine, settings
from api.pathways.model.content import STEP_COUNT, PathwayContent
from api.pathways.model.pathways import CloseReason, Pathway, PathwayDraft, PathwayView, ReadReason, Urgency
from api.pathways.model.steps import Step, StepCall, StepNotFound
from api.pathways.model.work import Work
from api.pathways.routes.agencies import WORKERS
from api.pathways.schemas.pathways import (
    ExclusionSchema,
    FixedContactSchema,
    NextContactSchema,
    PathwayCloseSchema,
    PathwayContentSchema,
    PathwaySchema,
    PathwayStepSchema,
    PathwayViewSchema,
    ReasonQuerySchema,
    StepActSchema,
    UrgencySchema,
    WorkSchema,
)
from api.pathways.service import needs, opening, steps, work
from api.pathways.service.content import pathway_content

pathways = Blueprint(
    "pathways", __name__, url_prefix="/api/pathways", description="Who does what for whom, by when."
)


def _account() -> Account:
    account: Account = actor()
    return account


def content() -> PathwayContent:
    """Return the content that this house goes by."""
    return pathway_content(settings().content_dir)


def step_number(text: str) -> int:
    """Return the number of a step in an address; raises StepNotFound."""
    if not (text.isascii() and text.isdigit() and len(text) < 3 and int(text) < STEP_COUNT):
        raise StepNotFound("There is no such step.")
    return int(text)


@pathways.route("")
class Pathways(MethodView):
    """New pathways."""

    @allow(*WORKERS)
    @pathways.arguments(PathwaySchema)
    @pathways.response(201, PathwaySchema)
    def post(self, draft: PathwayDraft) -> Pathway:
        """Open a pathway; whoever does is the fixed contact. The answer has the code to pass on."""
        with transaction(engine()) as session:
            return opening.open_pathway(session, _account(), draft, content(), clock.now())


@pathways.route("/work")
class TodaysWork(MethodView):
    """Today's work."""

    @allow(*WORKERS)
    @pathways.response(200, WorkSchema)
    def get(self) -> Work:
        """List what to accept, what is overdue, what is due, and whom to speak to; acute ones first."""
        with transaction(engine()) as session:
            return work.list_work(session, _account(), clock.now())


@pathways.route("/steps")
class Content(MethodView):
    """The steps in words."""

    @allow(*WORKERS)
    @pathways.response(200, PathwayContentSchema)
    def get(self) -> PathwayContent:
        """Show what each step is, who may take it, and on what ground."""
        return content()


@pathways.route("/<uuid:pathway_id>")
class OnePathway(MethodView):
    """One pathway."""

    @allow(*WORKERS)
    @pathways.arguments(ReasonQuerySchema, location="query")
    @pathways.response(200, PathwayViewSchema)
    def get(self, query: dict[str, ReadReason], pathway_id: UUID) -> PathwayView:
        """Show a pathway: all of it to the fixed contact's agency, to others their own steps."""
        with transaction(engine()) as session:
            return opening.view_pathway(session, _account(), pathway_id, query["reason"], clock.now())


@pathways.route("/<uuid:pathway_id>/steps/<number>/acts")
class StepActs(MethodView):
    """What is done with a step."""

    @allow(*WORKERS)
    @pathways.arguments(StepActSchema)
    @pathways.response(200, PathwayStepSchema)
    def post(self, call: StepCall, pathway_id: UUID, number: str) -> Step:
        """Take, offer, accept, decline, withdraw, begin, finish, give up or reopen a step.

        `refuse`, `pause` and `resume` are hers: staff write them down at her word.
        """
        at = step_number(number)
        with transaction(engine()) as session:
            return steps.act(session, _account(), pathway_id, at, call, content(), clock.now())


@pathways.route("/<uuid:pathway_id>/contact")
class FixedContact(MethodView):
    """Her fixed contact."""

    @allow(*WORKERS)
    @pathways.arguments(FixedContactSchema)
    @pathways.response(200, PathwaySchema)
    def put(self, body: dict[str, Any], pathway_id: UUID) -> Pathway:
        """Let another person of the same agency be the fixed contact, or the deputy."""
        with transaction(engine()) as session:
            return opening.set_contact(session, _account(), pathway_id, **body, now=clock.now())


@pathways.route("/<uuid:pathway_id>/next-contact")
class NextContact(MethodView):
    """When she is spoken to next."""

    @allow(*WORKERS)
    @pathways.arguments(NextContactSchema)
    @pathways.response(200, PathwaySchema)
    def put(self, body: dict[str, datetime], pathway_id: UUID) -> Pathway:
        """Set when she is spoken to next; an open pathway without it is overdue."""
        with transaction(engine()) as session:
            return opening.set_next_contact(session, _account(), pathway_id, body["at"], clock.now())


@pathways.route("/<uuid:pathway_id>/urgency")
class PathwayUrgency(MethodView):
    """How urgent it is."""

    @allow(*WORKERS)
    @pathways.arguments(UrgencySchema)
    @pathways.response(200, PathwaySchema)
    def put(self, body: dict[str, Urgency], pathway_id: UUID) -> Pathway:
        """Make a pathway acute, which shortens every deadline that runs, or ordinary."""
        given = body["urgency"]
        with transaction(engine()) as session:
            return opening.set_urgency(session, _account(), pathway_id, given, content(), clock.now())


@pathways.route("/<uuid:pathway_id>/closing")
class Closing(MethodView):
    """The end of a pathway."""

    @allow(*WORKERS)
    @pathways.arguments(PathwayCloseSchema)
    @pathways.response(200, PathwaySchema)
    def post(self, body: dict[str, CloseReason], pathway_id: UUID) -> Pathway:
        """Close a pathway; it can be opened again."""
        with transaction(engine()) as session:
            return opening.close_pathway(session, _account(), pathway_id, body["reason"], clock.now())


@pathways.route("/<uuid:pathway_id>/reopening")
class Reopening(MethodView):
    """A pathway that goes on."""

    @allow(*WORKERS)
    @pathways.response(200, PathwaySchema)
    def post(self, pathway_id: UUID) -> Pathway:
        """Open a closed pathway again; its steps are as they were left."""
        with transaction(engine()) as session:
            return opening.reopen_pathway(session, _account(), pathway_id, content(), clock.now())


@pathways.route("/<uuid:pathway_id>/exclusions")
class Exclusions(MethodView):
    """Whom she excluded."""

    @allow(*WORKERS)
    @pathways.arguments(ExclusionSchema)
    @pathways.response(204)
    def post(self, body: dict[str, str], pathway_id: UUID) -> None:
        """Let nobody of this name or log-in see the pathway, at her word; the name is kept nowhere."""
        with transaction(engine()) as session:
            needs.look(session, _account(), pathway_id).must_be_of_contact()
            needs.exclude(session, pathway_id, body["name"], _account().id, clock.now())

"""Her schedule at the app host; no address and no key of it says what it is for."""

from uuid import UUID

from flask.views import MethodView

from api.accounts.model import Account, Role
from api.accounts.routes.hers import must_be_hers
from api.kernel import clock
from api.kernel.db import transaction
from api.kernel.errors import Conflict, NotFound
from api.kernel.http import Blueprint, actor, allow, engine
from api.pathways.model.pathways import PathwayNotFound
from api.pathways.model.steps import Step, StepAct, StepConflict
from api.pathways.model.work import Schedule
from api.pathways.routes.pathways import content, step_number
from api.pathways.schemas.hers import LanguageQuerySchema, ScheduleSchema, StateSchema
from api.pathways.service import work

schedule = Blueprint("schedule", __name__, url_prefix="/schedule", description="Schedule.")


def _account_id() -> UUID:
    must_be_hers()
    account: Account = actor()
    return account.id


def _decide(number: str, what: StepAct) -> Step:
    at = step_number(number)
    try:
        with transaction(engine()) as session:
            return work.decide_herself(session, _account_id(), at, what, clock.now())
    except PathwayNotFound as error:  # what staff read of it has words that the neutral host never says
        raise NotFound("There is no such step.") from error
    except StepConflict as error:
        raise Conflict("This cannot be done now: look again at how it stands.") from error


@schedule.route("")
class HerSchedule(MethodView):
    """The schedule."""

    @allow(Role.PROTECTED_PERSON)
    @schedule.arguments(LanguageQuerySchema, location="query")
    @schedule.response(200, ScheduleSchema)
    def get(self, query: dict[str, str | None]) -> Schedule:
        """Show who does what, when."""
        language = query["language"]
        with transaction(engine()) as session:
            return work.read_schedule(session, _account_id(), content(), language, clock.now())


@schedule.route("/steps/<number>/refusal")
class Refusal(MethodView):
    """No to a step."""

    @allow(Role.PROTECTED_PERSON)
    @schedule.response(200, StateSchema)
    def post(self, number: str) -> Step:
        """Say no; nothing else changes."""
        return _decide(number, StepAct.REFUSE)


@schedule.route("/steps/<number>/pause")
class Pause(MethodView):
    """A step that rests."""

    @allow(Role.PROTECTED_PERSON)
    @schedule.response(200, StateSchema)
    def post(self, number: str) -> Step:
        """Let it rest; nothing else changes."""
        return _decide(number, StepAct.PAUSE)


@schedule.route("/steps/<number>/resume")
class Resume(MethodView):
    """A step that goes on."""

    @allow(Role.PROTECTED_PERSON)
    @schedule.response(200, StateSchema)
    def post(self, number: str) -> Step:
        """Let it go on; nothing else changes."""
        return _decide(number, StepAct.RESUME)

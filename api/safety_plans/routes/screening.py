"""URLs of the red flags: staff's at the control host, hers at the app host in words that tell nothing.

No answer is kept or logged at either host.
"""

from typing import Any

from flask import Response
from flask.views import MethodView

from api.accounts.model import STAFF, Role
from api.accounts.routes.hers import opened
from api.kernel import clock
from api.kernel.db import transaction
from api.kernel.http import Blueprint, actor, allow, engine, settings
from api.kernel.padding import padded_answer
from api.safety_plans.schemas.screening import (
    AnswersSchema,
    AskedSchema,
    ListSchema,
    ResultSchema,
    StaffAnswersSchema,
    StaffAskedSchema,
    list_json,
    result_json,
)
from api.safety_plans.service import screening as service

control = Blueprint(
    "red_flags", __name__, url_prefix="/api/red-flags", description="Signs of danger, and what can be done."
)
app = Blueprint("lists", __name__, url_prefix="/lists", description="Lists.")


@control.route("")
class RedFlagList(MethodView):
    """The list of red flags."""

    @allow(*STAFF)
    @control.arguments(StaffAskedSchema, location="query")
    @control.response(200, ListSchema)
    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Show the questions, for an asker and in a language, with how to use them."""
        return list_json(service.read_red_flags(settings().content_dir), **asked)


@control.route("/result")
class RedFlagResult(MethodView):
    """What answers come to."""

    @allow(*STAFF)
    @control.arguments(StaffAnswersSchema)
    @control.response(200, ResultSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Tell what answers come to and what can be done. Answers are not kept; that the list was used is."""
        answers = body.pop("answers")
        with transaction(engine()) as session:
            found = service.screen_for_staff(
                session, settings().content_dir, body["asker"], answers, actor().id, clock.now()
            )
        return result_json(*found, **body)


@app.route("")
class PersonList(MethodView):
    """A list."""

    @allow(Role.PROTECTED_PERSON)
    @app.arguments(AskedSchema, location="query")
    @app.response(200, ListSchema)
    def get(self, asked: dict[str, Any]) -> Response:
        """Show a list."""
        opened()
        shown = list_json(service.read_red_flags(settings().content_dir), **asked)
        return padded_answer(ListSchema().dump(shown))


@app.route("/result")
class PersonResult(MethodView):
    """A list, filled in."""

    @allow(Role.PROTECTED_PERSON)
    @app.arguments(AnswersSchema)
    @app.response(200, ResultSchema)
    def post(self, body: dict[str, Any]) -> Response:
        """Go through a list."""
        opened()
        found = service.screen_herself(settings().content_dir, body.pop("answers"))
        return padded_answer(ResultSchema().dump(result_json(*found, **body)))

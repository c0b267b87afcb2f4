"""URLs of what reaches a protected person: hers to read and set at the app host, staff's to read."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy.orm import Session

from api.accounts.model import Role
from api.accounts.model.entry import Side, SlotContent
from api.accounts.routes.hers import confirm_person
from api.alerts import service
from api.alerts.routes import heard_of
from api.alerts.schemas.hers import (
    AskSchema,
    ChangeSchema,
    DetailsSchema,
    PolicySchema,
    PreferencesSchema,
    preferences_json,
    wish_of,
)
from api.alerts.service import Preferences, silent
from api.kernel import clock
from api.kernel.db import transaction
from api.kernel.http import Blueprint, actor, allow, engine, settings
from api.safety_plans.model import cover_named

control_blueprint = Blueprint(
    "alert_policies", __name__, url_prefix="/api/protected-persons", description="What reaches her."
)
app_blueprint = Blueprint("details", __name__, description="More.")


@control_blueprint.route("/<uuid:person_id>/alert-policy")
class PersonPolicy(MethodView):
    """What reaches a protected person."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.response(200, PolicySchema)
    def get(self, person_id: UUID) -> Preferences:
        """Show what reaches a protected person by her own choice; the look is kept in the audit trail."""
        with transaction(engine()) as session:
            return service.read_preferences(session, person_id, actor().id, clock.now())


@app_blueprint.route("/details")
class MessageDetails(MethodView):
    """More about the messages."""

    @allow(Role.PROTECTED_PERSON)
    @app_blueprint.arguments(AskSchema)
    @app_blueprint.response(200, DetailsSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Show more."""
        whose, account = _whose(confirm_person(body["secret"])), actor()
        with transaction(engine()) as session:
            shown = service.read_details(
                session, whose, account.id, body["language"], heard_of(), clock.now()
            )
        preferences = _preferences(shown.preferences, body)
        return {
            "items": shown.items,
            "preferences": preferences,
            "checked_at": shown.checked_at,
            "check": shown.check,
            "heard_at": shown.heard_at,
            "shown_at": shown.shown_at,
        }


@app_blueprint.route("/preferences")
class MessagePreferences(MethodView):
    """Preferences."""

    @allow(Role.PROTECTED_PERSON)
    @app_blueprint.arguments(ChangeSchema)
    @app_blueprint.response(200, PreferencesSchema)
    def put(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change preferences."""
        opened, account = confirm_person(body["secret"]), actor()
        with transaction(engine()) as session:
            if opened.side is Side.REAL:
                kept = service.set_preferences(
                    session, account.person_id, wish_of(body), account.id, clock.now()
                )
            else:
                kept = service.pretend_preferences(session, wish_of(body), account.id, clock.now())
        return _preferences(kept, body)


class Help:
    """Silent calls for help, for the room below that asks for her PIN."""

    def may_call(self, session: Session, person_id: UUID) -> bool:
        """Say whether anybody would hear of it."""
        return silent.may_call_help(session, person_id, clock.now())

    def call(self, session: Session, person_id: UUID) -> None:
        """Call."""
        silent.call_help(session, person_id, clock.now())


def _whose(opened: SlotContent) -> UUID:
    """Return who is asked about: herself, or behind the second PIN somebody of whom nothing is known."""
    account = actor()
    person_id: UUID = account.person_id if opened.side is Side.REAL else account.id
    return person_id


def _preferences(shown: Preferences, body: dict[str, Any]) -> dict[str, Any]:
    words = service.read_words()[body["language"]]
    return preferences_json(shown, cover_named(settings().cover), words)

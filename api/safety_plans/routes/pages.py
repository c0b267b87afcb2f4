"""URLs of what her PIN opens; every answer that holds a page has one size."""

from typing import Any

from flask import Response
from flask.views import MethodView

from api.accounts.model import Role
from api.accounts.model.entry import Duress
from api.accounts.routes.cookies import PERSON_COOKIE, sign_out
from api.accounts.routes.hers import opened, retried, save, silent_help
from api.accounts.schemas import SecretSchema
from api.accounts.service import forget, set_second
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine
from api.safety_plans.model.vault import ChangedMeanwhile, NobodyListens, Page
from api.safety_plans.rules.padding import padded
from api.safety_plans.schemas.pages import PageSchema, SavedSchema, SavePageSchema, SecondSchema
from api.safety_plans.service import documents

blueprint = Blueprint("pages", __name__, description="Pages.")


@blueprint.route("/pages")
class Pages(MethodView):
    """A page."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.response(200, PageSchema)
    def get(self) -> Response:
        """Open the page."""
        key = opened()
        with transaction(engine()) as session:
            return _answer(documents.open_page(session, actor().id, key))

    @allow(Role.PROTECTED_PERSON)
    @blueprint.arguments(SavePageSchema)
    @blueprint.response(200, SavedSchema)
    def put(self, body: dict[str, Any]) -> dict[str, int]:
        """Save the page; when another device has saved meanwhile, both versions are kept."""
        key = opened()
        content = body["content"]
        try:
            with transaction(engine()) as session:
                page = documents.save_page(session, actor().id, key, body["number"], content)
        except ChangedMeanwhile:
            with transaction(engine()) as session:
                documents.keep(session, actor().id, key, content)
            raise
        return {"number": page.revision}


@blueprint.route("/pages/other")
class OtherVersion(MethodView):
    """Another version of the page."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.response(200, PageSchema)
    def get(self) -> Response:
        """Open the version that is kept beside."""
        key = opened()
        with transaction(engine()) as session:
            page = documents.open_page(session, actor().id, key)
        return _answer(Page(page.revision, page.kept, page.kept))

    @allow(Role.PROTECTED_PERSON)
    @blueprint.response(204)
    def delete(self) -> None:
        """Forget the version that is kept beside."""
        key = opened()
        with transaction(engine()) as session:
            documents.drop_kept(session, actor().id, key)


@blueprint.route("/second")
class Second(MethodView):
    """Other digits."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.arguments(SecondSchema)
    @blueprint.response(204)
    def put(self, body: dict[str, Any]) -> None:
        """Set other digits or take them away."""
        held, trial, number_key = retried(body["secret"])
        with reading(engine()) as session:
            is_heard = not body["call"] or silent_help().may_call(session, actor().person_id)
        if not is_heard:
            raise NobodyListens("Nobody would hear of a call: no order in force is known. Nothing was set.")
        duress = Duress(body["days"], body["call"], body["forget"])
        changed = set_second(held, number_key, trial, body["new"], duress)
        if trial.content is not None:
            with transaction(engine()) as session:
                documents.begin(session, actor().id, trial.content)
        save(held, changed)


@blueprint.route("/second/page")
class SecondPage(MethodView):
    """The page behind other digits."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.response(200, PageSchema)
    def get(self) -> Response:
        """Open the page behind other digits."""
        key = opened()
        with transaction(engine()) as session:
            return _answer(documents.open_decoy(session, actor().id, key))

    @allow(Role.PROTECTED_PERSON)
    @blueprint.arguments(SavePageSchema)
    @blueprint.response(204)
    def put(self, body: dict[str, Any]) -> None:
        """Save the page behind other digits."""
        key = opened()
        with transaction(engine()) as session:
            documents.save_decoy(session, actor().id, key, body["content"])


@blueprint.route("/forget")
class Forget(MethodView):
    """The end."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.arguments(SecretSchema)
    @blueprint.response(204)
    def post(self, body: dict[str, str]) -> Any:  # noqa: ANN401 - body, status, headers
        """End everything here, for good."""
        held, trial, _number_key = retried(body["secret"])
        with transaction(engine()) as session:
            if forget(session, held, trial, clock.now()):
                documents.erase(session, actor().id)
        return sign_out(PERSON_COOKIE)


def _answer(page: Page) -> Response:
    body = {"number": page.revision, "content": page.body, "other": page.kept is not None}
    return Response(padded(body), mimetype="application/json")

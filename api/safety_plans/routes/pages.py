"""URLs of what her PIN opens; every answer that holds a page has one size."""

from typing import Any

from flask import Response
from flask.views import MethodView

from api.accounts.model import Role
from api.accounts.model.entry import Duress, Side
from api.accounts.routes.cookies import PERSON_COOKIE, sign_out
from api.accounts.routes.hers import opened, retried, save, silent_help
from api.accounts.schemas import SecretSchema
from api.accounts.service import forget, set_second
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine, settings
from api.kernel.padding import padded_answer
from api.pathways.service.consents import revoke_all
from api.safety_plans.model.vault import ChangedMeanwhile, NobodyListens, Page
from api.safety_plans.schemas.pages import (
    LanguageQuerySchema,
    PageSchema,
    SavedSchema,
    SavePageSchema,
    SecondSchema,
    TextsQuerySchema,
    TextsSchema,
)
from api.safety_plans.service import documents, load_content
from api.safety_plans.service import reading as reading_service
from api.safety_plans.service.decoys import begin_decoy

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
            return _answer(documents.open_page(session, key))

    @allow(Role.PROTECTED_PERSON)
    @blueprint.arguments(SavePageSchema)
    @blueprint.response(200, SavedSchema)
    def put(self, body: dict[str, Any]) -> dict[str, int]:
        """Save the page; when another device has saved meanwhile, both versions are kept."""
        key = opened()
        content = documents.checked(key.side, body["content"])
        try:
            with transaction(engine()) as session:
                page = documents.save_page(session, key, body["number"], content)
        except ChangedMeanwhile:
            with transaction(engine()) as session:
                documents.keep(session, key, content)
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
            page = documents.open_page(session, key)
        return _answer(Page(page.revision, page.kept, page.kept))

    @allow(Role.PROTECTED_PERSON)
    @blueprint.response(204)
    def delete(self) -> None:
        """Forget the version that is kept beside."""
        key = opened()
        with transaction(engine()) as session:
            documents.drop_kept(session, key)


@blueprint.route("/texts")
class Texts(MethodView):
    """Texts."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.arguments(TextsQuerySchema, location="query")
    @blueprint.response(200, TextsSchema)
    def get(self, query: dict[str, Any]) -> Response:
        """Read the texts that fit the page."""
        key, content = opened(), load_content(settings().content_dir)
        with transaction(engine()) as session:
            plan = reading_service.read_plan(session, key, content, query["language"])
        return padded_answer(reading_service.read_texts(plan, content, query["depth"], query["language"]))


@blueprint.route("/texts/paper")
class Paper(MethodView):
    """The page on paper."""

    @allow(Role.PROTECTED_PERSON)
    @blueprint.arguments(LanguageQuerySchema, location="query")
    @blueprint.alt_response(200, content_type="text/plain", description="All that was written.")
    def get(self, query: dict[str, Any]) -> Response:
        """Read all that was written, as plain text."""
        key, content = opened(), load_content(settings().content_dir)
        with transaction(engine()) as session:
            plan = reading_service.read_plan(session, key, content, query["language"])
        return Response(reading_service.export(plan, content, query["language"]), mimetype="text/plain")


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
                begin_decoy(session, trial.content, settings().content_dir)
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
            return _answer(documents.open_decoy(session, key))

    @allow(Role.PROTECTED_PERSON)
    @blueprint.arguments(SavePageSchema)
    @blueprint.response(204)
    def put(self, body: dict[str, Any]) -> None:
        """Save the page behind other digits."""
        key = opened()
        with transaction(engine()) as session:
            documents.save_decoy(session, key, documents.checked(Side.DECOY, body["content"]))


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
            if forget(session, held, trial, clock.now()) and trial.content is not None:
                documents.erase(session, trial.content)
                revoke_all(session, actor().id, clock.now())
        return sign_out(PERSON_COOKIE)


def _answer(page: Page) -> Response:
    return padded_answer({"number": page.revision, "content": page.body, "other": page.kept is not None})

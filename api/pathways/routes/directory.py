"""URLs of the directory of help: staff's at the control host, hers at the app host under a neutral name."""

from typing import Any

from flask import Response
from flask.views import MethodView

from api.accounts.model import STAFF, Role
from api.accounts.routes.hers import opened
from api.kernel import clock
from api.kernel.http import Blueprint, allow, settings
from api.kernel.padding import padded_answer
from api.pathways.schemas.directory import DirectorySchema, LanguageSchema, directory_json
from api.pathways.service.directory import read_directory

control_blueprint = Blueprint(
    "directory", __name__, url_prefix="/api/directory", description="Who helps, and when somebody answers."
)
app_blueprint = Blueprint("addresses", __name__, url_prefix="/addresses", description="Addresses.")


@control_blueprint.route("")
class HelpDirectory(MethodView):
    """Everybody who helps."""

    @allow(*STAFF)
    @control_blueprint.arguments(LanguageSchema, location="query")
    @control_blueprint.response(200, DirectorySchema)
    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Show who helps with what, and whether somebody answers at this moment."""
        return directory_json(read_directory(settings().content_dir), asked["language"], clock.now())


@app_blueprint.route("")
class PersonAddresses(MethodView):
    """Addresses."""

    @allow(Role.PROTECTED_PERSON)
    @app_blueprint.arguments(LanguageSchema, location="query")
    @app_blueprint.response(200, DirectorySchema)
    def get(self, asked: dict[str, Any]) -> Response:
        """Show addresses."""
        opened()
        body = directory_json(read_directory(settings().content_dir), asked["language"], clock.now())
        return padded_answer(DirectorySchema().dump(body))

"""Machines' keys: a supervisor makes and revokes them; the guard asks here whose key came."""

from typing import Any, cast
from uuid import UUID

from flask import current_app
from flask.views import MethodView
from werkzeug.exceptions import TooManyRequests

from api.accounts.memory import KeyRates
from api.accounts.model import Account, Role
from api.accounts.model.keys import ApiKey, KeyDraft, NewKey
from api.accounts.schemas.staff import ApiKeySchema, KeyDraftSchema, NewApiKeySchema
from api.accounts.service import keys
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine

api_keys = Blueprint(
    "api-keys", __name__, url_prefix="/api/keys", description="Keys of integrators' programs."
)
control_blueprints = (api_keys,)


def identify_key(text: str) -> ApiKey | None:
    """Return whose key this is; for `kernel.http.guard`. 429 when it is used too often."""
    now = clock.now()
    with reading(engine()) as session:
        key = keys.find_key(session, text, now)
    if key is None:
        return None
    rates = cast("KeyRates", current_app.extensions["baken.key_rates"])
    if wait_s := rates.wait_s(key.id, clock.monotonic_s()):
        raise TooManyRequests("This key calls too often: wait.", retry_after=int(wait_s) + 1)
    if key.used_on != now.date():
        with transaction(engine()) as session:
            keys.note_used(session, key, now)
    return key


@api_keys.route("")
class Keys(MethodView):
    """All keys."""

    @allow(Role.SUPERVISOR)
    @api_keys.response(200, ApiKeySchema(many=True))
    @api_keys.paginate(page_size=100, max_page_size=500)
    def get(self, pagination_parameters: Any) -> list[ApiKey]:  # noqa: ANN401 - flask-smorest's
        """List keys, the newest first, with the day each was last used."""
        page = pagination_parameters
        with reading(engine()) as session:
            page.item_count = keys.count_keys(session)
            return keys.list_keys(session, min(page.first_item, page.item_count), page.page_size)

    @allow(Role.SUPERVISOR)
    @api_keys.arguments(KeyDraftSchema)
    @api_keys.response(201, NewApiKeySchema)
    def post(self, draft: KeyDraft) -> NewKey:
        """Make a key, whose text is shown this once."""
        account: Account = actor()
        with transaction(engine()) as session:
            return keys.add_key(session, draft, account.id, clock.now())


@api_keys.route("/<uuid:key_id>")
class OneKey(MethodView):
    """One key."""

    @allow(Role.SUPERVISOR)
    @api_keys.response(200, ApiKeySchema)
    def delete(self, key_id: UUID) -> ApiKey:
        """Let a key open nothing from now on."""
        account: Account = actor()
        with transaction(engine()) as session:
            return keys.revoke_key(session, key_id, account.id, clock.now())

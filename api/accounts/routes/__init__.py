"""Signing in and out of staff, at the control host; of protected persons: `hers`."""

from collections.abc import Collection
from typing import Any

from flask.views import MethodView

from api.accounts import service
from api.accounts.model import STAFF, Account, Role, SignedIn, WrongSecret
from api.accounts.routes import hers
from api.accounts.routes.cookies import (
    PERSON_COOKIE,
    STAFF_COOKIE,
    cookie_of,
    identify_person,
    identify_staff,
    sign_out,
)
from api.accounts.schemas import AccountSchema, SignInSchema
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine, public

__all__ = [
    "PERSON_COOKIE",
    "STAFF_COOKIE",
    "app_blueprints",
    "control_blueprints",
    "identify_person",
    "identify_staff",
]
control = Blueprint("session", __name__, url_prefix="/api/session", description="Signing in.")
control_blueprints = (control, hers.codes)
app_blueprints = hers.app_blueprints


def _sign_in(login: str, secret: str, roles: Collection[Role], message: str) -> SignedIn:
    """Sign in or raise WrongSecret; the slow check of the secret happens between two transactions."""
    with reading(engine()) as session:
        account = service.find_account(session, login, roles)
    is_right = service.is_secret_of(account, secret)
    with transaction(engine()) as session:
        outcome = service.sign_in(session, account, is_right, clock.now())
    if not isinstance(outcome, SignedIn):
        raise WrongSecret(message)
    return outcome


@control.route("")
class StaffSession(MethodView):
    """The session of a member of staff."""

    @public
    @control.arguments(SignInSchema)
    @control.response(200, AccountSchema)
    def post(self, body: dict[str, str]) -> Any:  # noqa: ANN401 - body, status, headers
        """Sign in."""
        message = "Login and secret do not belong together, or there were too many tries: wait a little."
        signed_in = _sign_in(body["login"], body["secret"], STAFF, message)
        return signed_in.account, 200, cookie_of(STAFF_COOKIE, signed_in.account.role, signed_in.token)

    @allow(*STAFF)
    @control.response(200, AccountSchema)
    def get(self) -> Account:
        """Say who is signed in."""
        account: Account = actor()
        return account

    @allow(*STAFF)
    @control.response(204)
    def delete(self) -> Any:  # noqa: ANN401 - body, status, headers
        """Sign out."""
        return sign_out(STAFF_COOKIE)

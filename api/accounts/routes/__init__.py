"""Signing in and out of staff, at the control host; of protected persons: `hers`."""

from typing import Any, cast

from flask.views import MethodView

from api.accounts import service
from api.accounts.model import STAFF, Account, SignedIn, WrongSecret
from api.accounts.model.staff import ENROLLING, Enrolling
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
from api.accounts.service import signing
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine, public, settings

__all__ = [
    "PERSON_COOKIE",
    "STAFF_COOKIE",
    "WRONG",
    "app_blueprints",
    "control_blueprints",
    "identify_person",
    "identify_staff",
]
WRONG = "Name, password and code do not belong together, or there were too many tries: wait a little."

control = Blueprint("session", __name__, url_prefix="/api/session", description="Signing in.")
control_blueprints = (control, hers.codes)
app_blueprints = hers.app_blueprints


def _sign_in_staff(login: str, secret: str, code: str) -> SignedIn:
    """Sign in or raise WrongSecret; the slow check of the secret happens between two transactions."""
    with reading(engine()) as session:
        account = service.find_account(session, login, STAFF)
    is_right = service.is_secret_of(account, secret)
    with transaction(engine()) as session:
        outcome = signing.sign_in(
            session, account, is_right, code, clock.now(), is_demanded=settings().staff_totp
        )
    if not isinstance(outcome, SignedIn):
        raise WrongSecret(WRONG)
    return outcome


@control.route("")
class StaffSession(MethodView):
    """The session of a member of staff."""

    @public
    @control.arguments(SignInSchema)
    @control.response(200, AccountSchema)
    def post(self, body: dict[str, str]) -> Any:  # noqa: ANN401 - body, status, headers
        """Sign in; who has no second factor where the house demands one may then only set one up."""
        signed_in = _sign_in_staff(body["login"], body["secret"], body["code"])
        answer = Enrolling(signed_in.account) if signed_in.is_enrolling else signed_in.account
        return answer, 200, cookie_of(STAFF_COOKIE, signed_in)

    @allow(*STAFF, ENROLLING)
    @control.response(200, AccountSchema)
    def get(self) -> Account | Enrolling:
        """Say who is signed in."""
        return cast("Account | Enrolling", actor())

    @allow(*STAFF, ENROLLING)
    @control.response(204)
    def delete(self) -> Any:  # noqa: ANN401 - body, status, headers
        """Sign out."""
        return sign_out(STAFF_COOKIE)

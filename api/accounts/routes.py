"""Signing in and out: staff at the control host, protected persons at the app host.

Cookies ignore ports, so the two hosts name theirs differently: on one machine, signing in to one would
otherwise sign out of the other.
"""

from collections.abc import Collection
from typing import Any

from flask import request
from flask.views import MethodView
from werkzeug.http import dump_cookie

from api.accounts import rules, service
from api.accounts.model import STAFF, Account, Role, SignedIn, WrongSecret
from api.accounts.schemas import AccountSchema, EmptySchema, NumberSchema, SignInSchema
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine, public, settings

STAFF_COOKIE = "session"
PERSON_COOKIE = "s"
_WRONG_DIGITS = "That did not work. Check the digits, or try again in a little while."

control = Blueprint("session", __name__, url_prefix="/api/session", description="Signing in.")
app = Blueprint("app_session", __name__, url_prefix="/session", description="Signing in.")
control_blueprints = (control,)
app_blueprints = (app,)


def identify_staff() -> Account | None:
    """Return whose session the control host's cookie names; for `kernel.http.guard`."""
    return _identify(STAFF_COOKIE)


def identify_person() -> Account | None:
    """Return whose session the app host's cookie names; for `kernel.http.guard`."""
    return _identify(PERSON_COOKIE)


def _identify(cookie: str) -> Account | None:
    token = request.cookies.get(cookie)
    if token is None:
        return None
    with reading(engine()) as session:
        return service.identify(session, token, clock.now())


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


def confirm_person(secret: str) -> None:
    """Raise WrongSecret unless the secret is that of the account whose session this is.

    Her session lasts for weeks on a phone that somebody else may hold: what tells anything asks again. The
    answer to a wrong one is the one to a wrong sign-in, and costs the same time.
    """
    account: Account = actor()
    is_right = service.is_secret_of(account, secret)
    with transaction(engine()) as session:
        is_confirmed = service.confirm(session, account, is_right, clock.now())
    if not is_confirmed:
        raise WrongSecret(_WRONG_DIGITS)


def _sign_out(cookie: str) -> tuple[None, int, dict[str, str]]:
    with transaction(engine()) as session:
        service.sign_out(session, request.cookies.get(cookie, ""))
    return None, 204, {"Set-Cookie": _cookie(cookie, "", 0)}


def _cookie(name: str, value: str, life_s: int) -> str:
    return dump_cookie(
        name, value, max_age=life_s, path="/", httponly=True, samesite="Strict", secure=settings().tls
    )


def _cookie_of(name: str, signed_in: SignedIn) -> dict[str, str]:
    life = rules.session_life(signed_in.account.role)
    return {"Set-Cookie": _cookie(name, signed_in.token, int(life.total_seconds()))}


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
        return signed_in.account, 200, _cookie_of(STAFF_COOKIE, signed_in)

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
        return _sign_out(STAFF_COOKIE)


@app.route("")
class PersonSession(MethodView):
    """Her session; no word here says what it is for."""

    @public
    @app.arguments(NumberSchema)
    @app.response(200, EmptySchema)
    def post(self, body: dict[str, str]) -> Any:  # noqa: ANN401 - body, status, headers
        """Start."""
        signed_in = _sign_in(body["number"], body["pin"], {Role.PROTECTED_PERSON}, _WRONG_DIGITS)
        return {}, 200, _cookie_of(PERSON_COOKIE, signed_in)

    @allow(Role.PROTECTED_PERSON)
    @app.response(204)
    def delete(self) -> Any:  # noqa: ANN401 - body, status, headers
        """Stop."""
        return _sign_out(PERSON_COOKIE)

"""Signing in by the organisation's provider: the way there, and the way back.

Both are addresses that a browser goes to by itself, so what did not work is said on the sign-in page: the
part of the address behind `#` names the reason, and the page has the sentence. The password's way is not
touched by any of it.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict
from typing import Any, cast
from uuid import UUID

from flask import Response, current_app, redirect, request
from flask.views import MethodView
from werkzeug.http import dump_cookie

from api.accounts.channels.oidc import Provider
from api.accounts.model import Account, Role, SignedIn
from api.accounts.model.oidc import (
    JOURNEY_LIFE,
    BadToken,
    Identity,
    Journey,
    NoProvider,
    ProviderAway,
    Refusal,
)
from api.accounts.model.staff import StaffAccount
from api.accounts.routes.cookies import STAFF_COOKIE, cookie_of
from api.accounts.rules.oidc import judge_claims
from api.accounts.schemas.staff import IdentitySchema, StaffAccountSchema, WaysSchema
from api.accounts.service import administration
from api.accounts.service import oidc as service
from api.kernel import clock
from api.kernel.crypto import Undecipherable, derive, seal, unseal
from api.kernel.db import transaction
from api.kernel.http import Blueprint, actor, allow, engine, public, settings
from api.kernel.logs import Log

JOURNEY_COOKIE = "journey"
_PATH = "/api/session/oidc"
_log = Log("oidc")

ways = Blueprint("ways", __name__, url_prefix="/api", description="Signing in by a provider.")
control_blueprints = (ways,)


def _provider() -> Provider:
    provider = cast("Provider | None", current_app.extensions["baken.oidc"])
    if provider is None:
        raise NoProvider("This house has no provider set up: sign in with your password.")
    return provider


@ways.route("/session/ways")
class Ways(MethodView):
    """How one may sign in here."""

    @public
    @ways.response(200, WaysSchema)
    def get(self) -> dict[str, bool]:
        """Say whether there is a provider, and whether a second factor is demanded."""
        return {"provider": settings().oidc is not None, "code_is_demanded": settings().staff_totp}


@ways.route("/session/oidc")
class Departure(MethodView):
    """The way to the provider."""

    @public
    @ways.alt_response(302, description="To the provider, or back to the sign-in page.")
    def get(self) -> Response:
        """Go to the provider."""
        provider = _provider()
        began_s = int(clock.now().timestamp())
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        journey = Journey(state, nonce, verifier, began_s)
        try:
            address = provider.address_of(journey)
        except ProviderAway:
            return _back(Refusal.AWAY)
        return _go(address, _journey_cookie(_sealed(journey), int(JOURNEY_LIFE.total_seconds())))


@ways.route("/session/oidc/return")
class Return(MethodView):
    """The way back."""

    @public
    @ways.alt_response(302, description="To the control room, or back to the sign-in page.")
    def get(self) -> Response:
        """Take what the provider answered, and sign in."""
        provider, journey = _provider(), _journey()
        given = request.args.get("state", "").encode(errors="replace")
        if journey is None or not hmac.compare_digest(journey.state.encode(), given):
            return _back(Refusal.BROKEN)
        identity = _identity(provider, journey)
        if not isinstance(identity, Identity):
            return _back(identity)
        unusable = administration.new_secret()[1] if provider.settings.may_create else None
        with transaction(engine()) as session:
            outcome = service.sign_in(session, provider.settings.issuer, identity, unusable, clock.now())
        if not isinstance(outcome, SignedIn):
            return _back(outcome)
        return _go("/", _journey_cookie("", 0), cookie_of(STAFF_COOKIE, outcome)["Set-Cookie"])


@ways.route("/staff-accounts/<uuid:account_id>/identity")
class IdentityOf(MethodView):
    """Whom the provider may let into a colleague's account."""

    @allow(Role.SUPERVISOR)
    @ways.arguments(IdentitySchema)
    @ways.response(200, StaffAccountSchema)
    def put(self, body: dict[str, str | None], account_id: UUID) -> StaffAccount:
        """Say who a colleague is at the provider; her sessions end."""
        account: Account = actor()
        issuer = _provider().settings.issuer
        with transaction(engine()) as session:
            return service.give_identity(
                session, account_id, issuer, body["subject"], account.id, clock.now()
            )


def _identity(provider: Provider, journey: Journey) -> Identity | Refusal:
    house = provider.settings
    try:
        claims = provider.claims_of(request.args.get("code", ""), journey, clock.now())
    except ProviderAway:
        return Refusal.AWAY
    except BadToken as error:
        _log.warning(
            "a sign-in by the provider proves nothing", error=type(error.__cause__ or error).__name__
        )
        return Refusal.BROKEN
    return judge_claims(claims, house.role_claim, house.roles, house.mfa)


def _key() -> bytes:
    return derive(settings().server_key, "oidc journey")


def _sealed(journey: Journey) -> str:
    return urlsafe_b64encode(seal(_key(), json.dumps(asdict(journey)).encode())).decode()


def _journey() -> Journey | None:
    """Return the journey that this browser began; None when there is none, or it took too long."""
    try:
        content = unseal(_key(), urlsafe_b64decode(request.cookies.get(JOURNEY_COOKIE, "")))
    except (Undecipherable, ValueError):
        return None
    journey = Journey(**json.loads(content))
    age_s = clock.now().timestamp() - journey.began_s
    return journey if 0 <= age_s + 1 <= JOURNEY_LIFE.total_seconds() else None


def _journey_cookie(value: str, life_s: int) -> str:
    """Lax, not Strict: the way back is a step from the provider's site, which Strict would not let it on."""
    return dump_cookie(
        JOURNEY_COOKIE,
        value,
        max_age=life_s,
        path=_PATH,
        httponly=True,
        samesite="Lax",
        secure=settings().tls,
    )


def _back(refusal: Refusal) -> Response:
    return _go(f"/#{refusal.value}", _journey_cookie("", 0))


def _go(address: str, *cookies: str) -> Response:
    response = cast("Any", redirect(address, 302))
    for cookie in cookies:
        response.headers.add("Set-Cookie", cookie)
    return cast("Response", response)

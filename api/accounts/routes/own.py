"""What a member of staff does with her own account: second factor, sessions, password."""

from typing import Any
from uuid import UUID

import segno
from flask.views import MethodView

from api.accounts import service
from api.accounts.model import STAFF, Account, SignedIn, WrongSecret
from api.accounts.model.staff import ENROLLING, Enrolling, WrongCode
from api.accounts.routes import WRONG
from api.accounts.routes.cookies import STAFF_COOKIE, cookie_of, opened
from api.accounts.schemas.staff import (
    ChangeSecretSchema,
    CodeSchema,
    EnrolmentSchema,
    FactorSchema,
    OpenSessionSchema,
    RecoveryCodesSchema,
)
from api.accounts.service import signing
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine

_PIXELS = 5

own = Blueprint("own", __name__, url_prefix="/api/session", description="One's own account.")
control_blueprints = (own,)


def _account() -> Account:
    who: Account | Enrolling = actor()
    return who.account if isinstance(who, Enrolling) else who


def _own_session() -> UUID:
    """Return the id of the session that makes this request; the guard has found it alive."""
    found = opened(STAFF_COOKIE)
    if found is None:
        raise WrongSecret("This session has just ended: sign in again.")
    return found[1].id


@own.route("/totp")
class SecondFactor(MethodView):
    """One's own second factor."""

    @allow(*STAFF, ENROLLING)
    @own.response(200, FactorSchema)
    def get(self) -> dict[str, Any]:
        """Say whether one has a second factor, and how many recovery codes are left."""
        with reading(engine()) as session:
            is_set_up, left = signing.factor_state(session, _account().id)
        return {"is_set_up": is_set_up, "recovery_codes_left": left}

    @allow(*STAFF, ENROLLING)
    @own.response(201, EnrolmentSchema)
    def post(self) -> dict[str, str]:
        """Ask for a secret for an authenticator app; asking again makes another."""
        with transaction(engine()) as session:
            secret, uri = signing.begin_enrolment(session, _account(), clock.now())
        picture = segno.make(uri, error="m", micro=False).svg_data_uri(scale=_PIXELS, border=4)
        return {"secret": secret, "uri": uri, "picture": picture}


@own.route("/totp/confirmation")
class Confirmation(MethodView):
    """The first code."""

    @allow(*STAFF, ENROLLING)
    @own.arguments(CodeSchema)
    @own.response(200, RecoveryCodesSchema)
    def post(self, body: dict[str, str]) -> Any:  # noqa: ANN401 - body, status, headers
        """Set the second factor up with a first code; one is signed in then, and all other sessions end."""
        account, now = _account(), clock.now()
        with transaction(engine()) as session:
            codes = signing.confirm_enrolment(session, account, body["code"], now)
            token = service.open_session(session, account, now) if isinstance(codes, list) else ""
        if not isinstance(codes, list):
            raise WrongCode("This is not the code that the app shows now, or there were too many tries.")
        return {"recovery_codes": codes}, 200, cookie_of(STAFF_COOKIE, SignedIn(account, token))


@own.route("/secret")
class Secret(MethodView):
    """One's own password."""

    @allow(*STAFF)
    @own.arguments(ChangeSecretSchema)
    @own.response(204)
    def put(self, body: dict[str, str]) -> None:
        """Change one's own password; all other sessions end."""
        account = _account()
        secret_hash = signing.hash_secret(body["new_secret"])
        is_right = service.is_secret_of(account, body["secret"])
        with transaction(engine()) as session:
            is_done = signing.change_secret(
                session, account, is_right, secret_hash, _own_session(), clock.now()
            )
        if not is_done:
            raise WrongSecret(WRONG)


@own.route("/all")
class OwnSessions(MethodView):
    """All of one's own sessions."""

    @allow(*STAFF)
    @own.response(200, OpenSessionSchema(many=True))
    def get(self) -> list[dict[str, Any]]:
        """List one's own sessions, the newest first."""
        this = _own_session()
        with reading(engine()) as session:
            mine = signing.list_sessions(session, _account(), clock.now())
        return [
            {
                "id": one.id,
                "created_at": one.created_at,
                "seen_at": one.seen_at,
                "expires_at": one.expires_at,
                "is_this": one.id == this,
            }
            for one in mine
        ]

    @allow(*STAFF)
    @own.response(204)
    def delete(self) -> None:
        """End all of one's own sessions but this."""
        this = _own_session()
        with transaction(engine()) as session:
            signing.end_sessions(session, _account(), None, this, clock.now())


@own.route("/all/<uuid:session_id>")
class OneSession(MethodView):
    """One of one's own sessions."""

    @allow(*STAFF)
    @own.response(204)
    def delete(self, session_id: UUID) -> None:
        """End one of one's own sessions; one that is over already, or a colleague's, is left as it is."""
        this = _own_session()
        with transaction(engine()) as session:
            signing.end_sessions(session, _account(), session_id, this, clock.now())

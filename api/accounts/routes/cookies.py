"""The cookies of the two hosts.

Cookies ignore ports, so each host names its own: on one machine, signing in to one would otherwise sign out
of the other.
"""

from flask import request
from werkzeug.http import dump_cookie

from api.accounts import rules, service
from api.accounts.model import Account, Role
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import engine, settings

STAFF_COOKIE = "session"
PERSON_COOKIE = "s"


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


def sign_out(cookie: str) -> tuple[None, int, dict[str, str]]:
    """End the session of a cookie and take the cookie away."""
    with transaction(engine()) as session:
        service.sign_out(session, request.cookies.get(cookie, ""))
    return None, 204, {"Set-Cookie": _text(cookie, "", 0)}


def cookie_of(name: str, role: Role, token: str) -> dict[str, str]:
    """Return the header that keeps a session's token: no script reads it, no other site sends it."""
    return {"Set-Cookie": _text(name, token, int(rules.session_life(role).total_seconds()))}


def _text(name: str, value: str, life_s: int) -> str:
    return dump_cookie(
        name, value, max_age=life_s, path="/", httponly=True, samesite="Strict", secure=settings().tls
    )

"""The cookies of the two hosts, and whose session they name.

Cookies ignore ports, so each host names its own: on one machine, signing in to one would otherwise sign out
of the other.
"""

from flask import request
from werkzeug.http import dump_cookie

from api.accounts import service
from api.accounts.model import Account, SignedIn
from api.accounts.model.staff import Enrolling, OpenSession, Purpose
from api.accounts.rules import sessions
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import engine, settings

STAFF_COOKIE = "session"
PERSON_COOKIE = "s"


def identify_staff() -> Account | Enrolling | None:
    """Return whose session the control host's cookie names; for `kernel.http.guard`.

    A session for enrolment is an actor of its own role, which only the routes of enrolment let in.
    """
    found = opened(STAFF_COOKIE)
    if found is None:
        return None
    account, session = found
    return account if session.purpose is Purpose.FULL else Enrolling(account)


def identify_person() -> Account | None:
    """Return whose session the app host's cookie names; for `kernel.http.guard`."""
    found = opened(PERSON_COOKIE)
    return None if found is None else found[0]


def opened(cookie: str) -> tuple[Account, OpenSession] | None:
    """Return the session that the request's cookie names, and write down that it is in use."""
    token = request.cookies.get(cookie)
    if token is None:
        return None
    now = clock.now()
    with reading(engine()) as session:
        found = service.find_session(session, token, now)
    if found is not None and sessions.is_note_due(*found, now):
        with transaction(engine()) as session:
            service.note_seen(session, found[1], now)
    return found


def sign_out(cookie: str) -> tuple[None, int, dict[str, str]]:
    """End the session of a cookie and take the cookie away."""
    with transaction(engine()) as session:
        service.sign_out(session, request.cookies.get(cookie, ""))
    return None, 204, {"Set-Cookie": _text(cookie, "", 0)}


def cookie_of(name: str, signed_in: SignedIn) -> dict[str, str]:
    """Return the header that gives the browser its session: no script reads it, no other site sends it."""
    purpose = Purpose.ENROLMENT if signed_in.is_enrolling else Purpose.FULL
    life = sessions.life_of(signed_in.account, purpose)
    return {"Set-Cookie": _text(name, signed_in.token, int(life.total_seconds()))}


def _text(name: str, value: str, life_s: int) -> str:
    return dump_cookie(
        name, value, max_age=life_s, path="/", httponly=True, samesite="Strict", secure=settings().tls
    )

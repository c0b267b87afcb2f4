"""A protected person's number and PIN at the app host, and the codes that staff hand over for them.

No word of the app host's says what it is for, and its answers are of one size.
"""

from typing import Any, Protocol, cast
from uuid import UUID

from flask import current_app, request
from flask.views import MethodView
from sqlalchemy.orm import Session

from api.accounts import service
from api.accounts.model import Account, Role, SignedIn, WrongSecret
from api.accounts.model.entry import (
    Entered,
    EntryNotFound,
    Held,
    OnlySupervisor,
    Side,
    SlotContent,
    Slots,
    Trial,
)
from api.accounts.routes.cookies import PERSON_COOKIE, cookie_of, sign_out
from api.accounts.schemas import (
    ChangeSecretSchema,
    EmptySchema,
    EntryCodeSchema,
    KeySchema,
    MakeCodeSchema,
    NumberSchema,
    SecretSchema,
    StartedSchema,
    StartSchema,
)
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine, public

KEY_HEADER = "X-Key"
_WRONG_DIGITS = "That did not work. Check the digits, or try again in a little while."
_ANSWER_CHARACTERS = 1024
"""Of what trying digits answers, right or wrong."""

codes = Blueprint("entry_codes", __name__, url_prefix="/api/entry-codes", description="Her own account.")
session_blueprint = Blueprint("app_session", __name__, url_prefix="/session", description="Signing in.")
entry = Blueprint("entry", __name__, description="Digits.")
app_blueprints = (session_blueprint, entry)


def opened() -> SlotContent:
    """Return what the key of this request opens; raises EntryNotFound where it opens nothing."""
    with reading(engine()) as session:
        return service.find_opened(session, actor(), request.headers.get(KEY_HEADER, ""), clock.now())


def must_be_hers() -> SlotContent:
    """Return what the key of this request opens on her own side; raises EntryNotFound otherwise."""
    content = opened()
    if content.side is not Side.REAL:
        raise EntryNotFound("Not found.")
    return content


def confirm_person(secret: str) -> SlotContent:
    """Return what the secret opens, for whoever holds a session; raises WrongSecret when it opens nothing.

    Her session lasts for weeks on a phone that somebody else may hold: what tells anything asks again. The
    answer to a wrong one is the one to a wrong sign-in, and costs the same time.
    """
    outcome = _enter(*_tried(secret))
    if not isinstance(outcome, Entered):
        raise WrongSecret(_WRONG_DIGITS)
    return outcome.opened


def _tried(secret: str) -> tuple[Held, Trial]:
    """Try a PIN with what the session knows of the number; the slow part is in no transaction."""
    with reading(engine()) as session:
        number_key = service.number_key_of(session, _session_token())
        held = service.hold(session, actor())
    return held, service.try_pin(held, number_key, secret)


def _enter(held: Held, trial: Trial) -> Any:  # noqa: ANN401 - Entered or Closed
    with transaction(engine()) as session:
        outcome = service.enter(session, held, trial, clock.now())
        if isinstance(outcome, Entered) and outcome.calls_help:
            silent_help().call(session, outcome.account.person_id)  # in this transaction: never lost
    return outcome


class SilentHelp(Protocol):
    """What a room above answers: whether a silent call would be heard, and the call."""

    def may_call(self, session: Session, person_id: UUID | None) -> bool:
        """Say whether anybody would hear of it."""

    def call(self, session: Session, person_id: UUID | None) -> None:
        """Call."""


def silent_help() -> SilentHelp:
    """Return the way of a silent call for help."""
    return cast("SilentHelp", current_app.extensions["baken.help"])


def _session_token() -> str:
    return request.cookies.get(PERSON_COOKIE, "")


@session_blueprint.route("")
class PersonSession(MethodView):
    """Her session."""

    @public
    @session_blueprint.arguments(NumberSchema)
    @session_blueprint.response(200, EmptySchema)
    def post(self, body: dict[str, str]) -> Any:  # noqa: ANN401 - body, status, headers
        """Start."""
        lookup, number_key = service.keys_of(body["number"])
        with reading(engine()) as session:
            held = service.hold(session, service.find_account(session, lookup, {Role.PROTECTED_PERSON}))
        trial = service.try_pin(held, number_key, body["pin"])
        outcome = _enter(held, trial)
        if not isinstance(outcome, Entered):
            raise WrongSecret(_WRONG_DIGITS)
        return {}, 200, _begin(outcome.account, number_key)

    @allow(Role.PROTECTED_PERSON)
    @session_blueprint.response(204)
    def delete(self) -> Any:  # noqa: ANN401 - body, status, headers
        """Stop."""
        return sign_out(PERSON_COOKIE)


def _begin(account: Account, number_key: bytes) -> dict[str, str]:
    with transaction(engine()) as session:
        token = service.open_session(session, account, clock.now())
        service.remember_number(session, token, number_key)
    return cookie_of(PERSON_COOKIE, SignedIn(account, token))


@entry.route("/start")
class Start(MethodView):
    """The first time."""

    @public
    @entry.arguments(StartSchema)
    @entry.response(201, StartedSchema)
    def post(self, body: dict[str, str]) -> Any:  # noqa: ANN401 - body, status, headers
        """Begin with a code."""
        with reading(engine()) as session:
            service.find_code(session, body["code"], clock.now())  # before anything that is slow on purpose
        new = service.prepare_person(body["pin"])
        with transaction(engine()) as session:
            account, for_id = service.start(session, body["code"], new, clock.now())
            if for_id is not None:
                current_app.extensions["baken.started"](session, account.id, for_id)
        return {"number": new.number}, 201, _begin(account, new.number_key)


@entry.route("/entry")
class Entry(MethodView):
    """Digits."""

    @allow(Role.PROTECTED_PERSON)
    @entry.arguments(SecretSchema)
    @entry.response(200, KeySchema)
    def post(self, body: dict[str, str]) -> dict[str, Any]:
        """Try digits: the answer to wrong ones has the same form and size."""
        outcome = _enter(*_tried(body["secret"]))
        is_open = isinstance(outcome, Entered)
        pad = "0" * (_ANSWER_CHARACTERS - len(outcome.token) - len(str(is_open)))
        return {"key": outcome.token, "open": is_open, "pad": pad}

    @allow(Role.PROTECTED_PERSON)
    @entry.arguments(ChangeSecretSchema)
    @entry.response(204)
    def put(self, body: dict[str, str]) -> None:
        """Change digits."""
        held, trial, number_key = retried(body["secret"])
        save(held, service.change_pin(held, number_key, trial, body["new"]))

    @allow(Role.PROTECTED_PERSON)
    @entry.response(204)
    def delete(self) -> None:
        """Close."""
        with transaction(engine()) as session:
            service.close(session, request.headers.get(KEY_HEADER, ""))


def retried(secret: str) -> tuple[Held, Trial, bytes]:
    """Try a PIN that must open something now, counted as any other try; return what a change needs."""
    opened()
    confirm_person(secret)
    with reading(engine()) as session:
        number_key = service.number_key_of(session, _session_token())
        held = service.hold(session, actor())
    trial = service.try_pin(held, number_key, secret)
    return held, service.shown(trial, held.slots, clock.now()), number_key


def save(held: Held, changed: Slots) -> None:
    """Keep changed slots."""
    with transaction(engine()) as session:
        service.save_slots(session, held, changed, _session_token())


@codes.route("")
class EntryCodes(MethodView):
    """Codes with which a person makes an account of her own."""

    @allow(Role.CASE_WORKER, Role.SUPERVISOR)
    @codes.arguments(MakeCodeSchema)
    @codes.response(201, EntryCodeSchema)
    def post(self, body: dict[str, UUID | None]) -> dict[str, Any]:
        """Make a code for one use, to be handed over in the talk; staff never see number or PIN.

        For a protected person of an order only a supervisor does: her alerts go to that account.
        """
        if body["person_id"] is not None and actor().role != Role.SUPERVISOR:
            raise OnlySupervisor("Only a supervisor makes a code for a protected person of an order.")
        with transaction(engine()) as session:
            code, text = service.make_code(session, body["person_id"], actor().id, clock.now())
        return {"id": code.id, "code": text, "expires_at": code.expires_at}

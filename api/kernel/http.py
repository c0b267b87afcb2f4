"""Our use of Flask and flask-smorest: who may call a URL, errors, headers, the API page."""

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

import marshmallow as ma
import swagger_ui_bundle
from flask import Flask, Request, Response, abort, current_app, g, jsonify, request, send_from_directory
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.crypto import SIGNATURE_HEADER, TooBusy, signature_fault
from api.kernel.db import is_away
from api.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from api.kernel.logs import Log

STATUS_OF: dict[type[DomainError], int] = {NotFound: 404, Forbidden: 403, Conflict: 409, Invalid: 422}
MAX_BODY_BYTES = 1024 * 1024
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

View = TypeVar("View", bound=Callable[..., Any])
_PUBLIC = "public"
_SIGNED = "signed"
_OURS = Path(__file__).parents[1]
_log = Log("http")


class Actor(Protocol):
    """Who makes the request, as far as the kernel needs to know."""

    @property
    def id(self) -> UUID:
        """The account's id."""

    @property
    def role(self) -> str:
        """One role of `accounts.model.Role`."""


class KeyHolder(Protocol):
    """A machine that makes the request with a key, as far as the kernel needs to know."""

    @property
    def id(self) -> UUID:
        """The key's id."""

    @property
    def scopes(self) -> frozenset[Any]:
        """What the key may: texts, as `allow(scope=…)` names them."""


class _Parser(FlaskParser):
    """Reads bodies; what the JSON reader itself gives up on is the sender's fault and not our bug."""

    def load_json(self, req: Request, schema: ma.Schema) -> Any:  # noqa: ANN401 - webargs' signature
        """Return the body's JSON; 400 for one that nests too deep or has a number of thousands of digits."""
        try:
            return super().load_json(req, schema)
        except (RecursionError, ValueError):
            abort(400, "This JSON cannot be read: it nests too deep, or a number is too long.")


class Blueprint(SmorestBlueprint):  # type: ignore[misc]  # flask-smorest ships no types
    """A room's routes; exists so that rooms name one place for the framework."""

    ARGUMENTS_PARSER = _Parser()


class Schema(ma.Schema):
    """Base of every JSON body: unknown keys are refused, so that a typing error is seen."""

    class Meta:
        """Order of keys is the order of fields."""

        unknown = ma.RAISE


def allow(*roles: str, scope: str | None = None) -> Callable[[View], View]:
    """Mark a view as callable by these roles; a view without a mark answers 404.

    `scope` lets machines in besides whose key has it; no role ever does that, whatever its name.
    """

    def mark(view: View) -> View:
        view.__allow__ = frozenset(roles)  # type: ignore[attr-defined]  # a mark on a function
        view.__scope__ = scope  # type: ignore[attr-defined]  # a mark on a function
        return view

    return mark


def public(view: View) -> View:
    """Mark a view as callable without signing in."""
    view.__allow__ = frozenset({_PUBLIC})  # type: ignore[attr-defined]  # a mark on a function
    return view


def signed(secret_of: Callable[[Settings], bytes]) -> Callable[[View], View]:
    """Mark a view as callable by a machine that signs the body's exact bytes with this secret.

    The guard has checked the signature before the view runs; whether a message came before is the view's.
    """

    def mark(view: View) -> View:
        view.__allow__ = frozenset({_SIGNED})  # type: ignore[attr-defined]  # a mark on a function
        view.__secret_of__ = secret_of  # type: ignore[attr-defined]  # a mark on a function
        return view

    return mark


def allowed_roles(app: Flask, endpoint: str, method: str) -> frozenset[str] | None:
    """Return who may call this endpoint with this method; None when nobody said."""
    return cast("frozenset[str] | None", getattr(_view_of(app, endpoint, method), "__allow__", None))


def scope_of(app: Flask, endpoint: str, method: str) -> str | None:
    """Return the scope by which a machine's key may call this; None when no key may."""
    return cast("str | None", getattr(_view_of(app, endpoint, method), "__scope__", None))


def _view_of(app: Flask, endpoint: str, method: str) -> Any:  # noqa: ANN401 - a function with marks on it
    view: Any = app.view_functions[endpoint]
    if view_class := getattr(view, "view_class", None):
        return getattr(view_class, "get" if method == "HEAD" else method.lower(), None)
    return view


def guard(
    app: Flask,
    identify: Callable[[], Actor | None],
    identify_key: Callable[[str], KeyHolder | None] | None = None,
) -> None:
    """Refuse what is not marked, not signed in, not of an allowed role, or sent by another site.

    Whoever sends a key is judged by the key alone: a cookie beside it counts for nothing, and the key's
    role neither. Without `identify_key` no key opens anything.
    """

    def check() -> Response | None:
        if request.endpoint is None:
            return None  # no such URL: Flask answers 404 itself
        roles = allowed_roles(app, request.endpoint, request.method)
        if roles is None:
            return _problem(404, "Not found.")
        if request.method not in {"GET", "HEAD"} and _is_foreign():
            return _problem(403, "This request came from another site.")
        if _PUBLIC in roles:
            return None
        if _SIGNED in roles:
            return _refuse_unsigned(app, request.endpoint)
        if (key := _bearer()) is not None and identify_key is not None:
            return _admit_key(identify_key(key), scope_of(app, request.endpoint, request.method))
        actor = identify()
        if actor is None:
            return _problem(401, "Sign in first.")
        if actor.role not in roles:
            return _problem(404, "Not found.")
        g.actor = actor
        return None

    app.before_request(check)


def _bearer() -> str | None:
    """Return the key that came with the request, or None; OwnTracks' devices send Basic, not Bearer."""
    given = request.authorization
    return given.token or "" if given is not None and given.type == "bearer" else None


def _admit_key(holder: KeyHolder | None, scope: str | None) -> Response | None:
    if holder is None:
        return _problem(401, "This key opens nothing: it is wrong, expired or revoked.")
    if scope is None or scope not in holder.scopes:
        return _problem(404, "Not found.")
    g.actor = holder
    return None


def _refuse_unsigned(app: Flask, endpoint: str) -> Response | None:
    secret = _view_of(app, endpoint, request.method).__secret_of__(settings())
    header = request.headers.get(SIGNATURE_HEADER, "")
    fault = signature_fault(secret, header, request.get_data(), clock.now().timestamp())
    return _problem(401, fault) if fault else None


def _is_foreign() -> bool:
    """Say whether a browser tells that another site makes this request; the cookie is SameSite=Strict too."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("Origin")
    # host and port only: a proxy in front that ends TLS makes the schemes differ
    return origin is not None and urlsplit(origin).netloc != request.host


def actor() -> Any:  # noqa: ANN401 - the account type belongs to a room above
    """Return the signed-in account of this request."""
    return g.actor


def engine() -> Engine:
    """Return the application's database engine."""
    return cast("Engine", current_app.extensions["baken.engine"])


def settings() -> Settings:
    """Return the application's settings."""
    return cast("Settings", current_app.extensions["baken.settings"])


def make_api(app: Flask, title: str, blueprints: Sequence[Blueprint]) -> Api:
    """Register the rooms' routes, the errors, `/openapi.json` and, at `/docs`, Swagger UI from its wheel."""
    app.config.update(
        API_TITLE=title,
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        JSON_SORT_KEYS=False,
    )
    api = Api(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    app.register_error_handler(DomainError, _answer_domain_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_bug)
    app.after_request(_add_headers)
    return api


def add_api_pages(app: Flask, api: Api) -> None:
    """Serve `/openapi.json` and `/docs`: only the control host does, the app host tells nothing."""
    bundle = Path(swagger_ui_bundle.swagger_ui_path)

    @app.get("/openapi.json")
    @public
    def openapi_json() -> Response:
        return jsonify(api.spec.to_dict())

    @app.get("/docs/")
    @public
    def docs() -> Response:
        response = Response(_DOCS_PAGE, mimetype="text/html")
        # Swagger UI sets styles from script; everything it loads still comes from this host.
        response.headers["Content-Security-Policy"] = CONTENT_POLICY.replace(
            "style-src 'self'", "style-src 'self' 'unsafe-inline'"
        )
        return response

    @app.get("/docs/start.js")
    @public
    def docs_start() -> Response:
        return Response(_DOCS_SCRIPT, mimetype="text/javascript")

    @app.get("/docs/<path:name>")
    @public
    def docs_file(name: str) -> Response:
        return send_from_directory(bundle, name)


def _problem(status: int, message: str, errors: dict[str, Any] | None = None) -> Response:
    body: dict[str, Any] = {"code": status, "message": message}
    if errors:
        body["errors"] = errors
    response = jsonify(body)
    response.status_code = status
    return response


def _answer_domain_error(error: DomainError) -> Response:
    status = next(code for kind, code in STATUS_OF.items() if isinstance(error, kind))
    return _problem(status, error.message, {"json": error.fields} if error.fields else None)


def _answer_http_error(error: HTTPException) -> Response:
    """Write every error as one shape: code, message and, for a 422, which field and why."""
    data = getattr(error, "data", None) or {}
    errors = data.get("messages") or data.get("errors")
    message = data.get("message") or error.description or error.name
    response = _problem(error.code or 500, message, errors)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _answer_bug(error: Exception) -> Response:
    """Tell the caller nothing, and the log only the place: a message may quote what was sent."""
    if isinstance(error, DBAPIError) and is_away(error):
        _log.warning("database away", error=type(error).__name__, route=request.endpoint)
        response = _problem(503, "The database is away: try again in a moment.")
        response.headers["Retry-After"] = "5"
        return response
    if isinstance(error, TooBusy):
        response = _problem(503, "Too many are signing in: try again in a moment.")
        response.headers["Retry-After"] = "2"
        return response
    _log.error("request failed", error=type(error).__name__, route=request.endpoint, reason=_place_of(error))
    return _problem(500, "Something went wrong here. It has been written down.")


def _place_of(error: Exception) -> str:
    """Return the innermost place in our own code, `api/room/file.py:12`."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(str(_OURS))]
    if not frames:
        return "outside"
    return f"{Path(frames[-1].filename).relative_to(_OURS.parent).as_posix()}:{frames[-1].lineno}"


def _add_headers(response: Response) -> Response:
    """Nothing is cached, framed, sniffed or told to another site."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if settings().tls:
        headers["Strict-Transport-Security"] = "max-age=63072000"
    return response


_DOCS_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_DOCS_SCRIPT = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null});\n'

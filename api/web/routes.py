"""The files of the pages; every datum in them comes from the other rooms' routes."""

from pathlib import Path
from typing import Any

from flask import Response, send_from_directory
from xstatic.pkg import leaflet

from api.kernel.http import Blueprint, public, settings
from api.safety_plans.model import cover_named

_HERE = Path(__file__).parent
CONSOLE = _HERE / "console"
PATHWAYS = _HERE / "pathways"
APP = _HERE / "app"
LEAFLET = Path(leaflet.BASE_DIR)


class _Pages(Blueprint):
    """Routes that give files, not data."""

    def register_views_in_doc(self, *_args: Any, **_more: Any) -> None:  # noqa: ANN401 - flask-smorest's
        """Stay out of `/openapi.json`: pages are no part of what integrators call."""


control_pages = _Pages("control_pages", __name__)
app_pages = _Pages("app_pages", __name__)


@control_pages.route("/")
@public
def control_room() -> Response:
    """Give the control room, which asks to sign in by itself."""
    return _fresh(CONSOLE, "index.html")


@control_pages.route("/console/<name>")
@public
def console_file(name: str) -> Response:
    """Give a script or style of the control room."""
    return send_from_directory(CONSOLE, name)


@control_pages.route("/pathways")
@public
def case_work() -> Response:
    """Give the case worker's page, which asks to sign in by itself."""
    return _fresh(PATHWAYS, "index.html")


@control_pages.route("/pathways/<name>")
@public
def case_work_file(name: str) -> Response:
    """Give a script or style of the case worker's page."""
    return send_from_directory(PATHWAYS, name)


@control_pages.route("/leaflet/<path:name>")
@public
def leaflet_file(name: str) -> Response:
    """Give a file of Leaflet out of its wheel, so that no map code comes from outside."""
    return send_from_directory(LEAFLET, name)


@app_pages.route("/")
@public
def app_page() -> Response:
    """Give the everyday tool of this deployment."""
    return _fresh(APP / cover_named(settings().cover).name, "index.html")


@app_pages.route("/assets/<name>")
@public
def app_file(name: str) -> Response:
    """Give a script or style of this deployment's tool; another tool's files are not there."""
    own = APP / cover_named(settings().cover).name
    return _fresh(own if (own / name).is_file() else APP / "shared", name)


def _fresh(folder: Path, name: str) -> Response:
    """Give a file that no cache may keep: what is not kept cannot be found on her phone."""
    response = send_from_directory(folder, name, conditional=False, etag=False)
    response.headers["Cache-Control"] = "no-store"
    return response

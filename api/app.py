"""Puts the rooms together into one web application per audience."""

from enum import StrEnum
from typing import Any, cast

from flask import Flask
from flask_smorest import Api
from sqlalchemy import Engine

from api.accounts import routes as accounts
from api.accounts.channels.oidc import make_provider
from api.accounts.memory import KeyRates
from api.accounts.routes import administration, keys, oidc, own, trail
from api.alerts import routes as alerts
from api.alerts.routes import hers
from api.alerts.streams import make_streams
from api.evidence import routes as evidence
from api.geofence import routes as geofence
from api.geofence.service.limits import read_house_limits
from api.kernel.config import Settings
from api.kernel.db import make_engine
from api.kernel.http import add_api_pages, guard, make_api
from api.orders import routes as orders
from api.pathways import routes as pathways
from api.pathways.routes import directory
from api.pathways.routes.consents import link_started
from api.pathways.service.content import pathway_content
from api.policing import routes as policing
from api.safety_plans import routes as safety_plans
from api.safety_plans.service.decoys import read_decoys
from api.safety_plans.service.screening import check_ways
from api.web import routes as web


class Audience(StrEnum):
    """Who is served: each has its own host, which knows no route of the other."""

    CONTROL = "control"
    APP = "app"


BLUEPRINTS = {
    Audience.CONTROL: (
        *accounts.control_blueprints,
        *own.control_blueprints,
        *administration.control_blueprints,
        *keys.control_blueprints,
        *trail.control_blueprints,
        *oidc.control_blueprints,
        *orders.control_blueprints,
        *policing.control_blueprints,
        *pathways.control_blueprints,
        *geofence.control_blueprints,
        alerts.control_blueprint,
        hers.control_blueprint,
        *safety_plans.control_blueprints,
        directory.control_blueprint,
        evidence.control_blueprint,
        web.control_pages,
    ),
    Audience.APP: (
        *accounts.app_blueprints,
        *geofence.app_blueprints,
        alerts.app_blueprint,
        hers.app_blueprint,
        *safety_plans.app_blueprints,
        directory.app_blueprint,
        *pathways.app_blueprints,
        web.app_pages,
    ),
}
_TITLES = {Audience.CONTROL: "Baken", Audience.APP: "API"}
_IDENTIFY = {Audience.CONTROL: accounts.identify_staff, Audience.APP: accounts.identify_person}
_IDENTIFY_KEY = {Audience.CONTROL: keys.identify_key, Audience.APP: None}


def create_app(settings: Settings, engine: Engine, audience: Audience) -> Flask:
    """Return the application of one audience; it opens no connection and starts no thread by itself."""
    return _build(settings, engine, audience)[0]


def openapi_of(settings: Settings) -> dict[str, Any]:
    """Return the description of the control host's API: what `ops/contracts/openapi.json` must equal."""
    _app, api = _build(settings, make_engine(settings.database_url, settings.server_key), Audience.CONTROL)
    return cast("dict[str, Any]", api.spec.to_dict())


def _build(settings: Settings, engine: Engine, audience: Audience) -> tuple[Flask, Api]:
    app = Flask("api", static_folder=None)
    app.extensions["baken.engine"] = engine
    app.extensions["baken.settings"] = settings
    app.extensions["baken.limits"] = read_house_limits(settings.limits_file)
    for check in (check_ways, read_decoys, pathway_content):
        check(settings.content_dir)  # a start with half a list is refused
    app.extensions["baken.heard"] = geofence.heard_of
    app.extensions["baken.started"] = link_started
    app.extensions["baken.help"] = hers.Help()
    streams = make_streams(engine, geofence.positions_json)
    app.extensions["baken.streams"] = streams
    app.extensions["baken.end_streams"] = streams.end_of
    app.extensions["baken.key_rates"] = KeyRates()
    app.extensions["baken.oidc"] = make_provider(settings.oidc)
    api = make_api(app, _TITLES[audience], BLUEPRINTS[audience])
    guard(app, _IDENTIFY[audience], _IDENTIFY_KEY[audience])
    if audience is Audience.CONTROL:
        add_api_pages(app, api)
    return app, api

"""Administration of police stations, officers and rosters at the control host: supervisors write, staff read.

A telephone number goes in and never comes out again but for its last two digits; a name is read under audit.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask.views import MethodView

from api.accounts.model import MONITORING, Account, Role
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.kernel.http import Blueprint, actor, allow, engine
from api.policing import service
from api.policing.model import (
    HOLES_AHEAD,
    Absence,
    AbsenceDraft,
    NoStation,
    Officer,
    OfficerDraft,
    Roster,
    RosterGap,
    Routing,
    SlotDraft,
    Station,
    StationDraft,
)
from api.policing.schemas.rosters import (
    AbsenceSchema,
    HolesQuerySchema,
    HolesSchema,
    ReplacedRosterSchema,
    RosterGapSchema,
    RosterSchema,
)
from api.policing.schemas.stations import (
    ImportedSchema,
    ImportSchema,
    OfficerSchema,
    RoutingQuerySchema,
    RoutingSchema,
    StationSchema,
)

PAGE = {"page_size": 100, "max_page_size": 500}

stations = Blueprint(
    "police-stations",
    __name__,
    url_prefix="/api/police-stations",
    description="Where alerts go, and who is on duty.",
)
officers = Blueprint(
    "police-officers", __name__, url_prefix="/api/police-officers", description="Officers of the stations."
)
control_blueprints = (stations, officers)


def _actor_id() -> UUID:
    account: Account = actor()
    return account.id


def _window(page: Any, count: int) -> tuple[int, int]:  # noqa: ANN401 - flask-smorest's
    """Tell flask-smorest the total; return the first row and how many, within what a database counts."""
    page.item_count = count
    return min(page.first_item, count), page.page_size


@stations.route("")
class Stations(MethodView):
    """All stations."""

    @allow(*MONITORING)
    @stations.response(200, StationSchema(many=True))
    @stations.paginate(**PAGE)
    def get(self, pagination_parameters: Any) -> list[Station]:  # noqa: ANN401 - flask-smorest's
        """List stations by reference, closed ones included."""
        with reading(engine()) as session:
            window = _window(pagination_parameters, service.count_stations(session))
            return service.list_stations(session, *window)

    @allow(Role.SUPERVISOR)
    @stations.arguments(StationSchema)
    @stations.response(201, StationSchema)
    def post(self, draft: StationDraft) -> Station:
        """Enter a station; an area that cannot be used is refused with the fault and its place."""
        with transaction(engine()) as session:
            return service.add_station(session, draft, _actor_id(), clock.now())


@stations.route("/import")
class Import(MethodView):
    """Many stations at once."""

    @allow(Role.SUPERVISOR)
    @stations.arguments(ImportSchema)
    @stations.response(201, ImportedSchema)
    def post(self, body: dict[str, Any]) -> dict[str, list[Station]]:
        """Enter the stations of a GeoJSON feature collection, all of them or none."""
        with transaction(engine()) as session:
            entered = service.import_stations(session, body["features"], _actor_id(), clock.now())
        return {"stations": entered}


@stations.route("/routing")
class CheckRouting(MethodView):
    """Where an alert would go."""

    @allow(*MONITORING)
    @stations.arguments(RoutingQuerySchema, location="query")
    @stations.response(200, RoutingSchema)
    def get(self, query: dict[str, Any]) -> Routing:
        """Say which station a place belongs to and who is, will be or was on duty there."""
        point = None if query["lat"] is None else Point(query["lat"], query["lon"])
        at: datetime = query["at"] or clock.now()
        with reading(engine()) as session:
            found = service.route(session, point, at)
        if found is None:
            raise NoStation("No station can be named: there is none, or there are several and no position.")
        return found


@stations.route("/<uuid:station_id>")
class OneStation(MethodView):
    """One station."""

    @allow(*MONITORING)
    @stations.etag
    @stations.response(200, StationSchema)
    def get(self, station_id: UUID) -> Station:
        """Show a station; the ETag is needed to change it."""
        with reading(engine()) as session:
            return service.get_station(session, station_id)

    @allow(Role.SUPERVISOR)
    @stations.etag
    @stations.arguments(StationSchema)
    @stations.response(200, StationSchema)
    def put(self, draft: StationDraft, station_id: UUID) -> Station:
        """Change a station from now on; without `phone` its number stays."""
        with transaction(engine()) as session:
            seen = service.get_station(session, station_id)
            stations.check_etag(seen, StationSchema)
            return service.change_station(session, seen, draft, _actor_id(), clock.now())


@stations.route("/<uuid:station_id>/retirement")
class StationRetirement(MethodView):
    """The end of a station."""

    @allow(Role.SUPERVISOR)
    @stations.response(200, StationSchema)
    def post(self, station_id: UUID) -> Station:
        """Close a station for good; its area then belongs to whichever is nearest."""
        with transaction(engine()) as session:
            return service.retire_station(session, station_id, _actor_id(), clock.now())


@stations.route("/<uuid:station_id>/roster")
class StationRoster(MethodView):
    """Who is on duty at a station, and when."""

    @allow(*MONITORING)
    @stations.etag
    @stations.response(200, RosterSchema)
    def get(self, station_id: UUID) -> Roster:
        """Show the roster in force; the ETag is needed to replace it."""
        with reading(engine()) as session:
            return service.get_roster(session, station_id)

    @allow(Role.SUPERVISOR)
    @stations.etag
    @stations.arguments(RosterSchema)
    @stations.response(200, ReplacedRosterSchema)
    def put(self, body: dict[str, list[SlotDraft]], station_id: UUID) -> dict[str, Any]:
        """Replace the whole roster; a time without anybody is accepted and told in `holes`."""
        now = clock.now()
        with transaction(engine()) as session:
            seen = service.get_roster(session, station_id)
            stations.check_etag(seen, RosterSchema)
            roster = service.replace_roster(session, seen, body["duties"], _actor_id(), now)
            holes = service.find_holes(session, station_id, now, now + HOLES_AHEAD)
        stations.set_etag(roster, RosterSchema)
        return {"station_id": station_id, "slots": roster.duties, "holes": holes}


@stations.route("/gaps")
class Gaps(MethodView):
    """Rosters that need somebody soon."""

    @allow(*MONITORING)
    @stations.response(200, RosterGapSchema(many=True))
    def get(self) -> list[RosterGap]:
        """List the stations at which nobody will be on duty for a while within the next 24 hours."""
        with reading(engine()) as session:
            return service.roster_gaps(session, clock.now())


@stations.route("/<uuid:station_id>/roster/holes")
class RosterHoles(MethodView):
    """When nobody is on duty at a station."""

    @allow(*MONITORING)
    @stations.arguments(HolesQuerySchema, location="query")
    @stations.response(200, HolesSchema)
    def get(self, query: dict[str, datetime | None], station_id: UUID) -> dict[str, Any]:
        """List when nobody is on duty, by default within the next 14 days."""
        since = query["since"] or clock.now()
        until = query["until"] or since + HOLES_AHEAD
        with reading(engine()) as session:
            return {"holes": service.find_holes(session, station_id, since, until)}


@officers.route("")
class Officers(MethodView):
    """All officers."""

    @allow(*MONITORING)
    @officers.response(200, OfficerSchema(many=True))
    @officers.paginate(**PAGE)
    def get(self, pagination_parameters: Any) -> list[Officer]:  # noqa: ANN401 - flask-smorest's
        """List officers by reference, those who have left included."""
        with transaction(engine()) as session:
            first, limit = _window(pagination_parameters, service.count_officers(session))
            return service.list_officers(session, first, limit, _actor_id(), clock.now())

    @allow(Role.SUPERVISOR)
    @officers.arguments(OfficerSchema)
    @officers.response(201, OfficerSchema)
    def post(self, draft: OfficerDraft) -> Officer:
        """Register an officer."""
        with transaction(engine()) as session:
            return service.add_officer(session, draft, _actor_id(), clock.now())


@officers.route("/<uuid:officer_id>")
class OneOfficer(MethodView):
    """One officer."""

    @allow(*MONITORING)
    @officers.etag
    @officers.response(200, OfficerSchema)
    def get(self, officer_id: UUID) -> Officer:
        """Show an officer; the ETag is needed to change anything."""
        with transaction(engine()) as session:
            return service.get_officer(session, officer_id, _actor_id(), clock.now())

    @allow(Role.SUPERVISOR)
    @officers.etag
    @officers.arguments(OfficerSchema)
    @officers.response(200, OfficerSchema)
    def put(self, draft: OfficerDraft, officer_id: UUID) -> Officer:
        """Change an officer; without `phone` the number stays, null removes it."""
        now = clock.now()
        with transaction(engine()) as session:
            seen = service.get_officer(session, officer_id, _actor_id(), now)
            officers.check_etag(seen, OfficerSchema)
            return service.change_officer(session, seen, draft, _actor_id(), now)


@officers.route("/<uuid:officer_id>/retirement")
class OfficerRetirement(MethodView):
    """The end of an officer's service."""

    @allow(Role.SUPERVISOR)
    @officers.response(200, OfficerSchema)
    def post(self, officer_id: UUID) -> Officer:
        """Take an officer out of every roster for good."""
        with transaction(engine()) as session:
            return service.retire_officer(session, officer_id, _actor_id(), clock.now())


@officers.route("/<uuid:officer_id>/absences")
class Absences(MethodView):
    """When an officer is away."""

    @allow(*MONITORING)
    @officers.response(200, AbsenceSchema(many=True))
    def get(self, officer_id: UUID) -> list[Absence]:
        """List an officer's absences, latest first; the last 200."""
        with transaction(engine()) as session:
            return service.list_absences(session, officer_id, _actor_id(), clock.now())

    @allow(Role.SUPERVISOR)
    @officers.arguments(AbsenceSchema)
    @officers.response(201, AbsenceSchema)
    def post(self, draft: AbsenceDraft, officer_id: UUID) -> Absence:
        """Enter an absence: meanwhile the stand-ins are called."""
        with transaction(engine()) as session:
            return service.add_absence(session, officer_id, draft, _actor_id(), clock.now())


@officers.route("/<uuid:officer_id>/absences/<uuid:absence_id>/end")
class AbsenceEnd(MethodView):
    """The early end of an absence."""

    @allow(Role.SUPERVISOR)
    @officers.response(200, AbsenceSchema)
    def post(self, officer_id: UUID, absence_id: UUID) -> Absence:
        """End an absence now, or call off one that has not begun."""
        with transaction(engine()) as session:
            return service.end_absence(session, officer_id, absence_id, _actor_id(), clock.now())

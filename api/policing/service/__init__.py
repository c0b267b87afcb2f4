"""Use cases of policing; other rooms call them from here.

`actor_id` is the account that acts; None is the command line. Every change and every reading of a name
is a row of the audit trail.
"""

from api.policing.service.officers import (
    add_absence,
    add_officer,
    change_officer,
    count_officers,
    end_absence,
    get_officer,
    list_absences,
    list_officers,
    retire_officer,
)
from api.policing.service.rosters import find_holes, get_roster, replace_roster, roster_gaps
from api.policing.service.routing import phones_of, route, route_all, route_to
from api.policing.service.stations import (
    add_station,
    change_station,
    count_stations,
    get_station,
    import_stations,
    list_stations,
    retire_station,
)

__all__ = [
    "add_absence",
    "add_officer",
    "add_station",
    "change_officer",
    "change_station",
    "count_officers",
    "count_stations",
    "end_absence",
    "find_holes",
    "get_officer",
    "get_roster",
    "get_station",
    "import_stations",
    "list_absences",
    "list_officers",
    "list_stations",
    "phones_of",
    "replace_roster",
    "retire_officer",
    "retire_station",
    "roster_gaps",
    "route",
    "route_all",
    "route_to",
]

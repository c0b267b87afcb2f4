"""Use cases of people, orders, devices and watches; other rooms call them from here.

`actor_id` is the account that acts; None is the command line. Every change and every reading of a name
is a row of the audit trail.
"""

from api.orders.service.devices import (
    add_device,
    assign_device,
    authenticate_device,
    count_devices,
    get_device,
    list_assignments,
    list_devices,
    page_devices,
    renew_secret,
    retire_device,
    unassign_device,
)
from api.orders.service.exemptions import add_exemption, end_exemption, list_exemptions
from api.orders.service.orders import (
    add_order,
    added_since,
    change_order,
    count_orders,
    get_order,
    list_orders,
    revoke_order,
)
from api.orders.service.people import (
    add_person,
    add_wearer,
    count_persons,
    count_wearers,
    get_person,
    get_wearer,
    give_account,
    list_persons,
    list_references,
    list_wearers,
)
from api.orders.service.watches import (
    carried_since,
    changes_after,
    get_watch,
    latest_revision,
    list_watches,
    list_watches_of,
    listened_since,
    note_change,
)

__all__ = [
    "add_device",
    "add_exemption",
    "add_order",
    "add_person",
    "add_wearer",
    "added_since",
    "assign_device",
    "authenticate_device",
    "carried_since",
    "change_order",
    "changes_after",
    "count_devices",
    "count_orders",
    "count_persons",
    "count_wearers",
    "end_exemption",
    "get_device",
    "get_order",
    "get_person",
    "get_watch",
    "get_wearer",
    "give_account",
    "latest_revision",
    "list_assignments",
    "list_devices",
    "list_exemptions",
    "list_orders",
    "list_persons",
    "list_references",
    "list_watches",
    "list_watches_of",
    "list_wearers",
    "listened_since",
    "note_change",
    "page_devices",
    "renew_secret",
    "retire_device",
    "revoke_order",
    "unassign_device",
]

"""Which table is part of an order's history and how its rows are found: the one place for a new table.

In the order of the file: what is named stands before what names it.
"""

from collections.abc import Mapping

from api.evidence.model.history import (
    NO_TEXT,
    By,
    Hidden,
    Ids,
    Part,
    Reference,
    Sealed,
    Until,
    Via,
)

_ORDER = Reference("protective_order")
_DEVICE = Reference("device")
_WEARER = Reference("wearer")
_PERSON = Reference("protected_person")
_BATCH = Reference("judged_batch", "number", besides=(0,))
_ALERT = Reference("alert")
_OF_ALERTS = (Via("alert_id", "alert", "id"),)
_OF_OUR_DEVICES = (By("device_id", Ids.DEVICES),)
_OF_ALL_ORDERS = (By("order_id", Ids.ORDERS),)
_OWN_REASON = Hidden("reason", "order_id", Ids.ORDER, NO_TEXT)
_OWN_NAME = Hidden("name", "id", Ids.OWN_PEOPLE, NO_TEXT)
LEFT_THE_HOUSE = {"state": {"pending": "moved"}}
"""A message that waited stays the former house's to send: here it is seen, and never sent again."""
NOBODY_WAITS = {"state": {"waiting": "ended"}}
"""A step that waited stays the former house's too: two houses would send for the police and call twice.

It has no `ended_at`: nothing ended it but its leaving.
"""

PLAN: tuple[Part, ...] = (
    Part(
        "wearer",
        (By("id", Ids.WEARERS),),
        sealed={"name_sealed": Sealed("wearer.name", "name", is_text=True)},
        hidden=(_OWN_NAME,),
    ),
    Part(
        "protected_person",
        (By("id", Ids.PEOPLE),),
        sealed={"name_sealed": Sealed("protected_person.name", "name", is_text=True)},
        hidden=(_OWN_NAME,),
    ),
    Part(
        "device",
        (By("id", Ids.DEVICES),),
        sealed={"sealing_key_sealed": Sealed("device.sealing_key", "sealing_key", is_text=False)},
    ),
    Part("protective_order", (By("id", Ids.ORDERS),), {"wearer_id": _WEARER}),
    Part("order_person", _OF_ALL_ORDERS, {"order_id": _ORDER, "person_id": _PERSON}),
    Part(
        "order_version",
        _OF_ALL_ORDERS,
        {"order_id": _ORDER, "wearer_id": _WEARER, "protected_person_ids": _PERSON},
    ),
    Part(
        "assignment",
        _OF_OUR_DEVICES,
        {"device_id": _DEVICE, "wearer_id": _WEARER, "protected_person_id": _PERSON},
    ),
    Part("exemption", _OF_ALL_ORDERS, {"order_id": _ORDER}, hidden=(_OWN_REASON,)),
    Part(
        "exclusion_zone",
        _OF_ALL_ORDERS,
        {"order_id": _ORDER},
        hidden=(Hidden("name", "order_id", Ids.ORDER, NO_TEXT),),
    ),
    Part("order_limits", _OF_ALL_ORDERS, {"order_id": _ORDER}, hidden=(_OWN_REASON,)),
    Part("house_limits", (Until("since"),)),
    Part("outage", (Until("ended_at"),)),
    Part("playbook", (Until("since"), Via("digest", "step_run", "playbook"))),
    Part(
        "register_change",
        (*_OF_ALL_ORDERS, *_OF_OUR_DEVICES, Via("revision", "judged_batch", "revision")),
        {"order_id": _ORDER, "device_id": _DEVICE},
        # A decision names the last change of the whole register; whose it was is nobody's business here.
        hidden=(
            Hidden("order_id", "order_id", Ids.ORDERS, None),
            Hidden("device_id", "device_id", Ids.DEVICES, None),
        ),
        counter="revision",
    ),
    Part(
        "judged_batch",
        (
            Via("number", "fix", "batch"),
            Via("number", "device_alarm", "batch"),
            Via("number", "device_report", "batch"),
            # What timers and staff's entries told is found by its moment.
            Via("judged_at", "alert_entry", "at"),
            Via("judged_at", "sighting", "received_at"),
        ),
        counter="number",
    ),
    Part("fix", _OF_OUR_DEVICES, {"device_id": _DEVICE, "batch": _BATCH}),
    Part("device_alarm", _OF_OUR_DEVICES, {"device_id": _DEVICE, "batch": _BATCH}),
    Part("device_report", _OF_OUR_DEVICES, {"device_id": _DEVICE, "batch": _BATCH}),
    Part("rejected_message", (By("device", Ids.DEVICE_NAMES),)),
    Part("device_state", _OF_OUR_DEVICES, {"device_id": _DEVICE}),
    Part("reporting", _OF_OUR_DEVICES, {"device_id": _DEVICE}),
    Part("presence_state", _OF_ALL_ORDERS, {"order_id": _ORDER}),
    Part("timer_state", _OF_OUR_DEVICES, {"device_id": _DEVICE}),
    Part("sighting", (By("order_id", Ids.ORDER),), {"order_id": _ORDER}),
    Part("alert", (By("order_id", Ids.ORDER), By("device_id", Ids.DEVICES, without="order_id"))),
    Part("alert_entry", _OF_ALERTS, {"alert_id": _ALERT}, counter="seq"),
    Part(
        "notification",
        (Via("alert_id", "alert", "id"), By("device_id", Ids.DEVICES, without="alert_id")),
        {"alert_id": _ALERT},
        recast=LEFT_THE_HOUSE,
        counter="seq",
    ),
    Part(
        "attempt",
        (Via("notification_id", "notification", "id"),),
        {"notification_id": Reference("notification")},
    ),
    Part(
        "police_ack",
        (Via("notification_id", "notification", "id"),),
        {"notification_id": Reference("notification")},
    ),
    Part("alert_policy", (By("person_id", Ids.OWN_PEOPLE),), {"person_id": _PERSON}),
    Part("step_run", _OF_ALERTS, {"alert_id": _ALERT}, recast=NOBODY_WAITS),
    Part("task", _OF_ALERTS, {"alert_id": _ALERT, "run_id": Reference("step_run")}),
    Part("drill", _OF_ALERTS, {"alert_id": _ALERT, "order_id": _ORDER}),
    Part(
        "audit",
        (
            By("object_id", Ids.ORDER),
            By("object_id", Ids.OWN_PEOPLE),
            By("object_id", Ids.DEVICES),
            Via("object_id", "exclusion_zone", "id"),
            Via("object_id", "exemption", "id"),
            Via("object_id", "sighting", "id"),
            Via("object_id", "alert", "id"),
            Via("object_id", "task", "id"),
            Via("object_id", "drill", "id"),
        ),
        may_be_there=True,
    ),
)

LEFT_OUT: Mapping[str, str] = {
    "account": "log-ins are the house's: staff have theirs elsewhere, she is given a new number and PIN",
    "session": "who is signed in, which ends with the house",
    **dict.fromkeys(
        ("pin_slots", "pin_half", "session_number", "entry", "entry_code", "document"),
        "hers, and closed to the house: no order's history holds a byte of it",
    ),
    **dict.fromkeys(
        ("totp", "recovery_code", "api_key", "oidc_identity"),
        "what staff and machines sign in with, which each house gives anew",
    ),
    **dict.fromkeys(
        ("agency_key", "consent", "consent_reading", "consent_override"),
        "what she lets an agency of this house know; elsewhere she is asked anew",
    ),
    "heartbeat": "signs of life of this house's processes",
    "ledger": "each house's own chain, sealed with its own key; the new house links every row again",
    **dict.fromkeys(
        ("police_station", "police_officer", "police_duty", "police_absence"),
        "the police's own areas and rosters, which each house enters; whom a message named stands in it",
    ),
    **dict.fromkeys(
        ("agency", "agency_member", "agency_duty"),
        "each house's own partners, which it enters",
    ),
    **dict.fromkeys(
        (
            *("pathway", "pathway_step", "pathway_handoff", "pathway_event", "pathway_exclusion"),
            *("safe_contact", "safe_contact_seen", "contact_attempt"),
        ),
        "her way out is hers and no part of an order: a house that monitors him has no need of it",
    ),
    "push_subscription": "her browsers know this house by its own key; a new house asks them anew",
    "rejected_count": "counts over all devices of the house",
}
"""Tables that are no part of an order's history, each with its reason."""

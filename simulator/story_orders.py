"""From `order:`, `orders:`, `zones:` and `exemptions:` of a story to its orders."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulator.stories import Actor, Exemption, Hours, Order, Purpose, Schedule, Zone
from simulator.story_faults import span
from simulator.world import Area, Circle, Place, Shape
from simulator.yaml_reader import Field

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EXEMPTION_KINDS = frozenset({"court_hearing", "agreed_handover", "custody", "other"})
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def read_orders(
    top: dict[str, Field], people: tuple[Actor, ...], places: dict[str, Place]
) -> tuple[Order, ...]:
    """Return the orders: `order` is one for everybody and every zone, `orders` says who and which."""
    zones = _zones(top["zones"], places) if "zones" in top else ()
    exemptions = _exemptions(top["exemptions"], places) if "exemptions" in top else ()
    names = tuple(actor.whose for actor in people)
    if "orders" not in top:
        alert_radius_m, warning_radius_m = _radii(top["order"].fields(("alert_radius_m", "warning_radius_m")))
        return (Order("order", alert_radius_m, warning_radius_m, names, zones, exemptions),)
    orders: list[Order] = []
    for item in top["orders"].items():
        keys = item.fields(("name", "alert_radius_m", "warning_radius_m", "people"), ("zones",))
        own = {field.choice(names) for field in keys["people"].items()}
        known = {zone.name for zone in zones}
        chosen = {field.choice(known) for field in keys["zones"].items()} if "zones" in keys else set()
        name = keys["name"].text()
        if any(order.name == name for order in orders):
            raise keys["name"].refuse(f"order {name!r} stands twice")
        orders.append(
            Order(
                name,
                *_radii(keys),
                tuple(person for person in names if person in own),
                tuple(zone for zone in zones if zone.name in chosen),
                exemptions,
            )
        )
    if not orders:
        raise top["orders"].refuse("orders must not be empty")
    given = {zone.name for order in orders for zone in order.zones}
    if lost := [zone.name for zone in zones if zone.name not in given]:
        raise top["zones"].refuse(f"zone {lost[0]!r} belongs to no order")
    return tuple(orders)


def _radii(keys: dict[str, Field]) -> tuple[float, float]:
    alert_radius_m = keys["alert_radius_m"].number(50, 50_000)
    warning_radius_m = keys["warning_radius_m"].number(50, 50_000)
    if warning_radius_m < alert_radius_m:
        raise keys["warning_radius_m"].refuse("warning_radius_m must not be smaller than alert_radius_m")
    return alert_radius_m, warning_radius_m


def _zones(field: Field, places: dict[str, Place]) -> tuple[Zone, ...]:
    zones: list[Zone] = []
    for item in field.items():
        keys = item.fields(("name",), ("circle", "polygon", "buffer_m", "visibility", "purpose", "schedule"))
        if ("circle" in keys) == ("polygon" in keys):
            raise item.refuse("a zone is either a circle or a polygon")
        name = keys["name"].text()
        if any(zone.name == name for zone in zones):
            raise keys["name"].refuse(f"zone {name!r} stands twice")
        visibility = (
            keys["visibility"].choice({"declared", "concealed"}) if "visibility" in keys else "declared"
        )
        zones.append(
            Zone(
                name,
                _shape(keys, places),
                keys["buffer_m"].number(0, 5000) if "buffer_m" in keys else 250.0,
                visibility,
                Purpose(keys["purpose"].choice(set(Purpose))) if "purpose" in keys else Purpose.EXCLUSION,
                _schedule(keys["schedule"]) if "schedule" in keys else None,
            )
        )
    return tuple(zones)


def _shape(keys: dict[str, Field], places: dict[str, Place]) -> Shape:
    if "circle" in keys:
        return _circle(keys["circle"], places)
    area = Area(tuple(corner.place(places) for corner in keys["polygon"].items()))
    if fault := area.fault():
        raise keys["polygon"].refuse(fault)
    return area


def _circle(field: Field, places: dict[str, Place]) -> Circle:
    circle = field.fields(("center", "radius_m"))
    return Circle(circle["center"].place(places), circle["radius_m"].number(10, 50_000))


def _schedule(field: Field) -> Schedule:
    keys = field.fields(("time_zone", "hours"))
    time_zone = keys["time_zone"].text()
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise keys["time_zone"].refuse(f"time_zone: {time_zone!r} is unknown") from error
    hours: list[Hours] = []
    for item in keys["hours"].items():
        part = item.fields(("day", "from", "until"))
        day, from_, until = part["day"].choice(DAYS), _clock(part["from"]), _clock(part["until"])
        if until <= from_:
            raise part["until"].refuse(f"until must come after from ({from_}); midnight is 24:00")
        hours.append(Hours(day, from_, until))
    if not hours:
        raise keys["hours"].refuse("hours must not be empty")
    return Schedule(time_zone, tuple(hours))


def _clock(field: Field) -> str:
    text = field.text()
    if not _CLOCK.fullmatch(text):
        raise field.refuse(f"{field.name} must be a time like 08:30")
    return text


def _exemptions(field: Field, places: dict[str, Place]) -> tuple[Exemption, ...]:
    result = []
    for item in field.items():
        keys = item.fields(("kind", "from_s", "to_s"), ("place",))
        place = _circle(keys["place"], places) if "place" in keys else None
        result.append(Exemption(keys["kind"].choice(EXEMPTION_KINDS), *span(keys), place))
    return tuple(result)

"""A police message as CAP 1.2 XML: the same facts as the JSON body, in the words of the OASIS standard.

What CAP has an element for goes there; everything else that a machine may want is a `parameter`, named as in
`ops/contracts/webhook.schema.json`. No name of a person is in the JSON body, so none is in here.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from api.alerts.model import Channel, EventKind
from api.alerts.rules.retries import LIFE

CONTENT_TYPE = "application/cap+xml"
NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
DEFAULT_ADDRESS = "police"
"""Of a message that no desk has been found for; scope Private needs an addressee."""
MAX_HEADLINE = 160
"""What the standard asks of a headline, in characters."""

K = EventKind
WORDS = {
    K.ZONE_BREACH: "Wearer inside an exclusion zone",
    K.ZONE_BUFFER: "Wearer close to an exclusion zone",
    K.ZONE_TRANSIT: "Wearer crossed an exclusion zone",
    K.ZONE_LEFT: "Wearer left an exclusion zone",
    K.PROXIMITY_BREACH: "Wearer close to the protected person",
    K.PROXIMITY_WARNING: "Wearer nearing the protected person",
    K.PROXIMITY_LEFT: "Wearer no longer close to the protected person",
    K.LATE_DATA_BREACH: "Breach found in late data",
    K.CLOSING_FAST: "Wearer approaching fast",
    K.PROTECTED_APPROACHES: "Protected person nearing the wearer",
    K.BOUNDARY_LOITER: "Wearer staying at the edge of a zone",
    K.EXTERNAL_SIGHTING: "Sighting by other means",
    K.INCLUSION_BREACH: "Wearer not where the order requires",
    K.BORDER_APPROACH: "Wearer nearing the border",
    K.SOS: "Call for help by the protected person",
    K.STRAP_TAMPER: "Strap of the device opened or cut",
    K.CASE_OPEN: "Case of the device opened",
    K.SEPARATION: "Wearer apart from the device",
    K.PAIRING_LOST: "Bracelet no longer heard by the device",
    K.PROXIMITY_RF: "Wearer's bracelet heard near the protected person",
    K.JAM_SHIELD: "Device jammed or shielded",
    K.IMPLAUSIBLE_POSITION: "Position of the device cannot be true",
    K.POWER_OFF: "Device switched off",
    K.DEVICE_ALARM: "Alarm of the device",
    K.LOST_CONTACT: "Device not heard from",
    K.CONTACT_RESTORED: "Device heard from again",
    K.NO_FIX_MOTION: "Device moving without a position",
    K.POSITION_FROZEN: "Position of the device does not change",
    K.BATTERY_LOW: "Battery of the device low",
    K.BATTERY_CRITICAL: "Battery of the device nearly empty",
    K.PROTECTED_DEVICE_DEGRADED: "Protected person's device cannot be relied on",
    K.STATUS_CONFLICT: "Register and devices contradict each other",
    K.DRILL: "Test run of the chain",
    K.CONDITION_ENDED: "A condition has ended",
    K.SYSTEM_DEGRADED: "Monitoring itself is impaired",
    K.SYSTEM_RESTORED: "Monitoring works again",
}
_SEVERITY = {1: "Extreme", 2: "Severe", 3: "Moderate"}
_URGENCY = {1: "Immediate", 2: "Expected"}
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry at all, not even escaped (section 2.2)."""
_NOT_IN_TOKENS = re.compile(r"[\s,<&]")
_MOVERS = {
    "wearer": "the wearer is the one who moves",
    "protected": "the protected person is the one who moves",
    "both": "both move",
    "neither": "neither moves",
    "traffic": "both move at the speed of traffic and may only be passing",
}


def cap_xml(message: dict[str, Any], sender: str) -> bytes:
    """Return the message as UTF-8 XML, valid against the standard's schema.

    Args:
        message: Body of `rules.telling.police_message`; `references`, `routing` and `chain` may be missing.
        sender: Who we are to the receiver; no white space, comma, `<` or `&` (checked by the settings).
    """
    routing = message.get("routing") or []
    root = ET.Element("alert", xmlns=NAMESPACE)
    _add(root, "identifier", _token(message["id"]))
    _add(root, "sender", _token(sender))
    _add(root, "sent", _time(message["sent"]))
    _add(root, "status", message["status"])
    _add(root, "msgType", message["msgType"])
    _add(root, "source", "Baken")
    _add(root, "scope", "Private")
    desks = dict.fromkeys(_address(station["desk_address"]) for station in routing if station["desk_address"])
    _add(root, "addresses", " ".join(desks) or DEFAULT_ADDRESS)
    if references := message.get("references"):
        triples = (f"{_token(sender)},{_token(one['id'])},{_time(one['sent'])}" for one in references)
        _add(root, "references", " ".join(triples))
    _add(root, "incidents", message["alert"]["id"])
    _add_info(root, message)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def _add_info(root: ET.Element, message: dict[str, Any]) -> None:
    alert, event = message["alert"], message["event"]
    kind = words_of(event["kind"] if event else alert["kind"])
    info = ET.SubElement(root, "info")
    _add(info, "language", "en")
    _add(info, "category", "Security")
    _add(info, "event", kind)
    _add(info, "urgency", _urgency(message))
    _add(info, "severity", _SEVERITY.get(alert["severity"], "Minor"))
    _add(info, "certainty", _certainty(event))
    if event:
        _add(info, "onset", _time(event["occurred_at"]))
    _add(info, "expires", _stamp(_moment(message["sent"]) + LIFE[Channel.POLICE_WEBHOOK]))
    _add(info, "senderName", "Baken control room")
    _add(info, "headline", _headline(message, kind))
    _add(info, "description", " ".join(_description(message, kind)))
    _add(info, "instruction", " ".join(_instruction(message)))
    for name, value in _parameters(message):
        parameter = ET.SubElement(info, "parameter")
        _add(parameter, "valueName", name)
        _add(parameter, "value", value)
    if event:
        _add_area(info, "wearer", "Wearer", event["wearer"])
        _add_area(info, "protected", "Protected person", event["protected"])


def words_of(kind: str) -> str:
    """Return a kind of event in plain words; one that this version does not know keeps its own."""
    return WORDS[EventKind(kind)] if kind in set(EventKind) else kind.replace("_", " ")


def _urgency(message: dict[str, Any]) -> str:
    event = message["event"]
    if message["msgType"] == "Cancel" or (event and not event["live"]):
        return "Past"
    return _URGENCY.get(message["alert"]["severity"], "Future")


def _certainty(event: dict[str, Any] | None) -> str:
    """Say how sure it is: an act of the control room says nothing new about where anybody is."""
    if event is None:
        return "Unknown"
    if event["reach_m"] is not None:
        return "Possible"  # he may have come so far: nobody has seen it
    return "Likely" if event["doubts"] else "Observed"


def _headline(message: dict[str, Any], kind: str) -> str:
    act = {"Update": "Update: ", "Cancel": "Closed: "}.get(message["msgType"], "")
    exercise = "EXERCISE. " if message["status"] == "Exercise" else ""
    return f"{exercise}{act}{kind}, severity {message['alert']['severity']}"[:MAX_HEADLINE]


def _description(message: dict[str, Any], kind: str) -> Iterator[str]:
    """Say it in sentences: what, how far, how sure, how old; ids and codes are parameters."""
    alert, event, order = message["alert"], message["event"], message["order"]
    yield f"{kind}."
    if event is None:
        yield _act_sentence(alert)
    else:
        yield from _event_sentences(event)
    if order:
        yield f"Order {order['reference']} of {order['court']}."


def _act_sentence(alert: dict[str, Any]) -> str:
    if alert["state"] == "resolved":
        reason = (alert["resolve_reason"] or "no reason given").replace("_", " ")
        return f"The control room has closed the alert: {reason}."
    return "The control room has taken the alert." if alert["state"] == "acknowledged" else "It stays open."


def _event_sentences(event: dict[str, Any]) -> Iterator[str]:
    if not event["live"]:
        yield "This reached us late: it says what was, not what is."
    if event["distance_m"] is not None:
        yield _distance_sentence(event)
    if event["mover"]:
        yield f"Of the two, {_MOVERS.get(event['mover'], event['mover'])}."
    if event["eta_s"] is not None:
        yield f"At this speed the distance of the order is reached in about {event['eta_s']:.0f} s."
    if event["reach_m"] is not None:
        yield f"Since the last position the wearer can have come {event['reach_m']:.0f} m."
    for party, position in (("wearer", event["wearer"]), ("protected person", event["protected"])):
        if position:
            yield f"Position of the {party} is {position['age_s']:.0f} s old."
    if event["doubts"]:
        yield "The positions alone do not prove it."


def _distance_sentence(event: dict[str, Any]) -> str:
    distance_m = event["distance_m"]
    if event["zone_id"] is None:
        return f"Distance between the two: {distance_m:.0f} m."
    side = "inside" if distance_m < 0 else "outside"
    return f"Distance to the edge of the zone: {abs(distance_m):.0f} m, {side}."


def _instruction(message: dict[str, Any]) -> Iterator[str]:
    if message["status"] == "Exercise":
        yield "This is an exercise: send nobody."
    if message["msgType"] == "Cancel":
        yield "The control room asks for nothing more in this matter."
    elif message["alert"]["severity"] == 1:
        yield "See to the protected person first, then to the wearer."
    else:
        yield "Stand by and look at the positions."
    if message["alert"]["concealed"]:
        yield "The wearer does not know of the place: say and do nothing that shows it."


def _parameters(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield everything machine-readable: what is null is left out, a list is one parameter per item."""
    alert, order, event = message["alert"], message["order"] or {}, message["event"] or {}
    values: list[tuple[str, Any]] = [("seq", message["seq"]), ("alert_id", alert["id"])]
    values += [(name, value) for name, value in alert.items() if name != "id"]
    values += [(f"order_{name}", value) for name, value in order.items()]
    positions = {"wearer", "protected"}
    values += [(f"event_{name}", value) for name, value in event.items() if name not in positions]
    if event:
        late_s = (_moment(message["sent"]) - _moment(event["occurred_at"])).total_seconds()
        values.append(("late_s", max(0.0, late_s)))
    for party in sorted(positions):
        values += [
            (f"{party}_{name}", value)
            for name, value in (event.get(party) or {}).items()
            if name not in {"lat", "lon"}  # those are the area
        ]
    for station in message.get("routing") or []:
        side = station["side"]
        values += [(f"routing_{side}_{name}", value) for name, value in station.items() if name != "side"]
    values.append(("chain", message.get("chain")))
    for name, value in values:
        for one in value if isinstance(value, list) else [value]:
            if one is not None and one != "":
                yield name, _text(one)


def _add_area(info: ET.Element, party: str, words: str, position: dict[str, Any] | None) -> None:
    if position is None:
        return
    accuracy_m = position["accuracy_m"]
    known = f"within {accuracy_m:.0f} m (68 %)" if accuracy_m is not None else "accuracy unknown"
    area = ET.SubElement(info, "area")
    _add(area, "areaDesc", f"{words}, {known}, {position['age_s']:.0f} s old")
    radius_km = math.ceil(accuracy_m or 0.0) / 1000
    _add(area, "circle", f"{position['lat']:.6f},{position['lon']:.6f} {radius_km:.3f}")
    geocode = ET.SubElement(area, "geocode")
    _add(geocode, "valueName", "party")
    _add(geocode, "value", party)


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _ILLEGAL.sub("�", text)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _token(text: str) -> str:
    """Return what the standard allows in an identifier or sender: no space, comma, `<` or `&`."""
    return _NOT_IN_TOKENS.sub("_", text)


def _address(text: str) -> str:
    """Return one addressee: the standard separates several by spaces and quotes one that has any."""
    plain = text.replace('"', "'")
    return f'"{plain}"' if re.search(r"\s", plain) else plain


def _moment(iso: str) -> datetime:
    return datetime.fromisoformat(iso)


def _time(iso: str) -> str:
    return _stamp(_moment(iso))


def _stamp(at: datetime) -> str:
    """Return the one form that the standard allows: no fraction, no Z, UTC as -00:00 (section 3.3.2)."""
    return f"{at.astimezone(UTC).isoformat()[:19]}-00:00"

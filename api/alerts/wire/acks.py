"""What the police's machine answers later: an acknowledgement in JSON or as CAP 1.2 XML."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

from defusedxml import ElementTree as SafeET
from defusedxml.common import DefusedXmlException

from api.alerts.wire.cap import NAMESPACE

MAX_ACK_BYTES = 64 * 1024
"""An acknowledgement has some hundred bytes; ours has at most as many references as an alert messages."""
MAX_ID_CHARACTERS = 128
MAX_WHO_CHARACTERS = 64
MAX_REFERENCES = 64


class AckType(StrEnum):
    """The two words of CAP that answer a message."""

    ACK = "Ack"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class PoliceAck:
    """That somebody at the police has taken messages of ours, or that their machine could not.

    Attributes:
        id: Theirs; the same at every repeat.
        references: Ids of our messages, at least one.
        who: Reference of a desk or an officer, never a name; 1 to 64 characters.
    """

    id: str
    type: AckType
    references: tuple[UUID, ...]
    sent: datetime
    who: str


class BadAck(Exception):
    """The bytes are no acknowledgement; the text says what is wrong and what to do."""


def parse_ack(body: bytes) -> PoliceAck:
    """Read an acknowledgement; XML is told from JSON by its first character. Raises BadAck."""
    if len(body) > MAX_ACK_BYTES:
        raise BadAck(f"The body is too long: an acknowledgement has at most {MAX_ACK_BYTES} bytes.")
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _ack_of(_read_cap(body))
    return _ack_of(_read_json(body))


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise BadAck("The body can be read neither as JSON nor as XML: send one of the two.") from None
    if not isinstance(said, dict):
        raise BadAck("The JSON is no object: send id, msgType, references, sent and who.")
    return said


def _read_cap(body: bytes) -> dict[str, Any]:
    try:
        root = SafeET.fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise BadAck("The XML has a DTD or entities: send it without.") from None
    except (ET.ParseError, ValueError, LookupError, RecursionError):
        raise BadAck("The XML cannot be read: send CAP 1.2 in UTF-8.") from None
    if root.tag != f"{{{NAMESPACE}}}alert":
        raise BadAck(f"The XML is no CAP 1.2: its root must be alert of {NAMESPACE}.")
    said = {
        name: (root.findtext(f"{{{NAMESPACE}}}{name}") or "").strip()
        for name in ("identifier", "sender", "sent", "msgType", "references")
    }
    triples = [triple.split(",") for triple in said["references"].split()]
    if any(len(triple) != 3 for triple in triples):
        raise BadAck("references must be sender,identifier,sent, several of them parted by spaces.")
    return {
        "id": said["identifier"],
        "msgType": said["msgType"],
        "references": [triple[1] for triple in triples],
        "sent": said["sent"],
        "who": said["sender"],
    }


def _ack_of(said: dict[str, Any]) -> PoliceAck:
    return PoliceAck(
        id=_word(said, "id", MAX_ID_CHARACTERS),
        type=_type(said.get("msgType")),
        references=_references(said.get("references")),
        sent=_time(said.get("sent")),
        who=_word(said, "who", MAX_WHO_CHARACTERS),
    )


def _word(said: dict[str, Any], name: str, most: int) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value.strip()) <= most:
        raise BadAck(f"{name} must be a text of 1 to {most} printable characters.")
    return value.strip()


def _type(value: object) -> AckType:
    if not isinstance(value, str) or value not in set(AckType):
        raise BadAck(f"msgType must be {' or '.join(AckType)}.")
    return AckType(value)


def _references(value: object) -> tuple[UUID, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_REFERENCES:
        raise BadAck(f"references must name 1 to {MAX_REFERENCES} messages of ours.")
    try:
        return tuple(dict.fromkeys(UUID(one) for one in value))
    except (ValueError, TypeError, AttributeError):
        raise BadAck("references must be the ids of our messages, as they came.") from None


def _time(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadAck("sent must be a time with its offset, such as 2026-11-25T12:00:00+00:00.")

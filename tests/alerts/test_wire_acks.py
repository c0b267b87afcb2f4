import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.wire.acks import MAX_ACK_BYTES, AckType, BadAck, PoliceAck, parse_ack

MESSAGE_ID = UUID(int=7)
SAID: dict[str, Any] = {
    "id": "ack-1",
    "msgType": "Ack",
    "references": [str(MESSAGE_ID)],
    "sent": "2026-11-25T13:00:00+01:00",
    "who": "desk-1",
}
READ = PoliceAck("ack-1", AckType.ACK, (MESSAGE_ID,), datetime(2026, 11, 25, 12, 0, tzinfo=UTC), "desk-1")


def as_json(**more: Any) -> bytes:
    return json.dumps(SAID | more).encode()


def as_cap(**more: str) -> bytes:
    values = {
        "identifier": "ack-1",
        "sender": "desk-1",
        "sent": "2026-11-25T12:00:00-00:00",
        "status": "Actual",
        "msgType": "Ack",
        "scope": "Private",
        "references": f"baken,{MESSAGE_ID},2026-11-25T11:59:00-00:00",
    } | more
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">{inside}</alert>'.encode()


def test_json_and_cap_say_the_same() -> None:
    assert parse_ack(as_json()) == READ
    assert parse_ack(as_cap()) == READ
    assert parse_ack(b"\xef\xbb\xbf \n" + as_cap()) == READ


def test_several_references_are_kept_in_their_order_and_once() -> None:
    other = UUID(int=8)
    both = parse_ack(as_json(references=[str(other), str(MESSAGE_ID), str(other)]))
    assert both.references == (other, MESSAGE_ID)
    triples = f"b,{other},2026-11-25T11:00:00-00:00\n b,{MESSAGE_ID},2026-11-25T11:00:00-00:00"
    assert parse_ack(as_cap(references=triples, msgType="Error")).type is AckType.ERROR
    assert parse_ack(as_cap(references=triples)).references == (other, MESSAGE_ID)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"id": ""}, "id must be"),
        ({"id": "x" * 129}, "id must be"),
        ({"id": 5}, "id must be"),
        ({"id": "a\x00b"}, "id must be"),
        ({"id": "a\ud800"}, "id must be"),
        ({"who": None}, "who must be"),
        ({"who": "x" * 65}, "who must be"),
        ({"msgType": "Update"}, "msgType must be Ack or Error"),
        ({"msgType": ["Ack"]}, "msgType must be Ack or Error"),
        ({"references": []}, "references must name"),
        ({"references": str(MESSAGE_ID)}, "references must name"),
        ({"references": ["x"]}, "references must be the ids"),
        ({"references": [None]}, "references must be the ids"),
        ({"references": [5]}, "references must be the ids"),
        ({"references": [str(MESSAGE_ID)] * 65}, "references must name"),
        ({"sent": "yesterday"}, "sent must be a time"),
        ({"sent": "2026-11-25T12:00:00"}, "sent must be a time"),
        ({"sent": 5}, "sent must be a time"),
        ({"sent": "0001-01-01T00:00:00+14:00"}, "sent must be a time"),
    ],
)
def test_a_field_that_is_wrong_is_named(more: dict[str, Any], words: str) -> None:
    with pytest.raises(BadAck, match=words):
        parse_ack(as_json(**more))


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "neither as JSON nor as XML"),
        (b"\xff\xfe", "neither as JSON nor as XML"),
        (b"[" * 60_000, "neither as JSON nor as XML"),
        (b"[]", "no object"),
        (b"null", "no object"),
        (b"x" * (MAX_ACK_BYTES + 1), "too long"),
        (b"<alert", "cannot be read"),
        (b'<?xml version="1.0" encoding="no-such"?><alert/>', "cannot be read"),
        (b"<a>" * 20_000, "cannot be read"),
        (b"<alert/>", "no CAP 1.2"),
        (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.1"/>', "no CAP 1.2"),
        (LAUGHS.encode() + as_cap(), "DTD or entities"),
        (b"<!DOCTYPE alert>" + as_cap(), "DTD or entities"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + as_cap(), "DTD or entities"),
        (as_cap(references=str(MESSAGE_ID)), "sender,identifier,sent"),
        (as_cap(references=""), "references must name"),
        (as_cap(sender=" "), "who must be"),
        (as_cap(msgType="Alert"), "msgType must be"),
    ],
)
def test_a_body_that_is_no_acknowledgement_says_what_to_do(body: bytes, words: str) -> None:
    with pytest.raises(BadAck, match=words):
        parse_ack(body)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"<{text}>".encode()))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    with suppress(BadAck):
        parse_ack(body)

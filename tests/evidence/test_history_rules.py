"""Lines and rows: back without loss, one way to write each value, and every wrong line named."""

import base64
import hashlib
import io
import json
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.evidence.model.history import BadHistory, Column, Header, Kind, Layout, Part, Reference, Row, Told
from api.evidence.rules.history import (
    BadValue,
    decode_row,
    encode_footer,
    encode_header,
    encode_row,
    line_of,
    linked,
    parse,
)
from api.evidence.rules.history_reading import Reading
from tests.factories import NOW

COLUMNS = (
    Column("id", Kind.UUID, is_nullable=False),
    Column("at", Kind.TIME, is_nullable=False),
    Column("payload", Kind.BYTES, is_nullable=False),
    Column("lat", Kind.FLOAT, is_nullable=True),
    Column("place", Kind.SMALL, is_nullable=True),
    Column("seq", Kind.BIG, is_nullable=True),
    Column("closed", Kind.BOOL, is_nullable=True),
    Column("note", Kind.TEXT, is_nullable=True),
    Column("event", Kind.JSON, is_nullable=True),
)
THING = Layout(Part("thing", ()), COLUMNS, ("at", "id"))
ORDER = Layout(Part("protective_order", ()), (Column("id", Kind.UUID, is_nullable=False),), ("id",))
PART = Layout(
    Part(
        "part",
        (),
        {
            "order_id": Reference("protective_order"),
            "batch": Reference("batch", "number", besides=(0,)),
            "people": Reference("protective_order"),
        },
    ),
    (
        Column("number", Kind.SMALL, is_nullable=False),
        Column("order_id", Kind.UUID, is_nullable=True),
        Column("batch", Kind.BIG, is_nullable=False),
        Column("people", Kind.JSON, is_nullable=False),
    ),
    ("number",),
)
BATCH = Layout(Part("batch", ()), (Column("number", Kind.BIG, is_nullable=False),), ("number",))
LAYOUTS = [ORDER, BATCH, PART]
OF = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")

words = st.text(st.characters(exclude_categories=["Cs"]))
floats = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(timezones=st.just(UTC))
things = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | words,
    lambda inner: st.lists(inner) | st.dictionaries(words, inner),
    max_leaves=8,
)
rows = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "at": moments,
        "payload": st.binary(),
        "lat": st.none() | floats,
        "place": st.none() | st.integers(-(2**31), 2**31 - 1),
        "seq": st.none() | st.integers(-(2**63), 2**63 - 1),
        "closed": st.none() | st.booleans(),
        "note": st.none() | words,
        "event": st.none() | things,
    }
)


@given(rows)
def test_a_row_comes_back_as_it_was(row: Row) -> None:
    line = line_of({"table": "thing", "row": encode_row(COLUMNS, row)})
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert decode_row(THING, parse(line)["row"]) == row
    assert line_of(parse(line)) == line


@given(rows, st.integers(-23, 23))
def test_a_moment_is_the_same_line_in_any_zone(row: Row, hours: int) -> None:
    elsewhere = timezone(timedelta(hours=hours))
    if timedelta(days=1) < row["at"] - datetime.min.replace(tzinfo=UTC) < timedelta(days=3_652_057):
        there = row | {"at": row["at"].astimezone(elsewhere)}
        assert encode_row(COLUMNS, there) == encode_row(COLUMNS, row)


def test_numbers_are_as_repr_writes_them_and_zero_has_no_sign() -> None:
    row = dict.fromkeys((column.name for column in COLUMNS), None)
    for value, said in ((0.1 + 0.2, "0.30000000000000004"), (-0.0, "0.0"), (5, "5.0"), (1e16, "1e+16")):
        written = line_of(encode_row((COLUMNS[3],), row | {"lat": value}))
        assert written == f'{{"lat":{said}}}\n'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        line_of({"lat": math.nan})


GOOD = encode_row(
    COLUMNS,
    {
        "id": OF,
        "at": NOW,
        "payload": b"\xff",
        "lat": 1.5,
        "place": 1,
        "seq": 2,
        "closed": True,
        "note": "n",
        "event": {},
    },
)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", OF.hex), ("id", 5), ("id", str(OF).upper()), ("id", "none"),
        ("at", "2026-11-23T12:00:00Z"), ("at", 5), ("at", "2026-13-23T12:00:00.000000Z"),
        ("at", "٢٠٢٦-11-23T12:00:00.000000Z"),
        ("payload", "*"), ("payload", 5), ("payload", "/x=="), ("payload", None),
        ("lat", 1), ("lat", "1.5"), ("lat", True), ("lat", math.inf), ("lat", -0.0), ("lat", None),
        ("place", 2**31), ("place", -(2**31) - 1), ("place", 1.0), ("place", True),
        ("seq", 2**63), ("seq", "2"),
        ("closed", 1), ("note", 1), ("note", "\ud800"), ("more", 1),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_named_by_its_column(column: str, value: object) -> None:
    with pytest.raises(BadValue, match=column):
        decode_row(THING, GOOD | {column: value})


def test_what_is_left_out_is_null_where_that_may_be() -> None:
    needed = {name: GOOD[name] for name in ("id", "at", "payload")}
    assert decode_row(THING, needed)["note"] is None
    with pytest.raises(BadValue, match="payload is missing"):
        decode_row(THING, {name: GOOD[name] for name in ("id", "at")})
    with pytest.raises(BadValue, match="not an object"):
        decode_row(THING, [])


@pytest.mark.parametrize(
    "line", [b"", b"\xff", b"[]", b"5", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}', b"[" * 100_000]
)
def test_what_is_no_json_object_is_refused(line: bytes) -> None:
    with pytest.raises(BadValue, match="JSON"):
        parse(line)


def header(**counts: int) -> dict[str, Any]:
    made = Header(OF, "C-1", NOW, "rules", "house", "0:0", 0, counts)
    return encode_header(made)


def file_of(*lines: dict[str, Any], footer: dict[str, Any] | None = None) -> list[bytes]:
    raw: list[bytes] = []
    for line in lines:
        link = {"link": hashlib.sha256(b"".join(raw)).hexdigest()[:16]} if raw else {}
        raw.append(line_of(line | link))
    end = footer or encode_footer(len(raw), hashlib.sha256(b"".join(raw)).hexdigest())
    return [*raw, line_of(end)]


def order(order_id: UUID = OF) -> dict[str, Any]:
    return {"table": "protective_order", "row": {"id": str(order_id)}}


def part(number: float = 1, **more: Any) -> dict[str, Any]:
    return {"table": "part", "row": {"number": number, "batch": 0, "people": [], **more}}


BATCH_4 = {"table": "batch", "row": {"number": 4}}


def read(lines: list[bytes], *, canonical: bool = False) -> Told:
    reading = Reading(LAYOUTS, canonical=canonical)
    for line in lines:
        reading.take(line)
    return reading.end()


def test_a_whole_file_is_read_to_its_end() -> None:
    lines = file_of(
        header(protective_order=1, batch=1, part=2),
        order(),
        BATCH_4,
        part(1, order_id=str(OF), batch=4),
        part(2, people=[str(OF)]),
    )
    told = read(lines)
    assert (told.rows, told.header.order_id, told.canonical) == (4, OF, "")
    assert len(read(lines, canonical=True).canonical) == 64


def without(content: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != name}


ONE = header(protective_order=1)
TWO = header(protective_order=1, part=1)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (file_of(ONE, order())[:-1], "The file ends after line 2, without its footer"),
        ([], "The file ends after line 0"),
        ([line_of(ONE)[:-1]], "Line 1 is cut off"),
        ([b"{\n"], "Line 1 is not JSON"),
        ([*file_of(ONE, order()), line_of(order())], "Line 4 stands after the footer"),
        (file_of(ONE, order(), footer={"footer": {}}), "Line 3 is not a footer"),
        (file_of(ONE, order(), footer={"footer": {"lines": True, "sha256": "a" * 64}}), "Line 3 is not a f"),
        (file_of(ONE, order(), footer={"footer": {"lines": 2, "sha256": "A" * 64}}), "Line 3 is not a foot"),
        (file_of(ONE, order(), footer={"footer": [], "x": 1}), "Line 3 is a footer at the wrong place"),
        (file_of(ONE, order(), footer=encode_footer(3, "a" * 64)), "Line 3 is a footer for 3 lines, and 2"),
        (file_of(ONE, order(), footer=encode_footer(2, "a" * 64)), "Line 2 or line 3 was altered"),
        (file_of(), "Line 1 is a footer at the wrong place"),
        (file_of(TWO, order()), "Line 3 ends the file with 0 rows of part; the header says 1"),
        (
            file_of(header(), order()),
            "Line 3 ends the file with 1 rows of protective_order; the header says 0",
        ),
        (file_of(ONE, order(uuid4())), "Line 3 ends the file without the order"),
        (file_of(ONE, order(), order()), "Line 3 is there twice"),
        (file_of(TWO, part(), order()), "Line 3 is not in the order"),
        (file_of(TWO, part(2), part(1)), "Line 3 is not in the order"),
        (file_of(TWO, {"table": "thing", "row": {}}), "Line 2 is of a table 'thing'"),
        (file_of(TWO, {"table": 5, "row": {}}), "Line 2 is not a row"),
        (file_of(TWO, {"row": {}}), "Line 2 is not a row"),
        ([line_of(ONE), line_of(order())], "Line 2 is not a row"),
        ([line_of(ONE), line_of(order() | {"link": 5})], "Line 1 or line 2 was altered"),
        ([line_of(ONE), line_of(order() | {"link": "a" * 16})], "Line 1 or line 2 was altered"),
        (file_of(TWO, part(order_id=str(OF))), "Line 2 names in order_id a row of protective_order"),
        (file_of(TWO, part(batch=7)), "Line 2 names in batch a row of batch that is not there"),
        (file_of(TWO, part(people=[str(OF)])), "Line 2 names in people a row"),
        (file_of(TWO, part(people=["x"])), "Line 2 names in people a row"),
        (file_of(TWO, part(number=1.5)), "Line 2 column number is no whole number"),
        (file_of(order()), "Line 1 is no header"),
        (file_of(ONE | {"format": "other"}), "Line 1 is no header"),
        (file_of(ONE | {"version": 1}), "Line 1 says a version of the format that is not 2"),
        (file_of(ONE | {"version": True}), "Line 1 says a version"),
        (file_of(ONE | {"more": 1}), "Line 1 does not have exactly the fields"),
        (file_of(without(ONE, "house")), "Line 1 does not have exactly the fields"),
        (file_of(ONE | {"counts": []}), "Line 1 `counts` is not"),
        (file_of(ONE | {"counts": {"part": -1}}), "Line 1 `counts` is not"),
        (file_of(ONE | {"counts": {"thing": 1}}), "Line 1 names a table 'thing'"),
        (file_of(ONE | {"shared_with": "1"}), "Line 1 `shared_with`"),
        (file_of(ONE | {"order_id": "x"}), "Line 1 holds a field"),
        (file_of(ONE | {"house": 5}), "Line 1 holds a field"),
    ],
)
def test_every_wrong_line_is_named(lines: list[bytes], sentence: str) -> None:
    with pytest.raises(BadHistory) as told:
        read(lines)
    assert told.value.message.startswith(sentence)


def test_a_row_that_is_still_to_be_done_is_refused_and_what_became_of_it_is_not() -> None:
    state = Column("state", Kind.TEXT, is_nullable=False)
    steps = Layout(Part("step", (), recast={"state": {"waiting": "ended"}}), (state,), ("state",))
    for said, is_taken in (("ended", True), ("waiting", False)):
        reading = Reading([ORDER, steps])
        first, row, _end = file_of(header(), {"table": "step", "row": {"state": said}})
        reading.take(first)
        if is_taken:
            assert reading.take(row) is not None
        else:
            with pytest.raises(
                BadHistory, match=r"^Line 2 column state says 'waiting', which a history never"
            ):
                reading.take(row)


WHOLE = b"".join(
    file_of(header(protective_order=1, batch=1, part=1), order(), BATCH_4, part(1, order_id=str(OF), batch=4))
)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_any_altered_byte_is_refused(place: int, other: int) -> None:
    altered = bytearray(WHOLE)
    altered[place] ^= other
    with pytest.raises(BadHistory):
        read(bytes(altered).splitlines(keepends=True))


LONG = file_of(header(protective_order=1, part=40), order(), *(part(n) for n in range(40)))


def named(lines: list[bytes]) -> set[int]:
    """The numbers of the lines that the sentence begins with."""
    with pytest.raises(BadHistory) as told:
        read(lines)
    found = re.match(r"Line (\d+)(?: or line (\d+))?", told.value.message)
    assert found is not None, told.value.message
    return {int(number) for number in found.groups() if number}


@given(st.integers(0, len(b"".join(LONG)) - 1), st.integers(1, 255))
def test_the_line_that_was_altered_is_named_alone_or_with_the_next(place: int, other: int) -> None:
    altered = bytearray(b"".join(LONG))
    line = altered[:place].count(b"\n") + 1
    altered[place] ^= other
    assert named(io.BytesIO(altered).readlines()) in ({line}, {line, line + 1}, {line - 1, line})


@given(st.integers(1, len(LONG) - 1), st.data())
def test_where_a_line_is_gone_put_in_or_moved_is_named(place: int, data: st.DataObject) -> None:
    if place < len(LONG) - 1:
        assert named([*LONG[:place], *LONG[place + 1 :]]) <= {place, place + 1}
    another = data.draw(st.integers(1, len(LONG) - 2))
    assert named([*LONG[:place], LONG[another], *LONG[place:]]) <= {place, place + 1, place + 2}


def test_a_link_stands_in_a_line_as_the_canonical_form_has_it() -> None:
    line = line_of(order())
    assert linked(line, "a" * 16) == line_of(order() | {"link": "a" * 16})


@given(st.integers(0, len(WHOLE) - 1))
def test_any_end_that_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(BadHistory):
        read(WHOLE[:length].splitlines(keepends=True))


@pytest.mark.parametrize(
    ("changed", "is_same"),
    [
        ({"made_at": "2027-01-01T00:00:00.000000Z"}, True),
        ({"house": "another", "ledger": "9:a", "rule_version": "later"}, True),
        ({"order_id": str(UUID(int=5))}, False),
    ],
)
def test_who_wrote_the_file_and_when_is_no_part_of_what_is_equal(
    changed: dict[str, str], is_same: bool
) -> None:
    first = header(protective_order=2)
    rows = [order(UUID(int=5)), order()]
    one = read(file_of(first, *rows), canonical=True).canonical
    assert (read(file_of(first | changed, *rows), canonical=True).canonical == one) == is_same


def test_blanks_and_the_order_of_keys_are_no_difference_but_a_row_is() -> None:
    first = json.dumps(ONE, indent=None).encode() + b"\n"
    row = order() | {"link": hashlib.sha256(first).hexdigest()[:16]}
    spaced = [first, json.dumps(row, indent=None).encode() + b"\n"]
    footer = line_of(encode_footer(2, hashlib.sha256(b"".join(spaced)).hexdigest()))
    same = read([*spaced, footer], canonical=True).canonical
    assert same == read(file_of(ONE, order()), canonical=True).canonical
    more = read(file_of(TWO, order(), part()), canonical=True).canonical
    assert more != same
    assert base64.b64encode(b"\xff").decode() == GOOD["payload"]

"""What a house refuses of a history that is whole as a file: told with its line, and nothing is kept."""

import hashlib
import json

import pytest
from sqlalchemy import Engine, text

from api.evidence.model.history import LINK_DIGITS, BadHistory
from api.evidence.rules.history import encode_footer, line_of
from api.kernel import ledger
from api.kernel.crypto import Undecipherable
from api.kernel.db import make_engine, reading
from tests.evidence.history_house import (
    KINDS,
    add_second_order,
    canonical,
    empty_house,
    everything_happens,
    export,
    rows_of,
    take,
)
from tests.scene import make_scene


def test_what_the_database_refuses_is_told_with_its_line_and_nothing_is_kept(
    sqlite_engine: Engine, request: pytest.FixtureRequest
) -> None:
    scene = make_scene(sqlite_engine)
    with sqlite_engine.begin() as connection:
        connection.execute(text("UPDATE exclusion_zone SET name = 'a' || char(0) || 'b'"))
    file, _told = export(sqlite_engine, scene.order_id)
    line = next(n for n, raw in enumerate(file.splitlines(), 1) if b'"exclusion_zone"' in raw and n > 1)
    with empty_house(request, "postgresql") as other:
        with pytest.raises(BadHistory, match=f"^Line {line} holds a value"):
            take(other, file)
        with reading(other) as session:
            assert session.scalar(text("SELECT count(*) FROM wearer")) == 0
            assert ledger.head(session).number == 0


def rewritten(file: bytes, before: bytes, after: bytes) -> bytes:
    """The file as somebody would write it who alters it, and every link and the footer too."""
    header, *rows, _footer = file.replace(before, after).splitlines(keepends=True)
    lines = [header]
    sha = hashlib.sha256(header)
    for row in rows:
        content = json.loads(row)
        lines.append(line_of(content | {"link": sha.hexdigest()[:LINK_DIGITS]}))
        sha.update(lines[-1])
    footer = encode_footer(len(lines), sha.hexdigest())
    return b"".join([*lines, line_of(footer)])


@pytest.mark.parametrize("kind", KINDS)
def test_two_rows_that_contradict_each_other_are_told_with_the_line_of_the_second(
    sqlite_engine: Engine, request: pytest.FixtureRequest, kind: str
) -> None:
    scene = make_scene(sqlite_engine)
    add_second_order(sqlite_engine, scene.wearer_id)
    file, _told = export(sqlite_engine, scene.order_id)
    first, second = (str(row["reference"]).encode() for row in rows_of(file, "protected_person"))
    line = next(n for n, raw in enumerate(file.splitlines(), 1) if b'"reference":"' + second in raw)
    with empty_house(request, kind) as other:
        with pytest.raises(BadHistory, match=f"^Line {line} contradicts another row"):
            take(other, rewritten(file, b'"reference":"' + second, b'"reference":"' + first))
        with reading(other) as session:
            assert session.scalar(text("SELECT count(*) FROM protected_person")) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"kind":"ankle_monitor"', b'"kind":"bracelet"'),
        (b'"state":"open"', b'"state":"half open"'),
        (b'"family":"approach"', b'"family":"other"'),
        (b'\\"radius_m\\"', b'\\"radius\\"'),
        (b'"purpose":"exclusion"', b'"purpose":"other"'),
        (b'"zone_ids":[]', b'"zone_ids":["everywhere"]'),
        (b'"source":"police"', b'"source":"stars"'),
    ],
    ids=str,
)
def test_words_that_this_version_does_not_know_are_found_before_the_worker_does(
    sqlite_engine: Engine, request: pytest.FixtureRequest, before: bytes, after: bytes
) -> None:
    scene, _house = everything_happens(sqlite_engine)
    file, _told = export(sqlite_engine, scene.order_id)
    assert before in file
    with (
        empty_house(request, "sqlite") as other,
        pytest.raises(BadHistory, match="cannot read what they say"),
    ):
        take(other, rewritten(file, before, after))


@pytest.mark.parametrize(
    ("table", "before", "after"),
    [
        ("notification", b'"state":"moved"', b'"state":"pending"'),
        ("notification", b'"state":"received"', b'"state":"pending"'),
        ("step_run", b'"state":"ended"', b'"state":"waiting"'),
    ],
)
def test_a_file_that_would_send_something_is_refused_with_its_line_and_nothing_is_kept(
    sqlite_engine: Engine, request: pytest.FixtureRequest, table: str, before: bytes, after: bytes
) -> None:
    scene, _house = everything_happens(sqlite_engine)
    file, _told = export(sqlite_engine, scene.order_id)
    there = b'"table":"' + table.encode() + b'"}'
    line, raw = next(
        (n, raw) for n, raw in enumerate(file.splitlines(), 1) if raw.endswith(there) and before in raw
    )
    crafted = rewritten(file, raw, raw.replace(before, after))
    sentence = f"^Line {line} column state says '{after[9:-1].decode()}', which a history never does"
    with pytest.raises(BadHistory, match=sentence):
        canonical(crafted)
    with empty_house(request, "sqlite") as other:
        with pytest.raises(BadHistory, match=sentence):
            take(other, crafted)
        with reading(other) as session:
            assert session.scalar(text("SELECT count(*) FROM notification")) == 0
            assert ledger.head(session).number == 0


def test_a_wrong_server_key_exports_nothing(sqlite_url: str, sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine)
    stranger = make_engine(sqlite_url, bytes(32))
    with pytest.raises(Undecipherable):
        export(stranger, scene.order_id)
    stranger.dispose()

"""`python -m api history …`: everything about an order as a file, and the file taken into another house."""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn, TextIO

from sqlalchemy import Engine

from api.evidence.model.history import BadHistory, Told
from api.evidence.service import history, history_seal
from api.evidence.service.history_schema import schema
from api.kernel import clock
from api.kernel.crypto import Undecipherable
from api.kernel.db import reading, transaction
from api.kernel.errors import DomainError

WITH_HOUSE = frozenset({"export", "import"})
"""Steps that need this house's database and key."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes: ten times the largest zone that is taken over REST. Proposal."""
_BUFFER = 1 << 20


class _DryRun(Exception):
    """Everything went well, and nothing is to be kept."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self.told = told


def run(chosen: argparse.Namespace, engine: Engine | None) -> int:
    """Carry out one step; returns 0, or 1 after one sentence that says what is wrong."""
    try:
        return _step(chosen, engine)
    except DomainError as error:
        return _fail(error.message)
    except Undecipherable:
        return _fail("The server key does not open this database's names and keys.")
    except FileExistsError as error:
        return _fail(f"{error.filename} is there already, and nothing is written over: give another name.")
    except OSError as error:
        return _fail(f"{error.filename or 'The file'}: {error.strerror}.")


def _step(chosen: argparse.Namespace, engine: Engine | None) -> int:
    if chosen.step == "schema":
        print(json.dumps(schema(), indent=2))
    elif chosen.step == "key":
        private, public = history_seal.new_keys()
        with _new_file(Path(chosen.file)) as file:
            file.write(f"{private}\n".encode())
        print(public)
    elif engine is None:
        canonical = chosen.step == "canonical"
        with _lines(chosen) as lines:
            told = history.check_history(lines, progress_on(sys.stderr), canonical=canonical)
        print(told.canonical if canonical else _shown(told))
    elif chosen.step == "export":
        told = export(
            engine, chosen.order, chosen.reason, Path(chosen.out), chosen.to, progress_on(sys.stderr)
        )
        print(_shown(told) + f"\ncanonical {told.canonical}")
    else:
        with _lines(chosen) as lines:
            told = take(engine, lines, progress_on(sys.stderr), is_dry=chosen.dry_run)
        print(_shown(told) + ("\nnothing was kept: --dry-run" if chosen.dry_run else "\nimported"))
    return 0


def export(
    engine: Engine, order: str, reason: str, path: Path, to: str | None, progress: history.Progress
) -> Told:
    """Write an order's history to a new file; a file that cannot be finished is removed."""
    with reading(engine) as session:
        order_id = history.find_order(session, order)
    with _new_file(path) as file:
        sealer = None if to is None else history_seal.Sealer(to, file.write)
        now = clock.now()
        with transaction(engine) as session:
            history.note_export(session, order_id, reason, now)
        with reading(engine) as session:
            write = file.write if sealer is None else sealer.write
            told = history.export_history(session, order_id, now, write, progress)
        if sealer is not None:
            sealer.finish()
    return told


def take(engine: Engine, lines: Iterator[bytes], progress: history.Progress, *, is_dry: bool) -> Told:
    """Take a history in, all of it or nothing; a dry run does all of it and takes it back."""
    try:
        with transaction(engine) as session:
            told = history.import_history(session, lines, clock.now(), progress)
            if is_dry:
                _take_back(told)
    except _DryRun as done:
        return done.told
    return told


def _take_back(told: Told) -> NoReturn:
    """End the transaction without a commit."""
    raise _DryRun(told)


@contextmanager
def open_lines(path: Path, key: str | None) -> Iterator[Iterator[bytes]]:
    """Give the lines of a history, sealed or not; raises BadSeal, or BadHistory for a line without an end."""
    with path.open("rb", buffering=_BUFFER) as file:
        is_sealed = file.read(len(history_seal.MAGIC)) == history_seal.MAGIC
        if not is_sealed:
            file.seek(0)
            yield _split(file)
        elif key is None:
            raise BadHistory("The file is sealed: give --key with the key's file.")
        else:
            yield _split(io.BufferedReader(history_seal.Opened(file, key), _BUFFER))


def _lines(chosen: argparse.Namespace) -> AbstractContextManager[Iterator[bytes]]:
    key = None if chosen.key is None else Path(chosen.key).read_text(encoding="ascii", errors="replace")
    return open_lines(Path(chosen.file), key)


def _split(file: BinaryIO | io.BufferedReader) -> Iterator[bytes]:
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise BadHistory(f"Line {number} is longer than {LONGEST_LINE} bytes.")
        yield line


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that was not there, readable by its owner only; gone again when its writing fails."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(number, "wb", buffering=_BUFFER) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def progress_on(out: TextIO) -> history.Progress:
    """Return what writes how far it is."""

    def tell(done: int, every: int) -> None:
        out.write(f"{done} of {every} rows\n")
        out.flush()

    return tell


def _shown(told: Told) -> str:
    header = told.header
    lines = [f"{table} {count}" for table, count in header.counts.items()]
    if header.shared_with:
        lines.append(
            f"shared with {header.shared_with} other orders: their register came along, their alerts did not"
        )
    return "\n".join([f"order {header.order_id}", *lines, f"{told.rows} rows, sha256 {told.sha256}"])


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1

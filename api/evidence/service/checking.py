"""`python -m api verify PACK`: a pack checked with nothing but itself; no database, settings or network."""

import os
import re
from pathlib import Path
from typing import TextIO

from api.evidence.model.pack import Manifest, Result, Verdict
from api.evidence.rules.manifest import fingerprint
from api.evidence.rules.verifying import MOST_BYTES, verify

STATUS = {Result.GENUINE: 0, Result.ALTERED: 1, Result.NO_PACK: 2}


def run(path: Path, key: str | None, out: TextIO) -> int:
    """Check and print; returns 0 when genuine, 1 when altered, 2 when it is no pack or cannot be read."""
    if key is not None and not re.fullmatch(r"[0-9a-f]{64}", key.lower()):
        out.write("--key must be 64 hexadecimal digits: the public key of the house that made the pack.\n")
        return STATUS[Result.NO_PACK]
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        out.write(f"{path} cannot be read: {error.strerror}.\n")
        return STATUS[Result.NO_PACK]
    if len(data) > MOST_BYTES:
        out.write(f"This is no evidence pack: it is longer than {MOST_BYTES:,} bytes.\n")
        return STATUS[Result.NO_PACK]
    verdict = verify(data, None if key is None else key.lower())
    try:
        _print(verdict, key is not None, out)
        out.flush()
    except BrokenPipeError:
        # Whoever read has read enough, as `head` does: the status still tells the verdict. What is left in
        # the buffer goes nowhere, or the interpreter would fail on it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
    return STATUS[verdict.result]


def _print(verdict: Verdict, is_key_given: bool, out: TextIO) -> None:  # noqa: FBT001 - private, one caller
    head = {Result.GENUINE: "genuine: ", Result.ALTERED: "NOT genuine: ", Result.NO_PACK: ""}
    out.write(f"{head[verdict.result]}{verdict.sentence}\n")
    if verdict.manifest is not None:
        out.writelines(f"{line}\n" for line in _about(verdict.manifest, is_key_given=is_key_given))


def _about(manifest: Manifest, *, is_key_given: bool) -> list[str]:
    by = f"account {manifest.made_by}" if manifest.made_by else "the command line"
    lines = [
        f"alert {manifest.alert}, variant {manifest.variant.value}",
        f"made {manifest.made_at.isoformat(timespec='seconds')} by {by}",
        f"rules {', '.join(manifest.rules)}; {len(manifest.files)} files",
        f"signed with the key {manifest.public_key}",
        f"fingerprint {fingerprint(manifest.public_key)}",
    ]
    if not is_key_given:
        lines.append(
            "Without --key this shows that nothing was altered since somebody signed it with the key inside, "
            "not who that was: ask the house that made it for its key by another way, and compare."
        )
    return lines

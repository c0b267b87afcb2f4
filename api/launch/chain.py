"""`python -m api verify-chain`: is everything in the hash chain as it was written?"""

import re
from typing import TextIO

from sqlalchemy import Engine

from api import migrations
from api.kernel import ledger
from api.kernel.config import SettingError
from api.kernel.db import reading
from api.kernel.ledger import Head


def run(engine: Engine, anchor: str | None, out: TextIO) -> int:
    """Print what was looked at and every fault, the first one first; returns 0 when there is none, else 1."""
    known = _head(anchor)
    migrations.import_tables()  # a table that nobody has read of would not be looked at
    with reading(engine) as session:
        found = ledger.verify(session, known)
    out.writelines(f"{fault.where}: {fault.what}\n" for fault in found.faults)
    out.write(
        f"{found.links} links and {found.rows} rows looked at; head {found.head.number}:{found.head.link}\n"
    )
    out.write("NOT as it was written\n" if found.faults else "everything is as it was written\n")
    return 1 if found.faults else 0


def _head(anchor: str | None) -> Head | None:
    if anchor is None:
        return None
    match = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", anchor)
    if match is None:
        raise SettingError("--anchor is the number and the link that were noted, such as 812:9f2c… .")
    return Head(int(match[1]), match[2])

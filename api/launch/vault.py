"""After the server key has changed: what her PIN opens is sealed under the new one."""

import sys
from collections.abc import Mapping
from typing import TextIO

from sqlalchemy import Engine

from api.accounts import service as accounts
from api.kernel.config import SettingError
from api.kernel.db import transaction

_AT_ONCE = 100


def run(engine: Engine, environ: Mapping[str, str], out: TextIO = sys.stdout) -> None:
    """Seal every account's slots under the present key; what is so already is left as it is.

    Raises SettingError without the former key. A run that broke off can be repeated.
    """
    try:
        former = bytes.fromhex(environ.get("BAKEN_FORMER_SERVER_KEY", ""))
    except ValueError:
        former = b""
    if len(former) != 32:
        raise SettingError("BAKEN_FORMER_SERVER_KEY must be the key until now: 64 hexadecimal digits.")
    after, count = None, 0
    while True:
        with transaction(engine) as session:
            after, done = accounts.reseal_slots(session, former, _AT_ONCE, after)
        count += done
        if after is None:
            break
        out.write(f"{count} accounts\n")
        out.flush()
    out.write(f"{count} accounts are sealed under the present key.\n")

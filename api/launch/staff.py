"""`python -m api add-staff` and `reset-code`: for the first supervisor, and when no supervisor can get in.

Whoever can run these has the server's key anyway; each is a row of the audit trail, without an author.
"""

from typing import TextIO

from sqlalchemy import Engine

from api.accounts.model import Role
from api.accounts.service import administration
from api.kernel import clock
from api.kernel.config import SettingError
from api.kernel.db import transaction
from api.kernel.errors import DomainError


def add_staff(engine: Engine, login: str, role: str, out: TextIO) -> int:
    """Make an account and print its password, this once; returns 0. Raises SettingError."""
    secret, hashed = administration.new_secret()
    try:
        with transaction(engine) as session:
            administration.add_staff(session, login, Role(role), hashed, None, clock.now())
    except DomainError as error:
        raise SettingError(error.message) from error
    out.write(f"{login} is {role}. The password, shown this once: {secret}\n")
    return 0


def reset_code(engine: Engine, login: str, out: TextIO) -> int:
    """Take the second factor of an account away: the next sign-in sets up another. Raises SettingError."""
    try:
        with transaction(engine) as session:
            account = administration.find_staff_named(session, login)
            administration.reset_totp(session, account.id, None, clock.now())
    except DomainError as error:
        raise SettingError(error.message) from error
    out.write(f"{login} has no code any more: the next sign-in sets up another.\n")
    return 0

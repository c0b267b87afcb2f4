"""One-time codes after RFC 6238, and the codes for the day when the phone is lost."""

import hmac
from datetime import datetime

import pyotp

from api.accounts.model.staff import (
    RECOVERY_CHARACTERS,
    TOTP_DIGITS,
    TOTP_STEP_S,
    TOTP_STEPS_OFF,
    Totp,
)

ISSUER = "Baken"
RECOVERY_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without I, O, 0 and 1, which are read for each other on paper."""
_GROUP = 4


def step_of(now: datetime) -> int:
    """Return the number of the 30-second step that `now` is in, counted from 1970."""
    return int(now.timestamp()) // TOTP_STEP_S


def code_at(secret: str, step: int) -> str:
    """Return the six digits that an app shows in this step."""
    return pyotp.HOTP(secret, digits=TOTP_DIGITS).at(step)


def matching_step(totp: Totp, code: str, now: datetime) -> int | None:
    """Return the step whose code this is, or None when it is wrong or was used before.

    A code counts once (RFC 6238 section 5.2): only steps after `totp.last_step` are looked at, so that
    somebody who watched it being typed cannot use it in the same half minute.
    """
    here, found = step_of(now), None
    for step in range(here - TOTP_STEPS_OFF, here + TOTP_STEPS_OFF + 1):
        is_right = hmac.compare_digest(code_at(totp.secret, step).encode(), code.encode(errors="replace"))
        if is_right and step > totp.last_step:
            found = step
    return found


def uri_of(secret: str, login: str) -> str:
    """Return what an authenticator app reads from the picture."""
    return pyotp.TOTP(secret, digits=TOTP_DIGITS, interval=TOTP_STEP_S).provisioning_uri(
        name=login, issuer_name=ISSUER
    )


def is_totp_code(code: str) -> bool:
    """Say whether this is six digits; anything else is taken for a recovery code."""
    return len(code) == TOTP_DIGITS and code.isascii() and code.isdigit()


def plain_code(code: str) -> str:
    """Return a recovery code as it is kept: capitals, without the spaces and hyphens of paper."""
    return "".join(code.split()).replace("-", "").upper()


def is_recovery_code(code: str) -> bool:
    """Say whether this can be a recovery code, as `plain_code` returns it."""
    return len(code) == RECOVERY_CHARACTERS and set(code) <= set(RECOVERY_ALPHABET)


def written_code(code: str) -> str:
    """Return a recovery code as it is shown, in groups of four."""
    return "-".join(code[first : first + _GROUP] for first in range(0, len(code), _GROUP))

"""The only reader of the clock; everything else takes `now` as an argument."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds on a clock that never jumps, for measuring intervals."""
    return time.monotonic()


def sleep_s(seconds: float) -> None:
    """Wait `seconds`, >= 0."""
    time.sleep(seconds)

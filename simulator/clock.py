"""The simulator's clock: Unix time that never jumps while a run lasts."""

import time


class Clock:
    """Wall time counted from one reading by the monotonic clock, so that delays are never negative."""

    def __init__(self, unix_s: float) -> None:
        """Start at `unix_s`, read once by `__main__`."""
        self._offset_s = unix_s - time.monotonic()

    def now(self) -> float:
        """Return Unix seconds."""
        return time.monotonic() + self._offset_s

"""When a channel counts as down: then one message at a time tries whether it is back.

Sending everything against a receiver that is down would wear out the tries of every message and keep the
receiver from coming up. `pybreaker` counts and keeps the state; the time is ours, as an argument.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from pybreaker import STATE_CLOSED, STATE_OPEN, CircuitBreaker, CircuitBreakerError

OPENS_AFTER = 5
"""Failures of the channel one after the other, whichever messages they were; proposal."""
PEOPLE_FAILING = 2
"""Whose messages must have failed before a channel with many receivers counts as down; proposal."""
PROBE_EVERY_S = 5.0
"""From the end of one probe to the next; 10 s with a receiver that hangs for the whole deadline. Proposal."""


class _ChannelFailed(Exception):
    """How a failure is told to pybreaker."""


class Breaker:
    """Closed: everything is sent. Open: nothing but a probe now and then."""

    def __init__(self, people: int = 1) -> None:
        """Begin closed: what was before we started is not known.

        Failures of messages of fewer than `people` people, however many, never open it.
        """
        self._people = people
        self._failing: set[UUID | None] = set()
        self._circuit = CircuitBreaker(fail_max=OPENS_AFTER, reset_timeout=PROBE_EVERY_S)
        self._probe_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the channel counts as down, also while a probe is on its way."""
        return self._circuit.current_state != STATE_CLOSED

    def may_probe(self, now: datetime) -> bool:
        """Say whether it is time for a probe and none is on its way."""
        is_waiting = self._circuit.current_state == STATE_OPEN
        return is_waiting and self._probe_at is not None and now >= self._probe_at

    def begin_probe(self) -> None:
        """Note that a probe is on its way."""
        self._circuit.half_open()

    def note_success(self) -> bool:
        """Note that something came through; True when the channel was down until now."""
        self._failing.clear()
        if self.is_open:
            self._circuit.close()
            return True
        self._circuit.call(lambda: None)  # sets the count of failures back
        return False

    def note_failure(self, now: datetime, person_id: UUID | None = None) -> bool:
        """Note that the channel failed at a message of this person; True when it is down from now on."""
        if self._circuit.current_state == STATE_OPEN:
            return False  # sent before it opened: tells nothing new
        self._failing.add(person_id)
        is_last = self._circuit.fail_counter >= OPENS_AFTER - 1
        if is_last and not self.is_open and len(self._failing) < self._people:
            return False
        was_open = self.is_open
        with suppress(_ChannelFailed, CircuitBreakerError):
            self._circuit.call(_fail)
        if self.is_open:
            self._probe_at = now + timedelta(seconds=PROBE_EVERY_S)
        return self.is_open and not was_open

    def note_nothing(self, now: datetime) -> None:
        """Note a result that tells nothing of the channel; was it the probe, the next may go at once."""
        if self.is_open:
            self._circuit.open()
            self._probe_at = now


def _fail() -> None:
    raise _ChannelFailed

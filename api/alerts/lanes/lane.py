"""One channel of the outbox: claim, send many at once, record what is done. Runs in a thread of its own.

A place is kept free for the worst: whatever hangs or fails, a message of priority 1 leaves at once. Sending
is at least once: what a dispatcher that died had claimed comes back when its lease ends.
"""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.alerts import service
from api.alerts.channels.futures import settled
from api.alerts.lanes.breaker import PEOPLE_FAILING, Breaker
from api.alerts.model import Channel, Notification
from api.alerts.service import Outcome, Tried, Wanted
from api.kernel import clock
from api.kernel.crypto import Undecipherable
from api.kernel.db import is_away, reading, transaction
from api.kernel.logs import Log

IDLE_S = 0.02
"""An idle look at the outbox is one indexed read; with it the first try leaves within 50 ms of the commit."""
DATABASE_AWAY_S = 1.0
SLOTS = 32
"""On their way at the same time; more would only queue at the receiver. Proposal."""
RESERVED = 8
"""Of them for priority 1 alone; proposal."""
DRAIN_S = 3.0
"""After the stop for what is on its way; the supervisor waits 4 s before it kills."""

_log = Log("dispatcher")
Send = Callable[[Sequence[Notification], bool], list[Future[Outcome]]]
"""Begins to send messages (all of priority 1, or none) and returns a future of each, in their order."""


@dataclass(frozen=True, slots=True)
class _Sending:
    message: Notification
    is_urgent: bool
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class _Claim:
    """What to take from the outbox, at most `limit`; a probe takes of equals the least tried."""

    wanted: Wanted
    limit: int
    is_urgent: bool
    is_probe: bool = False


class Lane:
    """Empties one channel until told to stop."""

    def __init__(
        self, engine: Engine, channel: Channel, send: Send, slots: int = SLOTS, reserved: int = RESERVED
    ) -> None:
        """Prepare; nothing is claimed before `run`."""
        self._engine = engine
        self._channel = channel
        self._send = send
        self._slots = slots
        self._reserved = reserved
        self._breaker = Breaker(PEOPLE_FAILING if channel is Channel.WEB_PUSH else 1)
        self._chance = random.Random()  # noqa: S311 - spreads retries, keeps no secret
        self._under_way: dict[Future[Outcome], _Sending] = {}
        self._done: list[Tried] = []
        self._news = service.ChannelNews.NONE

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; a database that is away is waited for."""
        while not stop.is_set():
            try:
                self._turn(stop)
            except DBAPIError as error:
                if not is_away(error):
                    raise
                _log.error("database away", channel=self._channel, error=type(error).__name__)
                stop.wait(DATABASE_AWAY_S)
        wait(self._under_way, DRAIN_S)
        self._collect()
        self._write(())

    def _turn(self, stop: threading.Event) -> None:
        self._collect()
        self._write(self._claims(clock.now()))
        if self._under_way:
            wait(self._under_way, IDLE_S, FIRST_COMPLETED)
        else:
            stop.wait(IDLE_S)

    def _collect(self) -> None:
        """Take what has ended; the breaker hears of each once, also when the database is away."""
        now = clock.now()
        for future in [future for future in self._under_way if future.done()]:
            sending = self._under_way.pop(future)
            message, outcome = sending.message, self._outcome_of(future)
            self._done.append(Tried(message.id, outcome, sending.begun_at))
            if not outcome.succeeded:
                _log.warning(
                    "attempt failed",
                    notification_id=message.id,
                    channel=message.channel,
                    attempt=message.attempts + 1,
                    reason=outcome.code,
                )
            if outcome.succeeded:
                self._news = service.ChannelNews.BACK if self._breaker.note_success() else self._news
            elif outcome.is_final or not outcome.is_channel:
                self._breaker.note_nothing(now)
            elif self._breaker.note_failure(now, message.person_id):
                self._news = service.ChannelNews.DOWN

    def _outcome_of(self, future: Future[Outcome]) -> Outcome:
        error = future.exception()
        return future.result() if error is None else self._fault(error)

    def _fault(self, error: BaseException) -> Outcome:
        """Return what a fault of ours is: a failed attempt, and by that an alert, not just a log.

        What cannot be deciphered stays so: trying again cannot help.
        """
        _log.error("sending failed", channel=self._channel, error=type(error).__name__)
        if isinstance(error, Undecipherable):
            return Outcome(succeeded=False, code="unreadable", is_final=True)
        return Outcome(succeeded=False, code="our_fault", is_channel=False)

    def _write(self, claims: Sequence[_Claim]) -> None:
        """Store what has ended and take what comes next, in one transaction: each waits for its turn.

        What has ended stays ours until that has succeeded.
        """
        if not self._done and not claims:
            return
        now = clock.now()
        with transaction(self._engine) as session:
            service.record_attempts(session, self._done, now, self._chance.random)
            service.note_channel(session, self._channel, self._news, now)
            claimed = self._claim(session, claims, now)
        if self._news is not service.ChannelNews.NONE:
            _log.warning("channel changed", channel=self._channel, status=self._news)
        self._done = []
        self._news = service.ChannelNews.NONE
        for claim, messages in claimed:
            if messages and claim.is_probe:
                self._breaker.begin_probe()
            self._begin(messages, is_urgent=claim.is_urgent)

    def _claim(
        self, session: Session, claims: Sequence[_Claim], now: datetime
    ) -> list[tuple[_Claim, list[Notification]]]:
        free = self._slots - len(self._under_way)
        claimed = []
        for claim in claims:
            take = service.claim_fresh if claim.is_probe else service.claim_due
            messages = take(session, now, self._channel, min(claim.limit, free), claim.wanted)
            free -= len(messages)
            claimed.append((claim, messages))
        return claimed

    def _claims(self, now: datetime) -> list[_Claim]:
        """Look what is due, which takes no turn to write, and decide what to take of it."""
        if not self._breaker.is_open:
            return self._claims_of_due(now)
        if self._breaker.may_probe(now):
            return self._claims_of_probe(now)
        # The worst have their first try at once: perhaps the receiver fails only at others.
        free = min(self._slots - len(self._under_way), self._reserved)
        if free > 0 and self._has_due(now, Wanted.UNTRIED):
            return [_Claim(Wanted.UNTRIED, free, is_urgent=True)]
        return []

    def _claims_of_due(self, now: datetime) -> list[_Claim]:
        """Take what is due: the worst into any free place, the rest into those that are not reserved."""
        free = self._slots - len(self._under_way)
        ordinary = sum(not sending.is_urgent for sending in self._under_way.values())
        room = min(free, self._slots - self._reserved - ordinary)
        if free <= 0 or not self._has_due(now, Wanted.ANY if room > 0 else Wanted.URGENT):
            return []
        urgent = _Claim(Wanted.URGENT, free, is_urgent=True)
        return [urgent, _Claim(Wanted.OTHERS, room, is_urgent=False)] if room > 0 else [urgent]

    def _claims_of_probe(self, now: datetime) -> list[_Claim]:
        """Take one, the worst and of equals the least tried, to find out whether the channel is back."""
        for wanted in (Wanted.URGENT, Wanted.OTHERS):
            if self._has_due(now, wanted):
                return [_Claim(wanted, 1, is_urgent=wanted is Wanted.URGENT, is_probe=True)]
        return []

    def _has_due(self, now: datetime, wanted: Wanted) -> bool:
        with reading(self._engine) as session:
            return service.has_due(session, now, self._channel, wanted)

    def _begin(self, claimed: Sequence[Notification], *, is_urgent: bool) -> None:
        if claimed:
            futures = self._futures_of(claimed, is_urgent=is_urgent)
            begun_at = clock.now()
            for future, message in zip(futures, claimed, strict=True):
                self._under_way[future] = _Sending(message, is_urgent, begun_at)

    def _futures_of(self, claimed: Sequence[Notification], *, is_urgent: bool) -> list[Future[Outcome]]:
        """Begin to send; what cannot be prepared (a row that nobody can read) fails alone.

        Then each is begun by itself: what had begun already is sent again, under the same id.
        """
        try:
            return self._send(claimed, is_urgent)
        except Exception as error:  # whatever it is, the others must go on
            if isinstance(error, DBAPIError) and is_away(error):
                raise
            if len(claimed) == 1:
                return [settled(self._fault(error))]
        return [future for one in claimed for future in self._futures_of([one], is_urgent=is_urgent)]

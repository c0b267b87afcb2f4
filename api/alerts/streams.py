"""Server-sent events: the alert log for the control room, neutral messages for a protected person.

One thread per web process looks at the database, and only while somebody listens; it hands what is new to
every listener's queue. A listener that is too slow is cut off and resumes by its cursor: nothing is lost,
and nobody else waits.
"""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.alerts import service
from api.alerts.model import Notification
from api.alerts.rules.telling import wording_of
from api.alerts.schemas import news_json
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.logs import Log
from api.safety_plans.model import Cover

POLL_S = 0.02
"""An idle look is one read of each log's last number; p50 from commit to client stays under 30 ms."""
POSITIONS_S = 1.0
HEARTBEAT_S = 10.0
"""A closed connection is noticed, and an ended session ends its stream, within this."""
BATCH = 200
QUEUE_LIMIT = 500
"""Frames that a slow listener may be behind before it is cut off; proposal."""
MAX_STREAMS = 48
"""Per process; each holds a thread of the 64 that the web server has (`api.launch.web`)."""
MAX_STREAMS_EACH = 6
"""Per account, for tabs and reconnects; one more ends its oldest: nobody keeps the others out. Proposal."""
PERSON_FRAME_BYTES = 512
"""Every frame to her, heartbeats too, is as long as any other: who counts bytes learns nothing (T15)."""

_HEARTBEAT = b":\n\n"
_log = Log("streams")
PositionsOf = Callable[[Session, list[UUID]], list[dict[str, Any]]]


class TooManyStreams(Exception):
    """This process holds as many streams as it can."""


@dataclass(frozen=True, slots=True)
class _Item:
    """What the hub hands over: a finished frame, or a message that its listener frames itself."""

    seq: int | None
    frame: bytes = b""
    message: Notification | None = None


@dataclass(eq=False, slots=True)
class Listener:
    """One open stream. `start_seq` is the cursor up to which the hub had handed things over at its start."""

    owner_id: UUID
    person_id: UUID | None
    start_seq: int
    items: queue.Queue[_Item | None] = field(default_factory=lambda: queue.Queue(QUEUE_LIMIT))
    is_cut: bool = False

    def offer(self, item: _Item) -> None:
        """Hand something over; a listener whose queue is full is cut off."""
        try:
            self.items.put_nowait(item)
        except queue.Full:
            self.cut()

    def cut(self) -> None:
        """End the stream; its client resumes by its cursor."""
        self.is_cut = True
        try:
            self.items.put_nowait(None)  # wakes it
        except queue.Full:
            return  # it is awake


class Streams:
    """All streams of one process. Makes its thread at the first listener, after any fork."""

    def __init__(self, engine: Engine, positions_of: PositionsOf) -> None:
        """Prepare; `positions_of` returns the last positions of orders, ready as JSON types."""
        self._engine = engine
        self._positions_of = positions_of
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._thread: threading.Thread | None = None
        self._entry_seq = 0
        self._message_seq = 0
        self._positions: bytes | None = None
        self._positions_at_s = 0.0

    def listen(self, owner_id: UUID, person_id: UUID | None = None) -> Listener:
        """Register a stream: of the control room, or of one person. `close` must follow.

        Whatever is committed after `start_seq` reaches its queue; what came before, a read finds.
        """
        with self._lock:
            if self._thread is None:
                with reading(self._engine) as session:
                    self._entry_seq = service.last_entry_seq(session)
                    self._message_seq = service.last_message_seq(session)
                self._positions = None
            own = [one for one in self._listeners if one.owner_id == owner_id]
            if len(own) >= MAX_STREAMS_EACH:
                own[0].cut()
                self._listeners.remove(own[0])
            if len(self._listeners) >= MAX_STREAMS:
                raise TooManyStreams
            start_seq = self._entry_seq if person_id is None else self._message_seq
            listener = Listener(owner_id, person_id, start_seq)
            if person_id is None and self._positions is not None:
                listener.offer(_Item(None, self._positions))
            self._listeners.append(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
                self._thread.start()
        return listener

    def close(self, listener: Listener) -> None:
        """Forget a stream; the last one lets the thread end."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def end_of(self, owner_id: UUID) -> None:
        """Cut every stream of an account off now; its client is then asked to sign in again."""
        with self._lock:
            own = [one for one in self._listeners if one.owner_id == owner_id]
            for listener in own:
                listener.cut()
                self._listeners.remove(listener)

    def control_frames(
        self, listener: Listener, after: int | None, is_allowed: Callable[[], bool]
    ) -> Iterator[bytes]:
        """Yield the alert log after the cursor (None: from now on) and positions, until cut off."""
        with reading(self._engine) as session:
            last = service.last_entry_seq(session)
        seq = _start(listener, after, last)
        yield _frame("hello", {"seq": last}, seq)
        while True:
            with reading(self._engine) as session:
                news = service.news_after(session, seq, BATCH)
            for entry, view in news:
                seq = entry.seq
                yield _frame("alert", news_json(entry, view), seq)
            if len(news) < BATCH:
                break
        for item in _items(listener, is_allowed):
            if item is None:
                yield _HEARTBEAT
            elif item.seq is None:
                yield item.frame
            elif item.seq > seq:
                seq = item.seq
                yield item.frame

    def person_frames(
        self, listener: Listener, after: int | None, cover: Cover, is_allowed: Callable[[], bool]
    ) -> Iterator[bytes]:
        """Yield her messages, all of one size and in the cover's words: what waited, then what comes."""
        yield _person_heartbeat()
        with reading(self._engine) as session:
            seq = _start(listener, after, service.last_message_seq(session))
        for message in self._waiting(listener, after, seq):
            yield _person_frame(message, cover)
            self._mark_shown(message)
            seq = max(seq, message.seq)
        for item in _items(listener, is_allowed):
            if item is None:
                yield _person_heartbeat()
            elif item.message is not None and item.message.seq > seq:
                seq = item.message.seq
                yield _person_frame(item.message, cover)
                self._mark_shown(item.message)

    def _waiting(self, listener: Listener, after: int | None, seq: int) -> list[Notification]:
        """Return what came while she did not listen: after her cursor, or never shown to any stream."""
        if listener.person_id is None:
            raise ValueError("a stream of messages needs a person")
        with reading(self._engine) as session:
            if after is None:
                return service.unseen_messages(session, listener.person_id, seq, clock.now())
            return service.messages_after(session, {listener.person_id}, seq, clock.now(), QUEUE_LIMIT)

    def _mark_shown(self, message: Notification) -> None:
        with transaction(self._engine) as session:
            service.mark_shown(session, message.id, clock.now())

    def _run(self) -> None:
        """Look and hand over until nobody listens."""
        while True:
            with self._lock:
                if not self._listeners:
                    self._thread = None
                    return
            try:
                is_more = self._look()
            except Exception as error:  # noqa: BLE001 - whatever it is: cut all off, so that each client sees it
                _log.error("streams cut off", error=type(error).__name__, count=len(self._listeners))
                with self._lock:
                    for listener in self._listeners:
                        listener.cut()
                    self._listeners.clear()
                    self._thread = None
                return
            if not is_more:
                clock.sleep_s(POLL_S)

    def _look(self) -> bool:
        """Hand over what is new; say whether there is more at once."""
        with reading(self._engine) as session:
            news, messages = [], []
            if service.last_entry_seq(session) > self._entry_seq:
                news = service.news_after(session, self._entry_seq, BATCH)
            if (newest := service.last_message_seq(session)) > self._message_seq:
                messages = service.messages_after(session, None, self._message_seq, clock.now(), BATCH)
                if len(messages) == BATCH:
                    newest = messages[-1].seq
        items = [_Item(entry.seq, _frame("alert", news_json(entry, view), entry.seq)) for entry, view in news]
        with self._lock:
            if news:
                self._entry_seq = news[-1][0].seq
            self._message_seq = newest
            listeners = list(self._listeners)
        for listener in listeners:
            if listener.person_id is None:
                for item in items:
                    listener.offer(item)
            else:
                for message in messages:
                    if message.person_id == listener.person_id:
                        listener.offer(_Item(message.seq, message=message))
        if any(listener.person_id is None for listener in listeners):
            self._look_at_positions()
        return len(news) == BATCH or len(messages) == BATCH

    def _look_at_positions(self) -> None:
        """Hand over the positions of unresolved alerts, once a second and only when they changed."""
        if clock.monotonic_s() < self._positions_at_s:
            return
        self._positions_at_s = clock.monotonic_s() + POSITIONS_S
        try:
            with reading(self._engine) as session:
                order_ids = service.unresolved_order_ids(session)
                positions = self._positions_of(session, order_ids) if order_ids else []
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault in the map must not take the alerts away
            _log.error("positions failed", error=type(error).__name__)
            return
        frame = _frame("positions", {"positions": positions})
        with self._lock:
            if frame == self._positions:
                return
            self._positions = frame
            listeners = [one for one in self._listeners if one.person_id is None]
        for listener in listeners:
            listener.offer(_Item(None, frame))


def make_streams(engine: Engine, positions_of: PositionsOf) -> Streams:
    """Return the streams of one process; the app keeps them in `extensions["baken.streams"]`."""
    return Streams(engine, positions_of)


def _start(listener: Listener, after: int | None, last: int) -> int:
    """Return the cursor to begin at: the client's, unless it has none or one of another database.

    It is held against the database: the hub may be a moment behind what the client has read already.
    """
    return listener.start_seq if after is None or after > last else after


def _items(listener: Listener, is_allowed: Callable[[], bool]) -> Iterator[_Item | None]:
    """Yield what the hub hands over, and None when a heartbeat is due; ends when cut off or signed out."""
    beat_at_s = clock.monotonic_s() + HEARTBEAT_S
    while not listener.is_cut:
        try:
            item = listener.items.get(timeout=max(0.0, beat_at_s - clock.monotonic_s()))
        except queue.Empty:
            item = None
        if clock.monotonic_s() >= beat_at_s:  # by the clock: a busy stream is checked as well
            if not is_allowed():
                return
            beat_at_s = clock.monotonic_s() + HEARTBEAT_S
            yield None
        if item is not None and not listener.is_cut:
            yield item


def _frame(event: str, data: dict[str, Any], seq: int | None = None) -> bytes:
    cursor = "" if seq is None else f"id: {seq}\n"
    return f"{cursor}event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def _person_frame(message: Notification, cover: Cover) -> bytes:
    """Write id, time and one of the cover's texts; nothing else of the message can reach the frame."""
    data = {
        "id": str(message.id),
        "text": cover.text(wording_of(message.payload)),
        "at": message.created_at.isoformat(timespec="seconds"),
    }
    head = f"id: {message.seq}\nevent: message\ndata: {json.dumps(data)}".encode()
    return head.ljust(PERSON_FRAME_BYTES - 2) + b"\n\n"


def _person_heartbeat() -> bytes:
    return b":".ljust(PERSON_FRAME_BYTES - 2) + b"\n\n"

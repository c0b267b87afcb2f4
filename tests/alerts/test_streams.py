import functools
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from api.alerts import service, streams
from api.alerts.model import Alert, Channel, EventKind, Notification, NotificationState, ResolveReason
from api.alerts.rules.telling import CHOSEN_TEXT
from api.alerts.streams import PERSON_FRAME_BYTES, Listener, Streams, TooManyStreams, make_streams
from api.kernel import clock
from api.kernel.config import COVERS
from api.kernel.db import transaction
from api.safety_plans.model import cover_named
from tests.alerts.stage import Stage, breach, make_stage
from tests.factories import NOW
from tests.house import wait_until

TIMER = cover_named("timer")
TEXT = TIMER.neutral_text


class Reader:
    """A client: a thread that reads one stream and keeps what it got."""

    def __init__(self, hub: Streams, person_id: UUID | None = None, after: int | None = None) -> None:
        self.hub = hub
        self.allowed = True
        self.raw: list[bytes] = []
        self.listener = hub.listen(uuid4(), person_id)
        frames = (
            hub.control_frames(self.listener, after, self.is_allowed)
            if person_id is None
            else hub.person_frames(self.listener, after, TIMER, self.is_allowed)
        )
        self.thread = threading.Thread(target=self.read, args=(frames,), name="reader", daemon=True)
        self.thread.start()

    def is_allowed(self) -> bool:
        return self.allowed

    def read(self, frames: Iterator[bytes]) -> None:
        self.raw.extend(frames)
        self.hub.close(self.listener)

    def got(self, event: str) -> list[dict[str, Any]]:
        return [data for name, data in map(parse, self.raw) if name == event]

    def stop(self) -> None:
        self.listener.cut()
        self.thread.join(10)
        self.hub.close(self.listener)


def parse(frame: bytes) -> tuple[str, dict[str, Any]]:
    lines = dict(line.split(": ", 1) for line in frame.decode().rstrip("\n").split("\n") if ": " in line)
    return lines.get("event", ""), json.loads(lines.get("data", "{}"))


def has_news(reader: Reader, done: threading.Event) -> bool:
    return bool(reader.got("alert")) or done.is_set()


def no_positions(_session: object, _order_ids: list[UUID]) -> list[dict[str, Any]]:
    return []


@pytest.fixture
def stage(engine: Engine) -> Stage:
    return make_stage(engine, people=2)


@pytest.fixture
def hub(engine: Engine) -> Iterator[Streams]:
    made = make_streams(engine, no_positions)
    yield made
    for listener in list(made._listeners):
        listener.cut()
        made.close(listener)
    for thread in threading.enumerate():
        if thread.name == "reader":  # one that still asks the database would fail when it goes
            thread.join(10)
    wait_until(lambda: made._thread is None)


def tell_now(stage: Stage, *kinds: EventKind, **more: Any) -> list[Alert]:
    now = clock.now()
    return stage.tell(*[breach(stage, kind, occurred_at=now, **more) for kind in kinds], now=now)


def close_all(stage: Stage) -> None:
    for alert in stage.alerts():
        if alert.resolved_at is None:
            with transaction(stage.engine) as session:
                service.resolve(session, alert.id, uuid4(), ResolveReason.FALSE_ALARM, "", clock.now())


def messages(stage: Stage) -> list[Notification]:
    return sorted(
        (one for one in stage.outbox() if one.channel == Channel.PERSON_STREAM), key=lambda one: one.seq
    )


def test_without_a_cursor_the_stream_begins_now(stage: Stage, hub: Streams) -> None:
    tell_now(stage, EventKind.ZONE_BUFFER)
    reader = Reader(hub)
    wait_until(lambda: reader.raw)
    assert reader.got("hello") == [{"seq": 1}]
    tell_now(stage, EventKind.ZONE_BREACH)
    (news,) = wait_until(lambda: reader.got("alert"))
    assert news["seq"] == 2
    assert news["alert"]["severity"] == 1
    assert news["alert"]["order_reference"].startswith("C-")
    assert news["entry"]["event"]["wearer"]["point"].keys() == {"lat", "lon"}
    assert news["entry"]["kind"] == "raised"


def test_acts_of_people_are_on_the_stream_too(stage: Stage, hub: Streams) -> None:
    reader = Reader(hub)
    (alert,) = tell_now(stage, EventKind.ZONE_BREACH)
    with transaction(stage.engine) as session:
        service.acknowledge(session, alert.id, uuid4(), clock.now())
    wait_until(lambda: len(reader.got("alert")) == 2)
    last = reader.got("alert")[-1]
    assert (last["alert"]["state"], last["entry"]["event"]) == ("acknowledged", None)


def test_a_resumed_stream_misses_nothing_and_repeats_nothing(stage: Stage, hub: Streams) -> None:
    """Events are committed all the while clients come, go and resume."""
    total = 150
    done = threading.Event()

    def tell() -> None:
        for _ in range(total):
            tell_now(stage, EventKind.ZONE_BREACH, repeat=True)
        done.set()

    seen: list[int] = []
    teller = threading.Thread(target=tell)
    teller.start()
    while len(seen) < total:
        reader = Reader(hub, after=seen[-1] if seen else 0)
        wait_until(functools.partial(has_news, reader, done))
        reader.stop()
        seen += [news["seq"] for news in reader.got("alert")]
    teller.join(30)
    assert seen == list(range(1, total + 1))


def test_a_cursor_from_the_future_begins_now(stage: Stage, hub: Streams) -> None:
    reader = Reader(hub, after=10_000)
    tell_now(stage, EventKind.ZONE_BREACH)
    wait_until(lambda: reader.got("alert"))


def test_a_slow_listener_is_cut_off_and_the_others_go_on(
    stage: Stage, hub: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "QUEUE_LIMIT", 5)
    slow = hub.listen(uuid4())
    monkeypatch.setattr(streams, "QUEUE_LIMIT", 500)
    reader = Reader(hub)
    for _ in range(10):
        tell_now(stage, EventKind.ZONE_BREACH, repeat=True)
    wait_until(lambda: len(reader.got("alert")) == 10)
    assert slow.is_cut
    frames = list(hub.control_frames(slow, None, lambda: True))
    assert [parse(frame)[0] for frame in frames if parse(frame)[0] == "hello"] == ["hello"]
    resumed = Reader(hub, after=0)
    wait_until(lambda: len(resumed.got("alert")) == 10)


def test_the_thread_lives_only_while_somebody_listens(stage: Stage, hub: Streams) -> None:
    assert hub._thread is None
    reader = Reader(hub)
    reader.stop()
    wait_until(lambda: hub._thread is None)
    tell_now(stage, EventKind.ZONE_BREACH)
    again = Reader(hub)
    wait_until(lambda: again.raw)
    assert again.got("alert") == []


def test_one_account_cannot_keep_the_others_out(hub: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 8)
    greedy = uuid4()
    own = [hub.listen(greedy) for _ in range(20)]
    assert [listener.is_cut for listener in own].count(False) == streams.MAX_STREAMS_EACH
    hub.listen(uuid4())
    hub.listen(uuid4())
    with pytest.raises(TooManyStreams):
        hub.listen(uuid4())
    hub.close(own[-1])
    hub.listen(uuid4())


def test_the_streams_of_an_account_that_was_closed_end_at_once_and_no_others(hub: Streams) -> None:
    closed, other = uuid.uuid4(), uuid.uuid4()
    first, second, kept = hub.listen(closed), hub.listen(closed), hub.listen(other)
    hub.end_of(closed)
    assert (first.is_cut, second.is_cut, kept.is_cut) == (True, True, False)
    assert list(hub.control_frames(first, None, lambda: True))[1:] == []
    hub.end_of(uuid.uuid4())
    hub.close(kept)


def test_positions_are_sent_when_they_change_and_only_to_the_control_room(
    stage: Stage, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "POSITIONS_S", 0.02)
    where = {"lat": 52.0}
    asked: list[list[UUID]] = []

    def positions_of(_session: object, order_ids: list[UUID]) -> list[dict[str, Any]]:
        asked.append(order_ids)
        return [dict(where)]

    hub = make_streams(engine, positions_of)
    reader, hers = Reader(hub), Reader(hub, stage.people[0])
    wait_until(lambda: reader.got("positions") == [{"positions": []}])
    assert asked == []
    tell_now(stage, EventKind.ZONE_BREACH)
    wait_until(lambda: len(reader.got("positions")) == 2)
    where["lat"] = 53.0
    wait_until(lambda: len(reader.got("positions")) == 3)
    late = Reader(hub)
    wait_until(lambda: late.got("positions") == [{"positions": [{"lat": 53.0}]}])
    assert asked[0] == [stage.order_id]
    wait_until(lambda: hers.got("message"))
    assert b"positions" not in b"".join(hers.raw)
    for one in (reader, hers, late):
        one.stop()
    wait_until(lambda: hub._thread is None)


def test_a_fault_in_the_map_does_not_take_the_alerts_away(stage: Stage, engine: Engine) -> None:
    def fail(*_arguments: object) -> list[dict[str, Any]]:
        raise ZeroDivisionError

    hub = make_streams(engine, fail)
    reader = Reader(hub)
    tell_now(stage, EventKind.ZONE_BREACH)
    wait_until(lambda: reader.got("alert"))
    tell_now(stage, EventKind.ZONE_BREACH, repeat=True)
    wait_until(lambda: len(reader.got("alert")) == 2)
    reader.stop()
    wait_until(lambda: hub._thread is None)


def test_a_fault_of_the_hub_ends_every_stream_visibly_and_the_next_one_works(
    stage: Stage, hub: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(hub)
    wait_until(lambda: reader.raw)
    with monkeypatch.context() as patch:
        patch.setattr(Streams, "_look", lambda _hub: 1 / 0)
        tell_now(stage, EventKind.ZONE_BREACH)
        reader.thread.join(10)
        assert not reader.thread.is_alive()
        wait_until(lambda: hub._thread is None)
    again = Reader(hub, after=0)
    wait_until(lambda: again.got("alert"))


def test_a_stream_ends_with_its_session_even_when_it_is_never_quiet(
    stage: Stage, hub: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.1)
    reader = Reader(hub)
    wait_until(lambda: b":\n\n" in reader.raw)
    reader.allowed = False
    for _ in range(300):
        tell_now(stage, EventKind.ZONE_BREACH, repeat=True)
        if not reader.thread.is_alive():
            break
    assert not reader.thread.is_alive()


# Her stream ------------------------------------------------------------------------------------------


def test_she_gets_her_own_messages_and_nobody_elses(stage: Stage, hub: Streams) -> None:
    hers, other = Reader(hub, stage.people[0]), Reader(hub, stage.people[1])
    tell_now(stage, EventKind.PROXIMITY_BREACH)
    (message,) = wait_until(lambda: hers.got("message"))
    assert message.keys() == {"id", "text", "at"}
    assert message["text"] == TEXT
    close_all(stage)
    tell_now(stage, EventKind.PROXIMITY_BREACH, person_id=stage.people[1])
    wait_until(lambda: other.got("message") and len(hers.got("message")) == 2)  # hers: the alert and its end
    assert len(other.got("message")) == 1
    assert hers.got("message")[0]["id"] != other.got("message")[0]["id"]
    wait_until(lambda: {one.state for one in messages(stage)} == {NotificationState.SENT})


def test_every_frame_to_her_has_the_same_size_and_tells_nothing(
    stage: Stage, hub: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    reader = Reader(hub, stage.people[0])
    for kind in (EventKind.SOS, EventKind.ZONE_BREACH, EventKind.STRAP_TAMPER, EventKind.JAM_SHIELD):
        tell_now(stage, kind, person_id=stage.people[0])
    wait_until(lambda: len(reader.got("message")) == 4 and len(reader.raw) > 8)
    assert {len(frame) for frame in reader.raw} == {PERSON_FRAME_BYTES}
    texts = {(tuple(message), message["text"]) for message in reader.got("message")}
    assert texts == {(("id", "text", "at"), TEXT)}


payloads = st.dictionaries(st.text() | st.just("text"), st.text() | st.integers() | st.none())


@given(st.integers(1, 2**63 - 1), payloads, st.sampled_from(COVERS))
def test_no_payload_and_no_number_changes_the_size_of_her_frame(
    seq: int, payload: dict[str, Any], name: str
) -> None:
    message = Notification(
        seq=seq,
        id=uuid4(),
        alert_id=uuid4(),
        channel=Channel.PERSON_STREAM,
        person_id=uuid4(),
        device_id=None,
        payload=payload,
        state=NotificationState.PENDING,
        attempts=0,
        created_at=NOW,
        next_attempt_at=NOW,
    )
    cover = cover_named(name)
    frame = streams._person_frame(message, cover)
    assert len(frame) == PERSON_FRAME_BYTES
    assert parse(frame)[1]["text"] in cover.neutral_texts
    chosen = {CHOSEN_TEXT: payload.get(CHOSEN_TEXT)}
    assert frame == streams._person_frame(replace(message, payload=chosen), cover)


def test_what_came_while_she_was_away_waits_for_her_once(stage: Stage, hub: Streams) -> None:
    tell_now(stage, EventKind.PROXIMITY_BREACH)
    reader = Reader(hub, stage.people[0])
    wait_until(lambda: reader.got("message"))
    wait_until(lambda: {one.state for one in messages(stage)} == {NotificationState.SENT})
    reader.stop()
    again = Reader(hub, stage.people[0])
    wait_until(lambda: again.raw)
    again.stop()
    assert again.got("message") == []


def test_her_stream_resumes_by_its_cursor(stage: Stage, hub: Streams) -> None:
    for _ in range(3):
        tell_now(stage, EventKind.PROXIMITY_BREACH)
        close_all(stage)
    sent = messages(stage)  # each alert and its end
    reader = Reader(hub, stage.people[0], after=sent[0].seq)
    wait_until(lambda: len(reader.got("message")) == 5)
    assert [message["id"] for message in reader.got("message")] == [str(one.id) for one in sent[1:]]


def test_a_stream_of_messages_needs_a_person(hub: Streams) -> None:
    with pytest.raises(ValueError, match="person"):
        list(hub.person_frames(Listener(uuid4(), None, 0), None, TIMER, lambda: True))

"""The stores of fixes, states, alarms and rejects, on both databases."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from api.geofence.model import (
    WELL,
    AlarmKind,
    DeviceAlarm,
    Fix,
    FixSource,
    Health,
    Presence,
    PresenceState,
)
from api.geofence.store.alarms import is_stored, save_alarm
from api.geofence.store.fixes import (
    FixRecord,
    count_fixes,
    find_around,
    find_known,
    key_of,
    list_last,
    list_track,
    save_fixes,
)
from api.geofence.store.rejected import (
    KEPT_BYTES,
    KEPT_PER_DEVICE,
    Rejected,
    count_rejected,
    keep_rejected,
    list_rejected,
)
from api.geofence.store.states import (
    DeviceState,
    StateKey,
    Subject,
    list_device_states,
    list_presences,
    save_device_states,
    save_presences,
)
from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from tests.factories import NOW, make_fix

DEVICE, OTHER = UUID(int=1), UUID(int=2)
TROUBLED = Health(
    battery_stage=2,
    unchanged_since=NOW,
    frozen_told=True,
    moves_s=((1.5, 2.25), (3.0, 1795435200.0)),
    moving_s=1795435200.0,
    no_fix_told=True,
    implausible_at=NOW,
    gnss_lost_at=NOW + timedelta(milliseconds=1),
    jam_told=True,
    unpaired_since=NOW,
    pairing_told=True,
    powered_off_at=NOW,
    permission_told=True,
)
"""Nothing of it as in `WELL`."""


def store(engine: Engine, *fixes: Fix) -> None:
    records = {key_of(fix): FixRecord(fix, NOW, "live", ("coarse",), b"{}") for fix in fixes}
    with transaction(engine) as session:
        save_fixes(session, 1, records)


def walk(count: int, device_id: UUID = DEVICE) -> list[Fix]:
    return [
        make_fix(device_id=device_id, at=NOW + timedelta(seconds=60 * i), point=Point(52.0, 4.5 + i / 1000))
        for i in range(count)
    ]


def test_a_fix_comes_back_as_it_was_stored(engine: Engine) -> None:
    fix = Fix(
        device_id=DEVICE,
        fixed_at=NOW,
        received_at=NOW + timedelta(milliseconds=1234),
        point=Point(-16.123456789012, 179.999999),
        accuracy_m=None,
        seq=2**62,
        altitude_m=-3.5,
        speed_m_s=1.25,
        course_deg=359.9,
        battery_pct=0,
        source=FixSource.CELL,
        strap_closed=False,
    )
    store(engine, fix)
    with reading(engine) as session:
        assert list_track(session, DEVICE, NOW, NOW, 10) == [fix]
        assert count_fixes(session) == 1


def test_the_same_fix_twice_cannot_be_stored(engine: Engine) -> None:
    store(engine, make_fix())
    with pytest.raises(IntegrityError):
        store(engine, make_fix())


def test_known_fixes_are_found_among_many(engine: Engine) -> None:
    stored, new = walk(400), walk(3, OTHER)
    store(engine, *stored)
    with reading(engine) as session:
        assert find_known(session, [key_of(fix) for fix in stored + new]) == {key_of(fix) for fix in stored}


@given(
    seq=st.one_of(st.none(), st.integers(0, 2**63 - 1)),
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180),
)
def test_a_key_is_the_same_for_the_same_message_and_another_for_another_counter(
    seq: int | None, lat: float, lon: float
) -> None:
    fix = make_fix(point=Point(lat, lon), seq=seq)
    again = msgspec.structs.replace(fix, received_at=NOW + timedelta(hours=1))
    assert key_of(fix) == key_of(again)
    assert key_of(fix) != key_of(msgspec.structs.replace(fix, seq=5 if seq != 5 else 6))


def test_the_neighbours_in_time_are_found_over_all_devices_of_somebody(engine: Engine) -> None:
    mine, others = walk(4), walk(4, OTHER)
    store(engine, *mine[:2], *others[2:])
    with reading(engine) as session:
        before, after = find_around(session, [DEVICE, OTHER], NOW + timedelta(seconds=90))
        assert (before, after) == (mine[1], others[2])
        assert find_around(session, [DEVICE], NOW - timedelta(seconds=1)) == (None, mine[0])
        assert find_around(session, [], NOW) == (None, None)


def test_the_last_fixes_are_those_that_moved_the_present_state(engine: Engine) -> None:
    fixes = walk(4)
    store(engine, *fixes)
    evidence = make_fix(device_id=DEVICE, at=NOW + timedelta(seconds=95))
    with transaction(engine) as session:
        save_fixes(session, 1, {key_of(evidence): FixRecord(evidence, NOW, "past", (), b"{}")})
    with reading(engine) as session:
        assert list_last(session, DEVICE, 3) == fixes[1:]
        assert list_last(session, OTHER, 3) == []


def test_a_track_keeps_its_newest_end_when_it_is_cut(engine: Engine) -> None:
    fixes = walk(5)
    store(engine, *fixes)
    with reading(engine) as session:
        assert list_track(session, DEVICE, NOW, NOW + timedelta(hours=1), 2) == fixes[3:]


def test_presences_are_written_again_and_again(engine: Engine) -> None:
    key = StateKey.of(uuid4(), Subject.ZONE, uuid4())
    other = StateKey.of(uuid4(), Subject.PERSON, uuid4())
    first = PresenceState(Presence.BUFFER, NOW, 1, NOW, 0b101, None)
    second = PresenceState(Presence.INSIDE, NOW, 0, None, 0, NOW)
    with transaction(engine) as session:
        save_presences(session, {key: first, other: PresenceState()})
    with transaction(engine) as session:
        save_presences(session, {key: second})
    with reading(engine) as session:
        assert list_presences(session) == {key: second, other: PresenceState()}
        assert list_presences(session, {key.order_id}) == {key: second}


def test_a_devices_last_word_is_written_over(engine: Engine) -> None:
    known = DeviceState(
        DEVICE,
        NOW,
        make_fix(device_id=DEVICE),
        ("coarse", "jump"),
        strap_closed=True,
        battery_pct=55,
        strap_heard_at=NOW - timedelta(seconds=30),
        spoke_at=NOW,
        health=TROUBLED,
    )
    with transaction(engine) as session:
        save_device_states(session, [DeviceState(DEVICE, NOW), DeviceState(OTHER, NOW)])
        save_device_states(session, [known])
        save_device_states(session, [])
    with reading(engine) as session:
        assert list_device_states(session, {DEVICE}) == {DEVICE: known}
        assert set(list_device_states(session)) == {DEVICE, OTHER}


def test_a_device_without_troubles_comes_back_as_the_very_same_health(engine: Engine) -> None:
    with transaction(engine) as session:
        save_device_states(session, [DeviceState(DEVICE, NOW, health=TROUBLED)])
        save_device_states(session, [DeviceState(DEVICE, NOW)])
    with reading(engine) as session:
        assert list_device_states(session)[DEVICE].health is WELL


def test_troubles_in_words_that_we_do_not_know_count_as_not_told(engine: Engine) -> None:
    with transaction(engine) as session:
        save_device_states(session, [DeviceState(DEVICE, NOW), DeviceState(OTHER, NOW, health=TROUBLED)])
        session.execute(
            text("UPDATE device_state SET health = :said WHERE strap_heard_at IS NULL AND health IS NULL"),
            {"said": '{"battery_stage": "empty"}'},
        )
    with reading(engine) as session:
        states = list_device_states(session)
    assert states[DEVICE].health is WELL
    assert states[OTHER].health == TROUBLED


def test_an_alarm_delivered_twice_is_known(engine: Engine) -> None:
    alarm = DeviceAlarm(DEVICE, NOW, NOW, AlarmKind.SOS, "sos", None, Point(52.0, 4.5), 5.0)
    again = msgspec.structs.replace(alarm, received_at=NOW + timedelta(seconds=9))
    with transaction(engine) as session:
        save_alarm(session, alarm, b"x", NOW, 1, 0)
        assert is_stored(session, again)
        for other in ({"seq": 4}, {"device_id": OTHER, "point": None}):
            assert not is_stored(session, msgspec.structs.replace(alarm, **other))
            save_alarm(session, msgspec.structs.replace(alarm, **other), b"x", NOW, 1, 1)


def reject(number: int, device: str = "d", reason: str = "malformed", payload: bytes = b"{") -> Rejected:
    at = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=number)
    return Rejected("em/v1/1/d", device, at, reason, "", payload)


def test_every_rejected_message_is_counted_and_the_newest_are_kept(engine: Engine) -> None:
    flood = KEPT_PER_DEVICE + 50
    with transaction(engine) as session:
        keep_rejected(session, [reject(0), reject(1, "other", "ancient", b"y" * 5000)])
        keep_rejected(session, [])
    with transaction(engine) as session:
        keep_rejected(session, [reject(number) for number in range(2, flood)])
    with reading(engine) as session:
        assert count_rejected(session) == {"malformed": flood - 1, "ancient": 1}
        kept = list_rejected(session, 1000)
    assert len([message for message in kept if message.device == "d"]) == KEPT_PER_DEVICE
    assert kept[0] == reject(flood - 1)
    long = next(message for message in kept if message.device == "other")
    assert len(long.payload) == KEPT_BYTES
